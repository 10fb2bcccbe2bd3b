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
from .modules import license_token
from .modules import offer_rules
from .modules import trade


implements: ILicenseMarket

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc721
initializes: license_token[erc721 := erc721]
initializes: trade[ownable := ownable]


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
    license_token.locked,
    license_token.isTransferable,
    license_token.startTime,
    license_token.endTime,
    license_token.isTokenExpired,
    license_token.expiryType,
    trade.set_fee,
    trade.set_paused,
    trade.fee,
    trade.sales_paused,
)


interface Renderer:
    def license_uri(market: address, license: uint256) -> String[16384]: view


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE

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
    license_token.__init__()
    trade.__init__()
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
    offer_rules._check(offer)
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

    id: bytes32 = offer_rules._id(offer)
    status: uint256 = self.offers[id]
    assert status & offer_rules.LIVE == 0 or offer_rules._posted_at(status) < convert(since, uint256), "market: already posted"
    self.offers[id] = offer_rules._posted(offer, status)
    log ILicenseMarket.OfferPosted(offer_id=id, work=offer.work, licensor=offer.licensor, offer=offer)
    return id


@external
def withdraw_offer(offer: types.Offer):
    self._check_actor(offer.licensor)
    id: bytes32 = offer_rules._id(offer)
    status: uint256 = self.offers[id]
    assert status & offer_rules.LIVE != 0, "market: offer not live"
    self.offers[id] = status & ~offer_rules.LIVE
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
            trade._take(offer.currency, VAULT, sale.total)
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
    license_token._move(sender, receiver, token_id)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""):
    license_token._move(sender, receiver, token_id)
    erc721._ask_receiver(sender, receiver, token_id, data)


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
    # Each line one reason for a no.
    return (
        holder != empty(address)
        and erc721._owner_in(word) == holder
        and offer_rules._id_of(license) == offer_rules._id(offer)
        and license_token._flags_in(word) & license_token.ENDED == 0
        and offer_rules._is_one_bit(usage)
        and offer.usages & usage != 0
        and offer_rules._is_one_bit(aspect)
        and offer.aspects & aspect != 0
        and start_ms < end_ms
        and start_ms >= offer.start_ms
        and end_ms <= offer.end_ms
        and at >= license_token._issued_in(word)
        and license_token._runs_at(word, at)
    )


@external
@view
def license_of(license: uint256) -> (address, uint40, uint40, uint8, bytes32):
    word: uint256 = erc721._word(license)
    return (
        erc721._owner_in(word),
        convert(license_token._issued_in(word), uint40),
        convert(license_token._expires_in(word), uint40),
        convert(license_token._flags_in(word), uint8),
        offer_rules._id_of(license),
    )


@external
@view
def offer_id(offer: types.Offer) -> bytes32:
    return offer_rules._id(offer)


