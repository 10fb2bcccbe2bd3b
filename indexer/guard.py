# SPDX-License-Identifier: Apache-2.0
"""Requests to addresses that somebody else chose the name of: only to the public internet, and to no second address.

A name is looked up here, every address it has must be a public one, and the connection goes to that very address, so
that a second look-up cannot lead elsewhere. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from ipto.errors import InputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddressError(InputError):
    """A name leads to an address that is not on the public internet."""


class Guarded:
    """One URL to post to."""

    def __init__(self, url: str, *, timeout: float, allow_private: bool) -> None:
        """url: http(s), without user and password."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(f"{url!r:.100} cannot be posted to; write https://host/path")
        self._parts = parts
        self._host = host_name(parts.hostname)
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._allow_private = allow_private
        self._timeout = timeout
        self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)

    async def post(self, data: bytes, headers: Mapping[str, str]) -> int:
        """Post; the HTTP status. The answer's body is not read. Raises ForbiddenAddressError, httpx errors."""
        async with asyncio.timeout(self._timeout):
            address = (await self._addresses())[0]
            host = f"[{address}]" if address.version == 6 else str(address)
            url = f"{self._parts.scheme}://{host}:{self._port}{self._parts.path or '/'}"
            if self._parts.query:
                url += f"?{self._parts.query}"
            name = self._host if self._parts.port is None else f"{self._host}:{self._parts.port}"
            request = self._client.build_request(
                "POST", url, content=data, headers={**headers, "host": name}, extensions={"sni_hostname": self._host}
            )
            response = await self._client.send(request, stream=True)
            await response.aclose()
            return response.status_code

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _addresses(self) -> list[Address]:
        addresses = await look_up(self._host, self._port)
        if not self._allow_private and any(not is_public(address) for address in addresses):
            raise ForbiddenAddressError(f"{self._host} is not on the public internet")
        return addresses


def host_name(name: str) -> str:
    """A name that can be looked up. Raises InputError for one that no resolver takes."""
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise InputError(f"{name!r:.100} is not a host's name ({error})") from error
    return name


async def look_up(host: str, port: int) -> list[Address]:
    """Every address of a name, at the end of all aliases. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(item[4][0]).split("%")[0]) for item in found]


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, also when it is wrapped in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        # What is not global unicast is of no use, or leads home by a forgotten way (::127.0.0.1, fec0::1).
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
