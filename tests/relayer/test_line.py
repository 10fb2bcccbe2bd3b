# SPDX-License-Identifier: Apache-2.0
"""The relayer's own connections to a node: whatever comes back is an answer, or a transport error in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ipto.rpc import RpcTimeoutError, RpcTooLargeError, RpcTransportError
from relayer import bundle
from relayer.bundle import BundledRpc

Talk = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWER = b'{"jsonrpc":"2.0","id":%d,"result":"0x7"}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


async def heard(reader: asyncio.StreamReader) -> bytes:
    """A request's body; nothing when the client is gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))


def play(talk: Talk, scene: Callable[[BundledRpc, list[int]], Awaitable[Any]], timeout: float = 30) -> Any:
    """A node that talks so on each connection, and a client. The list: the connections there were."""

    async def run() -> Any:
        made: list[int] = []

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            made.append(len(made))
            try:
                await talk(made[-1], reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        rpc = BundledRpc(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=timeout)
        try:
            return await scene(rpc, made)
        finally:
            await rpc.aclose()
            server.close()

    return asyncio.run(run())


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, *, chunked: bool) -> bool:
    if not await heard(reader):
        return False
    body = ANSWER % number
    if chunked:
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for byte in body:
            writer.write(b"1\r\n" + bytes([byte]) + b"\r\n")
        writer.write(b"0\r\n\r\n")
    else:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    return True


@pytest.mark.parametrize("chunked", [False, True])
def test_a_connection_is_used_again(chunked: bool) -> None:
    async def talk(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 1
        while await answer(reader, writer, number, chunked=chunked):
            number += 1

    async def scene(rpc: BundledRpc, made: list[int]) -> None:
        assert [await rpc.block_number() for _ in range(3)] == [7, 7, 7]
        assert made == [0]

    play(talk, scene)


def test_a_connection_that_the_node_closed_is_made_again() -> None:
    async def talk(which: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer, which + 1, chunked=False)
        await heard(reader)  # the next question is heard, and the connection closed without an answer

    async def scene(rpc: BundledRpc, made: list[int]) -> None:
        assert await rpc.block_number() == 7
        assert await rpc.call("eth_chainId") == "0x7"
        assert made == [0, 1]

    play(talk, scene)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", RpcTransportError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", RpcTransportError),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", RpcTransportError),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.2\r\ncontent-length: 0\r\n\r\n", RpcTransportError),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 5\r\n\r\n<html", RpcTransportError),
        (HEAD + b"content-length: 999\r\n\r\n" + b" " * 999, RpcTooLargeError),
    ],
    ids=["nothing", "no http", "half", "redirect", "no json", "too long"],
)
def test_what_is_no_answer(monkeypatch: pytest.MonkeyPatch, said: bytes, error: type[Exception]) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 500)

    async def talk(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard(reader)
        writer.write(said)
        await writer.drain()

    async def scene(rpc: BundledRpc, made: list[int]) -> None:
        with pytest.raises(error):
            await rpc.block_number()
        assert made == [0]

    play(talk, scene)


def test_silence_ends_in_time_and_its_connection_is_not_used_again() -> None:
    async def talk(which: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if which == 0:
            await heard(reader)
            await reader.read()
        else:
            await answer(reader, writer, 2, chunked=False)

    async def scene(rpc: BundledRpc, made: list[int]) -> None:
        with pytest.raises(RpcTimeoutError):
            await rpc.block_number()
        assert await rpc.block_number() == 7
        assert made == [0, 1]

    play(talk, scene, timeout=1)


def test_nobody_listens() -> None:
    async def talk(*_: Any) -> None:
        raise AssertionError("nobody may connect")

    async def scene(rpc: BundledRpc, made: list[int]) -> None:
        away = BundledRpc("http://127.0.0.1:9", timeout=5)
        with pytest.raises(RpcTransportError, match="cannot be reached"):
            await away.block_number()
        await away.aclose()

    play(talk, scene)
