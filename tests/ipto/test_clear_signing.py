# SPDX-License-Identifier: Apache-2.0
"""What wallets show of a message: every message, every field, in words (ERC-7730)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ipto.chain import Deployment
from ipto.structs import Aspect, ChainStruct, Forbid, OfferFlag, Usage
from ipto.typed_data import ACTIONS, SetConsent, encode_type
from scripts import clear_signing
from scripts import typed_data_vectors as vectors

DESCRIPTOR: dict[str, Any] = json.loads(clear_signing.OUTPUT.read_text(encoding="utf-8"))
# The formats of the standard that are used, and the parameters each may and must have.
FORMATS: dict[str, tuple[set[str], set[str]]] = {
    "raw": (set(), set()),
    "addressName": ({"types", "sources", "senderAddress"}, set()),
    "tokenTicker": (set(), set()),
    "tokenAmount": ({"token", "tokenPath", "nativeCurrencyAddress", "threshold", "message"}, {"tokenPath"}),
    "date": ({"encoding"}, {"encoding"}),
    "duration": (set(), set()),
    "unit": ({"base", "decimals", "prefix"}, {"base"}),
    "enum": ({"$ref"}, {"$ref"}),
}


def leaves(kind: type[ChainStruct], where: str = "") -> Iterator[tuple[str, str]]:
    """Path and type of every value in a message."""
    for spec in kind.fields():
        path = f"{where}{spec.chain_name}" + (".[]" if spec.is_array else "")
        if spec.struct is not None:
            yield from leaves(spec.struct, f"{path}.")
        else:
            yield path, spec.abi


VAULT: dict[str, Any] = json.loads(clear_signing.VAULT_OUTPUT.read_text(encoding="utf-8"))
MESSAGES: tuple[type[ChainStruct], ...] = (*ACTIONS, *clear_signing.VAULT_MESSAGES)


def shown(kind: type[ChainStruct]) -> list[dict[str, Any]]:
    formats = DESCRIPTOR["display"]["formats"] | VAULT["display"]["formats"]
    fields: list[dict[str, Any]] = formats[encode_type(kind)]["fields"]
    return fields


def test_the_committed_file_is_what_the_table_makes() -> None:
    assert clear_signing.OUTPUT.read_text(encoding="utf-8") == clear_signing.build()
    assert clear_signing.VAULT_OUTPUT.read_text(encoding="utf-8") == clear_signing.build_vault()
    assert clear_signing.main(["--check"]) == 0


def test_every_message_has_a_headline_of_its_own() -> None:
    formats = DESCRIPTOR["display"]["formats"] | VAULT["display"]["formats"]
    assert list(formats) == [encode_type(kind) for kind in MESSAGES]
    intents = [item["intent"] for item in formats.values()]
    assert len(set(intents)) == len(MESSAGES)
    assert all(10 < len(intent) < 70 for intent in intents)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_every_field_is_shown_once_and_in_order(kind: type[ChainStruct]) -> None:
    """Nothing that is signed is left out, so nothing can hide."""
    assert [field["path"] for field in shown(kind)] == [path for path, _ in leaves(kind)]
    assert all("visible" not in field for field in shown(kind))


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_fields_are_shown_in_words(kind: type[ChainStruct]) -> None:
    types = dict(leaves(kind))
    for field in shown(kind):
        assert set(field) <= {"path", "label", "format", "params"}
        assert re.fullmatch(r"[A-Z][A-Za-z0-9 ():'-]{2,40}", field["label"]), field
        allowed, needed = FORMATS[field["format"]]
        parameters = field.get("params", {})
        assert needed <= set(parameters) <= allowed, field
        abi = types[field["path"]]
        if abi == "address":
            assert field["format"] in ("addressName", "tokenTicker"), field
        if field["format"] in ("tokenAmount", "date", "duration", "unit"):
            assert abi.startswith("uint"), field
        if "tokenPath" in parameters:
            assert types[parameters["tokenPath"]] == "address"
            assert parameters["tokenPath"].rpartition(".")[0] == field["path"].rpartition(".")[0]
        if "$ref" in parameters:
            assert enumeration(parameters["$ref"])
        if abi == "bool":
            assert set(enumeration(parameters["$ref"])) == {"true", "false"}


def enumeration(reference: str) -> dict[str, str]:
    head, _, name = reference.rpartition(".")
    assert head == "$.metadata.enums"
    found: dict[str, str] = DESCRIPTOR["metadata"]["enums"][name]
    return found


@pytest.mark.parametrize(
    ("name", "kind"), [("usages", Usage), ("aspects", Aspect), ("forbids", Forbid), ("flags", OfferFlag)]
)
def test_every_combination_of_bits_has_its_words(name: str, kind: Any) -> None:
    words = enumeration(f"$.metadata.enums.{name}")
    assert len(words) == 1 << len(kind)
    assert len(set(words.values())) == len(words)
    for value in (1, 2, 3, (1 << len(kind)) - 1):
        expected = [str(bit.name).lower().replace("_", " ") for bit in kind if value & bit]
        assert words[str(value)].split(", ") == expected


def test_what_a_person_reads() -> None:
    """The consent of the committed vectors, as a wallet would render it."""
    message = vectors.sample(SetConsent)
    plain = message.to_json()
    lines = []
    for field in shown(type(message)):
        value = plain[field["path"]]
        if field["format"] == "enum":
            value = enumeration(field["params"]["$ref"])[json.dumps(value)]
        lines.append((field["label"], value))
    assert lines[0] == ("Signed by", message.actor)
    assert ("Sales allowed", "yes") in lines


def test_the_file_s_frame() -> None:
    assert set(DESCRIPTOR) == {"$schema", "context", "metadata", "display"}
    assert DESCRIPTOR["context"]["eip712"] == {"domain": {"name": "IPTO", "version": "1"}}
    assert set(DESCRIPTOR["metadata"]) == {"owner", "contractName", "enums"}
    assert set(DESCRIPTOR["display"]) == {"formats"}
    assert set(VAULT) == set(DESCRIPTOR)
    assert VAULT["context"]["eip712"] == {"domain": {"name": "IPTO RoyaltyVault", "version": "1"}}


def test_bound_to_a_deployment(deployment: Deployment, tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = deployment.save(tmp_path)
    assert clear_signing.main(["--deployment", str(path)]) == 0
    written, of_vault = json.loads(capsys.readouterr().out)
    assert of_vault["context"]["eip712"]["deployments"][0]["address"] == deployment.address("RoyaltyVault")
    assert written["context"]["eip712"]["deployments"] == [
        {"chainId": deployment.chain_id, "address": deployment.address("SignedActions")}
    ]
    assert written["display"] == DESCRIPTOR["display"]
    assert clear_signing.main(["--wrong"]) == 2
