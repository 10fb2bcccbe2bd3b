# SPDX-License-Identifier: Apache-2.0
"""The committed typed data vectors, checked by viem under Node."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from ipto.devchain.npm import install, node_command

HERE = Path(__file__).parent


@pytest.mark.slow
def test_viem_agrees_on_every_vector() -> None:
    node = node_command()
    packages = install("tests-node", HERE)
    vectors = HERE.parent / "vectors" / "typed_data.json"
    done = subprocess.run(
        [node, "--test-reporter=tap", str(HERE / "digests.mjs"), str(vectors), str(packages)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) == len(json.loads(vectors.read_text())["vectors"])
