"""Every attempt to pass a caller to a far end: a line's own people, a sub-centre, an emergency centre."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("call_records", sa.Column("passes", sa.Text(), nullable=False, server_default="[]"))
