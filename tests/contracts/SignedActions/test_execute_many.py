# SPDX-License-Identifier: Apache-2.0
"""execute_many: many actions in one transaction, each by itself; whoever submits it can make none of them fail."""

from dataclasses import replace
from typing import Any

import boa
import pytest
from eth_utils import keccak

from ipto import ids, typed_data
from tests.contracts.support.build import digest, offer_for, on_sale, onboard_message, register, sign
from tests.contracts.support.contract import Reverted, reverts
from tests.contracts.support.system import Actor, System, now

GAS = 500_000  # enough for any of these actions
EMPTY = bytes(32)


def text(reason: str) -> bytes:
    """What an event says of a revert's text."""
    return reason.encode()[:32].ljust(32, b"\x00")


def call(system: System, message: Any, signer: Actor | None = None) -> bytes:
    """A signed action as an item of a batch."""
    return bytes(system.signed.data(message.FUNCTION, message, sign(system, signer or system.creator, message)))


def withdrawal(system: System, **changes: Any) -> typed_data.WithdrawOffer:
    nonce = int.from_bytes(digest(), "big")
    message = typed_data.WithdrawOffer(str(system.creator), system.market.address, on_sale(system), nonce, now() + 60)
    return replace(message, **changes)


def run(system: System, calls: list[bytes], gas: int = GAS) -> int:
    refused: int = system.signed.execute_many(calls, [gas] * len(calls), sender=system.relayer)
    return refused


def test_carries_all_out(system: System) -> None:
    signers = (system.creator, system.heir, system.keeper)
    messages = [onboard_message(system, actor, offers=1) for actor in signers]
    assert run(system, [call(system, item, who) for item, who in zip(messages, signers, strict=True)]) == 0
    assert not system.signed.events("ActionFailed")
    for message, signer in zip(messages, signers, strict=True):
        assert system.registry.ownerOf(ids.work_id(signer, message.work.content)) == signer
        assert system.market.offer_status(ids.offer_id(message.offers[0]))[0]


def test_one_that_is_refused_leaves_the_others_alone(system: System) -> None:
    good, late, forged, foreign = (withdrawal(system) for _ in range(4))
    late = replace(late, deadline=now() - 1)
    foreign = replace(foreign, actor=str(system.thief))
    last = withdrawal(system)
    calls = [
        call(system, good),
        call(system, late),
        call(system, forged, system.thief),
        call(system, foreign, system.thief),
        call(system, good),
        call(system, last),
    ]
    assert run(system, calls) == 0b011110
    assert system.signed.events("ActionFailed") == [
        {"index": 1, "reason": text("signed: deadline passed")},
        {"index": 2, "reason": text("signed: bad signature")},
        {"index": 3, "reason": text("signed: offer is not the actor's")},
        {"index": 4, "reason": text("signed: nonce already used")},
    ]
    for message, is_used in ((good, True), (late, False), (forged, False), (foreign, False), (last, True)):
        assert system.signed.is_nonce_used(message.actor, message.nonce) is is_used
        assert system.market.offer_status(ids.offer_id(message.offer))[0] is not is_used


def test_a_refused_action_can_be_submitted_again(system: System) -> None:
    message = onboard_message(system)
    system.registry.set_paused(True, sender=system.owner)
    item = call(system, message)
    assert run(system, [item]) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": text("registry: paused")}]
    system.registry.set_paused(False, sender=system.owner)
    assert run(system, [item]) == 0


def test_an_action_is_done_whole_or_not_at_all(system: System) -> None:
    """The second offer is refused: neither the work nor the first offer is left behind."""
    message = onboard_message(system)
    message = replace(message, offers=(message.offers[0], replace(message.offers[1], supply=0)))
    assert run(system, [call(system, message)]) == 1
    assert system.registry.first_claim(message.work.content) == (0, 0)
    assert not system.market.offer_status(ids.offer_id(message.offers[0]))[0]


