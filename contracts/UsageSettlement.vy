# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
# pragma optimize codesize
"""
@title UsageSettlement: ongoing income
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IUsageSettlement.vyi`.
"""

from .interfaces import IDatasetMarket
from .interfaces import ILicenseMarket
from .interfaces import IRoyaltyVault
from .interfaces import IUsageSettlement
from .interfaces import types
from .modules import offer_rules
from .modules import sum_tree


implements: IUsageSettlement


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE

WINDOW: public(constant(uint256)) = 7 * 86_400  # seconds in which a report can be challenged
FINAL_WINDOW: public(constant(uint256)) = 30 * 86_400  # the same for a final report
GRACE: public(constant(uint256)) = 14 * 86_400  # seconds after a period's end plus cadence until a report is overdue

# A report's flags.
FINAL: constant(uint256) = 1
LATE: constant(uint256) = 2
SUPPLEMENT: constant(uint256) = 4
HELD: constant(uint256) = 8
VOID: constant(uint256) = 16
CORRECTED: constant(uint256) = 32
RESTATED: constant(uint256) = 64

VAULT: public(immutable(address))
REGISTRY: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
DISPUTES: public(immutable(address))
MARKET: public(immutable(address))
DATASETS: public(immutable(address))

# model → developer
models: HashMap[bytes32, address]
# model → manifest → when it was committed to
manifests: HashMap[bytes32, HashMap[bytes32, uint256]]
# keccak256(abi_encode(market, license, holder, developer)) → allowed
reporters: HashMap[bytes32, bool]
# ONE_MODEL license → model
bound: HashMap[uint256, bytes32]

# A license's word, under keccak256(abi_encode(market, license)) with the last 32 bits zero; its reports are numbered
# from there.
#
#   168..255 136..167  104..135 72..103 40..71    0..39
#   | unused | final # | voids  | late  | reports | through (s) |
ledgers: HashMap[bytes32, uint256]
REPORTS_AT: constant(uint256) = 40
LATE_AT: constant(uint256) = 72
VOIDS_AT: constant(uint256) = 104
FINAL_AT: constant(uint256) = 136
NUMBER_MASK: constant(uint256) = 2**32 - 1
TIME_MASK: constant(uint256) = 2**40 - 1

# A report's word. The total is what its tree shares out, of which so much was paid. The clock is when claims open, UTC
# seconds; while held, the seconds that were left.
#
#   248..255 208..247 104..207  0..103
#   | flags  | clock  | paid    | total |
reports: HashMap[bytes32, uint256]
PAID_AT: constant(uint256) = 104
CLOCK_AT: constant(uint256) = 208
FLAGS_AT: constant(uint256) = 248
AMOUNT_MASK: constant(uint256) = 2**104 - 1

roots: HashMap[bytes32, bytes32]
# keccak256(abi_encode(report, root)) → index // 256 → one bit for each leaf that was paid
claimed: HashMap[bytes32, HashMap[uint256, uint256]]


# What both kinds of license say of reporting.
struct Duty:
    market: address
    currency: address
    report_every: uint256
    bound: bytes32  # zero: to no model
    is_bound: bool


@deploy
def __init__(
    vault: address, registry: address, signed_actions: address, disputes: address, market: address, datasets: address
):
    assert vault.is_contract and registry.is_contract and signed_actions.is_contract, "usage: bad wiring"
    assert market.is_contract and datasets.is_contract, "usage: bad wiring"
    VAULT = vault
    REGISTRY = registry
    SIGNED_ACTIONS = signed_actions
    DISPUTES = disputes
    MARKET = market
    DATASETS = datasets


# ---- developers ---------------------------------------------------------------------------------------


@external
def register_model(developer: address, card: bytes32) -> bytes32:
    self._check_actor(developer)
    assert card != empty(bytes32), "usage: card is zero"
    model: bytes32 = self._model_id(developer, card)
    assert self.models[model] == empty(address), "usage: model registered already"
    self.models[model] = developer
    log IUsageSettlement.ModelRegistered(model=model, developer=developer, card=card)
    return model


