"""The journal fed to a new engine once more: does it give the same orders, and what happened to a call?

Each segment begins with its own snapshot, so each is replayed by itself. After a gap in a segment nothing
is compared until the next one: the engine of that day knew events that the journal does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Protocol

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from acd.messages import CallId, CallRecord, Command, Event, Millis, encode
from dialplans.hours import SHANGHAI
from hotline.journal import Header, JournalFault, is_redis
from hotline.journal_file import read_file, segment_paths
from hotline.journal_lines import Segment, read_segment
from hotline.logs import mask_number, masked
from hotline.redis_link import address, told


class ReplayEngine(Protocol):
    """What is replayed: `acd.engine.Engine`."""

    def receive(self, event: Event, now: Millis, /) -> list[Command]: ...

    def restore(self, snapshot: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the journal itself: a segment begins, events are missing."""

    text: str

    def line(self, _zone: tzinfo = SHANGHAI) -> str:
        return f"── {self.text}"

    def as_dict(self) -> dict[str, Any]:
        return {"note": self.text}


@dataclass(frozen=True, slots=True)
class Step:
    """One event, and what was ordered on it.

    ``written``: the orders in the journal, ``None`` where they are not known (the program ended before it
    wrote them). ``difference``: how the orders differ, in a sentence; told of the first step only that
    does.
    """

    place: str
    seq: int
    now: Millis
    event: Event
    ordered: tuple[Command, ...]
    written: tuple[Command, ...] | None
    difference: str | None = None

    def line(self, zone: tzinfo = SHANGHAI) -> str:
        """Time in the city's zone, what happened, what was ordered, why. Callers' numbers are masked."""
        orders = "; ".join(map(told_of, self.ordered)) or "nothing"
        line = f"{_clock(self.now, zone)}  #{self.seq}  {told_of(self.event)}  =>  {orders}"
        return f"{line}\n   DIFFERENT: {self.difference}" if self.difference else line

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``, complete: numbers are not masked."""
        return {
            "n": self.seq,
            "t": self.now,
            "event": msgspec.json.decode(encode(self.event)),
            "ordered": [msgspec.json.decode(encode(order)) for order in self.ordered],
            "written": None
            if self.written is None
            else [msgspec.json.decode(encode(o)) for o in self.written],
            "difference": self.difference,
        }


def replay(
    where: str | Path,
    make_engine: Callable[[Header], ReplayEngine],
    call: CallId | None = None,
) -> Iterator[Step | Note]:
    """Replay a journal: a directory, one file of it, or ``redis://``.

    ``make_engine`` gives an empty engine for a segment with this header (its digest tells whether the
    city's configuration is the same). ``call``: only the steps that have to do with this call are yielded,
    and the first difference, wherever it is. Raises `JournalFault` when the journal can't be read.
    """
    different = False
    for segment in read_segments(where):
        head = segment.head
        engine = make_engine(head.header)
        state = head.snapshot()
        begins = "empty" if state is None else f"a snapshot of {len(state)} bytes"
        yield Note(f"{segment.place}: {head.city}, written by {head.program}, begins with {begins}")
        if state is not None:
            engine.restore(state)
        gaps = list(segment.gaps)
        known = True
        for seq, now, event in segment.events:
            while gaps and gaps[0].first <= seq:
                gap = gaps.pop(0)
                known = False
                yield Note(
                    f"{gap.lost} events from #{gap.first} on are missing ({gap.why}); not compared from here"
                )
            try:
                ordered = tuple(engine.receive(event, now))
            except Exception as fault:  # noqa: BLE001  whatever it is, it is what is looked for
                why = f"the engine failed: {type(fault).__name__}: {fault}"
                yield Step(segment.place, seq, now, event, (), None, why)
                return
            written = tuple(segment.orders.get(seq, ())) if seq <= segment.orders_until else None
            difference = None
            if known and not different and written is not None and written != ordered:
                difference = f"{segment.place} event {seq}: {first_difference(written, ordered)}"
                different = True
            if difference or call is None or concerns(call, event, ordered, written or ()):
                yield Step(segment.place, seq, now, event, ordered, written, difference)
        for gap in gaps:
            yield Note(f"{gap.lost} events from #{gap.first} on are missing ({gap.why})")
        if segment.cut:
            yield Note(segment.cut)


def read_segments(where: str | Path) -> Iterator[Segment]:
    """A journal's segments, oldest first. Raises `JournalFault`. May be read while another program writes."""
    if is_redis(where):
        yield from _read_redis(str(where))
        return
    path = Path(where)
    if path.is_file():
        yield read_file(path)[0]
        return
    paths = segment_paths(path)
    if not paths:
        raise JournalFault(f"{path}: no journal is there; give its directory, one of its files, or redis://…")
    for segment in paths:
        yield read_file(segment)[0]


def _read_redis(where: str) -> Iterator[Segment]:
    url, stream, shown = address(where)
    try:
        client = redis.Redis.from_url(url, socket_timeout=10, retry=Retry(NoBackoff(), 0))
        with client:
            entries: list[str] = [item.decode().partition(":")[0] for item in _listed(client, stream)]
            if not entries:
                raise JournalFault(f"journal {shown}: no journal is there; give its ?stream=NAME")
            for entry, after in zip(entries, [*(f"({later}-0" for later in entries[1:]), "+"], strict=True):
                lines = _lines(client, stream, f"{entry}-0", after)
                yield read_segment(f"journal {shown} from {entry}", lines, lambda _: True)[0]
    except (redis.RedisError, OSError, ValueError) as fault:
        raise told(fault, shown) from None


def _listed(client: Any, stream: str) -> list[bytes]:
    listed: list[bytes] = client.lrange(f"{stream}:segments", 0, -1)
    return listed


def _lines(client: Any, stream: str, begin: str | bytes, end: str) -> list[bytes]:
    lines: list[bytes] = []
    while True:
        found = client.xrange(stream, begin, end, count=2_000)
        lines += [fields.get(b"l", b"").rstrip(b"\n") for _, fields in found]
        if len(found) < 2_000:
            return lines
        begin = b"(" + found[-1][0]


def first_difference(written: Sequence[Command], ordered: Sequence[Command]) -> str:
    """Where two lists of orders part, in a sentence."""
    for place, (then, now) in enumerate(zip(written, ordered, strict=False), start=1):
        if then != now:
            return f"order {place} was [{told_of(then)}] and is now [{told_of(now)}]"
    if len(written) > len(ordered):
        return f"order {len(ordered) + 1} was [{told_of(written[len(ordered)])}] and is missing now"
    return f"order {len(written) + 1} is [{told_of(ordered[len(written)])}] now, and was not given then"


def concerns(call: CallId, event: Event, *orders: Sequence[Command]) -> bool:
    """Has this event, or one of these orders, to do with the call?"""
    return any(call in _calls(message) for message in (event, *(order for some in orders for order in some)))


def _calls(message: object) -> set[object]:
    found = {getattr(message, "call", None), getattr(getattr(message, "record", None), "call", None)}
    return found | {seen.call for seen in getattr(message, "channels", ())}


def told_of(message: Event | Command) -> str:
    """An event or an order in words, the numbers of callers masked."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(message).__name__).lower()
    details, why = [], ""
    for field in msgspec.structs.fields(message):
        value = getattr(message, field.name)
        if field.name == "because":
            why = f" because {value}" if value else ""
        elif field.name == "call":
            name = f"{value} {name}"
        elif isinstance(value, CallRecord):
            name = f"{value.call} {name}"
            details.append(value.disposition)
            why = f" because {'; '.join(value.because)}" if value.because else ""
        elif value != field.default:
            details.append(_detail(field.name, value))
    return name + (f" ({', '.join(details)})" if details else "") + why


def _detail(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name.replace("_", " ") if value else f"not {name.replace('_', ' ')}"
    if name.endswith("_ms") and isinstance(value, int):
        return f"{name.removesuffix('_ms')} {value / 1000:g} s"
    if isinstance(value, tuple):
        value = " + ".join(masked(str(item)) for item in value)
    elif name == "caller":
        value = mask_number(str(value))
    elif name == "name":
        value = masked(str(value))
    return f"{name.replace('_', ' ')} {value}"


def _clock(now: Millis, zone: tzinfo) -> str:
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now)).astimezone(zone)
    return at.isoformat(sep=" ", timespec="milliseconds")
