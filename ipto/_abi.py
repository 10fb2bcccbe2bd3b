# SPDX-License-Identifier: Apache-2.0
"""Reads compiled ABIs: encodes calls, decodes results and logs. Nothing about the contracts is written down here.

Values in Python: integers, `bytes`, EIP-55 address strings, `str`, `bool`; a struct is a dict in field order, an array
a tuple. Source: https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError, EncodingError

from ipto._keccak import checksummed, keccak
from ipto.codec import decode, encode
from ipto.errors import InputError, IntegrityError, NotFoundError
from ipto.structs import ChainStruct


@dataclass(frozen=True, slots=True)
class Param:
    """One argument, result or struct field."""

    name: str
    type: str  # canonical, tuples written out: "(bytes32,uint32)[]"
    indexed: bool
    components: tuple[Param, ...]
    arrays: int  # how many array dimensions
    has_address: bool

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Param:
        """From an ABI JSON entry."""
        components = tuple(cls.read(part) for part in entry.get("components", ()))
        kind = str(entry["type"])
        base, bracket, suffix = kind.partition("[")
        if base == "tuple":
            base = "(" + ",".join(part.type for part in components) + ")"
        has_address = base == "address" or any(part.has_address for part in components)
        indexed = bool(entry.get("indexed"))
        return cls(str(entry["name"]), base + bracket + suffix, indexed, components, kind.count("["), has_address)

    @property
    def is_dynamic_topic(self) -> bool:
        """Whether a log's topic holds only this value's hash."""
        return bool(self.components) or self.arrays > 0 or self.type in ("string", "bytes")

    def to_plain(self, value: Any, arrays: int | None = None) -> Any:
        """What `eth_abi` encodes: structs, given as dataclass, mapping or sequence, become tuples."""
        arrays = self.arrays if arrays is None else arrays
        if arrays:
            return [self.to_plain(item, arrays - 1) for item in value]
        if not self.components:
            return value
        if isinstance(value, ChainStruct):
            return value.as_tuple()
        if isinstance(value, Mapping):
            if set(value) != {part.name for part in self.components}:
                raise InputError(f"{self.name}: expected the fields {', '.join(p.name for p in self.components)}")
            value = [value[part.name] for part in self.components]
        return tuple(part.to_plain(item) for part, item in zip(self.components, value, strict=True))

    def from_plain(self, value: Any, arrays: int | None = None) -> Any:
        """The reverse: structs become dicts, addresses EIP-55."""
        arrays = self.arrays if arrays is None else arrays
        if arrays:
            return tuple(self.from_plain(item, arrays - 1) for item in value)
        if self.components:
            return {part.name: part.from_plain(item) for part, item in zip(self.components, value, strict=True)}
        return checksummed(value[2:]) if self.has_address else value


def _signature(name: str, params: Sequence[Param]) -> str:
    return name + "(" + ",".join(param.type for param in params) + ")"


def _encode(params: Sequence[Param], values: Sequence[Any], where: str) -> bytes:
    try:
        plain = [param.to_plain(value) for param, value in zip(params, values, strict=True)]
        return encode([param.type for param in params], plain)
    except (EncodingError, ValueError, TypeError) as error:
        raise InputError(f"{where}: an argument does not fit: {str(error)[:300]}") from None


def _decode(params: Sequence[Param], data: bytes, where: str) -> tuple[Any, ...]:
    try:
        values = decode([param.type for param in params], data)
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{where}: the data does not match the ABI ({error}); is it the right contract?") from None
    return tuple(param.from_plain(value) for param, value in zip(params, values, strict=True))


@dataclass(frozen=True, slots=True)
class Function:
    """One function of a contract."""

    name: str
    inputs: tuple[Param, ...]
    outputs: tuple[Param, ...]
    signature: str
    selector: bytes
    mutability: str  # view, pure, payable, nonpayable

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Function:
        """From an ABI JSON entry."""
        name = str(entry["name"])
        inputs, outputs = (tuple(map(Param.read, entry.get(key, ()))) for key in ("inputs", "outputs"))
        signature = _signature(name, inputs)
        return cls(
            name, inputs, outputs, signature, keccak(signature.encode())[:4], str(entry.get("stateMutability", ""))
        )

    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Positional and named arguments in order. Raises InputError when one is missing, unknown or given twice."""
        names = [param.name for param in self.inputs]
        rest = names[len(args) :]
        if len(args) > len(names) or set(kwargs) != set(rest):
            raise InputError(f"{self.name} takes the arguments {', '.join(names) or '(none)'}")
        return [*args, *(kwargs[name] for name in rest)]

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        """Call data. Raises InputError for arguments that do not fit."""
        return self.selector + _encode(self.inputs, self.arguments(args, kwargs), self.name)

    def decode_input(self, data: bytes) -> dict[str, Any]:
        """The named arguments in call data. Raises IntegrityError for another function's."""
        if data[:4] != self.selector:
            raise IntegrityError(f"this is not a call of {self.signature}")
        values = _decode(self.inputs, data[4:], self.name)
        return {param.name: value for param, value in zip(self.inputs, values, strict=True)}

    def decode_output(self, data: bytes) -> Any:
        """The result: None, one value, or a tuple of several."""
        values = _decode(self.outputs, data, self.name)
        return None if not values else values[0] if len(values) == 1 else values


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a contract."""

    name: str
    params: tuple[Param, ...]
    signature: str
    topic: bytes

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Event:
        """From an ABI JSON entry."""
        name = str(entry["name"])
        params = tuple(map(Param.read, entry["inputs"]))
        signature = _signature(name, params)
        return cls(name, params, signature, keccak(signature.encode()))

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Arguments by name, in ABI order. An indexed string, array or struct is only known by its 32-byte hash.

        Raises IntegrityError when topics or data are another event's.
        """
        indexed = [param for param in self.params if param.indexed]
        if len(topics) != len(indexed) + 1 or topics[0] != self.topic:
            raise IntegrityError(f"this is not a log of {self.signature}")
        values = {
            param.name: topic if param.is_dynamic_topic else _decode([param], topic, self.name)[0]
            for param, topic in zip(indexed, topics[1:], strict=True)
        }
        plain = [param for param in self.params if not param.indexed]
        values |= zip((param.name for param in plain), _decode(plain, data, self.name), strict=True)
        return {param.name: values[param.name] for param in self.params}


