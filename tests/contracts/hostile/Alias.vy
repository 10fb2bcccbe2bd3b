# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title The second address of an `Aliased` token: the same balances, allowances of its own.
"""


interface Aliased:
    def balanceOf(account: address) -> uint256: view
    def act(sender: address, receiver: address, amount: uint256): nonpayable


FIRST: immutable(address)
allowances: HashMap[address, HashMap[address, uint256]]


@deploy
def __init__(first: address):
    FIRST = first


@external
@view
def balanceOf(account: address) -> uint256:
    return staticcall Aliased(FIRST).balanceOf(account)


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowances[msg.sender][spender] = amount
    return True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    extcall Aliased(FIRST).act(msg.sender, receiver, amount)
    return True


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    self.allowances[sender][msg.sender] -= amount
    extcall Aliased(FIRST).act(sender, receiver, amount)
    return True
