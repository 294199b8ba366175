"""Alembic's entry: it gets an open connection, in a transaction, and adds nothing of its own."""

from __future__ import annotations

from alembic import context

from hotline.records_schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
