# SPDX-License-Identifier: Apache-2.0
"""accept_invitation, withdraw_invited, invitation: a collaborator without a wallet is in the split all the same."""

from typing import Any

import pytest

from ipto import ids
from ipto.structs import ETH, ZERO_ADDRESS
from ipto.typed_data import AcceptInvitation
from tests.contracts.support.build import account, declare, even_split, sign_for_vault
from tests.contracts.support.contract import deploy, hostile, reverts
from tests.contracts.support.money import pay_in
from tests.contracts.support.system import CONTRACTS, Actor, System, balance, now, travel


@pytest.fixture
def invite(system: System) -> Actor:
    """The key in the link that the creator sent."""
    return Actor.named("invite")


def accept(system: System, invite: Actor, to: str, signer: Actor | None = None, **changes: Any) -> None:
    """Bind it, carried by anyone."""
    said = AcceptInvitation(str(invite), str(to), changes.get("deadline", now() + 3600))
    proof = sign_for_vault(system, signer or invite, said, **changes.get("domain", {}))
    system.vault.accept_invitation(invite, changes.get("sent_to", to), said.deadline, proof, sender=system.relayer)


def test_its_part_waits_and_then_is_paid(system: System, invite: Actor) -> None:
    guest = ids.invited_account(invite)
    assert system.vault.invitation(invite) == (guest, ZERO_ADDRESS)
    shares = even_split(account(system.creator), guest)
    split = declare(system, shares)
    pay_in(system, system.usd, (split, 100))
    system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address)
    assert balance(system.usd.address, system.creator) == 50
    assert balance(system.usd.address, invite) == 0
    assert system.vault.balance_of(guest, system.usd.address) == 50
    assert system.vault.events("Distributed")[0]["kept"] == 0b10
    with reverts("vault: invitation not accepted"):
        system.vault.withdraw_invited(invite, system.usd.address)
    accept(system, invite, system.dancer)
    assert system.vault.events("InvitationAccepted") == [{"key": invite, "to": system.dancer}]
    assert system.vault.invitation(invite) == (guest, system.dancer)
    assert system.vault.withdraw_invited(invite, system.usd.address, sender=system.keeper) == 50
    assert system.vault.events("Withdrawn") == [
        {"account": guest, "currency": system.usd.address, "to": system.dancer, "amount": 50}
    ]
    # From now on straight to the person.
    pay_in(system, system.usd, (split, 100))
    system.vault.pay_out(shares, ZERO_ADDRESS, system.usd.address)
    assert system.vault.events("Distributed")[0]["kept"] == 0
    assert balance(system.usd.address, system.dancer) == 100


def test_once_and_for_all(system: System, invite: Actor) -> None:
    """Whoever made the key, and kept a copy, has no power over it any more."""
    accept(system, invite, system.dancer)
    for to in (system.thief, system.dancer):
        with reverts("vault: invitation already accepted"):
            accept(system, invite, to)


def test_the_carrier_cannot_take_it(system: System, invite: Actor) -> None:
    with reverts("vault: bad signature"):
        accept(system, invite, system.dancer, sent_to=system.relayer)
    with reverts("vault: bad signature"):
        accept(system, invite, system.thief, signer=system.thief)
    with reverts("vault: zero address"):
        accept(system, invite, ZERO_ADDRESS)


def test_in_time_here_and_nowhere_else(system: System, invite: Actor) -> None:
    other = deploy(CONTRACTS / "RoyaltyVault.vy")
    for domain in ({"chain_id": 7}, {"contract": other.address}):
        with reverts("vault: bad signature"):
            accept(system, invite, system.dancer, domain=domain)
    deadline = now() + 5
    travel(6)
    with reverts("vault: deadline passed"):
        accept(system, invite, system.dancer, deadline=deadline)
    travel(-1)
    accept(system, invite, system.dancer, deadline=deadline)


def test_follows_the_redirection_of_who_accepted(system: System, invite: Actor) -> None:
    accept(system, invite, system.dancer)
    system.vault.redirect(system.heir, sender=system.dancer)
    pay_in(system, system.usd, (ids.invited_account(invite), 7))
    system.vault.withdraw_invited(invite, system.usd.address)
    assert balance(system.usd.address, system.heir) == 7


def test_a_redirection_of_the_key_itself_is_no_acceptance(system: System, invite: Actor) -> None:
    """The key's own address is another account than the invitation."""
    pay_in(system, ETH, (ids.invited_account(invite), 7))
    system.vault.redirect(system.thief, sender=invite)
    assert system.vault.withdraw(invite, ETH) == 0
    with reverts("vault: invitation not accepted"):
        system.vault.withdraw_invited(invite, ETH)


def test_a_refusal_leaves_it_booked(system: System, invite: Actor) -> None:
    receiver = hostile("Receiver")
    receiver.behave(1)
    accept(system, invite, receiver.address)
    guest = ids.invited_account(invite)
    shares = even_split(account(system.creator), guest)
    pay_in(system, ETH, (declare(system, shares), 10))
    system.vault.pay_out(shares, ZERO_ADDRESS, ETH)
    assert system.vault.events("Refused") == [{"account": guest, "currency": ETH, "to": receiver.address, "amount": 5}]
    assert system.vault.withdraw_invited(invite, ETH) == 0
    assert system.vault.balance_of(guest, ETH) == 5
    receiver.behave(0)
    assert system.vault.withdraw_invited(invite, ETH) == 5


@pytest.mark.parametrize("body", [bytes(31), b"\1" + bytes(30), bytes(10) + b"\1" * 21])
def test_what_is_no_invitation(system: System, body: bytes) -> None:
    with reverts("vault: no such account"):
        system.vault.credit([b"\3" + body], [0], ETH)
    with reverts("vault: recipient cannot be paid"):
        declare(system, even_split(account(system.creator), b"\3" + body))


def test_a_contract_can_be_invited(system: System) -> None:
    wallet = hostile("Curious")
    with reverts("vault: bad signature"):
        system.vault.accept_invitation(wallet.address, system.dancer, now(), b"")
