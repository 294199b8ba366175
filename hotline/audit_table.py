"""``hotline audit``: the audit log as a table for people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from acd.messages import AuditEntry, Millis
from hotline import audit
from hotline.records import RecordsFault, RecordStore


def entries(records: str | Path, city: str, since: Millis | None, who: str | None) -> list[AuditEntry]:
    """The city's entries. Raises `RecordsFault`; a file that isn't there is not made."""
    if "://" not in str(records) and not Path(records).exists():
        raise RecordsFault(f"records {records}: is not there: give --home or --records of this hotline")

    async def work() -> list[AuditEntry]:
        store = RecordStore(records)
        try:
            return await audit.read(store, city=city, since=since, who=who)
        finally:
            await store.close()

    return asyncio.run(work())


def table(found: Sequence[AuditEntry]) -> Table:
    """One row a use of a right."""
    made = Table()
    for column in ("when", "who", "role", "what", "whom", "call", "from", "", "why"):
        made.add_column(column)
    for entry in found:
        made.add_row(
            audit.shown_time(entry.at),
            entry.who or "–",
            entry.role,
            entry.what,
            entry.whom or "",
            entry.call or "",
            entry.phone or "command",
            "" if entry.allowed else "refused",
            entry.why,
            style=None if entry.allowed else "red",
        )
    return made
