# SPDX-License-Identifier: Apache-2.0
"""Writes the SQL of the first migration from the declared tables: for use before a release, never after one.

python -m indexer.migrations.freeze
"""

from __future__ import annotations

from indexer.ddl import DIALECTS, Dialect
from indexer.migrations import HEAD, HERE, all_statements
from indexer.model import PROTOCOL_MODEL


def frozen(dialect: Dialect) -> str:
    """What the declared tables are as SQL."""
    return "".join(f"{statement};\n" for statement in all_statements(dialect, PROTOCOL_MODEL))


def main() -> None:
    """Writes versions/<newest>.<dialect>.sql."""
    for dialect in DIALECTS:
        (HERE / "versions" / f"{HEAD}.{dialect}.sql").write_text(frozen(dialect))


if __name__ == "__main__":
    main()
