# SPDX-License-Identifier: Apache-2.0
"""A real browser for tests: Debian's chromium, headless, with a profile of its own and no network.

python -m tests.support.browser     # install Debian's package when there is no browser and we are root
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 180


def find_browser() -> str | None:
    """The browser's program; None when there is none."""
    return next((where for name in NAMES if (where := shutil.which(name))), None)


def install() -> None:
    """Make sure that there is a browser, if this machine lets us; says why not when it does not."""
    if find_browser():
        return
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        print("No chromium: pictures are checked by a parser alone. Debian: apt-get install chromium", file=sys.stderr)
        return
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        done = subprocess.run([apt, *command], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"No chromium: pictures are checked by a parser alone. {done.stderr[-300:]}", file=sys.stderr)
            return


def dom_after_loading(browser: str, page: Path, *, scripts_ms: int = 0) -> str:
    """The document of a page once it and everything in it is loaded.

    scripts_ms: how long its scripts may go on, in the page's own time, which stands still while it waits for a server.
    """
    with tempfile.TemporaryDirectory(prefix="ipto-browser-", ignore_cleanup_errors=True) as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",  # which root cannot have; the page is our own
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--window-size=800,800",
            *([f"--virtual-time-budget={scripts_ms}"] if scripts_ms else []),
            "--dump-dom",
            page.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    install()
