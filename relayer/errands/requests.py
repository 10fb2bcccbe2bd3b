# SPDX-License-Identifier: Apache-2.0
"""Payouts that somebody asks for: signed by one who is owed, kept until they were made or their time is over.

What is asked for goes out whatever it is worth, so it has a gas cap and a daily budget of its own: whoever asks for
nothing at great cost, with a token or recipients of its own making, empties that budget and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ipto import ids
from ipto.errors import InputError, NotFoundError
from ipto.payouts import PayoutRequest, payout_request
from ipto.rpc import AsyncRpc, RpcError
from ipto.structs import ZERO32, ZERO_ADDRESS, checksum_address
from relayer.database import Database
from relayer.errands.sight import Sight
from relayer.problems import busy, forbidden, malformed
from relayer.simulate import is_revert
from relayer.verify import check_signature

_MOST = 10_000  # kept at the same time
_INVITED = 3
_TABLE = (
    "CREATE TABLE IF NOT EXISTS numbered_requests (source TEXT NOT NULL, item TEXT NOT NULL, asker TEXT NOT NULL,"
    " number BIGINT NOT NULL, at BIGINT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (source, item))"
)
_COUNTER = "requests"  # in `meta`: requests are numbered in the order in which they are committed


class Asked:
    """The requests of one queue. Source and item are 0x hex of 32 bytes; an account's item is its currency."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock
        with database.transaction() as change:
            change.run(_TABLE)
            change.change("INSERT INTO meta VALUES (?, '0') ON CONFLICT DO NOTHING", _COUNTER)

    def all(self) -> dict[tuple[str, str], int]:
        """(source, item) → the number of the request for it, of all that count still."""
        sql = "SELECT source, item, number FROM numbered_requests WHERE until >= ?"
        return {(row["source"], row["item"]): row["number"] for row in self._database.read(sql, int(self._clock()))}

    def note(self, source: str, item: str, asker: str, until: int) -> None:
        """Remember a request; the same one again counts anew. Raises RefusedError (503) when there are too many."""
        now = int(self._clock())
        with self._database.transaction() as change:
            # The counter's row first: whoever has the next number commits after this one.
            count = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = ?"
            change.change(count, _COUNTER)
            number = int(change.run("SELECT value FROM meta WHERE name = ?", _COUNTER)[0]["value"])
            change.change("DELETE FROM numbered_requests WHERE until < ?", now)
            if int(change.run("SELECT count(*) AS n FROM numbered_requests")[0]["n"]) >= _MOST:
                raise busy("requests-full", "too many payouts were asked for; try again tomorrow", 86400)
            change.change(
                "INSERT INTO numbered_requests VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source, item) DO UPDATE SET"
                " asker = excluded.asker, number = excluded.number, at = excluded.at, until = excluded.until",
                source, item, asker, number, now, until,
            )  # fmt: skip


class Requests:
    """Takes requests on."""

    def __init__(self, sight: Sight, rpc: AsyncRpc, asked: Asked, horizon: int, clock: Callable[[], float]) -> None:
        """horizon: seconds ahead a deadline may lie at most."""
        self._sight, self._rpc, self._asked = sight, rpc, asked
        self._horizon, self._clock = horizon, clock

    async def take(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Check a request (the fields of PayoutRequest and `signature`) and remember it. Raises RefusedError."""
        fields = dict(body)
        try:
            signature = bytes.fromhex(str(fields.pop("signature", "")).removeprefix("0x"))
            request = PayoutRequest.from_mapping(fields)
        except (InputError, ValueError) as error:
            raise malformed(str(error)) from None
        now = int(self._clock())
        if not now < request.deadline <= now + self._horizon:
            raise malformed(f"the deadline must be in the future, and {self._horizon} seconds ahead at most")
        if (request.item == ZERO32) == (request.currency == ZERO_ADDRESS):
            raise malformed("name a currency for an account, an offer for a dataset or report, and not both")
        digest = payout_request(self._sight.deployment, request).digest
        await check_signature(self._rpc, request.asker, digest, signature, contracts=True)
        if not await self._is_owed(request):
            raise forbidden("not-owed", "only those who are paid from it can ask for it")
        source = "0x" + request.source.hex()
        item = "0x" + request.item.hex() if request.currency == ZERO_ADDRESS else request.currency
        await asyncio.to_thread(self._asked.note, source, item, request.asker, request.deadline)
        return {"source": source, "item": item, "until": request.deadline}

    async def _is_owed(self, request: PayoutRequest) -> bool:
        if request.item == ZERO32:
            return await self._is_paid_from(request.asker, request.source)
        try:
            offer = await self._sight.offer("0x" + request.item.hex())
            owner, _, payee, *_ = await self._sight.view("WorkRegistry", "sale_terms", offer.work)
        except NotFoundError:
            return False
        except RpcError as error:
            if not is_revert(error):
                raise
            raise forbidden("on-hold", "the work is on hold or unknown: its money waits") from None
        return owner == request.asker or (payee != ZERO32 and await self._is_paid_from(request.asker, payee))

    async def _is_paid_from(self, asker: str, account: bytes) -> bool:
        mine = ids.address_account(asker)
        if account == mine:
            return True
        if account[0] == _INVITED:
            _, accepted = await self._sight.view(
                "RoyaltyVault", "invitation", checksum_address("0x" + account[12:].hex())
            )
            return bool(accepted == asker)
        try:
            split = await self._sight.ask(f"splits/0x{account.hex()}")
        except NotFoundError:
            return False
        recipients = {item["account"]["account"] for item in split["recipients"]}
        return "0x" + mine.hex() in recipients or split["controller"] == asker
