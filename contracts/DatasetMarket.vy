# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# pragma optimize codesize
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title DatasetMarket: thousands of works, one transaction
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IDatasetMarket.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IDatasetMarket
from .interfaces import ILicenseMarket
from .interfaces import IRoyaltyVault
from .interfaces import IWorkRegistry
from .interfaces import types
from .modules import erc721
from .modules import license_token
from .modules import offer_rules
from .modules import trade


implements: IDatasetMarket

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


interface Claims:
    def ownerOf(work: uint256) -> address: view


interface Renderer:
    def dataset_uri(market: address, license: uint256) -> String[16384]: view


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE
ONE_MODEL: constant(uint8) = 8  # flag of an offer
MAX_CURATOR_FEE_BPS: constant(uint16) = 1_000

# ERC-165, ERC-721, its metadata, ERC-2981, ERC-4906, ERC-5192, ERC-6454, ERC-7858; ERC-7572 stands apart.
INTERFACES: constant(bytes32) = 0x01FFC9A780AC58CD5B5E139F2A55205A49064906B45A3C0E91A6262F3EBDFA31

# What happened to a member, in the state.
ADDED: constant(uint256) = 1
TAKEN_OUT: constant(uint256) = 2
EXPELLED: constant(uint256) = 3

# A dataset's word. Prices fit: fewer than 2**32 members at less than 2**96.
#
#   255   192 191            64 63     32 31     0
#   | unused | sum of prices   | members | sales   |
COUNT: constant(uint256) = 2**32 - 1
MEMBERS_AT: constant(uint256) = 32
PRICE_AT: constant(uint256) = 64

# A member's word. The first spell is in it; a later one has a word of its own, with the lower two fields. What
# ended spells are owed is kept as a number of sales, so that settling reads this word alone.
#
#   255   161 160     159  128 127      96 95         64 63   32 31    0
#   | unused | is in | spells | sales owed | settled up to | left  | joined |
LEFT_AT: constant(uint256) = 32
SETTLED_AT: constant(uint256) = 64
OWED_AT: constant(uint256) = 96
SPELLS_AT: constant(uint256) = 128
IS_IN: constant(uint256) = 1 << 160
SPELL_MASK: constant(uint256) = 2**64 - 1
# Left, of a spell that goes on; the number of no sale.
NOT_LEFT: constant(uint256) = 2**32 - 1

VAULT: public(immutable(address))
REGISTRY: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
DISPUTES: public(immutable(address))
MARKET: public(immutable(address))
CERTIFICATES: public(immutable(address))

name: public(constant(String[25])) = "IPTO dataset licenses"
symbol: public(constant(String[5])) = "DSET"

states: HashMap[bytes32, bytes32]
datasets: HashMap[bytes32, uint256]
# dataset → offer → word
members: HashMap[bytes32, HashMap[bytes32, uint256]]
# dataset → offer → spell, from 2 → word
later_spells: HashMap[bytes32, HashMap[bytes32, HashMap[uint256, uint256]]]


struct Sale:
    dataset_id: bytes32
    state: bytes32
    members: uint256
    price: uint256
    curator_fee: uint256
    fee: uint256
    total: uint256
    word: uint256
    fee_account: bytes32


@deploy
def __init__(
    owner: address,
    vault: address,
    registry: address,
    signed_actions: address,
    disputes: address,
    market: address,
    certificates: address,
):
    assert owner != empty(address), "market: bad wiring"
    assert vault.is_contract and registry.is_contract, "market: bad wiring"
    assert signed_actions.is_contract and market.is_contract, "market: bad wiring"
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
    MARKET = market
    CERTIFICATES = certificates


# ---- curators -----------------------------------------------------------------------------------------


