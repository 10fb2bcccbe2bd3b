# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A token whose transfers return nothing, like the oldest and largest stablecoin.
"""

from . import ledger


initializes: ledger
exports: (ledger.mint, ledger.burn, ledger.approve)


@external
def transfer(receiver: address, amount: uint256):
    self._act(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256):
    ledger._spend(sender, msg.sender, amount)
    self._act(sender, receiver, amount)


@external
@view
def balanceOf(account: address) -> uint256:
    return ledger.balances[account]


@internal
def _act(sender: address, receiver: address, amount: uint256):
    ledger._move(sender, receiver, amount)
