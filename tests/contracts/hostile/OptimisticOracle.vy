# pragma version ==0.4.3
# pragma evm-version cancun
# SPDX-License-Identifier: Apache-2.0
"""
@title An optimistic oracle in the manner of UMA's V3: assertions that stand unless disputed, then a vote.
@notice The names and the callbacks are those of https://docs.uma.xyz/developers/optimistic-oracle-v3 ; the vote of the token
        holders is a function that the test calls. No bonds: they are not what is shown here.
"""


interface Recipient:
    def assertionResolvedCallback(assertion: bytes32, truthfully: bool): nonpayable
    def assertionDisputedCallback(assertion: bytes32): nonpayable


struct Assertion:
    recipient: address
    expires_at: uint256
    is_disputed: bool
    is_settled: bool


LIVENESS: constant(uint256) = 7_200

assertions: HashMap[bytes32, Assertion]
count: uint256


@external
def assertTruth(claim: Bytes[512], recipient: address) -> bytes32:
    self.count += 1
    id: bytes32 = keccak256(abi_encode(claim, recipient, self.count))
    self.assertions[id] = Assertion(
        recipient=recipient, expires_at=block.timestamp + LIVENESS, is_disputed=False, is_settled=False
    )
    return id


@external
def disputeAssertion(id: bytes32):
    assert block.timestamp < self.assertions[id].expires_at and not self.assertions[id].is_disputed, "oracle: too late"
    self.assertions[id].is_disputed = True
    extcall Recipient(self.assertions[id].recipient).assertionDisputedCallback(id)


@external
def settleAssertion(id: bytes32):
    """
    @notice Undisputed for its liveness: true.
    """
    assert not self.assertions[id].is_disputed and block.timestamp >= self.assertions[id].expires_at, "oracle: not yet"
    self._resolve(id, True)


@external
def resolve_by_vote(id: bytes32, truthfully: bool):
    assert self.assertions[id].is_disputed, "oracle: not disputed"
    self._resolve(id, truthfully)


@internal
def _resolve(id: bytes32, truthfully: bool):
    assert not self.assertions[id].is_settled, "oracle: settled"
    self.assertions[id].is_settled = True
    extcall Recipient(self.assertions[id].recipient).assertionResolvedCallback(id, truthfully)