@external
def commit_manifest(actor: address, model: bytes32, manifest: bytes32):
    self._check_actor(actor)
    assert actor != empty(address) and self.models[model] == actor, "usage: not the model's developer"
    assert manifest != empty(bytes32), "usage: manifest is zero"
    assert self.manifests[model][manifest] == 0, "usage: manifest committed already"
    self.manifests[model][manifest] = block.timestamp
    log IUsageSettlement.ManifestCommitted(model=model, manifest=manifest, developer=actor)


# ---- holders of licenses ------------------------------------------------------------------------------


@external
def authorize(actor: address, market: address, license: uint256, developer: address, allowed: bool):
    self._check_actor(actor)
    assert market == MARKET or market == DATASETS, "usage: no such market"
    assert developer != empty(address), "usage: zero address"
    self.reporters[self._reporter_key(market, license, actor, developer)] = allowed
    log IUsageSettlement.ReporterAuthorized(
        license=license, holder=actor, developer=developer, market=market, allowed=allowed
    )


@external
def bind_model(actor: address, license: uint256, offer: types.Offer, model: bytes32):
    self._check_actor(actor)
    self._check_offer(license, offer)
    assert offer.flags & offer_rules.ONE_MODEL != 0, "usage: license is for any model"
    assert self._license_of(MARKET, license)[0] == actor, "usage: not the holder"
    assert self.models[model] != empty(address), "usage: no such model"
    assert self.bound[license] == empty(bytes32), "usage: license is bound already"
    self.bound[license] = model
    log IUsageSettlement.ModelBound(license=license, model=model, holder=actor)


@external
@payable
def report(offer: types.Offer, usage: types.UsageReport) -> bytes32:
    self._check_offer(usage.license, offer)
    return self._report_and_pay(self._duty_of(usage.license, offer), usage)


@external
@payable
def report_dataset(dataset: types.Dataset, usage: types.UsageReport) -> bytes32:
    self._check_dataset(usage.license, dataset)
    return self._report_and_pay(self._duty_of_dataset(dataset), usage)


@external
def report_with_authorization(
    offer: types.Offer, usage: types.UsageReport, authorization: types.Authorization
) -> bytes32:
    self._check_offer(usage.license, offer)
    return self._report_and_charge(self._duty_of(usage.license, offer), usage, authorization)


@external
def report_dataset_with_authorization(
    dataset: types.Dataset, usage: types.UsageReport, authorization: types.Authorization
) -> bytes32:
    self._check_dataset(usage.license, dataset)
    return self._report_and_charge(self._duty_of_dataset(dataset), usage, authorization)


@external
def restate(actor: address, market: address, license: uint256, number: uint32, root: bytes32, manifest: bytes32):
    self._check_actor(actor)
    assert self._may_report(market, license, self._license_of(market, license)[0], actor), "usage: not a reporter"
    ledger: bytes32 = self._ledger_id(market, license)
    report: bytes32 = self._numbered(ledger, number)
    word: uint256 = self.reports[report]
    flags: uint256 = word >> FLAGS_AT
    assert flags & VOID != 0, "usage: report is not void"
    total: uint256 = word & AMOUNT_MASK
    self._check_shares(total, root, manifest)

    opens_at: uint256 = block.timestamp + (FINAL_WINDOW if flags & FINAL != 0 else WINDOW)
    self._settle(report, total, opens_at, (flags & ~VOID) | RESTATED)
    self.roots[report] = root
    self.ledgers[ledger] -= 1 << VOIDS_AT
    log IUsageSettlement.ReportRestated(
        report=report, reporter=actor, root=root, manifest=manifest, opens_at=convert(opens_at, uint40)
    )


# ---- anyone -------------------------------------------------------------------------------------------