@external
def open(dataset: types.Dataset) -> bytes32:
    self._check_actor(dataset.curator)
    # What members must equal needs no rule of its own: no offer says what an offer may not say.
    assert dataset.usages != 0 and dataset.aspects != 0, "dataset: permits nothing"
    assert dataset.curator_fee_bps <= MAX_CURATOR_FEE_BPS, "dataset: curator's fee above cap"
    id: bytes32 = self._id(dataset)
    assert self.states[id] == empty(bytes32), "dataset: open already"
    self.states[id] = id
    log IDatasetMarket.DatasetOpened(dataset_id=id, curator=dataset.curator, dataset=dataset)
    return id


@external
def add(dataset: types.Dataset, offers: DynArray[types.Offer, 50]):
    self._check_actor(dataset.curator)
    id: bytes32 = self._id(dataset)
    state: bytes32 = self._state(id)
    word: uint256 = self.datasets[id]
    sales: uint256 = word & COUNT
    count: uint256 = (word >> MEMBERS_AT) & COUNT
    price: uint256 = word >> PRICE_AT
    for offer: types.Offer in offers:
        self._check_fits(dataset, offer)
        offer_id: bytes32 = empty(bytes32)
        cultural: bytes32 = empty(bytes32)
        offer_id, cultural = extcall ILicenseMarket(MARKET).bundle(offer)
        member: uint256 = self.members[id][offer_id]
        assert member & IS_IN == 0, "dataset: a member already"
        spell: uint256 = ((member >> SPELLS_AT) & COUNT) + 1
        count += 1
        assert max(spell, count) <= COUNT, "dataset: too many members"
        price += convert(offer.price, uint256)
        begun: uint256 = sales | (NOT_LEFT << LEFT_AT)
        # What earlier spells are owed stays; what is settled begins anew.
        kept: uint256 = member & (COUNT << OWED_AT)
        if spell == 1:
            kept = begun
        else:
            kept |= member & SPELL_MASK
            self.later_spells[id][offer_id][spell] = begun
        self.members[id][offer_id] = IS_IN | (spell << SPELLS_AT) | (sales << SETTLED_AT) | kept
        state = self._next(state, ADDED, offer_id, offer.price, cultural)
        log IDatasetMarket.MemberAdded(
            dataset_id=id,
            offer_id=offer_id,
            work=offer.work,
            spell=convert(spell, uint32),
            joined=convert(sales, uint32),
            price=convert(offer.price, uint256),
            cultural=cultural,
            state=state,
        )
    self.datasets[id] = (price << PRICE_AT) | (count << MEMBERS_AT) | sales
    self.states[id] = state


# ---- members ------------------------------------------------------------------------------------------


@external
def take_out(actor: address, dataset_id: bytes32, offer: types.Offer):
    self._check_actor(actor)
    # Asked of the token itself: an owner may leave while its work is on hold.
    assert staticcall Claims(REGISTRY).ownerOf(offer.work) == actor, "dataset: not the work's owner"
    self._leave(dataset_id, offer, TAKEN_OUT, actor)


@external
def expel(dataset_id: bytes32, offer: types.Offer):
    assert not staticcall ILicenseMarket(MARKET).is_bundle_live(offer), "dataset: offer is good"
    self._leave(dataset_id, offer, EXPELLED, msg.sender)


@external
def collect(dataset_id: bytes32, offers: DynArray[types.Offer, 64]):
    sales: uint256 = self.datasets[dataset_id] & COUNT
    settled: DynArray[bytes32, 64] = []
    accounts: DynArray[bytes32, 64] = []
    amounts: DynArray[uint256, 64] = []
    currency: address = empty(address)
    for offer: types.Offer in offers:
        # As offer_rules._id, without handing the offer over, which would copy it.
        offer_id: bytes32 = offer_rules._id_of(convert(keccak256(abi_encode(offer)), uint256))
        member: uint256 = self.members[dataset_id][offer_id]
        assert member != 0, "dataset: never a member"
        owed: uint256 = self._owed(member, sales)
        if owed == 0:
            continue
        kept: uint256 = member & ~((COUNT << OWED_AT) | (COUNT << SETTLED_AT))
        self.members[dataset_id][offer_id] = kept | (sales << SETTLED_AT)
        # An offer's id leaves its last 4 bytes free.
        settled.append(convert(convert(offer_id, uint256) | owed, bytes32))
        accounts.append(self._payee(offer.work))
        amounts.append(owed * convert(offer.price, uint256))
        # Members are paid in the dataset's own currency: it was compared when they joined.
        currency = offer.currency
    if len(settled) != 0:
        log IDatasetMarket.Collected(dataset_id=dataset_id, currency=currency, settled=settled)
        extcall IRoyaltyVault(VAULT).book(dataset_id, accounts, amounts, currency)


