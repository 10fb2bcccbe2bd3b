# SPDX-License-Identifier: Apache-2.0
"""The settings and their page."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.settings import as_markdown, load
from ipto.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "indexer-settings.md"


def test_the_page_is_the_class() -> None:
    assert PAGE.read_text() == as_markdown(), "run: python -m indexer settings > docs/indexer-settings.md"


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPTO_INDEXER_PORT", "70000")
    with pytest.raises(InputError, match="IPTO_INDEXER_PORT"):
        load()


def test_the_database_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPTO_INDEXER_DATABASE", "mysql://somewhere")
    with pytest.raises(InputError, match="sqlite:///"):
        load()
    assert load(database="sqlite:////var/a.db").api_database == "sqlite:////var/a.db"
    assert load(database="postgresql://h/d", read_database="postgresql://replica/d").api_database.endswith("replica/d")
