# SPDX-License-Identifier: Apache-2.0
"""Runs a command and ends it when its own parent is gone. Started by path: `python -I -S _keeper.py command …`.

The parent holds the write end of this process's standard input; the kernel closes it however the parent dies, kill -9
included. On Linux the command also gets PR_SET_PDEATHSIG, in case this process is the one that is killed.
"""

import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10  # anvil writes its state file on SIGTERM


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main() -> int:
    # Runs before any thread exists, so preexec_fn is safe.
    prepare = _die_with_parent if sys.platform == "linux" else None
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, preexec_fn=prepare)  # noqa: S603

    def end(*_: object) -> None:
        child.terminate()
        threading.Timer(GRACE_SECONDS, child.kill).start()

    signal.signal(signal.SIGTERM, end)
    # The terminal's Ctrl-C is for the parent to handle; it then ends this process in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        end()

    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    sys.stdout.flush()
    # Timers may still run; nothing is left to wait for.
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    sys.exit(main())
