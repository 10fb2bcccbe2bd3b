# SPDX-License-Identifier: Apache-2.0
"""`ipto …`: the protocol on the command line. Errors are one line that says what to do, and a non-zero exit."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from ipto import demo as demonstration
from ipto import ids, presets, seed, terms
from ipto.accounts import Signer, create_keystore, open_keystore, read_passphrase
from ipto.chain import Deployment
from ipto.client import Contribution, Creator, Licensee, OfferPlan, currencies, currency_at, party_digest, pay_out
from ipto.content import LocalStore
from ipto.errors import InputError, IptoError
from ipto.quantities import format_amount, parse_price, parse_scene
from ipto.rpc import Rpc
from ipto.services import Indexer, Relayer
from ipto.stack import Addresses, Ports, Stack, read_addresses
from ipto.structs import ZERO32, Offer, Share, checksum_address
from ipto.verification import verify_license

_HOME = Path(".ipto")
_INTERRUPTED = 130


class _Context:
    """Where the running stack is, and connections to its parts, made when they are needed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.addresses: Addresses = read_addresses(home)
        self.deployment = Deployment.load(Path(self.addresses.deployment))
        self.rpc = Rpc(self.addresses.rpc)
        self.store = LocalStore(Path(self.addresses.content))
        self.indexer = Indexer(self.addresses.indexer)
        self.relayer = Relayer(self.addresses.relayer)

    def offer(self, identifier: str) -> tuple[Offer, dict[str, Any]]:
        """An offer by id, checked to be what its id says, and the indexer's answer about it."""
        answer = self.indexer.get(f"offers/{identifier}")
        offer = Offer.from_mapping(answer["chain"])
        if "0x" + ids.offer_id(offer).hex() != answer["id"]:
            raise InputError("the indexer's offer does not have the id it is shown under; ask another indexer")
        return offer, answer


def _reports_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except IptoError as error:
            raise click.ClickException(str(error)) from error

    return wrapped


_home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=_HOME,
    show_default=True,
    help="Folder of the running stack.",
)
_key = click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Encrypted keystore file; make one with `ipto key`.",
)
_password = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File whose first line opens the keystore; asked for otherwise.",
)


def _signer(key: Path, password_file: Path | None) -> Signer:
    return open_keystore(key, read_passphrase(password_file))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ipto")
def main() -> None:
    """Register videos, license them, pay everyone who made them."""


@main.command()
@click.option("--video", type=click.Path(path_type=Path), help="A video of your own; the sample clip otherwise.")
@click.option("--keep", is_flag=True, help="Leave everything running and print the addresses.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for everything it writes; a temporary one by default, .ipto with --keep.",
)
@_reports_errors
def demo(video: Path | None, keep: bool, home: Path | None) -> None:
    """The main job on a real video, end to end."""
    hold = _hold if keep else None
    with _stopping():
        if home is None and not keep:
            with tempfile.TemporaryDirectory(prefix="ipto-demo-") as scratch:
                demonstration.run(video, Path(scratch), click.echo, hold=hold)
        else:
            demonstration.run(video, home or _HOME, click.echo, hold=hold)


