# SPDX-License-Identifier: Apache-2.0
"""The whole protocol on one machine: embedded chain, contracts, content folder, indexer and relayer.

The services are processes of their own that meet over HTTP and over the chain, as they do in production. `stack.json`
in the home folder says where everything is, for the other commands.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import orjson

from ipto.accounts import create_keystore
from ipto.chain import Deployment
from ipto.deploy import Parameters, deploy
from ipto.devchain import DevChain
from ipto.errors import InputError, IptoError, NotFoundError
from ipto.processes import ChildError, GuardedProcess, require_free_port

__all__ = ["Addresses", "Ports", "Stack", "StackError", "read_addresses"]

FILE = "stack.json"
_LOCKS = ("lock", "lock.parts")  # held by the stack itself, and by each of its processes
_READY_SECONDS = 60.0
_LEFTOVER_SECONDS = 30.0
_RELAYER_FUNDS = 100 * 10**18
# How each service says where it listens.
_LISTENING = re.compile(r"(?:indexer API|running) on http://127\.0\.0\.1:(\d+)")
# What a start begins anew; the content folder and everything else in the home folder stays.
_DISPOSABLE = ("deployments", "indexer.sqlite", "relayer.sqlite", "keys", "films", "logs", FILE)


class StackError(IptoError, RuntimeError):
    """A part of the stack did not come up."""


@dataclass(frozen=True)
class Ports:
    """Where the three servers listen; 0 takes a free port."""

    chain: int = 0
    indexer: int = 0
    relayer: int = 0


@dataclass(frozen=True)
class Addresses:
    """Where a running stack is found."""

    rpc: str
    indexer: str
    relayer: str
    deployment: str  # path of the deployment file
    content: str  # path of the content folder


def read_addresses(home: Path) -> Addresses:
    """What the stack running in `home` wrote about itself. Raises NotFoundError, InputError."""
    try:
        addresses = Addresses(**orjson.loads((home / FILE).read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no stack runs in {home}; start one with `ipto up`, or name its folder: --home") from None
    except (orjson.JSONDecodeError, TypeError):
        addresses = None
    if addresses is None or not all(isinstance(value, str) and value for value in asdict(addresses).values()):
        raise InputError(f"{home / FILE} is damaged; start the stack again with `ipto up`")
    return addresses


class Stack:
    """A context manager around the running stack."""

    def __init__(
        self,
        home: Path,
        ports: Ports | None = None,
        *,
        say: Callable[[str], None] = lambda _: None,
        settings: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """home: folder for everything it writes. say: told what is happening, in words. settings: for `indexer` and
        `relayer`, further settings by name, such as WEBHOOKS."""
        self._further = settings or {}
        self.home, self._ports, self._say = home.resolve(), ports or Ports(), say
        self._locks = contextlib.ExitStack()
        self._held: tuple[int, ...] = ()
        self._claimed = False
        self._services: dict[str, GuardedProcess] = {}
        self._settings: dict[str, dict[str, str]] = {}
        self._chain: DevChain | None = None
        self._addresses: Addresses | None = None
        self._deployment: Deployment | None = None

    @property
    def addresses(self) -> Addresses:
        """Where everything is, once started."""
        if self._addresses is None:
            raise StackError("the stack is not running")
        return self._addresses

    @property
    def deployment(self) -> Deployment:
        """The deployed contracts, once started."""
        if self._deployment is None:
            raise StackError("the stack is not running")
        return self._deployment

    @property
    def chain(self) -> DevChain:
        """The embedded chain, once started."""
        if self._chain is None:
            raise StackError("the stack is not running")
        return self._chain

    def start(self) -> Self:
        """Bring everything up, one part after the other; what was started is ended again when one fails."""
        try:
            self._claim_home()
            for port, what in ((self._ports.chain, "the chain"), (self._ports.indexer, "the indexer"),
                               (self._ports.relayer, "the relayer")):  # fmt: skip
                require_free_port(port, what)
            for name in _DISPOSABLE:
                target = self.home / name
                shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            for leftover in self.home.glob("*.sqlite-*"):
                leftover.unlink()
            self._start_chain()
            self._start_services()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End everything; returns when nothing is left. Safe to call twice."""
        for service in reversed(self._services.values()):
            service.stop()
        self._services.clear()
        if self._chain is not None:
            self._chain.stop()
            self._chain = None
        if self._claimed:
            (self.home / FILE).unlink(missing_ok=True)
            self._claimed = False
        self._locks.close()
        self._addresses = self._deployment = None

    def check(self) -> None:
        """Raise ChildError or DevChainError when a part has ended by itself."""
        self.chain.check()
        for service in self._services.values():
            service.check()

    def crash(self, service: str) -> None:
        """Kill `indexer` or `relayer` with SIGKILL."""
        self._services[service].kill()

    def resume(self, service: str) -> None:
        """Start a crashed service again where it was, and wait until it is ready."""
        port = int(getattr(self.addresses, service).rpartition(":")[2])
        self._set_service(service, port, self._settings[service])
        self._services[service].start()
        self._await_ready(service)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _claim_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            mine, theirs = (self._locks.enter_context((self.home / name).open("wb")) for name in _LOCKS)
        except OSError as error:
            raise InputError(f"{self.home} cannot be used ({error.strerror}); choose another folder") from None
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"a stack runs in {self.home} already; end it, or choose another folder") from None
        self._claimed = True
        # The children hold this one: after kill -9 of their parent they need a moment to end, and their databases and
        # ports are theirs until then.
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while True:
            try:
                fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackError(f"parts of an earlier stack in {self.home} do not end; end them") from None
                time.sleep(0.05)
        self._held = (theirs.fileno(),)

    def _start_chain(self) -> None:
        self._say("starting an embedded chain")
        log = self.home / "logs" / "chain.log"
        self._chain = DevChain(port=self._ports.chain, log=log, held=self._held).start()
        rpc = self._chain.rpc
        self._say("deploying the contracts")
        owner = self._chain.signers[0]
        self._deployment = deploy(rpc, owner, Parameters(owner=owner.address), test_token=True)
        self._deployment.save(self.home / "deployments")

    def _start_services(self) -> None:
        assert self._chain is not None
        content = self.home / "content"
        content.mkdir(exist_ok=True)
        self._addresses = Addresses(
            rpc=self._chain.url,
            indexer="",
            relayer="",
            deployment=str(self.home / "deployments" / f"{self._chain.chain_id}.json"),
            content=str(content),
        )
        for name, port, settings in (
            ("indexer", self._ports.indexer, self._indexer_settings()),
            ("relayer", self._ports.relayer, self._relayer_settings()),
        ):
            self._say(f"starting the {name}")
            self._set_service(name, port, settings | dict(self._further.get(name, {})))
            self._services[name].start()
        # Both at once, for they take most of a start's time.
        for name in self._services:
            port = self._await_port(name)
            self._addresses = replace(self._addresses, **{name: f"http://127.0.0.1:{port}"})
            self._await_ready(name)
        (self.home / FILE).write_bytes(orjson.dumps(asdict(self._addresses), option=orjson.OPT_INDENT_2))

    def _set_service(self, name: str, port: int, settings: dict[str, str]) -> None:
        common = {
            "RPC_URL": self.addresses.rpc,
            "DEPLOYMENT": self.addresses.deployment,
            "HOST": "127.0.0.1",
            "PORT": str(port),
        }
        env = {f"IPTO_{name.upper()}_{key}": value for key, value in (common | settings).items()}
        command = [sys.executable, "-m", name, "run"]
        log = self.home / "logs" / f"{name}.log"
        self._services[name] = GuardedProcess(name, command, log, env, held=self._held)
        self._settings[name] = settings

    def _indexer_settings(self) -> dict[str, str]:
        return {
            "DATABASE": f"sqlite:///{self.home / 'indexer.sqlite'}",
            "CONTENT_FOLDER": self.addresses.content,
            "POLL_SECONDS": "0.1",
            # The embedded chain never reorganises by itself.
            "FINALITY_BLOCKS": "0",
        }

    def _relayer_settings(self) -> dict[str, str]:
        """A fresh key for the relayer, with gas money, in an encrypted keystore as in production."""
        keys = self.home / "keys"
        keys.mkdir(mode=0o700)
        passphrase = secrets.token_urlsafe(24)
        password = keys / "relayer.password"
        password.touch(mode=0o600)
        password.write_text(passphrase + "\n")
        signer = create_keystore(keys / "relayer.json", passphrase)
        self.chain.set_balance(signer.address, _RELAYER_FUNDS)
        return {
            "CHAIN_ID": str(self.chain.chain_id),
            "DATABASE": str(self.home / "relayer.sqlite"),
            "CONTENT_FOLDER": self.addresses.content,
            "FILM_FOLDER": str(self.home / "films"),
            "KEYSTORE": str(keys / "relayer.json"),
            "PASSWORD_FILE": str(password),
            "CURRENCIES": ",".join(token.address for token in self.deployment.tokens.values()),
            "CONFIRMATIONS": "1",
            "POLL_SECONDS": "0.1",
            "DEADLINE_MARGIN": "5",
            "SEND_MARGIN": "2",
        }

    def _await_port(self, name: str) -> int:
        """Where a service listens that took a free port."""
        service, deadline = self._services[name], time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if found := _LISTENING.search(service.output()):
                return int(found[1])
            service.check()
            time.sleep(0.02)
        raise ChildError(f"the {name} did not start within {_READY_SECONDS:g} s; see {service.log}")

    def _await_ready(self, name: str) -> None:
        url = getattr(self.addresses, name) + "/ready"
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            self._services[name].check()
            try:
                # No proxy of this machine's: the service is on it.
                if httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.05)
        raise ChildError(f"the {name} was not ready within {_READY_SECONDS:g} s; see {self._services[name].log}")
