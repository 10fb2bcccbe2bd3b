# SPDX-License-Identifier: Apache-2.0
"""`ipto dataset …`: everything is read from the chain; no indexer is asked."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import click

from ipto import ids
from ipto._command import (
    Context,
    home_option,
    key_option,
    open_signer,
    password_option,
    read_number,
    reports_errors,
)
from ipto.client import (
    Curator,
    DatasetLicensee,
    collect,
    currency_at,
    live_offers,
    party_digest,
    read_dataset,
    read_offers,
    take_out,
)
from ipto.datasets import NOT_LEFT, History, build_dataset, misfits
from ipto.errors import InputError
from ipto.quantities import Currency, format_amount, parse_price
from ipto.structs import Dataset, Usage
from ipto.terms import parse_terms

_PERCENT = 100  # basis points


@click.group()
def dataset() -> None:
    """Many works under one set of terms, licensed in one transaction."""


def read_id(text: str, what: str) -> bytes:
    """The id of an offer or dataset, 0x and 64 hex digits. Raises InputError."""
    try:
        value = bytes.fromhex(text.removeprefix("0x")) if text.startswith("0x") else b""
    except ValueError:
        value = b""
    if len(value) != 32:
        raise InputError(f"{text!r:.80} is not the id of {what}; write 0x and 64 hex digits")
    return value


def read_fee(text: str) -> int:
    """A curator's fee in percent with at most two decimals, as basis points. Raises InputError."""
    whole, point, fraction = text.removesuffix("%").strip().partition(".")
    digits = whole + fraction
    if not (whole and bool(fraction) == bool(point) and len(fraction) <= 2 and len(whole) <= 2
            and digits.isascii() and digits.isdecimal()):  # fmt: skip
        raise InputError(f"{text!r:.20} is not a fee; write percent with at most two decimals, such as 2.5")
    return int(whole) * _PERCENT + int(fraction.ljust(2, "0"))


def _opened(history: History) -> Dataset:
    assert history.dataset is not None  # read_dataset refuses what was not opened
    return history.dataset


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@dataset.command("open")
@click.argument("offer_id", metavar="OFFER")
@click.option(
    "--fee", default="0", show_default=True, help="The curator's, in percent on top of the prices; at most 10."
)
@click.option("--salt", help="0x and 64 hex digits; random if not given, so that the same terms can be opened again.")
@key_option
@password_option
@home_option
@reports_errors
def open_(offer_id: str, fee: str, salt: str | None, key: Path, password_file: Path | None, home: Path) -> None:
    """Open a dataset that OFFER fits into, and every offer of the same terms. KEY becomes its curator."""
    context = Context(home)
    number, basis_points = read_id(offer_id, "an offer"), read_fee(fee)
    salted = read_id(salt, "a salt") if salt else secrets.token_bytes(32)
    signer = open_signer(key, password_file)
    like = read_offers(context.deployment, context.rpc, [number])[number]
    made = build_dataset(like, signer.address, curator_fee_bps=basis_points, salt=salted)
    receipt = Curator(signer, context.deployment, context.rpc).open(made)
    click.echo(f"dataset     0x{ids.dataset_id(made).hex()}")
    click.echo(f"transaction {receipt.tx_hash}")


