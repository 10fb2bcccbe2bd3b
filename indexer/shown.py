# SPDX-License-Identifier: Apache-2.0
"""Logs as JSON: for the API, its stream and webhooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from eth_hash.auto import keccak

from indexer.decode import EventDecoder, event_decoder

Show = Callable[[Any], Any]

_JSON_BITS = 53  # beyond this a JSON number is not exact everywhere


@functools.lru_cache(maxsize=65_536)
def show_address(raw: bytes) -> str:
    """An address as EIP-55 writes it."""
    digits = raw.hex()
    marks = keccak(digits.encode()).hex()
    cased = [c.upper() if mark >= "8" else c for c, mark in zip(digits, marks, strict=False)]
    return "0x" + "".join(cased)


class Shower:
    """Shows one contract's logs."""

    def __init__(self, abi: list[dict[str, Any]]) -> None:
        self._events: dict[bytes, tuple[EventDecoder, list[Show]]] = {}
        for item in abi:
            if item["type"] == "event":
                decoder = event_decoder(item)
                self._events[decoder.topic] = (decoder, [_show(part) for part in item["inputs"]])
        self.names = {decoder.name for decoder, _ in self._events.values()}

    def arguments(self, topics: bytes, data: bytes) -> dict[str, Any]:
        """A log's arguments by the ABI's names; numbers above 53 bits are decimal strings."""
        found = self._events.get(topics[:32])
        if found is None:
            return {}
        decoder, shows = found
        values = decoder.decode(topics, data)
        return {name: show(value) for name, show, value in zip(decoder.names, shows, values, strict=True)}


def _show(part: Mapping[str, Any]) -> Show:
    """How a value of an ABI parameter is written in JSON."""
    kind = part["type"]
    if kind.endswith("]"):
        item = _show({**part, "type": kind[: kind.rindex("[")]})
        return lambda values: [item(value) for value in values]
    if kind == "tuple":
        fields = [(component["name"], _show(component)) for component in part["components"]]
        return lambda values: {name: show(value) for (name, show), value in zip(fields, values, strict=True)}
    if kind == "address":
        return show_address
    if kind.startswith("uint") and int(kind[4:]) > _JSON_BITS:
        return str
    return lambda value: "0x" + value.hex() if isinstance(value, bytes) else value
