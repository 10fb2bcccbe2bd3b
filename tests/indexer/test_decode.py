# SPDX-License-Identifier: Apache-2.0
"""The decoders against eth-abi, on every event of the contracts and on events made up."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.decode import DecodeError, EventDecoder, abi_type, event_decoder, split_types
from indexer.service import INDEXED
from ipto.chain import artifact

EVENTS = [
    pytest.param(item, id=f"{name}.{item['name']}")
    for name in INDEXED
    for item in artifact(name)["abi"]
    if item["type"] == "event"
]
WORDS = ["address", "bool", "uint256", "uint8", "uint40", "uint96", "bytes32", "bytes4", "bytes1"]


def values_of(kind: str) -> st.SearchStrategy[Any]:
    """Values of an ABI type, in the form eth-abi encodes."""
    if kind.endswith("[]"):
        return st.lists(values_of(kind[:-2]), max_size=4).map(tuple)
    if kind.endswith("]"):
        base, size = kind[:-1].rsplit("[", 1)
        return st.tuples(*[values_of(base)] * int(size))
    if kind.startswith("("):
        return st.tuples(*map(values_of, split_types(kind[1:-1])))
    if kind == "address":
        return st.binary(min_size=20, max_size=20)
    if kind == "bool":
        return st.booleans()
    if kind == "string":
        return st.text(max_size=80)
    if kind == "bytes":
        return st.binary(max_size=80)
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:]) - 1)
    return st.binary(min_size=int(kind[5:]), max_size=int(kind[5:]))


def as_stored(value: Any, kind: str) -> Any:
    """eth-abi's value in our form."""
    if kind.endswith("]"):
        return tuple(as_stored(item, kind[: kind.rindex("[")]) for item in value)
    if kind.startswith("("):
        return tuple(as_stored(v, k) for v, k in zip(value, split_types(kind[1:-1]), strict=True))
    return bytes.fromhex(value[2:]) if kind == "address" else value


def is_word(kind: str) -> bool:
    return kind in ("address", "bool") or ((kind[:4] == "uint" or kind[:5] == "bytes") and kind[-1].isdigit())


def check_round_trip(item: dict[str, Any], data: st.DataObject) -> None:
    decoder = event_decoder(item)
    plain: list[Any] = []
    topics = b""
    wanted: list[Any] = []
    for part in item["inputs"]:
        kind = abi_type(part)
        if part["indexed"] and not is_word(kind):
            word = data.draw(st.binary(min_size=32, max_size=32))
            topics += word
            wanted.append(word)
            continue
        value = data.draw(values_of(kind))
        encoded = abi_encode([kind], [value])
        if part["indexed"]:
            topics += encoded
        else:
            plain.append((kind, value))
        wanted.append(as_stored(abi_decode([kind], encoded)[0], kind))
    payload = abi_encode([kind for kind, _ in plain], [value for _, value in plain])
    assert decoder.decode(decoder.topic + topics, payload) == tuple(wanted)


@pytest.mark.parametrize("item", EVENTS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_event_decodes_as_eth_abi_does(item: dict[str, Any], data: st.DataObject) -> None:
    check_round_trip(item, data)


kinds = st.recursive(
    st.sampled_from([*WORDS, "string", "bytes"]),
    lambda inner: st.one_of(
        inner.map(lambda kind: f"{kind}[]"),
        inner.map(lambda kind: f"{kind}[2]"),
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: f"({','.join(parts)})"),
    ),
    max_leaves=6,
)


def entry(kind: str, name: str, indexed: bool) -> dict[str, Any]:
    """An ABI parameter of a canonical type."""
    bare = kind.split("[")[0] if not kind.startswith("(") else None
    if bare is not None:
        return {"name": name, "type": kind, "indexed": indexed}
    end = kind.rindex(")") + 1
    parts = [entry(part, f"f{i}", False) for i, part in enumerate(split_types(kind[1 : end - 1]))]
    return {"name": name, "type": "tuple" + kind[end:], "components": parts, "indexed": indexed}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(kinds, st.booleans()), max_size=5), st.data())
def test_events_made_up_decode_as_eth_abi_does(shape: list[tuple[str, bool]], data: st.DataObject) -> None:
    inputs = [entry(kind, f"a{i}", indexed) for i, (kind, indexed) in enumerate(shape)]
    check_round_trip({"type": "event", "name": "E", "inputs": inputs}, data)


@settings(deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), st.data())
def test_bits_outside_a_type_are_refused_as_eth_abi_refuses_them(words: list[str], data: st.DataObject) -> None:
    inputs = [entry(kind, f"a{i}", False) for i, kind in enumerate(words)]
    decoder = event_decoder({"type": "event", "name": "E", "inputs": inputs})
    payload = data.draw(st.binary(min_size=32 * len(words), max_size=32 * len(words)))
    try:
        wanted = abi_decode(words, payload)
    except DecodingError:
        with pytest.raises(DecodeError):
            decoder.decode(decoder.topic, payload)
    else:
        assert decoder.decode(decoder.topic, payload) == as_stored(wanted, f"({','.join(words)})")


@pytest.mark.parametrize("payload", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_log_of_another_length_is_refused(payload: bytes) -> None:
    decoder: EventDecoder = event_decoder(
        {"type": "event", "name": "E", "inputs": [{"name": "a", "type": "uint256", "indexed": False}]}
    )
    with pytest.raises(DecodeError, match=r"E\(uint256\)"):
        decoder.decode(decoder.topic, payload)
