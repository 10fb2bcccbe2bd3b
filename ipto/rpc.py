# SPDX-License-Identifier: Apache-2.0
"""A JSON-RPC 2.0 client for Ethereum nodes: `Rpc` for scripts, `AsyncRpc` for services.

Both share one request and response core. They never follow redirects, never retry (only the caller knows what is safe
to send twice) and never put the URL's path or credentials into an error: RPC URLs carry API keys.
Source: https://www.jsonrpc.org/specification, https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import httpx
import orjson
from eth_abi.exceptions import DecodingError

from ipto.codec import decode as abi_decode
from ipto.errors import InputError, IptoError

__all__ = [
    "AsyncRpc",
    "Call",
    "Rpc",
    "RpcError",
    "RpcTimeoutError",
    "RpcTooLargeError",
    "RpcTransportError",
    "quantity",
    "revert_reason",
]

# One call of a batch: method and parameters.
Call: TypeAlias = tuple[str, Sequence[Any]]

DEFAULT_TIMEOUT = 30.0
MOST_BYTES = 64 * 2**20  # of an answer, unpacked: more than the logs of a block that is full of nothing else

_ERROR_STRING = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
_MAX_REASON = 1024


class RpcTransportError(IptoError, ConnectionError):
    """The node was not reached or did not speak JSON-RPC. Whether it acted on the request is unknown."""


class RpcTimeoutError(RpcTransportError, TimeoutError):
    """The node did not answer in time. Whether it acted on the request is unknown."""


class RpcTooLargeError(RpcTransportError):
    """The node's answer is larger than what is taken in; it was not read to its end."""


class RpcError(IptoError, RuntimeError):
    """The node answered with an error.

    code: JSON-RPC or node-specific number; message: the node's words; data: whatever else it sent;
    reason: the contract's revert string when there was one.
    """

    def __init__(self, code: int, message: str, data: object = None, method: str = "") -> None:
        self.code, self.message, self.data, self.method = code, message, data, method
        self.reason = revert_reason(data)
        text = f"{method or 'call'}: {message} (code {code})"
        if self.reason is not None and self.reason not in message:
            text += f": {self.reason}"
        super().__init__(text)


