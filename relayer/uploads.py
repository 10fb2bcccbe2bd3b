# SPDX-License-Identifier: Apache-2.0
"""Documents and posters for the operator's content store: checked against their CID before anything is kept."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable

from ipto.content import Cid, LocalStore, describe
from ipto.errors import InputError
from relayer import audit
from relayer.ledger import day_of
from relayer.problems import RefusedError, busy, malformed
from relayer.queue import Queue
from relayer.settings import Settings

# What a work needs besides its master, and how each begins.
_PICTURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}
_RECOGNITION = {
    "application/vnd.ipto.fingerprint": b"IPTOFP1\x00",
    "application/vnd.ipto.choreography": b"IPTOCH1\x00",
}
_BINARY = {**_PICTURES, **_RECOGNITION}
_PREVIEW = "video/mp4"
_ANY = "application/octet-stream"
TYPES = ("application/json", *_BINARY, _PREVIEW, _ANY)


class Uploads:
    """Takes bytes for a CID. Quota is booked before storing, so a crash can only make it too strict."""

    def __init__(
        self, store: LocalStore, queue: Queue, settings: Settings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._queue = queue
        self._settings = settings
        self._clock = clock

    def put(self, text: str, content_type: str, data: bytes, client: str) -> tuple[Cid, bool]:
        """Store `data` under the CID `text`. Returns the CID and whether it is new.

        Raises RefusedError: 415 for another type, 422 when bytes, type and CID do not belong together,
        429 and 507 when a quota is used up. Nothing is stored then.
        """
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in TYPES:
            raise RefusedError(415, "content-type", f"{kind or 'no type'} is not stored; send {', '.join(TYPES)}")
        try:
            cid = Cid.parse(text)
        except InputError as error:
            raise malformed(str(error)) from None
        if not data:
            raise malformed("the body is empty; send the document's bytes")
        actual = Cid.of_block(data) if cid.is_raw else describe(data).cid
        if actual != cid:
            raise RefusedError(422, "cid-mismatch", f"these bytes are {actual}, not {cid}; send the bytes of the CID")
        _check_kind(kind, data)
        if self._store.has(cid):
            return cid, False
        self._book(str(cid), client, len(data))
        stored = self._store.put_document(data) if cid.is_raw else self._store.put(data)
        assert stored == cid, "the store computes another CID"
        return cid, True

    def _book(self, cid: str, client: str, size: int) -> None:
        day = day_of(int(self._clock()))
        # Only to add up a day's bytes: no address of a person is kept.
        client = hashlib.sha256(f"{day} {client}".encode()).hexdigest()[:32]
        with self._queue.database.transaction() as change:
            # Uploads wait for each other here: quotas are added up.
            audit.Log(change, "uploads", self._queue.database.dialect)
            if change.run("SELECT 1 AS one FROM uploads WHERE cid = ?", cid):
                return  # booked by an upload that is storing, or was cut off before it stored
            sql = "SELECT coalesce(sum(size), 0) AS n FROM uploads"
            mine = int(change.run(f"{sql} WHERE client = ? AND day = ?", client, day)[0]["n"])
            if mine + size > self._settings.content_client_day:
                raise busy("signer-quota", "your uploads for today are used up; try again tomorrow", 86400)
            total = int(change.run(sql)[0]["n"])
            if total + size > self._settings.content_total:
                raise RefusedError(
                    507, "store-full", "the operator's content store is full; store the document elsewhere"
                )
            change.change("INSERT INTO uploads VALUES (?, ?, ?, ?)", cid, client, day, size)


def _check_kind(kind: str, data: bytes) -> None:
    actual = next((name for name, magic in _BINARY.items() if data.startswith(magic)), "application/json")
    if actual == "image/webp" and data[8:12] != b"WEBP":
        actual = "application/json"
    if data[4:8] == b"ftyp":
        actual = _PREVIEW
    if actual == "application/json":
        try:
            is_document = isinstance(json.loads(data.decode("utf-8")), dict)
        except (ValueError, RecursionError):
            is_document = False
        if not is_document:
            raise RefusedError(
                422,
                "content-type",
                "the body is neither a JSON object in UTF-8 nor a picture (JPEG, PNG, WebP), fingerprint, choreography "
                "or MP4",
            )
    if kind not in (actual, _ANY):
        raise RefusedError(422, "content-type", f"the body is {actual}, not {kind}; name what it is")
