# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A receiver that makes one call when ETH, a token or a hook reaches it, and little gas is left to it.
"""


target: address
data: Bytes[2048]
amount: uint256
insists: bool
# 0 not triggered, 1 the call went through, 2 it failed; with how much gas left, to tell a refusal from exhaustion.
outcome: public(uint256)
gas_left: public(uint256)


@external
@payable
def prepare(target: address, amount: uint256, data: Bytes[2048], insists: bool):
    self.target = target
    self.amount = amount
    self.data = data
    self.insists = insists


@external
def on_hook():
    self._trigger()


@external
def onERC721Received(operator: address, sender: address, token_id: uint256, data: Bytes[1024]) -> bytes4:
    self._trigger()
    return 0x150B7A02


@external
@payable
def __default__():
    self._trigger()


@internal
def _trigger():
    success: bool = raw_call(self.target, self.data, value=self.amount, revert_on_failure=False)
    left: uint256 = msg.gas
    assert success or not self.insists, "reenterer: call failed"
    self.gas_left = left
    self.outcome = 1 if success else 2
