# SPDX-License-Identifier: Apache-2.0
"""What each message makes SignedActions do: these calls to the contracts it names, for its actor, and no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from ipto import typed_data as t
from ipto.structs import Dataset, Offer, Share, WorkInput
from ipto.typed_data import Action
from tests.contracts.support.build import chain_id, digest, sign
from tests.contracts.support.contract import reverts
from tests.contracts.support.messages import message_for, recorder
from tests.contracts.support.system import System, now

OFFER, WORK, DATASET, SHARES = Offer.abi_type(), WorkInput.abi_type(), Dataset.abi_type(), Share.abi_type() + "[]"
Calls = list[tuple[str, list[Any]]]

# Written from the interfaces of the contracts that are called, not from SignedActions.
CALLS: dict[type[Action], Callable[[Any], Calls]] = {
    t.Onboard: lambda m: [
        (f"check_split({SHARES},address)", [m.split, m.controller]),
        (f"register(address,{WORK})", [m.actor, m.work]),
        *((f"post({OFFER})", [offer]) for offer in m.offers),
    ],
    t.RegisterWorks: lambda m: [
        (f"check_split({SHARES},address)", [m.split, m.controller]),
        (f"register_many(address,{WORK}[])", [m.actor, m.works]),
    ],
    t.PostOffers: lambda m: [(f"post({OFFER})", [offer]) for offer in m.offers],
    t.WithdrawOffer: lambda m: [(f"withdraw_offer({OFFER})", [m.offer])],
    t.SetMetadata: lambda m: [("set_metadata(address,uint256,bytes32)", [m.actor, m.work, m.metadata])],
    t.ApprovePayee: lambda m: [("approve_payee(address,uint256,bytes32)", [m.actor, m.work, m.payee])],
    t.AcceptStewardship: lambda m: [("accept_stewardship(address,uint256)", [m.actor, m.work])],
    t.HandOverStewardship: lambda m: [("hand_over_stewardship(address,uint256,address)", [m.actor, m.work, m.to])],
    t.SetCultural: lambda m: [("set_cultural(address,uint256,bytes32)", [m.actor, m.work, m.cultural])],
    t.SetConsent: lambda m: [
        (f"{'consent' if m.given else 'revoke_consent'}(address,bytes32)", [m.actor, m.offer_id]),
    ],
    t.OpenDataset: lambda m: [(f"open({DATASET})", [m.dataset])],
    t.AddToDataset: lambda m: [(f"add({DATASET},{OFFER}[])", [m.dataset, m.offers])],
    t.TakeOut: lambda m: [(f"take_out(address,bytes32,{OFFER})", [m.actor, m.dataset_id, m.offer])],
    t.RegisterModel: lambda m: [("register_model(address,bytes32)", [m.actor, m.card])],
    t.CommitManifest: lambda m: [("commit_manifest(address,bytes32,bytes32)", [m.actor, m.model, m.manifest])],
    t.AuthorizeReporter: lambda m: [
        ("authorize(address,address,uint256,address,bool)", [m.actor, m.market, m.license, m.developer, m.allowed]),
    ],
    t.BindModel: lambda m: [
        (f"bind_model(address,uint256,{OFFER},bytes32)", [m.actor, m.license, m.offer, m.model]),
    ],
    t.RestateReport: lambda m: [
        (
            "restate(address,address,uint256,uint32,bytes32,bytes32)",
            [m.actor, m.market, m.license, m.number, m.root, m.manifest],
        ),
    ],
    t.Attest: lambda m: [("attest(address,bytes32,bytes32,bytes32)", [m.actor, m.subject, m.schema, m.evidence])],
    t.RevokeAttestation: lambda m: [("revoke(address,bytes32)", [m.actor, m.id])],
    t.SubmitEvidence: lambda m: [("submit_evidence(address,uint256,bytes32)", [m.actor, m.case_id, m.evidence])],
    t.CancelNonce: lambda m: [],
}


def calldata(signature: str, values: list[Any]) -> bytes:
    """The data of a call, encoded by eth-abi alone."""
    inner = signature.partition("(")[2][:-1]
    types, depth, part = [], 0, ""
    for letter in inner + "," if inner else "":
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            types.append(part)
            part = ""
        else:
            part += letter
    return bytes(keccak(text=signature)[:4] + encode(types, [plain(value) for value in values]))


def plain(value: Any) -> Any:
    if hasattr(value, "as_tuple"):
        return value.as_tuple()
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def carry_out(system: System, message: Any) -> Any:
    return getattr(system.signed, message.FUNCTION)(
        message, sign(system, system.creator, message), sender=system.relayer
    )


def same(made: bytes, expected: bytes) -> bool:
    """Equal as far as it is read: Vyper passes memory along for the rest of lists that are not full."""
    return made.startswith(expected)


def test_every_message_is_here() -> None:
    assert list(CALLS) == list(t.ACTIONS)


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
def test_calls(system: System, kind: type[Action]) -> None:
    target = recorder()
    message = message_for(system, kind, target.address)
    carry_out(system, message)
    made = [log.args["data"] for log in system.signed.logs if log.name == "Called"]
    expected = [calldata(*call) for call in CALLS[kind](message)]
    assert len(made) == len(expected)
    assert all(map(same, made, expected))
    assert {log.address for log in system.signed.logs} <= {target.address, system.signed.address}
    domain = t.signed_actions_domain(chain_id(), system.signed.address)
    assert system.signed.events("ActionExecuted") == [
        {"actor": system.creator, "action": t.TypedData(domain, message).struct_hash, "nonce": message.nonce}
    ]


@pytest.mark.parametrize("kind", [t.SetConsent, t.AuthorizeReporter], ids=lambda kind: kind.__name__)
def test_the_other_answer(system: System, kind: type[Action]) -> None:
    field = "given" if kind is t.SetConsent else "allowed"
    message = message_for(system, kind, recorder().address, **{field: False})
    carry_out(system, message)
    assert same(system.signed.logs[-1].args["data"], calldata(*CALLS[kind](message)[0]))


@pytest.mark.parametrize("kind", [t.OpenDataset, t.Attest], ids=lambda kind: kind.__name__)
def test_ids_are_handed_back(system: System, kind: type[Action]) -> None:
    assert carry_out(system, message_for(system, kind, recorder().address)) == (32).to_bytes(32, "big")


@pytest.mark.parametrize("kind", [t.OpenDataset, t.AddToDataset], ids=lambda kind: kind.__name__)
def test_datasets_of_the_actor_alone(system: System, kind: type[Action]) -> None:
    message: Any = message_for(system, kind, recorder().address)
    message = replace(message, dataset=replace(message.dataset, curator=str(system.thief)))
    with reverts("signed: dataset is not the actor's"):
        carry_out(system, message)


@pytest.mark.parametrize("kind", [t.PostOffers, t.WithdrawOffer, t.Onboard], ids=lambda kind: kind.__name__)
def test_offers_of_the_actor_alone(system: System, kind: type[Action]) -> None:
    message: Any = message_for(system, kind, recorder().address)
    if kind is t.WithdrawOffer:
        message = replace(message, offer=replace(message.offer, licensor=str(system.thief)))
    else:
        message = replace(message, offers=(message.offers[0], replace(message.offers[1], licensor=str(system.thief))))
    with reverts("signed: offer is not the actor's"):
        carry_out(system, message)


def test_others_offers_where_the_owner_is_asked(system: System) -> None:
    """A curator adds offers of others, an owner takes out what another posted, a holder binds what it bought."""
    for kind in (t.AddToDataset, t.TakeOut, t.BindModel):
        message: Any = message_for(system, kind, recorder().address)
        if kind is t.AddToDataset:
            changed = tuple(replace(offer, licensor=str(system.dancer)) for offer in message.offers)
            message = replace(message, offers=changed)
        else:
            message = replace(message, offer=replace(message.offer, licensor=str(system.dancer)))
        carry_out(system, message)


@pytest.mark.parametrize("kind", [t.Onboard, t.RegisterWorks], ids=lambda kind: kind.__name__)
def test_the_split_is_the_payee(system: System, kind: type[Action]) -> None:
    message: Any = message_for(system, kind, recorder().address)
    if kind is t.Onboard:
        message = replace(message, work=replace(message.work, payee=digest()))
    else:
        message = replace(message, works=(message.works[0], replace(message.works[1], payee=digest())))
    with reverts("signed: payee is not the split"):
        carry_out(system, message)
    # Without a split in the message the payee is the registry's matter.
    message = replace(message, split=())
    carry_out(system, message)
    checking = keccak(text=f"check_split({SHARES},address)")[:4]
    assert not any(log.args["data"].startswith(checking) for log in system.signed.logs[1:])


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
def test_what_a_target_refuses_did_not_happen(system: System, kind: type[Action]) -> None:
    """A target without code, or one that knows no such function: the nonce stays good."""
    if not kind.TARGETS:
        return
    for target in (str(system.heir), system.usd.address):
        message = message_for(system, kind, target)
        with reverts(""):
            carry_out(system, message)
        assert not system.signed.is_nonce_used(system.creator, message.nonce)


def test_a_signed_cancellation_ends_what_has_the_same_nonce(system: System) -> None:
    """For who has no gas money: signed like everything else, submitted by anyone."""
    other = message_for(system, t.SetMetadata, recorder().address)
    cancellation = t.CancelNonce(str(system.creator), other.nonce, now() + 60)
    system.signed.cancel_nonce_for(cancellation, sign(system, system.creator, cancellation), sender=system.thief)
    assert system.signed.events("NonceCancelled") == [{"actor": system.creator, "nonce": other.nonce}]
    assert [log.name for log in system.signed.logs] == ["ActionExecuted", "NonceCancelled"]
    with reverts("signed: nonce already used"):
        carry_out(system, other)


def test_many_works_by_one_signature(system: System) -> None:
    message: Any = message_for(system, t.RegisterWorks, recorder().address)
    for count in (0, 1, 100):
        works = tuple(replace(message.works[0], content=digest()) for _ in range(count))
        batch = replace(message, works=works, nonce=message.nonce * 1_000 + count)
        carry_out(system, batch)
        assert same(system.signed.logs[-1].args["data"], calldata(*CALLS[t.RegisterWorks](batch)[1]))
