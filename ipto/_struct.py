# SPDX-License-Identifier: Apache-2.0
"""The base of every structure that is hashed, signed or sent to a contract.

A subclass is a frozen dataclass whose annotations carry the ABI type of each field. From that one table follow the
checks, the tuple that `eth-abi` encodes, the JSON form and the EIP-712 type. Field order is part of every identifier.

| ABI type | Python | JSON |
|---|---|---|
| `uintN`, N <= 53 | `int` | number |
| `uintN`, N > 53 | `int` | decimal string (a JSON number loses digits beyond 53 bits) |
| `bytes32` | `bytes` | 0x + 64 hex digits |
| `bool` | `bool` | true, false |
| `address` | `str`, EIP-55 | the same |
| struct, `struct[]` | dataclass, `tuple` of them | object, array |
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_args, get_origin, get_type_hints

from ipto._keccak import checksummed
from ipto.errors import InputError

# Integers of more bits than this are written as decimal strings in JSON.
JSON_NUMBER_BITS = 53

_HEX_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")


@dataclass(frozen=True, slots=True)
class Abi:
    """How a field looks on chain: its ABI type, its name there when Python cannot use it, an array's longest length."""

    type: str = ""
    name: str = ""
    max_items: int = 0


class FieldSpec(NamedTuple):
    """One field of a structure, resolved."""

    name: str
    chain_name: str
    abi: str  # as EIP-712 writes it: "uint96", "Offer", "Offer[]"
    struct: type[ChainStruct] | None
    is_array: bool
    max_items: int


def checksum_address(value: object, where: str = "address") -> str:
    """Return an address in EIP-55 form.

    Accepts 0x and 40 hex digits, all lower case, all upper case or correctly checksummed.
    Raises InputError for anything else: a wrong checksum is a typing error that would cost money.
    """
    if not isinstance(value, str) or not _HEX_ADDRESS.fullmatch(value):
        raise InputError(f"{where}: {_show(value)} is not an address; write 0x and 40 hex digits")
    digits = value[2:]
    checked = checksummed(digits.lower())
    if digits not in (digits.lower(), digits.upper()) and value != checked:
        raise InputError(f"{where}: {value} has a wrong checksum (EIP-55); copy the address again")
    return checked


def check_uint(value: object, bits: int, where: str) -> int:
    """Return `value` as a plain int. Raises InputError unless it is an integer from 0 to 2**bits - 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where}: {_show(value)} is not a whole number")
    if not 0 <= value < 1 << bits:
        raise InputError(f"{where}: {_show(int(value))} is out of range; it must be from 0 to {(1 << bits) - 1}")
    return int(value)


def parse_uint(value: object, bits: int, where: str) -> int:
    """Read a JSON integer: a number or a decimal string. Raises InputError for anything else."""
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise InputError(f"{where}: {_show(value)} is not a decimal number")
        value = int(value)
    return check_uint(value, bits, where)


def check_bytes(value: object, size: int, where: str) -> bytes:
    """Return `value` as bytes of exactly `size`; raises InputError otherwise."""
    if not isinstance(value, (bytes, bytearray)) or len(value) != size:
        raise InputError(f"{where}: {_show(value)} is not {size} bytes")
    return bytes(value)


def parse_bytes(value: object, size: int, where: str) -> bytes:
    """Read bytes of exactly `size` from 0x-prefixed hex digits or bytes; raises InputError otherwise."""
    if isinstance(value, str):
        if not re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * size}}}", value):
            raise InputError(f"{where}: {_show(value)} is not 0x and {2 * size} hex digits")
        return bytes.fromhex(value[2:])
    return check_bytes(value, size, where)


def _show(value: object) -> str:
    """A value short enough for an error message, whatever was handed in."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 512:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


def check_bool(value: object, where: str) -> bool:
    """Return `value`; raises InputError unless it is True or False, for 0, "no" and None are not."""
    if not isinstance(value, bool):
        raise InputError(f"{where}: {_show(value)} is neither true nor false")
    return value


def _check_scalar(abi: str, value: object, where: str) -> object:
    if abi == "address":
        return checksum_address(value, where)
    if abi == "bool":
        return check_bool(value, where)
    if abi.startswith("uint"):
        return check_uint(value, int(abi[4:]), where)
    return check_bytes(value, int(abi[5:]), where)


def _parse_scalar(abi: str, value: object, where: str) -> Any:
    if abi in ("address", "bool"):
        return _check_scalar(abi, value, where)
    if abi.startswith("uint"):
        return parse_uint(value, int(abi[4:]), where)
    return parse_bytes(value, int(abi[5:]), where)


def _json_scalar(abi: str, value: Any) -> object:
    if abi.startswith("uint"):
        return str(value) if int(abi[4:]) > JSON_NUMBER_BITS else value
    return "0x" + value.hex() if abi.startswith("bytes") else value


