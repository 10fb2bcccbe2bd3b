# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# pragma optimize codesize
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title LicenseMarket: offers and licenses
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/ILicenseMarket.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import ILicenseMarket
from .interfaces import IReceivers
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
RESALE_DIVISOR: constant(uint256) = 20  # 5 % of a resale
HELD: constant(uint8) = 1  # flags of a work
LATER_CLAIM: constant(uint8) = 2

# A work's exclusivity word: for each usage bit the hour (since 1970, rounded up) until which an exclusive
# license runs, 2**24 - 1 for ever; above them, how many times datasets hold the work.
#
#   192..255    168..191 …  0..23
#   | datasets | usage 7 … usage 0 |
HOUR: constant(uint256) = 3600
LANE: constant(uint256) = 24
LANE_MASK: constant(uint256) = 2**24 - 1
DATASETS_AT: constant(uint256) = 192

# ERC-165, ERC-721, its metadata, ERC-2981, ERC-4906, ERC-5192, ERC-6454, ERC-7858; ERC-7572 stands apart.
INTERFACES: constant(bytes32) = 0x01FFC9A780AC58CD5B5E139F2A55205A49064906B45A3C0E91A6262F3EBDFA31

VAULT: public(immutable(address))
REGISTRY: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
DISPUTES: public(immutable(address))
CERTIFICATES: public(immutable(address))
RECEIVERS: public(immutable(address))

name: public(constant(String[25])) = "IPTO licenses"
symbol: public(constant(String[5])) = "LIC"

offers: HashMap[bytes32, uint256]
exclusivity: HashMap[uint256, uint256]
consents: HashMap[bytes32, HashMap[address, bool]]
# Who the sale of a transferable license paid: its resale owes them too.
payees: HashMap[uint256, bytes32]
dataset_market: public(address)


struct Sale:
    offer_id: bytes32
    payee: bytes32
    fee: uint256
    total: uint256
    cultural: bytes32
    claim_rank: uint256
    fee_account: bytes32
    currency: address
    license: uint256
    is_paused: bool


# What the registry says of a work that may be sold.
struct Work:
    owner: address
    since: uint256
    payee: bytes32
    steward: address
    cultural: bytes32
    cleared: uint16
    flags: uint8


@deploy
def __init__(
    owner: address,
    vault: address,
    registry: address,
    signed_actions: address,
    disputes: address,
    certificates: address,
    receivers: address,
):
    assert owner != empty(address), "market: bad wiring"
    assert vault.is_contract and registry.is_contract and signed_actions.is_contract, "market: bad wiring"
    assert receivers.is_contract, "market: bad wiring"
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
    RECEIVERS = receivers


# ---- licensors ----------------------------------------------------------------------------------------


@external
def post(offer: types.Offer) -> bytes32:
    return self._post(offer)


@external
def post_many(offers: DynArray[types.Offer, 50]) -> DynArray[bytes32, 50]:
    ids: DynArray[bytes32, 50] = []
    for offer: types.Offer in offers:
        ids.append(self._post(offer))
    return ids


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
    sale: Sale = self._sell(offer, licensee, msg.sender, party, acknowledged)
    assert sale.total <= max_total, "market: price above max"
    self._pay(sale.currency, sale.total, self._accounts(sale), self._amounts(sale))
    return sale.license


@external
@payable
def mint_many(
    offers: DynArray[types.Offer, 50],
    licensee: address,
    party: bytes32,
    max_total: uint256,
    acknowledged: DynArray[bytes32, 50],
) -> DynArray[uint256, 50]:
    assert len(offers) != 0 and len(offers) == len(acknowledged), "market: lists empty or unequal"
    currency: address = offers[0].currency
    licenses: DynArray[uint256, 50] = []
    accounts: DynArray[bytes32, 51] = []
    amounts: DynArray[uint256, 51] = []
    fee_account: bytes32 = empty(bytes32)
    fees: uint256 = 0
    total: uint256 = 0
    for i: uint256 in range(len(offers), bound=50):
        sale: Sale = self._sell(offers[i], licensee, msg.sender, party, acknowledged[i])
        assert sale.currency == currency, "market: more than one currency"
        licenses.append(sale.license)
        if sale.total != 0:
            accounts.append(sale.payee)
            amounts.append(sale.total - sale.fee)
        fee_account = sale.fee_account
        fees += sale.fee
        total += sale.total
    assert total <= max_total, "market: price above max"
    # One credit for all fees.
    if fees != 0:
        accounts.append(fee_account)
        amounts.append(fees)
    self._pay(currency, total, accounts, amounts)
    return licenses


