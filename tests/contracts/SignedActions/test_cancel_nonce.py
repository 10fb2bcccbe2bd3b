# SPDX-License-Identifier: Apache-2.0
"""cancel_nonce and is_nonce_used: unordered, of one's own, for good."""

from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.support.build import onboard_message, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.effort import effort
from tests.contracts.support.system import System


def test_cancels_and_logs(system: System) -> None:
    message = onboard_message(system)
    signature = sign(system, system.creator, message)
    system.signed.cancel_nonce(message.nonce, sender=system.creator)
    assert system.signed.events("NonceCancelled") == [{"actor": system.creator, "nonce": message.nonce}]
    assert system.signed.is_nonce_used(system.creator, message.nonce)
    with reverts("signed: nonce already used"):
        system.signed.onboard(message, signature)
    with reverts("signed: nonce already used"):
        system.signed.cancel_nonce(message.nonce, sender=system.creator)


def test_only_ones_own(system: System) -> None:
    message = onboard_message(system)
    system.signed.cancel_nonce(message.nonce, sender=system.thief)
    system.signed.onboard(message, sign(system, system.creator, message))


def test_after_the_gate_is_closed(system: System) -> None:
    system.signed.close_gate(sender=system.owner)
    system.signed.cancel_nonce(5, sender=system.creator)


@effort(25)
@given(st.sets(st.one_of(st.integers(0, 600), st.integers(0, 2**256 - 1)), min_size=1, max_size=6))
def test_each_nonce_is_one_bit(system: System, nonces: set[int]) -> None:
    for nonce in nonces:
        system.signed.cancel_nonce(nonce, sender=system.creator)
    neighbours = {nonce ^ (1 << bit) for nonce in nonces for bit in (0, 7, 8, 255)}
    for nonce in nonces | neighbours:
        assert system.signed.is_nonce_used(system.creator, nonce) is (nonce in nonces)
