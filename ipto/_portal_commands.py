# SPDX-License-Identifier: Apache-2.0
"""`ipto upload`: a film to an operator, in pieces; `ipto.cli` puts it with the other commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ipto._command import Context, home_option, key_option, open_signer, password_option, reports_errors
from ipto.portal import Portal

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


@click.command()
@click.argument("film", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--relayer", "url", metavar="URL", help="Of another operator than the running stack's.")
@key_option
@password_option
@home_option
@reports_errors
def upload(film: Path, url: str | None, key: Path, password_file: Path | None, home: Path) -> None:
    """Give FILM to the operator: signed in with your key, in pieces, going on where an earlier try stopped.

    It is looked at there, and pinned once your account has registered it (`ipto register`).
    """
    context = Context(home)
    signer = open_signer(key, password_file)
    errors = click.get_text_stream("stderr")
    bar: ProgressBar[int]
    with Portal(url or context.addresses.relayer, signer, context.deployment.chain_id) as portal:
        with click.progressbar(length=film.stat().st_size, label=f"Sending {film.name}", file=errors) as bar:
            sent = portal.send(film, lambda done, _: bar.update(max(0, done - bar.pos)))
        seen = portal.wait(sent["id"], "verified", "pinned")
        if seen["state"] == "verified":
            # Whether it may be pinned is decided a moment later.
            while seen["state"] == "verified" and seen["code"] is None:
                seen = portal.wait(sent["id"], "verified", "pinned")
        portal.sign_out()
    click.echo(f"film        {seen['id']}")
    click.echo(f"sha256      0x{seen['sha256']}")
    click.echo(f"state       {seen['state']}: {seen['words']}")
    if seen["cid"]:
        click.echo(f"cid         {seen['cid']}")
