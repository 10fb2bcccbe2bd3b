# SPDX-License-Identifier: Apache-2.0
"""Where money goes, by signature: the account or invite key signs, anyone carries it, nobody can change it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from eth_account import Account

from ipto import ids
from ipto.accounts import LocalSigner
from ipto.chain import Deployment
from ipto.cli import main
from ipto.devchain import DevChain
from ipto.errors import InputError
from ipto.payouts import acceptance, for_vault, redirection
from ipto.structs import ETH, ZERO_ADDRESS

PASSPHRASE = "correct horse"
HEIR = "0x" + "be" * 20


class Till:
    """Somebody with a key and no gas, somebody with gas, and a stack file."""

    def __init__(self, chain: DevChain, deployment: Deployment, folder: Path) -> None:
        self.chain, self.deployment, self.folder = chain, deployment, folder
        self.vault = deployment.contract("RoyaltyVault", chain.rpc)
        path = deployment.save(folder / "deployments")
        nowhere = "http://127.0.0.1:9"
        stack = {"rpc": chain.url, "indexer": nowhere, "relayer": nowhere, "deployment": str(path)}
        (folder / "stack.json").write_text(json.dumps(stack | {"content": str(folder / "content")}))
        self.password = self.write("passphrase", PASSPHRASE + "\n")
        self.dancer, self.carrier = LocalSigner.random(), chain.signers[7]

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def key(self, signer: LocalSigner) -> Path:
        light: dict[str, Any] = Account.encrypt(signer._key.secret, PASSPHRASE, kdf="pbkdf2", iterations=1)
        return self.write(f"{signer.address}.json", json.dumps(light))

    def run(self, command: str, to: str, key: LocalSigner) -> Result:
        options = ["--home", self.folder, "--key", self.key(key), "--password-file", self.password]
        options += ["--payer", self.key(self.carrier), "--payer-password-file", self.password]
        return CliRunner().invoke(main, [command, to, *map(str, options)])

    def earn(self, account: bytes, amount: int) -> None:
        self.vault.send(self.carrier, "credit", [account], [amount], ETH, value=amount)


@pytest.fixture
def till(chain: DevChain, deployment: Deployment, tmp_path: Path) -> Till:
    return Till(chain, deployment, tmp_path)


def test_redirected_without_gas_and_back(till: Till) -> None:
    done = till.run("redirect", HEIR, till.dancer)
    assert done.exit_code == 0, done.output
    assert f"account     {till.dancer.address}\n" in done.output
    till.earn(ids.address_account(till.dancer.address), 5)
    till.vault.send(till.carrier, "withdraw", till.dancer.address, ETH)
    assert till.chain.rpc.balance(HEIR) == 5
    assert till.run("redirect", "self", till.dancer).exit_code == 0
    assert till.vault.call("redirect_of", till.dancer.address) == ZERO_ADDRESS


def test_an_invitation_is_accepted_once(till: Till) -> None:
    done = till.run("accept-invitation", HEIR, till.dancer)
    assert done.exit_code == 0, done.output
    account = ids.invited_account(till.dancer.address)
    assert f"account     0x{account.hex()}\n" in done.output
    assert till.vault.call("invitation", till.dancer.address)[1].lower() == HEIR
    again = till.run("accept-invitation", till.carrier.address, till.dancer)
    assert again.exit_code == 1
    assert "Error: " in again.output


def test_a_signature_counts_for_what_was_signed(till: Till) -> None:
    """Whoever carries it can send the money nowhere else, and use it once."""
    signed = redirection(till.chain.rpc, till.deployment, till.dancer.address, HEIR, 2**40)
    signature = till.dancer.sign_typed_data(for_vault(till.deployment, signed))
    words = (signed.account, signed.to, signed.nonce, signed.deadline, signature)
    with pytest.raises(Exception, match="bad signature"):
        till.vault.send(till.carrier, "redirect_by_signature", words[0], till.carrier.address, *words[2:])
    till.vault.send(till.carrier, "redirect_by_signature", *words)
    with pytest.raises(Exception, match="vault: "):
        till.vault.send(till.carrier, "redirect_by_signature", *words)


def test_nobody_is_paid_by_mistake(till: Till) -> None:
    with pytest.raises(InputError, match="pay itself"):
        redirection(till.chain.rpc, till.deployment, till.dancer.address, till.vault.address, 1)
    with pytest.raises(InputError, match="for good"):
        acceptance(till.dancer.address, ZERO_ADDRESS, 1)
