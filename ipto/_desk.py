# SPDX-License-Identifier: Apache-2.0
"""The commands of those who buy, pay out and audit; `ipto.cli` puts them beside the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from ipto import ids, terms, works
from ipto._command import (
    Context,
    home_option,
    key_option,
    open_signer,
    password_option,
    read_number,
    reports_errors,
)
from ipto.chain import Deployment
from ipto.client import Agreement, Licensee, currencies, currency_at, license_in, party_digest, pay_out
from ipto.content import ContentStore, LocalStore
from ipto.errors import InputError
from ipto.quantities import Currency, format_amount
from ipto.rpc import Rpc
from ipto.structs import ZERO32, ZERO_ADDRESS, Share
from ipto.verification import Report, utc, verify_license


@click.command("license")
@click.argument("offer_id", metavar="OFFER")
@click.option("--party", required=True, help="Legal name of who signs; only its salted digest goes on chain.")
@click.option("--register-number", default="", help="Number of the party in its register.")
@click.option("--gasless", is_flag=True, help="Sign the payment and let the relayer carry it (EIP-3009 currencies).")
@click.option("--yes", is_flag=True, help="Do not ask before paying.")
@key_option
@password_option
@home_option
@reports_errors
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
    context = Context(home)
    if not party.strip():
        raise InputError("name the party: the legal name of who signs")
    signer = open_signer(key, password_file)
    licensee = Licensee(signer, context.deployment, context.rpc)
    answer = context.indexer.get_offer(offer_id)
    if answer["blocked_by"]:
        reasons = ", ".join(reason.replace("_", " ") for reason in answer["blocked_by"])
        raise InputError(f"this offer cannot be bought now: {reasons}")
    agreement = licensee.agree(answer)
    currency = currency_at(context.deployment, agreement.offer.currency)
    _show(agreement, currency, context.store)
    if not yes:
        click.confirm(f"\nPay {format_amount(agreement.total, currency)}?", abort=True)
    digest, document = party_digest(party, register_number)
    if gasless:
        action = context.wait(context.relayer.purchase(licensee.authorize(agreement, digest)))
        receipt = context.rpc.call("eth_getTransactionReceipt", action["transaction"])
        number = license_in(licensee.market, receipt["logs"])
    else:
        number, _ = licensee.mint(agreement, digest)
    click.echo(f"\nlicense     {number}")
    click.echo(f"party       {json.dumps(document, ensure_ascii=False)}")
    click.echo("Keep the line above: it opens the party's digest on chain to an auditor.")


def _show(agreement: Agreement, currency: Currency, store: ContentStore) -> None:
    """All that a buyer acknowledges, in words, from documents that match their digests."""
    offer = agreement.offer
    paper = terms.parse_terms(store.get_document(offer.terms), offer.terms)
    if wrong := terms.check_terms_match(offer, paper):
        click.echo(f"Warning: the terms document contradicts the chain, which prevails: {'; '.join(wrong)}")
    click.echo(terms.summary(offer, currency, paper))
    if agreement.cultural != ZERO32:
        notice = works.parse_cultural(store.get_document(agreement.cultural), agreement.cultural)
        click.echo("\nCultural notice, to be respected:")
        click.echo(json.dumps(notice, ensure_ascii=False, indent=2))
    if agreement.claim_rank:
        click.echo("\nWarning: another account registered the same file more than a day earlier.")


@click.command()
@click.argument("payee", type=str)
@click.option("--currency", "symbol", default="ETH", show_default=True, help="Its symbol.")
@key_option
@password_option
@home_option
@reports_errors
def payout(payee: str, symbol: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Send what PAYEE has earned to its people. Anyone may; KEY pays the gas.

    PAYEE is what `ipto register` printed: a split, or the address of who made a work alone.
    """
    context = Context(home)
    currency = next((item for item in context.currencies if item.symbol.lower() == symbol.lower()), None)
    if currency is None:
        names = ", ".join(item.symbol for item in context.currencies)
        raise InputError(f"the currency {symbol} is not known here; use one of {names}")
    signer = open_signer(key, password_file)
    vault = context.deployment.contract("RoyaltyVault", context.rpc)
    shares, controller = _people(context, payee)
    account = ids.split_account(shares, controller) if len(payee) != 42 else shares[0].account
    if not vault.call("balance_of", account, currency.address):
        raise InputError(f"nothing is booked to it in {currency.symbol}; nothing was sent")
    if len(payee) == 42:
        receipt = vault.send(signer, "withdraw", ids.account_address(account), currency.address)
    else:
        receipt = pay_out(context.rpc, context.deployment, signer, shares, controller, currency.address)
    for event in vault.events(receipt):
        if event.event == "Distributed":
            for index, (share, amount) in enumerate(zip(shares, event.args["amounts"], strict=True)):
                how = "booked, it was refused" if event.args["kept"] >> index & 1 else "paid"
                who = ids.account_address(share.account) or f"0x{share.account.hex()}"
                click.echo(f"{who} {format_amount(amount, currency)} {how}")
        elif event.event in ("Withdrawn", "Refused"):
            how = "paid" if event.event == "Withdrawn" else "refused, it stays booked"
            click.echo(f"{event.args['to']} {format_amount(event.args['amount'], currency)} {how}")
    click.echo(f"transaction {receipt.tx_hash}")


