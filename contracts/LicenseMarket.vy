# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title LicenseMarket: offers and licenses
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/ILicenseMarket.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import ILicenseMarket
from .interfaces import IRoyaltyVault
from .interfaces import IWorkRegistry
from .interfaces import types
from .modules import erc721


implements: ILicenseMarket

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc721


# Renouncing is left out: it would leave a pause in place for ever.
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    erc721.approve,
    erc721.setApprovalForAll,
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.getApproved,
    erc721.isApprovedForAll,
)


interface Renderer:
    def license_uri(market: address, license: uint256) -> String[16384]: view


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE
FOREVER: constant(uint256) = 2**40 - 1
MAX_FEE_BPS: constant(uint16) = 250

# All bits and codes that are defined.
USAGES: constant(uint16) = 2**8 - 1
ASPECTS: constant(uint16) = 2**9 - 1
FORBIDS: constant(uint16) = 2**7 - 1
OFFER_FLAGS: constant(uint8) = 2**4 - 1
BUNDLE: constant(uint8) = 1
TRANSFERABLE: constant(uint8) = 2
EXCLUSIVE: constant(uint8) = 4
LAST_UNIT: constant(uint8) = 5
LAST_AFTER_TERM: constant(uint8) = 3

# The host's 96 bits of a license's word:
#
#   255   248 247    240 239          200 199          160
#   | unused | flags    | issued at (s)  | expires at (s) |
EXPIRY_AT: constant(uint256) = 160
ISSUED_AT: constant(uint256) = 200
FLAGS_AT: constant(uint256) = 240
HOST_MASK: constant(uint256) = max_value(uint256) ^ (2**160 - 1)
LOCKED: constant(uint256) = 1
ENDED: constant(uint256) = 2

# An offer's word. Only `sold` ever counts up; the rest is a copy for contracts that know the id alone.
#
#   216    208..215 200..207     168..199 136..167  120..135 104..119  88..103   72..87   32..71     0..31
#   | live | flags  | after_term | end_ms | start_ms | share  | forbids | aspects | usages | posted at | sold |
POSTED_AT: constant(uint256) = 32
STATUS_LIVE: constant(uint256) = 1 << 216
SOLD_MASK: constant(uint256) = 2**32 - 1

# A license id is its offer's id, whose last 32 bits are zero, plus the number of the sale.
SALE_MASK: constant(uint256) = 2**32 - 1

# A work's exclusivity word: for each usage bit the hour (since 1970, rounded up) until which an exclusive
# license runs, 2**24 - 1 for ever; above them, how many datasets hold the work.
#
#   224..255 192..223    168..191 …  0..23
#   | unused | datasets | usage 7 … usage 0 |
HOUR: constant(uint256) = 3600
LANE: constant(uint256) = 24
LANE_MASK: constant(uint256) = 2**24 - 1
DATASETS_AT: constant(uint256) = 192

VAULT: public(immutable(address))
REGISTRY: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
DISPUTES: public(immutable(address))
CERTIFICATES: public(immutable(address))

name: public(constant(String[25])) = "IPTO licenses"
symbol: public(constant(String[5])) = "LIC"

offers: HashMap[bytes32, uint256]
exclusivity: HashMap[uint256, uint256]
consents: HashMap[bytes32, HashMap[address, bool]]

#   255   177      176       160 159              0
#   | unused | paused | fee bps | fee recipient    |
terms_of_trade: uint256
PAUSED: constant(uint256) = 1 << 176


struct Sale:
    offer_id: bytes32
    payee: bytes32
    fee: uint256
    total: uint256
    cultural: bytes32
    claim_rank: uint256
    fee_account: bytes32
    number: uint256
    expires_at: uint256


@deploy
def __init__(
    owner: address,
    vault: address,
    registry: address,
    signed_actions: address,
    disputes: address,
    certificates: address,
):
    assert owner != empty(address), "market: bad wiring"
    assert vault.is_contract and registry.is_contract and signed_actions.is_contract, "market: bad wiring"
    ownable.__init__()
    ownable_2step.__init__()
    erc721.__init__()
    ownable_2step._transfer_ownership(owner)
    VAULT = vault
    REGISTRY = registry
    SIGNED_ACTIONS = signed_actions
    DISPUTES = disputes
    CERTIFICATES = certificates


# ---- licensors ----------------------------------------------------------------------------------------


