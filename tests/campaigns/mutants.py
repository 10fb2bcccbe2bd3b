# SPDX-License-Identifier: Apache-2.0
"""Mutants of a contract's source, made by universalmutator, which lives in an environment of its own.

It knows Vyper's operators but not its compiler: comments and documentation are left out here, and what does not compile
or compiles to the same code is left out by whoever judges them.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vyper import ast as vy_ast
from vyper.builtins.functions import DISPATCH_TABLE, STMT_DISPATCH_TABLE

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".build" / "mutator"
LOCK = ROOT / "requirements" / "mutate.lock"
# What may stand in a line without having been declared.
WORDS = {*DISPATCH_TABLE, *STMT_DISPATCH_TABLE, "True", "False", "and", "or", "not", "in", "pass", "break", "continue"}
WORDS |= {
    "return",
    "raise",
    "assert",
    "if",
    "elif",
    "else",
    "for",
    "range",
    "log",
    "self",
    "msg",
    "block",
    "tx",
    "chain",
}
WORDS |= {"extcall", "staticcall", "address", "bool", "bytes", "Bytes", "string", "String", "constant", "immutable"}
WORDS |= {f"{sign}int{bits}" for sign in ("", "u") for bits in range(8, 257, 8)}
WORDS |= {f"bytes{size}" for size in range(1, 33)}


@dataclass(frozen=True)
class Mutant:
    """One change of one line. number: within the file's mutants, in universalmutator's order."""

    number: int
    line: int
    before: str
    after: str
    source: str


def tool() -> Path:
    """The `mutate` command; installs it on first use."""
    command = ENVIRONMENT / "bin" / "mutate"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(LOCK)], check=True)
    return command


def lines_with_code(source: str) -> set[int]:
    """Lines of statements, constants and signatures: where a change can change what the contract does."""
    tree = vy_ast.parse_to_ast(source)
    kinds = (vy_ast.FunctionDef, vy_ast.VariableDecl)
    found: set[int] = set()
    for item in tree.get_children():
        if isinstance(item, kinds):
            found |= set(range(item.lineno, item.end_lineno + 1))
    for text in tree.get_descendants(vy_ast.DocStr):
        found -= set(range(text.lineno, text.end_lineno + 1))
    return found


def names_in(text: str) -> set[str]:
    """The names a piece of source uses."""
    return set(re.findall(r"[A-Za-z_]\w*", text.split("#")[0]))


def is_hopeless(before: str, after: str, known: set[str]) -> bool:
    """Whether a line cannot compile: it uses a name that neither the source nor Vyper knows, or leaves brackets open.

    This spares the compiler about half of what the tool makes.
    """
    if not names_in(after) <= known:
        return True
    pairs = ("()", "[]", "{}")
    return any(before.count(o) - before.count(c) != after.count(o) - after.count(c) for o, c in pairs)


def mutants(file: Path, seed: int) -> list[Mutant]:
    """All mutants of a file, in an order drawn with `seed`."""
    source = file.read_text()
    original = source.splitlines()
    allowed = lines_with_code(source)
    known = set().union(WORDS, *(names_in(line) for line in original))
    found: list[Mutant] = []
    with tempfile.TemporaryDirectory() as folder:
        command = [str(tool()), str(file), "vyper", "--noCheck", "--mutantDir", folder]
        subprocess.run(command, check=True, capture_output=True)
        for path in Path(folder).glob("*.vy"):
            mutated = path.read_text().splitlines()
            changed = [i for i, (a, b) in enumerate(zip(original, mutated, strict=False)) if a != b]
            if len(mutated) != len(original) or len(changed) != 1 or changed[0] + 1 not in allowed:
                continue
            place = changed[0]
            before, after = original[place].strip(), mutated[place].strip()
            if before.split("#")[0].strip() == after.split("#")[0].strip() or is_hopeless(before, after, known):
                continue
            number = int(path.name.split(".")[-2])
            found.append(Mutant(number, place + 1, before, after, "\n".join(mutated) + "\n"))
    found.sort(key=lambda mutant: mutant.number)
    random.Random(seed).shuffle(found)
    # A comment in whose place `pass` stands moves labels in the code, and nothing else.
    return [mutant for mutant in found if mutant.before.split("#")[0].strip()]
