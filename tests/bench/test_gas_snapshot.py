# SPDX-License-Identifier: Apache-2.0
"""The committed gas figures are what the contracts cost now, and the gate that says so can fail."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from bench import gas, report

Results = dict[str, Any]


@pytest.fixture(scope="module")
def committed() -> Results:
    return dict(json.loads(gas.RESULTS.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def measured() -> Results:
    """One chain for the whole file."""
    return gas.measure_ours()


def test_receipts_are_the_committed_ones(committed: Results, measured: Results) -> None:
    assert gas.differences(committed, measured) == []


def test_every_figure_is_within_its_limit(measured: Results) -> None:
    assert gas.over_limit(measured) == []


def test_the_page_is_the_one_of_the_results(committed: Results) -> None:
    assert gas.PAGE.read_text(encoding="utf-8") == report.render(committed)


def test_the_names_others_rely_on_are_there(committed: Results) -> None:
    wanted = {"register", "post_offer", "mint_eth", "mint_erc20", "pay_out_5", "onboard"}
    assert wanted <= committed["operations"].keys()
    assert {"chain", "compiler", "operations", "peers"} <= committed.keys()


def test_every_peer_says_whether_it_was_measured(committed: Results) -> None:
    assert committed["peers"].keys() == committed["sources"].keys()
    assert {source["measured"] for source in committed["sources"].values()} == {"live", "recorded"}


def run_check(
    results: Results, measured: Results, folder: Path, monkeypatch: pytest.MonkeyPatch, page: str = ""
) -> int:
    """The --check command on given files, the measurement already made."""
    (folder / "gas.json").write_text(json.dumps(results), encoding="utf-8")
    (folder / "gas.md").write_text(page or report.render(results), encoding="utf-8")
    monkeypatch.setattr(gas, "RESULTS", folder / "gas.json")
    monkeypatch.setattr(gas, "PAGE", folder / "gas.md")
    monkeypatch.setattr(gas, "measure_ours", lambda: copy.deepcopy(measured))
    return gas.main(["--check"])


def as_if_met(results: Results) -> Results:
    """The same results with limits that everything meets, so that only what a test breaks is wrong."""
    generous = copy.deepcopy(results)
    for about in generous["measured"].values():
        about["limit"] = None
    return generous


def test_check_passes_on_equal_figures(committed: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = as_if_met(committed)
    assert run_check(fine, fine, tmp_path, monkeypatch) == 0


def test_check_fails_and_names_one_unit_of_gas(
    committed: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = as_if_met(committed)
    dearer = copy.deepcopy(fine)
    dearer["operations"]["mint_eth"] += 1
    assert run_check(fine, dearer, tmp_path, monkeypatch) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("mint_eth ")
    assert line.endswith("+1")


@pytest.mark.parametrize("part", ["operations", "sizes"])
def test_check_fails_on_a_figure_that_appears_or_vanishes(
    part: str, committed: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = as_if_met(committed)
    changed = copy.deepcopy(fine)
    changed[part]["unheard_of"] = 1
    assert run_check(fine, changed, tmp_path, monkeypatch) == 1
    del changed[part]["unheard_of"]
    changed[part].pop(next(iter(changed[part])))
    assert run_check(fine, changed, tmp_path, monkeypatch) == 1


def test_check_fails_above_a_limit(committed: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = as_if_met(committed)
    strict["measured"]["register"]["limit"] = strict["operations"]["register"] - 1
    assert run_check(strict, strict, tmp_path, monkeypatch) == 1


def test_check_fails_on_a_stale_page(committed: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = as_if_met(committed)
    assert run_check(fine, fine, tmp_path, monkeypatch, page="edited by hand") == 1