@external
def post(offer: types.Offer) -> bytes32:
    self._check_actor(offer.licensor)
    self._check_offer(offer)
    owner: address = empty(address)
    since: uint40 = 0
    payee: bytes32 = empty(bytes32)
    steward: address = empty(address)
    cultural: bytes32 = empty(bytes32)
    cleared: uint16 = 0
    work_flags: uint8 = 0
    (owner, since, payee, steward, cultural, cleared, work_flags) = staticcall IWorkRegistry(REGISTRY).sale_terms(offer.work)
    assert owner == offer.licensor, "market: licensor does not own the work"
    assert offer.aspects | cleared == cleared, "market: aspects not cleared"

    id: bytes32 = self._offer_id(offer)
    status: uint256 = self.offers[id]
    assert status & STATUS_LIVE == 0 or self._posted_at(status) < convert(since, uint256), "market: already posted"
    self.offers[id] = (
        (status & SOLD_MASK)
        | (block.timestamp << POSTED_AT)
        | (convert(offer.usages, uint256) << 72)
        | (convert(offer.aspects, uint256) << 88)
        | (convert(offer.forbids, uint256) << 104)
        | (convert(offer.revenue_share_bps, uint256) << 120)
        | (convert(offer.start_ms, uint256) << 136)
        | (convert(offer.end_ms, uint256) << 168)
        | (convert(offer.after_term, uint256) << 200)
        | (convert(offer.flags, uint256) << 208)
        | STATUS_LIVE
    )
    log ILicenseMarket.OfferPosted(offer_id=id, work=offer.work, licensor=offer.licensor, offer=offer)
    return id


@external
def withdraw_offer(offer: types.Offer):
    self._check_actor(offer.licensor)
    id: bytes32 = self._offer_id(offer)
    status: uint256 = self.offers[id]
    assert status & STATUS_LIVE != 0, "market: offer not live"
    self.offers[id] = status & ~STATUS_LIVE
    log ILicenseMarket.OfferWithdrawn(offer_id=id, work=offer.work, licensor=offer.licensor)


# ---- stewards -----------------------------------------------------------------------------------------


@external
def consent(actor: address, offer_id: bytes32):
    self._check_actor(actor)
    self.consents[offer_id][actor] = True
    log ILicenseMarket.ConsentSet(offer_id=offer_id, steward=actor, given=True)


@external
def revoke_consent(actor: address, offer_id: bytes32):
    self._check_actor(actor)
    self.consents[offer_id][actor] = False
    log ILicenseMarket.ConsentSet(offer_id=offer_id, steward=actor, given=False)


# ---- licensees ----------------------------------------------------------------------------------------


@external
@payable
def mint(offer: types.Offer, licensee: address, party: bytes32, max_total: uint256, acknowledged: bytes32) -> uint256:
    sale: Sale = self._prepare(offer, licensee, acknowledged)
    assert sale.total <= max_total, "market: price above max"
    license: uint256 = self._book_sale(offer, licensee, msg.sender, party, sale)
    if offer.currency == ETH:
        assert msg.value == sale.total, "market: ETH sent differs from the total"
        if sale.total != 0:
            accounts: DynArray[bytes32, 2] = []
            amounts: DynArray[uint256, 2] = []
            accounts, amounts = self._parts(offer, sale)
            extcall IRoyaltyVault(VAULT).credit(accounts, amounts, ETH, value=msg.value)
    else:
        assert msg.value == 0, "market: offer is not in ETH"
        if sale.total != 0:
            accounts: DynArray[bytes32, 2] = []
            amounts: DynArray[uint256, 2] = []
            accounts, amounts = self._parts(offer, sale)
            extcall IRoyaltyVault(VAULT).open(offer.currency)
            self._take(offer.currency, sale.total)
            extcall IRoyaltyVault(VAULT).credit(accounts, amounts, offer.currency)
    return license


@external
def mint_with_authorization(
    offer: types.Offer,
    licensee: address,
    party: bytes32,
    acknowledged: bytes32,
    authorization: types.Authorization,
) -> uint256:
    sale: Sale = self._prepare(offer, licensee, acknowledged)
    assert sale.total != 0, "market: nothing to authorize"
    license: uint256 = self._book_sale(offer, licensee, authorization.payer, party, sale)
    accounts: DynArray[bytes32, 2] = []
    amounts: DynArray[uint256, 2] = []
    accounts, amounts = self._parts(offer, sale)
    extcall IRoyaltyVault(VAULT).credit_with_authorization(
        accounts,
        amounts,
        offer.currency,
        self._order_hash(sale.offer_id, licensee, party, acknowledged),
        authorization,
    )
    return license


