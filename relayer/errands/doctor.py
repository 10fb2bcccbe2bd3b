# SPDX-License-Identifier: Apache-2.0
"""What `python -m relayer doctor` says of keeper and treasury, when their settings are there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from pydantic import ValidationError

from ipto.errors import IptoError
from ipto.rpc import Rpc
from ipto.services import Indexer
from ipto.structs import ETH
from relayer import doctor
from relayer.database import Database
from relayer.doctor import Finding
from relayer.errands.settings import KeeperSettings, TreasurySettings
from relayer.keys import open_keys
from relayer.schema import connect, connect_postgres
from relayer.settings import Settings

_LAG = 50  # blocks the indexer may be behind


def errands_findings() -> Iterator[Finding]:
    """Everything about whichever of the two is set up in this environment."""
    for name, kind in (("keeper", KeeperSettings), ("treasury", TreasurySettings)):
        prefix = f"IPTO_{name.upper()}_"
        if not any(variable.startswith(prefix) for variable in os.environ):
            continue
        try:
            settings = kind()
        except ValidationError as error:
            yield Finding("error", f"{name}: settings: {error.errors()[0]['msg']}")
            continue
        for finding in _findings(settings):
            yield Finding(finding.level, f"{name}: {finding.words}")


def _findings(settings: Settings) -> Iterator[Finding]:
    yield from doctor.node(settings)
    yield from doctor.contracts(settings)
    try:
        yield from doctor.lanes(settings, [signer.address for signer in open_keys(settings)])
    except IptoError as error:
        yield Finding("error", f"the keys: {error}")
    try:
        yield from _queue(settings)
    except IptoError as error:
        yield Finding("error", f"the queue: {error}")
    if isinstance(settings, KeeperSettings):
        yield from _keeper(settings)
    elif isinstance(settings, TreasurySettings):
        yield from _treasury(settings)


def _queue(settings: Settings) -> Iterator[Finding]:
    database: Database
    if settings.database_url is not None:
        database = connect_postgres(settings.database_url, connections=2)
    elif settings.database.exists():
        database = connect(settings.database)
    else:
        return
    try:
        yield from doctor.queue(database, int(time.time()))
    finally:
        database.close()


def _keeper(settings: KeeperSettings) -> Iterator[Finding]:
    try:
        with (
            Indexer(settings.indexer, timeout=settings.rpc_timeout_seconds) as indexer,
            Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc,
        ):
            indexed = int(indexer.get("balances", limit=1)["indexed"]["block"])
            behind = rpc.block_number() - indexed
    except IptoError as error:
        yield Finding("error", f"what is owed cannot be seen: {error}")
    else:
        level = "ok" if behind <= _LAG else "warning"
        yield Finding(level, f"the indexer at {settings.indexer} is {behind} blocks behind the node")
    priced = [currency for currency in settings.prices if currency != ETH]
    level = "ok" if priced else "warning"
    yield Finding(level, f"{len(priced)} currencies besides ETH have a price: others are paid only when asked for")
    if settings.content_folder is None and settings.ipfs_api is None:
        yield Finding("warning", "no content store is set: shares of usage reports are not claimed")
    elif settings.content_folder is not None and not settings.content_folder.is_dir():
        yield Finding("error", f"the content folder {settings.content_folder} does not exist")


def _treasury(settings: TreasurySettings) -> Iterator[Finding]:
    if not settings.lanes:
        yield Finding("error", "no lanes are named: set IPTO_TREASURY_LANES")
    most = len(settings.lanes) * settings.target_wei
    if most > settings.day_wei:
        yield Finding("warning", f"the day's limit of {settings.day_wei} wei does not fill all lanes once ({most})")
    with Rpc(settings.rpc_url, timeout=settings.rpc_timeout_seconds) as rpc:
        for lane in settings.lanes:
            try:
                balance = rpc.balance(lane)
            except IptoError as error:
                yield Finding("error", f"lane {lane}: {error}")
                continue
            level = "ok" if balance >= settings.threshold_wei else "warning"
            yield Finding(level, f"lane {lane} has {balance} wei, it is refilled below {settings.threshold_wei}")
