# SPDX-License-Identifier: Apache-2.0
"""A content store behind an IPFS daemon's RPC API (Kubo, and others that speak /api/v0). Needs the extra `ipfs`.

The daemon is storage, not an authority: CIDs are computed here before anything is sent, a different answer is an error,
and what comes back is checked block by block.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ipto.content import unixfs
from ipto.content.cid import RAW, Cid
from ipto.content.store import (
    MAX_BLOCK,
    MAX_DOCUMENT,
    BlockStore,
    MissingContentError,
    StoreUnavailableError,
    check_document_size,
)
from ipto.content.unixfs import DEFAULT_PROFILE, Described, Profile, Progress, Source
from ipto.errors import InputError, IntegrityError

# Its wrapper around requests hands urllib3 an argument that the next version refuses; it is needed for pipes only.
os.environ.setdefault("PY_IPFS_HTTP_CLIENT_PATCH_REQUESTS", "no")
import ipfshttpclient
from ipfshttpclient import exceptions

# How long a daemon may search its network for a block before it is said to be missing.
SEARCH_SECONDS = 20


class KuboStore(BlockStore):
    """A content store in an IPFS daemon. Use it in a `with` block, or call `close`.

    `address` is the API's URL such as http://127.0.0.1:5001, or a multiaddr. What is put is pinned.
    """

    def __init__(
        self, address: str, profile: Profile = DEFAULT_PROFILE, *, timeout: float = 60, search: float = SEARCH_SECONDS
    ) -> None:
        self.profile = profile
        self.address = address
        self._search = search
        # Not `ipfshttpclient.connect`: it warns about every daemon newer than itself, and these calls have not changed.
        self._client: Any = ipfshttpclient.Client(_multiaddr(address), session=True, timeout=timeout)

    def __enter__(self) -> KuboStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the daemon."""
        self._client.close()

    def version(self) -> str:
        """The daemon's version: a way to learn whether it answers. Raises StoreUnavailableError."""
        with self._daemon():
            return str(self._client.version()["Version"])

    def ingest(self, source: Source, progress: Progress | None = None) -> Described:
        """See ContentStore. The source is read twice: once for its CID, once to send it."""
        if not isinstance(source, (bytes, bytearray, Path)):
            source = _rewindable(source)
        described = unixfs.describe(source, self.profile, progress)
        self._add(source, described.cid, self.profile.chunk_size, self.profile.cid_version, self.profile.max_links)
        return described

    def put_document(self, data: bytes) -> Cid:
        """See ContentStore."""
        check_document_size(data)
        cid = Cid.of_block(data)
        self._add(data, cid, MAX_DOCUMENT, 1)
        return cid

    def pin(self, cid: Cid) -> None:
        """Keep a CID and all under it, fetching what is missing."""
        with self._daemon():
            self._client.pin.add(str(cid))

    def read_block(self, cid: Cid) -> bytes:
        """One block as the daemon sends it, unchecked."""
        try:
            with self._daemon():
                block = b""
                with self._client.block.get(str(cid), stream=True, timeout=self._search) as answer:
                    for part in answer:
                        block += part
                        if len(block) > MAX_BLOCK:  # whatever it is, it is not what was asked for
                            break
                return block
        except _MissingError as error:
            raise MissingContentError(f"{cid} is not to be had from the IPFS daemon at {self.address}") from error

    def write_block(self, cid: Cid, block: bytes) -> None:
        """Keep one raw block of at most 1 MiB; nodes come into being by `put`."""
        if cid.codec != RAW or len(block) > MAX_DOCUMENT:
            raise InputError("an IPFS daemon takes single blocks here only if they are raw and at most 1 MiB; use put")
        self._add(block, cid, MAX_DOCUMENT, 1)

    def has_block(self, cid: Cid) -> bool:
        """Whether the daemon itself holds a block; its network is not asked."""
        try:
            with self._daemon():
                self._client.block.stat(str(cid), offline=True, timeout=self._search)
        except _MissingError:
            return False
        return True

    def _add(self, source: Source, expected: Cid, chunk_size: int, version: int, max_links: int = 174) -> None:
        options = {"cid-base": "base32" if version else "base58btc"}
        if max_links != DEFAULT_PROFILE.max_links:  # only new daemons know this option
            options["max-file-links"] = str(max_links)
        file = source if isinstance(source, Path) else _bytes_file(source)
        with self._daemon():
            answer = self._client.add(
                file, chunker=f"size-{chunk_size}", cid_version=version, raw_leaves=version == 1, opts=options
            )
        said = str(answer["Hash"])
        if said != str(expected):
            raise IntegrityError(
                f"the IPFS daemon at {self.address} stored something else: it says {said[:80]}, the file is {expected}"
            )

    @contextlib.contextmanager
    def _daemon(self) -> Iterator[None]:
        try:
            yield
        except exceptions.TimeoutError as error:
            raise _MissingError("no answer in time") from error
        except exceptions.ErrorResponse as error:
            if any(word in str(error).lower() for word in ("not found", "could not find", "not exist")):
                raise _MissingError(str(error)) from error
            raise StoreUnavailableError(f"the IPFS daemon at {self.address} refused: {error}") from error
        except (exceptions.Error, OSError) as error:
            raise StoreUnavailableError(
                f"the IPFS daemon at {self.address} does not answer; start it (ipfs daemon) or name another store"
            ) from error


class _MissingError(StoreUnavailableError):
    """The daemon does not have it, or does not say so in time."""


def _multiaddr(address: str) -> str:
    if address.startswith("/"):
        return address
    url = urlsplit(address)
    try:
        port = url.port or {"http": 80, "https": 443}[url.scheme]
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{address!r:.80} is not an address of an IPFS daemon, such as http://127.0.0.1:5001"
        ) from error
    host = url.hostname or ""
    kind = "ip6" if ":" in host else "ip4" if host.replace(".", "").isdigit() else "dns"
    if not host or url.path not in ("", "/"):
        raise InputError(f"{address!r:.80} is not an address of an IPFS daemon, such as http://127.0.0.1:5001")
    return f"/{kind}/{host}/tcp/{port}/{url.scheme}"


def _rewindable(stream: Any) -> bytes | Path:
    name = getattr(stream, "name", None)
    if isinstance(name, str) and Path(name).is_file():
        return Path(name)
    return bytes(stream.read())


def _bytes_file(data: Any) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = "file"  # the multipart writer asks for one
    return file
