# SPDX-License-Identifier: Apache-2.0
"""The JSON-RPC client against a real HTTP server that misbehaves in every way nodes do, and against anvil."""

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from eth_abi.abi import encode

from ipto.devchain import DevChain
from ipto.errors import InputError
from ipto.rpc import (
    AsyncRpc,
    Rpc,
    RpcError,
    RpcTimeoutError,
    RpcTooLargeError,
    RpcTransportError,
    quantity,
    revert_reason,
)

Answer = Callable[[Any], tuple[int, bytes, dict[str, str]]]


class Node:
    """A server whose answer each test chooses."""

    def __init__(self) -> None:
        self.answer: Answer = lambda request: self.json({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"})
        self.requests: list[Any] = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                node.requests.append(request)
                status, body, headers = node.answer(request)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                # A client that has seen enough, or waited enough, hangs up.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/SECRET"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @staticmethod
    def json(body: Any, status: int = 200) -> tuple[int, bytes, dict[str, str]]:
        return status, json.dumps(body).encode(), {"content-type": "application/json"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    node.close()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, node: Node) -> Callable[..., Any]:
    """Call a method through either client; both must behave the same."""

    def sync(method: str, *params: Any, timeout: float = 5.0) -> Any:
        with Rpc(node.url, timeout=timeout) as rpc:
            return rpc.batch(params[0]) if method == "batch" else rpc.call(method, *params)

    async def asynchronous(method: str, *params: Any, timeout: float = 5.0) -> Any:
        async with AsyncRpc(node.url, timeout=timeout) as rpc:
            return await (rpc.batch(params[0]) if method == "batch" else rpc.call(method, *params))

    return sync if request.param == "sync" else lambda *a, **k: asyncio.run(asynchronous(*a, **k))


def test_a_call(node: Node, ask: Callable[..., Any]) -> None:
    assert ask("eth_test", "0x1", {"a": [1]}) == "0x1"
    (request,) = node.requests
    assert request == {"jsonrpc": "2.0", "id": request["id"], "method": "eth_test", "params": ["0x1", {"a": [1]}]}


def test_null_is_a_result(node: Node, ask: Callable[..., Any]) -> None:
    node.answer = lambda request: node.json({"jsonrpc": "2.0", "id": request["id"], "result": None})
    assert ask("eth_getTransactionReceipt") is None


def test_a_batch_in_any_order(node: Node, ask: Callable[..., Any]) -> None:
    node.answer = lambda request: node.json(
        [{"jsonrpc": "2.0", "id": r["id"], "result": r["params"][0]} for r in reversed(request)]
    )
    assert ask("batch", [("echo", [n]) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert len(node.requests) == 1


def test_an_empty_batch_asks_nobody(node: Node, ask: Callable[..., Any]) -> None:
    assert ask("batch", []) == []
    assert node.requests == []


def test_one_error_of_a_batch(node: Node, ask: Callable[..., Any]) -> None:
    def answer(request: Any) -> tuple[int, bytes, dict[str, str]]:
        return node.json(
            [
                {"jsonrpc": "2.0", "id": request[0]["id"], "result": 1},
                {"jsonrpc": "2.0", "id": request[1]["id"], "error": {"code": -32000, "message": "nonce too low"}},
            ]
        )

    node.answer = answer
    with pytest.raises(RpcError, match="nonce too low"):
        ask("batch", [("a", []), ("b", [])])
    with Rpc(node.url) as rpc:
        first, second = rpc.try_batch([("a", []), ("b", [])])
    assert first == 1
    assert isinstance(second, RpcError)
    assert second.method == "b"


REASON = "0x08c379a0" + encode(["string"], ["market: price above max"]).hex()


@pytest.mark.parametrize("data", [REASON, {"data": REASON}, {"result": REASON}, "Reverted " + REASON])
def test_revert_reasons(node: Node, ask: Callable[..., Any], data: Any) -> None:
    error = {"code": 3, "message": "execution reverted", "data": data}
    # Some nodes answer errors with HTTP 400.
    node.answer = lambda request: node.json({"jsonrpc": "2.0", "id": request["id"], "error": error}, 400)
    with pytest.raises(RpcError, match="market: price above max") as caught:
        ask("eth_call")
    assert caught.value.reason == "market: price above max"
    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, None),
        ("", None),
        ("0x", None),
        ("0x08c379a0", None),
        ("0x08c379a0" + "ff" * 64, None),
        ("0xzz", None),
        (5, None),
        ({"data": {"data": None}}, None),
        ("0x4e487b71" + "00" * 31 + "11", "panic 0x11"),
        ("0x08c379a0" + encode(["string"], ["ä" * 5000]).hex(), "ä" * 1024),
    ],
)
def test_revert_data(data: Any, reason: str | None) -> None:
    assert revert_reason(data) == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>hello</html>"),
        (200, b"5"),
        (200, b"[]"),
        (200, b'{"jsonrpc": "2.0", "id": 1}'),
        (200, b'{"jsonrpc": "2.0", "id": 999, "result": "0x1"}'),
        (502, b"bad gateway"),
        (429, b'{"message": "slow down"}'),
    ],
)
def test_what_is_no_answer(node: Node, ask: Callable[..., Any], status: int, body: bytes) -> None:
    node.answer = lambda request: (status, body, {})
    with pytest.raises(RpcTransportError) as caught:
        ask("eth_test")
    assert "SECRET" not in str(caught.value)


