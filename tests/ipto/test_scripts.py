# SPDX-License-Identifier: Apache-2.0
"""The ape scripts, as a user runs them: offline, with the compiler of this environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipto.chain import Deployment
from ipto.deploy import Parameters, plan, verify
from ipto.devchain import DevChain

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own: nothing that ape downloaded before helps."""
    return tmp_path_factory.mktemp("home")


def _ape(home: Path, *arguments: str | Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # No proxy answers at this port: whoever tries the network fails at once.
    offline = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [Path(sys.executable).with_name("ape"), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **offline, "PATH": path, "HOME": str(home), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_compile(home: Path) -> None:
    assert "0.4.3" in _ape(home, "compile", "--force", "contracts/testing/TestUSD.vy")


def test_test(home: Path) -> None:
    assert "1 passed" in _ape(home, "test", "tests/ipto/test_structs.py", "-k", "zero_width")


def test_seed_in_this_process(home: Path) -> None:
    """Deploys as well: through ape's own chain, which has no URL and starts without the CREATE2 factory."""
    assert "3 works" in _ape(home, "run", "seed", "--works", "3")


def test_deploy_to_any_node(home: Path, tmp_path: Path) -> None:
    with DevChain() as chain:
        _ape(home, "run", "deploy", "--network", chain.url, "--directory", tmp_path)
        written = Deployment.load(31337, tmp_path)
        steps = plan(Parameters(written.parameters["owner"]), test_token=True)
        assert written.contracts == {step.name: step.address for step in steps}
        verify(chain.rpc, written)
