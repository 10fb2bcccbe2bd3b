# SPDX-License-Identifier: Apache-2.0
"""docs/threat-model.md is about every deployed contract, and every test it names exists."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.contracts.support.contract import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
TESTS = ROOT / "tests" / "contracts"
DEPLOYED = sorted((ROOT / "contracts").glob("*.vy"))
SOURCES = [*DEPLOYED, *sorted((ROOT / "contracts" / "modules").glob("*.vy"))]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
LESSONS = 13


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), flags=re.M | re.S)
    assert found, title
    return found[1]


def rows(text: str) -> list[str]:
    """The rows of a section's tables, without their heads."""
    tables = re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", text, flags=re.M)
    return [row for table in tables for row in table.splitlines()]


@cache
def functions(file: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", file.read_text(), flags=re.M))


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(PAGE.read_text()))))
def test_every_test_it_names_exists(file: str, name: str) -> None:
    # Contracts' tests are named from their own folder, the services' from that of all tests.
    found = next((path for path in (TESTS / file, TESTS.parent / file) if path.is_file()), None)
    assert found, file
    assert name in functions(found)


def test_the_ten_risks_of_apis_have_tests() -> None:
    found = rows(section("The indexer's API"))
    assert [row.split()[1] for row in found] == [f"API{number}" for number in range(1, 11)]
    assert all(NAMED.search(row) for row in found)


@pytest.mark.parametrize("title", ["Attacks tried", "Lessons of others"])
def test_every_attack_and_lesson_has_a_test(title: str) -> None:
    found = rows(section(title))
    assert len(found) >= LESSONS
    for row in found:
        assert NAMED.search(row), row


def test_every_contract_says_what_it_trusts() -> None:
    told = {row.split("|")[1].strip(" `") for row in rows(section("What each contract trusts"))}
    assert {file.stem for file in DEPLOYED} <= told


def code_of(file: Path) -> str:
    """A source without its comments and documentation."""
    return re.sub(r"#[^\n]*", "", re.sub(r'""".*?"""', "", file.read_text(), flags=re.S))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_no_contract_calls_permit(file: Path) -> None:
    """EIP-2612: tokens without it may have a fallback that answers anything."""
    assert not re.search(r"\bpermit\b\s*\(", code_of(file))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_the_sender_is_never_read_from_data(file: Path) -> None:
    """ERC-2771: whoever lets data say who calls is called by anybody."""
    code = code_of(file)
    assert "msg.data" not in code
    assert "forwarder" not in code.lower()
