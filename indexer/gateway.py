# SPDX-License-Identifier: Apache-2.0
"""Documents from an IPFS gateway: one raw block by its CID, bounded in size and time, never believed.

The guard against server-side request forgery: a gateway's name is looked up here, every address it has must be a public
one, and the connection goes to that very address, so that a second look-up cannot lead elsewhere. Redirects are not
followed. Source: the IPFS trustless gateway specification, https://specs.ipfs.tech/http-gateways/trustless-gateway/
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
from urllib.parse import urlsplit

import httpx

from indexer.guard import Address, host_name, is_public, look_up
from ipto.content import Cid
from ipto.content.store import MAX_DOCUMENT, MissingContentError, StoreUnavailableError
from ipto.errors import InputError, IntegrityError


class ForbiddenGatewayError(InputError):
    """A gateway's address is not on the public internet."""


class Gateway:
    """One gateway. url: `https://host[:port][/path]`, without query; allow_private: for a node of your own."""

    def __init__(self, url: str, *, timeout: float, allow_private: bool = False) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InputError(f"{url!r:.100} is not a gateway; write https://host or http://host:port")
        if parts.username or parts.password:
            raise InputError("a gateway's URL cannot carry a password; it would stand in logs")
        self._parts = parts
        self.host = host_name(parts.hostname)
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._allow_private = allow_private
        self._timeout = timeout
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)
        if (literal := _as_ip(self.host)) is not None:
            self._check([literal])

    async def get_document(self, digest: bytes) -> bytes:
        """The document with this SHA-256.

        Raises MissingContentError, IntegrityError for other bytes, StoreUnavailableError, ForbiddenGatewayError.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._get(digest)
        except (TimeoutError, httpx.HTTPError, OSError) as error:
            if isinstance(error, StoreUnavailableError):
                raise
            raise StoreUnavailableError(f"gateway {self.host} does not answer ({type(error).__name__})") from error

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _get(self, digest: bytes) -> bytes:
        addresses = await look_up(self.host, self._port)
        self._check(addresses)
        address = addresses[0]
        host = f"[{address}]" if address.version == 6 else str(address)
        url = f"{self._parts.scheme}://{host}:{self._port}{self._parts.path.rstrip('/')}/ipfs/{Cid.raw(digest)}"
        name = self.host if self._parts.port is None else f"{self.host}:{self._parts.port}"
        headers = {"host": name, "accept": "application/vnd.ipld.raw"}
        request = self._client.build_request(
            "GET", url, params={"format": "raw"}, headers=headers, extensions={"sni_hostname": self.host}
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code in (404, 410):
                raise MissingContentError(f"gateway {self.host} does not have the document")
            if response.status_code != 200:
                raise StoreUnavailableError(f"gateway {self.host} answered HTTP {response.status_code}")
            data = bytearray()
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_DOCUMENT:
                    raise IntegrityError(f"gateway {self.host} sent more than a document's {MAX_DOCUMENT} bytes")
        finally:
            await response.aclose()
        if hashlib.sha256(data).digest() != digest:
            raise IntegrityError(f"gateway {self.host} sent other bytes than the digest stands for")
        return bytes(data)

    def _check(self, addresses: list[Address]) -> None:
        bad = [address for address in addresses if not is_public(address)]
        if bad and not self._allow_private:
            raise ForbiddenGatewayError(
                f"gateway {self.host} is at {bad[0]}, which is not on the public internet; "
                "set IPTO_INDEXER_ALLOW_PRIVATE_GATEWAYS=true if it is your own"
            )


def _as_ip(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
