# SPDX-License-Identifier: Apache-2.0
"""The normative page speaks of every code there is, and of each usage of each aspect."""

import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from ipto import _words
from ipto.structs import AfterTerm, Aspect, Forbid, OfferFlag, Unit, Usage

PAGE = (Path(__file__).parents[3] / "docs" / "semantics.md").read_text(encoding="utf-8")


def names(kind: type[Enum]) -> list[str]:
    return [str(member.name) for member in kind]


@pytest.mark.parametrize("kind", [Usage, Aspect, Forbid, OfferFlag, Unit, AfterTerm])
def test_every_code_is_explained(kind: type[Enum]) -> None:
    heading = r"^### {}$" if kind is Aspect else r"^\| {} \|"
    missing = [name for name in names(kind) if not re.search(heading.format(name), PAGE, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("aspect", names(Aspect))
def test_each_usage_of_an_aspect_says_what_is_delivered_learned_and_shown(aspect: str) -> None:
    section = PAGE.split(f"\n### {aspect}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
    rows = [re.split(r"\s*\|\s*", row.strip("| ")) for row in section.splitlines() if row.startswith("| ")]
    assert rows[0] == ["Usage", "Delivered", "Learned", "Shown"]
    assert [row[0] for row in rows[1:]] == names(Usage)
    assert all(len(row) == 4 and all(row) for row in rows)
    assert "Example:" in section


def test_summaries_have_words_for_every_code() -> None:
    tables: list[tuple[type[Enum], dict[Any, str]]] = [
        (Usage, _words.USAGE),
        (Aspect, _words.ASPECT),
        (Forbid, _words.FORBID),
        (AfterTerm, _words.AFTER_TERM),
        (Unit, _words.UNIT),
    ]
    for kind, table in tables:
        assert list(table) == list(kind)


def test_numbers_in_the_words_are_those_of_the_page() -> None:
    assert "grace period of 90 days" in _words.AFTER_TERM[AfterTerm.SUNSET]
    assert "Within 90 days" in PAGE
    assert "within 30 days" in _words.AFTER_TERM[AfterTerm.RETIRE]
    assert "Within 30 days" in PAGE


def test_no_claim_goes_further_than_it_may() -> None:
    for phrase in ("proves ownership", "is inferred", "guarantee"):
        for hit in re.finditer(phrase, PAGE):
            before = PAGE[max(0, hit.start() - 40) : hit.start()]
            assert re.search(r"[Nn]one|never|not", before), before
