# SPDX-License-Identifier: Apache-2.0
"""The writer: all or nothing, alone, and true to its chain."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.fetch import Header, Segment
from indexer.ledger import pack_shares, unpack_shares
from indexer.project import Event, barred_until, offer_of, u256
from indexer.rows import Add, Put, Rows, Set
from indexer.schema import BALANCES, LEDGER, WORKS
from indexer.service import open_store
from indexer.store import DivergedError, Store, WriterBusyError
from ipto.errors import InputError, IntegrityError
from ipto.ids import license_id, offer_of_license
from ipto.structs import NEVER
from tests.indexer.conftest import Databases
from tests.indexer.test_follow import play
from tests.indexer.world import World, new_store, settings_for, sync, tables


class CrashError(Exception):
    """The process dies here."""


class FailingStore(Store):
    """Fails in the middle of a commit."""

    def _place(self, *args: object, **kwargs: object) -> None:
        raise CrashError


def test_a_commit_is_all_or_nothing(world: World, databases: Databases) -> None:
    play(world, 20)
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=2)
        before, ring = tables(databases("a")), store.ring()
        play(world, 10)
        store.__class__ = FailingStore
        with pytest.raises(CrashError):
            sync(world, store, finality_blocks=2)
        assert tables(databases("a")) == before
        assert store.ring() == ring
        store.__class__ = Store
        sync(world, store, finality_blocks=2)
        assert tables(databases("a")) != before


def test_a_segment_must_follow(world: World, databases: Databases) -> None:
    with new_store(world, databases("a")) as store:
        sync(world, store)
        at = store.checkpoint()
        assert at is not None
        for first, parent in ((at.number + 1, b"\x01" * 32), (at.number + 2, at.hash), (at.number, at.hash)):
            header = Header(first, b"\x02" * 32, parent, at.timestamp + 1)
            with pytest.raises(DivergedError):
                store.commit(Segment(first, first, parent, [header], [], tight=True), 0)
        assert store.checkpoint() == at


def test_a_second_writer_is_refused(world: World, tmp_path: Path, databases: Databases) -> None:
    path = databases("a")
    with new_store(world, path):
        with pytest.raises(WriterBusyError, match="another indexer"):
            new_store(world, path)
        world.deployment.save(tmp_path)
        settings = {
            "IPTO_INDEXER_RPC_URL": world.chain.url,
            "IPTO_INDEXER_DATABASE": path,
            "IPTO_INDEXER_DEPLOYMENT": str(tmp_path / f"{world.deployment.chain_id}.json"),
            "IPTO_INDEXER_PORT": "0",
        }
        run = [sys.executable, "-m", "indexer", "run"]
        done = subprocess.run(run, env=os.environ | settings, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 2
        assert "another indexer" in done.stderr
    # The lock ends with its holder.
    new_store(world, path).close()


def test_a_database_belongs_to_one_deployment(world: World, databases: Databases) -> None:
    new_store(world, databases("a")).close()
    other = replace(world.deployment, block_number=world.deployment.block_number + 1)
    with pytest.raises(InputError, match="start"):
        open_store(settings_for(world, databases("a")), other)


def test_blocks_beyond_the_journal_cannot_be_rewound_to(world: World, databases: Databases) -> None:
    with new_store(world, databases("a")) as store:
        sync(world, store, finality_blocks=0)
        with pytest.raises(InputError, match="rebuild"):
            store.rewind(world.deployment.block_number)


# ---- rows -----------------------------------------------------------------------------------------------


def test_rows_remember_what_was_before_each_block() -> None:
    key = (b"\x01" * 32, b"\x02" * 20)
    rows = Rows(lambda table, key: None, journal=True)
    rows.apply(5, 500, Add(BALANCES, key, {"balance": 7}))
    rows.apply(5, 501, Add(BALANCES, key, {"balance": 3}))
    rows.apply(6, 600, Add(BALANCES, key, {"balance": -4}))
    assert [(b.block, b.row and int.from_bytes(b.row["balance"])) for b in rows.befores] == [(5, None), (6, 10)]
    (row,) = rows.new["balances"].values()
    assert (int.from_bytes(row["balance"]), row["seq"], row["changed"]) == (6, 500, 600)


def test_a_sum_below_zero_means_events_are_missing() -> None:
    rows = Rows(lambda table, key: None, journal=False)
    with pytest.raises(IntegrityError, match="below zero"):
        rows.apply(1, 1, Add(BALANCES, (b"\x01" * 32, b"\x02" * 20), {"balance": -1}))


def test_a_row_that_was_there_is_changed_not_new() -> None:
    stored = WORKS.blank() | {"work": b"\x01" * 32, "seq": 9, "changed": 9}
    rows = Rows(lambda table, key: dict(stored), journal=False)
    rows.apply(2, 20, Set(WORKS, (b"\x01" * 32,), {"flags": 3}))
    assert not rows.new
    (row,) = rows.changed["works"].values()
    assert (row["flags"], row["seq"], row["changed"]) == (3, 9, 20)


def test_a_line_keeps_its_own_place() -> None:
    rows = Rows(lambda table, key: None, journal=False)
    rows.apply(2, 20, Put(LEDGER, {"seq": 20, "line": 1, "kind": "credited"}))
    assert list(rows.new["ledger"]) == [(20, 1)]


# ---- small things the projections rest on ---------------------------------------------------------------

uint256 = st.integers(0, 2**256 - 1)


@settings(deadline=None)
@given(uint256, uint256)
def test_numbers_keep_their_order(a: int, b: int) -> None:
    assert (u256(a) < u256(b)) == (a < b)
    assert int.from_bytes(u256(a)) == a


@settings(deadline=None)
@given(st.binary(min_size=28, max_size=28), st.integers(1, 2**32 - 1))
def test_a_license_names_its_offer(head: bytes, sale: int) -> None:
    number = license_id(head + bytes(4), sale)
    assert offer_of(u256(number)) == offer_of_license(number)


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1)), max_size=64))
def test_shares_are_kept_exactly(shares: list[tuple[bytes, int]]) -> None:
    assert unpack_shares(pack_shares(shares)) == shares


@settings(deadline=None)
@given(st.integers(1, NEVER))
def test_exclusivity_is_rounded_as_the_market_does(expires_at: int) -> None:
    hours = 2**24 - 1 if expires_at == NEVER else min((expires_at + 3599) // 3600, 2**24 - 1)
    assert barred_until(expires_at) == (NEVER if hours == 2**24 - 1 else hours * 3600)


def test_an_event_says_where_it_stands() -> None:
    assert Event._fields == ("seq", "block", "timestamp", "contract", "name", "args")