def _people(context: Context, payee: str) -> tuple[Sequence[Share], str]:
    """Recipients and controller of a split, checked against its id; of an address, itself."""
    if len(payee) == 42:
        return [Share(ids.address_account(payee), 1_000_000)], ZERO_ADDRESS
    known = context.indexer.get_split(payee)
    shares = [Share(bytes.fromhex(item["account"]["account"][2:]), item["share"]) for item in known["recipients"]]
    controller = known["controller"] or ZERO_ADDRESS
    if "0x" + ids.split_account(shares, controller).hex() != payee.lower():
        raise InputError("the indexer's split does not have the id it is shown under; ask another indexer")
    return shares, controller


@click.command()
@click.argument("license_id", metavar="LICENSE")
@click.option("--file", type=click.Path(path_type=Path), help="The video that is to be used: its bytes must match.")
@click.option("--at", type=int, help="UTC seconds for which to ask; now if not given.")
@click.option("--rpc", "rpc_url", help="A node you trust; the stack's otherwise.")
@click.option(
    "--deployment",
    "deployment_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the contracts' addresses; the stack's otherwise.",
)
@click.option(
    "--content",
    type=click.Path(path_type=Path, file_okay=False),
    help="Content folder with the documents; the stack's otherwise.",
)
@home_option
@reports_errors
def verify(
    license_id: str,
    file: Path | None,
    at: int | None,
    rpc_url: str | None,
    deployment_file: Path | None,
    content: Path | None,
    home: Path,
) -> None:
    """What LICENSE permits, from the chain and documents that match their digests. Exit 1 when a check fails.

    No indexer is asked.
    """
    context = Context(home)
    number = read_number(license_id, "license")
    deployment = Deployment.load(deployment_file or Path(context.addresses.deployment))
    with Rpc(rpc_url or context.addresses.rpc) as rpc:
        store = LocalStore(content or Path(context.addresses.content))
        report = verify_license(
            number, deployment, rpc, store, currencies=currencies(deployment), file=file, at=at
        )  # fmt: skip
    _print(report, file is not None)
    if not report.holds:
        failed = "; ".join(check.name for check in report.checks if not check.holds)
        raise click.ClickException(f"this license is no evidence of permission; what fails: {failed}")


def _print(report: Report, has_file: bool) -> None:
    for check in report.checks:
        click.echo(f"{'holds' if check.holds else 'FAILS'}  {check.name}: {check.detail}")
    if not has_file:
        click.echo("note   no file was compared; name it with --file")
    if report.claim_rank:
        click.echo("note   another account had registered the same file more than a day earlier")
    click.echo(f"\n{report.summary}\n")
    click.echo(f"holder      {report.holder}")
    click.echo(f"usages      {', '.join(str(usage.name) for usage in report.usages) or 'none'}")
    click.echo(f"aspects     {', '.join(str(aspect.name) for aspect in report.aspects) or 'none'}")
    click.echo(f"until       {'for ever' if report.expires_at is None else utc(report.expires_at)}")
