# pragma version ==0.4.3
# pragma evm-version cancun
# pragma nonreentrancy on
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title PanelArbiter: a panel that votes in public
@license GNU Affero General Public License v3.0 only
@notice See `interfaces/IPanelArbiter.vyi`.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IArbiter
from .interfaces import IDisputeResolver
from .interfaces import IPanelArbiter
from .interfaces import IRoyaltyVault


implements: IArbiter
implements: IPanelArbiter

initializes: ownable
initializes: ownable_2step[ownable := ownable]


# Renouncing is left out: a panel that nobody can ever replace ends with its last member.
exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)


# Where a resolver keeps its money.
interface Treasury:
    def VAULT() -> address: view
    def BOND_CURRENCY() -> address: view


struct Ballot:
    outcome: uint8  # zero: none yet
    remedy: bytes32


REFERRED: constant(uint8) = 2  # a resolver's phase
LAST_OUTCOME: constant(uint8) = 3
FOR_HOLD: constant(uint8) = 1
AGAINST_HOLD: constant(uint8) = 2

# Panels by number, from 1. The last one takes new cases.
panels: uint256
members_of: HashMap[uint256, DynArray[address, 15]]
quorum_of: HashMap[uint256, uint256]
seats: HashMap[uint256, HashMap[address, bool]]

# A case is known by keccak256(abi_encode(resolver, case)).
sittings: HashMap[bytes32, uint256]  # → its panel's number; zero: not handed over
decided: HashMap[bytes32, bool]
ballots: HashMap[bytes32, HashMap[address, Ballot]]
tallies: HashMap[bytes32, HashMap[bytes32, uint256]]  # → keccak256(abi_encode(outcome, remedy)) → votes
voters: HashMap[bytes32, DynArray[address, 15]]

# Votes on holds start anew when one was decided: keyed by keccak256(abi_encode(case's key, round)).
rounds: HashMap[bytes32, uint256]
hold_ballots: HashMap[bytes32, HashMap[address, uint8]]
hold_tallies: HashMap[bytes32, HashMap[uint8, uint256]]


@deploy
def __init__(owner: address, members: DynArray[address, 15], quorum: uint256):
    assert owner != empty(address), "panel: bad wiring"
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)
    self._set_panel(members, quorum)


# ---- resolvers ----------------------------------------------------------------------------------------


@external
def request(case: uint256):
    key: bytes32 = self._key(msg.sender, case)
    assert self.sittings[key] == 0, "panel: case taken before"
    self.sittings[key] = self.panels
    log IPanelArbiter.CaseTaken(resolver=msg.sender, case=case, panel=self.panels)


# ---- members ------------------------------------------------------------------------------------------


@external
def vote(resolver: address, case: uint256, outcome: uint8, remedy: bytes32, reasons: bytes32):
    key: bytes32 = self._key(resolver, case)
    self._check_member(key, resolver, case)
    assert outcome != 0 and outcome <= LAST_OUTCOME, "panel: outcome out of range"
    assert reasons != empty(bytes32), "panel: reasons are zero"
    before: Ballot = self.ballots[key][msg.sender]
    if before.outcome == 0:
        self.voters[key].append(msg.sender)
    else:
        self.tallies[key][self._answer(before.outcome, before.remedy)] -= 1
    answer: bytes32 = self._answer(outcome, remedy)
    count: uint256 = self.tallies[key][answer] + 1
    self.ballots[key][msg.sender] = Ballot(outcome=outcome, remedy=remedy)
    self.tallies[key][answer] = count
    log IPanelArbiter.Voted(
        resolver=resolver, case=case, member=msg.sender, outcome=outcome, remedy=remedy, reasons=reasons
    )
    if count == self.quorum_of[self.sittings[key]]:
        self.decided[key] = True
        extcall IDisputeResolver(resolver).rule(case, outcome, remedy, reasons)


@external
def vote_hold(resolver: address, case: uint256, is_held: bool):
    key: bytes32 = self._key(resolver, case)
    self._check_member(key, resolver, case)
    round: uint256 = self.rounds[key]
    place: bytes32 = keccak256(abi_encode(key, round))
    before: uint8 = self.hold_ballots[place][msg.sender]
    if before != 0:
        self.hold_tallies[place][before] -= 1
    answer: uint8 = FOR_HOLD if is_held else AGAINST_HOLD
    count: uint256 = self.hold_tallies[place][answer] + 1
    self.hold_ballots[place][msg.sender] = answer
    self.hold_tallies[place][answer] = count
    log IPanelArbiter.HoldVoted(resolver=resolver, case=case, member=msg.sender, is_held=is_held)
    if count == self.quorum_of[self.sittings[key]]:
        self.rounds[key] = round + 1
        extcall IDisputeResolver(resolver).order_hold(case, is_held)


