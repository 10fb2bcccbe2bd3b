# SPDX-License-Identifier: Apache-2.0
"""Every example of docs/dapps.md is run against the story of `test_api`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from ipto.ids import license_id, offer_id
from tests.indexer.story import Story
from tests.support.browser import dom_after_loading, find_browser
from tests.support.needs import lacking

PAGE = Path(__file__).parents[2] / "docs" / "dapps.md"
EXAMPLES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S)
    for line in block.splitlines()
    if line.startswith("curl")
]
(NAMES,) = [block for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S) if block.startswith("export")]


# What the story has none of.
EMPTY = ("/datasets", "/dataset-licenses", "/duties", "/reports", "/disputes", "/attestations")


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 12


@pytest.mark.parametrize("story", ["sqlite"], indirect=True)
@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example(story: Story, line: str) -> None:
    values = {
        "INDEXER": story.server.url,
        "WORK": str(story.work),
        "OFFER": "0x" + offer_id(story.offers[0]).hex(),
        "LICENSE": str(license_id(offer_id(story.offers[0]), 1)),
        "PERSON": story.people[0],
        "HOLDER": story.licensee,
        "SPLIT": "0x" + story.split.hex(),
        "USD": story.world.dollar,
        "NOW": str(story.get("/status")["indexed"]["timestamp"]),
    }
    body = ask(line, values, story)
    while "search" in line and not body["items"]:
        body = ask(line, values, story)  # the document is still being looked for
    wanted_error = "abc" in line
    assert ("status" in body and body["status"] == 400) == wanted_error, body
    if "items" in body and not wanted_error and "owner=" not in line and not any(part in line for part in EMPTY):
        assert body["items"], line


def test_the_python_example(story: Story) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    env = {"INDEXER": story.server.url, "PERSON": story.creator}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"0x{offer_id(story.offers[0]).hex()} 5000001 tUSD"
    assert lines[1].endswith(" works")
    assert "write it in decimal" in lines[2]


@pytest.mark.parametrize("story", ["sqlite"], indirect=True)
def test_the_names_of_the_examples(story: Story) -> None:
    if shutil.which("curl") is None:  # the page types it because readers have it
        lacking("curl is not installed")
    names = NAMES.replace("http://127.0.0.1:8610", story.server.url)
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "no_proxy": "*"}
    done = subprocess.run(["sh", "-ec", f"{names}\nenv"], env=env, capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert found["OFFER"] in {"0x" + offer_id(offer).hex() for offer in story.offers}
    assert (found["WORK"], found["SPLIT"]) == (str(story.work), "0x" + story.split.hex())
    assert (found["PERSON"], found["HOLDER"], found["USD"]) == (story.creator, story.licensee, story.world.dollar)
    assert int(found["LICENSE"]) in {license_id(offer_id(offer), 1) for offer in story.offers}
    # Nothing an example names is left out.
    assert set(re.findall(r"\$([A-Z]+)", "".join(EXAMPLES))) <= set(found)


@pytest.mark.parametrize("story", ["sqlite"], indirect=True)
def test_the_page_in_a_browser(story: Story, tmp_path: Path) -> None:
    if find_browser() is None:  # `make test` installs one as root
        lacking("there is no browser; Debian: apt-get install chromium")
    (page,) = re.findall(r"```html\n(.*?)```", PAGE.read_text(), re.S)
    while story.get(f"/v1/works/{story.work}")["metadata"]["state"] == "pending":
        pass
    file = tmp_path / "offers.html"
    file.write_text(page.replace("http://127.0.0.1:8610", story.server.url))
    browser = find_browser()
    assert browser is not None
    document = dom_after_loading(browser, file, scripts_ms=60_000)
    title = "Dance of the cranes"
    assert re.findall(r"<li>(.*?)</li>", document) == [
        f"{title}: AI_INPUT for 0.000000000000007000 ETH",
        f"{title}: TRAIN, FINE_TUNE for 5.000001 tUSD",
    ]


def ask(line: str, values: dict[str, str], story: Story) -> Any:
    if shutil.which("curl"):
        run = ["sh", "-c", line]
        out = subprocess.run(
            run, env={"PATH": "/usr/bin:/bin", "no_proxy": "*", **values}, capture_output=True, check=True
        )
        return orjson.loads(out.stdout)
    url = re.sub(r"\$([A-Z]+)", lambda found: values[found[1]], line.split('"')[1])
    return story.server.http.get(url).json()
