"""Call records in a database: SQLite by default, PostgreSQL by URL.

A record is written at least once and stored once: it is known by its city and call, and written again it
replaces itself. `RecordStore` talks to the database, in threads of its own; `Recorder` stands between it
and the engine.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from acd.messages import CallId, CallRecord, Millis, TransferRecord
from acd.passes import PassRecord
from acd.records import Spoken
from hotline.logs import OwnersFault
from hotline.records_schema import NewerDatabase, call_records, upgrade

_T = TypeVar("_T")
_FIELDS = tuple(field.name for field in msgspec.structs.fields(CallRecord))
_READ_ONLY = "hotline_reads"
# How long a program waits for a lock that another one has on an SQLite file.
_LOCK_WAIT_S = 10.0
# What comes from below SQLAlchemy for a value that no column holds.
_MISFITS = (OverflowError, ValueError, TypeError)


class RecordsFault(OwnersFault):
    """The database can't be used. One line: place, fault, remedy.

    ``refused``: the database is well, and these records are what it does not take; to try again is no use.
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class RecordStore:
    """The call records of one or more cities.

    ``url``: a path (``records.sqlite``), ``sqlite:///PATH``, or ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``.
    Raises `RecordsFault` when it is none of these.
    """

    def __init__(self, url: str | Path) -> None:
        self._url = _parsed(str(url))
        self.place = self._url.render_as_string(hide_password=True)
        self._engine = _engine(self._url)
        # One writes, one reads: a long report never holds up the writing.
        self._writes = ThreadPoolExecutor(1, thread_name_prefix="records-write")
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="records-read")
        self._ready = False

    async def open(self) -> None:
        """Create the database or bring it to this program's version. `write` and `read` do it, too, when
        they come first."""
        await self._in(self._writes, self._prepare)

    async def write(self, records: Sequence[CallRecord]) -> None:
        """Store these records, all or none; they are on the disk when it returns. Raises `RecordsFault`."""
        if records:
            await self._in(self._writes, lambda: self._write(records))

    async def read(
        self,
        *,
        city: str | None = None,
        call: CallId | None = None,
        start: Millis | None = None,
        end: Millis | None = None,
        limit: int | None = None,
    ) -> list[CallRecord]:
        """The records of this call, or of the calls that arrived from ``start`` up to, but not at, ``end``,
        in order of arrival; without either all of them. Raises `RecordsFault`."""
        table = call_records.c
        query = sa.select(call_records).order_by(table.arrived, table.city, table.call).limit(limit)
        if city is not None:
            query = query.where(table.city == city)
        if call is not None:
            query = query.where(table.call == call)
        if start is not None:
            query = query.where(table.arrived >= start)
        if end is not None:
            query = query.where(table.arrived < end)
        return await self._in(self._reads, lambda: self._read(query))

    async def change(self, work: Callable[[sa.Connection], None]) -> None:
        """Do this in one transaction of its own; it is on the disk when it returns. Raises `RecordsFault`."""

        def done() -> None:
            self._prepare()
            with self._engine.begin() as connection:
                work(connection)

        await self._in(self._writes, done)

    async def look(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Read something beside the writing. Raises `RecordsFault`."""

        def done() -> _T:
            if not self._ready:
                self._writes.submit(self._prepare).result()
            with self._engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
                return work(connection)

        return await self._in(self._reads, done)

    async def close(self) -> None:
        """Finish what is being written and let the database go."""
        for pool in (self._writes, self._reads):
            await asyncio.to_thread(pool.shutdown)
        self._engine.dispose()

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(pool, self._told(work))

    def _told(self, work: Callable[[], _T]) -> Callable[[], _T]:
        def run() -> _T:
            try:
                return work()
            except (sa.exc.SQLAlchemyError, NewerDatabase, OSError, *_MISFITS) as fault:
                raise _told(self.place, fault) from None

        return run

    def _prepare(self) -> None:
        if self._ready:
            return
        if self._url.get_backend_name() == "sqlite":
            _private_file(Path(self._url.database or ""))
        with self._engine.begin() as connection:
            upgrade(connection)
        self._ready = True

    def _write(self, records: Sequence[CallRecord]) -> None:
        self._prepare()
        rows = {(record.city, record.call): _row(record) for record in records}
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(call_records)
        given = {name: statement.excluded[name] for name in _FIELDS if name not in {"city", "call"}}
        statement = statement.on_conflict_do_update(index_elements=["city", "call"], set_=given)
        with self._engine.begin() as connection:
            connection.execute(statement, list(rows.values()))

    def _read(self, query: sa.Select[Any]) -> list[CallRecord]:
        if not self._ready:
            self._writes.submit(self._prepare).result()
        with self._engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


class Recorder:
    """Takes the engine's records, writes them in batches, and tells which are stored.

    While the database is away it tries again, sooner then later, and the records wait in a queue of at most
    ``limit``. A record that finds it full is not kept here: the engine has it still, and ``room`` is called
    when there is room again, upon which the engine is to order all its unstored records once more.
    Callbacks come from the event loop, must not raise.

    ``stored``: these calls' records are in the database. ``trouble``: why nothing can be written, said
    once, and ``None`` when it can again. ``refused``: a record that the database does not take, never
    stored.
    """

    def __init__(
        self,
        store: RecordStore,
        *,
        stored: Callable[[Sequence[CallId]], None],
        trouble: Callable[[RecordsFault | None], None],
        refused: Callable[[CallRecord, RecordsFault], None],
        room: Callable[[], None],
        limit: int = 50_000,
        batch: int = 200,
        linger_s: float = 0.1,
        back_off_s: tuple[float, float] = (0.2, 10.0),
    ) -> None:
        self._store = store
        self._stored = stored
        self._trouble = trouble
        self._refused = refused
        self._room = room
        self._limit = limit
        self._batch = batch
        self._linger = linger_s
        self._back_off = back_off_s
        self._queue: deque[CallRecord] = deque()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._ending = asyncio.Event()
        self._ended = asyncio.Event()
        self.dropped = 0
        """how many records found the queue full, in all"""

    @property
    def waiting(self) -> int:
        """How many records are not in the database yet."""
        return len(self._queue)

    def submit(self, record: CallRecord) -> bool:
        """Take a record for writing; False when there is no room for it."""
        if len(self._queue) >= self._limit:
            self.dropped += 1
            return False
        self._queue.append(record)
        self._arrived.set()
        if len(self._queue) >= self._batch:
            self._full.set()
        return True

    async def run(self) -> None:
        """Write until `finish` is called and the queue is empty, or the task is cancelled."""
        told_dropped = 0
        while True:
            if not self._queue:
                if self._ending.is_set():
                    self._ended.set()
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            if len(self._queue) < self._batch and not self._ending.is_set():
                self._full.clear()
                await _within(self._linger, self._full)
            await self._write([self._queue[place] for place in range(min(self._batch, len(self._queue)))])
            if self.dropped > told_dropped and len(self._queue) <= self._limit // 2:
                told_dropped = self.dropped
                self._room()

    async def finish(self, timeout_s: float) -> int:
        """Let `run` write what waits and end. Returns how many records are left after ``timeout_s``."""
        self._ending.set()
        self._arrived.set()
        self._full.set()
        await _within(timeout_s, self._ended)
        return len(self._queue)

    async def _write(self, records: list[CallRecord]) -> None:
        """Write this head of the queue, however long it takes."""
        pause, in_trouble = self._back_off[0], False
        while True:
            try:
                await self._store.write(records)
            except RecordsFault as fault:
                if fault.refused:
                    await self._one_by_one(records)
                    return
                if not in_trouble:
                    in_trouble = True
                    self._trouble(fault)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._back_off[1])
            else:
                break
        if in_trouble:
            self._trouble(None)
        self._done(records)

    async def _one_by_one(self, records: list[CallRecord]) -> None:
        """One of these is refused: store the others."""
        for record in records:
            try:
                await self._store.write([record])
            except RecordsFault as fault:
                if not fault.refused:
                    return  # away now: what is left stays in the queue
                self._queue.popleft()
                self._refused(record, fault)
            else:
                self._done([record])

    def _done(self, records: Iterable[CallRecord]) -> None:
        calls = [record.call for record in records]
        for _ in calls:
            self._queue.popleft()
        self._stored(calls)


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _parsed(url: str) -> sa.URL:
    kinds = "give a path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    if "://" not in url:
        return sa.URL.create("sqlite", database=url)
    scheme = url.partition("://")[0]
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise RecordsFault(f"records {scheme}://…: this is no database's URL; {kinds}") from None
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        if not parsed.database:
            raise RecordsFault(f"records {scheme}://…: the database's name is missing; {kinds}")
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database:
        return parsed
    raise RecordsFault(f"records {scheme}://…: no such kind of database; {kinds}")


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        # A database that went away without a word must be noticed: TCP itself would take a quarter of an
        # hour.
        limits = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "application_name": "hotline"}
        limits |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        limits["options"] = "-c statement_timeout=30000 -c lock_timeout=20000"
        return sa.create_engine(url, connect_args=limits, pool_size=2, max_overflow=0, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": _LOCK_WAIT_S}, pool_size=2, max_overflow=0)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        # The transactions are begun by us: sqlite3 would begin them too late, and not for a change of the
        # schema.
        connection.isolation_level = None
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        # Write lock first: two that read and then both want to write would refuse each other.
        reads = connection.get_execution_options().get(_READ_ONLY)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the database into its write-ahead mode, by which one reads while another writes."""
    # SQLite refuses at once, without its own waiting, while another program that started in the same
    # moment makes the same change.
    end = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _private_file(path: Path) -> None:
    """The records name callers: nobody else may read them, nor the files that SQLite puts beside them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(fd).st_mode & 0o077 and os.fstat(fd).st_uid == os.geteuid():
            os.fchmod(fd, 0o600)
    finally:
        os.close(fd)


def _row(record: CallRecord) -> dict[str, Any]:
    row = {name: _clean(getattr(record, name)) for name in _FIELDS}
    row["because"] = _clean(msgspec.json.encode([_clean(reason) for reason in record.because]).decode())
    row["transfers"] = _clean(msgspec.json.encode(record.transfers).decode())
    row["recordings"] = _clean(msgspec.json.encode(record.recordings).decode())
    row["passes"] = _clean(msgspec.json.encode(record.passes).decode())
    row["speech"] = _clean(msgspec.json.encode(record.speech).decode())
    return row


def _clean(value: Any) -> Any:
    # PostgreSQL takes no NUL, neither database half a character: both can come in a hostile caller's name.
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return value


def _record(row: sa.RowMapping) -> CallRecord:
    values = {name: row[name] for name in _FIELDS}
    values["because"] = tuple(msgspec.json.decode(values["because"], type=list[str]))
    values["transfers"] = tuple(msgspec.json.decode(values["transfers"], type=list[TransferRecord]))
    values["recordings"] = tuple(msgspec.json.decode(values["recordings"], type=list[str]))
    values["passes"] = tuple(msgspec.json.decode(values["passes"], type=list[PassRecord]))
    values["speech"] = tuple(msgspec.json.decode(values["speech"], type=list[Spoken]))
    return CallRecord(**values)


# What the databases say, the remedy, in the order in which they are looked for.
_REMEDIES = (
    ("password authentication failed", "correct the user or the password in the URL"),
    ("no password supplied", "give the password in the URL"),
    ("no pg_hba.conf entry", "let this user and address in (pg_hba.conf)"),
    ("permission denied", "give this user the rights to it"),
    ("does not exist", "create it, or correct the name in the URL"),
    ("starting up", "wait until the database has started"),
    ("could not connect", "start the database, or correct host and port in the URL"),
    ("connection refused", "start the database, or correct host and port in the URL"),
    ("connection failed", "start the database, or correct host and port in the URL"),
    ("connection timeout", "start the database, or correct host and port in the URL"),
    ("resolve host", "correct the host in the URL"),
    ("database is locked", "end the program that keeps it locked"),
    ("disk is full", "make room"),
    ("no space left", "make room"),
    ("disk i/o error", "see to the disk"),
    ("not a database", "move this file away, or give another path"),
    ("malformed", "restore the file from a copy, or move it away"),
    ("readonly", "make the file and its directory writable for this user"),
    ("unable to open", "make the file and its directory readable and writable for this user"),
    ("is a directory", "give the path of a file"),
)


def _told(place: str, fault: Exception) -> RecordsFault:
    """A database's fault as one line with its remedy."""
    if isinstance(fault, NewerDatabase):
        return RecordsFault(f"records {place}: {fault}: a newer program made this database; use that")
    origin = getattr(fault, "orig", None) or fault
    why = str(origin.strerror if isinstance(origin, OSError) else origin).strip() or type(origin).__name__
    why = " ".join(why.splitlines()[0].split())
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in str(origin).lower()), None)
    # Values that don't fit, not a database that is unwell.
    refused = isinstance(fault, (sa.exc.DataError, sa.exc.IntegrityError, *_MISFITS))
    return RecordsFault(f"records {place}: {why}; {remedy or 'see to the database'}", refused=refused)
