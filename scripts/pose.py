# SPDX-License-Identifier: Apache-2.0
"""Makes the pose environment that choreography needs: `make pose` (POSE_PYTHON=python3.12 for another Python).

It goes into the user's cache, where `ipto` looks for it, and holds three packages: the pose model's, NumPy 1.26 and
protobuf, 175 MB. What else mediapipe lists as needed (jax, OpenCV, matplotlib …) the pose model never imports.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from ipto.media import pose

_LOCK = Path(__file__).parent.parent / "requirements" / "pose.lock"
_OLDEST, _NEWEST = (3, 9), (3, 12)  # of which the package has wheels


def main() -> None:
    """Make it, or leave it as it is when it works."""
    name = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else sys.executable
    interpreter = shutil.which(name) or sys.exit(
        f"{name} was not found; name one with: make pose POSE_PYTHON=python3.12"
    )
    asked = [interpreter, "-c", "import sys; print(*sys.version_info[:2])"]
    version = tuple(map(int, subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()))
    if not _OLDEST <= version <= _NEWEST:
        sys.exit(
            f"mediapipe 0.10.21 has wheels for Python 3.9 to 3.12, this is {version[0]}.{version[1]}; "
            "name another with: make pose POSE_PYTHON=python3.12"
        )
    folder = pose.folder()
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([interpreter, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(_LOCK)], check=True)
        (folder / "done").touch()
    with pose.Worker(pose.python(folder / "bin" / "python"), 64, 64, seconds=60) as worker:
        worker.feed(bytes(64 * 64 * 3))
        worker.finish()
    print(f"The pose model works, in {folder}")


if __name__ == "__main__":
    main()
