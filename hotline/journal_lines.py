"""A journal's lines: how an event, its orders, a gap and a segment's header are written, read and kept
waiting."""

from __future__ import annotations

import base64
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from acd.messages import Command, Event, Millis, encode
from hotline.journal import Gap, Header, JournalFault

FORMAT = 1


class Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a segment: an event, the orders on one, or a gap."""

    n: int | None = None
    t: Millis | None = None
    e: Event | None = None
    o: list[Command] | None = None
    gap: Gap | None = None


class Head(msgspec.Struct, forbid_unknown_fields=True):
    """A segment's first line. ``n``: the number of its first event; ``state``: the snapshot in base64,
    ``crc`` its CRC-32."""

    journal: int
    city: str
    digest: str
    program: str
    n: int
    t: Millis
    state: str | None = None
    crc: int = 0

    @property
    def header(self) -> Header:
        return Header(self.city, self.digest, self.program)

    def snapshot(self) -> bytes | None:
        """The engine's state. Raises ``ValueError`` when it is damaged."""
        if self.state is None:
            return None
        state = base64.b64decode(self.state, validate=True)
        if zlib.crc32(state) != self.crc:
            raise ValueError("the snapshot's checksum is wrong")
        return state


class _Format(msgspec.Struct):
    journal: int


_lines = msgspec.json.Decoder(Line)
_heads = msgspec.json.Decoder(Head)
_formats = msgspec.json.Decoder(_Format)


def head_line(header: Header, first: int, now: Millis, state: bytes | None) -> bytes:
    """A segment's first line, newline included."""
    head = Head(
        journal=FORMAT,
        city=header.city,
        digest=header.digest,
        program=header.program,
        n=first,
        t=now,
        state=None if state is None else base64.b64encode(state).decode(),
        crc=0 if state is None else zlib.crc32(state),
    )
    return msgspec.json.encode(head) + b"\n"


def read_head(line: bytes, place: str) -> Head:
    """The header that ``head_line`` wrote. ``place`` is named in the `JournalFault` that is raised for
    anything else."""
    try:
        form = _formats.decode(line).journal
        if form != FORMAT:
            raise JournalFault(
                f"{place}: format {form}, this program reads {FORMAT}; use the program that wrote it"
            )
        head = _heads.decode(line)
        head.snapshot()
    except ValueError as fault:
        raise JournalFault(
            f"{place}: damaged header ({fault}); move this segment away to go back to the one before it"
        ) from None
    return head


class Damaged(Exception):
    """A line that is none."""


def read_line(line: bytes) -> Line:
    """One line of a segment. Raises `Damaged`."""
    try:
        read = _lines.decode(line)
    except ValueError as fault:
        raise Damaged(str(fault)) from None
    whole = (
        (read.gap is not None and read.n is None and read.e is None and read.o is None)
        or (read.e is not None and read.n is not None and read.t is not None and read.o is None)
        or (read.o is not None and read.n is not None and read.e is None)
    )
    if not whole:
        raise Damaged("neither an event nor orders nor a gap")
    return read


@dataclass(slots=True)
class Segment:
    """One segment as read. ``orders_until``: the number of the last event whose orders are known to be
    complete."""

    place: str
    head: Head
    events: list[tuple[int, Millis, Event]]
    orders: dict[int, list[Command]]
    gaps: list[Gap]
    cut: str | None = None
    orders_until: int = -1

    @property
    def next(self) -> int:
        after = [self.head.n, *(gap.first + gap.lost for gap in self.gaps[-1:])]
        return max(after + [n + 1 for n, _, _ in self.events[-1:]])


def read_segment(place: str, lines: Sequence[bytes], whole: Callable[[int], bool]) -> tuple[Segment, int]:
    """Read a segment's lines, without newlines; returns it and how many of ``lines`` are good.

    ``whole(i)``: did line i end with its newline? A bad end (nothing good follows it) is what a power cut
    leaves: it is left out and said in ``cut``. A bad line with good ones after it raises `JournalFault`
    with the line's number.
    """
    if not lines:
        raise JournalFault(f"{place}: empty; move this segment away to go back to the one before it")
    head = read_head(lines[0], f"{place}:1")
    segment = Segment(place, head, [], {}, [], orders_until=head.n - 1)
    expected = head.n
    for number, raw in enumerate(lines[1:], start=2):
        try:
            if not whole(number - 1):
                raise Damaged("it has no end")  # noqa: TRY301  treated like the other damage
            line = read_line(raw)
        except Damaged as fault:
            if any(_is_line(later) for later in lines[number:]):
                raise JournalFault(f"{place}:{number}: damaged line ({fault}); {_remedy(number)}") from None
            rest = len(lines) - number + 1
            cut = "a half-written line" if rest == 1 else f"{rest} half-written lines"
            segment.cut = f"{place}:{number}: {cut} at the end left out ({fault})"
            return segment, number - 1
        if line.gap is not None:
            segment.gaps.append(line.gap)
            expected = line.gap.first + line.gap.lost
        elif line.o is not None and line.n is not None:
            segment.orders[line.n] = line.o
            segment.orders_until = max(segment.orders_until, line.n)
        elif line.e is not None and line.n is not None and line.t is not None:
            if line.n != expected:
                raise JournalFault(
                    f"{place}:{number}: event {line.n} where {expected} should be: lines missing;"
                    f" {_remedy(number)}"
                )
            expected += 1
            segment.events.append((line.n, line.t, line.e))
    return segment, len(lines)


