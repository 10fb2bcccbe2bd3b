# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: the connection comes from `indexer.migrations.upgrade`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