@external
@reentrant
def transferFrom(sender: address, receiver: address, token_id: uint256):
    self._move(sender, receiver, token_id)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""):
    self._move(sender, receiver, token_id)
    erc721._ask_receiver(sender, receiver, token_id, data)


# ---- the protocol's owner -----------------------------------------------------------------------------


@external
def set_fee(bps: uint16, recipient: address):
    ownable._check_owner()
    assert bps <= MAX_FEE_BPS, "market: fee above cap"
    assert recipient != empty(address) or bps == 0, "market: fee without recipient"
    self.terms_of_trade = (
        (self.terms_of_trade & PAUSED) | (convert(bps, uint256) << 160) | convert(recipient, uint256)
    )
    log ILicenseMarket.FeeSet(bps=bps, recipient=recipient)


@external
def set_paused(paused: bool):
    ownable._check_owner()
    self.terms_of_trade = (self.terms_of_trade & ~PAUSED) | (PAUSED if paused else 0)
    log ILicenseMarket.SalesPaused(paused=paused)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def permits(
    holder: address,
    license: uint256,
    offer: types.Offer,
    usage: uint16,
    aspect: uint16,
    start_ms: uint32,
    end_ms: uint32,
    at: uint256,
) -> bool:
    word: uint256 = erc721.words[license]
    host: uint256 = word >> EXPIRY_AT
    # Each line one reason for a no.
    return (
        holder != empty(address)
        and erc721._owner_in(word) == holder
        and self._offer_of(license) == self._offer_id(offer)
        and (word >> FLAGS_AT) & ENDED == 0
        and self._is_one_bit(usage)
        and offer.usages & usage != 0
        and self._is_one_bit(aspect)
        and offer.aspects & aspect != 0
        and start_ms < end_ms
        and start_ms >= offer.start_ms
        and end_ms <= offer.end_ms
        and at >= (word >> ISSUED_AT) & FOREVER
        and (at < host & FOREVER or host & FOREVER == FOREVER)
    )


@external
@view
def license_of(license: uint256) -> (address, uint40, uint40, uint8, bytes32):
    word: uint256 = erc721._word(license)
    return (
        erc721._owner_in(word),
        convert((word >> ISSUED_AT) & FOREVER, uint40),
        convert((word >> EXPIRY_AT) & FOREVER, uint40),
        convert((word >> FLAGS_AT) & 255, uint8),
        self._offer_of(license),
    )


@external
@view
def offer_id(offer: types.Offer) -> bytes32:
    return self._offer_id(offer)


