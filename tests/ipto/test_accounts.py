# SPDX-License-Identifier: Apache-2.0
"""Keys: signatures are right, files are private, nothing prints a key."""

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ipto import accounts
from ipto.accounts import LocalSigner, Signer, create_keystore, open_keystore, read_passphrase
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.typed_data import split_signature

KEY = bytes(range(1, 33))
PASSPHRASE = "correct horse"


@given(st.binary(min_size=32, max_size=32))
def test_signatures_are_eth_account_s(digest: bytes) -> None:
    signature = LocalSigner(KEY).sign_digest(digest)
    assert signature == Account.unsafe_sign_hash(digest, KEY).signature
    split_signature(signature)  # low s, v 27 or 28


def test_transactions_are_eth_account_s() -> None:
    signer: Signer = LocalSigner(KEY)
    transaction = {
        "type": 2,
        "chainId": 1,
        "nonce": 0,
        "to": "0x" + "11" * 20,
        "value": 1,
        "gas": 21000,
        "maxFeePerGas": 1,
        "maxPriorityFeePerGas": 1,
        "data": "0x",
    }
    assert Account.recover_transaction(signer.sign_transaction(transaction)) == signer.address


@pytest.mark.parametrize("bad", [b"", bytes(32), b"\xff" * 32, b"\x01" * 31, b"\x01" * 33])
def test_what_is_no_key(bad: bytes) -> None:
    with pytest.raises(InputError):
        LocalSigner(bad)


def test_what_is_no_digest() -> None:
    with pytest.raises(InputError):
        LocalSigner(KEY).sign_digest(b"short")


def test_a_signer_does_not_show_its_key() -> None:
    signer = LocalSigner(KEY)
    assert KEY.hex() not in repr(signer) + str(signer)
    assert signer.address in repr(signer)


def test_keystore_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "relayer.json"
    made = create_keystore(path, PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_keystore(path, PASSPHRASE).address == made.address
    assert json.loads(path.read_text())["crypto"]["kdf"] == "scrypt"
    with pytest.raises(InputError, match="wrong passphrase"):
        open_keystore(path, "wrong horse")
    with pytest.raises(InputError, match="never overwritten"):
        create_keystore(path, PASSPHRASE)
    assert open_keystore(path, PASSPHRASE).address == made.address


def test_imported_key(tmp_path: Path) -> None:
    assert create_keystore(tmp_path / "k.json", PASSPHRASE, KEY).address == Account.from_key(KEY).address
    assert KEY.hex() not in (tmp_path / "k.json").read_text()


def test_short_passphrases_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 characters"):
        create_keystore(tmp_path / "k.json", "short")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_files_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(mode)
    with pytest.raises(InputError, match="chmod 600"):
        read_passphrase(path)
    with pytest.raises(InputError, match="chmod 600"):
        open_keystore(path, PASSPHRASE)


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "not json", '{"crypto": {}, "version": 3}'])
def test_what_is_no_keystore(tmp_path: Path, content: str) -> None:
    path = tmp_path / "k.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(InputError, match="not an encrypted keystore"):
        open_keystore(path, PASSPHRASE)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_keystore(tmp_path / "none.json", PASSPHRASE)


def test_a_file_with_another_s_address_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k.json"
    create_keystore(path, PASSPHRASE, KEY)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "address": "11" * 20}))
    with pytest.raises(IntegrityError):
        open_keystore(path, PASSPHRASE)


def test_passphrases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pass"
    path.touch(0o600)
    path.write_text(" spaces count \n")
    assert read_passphrase(path) == " spaces count "
    answers = iter(["one phrase", "one phrase", "one phrase", "another"])
    monkeypatch.setattr(accounts.getpass, "getpass", lambda prompt: next(answers))
    assert read_passphrase(confirm=True) == "one phrase"
    with pytest.raises(InputError, match="differ"):
        read_passphrase(confirm=True)
