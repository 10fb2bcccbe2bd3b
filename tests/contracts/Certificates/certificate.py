# SPDX-License-Identifier: Apache-2.0
"""Reads a certificate the strict way: any deviation from its formats is an error."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
JSON_HEAD, SVG_HEAD = "data:application/json;base64,", "data:image/svg+xml;base64,"

USAGES = [
    "Train",
    "Fine-tune",
    "Feed to a model",
    "Evaluate",
    "Index",
    "Generate, commercial",
    "Generate, non-commercial",
    "Adapt",
]
ASPECTS = [
    "Footage",
    "Choreography",
    "Performance",
    "Visual style",
    "Cinematography",
    "Character design",
    "Editing",
    "Cultural elements",
    "Sound",
]
FORBIDS = [
    "Likeness or voice",
    "Recreate scenes",
    "Replicate characters",
    "Names in prompts",
    "Open weights",
    "Resell output as data",
    "Biometric identification",
]


@dataclass(frozen=True)
class Certificate:
    """What a wallet makes of a tokenURI."""

    name: str
    description: str
    traits: dict[str, Any]  # those that occur once
    lists: dict[str, list[str]]  # Usage, Aspect, Never
    svg: bytes
    texts: list[tuple[str, str]]  # class and content of each text in the picture


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def _content(uri: str, head: str) -> bytes:
    assert uri.startswith(head)
    return base64.b64decode(uri[len(head) :], validate=True)


def read(uri: str) -> Certificate:
    """Decode and parse all of it."""
    document = json.loads(_content(uri, JSON_HEAD).decode("utf-8", "strict"), object_pairs_hook=_no_twice)
    assert set(document) == {"name", "description", "image", "attributes"}
    svg = _content(document["image"], SVG_HEAD)
    root = ElementTree.fromstring(svg)  # our own
    assert root.tag == f"{SVG}svg"
    assert not [item for item in root.iter() if item.tag.removeprefix(SVG) not in ("svg", "style", "rect", "text")]
    lists: dict[str, list[str]] = {"Usage": [], "Aspect": [], "Never": []}
    traits: dict[str, Any] = {}
    for trait in document["attributes"]:
        kind = trait["trait_type"]
        if kind in lists:
            lists[kind].append(trait["value"])
        else:
            assert kind not in traits
            traits[kind] = trait["value"]
    texts = [(item.get("class", ""), item.text or "") for item in root.iter(f"{SVG}text")]
    return Certificate(document["name"], document["description"], traits, lists, svg, texts)
