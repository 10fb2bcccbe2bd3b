# SPDX-License-Identifier: Apache-2.0
"""A chain in memory that makes up the protocol's events, reorganises at will, and a node that answers for it badly.

Every event of every contract the indexer follows is made up, from the compiled ABI, out of small pools of values, so
that rows are touched again and again. A vault's money is kept beside, block by block: what `balance_of` would answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from indexer.decode import abi_type
from indexer.fetch import _bloom_bits
from indexer.service import INDEXED
from ipto.chain import artifact
from ipto.rpc import Call, RpcError, RpcTimeoutError, RpcTransportError

FINALITY = 12  # blocks
ADDRESSES = {name: keccak(name.encode())[:20] for name in INDEXED}
Money = dict[tuple[bytes, bytes], int]

# Arguments that are numbers of something: kept small, so that they meet.
_SMALL = (
    "panel",
    "quorum",
    "claim_rank",
    "bps",
    "price",
    "fee",
    "curator_fee",
    "amount",
    "total",
    "sales",
    "rent",
    "rent_used",
    "to_opener",
    "to_respondent",
)


@dataclass
class State:
    """What must hold for the next event to be possible."""

    money: Money = field(default_factory=dict)
    members: set[tuple[bytes, bytes, int]] = field(default_factory=set)
    spells: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    prices: dict[tuple[bytes, bytes, int], int] = field(default_factory=dict)

    def copy(self) -> State:
        return State(dict(self.money), set(self.members), dict(self.spells), dict(self.prices))


@dataclass
class Block:
    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    logs: list[dict[str, Any]]
    state: State

    def header(self) -> dict[str, Any]:
        bloom = 0
        for log in self.logs:
            bloom |= _bloom_bits(bytes.fromhex(log["address"][2:]))
        return {
            "number": hex(self.number),
            "hash": "0x" + self.hash.hex(),
            "parentHash": "0x" + self.parent.hex(),
            "timestamp": hex(self.timestamp),
            "logsBloom": "0x" + bloom.to_bytes(256).hex(),
        }


class FakeChain:
    """Blocks 0…; `rng` decides everything."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._pool = {
            "address": [rng.randbytes(20) for _ in range(6)],
            "bytes32": [rng.randbytes(32) for _ in range(8)],
            "uint256": [rng.getrandbits(255) & ~0xFFFFFFFF for _ in range(6)],
        }
        self._events = [
            (name, item)
            for name in INDEXED
            for item in artifact(name)["abi"]
            if item["type"] == "event" and item["name"] not in ("Booked", "Distributed", "Commit", "Approval")
        ]
        genesis = Block(0, rng.randbytes(32), bytes(32), 1_700_000_000, [], State())
        self.blocks = [genesis]

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def extend(self, blocks: int) -> None:
        """New blocks; one in three holds nothing of ours."""
        for _ in range(blocks):
            before = self.head
            state = before.state.copy()
            number, found = before.number + 1, self.rng.randbytes(32)
            logs = []
            if self.rng.random() > 0.33:
                for _ in range(self.rng.randint(1, 8)):
                    contract, item = self.rng.choice(self._events)
                    args = self._arguments(item)
                    if self._possible(contract, item["name"], args, state):
                        logs.append(_log(contract, item, args, number, found, len(logs)))
            self.blocks.append(
                Block(number, found, before.hash, before.timestamp + self.rng.randint(0, 90_000), logs, state)
            )

    def reorganise(self, depth: int, blocks: int) -> None:
        """Take the newest `depth` blocks away and put others in their place."""
        del self.blocks[max(1, len(self.blocks) - depth) :]
        self.extend(blocks)

    # ---- events -----------------------------------------------------------------------------------------

    def _arguments(self, item: dict[str, Any]) -> dict[str, Any]:
        return {part["name"]: self._value(part, part["name"]) for part in item["inputs"]}

    def _value(self, part: dict[str, Any], name: str) -> Any:
        kind, rng = part["type"], self.rng
        if kind.endswith("]"):
            inner = {**part, "type": kind[: kind.rindex("[")]}
            return [self._value(inner, name) for _ in range(2)]
        if kind == "tuple":
            return tuple(self._value(component, component["name"]) for component in part["components"])
        if kind == "address":
            return "0x" + rng.choice(self._pool["address"]).hex()
        if kind == "bytes32":
            return rng.choice([*self._pool["bytes32"], bytes(32)])
        if kind == "bool":
            return rng.random() < 0.5
        if kind.startswith("uint"):
            bits = int(kind[4:])
            if bits == 256 and name not in _SMALL:
                return rng.choice(self._pool["uint256"]) + rng.randint(0, 2)
            return rng.randint(0, min(2**bits - 1, 1_000))
        return "text" if kind == "string" else b"bytes"

    def _possible(self, contract: str, name: str, args: dict[str, Any], state: State) -> bool:
        if contract == "RoyaltyVault" and name in ("Credited", "Withdrawn"):
            key = (args["account"], bytes.fromhex(args["currency"][2:]))
            change = args["amount"] if name == "Credited" else -args["amount"]
            if state.money.get(key, 0) + change < 0:
                return False
            state.money[key] = state.money.get(key, 0) + change
        if contract == "DatasetMarket" and name in ("MemberAdded", "MemberLeft"):
            pair = (args["dataset_id"], args["offer_id"])
            if name == "MemberAdded":
                if any(member[:2] == pair for member in state.members):
                    return False
                args["spell"] = state.spells[pair] = state.spells.get(pair, 0) + 1
                state.members.add((*pair, args["spell"]))
                state.prices[(*pair, args["spell"])] = args["price"]
            else:
                member = (*pair, state.spells.get(pair, 0))
                if member not in state.members:
                    return False
                args["spell"], args["price"] = member[2], state.prices[member]
                state.members.discard(member)
        return True


