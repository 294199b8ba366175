"""A city's voice knowledge base in the program's database: entries, who changed them and when, and what was found wrong.

`KnowledgeStore` reads and writes; `LiveKnowledge` keeps the base that calls are answered from, and takes a changed one without a
restart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from asr.knowledge import MOVES, Entry, IllegalMove, KnowledgeBase, faults_of
from asr.matching import NgramMatcher
from hotline.knowledge_files import KnowledgeFault, as_document, entry_of
from hotline.logs import OwnersFault
from hotline.records import RecordStore
from hotline.records_schema import knowledge_entries, knowledge_errors, knowledge_history

_DAY_MS = 86_400_000
_CHINA_MS = 8 * 3_600_000


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an entry; ``entry`` is what it became, None when it was taken away. ``at``: milliseconds since 1970."""

    number: int
    at: int
    who: str
    id: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class ReportedError:
    """What somebody found wrong in an entry. ``call``: the call in which it was spoken; ``mended``: when, None until then."""

    number: int
    at: int
    who: str
    id: str
    call: str | None
    text: str
    mended: int | None = None
    mended_by: str | None = None


class KnowledgeStore:
    """One city's base. All methods raise `hotline.records.RecordsFault` when the database can't be used."""

    def __init__(self, records: RecordStore, city: str) -> None:
        self._records = records
        self._city = city

    async def base(self) -> KnowledgeBase:
        """All entries, of every state. Raises `KnowledgeFault` for what somebody else has put into the tables."""
        table = knowledge_entries.c
        query = sa.select(knowledge_entries).where(table.city == self._city).order_by(table.place, table.id)
        rows = await self._records.look(
            lambda connection: [dict(row) for row in connection.execute(query).mappings()]
        )
        entries = [_entry(row) for row in rows]
        if faults := faults_of(entries, f"knowledge.{self._city}"):
            raise KnowledgeFault(faults)
        return KnowledgeBase(tuple(entries))

    async def put(self, entries: Iterable[Entry], *, who: str, at: int) -> int:
        """Write these entries in place of those of the same ids, all or none; returns how many were new or different.

        Raises `KnowledgeFault` when the base would not be sound with them, or a state would make a move that it may not.
        """
        given = tuple(entries)
        if faults := faults_of(given):
            raise KnowledgeFault(faults)
        changed = 0

        def work(connection: sa.Connection) -> None:
            nonlocal changed
            changed = self._put(connection, self._rows(connection), given, who, at)

        await self._records.change(work)
        return changed

    async def alter(self, identity: str, how: Callable[[Entry], Entry], *, who: str, at: int) -> Entry:
        """Write what ``how`` makes of the entry as it is then: nobody else's change comes between. Returns what it became.

        Raises `OwnersFault` when there is no such entry or ``how`` makes an `IllegalMove`, and `KnowledgeFault` as `put` does.
        """
        became: list[Entry] = []

        def work(connection: sa.Connection) -> None:
            before = self._rows(connection)
            if identity not in before:
                raise self._unknown(identity, before)
            try:
                became.append(how(_entry(before[identity])))
            except IllegalMove as why:
                raise OwnersFault(str(why)) from None
            self._put(connection, before, became, who, at)

        await self._records.change(work)
        return became[0]

    async def take_away(self, identity: str, *, who: str, at: int) -> None:
        """Delete an entry, its history stays. Raises `OwnersFault` when there is none."""

        def work(connection: sa.Connection) -> None:
            before = self._rows(connection)
            if identity not in before:
                raise self._unknown(identity, before)
            connection.execute(sa.delete(knowledge_entries).where(*self._one(identity)))
            self._tell(connection, self._next(connection, knowledge_history), at, who, identity, None)

        await self._records.change(work)

    async def history(self, identity: str | None = None) -> list[Change]:
        """Every change, or those of one entry, the oldest first."""
        table = knowledge_history.c
        query = sa.select(knowledge_history).where(table.city == self._city).order_by(table.number)
        if identity is not None:
            query = query.where(table.entry == identity)
        rows = await self._records.look(lambda connection: list(connection.execute(query).mappings()))
        return [
            Change(
                row["number"],
                row["at"],
                row["who"],
                row["entry"],
                entry_of(_present(json.loads(row["document"]))) if row["document"] else None,
            )
            for row in rows
        ]

    async def report(
        self, identity: str, text: str, *, who: str, at: int, call: str | None = None
    ) -> ReportedError:
        """Note that something is wrong with an entry. Raises `OwnersFault` when there is no such entry or nothing is said."""
        if not text.strip():
            raise OwnersFault(f"knowledge.{identity}: nothing is said about the error: write what is wrong")
        made: list[ReportedError] = []

        def work(connection: sa.Connection) -> None:
            before = self._rows(connection)
            if identity not in before:
                raise self._unknown(identity, before)
            number = self._next(connection, knowledge_errors)
            made.append(ReportedError(number, at, who, identity, call, text.strip()))
            connection.execute(
                sa.insert(knowledge_errors).values(
                    city=self._city,
                    number=number,
                    at=at,
                    who=who,
                    entry=identity,
                    call=call,
                    text=text.strip(),
                )
            )

        await self._records.change(work)
        return made[0]

    async def mend(self, number: int, *, who: str, at: int) -> bool:
        """Close a reported error; False when there is none of this number that is open."""
        table = knowledge_errors.c
        closed = False

        def work(connection: sa.Connection) -> None:
            nonlocal closed
            found = (table.city == self._city, table.number == number, table.mended.is_(None))
            statement = sa.update(knowledge_errors).where(*found).values(mended=at, mended_by=who)
            closed = connection.execute(statement).rowcount > 0

        await self._records.change(work)
        return closed

    async def errors(self, *, also_mended: bool = False) -> list[ReportedError]:
        """What was reported and is not mended yet, the oldest first."""
        table = knowledge_errors.c
        query = sa.select(knowledge_errors).where(table.city == self._city).order_by(table.number)
        if not also_mended:
            query = query.where(table.mended.is_(None))
        rows = await self._records.look(lambda connection: list(connection.execute(query).mappings()))
        return [
            ReportedError(
                row["number"],
                row["at"],
                row["who"],
                row["entry"],
                row["call"],
                row["text"],
                row["mended"],
                row["mended_by"],
            )
            for row in rows
        ]

    async def version(self) -> int:
        """Grows with every change: the number of the last one, -1 before the first."""
        query = sa.select(sa.func.max(knowledge_history.c.number)).where(
            knowledge_history.c.city == self._city
        )
        found = await self._records.look(lambda connection: connection.execute(query).scalar())
        return -1 if found is None else int(found)

    def _rows(self, connection: sa.Connection) -> dict[str, dict[str, Any]]:
        if connection.dialect.name == "postgresql":  # two who import at once take turns, as on SQLite
            connection.execute(sa.text("LOCK TABLE knowledge_entries IN SHARE ROW EXCLUSIVE MODE"))
        query = sa.select(knowledge_entries).where(knowledge_entries.c.city == self._city)
        return {row["id"]: dict(row) for row in connection.execute(query).mappings()}

    def _put(
        self,
        connection: sa.Connection,
        before: Mapping[str, dict[str, Any]],
        given: Sequence[Entry],
        who: str,
        at: int,
    ) -> int:
        was = {key: _entry(row) for key, row in before.items()}
        faults = faults_of((was | {entry.id: entry for entry in given}).values())
        faults += [
            f"entries.{entry.id}.state: {old.state} does not become {entry.state}: "
            f"it may become {', '.join(sorted(MOVES[old.state]))}"
            for entry in given
            if (old := was.get(entry.id)) is not None
            and old.state is not entry.state
            and entry.state not in MOVES[old.state]
        ]
        if faults:
            raise KnowledgeFault(faults)
        place = max((row["place"] for row in before.values()), default=-1) + 1
        number, changed = self._next(connection, knowledge_history), 0
        for entry in given:
            old = was.get(entry.id)
            if old == entry:
                continue
            if old is None:
                connection.execute(sa.insert(knowledge_entries).values(_row(self._city, entry, place)))
                place += 1
            else:
                row = _row(self._city, entry, before[entry.id]["place"])
                connection.execute(sa.update(knowledge_entries).where(*self._one(entry.id)).values(row))
            document = json.dumps(as_document(entry), ensure_ascii=False)
            self._tell(connection, number + changed, at, who, entry.id, document)
            changed += 1
        return changed

    def _unknown(self, identity: str, before: Mapping[str, object]) -> OwnersFault:
        if before:
            return OwnersFault(f"knowledge.{identity}: no such entry: give an id that `list` shows")
        return OwnersFault(
            f"knowledge.{self._city}: has no base of its own yet, it is answered from the starting base: "
            "export that to a file, and import the file"
        )

    def _one(self, identity: str) -> tuple[Any, ...]:
        return (knowledge_entries.c.city == self._city, knowledge_entries.c.id == identity)

    def _next(self, connection: sa.Connection, table: sa.Table) -> int:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
        query = sa.select(sa.func.max(table.c.number)).where(table.c.city == self._city)
        last = connection.execute(query).scalar()
        return 0 if last is None else int(last) + 1

    def _tell(
        self, connection: sa.Connection, number: int, at: int, who: str, identity: str, document: str | None
    ) -> None:
        connection.execute(
            sa.insert(knowledge_history).values(
                city=self._city, number=number, at=at, who=who, entry=identity, document=document
            )
        )


