# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A token that answers a transfer with any bytes, whether it moves the money or not.
"""

from . import ledger


initializes: ledger
exports: (ledger.mint, ledger.burn, ledger.approve)


moves: bool
answer: Bytes[96]


@deploy
def __init__():
    self.moves = True
    self.answer = abi_encode(True)


@external
def behave(moves: bool, answer: Bytes[96]):
    self.moves = moves
    self.answer = answer


@external
@raw_return
def transfer(receiver: address, amount: uint256) -> Bytes[96]:
    self._act(msg.sender, receiver, amount)
    return self.answer


@external
@raw_return
def transferFrom(sender: address, receiver: address, amount: uint256) -> Bytes[96]:
    ledger._spend(sender, msg.sender, amount)
    self._act(sender, receiver, amount)
    return self.answer


@external
@view
def balanceOf(account: address) -> uint256:
    return ledger.balances[account]


@internal
def _act(sender: address, receiver: address, amount: uint256):
    if self.moves:
        ledger._move(sender, receiver, amount)