def _log(
    contract: str, item: dict[str, Any], args: dict[str, Any], number: int, found: bytes, index: int
) -> dict[str, Any]:
    kinds = [abi_type(part) for part in item["inputs"]]
    topics = [keccak(f"{item['name']}({','.join(kinds)})".encode())]
    data: list[tuple[str, Any]] = []
    for part, kind in zip(item["inputs"], kinds, strict=True):
        value = args[part["name"]]
        if not part["indexed"]:
            data.append((kind, value))
        else:
            static = kind in ("address", "bool") or kind.startswith(("uint", "bytes32"))
            topics.append(encode([kind], [value]) if static else keccak(encode([kind], [value])))
    return {
        "address": "0x" + ADDRESSES[contract].hex(),
        "blockNumber": hex(number),
        "blockHash": "0x" + found.hex(),
        "logIndex": hex(index),
        "transactionHash": "0x" + keccak(found + index.to_bytes(2)).hex(),
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode([kind for kind, _ in data], [value for _, value in data]).hex(),
    }


class BadNode:
    """Answers for a chain. `trouble` is how often it does not do as it should: errors, time-outs, refusals, logs left
    out, delivered twice or unordered, a head that lags; `between` is called between two answers, may move the chain.
    """

    def __init__(self, chain: FakeChain, rng: random.Random) -> None:
        self.chain = chain
        self.rng = rng
        self.trouble = 0.0
        self.between: Callable[[], None] = lambda: None
        self._silent: set[tuple[str, bool]] = set()

    def _bad(self) -> bool:
        return self.rng.random() < self.trouble

    async def call(self, method: str, *params: Any) -> Any:
        """One answer."""
        self.between()
        if self._bad():
            kind = self.rng.randrange(4)
            if kind == 0:
                raise RpcTransportError("the node hung up")
            if kind == 1:
                raise RpcTimeoutError("the node did not answer in time")
            if kind == 2 and method == "eth_getLogs":
                raise RpcError(-32005, "query returned more than 10000 results")
            if kind == 3 and method == "eth_getBlockByNumber":
                return None
        return self._answer(method, params)

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several."""
        return [await self.call(method, *params) for method, params in calls]

    async def try_batch(self, calls: Sequence[Call]) -> list[Any]:
        """Several, errors in their places."""
        raise AssertionError("the indexer follows a chain by whole batches only")

    def _answer(self, method: str, params: Sequence[Any]) -> Any:
        blocks = self.chain.blocks
        if method == "eth_chainId":
            return hex(31337)
        if method == "eth_getBlockByNumber":
            lag = self.rng.randint(1, 3) if self._bad() else 0
            place = {"latest": len(blocks) - 1 - lag, "finalized": len(blocks) - 1 - FINALITY}.get(params[0])
            number = int(params[0], 16) if place is None else max(0, place)
            return blocks[number].header() if number < len(blocks) else None
        assert method == "eth_getLogs"
        (where,) = params
        if "blockHash" in where:
            found = [block for block in blocks if "0x" + block.hash.hex() == where["blockHash"]]
            if not found:
                raise RpcError(-32000, "unknown block")
        else:
            found = blocks[int(where["fromBlock"], 16) : int(where["toBlock"], 16) + 1]
        logs = [dict(log) for block in found for log in block.logs]
        if self._bad() and found:
            blind = self.rng.choice(found).hash.hex()
            # A replica that lags catches up: of one block it is silent once for a range and once by its hash.
            if (blind, len(found) == 1) not in self._silent:
                self._silent.add((blind, len(found) == 1))
                logs = [log for log in logs if log["blockHash"] != "0x" + blind]
        if self._bad():
            logs += logs[:2]
        if self._bad():
            self.rng.shuffle(logs)
        return logs
