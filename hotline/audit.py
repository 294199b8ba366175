"""The audit log in the records' database: written at least once, stored once, never changed; and how it is read."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from acd.messages import AuditEntry, Millis
from dialplans.hours import SHANGHAI
from hotline.logs import logger
from hotline.records import RecordsFault, RecordStore
from hotline.records_schema import audit

BATCH = 200
BACK_OFF_S = (0.2, 10.0)
FIELDS = tuple(field.name for field in msgspec.structs.fields(AuditEntry))

_log = logger("audit")


async def write(store: RecordStore, entries: Sequence[AuditEntry]) -> None:
    """Add these entries, all or none; one that is there already stays as it is. Raises `RecordsFault`."""
    rows = [{name: _clean(getattr(entry, name)) for name in FIELDS} for entry in entries]

    def work(connection: sa.Connection) -> None:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(audit).on_conflict_do_nothing(), rows)

    if rows:
        await store.change(work)


async def read(
    store: RecordStore,
    *,
    city: str | None = None,
    since: Millis | None = None,
    who: str | None = None,
    what: str | None = None,
    limit: int | None = None,
) -> list[AuditEntry]:
    """The entries from ``since`` on, in the order in which they happened. Raises `RecordsFault`."""
    query = sa.select(audit).order_by(audit.c.at, audit.c.number).limit(limit)
    for column, wanted in ((audit.c.city, city), (audit.c.who, who), (audit.c.what, what)):
        if wanted is not None:
            query = query.where(column == wanted)
    if since is not None:
        query = query.where(audit.c.at >= since)

    def work(connection: sa.Connection) -> list[AuditEntry]:
        return [AuditEntry(**row) for row in connection.execute(query).mappings()]

    return await store.look(work)


class AuditWriter:
    """Takes the engine's entries, writes them in their order, and tells which are stored. None is ever given up."""

    def __init__(self, store: RecordStore, stored: Callable[[AuditEntry], None]) -> None:
        self._store = store
        self._stored = stored
        self._queue: deque[AuditEntry] = deque()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def submit(self, entry: AuditEntry) -> None:
        """Take an entry for writing."""
        self._queue.append(entry)
        self._empty.clear()
        self._arrived.set()

    async def run(self) -> None:
        """Write until cancelled."""
        pause, in_trouble = BACK_OFF_S[0], False
        while True:
            if not self._queue:
                self._empty.set()
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = [self._queue[place] for place in range(min(len(self._queue), BATCH))]
            try:
                await write(self._store, batch)
            except RecordsFault as fault:
                if not in_trouble:
                    _log.error("the audit log waits", why=str(fault))
                in_trouble = True
                await asyncio.sleep(pause)
                pause = min(2 * pause, BACK_OFF_S[1])
                continue
            if in_trouble:
                _log.info("the audit log is written again")
            pause, in_trouble = BACK_OFF_S[0], False
            for entry in batch:
                self._queue.popleft()
                self._stored(entry)

    async def finish(self, timeout_s: float) -> int:
        """Let `run` write what waits. Returns how many entries are left after ``timeout_s``; the next start writes them."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), timeout_s)
        return len(self._queue)


def _clean(value: Any) -> Any:
    # PostgreSQL takes no NUL, neither database half a character.
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return value


def as_document(entry: AuditEntry) -> dict[str, Any]:
    """An entry for ``--json``: the instant in ISO 8601, in the city's time."""
    fields: dict[str, Any] = msgspec.to_builtins(entry)
    return {**fields, "at": shown_time(entry.at)}


def shown_time(at: Millis) -> str:
    """An instant as people in the city read it."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(SHANGHAI).isoformat(timespec="milliseconds")
