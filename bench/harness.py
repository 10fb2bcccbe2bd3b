# SPDX-License-Identifier: Apache-2.0
"""A chain whose receipts are the same to the unit on every run.

anvil with a fixed genesis time and hard fork, fixed accounts, one transaction a block and one second between blocks.
Gas is `gasUsed` of the receipt: the whole transaction, intrinsic cost and calldata included, refunds deducted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_utils.crypto import keccak

from ipto.accounts import LocalSigner
from ipto.chain import Abi, Receipt, send
from ipto.devchain import DEV_CHAIN_ID, DevChain
from ipto.errors import IptoError

GENESIS = 1_750_000_000
"""Time of the first block, UTC seconds."""
HARDFORK = "prague"
GAS_LIMIT = 16_000_000
"""Sent with every transaction, so that no estimate enters a figure. Below EIP-7825's cap of 2**24."""
FUNDS = 10**24


class BenchError(IptoError, RuntimeError):
    """A measurement cannot be made, or what was measured is not what it should be."""


class Contract:
    """A deployed contract of any origin, spoken to by its ABI. An overloaded function is named by its signature."""

    def __init__(self, chain: Chain, address: str, abi: Abi) -> None:
        self.chain, self.address, self.abi = chain, address, abi

    def send(self, sender: LocalSigner, name: str, *args: Any, value: int = 0) -> Receipt:
        """Mine a call, alone in its block. Raises RevertedError."""
        return self.chain.send(sender, self.address, self.abi.function(name).encode(*args), value)

    def gas(self, sender: LocalSigner, name: str, *args: Any, value: int = 0) -> int:
        """Mine a call; what the transaction cost."""
        return self.send(sender, name, *args, value=value).gas_used

    def call(self, name: str, *args: Any) -> Any:
        """Read; the value, or a tuple when there are several."""
        function = self.abi.function(name)
        request = {"to": self.address, "data": "0x" + function.encode(*args).hex()}
        return function.decode_output(bytes.fromhex(self.chain.dev.rpc.call("eth_call", request, "latest")[2:]))


class Chain:
    """The chain of one measurement."""

    chain_id = DEV_CHAIN_ID

    def __init__(self, dev: DevChain) -> None:
        self.dev = dev
        # Whatever is set up at the machine's own pace happens on the first day.
        self.now = GENESIS + 86_400

    def account(self, role: str) -> LocalSigner:
        """The funded account of a role; the same role has the same key in every run."""
        signer = LocalSigner(keccak(text=f"IPTO bench: {role}"))
        self.dev.set_balance(signer.address, FUNDS)
        return signer

    def send(self, sender: LocalSigner, to: str | None, data: bytes, value: int = 0) -> Receipt:
        """Mine one transaction, a second after the last. Raises RevertedError."""
        self.now += 1
        self.dev.set_next_timestamp(self.now)
        return send(self.dev.rpc, sender, to, data, value=value, gas=GAS_LIMIT)

    def deploy(self, sender: LocalSigner, abi: Abi, bytecode: str, *args: Any) -> Contract:
        """Create a contract by a plain creation transaction."""
        code = bytes.fromhex(bytecode.removeprefix("0x")) + abi.encode_constructor(*args)
        created = self.send(sender, None, code).contract_address
        assert created is not None
        return Contract(self, created, abi)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Undo on leaving whatever happens inside, so that no measurement depends on the one before it."""
        snapshot, now = self.dev.snapshot(), self.now
        try:
            yield
        finally:
            self.dev.revert(snapshot)
            self.now = now

    def client_version(self) -> str:
        """The node's name and version."""
        return str(self.dev.rpc.call("web3_clientVersion"))


@contextmanager
def fresh_chain() -> Iterator[Chain]:
    """Start a chain and end it."""
    with DevChain(timestamp=GENESIS, hardfork=HARDFORK, accounts=1) as dev:
        yield Chain(dev)


def digest(words: str) -> bytes:
    """32 bytes that stand for the SHA-256 of some document."""
    return keccak(text=words)


def only_log(receipt: Receipt, abi: Abi, name: str) -> dict[str, Any]:
    """The arguments of the one log of this event in a receipt. Raises BenchError unless there is exactly one."""
    event = abi.event(name)
    logs = [([bytes.fromhex(word[2:]) for word in log["topics"]], log["data"]) for log in receipt.logs]
    found = [(topics, data) for topics, data in logs if topics and topics[0] == event.topic]
    if len(found) != 1:
        raise BenchError(f"expected one {name} in the receipt, found {len(found)}; did the peer's release change?")
    return event.decode(found[0][0], bytes.fromhex(found[0][1][2:]))
