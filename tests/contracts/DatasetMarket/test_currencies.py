# SPDX-License-Identifier: Apache-2.0
"""Every kind of token as a dataset's currency: either all parts arrived, or nothing was sold."""

import pytest

from ipto import ids
from ipto.structs import ZERO32
from tests.contracts.support.build import account
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.datasets import account_of, buy, filled, state_of
from tests.contracts.support.system import System, balance

FALSE, TRUE, TWO = ((number).to_bytes(32, "big") for number in (0, 1, 2))


@pytest.mark.parametrize(
    ("moves", "answer", "reason"),
    [
        (True, TRUE, None),
        (True, b"", None),
        (True, FALSE, "market: token refused"),
        (True, TWO, "market: token refused"),
        (False, FALSE, "market: token refused"),
        (False, TRUE, "vault: received differs from the sum"),
        (False, b"", "vault: received differs from the sum"),
    ],
)
def test_a_token_that_answers_anything(system: System, moves: bool, answer: bytes, reason: str | None) -> None:
    token = hostile("Answering")
    dataset, _ = filled(system, currency=token.address)
    token.behave(moves, answer)
    if reason is None:
        buy(system, dataset)
        return
    with reverts(reason):
        buy(system, dataset)
    assert system.datasets.dataset_of(ids.dataset_id(dataset))[1] == 0


def test_a_fee_taking_token_sells_nothing(system: System) -> None:
    token = hostile("FeeTaking")
    token.set_fees(1, 0)
    dataset, _ = filled(system, currency=token.address)
    with reverts("vault: received differs from the sum"):
        buy(system, dataset)


def test_only_the_caller_pays(system: System) -> None:
    dataset, _ = filled(system, currency=system.usd.address)
    system.fund(system.usd, system.licensee, 20_000, system.datasets.address)
    state = state_of(system, dataset)
    with reverts(""):
        system.datasets.mint(dataset, system.thief, ZERO32, 20_000, state, sender=system.thief)
    assert balance(system.usd.address, system.licensee) == 20_000


def test_a_token_that_blocks_one_member_pays_the_others(system: System) -> None:
    """Collecting books inside the vault; it sends nothing, so no token can stop it."""
    token = hostile("Blocking")
    dataset, offers = filled(system, currency=token.address)
    buy(system, dataset)
    token.block_account(system.creator, True)
    system.datasets.collect(ids.dataset_id(dataset), offers)
    assert system.vault.balance_of(account(system.creator), token.address) == 20_000


def test_a_lying_token_harms_its_own_buyers_alone(system: System) -> None:
    """What is booked in one currency is never paid in another."""
    honest, _ = filled(system, currency=system.usd.address)
    buy(system, honest)
    dataset, offers = filled(system, currency=hostile("Honest").address)
    buy(system, dataset)
    system.datasets.collect(ids.dataset_id(dataset), offers)
    assert system.vault.balance_of(account_of(system, honest), system.usd.address) == 20_000
    assert system.vault.balance_of(account_of(system, dataset), dataset.currency) == 0