@pytest.mark.parametrize("length", [31, 32, 33, 200])
def test_reasons_are_cut_at_32_bytes(system: System, length: int) -> None:
    """A target that says anything at length costs the batch nothing."""
    reason = ("x" * length).encode()
    payload = keccak(text="Error(string)")[:4] + (32).to_bytes(32, "big") + length.to_bytes(32, "big")
    payload += reason + bytes(-length % 32)
    message = withdrawal(system, market=reverting(payload))
    assert run(system, [call(system, message)]) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": reason[:32].ljust(32, b"\x00")}]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", EMPTY),
        (b"\x01" * 31, EMPTY),
        (b"\x02" * 32, b"\x02" * 32),
        (b"\x03" * 40_000, b"\x03" * 32),
        (keccak(text="Panic(uint256)")[:4] + (17).to_bytes(32, "big"), keccak(text="Panic(uint256)")[:4] + bytes(28)),
        (keccak(text="Error(string)")[:4] + bytes(64), keccak(text="Error(string)")[:4] + bytes(28)),
    ],
    ids=["nothing", "31 bytes", "32 bytes", "much", "a panic", "an empty text"],
)
def test_reasons_that_are_no_text(system: System, payload: bytes, expected: bytes) -> None:
    message = withdrawal(system, market=reverting(payload))
    assert run(system, [call(system, message)]) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": expected}]


def reverting(payload: bytes) -> str:
    """A contract that reverts with these bytes, whatever it is asked."""
    # PUSH3 size, PUSH1 offset of the data in the code, PUSH0, CODECOPY; PUSH3 size, PUSH0, REVERT
    size = len(payload).to_bytes(3, "big")
    head = b"\x62" + size + b"\x60\x0e" + b"\x5f\x39" + b"\x62" + size + b"\x5f\xfd"
    address = boa.env.generate_address()
    boa.env.set_code(address, head + payload)
    return str(address)


def test_burning_gas_costs_the_others_nothing(system: System) -> None:
    burner = boa.env.generate_address()
    boa.env.set_code(burner, b"\xfe")  # INVALID takes all gas
    calls = [call(system, withdrawal(system, market=str(burner))), call(system, withdrawal(system))]
    assert run(system, calls, gas=200_000) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": EMPTY}]


def test_too_little_gas_is_never_an_action_s_failure(system: System) -> None:
    """Whatever gas the whole is given: either all of it reverts, or every action has what it was promised."""
    messages = [withdrawal(system) for _ in range(2)]
    calls = [call(system, message) for message in messages]
    outcomes = set()
    for gas in range(30_000, 700_000, 16_001):
        with boa.env.anchor():
            try:
                outcomes.add(submit(system, calls, gas))
            except Reverted as error:
                outcomes.add(error.reason)
    # "" is the EVM's own: not even enough to begin.
    assert outcomes == {"", "signed: not enough gas", 0}


def submit(system: System, calls: list[bytes], gas: int) -> int:
    refused: int = system.signed.execute_many(calls, [200_000] * len(calls), gas=gas)
    return refused


def gauge(least: int) -> str:
    """A contract that agrees when it has at least so much gas left, and else refuses."""
    # GAS, PUSH4 least, GT, PUSH1 23, JUMPI; MSTORE(0, 32), MSTORE(32, 0), RETURN(0, 64); JUMPDEST, REVERT(0, 0)
    code = "5a63" + f"{least:08x}" + "11601757" + "60205f525f60205260405ff3"
    code = code.ljust(2 * 0x17, "0") + "5b5f5ffd"
    address = boa.env.generate_address()
    boa.env.set_code(address, bytes.fromhex(code))
    return str(address)


def test_an_action_gets_all_of_its_limit_or_the_batch_reverts(system: System) -> None:
    """With a target that needs the very last of a large limit, at every amount of gas around the edge."""
    limit, low, high = 6_300_000, 0, 6_300_000

    def item(least: int) -> bytes:
        nonce = int.from_bytes(digest(), "big")
        offer = offer_for(1, system.creator)
        return call(system, typed_data.WithdrawOffer(str(system.creator), gauge(least), offer, nonce, now() + 60))

    while high - low > 1:  # the most it can have left when there is plenty
        middle = (low + high) // 2
        low, high = (middle, high) if run(system, [item(middle)], gas=limit) == 0 else (low, middle)
    assert low > limit * 9 // 10
    demanding = item(low - 100)  # a signature whose v is 28 costs a comparison more than one whose v is 27
    outcomes = []
    for gas in range(limit, limit + 250_000, 2_500):
        with boa.env.anchor():
            try:
                outcomes.append(system.signed.execute_many([demanding], [limit], gas=gas))
            except Reverted as error:
                outcomes.append(error.reason)
    edge = outcomes.index(0)
    assert set(outcomes[:edge]) == {"signed: not enough gas"}
    assert set(outcomes[edge:]) == {0}


