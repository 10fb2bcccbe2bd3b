# SPDX-License-Identifier: Apache-2.0
"""A thin caller over titanoboa's EVM: encodes, runs one transaction, decodes, and tells exactly why it reverted.

titanoboa's own wrapper keeps transient storage between calls, as if all of them were one transaction, and builds a
source trace for every revert. Here each call is a transaction of its own, and state machines stay fast.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boa
import pytest
from eth_abi import decode, encode
from eth_utils import keccak, to_checksum_address
from vyper.compiler.output import build_abi_output

from scripts.sources import digest
from tests.contracts.support import trace

ROOT = Path(__file__).parents[3]
HOSTILE = ROOT / "tests" / "contracts" / "hostile"
# Compiled contracts are kept beside everything else that is built, by the hash of all their sources.
boa.interpret.disable_cache()
_CACHE = ROOT / ".cache" / "contract-tests"

GAS = 29_000_000


class Reverted(Exception):  # noqa: N818  # reads as a sentence in `pytest.raises(Reverted)`
    """A transaction was reverted. reason: its string, "" without one, else the data in hex."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Event:
    """One log entry, decoded; dynamic indexed values are their hash."""

    address: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Build:
    """A compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    initcode: bytes
    runtime: bytes
    slots: dict[str, int]  # storage variable, with its module's name if it has one → slot


@cache
def build(path: Path) -> Build:
    """Compile a .vy file, unless that was done before."""
    kept = _CACHE / f"{path.stem}-{digest(path)[:32]}.pickle"
    if kept.exists():
        found: Build = pickle.loads(kept.read_bytes())
        return found
    data = boa.load_partial(str(path)).compiler_data
    slots: dict[str, int] = {}
    for name, item in data.storage_layout["storage_layout"].items():
        if "slot" in item:
            slots[name] = item["slot"]
        else:
            slots |= {f"{name}.{inner}": place["slot"] for inner, place in item.items()}
    built = Build(path.stem, build_abi_output(data), data.bytecode, data.bytecode_runtime, slots)
    _CACHE.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}")  # several test processes write the same file
    part.write_bytes(pickle.dumps(built))
    part.replace(kept)
    return built


def _type(item: dict[str, Any]) -> str:
    kind = item["type"]
    if not kind.startswith("tuple"):
        return str(kind)
    return "(" + ",".join(_type(part) for part in item["components"]) + ")" + kind[len("tuple") :]


def _plain(value: Any) -> Any:
    """ChainStructs become tuples, at any depth."""
    if hasattr(value, "as_tuple"):
        return value.as_tuple()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _shown(value: Any, kind: str) -> Any:
    if kind == "address":
        return to_checksum_address(value)
    if kind == "address[]":
        return tuple(to_checksum_address(item) for item in value)
    return value


@dataclass(frozen=True)
class Function:
    """One function of an ABI."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    is_view: bool

    @property
    def signature(self) -> str:
        return f"{self.name}({','.join(self.inputs)})"

    @property
    def selector(self) -> bytes:
        return keccak(text=self.signature)[:4]

    def encode(self, *args: Any) -> bytes:
        return self.selector + encode(self.inputs, _plain(args))

    def decode(self, output: bytes) -> Any:
        values = [_shown(v, t) for v, t in zip(decode(self.outputs, output), self.outputs, strict=True)]
        return None if not values else values[0] if len(values) == 1 else tuple(values)


class Contract:
    """A deployed contract: `contract.function(*args, sender=…, value=…, gas=…)`."""

    def __init__(self, address: str, abi: list[dict[str, Any]]) -> None:
        self.address = str(address)
        self.abi = abi
        self.logs: list[Event] = []
        self.functions: dict[tuple[str, int], Function] = {}
        for item in abi:
            if item["type"] == "function":
                inputs = tuple(_type(part) for part in item["inputs"])
                outputs = tuple(_type(part) for part in item["outputs"])
                is_view = item["stateMutability"] in ("view", "pure")
                self.functions[item["name"], len(inputs)] = Function(item["name"], inputs, outputs, is_view)
            elif item["type"] == "event":
                _EVENTS[_event_topic(item)] = item

    def __getattr__(self, name: str) -> Any:
        if not any(known == name for known, _ in self.functions):
            raise AttributeError(f"no function {name}")

        def call(*args: Any, sender: str | None = None, value: int = 0, gas: int = GAS) -> Any:
            function = self.functions[name, len(args)]
            data = function.encode(*args)
            output, logs = transact(self.address, data, sender, value, gas, function.is_view)
            if not function.is_view:
                self.logs = logs
            return function.decode(output)

        return call

    def data(self, name: str, *args: Any) -> bytes:
        """The calldata of a call, for a contract that will make it."""
        return self.functions[name, len(args)].encode(*args)

    def events(self, name: str) -> list[dict[str, Any]]:
        """The arguments of this contract's events of that name in its last transaction."""
        return [log.args for log in self.logs if log.name == name and log.address == self.address]