@main.command()
@click.option("--seed", "count", type=click.IntRange(1, 100_000), help="Fill it with a catalog of so many works.")
@click.option("--seed-number", default=1, show_default=True, help="Another number gives another catalog.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), default=_HOME, show_default=True)
@click.option(
    "--block-time", type=click.IntRange(1, 3600), help="Seconds between blocks; one per transaction if not given."
)
@click.option("--chain-port", default=8545, show_default=True, help="0 takes a free one.")
@click.option("--indexer-port", default=8610, show_default=True, help="0 takes a free one.")
@click.option("--relayer-port", default=8470, show_default=True, help="0 takes a free one.")
@_reports_errors
def up(
    count: int | None,
    seed_number: int,
    home: Path,
    block_time: int | None,
    chain_port: int,
    indexer_port: int,
    relayer_port: int,
) -> None:
    """Chain, contracts, indexer and relayer for development; Ctrl-C ends them."""
    ports = Ports(chain_port, indexer_port, relayer_port)
    with _stopping(), Stack(home, ports, block_time=block_time, say=lambda text: click.echo(f"{text} …")) as stack:
        if count:
            seed.fill(
                stack.chain,
                stack.deployment,
                count,
                seed_number,
                store=LocalStore(stack.addresses.content),
                report=click.echo,
            )
        _hold(stack)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@_password
@_reports_errors
def key(path: Path, password_file: Path | None) -> None:
    """Make a new key in an encrypted file; prints its address."""
    signer = create_keystore(path, read_passphrase(password_file, confirm=True))
    click.echo(signer.address)


@main.command("presets")
def list_presets() -> None:
    """The ready-made offers."""
    for preset in presets.PRESETS.values():
        click.echo(f"{preset.name:<28} {preset.explanation}")


@main.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option("--title", required=True)
@click.option(
    "--person",
    "people",
    multiple=True,
    required=True,
    metavar="NAME:ROLE:ADDRESS:PERCENT",
    help="Who made it and is paid; repeat for each. ADDRESS may be `me`. The first is named as creator.",
)
@click.option(
    "--offer",
    "offers",
    multiple=True,
    metavar="PRESET@PRICE[@SCENE]",
    help="For example train-nonexclusive-1y@25 tUSD, or inference-scene@0.01 ETH@0:05-0:12.",
)
@click.option("--credit", "credit_line", help="The line licensees print.")
@_key
@_password
@_home
@_reports_errors
def register(
    video: Path,
    title: str,
    people: tuple[str, ...],
    offers: tuple[str, ...],
    credit_line: str | None,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Register VIDEO, split its income and post offers: one signature, no gas."""
    context = _Context(home)
    plans = [_plan(text, context.deployment) for text in offers]
    signer = _signer(key, password_file)
    creator = Creator(signer, context.deployment, context.store)
    contributions = [_contribution(text, signer.address) for text in people]
    prepared = creator.prepare(
        creator.read(video), title=title, people=contributions, plans=plans, credit_line=credit_line
    )
    action = context.relayer.wait(creator.hand_in(prepared, context.relayer), lambda state: click.echo(state, err=True))
    click.echo(f"work        {prepared.work}")
    for offer in prepared.offers:
        click.echo(f"offer       0x{ids.offer_id(offer).hex()}")
    click.echo(f"transaction {action['transaction']}")


@main.command()
@click.argument("work", type=str)
@click.argument("preset", type=str)
@click.argument("price", type=str)
@click.option("--scene", help="Such as 0:05-0:12; the whole video otherwise.")
@_key
@_password
@_home
@_reports_errors
def offer(
    work: str, preset: str, price: str, scene: str | None, key: Path, password_file: Path | None, home: Path
) -> None:
    """Post one more offer of WORK: a preset (`ipto presets`) and a PRICE such as `25 tUSD`. No gas."""
    context = _Context(home)
    signer = _signer(key, password_file)
    known = context.indexer.get(f"works/{work}")
    amount, currency = parse_price(price, currencies(context.deployment))
    made, paper = presets.make_offer(
        preset,
        work=int(known["id"]),
        licensor=signer.address,
        price=amount,
        currency=currency,
        scene=parse_scene(scene) if scene else None,
        details=terms.TermsDetails(work_title=known["metadata"]["title"]),
    )
    creator = Creator(signer, context.deployment, context.store)
    context.relayer.wait(creator.post([made], [paper], context.relayer), lambda state: click.echo(state, err=True))
    click.echo(f"offer 0x{ids.offer_id(made).hex()}")


@main.command()
@click.argument("offer_id", metavar="OFFER")
@_key
@_password
@_home
@_reports_errors
def withdraw(offer_id: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Withdraw an offer. Licenses sold from it stay. No gas."""
    context = _Context(home)
    found, _ = context.offer(offer_id)
    creator = Creator(_signer(key, password_file), context.deployment, context.store)
    context.relayer.wait(creator.withdraw(found, context.relayer), lambda state: click.echo(state, err=True))
    click.echo("withdrawn")


@main.command("license")
@click.argument("offer_id", metavar="OFFER")
@click.option("--party", required=True, help="Legal name of who signs; only its salted digest goes on chain.")
@click.option("--register-number", default="", help="Number of the party in its register.")
@click.option("--gasless", is_flag=True, help="Sign the payment and let the relayer carry it (EIP-3009 currencies).")
@click.option("--yes", is_flag=True, help="Do not ask before paying.")
@_key
@_password
@_home
@_reports_errors
def buy(
    offer_id: str,
    party: str,
    register_number: str,
    gasless: bool,
    yes: bool,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Read OFFER, show it in words, and buy a license."""
    context = _Context(home)
    found, answer = context.offer(offer_id)
    paper = terms.parse_terms(context.store.get_document(found.terms), found.terms)
    currency = currency_at(context.deployment, found.currency)
    click.echo(terms.summary(found, currency, paper))
    quote = answer["quote"]
    if quote is None:
        raise InputError("the work of this offer is not known to the indexer; it cannot be bought")
    if not yes:
        click.confirm(f"Pay {format_amount(int(quote['total']['amount']), currency)}?", abort=True)
    signer = _signer(key, password_file)
    digest, document = party_digest(party, register_number)
    read = quote["acknowledge"]
    cultural = bytes.fromhex(read["cultural"][2:]) if read["cultural"] else ZERO32
    licensee = Licensee(signer, context.deployment, context.rpc)
    agreed: dict[str, Any] = {"party": digest, "cultural": cultural, "claim_rank": read["claim_rank"]}
    if gasless:
        order = licensee.authorize(found, **agreed)
        action = context.relayer.wait(context.relayer.purchase(order), lambda state: click.echo(state, err=True))
        receipt = context.rpc.call("eth_getTransactionReceipt", action["transaction"])
        number = licensee.market.events(receipt["logs"], "LicenseMinted")[-1].args["license"]
    else:
        number, _ = licensee.mint(found, **agreed)
    click.echo(f"license {number}")
    click.echo(f"keep this, it opens the party's digest: {document}")


@main.command()
@click.argument("split", type=str)
@click.option("--currency", default="ETH", show_default=True, help="Its symbol.")
@_key
@_password
@_home
@_reports_errors
def payout(split: str, currency: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Send what a SPLIT (0x…, as the indexer shows it) has earned to its people. Anyone may; KEY pays the gas."""
    context = _Context(home)
    known = context.indexer.get(f"splits/{split}")
    chosen = next((item for item in currencies(context.deployment) if item.symbol.lower() == currency.lower()), None)
    if chosen is None:
        names = ", ".join(item.symbol for item in currencies(context.deployment))
        raise InputError(f"the currency {currency} is not known here; use one of {names}")
    shares = [Share(bytes.fromhex(item["account"]["account"][2:]), item["share"]) for item in known["recipients"]]
    controller = known["controller"] or "0x" + "00" * 20
    if "0x" + ids.split_account(shares, controller).hex() != known["split"]:
        raise InputError("the indexer's split does not have the id it is shown under; ask another indexer")
    receipt = pay_out(context.rpc, context.deployment, _signer(key, password_file), shares, controller, chosen.address)
    click.echo(f"transaction {receipt.tx_hash}")


@main.command()
@click.argument("license_id", metavar="LICENSE")
@click.option("--file", type=click.Path(path_type=Path), help="The video that is to be used: its bytes must match.")
@click.option("--at", type=int, help="UTC seconds for which to ask; now if not given.")
@_home
@_reports_errors
def verify(license_id: str, file: Path | None, at: int | None, home: Path) -> None:
    """What LICENSE permits, from the chain and documents that match their digests. Exit 1 when a check fails."""
    context = _Context(home)
    report = verify_license(
        _number(license_id),
        context.deployment,
        context.rpc,
        context.store,
        currencies=currencies(context.deployment),
        file=file,
        at=at,
    )
    for check in report.checks:
        click.echo(f"{'holds' if check.holds else 'FAILS'}  {check.name}: {check.detail}")
    if file is None:
        click.echo("note   no file was compared; name it with --file")
    click.echo("")
    click.echo(report.summary)
    if not report.holds:
        raise click.ClickException("this license is no evidence of permission: a check fails")


def _plan(text: str, deployment: Deployment) -> OfferPlan:
    """PRESET@PRICE[@SCENE]"""
    preset, _, rest = text.partition("@")
    price, _, scene = rest.partition("@")
    if not price:
        raise InputError(f"{text!r:.80} is not an offer; write PRESET@PRICE[@SCENE]")
    amount, currency = parse_price(price, currencies(deployment))
    return OfferPlan(preset, amount, currency, parse_scene(scene) if scene else None)


def _contribution(text: str, me: str) -> Contribution:
    """NAME:ROLE:ADDRESS:PERCENT"""
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 4:
        raise InputError(f"{text!r:.80} does not name a person; write NAME:ROLE:ADDRESS:PERCENT")
    name, role, address, percent = parts
    whole, _, fraction = percent.partition(".")
    if not (whole.isdecimal() and (not fraction or fraction.isdecimal()) and len(fraction) <= 4 and percent.isascii()):
        raise InputError(f"{percent!r:.20} is not a share; write percent with at most four decimals, such as 33.3333")
    share = int(whole) * 10_000 + int(fraction.ljust(4, "0") or 0)
    return Contribution(name, role, me if address == "me" else checksum_address(address, "person"), share)


def _number(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        raise InputError(f"{text!r:.80} is not a license id; write it in decimal or 0x hex") from None
    if not 0 <= number < 1 << 256:
        raise InputError("a license id has at most 256 bits")
    return number


def _hold(stack: Stack) -> None:
    """Print where everything is and wait for Ctrl-C."""
    shown: Iterable[tuple[str, str]] = (
        ("chain", stack.addresses.rpc),
        ("indexer", f"{stack.addresses.indexer}/v1/works"),
        ("API", f"{stack.addresses.indexer}/openapi.json"),
        ("relayer", f"{stack.addresses.relayer}/status"),
        ("contracts", stack.addresses.deployment),
        ("content", stack.addresses.content),
    )
    click.echo("")
    for name, where in shown:
        click.echo(f"{name:<10} {where}")
    click.echo("\nRunning; Ctrl-C ends it.")
    while True:
        stack.check()
        time.sleep(0.5)


class _stopping:  # noqa: N801  # used as a function
    """Turns SIGTERM into the same orderly end as Ctrl-C, and an interruption into exit code 130."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._end)

    @staticmethod
    def _end(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if kind is KeyboardInterrupt:
            click.echo("\nEnded; nothing is left running.", err=True)
            sys.exit(_INTERRUPTED)
