# SPDX-License-Identifier: Apache-2.0
"""Keys in a key management service: they sign there and never leave it.

`open_key("aws:alias/lane-1")` needs the extra `aws`, `open_key("gcp:projects/…/cryptoKeyVersions/1")` the extra `gcp`.
Both services are asked to sign a digest and nothing else; what they answer is checked against the public key they gave
at the start, so that an answer of another key, or of another message, never becomes a transaction.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from eth_account.typed_transactions.typed_transaction import TypedTransaction

from ipto.accounts import Signable, Signer
from ipto.ecdsa import address_of_point, ethereum_signature, point_of_spki
from ipto.errors import InputError, IptoError

__all__ = ["KeyService", "KeyServiceError", "KmsSigner", "open_key"]

log = logging.getLogger("ipto.kms")

TIMEOUT_SECONDS = 5.0  # for one answer
TRIES = 4
_FIRST_PAUSE = 0.2  # seconds; doubles, and is spread so that lanes do not ask in step
_T = TypeVar("_T")


class KeyServiceError(IptoError, ConnectionError):
    """The service did not answer, or refused; nothing was signed that anybody saw.

    retry: whether the same question may be answered a moment later.
    """

    def __init__(self, words: str, *, retry: bool) -> None:
        super().__init__(words)
        self.retry = retry


class KeyService(Protocol):
    """One key of a service. Both methods raise KeyServiceError."""

    def public_key(self) -> bytes:
        """The key's DER SubjectPublicKeyInfo."""

    def sign(self, digest: bytes) -> bytes:
        """A DER signature over exactly these 32 bytes."""


class KmsSigner:
    """A `Signer` whose key is in a service. `sign_digest` waits for it: call it where waiting is no harm."""

    __slots__ = ("_address", "_name", "_pause", "_point", "_service")

    def __init__(self, name: str, service: KeyService, pause: Callable[[float], None] = time.sleep) -> None:
        """name: for people. Asks the service for the public key. Raises KeyServiceError, IntegrityError."""
        self._name, self._service, self._pause = name, service, pause
        self._point = point_of_spki(self._ask(service.public_key))
        self._address = address_of_point(self._point)

    @property
    def address(self) -> str:
        """The signing address, EIP-55."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes; 65 bytes r, s, v with low s and v 27 or 28.

        Raises KeyServiceError after several tries, IntegrityError for an answer that is not this key's.
        """
        if len(digest) != 32:
            raise InputError("a digest is 32 bytes")
        return ethereum_signature(digest, self._ask(lambda: self._service.sign(digest)), self._point)

    def sign_typed_data(self, data: Signable) -> bytes:
        """Sign typed data (EIP-712)."""
        return self.sign_digest(data.digest)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Sign an EIP-1559 transaction; the raw transaction."""
        fields = {"type": 2, "accessList": [], **transaction}
        signature = self.sign_digest(bytes(TypedTransaction.from_dict(fields).hash()))
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return bytes(TypedTransaction.from_dict({**fields, "v": signature[64] - 27, "r": r, "s": s}).encode())

    def _ask(self, question: Callable[[], _T]) -> _T:
        wait = _FIRST_PAUSE
        for left in range(TRIES - 1, -1, -1):
            try:
                return question()
            except KeyServiceError as error:
                if not error.retry or not left:
                    raise
                log.warning("key %s: %s; asking again", self._name, error)
            self._pause(wait * random.uniform(0.5, 1.5))  # noqa: S311  # spreads load, keeps no secret
            wait *= 2
        raise AssertionError("unreachable")

    def __repr__(self) -> str:
        return f"KmsSigner({self._name}, {self._address})"


def open_key(name: str) -> Signer:
    """The key a name stands for: `aws:` and a key id, ARN or alias, or `gcp:` and the path of a key version.

    Raises InputError for another name or a missing extra, KeyServiceError, IntegrityError.
    """
    scheme, _, rest = name.partition(":")
    service: KeyService
    try:
        if scheme == "aws" and rest:
            from ipto._aws import AwsKey

            service = AwsKey(rest)
        elif scheme == "gcp" and rest:
            from ipto._gcp import GcpKey

            service = GcpKey(rest)
        else:
            raise InputError(f"{name!r:.80} is no key; write aws:alias/… or gcp:projects/…/cryptoKeyVersions/1")
    except ImportError:
        raise InputError(f'{name:.80}: this service needs an extra: pip install "ipto[{scheme}]"') from None
    return KmsSigner(name, service)
