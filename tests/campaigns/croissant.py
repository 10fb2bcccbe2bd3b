# SPDX-License-Identifier: Apache-2.0
"""Has mlcroissant, Croissant's own library, read what `ipto.media.rights.croissant` writes: `make check-croissant`.

In an environment of its own, because of what the library depends on.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from ipto.media.rights import Answer, Statement, Use, web
from ipto.media.rights.croissant import write_croissant_dataset

ROOT = Path(__file__).parent.parent.parent
_ENVIRONMENT = ROOT / ".build" / "croissant"
_READ = """
import importlib.metadata, json, sys
import mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
assert not dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.report()
shown = [{key: value.decode() if isinstance(value, bytes) else value for key, value in row.items()}
         for row in dataset.records("films")]
warnings = sorted(dataset.metadata.ctx.issues.warnings)
print(json.dumps({"version": importlib.metadata.version("mlcroissant"), "warnings": warnings, "rows": shown}))
"""


def statements() -> list[Statement]:
    """A film that may be licensed, a scene that may not, and one of which nothing is said."""
    terms = "https://films.example/terms/1"
    return [
        Statement(
            dict.fromkeys(Use, Answer.CONSTRAINED), terms, "0x" + "ab" * 32, "Film by A Person", "© A Person",
            "0x" + "cd" * 32,
        ),
        Statement(dict.fromkeys(Use, Answer.NOT_ALLOWED)),
        Statement(),
    ]  # fmt: skip


def main() -> None:
    """Write, have it read, and compare what came back."""
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(ROOT / "requirements" / "croissant.lock")], check=True)
    rows = [
        web.write_croissant(said, name=f"Film {number}", content_url=f"ipfs://film{number}#t=0,12", sha256="ef" * 32)
        for number, said in enumerate(statements())
    ]
    written = write_croissant_dataset(
        rows, name="films", description="Films that may be licensed.", url="https://films.example/",
        license_url="https://films.example/terms/1", published="2026-01-01",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "croissant.json"
        path.write_text(json.dumps(written), encoding="utf-8")
        done = subprocess.run([str(python), "-c", _READ, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"mlcroissant refuses it: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    back = [web.read_croissant(row) for row in answer["rows"]]
    if back != [said.strict() for said in statements()]:
        sys.exit(f"what came back says something else: {back}")
    print(f"mlcroissant {answer['version']} reads {len(back)} films and their rights; warnings: {answer['warnings']}")


if __name__ == "__main__":
    main()
