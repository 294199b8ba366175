"""The index of recordings: an SQLite file that lies beside them and goes with them.

It is not in the records' database: that one may be on another machine, or away, and neither finding a recording nor deleting it
in time may depend on that. A record names its files; the index says what they are, who holds them, and what became of them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acd.messages import CallId, Millis
from acd.recording import read_name

VERSION = 1
_SCHEMA = """
CREATE TABLE recordings (
    name TEXT PRIMARY KEY,
    call TEXT NOT NULL,
    part INTEGER NOT NULL,
    leg TEXT,
    bytes INTEGER NOT NULL,
    seconds REAL NOT NULL,
    sha256 TEXT NOT NULL,
    finished INTEGER NOT NULL,
    found INTEGER NOT NULL,
    deleted INTEGER,
    deleted_because TEXT
);
CREATE INDEX recordings_call ON recordings (call);
CREATE INDEX recordings_due ON recordings (finished) WHERE deleted IS NULL;
CREATE TABLE holds (call TEXT PRIMARY KEY, by TEXT NOT NULL, because TEXT NOT NULL, since INTEGER NOT NULL);
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    call TEXT NOT NULL,
    name TEXT,
    by TEXT NOT NULL,
    because TEXT NOT NULL
);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
"""
_ENTRY = "name, call, part, leg, bytes, seconds, sha256, finished, found, deleted, deleted_because"


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished recording. ``finished``, ``deleted``: ms since 1970. ``found``: entered later, from the file itself."""

    name: str
    call: CallId
    part: int
    leg: str | None
    bytes: int
    seconds: float
    sha256: str
    finished: Millis
    found: bool = False
    deleted: Millis | None = None
    deleted_because: str | None = None

    @classmethod
    def of(
        cls, name: str, size: int, seconds: float, sha256: str, finished: Millis, *, found: bool = False
    ) -> Entry:
        """An entry for a file of this name. Raises ``ValueError`` for what is no recording's name."""
        told = read_name(name)
        if told is None:
            raise ValueError(f"recording {name!r}: this is no recording's name")
        return cls(name, told.call, told.part, told.leg, size, seconds, sha256, finished, found)


@dataclass(frozen=True, slots=True)
class Audited:
    """One line of the audit: what was done to which recording, when, by whom and why."""

    at: Millis
    what: str
    call: CallId
    name: str | None
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold on a call: nothing of it is deleted until it is released."""

    call: CallId
    by: str
    because: str
    since: Millis


class RecordingsIndex:
    """The index at ``path``, made when it is not there. Any thread may use it; each call is one transaction.

    Raises ``sqlite3.Error``, and ``OSError`` when the file can't be made.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._base = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._base.execute(f"PRAGMA {pragma}")
            with self._writing():
                self._upgrade(path)
        except BaseException:
            self._base.close()
            raise

    def _upgrade(self, path: Path) -> None:
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.DatabaseError(f"{path}: a newer program made this index; use that")
        if version == 0:
            for statement in _statements(_SCHEMA):
                self._base.execute(statement)
            self._base.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._base.close()

    def enter(self, entry: Entry) -> None:
        """Enter a finished recording; on the disk when it returns. Once more is the same as once."""
        values = (
            entry.name, entry.call, entry.part, entry.leg, entry.bytes, entry.seconds, entry.sha256, entry.finished, entry.found,
        )  # fmt: skip
        with self._writing():
            self._base.execute(
                "INSERT INTO recordings (name, call, part, leg, bytes, seconds, sha256, finished, found) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                values,
            )

    def names(self) -> set[str]:
        """Every name that was ever entered."""
        with self._lock:
            return {name for (name,) in self._base.execute("SELECT name FROM recordings")}

    def entries(self, call: CallId | None = None) -> list[Entry]:
        """Everything, or what is of one call, in the order of the calls' days."""
        where, values = ("", ()) if call is None else (" WHERE call = ?", (call,))
        query = f"SELECT {_ENTRY} FROM recordings{where} ORDER BY substr(name, 1, 10), call, part, leg"
        with self._lock:
            rows = self._base.execute(query, values).fetchall()
        return [_entry(row) for row in rows]

    def holds(self) -> dict[CallId, Hold]:
        """The calls that are held."""
        with self._lock:
            rows = self._base.execute("SELECT call, by, because, since FROM holds").fetchall()
        return {row[0]: Hold(*row) for row in rows}

    def audit(self, call: CallId | None = None) -> list[Audited]:
        """What has been done, in its order."""
        where, values = ("", ()) if call is None else (" WHERE call = ?", (call,))
        query = f"SELECT at, what, call, name, by, because FROM audit{where} ORDER BY number"
        with self._lock:
            return [Audited(*row) for row in self._base.execute(query, values).fetchall()]

    def hold(self, call: CallId, by: str, because: str) -> None:
        """Put a call on legal hold, also before its recording is finished. A second hold takes the first one's place; both are
        audited. Raises ``ValueError`` without a name or a reason."""
        if not by.strip() or not because.strip():
            raise ValueError(f"hold on {call}: who holds it and why is missing: give both")
        with self._writing():
            row = (call, by, because, _now())
            self._base.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?, ?)", row)
            self._note("held", call, None, by, because)

    def release(self, call: CallId, by: str, because: str) -> bool:
        """End a hold; False when there was none."""
        with self._writing():
            gone = self._base.execute("DELETE FROM holds WHERE call = ?", (call,)).rowcount > 0
            if gone:
                self._note("released", call, None, by, because)
        return gone

    def delete_due(
        self, before: Millis, because: str, delete: Callable[[str], None], limit: int
    ) -> tuple[list[str], list[str]]:
        """Have up to ``limit`` recordings deleted that were finished before this instant and that nobody holds.

        The names of those that are gone, and of those for which ``delete`` raised ``OSError``: they stay due.
        """
        gone: list[str] = []
        left: list[str] = []
        with self._writing():
            rows = self._base.execute(
                "SELECT name, call FROM recordings WHERE deleted IS NULL AND finished < ? "
                "AND call NOT IN (SELECT call FROM holds) ORDER BY finished LIMIT ?",
                (before, limit),
            ).fetchall()
            for name, call in rows:
                try:
                    delete(name)
                except OSError:
                    left.append(name)
                    continue
                gone.append(name)
                mark = "UPDATE recordings SET deleted = ?, deleted_because = ? WHERE name = ?"
                self._base.execute(mark, (_now(), because, name))
                self._note("deleted", call, name, "rule", because)
        return gone, left

    def _note(self, what: str, call: CallId, name: str | None, by: str, because: str) -> None:
        row = (_now(), what, call, name, by, because)
        self._base.execute(
            "INSERT INTO audit (at, what, call, name, by, because) VALUES (?, ?, ?, ?, ?, ?)", row
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")


def _entry(row: tuple[Any, ...]) -> Entry:
    name, call, part, leg, size, seconds, sha256, finished, found, deleted, because = row
    return Entry(name, call, part, leg, size, seconds, sha256, finished, bool(found), deleted, because)


def _statements(script: str) -> Iterator[str]:
    """A script's statements one by one: ``executescript`` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _now() -> Millis:
    return time.time_ns() // 1_000_000
