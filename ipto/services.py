# SPDX-License-Identifier: Apache-2.0
"""Clients of the two services' HTTP APIs: the indexer that answers, the relayer that pays the gas."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import orjson

from ipto.content.cid import Cid
from ipto.errors import InputError, IptoError, NotFoundError

__all__ = ["ActionFailedError", "Indexer", "RefusedError", "Relayer", "ServiceError"]

_TIMEOUT = 30.0
_WAIT_SECONDS = 120.0


class ServiceError(IptoError, ConnectionError):
    """A service does not answer, or answers with an error of its own."""


class RefusedError(InputError):
    """A service refused a request; the text is its reason."""


class ActionFailedError(IptoError, RuntimeError):
    """An accepted action ended without an effect on chain; the text is the relayer's reason."""


class _Service:
    name = "service"

    def __init__(self, url: str, *, timeout: float = _TIMEOUT, patience: float = 0.0) -> None:
        """timeout: seconds for one answer. patience: seconds to ask again while nobody answers; every request of
        these clients is safe to repeat, for the services recognise what they have."""
        self._patience = patience
        try:
            parts = urlsplit(url)
            host = parts.hostname if parts.scheme in ("http", "https") else None
        except ValueError:
            host = None
        if not host:
            raise InputError(f"{url!r:.80} is no address of the {self.name}; write http://host:port")
        # A proxy meant for the internet must not swallow calls to this machine.
        own = host == "localhost" or host.startswith("127.") or host == "::1"
        self._http = httpx.Client(base_url=url, timeout=timeout, follow_redirects=False, trust_env=not own)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                response = self._http.request(method, path, **options)
                break
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if time.monotonic() >= deadline:
                    where = f"the {self.name} at {self._http.base_url}"
                    raise ServiceError(f"{where} does not answer ({error}); is the stack running?") from error
                time.sleep(0.1)
        if response.is_success:
            try:
                return orjson.loads(response.content) if response.content else None
            except orjson.JSONDecodeError:
                raise ServiceError(f"what answers at {self._http.base_url} is not the {self.name}") from None
        reason = self._reason(response)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(f"the {self.name} does not know {path}: {reason}")
        if response.is_client_error:
            raise RefusedError(f"the {self.name} refused: {reason}")
        raise ServiceError(f"the {self.name} failed with status {response.status_code}: {reason}")

    @staticmethod
    def _reason(response: httpx.Response) -> str:
        """The detail of a problem document (RFC 9457), or what there is."""
        try:
            problem = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            return response.text[:200]
        if isinstance(problem, Mapping):
            return str(problem.get("detail") or problem.get("title") or problem)
        return str(problem)[:200]


class Indexer(_Service):
    """The query API (`docs/dapps.md`)."""

    name = "indexer"

    def get(self, path: str, **parameters: Any) -> Any:
        """Any resource under /v1. Raises NotFoundError, RefusedError, ServiceError."""
        # An empty mapping would remove the query that `path` may hold.
        return self._ask("GET", f"/v1/{path}", params=parameters or None)

    def wait_for(
        self, path: str, accept: Callable[[Any], bool] = lambda _: True, seconds: float = _WAIT_SECONDS
    ) -> Any:
        """Ask again until the resource exists and `accept` agrees. Raises ServiceError when it takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            reason = "is it following the chain?"
            try:
                answer = self.get(path)
                if accept(answer):
                    return answer
            except NotFoundError:
                pass  # not indexed yet
            except ServiceError as error:
                reason = str(error)  # it may be starting again
            if time.monotonic() > deadline:
                raise ServiceError(f"the indexer did not show {path} within {seconds:g} s; {reason}")
            time.sleep(0.05)


class Relayer(_Service):
    """The relayer's API (`docs/operators.md`)."""

    name = "relayer"

    def submit(self, kind: str, message: Mapping[str, Any], signature: bytes) -> str:
        """Hand in a signed action; its id. Handing the same one in again gives the same id."""
        body = {"kind": kind, "message": message, "signature": "0x" + signature.hex()}
        return str(self._ask("POST", "/v1/actions", json=body)["id"])

    def purchase(self, body: Mapping[str, Any]) -> str:
        """Hand in a purchase paid by an EIP-3009 authorization; its id."""
        return str(self._ask("POST", "/v1/purchases", json=body)["id"])

    def action(self, identifier: str) -> dict[str, Any]:
        """Where an action stands."""
        return dict(self._ask("GET", f"/v1/actions/{identifier}"))

    def wait(
        self, identifier: str, say: Callable[[str], None] = lambda _: None, seconds: float = _WAIT_SECONDS
    ) -> dict[str, Any]:
        """Wait until an action is final; `say` hears each new state. Raises ActionFailedError, ServiceError."""
        deadline, state = time.monotonic() + seconds, ""
        while True:
            try:
                action = self.action(identifier)
            except ServiceError:
                # It may be starting again; what it accepted, it keeps.
                action = {"state": state}
            if action["state"] != state:
                state = action["state"]
                say(state)
            if state == "final":
                return action
            if state == "failed":
                raise ActionFailedError(f"the relayer could not carry the action out: {action.get('reason')}")
            if time.monotonic() > deadline:
                raise ServiceError(f"action {identifier} was not final within {seconds:g} s; it is {state}")
            time.sleep(0.05)

    def upload(self, cid: Cid, data: bytes) -> None:
        """Store a document or poster with the operator; it is checked against its CID there."""
        self._ask("PUT", f"/v1/content/{cid}", content=data, headers={"content-type": "application/octet-stream"})
