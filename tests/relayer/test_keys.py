# SPDX-License-Identifier: Apache-2.0
"""Where lanes' keys come from, and that no child of the relayer learns how."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from relayer.keys import forget_secrets, open_keys
from relayer.problems import ConfigurationError
from relayer.settings import Settings

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_SESSION_TOKEN": "hush",
    "GOOGLE_APPLICATION_CREDENTIALS": "hush.json", "PGPASSWORD": "hush",
    "IPTO_RELAYER_RPC_URL": "https://node/hush", "IPTO_KEEPER_DATABASE_URL": "postgresql://me:hush@db/q",
    "IPTO_TREASURY_PASSWORD_FILE": "hush.txt", "IPTO_RELAYER_KEY_FD": "3",
}  # fmt: skip


def test_children_inherit_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("IPTO_RELAYER_PORT", "8470")
    forget_secrets(os.environ)
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True, check=True
    )
    assert "hush" not in child.stdout
    assert not set(SECRETS) & set(os.environ)
    assert "IPTO_RELAYER_PORT" in child.stdout, "what is no secret stays"


def test_a_key_that_was_handed_over_is_not_handed_on() -> None:
    """The descriptor is closed once it is read."""
    reading, writing = os.pipe()
    os.write(writing, b"11" * 32)
    os.close(writing)
    (signer,) = open_keys(Settings(key_fd=reading))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)
    assert "11" * 32 not in repr(signer)


def test_no_key_at_all_is_told() -> None:
    with pytest.raises(ConfigurationError, match="IPTO_RELAYER_KMS_KEYS"):
        open_keys(Settings())
