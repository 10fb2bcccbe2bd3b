# SPDX-License-Identifier: Apache-2.0
"""Children end with their parent, get no secrets, and say why they ended."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ipto.errors import InputError
from ipto.processes import ChildError, GuardedProcess, require_free_port

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_start_stop_start(tmp_path: Path) -> None:
    child = GuardedProcess("sleeper", SLEEPER, tmp_path / "logs" / "log")
    with pytest.raises(ChildError, match="not started"):
        child.check()
    for _ in range(2):
        child.start()
        until(lambda: "here" in child.output())
        assert child.is_running
        child.check()
        with pytest.raises(ChildError, match="runs already"):
            child.start()
        inner = children(child.pid)
        child.stop()
        child.stop()
        assert not child.is_running
        assert [lives(pid) for pid in inner] == [False]
    assert (tmp_path / "logs" / "log").read_text() == "here\nhere\n"


def test_one_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
    child = GuardedProcess("stubborn", [sys.executable, "-c", stubborn], tmp_path / "log")
    child.start()
    until(lambda: "here" in child.output())
    inner = children(child.pid)
    child.kill()
    child.kill()
    until(lambda: not any(map(lives, inner)))


def test_why_it_ended(tmp_path: Path) -> None:
    for said, reason in (("print('port taken')", "ended: port taken"), ("", "it said nothing")):
        child = GuardedProcess("service", [sys.executable, "-c", said], tmp_path / "log")
        child.start()
        until(lambda: not child.is_running)  # noqa: B023
        with pytest.raises(ChildError, match=f"service ended: .*{reason.removeprefix('ended: ')}"):
            child.check()
        child.stop()


def test_the_environment_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "xyz")
    command = [sys.executable, "-c", "import os; print(sorted(os.environ), flush=True)"]
    child = GuardedProcess("service", command, tmp_path / "log", {"IPTO_X": "1"})
    child.start()
    until(lambda: not child.is_running)
    assert "IPTO_X" in child.output()
    assert "PATH" in child.output()
    assert "CLOUD_SECRET" not in child.output()
    child.stop()


PARENT = """
import sys, time
from pathlib import Path
from ipto.processes import GuardedProcess
lock = open(sys.argv[2], "wb")
import fcntl; fcntl.flock(lock, fcntl.LOCK_EX)
slow = (
    "import signal, time; signal.signal(15, lambda *a: (time.sleep(1), exit()));"
    "print('here', flush=True); time.sleep(600)"
)
child = GuardedProcess("child", [sys.executable, "-c", slow], Path(sys.argv[1]), held=[lock.fileno()])
child.start()
while "here" not in child.output():
    time.sleep(0.02)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_and_holds_the_lock_until_then(tmp_path: Path, number: signal.Signals) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        keeper = int(parent.stdout.readline())
        inner = children(keeper)
        parent.send_signal(number)
        parent.wait()
        with lock.open("wb") as mine:
            if any(map(lives, inner)):
                with pytest.raises(BlockingIOError):
                    fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(mine, fcntl.LOCK_EX)  # waits for the keeper, and so for the child
            assert not any(map(lives, inner))


def test_ports() -> None:
    require_free_port(0, "the chain")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} for the chain .*choose another port"):
            require_free_port(port, "the chain")
    require_free_port(port, "the chain")
    for wrong in (-1, 65536):
        with pytest.raises(InputError, match="out of range"):
            require_free_port(wrong, "the chain")