@external
def claim(
    market: address,
    license: uint256,
    number: uint32,
    count: uint32,
    leaves: DynArray[types.UsageLeaf, 100],
    proof: DynArray[types.SumNode, 1280],
) -> uint256:
    report: bytes32 = self._numbered(self._ledger_id(market, license), number)
    word: uint256 = self.reports[report]
    self._check_claimable(word)

    # Prove. The arrays hold the level that was reached: what is known of it, ascending.
    offer_ids: bytes32[100] = empty(bytes32[100])
    places: uint256[100] = empty(uint256[100])
    digests: bytes32[100] = empty(bytes32[100])
    sums: uint256[100] = empty(uint256[100])
    known: uint256 = len(leaves)
    width: uint256 = convert(count, uint256)
    assert known != 0, "usage: no leaves"
    previous: uint256 = 0
    for i: uint256 in range(known, bound=100):
        place: uint256 = convert(leaves[i].index, uint256)
        assert i == 0 or place > previous, "usage: leaves not ascending"
        previous = place
        # As offer_rules._id, without handing the offer over, which would copy it.
        hashed: uint256 = convert(keccak256(abi_encode(leaves[i].offer)), uint256)
        offer_ids[i] = convert(hashed & ~offer_rules.SALE_MASK, bytes32)
        places[i] = place
        sums[i] = leaves[i].amount
        digests[i] = sum_tree._leaf(offer_ids[i], leaves[i].spell, leaves[i].amount)
    assert previous < width, "usage: wrong proof"

    used: uint256 = 0
    for level: uint256 in range(32):
        if width == 1:
            break
        written: uint256 = 0
        is_taken: bool = False  # this one was its left neighbour's right
        for i: uint256 in range(known, bound=100):
            if is_taken:
                is_taken = False
                continue
            place: uint256 = places[i]
            digest: bytes32 = digests[i]
            amount: uint256 = sums[i]
            beside: types.SumNode = empty(types.SumNode)
            if place & 1 == 0 and unsafe_add(i, 1) < known and places[unsafe_add(i, 1)] == unsafe_add(place, 1):
                is_taken = True
                beside.digest = digests[unsafe_add(i, 1)]
                beside.amount = sums[unsafe_add(i, 1)]
            elif place & 1 == 1 or unsafe_add(place, 1) < width:
                assert used < len(proof), "usage: wrong proof"
                beside = proof[used]
                used = unsafe_add(used, 1)
            if place & 1 == 0:
                digests[written] = sum_tree._node(digest, amount, beside.digest, beside.amount)
            else:
                digests[written] = sum_tree._node(beside.digest, beside.amount, digest, amount)
            sums[written] = amount + beside.amount
            places[written] = place >> 1
            written = unsafe_add(written, 1)
        known = written
        width = unsafe_add(width, 1) >> 1
    assert used == len(proof) and sums[0] == word & AMOUNT_MASK, "usage: wrong proof"
    root: bytes32 = sum_tree._root(count, sums[0], digests[0])
    assert root == self.roots[report], "usage: wrong proof"

    # Pay.
    bitmap: bytes32 = self._bitmap_of(report, root)
    paid: uint256 = 0
    accounts: DynArray[bytes32, 64] = []
    amounts: DynArray[uint256, 64] = []
    for i: uint256 in range(len(leaves), bound=100):
        index: uint256 = convert(leaves[i].index, uint256)
        bit: uint256 = 1 << (index & 255)
        bits: uint256 = self.claimed[bitmap][index >> 8]
        amount: uint256 = leaves[i].amount
        if amount == 0 or bits & bit != 0:
            continue
        assert self._covers(market, license, offer_ids[i], leaves[i].spell), "usage: license does not cover a leaf"
        account: bytes32 = self._payee_of(leaves[i].offer.work)
        if account == empty(bytes32):
            continue
        self.claimed[bitmap][index >> 8] = bits | bit
        paid = unsafe_add(paid, amount)
        log IUsageSettlement.UsagePaid(
            report=report,
            work=leaves[i].offer.work,
            account=account,
            offer_id=offer_ids[i],
            index=leaves[i].index,
            amount=amount,
        )
        last: uint256 = len(accounts)
        if last != 0 and accounts[unsafe_sub(last, 1)] == account:
            amounts[unsafe_sub(last, 1)] += amount
            continue
        if last == 64:
            # Nothing but the vault is called, which calls nobody: the word can be written at the end.
            extcall IRoyaltyVault(VAULT).book(report, accounts, amounts, leaves[0].offer.currency)
            accounts = []
            amounts = []
        accounts.append(account)
        amounts.append(amount)
    if paid != 0:
        # Reverts when more was claimed than the report brought, whatever its tree says.
        left: uint256 = (word & AMOUNT_MASK) - ((word >> PAID_AT) & AMOUNT_MASK) - paid
        self.reports[report] = word + (paid << PAID_AT)
        extcall IRoyaltyVault(VAULT).book(report, accounts, amounts, leaves[0].offer.currency)
    return paid


