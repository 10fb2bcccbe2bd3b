# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer refill` as operators run it: the commands of docs/operators.md and docs/keeper.md."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from ipto.accounts import LocalSigner, create_keystore
from relayer.__main__ import main
from tests.relayer.errands.stage import Stage

ROOT = Path(__file__).parents[3]
LOW, FULL = 10**16, 10**17
KEY = LocalSigner(b"\x32" * 32)
PATIENCE = 120.0  # seconds for what takes one on an idle machine


@pytest.fixture
def lane(stage: Stage) -> str:
    return stage.person()


@pytest.fixture
def environment(stage: Stage, lane: str) -> dict[str, str]:
    stage.chain.set_balance(KEY.address, 10**18)
    stage.deployment.save(stage.folder)
    (stage.folder / "passphrase").touch(0o600)
    (stage.folder / "passphrase").write_text("correct horse\n")
    create_keystore(stage.folder / "treasury.json", "correct horse", b"\x32" * 32)
    values = {
        "RPC_URL": stage.chain.url, "CHAIN_ID": "31337", "DEPLOYMENT": str(stage.folder / "31337.json"),
        "KEYSTORE": str(stage.folder / "treasury.json"), "PASSWORD_FILE": str(stage.folder / "passphrase"),
        "DATABASE": str(stage.folder / "treasury.sqlite"), "LANES": lane, "THRESHOLD_WEI": str(LOW),
        "TARGET_WEI": str(FULL), "DAY_WEI": str(3 * FULL), "PORT": "0", "CONFIRMATIONS": "2",
        "ROUND_SECONDS": "0.2", "POLL_SECONDS": "0.05",
    }  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith("IPTO_")}
    return clean | {f"IPTO_TREASURY_{name}": value for name, value in values.items()}


def begin(stage: Stage, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], httpx.Client, Path]:
    log = stage.folder / f"treasury-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "relayer", "refill"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(rb"running on (http://127\.0\.0\.1:\d+)", log.read_bytes()):
            return process, httpx.Client(base_url=found[1].decode(), trust_env=False, timeout=30), log
        time.sleep(0.05)
    process.kill()
    raise AssertionError(log.read_text())


def filled(stage: Stage, lane: str, http: httpx.Client, transactions: int) -> None:
    """Blocks come until the lane has what it should, and the result is final."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        status = http.get("/status").json()
        if stage.wei(lane) == FULL and status["actions"]["final"] == transactions:
            return
        stage.chain.mine()
        time.sleep(0.05)
    raise AssertionError(status)


def test_a_lane_is_filled_again_and_again_by_a_process_that_may_be_stopped(
    stage: Stage, lane: str, environment: dict[str, str]
) -> None:
    before = stage.chain.rpc.nonce(KEY.address, "latest")
    process, http, log = begin(stage, environment)
    try:
        filled(stage, lane, http, 1)
        numbers = http.get("/metrics").text
        assert f'ipto_treasury_balance_wei{{lane="{lane}"}}' in numbers
        assert f'ipto_treasury_needy{{lane="{lane}"}}' in numbers
        assert f'ipto_treasury_capped{{lane="{lane}"}} 0' in numbers
        assert 'ipto_treasury_actions{kind="Refill",state="final"} 1' in numbers
        assert re.search(r"ipto_treasury_looked_timestamp_seconds [1-9]", numbers)
        assert http.get("/ready").json() == {"ready": True, "reasons": []}
        assert http.post("/v1/requests", json={}).status_code == 404, "nobody asks the treasury for anything"
        # Another one does not start beside it.
        second = subprocess.run(
            [sys.executable, "-m", "relayer", "refill"],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            timeout=PATIENCE,
        )
        assert second.returncode == 1
        assert b"another relayer uses" in second.stderr
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        assert process.returncode in (0, -signal.SIGTERM), "told to end, it ends"
        assert "Traceback" not in log.read_text()
        http.close()
        # While it is gone the lane runs low; after a kill -9 as well. Each need is one transaction.
        stage.chain.set_balance(lane, 0)
        process, http, _ = begin(stage, environment)
        process.kill()
        process.wait()
        http.close()
        process, http, log = begin(stage, environment)
        filled(stage, lane, http, 2)
        assert stage.chain.rpc.nonce(KEY.address, "latest") == before + 2
    finally:
        process.kill()
        process.wait()
        http.close()
    for secret in (b"\x32".hex() * 32, "correct horse"):
        assert secret not in log.read_text()


def test_the_doctor_looks_at_a_treasury(stage: Stage, lane: str, environment: dict[str, str]) -> None:
    values: dict[str, str | None] = {name: None for name in os.environ if name.startswith("IPTO_")}
    said = CliRunner().invoke(main, ["doctor"], env={**values, **environment}).output
    assert re.search(rf"warning +treasury: lane {lane} has 0 wei, it is refilled below {LOW}", said), said
    assert re.search(rf"ok +treasury: .*{KEY.address}", said), said
    poor = environment | {"IPTO_TREASURY_DAY_WEI": str(FULL - 1)}
    said = CliRunner().invoke(main, ["doctor"], env={**values, **poor}).output
    assert re.search(r"warning +treasury: the day's limit of \d+ wei does not fill all lanes once", said), said
