# SPDX-License-Identifier: Apache-2.0
"""The commands people are told to type, typed: all blocks marked `sh` of the quickstart and the README, in order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ipto.cli import main
from ipto.stack import Stack
from tests.e2e.runs import ROOT
from tests.support.needs import lacking

# What prepares the environment and starts the stack is done by the tests themselves.
ELSEWHERE = re.compile(r"(git clone|cd |make |\. \.venv/bin/activate)")
INDEXER = "http://127.0.0.1:8610"  # where `ipto up` puts it unless told otherwise


def commands(page: str) -> str:
    """The shell script a page amounts to."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert blocks
    lines = "".join(blocks).splitlines(keepends=True)
    return "".join(line for line in lines if not ELSEWHERE.match(line))


def run(script: str, folder: Path, stack: Stack) -> subprocess.CompletedProcess[str]:
    """Run a script as in the newcomer's folder: `ipto` and `python` are on PATH, the stack is in .ipto."""
    tools = folder / "bin"
    tools.mkdir()
    for name, command in (("ipto", f"'{sys.executable}' -m ipto"), ("python", f"'{sys.executable}'")):
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o755)
    (folder / ".ipto").symlink_to(stack.home)
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = "set -euo pipefail\n" + script.replace(INDEXER, stack.addresses.indexer)
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", ["docs/quickstart.md", "README.md"])
def test_every_command_works_in_order(page: str, tmp_path: Path, stack: Stack) -> None:
    # Neither is needed to use the project; the page types them because readers have them.
    if not shutil.which("curl") or not shutil.which("bash"):
        lacking("the quickstart uses bash and curl")
    done = run(commands(page), tmp_path, stack)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "Traceback" not in done.stderr
    if page == "docs/quickstart.md":
        assert "FAILS" not in done.stdout
        # Nothing that git might take along, least of all a key.
        assert sorted(path.name for path in tmp_path.iterdir()) == [".ipto", "bin"]
        for expected in ('"title": "My film"', "tUSD paid", "the file is the licensed one", "withdrawn"):
            assert expected in done.stdout
        assert (tmp_path / ".ipto" / "me" / "passphrase").stat().st_mode & 0o077 == 0


def test_a_command_that_fails_is_noticed(tmp_path: Path, stack: Stack) -> None:
    done = run("ipto presets\nipto verify 1 | tee said.txt\necho 'not reached'\n", tmp_path, stack)
    assert done.returncode == 1
    assert "there is no license 1" in done.stderr
    assert "not reached" not in done.stdout


def every(command: click.Command) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from every(child)


@pytest.mark.parametrize(
    "page",
    [
        *("docs/quickstart.md", "docs/creators.md", "docs/ai-teams.md", "README.md"),
        *("docs/disputes.md", "docs/stewards.md"),
    ],
)
def test_what_pages_point_to_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    folder = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert "://" in target or (folder / target).exists(), target
    for command in re.findall(r"`ipto ([a-z]+)", text):
        assert command in main.commands, command
    options = {option for command in every(main) for item in command.params for option in item.opts}
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in options | {"--help"}, option
