# SPDX-License-Identifier: Apache-2.0
"""The page's figures are those of the results file, and the drawing is of them."""

from __future__ import annotations

import orjson

from bench.indexer import report


def test_the_page_has_the_figures_that_were_measured() -> None:
    parts = orjson.loads(report.RESULTS.read_bytes())["parts"]
    text = report.PAGE.read_text()
    assert report.page(text, parts) == text, "run: python -m bench.indexer.report"
    assert set(report.MAKERS) == {name for _, name, _ in report._BLOCK.findall(text)}  # every table has its place


def test_the_drawing_is_of_the_figures() -> None:
    parts = orjson.loads(report.RESULTS.read_bytes())["parts"]
    if any(part not in parts for part in ("million", "api")):
        assert not report.PLOT.exists()
        return
    assert report.plot(parts) == report.PLOT.read_text(), "run: python -m bench.indexer.report"