@external
def share_fee(resolver: address, case: uint256):
    key: bytes32 = self._key(resolver, case)
    assert self.decided[key], "panel: not decided"
    vault: address = staticcall Treasury(resolver).VAULT()
    currency: address = staticcall Treasury(resolver).BOND_CURRENCY()
    # The case's key is the salt as well: no resolver reaches the fee of another.
    source: bytes32 = staticcall IRoyaltyVault(vault).sub_account(self, key)
    amount: uint256 = staticcall IRoyaltyVault(vault).balance_of(source, currency)
    assert amount != 0, "panel: no fee to share"
    voters: DynArray[address, 15] = self.voters[key]
    part: uint256 = amount // len(voters)
    accounts: DynArray[bytes32, 64] = []
    amounts: DynArray[uint256, 64] = []
    for voter: address in voters:
        accounts.append(convert(convert(voter, uint256), bytes32))
        amounts.append(part)
    amounts[0] += amount % len(voters)
    extcall IRoyaltyVault(vault).book(key, accounts, amounts, currency)
    log IPanelArbiter.FeeShared(resolver=resolver, case=case, amount=amount)


# ---- the panel's owner --------------------------------------------------------------------------------


@external
def set_panel(members: DynArray[address, 15], quorum: uint256):
    ownable._check_owner()
    self._set_panel(members, quorum)


# ---- views --------------------------------------------------------------------------------------------


@external
@view
def panel() -> (uint256, DynArray[address, 15], uint256):
    return self.panels, self.members_of[self.panels], self.quorum_of[self.panels]


@external
@view
def panel_of(resolver: address, case: uint256) -> (uint256, DynArray[address, 15], uint256):
    number: uint256 = self.sittings[self._key(resolver, case)]
    assert number != 0, "panel: no such case"
    return number, self.members_of[number], self.quorum_of[number]


@external
@view
def vote_of(resolver: address, case: uint256, member: address) -> (uint8, bytes32):
    ballot: Ballot = self.ballots[self._key(resolver, case)][member]
    return ballot.outcome, ballot.remedy


@external
@view
def votes_for(resolver: address, case: uint256, outcome: uint8, remedy: bytes32) -> uint256:
    return self.tallies[self._key(resolver, case)][self._answer(outcome, remedy)]


# ---- internal -----------------------------------------------------------------------------------------


@internal
@pure
def _key(resolver: address, case: uint256) -> bytes32:
    return keccak256(abi_encode(resolver, case))


@internal
@pure
def _answer(outcome: uint8, remedy: bytes32) -> bytes32:
    return keccak256(abi_encode(outcome, remedy))


@internal
@view
def _check_member(key: bytes32, resolver: address, case: uint256):
    number: uint256 = self.sittings[key]
    assert number != 0, "panel: no such case"
    assert self.seats[number][msg.sender], "panel: not on the case's panel"
    assert not self.decided[key], "panel: decided"
    told: IDisputeResolver.Case = staticcall IDisputeResolver(resolver).case_of(case)
    # Before, its respondent is not known for good, and might wait for the first votes with its answer.
    assert told.phase == REFERRED, "panel: case not referred"
    assert msg.sender != told.opener and msg.sender != told.respondent, "panel: a party does not vote"


@internal
def _set_panel(members: DynArray[address, 15], quorum: uint256):
    # More than half, so that two quorums never contradict each other.
    assert quorum <= len(members) and 2 * quorum > len(members), "panel: quorum out of range"
    number: uint256 = self.panels + 1
    previous: uint256 = 0
    for member: address in members:
        assert convert(member, uint256) > previous, "panel: members not ascending"
        previous = convert(member, uint256)
        self.seats[number][member] = True
    self.panels = number
    self.members_of[number] = members
    self.quorum_of[number] = quorum
    log IPanelArbiter.PanelSet(panel=number, members=members, quorum=quorum)
