# SPDX-License-Identifier: Apache-2.0
"""`ipto dispute …`, `ipto attest`, `ipto attestations`: conflicting claims, and who vouches for what."""

from __future__ import annotations

from pathlib import Path

import click

from ipto._command import Context, home_option, key_option, open_signer, password_option, read_number, reports_errors
from ipto.accounts import Signer
from ipto.attestations import SCHEMAS, Attestations, schema_digest
from ipto.client import currency_at
from ipto.content.store import MAX_DOCUMENT
from ipto.devchain import DEV_CHAIN_ID, dev_signer
from ipto.disputes import Case, Disputes, Effect, Outcome, Phase, remedy
from ipto.errors import InputError
from ipto.quantities import format_amount
from ipto.structs import ZERO32
from ipto.verification import utc

_SUBJECTS = {
    "claim": Effect.MOVE_CLAIM,
    "steward": Effect.NAME_STEWARD,
    "report": Effect.VOID_REPORT,
    "license": Effect.END_LICENSE,
}
_OUTCOMES = {"for-opener": Outcome.FOR_OPENER, "for-respondent": Outcome.FOR_RESPONDENT, "no-fault": Outcome.NO_FAULT}
_MARKETS = {"license": "LicenseMarket", "dataset": "DatasetMarket"}

_file = click.Path(path_type=Path, dir_okay=False)


@click.group()
def dispute() -> None:
    """Conflicting claims: open a case, answer it, decide it, carry it out."""


def _store(context: Context, path: Path) -> bytes:
    """Keep a document; its digest. Raises InputError."""
    data = path.read_bytes()
    if not data or len(data) > MAX_DOCUMENT:
        raise InputError(f"{path} has {len(data):,} bytes; a document has 1 to {MAX_DOCUMENT:,}")
    return context.store.put_document(data).digest


def _case(text: str) -> int:
    return read_number(text, "case")


def _judge(context: Context, key: Path | None, password_file: Path | None, dev_judge: bool) -> Signer:
    if dev_judge == (key is not None):
        raise InputError("name the judge's key file, or use --dev-judge on a development chain")
    if key is not None:
        return open_signer(key, password_file)
    if context.rpc.chain_id() != DEV_CHAIN_ID:
        raise InputError("--dev-judge is for development chains; a real judge has a key")
    return dev_signer(0)