# ---- dispute resolution -------------------------------------------------------------------------------


@external
def hold_report(report: bytes32, held: bool):
    self._check_disputes()
    word: uint256 = self._report(report)
    flags: uint256 = word >> FLAGS_AT
    clock: uint256 = (word >> CLOCK_AT) & TIME_MASK
    opens_at: uint256 = 0
    if held:
        assert flags & (HELD | VOID) == 0, "usage: report is held or void"
        assert block.timestamp < clock, "usage: challenge window over"
        self._settle(report, word, unsafe_sub(clock, block.timestamp), flags | HELD)
    else:
        assert flags & HELD != 0, "usage: report is not held"
        opens_at = block.timestamp + clock
        self._settle(report, word, opens_at, flags & ~HELD)
    log IUsageSettlement.ReportHeld(report=report, held=held, opens_at=convert(opens_at, uint40))


@external
def void_report(report: bytes32, new_root: bytes32):
    self._check_disputes()
    word: uint256 = self._report(report)
    flags: uint256 = word >> FLAGS_AT
    # Leaves that were paid stay paid; what is left is shared out anew.
    left: uint256 = (word & AMOUNT_MASK) - ((word >> PAID_AT) & AMOUNT_MASK)
    # The license's ledger has the report's id but for the number.
    ledger: bytes32 = convert(convert(report, uint256) & ~NUMBER_MASK, bytes32)
    if new_root == empty(bytes32):
        if flags & VOID == 0:
            self.ledgers[ledger] += 1 << VOIDS_AT
        self._settle(report, left, 0, (flags & ~HELD) | VOID)
    else:
        assert left != 0, "usage: nothing to share out"
        if flags & VOID != 0:
            self.ledgers[ledger] -= 1 << VOIDS_AT
        self._settle(report, left, block.timestamp, (flags & ~(HELD | VOID)) | CORRECTED)
    self.roots[report] = new_root
    log IUsageSettlement.ReportVoided(report=report, root=new_root, left=left)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def due_at(license: uint256, offer: types.Offer) -> (uint256, uint256):
    self._check_offer(license, offer)
    return self._due_at(MARKET, license, convert(offer.report_every, uint256))


@external
@view
def due_at_dataset(license: uint256, dataset: types.Dataset) -> (uint256, uint256):
    self._check_dataset(license, dataset)
    return self._due_at(DATASETS, license, convert(dataset.report_every, uint256))


@external
@view
def in_good_standing(license: uint256, offer: types.Offer) -> bool:
    self._check_offer(license, offer)
    return self._is_in_good_standing(MARKET, license, convert(offer.report_every, uint256))


@external
@view
def in_good_standing_dataset(license: uint256, dataset: types.Dataset) -> bool:
    self._check_dataset(license, dataset)
    return self._is_in_good_standing(DATASETS, license, convert(dataset.report_every, uint256))


@external
@view
def ledger_of(market: address, license: uint256) -> (uint40, uint32, uint32, uint32, uint32):
    ledger: bytes32 = self._ledger_id(market, license)
    word: uint256 = self.ledgers[ledger]
    return (
        convert(word & TIME_MASK, uint40),
        convert(self._number_in(word, REPORTS_AT), uint32),
        convert(self._number_in(word, LATE_AT), uint32),
        convert(self._number_in(word, VOIDS_AT), uint32),
        convert(self._standing_final(ledger, word), uint32),
    )


@external
@view
def report_id(market: address, license: uint256, number: uint32) -> bytes32:
    return self._numbered(self._ledger_id(market, license), number)


@external
@view
def report_of(report: bytes32) -> (uint256, uint256, uint40, uint8, bytes32):
    word: uint256 = self._report(report)
    return (
        word & AMOUNT_MASK,
        (word >> PAID_AT) & AMOUNT_MASK,
        convert((word >> CLOCK_AT) & TIME_MASK, uint40),
        convert(word >> FLAGS_AT, uint8),
        self.roots[report],
    )


