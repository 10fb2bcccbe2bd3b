# SPDX-License-Identifier: Apache-2.0
"""Every function of an interface is named by the tests of its contract; a new one without a test is told."""

import re
from pathlib import Path

import pytest

from ipto.typed_data import ACTIONS
from tests.contracts.hygiene.test_sources import CONTRACTS, DEPLOYED, external_functions
from tests.contracts.support.contract import ROOT

TESTS = ROOT / "tests" / "contracts"
# test_calls.py goes through this table.
BY_TABLE = {"SignedActions": {action.FUNCTION for action in ACTIONS}}


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: path.stem)
def test_every_function_is_named_by_a_test(path: Path) -> None:
    declared = {item.name for item in external_functions(CONTRACTS / "interfaces" / f"I{path.stem}.vyi")}
    files = [*(TESTS / path.stem).glob("*.py"), *(TESTS / "support").glob("*.py")]
    told = {word for file in files for word in re.findall(r"\w+", file.read_text())}
    assert declared - told - BY_TABLE.get(path.stem, set()) == set()
