"""The journal: every event with its time, written before it is acted on, and the orders that came of it.

A journal is a chain of *segments*. Each begins with a header that carries the engine's snapshot; then lines
follow:

    {"n":7,"t":1772326800123,"e":{"type":"Tick"}}       event 7, learnt at t
    {"n":7,"o":[{"type":"Answer","call":"1.1"}]}        what the engine ordered on event 7 (nothing: no such
    line) {"gap":{"first":8,"lost":3,...}}                    events 8, 9 and 10 could not be written

Lines that can't be written (disk full, Redis gone) are kept in memory up to a bound and written later;
beyond it they are lost and the gap is marked. Nothing here ever holds up a call: `Journal.append` returns
in any case, and tells ``alarm`` what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from acd.messages import Command, Event, Millis
from hotline.logs import OwnersFault


class JournalFault(OwnersFault):
    """The journal can't be opened or read. One line: place, fault, remedy."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose journal it is: the city, the digest of its configuration, the program's version."""

    city: str
    digest: str
    program: str


@dataclass(frozen=True, slots=True)
class Options:
    """How a journal is kept. Durations in ms, sizes in bytes.

    ``sync_ms``: how often the file is forced to the disk (``None``: left to the system). ``segment_*``: a
    snapshot is due when the segment is as long or as old as this. ``keep_*``: older segments are deleted
    when there are more, older, or larger ones than this, all together; the newest two always stay.
    ``backlog_bytes``: how much is kept in memory while nothing can be written. ``wait_ms``: the longest
    that an append waits for Redis.
    """

    sync_ms: int | None = 200
    segment_bytes: int = 64 << 20
    segment_ms: Millis = 600_000
    keep_segments: int = 2_000
    keep_ms: Millis = 7 * 86_400_000
    keep_bytes: int = 4 << 30
    backlog_bytes: int = 32 << 20
    wait_ms: int = 50


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that were acted on and are not in the journal: ``lost`` of them from number ``first`` on."""

    first: int
    lost: int
    since: Millis
    until: Millis
    why: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """What the journal has to tell. ``trouble``: it can't write, lines wait in memory; ``gap``: events are
    being lost; ``well``: it writes again (if ``lost`` is not 0, a snapshot is due now)."""

    state: Literal["trouble", "gap", "well"]
    text: str
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Recovered:
    """The newest segment: restore ``snapshot`` (``None``: begin empty), then feed ``events`` in order.

    ``header``: who wrote it, ``None`` for a new journal. ``cut``: what was cut off at the end because it
    was only half written, in a sentence. ``gaps``: events that are missing among ``events``.
    """

    header: Header | None
    snapshot: bytes | None
    events: list[tuple[Millis, Event]]
    gaps: tuple[Gap, ...] = ()
    cut: str | None = None


class Journal(Protocol):
    """Where the events go. One program writes a journal, and uses it from one event loop."""

    @property
    def next(self) -> int:
        """The number that the next event will have."""
        ...

    async def recover(self) -> Recovered:
        """Read the newest segment and make ready for writing: called once, before anything else.

        Raises `JournalFault` for a damaged line (not for a half-written end), another city's journal, or a
        format of another time.
        """
        ...

    async def append(self, entries: Sequence[tuple[Millis, Event]]) -> range:
        """Write these events, each with the time at which it was learnt; returns their numbers.

        They are then in the system's hands (file) or acknowledged (Redis), or an alarm has been raised.
        """
        ...

    def note_orders(self, seq: int, commands: Sequence[Command]) -> None:
        """What the engine ordered on event ``seq``: written with the next append, or a moment later."""
        ...

    def snapshot_due(self, now: Millis) -> bool:
        """Is it time for `snapshot`: is the segment long or old, or are events missing from it?"""
        ...

    async def snapshot(self, state: bytes, now: Millis) -> bool:
        """Begin a new segment with the engine's state as it is when this is called.

        False: it could not be written (an alarm says why), and the old segment goes on.
        """
        ...

    async def close(self) -> None:
        """Write what is waiting and let the journal go."""
        ...


async def open_journal(
    where: str | Path,
    *,
    header: Header,
    alarm: Callable[[Alarm], None],
    options: Options | None = None,
) -> Journal:
    """Open the journal in a directory, or in Redis (``redis://host:port/db?stream=NAME``), for writing.

    ``alarm`` is called from the event loop and must neither block nor raise. Raises `JournalFault` when the
    journal can't be used, or another program writes it.
    """
    options = options or Options()
    if is_redis(where):
        from hotline.journal_redis import open_redis

        return await open_redis(str(where), header=header, alarm=alarm, options=options)
    from hotline.journal_file import open_file

    return await open_file(Path(where), header=header, alarm=alarm, options=options)


def is_redis(where: str | Path) -> bool:
    """Is this a Redis address, not a path? Raises `JournalFault` for an address of any other kind."""
    scheme, colon, _ = str(where).partition("://")
    if not colon:
        return False
    if scheme in {"redis", "rediss"}:
        return True
    raise JournalFault(
        f"journal {scheme}://: no such kind of journal; give a directory or redis://HOST:PORT/DB"
    )
