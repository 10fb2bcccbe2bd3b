# SPDX-License-Identifier: Apache-2.0
"""Child processes that cannot outlive this one, however it ends, and ports that are free."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ipto.errors import InputError, IptoError

__all__ = ["ChildError", "GuardedProcess", "require_free_port"]

_KEEPER = Path(__file__).with_name("_keeper.py")
_STOP_SECONDS = 15.0
# Nothing else of this process's environment is handed on: it may hold secrets.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "XDG_CACHE_HOME")


class ChildError(IptoError, RuntimeError):
    """A child process did not start or ended by itself."""


class GuardedProcess:
    """One child in a session of its own: Ctrl-C reaches only this process, which then stops the child in order.

    A keeper process stands between: it ends the child when this process is gone, kill -9 included.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        *,
        held: Sequence[int] = (),
    ) -> None:
        """log: file that gets the child's output. env: added to the few variables that are handed on.
        held: file descriptors that stay open until the child has ended, whoever ends it: for locks."""
        self.name, self.log, self._held, self._log_start = name, log, tuple(held), 0
        self._command = [sys.executable, "-I", "-S", str(_KEEPER), *command]
        self._env = {key: os.environ[key] for key in _PASSED_ON if key in os.environ} | dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. Raises ChildError when it runs already."""
        if self._process is not None:
            raise ChildError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._env,
                pass_fds=self._held,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether it was started and neither stopped nor ended by itself."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The keeper's process; it ends the child when it ends. Raises ChildError when there is none."""
        if self._process is None:
            raise ChildError(f"{self.name} is not running; start it first")
        return self._process.pid

    def output(self) -> str:
        """What it has said since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def check(self) -> None:
        """Raise ChildError with the last line it said when it has ended by itself."""
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        if self._process.poll() is not None:
            said = self.output().strip().splitlines()
            raise ChildError(f"{self.name} ended: {said[-1] if said else 'it said nothing'} (log: {self.log})")

    def stop(self) -> None:
        """End it in order and return when it is gone. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_session(process)

    def kill(self) -> None:
        """End it at once with SIGKILL, as a crash would. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            self._kill_session(process)

    @staticmethod
    def _kill_session(process: subprocess.Popen[bytes]) -> None:
        # The child shares its keeper's session and process group.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            process.kill()
        process.wait()
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


def require_free_port(port: int, what: str, host: str = "127.0.0.1") -> None:
    """Raise InputError when somebody listens on `port`, or it is none. 0 stands for any free one and is always fine.

    what: who is to listen there, for the message.
    """
    if not 0 <= port < 1 << 16:
        raise InputError(f"port {port} is out of range; use 1 to 65535, or 0 for any free one")
    with socket.socket() as probe:
        # As servers do, so that a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"port {port} for {what} is not available ({error.strerror}); end what uses it, or choose another port"
            ) from None
