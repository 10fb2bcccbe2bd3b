# SPDX-License-Identifier: Apache-2.0
"""What names lead to: the connection goes to the very address that was checked, whatever a name says a moment later.

The resolver and the network are the test's own: names are answered from a script, and a connection to an address of
the public internet ends at a server here. Both are put under Python's sockets, so that nothing of the indexer, of
asyncio or of the HTTP client is left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from indexer.gateway import ForbiddenGatewayError, Gateway
from indexer.guard import ForbiddenAddressError, Guarded
from ipto.content.store import StoreUnavailableError
from ipto.errors import InputError

BODY = b'{"name":"Film"}'
DIGEST = hashlib.sha256(BODY).digest()
OUTSIDE, OTHER, OUTSIDE6 = "93.184.216.34", "198.41.0.4", "2606:4700::1111"
METADATA_SERVICE = "169.254.169.254"
NAME = "films.example"

Refused = (ForbiddenGatewayError, ForbiddenAddressError)


class Internet:
    """Names, addresses, and who was reached."""

    def __init__(self) -> None:
        # What a name says, the next answer first; the last one stays. An answer is another name or addresses.
        self.names: dict[str, list[str | list[str]]] = {}
        self.asked: list[str] = []
        self.dialled: list[str] = []
        self.heard: list[tuple[str, str]] = []
        self.location = ""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_port

    def _handler(internet: Internet) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                internet.heard.append((self.path, self.headers["host"]))
                self.send_response(302 if internet.location else 200)
                if internet.location:
                    self.send_header("location", internet.location)
                self.send_header("content-length", str(len(BODY)))
                self.end_headers()
                self.wfile.write(BODY)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def addresses(self, name: str) -> list[str]:
        """What a resolver says of a name, at the end of a chain of aliases."""
        self.asked.append(name)
        answers = self.names.get(name)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, list) else self.addresses(answer)

    def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        found = []
        for address in self.addresses(host.decode() if isinstance(host, bytes) else host):
            v6 = ":" in address
            family = socket.AF_INET6 if v6 else socket.AF_INET
            place = (address, port, 0, 0) if v6 else (address, port)
            found.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place))
        return found


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    made = Internet()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    real = socket.socket.connect

    def connect(self: socket.socket, place: Any) -> None:
        if self.family not in (socket.AF_INET, socket.AF_INET6):
            return real(self, place)
        made.dialled.append(place[0])
        if self.family == socket.AF_INET6:
            raise ConnectionRefusedError(111, "nobody is there")
        return real(self, ("127.0.0.1", made.port))

    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


Ask = Callable[[], Awaitable[object]]


def with_gateway(use: Callable[[Ask], Awaitable[None]], host: str) -> None:
    async def run() -> None:
        gateway = Gateway(f"http://{host}", timeout=10)
        try:
            await use(lambda: gateway.get_document(DIGEST))
        finally:
            await gateway.aclose()

    asyncio.run(run())


def with_hook(use: Callable[[Ask], Awaitable[None]], host: str) -> None:
    async def run() -> None:
        guarded = Guarded(f"http://{host}/hook", timeout=10, allow_private=False)
        try:
            await use(lambda: guarded.post(b"{}", {}))
        finally:
            await guarded.aclose()

    asyncio.run(run())


Both = Callable[[Callable[[Ask], Awaitable[None]], str], None]
both = pytest.mark.parametrize("using", [with_gateway, with_hook], ids=["gateway", "webhook"])


@both
def test_a_name_that_changes_its_mind_is_asked_once(internet: Internet, using: Both) -> None:
    """The first answer is checked and used. Whoever asked again on the way to the socket would be led home."""
    internet.names[NAME] = [[OUTSIDE], ["127.0.0.1"]]

    async def use(ask: Ask) -> None:
        await ask()
        assert (internet.asked, internet.dialled) == ([NAME], [OUTSIDE])
        # The next request is checked anew, also while the connection of the first is still open.
        with pytest.raises(Refused):
            await ask()

    using(use, NAME)
    assert internet.dialled == [OUTSIDE]
    # It is still asked for by its name, and once.
    assert [host for _, host in internet.heard] == [NAME]


@both
def test_a_name_that_moves_outside_is_followed(internet: Internet, using: Both) -> None:
    """What is kept open to one address is not used for another."""
    internet.names[NAME] = [[OUTSIDE], [OTHER], [OUTSIDE]]

    async def use(ask: Ask) -> None:
        for _ in range(3):
            await ask()

    using(use, f"{NAME}:8080")
    assert list(dict.fromkeys(internet.dialled)) == [OUTSIDE, OTHER]
    assert [host for _, host in internet.heard] == [f"{NAME}:8080"] * 3


@both
@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_address_of_a_name_must_be_outside(internet: Internet, using: Both, place: int) -> None:
    addresses = [OUTSIDE, OTHER]
    addresses.insert(place, "10.0.0.7")
    internet.names[NAME] = [addresses]

    async def use(ask: Ask) -> None:
        with pytest.raises(Refused):
            await ask()

    using(use, NAME)
    assert internet.dialled == []


@both
@pytest.mark.parametrize("end", [METADATA_SERVICE, "::1", "fd00:ec2::254", "100.100.100.200"])
def test_a_chain_of_aliases_that_ends_at_home(internet: Internet, using: Both, end: str) -> None:
    internet.names |= {NAME: ["cdn.example"], "cdn.example": ["edge.example"], "edge.example": [[end]]}

    async def use(ask: Ask) -> None:
        with pytest.raises(Refused):
            await ask()

    using(use, NAME)
    assert internet.dialled == []
    assert internet.asked == [NAME, "cdn.example", "edge.example"]


@both
def test_a_chain_whose_end_changes_its_mind(internet: Internet, using: Both) -> None:
    internet.names |= {NAME: ["edge.example"], "edge.example": [[OUTSIDE], [METADATA_SERVICE]]}

    async def use(ask: Ask) -> None:
        await ask()
        with pytest.raises(Refused):
            await ask()

    using(use, NAME)
    assert internet.dialled == [OUTSIDE]
    assert [host for _, host in internet.heard] == [NAME]


@both
@pytest.mark.parametrize(
    "address",
    ["::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "fe80::1%eth0"],
)
def test_home_in_other_words(internet: Internet, using: Both, address: str) -> None:
    internet.names[NAME] = [[address]]

    async def use(ask: Ask) -> None:
        with pytest.raises(Refused):
            await ask()

    using(use, NAME)
    assert internet.dialled == []


@pytest.mark.parametrize(("address", "unreachable"), [(OUTSIDE6, OUTSIDE6), (f"::ffff:{OUTSIDE}", None)])
def test_an_address_of_ipv6_is_dialled_as_it_was_checked(
    internet: Internet, address: str, unreachable: str | None
) -> None:
    internet.names[NAME] = [[address], ["::1"]]

    async def use(ask: Ask) -> None:
        with pytest.raises(StoreUnavailableError):
            await ask()

    with_gateway(use, NAME)
    (dialled,) = internet.dialled
    assert dialled in (unreachable, address, "::ffff:5db8:d822")
    assert internet.asked == [NAME]


@both
@pytest.mark.parametrize("to", ["http://127.0.0.1/", f"http://{METADATA_SERVICE}/latest", "http://inside.example/"])
def test_a_redirect_leads_nowhere(internet: Internet, using: Both, to: str) -> None:
    internet.names |= {NAME: [[OUTSIDE]], "inside.example": [["127.0.0.1"]]}
    internet.location = to

    async def use(ask: Ask) -> None:
        try:
            assert await ask() == 302  # a webhook's status, which counts as not delivered
        except StoreUnavailableError as error:
            assert "302" in str(error)  # noqa: PT017

    using(use, NAME)
    assert (internet.asked, internet.dialled, len(internet.heard)) == ([NAME], [OUTSIDE], 1)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0", "localhost.", "[::ffff:7f00:1]", "[::]"]
)
def test_home_as_old_resolvers_read_it(host: str) -> None:
    """Through the resolver of this machine, which knows such spellings of 127.0.0.1."""

    async def use(ask: Ask) -> None:
        with pytest.raises((*Refused, OSError)):
            await ask()

    with_hook(use, f"{host}:9")
    try:
        with_gateway(use, f"{host}:9")
    except ForbiddenGatewayError:
        assert host.startswith("[")  # an address is refused before anything is asked


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", ".example"])
def test_names_that_no_resolver_takes_are_refused_at_once(host: str) -> None:
    with pytest.raises(InputError):
        Gateway(f"http://{host}", timeout=1)
    with pytest.raises(InputError):
        Guarded(f"http://{host}", timeout=1, allow_private=False)
