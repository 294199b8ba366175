"""The table of call records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "call_records",
        sa.Column("city", sa.Text(), primary_key=True),
        sa.Column("call", sa.Text(), primary_key=True),
        sa.Column("trunk", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("line", sa.Text()),
        sa.Column("treatment", sa.Text()),
        sa.Column("queue", sa.Text()),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger()),
        sa.Column("prompt_ended", sa.BigInteger()),
        sa.Column("queued", sa.BigInteger()),
        sa.Column("rung", sa.BigInteger()),
        sa.Column("seat_answered", sa.BigInteger()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("wrap_up_ended", sa.BigInteger()),
        sa.Column("agent", sa.Text()),
        sa.Column("seat", sa.Text()),
        sa.Column("passed_to", sa.Text()),
        sa.Column("rings", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Integer(), nullable=False),
        sa.Column("by_fallback", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
    )
    op.create_index("call_records_arrived", "call_records", ["city", "arrived"])
