# SPDX-License-Identifier: Apache-2.0
"""The API against its own description: whatever fits it, and much that does not, is answered as it says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from ipto.accounts import LocalSigner
from tests.relayer.world import RelayerProcess, World

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import CHECKS, load_all_checks

KEY = "k" * 40
# Only described statuses are right, and 500 is described nowhere. What has to be signed is refused here; other tests
# tell those refusals apart. Streams do not end.
_CHECKS = (
    "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip
_STREAMS = {"followAction"}
_PER_OPERATION = 12


@pytest.fixture
def relayer(world: World, start: Callable[..., RelayerProcess]) -> RelayerProcess:
    key = Path(world.folder) / "admin.key"
    key.write_text(KEY)
    return start(admin_key_file=key)


def examine(relayer: RelayerProcess, operation: Any, headers: dict[str, str], checks: Any) -> None:
    """Ask one operation all kinds of things."""

    @seed(5)
    @settings(
        max_examples=_PER_OPERATION, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def answers(case: Any) -> None:
        case.call_and_validate(base_url=relayer.url, headers=headers, checks=checks, timeout=60)

    answers()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_operation_answers_as_described(world: World, relayer: RelayerProcess) -> None:
    load_all_checks()
    known = relayer.submit(world.signed_onboarding(LocalSigner.random()))
    relayer.wait_for(known, "final")
    schema = schemathesis.openapi.from_url(relayer.url + "/openapi.json")
    checks: Any = CHECKS.get_by_names(list(_CHECKS))
    seen = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name in _STREAMS:
            continue
        headers = {"authorization": f"Bearer {KEY}"} if operation.path.startswith("/admin") else {}

        examine(relayer, operation, headers, checks)
        seen.add(name)
    assert {"submitAction", "submitPurchase", "getAction", "giveProof", "putContent", "invite", "stop"} <= seen
    assert relayer.is_alive()
    assert "Traceback" not in relayer.log.read_text()