@external
def mint_with_authorization(
    offer: types.Offer,
    licensee: address,
    party: bytes32,
    acknowledged: bytes32,
    authorization: types.Authorization,
) -> uint256:
    sale: Sale = self._sell(offer, licensee, authorization.payer, party, acknowledged)
    assert sale.total != 0, "market: nothing to authorize"
    extcall IRoyaltyVault(VAULT).credit_with_authorization(
        self._accounts(sale),
        self._amounts(sale),
        sale.currency,
        self._order_hash(sale.offer_id, licensee, party, acknowledged),
        authorization,
    )
    return sale.license


@external
@reentrant
def transferFrom(sender: address, receiver: address, token_id: uint256):
    license_token._move(sender, receiver, token_id)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""):
    license_token._move(sender, receiver, token_id)
    erc721._ask_receiver(sender, receiver, token_id, data)


# ---- the dataset market -------------------------------------------------------------------------------


@external
def bundle(offer: types.Offer) -> (bytes32, bytes32):
    self._check_caller(self.dataset_market)
    work: Work = self._work(offer.work)
    id: bytes32 = offer_rules._id(offer)
    self._check_on_sale(offer, id, work)
    assert offer.flags & offer_rules.BUNDLE != 0, "market: offer is not for datasets"
    word: uint256 = self.exclusivity[offer.work]
    self._check_free(convert(offer.usages, uint256), word)
    self.exclusivity[offer.work] = word + (1 << DATASETS_AT)
    return id, work.cultural


@external
def unbundle(work: uint256):
    self._check_caller(self.dataset_market)
    word: uint256 = self.exclusivity[work]
    assert word >> DATASETS_AT != 0, "market: work is in no dataset"
    self.exclusivity[work] = word - (1 << DATASETS_AT)


# ---- dispute resolution -------------------------------------------------------------------------------


@external
def end_license(license: uint256):
    self._check_caller(DISPUTES)
    license_token._end(license)
    log ILicenseMarket.LicenseEnded(license=license)
    log ILicenseMarket.MetadataUpdate(_tokenId=license)


@external
def clear_exclusivity(work: uint256):
    self._check_caller(DISPUTES)
    self.exclusivity[work] = (self.exclusivity[work] >> DATASETS_AT) << DATASETS_AT
    log ILicenseMarket.ExclusivityCleared(work=work)


# ---- the protocol's owner -----------------------------------------------------------------------------


@external
def set_dataset_market(datasets: address):
    ownable._check_owner()
    assert self.dataset_market == empty(address) and datasets.is_contract, "market: bad wiring"
    self.dataset_market = datasets
    log ILicenseMarket.DatasetMarketSet(datasets=datasets)


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
        and license_token._issued_in(word) >= convert(staticcall IWorkRegistry(REGISTRY).clean_since(offer.work), uint256)
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
def offer_status(
    offer_id: bytes32,
) -> (bool, uint32, uint40, uint16, uint16, uint16, uint16, uint32, uint32, uint8, uint8):
    return offer_rules._fields(self.offers[offer_id])


@external
@view
def order_hash(offer_id: bytes32, licensee: address, party: bytes32, acknowledged: bytes32) -> bytes32:
    return self._order_hash(offer_id, licensee, party, acknowledged)


@external
@view
def quote(offer: types.Offer) -> (uint256, uint256, bytes32):
    sale: Sale = empty(Sale)
    work: Work = empty(Work)
    sale, work = self._quote(offer)
    return sale.total, sale.fee, self._acknowledgement(offer.terms, sale)


@external
@view
def has_consent(offer_id: bytes32, steward: address) -> bool:
    return self.consents[offer_id][steward]


@external
@view
def is_bundle_live(offer: types.Offer) -> bool:
    id: bytes32 = offer_rules._id(offer)
    status: uint256 = self.offers[id]
    # The work of an offer that was posted exists: no call below can revert.
    if status & offer_rules.LIVE == 0 or offer.flags & offer_rules.BUNDLE == 0:
        return False
    owner: address = empty(address)
    since: uint40 = 0
    duration_ms: uint32 = 0
    cleared: uint16 = 0
    work_flags: uint8 = 0
    metadata: bytes32 = empty(bytes32)
    cultural: bytes32 = empty(bytes32)
    payee: bytes32 = empty(bytes32)
    steward: address = empty(address)
    (owner, since, duration_ms, cleared, work_flags, metadata, cultural, payee, steward) = staticcall IWorkRegistry(
        REGISTRY
    ).work_of(offer.work)
    return (
        work_flags & HELD == 0
        and owner == offer.licensor
        and offer_rules._posted_at(status) >= convert(since, uint256)
        and block.timestamp >= convert(offer.opens_at, uint256)
        and not self._is_closed(offer.closes_at)
        and (steward == empty(address) or self.consents[id][steward])
    )


