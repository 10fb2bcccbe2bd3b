# SPDX-License-Identifier: Apache-2.0
"""Who controls a domain: a line only its keeper can put into DNS or at a well-known address.

The line binds domain, account and work, so that nobody can reuse another's. Looked up from a server, a domain is
hostile: only public addresses are talked to, at the very address that was checked (a second look-up could answer
differently), over TLS for that name, without redirects, for a bounded time and size.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import httpx

from ipto.errors import InputError, IptoError
from ipto.structs import checksum_address

WELL_KNOWN = "/.well-known/ipto-claims.txt"
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_LOCAL = ("local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "test", "invalid")
_MAX_BYTES = 64 * 1024
_SECONDS = 10.0
_MAX_ADDRESSES = 16


class ChallengeError(IptoError):
    """A domain could not be asked, or must not be."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the keeper of a domain is asked to publish."""

    domain: str  # in lower case, ASCII (IDNA)
    account: str  # EIP-55
    work: int

    @classmethod
    def of(cls, domain: str, account: str, work: int) -> Challenge:
        """A challenge for a domain as people write it. Raises InputError for what is no public domain name."""
        return cls(public_name(domain), checksum_address(account), work)

    @property
    def line(self) -> str:
        """The line: `ipto-claim=` and a digest of domain, account and work."""
        text = f"ipto domain control 1\n{self.domain}\n{self.account}\n{self.work}"
        return "ipto-claim=" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def dns_name(self) -> str:
        """Where it goes in DNS, as a TXT record."""
        return f"_ipto.{self.domain}"

    @property
    def url(self) -> str:
        """Where it goes on the web, on a line of its own."""
        return f"https://{self.domain}{WELL_KNOWN}"


@dataclass(frozen=True, slots=True)
class DomainProof:
    """A domain whose keeper published the line."""

    domain: str
    method: str  # `dns` or `well-known`
    seen_at: int  # UTC seconds


def public_name(domain: str) -> str:
    """A domain name in ASCII. Raises InputError for addresses, single labels and names of private networks."""
    try:
        name = domain.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise InputError(f"{domain!r:.80} is no domain name") from error
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InputError(f"{domain!r:.80} is no domain name; write one such as example.org")
    if labels[-1].isdigit() or labels[-1] in _LOCAL:
        raise InputError(f"{domain!r:.80} is not a name on the public internet")
    return name


def prove_domain(
    challenge: Challenge,
    *,
    txt: Callable[[str], Iterable[str]] | None = None,
    fetch: Callable[[str], str] | None = None,
) -> DomainProof | None:
    """Look for the line in DNS, then at the well-known address; None when it is in neither.

    Raises ChallengeError when neither could be asked. txt, fetch: how to ask; `look_up_txt` and `fetch_claims`.
    """

    def in_dns() -> Iterable[str]:
        return (txt or look_up_txt)(challenge.dns_name)

    def on_the_web() -> Iterable[str]:
        return (fetch or fetch_claims)(challenge.domain).splitlines()

    problems = []
    for method, ask in (("dns", in_dns), ("well-known", on_the_web)):
        try:
            lines = [line.strip() for line in ask()]
        except ChallengeError as error:
            problems.append(str(error))
            continue
        if challenge.line in lines:
            return DomainProof(challenge.domain, method, int(time.time()))
    if len(problems) == 2:
        raise ChallengeError("; ".join(problems))
    return None


def look_up_txt(name: str) -> list[str]:
    """The TXT records of a name; none when there are none. Raises ChallengeError."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError as error:
        raise ChallengeError("looking into DNS needs dnspython; install ipto[media]") from error
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise ChallengeError(f"DNS did not answer for {name}") from error
    return [b"".join(record.strings).decode("ascii", "replace")[:1000] for record in list(answer)[:100]]


def is_public(address: str) -> bool:
    """Whether an address is one anybody on the internet may talk to; addresses inside addresses are looked at, too."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None and not is_public(str(inner)):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def fetch_claims(
    domain: str,
    *,
    port: int = 443,
    permitted: Callable[[str], bool] = is_public,
    resolve: Callable[[str, int], list[str]] | None = None,
    context: ssl.SSLContext | None = None,
) -> str:
    """The file at a domain's well-known address. Raises ChallengeError."""
    addresses = (resolve or _resolve)(domain, port)[:_MAX_ADDRESSES]
    # One private address among public ones is an attack, not an accident.
    if not addresses or not all(permitted(address) for address in addresses):
        raise ChallengeError(f"{domain} leads to an address that is not on the public internet; it is not asked")
    address = addresses[0]
    host = f"[{address}]" if ":" in address else address
    deadline = time.monotonic() + _SECONDS
    data = b""
    try:
        with (
            httpx.Client(verify=context or True, trust_env=False, follow_redirects=False, timeout=_SECONDS) as client,
            client.stream(
                "GET",
                f"https://{host}:{port}{WELL_KNOWN}",
                headers={"host": domain, "accept": "text/plain", "accept-encoding": "identity"},
                extensions={"sni_hostname": domain},
            ) as response,
        ):
            if response.status_code != 200:
                raise ChallengeError(f"{domain} answers {response.status_code} for {WELL_KNOWN}")
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > _MAX_BYTES or time.monotonic() > deadline:
                    raise ChallengeError(f"{domain} sends too much or too slowly")
    except httpx.HTTPError as error:
        raise ChallengeError(f"{domain} cannot be asked: {type(error).__name__}") from error
    return data.decode("utf-8", "replace")


def _resolve(domain: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(domain, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ChallengeError(f"{domain} has no address") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