def quantity(value: object) -> int:
    """Read a hex quantity such as `0x1b4`. Raises RpcTransportError when the node sent something else."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise RpcTransportError(f"the node sent {str(value)[:60]!r} where a hex quantity belongs; check the RPC URL")


def revert_reason(data: object) -> str | None:
    """Decode revert data, in any of the places nodes put it, to words; None when it carries none."""
    if isinstance(data, dict):
        # Hardhat and some providers wrap the bytes once more.
        return revert_reason(data.get("data", data.get("result")))
    if not isinstance(data, str):
        return None
    start = data.find("0x")
    try:
        raw = bytes.fromhex(data[start + 2 :]) if start >= 0 else b""
        if raw[:4] == _ERROR_STRING:
            return str(abi_decode(["string"], raw[4:])[0])[:_MAX_REASON]
        if raw[:4] == _PANIC:
            return f"panic 0x{abi_decode(['uint256'], raw[4:])[0]:02x}"
    except (ValueError, DecodingError, OverflowError):
        return None
    return None


_Answer: TypeAlias = tuple[int, bytearray]  # HTTP status and unpacked body


class _Core:
    """What both clients share: building requests, reading responses, naming errors."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("the RPC URL must start with http:// or https:// and name a host")
        self.url = url
        self.host = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        # A proxy meant for the internet must not swallow calls to this machine.
        self.trust_env = not _is_loopback(parts.hostname)
        self.ids = itertools.count(1)

    def client_options(self, timeout: float) -> dict[str, Any]:
        return {
            "timeout": httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            "follow_redirects": False,
            "trust_env": self.trust_env,
            "headers": {"content-type": "application/json", "accept": "application/json"},
        }

    def request(self, calls: Iterable[Call]) -> tuple[list[int], list[str], list[dict[str, Any]]]:
        ids: list[int] = []
        methods: list[str] = []
        body: list[dict[str, Any]] = []
        for method, params in calls:
            number = next(self.ids)
            ids.append(number)
            methods.append(method)
            body.append({"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)})
        return ids, methods, body

    def parse(self, status: int, body: bytes | bytearray) -> Any:
        if 300 <= status < 400:
            raise RpcTransportError(f"{self.host} redirects elsewhere; configure the address it points to")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise RpcTransportError(
                f"{self.host} answered HTTP {status} without JSON; is it an RPC endpoint?"
            ) from None

    def one(self, response: _Answer, number: int, method: str) -> Any:
        status, body = response
        answer = self.unwrap(self.parse(status, body), method, status)
        if answer.get("id") != number and "error" not in answer:
            raise RpcTransportError(f"{self.host} answered {method} with another request's id")
        return self.result(answer, method)

    def many(self, response: _Answer, ids: list[int], methods: list[str]) -> list[Any]:
        status, body = response
        answers = self.parse(status, body)
        if not isinstance(answers, list):
            # A node that refuses the whole batch sends a single error object.
            self.result(self.unwrap(answers, "batch", status), "batch")
            raise RpcTransportError(f"{self.host} does not support batches; send the calls one by one")
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        results: list[Any] = []
        for number, method in zip(ids, methods, strict=True):
            if number not in by_id:
                raise RpcTransportError(f"{self.host} left {method} of a batch of {len(ids)} unanswered")
            try:
                results.append(self.result(self.unwrap(by_id[number], method, status), method))
            except RpcError as error:
                results.append(error)
        return results

    def unwrap(self, answer: object, method: str, status: int) -> dict[str, Any]:
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise RpcTransportError(f"{self.host} answered {method} with HTTP {status} and no JSON-RPC result")
        return answer

    def result(self, answer: dict[str, Any], method: str) -> Any:
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        if not isinstance(error, dict):
            raise RpcError(-32000, str(error)[:_MAX_REASON], None, method)
        code = error.get("code")
        message = str(error.get("message", "no message"))[:_MAX_REASON]
        raise RpcError(code if isinstance(code, int) else -32000, message, error.get("data"), method)

    def too_large(self) -> RpcTooLargeError:
        return RpcTooLargeError(f"{self.host} answers with more than {MOST_BYTES >> 20} MB; ask it for less at once")

    def failure(self, error: httpx.HTTPError) -> RpcTransportError:
        return self.too_slow() if isinstance(error, httpx.TimeoutException) else self.unreachable(error)

    def too_slow(self) -> RpcTimeoutError:
        return RpcTimeoutError(f"{self.host} did not answer in time; check the node or raise the timeout")

    def unreachable(self, error: Exception) -> RpcTransportError:
        return RpcTransportError(f"{self.host} cannot be reached ({type(error).__name__}); is the node running?")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _first_error(results: list[Any]) -> list[Any]:
    for result in results:
        if isinstance(result, RpcError):
            raise result
    return results


class Rpc:
    """A blocking client; safe to share between threads. Use as a context manager or call `close`."""

    def __init__(self, url: str, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """url: http(s) endpoint of a node. timeout: seconds for one request."""
        self._core = _Core(url)
        self._client = httpx.Client(**self._core.client_options(timeout))

    @property
    def url(self) -> str:
        """The endpoint; may contain credentials."""
        return self._core.url

    def call(self, method: str, *params: Any) -> Any:
        """Call one method and return its result as JSON. Raises RpcError or RpcTransportError."""
        ids, _, body = self._core.request([(method, params)])
        return self._core.one(self._post(body[0]), ids[0], method)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call many methods in one request; results in the order of the calls. Raises the first RpcError."""
        return _first_error(self.try_batch(calls))

    def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """As `batch`, but an error of a call stands as an RpcError object in its place."""
        if not calls:
            return []
        ids, methods, body = self._core.request(calls)
        return self._core.many(self._post(body), ids, methods)

    def _post(self, body: object) -> _Answer:
        taken = bytearray()
        try:
            with self._client.stream("POST", self._core.url, content=orjson.dumps(body)) as response:
                for part in response.iter_bytes():
                    taken += part
                    if len(taken) > MOST_BYTES:
                        raise self._core.too_large()
        except httpx.HTTPError as error:
            raise self._core.failure(error) from error
        return response.status_code, taken

    def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        return quantity(self.call("eth_chainId"))

    def block_number(self) -> int:
        """The newest block's number."""
        return quantity(self.call("eth_blockNumber"))

    def balance(self, address: str, block: str = "latest") -> int:
        """An address's ETH in wei."""
        return quantity(self.call("eth_getBalance", address, block))

    def nonce(self, address: str, block: str = "pending") -> int:
        """The number of the next transaction of an address."""
        return quantity(self.call("eth_getTransactionCount", address, block))

    def code(self, address: str, block: str = "latest") -> bytes:
        """The code at an address; empty when there is none."""
        return bytes.fromhex(str(self.call("eth_getCode", address, block))[2:])

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncRpc:
    """The same client for asyncio. Use as an async context manager or call `aclose`."""

    def __init__(self, url: str, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """url: http(s) endpoint of a node. timeout: seconds for one request."""
        self._core = _Core(url)
        self._client = httpx.AsyncClient(**self._core.client_options(timeout))

    @property
    def url(self) -> str:
        """The endpoint; may contain credentials."""
        return self._core.url

    async def call(self, method: str, *params: Any) -> Any:
        """Call one method and return its result as JSON. Raises RpcError or RpcTransportError."""
        ids, _, body = self._core.request([(method, params)])
        return self._core.one(await self._post(body[0]), ids[0], method)

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call many methods in one request; results in the order of the calls. Raises the first RpcError."""
        return _first_error(await self.try_batch(calls))

    async def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """As `batch`, but an error of a call stands as an RpcError object in its place."""
        if not calls:
            return []
        ids, methods, body = self._core.request(calls)
        return self._core.many(await self._post(body), ids, methods)

    async def _post(self, body: object) -> _Answer:
        taken = bytearray()
        try:
            async with self._client.stream("POST", self._core.url, content=orjson.dumps(body)) as response:
                async for part in response.aiter_bytes():
                    taken += part
                    if len(taken) > MOST_BYTES:
                        raise self._core.too_large()
        except httpx.HTTPError as error:
            raise self._core.failure(error) from error
        return response.status_code, taken

    async def chain_id(self) -> int:
        """The chain's id (EIP-155)."""
        return quantity(await self.call("eth_chainId"))

    async def block_number(self) -> int:
        """The newest block's number."""
        return quantity(await self.call("eth_blockNumber"))

    async def nonce(self, address: str, block: str = "pending") -> int:
        """The number of the next transaction of an address."""
        return quantity(await self.call("eth_getTransactionCount", address, block))

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