@external
@view
def exclusive_until(work: uint256, usage: uint16) -> uint256:
    assert offer_rules._is_one_bit(usage) and usage <= offer_rules.USAGES, "market: not one usage"
    word: uint256 = self.exclusivity[work]
    hour: uint256 = 0
    for i: uint256 in range(8):
        if convert(usage, uint256) == 1 << i:
            hour = (word >> (LANE * i)) & LANE_MASK
    return max_value(uint256) if hour == LANE_MASK else hour * HOUR


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
    @notice ERC-2981: 5 % of the resale of a license to the receiving address of whoever its sale paid. A license that
            cannot be transferred owes nothing.
    """
    owner: address = erc721._owner(token_id)
    payee: bytes32 = self.payees[token_id]
    if payee == empty(bytes32):
        return owner, 0
    return staticcall IReceivers(RECEIVERS).receiver_of(payee), sale_price // RESALE_DIVISOR


@external
@pure
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @notice ERC-165: itself, ERC-721 with metadata, ERC-2981, ERC-4906, ERC-5192, ERC-6454, ERC-7858, ERC-7572.
    """
    id: uint256 = convert(convert(interface_id, uint32), uint256)
    for i: uint256 in range(8):
        if (convert(INTERFACES, uint256) >> (32 * i)) & (2**32 - 1) == id:
            return True
    return interface_id == 0xE8A3D485


# ---- internal: who may --------------------------------------------------------------------------------


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "market: not the actor"


@internal
@view
def _check_caller(allowed: address):
    assert msg.sender == allowed, "market: not for this caller"


# ---- internal: offers ---------------------------------------------------------------------------------


@internal
def _post(offer: types.Offer) -> bytes32:
    self._check_actor(offer.licensor)
    offer_rules._check(offer)
    work: Work = self._work(offer.work)
    assert work.owner == offer.licensor, "market: licensor does not own the work"
    assert offer.aspects | work.cleared == work.cleared, "market: aspects not cleared"

    id: bytes32 = offer_rules._id(offer)
    status: uint256 = self.offers[id]
    assert status & offer_rules.LIVE == 0 or offer_rules._posted_at(status) < work.since, "market: already posted"
    self.offers[id] = offer_rules._posted(offer, status)
    log ILicenseMarket.OfferPosted(offer_id=id, work=offer.work, licensor=offer.licensor, offer=offer)
    return id


@internal
@view
def _work(id: uint256) -> Work:
    work: Work = empty(Work)
    since: uint40 = 0
    (work.owner, since, work.payee, work.steward, work.cultural, work.cleared, work.flags) = staticcall IWorkRegistry(REGISTRY).sale_terms(id)
    work.since = convert(since, uint256)
    return work


@internal
@view
def _check_on_sale(offer: types.Offer, id: bytes32, work: Work) -> uint256:
    """
    @dev The rules that every sale and every dataset keeps.
    @return The offer's word.
    """
    status: uint256 = self.offers[id]
    assert status & offer_rules.LIVE != 0, "market: offer not live"
    assert work.owner == offer.licensor and offer_rules._posted_at(status) >= work.since, "market: work has another owner"
    assert block.timestamp >= convert(offer.opens_at, uint256), "market: offer not open yet"
    assert not self._is_closed(offer.closes_at), "market: offer closed"
    if work.steward != empty(address):
        assert self.consents[id][work.steward], "market: steward has not consented"
    return status


@internal
@view
def _is_closed(closes_at: uint40) -> bool:
    return block.timestamp >= convert(closes_at, uint256) and closes_at != max_value(uint40)


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
def _quote(offer: types.Offer) -> (Sale, Work):
    """
    @dev What a sale now would be, and the work it is of. Whether the sale may be is not asked.
    """
    work: Work = self._work(offer.work)
    traded: uint256 = trade.terms_of_trade
    price: uint256 = convert(offer.price, uint256)
    sale: Sale = empty(Sale)
    sale.offer_id = offer_rules._id(offer)
    sale.payee = convert(convert(work.owner, uint256), bytes32) if work.payee == empty(bytes32) else work.payee
    sale.fee = trade._fee_in(traded, price)
    sale.total = price + sale.fee
    sale.currency = offer.currency
    sale.cultural = work.cultural
    sale.claim_rank = 1 if work.flags & LATER_CLAIM != 0 else 0
    sale.fee_account = trade._fee_account_in(traded)
    sale.is_paused = traded & trade.PAUSED != 0
    return sale, work


