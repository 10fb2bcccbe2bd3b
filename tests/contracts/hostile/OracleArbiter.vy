# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An arbiter that asks an optimistic oracle
@notice Anybody asserts a ruling of a referred case. Only one that somebody disputed and the oracle's voters upheld rules:
        an assertion that nobody noticed would let silence decide, which this protocol does not.
@dev Implements IArbiter and calls DisputeResolver, both as they are.
"""

from contracts.interfaces import IArbiter
from contracts.interfaces import IDisputeResolver
from contracts.interfaces import IRoyaltyVault


implements: IArbiter


interface Oracle:
    def assertTruth(claim: Bytes[512], recipient: address) -> bytes32: nonpayable


struct Ruling:
    resolver: address
    case: uint256
    outcome: uint8
    remedy: bytes32
    reasons: bytes32
    asserter: address


ORACLE: immutable(address)

taken: HashMap[address, HashMap[uint256, bool]]
rulings: HashMap[bytes32, Ruling]
is_disputed: HashMap[bytes32, bool]
asserters: HashMap[bytes32, address]


@deploy
def __init__(oracle: address):
    ORACLE = oracle


@external
def request(case: uint256):
    self.taken[msg.sender][case] = True


@external
def assert_ruling(resolver: address, case: uint256, outcome: uint8, remedy: bytes32, reasons: bytes32) -> bytes32:
    assert self.taken[resolver][case], "oracle arbiter: no such case"
    told: IDisputeResolver.Case = staticcall IDisputeResolver(resolver).case_of(case)
    assert told.phase == 2, "oracle arbiter: case not referred"
    assert msg.sender != told.opener and msg.sender != told.respondent, "oracle arbiter: a party does not assert"
    id: bytes32 = extcall Oracle(ORACLE).assertTruth(abi_encode(resolver, case, outcome, remedy, reasons), self)
    self.rulings[id] = Ruling(
        resolver=resolver, case=case, outcome=outcome, remedy=remedy, reasons=reasons, asserter=msg.sender
    )
    return id


@external
def assertionDisputedCallback(id: bytes32):
    assert msg.sender == ORACLE, "oracle arbiter: not the oracle"
    self.is_disputed[id] = True


@external
def assertionResolvedCallback(id: bytes32, truthfully: bool):
    assert msg.sender == ORACLE, "oracle arbiter: not the oracle"
    if truthfully and self.is_disputed[id]:
        ruling: Ruling = self.rulings[id]
        self.asserters[keccak256(abi_encode(ruling.resolver, ruling.case))] = ruling.asserter
        extcall IDisputeResolver(ruling.resolver).rule(ruling.case, ruling.outcome, ruling.remedy, ruling.reasons)


@external
def pay_asserter(resolver: address, case: uint256, vault: address, currency: address):
    key: bytes32 = keccak256(abi_encode(resolver, case))
    account: bytes32 = staticcall IRoyaltyVault(vault).sub_account(self, key)
    amount: uint256 = staticcall IRoyaltyVault(vault).balance_of(account, currency)
    to: bytes32 = convert(convert(self.asserters[key], uint256), bytes32)
    extcall IRoyaltyVault(vault).book(key, [to], [amount], currency)
