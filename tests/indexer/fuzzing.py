# SPDX-License-Identifier: Apache-2.0
"""The whole OpenAPI description thrown at a running server by schemathesis: each operation by itself with good and bad
parameters, and chains of operations along the description's links."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

load_all_checks()

# Not `positive_data_acceptance`: a well-formed id of nothing, and a filter that needs another, are refused.
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


def loaded(url: str) -> Any:
    """The description of the server, without what never ends (the stream) and what waits on purpose (`min_block`)."""
    description = httpx.get(f"{url}/openapi.json", trust_env=False, timeout=60).json()
    del description["paths"]["/v1/stream"]
    for item in description["paths"].values():
        for operation in item.values():
            known = [part for part in operation.get("parameters", ()) if part["name"] != "min_block"]
            operation["parameters"] = known
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=url)
    return schema


def _options(examples: int, **more: Any) -> Any:
    return settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck), **more,
    )  # fmt: skip


def each_operation(schema: Any, examples: int, number: int) -> dict[str, Counter[int]]:
    """Ask each operation so often, seeded; the statuses by operation. Raises when a check fails."""
    seen: dict[str, Counter[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        counts = seen[f"{operation.method.upper()} {operation.path}"] = Counter()
        _ask(operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE), counts, examples, number)
        # Of an operation without parameters nothing can be wrong.
        with contextlib.suppress(Unsatisfiable):
            _ask(operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), counts, examples, number)
    return seen


def _ask(cases: Any, counts: Counter[int], examples: int, number: int) -> None:
    @seed(number)
    @_options(examples)
    @given(case=cases)
    def ask(case: Any) -> None:
        response = case.call(timeout=60)
        case.validate_response(response, checks=CHECKS)
        counts[response.status_code] += 1

    ask()


def along_links(schema: Any, chains: int, steps: int) -> Counter[str]:
    """Walk along the links; how often each operation was reached. Raises when a check fails."""
    reached: Counter[str] = Counter()

    class Walk(schema.as_state_machine()):  # type: ignore[misc]
        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            case.validate_response(response, checks=CHECKS)
            reached[f"{case.method} {case.path} {response.status_code}"] += 1

    Walk.run(settings=_options(chains, stateful_step_count=steps))
    return reached