@external
@view
def offer_status(
    offer_id: bytes32,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    return offer_rules._fields(self.offers[offer_id])


@external
@view
def order_hash(offer: types.Offer, licensee: address, party: bytes32, acknowledged: bytes32) -> bytes32:
    return self._order_hash(offer_rules._id(offer), licensee, party, acknowledged)


@external
@view
def quote(offer: types.Offer) -> (uint256, uint256, bytes32):
    sale: Sale = empty(Sale)
    owner: address = empty(address)
    since: uint256 = 0
    steward: address = empty(address)
    traded: uint256 = 0
    sale, owner, since, steward, traded = self._quote(offer)
    return sale.total, sale.fee, self._acknowledgement(offer.terms, sale)


@external
@view
def has_consent(offer_id: bytes32, steward: address) -> bool:
    return self.consents[offer_id][steward]


@external
@view
def exclusive_until(work: uint256, usage: uint16) -> uint256:
    assert offer_rules._is_one_bit(usage) and usage <= offer_rules.USAGES, "market: not one usage"
    word: uint256 = self.exclusivity[work]
    for i: uint256 in range(8):
        if convert(usage, uint256) == 1 << i:
            hour: uint256 = (word >> (LANE * i)) & LANE_MASK
            return max_value(uint256) if hour == LANE_MASK else hour * HOUR
    return 0


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
    traded: uint256 = trade.terms_of_trade
    price: uint256 = convert(offer.price, uint256)
    fee: uint256 = trade._fee_in(traded, price)
    sale: Sale = empty(Sale)
    sale.offer_id = offer_rules._id(offer)
    sale.payee = convert(convert(owner, uint256), bytes32) if payee == empty(bytes32) else payee
    sale.fee = fee
    sale.total = price + fee
    sale.cultural = cultural
    sale.claim_rank = 1 if work_flags & 2 != 0 else 0
    sale.fee_account = trade._fee_account_in(traded)
    return sale, owner, convert(since, uint256), steward, traded


@internal
def _prepare(offer: types.Offer, licensee: address, acknowledged: bytes32) -> Sale:
    """
    @dev Every rule of a sale. Counts it and guards exclusivity; takes no money yet.
    """
    sale: Sale = empty(Sale)
    owner: address = empty(address)
    since: uint256 = 0
    steward: address = empty(address)
    traded: uint256 = 0
    sale, owner, since, steward, traded = self._quote(offer)
    assert traded & trade.PAUSED == 0, "market: paused"
    assert licensee != empty(address), "market: licensee is zero"
    status: uint256 = self.offers[sale.offer_id]
    assert status & offer_rules.LIVE != 0, "market: offer not live"
    assert owner == offer.licensor and offer_rules._posted_at(status) >= since, "market: work has another owner"
    assert offer.licensee == empty(address) or offer.licensee == licensee, "market: offer is private"
    assert block.timestamp >= convert(offer.opens_at, uint256), "market: offer not open yet"
    assert (
        block.timestamp < convert(offer.closes_at, uint256) or offer.closes_at == max_value(uint40)
    ), "market: offer closed"
    sold: uint256 = status & offer_rules.SOLD_MASK
    assert sold < convert(offer.supply, uint256), "market: sold out"
    assert acknowledged == self._acknowledgement(offer.terms, sale), "market: acknowledged other terms"
    if steward != empty(address):
        assert self.consents[sale.offer_id][steward], "market: steward has not consented"

    sale.number = unsafe_add(sold, 1)
    sale.expires_at = min(block.timestamp + convert(offer.term, uint256), license_token.FOREVER)
    self.offers[sale.offer_id] = unsafe_add(status, 1)
    self._guard_exclusivity(offer, sale.expires_at)
    return sale


@internal
def _guard_exclusivity(offer: types.Offer, expires_at: uint256):
    word: uint256 = self.exclusivity[offer.work]
    if offer.flags & offer_rules.EXCLUSIVE == 0 and word & (2**DATASETS_AT - 1) == 0:
        return
    hour: uint256 = min((expires_at + HOUR - 1) // HOUR, LANE_MASK)
    if expires_at == license_token.FOREVER:
        hour = LANE_MASK
    for i: uint256 in range(8):
        if convert(offer.usages, uint256) & (1 << i) == 0:
            continue
        until: uint256 = (word >> (LANE * i)) & LANE_MASK
        assert until != LANE_MASK and block.timestamp >= until * HOUR, "market: exclusive license running"
        if offer.flags & offer_rules.EXCLUSIVE != 0:
            word = (word & ~(LANE_MASK << (LANE * i))) | (hour << (LANE * i))
    if offer.flags & offer_rules.EXCLUSIVE != 0:
        assert word >> DATASETS_AT == 0, "market: work is in a dataset"
        self.exclusivity[offer.work] = word


@internal
def _book_sale(offer: types.Offer, licensee: address, payer: address, party: bytes32, sale: Sale) -> uint256:
    license: uint256 = convert(sale.offer_id, uint256) | sale.number
    is_locked: bool = offer.flags & offer_rules.TRANSFERABLE == 0
    license_token._mint(licensee, license, is_locked, sale.expires_at)
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
        tokenId=license, startTime=block.timestamp, endTime=license_token._end_time(sale.expires_at)
    )
    if is_locked:
        log ILicenseMarket.Locked(tokenId=license)
    return license


@internal
@pure
def _parts(offer: types.Offer, sale: Sale) -> (DynArray[bytes32, 2], DynArray[uint256, 2]):
    if sale.fee == 0:
        return [sale.payee], [sale.total]
    return [sale.payee, sale.fee_account], [convert(offer.price, uint256), sale.fee]
