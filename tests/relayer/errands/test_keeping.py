# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer keep` and `doctor` as operators run them: the commands of docs/keeper.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from ipto import ids
from ipto.accounts import create_keystore
from relayer.__main__ import main
from relayer.errands.settings import KeeperSettings, TreasurySettings, keeper_table, treasury_table
from tests.relayer.errands.stage import KEEPER_KEY, Stage

ROOT = Path(__file__).parents[3]
ETHER = 10**18
PATIENCE = 120.0  # seconds for what takes one on an idle machine


@pytest.fixture
def environment(stage: Stage) -> dict[str, str]:
    stage.deployment.save(stage.folder)
    (stage.folder / "passphrase").touch(0o600)
    (stage.folder / "passphrase").write_text("correct horse\n")
    create_keystore(stage.folder / "keeper.json", "correct horse", KEEPER_KEY)
    values = {
        "RPC_URL": stage.chain.url, "CHAIN_ID": "31337", "DEPLOYMENT": str(stage.folder / "31337.json"),
        "INDEXER": stage.indexer.url, "KEYSTORE": str(stage.folder / "keeper.json"),
        "PASSWORD_FILE": str(stage.folder / "passphrase"), "DATABASE": str(stage.folder / "keeper.sqlite"),
        "PRICES": f"{stage.deployment.address('TestUSD')}=0.00031", "PORT": "0", "CONFIRMATIONS": "2",
        "ROUND_SECONDS": "0.2", "POLL_SECONDS": "0.05", "RATIO": "1",
    }  # fmt: skip
    clean = {name: value for name, value in os.environ.items() if not name.startswith("IPTO_")}
    return clean | {f"IPTO_KEEPER_{name}": value for name, value in values.items()}


def begin(stage: Stage, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str, Path]:
    log = stage.folder / f"keeper-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "relayer", "keep"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(rb"running on (http://127\.0\.0\.1:\d+)", log.read_bytes()):
            return process, found[1].decode(), log
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def test_a_keeper_that_is_killed_pays_once(stage: Stage, environment: dict[str, str]) -> None:
    person = stage.person()
    stage.credit(ids.address_account(person), ETHER)
    stage.indexer.catch_up()
    process, _, _ = begin(stage, environment)
    process.kill()
    process.wait()
    process, url, log = begin(stage, environment)
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            end = time.monotonic() + PATIENCE
            source = "0x" + ids.address_account(person).hex()
            while time.monotonic() < end:
                items = http.get("/v1/payouts", params={"source": source}).json()["items"]
                if [item["state"] for item in items] == ["final"]:
                    break
                stage.chain.mine()
                time.sleep(0.05)
            assert [item["state"] for item in items] == ["final"], (items, log.read_text()[-3000:])
            assert stage.wei(person) == ETHER
            metrics = http.get("/metrics").text
            assert "ipto_keeper_walked_timestamp_seconds" in metrics
            assert 'kind="Withdraw",state="final"' in metrics
            assert http.get("/status").json()["chain_id"] == 31337
            wrong = http.post("/v1/requests", json={"asker": "me"})
            assert (wrong.status_code, wrong.json()["code"]) == (422, "malformed")
    finally:
        process.terminate()
        process.wait(30)
    assert KEEPER_KEY.hex() not in log.read_text()
    assert "correct horse" not in log.read_text()


def test_the_doctor_looks_at_keeper_and_treasury(stage: Stage, environment: dict[str, str]) -> None:
    lane = stage.person()
    more = {
        "IPTO_TREASURY_RPC_URL": stage.chain.url, "IPTO_TREASURY_LANES": lane,
        "IPTO_TREASURY_DEPLOYMENT": environment["IPTO_KEEPER_DEPLOYMENT"],
        "IPTO_TREASURY_DATABASE": str(stage.folder / "treasury.sqlite"),
    }  # fmt: skip
    values: dict[str, str | None] = {name: None for name in os.environ if name.startswith("IPTO_")}
    done = CliRunner().invoke(main, ["doctor"], env={**values, **environment, **more})
    said = done.output
    assert re.search(r"ok +keeper: the indexer at http\S+ is -?\d+ blocks behind the node", said), said
    assert re.search(r"ok +keeper: 1 currencies besides ETH have a price", said), said
    assert re.search(r"warning +keeper: no content store is set", said), said
    assert re.search(r"error +treasury: the keys: set IPTO_TREASURY_KEYSTORE", said), said
    assert re.search(rf"warning +treasury: lane {lane} has 0 wei", said), said


def test_a_queue_of_creators_is_not_taken_for_the_keepers(stage: Stage, environment: dict[str, str]) -> None:
    from relayer.schema import bind, connect

    database = connect(stage.folder / "keeper.sqlite")
    bind(database, "chain", "31337")
    database.close()
    done = CliRunner().invoke(main, ["keep"], env=dict(environment))
    assert done.exit_code == 1
    assert "choose another database" in done.output


def test_the_pages_tables_are_the_settings_classes() -> None:
    text = (ROOT / "docs" / "keeper.md").read_text(encoding="utf-8")
    assert keeper_table() in text
    assert treasury_table() in text


@pytest.mark.parametrize("price", ["0x12=1", "1", "0x" + "11" * 20 + "=-1", "0x" + "11" * 20 + "=1e3"])
def test_prices_that_are_none(price: str) -> None:
    with pytest.raises(ValueError, match=r"price|address"):
        KeeperSettings(prices=price)  # type: ignore[arg-type]


def test_settings_are_read_from_their_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPTO_RELAYER_MAX_FEE", "7")
    monkeypatch.setenv("IPTO_KEEPER_MAX_FEE", "8")
    monkeypatch.setenv("IPTO_TREASURY_MAX_FEE", "9")
    assert (KeeperSettings().max_fee, TreasurySettings().max_fee) == (8, 9)