def test_a_batch_half_answered(node: Node, ask: Callable[..., Any]) -> None:
    node.answer = lambda request: node.json([{"jsonrpc": "2.0", "id": request[0]["id"], "result": 1}])
    with pytest.raises(RpcTransportError, match="unanswered"):
        ask("batch", [("a", []), ("b", [])])


def test_a_node_without_batches(node: Node, ask: Callable[..., Any]) -> None:
    error = {"code": -32600, "message": "batches are not supported"}
    node.answer = lambda request: node.json({"jsonrpc": "2.0", "id": None, "error": error})
    with pytest.raises(RpcError, match="not supported"):
        ask("batch", [("a", [])])


def test_redirects_are_not_followed(node: Node, ask: Callable[..., Any]) -> None:
    node.answer = lambda request: (307, b"", {"location": node.url})
    with pytest.raises(RpcTransportError, match="redirects"):
        ask("eth_test")
    assert len(node.requests) == 1


def test_an_answer_without_end_is_not_taken_in(
    node: Node, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a long one nor a short one that unpacks to a long one."""
    monkeypatch.setattr("ipto.rpc.MOST_BYTES", 100_000)
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0" * 1_000_000}).encode()
    for body, headers in ((text, {}), (gzip.compress(text), {"content-encoding": "gzip"})):
        node.answer = lambda request, body=body, headers=headers: (200, body, headers)  # type: ignore[misc]
        with pytest.raises(RpcTooLargeError, match="less at once"):
            ask("eth_getLogs", {})


def test_timeouts(node: Node, ask: Callable[..., Any]) -> None:
    def slow(request: Any) -> tuple[int, bytes, dict[str, str]]:
        time.sleep(0.6)
        return node.json({})

    node.answer = slow
    with pytest.raises(RpcTimeoutError):
        ask("eth_test", timeout=0.2)


def test_nobody_there() -> None:
    with Rpc("http://127.0.0.1:1/SECRET") as rpc, pytest.raises(RpcTransportError, match="node running") as caught:
        rpc.call("eth_test")
    assert "SECRET" not in str(caught.value)


def test_a_proxy_for_the_internet_is_not_used_for_this_machine(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Rpc(node.url) as rpc:
        assert rpc.call("eth_test") == "0x1"


@pytest.mark.parametrize("bad", ["", "localhost:8545", "ws://localhost", "file:///etc/passwd", "http://"])
def test_what_is_no_url(bad: str) -> None:
    with pytest.raises(InputError, match="http"):
        Rpc(bad)


@pytest.mark.parametrize("bad", [None, "", "5", "0x", "0xzz", 5, []])
def test_what_is_no_quantity(bad: object) -> None:
    with pytest.raises(RpcTransportError):
        quantity(bad)


def test_with_a_real_node(chain: DevChain) -> None:
    assert chain.rpc.chain_id() == 31337
    rich = chain.signers[0].address
    assert chain.rpc.balance(rich) > 0
    assert chain.rpc.code(rich) == b""
    with pytest.raises(RpcError) as caught:
        chain.rpc.call("eth_noSuchMethod")
    assert caught.value.code in (-32601, -32602, -32600)
