"""What callers said to the machine, and what was made of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("call_records", sa.Column("speech", sa.Text(), nullable=False, server_default="[]"))
