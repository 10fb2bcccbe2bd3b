# SPDX-License-Identifier: Apache-2.0
"""Whose signature counts, for what, where and until when: the same for each of the messages."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boa
import pytest

from ipto import typed_data
from ipto.structs import ZERO_ADDRESS, ChainStruct, Offer
from ipto.typed_data import Action
from tests.contracts.support.build import digest, offer_for, on_sale, onboard_message, register, sign
from tests.contracts.support.contract import Reverted, deploy, reverts
from tests.contracts.support.messages import message_for, recorder
from tests.contracts.support.system import CONTRACTS, System, now, travel

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1 (SEC 2)


@dataclass
class Case:
    """One message: its function's name, and how to make a valid one."""

    name: str
    make: Callable[[System], Any]


def _post(system: System) -> typed_data.PostOffers:
    offers = tuple(offer_for(register(system), system.creator) for _ in range(2))
    return typed_data.PostOffers(str(system.creator), system.market.address, offers, 5, now() + 60)


def _withdraw(system: System) -> typed_data.WithdrawOffer:
    return typed_data.WithdrawOffer(str(system.creator), system.market.address, on_sale(system), 6, now() + 60)


def _recorded(kind: type[Action]) -> Callable[[System], Action]:
    return lambda system: message_for(system, kind, recorder().address)


# Three on the real contracts, the others on one that agrees to everything: what is looked at is the signature.
ACTIONS = {kind.FUNCTION: Case(kind.FUNCTION, _recorded(kind)) for kind in typed_data.ACTIONS} | {
    action.name: action
    for action in (
        Case("onboard", onboard_message),
        Case("post_offers", _post),
        Case("withdraw_offer", _withdraw),
    )
}


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> Case:
    """Each action."""
    return ACTIONS[request.param]


def run(system: System, action: Case, message: Any, signature: bytes) -> None:
    getattr(system.signed, action.name)(message, signature, sender=system.relayer)


def refused(system: System, action: Case, message: Any, signature: bytes) -> None:
    with reverts("signed: bad signature"):
        run(system, action, message, signature)


def test_works_once(system: System, action: Case) -> None:
    message = action.make(system)
    signature = sign(system, system.creator, message)
    run(system, action, message, signature)
    with reverts("signed: nonce already used"):
        run(system, action, message, signature)


def test_of_the_actor_alone(system: System, action: Case) -> None:
    message = action.make(system)
    for stranger in (system.thief, system.owner, system.relayer):
        refused(system, action, message, sign(system, stranger, message))


def test_the_zero_address_is_never_an_actor(system: System, action: Case) -> None:
    message = replace(action.make(system), actor=ZERO_ADDRESS)
    for signature in (bytes(65), bytes(64) + b"\x1b", b"", sign(system, system.creator, message)):
        refused(system, action, message, signature)


def test_on_one_contract(system: System, action: Case) -> None:
    message = action.make(system)
    other = deploy(CONTRACTS / "SignedActions.vy", system.owner)
    refused(system, action, message, sign(system, system.creator, message, contract=other.address))
    with reverts("signed: bad signature"):
        getattr(other, action.name)(message, sign(system, system.creator, message))


def test_on_one_chain(system: System, action: Case) -> None:
    message = action.make(system)
    here = sign(system, system.creator, message)
    refused(system, action, message, sign(system, system.creator, message, chain_id=5))
    boa.env.evm.patch.chain_id = 5  # the chain split: the domain is rebuilt
    refused(system, action, message, here)
    run(system, action, message, sign(system, system.creator, message, chain_id=5))


def test_until_its_deadline(system: System, action: Case) -> None:
    message = action.make(system)
    signature = sign(system, system.creator, message)
    travel(message.deadline - now())
    with boa.env.anchor():
        run(system, action, message, signature)
    travel(1)
    with reverts("signed: deadline passed"):
        run(system, action, message, signature)


