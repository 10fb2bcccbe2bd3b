# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A token that can block accounts and be paused, like the large stablecoins.
"""

from . import ledger


initializes: ledger
exports: (ledger.mint, ledger.burn, ledger.approve)


blocked: HashMap[address, bool]
paused: bool


@external
def block_account(account: address, is_blocked: bool):
    self.blocked[account] = is_blocked


@external
def pause(is_paused: bool):
    self.paused = is_paused


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
def receiveWithAuthorization(
    sender: address,
    receiver: address,
    amount: uint256,
    valid_after: uint256,
    valid_before: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    ledger._authorize(sender, receiver, amount, valid_after, valid_before, nonce, v, r, s)
    self._act(sender, receiver, amount)


@external
@view
def balanceOf(account: address) -> uint256:
    return ledger.balances[account]


@internal
def _act(sender: address, receiver: address, amount: uint256):
    assert not self.paused, "token: paused"
    assert not (self.blocked[sender] or self.blocked[receiver]), "token: blocked"
    ledger._move(sender, receiver, amount)
