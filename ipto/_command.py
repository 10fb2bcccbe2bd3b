# SPDX-License-Identifier: Apache-2.0
"""What the commands of `ipto.cli` share: finding the running stack, reading arguments, errors in words, ending."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from functools import cached_property, wraps
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol, TypeVar

import click

from ipto import presets
from ipto.accounts import Signer, open_keystore, read_passphrase
from ipto.chain import Deployment
from ipto.client import Contribution, OfferPlan, currencies
from ipto.content import LocalStore
from ipto.errors import InputError, IptoError
from ipto.quantities import Currency, parse_price, parse_scene
from ipto.rpc import Rpc
from ipto.services import Indexer, Relayer
from ipto.stack import Addresses, Stack, read_addresses
from ipto.structs import ZERO_ADDRESS, checksum_address

HOME = Path(".ipto")
_INTERRUPTED = 130


class _Closable(Protocol):
    def close(self) -> None: ...


_C = TypeVar("_C", bound=_Closable)


def _closed_later(client: _C) -> _C:
    """A client that is closed when the command ends."""
    click.get_current_context().call_on_close(client.close)
    return client


class Context:
    """Where the running stack is, and connections to its parts, made when they are needed."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def addresses(self) -> Addresses:
        """What the stack wrote about itself. Raises NotFoundError, InputError."""
        return read_addresses(self._home)

    @cached_property
    def deployment(self) -> Deployment:
        """The contracts, checked to be those of the node. Raises IntegrityError."""
        deployment = Deployment.load(Path(self.addresses.deployment))
        deployment.check(self.rpc)
        return deployment

    @cached_property
    def rpc(self) -> Rpc:
        """The chain's node."""
        return _closed_later(Rpc(self.addresses.rpc))

    @cached_property
    def store(self) -> LocalStore:
        """The content folder."""
        return LocalStore(Path(self.addresses.content))

    @cached_property
    def indexer(self) -> Indexer:
        """The indexer's API."""
        return _closed_later(Indexer(self.addresses.indexer))

    @cached_property
    def relayer(self) -> Relayer:
        """The relayer's API."""
        return _closed_later(Relayer(self.addresses.relayer))

    @cached_property
    def currencies(self) -> tuple[Currency, ...]:
        """What can be paid with."""
        return currencies(self.deployment)

    def wait(self, action: str) -> dict[str, Any]:
        """Wait for a relayed action; says on standard error what is happening."""
        return self.relayer.wait(action, lambda state: click.echo(f"relayer     {state}", err=True))


def reports_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns expected errors into one line and exit code 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except IptoError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise  # click ends in silence when nobody reads on
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'the system'}: {error.strerror or error}") from error

    return wrapped


home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=HOME,
    show_default=True,
    help="Folder of the running stack; its stack.json says where everything is.",
)
key_option = click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Encrypted keystore file; make one with `ipto key`.",
)
password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that holds the passphrase; asked for otherwise.",
)


def open_signer(key: Path, password_file: Path | None) -> Signer:
    """The key behind --key and --password-file. Raises as `open_keystore`."""
    return open_keystore(key, read_passphrase(password_file))


def read_plan(text: str, known: tuple[Currency, ...]) -> OfferPlan:
    """PRESET@PRICE[@SCENE]. Raises InputError."""
    preset, _, rest = text.partition("@")
    price, _, scene = rest.partition("@")
    if not price:
        raise InputError(f"{text!r:.80} is not an offer; write PRESET@PRICE[@SCENE]")
    presets.get_preset(preset)
    amount, currency = parse_price(price, known)
    return OfferPlan(preset, amount, currency, parse_scene(scene) if scene else None)


def read_contribution(text: str, me: str) -> Contribution:
    """NAME:ROLE:ADDRESS:PERCENT; ADDRESS may be `me`. Raises InputError."""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 4 or not all(parts):
        raise InputError(f"{text!r:.80} does not name a person; write NAME:ROLE:ADDRESS:PERCENT")
    name, role, address, percent = parts
    whole, point, fraction = percent.removesuffix("%").partition(".")
    digits = whole + fraction
    if not (whole and bool(fraction) == bool(point) and len(fraction) <= 4 and len(whole) <= 3
            and digits.isascii() and digits.isdecimal()):  # fmt: skip
        raise InputError(f"{percent!r:.20} is not a share; write percent with at most four decimals, such as 33.3333")
    share = int(whole) * 10_000 + int(fraction.ljust(4, "0"))
    if share == 0:
        raise InputError(f"{name:.40} has a share of 0 %; leave out who is not paid, or name them with a share")
    found = me if address == "me" else checksum_address(address, f"address of {name:.40}")
    if found == ZERO_ADDRESS:
        raise InputError(f"nobody holds the zero address; ask {name:.40} for theirs")
    return Contribution(name, role, found, share)


def read_number(text: str, what: str) -> int:
    """A token id in decimal or 0x hex. Raises InputError."""
    try:
        number = int(text, 16 if text.lower().startswith("0x") else 10) if text.isascii() and text.isalnum() else -1
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 256:
        raise InputError(f"{text!r:.80} is not the id of a {what}; write it in decimal or 0x hex")
    return number


def hold(stack: Stack) -> None:
    """Print where everything is and wait for Ctrl-C."""
    click.echo("")
    for name, where in (
        ("chain", stack.addresses.rpc),
        ("indexer", f"{stack.addresses.indexer}/v1/works"),
        ("API", f"{stack.addresses.indexer}/openapi.json"),
        ("relayer", f"{stack.addresses.relayer}/status"),
        ("contracts", stack.addresses.deployment),
        ("content", stack.addresses.content),
    ):
        click.echo(f"{name:<10} {where}")
    click.echo("\nRunning; Ctrl-C ends it.")
    while True:
        stack.check()
        time.sleep(0.5)


class ends_in_order:  # noqa: N801  # used as a function
    """SIGTERM, and the terminal's closing, end the command as Ctrl-C does, once and with exit code 130.

    Whoever presses Ctrl-C again while things are being ended does not keep them from being ended.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __enter__(self) -> None:
        self._is_ending = False
        self._before = {number: signal.signal(number, self._end) for number in self._SIGNALS}

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_ending:
            self._is_ending = True
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is KeyboardInterrupt:
            click.echo("\nEnded; nothing is left running.", err=True)
            sys.exit(_INTERRUPTED)