@external
@view
def is_claimed(report: bytes32, index: uint32) -> bool:
    place: uint256 = convert(index, uint256)
    return self.claimed[self._bitmap_of(report, self.roots[report])][place >> 8] & (1 << (place & 255)) != 0


@external
@view
def order_hash(usage: types.UsageReport) -> bytes32:
    return self._order_hash(usage)


@external
@view
def model_id(developer: address, card: bytes32) -> bytes32:
    return self._model_id(developer, card)


@external
@view
def developer_of(model: bytes32) -> address:
    return self.models[model]


@external
@view
def committed_at(model: bytes32, manifest: bytes32) -> uint256:
    return self.manifests[model][manifest]


@external
@view
def bound_model(license: uint256) -> bytes32:
    return self.bound[license]


@external
@view
def may_report(market: address, license: uint256, reporter: address) -> bool:
    return self._may_report(market, license, self._license_of(market, license)[0], reporter)


# ---- internal: who and what ---------------------------------------------------------------------------


@internal
@view
def _check_actor(actor: address):
    # SignedActions calls only in the name of whoever signed.
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "usage: not the actor"


@internal
@view
def _check_disputes():
    assert msg.sender == DISPUTES, "usage: not dispute resolution"


@internal
@pure
def _check_offer(license: uint256, offer: types.Offer):
    assert offer_rules._id(offer) == offer_rules._id_of(license), "usage: not the license's offer"


@internal
@pure
def _check_dataset(license: uint256, dataset: types.Dataset):
    id: uint256 = convert(keccak256(abi_encode(dataset)), uint256) & ~offer_rules.SALE_MASK
    assert convert(id, bytes32) == offer_rules._id_of(license), "usage: not the license's dataset"


@internal
@view
def _duty_of(license: uint256, offer: types.Offer) -> Duty:
    is_bound: bool = offer.flags & offer_rules.ONE_MODEL != 0
    return Duty(
        market=MARKET,
        currency=offer.currency,
        report_every=convert(offer.report_every, uint256),
        bound=self.bound[license] if is_bound else empty(bytes32),
        is_bound=is_bound,
    )


@internal
@view
def _duty_of_dataset(dataset: types.Dataset) -> Duty:
    return Duty(
        market=DATASETS,
        currency=dataset.currency,
        report_every=convert(dataset.report_every, uint256),
        bound=empty(bytes32),
        is_bound=False,
    )


@internal
@view
def _license_of(market: address, license: uint256) -> (address, uint256):
    """
    @return Who holds a license, and when it was issued.
    """
    assert market == MARKET or market == DATASETS, "usage: no such market"
    holder: address = empty(address)
    issued_at: uint40 = 0
    expires_at: uint40 = 0
    flags: uint8 = 0
    id: bytes32 = empty(bytes32)
    holder, issued_at, expires_at, flags, id = staticcall ILicenseMarket(market).license_of(license)
    return holder, convert(issued_at, uint256)


@internal
@view
def _may_report(market: address, license: uint256, holder: address, reporter: address) -> bool:
    return reporter == holder or self.reporters[self._reporter_key(market, license, holder, reporter)]


@internal
@pure
def _reporter_key(market: address, license: uint256, holder: address, developer: address) -> bytes32:
    return keccak256(abi_encode(market, license, holder, developer))


@internal
@pure
def _model_id(developer: address, card: bytes32) -> bytes32:
    return keccak256(abi_encode(developer, card))


@internal
@pure
def _ledger_id(market: address, license: uint256) -> bytes32:
    return convert(convert(keccak256(abi_encode(market, license)), uint256) & ~NUMBER_MASK, bytes32)


@internal
@pure
def _numbered(ledger: bytes32, number: uint32) -> bytes32:
    return convert(convert(ledger, uint256) | convert(number, uint256), bytes32)


@internal
@view
def _order_hash(usage: types.UsageReport) -> bytes32:
    return keccak256(abi_encode(chain.id, usage))


# ---- internal: reports --------------------------------------------------------------------------------


@internal
@view
def _report(report: bytes32) -> uint256:
    word: uint256 = self.reports[report]
    assert word != 0, "usage: no such report"
    return word