def _remedy(number: int) -> str:
    return f"restore it from a copy, or keep what stands before it (head -n {number - 1})"


def _is_line(raw: bytes) -> bool:
    try:
        read_line(raw)
    except Damaged:
        return False
    return True


def check_city(head: Head, header: Header, place: str) -> None:
    """Raises `JournalFault` when the segment is another city's."""
    if head.city != header.city:
        raise JournalFault(
            f"{place}: the journal is {head.city}'s, not {header.city}'s; give each city a journal of its own"
        )


class Lines:
    """Numbers events and turns them and their orders into lines; keeps the lines that can't be written yet.

    The backlog is bounded: beyond ``limit`` bytes new lines are dropped and counted, until all that is
    waiting has been written; a line that marks the gap follows it.
    """

    def __init__(self, limit: int) -> None:
        self.next = 0
        self.backlog: deque[bytes] = deque()
        self.size = 0
        self.limit = limit
        self.lost = 0
        self.unwritable: str | None = None
        self._lost_first = 0
        self._lost_since = 0
        self._lost_until = 0
        self._orders: list[bytes] = []
        self._noted = -1
        self._told = -1

    def number(self, entries: Sequence[tuple[Millis, Event]]) -> tuple[list[bytes], range]:
        """Lines for these events, led by the orders noted before them."""
        lines = self.orders()
        first = self.next
        for now, event in entries:
            try:
                lines.append(b'{"n":%d,"t":%d,"e":%b}\n' % (self.next, now, encode(event)))
            except (ValueError, TypeError) as fault:
                # Half a character, say: a fault of ours, which must not stop the calls.
                why = f"event {type(event).__name__} can't be written: {fault}"
                lines.append(_gap_line(Gap(self.next, 1, now, now, why)))
                self.unwritable = why
            self.next += 1
        return lines, range(first, self.next)

    def note(self, seq: int, commands: Sequence[Command]) -> None:
        """Keep the orders on event ``seq`` for the next write."""
        self._noted = seq
        if commands:
            try:
                self._orders.append(b'{"n":%d,"o":%b}\n' % (seq, encode(list(commands))))
            except (ValueError, TypeError) as fault:
                self.unwritable = f"orders on event {seq} can't be written: {fault}"
            else:
                self._told = seq

    def orders(self) -> list[bytes]:
        """The lines of the orders noted so far."""
        orders, self._orders = self._orders, []
        return orders

    def closing_orders(self) -> list[bytes]:
        """Those, and a line that says up to which event there were no more."""
        orders = self.orders()
        if self._noted > self._told:
            self._told = self._noted
            orders.append(b'{"n":%d,"o":[]}\n' % self._noted)
        return orders

    def keep(self, lines: Sequence[bytes], numbers: range, now: Millis) -> bool:
        """Keep lines for later; False when they were dropped because there is no more room."""
        size = sum(map(len, lines))
        if not self.lost and self.size + size <= self.limit:
            self.backlog.extend(lines)
            self.size += size
            return True
        if not numbers:
            return True
        if not self.lost:
            self._lost_first, self._lost_since = numbers[0], now
        self.lost += len(numbers)
        self._lost_until = now
        return False

    def written(self, count: int) -> None:
        """The first ``count`` lines of the backlog have been written."""
        for _ in range(count):
            self.size -= len(self.backlog.popleft())

    def mark_gap(self, why: str) -> bytes | None:
        """The line for what was lost, once the backlog is empty; from then on lines are kept again."""
        if not self.lost:
            return None
        line = _gap_line(Gap(self._lost_first, self.lost, self._lost_since, self._lost_until, why))
        self.lost = 0
        return line

    def forget(self) -> None:
        """All that waits is in a snapshot now."""
        self.backlog.clear()
        self.size = self.lost = 0


def _gap_line(gap: Gap) -> bytes:
    return b'{"gap":%b}\n' % msgspec.json.encode(gap)
