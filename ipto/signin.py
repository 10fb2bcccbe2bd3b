# SPDX-License-Identifier: Apache-2.0
"""Sign-In with Ethereum: the message a wallet shows and signs, read as strictly as its grammar allows.

Source: ERC-4361 (message, ABNF), ERC-191 (what is hashed), RFC 3986 (authority, URI), RFC 3339 (times). Whoever
verifies must compare the fields with what it expects; `relayer.sessions` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from eth_utils.crypto import keccak

from ipto.errors import InputError
from ipto.structs import checksum_address

__all__ = ["LONGEST", "SignIn", "personal_digest", "seconds", "time_text"]

# Characters; far more than any message needs.
LONGEST = 4096

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_AUTHORITY = (
    r"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-.]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
)
_URI = r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+\-][0-9]{2}:[0-9]{2})"
_INTRODUCTION = " wants you to sign in with your Ethereum account:"
_MESSAGE = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?(?P<domain>{_AUTHORITY}){_INTRODUCTION}\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n"
    r"\n"
    r"(?:(?P<statement>[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;= ]+)\n)?"
    r"\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: 1\n"
    r"Chain ID: (?P<chain_id>[0-9]{1,78})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,128})\n"
    rf"Issued At: (?P<issued_at>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_TIME}))?"
    rf"(?:\nNot Before: (?P<not_before>{_TIME}))?"
    rf"(?:\nRequest ID: (?P<request_id>{_PCHAR}*))?"
    rf"(?:\nResources:(?P<resources>(?:\n- {_URI})*))?",
    re.ASCII,
)


def personal_digest(text: str) -> bytes:
    """The 32 bytes that `personal_sign` signs (ERC-191, version 0x45)."""
    data = text.encode()
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(data)).encode() + data)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One message. Times are RFC 3339 as written; `seconds` reads them."""

    domain: str  # authority of who asks: what the wallet compares with the page it is asked by
    address: str  # EIP-55
    uri: str
    chain_id: int
    nonce: str
    issued_at: str
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None
    scheme: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a message. Raises InputError for whatever the grammar does not allow, down to a space, and for an
        address whose capitals are not its checksum (EIP-55)."""
        if len(text) > LONGEST:
            raise InputError(f"a sign-in message has at most {LONGEST} characters")
        found = _MESSAGE.fullmatch(text)
        if found is None:
            raise InputError("this is not a Sign-In with Ethereum message (ERC-4361); sign the text as it was made")
        values: dict[str, Any] = found.groupdict()
        if (listed := values["resources"]) is not None:
            values["resources"] = tuple(line[2:] for line in listed.split("\n")[1:])
        if checksum_address(values["address"], "the account") != values["address"]:
            raise InputError("the account's capitals are not its checksum (EIP-55)")
        message = cls(**{**values, "chain_id": int(values["chain_id"])})
        for time in (message.issued_at, message.expiration_time, message.not_before):
            if time is not None:
                seconds(time)
        if message.text != text:  # a chain id with leading zeros
            raise InputError("this Sign-In with Ethereum message is not in its one canonical form")
        return message

    @property
    def text(self) -> str:
        """The message as it is shown and signed."""
        scheme = "" if self.scheme is None else f"{self.scheme}://"
        lines = [f"{scheme}{self.domain}{_INTRODUCTION}", self.address, ""]
        lines += [] if self.statement is None else [self.statement]
        lines += ["", f"URI: {self.uri}", "Version: 1", f"Chain ID: {self.chain_id}", f"Nonce: {self.nonce}"]
        lines.append(f"Issued At: {self.issued_at}")
        for name, value in (
            ("Expiration Time", self.expiration_time),
            ("Not Before", self.not_before),
            ("Request ID", self.request_id),
        ):
            lines += [] if value is None else [f"{name}: {value}"]
        if self.resources is not None:
            lines += ["Resources:", *(f"- {uri}" for uri in self.resources)]
        return "\n".join(lines)

    @property
    def digest(self) -> bytes:
        """The 32 bytes an account signs, and a contract account is asked about (ERC-1271)."""
        return personal_digest(self.text)


def seconds(time: str) -> float:
    """UTC seconds of an RFC 3339 time. Raises InputError for a date that does not exist."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, OverflowError):
        raise InputError(f"{time} is no time; write it as 2026-01-31T12:00:00Z") from None


def time_text(at: float) -> str:
    """RFC 3339 in UTC of whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")
