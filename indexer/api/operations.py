# SPDX-License-Identifier: Apache-2.0
"""GET operations: which function answers a path, and how path and query become its arguments.

FastAPI describes them (OpenAPI) and is not asked when they run: between the socket and the function stand two look-ups
in a dictionary and one validation of the query.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from indexer.api.answers import Answer
from indexer.api.problems import bad_filter, validation_problem

_MOST_PARAMETERS = 100

Handler = Callable[..., Answer]


class Operation:
    """One operation. `route` is its path as OpenAPI has it, with at most one parameter: the last part, or the one
    before."""

    def __init__(self, route: str, handler: Handler) -> None:
        self.route = route
        self.handler = handler
        parts = route.split("/")
        holes = [at for at, part in enumerate(parts) if part.startswith("{")]
        assert len(holes) < 2
        assert not holes or holes[0] >= len(parts) - 2, route
        self.argument = parts[holes[0]][1:-1] if holes else ""
        hints = typing.get_type_hints(handler)
        self._query: type[BaseModel] | None = hints.get("query")
        self._lists = frozenset(
            name
            for name, field in (self._query.model_fields.items() if self._query else ())
            if typing.get_origin(field.annotation) is list
        )
        self._none_given = None if self._query is None or _has_required(self._query) else self._query()

    def ask(self, argument: str, query: bytes) -> Answer:
        """Answer a question. Raises ProblemError."""
        arguments: dict[str, typing.Any] = {self.argument: argument} if self.argument else {}
        if self._query is not None:
            arguments["query"] = self._read(query) if query or self._none_given is None else self._none_given
        elif query:
            raise bad_filter("this operation takes no parameters")
        return self.handler(**arguments)

    def _read(self, query: bytes) -> BaseModel:
        assert self._query is not None
        try:
            pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            raise bad_filter(f"more than {_MOST_PARAMETERS} parameters") from None
        values: dict[str, typing.Any] = {}
        for name, value in pairs:
            if name in self._lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise bad_filter(f"{name[:80]} is given twice")
            else:
                values[name] = value
        try:
            return self._query.model_validate(values)
        except ValidationError as error:
            raise validation_problem([(item["loc"], item["msg"]) for item in error.errors()]) from None


def _has_required(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


class Table:
    """Operations by path."""

    def __init__(self) -> None:
        self._fixed: dict[str, Operation] = {}
        self._last: dict[str, Operation] = {}
        self._before_last: dict[tuple[str, str], Operation] = {}

    def add(self, operation: Operation) -> None:
        """One more."""
        head, _, tail = operation.route.rpartition("/")
        if not operation.argument:
            self._fixed[operation.route] = operation
        elif tail.startswith("{"):
            self._last[head] = operation
        else:
            self._before_last[head.rpartition("/")[0], tail] = operation

    def find(self, path: str) -> tuple[Operation, str] | None:
        """The operation of a path, and its argument."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, ""
        head, _, tail = path.rpartition("/")
        last = self._last.get(head)
        if last is not None:
            return (last, tail) if tail else None
        front, _, argument = head.rpartition("/")
        before = self._before_last.get((front, tail))
        return (before, argument) if before is not None and argument else None
