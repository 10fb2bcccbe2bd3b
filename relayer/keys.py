# SPDX-License-Identifier: Apache-2.0
"""Where the keys of lanes come from; never from argv or environment."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping

from ipto.accounts import LocalSigner, Signer, open_keystore, read_passphrase
from ipto.kms import open_key
from relayer.problems import ConfigurationError
from relayer.settings import Settings


def open_keys(settings: Settings) -> list[Signer]:
    """The lanes' keys, from encrypted keystores, a key service or an inherited file descriptor; never from argv or
    environment.

    Raises ConfigurationError and what `ipto.accounts` raises.
    """
    signers: list[Signer] = []
    if settings.key_fd is not None:
        try:
            with os.fdopen(settings.key_fd, "rb") as file:
                lines = file.read(128 * 70).decode("ascii").split()
            signers += [LocalSigner(bytes.fromhex(line.removeprefix("0x"))) for line in lines]
        except (OSError, ValueError):
            # The text of the error could quote the key.
            raise ConfigurationError(f"descriptor {settings.key_fd} does not give keys of 64 hex digits") from None
    if settings.keystore:
        passphrase = read_passphrase(settings.password_file, prompt="Keystore passphrase: ")
        signers += [open_keystore(path, passphrase) for path in settings.keystore]
    signers += [open_key(name) for name in settings.kms_keys]
    if not signers:
        prefix = settings.model_config.get("env_prefix", "")
        raise ConfigurationError(f"set {prefix}KEYSTORE (encrypted keystore files), {prefix}KMS_KEYS or {prefix}KEY_FD")
    if len({signer.address for signer in signers}) != len(signers):
        raise ConfigurationError("a key is named twice; each lane needs a key of its own")
    return signers


# What gives access to a key, a database or a node: an RPC URL may hold an API key, a database's its password.
_SECRET = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN)|GOOGLE_APPLICATION_CREDENTIALS|PGPASSWORD"
    r"|IPTO_[A-Z]+_(RPC_URL|DATABASE_URL|KEY_FD|KEYSTORE|PASSWORD_FILE|ADMIN_KEY_FILE|CAPTCHA_SECRET_FILE)"
)


def forget_secrets(environment: MutableMapping[str, str]) -> None:
    """Take out of an environment what a child has no business with; call it when settings and keys have been read."""
    for name in [name for name in environment if _SECRET.fullmatch(name)]:
        del environment[name]
