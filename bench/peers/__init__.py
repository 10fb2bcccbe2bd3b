# SPDX-License-Identifier: Apache-2.0
"""Whom we measure ourselves against: run beside us from what they publish, or recorded where they cannot be run."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import Chain, fresh_chain
from bench.peers import forwarder, npm, ocean, tokens, unlock

RECORDED = Path(__file__).parent / "recorded.json"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer that can be run. `state` says what the figures presuppose."""

    title: str
    package: str
    state: str
    measure: Callable[[Chain], dict[str, int]]


LIVE = {
    "openzeppelin_erc721": Peer(
        "OpenZeppelin ERC721",
        "@openzeppelin/contracts",
        "`contracts/OpenZeppelinNFT.sol`: numbered, unguarded mint, no payment; optimizer on, 200 runs",
        tokens.openzeppelin,
    ),
    "solady_erc721": Peer(
        "solady ERC721",
        "solady",
        "`contracts/SoladyNFT.sol`: numbered, unguarded mint, no payment; optimizer on, 1,000 runs",
        tokens.solady,
    ),
    "snekmate_erc721": Peer(
        "snekmate ERC-721",
        "snekmate",
        "`contracts/SnekmateNFT.vy`: enumerable, one IPFS address per token; vyper's default optimizer",
        tokens.snekmate,
    ),
    "openzeppelin_forwarder": Peer(
        "OpenZeppelin ERC2771Forwarder",
        "@openzeppelin/contracts",
        "shipped bytecode; a counter called directly and through it, repeated, same actor",
        forwarder.measure,
    ),
    "unlock": Peer(
        "Unlock PublicLock v15",
        "@unlock-protocol/contracts",
        "shipped bytecode, protocol fee 0, no oracle, no hooks; one key per purchase, lock and holder in use before",
        unlock.measure,
    ),
    "ocean": Peer(
        "Ocean Protocol",
        "@oceanprotocol/contracts",
        "shipped bytecode, enterprise datatoken, fixed rate; all fees 0, every balance it touches already non-zero, "
        "which is its cheapest state",
        ocean.measure,
    ),
}


def _version(package: str) -> str:
    locked = npm.versions()
    return locked[package] if package in locked else importlib.metadata.version(package)


def solc_version() -> str:
    """The version of the Solidity compiler."""
    return npm.versions()["solc"]


def measure() -> tuple[dict[str, dict[str, int]], dict[str, dict[str, Any]]]:
    """Run every peer that can be run, each on a chain of its own, and add the recorded ones.

    Returns gas by peer and operation, and by peer where its figures come from.
    """
    gas: dict[str, dict[str, int]] = {}
    sources: dict[str, dict[str, Any]] = {}
    for name, peer in LIVE.items():
        with fresh_chain() as chain:
            gas[name] = peer.measure(chain)
        package = f"{peer.package} {_version(peer.package)}"
        sources[name] = {"title": peer.title, "measured": "live", "source": package, "state": peer.state}
    for name, entry in json.loads(RECORDED.read_text())["peers"].items():
        gas[name] = entry["operations"]
        sources[name] = {"title": entry["title"], "measured": "recorded", "source": entry["source"]}
        sources[name]["state"] = entry["state"]
    return gas, sources
