# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title A contract account that does what it was told: at once, or when ETH, a token or a hook reaches it.
@notice Markets that pay the vault in one transaction, attackers that re-enter, recipients that send money back.
"""


struct Call:
    target: address
    amount: uint256
    data: Bytes[4096]


MAGIC_721: constant(bytes4) = 0x150B7A02

calls: DynArray[Call, 8]
# How often it was triggered, how many of its calls went through, and what the last failed one said.
triggered: public(uint256)
succeeded: public(uint256)
last_failure: public(Bytes[256])
insists: bool


@external
@payable
def run(calls: DynArray[Call, 8]):
    """
    @notice Makes the calls one after another in this transaction; any failure reverts all.
    """
    for call: Call in calls:
        raw_call(call.target, call.data, value=call.amount)


@external
def prepare(calls: DynArray[Call, 8], insists: bool):
    """
    @notice What to do when triggered. One that insists fails when a call of it fails.
    """
    self.calls = calls
    self.insists = insists


@external
def on_hook():
    self._trigger()


@external
def onERC721Received(operator: address, sender: address, token_id: uint256, data: Bytes[1024]) -> bytes4:
    self._trigger()
    return MAGIC_721


@external
@payable
def __default__():
    self._trigger()


@internal
def _trigger():
    self.triggered += 1
    for call: Call in self.calls:
        success: bool = False
        response: Bytes[256] = b""
        success, response = raw_call(
            call.target, call.data, value=call.amount, max_outsize=256, revert_on_failure=False
        )
        if success:
            self.succeeded += 1
        else:
            self.last_failure = response
            assert not self.insists, "puppet: call failed"
