# SPDX-License-Identifier: Apache-2.0
"""GraphQL over the same operations, for those who want it: the types are made from the API's models, each query is one
of its operations. Depth, aliases, tokens and the sum of all `limit`s of a query are bounded.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, Union

import anyio.to_thread
import orjson
import strawberry
from fastapi import Request
from pydantic import BaseModel
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.fastapi import GraphQLRouter
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from indexer.api import catalog, datasets, disputes, models, money, records, usage
from indexer.api.context import Context
from indexer.api.pages import PageQuery

MAX_DEPTH = 8
MAX_ALIASES = 10
MAX_TOKENS = 1_000
MAX_COST = 300  # items all lists of one query may return

# operation id → field name, filters, what an item is
_LISTS: dict[str, tuple[str, type[PageQuery], type[BaseModel]]] = {
    "listWorks": ("works", catalog.WorkQuery, models.Work),
    "listOffers": ("offers", catalog.OfferQuery, models.Offer),
    "listLicenses": ("licenses", catalog.LicenseQuery, models.License),
    "listDatasets": ("datasets", datasets.DatasetQuery, records.Dataset),
    "listDatasetLicenses": ("dataset_licenses", datasets.DatasetLicenseQuery, records.DatasetLicense),
    "listModels": ("models", usage.ModelQuery, records.AiModel),
    "listReports": ("reports", usage.ReportQuery, records.Report),
    "listDuties": ("duties", usage.DutyQuery, records.Duty),
    "listDisputes": ("disputes", disputes.CaseQuery, records.Case),
    "listAttestations": ("attestations", disputes.AttestationQuery, records.Attestation),
    "listSplits": ("splits", money.SplitQuery, models.Split),
    "listPayouts": ("payouts", money.PayoutQuery, models.LedgerLine),
}
# operation id → field name, its argument in the API, what it returns
_SINGLES: dict[str, tuple[str, str, type[BaseModel]]] = {
    "getWork": ("work", "work", models.Work),
    "getOffer": ("offer", "offer", models.Offer),
    "getLicense": ("license", "license", models.License),
    "getDataset": ("dataset", "dataset", records.Dataset),
    "getDatasetLicense": ("dataset_license", "license", records.DatasetLicense),
    "getModel": ("model", "model", records.AiModel),
    "getReport": ("report", "report", records.Report),
    "getDispute": ("dispute", "case", records.Case),
    "getAccount": ("account", "account", models.AccountState),
    "getSplit": ("split", "split", models.Split),
    "getEarnings": ("earnings", "work", models.Earnings),
}


class _Types:
    """Strawberry types made from the API's models, once each."""

    def __init__(self) -> None:
        self._made: dict[type[BaseModel], Any] = {}

    def of(self, model: type[BaseModel]) -> Any:
        if model not in self._made:
            fields = {name: self._annotation(field.annotation) for name, field in model.model_fields.items()}
            cls = type(model.__name__, (), {"__annotations__": fields, "__doc__": model.__doc__})
            self._made[model] = strawberry.type(cls, description=model.__doc__)
        return self._made[model]

    def _annotation(self, kind: Any) -> Any:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (Union, types.UnionType):
            inner = [self._annotation(part) for part in arguments if part is not type(None)]
            return inner[0] | None if hasattr(inner[0], "__or__") else typing.Optional[inner[0]]  # noqa: UP045
        if origin is list:
            return list[self._annotation(arguments[0])]  # type: ignore[misc]
        if origin is Literal:
            return str
        if origin is dict:
            return JSON
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return self.of(kind)
        return kind


def _argument(kind: Any) -> Any:
    """A filter's type: enumerations are named by text, as in the API's URLs."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _argument(next(part for part in arguments if part is not type(None)))
    if origin is list:
        return list[_argument(arguments[0])]  # type: ignore[misc]
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return str
    return kind


class GraphQLError(Exception):
    """What the API would answer as a problem."""


def _with_signature(resolver: Callable[..., Any], arguments: dict[str, tuple[Any, Any]], returns: Any) -> None:
    info = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=strawberry.Info)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, (kind, default) in arguments.items()
    ]
    resolver.__signature__ = inspect.Signature([info, *parameters], return_annotation=returns)  # type: ignore[attr-defined]
    resolver.__annotations__ = {"info": strawberry.Info, "return": returns} | {
        name: kind for name, (kind, _) in arguments.items()
    }


def _ask(context: Context, operation: str, arguments: dict[str, Any]) -> Callable[[], Any]:
    def ask() -> Any:
        return orjson.loads(context.operations[operation](**arguments).body)

    return ask


async def _run(context: Context, ask: Callable[[], Any]) -> Any:
    return await anyio.to_thread.run_sync(ask) if context.reader.remote else ask()


def _list_field(context: Context, operation: str, filters: type[PageQuery], page: Any) -> Any:
    async def resolver(info: strawberry.Info, **arguments: Any) -> Any:
        given = {name: value for name, value in arguments.items() if value is not None}
        query = filters.model_validate(given)
        budget = info.context["budget"]
        budget[0] -= query.limit
        if budget[0] < 0:
            raise GraphQLError(f"all limits of a query add up to at most {MAX_COST}")
        return await _run(context, _ask(context, operation, {"query": query}))

    arguments: dict[str, tuple[Any, Any]] = {
        name: (typing.Optional[_argument(field.annotation)], None)  # noqa: UP045
        for name, field in filters.model_fields.items()
    }
    _with_signature(resolver, arguments, page)
    return strawberry.field(resolver=resolver)


def _single_field(context: Context, operation: str, argument: str, found: Any) -> Any:
    async def resolver(info: strawberry.Info, **arguments: Any) -> Any:
        info.context["budget"][0] -= 1
        if info.context["budget"][0] < 0:
            raise GraphQLError(f"a query asks for at most {MAX_COST} things")
        return await _run(context, _ask(context, operation, {argument: arguments["id"]}))

    _with_signature(resolver, {"id": (str, inspect.Parameter.empty)}, found)
    return strawberry.field(resolver=resolver)


def router(context: Context) -> GraphQLRouter[Any, Any]:
    """POST /graphql."""
    made = _Types()
    indexed = made.of(models.Indexed)
    fields: dict[str, Any] = {}
    for operation, (name, filters, item) in _LISTS.items():
        annotations = {"items": list[made.of(item)], "next": typing.Optional[str], "indexed": indexed}  # type: ignore[misc]  # noqa: UP045
        page = strawberry.type(type(f"{item.__name__}Page", (), {"__annotations__": annotations}))
        fields[name] = _list_field(context, operation, filters, page)
    for operation, (name, argument, model) in _SINGLES.items():
        fields[name] = _single_field(context, operation, argument, made.of(model))
    query = strawberry.type(type("Query", (), fields))
    schema = strawberry.Schema(
        query=query,
        config=StrawberryConfig(default_resolver=lambda item, name: item.get(name)),
        extensions=[
            lambda: QueryDepthLimiter(max_depth=MAX_DEPTH),
            lambda: MaxAliasesLimiter(max_alias_count=MAX_ALIASES),
            lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
        ],
    )

    async def budget(request: Request) -> dict[str, Any]:
        return {"budget": [MAX_COST], "request": request}

    return GraphQLRouter(
        schema, path="/graphql", context_getter=budget, graphql_ide=None, allow_queries_via_get=False,
        include_in_schema=False,
    )  # fmt: skip
