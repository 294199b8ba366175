"""What a call went through after its first seat: transfers, direction, case, rating, recordings, call-back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("direction", sa.Text(), nullable=False, server_default="in"),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reference", sa.Text()),
        sa.Column("transfers", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("asked", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("rating", sa.Integer()),
        sa.Column("opinion", sa.Text()),
        sa.Column("recordings", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("called_back", sa.Text()),
    ):
        op.add_column("call_records", column)
