# SPDX-License-Identifier: Apache-2.0
"""The peers: installed from npm by lock file, each with the smallest project that does what ours does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg

from bench.harness import BenchError
from bench.indexer.chain import Case
from ipto.devchain.npm import install, node_command, npm_command

HERE = Path(__file__).parent
_SECONDS = 240
PONDER, ENVIO = "ponder", "envio"


def version(peer: str) -> str:
    """What the lock file installs."""
    packages = json.loads((HERE / peer / "package-lock.json").read_text())["packages"]
    return str(packages[f"node_modules/{peer}"]["version"])


@contextmanager
def project(peer: str) -> Iterator[Path]:
    """A scratch copy of a peer's project with its packages in place."""
    scratch = Path(tempfile.mkdtemp(prefix=f"ipto-{peer}-"))
    try:
        shutil.copytree(HERE / peer, scratch, dirs_exist_ok=True)
        if peer == ENVIO:
            # Its lock cannot name the packages of systems its registry entry lacks, which `npm ci` insists on.
            command = [*npm_command(), "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=_SECONDS)
        else:
            (scratch / "node_modules").symlink_to(install(f"bench-{peer}", HERE / peer) / "node_modules")
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def running(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A peer's process and its log; ended on leaving."""
    log = folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | env, stdout=sink, stderr=sink)
    try:
        yield process, log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], log: Path, url: str, table: str, events: int) -> None:
    """Until all transfers are in the database."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"the peer ended: {log.read_text()[-600:]}")
        try:
            with psycopg.connect(url) as db:
                found = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            if found and found[0] >= events:
                return
        except psycopg.errors.UndefinedTable:
            pass
        time.sleep(0.25)
    raise BenchError(f"the peer did not index {events} events in {_SECONDS} s: {log.read_text()[-600:]}")


# ---- Ponder ---------------------------------------------------------------------------------------------


def ponder_command(port: int) -> list[str]:
    """What `npm start` would run."""
    start = "node_modules/ponder/dist/esm/bin/ponder.js"
    return [node_command(), start, "start", "--schema", "bench", "--port", str(port), "--log-format", "json"]


def ponder_env(rpc: str, url: str, case: Case) -> dict[str, str]:
    """Its settings for one case."""
    return {
        "BENCH_CASE": json.dumps(case.to_mapping()),
        "BENCH_RPC": rpc,
        "DATABASE_URL": url,
        "PONDER_TELEMETRY_DISABLED": "1",
        "CI": "true",
    }


def ponder(rpc: str, url: str, case: Case, port: int) -> float:
    """Seconds from Ponder's first word on fetching to its last on indexing the backfill, by its own log."""
    with (
        project(PONDER) as folder,
        running(ponder_command(port), folder, ponder_env(rpc, url, case)) as (process, log),
    ):
        _await(process, log, url, "bench.transfer", case.events)
        # The last rows are in the database before the log says so.
        deadline = time.monotonic() + 30
        while (took := _ponder_seconds(log)) is None:
            if time.monotonic() > deadline:
                raise BenchError(
                    f"Ponder's log does not say when the backfill began and ended: {log.read_text()[-400:]}"
                )
            time.sleep(0.1)
        return took


def _ponder_seconds(log: Path) -> float | None:
    began = ended = 0.0
    for line in log.read_text().splitlines(keepends=True):
        if not (line.startswith("{") and line.endswith("\n")):
            continue
        entry = json.loads(line)
        if entry["msg"].startswith("Started fetching backfill") and not began:
            began = entry["time"] / 1000
        if entry["msg"].startswith("Completed backfill indexing"):
            ended = entry["time"] / 1000
    return ended - began if began and ended else None


# ---- Envio ----------------------------------------------------------------------------------------------


@contextmanager
def envio_project() -> Iterator[Path]:
    """Envio's project with its generated code, which takes a while to compile and is made once."""
    with project(ENVIO) as folder:
        # Its build of ReScript ships binaries; pnpm shall not mind that no install script runs.
        command = [str((folder / "node_modules" / ".bin" / "envio").resolve()), "codegen"]
        lenient = {"npm_config_strict_dep_builds": "false", "pnpm_config_strict_dep_builds": "false"}
        env = os.environ | lenient
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if done.returncode or not (folder / "generated" / "src" / "Index.res.js").exists():
            raise BenchError(f"envio codegen failed: {(done.stderr or done.stdout)[-600:]}")
        yield folder


def envio(folder: Path, rpc: str, url: str, case: Case, socket: Path) -> float:
    """Seconds from Envio's word that it starts to the time it notes as ready, by its own log and table."""
    compiled = folder / "generated" / "src" / "Generated.res.js"
    text = re.sub(r'url: "http[^"]*"', f'url: "{rpc}"', compiled.read_text())
    text = re.sub(r"0x[0-9a-fA-F]{40}", case.token, text)
    compiled.write_text(re.sub(r"startBlock: \d+", f"startBlock: {case.first}", text))
    env = {
        "ENVIO_PG_HOST": str(socket),
        "ENVIO_PG_PORT": "5432",
        "ENVIO_PG_USER": "ipto",
        "ENVIO_PG_PASSWORD": "none",
        "ENVIO_POSTGRES_PASSWORD": "none",
        "ENVIO_PG_DATABASE": url.partition("?")[0].rpartition("/")[2],
        "ENVIO_HASURA": "false",
        "TUI_OFF": "true",
        "LOG_STRATEGY": "console-raw",
    }
    setup = "require(`./src/db/Migrations.res.js`).runUpMigrations(true, true)"
    subprocess.run(
        [node_command(), "-e", setup], cwd=folder / "generated", env=os.environ | env, check=True, capture_output=True
    )
    with running([node_command(), "generated/src/Index.res.js"], folder, env) as (process, log):
        _await(process, log, url, '"TransferRow"', case.events)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with psycopg.connect(url) as db:
                found = db.execute("SELECT ready_at FROM envio_chains").fetchone()
            if found and found[0]:
                return _envio_seconds(log, found[0])
            time.sleep(0.1)
    raise BenchError("Envio does not say when it was ready; did its release change?")


def _envio_seconds(log: Path, ready: datetime) -> float:
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text())
    found = re.search(r"\[(\d\d):(\d\d):(\d\d)\.(\d{3})\][^\n]*Successfully resumed indexing state", text)
    if found is None:
        raise BenchError(f"Envio's log does not say when it started: {text[-400:]}")
    hours, minutes, seconds, millis = map(int, found.groups())
    began = hours * 3600 + minutes * 60 + seconds + millis / 1000
    local = ready.astimezone()
    ended = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    return (ended - began) % 86_400
