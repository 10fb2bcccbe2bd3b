# SPDX-License-Identifier: Apache-2.0
"""From quarantine to the pin: is it the film that was announced, is it a film at all, and does the policy allow it?

The digest is computed here, and the file is opened by the decoder in a sandboxed process alone (`ipto.media`): nothing
a client says of its type is believed. Every step can be done again, so a process that dies anywhere loses nothing.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ipto import ids
from ipto.chain import Deployment, abi
from ipto.content import LocalStore, unixfs
from ipto.errors import IptoError
from ipto.rpc import AsyncRpc, RpcError, RpcTransportError
from relayer.database import StorageError
from relayer.film_files import FilmFiles
from relayer.films import OPEN, Film, Films
from relayer.problems import RefusedError
from relayer.settings import Settings
from relayer.simulate import is_revert
from relayer.standing import Standings

if TYPE_CHECKING:
    from ipto import media

log = logging.getLogger("relayer.films")

_FACTS = ("duration_ms", "width", "height", "frame_rate", "codec", "container", "audio")
_PAUSE = 0.5
_SWEEP_SECONDS = 60.0
_READ_AT_ONCE = 2  # each is read from beginning to end
_ASKED_AT_ONCE = 16
_FULL = "the operator's disk is full; nothing needs to be done"
_LOOK_AGAIN = 5  # seconds until a film that may not be pinned yet is asked about again


class Inspector:
    """Looks at films that have arrived, as a task of each relayer: at those whose bytes are on its machine."""

    def __init__(
        self,
        films: Films,
        files: FilmFiles,
        store: LocalStore,
        settings: Settings,
        standings: Standings,
        rpc: AsyncRpc,
        deployment: Deployment,
    ) -> None:
        self._films, self._files, self._store, self._settings = films, files, store, settings
        self._standings, self._rpc = standings, rpc
        self._registry = deployment.address("WorkRegistry")
        self._task: asyncio.Task[None] | None = None
        self._busy: dict[str, dict[str, asyncio.Task[None]]] = {"quarantined": {}, "verified": {}}
        self._pins = asyncio.Semaphore(_READ_AT_ONCE)

    def start(self) -> None:
        """Start in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="films")

    async def stop(self) -> None:
        """Stop; being cut off anywhere is safe."""
        steps = [task for tasks in self._busy.values() for task in tasks.values()]
        tasks = [task for task in (self._task, *steps) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        loop, swept = asyncio.get_running_loop(), float("-inf")
        while True:
            try:
                await self._round()
                if loop.time() - swept >= _SWEEP_SECONDS:
                    await asyncio.to_thread(self.sweep)
                    swept = loop.time()
            except StorageError as error:
                log.warning("the database: %s", error)
            except Exception:
                log.exception("films")
            await asyncio.sleep(_PAUSE)

    async def _round(self) -> None:
        """Begin with as many films as are looked at at once: with few that have to be read, with many that are asked
        about."""
        for state, most in (("quarantined", _READ_AT_ONCE), ("verified", _ASKED_AT_ONCE)):
            for film in await asyncio.to_thread(self._films.waiting, state, _LOOK_AGAIN):
                if len(self._busy[state]) >= most:
                    break
                # One of an account at a time, so that nobody keeps the others waiting.
                if film.account in self._busy[state]:
                    continue
                if not self._files.has(film.id):
                    await asyncio.to_thread(self._films.waits, film)  # its bytes are on another machine
                    continue
                self._busy[state][film.account] = asyncio.create_task(self._step(film))

    async def _step(self, film: Film) -> None:
        try:
            if film.state == "quarantined":
                await asyncio.to_thread(self._inspect, film)
            elif await self._may_pin(film):
                async with self._pins:
                    await asyncio.to_thread(self._pin, film)
        except RefusedError:
            await asyncio.to_thread(self._films.waits, film)  # another relayer has it in its hands
        except Exception:
            log.exception("film %s", film.id)
            with suppress(StorageError):
                await asyncio.to_thread(self._films.waits, film)
        finally:
            del self._busy[film.state][film.account]

    # --- is it what was announced? ---------------------------------------------------------------------------

    def _inspect(self, film: Film) -> None:
        # Reading films needs numpy and more, which takes a sixth of a relayer's start; many never see a film.
        from ipto import media

        with self._files.hold(film.id):
            path = self._files.path(film.id)
            found = unixfs.describe(path)
            if found.sha256.hex() != film.sha256:
                said = f"its SHA-256 is {found.sha256.hex()}, {film.sha256} was announced; send the file again"
                self._refuse(film, "digest", said)
                return
            try:
                probe = media.probe(path, media.Limits(seconds=self._settings.film_probe_seconds))
            except media.MediaError as error:
                # The sentence begins with a path of this machine; its owner knows the file by another name.
                self._refuse(film, "not-a-film", str(error).replace(str(path), "the file"))
                return
            if reason := self._against_the_limits(probe):
                self._refuse(film, "limits", reason)
                return
            facts: dict[str, Any] = {key: value for key, value in asdict(probe).items() if key in _FACTS}
            facts |= {"cid": str(found.cid), "cid_profile": found.profile, "size": found.size}
            self._films.verified(film, facts)

    def _against_the_limits(self, probe: media.Probe) -> str | None:
        settings = self._settings
        if probe.duration_ms > settings.film_max_seconds * 1000:
            return f"it lasts {probe.duration_ms // 1000} s, at most {settings.film_max_seconds} are taken here"
        if min(probe.width, probe.height) < settings.film_min_pixels:
            return f"it has {probe.width}×{probe.height} pixels; its smaller side needs {settings.film_min_pixels}"
        return None

    def _refuse(self, film: Film, code: str, reason: str) -> None:
        self._films.refused(film, code, reason)
        self._files.drop(film.id)

    # --- may it be kept? -------------------------------------------------------------------------------------

    async def _may_pin(self, film: Film) -> bool:
        """Whether the policy allows it now; the film's row says why not yet."""
        standing = await asyncio.to_thread(self._standings.of, film.account)
        if standing.denied:
            await asyncio.to_thread(self._refuse, film, "denied", f"{film.account} is not served here")
            return False
        if standing.stopped:
            return await self._wait(film, "stopped", "nothing is pinned at the moment; nothing needs to be done")
        if not self._settings.pin_unregistered:
            try:
                registered = await self._is_registered(film)
            except (RpcError, RpcTransportError, IptoError):
                return await self._wait(film, "node", "the chain cannot be asked now; nothing needs to be done")
            if not registered:
                said = "register the work with this account, and it is pinned"
                return await self._wait(film, "not-registered", said)
        if film.length > self._files.room():
            return await self._wait(film, "store-full", _FULL)
        return True

    async def _wait(self, film: Film, code: str, reason: str) -> bool:
        await asyncio.to_thread(self._films.waits, film, code, reason)
        return False

    async def _is_registered(self, film: Film) -> bool:
        """Whether the account has registered this very content; a work's id follows from both."""
        work = ids.work_id(film.account, bytes.fromhex(film.sha256))
        data = abi("WorkRegistry").function("ownerOf").encode(work)
        try:
            await self._rpc.call("eth_call", {"to": self._registry, "data": "0x" + data.hex()}, "latest")
        except RpcError as error:
            if is_revert(error):
                return False
            raise
        return True

    def _pin(self, film: Film) -> None:
        with self._files.hold(film.id):
            try:
                stored = self._store.ingest(self._files.path(film.id))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                self._films.waits(film, "store-full", _FULL)
                return
            if stored.sha256.hex() == film.sha256:
                self._films.pinned(film, str(stored.cid))
                self._files.drop(film.id)
            else:
                self._refuse(film, "damaged", "it was damaged on the operator's disk; send it again")

    # --- what nobody needs -----------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Drop films that did not go on in time, and files whose film is over."""
        for name in self._films.expire():
            self._files.drop(name)
        for name in self._files.names():
            try:
                needed = self._films.get(name).state in OPEN
            except LookupError:
                needed = False
            if not needed:
                self._files.drop(name)
