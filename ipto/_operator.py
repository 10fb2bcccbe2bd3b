# SPDX-License-Identifier: Apache-2.0
"""The commands of `ipto` for whoever runs a deployment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from ipto._command import Context, home_option, reports_errors
from ipto.chain import Deployment
from ipto.doctor import examine
from ipto.errors import InputError, IntegrityError
from ipto.rpc import Rpc


@click.group()
def doctor() -> None:
    """Examine what runs."""


@doctor.command("deployment")
@click.option(
    "--deployment",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Deployment file, like deployments/8453.json; default: the running stack's.",
)
@click.option("--rpc", "url", help="URL of a node of its chain; default: the running stack's.")
@click.option(
    "--sources",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Checkout of the protocol: compiles the contracts anew and compares them with what this library carries.",
)
@home_option
@click.option("--quiet", is_flag=True, help="Print only what is wrong.")
@reports_errors
def examine_deployment(file: Path | None, url: str | None, sources: Path | None, home: Path, quiet: bool) -> None:
    """Compare a deployment with this version: code, arguments, wiring, owners, fee, gate, pause, panel.

    Exit code 1 when anything is not as recorded. What the owner has decided since (fee, gate, pause, panel) is told and
    is not wrong.
    """
    context = Context(home)
    deployment = Deployment.load(file or Path(context.addresses.deployment))
    wrong = changed = count = 0
    with Rpc(url or context.addresses.rpc) as rpc:
        for finding in examine(rpc, deployment):
            count += 1
            wrong += bool(finding.wrong)
            changed += bool(finding.changed)
            if finding.wrong:
                click.echo(f"WRONG  {finding.what} {finding.wrong}")
            elif finding.changed:
                click.echo(f"CHANGED  {finding.what} {finding.changed}")
            elif not quiet:
                click.echo(f"ok     {finding.what}")
    if sources is not None:
        _compare_sources(sources)
        click.echo("ok     the artifacts are what the sources compile to")
    if wrong:
        raise IntegrityError(f"{wrong} of {count} findings are wrong: this is not the deployment that was recorded")
    said = f"{changed} changed by the owner since, the others" if changed else "all"
    click.echo(f"{count} findings, {said} as recorded in {file or context.addresses.deployment}")


def _compare_sources(checkout: Path) -> None:
    """Compile again, with the compiler of this environment. Raises InputError, IntegrityError."""
    if not (checkout / "scripts" / "export_artifacts.py").is_file():
        raise InputError(f"{checkout} is not a checkout of the protocol; clone it, and name its folder")
    command = [sys.executable, "-m", "scripts.export_artifacts", "--check"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)  # noqa: S603  # the checkout the user named, no shell
    if done.returncode:
        raise IntegrityError(
            (done.stderr or done.stdout).strip().splitlines()[-1][:300] or "the sources do not compile"
        )
