# SPDX-License-Identifier: Apache-2.0
"""Clients of the two services' HTTP APIs: the indexer that answers, the relayer that pays the gas.

with Indexer("http://127.0.0.1:8610") as indexer:
    for offer in indexer.every(indexer.list_offers, live=True, usage=["TRAIN"]):
        print(offer["id"], offer["price"]["amount"])
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import orjson

from ipto._connection import Connected
from ipto.content.cid import Cid
from ipto.errors import InputError, IptoError, NotFoundError
from ipto.indexer_api import Operations, Page

__all__ = ["ActionFailedError", "Indexer", "Problem", "RefusedError", "Relayer", "ServiceError", "UnknownError"]

_TIMEOUT = 30.0
_WAIT_SECONDS = 120.0
_REMEMBERED = 256  # answers kept by their ETag
_LONGEST_BODY = 1 << 20  # bytes of one that is kept
_MOST_PAUSE = 10.0  # seconds a service may ask us to wait

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Problem:
    """What a service said was wrong (RFC 9457). `type` is a stable name to compare, empty when there was none."""

    status: int
    type: str
    title: str
    detail: str


class _ProblemMixin:
    """An error with the service's own words; None when it said nothing."""

    problem: Problem | None = None


class ServiceError(_ProblemMixin, IptoError, ConnectionError):
    """A service does not answer, or answers with an error of its own."""


class RefusedError(_ProblemMixin, InputError):
    """A service refused a request; the text is its reason."""


class UnknownError(_ProblemMixin, NotFoundError):
    """A service does not know what was asked for."""


class ActionFailedError(IptoError, RuntimeError):
    """An accepted action ended without an effect on chain; the text is the relayer's reason."""


class _Service(Connected):
    name = "service"

    def __init__(self, url: str, *, timeout: float = _TIMEOUT, patience: float = 0.0) -> None:
        """timeout: seconds for one answer. patience: seconds to ask again while nobody answers; every request of
        these clients is safe to repeat, for the services recognise what they have."""
        super().__init__(url, self.name, timeout)
        self._patience = patience

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        return self._body(path, self._request(method, path, **options))

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                response = self._http.request(method, path, **options)
                pause = _pause(response)
                if pause is None or time.monotonic() + pause >= deadline:
                    return response
                time.sleep(pause)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if time.monotonic() >= deadline:
                    where = f"the {self.name} at {self._http.base_url}"
                    raise ServiceError(f"{where} does not answer ({error}); is the stack running?") from error
                time.sleep(0.1)

    def _body(self, path: str, response: httpx.Response) -> Any:
        if response.is_success:
            try:
                return orjson.loads(response.content) if response.content else None
            except orjson.JSONDecodeError:
                raise ServiceError(f"what answers at {self._http.base_url} is not the {self.name}") from None
        reason, problem = _reason(response)
        error: ServiceError | RefusedError | UnknownError
        if response.status_code == httpx.codes.NOT_FOUND:
            error = UnknownError(f"the {self.name} does not know {path}: {reason}")
        elif response.is_client_error:
            error = RefusedError(f"the {self.name} refused: {reason}")
        else:
            error = ServiceError(f"the {self.name} failed with status {response.status_code}: {reason}")
        error.problem = problem
        raise error


def _reason(response: httpx.Response) -> tuple[str, Problem | None]:
    """The detail of a problem document (RFC 9457), or what there is."""
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text[:200], None
    if not isinstance(found, Mapping):
        return str(found)[:200], None
    kind, title, detail = (str(found.get(name) or "") for name in ("type", "title", "detail"))
    return detail or title or str(found), Problem(response.status_code, kind, title, detail)


def _pause(response: httpx.Response) -> float | None:
    """How long a service that is busy asks us to wait; None: it is not."""
    if response.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
        return None
    asked = response.headers.get("retry-after", "")
    return min(float(asked), _MOST_PAUSE) if asked.isascii() and asked.isdigit() and len(asked) < 6 else None


class Indexer(_Service, Operations):
    """The query API (`docs/dapps.md`): a method for each operation, typed answers. Use from one thread.

    What was answered before is asked for by its ETag and not sent again while it is the same.
    """

    name = "indexer"

    def __init__(self, url: str, *, timeout: float = _TIMEOUT, patience: float = 0.0) -> None:
        """See `_Service`: seconds for one answer, and to ask again while nobody answers or it is too busy."""
        super().__init__(url, timeout=timeout, patience=patience)
        self._known: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self.block: int | None = None  # that the last answer was of

    def every(self, operation: Callable[..., Page[Item]], *arguments: str, **filters: Any) -> Iterator[Item]:
        """All items of a list operation, page after page, as far as you read."""
        cursor: str | None = None
        while True:
            page = operation(*arguments, **filters, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _fetch(self, path: str, **query: Any) -> Any:
        # An empty mapping would remove the query that `path` may hold.
        url = str(httpx.URL(path, params=_given(query))) if query else path
        tag, body = self._known.get(url, ("", b""))
        response = self._request("GET", url, headers={"if-none-match": tag} if tag else None)
        if response.status_code == httpx.codes.NOT_MODIFIED and tag:
            self._known.move_to_end(url)
            self._note_block(response)
            return orjson.loads(body)
        found = self._body(path, response)
        self._note_block(response)
        if (tag := response.headers.get("etag", "")) and len(response.content) <= _LONGEST_BODY:
            self._known[url] = (tag, response.content)
            self._known.move_to_end(url)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _put_to(self, path: str, body: object, **query: Any) -> Any:
        response = self._request("POST", path, params=_given(query), json=body)
        found = self._body(path, response)
        self._note_block(response)
        return found

    def _note_block(self, response: httpx.Response) -> None:
        block = response.headers.get("x-indexed-block", "")
        self.block = int(block) if block.isascii() and block.isdigit() else self.block

    def get(self, path: str, **parameters: Any) -> Any:
        """Any resource under /v1. Raises NotFoundError, RefusedError, ServiceError."""
        return self._fetch(f"/v1/{path}", **parameters)

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


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


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
