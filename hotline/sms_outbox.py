"""The outbox of SMS in the program's database: what is to be sent, what became of it, and who wants no more."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from acd.messages import Millis
from hotline.records import RecordStore
from hotline.records_schema import sms_opt_out, sms_outbox
from hotline.sms import (
    DAY_MS,
    Message,
    Policy,
    SendSms,
    State,
    accept,
    before,
    message_id,
    mobile,
    verdict,
)

_T = TypeVar("_T")
# Any number: whoever takes SMS to send holds this advisory lock, with the city's, on PostgreSQL.
_CLAIM_LOCK = 12345


class Outbox:
    """One city's SMS. Each method is one transaction, on the disk when it returns, and raises `RecordsFault`."""

    def __init__(self, store: RecordStore, city: str) -> None:
        self._store = store
        self.city = city

    async def add(self, asked: SendSms, policy: Policy, now: Millis) -> Message:
        """Take an SMS in: queued, or refused with its reason. A key that is there already stays as it was."""
        id_ = message_id(self.city, asked.key) if asked.key else str(uuid.uuid4())
        found: list[Message] = []

        def work(connection: sa.Connection) -> None:
            out = self._opted_out(connection, [mobile(asked.number) or ""])
            made = accept(self.city, asked, id_, policy, opted_out=bool(out), now=now)
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            row = {name: _clean(value) for name, value in msgspec.structs.asdict(made).items()}
            connection.execute(insert(sms_outbox).values(row).on_conflict_do_nothing())
            kept = connection.execute(sa.select(sms_outbox).where(self._is(id_))).mappings().one()
            found.append(_message(kept))

        await self._store.change(work)
        return found[0]

    async def due(self, now: Millis) -> bool:
        """Is there anything to be done?"""
        query = sa.select(sa.literal(1)).where(self._open(), sms_outbox.c.due <= now).limit(1)
        return await self._store.look(lambda connection: connection.execute(query).first() is not None)

    async def claim(
        self, most: int, policy: Policy, *, now: Millis, lease_ms: Millis, busy: Collection[str] = ()
    ) -> list[Message]:
        """Take up to ``most`` SMS for sending, the urgent and the older first; nobody else gets them for ``lease_ms``.

        What is expired, opted out or beyond a limit on the way is dealt with. ``busy``: ids that this program is at.
        """
        taken: list[Message] = []

        def work(connection: sa.Connection) -> None:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    sa.text("SELECT pg_advisory_xact_lock(:lock, hashtext(:city))"),
                    {"lock": _CLAIM_LOCK, "city": self.city},
                )
            c = sms_outbox.c
            query = sa.select(sms_outbox).where(self._open(), c.due <= now, c.id.not_in(list(busy)))
            query = query.order_by(c.urgent.desc(), c.due, c.created, c.id).limit(max(most, 1) * 4)
            rows = [_message(row) for row in connection.execute(query).mappings()]
            numbers = sorted({row.number for row in rows})
            out = self._opted_out(connection, numbers)
            earlier: dict[str, list[Millis]] = {}
            tried = sa.select(c.number, c.tried).where(
                c.city == self.city, c.number.in_(numbers), c.tried > now - DAY_MS
            )
            for number, at in connection.execute(tried):
                earlier.setdefault(number, []).append(at)
            for row in rows:
                told = verdict(row, earlier.get(row.number, ()), policy, opted_out=row.number in out, now=now)
                if told.state is not State.SENDING:
                    self._set(
                        connection, row.id, state=told.state, due=told.due, reason=told.reason, changed=now
                    )
                    continue
                if len(taken) >= most:
                    continue
                if row.tried is None:
                    earlier.setdefault(row.number, []).append(now)
                values: dict[str, Any] = {
                    "state": State.SENDING, "due": now + lease_ms, "tries": row.tries + 1,
                    "tried": now if row.tried is None else row.tried, "changed": now,
                }  # fmt: skip
                self._set(connection, row.id, **values)
                taken.append(msgspec.structs.replace(row, **values))

        await self._store.change(work)
        return taken

    async def sent(self, message: Message, provider_id: str | None, now: Millis) -> None:
        """The provider has taken it: a fact, whoever else has it in hand by now."""
        values = {"state": State.SENT, "reason": "", "provider_id": _clean(provider_id), "changed": now}

        def work(connection: sa.Connection) -> None:
            where = sms_outbox.c.state.in_(before(State.SENT))
            self._set(connection, message.id, where, **values)
            # a report that came before this answer has said more
            known = sms_outbox.c.provider_id.is_(None)
            self._set(connection, message.id, known, provider_id=_clean(provider_id))

        await self._store.change(work)

    async def not_sent(
        self, message: Message, state: State, reason: str, now: Millis, due: Millis = 0
    ) -> None:
        """This try did not bring it to the provider: tried again at ``due`` (``QUEUED``), or given up. It says nothing
        when somebody else has taken it up since."""
        ours = (sms_outbox.c.state == State.SENDING) & (sms_outbox.c.tries == message.tries)

        def work(connection: sa.Connection) -> None:
            self._set(connection, message.id, ours, state=state, reason=_clean(reason), due=due, changed=now)

        await self._store.change(work)

    async def report(self, reports: Sequence[tuple[str, State, str]], now: Millis) -> int:
        """What became of SMS by the provider's word, under our id or its own. Returns how many it moved."""
        moved = 0

        def work(connection: sa.Connection) -> None:
            nonlocal moved
            moved = 0
            c = sms_outbox.c
            for id_, state, reason in reports:
                known = (c.id == _clean(id_)) | (c.provider_id == _clean(id_))
                where = (c.city == self.city, known, c.state.in_(before(state)))
                change = sa.update(sms_outbox).where(*where)
                done = connection.execute(change.values(state=state, reason=_clean(reason), changed=now))
                moved += done.rowcount

        await self._store.change(work)
        return moved

    async def retry(self, ids: Sequence[str], policy: Policy, now: Millis) -> int:
        """Put those that failed back in the queue, under the same ids; without ids all. Returns how many."""
        moved = 0

        def work(connection: sa.Connection) -> None:
            nonlocal moved
            where = [sms_outbox.c.city == self.city, sms_outbox.c.state == State.FAILED]
            if ids:
                where.append(sms_outbox.c.id.in_(list(ids)))
            values = {"due": now, "expires": now + policy.expires_ms, "tries": 0, "changed": now}
            done = connection.execute(
                sa.update(sms_outbox).where(*where).values(state=State.QUEUED, reason="", **values)
            )
            moved = done.rowcount

        await self._store.change(work)
        return moved

    async def opt_out(self, number: str, how: str, now: Millis) -> None:
        """Nothing is sent to this number any more, what waits neither."""

        def work(connection: sa.Connection) -> None:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            row = {"city": self.city, "number": _clean(number), "since": now, "how": how}
            connection.execute(insert(sms_opt_out).values(row).on_conflict_do_nothing())

        await self._store.change(work)

    async def opt_in(self, number: str) -> bool:
        """The owner of the number wants SMS again. False: it had not opted out."""
        done = False

        def work(connection: sa.Connection) -> None:
            nonlocal done
            where = (sms_opt_out.c.city == self.city, sms_opt_out.c.number == number)
            done = connection.execute(sa.delete(sms_opt_out).where(*where)).rowcount > 0

        await self._store.change(work)
        return done

    async def read(
        self, *, state: State | None = None, number: str | None = None, limit: int | None = None
    ) -> list[Message]:
        """The SMS, the newest first."""
        query = sa.select(sms_outbox).where(sms_outbox.c.city == self.city)
        for column, wanted in ((sms_outbox.c.state, state), (sms_outbox.c.number, number)):
            if wanted is not None:
                query = query.where(column == wanted)
        query = query.order_by(sms_outbox.c.created.desc(), sms_outbox.c.id).limit(limit)
        return await self._store.look(
            lambda connection: [_message(row) for row in connection.execute(query).mappings()]
        )

    def _open(self) -> sa.ColumnElement[bool]:
        states = sms_outbox.c.state.in_([State.QUEUED, State.SENDING])
        return (sms_outbox.c.city == self.city) & states

    def _is(self, id_: str) -> sa.ColumnElement[bool]:
        return (sms_outbox.c.city == self.city) & (sms_outbox.c.id == id_)

    def _set(
        self, connection: sa.Connection, id_: str, *where: sa.ColumnElement[bool], **values: Any
    ) -> None:
        connection.execute(sa.update(sms_outbox).where(self._is(id_), *where).values(**values))

    def _opted_out(self, connection: sa.Connection, numbers: Sequence[str]) -> set[str]:
        where = (sms_opt_out.c.city == self.city, sms_opt_out.c.number.in_(list(numbers)))
        return set(connection.execute(sa.select(sms_opt_out.c.number).where(*where)).scalars())


def _message(row: sa.RowMapping) -> Message:
    return Message(**{**row, "state": State(row["state"])})


def _clean(value: _T) -> _T | str:
    # PostgreSQL takes no NUL, neither database half a character.
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return value