@external
@view
def offer_status(
    offer_id: bytes32,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    status: uint256 = self.offers[offer_id]
    return (
        status & STATUS_LIVE != 0,
        convert(status & SOLD_MASK, uint32),
        convert(self._posted_at(status), uint40),
        convert((status >> 72) & (2**16 - 1), uint16),
        convert((status >> 88) & (2**16 - 1), uint16),
        convert((status >> 104) & (2**16 - 1), uint16),
        convert((status >> 120) & (2**16 - 1), uint16),
        convert((status >> 136) & (2**32 - 1), uint32),
        convert((status >> 168) & (2**32 - 1), uint32),
        convert((status >> 200) & 255, uint8),
        convert((status >> 208) & 255, uint8),
    )


@external
@view
def order_hash(offer: types.Offer, licensee: address, party: bytes32, acknowledged: bytes32) -> bytes32:
    return self._order_hash(self._offer_id(offer), licensee, party, acknowledged)


@external
@view
def quote(offer: types.Offer) -> (uint256, uint256, bytes32):
    sale: Sale = empty(Sale)
    owner: address = empty(address)
    since: uint256 = 0
    steward: address = empty(address)
    trade: uint256 = 0
    sale, owner, since, steward, trade = self._quote(offer)
    return sale.total, sale.fee, self._acknowledgement(offer.terms, sale)


@external
@view
def has_consent(offer_id: bytes32, steward: address) -> bool:
    return self.consents[offer_id][steward]


@external
@view
def exclusive_until(work: uint256, usage: uint16) -> uint256:
    assert self._is_one_bit(usage) and usage <= USAGES, "market: not one usage"
    word: uint256 = self.exclusivity[work]
    for i: uint256 in range(8):
        if convert(usage, uint256) == 1 << i:
            hour: uint256 = (word >> (LANE * i)) & LANE_MASK
            return max_value(uint256) if hour == LANE_MASK else hour * HOUR
    return 0


@external
@view
def fee() -> (uint16, address):
    """
    @notice The fee on top of prices (basis points) and who gets it.
    """
    word: uint256 = self.terms_of_trade
    return convert((word >> 160) & (2**16 - 1), uint16), convert(word & (2**160 - 1), address)


@external
@view
def sales_paused() -> bool:
    """
    @notice Whether new sales are stopped.
    """
    return self.terms_of_trade & PAUSED != 0


@external
@view
def locked(tokenId: uint256) -> bool:
    """
    @notice ERC-5192: whether a license cannot be transferred.
    """
    return self._is_locked(erc721._word(tokenId))


@external
@view
def isTransferable(tokenId: uint256, sender: address, receiver: address) -> bool:
    """
    @notice ERC-6454: whether a license can be transferred; from nobody to somebody: minted; from somebody to
            nobody: burnt. Both zero ask about transfers in general.
    """
    if sender == empty(address) and receiver != empty(address):
        return True
    word: uint256 = erc721._word(tokenId)
    is_burn: bool = sender != empty(address) and receiver == empty(address)
    return not is_burn and not self._is_locked(word)


@external
@view
def startTime(tokenId: uint256) -> uint256:
    """
    @notice ERC-7858: when a license was issued, UTC seconds.
    """
    return (erc721._word(tokenId) >> ISSUED_AT) & FOREVER


@external
@view
def endTime(tokenId: uint256) -> uint256:
    """
    @notice ERC-7858: when a license expires, UTC seconds; 2**256 - 1: never.
    """
    return self._end_time((erc721._word(tokenId) >> EXPIRY_AT) & FOREVER)


@external
@view
def isTokenExpired(tokenId: uint256) -> bool:
    """
    @notice ERC-7858: whether a license's term is over.
    """
    expiry: uint256 = (erc721._word(tokenId) >> EXPIRY_AT) & FOREVER
    return expiry != FOREVER and block.timestamp >= expiry


@external
@pure
def expiryType() -> uint8:
    """
    @notice ERC-7858: 1, terms are measured in time.
    """
    return 1


@external
@view
def tokenURI(token_id: uint256) -> String[16384]:
    """
    @notice The license's certificate (ERC-721), rendered on chain; empty where no renderer was deployed.
    """
    erc721._word(token_id)
    if CERTIFICATES == empty(address):
        return ""
    return staticcall Renderer(CERTIFICATES).license_uri(self, token_id)


@external
@view
def contractURI() -> String[256]:
    """
    @notice The collection's own metadata (ERC-7572), on chain.
    """
    return 'data:application/json;utf8,{"name":"IPTO licenses","symbol":"LIC","description":"Permissions to use videos for AI, under terms that never change."}'


@external
@view
def royaltyInfo(token_id: uint256, sale_price: uint256) -> (address, uint256):
    """
    @notice ERC-2981. The resale of a license owes nothing.
    """
    return erc721._owner(token_id), 0


@external
@pure
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @notice ERC-165: itself, ERC-721 with metadata, ERC-2981, ERC-5192, ERC-6454, ERC-7858, ERC-7572.
    """
    return interface_id in [
        0x01FFC9A7,
        0x80AC58CD,
        0x5B5E139F,
        0x2A55205A,
        0xB45A3C0E,
        0x91A6262F,
        0x3EBDFA31,
        0xE8A3D485,
    ]


# ---- internal: offers ---------------------------------------------------------------------------------


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "market: not the actor"


@internal
@pure
def _check_offer(offer: types.Offer):
    assert offer.usages != 0 and offer.usages <= USAGES, "market: usages out of range"
    assert offer.aspects != 0 and offer.aspects <= ASPECTS, "market: aspects out of range"
    assert offer.forbids <= FORBIDS, "market: forbids out of range"
    assert offer.start_ms < offer.end_ms, "market: scene is empty"
    assert offer.currency != empty(address), "market: currency is zero"
    assert offer.term != 0, "market: term is zero"
    assert offer.revenue_share_bps <= 10_000, "market: revenue share above 10000"
    assert offer.unit <= LAST_UNIT, "market: unit out of range"
    assert (offer.unit == 0) == (offer.unit_price == 0), "market: unit and unit price disagree"
    owes_reports: bool = offer.unit != 0 or offer.revenue_share_bps != 0
    assert owes_reports == (offer.report_every != 0), "market: reporting and what is owed disagree"
    assert offer.after_term != 0 and offer.after_term <= LAST_AFTER_TERM, "market: after_term out of range"
    assert offer.supply != 0, "market: supply is zero"
    assert offer.opens_at < offer.closes_at, "market: closes before it opens"
    assert offer.flags <= OFFER_FLAGS, "market: flags out of range"
    assert offer.flags & (BUNDLE | EXCLUSIVE) != BUNDLE | EXCLUSIVE, "market: a bundle is never exclusive"
    assert offer.terms != empty(bytes32), "market: terms are zero"


@internal
@pure
def _offer_id(offer: types.Offer) -> bytes32:
    return convert(convert(keccak256(abi_encode(offer)), uint256) & ~SALE_MASK, bytes32)


@internal
@pure
def _offer_of(license: uint256) -> bytes32:
    return convert(license & ~SALE_MASK, bytes32)


@internal
@pure
def _posted_at(status: uint256) -> uint256:
    return (status >> POSTED_AT) & FOREVER


@internal
@pure
def _is_one_bit(mask: uint16) -> bool:
    return mask != 0 and mask & (mask - 1) == 0


@internal
@view
def _order_hash(offer_id: bytes32, licensee: address, party: bytes32, acknowledged: bytes32) -> bytes32:
    return keccak256(abi_encode(chain.id, offer_id, licensee, party, acknowledged))


@internal
@pure
def _acknowledgement(terms: bytes32, sale: Sale) -> bytes32:
    return keccak256(abi_encode(terms, sale.cultural, sale.claim_rank))


# ---- internal: sales ----------------------------------------------------------------------------------


@internal
@view
def _quote(offer: types.Offer) -> (Sale, address, uint256, address, uint256):
    """
    @return What a sale now would be; the work's owner, since when it owns it, its steward; the terms of trade.
    """
    owner: address = empty(address)
    since: uint40 = 0
    payee: bytes32 = empty(bytes32)
    steward: address = empty(address)
    cultural: bytes32 = empty(bytes32)
    cleared: uint16 = 0
    work_flags: uint8 = 0
    (owner, since, payee, steward, cultural, cleared, work_flags) = staticcall IWorkRegistry(REGISTRY).sale_terms(offer.work)
    trade: uint256 = self.terms_of_trade
    price: uint256 = convert(offer.price, uint256)
    fee: uint256 = price * ((trade >> 160) & (2**16 - 1)) // 10_000
    sale: Sale = empty(Sale)
    sale.offer_id = self._offer_id(offer)
    sale.payee = convert(convert(owner, uint256), bytes32) if payee == empty(bytes32) else payee
    sale.fee = fee
    sale.total = price + fee
    sale.cultural = cultural
    sale.claim_rank = 1 if work_flags & 2 != 0 else 0
    sale.fee_account = convert(trade & (2**160 - 1), bytes32)
    return sale, owner, convert(since, uint256), steward, trade


@internal
def _prepare(offer: types.Offer, licensee: address, acknowledged: bytes32) -> Sale:
    """
    @dev Every rule of a sale. Counts it and guards exclusivity; takes no money yet.
    """
    sale: Sale = empty(Sale)
    owner: address = empty(address)
    since: uint256 = 0
    steward: address = empty(address)
    trade: uint256 = 0
    sale, owner, since, steward, trade = self._quote(offer)
    assert trade & PAUSED == 0, "market: paused"
    assert licensee != empty(address), "market: licensee is zero"
    status: uint256 = self.offers[sale.offer_id]
    assert status & STATUS_LIVE != 0, "market: offer not live"
    assert owner == offer.licensor and self._posted_at(status) >= since, "market: work has another owner"
    assert offer.licensee == empty(address) or offer.licensee == licensee, "market: offer is private"
    assert block.timestamp >= convert(offer.opens_at, uint256), "market: offer not open yet"
    assert (
        block.timestamp < convert(offer.closes_at, uint256) or offer.closes_at == max_value(uint40)
    ), "market: offer closed"
    sold: uint256 = status & SOLD_MASK
    assert sold < convert(offer.supply, uint256), "market: sold out"
    assert acknowledged == self._acknowledgement(offer.terms, sale), "market: acknowledged other terms"
    if steward != empty(address):
        assert self.consents[sale.offer_id][steward], "market: steward has not consented"

    sale.number = unsafe_add(sold, 1)
    sale.expires_at = min(block.timestamp + convert(offer.term, uint256), FOREVER)
    self.offers[sale.offer_id] = unsafe_add(status, 1)
    self._guard_exclusivity(offer, sale.expires_at)
    return sale


@internal
def _guard_exclusivity(offer: types.Offer, expires_at: uint256):
    word: uint256 = self.exclusivity[offer.work]
    if offer.flags & EXCLUSIVE == 0 and word & (2**DATASETS_AT - 1) == 0:
        return
    hour: uint256 = min((expires_at + HOUR - 1) // HOUR, LANE_MASK)
    if expires_at == FOREVER:
        hour = LANE_MASK
    for i: uint256 in range(8):
        if convert(offer.usages, uint256) & (1 << i) == 0:
            continue
        until: uint256 = (word >> (LANE * i)) & LANE_MASK
        assert until != LANE_MASK and block.timestamp >= until * HOUR, "market: exclusive license running"
        if offer.flags & EXCLUSIVE != 0:
            word = (word & ~(LANE_MASK << (LANE * i))) | (hour << (LANE * i))
    if offer.flags & EXCLUSIVE != 0:
        assert word >> DATASETS_AT == 0, "market: work is in a dataset"
        self.exclusivity[offer.work] = word


@internal
def _book_sale(offer: types.Offer, licensee: address, payer: address, party: bytes32, sale: Sale) -> uint256:
    license: uint256 = convert(sale.offer_id, uint256) | sale.number
    is_locked: uint256 = LOCKED if offer.flags & TRANSFERABLE == 0 else 0
    erc721._mint(
        licensee,
        license,
        (is_locked << FLAGS_AT) | (block.timestamp << ISSUED_AT) | (sale.expires_at << EXPIRY_AT),
    )
    log ILicenseMarket.LicenseMinted(
        license=license,
        licensee=licensee,
        work=offer.work,
        payer=payer,
        payee=sale.payee,
        currency=offer.currency,
        price=convert(offer.price, uint256),
        fee=sale.fee,
        expires_at=convert(sale.expires_at, uint40),
        party=party,
        cultural=sale.cultural,
        claim_rank=sale.claim_rank,
    )
    log ILicenseMarket.TokenExpiryUpdated(
        tokenId=license, startTime=block.timestamp, endTime=self._end_time(sale.expires_at)
    )
    if is_locked != 0:
        log ILicenseMarket.Locked(tokenId=license)
    return license


@internal
@pure
def _parts(offer: types.Offer, sale: Sale) -> (DynArray[bytes32, 2], DynArray[uint256, 2]):
    if sale.fee == 0:
        return [sale.payee], [sale.total]
    return [sale.payee, sale.fee_account], [convert(offer.price, uint256), sale.fee]


@internal
def _take(currency: address, amount: uint256):
    # Tokens that return nothing, and tokens that return false; the vault counts what arrived.
    response: Bytes[32] = raw_call(
        currency,
        abi_encode(msg.sender, VAULT, amount, method_id=method_id("transferFrom(address,address,uint256)")),
        max_outsize=32,
    )
    assert len(response) == 0 or convert(response, uint256) == 1, "market: token refused"


# ---- internal: tokens ---------------------------------------------------------------------------------


@internal
@pure
def _end_time(expires_at: uint256) -> uint256:
    return max_value(uint256) if expires_at == FOREVER else expires_at


@internal
@pure
def _is_locked(word: uint256) -> bool:
    return (word >> FLAGS_AT) & LOCKED != 0


@internal
def _move(sender: address, receiver: address, token_id: uint256):
    word: uint256 = erc721._word(token_id)
    assert not self._is_locked(word), "market: license is not transferable"
    erc721._transfer(sender, receiver, token_id, word & HOST_MASK)