def test_an_action_gets_no_more_than_its_limit(system: System) -> None:
    assert run(system, [call(system, withdrawal(system))], gas=20_000) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": EMPTY}]


def test_lists_of_different_length(system: System) -> None:
    item = call(system, withdrawal(system))
    for calls, limits in (([item], []), ([], [GAS]), ([item, item], [GAS])):
        with reverts("signed: one gas limit for each call"):
            system.signed.execute_many(calls, limits)


def test_none_and_too_many(system: System) -> None:
    assert run(system, []) == 0
    assert run(system, [b""] * 32, gas=30_000) == 2**32 - 1
    with reverts(""):
        run(system, [b""] * 33, gas=30_000)
    with reverts(""):
        run(system, [bytes(4_097)])


def test_calls_that_are_no_actions_do_nothing(system: System) -> None:
    """The batch calls as the contract itself, which is nobody."""
    inner = system.signed.data("execute_many", [], [])
    calls = [
        b"\x01\x02",
        system.signed.data("close_gate"),
        system.signed.data("accept_ownership"),
        system.signed.data("transfer_ownership", system.thief),
        system.signed.data("is_gate_closed"),
        system.signed.data("cancel_nonce", 7),
        inner,
    ]
    assert run(system, calls) == 0b0001111
    assert [log["reason"] for log in system.signed.events("ActionFailed")] == [
        EMPTY,
        text("ownable: caller is not the owner"),
        text("ownable_2step: caller is not the new owner"),
        text("ownable: caller is not the owner"),
    ]
    assert system.signed.owner() == system.owner
    assert not system.signed.is_gate_closed()
    for actor in (system.relayer, system.creator):
        assert not system.signed.is_nonce_used(actor, 7)


def test_never_owns_itself(system: System) -> None:
    """Named as the next owner, it could be made to accept by anyone."""
    with reverts("signed: cannot own itself"):
        system.signed.transfer_ownership(system.signed.address, sender=system.owner)
    with reverts("ownable: caller is not the owner"):
        system.signed.transfer_ownership(system.heir, sender=system.thief)
    system.signed.transfer_ownership(system.heir, sender=system.owner)
    assert system.signed.pending_owner() == system.heir
    assert system.signed.events("OwnershipTransferStarted") == [
        {"previous_owner": system.owner, "new_owner": system.heir}
    ]
    assert run(system, [system.signed.data("accept_ownership")]) == 1
    system.signed.accept_ownership(sender=system.heir)
    assert system.signed.owner() == system.heir


def test_a_target_cannot_come_back_in(system: System) -> None:
    """A target that submits another action while its own runs: the lock refuses the inner one, which stays good."""
    inner = withdrawal(system)
    market = intruder(system, inner)
    message = typed_data.WithdrawOffer(
        str(system.thief), market, replace(inner.offer, licensor=str(system.thief)), 1, now()
    )
    assert run(system, [call(system, message, system.thief)]) == 0
    assert not system.signed.is_nonce_used(system.creator, inner.nonce)
    assert system.market.offer_status(ids.offer_id(inner.offer))[0]
    assert run(system, [call(system, inner)]) == 0


def intruder(system: System, inner: typed_data.WithdrawOffer) -> str:  # a contract
    """A market that calls `execute_many` with another's signed action when it is called."""
    payload = system.signed.data("execute_many", [call(system, inner)], [GAS])
    size = len(payload).to_bytes(3, "big")
    # CODECOPY the payload to memory 0, CALL SignedActions with it, STOP whatever it says
    head = b"\x62" + size + b"\x60\x30" + b"\x5f\x39" + b"\x5f\x5f\x62" + size + b"\x5f\x5f\x73"
    head += bytes.fromhex(system.signed.address[2:]) + b"\x5a\xf1\x00"
    address = boa.env.generate_address()
    boa.env.set_code(address, head.ljust(0x30, b"\x00") + payload)
    return str(address)


def test_after_the_gate_is_closed(system: System) -> None:
    item = call(system, withdrawal(system))
    register(system)
    system.signed.close_gate(sender=system.owner)
    assert run(system, [item]) == 1
    assert system.signed.events("ActionFailed") == [{"index": 0, "reason": text("signed: gate is closed")}]
