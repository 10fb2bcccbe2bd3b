# SPDX-License-Identifier: Apache-2.0
"""Newcomers are carried free up to a number of actions; whoever wants more shows that it is not a crowd of one.

Three proofs are known: an invitation code of the operator, a captcha that a service of the operator's choice checks,
and an attestation on chain by somebody the operator trusts. A proof counts for one signer, for good.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import httpx
from eth_utils.crypto import keccak

from ipto.chain import Deployment
from ipto.codec import encode
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from relayer import audit
from relayer.admin import digest_of
from relayer.problems import busy, forbidden, malformed
from relayer.queue import Queue
from relayer.settings import Settings

_STANDS = keccak(text="stands(address,bytes32,bytes32,bytes32)")[:4]
KINDS = ("invitation", "captcha", "attestation")


class Proofs:
    """Checks proofs and remembers who gave one."""

    def __init__(
        self, queue: Queue, settings: Settings, rpc: AsyncRpc, deployment: Deployment, clock: Callable[[], float]
    ) -> None:
        self._database, self._settings, self._rpc, self._clock = queue.database, settings, rpc, clock
        self._attestations = deployment.contracts.get("Attestations")

    async def give(self, signer: str, kind: str, value: str) -> None:
        """Take a proof for `signer`. Raises RefusedError: 422 for an unknown kind, 403 for one that proves nothing."""
        if kind == "invitation":
            await asyncio.to_thread(self._invitation, signer, value)
        elif kind == "captcha":
            await self._captcha(value)
            await asyncio.to_thread(self._keep, signer, kind, "")
        elif kind == "attestation":
            await self._attestation(signer, value)
            await asyncio.to_thread(self._keep, signer, kind, value)
        else:
            raise malformed(f"kind must be one of {', '.join(KINDS)}")

    def _keep(self, signer: str, kind: str, detail: str) -> None:
        now = int(self._clock())
        with self._database.transaction() as change:
            log = audit.Log(change, "proofs", self._database.dialect)
            sql = "INSERT INTO proofs VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            if change.change(sql, signer, kind, detail, now):
                log.note(now, None, "proof", f"{kind} of {signer}")
            log.close()

    def _invitation(self, signer: str, code: str) -> None:
        now, digest = int(self._clock()), digest_of(code)
        with self._database.transaction() as change:
            # Also makes two who use the last of a code at the same time wait for each other.
            log = audit.Log(change, "proofs", self._database.dialect)
            if change.run("SELECT 1 AS one FROM proofs WHERE signer = ?", signer):
                return
            used = change.change(
                "UPDATE invitations SET uses = uses - 1 WHERE digest = ? AND uses > 0 AND expires_at > ?", digest, now
            )
            if used != 1:
                raise forbidden("no-proof", "this invitation is unknown, used up or too old; ask for a new one")
            change.change("INSERT INTO proofs VALUES (?, 'invitation', ?, ?)", signer, digest[:16], now)
            log.note(now, None, "proof", f"invitation {digest[:16]} of {signer}")
            log.close()

    async def _captcha(self, token: str) -> None:
        settings = self._settings
        if settings.captcha_url is None or settings.captcha_secret_file is None:
            raise malformed("no captcha is asked here")
        form = {"secret": settings.captcha_secret_file.read_text().strip(), "response": token}
        try:
            async with httpx.AsyncClient(timeout=10, follow_redirects=False) as client:
                answer: Any = (await client.post(settings.captcha_url, data=form)).json()
        except (httpx.HTTPError, ValueError):
            raise busy("captcha", "the captcha service does not answer; try again in a moment", 10) from None
        if not isinstance(answer, dict) or answer.get("success") is not True:
            raise forbidden("no-proof", "the captcha was not solved; try another one")

    async def _attestation(self, signer: str, evidence: str) -> None:
        settings = self._settings
        if self._attestations is None or not settings.attesters:
            raise malformed("attestations are no proof here")
        if not re.fullmatch("0x[0-9a-f]{64}", evidence):
            raise malformed("an attestation is named by its evidence: 0x and 64 hex digits")
        subject = bytes(12) + bytes.fromhex(signer[2:])
        schema = bytes.fromhex(settings.attestation_schema[2:])
        for attester in settings.attesters:
            words = encode(
                ["address", "bytes32", "bytes32", "bytes32"],
                [attester, subject, schema, bytes.fromhex(evidence[2:])],
            )
            call = {"to": self._attestations, "data": "0x" + (_STANDS + words).hex()}
            try:
                if int(await self._rpc.call("eth_call", call, "latest"), 16) == 1:
                    return
            except (RpcError, RpcTransportError, ValueError) as error:
                raise busy("node", f"the chain cannot be asked now ({error}); try again in a moment", 10) from error
        raise forbidden("no-proof", f"nobody trusted here attests this of {signer}")
