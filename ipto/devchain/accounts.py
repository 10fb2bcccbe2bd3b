# SPDX-License-Identifier: Apache-2.0
"""The well-known accounts of development chains. Their keys are public: never send them anything of value."""

from __future__ import annotations

import functools

from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from ipto.accounts import LocalSigner

# Hardhat's and Foundry's default, known to every wallet that warns about it.
MNEMONIC = "test test test test test test test test test test test junk"


@functools.cache
def _seed(mnemonic: str) -> bytes:
    return bytes(seed_from_mnemonic(mnemonic, ""))


@functools.cache
def dev_signer(index: int, mnemonic: str = MNEMONIC) -> LocalSigner:
    """The signer of account `index` (BIP-44 path m/44'/60'/0'/0/index)."""
    return LocalSigner(bytes(key_from_seed(_seed(mnemonic), f"m/44'/60'/0'/0/{index}")))


def dev_signers(count: int, mnemonic: str = MNEMONIC) -> tuple[LocalSigner, ...]:
    """The first `count` signers."""
    return tuple(dev_signer(index, mnemonic) for index in range(count))
