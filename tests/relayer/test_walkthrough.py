# SPDX-License-Identifier: Apache-2.0
"""docs/operators.md, "Two relayers on one queue", followed to the letter: its commands are run, a chaos proxy stands
between the relayers and the node, one of them is killed, and every action is carried out once."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.relayer import chaos
from tests.relayer.chaos import ChaosProxy
from tests.relayer.world import World
from tests.support.postgres import PostgresServer

DOCS = Path(__file__).parents[2] / "docs" / "operators.md"
PATIENCE = 240.0


def commands() -> list[str]:
    """The shell blocks of the chapter, in order."""
    chapter = DOCS.read_text().split("\n## Two relayers on one queue\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", chapter, re.S)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Operator:
    """Somebody with a shell, who does what the page says."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("IPTO_")}
        self.environment |= environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
        self.environment["PATH"] = f"{Path(sys.executable).parent}:{self.environment['PATH']}"

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[None]:
    """What the page starts in the background ends with the test."""
    yield
    for name in ("first.pid", "second.pid"):
        if (tmp_path / name).exists():
            try:
                os.kill(int((tmp_path / name).read_text()), signal.SIGKILL)
            except ProcessLookupError:
                continue


def wait(what: str, seconds: float, check: object) -> None:
    end = time.monotonic() + seconds
    while not check():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("ended")
def test_two_relayers_as_the_page_says(world: World, postgres: PostgresServer, tmp_path: Path) -> None:
    keys, start, look = commands()
    ports = {"first": free_port(), "second": free_port()}
    dice = random.Random(7)
    with ChaosProxy(world.chain.url) as proxy:
        given = {
            "RPC_URL": proxy.url, "CHAIN_ID": str(world.deployment.chain_id), "DATABASE_URL": postgres.new_database(),
            "DEPLOYMENT": str(world.folder / f"{world.deployment.chain_id}.json"),
            "FIRST_PORT": str(ports["first"]), "SECOND_PORT": str(ports["second"]),
        }  # fmt: skip
        quick = {"IPTO_RELAYER_CONFIRMATIONS": "2", "IPTO_RELAYER_POLL_SECONDS": "0.2"}
        operator = Operator(tmp_path, given | quick)
        operator.run(keys)
        for address in (tmp_path / "lanes.addresses").read_text().split():
            world.chain.set_balance(address, 10**20)
        operator.run(start)
        with httpx.Client(timeout=60, trust_env=False) as http:

            def ready(name: str) -> bool:
                try:
                    return http.get(f"http://127.0.0.1:{ports[name]}/ready").status_code == 200
                except httpx.HTTPError:
                    return False

            for name in ports:
                log = tmp_path / f"{name}.log"
                wait(f"{name} is not ready: {log.read_text()[-1500:]}", PATIENCE, lambda name=name: ready(name))

            verdicts = [chaos.LOSE_REQUEST, chaos.LOSE_ANSWER, chaos.TWICE, chaos.UNAVAILABLE]
            proxy.rule = lambda method, params: dice.choice(verdicts) if dice.random() < 0.1 else chaos.PASS
            bodies = [world.signed_onboarding() for _ in range(10)]
            ids: dict[int, str] = {}
            for number, body in enumerate(bodies):
                if number == 5:
                    os.kill(int((tmp_path / "first.pid").read_text()), signal.SIGKILL)
                where = "second" if number >= 5 else ("first", "second")[number % 2]

                def submitted(number: int = number, body: object = body, where: str = where) -> bool:
                    answer = http.post(f"http://127.0.0.1:{ports[where]}/v1/actions", json=body)
                    assert answer.status_code in (202, 503), answer.text  # the node may seem away
                    if answer.status_code == 202:
                        ids[number] = answer.json()["id"]
                    return answer.status_code == 202

                wait("it is not taken", PATIENCE, submitted)

            def final() -> bool:
                world.chain.mine()
                states = [
                    http.get(f"http://127.0.0.1:{ports['second']}/v1/actions/{name}").json().get("state")
                    for name in ids.values()
                ]
                return set(states) == {"final"}

            wait("not all are final", PATIENCE, final)
        proxy.rule = lambda method, params: chaos.PASS
        assert all(len(world.executions(body)) == 1 for body in bodies)
        told = operator.run(look)
        assert "the audit log is whole" in told
        assert '"queued":0,"sent":0,"mined":0,"final":10,"failed":0' in told.replace(" ", "")
