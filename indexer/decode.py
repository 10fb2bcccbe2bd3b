# SPDX-License-Identifier: Apache-2.0
"""Event decoders, made from the compiled ABI.

Static words are sliced, dynamic values go through eth-abi. Values come out in the form the database stores:

    uintN       int                        address     20 bytes
    bool        bool                       bytesN      N bytes
    T[], T[k]   tuple                      tuple       tuple, in the order of the components
    string, bytes                          str, bytes; when indexed, the 32 bytes of the topic

A word with a bit where its type has none is refused, as eth-abi refuses it: such a log was not written by the
contract the ABI belongs to.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from ipto.codec import decode as abi_decode
from ipto.errors import IntegrityError

WORD = 32

Abi = Sequence[Mapping[str, Any]]
Convert = Callable[[bytes], Any]


class DecodeError(IntegrityError):
    """A log does not have the shape its event's ABI gives it."""


@dataclass(frozen=True, slots=True)
class EventDecoder:
    """Decodes the logs of one event.

    `name` and `signature` as in the ABI, `topic` the event's first topic, `names` the arguments' names in order of
    declaration, `decode(topics, data)` their values: `topics` is all topics in one string of 32-byte words.
    """

    name: str
    signature: str
    topic: bytes
    names: tuple[str, ...]
    types: tuple[str, ...]
    decode: Callable[[bytes, bytes], tuple[Any, ...]]


def abi_type(item: Mapping[str, Any]) -> str:
    """The canonical type of an ABI parameter, tuples spelled out: `(bytes32,uint32)[]`."""
    if item["type"].startswith("tuple"):
        inner = ",".join(abi_type(part) for part in item["components"])
        return f"({inner}){item['type'][5:]}"
    return str(item["type"])


def event_decoders(abi: Abi) -> dict[bytes, EventDecoder]:
    """A decoder for each event of an ABI, by first topic. Anonymous events are not supported and left out."""
    made = (event_decoder(item) for item in abi if item["type"] == "event" and not item.get("anonymous"))
    return {decoder.topic: decoder for decoder in made}


def event_decoder(item: Mapping[str, Any]) -> EventDecoder:
    """The decoder of one event's ABI entry."""
    inputs = item["inputs"]
    types = tuple(abi_type(part) for part in inputs)
    signature = f"{item['name']}({','.join(types)})"
    names = tuple(part["name"] for part in inputs)
    indexed = [part for part in inputs if part["indexed"]]
    topic_kinds = [_topic_type(part) for part in indexed]
    data_kinds = [abi_type(part) for part in inputs if not part["indexed"]]
    # Where each argument, in order of declaration, is found among topics first, data second.
    order = sorted(range(len(inputs)), key=lambda i: not inputs[i]["indexed"])
    places = [order.index(i) for i in range(len(inputs))]
    if all(map(_word_rule, data_kinds)):
        decode = _one_pass(signature, topic_kinds, data_kinds, places)
    else:
        topics = _words_decoder(topic_kinds, offset=WORD)
        decode = _joined(signature, topics, _data_decoder(data_kinds), places)
    return EventDecoder(
        name=item["name"],
        signature=signature,
        topic=keccak(signature.encode()),
        names=names,
        types=types,
        decode=decode,
    )


def _one_pass(
    signature: str, topic_kinds: list[str], data_kinds: list[str], places: list[int]
) -> Callable[[bytes, bytes], tuple[Any, ...]]:
    """For events of single words only, which most are: topics and data are read as one string."""
    words = _words_decoder(topic_kinds + data_kinds, offset=WORD)
    size = WORD * (1 + len(topic_kinds))
    pick = itemgetter(*places) if len(places) > 1 and places != sorted(places) else None

    def decode(topic_words: bytes, payload: bytes) -> tuple[Any, ...]:
        try:
            if len(topic_words) != size:
                raise DecodingError("it has another number of topics")
            values = words(topic_words + payload)
        except (DecodingError, struct.error) as error:
            raise DecodeError(f"a log of {signature} cannot be read: {error}; check the deployment file") from error
        return values if pick is None else tuple(pick(values))

    return decode


def _joined(
    signature: str,
    topics: Callable[[bytes], tuple[Any, ...]],
    data: Callable[[bytes], tuple[Any, ...]],
    places: list[int],
) -> Callable[[bytes, bytes], tuple[Any, ...]]:
    in_order = places == sorted(places)

    def decode(topic_words: bytes, payload: bytes) -> tuple[Any, ...]:
        try:
            values = topics(topic_words) + data(payload)
        except (DecodingError, struct.error, UnicodeDecodeError) as error:
            raise DecodeError(f"a log of {signature} cannot be read: {error}; check the deployment file") from error
        return values if in_order else tuple([values[place] for place in places])

    return decode