@dataset.command()
@click.argument("dataset_id", metavar="DATASET")
@click.argument("offer_ids", nargs=-1, metavar="[OFFER]...")
@click.option("--all", "everything", is_flag=True, help="Every offer on this chain that fits and is good now.")
@click.option("--up-to", "highest", help="With --all: leave dearer ones out, such as `5 tUSD`.")
@key_option
@password_option
@home_option
@reports_errors
def add(
    dataset_id: str,
    offer_ids: tuple[str, ...],
    everything: bool,
    highest: str | None,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Add OFFERs to DATASET, fifty in a transaction. Only its curator can."""
    context = Context(home)
    if everything == bool(offer_ids) or (highest and not everything):
        raise InputError("name the offers to add, or say --all (and --up-to a price if you like)")
    number = read_id(dataset_id, "a dataset")
    history = read_dataset(context.deployment, context.rpc, number)
    opened, inside = _opened(history), {member.offer for member in history.current}
    if everything:
        found = [
            item for item in live_offers(context.deployment, context.rpc, opened) if ids.offer_id(item) not in inside
        ]
        if highest:
            amount, currency = parse_price(highest, context.currencies)
            if currency.address != opened.currency:
                raise InputError(f"the dataset is not in {currency.symbol}; name the price in its own currency")
            found = [item for item in found if item.price <= amount]
    else:
        wanted = [read_id(text, "an offer") for text in offer_ids]
        found = list(read_offers(context.deployment, context.rpc, wanted).values())
        for item in found:
            if problems := misfits(opened, item):
                raise InputError(f"0x{ids.offer_id(item).hex()} does not fit: {'; '.join(problems)}")
    if not found:
        raise InputError("there is nothing to add")
    receipts = Curator(open_signer(key, password_file), context.deployment, context.rpc).add(opened, found)
    click.echo(f"added       {_counted(len(found), 'work')} in {_counted(len(receipts), 'transaction')}")
    click.echo(f"state       0x{read_dataset(context.deployment, context.rpc, number).state.hex()}")


@dataset.command()
@click.argument("dataset_id", metavar="DATASET")
@click.option("--members", is_flag=True, help="List them.")
@click.option("--license", "license_id", help="Only those that this license covers, with the spell that says so.")
@home_option
@reports_errors
def show(dataset_id: str, members: bool, license_id: str | None, home: Path) -> None:
    """What DATASET is, who is in it, and what a license costs now."""
    context = Context(home)
    number = read_id(dataset_id, "a dataset")
    history = read_dataset(context.deployment, context.rpc, number)
    opened = _opened(history)
    currency = currency_at(context.deployment, opened.currency)
    market = context.deployment.contract("DatasetMarket", context.rpc)
    total, price, curator_fee, fee, count, _ = market.call("quote", opened)
    waiting = sum(item.owed(history.sales) * item.price for item in history.members.values())
    usages = ", ".join(str(usage.name) for usage in Usage(opened.usages))
    click.echo(f"curator     {opened.curator}")
    click.echo(f"usages      {usages}")
    click.echo(f"members     {count:,}")
    click.echo(f"price       {format_amount(price, currency)}")
    click.echo(f"fees        curator {format_amount(curator_fee, currency)}, protocol {format_amount(fee, currency)}")
    click.echo(f"total       {format_amount(total, currency)}")
    click.echo(f"sales       {history.sales:,}")
    click.echo(f"uncollected {format_amount(waiting, currency)}")
    click.echo(f"state       0x{history.state.hex()} (replayed from {_counted(len(history.members), 'offer')})")
    if license_id is not None:
        for member, spell in history.covered(read_number(license_id, "license")):
            click.echo(f"covers      0x{member.offer.hex()} work {member.work} spell {spell.number}")
    elif members:
        for member in history.members.values():
            last = member.spells[-1]
            until = "now" if last.left == NOT_LEFT else f"sale {last.left}"
            click.echo(
                f"{'in ' if member.is_in else 'out'} 0x{member.offer.hex()} work {member.work} "
                f"{format_amount(member.price, currency)} spell {last.number}: after sale {last.joined} until {until}"
            )


@dataset.command("license")
@click.argument("dataset_id", metavar="DATASET")
@click.option("--party", required=True, help="Legal name of who signs; only its salted digest goes on chain.")
@click.option("--register-number", default="", help="Number of the party in its register.")
@click.option("--at-least", type=click.IntRange(1), help="Accept whichever members there are, from so many on.")
@click.option("--up-to", "highest", help="With --at-least: the highest total, such as `500 tUSD`.")
@click.option("--yes", is_flag=True, help="Do not ask before paying.")
@key_option
@password_option
@home_option
@reports_errors
def license_(
    dataset_id: str,
    party: str,
    register_number: str,
    at_least: int | None,
    highest: str | None,
    yes: bool,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Read DATASET, show its terms in words, and license all its works in one transaction."""
    context = Context(home)
    if not party.strip():
        raise InputError("name the party: the legal name of who signs")
    if (at_least is None) != (highest is None):
        raise InputError("--at-least and --up-to go together: how few members, and how much at most")
    number = read_id(dataset_id, "a dataset")
    signer = open_signer(key, password_file)
    licensee = DatasetLicensee(signer, context.deployment, context.rpc)
    agreement = licensee.agree(number)
    opened = agreement.dataset
    currency = currency_at(context.deployment, opened.currency)
    _show_terms(context, opened)
    click.echo(f"\n{_counted(agreement.members, 'work')}, {format_amount(agreement.total, currency)} in all")
    most = _highest(highest, context.currencies, currency)
    if not yes:
        click.confirm(f"Pay {format_amount(agreement.total if most is None else most, currency)}?", abort=True)
    digest, document = party_digest(party, register_number)
    if at_least is None or most is None:
        license, receipt = licensee.mint(agreement, digest)
    else:
        license, receipt = licensee.mint_at_least(agreement, digest, min_members=at_least, max_total=most)
    click.echo(f"license     {license}")
    click.echo(f"gas         {receipt.gas_used:,}")
    click.echo(f"party       {json.dumps(document, ensure_ascii=False)}")
    click.echo("Keep the line above: it opens the party's digest on chain to an auditor.")


def _highest(text: str | None, known: tuple[Currency, ...], currency: Currency) -> int | None:
    if text is None:
        return None
    amount, named = parse_price(text, known)
    if named != currency:
        raise InputError(f"the dataset is sold in {currency.symbol}, not in {named.symbol}; name that")
    return amount


def _show_terms(context: Context, opened: Dataset) -> None:
    """The terms document all members share, which must match its digest. Raises as the store does."""
    paper = parse_terms(context.store.get_document(opened.terms), opened.terms)
    click.echo(paper["summary"])


@dataset.command("collect")
@click.argument("dataset_id", metavar="DATASET")
@key_option
@password_option
@home_option
@reports_errors
def collect_(dataset_id: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Book what DATASET earned to its members' payees. Anyone may; KEY pays the gas."""
    context = Context(home)
    number = read_id(dataset_id, "a dataset")
    signer = open_signer(key, password_file)
    currency = currency_at(context.deployment, _opened(read_dataset(context.deployment, context.rpc, number)).currency)
    done = collect(context.deployment, context.rpc, signer, number)
    for account, amount in done.accounts.items():
        click.echo(f"{ids.account_address(account) or f'0x{account.hex()}'} {format_amount(amount, currency)} booked")
    for work in done.held:
        click.echo(f"work {work} is on hold; its money waits")
    if not done.receipts:
        raise InputError("nothing is owed that can be collected now; nothing was sent")
    members, sent = _counted(len(done.amounts), "member"), _counted(len(done.receipts), "transaction")
    click.echo(f"collected   {format_amount(done.total, currency)} for {members} in {sent}")


@dataset.command("take-out")
@click.argument("dataset_id", metavar="DATASET")
@click.argument("offer_id", metavar="OFFER")
@key_option
@password_option
@home_option
@reports_errors
def take_out_(dataset_id: str, offer_id: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Take OFFER out of DATASET, as the work's owner. Licenses sold before stay, and what they paid is still owed."""
    context = Context(home)
    number, wanted = read_id(dataset_id, "a dataset"), read_id(offer_id, "an offer")
    signer = open_signer(key, password_file)
    whole = read_offers(context.deployment, context.rpc, [wanted])[wanted]
    receipt = take_out(context.deployment, context.rpc, signer, number, whole)
    click.echo("taken out")
    click.echo(f"transaction {receipt.tx_hash}")


@dataset.command("expel")
@click.argument("dataset_id", metavar="DATASET")
@key_option
@password_option
@home_option
@reports_errors
def expel_(dataset_id: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Remove the members of DATASET whose offers are no longer good. Anyone may; KEY pays the gas."""
    context = Context(home)
    number = read_id(dataset_id, "a dataset")
    gone = Curator(open_signer(key, password_file), context.deployment, context.rpc).expel_all(number)
    for offer in gone:
        click.echo(f"expelled    0x{offer.hex()}")
    if not gone:
        click.echo("every member is good")
