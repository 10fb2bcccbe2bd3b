# SPDX-License-Identifier: Apache-2.0
"""`ipto report …`: usage is reported, paid, shared out and audited; everything is read from the chain and documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ipto import documents
from ipto._audit import audit_report
from ipto._command import Context, home_option, key_option, open_signer, password_option, read_number, reports_errors
from ipto.client import (
    PreparedReport,
    Reporter,
    claim_shares,
    currency_at,
    find_license,
    find_report,
    members_of,
)
from ipto.errors import InputError
from ipto.quantities import format_amount, parse_amount
from ipto.structs import ZERO32, UsageReport
from ipto.usage import Entry, read_manifest
from ipto.verification import utc

_FORMAT = 1


@click.group()
def report() -> None:
    """Usage reports: what a license owes as long as it earns."""


def read_id(text: str, what: str) -> bytes:
    """32 bytes in hex, 0x before them. Raises InputError."""
    try:
        value = bytes.fromhex(text[2:]) if text.startswith("0x") else b""
    except ValueError:
        value = b""
    if len(value) != 32:
        raise InputError(f"{text!r:.80} is not {what}; write 0x and 64 hex digits")
    return value


def read_entries(path: Path) -> Iterator[Entry]:
    """Entries of a manifest from a file of JSON lines. Raises InputError naming the line."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield Entry.from_mapping(documents.parse(line.strip(), "entry"))
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error}") from error


@report.command()
@click.argument("license_id", metavar="LICENSE")
@home_option
@reports_errors
def due(license_id: str, home: Path) -> None:
    """When the next report under LICENSE is due, and what is missing."""
    context = Context(home)
    found = find_license(context.deployment, context.rpc, read_number(license_id, "license"))
    settlement = context.deployment.contract("UsageSettlement", context.rpc)
    suffix = "" if found.market == "LicenseMarket" else "_dataset"
    when, missing = settlement.call(f"due_at{suffix}", found.license, found.terms)
    through, reports, late, voids, final = settlement.call("ledger_of", found.address, found.license)
    click.echo(f"reports     {reports}, of them {late} late and {voids} void")
    click.echo(f"through     {utc(through) if reports else 'never'}{', final' if final else ''}")
    click.echo(f"next due    {utc(when) if when < 2**64 else 'never'}")
    click.echo(f"missing     {missing}")
    good = settlement.call(f"in_good_standing{suffix}", found.license, found.terms)
    click.echo(f"standing    {'good' if good else 'not good'}")


@report.command()
@click.argument("license_id", metavar="LICENSE")
@home_option
@reports_errors
def entries(license_id: str, home: Path) -> None:
    """Write a line for each work that LICENSE covers: entries to be weighed, for `ipto report build`.

    Clip, epochs and weight are placeholders: zeros that `build` refuses as a whole.
    """
    context = Context(home)
    found = find_license(context.deployment, context.rpc, read_number(license_id, "license"))
    if found.market == "LicenseMarket":
        offer = found.terms.to_json()
        covered = [(found.license.to_bytes(32, "big")[:28] + bytes(4), 0, int(offer["work"]))]
    else:
        members = members_of(context.deployment, context.rpc, found)
        covered = [(member.offer, spell, member.work) for member, spell in members]
    for number, spell, work in covered:
        click.echo(json.dumps(Entry(number, work, ZERO32, 0, spell).to_json()))