@internal
def _sell(offer: types.Offer, licensee: address, payer: address, party: bytes32, acknowledged: bytes32) -> Sale:
    """
    @dev Every rule of a sale. Counts it, guards exclusivity and mints; takes no money yet.
    """
    sale: Sale = empty(Sale)
    work: Work = empty(Work)
    sale, work = self._quote(offer)
    assert not sale.is_paused, "market: paused"
    assert licensee != empty(address), "market: licensee is zero"
    assert offer.licensee == empty(address) or offer.licensee == licensee, "market: offer is private"
    status: uint256 = self._check_on_sale(offer, sale.offer_id, work)
    sold: uint256 = status & offer_rules.SOLD_MASK
    assert sold < convert(offer.supply, uint256), "market: sold out"
    assert acknowledged == self._acknowledgement(offer.terms, sale), "market: acknowledged other terms"

    sale.license = convert(sale.offer_id, uint256) | unsafe_add(sold, 1)
    expires_at: uint256 = min(block.timestamp + convert(offer.term, uint256), license_token.FOREVER)
    self.offers[sale.offer_id] = unsafe_add(status, 1)
    self._guard_exclusivity(offer, expires_at)
    is_locked: bool = offer.flags & offer_rules.TRANSFERABLE == 0
    license_token._mint(licensee, sale.license, is_locked, expires_at)
    log ILicenseMarket.LicenseMinted(
        license=sale.license,
        licensee=licensee,
        work=offer.work,
        payer=payer,
        payee=sale.payee,
        currency=offer.currency,
        price=convert(offer.price, uint256),
        fee=sale.fee,
        expires_at=convert(expires_at, uint40),
        party=party,
        cultural=sale.cultural,
        claim_rank=sale.claim_rank,
    )
    log ILicenseMarket.TokenExpiryUpdated(
        tokenId=sale.license, startTime=block.timestamp, endTime=license_token._end_time(expires_at)
    )
    if is_locked:
        log ILicenseMarket.Locked(tokenId=sale.license)
    else:
        self.payees[sale.license] = sale.payee
        log ILicenseMarket.Unlocked(tokenId=sale.license)
    return sale


@internal
@view
def _check_free(usages: uint256, word: uint256):
    """
    @dev No exclusive license runs on any of these usages.
    """
    if word & (2**DATASETS_AT - 1) == 0:
        return
    for i: uint256 in range(8):
        if usages & (1 << i) != 0:
            until: uint256 = (word >> (LANE * i)) & LANE_MASK
            assert until != LANE_MASK and block.timestamp >= until * HOUR, "market: exclusive license running"


@internal
def _guard_exclusivity(offer: types.Offer, expires_at: uint256):
    word: uint256 = self.exclusivity[offer.work]
    usages: uint256 = convert(offer.usages, uint256)
    self._check_free(usages, word)
    if offer.flags & offer_rules.EXCLUSIVE == 0:
        return
    assert word >> DATASETS_AT == 0, "market: work is in a dataset"
    hour: uint256 = min((expires_at + HOUR - 1) // HOUR, LANE_MASK)
    if expires_at == license_token.FOREVER:
        hour = LANE_MASK
    for i: uint256 in range(8):
        if usages & (1 << i) != 0:
            word = (word & ~(LANE_MASK << (LANE * i))) | (hour << (LANE * i))
    self.exclusivity[offer.work] = word


@internal
@pure
def _accounts(sale: Sale) -> DynArray[bytes32, 2]:
    return [sale.payee] if sale.fee == 0 else [sale.payee, sale.fee_account]


@internal
@pure
def _amounts(sale: Sale) -> DynArray[uint256, 2]:
    return [sale.total] if sale.fee == 0 else [sale.total - sale.fee, sale.fee]


@internal
@payable
def _pay(currency: address, total: uint256, accounts: DynArray[bytes32, 51], amounts: DynArray[uint256, 51]):
    assert msg.value == (total if currency == ETH else 0), "market: ETH sent differs from the total"
    if total == 0:
        return
    if currency != ETH:
        extcall IRoyaltyVault(VAULT).open(currency)
        trade._take(currency, VAULT, total)
    extcall IRoyaltyVault(VAULT).credit(accounts, amounts, currency, value=msg.value)
