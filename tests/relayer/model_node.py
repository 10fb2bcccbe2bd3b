# SPDX-License-Identifier: Apache-2.0
"""A node and its chain in a few hundred lines, for drills by the thousand: blocks, reorganisations, a mempool with
replacement rules, EIP-1559 fees, the nonces and deadlines of SignedActions. What real nodes and contracts do is tested
with anvil and the compiled contracts elsewhere; here it is the relayer's own logic that is put under stress.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_utils.crypto import keccak

from ipto.chain import abi
from ipto.codec import decode, encode
from ipto.rpc import RpcError, RpcTimeoutError, RpcTransportError, quantity
from relayer import effects
from relayer.transactions import _read, _rlp, call_of
from relayer.verify import recover

SIGNED = "0x" + "c0" * 20
BLOCK_SECONDS = 12
_BATCH = abi("SignedActions").function("execute_many")
_FAILED = "0x" + abi("SignedActions").event("ActionFailed").topic.hex()


@dataclass(frozen=True)
class Deed:
    """What a call of SignedActions would do: use a nonce of its signer, before its deadline."""

    signer: str
    nonce: int
    digest: str
    deadline: int
    calldata: bytes


@dataclass(frozen=True)
class Sent:
    """A transaction in the mempool."""

    hash: str
    sender: str
    nonce: int
    max_fee: int
    tip: int
    gas: int
    raw: bytes


@dataclass
class Block:
    """One block with what its transactions did."""

    number: int
    hash: str
    time: int
    base_fee: int
    sent: list[Sent] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: list[tuple[str, int, str | None, str]] = field(default_factory=list)  # signer, nonce, digest, transaction


class ModelChain:
    """The chain; `dice` decides what the world does."""

    def __init__(self, dice: random.Random, deeds: dict[bytes, Deed], *, busy: bool = False) -> None:
        """busy: others are served between a question and its answer."""
        self.dice, self.deeds, self.busy = dice, deeds, busy
        self.balance = 10**24  # of every lane
        self.blocks = [Block(0, self._name(), 1_000_000, 10**9)]
        self.pool: dict[tuple[str, int], Sent] = {}
        self.base_fee = 10**9
        self.highest = 0

    def _name(self) -> str:
        return "0x" + self.dice.randbytes(32).hex()

    # --- state -----------------------------------------------------------------------------------------------

    def until(self, block: str) -> list[Block]:
        return self.blocks if block in ("latest", "pending") else self.blocks[: quantity(block) + 1]

    def count(self, sender: str, block: str = "latest") -> int:
        return sum(tx.sender == sender for item in self.until(block) for tx in item.sent)

    def effects(self, signer: str, nonce: int, block: str = "latest") -> list[tuple[str, int, str | None, str]]:
        return [use for item in self.until(block) for use in item.used if use[:2] == (signer, nonce)]

    @property
    def now(self) -> int:
        return self.blocks[-1].time

    # --- what the world does -----------------------------------------------------------------------------------

    def mine(self) -> None:
        """The next block takes what pays enough, in nonce order."""
        block = Block(len(self.blocks), self._name(), self.now + BLOCK_SECONDS, self.base_fee)
        self.blocks.append(block)
        self.highest = max(self.highest, block.number)
        room = self.dice.choice([1, 3, 50])
        for key in sorted(self.pool):
            tx = self.pool[key]
            expected = self.count(tx.sender)
            if tx.nonce < expected:
                del self.pool[key]
            elif tx.nonce == expected and tx.max_fee >= self.base_fee and len(block.sent) < room:
                del self.pool[key]
                block.sent.append(tx)
                self._run(block, tx)

    def _run(self, block: Block, tx: Sent) -> None:
        call = call_of(tx.raw)
        logs: list[dict[str, Any]] = []
        status, gas = 1, 21_000
        if call.data[:4] == _BATCH.selector:
            calls, _ = decode(["bytes[]", "uint256[]"], call.data[4:])
            for place, data in enumerate(calls):
                gas += 50_000
                if not self._act(block, tx, data):
                    topics = [_FAILED, f"0x{place:064x}"]
                    logs.append(
                        {"address": SIGNED, "topics": topics, "data": "0x" + b"signed: no".ljust(32, b"\0").hex()}
                    )
        elif call.data:
            gas += 50_000
            status = int(self._act(block, tx, call.data))
        price = min(tx.max_fee, block.base_fee + tx.tip)
        block.receipts[tx.hash] = {
            "status": hex(status), "gasUsed": hex(gas), "effectiveGasPrice": hex(price), "logs": logs,
            "blockNumber": hex(block.number), "blockHash": block.hash,
        }  # fmt: skip

    def _act(self, block: Block, tx: Sent, data: bytes) -> bool:
        deed = self.deeds[data]
        if block.time > deed.deadline or self.effects(deed.signer, deed.nonce):
            return False
        block.used.append((deed.signer, deed.nonce, deed.digest, tx.hash))
        return True

    def reorg(self, depth: int) -> None:
        """The newest blocks are gone; their transactions are in the mempool again, or not."""
        # Never below what was final once, however many reorganisations come in a row.
        for _ in range(min(depth, len(self.blocks) - 1 - max(0, self.highest - depth))):
            for tx in self.blocks.pop().sent:
                if self.dice.random() < 0.6:
                    self.pool.setdefault((tx.sender, tx.nonce), tx)

    def outsider(self, deed: Deed, *, cancels: bool) -> None:
        """Somebody else carries a deed out, or its signer uses the nonce up."""
        if not self.effects(deed.signer, deed.nonce) and self.now <= deed.deadline:
            self.mine()
            use = (deed.signer, deed.nonce, None if cancels else deed.digest, self._name())
            if not self.effects(deed.signer, deed.nonce):
                self.blocks[-1].used.append(use)

    def accept(self, raw: bytes) -> str:
        """As `eth_sendRawTransaction`."""
        tx_hash = "0x" + keccak(raw).hex()
        fields, _ = _read(raw[1:])
        nonce, tip, fee, gas = (int.from_bytes(fields[place], "big") for place in (1, 2, 3, 4))
        signature = fields[10].rjust(32, b"\0") + fields[11].rjust(32, b"\0") + bytes([27 + len(fields[9])])
        sender = recover(keccak(raw[:1] + _rlp(fields[:9])), signature)
        assert sender is not None, "signed by nobody"
        tx = Sent(tx_hash, sender, nonce, fee, tip, gas, raw)
        if nonce < self.count(sender):
            raise RpcError(-32000, "nonce too low")
        known = self.pool.get((sender, nonce))
        if known is not None:
            if known.hash == tx_hash:
                raise RpcError(-32000, "already known")
            if fee * 10 < known.max_fee * 11 or tip * 10 < known.tip * 11:
                raise RpcError(-32000, "replacement transaction underpriced")
        self.pool[sender, nonce] = tx
        return tx_hash


class ModelNode:
    """JSON-RPC of the chain, with faults: `fault` says for each call whether the question or its answer is lost."""

    def __init__(self, chain: ModelChain, fault: Callable[[str], str]) -> None:
        self.chain, self.fault = chain, fault

    async def call(self, method: str, *params: Any) -> Any:
        if self.chain.busy:
            for _ in range(self.chain.dice.randrange(4)):
                await asyncio.sleep(0)
        verdict = self.fault(method)
        if verdict == "lose request":
            raise RpcTransportError("the model node was not reached")
        result = getattr(self, "_" + method)(*params)
        if verdict == "lose answer":
            raise RpcTimeoutError("the model node did not answer in time")
        return result

    async def block_number(self) -> int:
        return quantity(await self.call("eth_blockNumber"))

    async def nonce(self, address: str, block: str = "pending") -> int:
        return quantity(await self.call("eth_getTransactionCount", address, block))

    def _eth_blockNumber(self) -> str:
        return hex(len(self.chain.blocks) - 1)

    def _eth_getTransactionCount(self, address: str, block: str) -> str:
        return hex(self.chain.count(address, block))

    def _eth_getBalance(self, address: str, block: str) -> str:
        return hex(self.chain.balance)

    def _eth_feeHistory(self, *_: Any) -> dict[str, Any]:
        return {"baseFeePerGas": [hex(self.chain.base_fee)], "reward": [[hex(10**8)]]}

    def _eth_getBlockByNumber(self, number: str, _: bool) -> dict[str, str] | None:
        place = quantity(number)
        if place >= len(self.chain.blocks):
            return None
        block = self.chain.blocks[place]
        return {"hash": block.hash, "timestamp": hex(block.time)}

    def _eth_getTransactionReceipt(self, tx_hash: str) -> dict[str, Any] | None:
        return next((b.receipts[tx_hash] for b in self.chain.blocks if tx_hash in b.receipts), None)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        return self.chain.accept(bytes.fromhex(raw[2:]))

    def _possible(self, data: bytes) -> bool:
        deed = self.chain.deeds[data]
        return self.chain.now + BLOCK_SECONDS <= deed.deadline and not self.chain.effects(deed.signer, deed.nonce)

    def _eth_simulateV1(self, plan: dict[str, Any], _: str) -> list[Any]:
        data = bytes.fromhex(plan["blockStateCalls"][0]["calls"][0]["data"][2:])
        if data[:4] == _BATCH.selector:
            calls, _ = decode(["bytes[]", "uint256[]"], data[4:])
            mask = sum(1 << place for place, one in enumerate(calls) if not self._possible(one))
            used = 21_000 + 50_000 * len(calls)
            return [{"calls": [{"status": "0x1", "gasUsed": hex(used), "returnData": f"0x{mask:064x}"}]}]
        status = "0x1" if self._possible(data) else "0x0"
        return [
            {"calls": [{"status": status, "gasUsed": hex(71_000), "returnData": "0x", "error": {"message": "revert"}}]}
        ]

    def _eth_call(self, call: dict[str, str], block: str) -> str:
        data = bytes.fromhex(call["data"][2:])
        if data[:4] == effects._IS_NONCE_USED:
            signer, nonce = decode(["address", "uint256"], data[4:])
            used = bool(self.chain.effects(_checksum(signer), nonce, block))
            return "0x" + encode(["bool"], [used]).hex()
        raise RpcError(3, "execution reverted")

    def _eth_getLogs(self, where: dict[str, Any]) -> list[dict[str, str]]:
        _, signer, digest = where["topics"]
        found = []
        for block in self.chain.blocks[quantity(where["fromBlock"]) : quantity(where["toBlock"]) + 1]:
            for who, _, what, tx_hash in block.used:
                if who[2:].lower() == signer[26:] and what == digest:
                    found.append({"transactionHash": tx_hash})
        return found


def _checksum(address: str) -> str:
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))
