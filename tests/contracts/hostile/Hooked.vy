# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A token that tells both sides of a transfer, like ERC-777: the sender before, the receiver after.
"""

from . import ledger


initializes: ledger
exports: (ledger.mint, ledger.burn, ledger.approve)


interface Hook:
    def on_hook(): nonpayable


hooked: HashMap[address, bool]
# What a hook itself moves calls no hook.
hooking: transient(bool)


# Calls the account's `on_hook` whenever it sends or receives.
@external
def hook(account: address, is_hooked: bool):
    self.hooked[account] = is_hooked


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
    self._tell(sender)
    ledger._move(sender, receiver, amount)
    self._tell(receiver)


@internal
def _tell(account: address):
    if self.hooked[account] and not self.hooking:
        self.hooking = True
        extcall Hook(account).on_hook()
        self.hooking = False
