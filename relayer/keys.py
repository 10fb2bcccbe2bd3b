# SPDX-License-Identifier: Apache-2.0
"""Where the keys of lanes come from; never from argv or environment."""

from __future__ import annotations

import os

from ipto.accounts import LocalSigner, Signer, open_keystore, read_passphrase
from relayer.problems import ConfigurationError
from relayer.settings import Settings


def open_keys(settings: Settings) -> list[Signer]:
    """The lanes' keys, from encrypted keystores or an inherited file descriptor; never from argv or environment.

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
    if not signers:
        raise ConfigurationError("set IPTO_RELAYER_KEYSTORE (encrypted keystore files) or IPTO_RELAYER_KEY_FD")
    if len({signer.address for signer in signers}) != len(signers):
        raise ConfigurationError("a key is named twice; each lane needs a key of its own")
    return signers