@internal
def _settle(report: bytes32, amounts: uint256, clock: uint256, flags: uint256):
    """
    @param amounts The low bits of a report's word: what its tree shares out, what of it was paid.
    """
    self.reports[report] = (amounts & (2**CLOCK_AT - 1)) | (clock << CLOCK_AT) | (flags << FLAGS_AT)


@internal
@pure
def _bitmap_of(report: bytes32, root: bytes32) -> bytes32:
    return keccak256(abi_encode(report, root))


@internal
@pure
def _check_shares(total: uint256, root: bytes32, manifest: bytes32):
    assert (total == 0) == (root == empty(bytes32)), "usage: root and total disagree"
    assert manifest != empty(bytes32), "usage: manifest is zero"


@internal
@view
def _check_claimable(word: uint256):
    assert word != 0, "usage: no such report"
    flags: uint256 = word >> FLAGS_AT
    assert flags & HELD == 0, "usage: report is held"
    assert flags & VOID == 0, "usage: report is void"
    assert block.timestamp >= (word >> CLOCK_AT) & TIME_MASK, "usage: challenge window open"


@internal
def _book_report(duty: Duty, usage: types.UsageReport, reporter: address) -> bytes32:
    """
    @dev Every rule of a report. Writes it down; takes no money yet.
    """
    holder: address = empty(address)
    issued_at: uint256 = 0
    holder, issued_at = self._license_of(duty.market, usage.license)
    assert self._may_report(duty.market, usage.license, holder, reporter), "usage: not a reporter"
    assert duty.report_every != 0, "usage: license owes no reports"
    if duty.is_bound:
        assert usage.model != empty(bytes32) and usage.model == duty.bound, "usage: license is bound to another model"
    elif usage.model != empty(bytes32):
        assert self.models[usage.model] != empty(address), "usage: no such model"
    assert usage.flags <= 1, "usage: flags out of range"
    is_final: bool = usage.flags != 0
    total: uint256 = convert(usage.total, uint256)
    self._check_shares(total, usage.root, usage.manifest)

    ledger: bytes32 = self._ledger_id(duty.market, usage.license)
    word: uint256 = self.ledgers[ledger]
    number: uint256 = convert(usage.number, uint256)
    assert number == self._number_in(word, REPORTS_AT) + 1, "usage: not the next report"
    since: uint256 = issued_at if word == 0 else word & TIME_MASK
    through: uint256 = convert(usage.through, uint256)
    assert through >= since, "usage: period was reported already"
    assert through <= block.timestamp, "usage: period is not over"
    assert through > since or is_final or total != 0, "usage: supplement without money"

    is_supplement: bool = through == since and not is_final
    final: uint256 = self._number_in(word, FINAL_AT)
    flags: uint256 = 0
    if is_supplement:
        flags = SUPPLEMENT
    elif block.timestamp > self._due_after(ledger, word, issued_at, duty.report_every):
        flags = LATE
        word += 1 << LATE_AT
    opens_at: uint256 = block.timestamp + WINDOW
    if is_final:
        flags |= FINAL
        opens_at = block.timestamp + FINAL_WINDOW
        final = number
    elif not is_supplement:
        final = 0  # usage went on after all

    report: bytes32 = self._numbered(ledger, usage.number)
    self.ledgers[ledger] = (
        through
        | (number << REPORTS_AT)
        | (self._number_in(word, LATE_AT) << LATE_AT)
        | (self._number_in(word, VOIDS_AT) << VOIDS_AT)
        | (final << FINAL_AT)
    )
    self._settle(report, total, opens_at, flags)
    if total != 0:
        self.roots[report] = usage.root
    log IUsageSettlement.UsageReported(
        report=report,
        license=usage.license,
        model=usage.model,
        market=duty.market,
        reporter=reporter,
        number=usage.number,
        since=convert(since, uint40),
        through=usage.through,
        currency=duty.currency,
        total=total,
        root=usage.root,
        manifest=usage.manifest,
        flags=convert(flags, uint8),
        opens_at=convert(opens_at, uint40),
    )
    return report


