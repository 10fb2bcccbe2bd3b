# SPDX-License-Identifier: Apache-2.0
"""A real IPFS daemon for tests: js-ipfs from its npm packages, private and offline.

python -m tests.support.ipfs_daemon install     download it once (about 250 MB in the user's cache)
"""

from __future__ import annotations

import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from ipto.devchain.npm import install, node_command

MANIFESTS = Path(__file__).parent / "ipfs"
START_SECONDS = 60


def install_daemon() -> Path:
    """The directory that holds the daemon's packages; downloads them, or waits for another process that does."""
    return install("js-ipfs", MANIFESTS)


class IpfsDaemon:
    """A daemon with its own repository, no peers and a free loopback port; `address` is its API's URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> IpfsDaemon:
        command = [node_command(), str(MANIFESTS / "daemon.mjs"), str(install_daemon()), str(self._folder / "repo")]
        # It ends when this pipe closes: with this process, however this process ends.
        errors = (self._folder / "daemon.log").open("w")
        with errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        try:
            self.address = self._await_ready(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(30)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _await_ready(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        deadline = time.monotonic() + START_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([process.stdout], [], [], left)[0]:
                break
            line = process.stdout.readline()
            if line.startswith("ready "):
                parts = line.split()[1].split("/")
                return f"http://{parts[2]}:{parts[4]}"
            if not line:
                break
        raise RuntimeError("the IPFS daemon did not start: " + (self._folder / "daemon.log").read_text()[-2000:])


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        raise SystemExit(__doc__)
    print(install_daemon())