class Abi:
    """A contract's ABI, indexed. Functions are found by name, by name and number of arguments, or by signature."""

    def __init__(self, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
        self.name = name
        self.functions = tuple(Function.read(entry) for entry in entries if entry["type"] == "function")
        self.events = tuple(Event.read(entry) for entry in entries if entry["type"] == "event")
        constructor = [entry for entry in entries if entry["type"] == "constructor"]
        self.constructor = tuple(map(Param.read, constructor[0]["inputs"])) if constructor else ()
        self._by_topic = {event.topic: event for event in self.events}
        self._by_selector = {function.selector: function for function in self.functions}

    def function(self, name: str, arguments: int | None = None) -> Function:
        """A function by name or full signature; `arguments` chooses among those of one name."""
        found = [item for item in self.functions if name in (item.name, item.signature)]
        if len(found) > 1 and arguments is not None:
            found = [item for item in found if len(item.inputs) == arguments]
        if not found:
            raise NotFoundError(f"{self.name} has no function {name}; its ABI names: {', '.join(self._names())}")
        if len(found) > 1:
            raise InputError(f"{self.name}.{name} is ambiguous; use one of {', '.join(i.signature for i in found)}")
        return found[0]

    def _names(self) -> list[str]:
        return sorted({function.name for function in self.functions})

    def event(self, name: str) -> Event:
        """An event by name. Raises NotFoundError."""
        for event in self.events:
            if event.name == name:
                return event
        raise NotFoundError(f"{self.name} has no event {name}")

    def event_of(self, topic: bytes) -> Event | None:
        """The event whose logs begin with this topic."""
        return self._by_topic.get(topic)

    def function_of(self, selector: bytes) -> Function | None:
        """The function that call data with this selector means."""
        return self._by_selector.get(selector)

    def encode_constructor(self, *args: Any) -> bytes:
        """Constructor arguments, to be appended to the creation code."""
        if len(args) != len(self.constructor):
            raise InputError(f"{self.name}'s constructor takes {len(self.constructor)} arguments, not {len(args)}")
        return _encode(self.constructor, args, f"{self.name} constructor")
