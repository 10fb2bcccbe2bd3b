# SPDX-License-Identifier: Apache-2.0
"""An HTTP connection to one of the services, closed when its owner is."""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

import httpx

from ipto.errors import InputError


class Connected:
    """Base of the clients. `_http` speaks to one address and follows no redirect."""

    def __init__(self, url: str, name: str, timeout: float) -> None:
        """name: what should answer there, for messages. timeout: seconds for one answer. Raises InputError."""
        self._place = _parts(url, name)
        host = self._place.hostname or ""
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
        """End the connections; a session that was opened ends by itself."""
        self._http.close()


def _parts(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts
    except ValueError:
        pass  # such as an IPv6 address without its bracket: refused like the rest
    raise InputError(f"{url!r:.80} is no address of the {name}; write http://host:port")
