# SPDX-License-Identifier: Apache-2.0
"""open: remembers one caller, one currency and one balance, for this transaction only."""

from ipto.structs import ETH
from tests.contracts.support.build import account, declare, even_split
from tests.contracts.support.contract import hostile, reverts
from tests.contracts.support.money import call, crediting, market, opening, pay_in, transfer
from tests.contracts.support.system import System


def test_eth_needs_none(system: System) -> None:
    with reverts("vault: ETH needs no open"):
        system.vault.open(ETH)


def test_a_currency_must_be_a_contract(system: System) -> None:
    with reverts(""):
        system.vault.open(system.thief)


def test_does_not_outlive_its_transaction(system: System) -> None:
    payer = market()
    system.usd.mint(payer.address, 10)
    payer.run([opening(system, system.usd), transfer(system, system.usd, 10)])
    with reverts("vault: not opened"):
        payer.run([crediting(system, system.usd, [(account(system.creator), 10)])])


def test_counts_only_what_arrives_after_it(system: System) -> None:
    payer = market()
    system.usd.mint(payer.address, 10)
    with reverts("vault: received differs from the sum"):
        payer.run(
            [
                transfer(system, system.usd, 10),
                opening(system, system.usd),
                crediting(system, system.usd, [(account(system.creator), 10)]),
            ]
        )


def test_the_last_one_counts(system: System) -> None:
    payer, other = market(), hostile("Honest")
    other.mint(payer.address, 5)
    parts = [(account(system.creator), 5)]
    steps = [opening(system, system.usd), opening(system, other), transfer(system, other, 5)]
    payer.run([*steps, crediting(system, other, parts)])
    other.mint(payer.address, 5)
    with reverts("vault: not opened"):
        payer.run([*steps, crediting(system, system.usd, parts)])


def test_another_opener_closes_the_first(system: System) -> None:
    """Two markets in one transaction: the second's `open` cannot be used to book the first's coins."""
    payer, thief = market(), market()
    system.usd.mint(payer.address, 10)
    hijack = call(thief, "run", [opening(system, system.usd)])
    with reverts("vault: not opened"):
        payer.run(
            [
                opening(system, system.usd),
                hijack,
                transfer(system, system.usd, 10),
                crediting(system, system.usd, [(account(system.creator), 10)]),
            ]
        )


def test_a_stranger_cannot_book_what_a_market_brought(system: System) -> None:
    payer, thief = market(), market()
    system.usd.mint(payer.address, 10)
    theft = call(thief, "run", [crediting(system, system.usd, [(account(system.thief), 10)])])
    with reverts("vault: not opened"):
        payer.run([opening(system, system.usd), transfer(system, system.usd, 10), theft])


def test_whatever_books_or_pays_closes_it(system: System) -> None:
    creator = account(system.creator)
    parts = [(creator, 10)]
    pay_in(system, ETH, (creator, 1))
    closers = {
        "credit": crediting(system, ETH, [(account(system.dancer), 0)]),
        "book": call(system.vault, "book", bytes(32), [], [], ETH),
        "withdraw": call(system.vault, "withdraw", system.creator, ETH),
        "nothing to withdraw": call(system.vault, "withdraw", system.heir, ETH),
    }
    for name, closer in closers.items():
        payer = market()
        system.usd.mint(payer.address, 10)
        with reverts("vault: not opened"):
            payer.run(
                [
                    opening(system, system.usd),
                    transfer(system, system.usd, 10),
                    closer,
                    crediting(system, system.usd, parts),
                ]
            )
        assert system.vault.balance_of(creator, system.usd.address) == 0, name


def test_paying_out_a_split_closes_it(system: System) -> None:
    shares = even_split(system.creator, system.dancer)
    declare(system, shares, system.controller)
    for name in ("distribute", "pay_out"):
        payer = market()
        system.usd.mint(payer.address, 10)
        with reverts("vault: not opened"):
            payer.run(
                [
                    opening(system, system.usd),
                    transfer(system, system.usd, 10),
                    call(system.vault, name, shares, system.controller, ETH),
                    crediting(system, system.usd, [(account(system.creator), 10)]),
                ]
            )
