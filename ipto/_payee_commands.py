# SPDX-License-Identifier: Apache-2.0
"""`ipto redirect`, `ipto accept-invitation`: where money goes; `ipto.cli` puts them with the other commands."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ipto import ids
from ipto._command import Context, home_option, key_option, open_signer, password_option, reports_errors
from ipto.payouts import acceptance, for_vault, redirection
from ipto.rpc import quantity
from ipto.structs import ZERO_ADDRESS, checksum_address

_HOUR = 3_600

payer_option = click.option(
    "--payer",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Key file of whoever carries it to the chain and pays the gas; default: KEY itself.",
)
payer_password_option = click.option(
    "--payer-password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the passphrase of the payer's key.",
)


def _deadline(context: Context) -> int:
    """An hour from now, by whichever clock is ahead."""
    head = quantity(context.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"])
    return max(int(time.time()), head) + _HOUR


@click.command()
@click.argument("to")
@key_option
@password_option
@payer_option
@payer_password_option
@home_option
@reports_errors
def redirect(
    to: str, key: Path, password_file: Path | None, payer: Path | None, payer_password_file: Path | None, home: Path
) -> None:
    """Have what KEY earns paid to the address TO from now on; `self` undoes it.

    KEY signs; whoever pays the gas can change nothing.
    """
    context = Context(home)
    signer = open_signer(key, password_file)
    target = ZERO_ADDRESS if to == "self" else checksum_address(to)
    signed = redirection(context.rpc, context.deployment, signer.address, target, _deadline(context))
    signature = signer.sign_typed_data(for_vault(context.deployment, signed))
    carrier = open_signer(payer, payer_password_file) if payer else signer
    vault = context.deployment.contract("RoyaltyVault", context.rpc)
    words = (signed.account, signed.to, signed.nonce, signed.deadline, signature)
    receipt = vault.send(carrier, "redirect_by_signature", *words)
    click.echo(f"account     {signer.address}")
    click.echo(f"paid to     {signer.address if target == ZERO_ADDRESS else target}")
    click.echo(f"transaction {receipt.tx_hash}")


@click.command("accept-invitation")
@click.argument("to")
@key_option
@password_option
@payer_option
@payer_password_option
@home_option
@reports_errors
def accept_invitation(
    to: str, key: Path, password_file: Path | None, payer: Path | None, payer_password_file: Path | None, home: Path
) -> None:
    """Accept the invitation whose key is KEY: for good, its part of the income is paid to the address TO."""
    context = Context(home)
    invited, target = open_signer(key, password_file), checksum_address(to)
    signed = acceptance(invited.address, target, _deadline(context))
    signature = invited.sign_typed_data(for_vault(context.deployment, signed))
    carrier = open_signer(payer, payer_password_file) if payer else invited
    vault = context.deployment.contract("RoyaltyVault", context.rpc)
    receipt = vault.send(carrier, "accept_invitation", signed.key, signed.to, signed.deadline, signature)
    click.echo(f"account     0x{ids.invited_account(invited.address).hex()}")
    click.echo(f"paid to     {target}, for good")
    click.echo(f"transaction {receipt.tx_hash}")
