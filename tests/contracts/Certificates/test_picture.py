# SPDX-License-Identifier: Apache-2.0
"""A certificate in a real browser: shown as a picture, every word with ink, nothing over the edge or over another."""

import html
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.Certificates.certificate import Certificate, read
from tests.contracts.support.build import buy, on_sale
from tests.contracts.support.contract import hostile
from tests.contracts.support.system import System
from tests.support.browser import dom_after_loading, find_browser
from tests.support.needs import lacking

PAGE = Path(__file__).parent / "picture.html"
SIZE, FRAME = 660, 648


def show(uri: str, folder: Path) -> dict[str, Any]:
    """What the browser found. Without one, only what a parser can say, and the report says so."""
    found: Certificate = read(uri)
    browser = find_browser()
    if browser is None:
        assert found.texts
        lacking("no chromium on this machine (Debian: apt-get install chromium): valid XML, not seen as a picture")
    page = folder / "certificate.html"
    page.write_text(PAGE.read_text().replace("TOKEN_URI", uri))
    dom = dom_after_loading(browser, page)
    answer = re.search(r'<pre id="found">(.+?)</pre>', dom, flags=re.S)
    assert answer is not None, dom[-2_000:]
    result: dict[str, Any] = json.loads(html.unescape(answer[1]))
    assert [text["text"] for text in result["texts"]] == [text for _, text in found.texts]
    return result


def check(result: dict[str, Any]) -> None:
    """Legible and inside its frame."""
    assert (result["width"], result["height"]) == (SIZE, SIZE)
    assert result["paper"] > 240
    for text in result["texts"]:
        left, top, right, bottom = text["edges"]
        assert left >= 12, text
        assert top >= 12, text
        assert right <= FRAME, text
        assert bottom <= FRAME, text
        assert text["ink"] < 200, text
    for one, other in itertools.combinations(result["texts"], 2):
        (a, b, c, d), (e, f, g, h) = one["edges"], other["edges"]
        # Boxes of lines below one another touch; letters do not.
        assert min(c, g) <= max(a, e) + 1 or min(d, h) <= max(b, f) + 5, (one["text"], other["text"])


@pytest.mark.slow
def test_a_license_as_it_is_sold(system: System, tmp_path: Path) -> None:
    license = buy(system, on_sale(system, usages=0b101, aspects=0b11, forbids=1, start_ms=61_000, end_ms=93_507))
    result = show(system.market.tokenURI(license), tmp_path)
    check(result)
    inks = {text["text"][2:]: text["ink"] for text in result["texts"] if text["kind"] in ("y", "n")}
    assert max(inks["Train"], inks["Choreography"], inks["Likeness or voice"]) < 80
    assert min(inks["Adapt"], inks["Sound"], inks["Open weights"]) > 90


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["license", "dataset"])
def test_the_most_there_is_to_say(system: System, tmp_path: Path, kind: str) -> None:
    market = hostile("Answers")
    longest = (True, 2**32 - 1, 2**40 - 1, *[2**16 - 1] * 4, 2**32 - 2, 2**32 - 2, 2, 255)
    market.tell(("0x" + "ff" * 20, 2**40 - 1, 2**40 - 2, 2, b"\xee" * 32), longest)
    render = system.certificates.license_uri if kind == "license" else system.certificates.dataset_uri
    check(show(render(market.address, 2**256 - 1), tmp_path))
