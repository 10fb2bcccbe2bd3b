# SPDX-License-Identifier: Apache-2.0
"""The generated TypeScript client: up to date, compiles strictly, and works against the running server."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from indexer.typescript import description, typescript
from ipto.devchain.npm import install, node_command
from tests.indexer.story import PRICE, Story

HERE = Path(__file__).parent / "node"
CLIENT = Path(__file__).parents[2] / "clients" / "typescript" / "ipto.ts"


def test_the_client_is_up_to_date() -> None:
    made = typescript(description())
    assert CLIENT.read_text() == made, "run: python -m indexer typescript > clients/typescript/ipto.ts"


@pytest.mark.parametrize("story", ["sqlite"], indirect=True)
def test_a_page_can_use_it(story: Story, tmp_path: Path) -> None:
    modules = install("tests-client", HERE) / "node_modules"
    shutil.copy(CLIENT, tmp_path / "ipto.mts")
    use = (HERE / "use.mts").read_text().replace('"./ipto.js"', '"./ipto.mjs"')
    # Node's own names, without a package of types.
    known = "declare const process: { argv: string[] };\n"
    (tmp_path / "use.mts").write_text(known + use)
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable"]
    compiler = str(modules / "typescript" / "lib" / "tsc.js")
    done = subprocess.run(
        [node_command(), compiler, *options, "use.mts"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    while story.get(f"/v1/works/{story.work}")["metadata"]["state"] == "pending":
        pass
    run = [node_command(), "use.mjs", story.server.url, str(story.work), story.licensee]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["block"] == story.get("/status")["indexed"]["block"]
    assert sorted(found["prices"]) == sorted([str(PRICE), "7000"])
    assert found["title"] == "Dance of the cranes"
    assert found["permitted"] is True
    assert found["refused"] == "400 urn:ipto:indexer:bad-id"
