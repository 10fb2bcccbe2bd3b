# SPDX-License-Identifier: Apache-2.0
"""The types and operations of the Python client, made from the OpenAPI description: `python -m indexer python`.

A TypedDict for each schema, a method for each operation. How requests are made stands in `ipto.services`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

_HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""The indexer's API as types and methods; docs/dapps.md.

Made from its OpenAPI description by `python -m indexer python > ipto/indexer_api.py`. Do not edit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from urllib.parse import quote

__all__ = [
%s]

Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """A part of a list; `next` is the cursor of the next one, None at the end."""

    items: list[Item]
    next: str | None
    indexed: Indexed
'''

_OPERATIONS = '''

class Operations(ABC):
    """Every operation of the API. `min_block`: answer once this block is indexed, to read your own write.

    Each raises NotFoundError, RefusedError or ServiceError, with what the service said as `problem`.
    """

    @abstractmethod
    def _fetch(self, path: str, **query: Any) -> Any: ...

    @abstractmethod
    def _put_to(self, path: str, body: object, **query: Any) -> Any: ...
'''
_WIDTH = 120
_LEFT_OUT = ("HTTPValidationError", "ProblemModel")


def python(description: Mapping[str, Any]) -> str:
    """The module `ipto.indexer_api` for an OpenAPI 3.1 description."""
    schemas = {
        name: schema
        for name, schema in sorted(description["components"]["schemas"].items())
        if name not in _LEFT_OUT and not name.startswith("Page_")
    }
    names = sorted(["Operations", "Page", *map(_name, schemas)])
    exported = "".join(f'    "{name}",\n' for name in names)
    methods = [
        _method(path, verb, operation)
        for path, item in description["paths"].items()
        for verb, operation in item.items()
        if operation["operationId"] != "streamEvents"
    ]
    types = [_declaration(name, schema) for name, schema in schemas.items()]
    made, aliases = _short("".join(types) + _OPERATIONS + "".join(methods))
    return _HEAD % exported + aliases + made


def _short(text: str) -> tuple[str, str]:
    """Long lists of values get a name, that of the field they are first met in; the text, and the names."""
    names: dict[str, str] = {}
    for field, kind in re.findall(r"(\w+): (Literal\[[^\]\n]{90,}\])", text):
        names.setdefault(kind, f"{field.title().replace('_', '')}Name")
    for kind, name in names.items():
        text = text.replace(kind, name)
    return text, "".join(f"\n\n{name} = {_wrapped(kind)}\n" for kind, name in names.items())


def _name(schema: str) -> str:
    return schema.replace("_", "")


def _declaration(name: str, schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return f"\n\n{_name(name)} = {_wrapped(_type(schema))}\n"
    lines = [f"\n\nclass {_name(name)}(TypedDict):\n", _words(schema.get("description", name), "    "), "\n"]
    required = set(schema.get("required", ()))
    for field, part in schema["properties"].items():
        if part.get("description"):
            lines += [f"    # {line}\n" for line in textwrap.wrap(part["description"], _WIDTH - 6)]
        kind = _type(part)
        lines.append(f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}\n")
    return "".join(lines)


def _wrapped(kind: str) -> str:
    values = re.fullmatch(r"Literal\[(.*)\]", kind)
    if values is None or len(kind) < 80:
        return kind
    return "Literal[\n" + "".join(f"    {value},\n" for value in values[1].split(", ")) + "]"


def _words(text: str, indent: str) -> str:
    text = " ".join(text.split())
    if len(text) + len(indent) + 6 <= _WIDTH:
        return f'{indent}"""{text}"""\n'
    lines = textwrap.wrap(text, _WIDTH - len(indent) - 3)
    return f'{indent}"""' + "\n".join([lines[0], *(indent + line for line in lines[1:])]) + f'\n{indent}"""\n'


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        page = re.fullmatch(r"Page_(\w+)_", name)
        return f"Page[{page[1]}]" if page else _name(name)
    if "const" in schema:
        return f"Literal[{_literal(schema['const'])}]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(_literal, schema['enum']))}]"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        return "dict[str, Any]"
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(
        str(kind), "Any"
    )


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _method(path: str, verb: str, operation: Mapping[str, Any]) -> str:
    parameters = [p for p in operation.get("parameters", ()) if p["in"] in ("path", "query")]
    given, query = ["self"], []
    for parameter in parameters:
        if parameter["in"] == "path":
            given.append(f"{parameter['name']}: str")
    body = operation.get("requestBody")
    if body:
        given.append(f"body: {_type(body['content']['application/json']['schema'])}")
    asked = [p for p in parameters if p["in"] == "query" and p["name"] != "format"]  # the client speaks JSON
    if asked:
        given.append("*")
    for parameter in asked:
        kind = re.sub(r"^list\[", "Sequence[", _type(parameter["schema"]))
        if not parameter.get("required"):
            kind = kind if kind.endswith("| None") else f"{kind} | None"
        given.append(f"{parameter['name']}: {kind}{'' if parameter.get('required') else ' = None'}")
        query.append(f"{parameter['name']}={parameter['name']}")
    answer = _type(operation["responses"]["200"]["content"].get("application/json", {}).get("schema", {}))
    place = re.sub(r"\{(\w+)\}", r"{quote(\1, safe='')}", path)
    literal = f'f"{place}"' if place != path else f'"{place}"'
    arguments = [literal, *(["body"] if body else []), *query]
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", operation["operationId"]).lower()
    words = operation.get("description", operation.get("summary", ""))
    call = "_put_to" if verb == "post" else "_fetch"
    lines = [f"\n    def {name}(\n", *(f"        {part},\n" for part in given), f"    ) -> {answer}:\n"]
    if len(given) == 1:
        lines = [f"\n    def {name}(self) -> {answer}:\n"]
    lines += [_words(words, "        "), f"        found: {answer} = self.{call}(\n"]
    lines += [f"            {part},\n" for part in arguments]
    if len(arguments) == 1:
        lines[-2:] = [f"        found: {answer} = self.{call}({literal})\n"]
    return "".join([*lines, *(["        )\n"] if len(arguments) > 1 else []), "        return found\n"])
