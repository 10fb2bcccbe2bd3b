# SPDX-License-Identifier: Apache-2.0
"""`ipto report …` on a chain with the contracts alone: no service takes part in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.cli import main
from ipto.devchain import DevChain
from tests.ipto.test_reporter import MONTH, WINDOW, Desk

PASSPHRASE = "correct horse"


class Terminal(Desk):
    """A desk with a stack file and key files, so that commands find everything."""

    def __init__(self, chain: DevChain, deployment: Deployment, folder: Path) -> None:
        super().__init__(chain, deployment, folder, works=3)
        self.folder = folder
        path = deployment.save(folder / "deployments")
        stack = {
            "rpc": chain.url,
            "indexer": "http://127.0.0.1:9",
            "relayer": "http://127.0.0.1:9",
            "deployment": str(path),
            "content": str(folder / "content"),
        }
        (folder / "stack.json").write_text(json.dumps(stack))
        self.password = self.write("passphrase", PASSPHRASE + "\n")
        self.lab, self.anyone = (self.key(signer) for signer in (self.licensee, self.keeper))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def key(self, signer: LocalSigner) -> Path:
        light: dict[str, Any] = Account.encrypt(signer._key.secret, PASSPHRASE, kdf="pbkdf2", iterations=1)
        return self.write(f"{signer.address}.json", json.dumps(light))

    def run(self, command: str, *arguments: object, key: Path | None = None) -> Result:
        options: list[object] = ["--home", self.folder]
        if key is not None:
            options += ["--key", key, "--password-file", self.password]
        return CliRunner().invoke(main, [str(part) for part in ("report", command, *arguments, *options)])

    def ok(self, command: str, *arguments: object, key: Path | None = None) -> str:
        done = self.run(command, *arguments, key=key)
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *arguments: object, key: Path | None = None) -> str:
        done = self.run(str(arguments[0]), *arguments[1:], key=key)
        assert done.exit_code == 1, done.output
        return done.output

    def weighed(self, license: int, *weights: int) -> Path:
        """What `entries` wrote, filled in."""
        lines = [json.loads(line) for line in self.ok("entries", license).splitlines()]
        filled = [{**line, "weight": weight} for line, weight in zip(lines, weights, strict=True)]
        return self.write("entries.jsonl", "\n".join(json.dumps(line) for line in filled) + "\n\n")


@pytest.fixture
def desk(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Terminal:
    return Terminal(chain, deployment, tmp_path)


def value(said: str, name: str) -> str:
    return next(line.split(maxsplit=1)[1].split()[0] for line in said.splitlines() if line.startswith(name))


def test_from_entries_to_payees(desk: Terminal) -> None:
    _, license = desk.licensed()
    desk.wait(MONTH)
    due = desk.ok("due", license)
    assert "reports     0" in due
    assert "standing    good" in due
    entries, file = desk.weighed(license, 2, 1, 1), desk.folder / "report.json"
    built = desk.ok(
        "build", entries, "--license", license, "--total", "0.0004", "--note", "seconds", "--out", file, key=desk.lab
    )
    assert "0.0004 tUSD in 3 shares" in built
    submitted = desk.ok("submit", file, "--yes", key=desk.lab)
    report = value(submitted, "report")
    assert "paid        0.0004 tUSD" in submitted
    verified = desk.ok("verify", report)
    assert verified.count("holds ") == 5
    assert "FAILS" not in verified
    assert "challenge window open" in desk.refused("claim", report, key=desk.anyone)
    desk.wait(WINDOW)
    assert desk.store.get_document(bytes.fromhex(value(built, "manifest")[2:66]))  # where it was said to be
    claimed = desk.ok("claim", report, key=desk.anyone)
    assert "paid        0.0004 tUSD for 3 works" in claimed
    assert sorted(desk.earned(creator) for creator in desk.creators) == [100, 100, 200]
    assert "for 0 works" in desk.ok("claim", report, key=desk.anyone)
    assert "reports     1, of them 0 late and 0 void" in desk.ok("due", license)


def test_one_offers_share_and_a_final_report(desk: Terminal) -> None:
    license = desk.single()
    desk.wait(3 * MONTH)
    assert "missing     2" in desk.ok("due", license)
    assert "standing    not good" in desk.ok("due", license)
    entries, file = desk.weighed(license, 5), desk.folder / "report.json"
    desk.ok("build", entries, "--license", license, "--total", "1", "--final", "--out", file, key=desk.lab)
    report = value(desk.ok("submit", file, "--yes", key=desk.lab), "report")
    verified = desk.ok("verify", report)
    assert "flags       final, late" in verified
    due = desk.ok("due", license)
    assert "next due    never" in due
    assert ", final" in due
    desk.wait(30 * 86_400)
    offer = json.loads(entries.read_text().splitlines()[0])["offer"]
    other = "0x" + "11" * 28 + "00" * 4
    assert "for 0 works" in desk.ok("claim", report, "--offer", other, key=desk.anyone)
    assert "for 1 works" in desk.ok("claim", report, "--offer", offer, key=desk.anyone)


def test_what_is_asked_before_paying(desk: Terminal) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries, file = desk.weighed(license, 5), desk.folder / "report.json"
    desk.ok("build", entries, "--license", license, "--total", "1", "--out", file, key=desk.lab)
    assert "Aborted" in desk.refused("submit", file, key=desk.lab)
    assert "reports     0" in desk.ok("due", license)


def test_what_cannot_be_built(desk: Terminal) -> None:
    license = desk.single()
    out = ("--out", desk.folder / "report.json")
    zero = desk.write("zero.jsonl", desk.ok("entries", license))
    said = desk.refused("build", zero, "--license", license, "--total", "1", *out, key=desk.lab)
    assert "weights sum to zero" in said
    odd = desk.write("odd.jsonl", zero.read_text() + '{"offer": "0x"}\n')
    assert "line 2" in desk.refused("build", odd, "--license", license, "--total", "1", *out, key=desk.lab)
    assert "is not a model" in desk.refused(
        "build", zero, "--license", license, "--total", "1", "--model", "x", *out, key=desk.lab
    )
    assert "no offer and no dataset" in desk.refused("due", 1)


def test_a_report_file_that_was_changed(desk: Terminal) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries, file = desk.weighed(license, 5), desk.folder / "report.json"
    desk.ok("build", entries, "--license", license, "--total", "1", "--out", file, key=desk.lab)
    built = json.loads(file.read_text())
    for changed in (
        {"report": {**built["report"], "root": "0x" + "22" * 32}},
        {"report": {**built["report"], "total": "5"}},
    ):
        file.write_text(json.dumps({**built, **changed}))
        assert "does not say what its manifest says" in desk.refused("submit", file, "--yes", key=desk.lab)
    file.write_text(json.dumps({**built, "format": 2}))
    assert "not a report of format 1" in desk.refused("submit", file, "--yes", key=desk.lab)


def test_a_false_report_fails_its_audit(desk: Terminal) -> None:
    license = desk.single()
    desk.wait(MONTH)
    entries, file = desk.weighed(license, 5), desk.folder / "report.json"
    line = json.loads(entries.read_text().splitlines()[0])
    entries.write_text(json.dumps({**line, "work": "7"}) + "\n")
    desk.ok("build", entries, "--license", license, "--total", "1", "--out", file, key=desk.lab)
    report = value(desk.ok("submit", file, "--yes", key=desk.lab), "report")
    said = desk.refused("verify", report)
    assert "FAILS  every entry names its work" in said
    assert "challenge it before claims open" in said


def test_ids_that_are_none(desk: Terminal) -> None:
    for text in ("0x12", "x", "0x" + "g" * 64):
        assert "is not a report" in desk.refused("verify", text)
    assert "no report 0x" in desk.refused("verify", "0x" + "11" * 32)