@internal
@payable
def _report_and_pay(duty: Duty, usage: types.UsageReport) -> bytes32:
    report: bytes32 = self._book_report(duty, usage, msg.sender)
    total: uint256 = convert(usage.total, uint256)
    if duty.currency == ETH:
        assert msg.value == total, "usage: ETH sent differs from the total"
        if total != 0:
            extcall IRoyaltyVault(VAULT).credit([self._account_of(report)], [total], ETH, value=msg.value)
    else:
        assert msg.value == 0, "usage: license is not in ETH"
        if total != 0:
            extcall IRoyaltyVault(VAULT).open(duty.currency)
            # Tokens that return nothing, and tokens that return false; the vault counts what arrived.
            response: Bytes[32] = raw_call(
                duty.currency,
                abi_encode(msg.sender, VAULT, total, method_id=method_id("transferFrom(address,address,uint256)")),
                max_outsize=32,
            )
            assert len(response) == 0 or convert(response, uint256) == 1, "usage: token refused"
            extcall IRoyaltyVault(VAULT).credit([self._account_of(report)], [total], duty.currency)
    return report


@internal
def _report_and_charge(duty: Duty, usage: types.UsageReport, authorization: types.Authorization) -> bytes32:
    assert usage.total != 0, "usage: nothing to authorize"
    report: bytes32 = self._book_report(duty, usage, authorization.payer)
    extcall IRoyaltyVault(VAULT).credit_with_authorization(
        [self._account_of(report)],
        [convert(usage.total, uint256)],
        duty.currency,
        self._order_hash(usage),
        authorization,
    )
    return report


@internal
@view
def _account_of(report: bytes32) -> bytes32:
    # As the vault's sub_account, which would cost a thousand gas to ask.
    digest: uint256 = convert(keccak256(abi_encode(self, report)), uint256)
    return convert((2 << 248) | (digest & (2**248 - 1)), bytes32)


# ---- internal: shares ---------------------------------------------------------------------------------


@internal
@view
def _covers(market: address, license: uint256, offer_id: bytes32, spell: uint32) -> bool:
    if market == MARKET:
        return offer_id == offer_rules._id_of(license) and spell == 0
    return staticcall IDatasetMarket(DATASETS).covers(license, offer_id, spell)


@internal
@view
def _payee_of(work: uint256) -> bytes32:
    """
    @return Who is paid for a work now; zero while it is on hold.
    """
    success: bool = False
    response: Bytes[224] = b""
    success, response = raw_call(
        REGISTRY,
        abi_encode(work, method_id=method_id("sale_terms(uint256)")),
        max_outsize=224,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success:
        return empty(bytes32)
    owner: bytes32 = convert(slice(response, 0, 32), bytes32)
    payee: bytes32 = convert(slice(response, 64, 32), bytes32)
    return owner if payee == empty(bytes32) else payee


# ---- internal: duties ---------------------------------------------------------------------------------


@internal
@pure
def _number_in(word: uint256, at: uint256) -> uint256:
    return (word >> at) & NUMBER_MASK


@internal
@view
def _standing_final(ledger: bytes32, word: uint256) -> uint256:
    """
    @return The number of the final report that stands; zero: none does.
    """
    final: uint256 = self._number_in(word, FINAL_AT)
    if final == 0:
        return 0
    status: uint256 = self.reports[self._numbered(ledger, convert(final, uint32))]
    return 0 if (status >> FLAGS_AT) & VOID != 0 else final


@internal
@view
def _due_after(ledger: bytes32, word: uint256, issued_at: uint256, report_every: uint256) -> uint256:
    if report_every == 0 or self._standing_final(ledger, word) != 0:
        return max_value(uint256)
    return (issued_at if word == 0 else word & TIME_MASK) + report_every + GRACE


@internal
@view
def _due_at(market: address, license: uint256, report_every: uint256) -> (uint256, uint256):
    """
    @return When the next report is due, and how many are overdue.
    """
    ledger: bytes32 = self._ledger_id(market, license)
    due: uint256 = self._due_after(ledger, self.ledgers[ledger], self._license_of(market, license)[1], report_every)
    return due, 0 if block.timestamp <= due else (block.timestamp - due - 1) // report_every + 1


@internal
@view
def _is_in_good_standing(market: address, license: uint256, report_every: uint256) -> bool:
    voids: uint256 = self._number_in(self.ledgers[self._ledger_id(market, license)], VOIDS_AT)
    return voids == 0 and block.timestamp <= self._due_at(market, license, report_every)[0]
