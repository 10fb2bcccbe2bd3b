# SPDX-License-Identifier: Apache-2.0
"""People at the command line, beside one running stack."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account

from ipto.accounts import LocalSigner
from ipto.chain import Contract
from ipto.cli import main
from ipto.stack import Stack

PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def value(self, name: str) -> str:
        """The word behind a label such as `work`."""
        found = re.search(rf"^{name} +(\S+)", self.out, re.M)
        assert found, f"no {name} in:\n{self.out}\n{self.err}"
        return found[1]

    def values(self, name: str) -> list[str]:
        """The words behind all labels of a name."""
        return re.findall(rf"^{name} +(\S+)", self.out, re.M)


class Desk:
    """Runs commands in this process; keys are light keystores, for opening real ones takes a second each."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.password = folder / "passphrase"
        self._write(self.password, PASSPHRASE + "\n")

    def run(self, *arguments: object) -> Said:
        """`ipto …` with nothing to read; what would be a traceback fails the test."""
        out, err, stdin = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main([str(argument) for argument in arguments], prog_name="ipto")
        except SystemExit as end:
            return Said(int(end.code or 0), out.getvalue(), err.getvalue())
        finally:
            sys.stdin = stdin
        raise AssertionError("a command always ends with an exit code")

    def at(self, command: str, *arguments: object, key: Path | None = None, home: Path | None = None) -> Said:
        """A command on the stack, with a key."""
        options: list[object] = ["--home", home or self.stack.home]
        if key is not None:
            options += ["--key", key, "--password-file", self.password]
        return self.run(command, *arguments, *options)

    def ok(self, command: str, *arguments: object, key: Path | None = None) -> Said:
        """The same, when it must work."""
        said = self.at(command, *arguments, key=key)
        assert said.code == 0, said.err
        return said

    def person(self, name: str, *, ether: int = 0, dollars: int = 0) -> tuple[LocalSigner, Path]:
        """Someone with a key file. ether: wei; dollars: smallest unit of the test stablecoin."""
        signer = LocalSigner.random()
        path = self.folder / f"{name}-{signer.address}.json"
        light: dict[str, Any] = Account.encrypt(signer._key.secret, PASSPHRASE, kdf="pbkdf2", iterations=1)
        self._write(path, json.dumps(light))
        if ether:
            self.stack.chain.set_balance(signer.address, ether)
        if dollars:
            self.dollar.send(self.stack.chain.signers[0], "mint", signer.address, dollars)
        return signer, path

    @property
    def dollar(self) -> Contract:
        """The test stablecoin."""
        return self.stack.deployment.contract("TestUSD", self.stack.chain.rpc)

    def count(self, what: str) -> int:
        """How many works, offers or licenses the chain has logged, and documents the folder holds."""
        if what == "blocks":
            return sum(1 for path in (Path(self.stack.addresses.content) / "blocks").rglob("*") if path.is_file())
        contract, event = {
            "works": ("WorkRegistry", "WorkRegistered"),
            "offers": ("LicenseMarket", "OfferPosted"),
            "licenses": ("LicenseMarket", "LicenseMinted"),
        }[what]
        found = self.stack.deployment.contract(contract)
        topic = "0x" + found.abi.event(event).topic.hex()
        query = {"address": found.address, "fromBlock": "0x0", "topics": [topic]}
        return len(self.stack.chain.rpc.call("eth_getLogs", query))

    def counts(self) -> list[int]:
        """All of them: what an error must not change."""
        return [self.count(what) for what in ("works", "offers", "licenses", "blocks")]

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.touch(mode=0o600)
        path.write_text(text)