@dispute.command("open")
@click.argument("what", type=click.Choice(list(_SUBJECTS)))
@click.argument("subject", type=str)
@click.option("--evidence", required=True, type=_file, help="The document that supports the case, at most 1 MiB.")
@click.option("--hold", "days", default=0, show_default=True, help="Days of hold to ask for; rent is paid ahead.")
@click.option("--report", "number", default=0, help="Of a report: its number under the license SUBJECT.")
@click.option(
    "--market", type=click.Choice(list(_MARKETS)), default="license", show_default=True, help="Whose license."
)
@key_option
@password_option
@home_option
@reports_errors
def open_case(
    what: str,
    subject: str,
    evidence: Path,
    days: int,
    number: int,
    market: str,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Open a case about SUBJECT, with a bond.

    WHAT is asked for: `claim` moves a work's claim to you, `steward` makes you a work's steward, `report` voids a usage
    report, `license` ends a license.
    """
    context = Context(home)
    disputes = Disputes(context.deployment, context.rpc)
    signer = open_signer(key, password_file)
    digest = _store(context, evidence)
    case = disputes.open(
        signer,
        _SUBJECTS[what],
        read_number(subject, "license" if what in ("report", "license") else "work"),
        digest,
        market=_MARKETS[market],
        number=number,
        hold_days=days,
    )
    click.echo(f"case        {case}")
    _show(context, disputes, disputes.case(case))


@dispute.command()
@click.argument("case", type=str)
@click.option("--evidence", required=True, type=_file, help="The document that supports the answer.")
@key_option
@password_option
@home_option
@reports_errors
def answer(case: str, evidence: Path, key: Path, password_file: Path | None, home: Path) -> None:
    """Stand by what is yours, with a bond of the same size."""
    context = Context(home)
    disputes = Disputes(context.deployment, context.rpc)
    disputes.answer(open_signer(key, password_file), _case(case), _store(context, evidence))
    _show(context, disputes, disputes.case(_case(case)))


@dispute.command("evidence")
@click.argument("case", type=str)
@click.argument("document", type=_file)
@key_option
@password_option
@home_option
@reports_errors
def submit(case: str, document: Path, key: Path, password_file: Path | None, home: Path) -> None:
    """Add DOCUMENT to a case. Anyone may, until the ruling."""
    context = Context(home)
    digest = _store(context, document)
    Disputes(context.deployment, context.rpc).submit_evidence(open_signer(key, password_file), _case(case), digest)
    click.echo(f"evidence    0x{digest.hex()}")


def _step(name: str, text: str) -> click.Command:
    """A command that takes one step in a case."""

    @dispute.command(name, help=text)
    @click.argument("case", type=str)
    @key_option
    @password_option
    @home_option
    @reports_errors
    def step(case: str, key: Path, password_file: Path | None, home: Path) -> None:
        context = Context(home)
        disputes = Disputes(context.deployment, context.rpc)
        getattr(disputes, name)(open_signer(key, password_file), _case(case))
        _show(context, disputes, disputes.case(_case(case)))

    return step


refer = _step("refer", "Hand a case to the arbiter, once it was answered or 14 days have passed. Anyone may.")
withdraw = _step("withdraw", "Give up a case you opened, before it is referred.")
execute = _step("execute", "Carry a ruling out, 7 days after it, or close a case that lapsed. Anyone may.")


@dispute.command()
@click.argument("case", type=str)
@click.argument("outcome", type=click.Choice(list(_OUTCOMES)))
@click.option("--reasons", required=True, type=_file, help="The document that gives the reasons; it is published.")
@click.option("--clean-since", default=0, help="Of a claim: licenses issued before these UTC seconds stop permitting.")
@click.option("--keep-steward", is_flag=True, help="Of a claim: the work keeps its steward and cultural notice.")
@click.option("--root", help="Of a report: the new root, 0x hex; none stands if not given.")
@click.option("--key", type=_file, help="The judge's encrypted keystore file.")
@click.option("--dev-judge", is_flag=True, help="On a development chain, be the one judge that `ipto up` appoints.")
@password_option
@home_option
@reports_errors
def rule(
    case: str,
    outcome: str,
    reasons: Path,
    clean_since: int,
    keep_steward: bool,
    root: str | None,
    key: Path | None,
    dev_judge: bool,
    password_file: Path | None,
    home: Path,
) -> None:
    """Vote as a judge of the case's panel; the vote that makes the quorum rules."""
    context = Context(home)
    disputes = Disputes(context.deployment, context.rpc)
    judge = _judge(context, key, password_file, dev_judge)
    what = remedy(clean_since, keep_steward)
    if root is not None:
        what = read_number(root, "root").to_bytes(32, "big")
    disputes.vote(judge, _case(case), _OUTCOMES[outcome], _store(context, reasons), what)
    _show(context, disputes, disputes.case(_case(case)))


@dispute.command()
@click.argument("case", type=str)
@home_option
@reports_errors
def status(case: str, home: Path) -> None:
    """Where a case is, what it waits for, and every document in it."""
    context = Context(home)
    disputes = Disputes(context.deployment, context.rpc)
    _show(context, disputes, disputes.case(_case(case)))
    for log in disputes.documents(_case(case)):
        who = next((log.args[name] for name in ("actor", "member", "respondent", "opener") if name in log.args), "")
        if log.event == "CaseOpened":
            who = log.args["opener"]
        digest = log.args.get("evidence") or log.args.get("reasons") or ZERO32
        click.echo(f"{log.event:18} {who or 'the arbiter':42} 0x{digest.hex()}")


def _show(context: Context, disputes: Disputes, case: Case) -> None:
    now = int(context.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    currency = currency_at(context.deployment, disputes.costs().currency)
    click.echo(f"asks to     {case.effect.name.lower().replace('_', ' ')} {case.subject:#x}")
    click.echo(f"opener      {case.opener}")
    click.echo(f"respondent  {case.respondent}{'' if case.is_answered else ' (has not answered)'}")
    click.echo(f"phase       {case.phase.name.lower()}")
    if case.phase is Phase.RULED:
        click.echo(f"outcome     {case.outcome.name.lower().replace('_', ' ')}, executable {utc(case.executable_at)}")
    hold = disputes.hold_on(case.target, case.subject)
    if until := max(hold.asked_until, hold.ordered_until):
        click.echo(f"on hold     until {utc(until)}")
    if case.rent_paid:
        used, paid = (format_amount(amount, currency) for amount in (case.rent_used, case.rent_paid))
        click.echo(f"rent        {used} used of {paid}")
    click.echo(f"waits for   {case.waits_for(now)}")


@click.command()
@click.argument("subject", type=str)
@click.argument("schema", type=str)
@click.option("--evidence", type=_file, help="The document that supports the statement.")
@key_option
@password_option
@home_option
@reports_errors
def attest(subject: str, schema: str, evidence: Path | None, key: Path, password_file: Path | None, home: Path) -> None:
    """State SCHEMA about SUBJECT in your own name.

    SUBJECT is the id of a work or license, or an account, in decimal or 0x hex. SCHEMA is a name (`ipto attestations
    --schemas` lists them) or the digest of another schema document.
    """
    context = Context(home)
    digest = ZERO32 if evidence is None else _store(context, evidence)
    attestations = Attestations(context.deployment, context.rpc)
    about = read_number(subject, "subject").to_bytes(32, "big")
    found = attestations.attest(open_signer(key, password_file), about, schema_digest(schema), digest)
    click.echo(f"attestation 0x{found.hex()}")


@click.command()
@click.argument("subject", type=str, required=False)
@click.option("--schemas", is_flag=True, help="List the statements that have a name here.")
@home_option
@reports_errors
def attestations(subject: str | None, schemas: bool, home: Path) -> None:
    """Who stated what about SUBJECT, and what was taken back."""
    if schemas:
        for name, document in SCHEMAS.items():
            click.echo(f"{name:20} {document['statement']}")
        return
    if subject is None:
        raise InputError("name a subject, or use --schemas")
    context = Context(home)
    about = read_number(subject, "subject").to_bytes(32, "big")
    for item in Attestations(context.deployment, context.rpc).about(about):
        state = f"revoked {utc(item.revoked_at)}" if item.revoked_at else "stands"
        click.echo(f"{utc(item.attested_at)} {item.attester} {item.name} ({state})")