def _topic_type(part: Mapping[str, Any]) -> str:
    # A topic holds only one word; anything longer is logged as its hash.
    kind = abi_type(part)
    return kind if _word_rule(kind) else "bytes32"


# ---- static words ---------------------------------------------------------------------------------------


def _word_rule(kind: str) -> tuple[Convert, int] | None:
    """How a one-word type is read, and which bits of its word must be zero; None for other types."""
    if kind == "address":
        return itemgetter(slice(12, None)), ((1 << 96) - 1) << 160
    if kind == "bool":
        return _is_one, ((1 << 255) - 1) << 1
    if kind.startswith("uint") and kind[4:].isdigit():
        bits = int(kind[4:])
        return int.from_bytes, (1 << 256) - (1 << bits)
    if kind.startswith("bytes") and kind[5:].isdigit():
        size = int(kind[5:])
        return itemgetter(slice(0, size)), (1 << (8 * (WORD - size))) - 1
    return None


def _is_one(word: bytes) -> bool:
    return word[31] == 1


def _words_decoder(kinds: Sequence[str], offset: int = 0) -> Callable[[bytes], tuple[Any, ...]]:
    """Reads exactly `kinds` one after another, after `offset` bytes that are skipped."""
    rules = [rule for rule in map(_word_rule, kinds) if rule]
    converts = [convert for convert, _ in rules]
    mask = 0
    for _, must_be_zero in rules:
        mask = (mask << 256) | must_be_zero
    layout = struct.Struct(f"{offset}x" + "32s" * len(rules))

    def decode(data: bytes) -> tuple[Any, ...]:
        # One comparison of the whole, instead of one for each word.
        if int.from_bytes(data) & mask:
            raise DecodingError("a word has bits outside its type")
        return tuple([convert(word) for convert, word in zip(converts, layout.unpack(data), strict=True)])

    return decode


# ---- the data part --------------------------------------------------------------------------------------


def _data_decoder(kinds: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
    """Reads the non-indexed arguments: by slicing when all are static, else through eth-abi."""
    flat: list[str] = []
    groups: list[tuple[int, int] | None] = []
    for kind in kinds:
        words = _flat_words(kind)
        if words is None:
            return _dynamic_decoder(kinds)
        groups.append((len(flat), len(flat) + len(words)) if kind.startswith("(") else None)
        flat += words
    words_of = _words_decoder(flat)
    if not any(groups):
        return words_of
    pick: list[int | slice] = []
    for at, (group, _kind) in enumerate(zip(groups, kinds, strict=True)):
        start = sum((g[1] - g[0]) if g else 1 for g in groups[:at])
        pick.append(slice(*group) if group else start)

    def decode(data: bytes) -> tuple[Any, ...]:
        values = words_of(data)
        return tuple([values[where] for where in pick])

    return decode


def _flat_words(kind: str) -> list[str] | None:
    """The words of a static type: one, or those of a tuple of one-word types; None when it is neither."""
    if _word_rule(kind):
        return [kind]
    if kind.startswith("(") and kind.endswith(")") and "(" not in kind[1:]:
        parts = kind[1:-1].split(",")
        return parts if all(map(_word_rule, parts)) else None
    return None


def _dynamic_decoder(kinds: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
    converts = [_after_eth_abi(kind) for kind in kinds]

    def decode(data: bytes) -> tuple[Any, ...]:
        values = abi_decode(kinds, data)
        return tuple([convert(value) for convert, value in zip(converts, values, strict=True)])

    return decode


def _after_eth_abi(kind: str) -> Callable[[Any], Any]:
    """From eth-abi's values to ours: only addresses differ."""
    if kind == "address":
        return lambda value: bytes.fromhex(value[2:])
    if "address" not in kind:
        return lambda value: value
    if kind.endswith("]"):
        item = _after_eth_abi(kind[: kind.rindex("[")])
        return lambda values: tuple(item(value) for value in values)
    parts = [_after_eth_abi(part) for part in split_types(kind[1:-1])]
    return lambda values: tuple(part(value) for part, value in zip(parts, values, strict=True))


def split_types(text: str) -> Iterable[str]:
    """Split `uint256,(bytes32,uint32)[],address` at its outer commas."""
    depth = start = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
