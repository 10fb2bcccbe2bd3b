# SPDX-License-Identifier: Apache-2.0
"""While the vault pays, nobody reaches any function of it, views included: by ETH and by a token's hook."""

from typing import Any

import pytest

from ipto.structs import ETH
from ipto.typed_data import AcceptInvitation, Redirect
from tests.contracts.support.build import account, declare, even_split, sign_for_vault
from tests.contracts.support.contract import Contract, hostile
from tests.contracts.support.money import call, pay_in
from tests.contracts.support.system import Actor, System, now

FUNCTIONS = [
    "accept_invitation",
    "balance_of",
    "book",
    "check_split",
    "controller_of",
    "credit",
    "credit_with_authorization",
    "declare_split",
    "distribute",
    "invitation",
    "is_declared",
    "open",
    "pay_out",
    "redirect",
    "redirect_by_signature",
    "redirect_nonce",
    "redirect_of",
    "split_of",
    "sub_account",
    "withdraw",
    "withdraw_invited",
    "withdraw_to",
]


def attempt(system: System, name: str, receiver: Contract, currency: str) -> tuple[str, int, bytes]:
    """A call that would succeed outside: what the receiver tries when money reaches it."""
    shares, zero = even_split(system.creator, system.dancer), bytes(32)
    split = declare(system, shares)
    own = account(receiver.address)
    nothing = (str(system.thief), 0, 0, 27, zero, zero)
    nobody = "0x" + "0" * 40
    guest, wanderer = Actor.named("guest"), Actor.named("wanderer")
    acceptance = AcceptInvitation(str(guest), str(system.thief), now())
    redirection = Redirect(str(wanderer), str(system.thief), 0, now())
    signed = [sign_for_vault(system, *pair) for pair in ((guest, acceptance), (wanderer, redirection))]
    invited = Actor.named("accepted")
    if system.vault.invitation(invited)[1] == nobody:
        proof = sign_for_vault(system, invited, AcceptInvitation(str(invited), str(system.dancer), now()))
        system.vault.accept_invitation(invited, system.dancer, now(), proof)
    arguments: dict[str, tuple[Any, ...]] = {
        "accept_invitation": (guest, system.thief, now(), signed[0]),
        "invitation": (guest,),
        "redirect_by_signature": (wanderer, system.thief, 0, now(), signed[1]),
        "redirect_nonce": (system.thief,),
        "withdraw_invited": (invited, currency),
        "balance_of": (own, currency),
        "book": (zero, [], [], currency),
        "check_split": (shares, nobody),
        "controller_of": (split,),
        "credit": ([own], [0], ETH),
        "credit_with_authorization": ([], [], system.usd.address, zero, nothing),
        "declare_split": (shares, nobody),
        "distribute": (shares, nobody, currency),
        "is_declared": (split,),
        "open": (system.usd.address,),
        "pay_out": (shares, nobody, currency),
        "redirect": (system.thief,),
        "redirect_of": (system.thief,),
        "split_of": ([], nobody),
        "sub_account": (system.thief, zero),
        "withdraw": (system.dancer, currency),
        "withdraw_to": (receiver.address, currency),
    }
    return call(system.vault, name, *arguments[name])


def test_knows_every_function(system: System) -> None:
    # What the domain is, is no secret while the vault pays (ERC-5267, in a module of its own).
    assert sorted(name for name, _ in system.vault.functions if name != "eip712Domain") == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("way", "door"), [("eth", "pay_out"), ("hook", "withdraw")])
def test_nothing_can_be_re_entered(system: System, name: str, way: str, door: str) -> None:
    receiver, token = hostile("Reenterer"), hostile("Hooked")
    token.hook(receiver.address, True)
    currency = ETH if way == "eth" else token.address
    shares = even_split(account(receiver.address), account(system.editor))
    split = declare(system, shares, system.controller)
    to = account(receiver.address) if door == "withdraw" else split
    pay_in(system, ETH if way == "eth" else token, (to, 10), (account(system.dancer), 7))
    receiver.prepare(*attempt(system, name, receiver, currency), False)
    if door == "withdraw":
        assert system.vault.withdraw(receiver.address, currency) == 10
    else:
        assert system.vault.pay_out(shares, system.controller, currency) == 10
    assert receiver.outcome() == 2
    assert receiver.gas_left() > 10_000
    assert system.vault.balance_of(account(system.dancer), currency) == 7


@pytest.mark.parametrize(
    "name", [name for name in FUNCTIONS if name not in ("withdraw_to", "credit_with_authorization")]
)
def test_the_same_call_succeeds_outside(system: System, name: str) -> None:
    receiver = hostile("Reenterer")
    receiver.prepare(*attempt(system, name, receiver, ETH), True)
    receiver.on_hook()
    assert receiver.outcome() == 1
