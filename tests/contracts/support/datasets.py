# SPDX-License-Identifier: Apache-2.0
"""Datasets in tests: open one, fill it, buy it, and read its events back the way anyone can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import boa

from ipto import ids
from ipto.datasets import History
from ipto.structs import ETH, ZERO32, ZERO_ADDRESS, Authorization, Dataset, Offer
from tests.contracts.support.build import YEAR, authorization, chain_id, digest, post, register
from tests.contracts.support.contract import Contract, build, mapping_slot
from tests.contracts.support.system import CONTRACTS, Actor, System

BUNDLE = 1


def dataset_of(curator: str, **changes: Any) -> Dataset:
    """A dataset that `member` offers fit into: training with everything, a year, in ETH."""
    base = Dataset(
        curator=str(curator),
        currency=ETH,
        usages=1,
        aspects=2**9 - 1,
        forbids=0,
        term=YEAR,
        revenue_share_bps=0,
        unit=0,
        unit_price=0,
        report_every=0,
        after_term=1,
        curator_fee_bps=0,
        licensee=ZERO_ADDRESS,
        terms=digest("terms"),
        salt=ZERO32,
    )
    return replace(base, **changes)


def opened(system: System, **changes: Any) -> Dataset:
    """A dataset that was opened."""
    dataset = dataset_of(changes.pop("curator", system.curator), **changes)
    system.datasets.open(dataset, sender=dataset.curator)
    return dataset


def member(system: System, creator: str | None = None, work: int | None = None, **changes: Any) -> Offer:
    """An offer for datasets, of a new work unless one is given."""
    creator = creator or system.creator
    return post(system, work or register(system, creator), creator, **{"flags": BUNDLE, **changes})


def joined(system: System, dataset: Dataset, *offers: Offer) -> None:
    """Add offers as the curator."""
    system.datasets.add(dataset, list(offers), sender=dataset.curator)


def filled(system: System, count: int = 2, price: int = 10_000, **changes: Any) -> tuple[Dataset, list[Offer]]:
    """A dataset with members of the same price."""
    dataset = opened(system, **changes)
    offers = [member(system, price=price, currency=dataset.currency) for _ in range(count)]
    joined(system, dataset, *offers)
    return dataset, offers


def buy(system: System, dataset: Dataset, licensee: str | None = None, payer: str | None = None, **changes: Any) -> int:
    """Mint a dataset as it stands, paying what it costs now; the license's id."""
    licensee = licensee or system.licensee
    payer = payer or licensee
    total, _, _, _, _, state = system.datasets.quote(dataset)
    if dataset.currency != ETH:
        token = Contract(dataset.currency, system.usd.abi)
        system.fund(token, payer, total, system.datasets.address)
    result: int = system.datasets.mint(
        dataset,
        licensee,
        changes.get("party", ZERO32),
        changes.get("max_total", total),
        changes.get("expected_state", state),
        sender=payer,
        value=changes.get("value", total if dataset.currency == ETH else 0),
    )
    return result


def authorize(
    system: System, payer: Actor, dataset: Dataset, licensee: str, party: bytes = ZERO32, **changes: Any
) -> Authorization:
    """The payer's EIP-3009 authorization for a dataset as it stands."""
    total, _, _, _, _, state = system.datasets.quote(dataset)
    order = ids.order_hash(chain_id(), ids.dataset_id(dataset), str(licensee), party, changes.get("state", state))
    nonce = ids.authorization_nonce(changes.get("market", system.datasets.address), order)
    return authorization(dataset.currency, payer, system.vault.address, changes.get("value", total), nonce)


def account_of(system: System, dataset: Dataset) -> bytes:
    """Where a dataset's money rests until it is collected."""
    return ids.sub_account(system.datasets.address, ids.dataset_id(dataset))


def fold(history: History, contract: Contract) -> None:
    """Fold the events of the contract's last transaction in."""
    for log in contract.logs:
        if log.address == contract.address:
            history.apply(log.name, log.args)


def state_of(system: System, dataset: Dataset) -> bytes:
    """The dataset's state now."""
    result: bytes = system.datasets.dataset_of(ids.dataset_id(dataset))[0]
    return result


def _place(name: str, *keys: bytes | int) -> int:
    slot = build(CONTRACTS / "DatasetMarket.vy").slots[name]
    for key in keys:
        slot = mapping_slot(slot, int.from_bytes(key, "big") if isinstance(key, bytes) else key)
    return slot


def word(system: System, name: str, *keys: bytes | int) -> int:
    """A storage word of the dataset market."""
    return int(boa.env.get_storage(system.datasets.address, _place(name, *keys)))


def put_word(system: System, value: int, name: str, *keys: bytes | int) -> None:
    """Pretend: what takes thousands of millions of transactions is written into storage."""
    boa.env.set_storage(system.datasets.address, _place(name, *keys), value)


def sales_so_far(system: System, dataset: Dataset, sales: int) -> None:
    """Pretend that a dataset was sold so many times, before any of its members joined or left."""
    number = ids.dataset_id(dataset)
    put_word(system, word(system, "datasets", number) & ~0xFFFFFFFF | sales, "datasets", number)


def ids_of(offers: Sequence[Offer]) -> list[bytes]:
    """The offers' ids."""
    return [ids.offer_id(offer) for offer in offers]
