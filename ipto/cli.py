# SPDX-License-Identifier: Apache-2.0
"""`ipto …`: the protocol on the command line. Errors are one line that says what to do, and a non-zero exit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from ipto import demo as demonstration
from ipto import ids, presets
from ipto._command import (
    HOME,
    Context,
    ends_in_order,
    hold,
    home_option,
    key_option,
    open_signer,
    password_option,
    read_contribution,
    read_plan,
    reports_errors,
)
from ipto._dataset_commands import dataset
from ipto._desk import buy, payout, verify
from ipto._dispute_commands import attest, attestations, dispute
from ipto._operator import doctor
from ipto._payee_commands import accept_invitation, redirect
from ipto._portal_commands import upload
from ipto._studio import check, describe, evidence, trace_film, trace_service
from ipto._usage_commands import report
from ipto.accounts import create_keystore, read_passphrase
from ipto.client import Creator, check_scene, split_of
from ipto.content import LocalStore
from ipto.devchain import dev_signer
from ipto.errors import InputError
from ipto.quantities import ETHER, format_amount, parse_price, parse_scene
from ipto.seed import seed
from ipto.stack import Ports, Stack
from ipto.structs import Offer, checksum_address


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ipto")
def main() -> None:
    """Register videos, license them, pay everyone who made them."""


for _command in (
    accept_invitation, attest, attestations, buy, check, dataset, describe, dispute, doctor, evidence, payout,
    redirect, report, trace_film, trace_service, upload, verify,
):  # fmt: skip
    main.add_command(_command)


# ---- a whole protocol on this machine -------------------------------------------------------------------------------


@main.command()
@click.option("--video", type=click.Path(path_type=Path), help="A video of your own; the sample clip otherwise.")
@click.option(
    "--works", default=demonstration.WORKS, show_default=True, type=click.IntRange(1, 10_000), help="In its dataset."
)
@click.option("--keep", is_flag=True, help="Leave everything running and print the addresses.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder for everything it writes; a temporary one by default, {HOME} with --keep.",
)
@reports_errors
def demo(video: Path | None, works: int, keep: bool, home: Path | None) -> None:
    """The main job on a real video, end to end."""
    with ends_in_order():
        if home is None and not keep:
            with tempfile.TemporaryDirectory(prefix="ipto-demo-") as scratch:
                demonstration.run(video, Path(scratch), click.echo, works=works)
        else:
            demonstration.run(video, home or HOME, click.echo, works=works, hold=hold if keep else None)


@main.command()
@click.option("--seed", "count", type=click.IntRange(1, 100_000), help="Fill it with a catalog of so many works.")
@click.option("--seed-number", default=1, show_default=True, help="Another number gives another catalog.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=HOME,
    show_default=True,
    help="Folder for everything it writes; only documents outlive it.",
)
@click.option(
    "--block-time", type=click.IntRange(1, 3600), help="Seconds between blocks; one per transaction if not given."
)
@click.option("--chain-port", default=8545, show_default=True, help="0 takes a free one.")
@click.option("--indexer-port", default=8610, show_default=True, help="0 takes a free one.")
@click.option("--relayer-port", default=8470, show_default=True, help="0 takes a free one.")
@reports_errors
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
    with ends_in_order(), Stack(home, ports, say=lambda text: click.echo(f"{text} …")) as stack:
        if count:
            chain, store = stack.chain, LocalStore(Path(stack.addresses.content))
            seed(
                chain.rpc,
                stack.deployment,
                chain.signers[0],
                works=count,
                number=seed_number,
                store=store,
                report=lambda line: click.echo(f"{line} …"),
            )
        if block_time:
            stack.chain.set_block_time(block_time)
        hold(stack)


@main.command()
@click.argument("address", type=str)
@home_option
@reports_errors
def faucet(address: str, home: Path) -> None:
    """Give ADDRESS test money, on a development chain: 10 ETH and 1000 of the test stablecoin, more each time."""
    context = Context(home)
    receiver = checksum_address(address)
    if "TestUSD" not in context.deployment.contracts:
        raise InputError("there is no test money on this chain; it is a real one")
    ether = context.rpc.balance(receiver) + 10**19
    context.rpc.call("anvil_setBalance", receiver, hex(ether))
    usd = context.deployment.contract("TestUSD", context.rpc)
    usd.send(dev_signer(0), "mint", receiver, 10**9)
    token = next(item for item in context.currencies if item.address == usd.address)
    for amount, currency in ((ether, ETHER), (int(usd.call("balanceOf", receiver)), token)):
        click.echo(f"{receiver} holds {format_amount(amount, currency)}")


# ---- creators -------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@password_option
@reports_errors
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
    help="For example `train-nonexclusive-1y@25 tUSD`, or `inference-scene@0.01 ETH@0:05-0:12`.",
)
@click.option("--credit", "credit_line", help="The line licensees print.")
@click.option("--choreography", is_flag=True, help="Read how people move, too (needs `make pose`).")
@key_option
@password_option
@home_option
@reports_errors
def register(
    video: Path,
    title: str,
    people: tuple[str, ...],
    offers: tuple[str, ...],
    credit_line: str | None,
    choreography: bool,
    key: Path,
    password_file: Path | None,
    home: Path,
) -> None:
    """Register VIDEO, split its income and post offers: one signature, no gas."""
    context = Context(home)
    plans = [read_plan(text, context.currencies) for text in offers]
    signer = open_signer(key, password_file)
    contributions = [read_contribution(text, signer.address) for text in people]
    split_of(contributions)  # says what is wrong before a long film is read
    creator = Creator(signer, context.deployment, context.store)
    film = creator.study(video, choreography=choreography)
    if choreography and film.description and film.description.choreography is None:
        click.echo("No choreography is kept: nobody in it moves so that it could be recognised.", err=True)
    prepared = creator.prepare(
        film,
        title=title,
        people=contributions,
        plans=plans,
        credit_line=credit_line,
    )
    action = context.wait(creator.hand_in(prepared, context.relayer))
    click.echo(f"work        {prepared.work}")
    for offer in prepared.offers:
        click.echo(f"offer       0x{ids.offer_id(offer).hex()}")
    click.echo(f"payee       {f'0x{prepared.payee.hex()}' if prepared.split else signer.address}")
    click.echo(f"transaction {action['transaction']}")


@main.command()
@click.argument("work", type=str)
@click.argument("preset", type=str)
@click.argument("price", type=str)
@click.option("--scene", help="Such as 0:05-0:12; the whole video otherwise.")
@key_option
@password_option
@home_option
@reports_errors
def offer(
    work: str, preset: str, price: str, scene: str | None, key: Path, password_file: Path | None, home: Path
) -> None:
    """Post one more offer of WORK: a preset (`ipto presets`) and a PRICE such as `25 tUSD`. No gas."""
    context = Context(home)
    stretch = parse_scene(scene) if scene else None
    amount, currency = parse_price(price, context.currencies)
    presets.get_preset(preset)
    signer = open_signer(key, password_file)
    known = context.indexer.get_work(work)
    check_scene(stretch, known["duration_ms"])
    metadata = (known["metadata"].get("content") if known["metadata"] else None) or {}
    made, paper = presets.make_offer(
        preset,
        work=int(known["id"]),
        licensor=signer.address,
        price=amount,
        currency=currency,
        scene=stretch,
        details=presets.words_for(preset, title=metadata.get("name"), attribution=metadata.get("creditText")),
    )
    creator = Creator(signer, context.deployment, context.store)
    context.wait(creator.post([made], [paper], context.relayer))
    click.echo(f"offer       0x{ids.offer_id(made).hex()}")


@main.command()
@click.argument("offer_id", metavar="OFFER")
@key_option
@password_option
@home_option
@reports_errors
def withdraw(offer_id: str, key: Path, password_file: Path | None, home: Path) -> None:
    """Withdraw an offer. Licenses sold from it stay. No gas."""
    context = Context(home)
    signer = open_signer(key, password_file)
    answer = context.indexer.get_offer(offer_id)
    if "withdrawn" in answer["blocked_by"]:
        raise InputError("this offer is withdrawn already")
    creator = Creator(signer, context.deployment, context.store)
    context.wait(creator.withdraw(Offer.from_mapping(answer["chain"]), context.relayer))
    click.echo("withdrawn")
