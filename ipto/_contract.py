# SPDX-License-Identifier: Apache-2.0
"""Compiled artifacts and typed access to a contract at an address."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypedDict, cast

import orjson

from ipto._abi import Abi
from ipto._transactions import Receipt, reverted, send
from ipto.errors import InputError, NotFoundError
from ipto.rpc import Rpc, RpcError, quantity
from ipto.structs import checksum_address

if TYPE_CHECKING:
    # Reading a chain needs no keys, and what they need takes long to import.
    from ipto.accounts import Signer


class Artifact(TypedDict):
    """A compiled contract as the library carries it."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str  # creation code, 0x hex
    runtime_size: int  # bytes, without immutables
    compiler: str
    evm_version: str


@functools.cache
def artifact(name: str) -> Artifact:
    """The compiled contract `name`. Raises NotFoundError for a name the library does not carry."""
    file = files("ipto") / "artifacts" / f"{name}.json"
    # The name may come from a user; it must not walk out of the directory.
    if not name.isidentifier() or len(name) > 64 or not file.is_file():
        raise NotFoundError(f"there is no artifact {name[:40]!r}; run `make artifacts` after adding a contract")
    return cast(Artifact, orjson.loads(file.read_bytes()))


@functools.cache
def abi(name: str) -> Abi:
    """The ABI of contract `name`."""
    return Abi(name, artifact(name)["abi"])


@dataclass(frozen=True, slots=True)
class EventLog:
    """A decoded log."""

    contract: str
    event: str
    args: dict[str, Any]
    address: str
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class Contract:
    """A contract at an address. Without an `rpc` it only encodes and decodes."""

    def __init__(self, name: str, address: str, rpc: Rpc | None = None) -> None:
        self.name, self.address, self.abi = name, checksum_address(address, name), abi(name)
        self._rpc = rpc

    def __repr__(self) -> str:
        return f"Contract({self.name} at {self.address})"

    def encode(self, function: str, *args: Any, **kwargs: Any) -> bytes:
        """Call data for a function; structs as dataclasses, mappings or sequences."""
        return self.abi.function(function, len(args) + len(kwargs)).encode(*args, **kwargs)

    def call(
        self, function: str, *args: Any, block: str | int = "latest", sender: str | None = None, value: int = 0
    ) -> Any:
        """Ask a function without changing anything. block: a number, a tag, or a 32-byte block hash in hex.

        Raises RevertedError when the contract refuses, NotFoundError when nothing is deployed at the address.
        """
        if self._rpc is None:
            raise InputError(f"{self.name} was made without a connection; pass rpc=")
        entry = self.abi.function(function, len(args))
        request: dict[str, Any] = {"to": self.address, "data": "0x" + entry.encode(*args).hex()}
        if sender is not None:
            request["from"] = sender
        if value:
            request["value"] = hex(value)
        try:
            raw = self._rpc.call("eth_call", request, _block(block))
        except RpcError as error:
            raise reverted(error, f"{self.name}.{function}") from error
        data = bytes.fromhex(str(raw)[2:])
        if not data and entry.outputs:
            raise NotFoundError(f"no {self.name} at {self.address} on this chain; check deployment file and RPC URL")
        return entry.decode_output(data)

    def send(self, signer: Signer, function: str, *args: Any, value: int = 0, **options: Any) -> Receipt:
        """Carry a function out as `signer`; waits for the receipt. options: those of `send`."""
        if self._rpc is None:
            raise InputError(f"{self.name} was made without a connection; pass rpc=")
        what = f"{self.name}.{function}"
        return send(self._rpc, signer, self.address, self.encode(function, *args), value=value, what=what, **options)

    def decode_log(self, log: Mapping[str, Any]) -> EventLog | None:
        """A raw log of this contract as names and values; None when another contract emitted it or it is unknown."""
        topics = log["topics"]
        if not topics or checksum_address(log["address"]) != self.address:
            return None
        event = self.abi.event_of(bytes.fromhex(topics[0][2:]))
        if event is None:
            return None
        args = event.decode([bytes.fromhex(t[2:]) for t in topics], bytes.fromhex(log["data"][2:]))
        return EventLog(
            self.name,
            event.name,
            args,
            self.address,
            quantity(log["blockNumber"]),
            log["blockHash"],
            log["transactionHash"],
            quantity(log["logIndex"]),
        )

    def events(self, receipt: Receipt | Iterable[Mapping[str, Any]], name: str | None = None) -> list[EventLog]:
        """This contract's decoded logs in a receipt or a list of raw logs, of one event or all."""
        raw = receipt.logs if isinstance(receipt, Receipt) else receipt
        decoded = (self.decode_log(log) for log in raw)
        return [log for log in decoded if log is not None and name in (None, log.event)]


def call_data(name: str, function: str, *args: Any) -> bytes:
    """Call data for a function of contract `name`, wherever it is deployed."""
    return abi(name).function(function, len(args)).encode(*args)


def topics_of(name: str, events: Sequence[str]) -> list[str]:
    """The first topics (0x hex) of some events of a contract: what `eth_getLogs` filters by."""
    return ["0x" + abi(name).event(event).topic.hex() for event in events]


def _block(block: str | int) -> str | dict[str, str]:
    if isinstance(block, int):
        return hex(block)
    return {"blockHash": block} if len(block) == 66 else block