class LiveKnowledge:
    """The matcher that calls are answered with: that of the base's last version and of the present day.

    ``clock``: milliseconds since 1970. `refresh` asks the database for the version only, which is one small query, and builds a new
    matcher in a thread when it or the day has changed. What is being asked meanwhile is answered from the old one; a base that
    can't be read leaves the old one in place. ``instead``: taken while the city has no base of its own.
    """

    def __init__(
        self, store: KnowledgeStore, clock: Callable[[], int], *, instead: KnowledgeBase | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._instead = instead
        self._seen: tuple[int, int] | None = None
        self.matcher = NgramMatcher(KnowledgeBase())

    async def refresh(self) -> bool:
        """Take a changed base; True when there was one. Raises `RecordsFault` or `KnowledgeFault`."""
        now = self._clock()
        seen = (await self._store.version(), (now + _CHINA_MS) // _DAY_MS)
        if seen == self._seen:
            return False
        base = await self._store.base()
        spoken = (base if len(base) or self._instead is None else self._instead).at(now)
        self.matcher = await asyncio.to_thread(NgramMatcher, spoken)
        self._seen = seen
        return True


def _row(city: str, entry: Entry, place: int) -> dict[str, Any]:
    document = as_document(entry)
    questions = json.dumps(document["questions"], ensure_ascii=False)
    return {**document, "questions": questions, "city": city, "place": place}


def _entry(row: dict[str, Any]) -> Entry:
    document = {key: value for key, value in row.items() if key not in {"city", "place"}}
    return entry_of(_present({**document, "questions": json.loads(document["questions"])}))


def _present(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}