def changed(value: Any, name: str) -> Any:
    """Another value of the same field that a contract can decode."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, str):
        return "0x" + "12" * 20
    if isinstance(value, bytes):
        return digest(f"changed {name}")
    raise TypeError(name)


def variants(message: ChainStruct, where: str = "") -> list[tuple[str, Any]]:
    """The message with each single field changed, at any depth, and each list shorter, longer and turned around."""
    found: list[tuple[str, Any]] = []
    for spec in type(message).fields():
        value, path = getattr(message, spec.name), f"{where}{spec.name}"
        if spec.is_array:
            found.append((f"{path} shorter", replace(message, **{spec.name: value[1:]})))  # type: ignore[type-var]
            found.append((f"{path} turned", replace(message, **{spec.name: value[::-1]})))  # type: ignore[type-var]
            found.append((f"{path} doubled", replace(message, **{spec.name: value + value[:1]})))  # type: ignore[type-var]
            for place, item in enumerate(value):
                for name, other in variants(item, f"{path}[{place}]."):
                    items = (*value[:place], other, *value[place + 1 :])
                    found.append((name, replace(message, **{spec.name: items})))  # type: ignore[type-var]
        elif spec.struct is not None:
            for name, other in variants(value, f"{path}."):
                found.append((name, replace(message, **{spec.name: other})))  # type: ignore[type-var]
        else:
            found.append((path, replace(message, **{spec.name: changed(value, path)})))  # type: ignore[type-var]
    return found


def test_for_exactly_what_was_signed(system: System, action: Case) -> None:
    """Every field of every structure in the message, changed alone, is refused as a bad signature."""
    message = action.make(system)
    signature = sign(system, system.creator, message)
    tried = variants(message)
    assert len(tried) >= len(type(message).fields())
    if hasattr(message, "offers"):
        assert len(tried) > len(Offer.fields()) * len(message.offers)
    for name, other in tried:
        assert other != message, name
        with pytest.raises(Reverted) as info:
            run(system, action, other, signature)
        assert info.value.reason == "signed: bad signature", name
    run(system, action, message, signature)


def test_one_actions_signature_is_not_anothers(system: System) -> None:
    """The same actor, market, nonce and deadline: the type is part of what is signed."""
    offer = offer_for(register(system), system.creator)
    posting = typed_data.PostOffers(str(system.creator), system.market.address, (offer,), 9, now())
    withdrawal = typed_data.WithdrawOffer(str(system.creator), system.market.address, offer, 9, now())
    refused(system, ACTIONS["post_offers"], posting, sign(system, system.creator, withdrawal))
    refused(system, ACTIONS["withdraw_offer"], withdrawal, sign(system, system.creator, posting))


def test_malleable_signatures_are_refused(system: System, action: Case) -> None:
    message = action.make(system)
    good = sign(system, system.creator, message)
    r, s, v = good[:32], int.from_bytes(good[32:64], "big"), good[64]
    twin = r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    refused(system, action, message, twin)
    run(system, action, message, good)


@pytest.mark.parametrize("kind", ["v 0/1", "v other", "64 bytes", "66 bytes", "empty", "zeros", "compact", "r = order"])
def test_shapes_that_are_no_signatures(system: System, action: Case, kind: str) -> None:
    message = action.make(system)
    good = sign(system, system.creator, message)
    r, s, v = good[:32], good[32:64], good[64]
    packed = (int.from_bytes(s, "big") | (v - 27) << 255).to_bytes(32, "big")  # ERC-2098
    bad = {
        "v 0/1": r + s + bytes([v - 27]),
        "v other": r + s + b"\x1d",
        "64 bytes": good[:64],
        "66 bytes": good + b"\x00",
        "empty": b"",
        "zeros": bytes(65),
        "compact": r + packed,
        "r = order": ORDER.to_bytes(32, "big") + s + bytes([v]),
    }[kind]
    refused(system, action, message, bad)


def test_signatures_of_full_length_and_beyond(system: System, action: Case) -> None:
    message = action.make(system)
    refused(system, action, message, b"\x01" * 4096)
    with reverts(""):
        run(system, action, message, b"\x01" * 4097)


def test_an_account_with_code_and_a_key(system: System, action: Case) -> None:
    """EIP-7702: a person's account has code for a while; its own signature still counts."""
    message = action.make(system)
    boa.env.set_code(system.creator, b"\xef\x01\x00" + bytes.fromhex(system.vault.address[2:]))
    run(system, action, message, sign(system, system.creator, message))


@pytest.mark.parametrize("name", ["onboard", "post_offers", "withdraw_offer"])
def test_named_actor_and_signer_differ(system: System, name: str) -> None:
    """A thief cannot sign for itself and name the creator's things."""
    action = ACTIONS[name]
    message = replace(action.make(system), actor=str(system.thief))
    with pytest.raises(Reverted) as info:
        run(system, action, message, sign(system, system.thief, message))
    assert info.value.reason in (
        "signed: offer is not the actor's",
        "vault: recipients not ascending",
        "market: licensor does not own the work",
    )


def test_the_actor_goes_along_in_every_call(system: System, action: Case) -> None:
    """Whoever signs for itself speaks for itself alone: no message has another account in the actor's place."""
    target = recorder()
    kind = next(kind for kind in typed_data.ACTIONS if action.name == kind.FUNCTION)
    message = message_for(system, kind, target.address, actor=str(system.thief))
    run(system, action, message, sign(system, system.thief, message))
    for log in system.signed.logs[1:]:
        if log.name == "Called":
            assert bytes.fromhex(system.creator[2:]) not in log.args["data"]
