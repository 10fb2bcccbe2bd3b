# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipto import documents
from ipto.documents import SAFE_INTEGER, DocumentError
from ipto.errors import IntegrityError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-SAFE_INTEGER, SAFE_INTEGER), text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
    max_leaves=20,
)
objects = st.dictionaries(text, values, max_size=6)


@settings(max_examples=60)
@given(objects)
def test_one_byte_form_whatever_the_writer_did(document: dict[str, Any]) -> None:
    data = documents.canonical(document)
    assert documents.parse(data, exact=True) == document
    pretty = json.dumps(document, indent=3, ensure_ascii=True).encode()
    shuffled = dict(reversed(list(documents.parse(pretty).items())))
    assert documents.canonical(shuffled) == data
    assert documents.digest(shuffled) == hashlib.sha256(data).digest()
    assert documents.parse_stored(data, hashlib.sha256(data).digest()) == document


def test_order_of_keys_is_that_of_rfc_8785() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]  # the RFC's own example, section 3.2.3
    data = documents.canonical(dict.fromkeys(keys, 0))
    assert list(json.loads(data)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_an_error(data: bytes) -> None:
    try:
        assert isinstance(documents.parse(data), dict)
    except DocumentError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" ", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"[]", "object"),
        (b'"x"', "object"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"x":{"a":1,"\\u0061":2}}', "twice"),
        (b'{"a":1.0}', "not a whole number"),
        (b'{"a":1e2}', "not a whole number"),
        (b'{"a":-0}', "write 0"),
        (b'{"a":NaN}', "not a whole number"),
        (b'{"a":Infinity}', "not a whole number"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":9007199254740992}', "53 bits"),
        (b'{"a":' + b"9" * 10_000 + b"}", "53 bits"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "UTF-8"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested"),
        (b"[" * 200_000, "nested"),
        (b'{"a":"' + b'\\"' * 400_000, "not JSON"),
        (b'{"a":"' + b'\\"' * 400_000 + b"\\", "not JSON"),
        (b'"' * 400_001, "not JSON"),
        (b'{"a":1}' + b" " * 1024 * 1024, "1048576"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value[:16]),
)
def test_hostile_documents(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        documents.parse(data)


def test_values_no_document_holds() -> None:
    for value in (1.5, float("nan"), b"x", object(), SAFE_INTEGER + 1, {1: 2}, "\ud800"):
        with pytest.raises(DocumentError, match=r"a\[0\]"):
            documents.canonical({"a": [value]})
    with pytest.raises(DocumentError, match="1048576"):
        documents.canonical({"a": "x" * 1024 * 1024})


def test_other_bytes_than_the_digest_says() -> None:
    data = documents.canonical({"a": 1})
    with pytest.raises(IntegrityError, match="digest"):
        documents.parse_stored(data, bytes(32))
    loose = b'{"a": 1}'
    with pytest.raises(DocumentError, match="canonical"):
        documents.parse_stored(loose, hashlib.sha256(loose).digest())


@pytest.mark.parametrize("name", ["work-1", "work-2", "cultural-1", "terms-1", "evidence-1"])
def test_schemas_are_sound_and_explain_every_field(name: str) -> None:
    schema = documents.load_schema(name)
    documents.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:ipto:schema:{name.replace('-', ':')}"

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for field, value in node.get("properties", {}).items():
                assert value.get("description"), field
            if "pattern" in node:  # in Python a plain $ would let a line break through
                assert not str(node["pattern"]).endswith("$")
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
