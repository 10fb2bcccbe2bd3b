# SPDX-License-Identifier: Apache-2.0
"""The stablecoin everybody is paid in here, we and the peers alike: its own cost is in every figure."""

from __future__ import annotations

from bench.harness import Chain, Contract
from ipto.accounts import LocalSigner
from ipto.chain import abi, artifact

DECIMALS = 6
PRICE = 25 * 10**DECIMALS
PLENTY = 10**6 * 10**DECIMALS


def deploy(chain: Chain, owner: LocalSigner, *rich: str) -> Contract:
    """A new test stablecoin; each of `rich` gets plenty of it."""
    token = chain.deploy(owner, abi("TestUSD"), artifact("TestUSD")["bytecode"])
    for account in rich:
        token.send(owner, "mint", account, PLENTY)
    return token
