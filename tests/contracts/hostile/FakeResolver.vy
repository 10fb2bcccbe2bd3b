# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A resolver of a stranger: hands any case to the panel and claims to keep its money in the real vault.
"""


interface Arbiter:
    def request(case: uint256): nonpayable


struct Case:
    opener: address
    respondent: address
    effect: uint8
    phase: uint8
    outcome: uint8
    is_answered: bool
    is_executed: bool
    is_settled: bool
    opened_at: uint40
    ruled_at: uint40
    target: address
    market: address
    subject: uint256
    remedy: bytes32


VAULT: public(immutable(address))
BOND_CURRENCY: public(constant(address)) = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE
arbiter: address


@deploy
def __init__(vault: address, arbiter: address):
    VAULT = vault
    self.arbiter = arbiter


@external
def ask(case: uint256):
    extcall Arbiter(self.arbiter).request(case)


@external
@view
def case_of(case: uint256) -> Case:
    found: Case = empty(Case)
    found.phase = 2
    return found


@external
def rule(case: uint256, outcome: uint8, remedy: bytes32, reasons: bytes32):
    pass