# ---- licensees ----------------------------------------------------------------------------------------


@external
@payable
def mint(dataset: types.Dataset, licensee: address, party: bytes32, max_total: uint256, expected_state: bytes32) -> uint256:
    sale: Sale = self._prepare(dataset, licensee, max_total)
    assert sale.state == expected_state, "dataset: state has changed"
    return self._sell(dataset, licensee, party, sale)


@external
@payable
def mint_at_least(
    dataset: types.Dataset, licensee: address, party: bytes32, max_total: uint256, min_members: uint32
) -> uint256:
    sale: Sale = self._prepare(dataset, licensee, max_total)
    assert min_members != 0, "dataset: least members are zero"
    assert sale.members >= convert(min_members, uint256), "dataset: fewer members"
    return self._sell(dataset, licensee, party, sale)


@external
def mint_with_authorization(
    dataset: types.Dataset,
    licensee: address,
    party: bytes32,
    expected_state: bytes32,
    authorization: types.Authorization,
) -> uint256:
    # The payer signed over the exact total.
    sale: Sale = self._prepare(dataset, licensee, max_value(uint256))
    assert sale.state == expected_state, "dataset: state has changed"
    license: uint256 = self._book_sale(dataset, licensee, authorization.payer, party, sale)
    accounts: DynArray[bytes32, 3] = []
    amounts: DynArray[uint256, 3] = []
    accounts, amounts = self._parts(dataset.curator, sale)
    extcall IRoyaltyVault(VAULT).credit_with_authorization(
        accounts,
        amounts,
        dataset.currency,
        self._order_hash(sale.dataset_id, licensee, party, expected_state),
        authorization,
    )
    return license


@external
@reentrant
def transferFrom(sender: address, receiver: address, token_id: uint256):
    # Every dataset license is locked, so this tells why not.
    license_token._move(sender, receiver, token_id)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""):
    license_token._move(sender, receiver, token_id)


# ---- dispute resolution -------------------------------------------------------------------------------


@external
def end_license(license: uint256):
    assert msg.sender == DISPUTES, "market: not for this caller"
    license_token._end(license)
    log IDatasetMarket.LicenseEnded(license=license)
    log IDatasetMarket.MetadataUpdate(_tokenId=license)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def dataset_id(dataset: types.Dataset) -> bytes32:
    return self._id(dataset)


@external
@view
def dataset_of(dataset_id: bytes32) -> (bytes32, uint32, uint32, uint256):
    word: uint256 = self.datasets[dataset_id]
    return (
        self._state(dataset_id),
        convert(word & COUNT, uint32),
        convert((word >> MEMBERS_AT) & COUNT, uint32),
        word >> PRICE_AT,
    )


@external
@view
def member_of(dataset_id: bytes32, offer_id: bytes32) -> (bool, uint32, uint32):
    member: uint256 = self.members[dataset_id][offer_id]
    return (
        member & IS_IN != 0,
        convert((member >> SPELLS_AT) & COUNT, uint32),
        convert(self._owed(member, self.datasets[dataset_id] & COUNT), uint32),
    )


@external
@view
def spell_of(dataset_id: bytes32, offer_id: bytes32, spell: uint32) -> (uint32, uint32):
    word: uint256 = self._spell(dataset_id, offer_id, spell)
    return convert(word & COUNT, uint32), convert((word >> LEFT_AT) & COUNT, uint32)