@report.command()
@click.argument("entry_file", metavar="ENTRIES", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--license", "license_id", required=True, help="Its number.")
@click.option("--total", required=True, help="What the usage earned, in the license's currency: 12.5")
@click.option("--model", help="The registered model, 0x and 64 hex digits; usage of no model otherwise.")
@click.option("--through", type=int, help="Where the period ends, UTC seconds; now if not given.")
@click.option("--final", is_flag=True, help="Nothing more will be owed.")
@click.option("--note", help="What the weights count, in words.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the report.")
@key_option
@password_option
@home_option
@reports_errors
def build(
    entry_file: Path,
    license_id: str,
    total: str,
    model: str | None,
    through: int | None,
    final: bool,
    note: str | None,
    out: Path,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Write the manifest of ENTRIES (JSON lines) and work out everybody's share. Sends nothing."""
    context = Context(home)
    number = read_number(license_id, "license")
    currency = currency_at(context.deployment, find_license(context.deployment, context.rpc, number).terms.currency)
    reporter = Reporter(open_signer(key, password_file), context.deployment, context.rpc, context.store)
    prepared = reporter.prepare(
        number,
        read_entries(entry_file),
        parse_amount(total, currency),
        model=read_id(model, "a model") if model else ZERO32,
        through=through,
        final=final,
        note=note,
    )
    data = {
        "format": _FORMAT,
        "since": prepared.since,
        "report": prepared.report.to_json(),
    }
    out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    shares = prepared.manifest.shares()
    click.echo(f"period      {utc(prepared.since)} to {utc(prepared.report.through)}")
    click.echo(f"total       {format_amount(prepared.report.total, currency)} in {len(shares)} shares")
    click.echo(f"manifest    0x{prepared.manifest.digest.hex()}, in {context.addresses.content}")
    click.echo(f"root        0x{prepared.report.root.hex()}")
    click.echo(f"written to  {out}")


@report.command()
@click.argument("report_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask before paying.")
@key_option
@password_option
@home_option
@reports_errors
def submit(report_file: Path, yes: bool, key: Path, password_file: Path | None, home: Path) -> None:
    """Report what `build` wrote to FILE, and pay for it."""
    context = Context(home)
    prepared = _read_prepared(context, report_file)
    currency = currency_at(context.deployment, prepared.license.terms.currency)
    signer = open_signer(key, password_file)
    if not yes:
        click.confirm(f"Pay {format_amount(prepared.report.total, currency)}?", abort=True)
    made, receipt = Reporter(signer, context.deployment, context.rpc, context.store).submit(prepared)
    found = find_report(context.deployment, context.rpc, made)
    click.echo(f"report      0x{made.hex()}")
    click.echo(f"paid        {format_amount(found.total, currency)}, gas {receipt.gas_used}")
    click.echo(f"claims open {utc(found.opens_at)}")


def _read_prepared(context: Context, path: Path) -> PreparedReport:
    data = documents.parse(path.read_bytes(), "report file")
    if data.get("format") != _FORMAT or set(data) != {"format", "since", "report"}:
        raise InputError(f"{path} is not a report of format {_FORMAT}; build it again")
    said = UsageReport.from_mapping(data["report"])
    license = find_license(context.deployment, context.rpc, said.license)
    manifest = read_manifest(said.manifest, context.store.get_document)
    tree = manifest.tree()
    if (tree.root if tree else ZERO32, manifest.total) != (said.root, said.total):
        raise InputError(f"{path} does not say what its manifest says; build it again")
    return PreparedReport(license, data["since"], said, manifest)


@report.command()
@click.argument("report_id", metavar="REPORT")
@click.option("--offer", "offers", multiple=True, help="Only the shares of this offer; may be repeated.")
@key_option
@password_option
@home_option
@reports_errors
def claim(report_id: str, offers: tuple[str, ...], key: Path, password_file: Path | None, home: Path) -> None:
    """Pay the shares of REPORT to the works' payees. Anyone may; KEY pays the gas."""
    context = Context(home)
    number = read_id(report_id, "a report")
    made = find_report(context.deployment, context.rpc, number).made.args
    currency = currency_at(context.deployment, made["currency"])
    done = claim_shares(
        context.deployment,
        context.rpc,
        open_signer(key, password_file),
        number,
        context.store,
        only={read_id(text, "an offer") for text in offers} or None,
        watch=lambda finished, all_: click.echo(f"claimed     {finished} of {all_}", err=True),
    )
    gas = sum(receipt.gas_used for receipt in done.receipts)
    click.echo(f"paid        {format_amount(done.paid, currency)} for {len(done.works)} works, gas {gas}")
    if done.waiting:
        click.echo(f"waiting     {format_amount(done.waiting, currency)}, of works on hold")


@report.command()
@click.argument("report_id", metavar="REPORT")
@home_option
@reports_errors
def verify(report_id: str, home: Path) -> None:
    """Whether REPORT is what its manifest says. Exit 1 when a check fails: ground for a challenge in time."""
    context = Context(home)
    number = read_id(report_id, "a report")
    audit = audit_report(context.deployment, context.rpc, number, context.store)
    currency = currency_at(context.deployment, audit.license.terms.currency)
    for check in audit.checks:
        click.echo(f"{'holds' if check.holds else 'FAILS'}  {check.name}: {check.detail}")
    click.echo(f"\ntotal       {format_amount(audit.report.total, currency)}")
    click.echo(f"flags       {', '.join(audit.flags) or 'none'}")
    click.echo(f"claims open {_opens(audit.report.opens_at, audit.flags)}")
    if not audit.holds:
        raise click.ClickException(
            "this report is not what its manifest says; challenge it before claims open: "
            + "; ".join(check.name for check in audit.checks if not check.holds)
        )


def _opens(opens_at: int, flags: list[str]) -> Any:
    if "held" in flags:
        return f"{opens_at} seconds after the challenge"
    return "not before a root stands" if "void" in flags else utc(opens_at)
