# SPDX-License-Identifier: Apache-2.0
"""A typed TypeScript client, made from the OpenAPI description: `python -m indexer typescript`.

One file without dependencies, for browsers and Node: a type for each schema, a method for each operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.settings import load
from ipto.deployment import Deployment

_HEAD = """// SPDX-License-Identifier: Apache-2.0
// Made from the indexer's OpenAPI description by `python -m indexer typescript`. Do not edit.

export class Problem extends Error {
  constructor(readonly status: number, readonly type: string, readonly title: string, detail: string) {
    super(detail);
  }
}

type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;
"""

_CLIENT = """
export class Indexer {
  /** base: where the indexer is, for instance http://127.0.0.1:8610 */
  constructor(private readonly base: string, private readonly request: typeof fetch = (...a) => fetch(...a)) {}

  private async ask<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const url = new URL(this.base.replace(/\\/$/, "") + path);
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === null) continue;
      for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
    }
    const init: RequestInit = body === undefined
      ? { method }
      : { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    const answer = await this.request(url, init);
    const found = await answer.json();
    if (!answer.ok) throw new Problem(answer.status, found.type, found.title, found.detail);
    return found as T;
  }

  /** All items of a list, page after page. */
  async *all<T, Q extends { cursor?: string | null }>(
    list: (query: Q) => Promise<{ items: T[]; next: string | null }>, query: Q,
  ): AsyncGenerator<T> {
    let cursor: string | null = null;
    do {
      const page: { items: T[]; next: string | null } = await list.call(this, { ...query, cursor });
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }
"""


def typescript(description: Mapping[str, Any]) -> str:
    """The client of an OpenAPI 3.1 description."""
    schemas = description["components"]["schemas"]
    types = [_declaration(name, schema) for name, schema in sorted(schemas.items()) if name != "HTTPValidationError"]
    methods = [
        _method(path, verb, operation)
        for path, item in description["paths"].items()
        for verb, operation in item.items()
        if operation["operationId"] != "streamEvents"
    ]
    return "\n".join([_HEAD, *types]) + _CLIENT + "".join(methods) + "}\n"


def _name(schema: str) -> str:
    return re.sub(r"_(\w*?)_$", r"Of\1", schema).replace("_", "")


def _declaration(name: str, schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return f"export type {_name(name)} = {_type(schema)};\n"
    words = f"/** {schema['description'].splitlines()[0]} */\n" if schema.get("description") else ""
    required = set(schema.get("required", ()))
    lines = []
    for field, part in schema["properties"].items():
        said = f"  /** {part['description']} */\n" if part.get("description") else ""
        optional = "" if field in required else "?"
        lines.append(f"{said}  {field}{optional}: {_type(part)};\n")
    return f"{words}export interface {_name(name)} {{\n{''.join(lines)}}}\n"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        return "Record<string, unknown>"
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}.get(
        str(kind), "unknown"
    )


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _method(path: str, verb: str, operation: Mapping[str, Any]) -> str:
    parameters = [p for p in operation.get("parameters", ()) if p["in"] != "header"]
    inside = [p["name"] for p in parameters if p["in"] == "path"]
    queries = [p for p in parameters if p["in"] == "query"]
    given = [f"{_argument(name)}: string" for name in inside]
    body = operation.get("requestBody")
    if body:
        given.append(f"body: {_type(body['content']['application/json']['schema'])}")
    if queries:
        fields = "; ".join(
            f"{p['name']}{'' if p.get('required') else '?'}: {_type(p['schema'])}"
            + ("" if p.get("required") or "null" in _type(p["schema"]) else " | null")
            for p in queries
        )
        default = "" if any(p.get("required") for p in queries) else " = {}"
        given.append(f"query: {{ {fields} }}{default}")
    answer = operation["responses"]["200"]["content"].get("application/json", {}).get("schema", {})
    place = re.sub(r"\{(\w+)\}", lambda found: f"${{encodeURIComponent({_argument(found[1])})}}", path)
    arguments = [f'"{verb.upper()}"', f"`{place}`", "query" if queries else "{}", *(["body"] if body else [])]
    words = operation.get("description", operation.get("summary", "")).splitlines()[0]
    returns = _type(answer)
    return (
        f"\n  /** {words} */\n  {operation['operationId']}({', '.join(given)}): Promise<{returns}> {{\n"
        f"    return this.ask({', '.join(arguments)});\n  }}\n"
    )


def description() -> dict[str, Any]:
    """The OpenAPI description, of no deployment in particular."""
    from indexer.api.app import create_app

    settings = load(database="sqlite:///nowhere.db")
    described: dict[str, Any] = create_app(settings, Deployment(1, {}, 0, "0x")).openapi()
    return described


def write(path: Path) -> None:
    """Write the client."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(typescript(description()))


def _argument(name: str) -> str:
    return f"{name}Id" if name in ("case", "package", "interface") else name
