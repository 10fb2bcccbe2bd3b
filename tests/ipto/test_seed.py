# SPDX-License-Identifier: Apache-2.0
"""The catalog for development chains: the same every time, and all of it really on the chain."""

from collections import Counter
from pathlib import Path

import pytest

from ipto import ids
from ipto._catalog import CatalogWork, account, catalog
from ipto.chain import Deployment
from ipto.content import Cid, LocalStore
from ipto.devchain import DevChain
from ipto.errors import InputError
from ipto.quantities import ETHER, Currency
from ipto.seed import seed
from ipto.structs import ETH

WORKS = 12
USD = Currency("tUSD", "0x" + "11" * 20, 6)


def _catalog(number: int, works: int) -> list[CatalogWork]:
    return list(catalog(number, works, (USD, ETHER), 8))


def test_the_same_number_is_the_same_catalog() -> None:
    def prints(works: list[CatalogWork]) -> list[object]:
        return [(w.id, w.work, w.split, w.offers, w.sales, w.documents, w.creator.address) for w in works]

    first = prints(_catalog(1, 8))
    assert first == prints(_catalog(1, 8))
    assert first[:5] == prints(_catalog(1, 5))
    assert not {w.id for w in _catalog(1, 8)} & {w.id for w in _catalog(2, 8)}


def test_a_catalog_is_pinned() -> None:
    """Other people's machines and versions of Python make the same one."""
    (work,) = _catalog(1, 1)
    assert work.creator.address == account(1, "creator", 0).address
    assert f"{work.id:064x}".startswith(PINNED)


PINNED = "24634d146d9bd1d0"


def test_a_catalog_has_variety() -> None:
    works = _catalog(1, 60)
    assert len({work.id for work in works}) == 60
    assert {len(work.split) for work in works} >= {0, 2, 3}
    assert len({offer.usages for work in works for offer in work.offers}) >= 4
    assert {offer.currency for work in works for offer in work.offers} == {ETH, USD.address}
    assert len({work.creator.address for work in works}) > 1


def test_everything_is_on_the_chain(chain: DevChain, deployment: Deployment, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    lines: list[str] = []
    done = seed(chain.rpc, deployment, chain.signers[0], works=WORKS, store=store, report=lines.append)
    token = deployment.token("tUSD")
    works = list(catalog(1, WORKS, (Currency(token.symbol, token.address, token.decimals), ETHER), 8))
    assert done.works == WORKS
    assert done.skipped == 0
    assert done.offers == sum(len(work.offers) for work in works)
    assert done.licenses == sum(len(work.sales) for work in works) > 0
    assert done.payouts > 0
    assert lines

    registry, market, vault = (
        deployment.contract(name, chain.rpc) for name in ("WorkRegistry", "LicenseMarket", "RoyaltyVault")
    )
    income: Counter[tuple[bytes, str]] = Counter()
    paid_out: set[bytes] = set()
    for work in works:
        assert registry.call("work_of", work.id)[0] == work.creator.address
        sold = Counter(sale.offer for sale in work.sales)
        for number, offer in enumerate(work.offers):
            live, count, *_ = market.call("offer_status", ids.offer_id(offer))
            assert (live, count) == (True, sold[number])
            payee = work.work.payee if work.split else ids.address_account(work.creator.address)
            income[payee, offer.currency] += count * offer.price
            if work.number % 3 == 0 and count:
                paid_out.add(payee)
        # The documents behind the digests are in the store.
        assert store.get_document(work.work.metadata) == work.documents[0]
        for offer, document in zip(work.offers, work.documents[1:], strict=True):
            assert store.get_document(offer.terms) == document
        assert store.get(Cid.raw(work.work.content)) == work.film
    # What was not paid out waits in the vault, to the last unit; a split keeps only what does not divide.
    for (payee, currency), amount in income.items():
        waiting = vault.call("balance_of", payee, currency)
        assert waiting <= amount
        if payee not in paid_out:
            assert waiting == amount
        elif ids.is_split_account(payee):
            assert waiting < 5
    assert paid_out

    # Again: nothing is done twice. More: only the rest.
    again = seed(chain.rpc, deployment, chain.signers[0], works=WORKS)
    assert (again.works, again.skipped, again.transactions) == (0, WORKS, 0)
    more = seed(chain.rpc, deployment, chain.signers[0], works=WORKS + 1)
    assert (more.works, more.skipped) == (1, WORKS)


def test_no_invented_works_on_other_chains(chain: DevChain, deployment: Deployment) -> None:
    contracts = {name: address for name, address in deployment.contracts.items() if name != "TestUSD"}
    elsewhere = Deployment(1, contracts, 1, deployment.block_hash)
    with pytest.raises(InputError, match="development chain"):
        seed(chain.rpc, elsewhere, chain.signers[0], works=1)
    with pytest.raises(InputError, match="negative"):
        seed(chain.rpc, deployment, chain.signers[0], works=-1)
