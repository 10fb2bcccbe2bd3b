# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer keep` and `python -m relayer refill`."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import click
import uvicorn
from fastapi import FastAPI

from ipto.accounts import Signer
from ipto.chain import Deployment
from ipto.content import ContentStore, LocalStore
from ipto.deploy import verify
from ipto.rpc import AsyncRpc, Rpc
from ipto.services import Indexer
from relayer.bundle import BundledRpc
from relayer.database import Database
from relayer.errands.api import create_app
from relayer.errands.claims import Trees
from relayer.errands.desk import Pause
from relayer.errands.guard import REFILL_GAS, KeeperGuard, TreasuryGuard
from relayer.errands.keeper import Keeper
from relayer.errands.lane import PayoutSimulator, RefillSimulator
from relayer.errands.office import Office, rules_of
from relayer.errands.requests import Asked, Requests
from relayer.errands.settings import KeeperSettings, TreasurySettings
from relayer.errands.sight import Sight
from relayer.errands.treasury import Treasury
from relayer.errands.worth import Worth, read_prices
from relayer.keys import forget_secrets, open_keys
from relayer.problems import ConfigurationError
from relayer.program import told
from relayer.schema import bind, connect, connect_postgres
from relayer.settings import Settings
from relayer.sqlite import only_one

_TREASURY_PAUSE = Pause(interval=0, backoff=60, most=86_400)


def _owner() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def check_chain(settings: Settings) -> tuple[Deployment, str]:
    """Deployment and genesis hash, compared with the chain. Raises IptoError when they differ."""
    deployment = Deployment.load(settings.deployment_file)
    if deployment.chain_id != settings.chain_id:
        raise ConfigurationError(
            f"{settings.deployment_file} is for chain {deployment.chain_id}, the settings say {settings.chain_id}"
        )
    with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
        verify(rpc, deployment)
        genesis = rpc.call("eth_getBlockByNumber", "0x0", False)
    return deployment, str(genesis["hash"])


@contextmanager
def open_database(settings: Settings, deployment: Deployment, genesis: str, purpose: str) -> Iterator[Database]:
    """A queue that was made for this purpose and chain, and for no other. Raises ConfigurationError, StorageError."""
    with ExitStack() as stack:
        if settings.database_url is None:
            stack.enter_context(only_one(settings.database))
            database: Database = connect(settings.database)
        else:
            database = connect_postgres(settings.database_url, connections=settings.database_connections)
        stack.callback(database.close)
        # A queue of creators' actions is bound to no purpose: it has to be refused before it is bound to this one.
        if not database.read("SELECT 1 AS one FROM meta WHERE name = 'purpose'") and database.read(
            "SELECT 1 AS one FROM meta WHERE name = 'chain'"
        ):
            raise ConfigurationError("this is the queue of a relayer that serves creators; choose another database")
        bind(database, "purpose", purpose)
        bind(database, "chain", str(settings.chain_id))
        bind(database, "genesis", genesis)
        bind(database, "SignedActions", deployment.address("SignedActions"))
        yield database


def open_store(settings: KeeperSettings) -> ContentStore | None:
    """Where usage manifests are read from; None when none are."""
    if settings.ipfs_api is not None:
        from ipto.content.kubo import KuboStore

        return KuboStore(settings.ipfs_api)
    return None if settings.content_folder is None else LocalStore(settings.content_folder)


@dataclass(frozen=True, slots=True)
class KeeperParts:
    """A keeper, put together."""

    office: Office
    keeper: Keeper
    requests: Requests
    worth: Worth


async def make_keeper(
    settings: KeeperSettings,
    deployment: Deployment,
    database: Database,
    signers: Sequence[Signer],
    rpc: AsyncRpc,
    indexer: Indexer,
    clock: Callable[[], float] = time.time,
) -> KeeperParts:
    """Put a keeper together. Raises ConfigurationError for a price of what is no token."""
    simulator = PayoutSimulator(rpc, settings.simulate_at)
    rules = rules_of(settings, subject_day=settings.account_day_wei, asked_day=settings.asked_day_wei)
    pause = Pause(settings.interval, settings.backoff, settings.backoff_most)
    office = Office(
        rpc, database, rules, signers, KeeperGuard(settings, deployment), simulator, deployment, settings, pause,
        settings.patience, owner=_owner(), clock=clock,
    )  # fmt: skip
    worth = Worth(await read_prices(rpc, settings.prices), settings.ratio, overhead=settings.overhead_wei)
    sight, asked, store = Sight(indexer, rpc, deployment), Asked(database, clock), open_store(settings)
    keeper = Keeper(
        sight, rpc, office.desk, simulator, worth, None if store is None else Trees(store), asked, settings,
        office.address, clock, office.sender.wake,
    )  # fmt: skip
    return KeeperParts(office, keeper, Requests(sight, rpc, asked, settings.asked_horizon, clock), worth)


async def keep(settings: KeeperSettings, deployment: Deployment, database: Database, signers: list[Signer]) -> None:
    """Run the keeper until a signal comes."""
    rpc = BundledRpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds, largest=settings.rpc_batch)
    with Indexer(settings.indexer, timeout=settings.rpc_timeout_seconds) as indexer:
        parts = await make_keeper(settings, deployment, database, signers, rpc, indexer)
        await _listen(keeper_app(parts), settings)


