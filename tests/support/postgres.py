# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL server for tests: real binaries, its own folder, a socket and no network.

Binaries come from PATH or from Debian's place. PostgreSQL refuses to run as root, so then it runs as `nobody`.

    python -m tests.support.postgres     # install Debian's package when there is no server and we are root
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

_USER = "nobody"


def find_binary(name: str) -> Path | None:
    """A program of PostgreSQL's server; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if found:
        return found[0]
    where = shutil.which(name)
    return Path(where) if where else None


def available() -> bool:
    """Whether a server can be started here."""
    return find_binary("initdb") is not None and find_binary("postgres") is not None


def install() -> None:
    """Make sure that there is a server, if this machine lets us; says why not when it does not."""
    if available():
        return
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        print("PostgreSQL was not found: tests on it are skipped. Debian: apt-get install postgresql", file=sys.stderr)
        return
    # Without the cluster that the package would make and start.
    config = Path("/etc/postgresql-common/createcluster.conf")
    config.parent.mkdir(exist_ok=True)
    if not config.exists():
        config.write_text("create_main_cluster = false\n")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postgresql"]):
        done = subprocess.run([apt, *command], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"PostgreSQL could not be installed; tests on it are skipped. {done.stderr[-300:]}", file=sys.stderr)
            return


def fast_folder() -> str:
    """A folder in memory where there is one: what is flushed there is kept as long as the machine runs."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2**30 else "/tmp"


class PostgresServer:
    """One server. A context manager, or `start` and `stop`; `restart` keeps its data."""

    def __init__(self, *, on_disk: bool = False, binaries: Path | None = None) -> None:
        """on_disk: for measurements. Tests end processes, not power, and memory has no flush to wait for.

        binaries: a folder with another server than the machine's.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="ipto-pg-", dir="/tmp" if on_disk else fast_folder()))
        self.data, self.socket = self._folder / "data", self._folder / "socket"
        self._postgres, self._initdb = find_binary("postgres"), find_binary("initdb")
        if binaries is not None:
            self._postgres, self._initdb = binaries / "postgres", binaries / "initdb"
        self._owner = pwd.getpwnam(_USER) if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._names = 0

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            [str(part) for part in command], cwd=self._folder, capture_output=True, text=True, **self._as_owner()
        )
        assert done.returncode == 0, done.stderr or done.stdout

    def _as_owner(self) -> dict[str, int]:
        return {} if self._owner is None else {"user": self._owner.pw_uid, "group": self._owner.pw_gid}

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}

    def start(self) -> Self:
        """Make the cluster at the first time, then start it and wait until it answers."""
        assert self._postgres is not None, "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        assert self._initdb is not None
        if not self.data.exists():
            for folder in (self.data, self.socket):
                folder.mkdir(mode=0o700)
            if self._owner is not None:
                for folder in (self._folder, self.data, self.socket):
                    os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
            self._run(self._initdb, "-D", self.data, "-U", "ipto", "-A", "trust", "-E", "UTF8", "--no-instructions")
        self._launch()
        return self

    def _launch(self) -> None:
        log = (self._folder / "log").open("ab")
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.socket}"]
        options += ["-c", "max_connections=60", "-c", "shared_buffers=64MB", "-c", "fsync=on"]
        self._process = subprocess.Popen(
            [str(self._postgres), "-D", str(self.data), *options],
            cwd=self._folder, stdout=log, stderr=log, env=self._environment(), **self._as_owner(),
        )  # fmt: skip
        log.close()
        self.wait()

    def wait(self) -> None:
        """Until it takes connections."""
        import time

        import psycopg

        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > end or self._process is None or self._process.poll() is not None:
                    raise AssertionError((self._folder / "log").read_text()[-2000:]) from error
                time.sleep(0.05)

    def url(self, database: str) -> str:
        """Where a database of this server is reached."""
        return f"postgresql://ipto@/{database}?host={quote(str(self.socket), safe='')}"

    def new_database(self) -> str:
        """An empty database; its URL."""
        import psycopg

        self._names += 1
        name = f"test_{os.getpid()}_{self._names}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        connection.close()
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever uses it."""
        import psycopg

        name = url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[call-overload]
        connection.close()

    def kill(self) -> None:
        """End it as a crash would: no clean shutdown, connections break, committed data stays."""
        if self._process is not None:
            # SIGQUIT is an immediate shutdown; the next start recovers from the log.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None

    def restart(self) -> None:
        """Crash and come back."""
        self.kill()
        self._launch()

    def stop(self) -> None:
        """End it for good."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


if __name__ == "__main__":
    install()