class ChainStruct:
    """Base of the dataclasses that mirror a structure of the contracts."""

    __slots__ = ()
    # The structure's name in EIP-712 messages, when it differs from the class's.
    CHAIN_NAME: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for spec in self.fields():
            where = f"{type(self).__name__}.{spec.name}"
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name), where))

    @classmethod
    def fields(cls) -> tuple[FieldSpec, ...]:
        """The fields in chain order."""
        if cls not in _FIELDS:
            hints = get_type_hints(cls, include_extras=True)
            names = [item.name for item in dataclasses.fields(cls)]  # type: ignore[arg-type]  # subclasses are
            _FIELDS[cls] = tuple(_spec(name, hints[name]) for name in names)
        return _FIELDS[cls]

    @classmethod
    def chain_name(cls) -> str:
        """The structure's name on chain."""
        return cls.CHAIN_NAME or cls.__name__

    @classmethod
    def abi_type(cls) -> str:
        """The structure as an ABI tuple type, for example `(bytes32,uint32)`."""
        return "(" + ",".join(_abi_type(spec) for spec in cls.fields()) + ")"

    def as_tuple(self) -> tuple[Any, ...]:
        """The values in chain order, nested structures as tuples: what `eth_abi.encode` takes."""
        return tuple(_as_plain(spec, getattr(self, spec.name)) for spec in self.fields())

    @classmethod
    def from_tuple(cls, values: tuple[Any, ...] | list[Any]) -> Self:
        """The reverse of `as_tuple`; raises InputError when the number of values or a value is wrong."""
        specs = cls.fields()
        if len(values) != len(specs):
            raise InputError(f"{cls.__name__}: {len(values)} values were given, it has {len(specs)} fields")
        return cls(**{spec.name: _from_plain(spec, value) for spec, value in zip(specs, values, strict=True)})

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Self:
        """Read the JSON form. Raises InputError for missing, unknown or unreadable fields; nothing is guessed."""
        if not isinstance(data, Mapping):
            raise InputError(f"{cls.__name__}: {_show(data)} is not an object")
        specs = cls.fields()
        names = {spec.name for spec in specs}
        if missing := [spec.name for spec in specs if spec.name not in data]:
            raise InputError(f"{cls.__name__}: missing {', '.join(missing)}")
        if unknown := sorted(str(key) for key in data if key not in names):
            raise InputError(f"{cls.__name__}: unknown {_show(', '.join(unknown))}; it has {', '.join(sorted(names))}")
        return cls(**{spec.name: _parsed(spec, data[spec.name], f"{cls.__name__}.{spec.name}") for spec in specs})

    def to_json(self) -> dict[str, Any]:
        """The JSON form: `from_mapping` reads it back unchanged."""
        return {spec.name: _to_json(spec, getattr(self, spec.name)) for spec in self.fields()}


# Resolving annotations is slow; they do not change.
_FIELDS: dict[type, tuple[FieldSpec, ...]] = {}


def _spec(name: str, hint: Any) -> FieldSpec:
    abi = Abi()
    if get_origin(hint) is Annotated:
        hint, abi = get_args(hint)[0], get_args(hint)[1]
    is_array = get_origin(hint) is tuple
    inner = get_args(hint)[0] if is_array else hint
    struct = inner if isinstance(inner, type) and issubclass(inner, ChainStruct) else None
    type_name = abi.type or (struct.chain_name() if struct else "")
    if not type_name:
        raise TypeError(f"field {name} has no ABI type")
    return FieldSpec(name, abi.name or name, type_name + "[]" * is_array, struct, is_array, abi.max_items)


def _abi_type(spec: FieldSpec) -> str:
    return (spec.struct.abi_type() + "[]" * spec.is_array) if spec.struct else spec.abi


def _items(spec: FieldSpec, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)):
        raise InputError(f"{where}: {_show(value)} is not a list")
    if len(value) > spec.max_items:
        raise InputError(f"{where}: {len(value)} items, at most {spec.max_items} fit one message")
    return tuple(value)


def _checked(spec: FieldSpec, value: Any, where: str) -> object:
    struct = spec.struct
    if struct is None:
        return _check_scalar(spec.abi, value, where)
    items = _items(spec, value, where) if spec.is_array else (value,)
    for item in items:
        if not isinstance(item, struct):
            raise InputError(f"{where}: {_show(item)} is not {struct.__name__}")
    return items if spec.is_array else value


def _parsed(spec: FieldSpec, value: Any, where: str) -> Any:
    struct = spec.struct
    if struct is None:
        return _parse_scalar(spec.abi, value, where)
    if spec.is_array:
        return tuple(struct.from_mapping(item) for item in _items(spec, value, where))
    return struct.from_mapping(value)


def _from_plain(spec: FieldSpec, value: Any) -> Any:
    if spec.struct is None:
        return value
    return tuple(spec.struct.from_tuple(item) for item in value) if spec.is_array else spec.struct.from_tuple(value)


def _as_plain(spec: FieldSpec, value: Any) -> Any:
    if spec.struct is None:
        return value
    return tuple(item.as_tuple() for item in value) if spec.is_array else value.as_tuple()


def _to_json(spec: FieldSpec, value: Any) -> Any:
    if spec.struct is None:
        return _json_scalar(spec.abi, value)
    return [item.to_json() for item in value] if spec.is_array else value.to_json()
