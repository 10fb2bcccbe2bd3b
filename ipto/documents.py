# SPDX-License-Identifier: Apache-2.0
"""JSON documents that stand on chain as a digest: read strictly, written in one form (RFC 8785), checked by schema.

A document has whole numbers, strings, lists, objects, true, false and null; never a fraction, because two machines may
write one differently. Its digest is the SHA-256 of its canonical bytes. Schemas are JSON Schema 2020-12 in
`ipto/schemas/`; the `description` of a field there is also what an error tells a user to write.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, NoReturn

import rfc8785
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from ipto.errors import InputError, IntegrityError

MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 32
SAFE_INTEGER = 2**53 - 1  # the largest a JSON number keeps exactly everywhere

# A string, also an unfinished one, is taken in one step and never tried again from its middle.
_BRACKET_OR_STRING = re.compile(rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)|[\[\]{}]', re.DOTALL)

Document = dict[str, Any]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class DocumentError(InputError):
    """A document cannot be used. `field` is where, in dotted form, empty for the whole."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one byte form of a document (RFC 8785). Raises DocumentError for what no document may hold."""
    _check_values(document, "", 0)
    try:
        data = rfc8785.dumps(document)
    except rfc8785.CanonicalizationError as error:
        raise DocumentError(f"the document cannot be written: {error}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentError(f"the document has {len(data)} bytes; at most {MAX_DOCUMENT_BYTES} are allowed, shorten it")
    return data


def digest(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of the canonical bytes: 32 bytes, as they stand on chain."""
    return hashlib.sha256(canonical(document)).digest()


def parse(data: bytes, what: str = "document", *, exact: bool = False) -> Document:
    """Read a document from UTF-8 JSON.

    Refused: nothing at all, more than 1 MiB, other encodings, duplicate keys, fractions, exponents, -0, integers
    beyond 2**53 - 1, NaN, deep nesting. With `exact` the bytes must be the canonical form. Raises DocumentError.
    """
    if not data:
        raise DocumentError(f"the {what} is empty (0 bytes); write it first")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentError(f"the {what} has {len(data)} bytes; at most {MAX_DOCUMENT_BYTES} are allowed, shorten it")
    check_nesting(data, what)
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
            parse_int=_integer,
        )
    except DocumentError:
        raise
    except UnicodeDecodeError as error:
        raise DocumentError(f"the {what} is not UTF-8 text; save it in that encoding") from error
    except ValueError as error:
        raise DocumentError(f"the {what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DocumentError(f"the {what} must be a JSON object, written in braces")
    if canonical(document) != data and exact:
        raise DocumentError(f"the {what} is not in canonical form (RFC 8785); its digest would be another's")
    return document


def parse_stored(data: bytes, expected: bytes, what: str = "document") -> Document:
    """Read a document that a digest stands for. Raises IntegrityError when it is another, DocumentError as `parse`."""
    if hashlib.sha256(data).digest() != expected:
        raise IntegrityError(f"the {what} is not the one its digest 0x{expected.hex()} stands for; fetch it again")
    return parse(data, what, exact=True)


def validate(document: Mapping[str, Any], schema: str, what: str) -> None:
    """Check a document against `ipto/schemas/{schema}.json`. Raises DocumentError for the first field that is wrong."""
    canonical(document)
    errors = sorted(_validator(schema).iter_errors(document), key=lambda error: [str(part) for part in error.path])
    if errors:
        _explain(errors[0], load_schema(schema), what)


def load_schema(schema: str) -> Document:
    """A schema of this library by name, for example `work-1`."""
    text = resources.files("ipto").joinpath("schemas", f"{schema}.json").read_text(encoding="utf-8")
    loaded: Document = json.loads(text)
    return loaded


@functools.cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(load_schema(schema), format_checker=FormatChecker())


def _explain(error: ValidationError, root: Document, what: str) -> NoReturn:
    field = dotted(error.path)
    schema: Any = error.schema if isinstance(error.schema, Mapping) else {}
    hint = _description(root, error.absolute_schema_path)
    instance: Any = error.instance
    if error.validator == "required":
        name = next(key for key in schema["required"] if key not in instance)
        field = f"{field}.{name}".lstrip(".")
        hint = str(schema.get("properties", {}).get(name, {}).get("description", ""))
        problem = "is missing"
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = schema.get("properties", {})
        name = next((key for key in instance if key not in known), "?")
        field, hint = f"{field}.{name}".lstrip(".")[:200], ""
        problem = f"is not a field of this document; it has {', '.join(sorted(known))}"
    elif error.validator == "type":
        problem = f"must be {_article(error.validator_value)}"
    elif error.validator in ("minLength", "minItems"):
        problem = "is empty" if not instance else "is too short"
    elif error.validator in ("maxLength", "maxItems"):
        problem = f"is too long, at most {error.validator_value}"
    else:
        problem = f"cannot be {_short(instance)}"
    text = f"{what}, {field or 'as a whole'}: {problem}"
    raise DocumentError(f"{text}. Expected: {hint}" if hint else text, field)


def _description(root: Document, path: Iterable[Any]) -> str:
    """What the schema says of the field at `path`: the nearest description that is about the field itself."""
    node: Any = root
    found = ""
    for step in path:
        behind_reference = False
        if step == "$ref" or (step not in node and "$ref" in node):
            # The description beside a reference says more than the one behind it.
            behind_reference = "description" in node
            node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        if step != "$ref":
            node = node[step]
            behind_reference = False
        if isinstance(node, dict) and "description" in node and not behind_reference:
            found = str(node["description"])
    return found


def _article(types: Any) -> str:
    names = {"string": "text", "integer": "a whole number", "array": "a list", "object": "an object", "null": "null"}
    return " or ".join(names.get(name, f"a {name}") for name in ([types] if isinstance(types, str) else types))


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def dotted(path: Any) -> str:
    """Where something stands in a document, as people write it: `creators[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _check_values(value: object, where: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise DocumentError(f"{where[:80]}: nested too deeply; {MAX_DEPTH} levels are allowed", where)
    if isinstance(value, str):
        if _LONE_SURROGATE.search(value):
            raise DocumentError(f"{where}: holds half a character (a lone surrogate); remove it", where)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > SAFE_INTEGER:
            raise DocumentError(f"{where}: the number has more than 53 bits; write it as text", where)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise DocumentError(f"{where}: the key {key!r:.80} is not text", where)
            _check_values(key, f"{where}.{key!r:.80}".lstrip("."), depth + 1)
            _check_values(item, f"{where}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_values(item, f"{where}[{index}]", depth + 1)
    elif isinstance(value, float):
        raise DocumentError(f"{where}: {value!r} is a fraction; use a whole number of a smaller unit, or text", where)
    else:
        raise DocumentError(f"{where}: {type(value).__name__} has no form in JSON", where)


def check_nesting(data: bytes, what: str) -> None:
    """Before parsing: the parser recurses, and where something has raised Python's limit it would end the process."""
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(data):
        if match[0] in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise DocumentError(f"the {what} is nested too deeply; {MAX_DEPTH} levels are allowed")
        elif match[0] in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> Document:
    document: Document = {}
    for key, value in pairs:
        if key in document:
            raise DocumentError(f"the key {key!r:.80} stands twice in one object; keep one", key[:80])
        document[key] = value
    return document


def _no_fraction(text: str) -> NoReturn:
    raise DocumentError(f"{text:.40} is not a whole number; use a whole number of a smaller unit, or text")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > SAFE_INTEGER:
        raise DocumentError(f"{text:.40} has more than 53 bits; write it as text in quotes")
    if text == "-0":
        raise DocumentError("-0 is not allowed; write 0")
    return int(text)
