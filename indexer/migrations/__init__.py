# SPDX-License-Identifier: Apache-2.0
"""The tables of a database, made or brought up to date.

An empty database gets today's tables at once and is marked with the newest migration; an older one is migrated by
Alembic. A test makes sure that both ways end with the same tables, in both databases.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from indexer.database import Writer
from indexer.ddl import Dialect, statements
from indexer.model import Model
from indexer.text import search_statements
from ipto.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection

HERE = Path(__file__).parent
HEAD = "0001"
VERSION_TABLE = "alembic_version"


def all_statements(dialect: Dialect, model: Model) -> list[str]:
    """What makes an empty database."""
    return [*statements(dialect, model.all_tables), *search_statements(dialect)]


def open_schema(db: Writer, model: Model) -> None:
    """Make the tables, or migrate them. Raises InputError for a database of no version we know."""
    if not db.has_table("meta"):
        with db.transaction():
            for statement in all_statements(db.dialect, model):
                db.run(statement)
            db.run(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            db.run(f"INSERT INTO {VERSION_TABLE} VALUES (?)", (HEAD,))  # noqa: S608
        return
    version = version_of(db)
    if version is None:
        raise InputError("the database was made before migrations began; delete it to index again")
    if version != HEAD:
        raise InputError(
            f"the database is of version {version}, this program wants {HEAD}: run `python -m indexer migrate`, "
            "or start the newer program again"
        )


def version_of(db: Writer) -> str | None:
    """The newest migration a database has seen."""
    found = db.one(f"SELECT version_num FROM {VERSION_TABLE}") if db.has_table(VERSION_TABLE) else None  # noqa: S608
    return None if found is None else str(found[0])


def upgrade(connection: Connection, target: str = "head") -> None:
    """Run Alembic's migrations on an open SQLAlchemy connection, whose default schema is the one to migrate."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def migrate(url: str, schema: str) -> None:
    """Bring a database up to date. The caller makes sure that nobody writes it."""
    import sqlalchemy

    from indexer.database import is_postgres
    from indexer.database.urls import sqlite_path

    if is_postgres(url):
        from indexer.database.postgres import connect

        def session() -> object:
            raw = connect(url)
            raw.execute("SELECT set_config('search_path', %s, false)", (schema,))
            raw.autocommit = False
            return raw

        engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=session, poolclass=sqlalchemy.NullPool)
    else:
        path = sqlite_path(url)
        engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.NullPool)
    try:
        with engine.begin() as connection:
            upgrade(connection)
    finally:
        engine.dispose()
