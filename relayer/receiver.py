# SPDX-License-Identifier: Apache-2.0
"""Takes a film's bytes from a request to the disk: bounded in size, in time, and in how many come at once."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from relayer.film_files import FilmFile, FilmFiles
from relayer.films import Announcement, Film, Films
from relayer.problems import RefusedError, busy, conflict
from relayer.settings import Settings
from relayer.standing import Standings

ALGORITHMS = ("sha1", "sha256")  # the first is what tus asks of everybody
_BLOCK = 1024 * 1024
_COUNT_EVERY = 8 * 1024 * 1024  # bytes that a crash can cost at most
_LEAST = 32 * 1024  # bytes in each stretch of `film_idle_seconds`
_PER_ACCOUNT = 4
_EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece must hash to."""

    algorithm: str
    digest: bytes


class Receiver:
    """One for a process."""

    def __init__(
        self,
        films: Films,
        files: FilmFiles,
        settings: Settings,
        standings: Standings,
        network: Callable[[Request], str | None],
    ) -> None:
        self.films, self.files, self.network = films, files, network
        self.limit = settings.film_limit
        self.streams, self.stream_limit = 0, settings.streams
        self._settings, self._standings = settings, standings
        self._coming: Counter[str] = Counter()

    async def announce(self, new: Announcement) -> Film:
        """Set room aside. Raises RefusedError as `Films.announce`, 403 `denied`, 503 `stopped`."""
        standing = await asyncio.to_thread(self._standings.check, new.account)
        if new.length + await asyncio.to_thread(self.films.outstanding) > await asyncio.to_thread(self.files.room):
            raise _full()
        return await asyncio.to_thread(self.films.announce, new, proved=standing.proved)

    def drop(self, film: Film) -> bool:
        """Its creator takes it back; False when it is too late."""
        if not self.films.end(film):
            return False
        self.files.drop(film.id)
        return True

    async def receive(self, film: Film, at: int, checksum: Checksum | None, request: Request) -> Film:
        """The bytes of a request, from `at` on. What arrived counts, however the request ends.

        Raises RefusedError: 409 for another offset than `film.received`, 413 beyond the announced length, 408 when
        the bytes come too slowly, 423 while another request sends, 429 and 503 when too many do, 460 for bytes that
        do not match their checksum, 507 when the disk is full.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and at + int(declared) > film.length:
            raise _too_much(film)
        with self._turn(film.account, self.network(request)), self.files.hold(film.id) as file:
            # Only now is nobody else writing.
            film = await asyncio.to_thread(self.films.get, film.id)
            if film.state != "receiving":
                raise conflict("complete", "this film is not expected any more")
            if file.size < film.received:
                film = await self._count(film, file.size)  # a disk that lost what it had promised
            if at != film.received:
                raise conflict("offset", f"{film.received} bytes are here; send what follows them")
            await asyncio.to_thread(file.cut, at)
            return await _Piece(self, film, file, checksum).take(_paced(request, self._settings.film_idle_seconds))

    async def _count(self, film: Film, offset: int) -> Film:
        try:
            return await asyncio.to_thread(self.films.received, film, offset)
        except LookupError as error:
            raise RefusedError(410, "gone", str(error)) from None

    @contextmanager
    def _turn(self, account: str, network: str | None) -> Iterator[None]:
        """A place among those whose bytes come now; nobody has all of them, with however many accounts."""
        most = self._settings.film_streams
        if self._coming[_EVERYBODY] >= most or self._coming[f"network {network}"] >= max(1, most // 4):
            raise busy("busy", "too many films are arriving; try again in a moment", 10)
        if self._coming[account] >= _PER_ACCOUNT:
            raise busy("signer-films", "too many of your films are arriving at once; send one after the other", 10)
        keys = (_EVERYBODY, account, f"network {network}")
        self._coming.update(keys)
        try:
            yield
        finally:
            self._coming.subtract(keys)
            self._coming += Counter()  # forgets those that are gone


class _Piece:
    """One request's bytes on their way into the file."""

    def __init__(self, receiver: Receiver, film: Film, file: FilmFile, checksum: Checksum | None) -> None:
        self._receiver, self._film, self._file, self._checksum = receiver, film, file, checksum
        self._hash = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
        self._start = self._counted = self._written = film.received
        self._waiting = bytearray()

    async def take(self, chunks: AsyncIterator[bytes]) -> Film:
        """All of it. Raises RefusedError; what is on the disk by then counts."""
        try:
            async for chunk in chunks:
                self._waiting += chunk
                if self._written + len(self._waiting) > self._film.length:
                    self._waiting.clear()
                    raise _too_much(self._film)
                if len(self._waiting) >= _BLOCK:
                    await self._write()
                if self._checksum is None and self._written - self._counted >= _COUNT_EVERY:
                    await self._keep()
            await self._write()
        except OSError as error:
            await self._give_up()
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise _full() from None
            raise
        except (ClientDisconnect, RefusedError, asyncio.CancelledError):
            await asyncio.shield(self._give_up())
            raise
        if self._checksum is not None and self._hash is not None and self._hash.digest() != self._checksum.digest:
            await asyncio.to_thread(self._file.cut, self._start)
            raise RefusedError(460, "checksum", "the bytes do not match their checksum; none of them was kept")
        return await self._keep()

    async def _write(self) -> None:
        data = bytes(self._waiting)
        self._waiting.clear()
        if data:
            await asyncio.to_thread(self._put, data)
            self._written += len(data)

    def _put(self, data: bytes) -> None:
        self._file.write(self._written, data)
        if self._hash is not None:
            self._hash.update(data)

    async def _keep(self) -> Film:
        await asyncio.to_thread(self._file.flush)
        self._film = await self._receiver._count(self._film, self._written)
        self._counted = self._written
        return self._film

    async def _give_up(self) -> None:
        """Count what can be counted; a piece with a checksum is not, until it is whole."""
        if self._checksum is not None:
            with suppress(OSError):
                await asyncio.to_thread(self._file.cut, self._start)
            return
        with suppress(OSError, RefusedError):
            await self._write()
            if self._written > self._counted:
                await self._keep()


async def _paced(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """A request's body, given up when it comes more slowly than anybody's network is."""
    loop = asyncio.get_running_loop()
    stream = request.stream()
    ends, came = loop.time() + seconds, 0
    while True:
        try:
            async with asyncio.timeout_at(ends):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RefusedError(408, "slow", "the bytes came too slowly; go on from where HEAD says") from None
        came += len(chunk)
        if came >= _LEAST:
            ends, came = loop.time() + seconds, 0
        if chunk:
            yield chunk


def _too_much(film: Film) -> RefusedError:
    return RefusedError(413, "too-large", f"{film.length:,} bytes were announced; no more are taken")


def _full() -> RefusedError:
    return RefusedError(507, "store-full", "the operator's disk is full; try again later")
