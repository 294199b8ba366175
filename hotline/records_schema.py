"""The table of call records, and its way from one version of the program to the next.

The columns are `acd.messages.CallRecord`'s fields, of the same names and meanings: instants are
milliseconds since 1970-01-01T00:00Z as big integers, NULL where the moment did not come.
``docs/records.md`` tells each in words.
"""

from __future__ import annotations

import threading
from pathlib import Path

import alembic.command
import alembic.config
import alembic.util
import sqlalchemy as sa

metadata = sa.MetaData()

_TEXT, _INSTANT = sa.Text(), sa.BigInteger()

call_records = sa.Table(
    "call_records",
    metadata,
    # The switch's ids are unique within a switch: the city makes them so in a database that several share.
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("call", _TEXT, primary_key=True),
    sa.Column("trunk", _TEXT, nullable=False),
    sa.Column("called", _TEXT, nullable=False),
    sa.Column("caller", _TEXT, nullable=False),
    sa.Column("line", _TEXT),
    sa.Column("treatment", _TEXT),
    sa.Column("queue", _TEXT),
    sa.Column("disposition", _TEXT, nullable=False),
    sa.Column("arrived", _INSTANT, nullable=False),
    sa.Column("answered", _INSTANT),
    sa.Column("prompt_ended", _INSTANT),
    sa.Column("queued", _INSTANT),
    sa.Column("rung", _INSTANT),
    sa.Column("seat_answered", _INSTANT),
    sa.Column("ended", _INSTANT),
    sa.Column("wrap_up_ended", _INSTANT),
    sa.Column("agent", _TEXT),
    sa.Column("seat", _TEXT),
    sa.Column("passed_to", _TEXT),
    sa.Column("rings", sa.Integer(), nullable=False),
    sa.Column("cause", sa.Integer(), nullable=False),
    sa.Column("by_fallback", sa.Boolean(), nullable=False),
    # The reasons, a JSON list of sentences.
    sa.Column("because", _TEXT, nullable=False),
    sa.Column("direction", _TEXT, nullable=False, server_default="in"),
    sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("reference", _TEXT),
    # JSON lists: of transfers as tables, of names of files.
    sa.Column("transfers", _TEXT, nullable=False, server_default="[]"),
    sa.Column("asked", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("rating", sa.Integer()),
    sa.Column("opinion", _TEXT),
    sa.Column("recordings", _TEXT, nullable=False, server_default="[]"),
    sa.Column("called_back", _TEXT),
    # A JSON list of tables.
    sa.Column("passes", _TEXT, nullable=False, server_default="[]"),
    sa.Column("speech", _TEXT, nullable=False, server_default="[]"),
    sa.Index("call_records_arrived", "city", "arrived"),
)

# Who used which right over whom: `acd.messages.AuditEntry`'s fields. Rows are only added; the database refuses anything else.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("at", _INSTANT, primary_key=True, autoincrement=False),
    sa.Column("number", _INSTANT, primary_key=True, autoincrement=False),
    sa.Column("what", _TEXT, nullable=False),
    sa.Column("who", _TEXT, nullable=False),
    sa.Column("role", _TEXT, nullable=False),
    sa.Column("whom", _TEXT),
    sa.Column("call", _TEXT),
    sa.Column("phone", _TEXT),
    sa.Column("allowed", sa.Boolean(), nullable=False),
    sa.Column("why", _TEXT, nullable=False),
)

# SMS to be sent and sent: `hotline.sms.Message`'s fields.
sms_outbox = sa.Table(
    "sms_outbox",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("id", _TEXT, primary_key=True),
    sa.Column("call", _TEXT, nullable=False),
    sa.Column("number", _TEXT, nullable=False),
    sa.Column("text", _TEXT, nullable=False),
    sa.Column("urgent", sa.Boolean(), nullable=False),
    sa.Column("state", _TEXT, nullable=False),
    sa.Column("reason", _TEXT, nullable=False),
    sa.Column("parts", sa.Integer(), nullable=False),
    sa.Column("created", _INSTANT, nullable=False),
    sa.Column("expires", _INSTANT, nullable=False),
    sa.Column("due", _INSTANT, nullable=False),
    sa.Column("tries", sa.Integer(), nullable=False),
    sa.Column("tried", _INSTANT),
    sa.Column("changed", _INSTANT, nullable=False),
    sa.Column("provider_id", _TEXT),
    sa.Index("sms_outbox_due", "city", "state", "due"),
    sa.Index("sms_outbox_number", "city", "number", "tried"),
    sa.Index("sms_outbox_provider", "city", "provider_id"),
)

# Numbers that want no SMS any more; ``how``: by reply or by command.
sms_opt_out = sa.Table(
    "sms_opt_out",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("number", _TEXT, primary_key=True),
    sa.Column("since", _INSTANT, nullable=False),
    sa.Column("how", _TEXT, nullable=False),
)

# The voice knowledge base: `asr.knowledge.Entry`'s fields; the questions are a JSON list, days are ISO 8601.
knowledge_entries = sa.Table(
    "knowledge_entries",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("id", _TEXT, primary_key=True),
    # The order in which the base is listed.
    sa.Column("place", sa.Integer(), nullable=False),
    sa.Column("questions", _TEXT, nullable=False),
    sa.Column("answer", _TEXT, nullable=False),
    sa.Column("sms", _TEXT, nullable=False),
    sa.Column("line", _TEXT, nullable=False),
    sa.Column("owner", _TEXT, nullable=False),
    sa.Column("reviewer", _TEXT),
    sa.Column("valid_from", _TEXT),
    sa.Column("valid_to", _TEXT),
    sa.Column("state", _TEXT, nullable=False),
)

# Every change of an entry: what it was made into, as JSON; NULL where it was taken away.
knowledge_history = sa.Table(
    "knowledge_history",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("number", _INSTANT, primary_key=True, autoincrement=False),
    sa.Column("at", _INSTANT, nullable=False),
    sa.Column("who", _TEXT, nullable=False),
    sa.Column("entry", _TEXT, nullable=False),
    sa.Column("document", _TEXT),
    sa.Index("knowledge_history_entry", "city", "entry", "number"),
)

# What seats and callers found wrong in an entry, until its owner has mended it.
knowledge_errors = sa.Table(
    "knowledge_errors",
    metadata,
    sa.Column("city", _TEXT, primary_key=True),
    sa.Column("number", _INSTANT, primary_key=True, autoincrement=False),
    sa.Column("at", _INSTANT, nullable=False),
    sa.Column("who", _TEXT, nullable=False),
    sa.Column("entry", _TEXT, nullable=False),
    sa.Column("call", _TEXT),
    sa.Column("text", _TEXT, nullable=False),
    sa.Column("mended", _INSTANT),
    sa.Column("mended_by", _TEXT),
)

# Any number, the same for all programs: who changes the schema of a PostgreSQL database holds this advisory
# lock.
_UPGRADE_LOCK = 0x12345_12345
# Alembic keeps its place in module variables: one upgrade at a time in a process.
_one_at_a_time = threading.Lock()


class NewerDatabase(Exception):
    """The database has been upgraded by a newer program than this one."""


def upgrade(connection: sa.Connection) -> None:
    """Bring the database to this program's version, in the transaction that ``connection`` is in: all or
    nothing.

    Programs that start at once take turns: the transaction has SQLite's write lock from its first word (see
    `hotline.records`), and waits for an advisory lock on PostgreSQL. Raises `NewerDatabase`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    with _one_at_a_time:
        try:
            alembic.command.upgrade(config, "head")
        except alembic.util.CommandError as fault:
            raise NewerDatabase(str(fault)) from None
