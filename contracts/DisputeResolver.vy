# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title DisputeResolver: conflicting claims
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IDisputeResolver.vyi`.
@dev It knows vault and arbiter; every case names the contracts that its ruling is for. A case about a stranger's
     contracts reaches nothing else: calls are those of `Target`, and the money of a case is its own.
"""

from .interfaces import IArbiter
from .interfaces import IDisputeResolver
from .interfaces import IRoyaltyVault
from .modules import holds


implements: IDisputeResolver

initializes: holds


# All that a ruling or a hold can do to another contract.
interface Target:
    def DISPUTES() -> address: view
    def REGISTRY() -> address: view
    def ownerOf(token_id: uint256) -> address: view
    def report_id(market: address, license: uint256, number: uint32) -> bytes32: view
    def report_of(report: bytes32) -> uint256: view  # and more, which is not read
    def hold(work: uint256, until: uint40): nonpayable
    def hold_report(report: bytes32, held: bool): nonpayable
    def reassign(work: uint256, to: address, clean_since: uint40, keeps_steward: bool): nonpayable
    def clear_exclusivity(work: uint256): nonpayable
    def name_steward(work: uint256, steward: address): nonpayable
    def void_report(report: bytes32, new_root: bytes32): nonpayable
    def end_license(license: uint256): nonpayable


struct Rent:
    paid: uint256
    used: uint256
    to: address


ETH: constant(address) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE

MOVE_CLAIM: constant(uint8) = 1
NAME_STEWARD: constant(uint8) = 2
VOID_REPORT: constant(uint8) = 3
END_LICENSE: constant(uint8) = 4

OPEN: constant(uint8) = 1
REFERRED: constant(uint8) = 2
RULED: constant(uint8) = 3
WITHDRAWN: constant(uint8) = 4
LAPSED: constant(uint8) = 5

FOR_OPENER: constant(uint8) = 1
FOR_RESPONDENT: constant(uint8) = 2
NO_FAULT: constant(uint8) = 3

ANSWER_TIME: constant(uint256) = 14 * holds.DAY
LIFE: constant(uint256) = 90 * holds.DAY  # without a ruling
DELAY: constant(uint256) = 7 * holds.DAY  # from ruling to execution
GRACE: constant(uint256) = 30 * holds.DAY  # for which a ruling's hold goes on when nobody executes it
# What a target may burn where its answer does not matter.
TELLING_GAS: constant(uint256) = 200_000

ARBITER: public(immutable(address))
VAULT: public(immutable(address))
SIGNED_ACTIONS: public(immutable(address))
BOND_CURRENCY: public(immutable(address))
BOND: public(immutable(uint256))
FEE: public(immutable(uint256))  # the arbiter's, a ruling
RENT_PER_DAY: public(immutable(uint256))

cases: public(uint256)
case_by_number: HashMap[uint256, IDisputeResolver.Case]
rents: HashMap[uint256, Rent]
# keccak256(abi_encode(target, subject)) of reports whose settlement was told that they are held.
told: HashMap[bytes32, bool]


@deploy
def __init__(
    arbiter: address,
    vault: address,
    signed_actions: address,
    bond_currency: address,
    bond: uint256,
    fee: uint256,
    rent_per_day: uint256,
):
    assert arbiter.is_contract and vault.is_contract and signed_actions.is_contract, "disputes: bad wiring"
    assert bond_currency == ETH or bond_currency.is_contract, "disputes: bad wiring"
    assert bond != 0 and fee <= bond and rent_per_day != 0, "disputes: bad amounts"
    holds.__init__()
    ARBITER = arbiter
    VAULT = vault
    SIGNED_ACTIONS = signed_actions
    BOND_CURRENCY = bond_currency
    BOND = bond
    FEE = fee
    RENT_PER_DAY = rent_per_day


# ---- parties ------------------------------------------------------------------------------------------


@external
@payable
def open_case(
    effect: uint8,
    target: address,
    market: address,
    subject: uint256,
    number: uint32,
    hold_days: uint256,
    evidence: bytes32,
) -> uint256:
    assert effect != 0 and effect <= END_LICENSE, "disputes: effect out of range"
    assert evidence != empty(bytes32), "disputes: evidence is zero"
    self._check_target(target)
    told_of: uint256 = subject
    respondent: address = empty(address)
    if effect == VOID_REPORT:
        report: bytes32 = staticcall Target(target).report_id(market, subject, number)
        total: uint256 = staticcall Target(target).report_of(report)  # reverts for one that was not made
        told_of = convert(report, uint256)
        respondent = staticcall Target(market).ownerOf(subject)
    else:
        assert number == 0, "disputes: number without a report"
        respondent = staticcall Target(target).ownerOf(subject)
        if market != empty(address):
            assert effect == MOVE_CLAIM, "disputes: market without need"
            self._check_target(market)
            assert staticcall Target(market).REGISTRY() == target, "disputes: market of another registry"
    assert respondent != empty(address), "disputes: nobody to answer"
    assert msg.sender != respondent, "disputes: opener is the respondent"
    assert msg.sender != ARBITER, "disputes: arbiter is no party"

    case: uint256 = self.cases + 1
    self.cases = case
    self.case_by_number[case] = IDisputeResolver.Case(
        opener=msg.sender,
        respondent=respondent,
        effect=effect,
        phase=OPEN,
        outcome=0,
        is_answered=False,
        is_executed=False,
        is_settled=False,
        opened_at=convert(block.timestamp, uint40),
        ruled_at=0,
        target=target,
        market=market,
        subject=told_of,
        remedy=empty(bytes32),
    )
    log IDisputeResolver.CaseOpened(
        case=case,
        opener=msg.sender,
        subject=told_of,
        effect=effect,
        target=target,
        market=market,
        respondent=respondent,
        evidence=evidence,
    )
    rent: uint256 = 0
    if hold_days != 0:
        rent = self._ask_hold(case, hold_days)
    self._pay_in(case, BOND + rent)
    extcall IArbiter(ARBITER).request(case)
    return case


@external
@payable
def answer(case: uint256, evidence: bytes32):
    told: IDisputeResolver.Case = self._open_case(case)
    assert block.timestamp < convert(told.opened_at, uint256) + ANSWER_TIME, "disputes: too late to answer"
    assert not told.is_answered, "disputes: answered before"
    assert evidence != empty(bytes32), "disputes: evidence is zero"
    assert msg.sender != told.opener and msg.sender != ARBITER, "disputes: not the subject's owner"
    if told.effect == VOID_REPORT:
        assert msg.sender == told.respondent, "disputes: not the subject's owner"
    else:
        # It may have been sold since.
        assert msg.sender == staticcall Target(told.target).ownerOf(told.subject), "disputes: not the subject's owner"
    self.case_by_number[case].is_answered = True
    self.case_by_number[case].respondent = msg.sender
    log IDisputeResolver.CaseAnswered(case=case, respondent=msg.sender, evidence=evidence)
    self._pay_in(case, BOND)


@external
@payable
def ask_hold(case: uint256, hold_days: uint256):
    told: IDisputeResolver.Case = self._running(case)
    assert msg.sender == told.opener, "disputes: not the opener"
    self._pay_in(case, self._ask_hold(case, hold_days))


@external
def end_hold(target: address, subject: uint256):
    key: bytes32 = self._key(target, subject)
    if self.told[key] and holds._until(key) == 0:
        self.told[key] = False
        extcall Target(target).hold_report(convert(subject, bytes32), False)


@external
def submit_evidence(actor: address, case: uint256, evidence: bytes32):
    assert msg.sender == actor or msg.sender == SIGNED_ACTIONS, "disputes: not the actor"
    self._running(case)
    assert evidence != empty(bytes32), "disputes: evidence is zero"
    log IDisputeResolver.EvidenceSubmitted(case=case, actor=actor, evidence=evidence)


@external
def withdraw_case(case: uint256):
    told: IDisputeResolver.Case = self._open_case(case)
    assert msg.sender == told.opener, "disputes: not the opener"
    self._close(case, told, WITHDRAWN)


# ---- the arbiter --------------------------------------------------------------------------------------


@external
def refer(case: uint256):
    told: IDisputeResolver.Case = self._open_case(case)
    assert (
        told.is_answered or block.timestamp >= convert(told.opened_at, uint256) + ANSWER_TIME
    ), "disputes: can still be answered"
    self.case_by_number[case].phase = REFERRED
    log IDisputeResolver.CaseReferred(case=case)


@external
def order_hold(case: uint256, is_held: bool):
    told: IDisputeResolver.Case = self._before_arbiter(case)
    assert told.effect != END_LICENSE, "disputes: licenses are not held"
    if is_held:
        self._order(case, told, convert(told.opened_at, uint256) + LIFE)
    else:
        self._end_asked_by(case, told)
        self._unorder(case, told)
    self._tell(told)


@external
def rule(case: uint256, outcome: uint8, remedy: bytes32, reasons: bytes32):
    told: IDisputeResolver.Case = self._before_arbiter(case)
    assert outcome != 0 and outcome <= NO_FAULT, "disputes: outcome out of range"
    assert reasons != empty(bytes32), "disputes: reasons are zero"
    if outcome != FOR_OPENER or (told.effect != MOVE_CLAIM and told.effect != VOID_REPORT):
        assert remedy == empty(bytes32), "disputes: remedy out of range"
    elif told.effect == MOVE_CLAIM:
        assert convert(remedy, uint256) >> 41 == 0, "disputes: remedy out of range"
        assert self._clean_since(remedy) <= block.timestamp, "disputes: remedy out of range"

    told.phase = RULED
    told.outcome = outcome
    told.ruled_at = convert(block.timestamp, uint40)
    told.remedy = remedy
    self.case_by_number[case] = told
    executable_at: uint256 = block.timestamp + DELAY
    log IDisputeResolver.CaseRuled(
        case=case, outcome=outcome, remedy=remedy, reasons=reasons, executable_at=convert(executable_at, uint40)
    )
    self._end_asked_by(case, told)
    self._unorder(case, told)
    if outcome == FOR_OPENER and told.effect != END_LICENSE:
        # Whoever is about to lose it does not sell or collect in the meantime.
        self._order(case, told, executable_at + GRACE)
    self._try_to_tell(told)
    if FEE != 0:
        account: bytes32 = staticcall IRoyaltyVault(VAULT).sub_account(ARBITER, keccak256(abi_encode(self, case)))
        extcall IRoyaltyVault(VAULT).book(convert(case, bytes32), [account], [FEE], BOND_CURRENCY)


# ---- anyone -------------------------------------------------------------------------------------------


@external
def execute(case: uint256):
    told: IDisputeResolver.Case = self._case(case)
    if told.phase == OPEN or told.phase == REFERRED:
        assert block.timestamp >= convert(told.opened_at, uint256) + LIFE, "disputes: case is running"
        self._close(case, told, LAPSED)
        return
    self._check_executable(told)
    assert not told.is_executed, "disputes: executed before"
    self.case_by_number[case].is_executed = True
    log IDisputeResolver.CaseExecuted(case=case)
    if not told.is_settled:
        self._settle(case, told)
    if told.outcome == FOR_OPENER:
        self._carry_out(case, told)


@external
def settle(case: uint256):
    told: IDisputeResolver.Case = self._case(case)
    self._check_executable(told)
    assert not told.is_settled, "disputes: settled before"
    self._settle(case, told)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def case_of(case: uint256) -> IDisputeResolver.Case:
    return self._case(case)


@external
@view
def rent_of(case: uint256) -> (uint256, uint256, address):
    told: IDisputeResolver.Case = self._case(case)
    key: bytes32 = self._key(told.target, told.subject)
    rent: Rent = self.rents[case]
    if holds.holds[key].asker == case:
        rent.used += self._rent(min(block.timestamp, holds.holds[key].asked_until) - holds.holds[key].asked_from)
    return rent.paid, rent.used, rent.to


@external
@view
def hold_of(target: address, subject: uint256) -> (uint256, uint256, uint256, uint256):
    key: bytes32 = self._key(target, subject)
    asked_until: uint256 = holds._asked_until(key)
    asker: uint256 = holds.holds[key].asker if asked_until != 0 else 0
    return asker, asked_until, holds._ordered_until(key), holds._left(key)


@external
@view
def deadlines_of(case: uint256) -> (uint256, uint256, uint256):
    told: IDisputeResolver.Case = self._case(case)
    opened_at: uint256 = convert(told.opened_at, uint256)
    ruled_at: uint256 = convert(told.ruled_at, uint256)
    return opened_at + ANSWER_TIME, opened_at + LIFE, 0 if ruled_at == 0 else ruled_at + DELAY


# ---- internal: cases ----------------------------------------------------------------------------------


@internal
@view
def _case(case: uint256) -> IDisputeResolver.Case:
    told: IDisputeResolver.Case = self.case_by_number[case]
    assert told.phase != 0, "disputes: no such case"
    return told


@internal
@view
def _running(case: uint256) -> IDisputeResolver.Case:
    told: IDisputeResolver.Case = self._case(case)
    assert told.phase == OPEN or told.phase == REFERRED, "disputes: case is over"
    assert block.timestamp < convert(told.opened_at, uint256) + LIFE, "disputes: case is over"
    return told


@internal
@view
def _open_case(case: uint256) -> IDisputeResolver.Case:
    told: IDisputeResolver.Case = self._running(case)
    assert told.phase == OPEN, "disputes: case was referred"
    return told


@internal
@view
def _before_arbiter(case: uint256) -> IDisputeResolver.Case:
    assert msg.sender == ARBITER, "disputes: not the arbiter"
    told: IDisputeResolver.Case = self._running(case)
    assert told.phase == REFERRED, "disputes: case not referred"
    return told


@internal
@view
def _check_executable(told: IDisputeResolver.Case):
    assert told.phase == RULED, "disputes: no ruling"
    assert block.timestamp >= convert(told.ruled_at, uint256) + DELAY, "disputes: ruling not executable yet"


@internal
@view
def _check_target(target: address):
    # Its own word for it; a stranger that lies is told rulings on its own affairs.
    assert staticcall Target(target).DISPUTES() == self, "disputes: target takes no rulings from here"


@internal
@pure
def _clean_since(remedy: bytes32) -> uint256:
    return convert(remedy, uint256) & (2**40 - 1)


@internal
def _carry_out(case: uint256, told: IDisputeResolver.Case):
    key: bytes32 = self._key(told.target, told.subject)
    self._unorder(case, told)
    if told.effect == MOVE_CLAIM:
        # Nobody asked for a hold against the new owner.
        self._end_asked(key)
        keeps_steward: bool = convert(told.remedy, uint256) >> 40 != 0
        clean_since: uint40 = convert(self._clean_since(told.remedy), uint40)
        extcall Target(told.target).reassign(told.subject, told.opener, clean_since, keeps_steward)
        if told.market != empty(address):
            extcall Target(told.market).clear_exclusivity(told.subject)
        if holds._until(key) != 0:
            # Ordered in another case.
            self._tell(told)
    elif told.effect == NAME_STEWARD:
        extcall Target(told.target).name_steward(told.subject, told.opener)
        self._tell(told)
    elif told.effect == VOID_REPORT:
        self._end_asked(key)
        self.told[key] = False
        extcall Target(told.target).void_report(convert(told.subject, bytes32), told.remedy)
    else:
        extcall Target(told.target).end_license(told.subject)


@internal
def _close(case: uint256, told: IDisputeResolver.Case, phase: uint8):
    """
    @dev Nothing was decided: everybody gets back what it paid, but for the rent of what was held.
    """
    closed: IDisputeResolver.Case = told
    closed.phase = phase
    self.case_by_number[case].phase = phase
    self._end_asked_by(case, told)
    self._unorder(case, told)
    self._settle(case, closed)
    self._try_to_tell(told)


# ---- internal: holds ----------------------------------------------------------------------------------


@internal
@pure
def _key(target: address, subject: uint256) -> bytes32:
    return keccak256(abi_encode(target, subject))


@internal
@view
def _rent(length: uint256) -> uint256:
    # Rounded up, and never above what was paid for whole days.
    return (RENT_PER_DAY * length + holds.DAY - 1) // holds.DAY


@internal
def _ask_hold(case: uint256, hold_days: uint256) -> uint256:
    told: IDisputeResolver.Case = self.case_by_number[case]
    assert told.effect != END_LICENSE, "disputes: licenses are not held"
    assert self.rents[case].paid == 0, "disputes: one hold a case"
    assert hold_days != 0 and hold_days <= holds.BUDGET // holds.DAY, "disputes: days out of range"
    length: uint256 = hold_days * holds.DAY
    until: uint256 = block.timestamp + length
    assert until <= convert(told.opened_at, uint256) + LIFE, "disputes: hold outlives the case"
    key: bytes32 = self._key(told.target, told.subject)
    if holds._asked_until(key) == 0:
        self._end_asked(key)
    holds._ask(key, case, length)
    owner: address = told.respondent
    if told.effect != VOID_REPORT:
        owner = staticcall Target(told.target).ownerOf(told.subject)
    rent: uint256 = RENT_PER_DAY * hold_days
    self.rents[case] = Rent(paid=rent, used=0, to=owner)
    log IDisputeResolver.HoldAsked(
        case=case, target=told.target, subject=told.subject, until=convert(until, uint40), rent=rent
    )
    self._tell(told)
    return rent


@internal
def _end_asked(key: bytes32):
    """
    @dev Counts and ends the asked hold, whichever case's it is, if there is one.
    """
    asker: uint256 = holds.holds[key].asker
    if asker != 0:
        used: uint256 = self._rent(holds._end(key))
        self.rents[asker].used = used
        log IDisputeResolver.HoldEnded(case=asker, rent_used=used)


@internal
def _end_asked_by(case: uint256, told: IDisputeResolver.Case):
    key: bytes32 = self._key(told.target, told.subject)
    if holds.holds[key].asker == case:
        self._end_asked(key)


@internal
def _order(case: uint256, told: IDisputeResolver.Case, until: uint256):
    holds._order(self._key(told.target, told.subject), case, until)
    log IDisputeResolver.HoldOrdered(case=case, target=told.target, subject=told.subject, until=convert(until, uint40))


@internal
def _unorder(case: uint256, told: IDisputeResolver.Case):
    if holds._unorder(self._key(told.target, told.subject), case):
        log IDisputeResolver.HoldOrdered(case=case, target=told.target, subject=told.subject, until=0)


@internal
def _tell(told: IDisputeResolver.Case):
    """
    @dev Tells the target until when its subject is on hold now. A report's settlement only wants to know whether.
    """
    key: bytes32 = self._key(told.target, told.subject)
    until: uint256 = holds._until(key)
    if told.effect != VOID_REPORT:
        extcall Target(told.target).hold(told.subject, convert(until, uint40))
    elif self.told[key] != (until != 0):
        self.told[key] = until != 0
        extcall Target(told.target).hold_report(convert(told.subject, bytes32), until != 0)


@internal
def _try_to_tell(told: IDisputeResolver.Case):
    """
    @dev The same, where a target that refuses, or is left with too little gas, must stop neither a ruling nor anybody's
         money. A work's hold ends by itself, a report's by `end_hold`.
    """
    if told.effect == END_LICENSE:
        return
    key: bytes32 = self._key(told.target, told.subject)
    until: uint256 = holds._until(key)
    is_done: bool = False
    if told.effect != VOID_REPORT:
        is_done = raw_call(
            told.target,
            abi_encode(told.subject, until, method_id=method_id("hold(uint256,uint40)")),
            gas=TELLING_GAS,
            revert_on_failure=False,
        )
    elif self.told[key] != (until != 0):
        is_done = raw_call(
            told.target,
            abi_encode(told.subject, until != 0, method_id=method_id("hold_report(bytes32,bool)")),
            gas=TELLING_GAS,
            revert_on_failure=False,
        )
        if is_done:
            self.told[key] = until != 0


# ---- internal: money ----------------------------------------------------------------------------------


@internal
@payable
def _pay_in(case: uint256, amount: uint256):
    account: bytes32 = staticcall IRoyaltyVault(VAULT).sub_account(self, convert(case, bytes32))
    if BOND_CURRENCY == ETH:
        assert msg.value == amount, "disputes: ETH sent differs from the total"
        extcall IRoyaltyVault(VAULT).credit([account], [amount], ETH, value=amount)
    else:
        assert msg.value == 0, "disputes: bonds are not in ETH"
        extcall IRoyaltyVault(VAULT).open(BOND_CURRENCY)
        response: Bytes[32] = raw_call(
            BOND_CURRENCY,
            abi_encode(msg.sender, VAULT, amount, method_id=method_id("transferFrom(address,address,uint256)")),
            max_outsize=32,
        )
        assert len(response) == 0 or convert(response, uint256) == 1, "disputes: token refused"
        extcall IRoyaltyVault(VAULT).credit([account], [amount], BOND_CURRENCY)


@internal
def _settle(case: uint256, told: IDisputeResolver.Case):
    self.case_by_number[case].is_settled = True
    rent: Rent = self.rents[case]
    to_opener: uint256 = BOND + rent.paid
    to_respondent: uint256 = BOND if told.is_answered else 0
    used: uint256 = rent.used
    if told.phase == RULED:
        # The arbiter has its fee already; this says who bears it and who is paid for being right.
        if told.outcome == FOR_OPENER:
            used = 0
        if not told.is_answered:
            to_opener -= FEE
        elif told.outcome == NO_FAULT:
            to_opener -= FEE - FEE // 2
            to_respondent -= FEE // 2
        elif told.outcome == FOR_OPENER:
            to_opener += BOND - FEE
            to_respondent = 0
        else:
            to_opener -= BOND
            to_respondent += BOND - FEE
    to_opener -= used

    accounts: DynArray[bytes32, 64] = []
    amounts: DynArray[uint256, 64] = []
    if to_opener != 0:
        accounts.append(self._account(told.opener))
        amounts.append(to_opener)
    if to_respondent != 0:
        accounts.append(self._account(told.respondent))
        amounts.append(to_respondent)
    if used != 0:
        accounts.append(self._account(rent.to))
        amounts.append(used)
    log IDisputeResolver.CaseSettled(
        case=case,
        phase=told.phase,
        to_opener=to_opener,
        to_respondent=to_respondent,
        rent=used,
        rent_to=rent.to,
    )
    if len(accounts) != 0:
        extcall IRoyaltyVault(VAULT).book(convert(case, bytes32), accounts, amounts, BOND_CURRENCY)


@internal
@pure
def _account(party: address) -> bytes32:
    return convert(convert(party, uint256), bytes32)