@external
@view
def covers(license: uint256, offer_id: bytes32, spell: uint32) -> bool:
    return self._covers(license, offer_id, spell)


@external
@view
def permits(
    holder: address,
    license: uint256,
    dataset: types.Dataset,
    offer: types.Offer,
    spell: uint32,
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
        and offer_rules._id_of(license) == self._id(dataset)
        and self._covers(license, offer_rules._id(offer), spell)
        and license_token._flags_in(word) & license_token.ENDED == 0
        and offer_rules._is_one_bit(usage)
        and dataset.usages & usage != 0
        and offer_rules._is_one_bit(aspect)
        and dataset.aspects & aspect != 0
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
def quote(dataset: types.Dataset) -> (uint256, uint256, uint256, uint256, uint32, bytes32):
    sale: Sale = self._quote(dataset)
    return sale.total, sale.price, sale.curator_fee, sale.fee, convert(sale.members, uint32), sale.state


@external
@view
def tokenURI(token_id: uint256) -> String[16384]:
    """
    @notice The license's certificate (ERC-721), rendered on chain; empty where no renderer was deployed.
    """
    erc721._word(token_id)
    if CERTIFICATES == empty(address):
        return ""
    return staticcall Renderer(CERTIFICATES).dataset_uri(self, token_id)


@external
@view
def contractURI() -> String[256]:
    """
    @notice The collection's own metadata (ERC-7572), on chain.
    """
    return 'data:application/json;utf8,{"name":"IPTO dataset licenses","symbol":"DSET","description":"Permissions to use datasets of videos for AI: the works in them at the purchase."}'


@external
@view
def royaltyInfo(token_id: uint256, sale_price: uint256) -> (address, uint256):
    """
    @notice ERC-2981. A dataset license is never resold.
    """
    return erc721._owner(token_id), 0


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


# ---- internal: datasets -------------------------------------------------------------------------------


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "market: not the actor"


@internal
@pure
def _id(dataset: types.Dataset) -> bytes32:
    return offer_rules._id_of(convert(keccak256(abi_encode(dataset)), uint256))


@internal
@view
def _state(dataset_id: bytes32) -> bytes32:
    state: bytes32 = self.states[dataset_id]
    assert state != empty(bytes32), "dataset: not open"
    return state


@internal
@pure
def _next(state: bytes32, action: uint256, offer_id: bytes32, price: uint96, cultural: bytes32) -> bytes32:
    return keccak256(abi_encode(state, action, offer_id, convert(price, uint256), cultural))


@internal
@view
def _order_hash(dataset_id: bytes32, licensee: address, party: bytes32, expected_state: bytes32) -> bytes32:
    return keccak256(abi_encode(chain.id, dataset_id, licensee, party, expected_state))


# ---- internal: members --------------------------------------------------------------------------------


@internal
@pure
def _check_fits(dataset: types.Dataset, offer: types.Offer):
    """
    @dev Terms are equal, and nobody's permission is stretched: not to more usages or aspects, not to buyers, sales or
         models beyond what its licensor said.
    """
    # One fault is named, the last of them: an assertion for each would be twice the code.
    fault: String[34] = ""
    if (
        offer.currency != dataset.currency
        or offer.terms != dataset.terms
        or offer.term != dataset.term
        or offer.after_term != dataset.after_term
        or offer.revenue_share_bps != dataset.revenue_share_bps
        or offer.unit != dataset.unit
        or offer.unit_price != dataset.unit_price
        or offer.report_every != dataset.report_every
    ):
        fault = "dataset: other terms"
    if (
        dataset.usages | offer.usages != offer.usages
        or dataset.aspects | offer.aspects != offer.aspects
        or dataset.forbids | offer.forbids != dataset.forbids
    ):
        fault = "dataset: offer permits less"
    if offer.licensee != empty(address) and offer.licensee != dataset.licensee:
        fault = "dataset: offer is private"
    if offer.supply != max_value(uint32):
        fault = "dataset: offer's supply is limited"
    if offer.flags & ONE_MODEL != 0:
        fault = "dataset: offer is for one model"
    assert len(fault) == 0, fault


@internal
def _leave(dataset_id: bytes32, offer: types.Offer, action: uint256, by: address):
    offer_id: bytes32 = offer_rules._id(offer)
    member: uint256 = self.members[dataset_id][offer_id]
    assert member & IS_IN != 0, "dataset: not a member"
    word: uint256 = self.datasets[dataset_id]
    sales: uint256 = word & COUNT
    owed: uint256 = self._owed(member, sales)
    spell: uint256 = (member >> SPELLS_AT) & COUNT
    kept: uint256 = member & SPELL_MASK
    if spell == 1:
        kept = (member & COUNT) | (sales << LEFT_AT)
    else:
        begun: uint256 = self.later_spells[dataset_id][offer_id][spell]
        self.later_spells[dataset_id][offer_id][spell] = (begun & COUNT) | (sales << LEFT_AT)
    self.members[dataset_id][offer_id] = (spell << SPELLS_AT) | (owed << OWED_AT) | (sales << SETTLED_AT) | kept
    price: uint256 = convert(offer.price, uint256)
    self.datasets[dataset_id] = word - (price << PRICE_AT) - (1 << MEMBERS_AT)
    state: bytes32 = self._next(self.states[dataset_id], action, offer_id, offer.price, empty(bytes32))
    self.states[dataset_id] = state
    log IDatasetMarket.MemberLeft(
        dataset_id=dataset_id,
        offer_id=offer_id,
        work=offer.work,
        spell=convert(spell, uint32),
        left=convert(sales, uint32),
        price=price,
        action=convert(action, uint8),
        by=by,
        state=state,
    )
    extcall ILicenseMarket(MARKET).unbundle(offer.work)


@internal
@pure
def _owed(member: uint256, sales: uint256) -> uint256:
    """
    @return The sales that a member was in and has not been paid for.
    """
    owed: uint256 = (member >> OWED_AT) & COUNT
    if member & IS_IN != 0:
        owed += sales - ((member >> SETTLED_AT) & COUNT)
    return owed


@internal
@view
def _payee(work: uint256) -> bytes32:
    owner: address = empty(address)
    since: uint40 = 0
    payee: bytes32 = empty(bytes32)
    steward: address = empty(address)
    cultural: bytes32 = empty(bytes32)
    cleared: uint16 = 0
    flags: uint8 = 0
    (owner, since, payee, steward, cultural, cleared, flags) = staticcall IWorkRegistry(REGISTRY).sale_terms(work)
    return convert(convert(owner, uint256), bytes32) if payee == empty(bytes32) else payee


@internal
@view
def _spell(dataset_id: bytes32, offer_id: bytes32, spell: uint32) -> uint256:
    """
    @return joined and left of a spell, in the lowest 64 bits; zero for one that has not begun.
    """
    if spell == 1:
        return self.members[dataset_id][offer_id] & SPELL_MASK
    return self.later_spells[dataset_id][offer_id][convert(spell, uint256)]


@internal
@view
def _covers(license: uint256, offer_id: bytes32, spell: uint32) -> bool:
    if erc721.words[license] == 0:
        return False
    word: uint256 = self._spell(offer_rules._id_of(license), offer_id, spell)
    sale: uint256 = license & offer_rules.SALE_MASK
    # A spell that has not begun has ended before the first sale.
    return sale > word & COUNT and sale <= (word >> LEFT_AT) & COUNT


# ---- internal: sales ----------------------------------------------------------------------------------


@internal
@view
def _quote(dataset: types.Dataset) -> Sale:
    sale: Sale = empty(Sale)
    sale.dataset_id = self._id(dataset)
    sale.state = self._state(sale.dataset_id)
    sale.word = self.datasets[sale.dataset_id]
    sale.members = (sale.word >> MEMBERS_AT) & COUNT
    sale.price = sale.word >> PRICE_AT
    sale.curator_fee = sale.price * convert(dataset.curator_fee_bps, uint256) // 10_000
    traded: uint256 = trade.terms_of_trade
    sale.fee = trade._fee_in(traded, sale.price)
    sale.fee_account = trade._fee_account_in(traded)
    sale.total = sale.price + sale.curator_fee + sale.fee
    return sale


@internal
@view
def _prepare(dataset: types.Dataset, licensee: address, max_total: uint256) -> Sale:
    assert trade.terms_of_trade & trade.PAUSED == 0, "market: paused"
    assert licensee != empty(address), "market: licensee is zero"
    assert dataset.licensee == empty(address) or dataset.licensee == licensee, "dataset: private"
    sale: Sale = self._quote(dataset)
    assert sale.members != 0, "dataset: no members"
    assert sale.total <= max_total, "market: price above max"
    # The highest number means that a spell goes on.
    assert (sale.word & COUNT) + 1 < NOT_LEFT, "dataset: sold out"
    return sale


@internal
@payable
def _sell(dataset: types.Dataset, licensee: address, party: bytes32, sale: Sale) -> uint256:
    license: uint256 = self._book_sale(dataset, licensee, msg.sender, party, sale)
    accounts: DynArray[bytes32, 3] = []
    amounts: DynArray[uint256, 3] = []
    accounts, amounts = self._parts(dataset.curator, sale)
    if dataset.currency == ETH:
        assert msg.value == sale.total, "market: ETH sent differs from the total"
        if sale.total != 0:
            extcall IRoyaltyVault(VAULT).credit(accounts, amounts, ETH, value=msg.value)
    else:
        assert msg.value == 0, "dataset: not in ETH"
        if sale.total != 0:
            extcall IRoyaltyVault(VAULT).open(dataset.currency)
            trade._take(dataset.currency, VAULT, sale.total)
            extcall IRoyaltyVault(VAULT).credit(accounts, amounts, dataset.currency)
    return license


@internal
def _book_sale(dataset: types.Dataset, licensee: address, payer: address, party: bytes32, sale: Sale) -> uint256:
    self.datasets[sale.dataset_id] = sale.word + 1
    license: uint256 = convert(sale.dataset_id, uint256) | ((sale.word & COUNT) + 1)
    expires_at: uint256 = min(block.timestamp + convert(dataset.term, uint256), license_token.FOREVER)
    license_token._mint(licensee, license, True, expires_at)
    log IDatasetMarket.DatasetLicenseMinted(
        license=license,
        licensee=licensee,
        dataset_id=sale.dataset_id,
        payer=payer,
        currency=dataset.currency,
        price=sale.price,
        curator_fee=sale.curator_fee,
        fee=sale.fee,
        members=convert(sale.members, uint32),
        expires_at=convert(expires_at, uint40),
        party=party,
        state=sale.state,
    )
    log IDatasetMarket.TokenExpiryUpdated(
        tokenId=license, startTime=block.timestamp, endTime=license_token._end_time(expires_at)
    )
    log IDatasetMarket.Locked(tokenId=license)
    return license


@internal
@view
def _parts(curator: address, sale: Sale) -> (DynArray[bytes32, 3], DynArray[uint256, 3]):
    """
    @return The accounts that a sale pays and their parts: the members' common one, the curator, the protocol's fee.
    """
    accounts: DynArray[bytes32, 3] = []
    amounts: DynArray[uint256, 3] = []
    if sale.price != 0:
        accounts.append(staticcall IRoyaltyVault(VAULT).sub_account(self, sale.dataset_id))
        amounts.append(sale.price)
    if sale.curator_fee != 0:
        accounts.append(convert(convert(curator, uint256), bytes32))
        amounts.append(sale.curator_fee)
    if sale.fee != 0:
        accounts.append(sale.fee_account)
        amounts.append(sale.fee)
    return accounts, amounts