def keeper_app(parts: KeeperParts) -> FastAPI:
    """What a keeper answers."""
    office, keeper = parts.office, parts.keeper

    async def status() -> dict[str, Any]:
        return {
            "prices_wei": {currency: str(price) for currency, price in parts.worth.wei.items()},
            "walked_at": keeper.walked_at,
            "since_start": {"seen": keeper.seen, "ordered": keeper.ordered, "not_worth": keeper.not_worth},
            "reports_without_tree": keeper.wrong_reports,
        }

    async def numbers() -> str:
        more: dict[str, tuple[str, dict[str, float]]] = {
            "seen": ("Balances, groups of members and of leaves looked at since the start.", {"": keeper.seen}),
            "ordered": ("Payouts ordered since the start.", {"": keeper.ordered}),
            "not_worth": ("Payouts that were not worth their gas, since the start.", {"": keeper.not_worth}),
            "walked_timestamp_seconds": ("When all that is owed had been gone through.", {"": keeper.walked_at}),
            "reports_without_tree": (
                "Reports whose shares cannot be made anew from a manifest here.", {"": keeper.wrong_reports}
            ),
            "fails": ("Whether the last round failed.", {"": int(keeper.error is not None)}),
        }  # fmt: skip
        return await office.numbers("ipto_keeper", more)

    def troubles() -> list[str]:
        return [words for words in (keeper.error, keeper.notice) if words]

    return create_app("IPTO keeper", office, keeper.run, troubles, status, numbers, parts.requests)


@dataclass(frozen=True, slots=True)
class TreasuryParts:
    """A treasury, put together."""

    office: Office
    treasury: Treasury


def make_treasury(
    settings: TreasurySettings,
    deployment: Deployment,
    database: Database,
    signers: Sequence[Signer],
    rpc: AsyncRpc,
    clock: Callable[[], float] = time.time,
) -> TreasuryParts:
    """Put a treasury together. Raises ConfigurationError when it would refill itself or nobody."""
    if not settings.lanes or {signer.address for signer in signers} & set(settings.lanes):
        raise ConfigurationError("set IPTO_TREASURY_LANES to the lanes' addresses, without the treasury's own")
    simulator = RefillSimulator(rpc, settings.simulate_at)
    rules = rules_of(settings, subject_day=settings.lane_day_wei, asked_day=0)
    guard = TreasuryGuard(settings, settings.lanes, settings.target_wei)
    office = Office(
        rpc, database, rules, signers, guard, simulator, deployment, settings, _TREASURY_PAUSE, settings.patience,
        owner=_owner(), clock=clock,
    )  # fmt: skip
    treasury = Treasury(rpc, office.desk, database, simulator, settings, office.address, REFILL_GAS, office.sender.wake)
    return TreasuryParts(office, treasury)


async def refill(settings: TreasurySettings, deployment: Deployment, database: Database, signers: list[Signer]) -> None:
    """Run the treasury until a signal comes."""
    rpc = BundledRpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds, largest=settings.rpc_batch)
    await _listen(treasury_app(make_treasury(settings, deployment, database, signers, rpc), settings), settings)


def treasury_app(parts: TreasuryParts, settings: TreasurySettings) -> FastAPI:
    """What a treasury answers."""
    office, treasury = parts.office, parts.treasury

    async def status() -> dict[str, Any]:
        return {
            "looked_at": treasury.looked_at,
            "refilled": {lane: str(wei) for lane, wei in treasury.balances.items()},
            "needy": treasury.needy,
            "capped": sorted(treasury.capped),
        }

    async def numbers() -> str:
        more: dict[str, tuple[str, dict[str, float]]] = {
            "balance_wei": (
                "What a lane has that is kept in gas money.",
                {f'lane="{lane}"': wei for lane, wei in treasury.balances.items()},
            ),
            "needy": (
                "Whether a lane has less than the threshold.",
                {f'lane="{lane}"': int(lane in treasury.needy) for lane in settings.lanes},
            ),
            "capped": (
                "Whether a limit keeps a lane from being refilled.",
                {f'lane="{lane}"': int(lane in treasury.capped) for lane in settings.lanes},
            ),
            "looked_timestamp_seconds": ("When all lanes had been looked at.", {"": treasury.looked_at}),
            "fails": ("Whether the last round failed.", {"": int(treasury.error is not None)}),
        }
        return await office.numbers("ipto_treasury", more)

    def troubles() -> list[str]:
        capped = [f"lane {lane}: {treasury.needy.get(lane, '')}" for lane in sorted(treasury.capped)]
        return [*([treasury.error] if treasury.error else []), *capped]

    return create_app("IPTO treasury", office, treasury.run, troubles, status, numbers, None)


async def _listen(app: FastAPI, settings: Settings) -> None:
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_level="info", access_log=False, server_header=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


def _run(name: str, settings: Callable[[], Any], work: Callable[..., Any]) -> None:
    with told(f"settings of the {name}"):
        found = settings()
        deployment, genesis = check_chain(found)
        with open_database(found, deployment, genesis, name) as database:
            signers = open_keys(found)
            forget_secrets(os.environ)
            logging.getLogger("relayer").info("%s sends from %s", name, ", ".join(key.address for key in signers))
            asyncio.run(work(found, deployment, database, signers))


@click.command("keep")
def keep_command() -> None:
    """Push payouts to whom they are owed. Set by IPTO_KEEPER_…; see docs/keeper.md."""
    _run("keeper", KeeperSettings, keep)


@click.command("refill")
def refill_command() -> None:
    """Keep lanes in gas money. Set by IPTO_TREASURY_…; see docs/keeper.md."""
    _run("treasury", TreasurySettings, refill)
