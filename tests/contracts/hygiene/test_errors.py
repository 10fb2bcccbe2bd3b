# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md names every text a contract reverts with, and no other; and each is provoked by a test."""

import re

from tests.contracts.support.contract import ROOT

PAGE = ROOT / "docs" / "errors.md"
SOURCES = [*(ROOT / "contracts").glob("*.vy"), *(ROOT / "contracts" / "modules").glob("*.vy")]
TEXT = re.compile(r'"([a-z][a-z0-9_]*: [^"\n]+)"')
# Texts of the imported modules that can be reached through what is exported.
IMPORTED = {
    "ownable: caller is not the owner",
    "ownable_2step: caller is not the new owner",
    "access_control: account is missing role",
    "access_control: can only renounce roles for itself",
    "timelock_controller: operation already scheduled",
    "timelock_controller: insufficient delay",
    "timelock_controller: operation is not ready",
    "timelock_controller: operation cannot be cancelled",
    "timelock_controller: missing dependency",
    "timelock_controller: length mismatch",
    "timelock_controller: underlying transaction reverted",
    "timelock_controller: caller must be timelock",
}


def in_sources() -> set[str]:
    return {text for source in SOURCES for text in TEXT.findall(source.read_text())}


def documented() -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| `([^`]+: [^`]+)` \| (.+?) \| (.+?) \|$", PAGE.read_text(), flags=re.M)
    return [(text, cause, cure) for text, cause, cure in rows]


def test_every_text_is_documented_once() -> None:
    texts = [text for text, _, _ in documented()]
    assert sorted(texts) == sorted(set(texts))
    assert set(texts) == in_sources() | IMPORTED


def test_each_has_a_cause_and_a_cure() -> None:
    for text, cause, cure in documented():
        assert len(cause) > 10, text
        assert cure.endswith("."), text


def test_every_assertion_and_raise_has_a_text() -> None:
    for source in SOURCES:
        code = "\n".join(re.sub(r"#.*", "", line) for line in source.read_text().splitlines())
        for statement in re.findall(r"^ +(assert .*?|raise.*?)$", code, flags=re.M):
            if statement.endswith("("):
                continue  # several lines; the text stands on the last
            assert TEXT.search(statement) or statement.endswith(", fault"), f"{source.name}: {statement}"
        assert len(re.findall(r"\bassert\b|\braise\b", code)) <= len(TEXT.findall(code))


def test_every_text_is_provoked_by_a_test() -> None:
    tests = "\n".join(
        file.read_text() for file in (ROOT / "tests" / "contracts").rglob("test_*.py") if file.parent.name != "hygiene"
    )
    missing = {text for text in in_sources() | IMPORTED if f'"{text}"' not in tests}
    assert not missing
