# SPDX-License-Identifier: Apache-2.0
"""What is needed around a measurement: a private PostgreSQL, free ports, the indexer's API as a process."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from bench.harness import BenchError

ROOT = Path(__file__).parents[2]


class Postgres:
    """A server as it comes, but for the socket: its own defaults, `fsync` on. Everybody is measured on the same one."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder
        self._count = 0

    def url(self, name: str) -> str:
        """A database's URL."""
        return f"postgresql://ipto@/{name}?host={self.socket}"

    def new(self) -> str:
        """An empty database."""
        self._count += 1
        name = f"bench_{self._count}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    path = str(found[0]) if found else shutil.which(name)
    if path is None:
        raise BenchError("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return path


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a private server and end it."""
    folder = Path(tempfile.mkdtemp(prefix="ipto-bench-pg-"))
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    if who is not None:
        os.chown(folder, who.pw_uid, who.pw_gid)
    ids = {} if who is None else {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    data = folder / "data"
    make = [_program("initdb"), "-D", str(data), "-U", "ipto", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(make, check=True, capture_output=True, cwd=folder, **ids)  # type: ignore[call-overload]
    run = [_program("postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder, **ids)  # type: ignore[call-overload]
    try:
        server = Postgres(folder)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(server.url("postgres")).close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError((folder / "log").read_text()[-600:]) from None
                time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def indexer(command: str, **settings: str) -> Iterator[int]:
    """`python -m indexer run` or `serve`; its port."""
    env = os.environ | {f"IPTO_INDEXER_{name.upper()}": value for name, value in settings.items()}
    run = [sys.executable, "-m", "indexer", command]
    process = subprocess.Popen(
        run, cwd=ROOT, env=env | {"IPTO_INDEXER_PORT": "0"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if "http://" not in line:
        raise BenchError(f"the indexer did not start: {line}")
    port = int(line.split(":")[-1].split("/")[0])
    try:
        deadline = time.monotonic() + 30
        with httpx.Client(trust_env=False) as http:
            while time.monotonic() < deadline:
                try:
                    if http.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                        break
                except httpx.HTTPError:
                    time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
