# SPDX-License-Identifier: Apache-2.0
"""The first tables; their text is frozen in 0001.*.sql."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table and index."""
    dialect = op.get_bind().dialect.name
    text = (Path(__file__).parent / f"0001.{dialect}.sql").read_text()
    for statement in text.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
