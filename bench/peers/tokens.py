# SPDX-License-Identifier: Apache-2.0
"""What minting one ERC-721 token costs alone, without license, payment or rule: the floor beneath a license."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.harness import Chain, Contract
from bench.peers import npm
from ipto.accounts import LocalSigner
from ipto.chain import Abi

HERE = Path(__file__).parent
# As long as the address of a metadata document on IPFS is.
URI = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


def _mints(token: Contract, owner: LocalSigner, function: str, *args: Any) -> dict[str, int]:
    first = token.gas(owner, function, *args)
    return {"mint_first": first, "mint_repeat": token.gas(owner, function, *args)}


def _solidity(chain: Chain, name: str, optimizer_runs: int) -> dict[str, int]:
    owner, holder = chain.account("owner"), chain.account("holder").address
    code = npm.compiled(name, optimizer_runs)
    return _mints(chain.deploy(owner, code.abi, code.bytecode), owner, "mint", holder)


def openzeppelin(chain: Chain) -> dict[str, int]:
    """OpenZeppelin's ERC721, with the optimizer setting its project uses."""
    return _solidity(chain, "OpenZeppelinNFT", 200)


def solady(chain: Chain) -> dict[str, int]:
    """solady's ERC721, with the optimizer setting its project uses."""
    return _solidity(chain, "SoladyNFT", 1_000)


def snekmate(chain: Chain) -> dict[str, int]:
    """snekmate's ERC-721, enumerable and with one URI per token as it comes."""
    owner, holder = chain.account("owner"), chain.account("holder").address
    command = [sys.executable, "-m", "vyper", "-f", "abi,bytecode", str(HERE / "contracts" / "SnekmateNFT.vy")]
    abi, bytecode = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return _mints(chain.deploy(owner, Abi("SnekmateNFT", json.loads(abi)), bytecode), owner, "safe_mint", holder, URI)
