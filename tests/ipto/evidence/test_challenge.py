# SPDX-License-Identifier: Apache-2.0
"""Domain control: the line is found, and no domain leads the server to places of its own network."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ipto.errors import InputError
from ipto.evidence import Challenge, prove_domain
from ipto.evidence.challenge import WELL_KNOWN, ChallengeError, fetch_claims, is_public, public_name

ACCOUNT = "0x" + "11" * 20


def none(_: str) -> list[str]:
    return []


def test_the_line_binds_domain_account_and_work() -> None:
    lines = {
        Challenge.of(domain, account, work).line
        for domain in ("example.org", "example.com")
        for account in (ACCOUNT, "0x" + "22" * 20)
        for work in (1, 2)
    }
    assert len(lines) == 8
    assert Challenge.of(" Example.ORG. ", ACCOUNT, 1) == Challenge.of("example.org", ACCOUNT, 1)


def test_dns_and_the_file_prove_the_same() -> None:
    asked = Challenge.of("example.org", ACCOUNT, 7)
    other = Challenge.of("example.org", ACCOUNT, 8)
    proof = prove_domain(asked, txt=lambda name: ["v=spf1 -all", asked.line] if name == "_ipto.example.org" else [])
    assert proof is not None
    assert (proof.domain, proof.method) == ("example.org", "dns")
    proof = prove_domain(asked, txt=none, fetch=lambda _: f"# claims\r\n{asked.line}\r\n")
    assert proof is not None
    assert proof.method == "well-known"
    assert prove_domain(asked, txt=lambda _: [other.line], fetch=lambda _: other.line + "x") is None


def test_when_nobody_answers_that_is_said() -> None:
    def silent(_: str) -> str:
        raise ChallengeError("no answer")

    asked = Challenge.of("example.org", ACCOUNT, 7)
    with pytest.raises(ChallengeError, match="no answer; no answer"):
        prove_domain(asked, txt=silent, fetch=silent)
    assert prove_domain(asked, txt=none, fetch=silent) is None


NOT_PUBLIC = [
    "localhost", "127.0.0.1", "[::1]", "0x7f000001", "2130706433", "10.0.0.1.", "printer.local", "db.internal", "a",
    "", "exa mple.org", "example.org/path", "user@example.org", "example.org:22", "-a.org", "a..org",
    "x" * 300 + ".org", "é" * 80 + ".org",
]  # fmt: skip


@pytest.mark.parametrize("name", NOT_PUBLIC, ids=range(len(NOT_PUBLIC)))
def test_names_that_are_not_public_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"domain name|public internet"):
        Challenge.of(name, ACCOUNT, 1)


def test_names_in_other_scripts() -> None:
    assert public_name("bücher.example.org") == "xn--bcher-kva.example.org"


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::7f00:1",
    "fe80::1%eth0", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_never_asked(address: str) -> None:
    assert not is_public(address)
    for answer in ([address], ["93.184.216.34", address]):
        with pytest.raises(ChallengeError, match="not on the public internet"):
            fetch_claims("example.org", resolve=lambda *_, answer=answer: answer)


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_judged_by_what_is_inside(address: ipaddress.IPv4Address) -> None:
    assert is_public(f"::ffff:{address}") <= is_public(str(address))
    assert is_public("8.8.8.8")
    assert is_public("2606:4700:4700::1111")


@dataclass
class Site:
    """A web server with a certificate for example.org, on this machine."""

    port: int
    context: ssl.SSLContext
    body: list[bytes] = field(default_factory=lambda: [b""])
    status: list[int] = field(default_factory=lambda: [200])
    asked: list[tuple[str, str]] = field(default_factory=list)

    def fetch(self) -> str:
        return fetch_claims(
            "example.org",
            port=self.port,
            permitted=lambda _: True,
            resolve=lambda *_: ["127.0.0.1"],
            context=self.context,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.org")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    chain = certificate.public_bytes(pem)
    (tmp_path / "pem").write_bytes(
        chain + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "pem")
    made = Site(0, ssl.create_default_context(cadata=chain.decode()))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.headers["host"], self.path))
            self.send_response(made.status[0])
            self.send_header("location", "https://example.org/elsewhere")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(made.body[0])

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = served.wrap_socket(server.socket, server_side=True)
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def test_the_file_is_fetched_for_the_name_at_the_address(site: Site) -> None:
    line = Challenge.of("example.org", ACCOUNT, 7).line
    site.body[0] = f"{line}\n".encode()
    assert site.fetch().strip() == line
    assert site.asked == [("example.org", WELL_KNOWN)]


def test_redirects_floods_and_other_certificates_are_refused(site: Site) -> None:
    site.status[0] = 302
    with pytest.raises(ChallengeError, match="answers 302"):
        site.fetch()
    assert len(site.asked) == 1
    site.status[0], site.body[0] = 200, b"x" * 200_000
    with pytest.raises(ChallengeError, match="too much"):
        site.fetch()
    with pytest.raises(ChallengeError, match="cannot be asked"):
        fetch_claims("example.com", port=site.port, permitted=lambda _: True, resolve=lambda *_: ["127.0.0.1"],
                     context=site.context)  # fmt: skip
    with pytest.raises(ChallengeError, match="cannot be asked"):  # the certificate is nobody's we know
        fetch_claims("example.org", port=site.port, permitted=lambda _: True, resolve=lambda *_: ["127.0.0.1"])
