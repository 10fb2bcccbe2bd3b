# SPDX-License-Identifier: Apache-2.0
"""`python -m relayer run` as operators start it: keys, wrong chains, wrong contracts, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ipto.accounts import create_keystore
from ipto.devchain import dev_signer
from relayer.__main__ import main
from relayer.schema import connect
from relayer.settings import Settings, settings_table
from tests.relayer.world import LANE_KEY, RelayerProcess, World

ROOT = Path(__file__).parents[2]


def run(environment: dict[str, str]) -> tuple[int, str]:
    """A start that is refused, in this process: its exit code and all it said."""
    done = CliRunner().invoke(main, ["run"], env={name: environment.get(name) for name in {*os.environ, *environment}})
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lane's keystore, another one, and their passphrase. Made once: encrypting is slow on purpose."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "passphrase").touch(0o600)
    (folder / "passphrase").write_text("correct horse\n")
    create_keystore(folder / "lane.json", "correct horse", LANE_KEY)
    create_keystore(folder / "other.json", "correct horse", b"\x12" * 32)
    return folder


@pytest.fixture
def environment(world: World, keys: Path) -> dict[str, str]:
    """Settings that would work, with a keystore."""
    files = {"KEYSTORE": keys / "lane.json", "PASSWORD_FILE": keys / "passphrase"}
    return RelayerProcess(world).environment | {f"IPTO_RELAYER_{name}": str(path) for name, path in files.items()}


def test_keystore_starts_it_and_a_signal_ends_it_and_no_key_is_said(world: World, environment: dict[str, str]) -> None:
    log = world.folder / "out.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "relayer", "run"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    end = time.monotonic() + 60
    while b"running on" not in log.read_bytes() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    # uvicorn ends by the signal it was sent.
    assert process.wait(30) in (0, -signal.SIGTERM), log.read_text()
    said = log.read_text()
    assert world.lane.address in said
    assert LANE_KEY.hex() not in said
    assert "correct horse" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CHAIN_ID": "1"}, "is for chain 31337, the settings say 1"),
        ({"DEPLOYMENT": "/nowhere/1.json"}, "does not exist"),
        ({"KEYSTORE": ""}, "set IPTO_RELAYER_KEYSTORE"),
        ({"RPC_URL": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"MAX_FEE": "-1"}, "max_fee"),
        ({"KEY_FD": "9"}, "not both"),
    ],
)
def test_refuses_to_start(environment: dict[str, str], changes: dict[str, str], words: str) -> None:
    changed = environment | {f"IPTO_RELAYER_{name}": value for name, value in changes.items()}
    code, said = run({name: value for name, value in changed.items() if value})
    assert code == 1
    assert words in said
    assert "Traceback" not in said


def test_refuses_contracts_that_are_not_ours(world: World, environment: dict[str, str]) -> None:
    contracts = world.deployment.contracts | {"SignedActions": dev_signer(3).address}
    replace(world.deployment, contracts=contracts).save(world.folder)
    code, said = run(environment)
    assert code == 1
    assert "SignedActions was deployed from other code" in said


def test_refuses_a_queue_that_is_in_use_or_of_another_chain(
    world: World, environment: dict[str, str], start: Callable[..., RelayerProcess]
) -> None:
    first = start()
    code, said = run(environment)
    assert code == 1
    assert "another relayer uses" in said
    first.kill()
    db = connect(world.folder / "relayer.sqlite")
    with db.transaction() as change:
        change.change("UPDATE meta SET value = '0xdead' WHERE name = 'genesis'")
    db.close()
    code, said = run(environment)
    assert code == 1
    assert "the database belongs to genesis 0xdead" in said


def test_refuses_a_key_while_another_key_s_transactions_are_out(
    world: World, environment: dict[str, str], keys: Path, start: Callable[..., RelayerProcess]
) -> None:
    world.chain.set_automine(False)
    first = start()
    first.wait_for(first.submit(world.signed_onboarding()), "sent", mine=False)
    first.kill()
    code, said = run(environment | {"IPTO_RELAYER_KEYSTORE": str(keys / "other.json")})
    assert code == 1
    assert f"start with the key of {world.lane.address}" in said


def test_a_bad_key_is_not_repeated(environment: dict[str, str]) -> None:
    secret = "ab" * 31 + "zz"
    reading, writing = os.pipe()
    os.write(writing, secret.encode())
    os.close(writing)
    del environment["IPTO_RELAYER_KEYSTORE"]
    code, said = run(environment | {"IPTO_RELAYER_KEY_FD": str(reading)})
    assert code == 1
    assert "64 hex digits" in said
    assert "abab" not in said


def test_the_settings_table_in_the_docs_is_the_settings_class() -> None:
    text = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    assert settings_table() in text, "run: python -m relayer settings"
    assert all(field.description for field in Settings.model_fields.values())


def test_addresses_in_settings_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    address = dev_signer(1).address
    monkeypatch.setenv("IPTO_RELAYER_ALLOW", f"{address.lower()} , {dev_signer(2).address}")
    assert Settings().allow == (address, dev_signer(2).address)
    monkeypatch.setenv("IPTO_RELAYER_ALLOW", "0x12")
    with pytest.raises(ValueError, match="not an address"):
        Settings()