def mapping_slot(slot: int, key: int) -> int:
    """Where Vyper keeps a HashMap's value."""
    return int.from_bytes(keccak(slot.to_bytes(32, "big") + key.to_bytes(32, "big")), "big")


# Keyed by topic and number of indexed arguments: ERC-20's Transfer and ERC-721's have the same topic.
_EVENTS: dict[tuple[bytes, int], dict[str, Any]] = {}


def _event_topic(item: dict[str, Any]) -> tuple[bytes, int]:
    types = ",".join(_type(part) for part in item["inputs"])
    return keccak(text=f"{item['name']}({types})"), sum(part["indexed"] for part in item["inputs"])


def _decode_log(address: bytes, topics: tuple[int, ...], data: bytes) -> Event:
    words = [topic.to_bytes(32, "big") for topic in topics]
    item = _EVENTS[words[0], len(words) - 1]
    plain = [part for part in item["inputs"] if not part["indexed"]]
    values = iter(decode([_type(part) for part in plain], data))
    indexed = iter(words[1:])
    args: dict[str, Any] = {}
    for part in item["inputs"]:
        kind = _type(part)
        if not part["indexed"]:
            args[part["name"]] = _shown(next(values), kind)
        elif kind in ("string", "bytes") or kind.endswith("]"):
            args[part["name"]] = next(indexed)
        else:
            args[part["name"]] = _shown(decode([kind], next(indexed))[0], kind)
    return Event(to_checksum_address(address), item["name"], args)


def _reason(output: bytes) -> str:
    if output[:4] == keccak(text="Error(string)")[:4]:
        return str(decode(["string"], output[4:])[0])
    return output.hex()


def transact(
    to: str, data: bytes, sender: str | None = None, value: int = 0, gas: int = GAS, static: bool = False
) -> tuple[bytes, list[Event]]:
    """Run one transaction. Returns its output and events; raises Reverted."""
    boa.env.evm.vm.state.clear_transient_storage()
    done = boa.env.execute_code(to_address=to, sender=sender, gas=gas, value=value, data=data, is_modifying=not static)
    trace.note(done)
    if done.is_error:
        raise Reverted(_reason(done.output))
    return done.output, decode_logs(done)


def decode_logs(done: Any) -> list[Event]:
    """All events of a transaction, in order."""
    entries = sorted(done.get_raw_log_entries())
    return [_decode_log(address, topics, raw) for _, address, topics, raw in entries]


def deploy(path: Path, *args: Any, sender: str | None = None) -> Contract:
    """Deploy a .vy file; raises Reverted when its constructor does."""
    built = build(path)
    types = [[_type(part) for part in item["inputs"]] for item in built.abi if item["type"] == "constructor"]
    tail = encode(types[0], _plain(args)) if types else b""
    boa.env.evm.vm.state.clear_transient_storage()
    address, done = boa.env.deploy(bytecode=built.initcode + tail, sender=sender)
    trace.note(done)
    if done.is_error:
        raise Reverted(_reason(done.output))
    contract = Contract(to_checksum_address(str(address)), built.abi)
    contract.logs = decode_logs(done)
    return contract


def hostile(name: str, *args: Any) -> Contract:
    """Deploy one of the cast in tests/contracts/hostile."""
    return deploy(HOSTILE / f"{name}.vy", *args)


@contextmanager
def reverts(reason: str) -> Iterator[None]:
    """The block's transaction is reverted with exactly this string ("" for none)."""
    with pytest.raises(Reverted) as info:
        yield
    assert info.value.reason == reason
