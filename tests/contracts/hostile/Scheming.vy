# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A token that makes one call in the middle of each transfer, before it moves anything or after.
"""

from . import ledger


initializes: ledger
exports: (ledger.mint, ledger.burn, ledger.approve)


target: address
data: Bytes[2048]
is_after: bool
# 0 not triggered, 1 the call went through, 2 it failed.
outcome: public(uint256)


@external
def prepare(target: address, data: Bytes[2048], is_after: bool):
    self.target = target
    self.data = data
    self.is_after = is_after


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._act(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    ledger._spend(sender, msg.sender, amount)
    self._act(sender, receiver, amount)
    return True


@external
@view
def balanceOf(account: address) -> uint256:
    return ledger.balances[account]


@external
@view
def allowance(owner: address, spender: address) -> uint256:
    return ledger.allowances[owner][spender]


@internal
def _act(sender: address, receiver: address, amount: uint256):
    if not self.is_after:
        self._scheme()
    ledger._move(sender, receiver, amount)
    if self.is_after:
        self._scheme()


@internal
def _scheme():
    if self.target != empty(address):
        success: bool = raw_call(self.target, self.data, revert_on_failure=False)
        self.outcome = 1 if success else 2
