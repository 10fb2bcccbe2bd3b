# SPDX-License-Identifier: Apache-2.0
"""The same sources give the same bytecode, whatever the process, hash seed and folder; all: `make reproduce`."""

import json
import shutil
from pathlib import Path

import pytest

from scripts import export_artifacts, reproduce

SOURCE = export_artifacts.ROOT / "contracts" / "Attestations.vy"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("contracts", "scripts"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(export_artifacts.ROOT / name, tmp_path / name, ignore=ignored)
    return tmp_path


def test_two_compilations_agree_with_the_artifact() -> None:
    assert len(set(reproduce.SEEDS)) == 2
    assert reproduce.differences(["Attestations", "Receivers"]) == []


def test_another_source_is_noticed(tree: Path) -> None:
    changed = tree / "contracts" / SOURCE.name
    changed.write_text(changed.read_text().replace("word >> 200 == 0", "word >> 199 == 0"))
    committed = json.loads((export_artifacts.OUTPUT / "Attestations.json").read_text())
    assert reproduce.compiled_apart(SOURCE, tree)["bytecode"] != committed["bytecode"]


def test_what_does_not_compile_is_told(tree: Path) -> None:
    (tree / "contracts" / SOURCE.name).write_text("nonsense(\n")
    with pytest.raises(reproduce.CompileError):
        reproduce.compiled_apart(SOURCE, tree)


def test_unknown_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main(["Nothing"]) == 2
    assert "Nothing" in capsys.readouterr().err
