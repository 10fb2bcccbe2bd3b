# SPDX-License-Identifier: Apache-2.0
"""HTTP connections to one node that stay open, and nothing else that HTTP can do: a general client takes a fifth of the
time in which a busy relayer accepts an action. Redirects are not followed, answers come unpacked.

Source: RFC 9112 (HTTP/1.1); the answer is read by httptools, the parser of Node.js.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from urllib.parse import unquote, urlsplit

import httptools

_CHUNK = 256 * 1024
_IDLE = 8  # connections kept open


class BrokenError(OSError):
    """The connection ended, or what came is not HTTP. Whether the node acted on the request is unknown."""


class TooLongError(OSError):
    """The answer is longer than it may be."""


class _Reader:
    """One answer as it arrives; the callbacks are httptools'."""

    def __init__(self, most: int) -> None:
        self.body, self.is_whole, self.keeps_alive = bytearray(), False, False
        self._most = most
        self.parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) > self._most:
            raise TooLongError("the answer is too long")
        self.body += data

    def on_message_complete(self) -> None:
        self.is_whole = self.parser.get_status_code() >= 200
        self.keeps_alive = self.parser.should_keep_alive()


class _Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def is_open(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


class Line:
    """POSTs JSON to one URL."""

    def __init__(self, url: str, *, timeout: float, most: int) -> None:
        """timeout: seconds for a request, whole. most: bytes of an answer."""
        parts = urlsplit(url)
        self._timeout, self._most = timeout, most
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        where = f"[{self._host}]" if ":" in self._host else self._host
        head = [
            f"POST {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"host: {where}:{self._port}" if parts.port else f"host: {where}",
            "content-type: application/json",
            "accept: application/json",
            "accept-encoding: identity",
        ]
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            head.append(f"authorization: Basic {base64.b64encode(login.encode()).decode()}")
        self._head = "\r\n".join(head).encode("ascii") + b"\r\ncontent-length: "
        self._idle: list[_Wire] = []

    async def post(self, body: bytes) -> tuple[int, bytearray]:
        """Status and body of the answer. Raises OSError (TimeoutError, TooLongError, BrokenError, SSLError).

        A connection that the node had closed in the meantime is made again once: the request may arrive twice.
        """
        async with asyncio.timeout(self._timeout):
            while (wire := self._kept()) is not None:
                try:
                    return await self._ask(wire, body)
                except BrokenError:
                    continue
            return await self._ask(await self._open(), body)

    def close(self) -> None:
        """Close what is open."""
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> _Wire | None:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open:
                return wire
            wire.close()
        return None

    async def _open(self) -> _Wire:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        return _Wire(reader, writer)

    async def _ask(self, wire: _Wire, body: bytes) -> tuple[int, bytearray]:
        keep = False
        try:
            wire.writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
            await wire.writer.drain()
            answer = _Reader(self._most)
            while not answer.is_whole:
                data = await wire.reader.read(_CHUNK)
                if not data:
                    raise BrokenError("the connection ended")
                answer.parser.feed_data(data)
            keep = answer.keeps_alive and len(self._idle) < _IDLE
            return answer.parser.get_status_code(), answer.body
        except ConnectionError as error:
            raise BrokenError(str(error)) from error
        except httptools.HttpParserCallbackError as error:
            raise (
                error.__context__ if isinstance(error.__context__, TooLongError) else BrokenError(str(error))
            ) from None
        except httptools.HttpParserError as error:
            raise BrokenError(str(error)) from error
        finally:
            # Cut off anywhere, a connection holds an answer that is nobody's.
            if keep:
                self._idle.append(wire)
            else:
                wire.close()
