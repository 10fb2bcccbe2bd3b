# SPDX-License-Identifier: Apache-2.0
"""Keys: the `Signer` protocol, a signer in memory, and an encrypted keystore on disk.

Everything that signs takes a `Signer`, so that a key in a KMS or a hardware wallet fits where a local one does.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import coincurve
from eth_account import Account

from ipto._keccak import address_of_key
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.structs import checksum_address

__all__ = ["LocalSigner", "Signable", "Signer", "create_keystore", "open_keystore", "read_passphrase"]

MIN_PASSPHRASE = 8


class Signable(Protocol):
    """Typed data (EIP-712) that is ready to sign; see `ipto.typed_data.TypedData`."""

    @property
    def digest(self) -> bytes:
        """The 32 bytes that are signed."""

    def to_json(self) -> dict[str, Any]:
        """The parameter of `eth_signTypedData_v4`."""


class Signer(Protocol):
    """Whoever can sign for one address."""

    @property
    def address(self) -> str:
        """The signing address, EIP-55."""

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes; 65 bytes r, s, v with low s and v 27 or 28."""

    def sign_typed_data(self, data: Signable) -> bytes:
        """Sign typed data; a wallet shows its JSON, a local key signs its digest."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Sign a transaction (integers, 0x hex); the raw transaction."""


class LocalSigner:
    """A private key in this process's memory."""

    __slots__ = ("_address", "_key")

    def __init__(self, key: bytes) -> None:
        """key: 32 bytes. Raises InputError for a number that is not a private key."""
        try:
            # coincurve would pad a short key in silence.
            self._key = coincurve.PrivateKey(key if len(key) == 32 else b"")
        except (ValueError, TypeError):
            raise InputError("this is not a private key: 32 bytes, not zero, below the curve's order") from None
        public: bytes = self._key.public_key.format(compressed=False)
        self._address: str = address_of_key(public)

    @classmethod
    def random(cls) -> LocalSigner:
        """A new key from the system's random source."""
        return cls(secrets.token_bytes(32))

    @property
    def address(self) -> str:
        """The signing address, EIP-55."""
        return self._address

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes; 65 bytes r, s, v with low s and v 27 or 28. Deterministic (RFC 6979)."""
        if len(digest) != 32:
            raise InputError("a digest is 32 bytes")
        signature: bytes = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])

    def sign_typed_data(self, data: Signable) -> bytes:
        """Sign typed data (EIP-712)."""
        return self.sign_digest(data.digest)

    def sign_transaction(self, transaction: Mapping[str, Any]) -> bytes:
        """Sign a transaction; the raw transaction."""
        fields = dict(transaction)
        if fields.get("to"):
            # eth-account insists on EIP-55; a wrong checksum is refused here as everywhere.
            fields["to"] = checksum_address(fields["to"], "to")
        return bytes(Account.sign_transaction(fields, self._key.secret).raw_transaction)

    def __repr__(self) -> str:
        # Never the key: representations end in logs.
        return f"LocalSigner({self._address})"


def create_keystore(path: Path, passphrase: str, key: bytes | None = None) -> LocalSigner:
    """Write a new keystore (Web3 Secret Storage v3, scrypt), readable by its owner only; never over an existing file.

    key: 32 bytes to import; without it a new key is made. Raises InputError when the file exists or the passphrase
    is shorter than 8 characters.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise InputError(f"the passphrase is too short: use at least {MIN_PASSPHRASE} characters")
    key = secrets.token_bytes(32) if key is None else key
    signer = LocalSigner(key)
    document = json.dumps(Account.encrypt(key, passphrase, kdf="scrypt"), indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path} exists; choose another name, keys are never overwritten") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(document + "\n")
        file.flush()
        os.fsync(file.fileno())
    return signer


def open_keystore(path: Path, passphrase: str) -> LocalSigner:
    """Decrypt a keystore. Raises NotFoundError, InputError (readable by others, not a keystore, wrong passphrase) or
    IntegrityError (the key does not belong to the address in the file)."""
    text = _read_private(path)
    try:
        document = json.loads(text)
        claimed = str(document.get("address", ""))
        key = bytes(Account.decrypt(document, passphrase))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if "MAC mismatch" in str(error):
            raise InputError(f"wrong passphrase for {path}") from None
        raise InputError(f"{path} is not an encrypted keystore (version 3)") from None
    signer = LocalSigner(key)
    if claimed and claimed.removeprefix("0x").lower() != signer.address[2:].lower():
        raise IntegrityError(f"{path} names address {claimed} but holds the key of {signer.address}; restore a backup")
    return signer


def read_passphrase(file: Path | None = None, *, prompt: str = "Passphrase: ", confirm: bool = False) -> str:
    """A passphrase from a file readable by its owner only, else asked for on the terminal.

    There is no way to give it on a command line: those are visible to every user of the machine.
    """
    if file is not None:
        return _read_private(file).rstrip("\r\n")
    first = getpass.getpass(prompt)
    if confirm and getpass.getpass("Again: ") != first:
        raise InputError("the two passphrases differ; nothing was changed")
    return first


def _read_private(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            # Of the open file, so that it cannot be exchanged between check and use.
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                raise InputError(f"{path} can be read by others; run: chmod 600 {path}")
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file") from None
