"""The journal in Redis: one stream of the same lines, in which a segment begins with its header.

Keys, ``NAME`` from ``redis://host:port/db?stream=NAME``: ``NAME`` the stream; ``NAME:segments`` a list of
the entries that are headers, as ``entry number:ms``; ``NAME:lock`` who writes. The entries have ids of our
own, ``<entry number>-1``, so that sending a batch again after a broken connection can't write it twice, and
a second writer can't get in between unnoticed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from acd.messages import Command, Event, Millis
from hotline.journal import Alarm, Gap, Header, JournalFault, Options, Recovered
from hotline.journal_lines import Lines, check_city, head_line, read_segment
from hotline.redis_link import ANSWER_S, LOCK_MS, Possession, address, connect, told

_BATCH_LINES, _BATCH_BYTES = 512, 1 << 20
_BACK_OFF_S = (0.05, 2.0)
_FAULTS = (RedisError, OSError, TimeoutError)


async def open_redis(
    where: str, *, header: Header, alarm: Callable[[Alarm], None], options: Options
) -> RedisJournal:
    """Take the stream into possession. Raises `JournalFault`."""
    url, stream, shown = address(where)
    try:
        client = connect(url)
    except ValueError as fault:
        raise JournalFault(f"journal {shown}: {fault}; give redis://HOST:PORT/DB?stream=NAME") from None
    journal = RedisJournal(client, stream, shown, header=header, alarm=alarm, options=options)
    try:
        await journal.possession.take()
    except _FAULTS as fault:
        await client.aclose()
        raise told(fault, shown) from None
    except JournalFault:
        await client.aclose()
        raise
    return journal


class RedisJournal:
    """See `hotline.journal.Journal`."""

    def __init__(
        self,
        client: Any,
        stream: str,
        shown: str,
        *,
        header: Header,
        alarm: Callable[[Alarm], None],
        options: Options,
    ) -> None:
        self._redis = client
        self._stream = stream
        self._shown = shown
        self._header = header
        self._alarm = alarm
        self._options = options
        self.possession = Possession(client, f"{stream}:lock", shown)
        self._lines = Lines(options.backlog_bytes)
        self._entry = 0
        """the number of the last entry that Redis has acknowledged"""
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        """who waits until so many lines more have been acknowledged, counted from the beginning"""
        self._put_lines = 0
        self._acked_lines = 0
        self._heads: deque[tuple[int, int, Millis]] = deque()
        """headers on their way: the line's place in the count, the first event's number, the time"""
        self._segments: deque[tuple[int, Millis]] = deque()
        self._size = 0
        self._begun: Millis | None = None
        self._incomplete = False
        self._trouble: str | None = None
        self._late = False
        self._gap_told = False
        self._stolen = False
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def next(self) -> int:
        return self._lines.next

    async def recover(self) -> Recovered:
        if self._tasks:
            raise AssertionError("a journal is recovered once")
        try:
            recovered = await self._recover()
        except _FAULTS as fault:
            raise told(fault, self._shown) from None
        self._tasks = [
            asyncio.create_task(self._write(), name="journal"),
            asyncio.create_task(self._keep_lock(), name="journal-lock"),
        ]
        return recovered

    async def append(self, entries: Sequence[tuple[Millis, Event]]) -> range:
        if not self._tasks:
            raise AssertionError("recover the journal before writing to it")
        lines, numbers = self._lines.number(entries)
        if self._begun is None and entries:
            self._begun = entries[0][0]
        self._put(lines, numbers, entries[-1][0] if entries else 0)
        if self._trouble is None and not self._late:
            await self._acknowledged()
        return numbers

    def note_orders(self, seq: int, commands: Sequence[Command]) -> None:
        self._lines.note(seq, commands)

    def snapshot_due(self, now: Millis) -> bool:
        if self._heads or self._trouble is not None:
            return False
        begun = now if self._begun is None else self._begun
        return (
            self._incomplete
            or self._size >= self._options.segment_bytes
            or now - begun >= self._options.segment_ms
        )

    async def snapshot(self, state: bytes, now: Millis) -> bool:
        if self._heads:
            return False  # one is on its way
        self._put(self._lines.closing_orders(), range(0), now)
        if self._trouble is not None:
            return False  # the backlog's room is for events
        line = head_line(self._header, self._lines.next, now, state)
        self._heads.append((self._put_lines, self._lines.next, now))
        self._incomplete, self._begun, self._size = False, now, 0
        # Past the bound if need be: a snapshot is one line, and there is at most one.
        self._lines.backlog.append(line)
        self._lines.size += len(line)
        self._put_lines += 1
        self._wake.set()
        place = self._put_lines
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((place, future))
        await asyncio.wait({future}, timeout=ANSWER_S * 2)
        return future.done() and not future.cancelled()

    async def close(self) -> None:
        self._put(self._lines.closing_orders(), range(0), 0)
        self._closing.set()
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ANSWER_S * 2)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*_FAULTS):
            await self.possession.release()
        with contextlib.suppress(*_FAULTS):
            await self._redis.aclose()

    # ── writing
    # ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, lines: list[bytes], numbers: range, now: Millis) -> None:
        if not lines:
            return
        if self._lines.unwritable:
            self._alarm(Alarm("gap", f"journal {self._shown}: {self._lines.unwritable}", 1))
            self._lines.unwritable = None
            self._incomplete = True
        before = len(self._lines.backlog)
        if not self._lines.keep(lines, numbers, now) and not self._gap_told:
            self._gap_told = self._incomplete = True
            why = self._trouble or "Redis is too slow"
            text = f"journal {self._shown}: events are being lost, memory for waiting ones is full; {why}"
            self._alarm(Alarm("gap", text, self._lines.lost))
        self._put_lines += len(self._lines.backlog) - before
        self._wake.set()

    async def _acknowledged(self) -> None:
        if self._acked_lines >= self._put_lines:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self._put_lines, future))
        done, _ = await asyncio.wait({future}, timeout=self._options.wait_ms / 1000)
        if not done and not self._late and self._trouble is None:
            # From here on nobody waits, until Redis has caught up.
            self._late = True
            why = f"no answer within {self._options.wait_ms} ms; calls go on, events wait in memory"
            self._alarm(Alarm("trouble", f"journal {self._shown}: {why}"))

    async def _write(self) -> None:
        """Send what waits; after a fault connect again, sooner then later. Ends when closed and all is
        sent."""
        pause = _BACK_OFF_S[0]
        while True:
            if not self._lines.backlog and not self._lines.lost:
                if self._closing.is_set():
                    return
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 0.2)
                self._put(self._lines.closing_orders(), range(0), 0)
                continue
            try:
                if self._trouble is not None:
                    await asyncio.wait_for(self._resume(), ANSWER_S)
                await asyncio.wait_for(self._send(), ANSWER_S)
            except _FAULTS as fault:
                self._in_trouble(str(told(fault, self._shown)))
                if self._closing.is_set():
                    return
                with contextlib.suppress(*_FAULTS):
                    await self._redis.connection_pool.disconnect()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), pause)
                pause = min(pause * 2, _BACK_OFF_S[1])
            else:
                pause = _BACK_OFF_S[0]

    async def _send(self) -> None:
        if not self._lines.backlog:
            gap = self._lines.mark_gap(self._trouble or "Redis is too slow")
            if gap is not None:
                self._put([gap], range(0), 0)
        batch: list[bytes] = []
        size = 0
        for line in self._lines.backlog:
            batch.append(line)
            size += len(line)
            if len(batch) == _BATCH_LINES or size >= _BATCH_BYTES:
                break
        # One transaction: all of the batch or, when Redis is full, nothing. A hole could not be filled later.
        pipe = self._redis.pipeline(transaction=True)
        for entry, line in enumerate(batch, start=self._entry + 1):
            pipe.xadd(self._stream, {"l": line}, id=f"{entry}-1")
        head = self._heads[0] if self._heads and self._heads[0][0] < self._acked_lines + len(batch) else None
        if head is not None:
            entry = self._entry + 1 + head[0] - self._acked_lines
            # Twice when the batch is sent twice: once all the same.
            pipe.lrem(f"{self._stream}:segments", 0, f"{entry}:{head[2]}")
            pipe.rpush(f"{self._stream}:segments", f"{entry}:{head[2]}")
        answers = await pipe.execute(raise_on_error=False)
        await self._judge(batch, answers)
        self._entry += len(batch)
        self._acked_lines += len(batch)
        self._size += size
        self._lines.written(len(batch))
        while self._waiting and self._waiting[0][0] <= self._acked_lines:
            future = self._waiting.popleft()[1]
            if not future.done():
                future.set_result(None)
        if head is not None:
            self._heads.popleft()
            self._segments.append((entry, head[2]))
            await self._retire(head[2])
        if not self._lines.backlog and not self._lines.lost and (self._trouble is not None or self._late):
            self._trouble, self._late, self._gap_told = None, False, False
            lost = int(self._incomplete)
            self._alarm(Alarm("well", f"journal {self._shown}: the journal is written again", lost))

    async def _judge(self, batch: list[bytes], answers: list[object]) -> None:
        """A batch that was sent before, but not acknowledged, is there already; anything else there is a
        stranger's."""
        faults = [answer for answer in answers[: len(batch)] if isinstance(answer, Exception)]
        if not faults:
            return
        if not all(isinstance(fault, ResponseError) and "equal or smaller" in str(fault) for fault in faults):
            raise faults[0]
        found = await self._redis.xrange(
            self._stream, f"{self._entry + 1}-0", f"{self._entry + len(batch)}-9", count=len(batch)
        )
        if [fields.get(b"l") for _, fields in found] != batch:
            self._stolen = True
            raise ResponseError("another program has written to this stream; stop one of the two")

    async def _resume(self) -> None:
        """Connected again: is the stream still ours, and is all there that was acknowledged?"""
        if not await self.possession.renew():
            self._stolen = True
        if self._stolen:
            raise ResponseError("another program writes this journal; stop one of the two")
        last = await self._redis.xrevrange(self._stream, count=1)
        there = _entry_of(last[0][0]) if last else 0
        if there < self._entry:
            self._incomplete = True
            self._alarm(
                Alarm(
                    "gap",
                    f"journal {self._shown}: Redis lost {self._entry - there} lines that it had acknowledged",
                )
            )
            self._entry = max(there, 0)

    def _in_trouble(self, why: str) -> None:
        if self._trouble is None:
            self._alarm(Alarm("trouble", f"{why}; calls go on, events wait in memory"))
        self._trouble = why
        while self._waiting:
            future = self._waiting.popleft()[1]
            if not future.done():
                future.cancel()

    # ── segments and the lock
    # ────────────────────────────────────────────────────────────────────────────────────

    async def _recover(self) -> Recovered:
        last = await self._redis.xrevrange(self._stream, count=1)
        self._entry = _entry_of(last[0][0]) if last else 0
        await self._list_segments()
        lines = (
            await segment_lines(self._redis, self._stream, self._segments[-1][0]) if self._segments else []
        )
        if not lines:
            cut = None
            if last:
                cut = f"journal {self._shown}: {self._entry} entries without a header left out"
                self._segments.clear()
                await self._redis.delete(f"{self._stream}:segments")
            line = head_line(self._header, 0, 0, None)
            pipe = self._redis.pipeline(transaction=True)
            pipe.xadd(self._stream, {"l": line}, id=f"{self._entry + 1}-1")
            pipe.rpush(f"{self._stream}:segments", f"{self._entry + 1}:0")
            await pipe.execute()
            self._entry += 1
            self._segments.append((self._entry, 0))
            return Recovered(None, None, [], (), cut)
        segment, _ = read_segment(f"journal {self._shown}", lines, lambda _: True)
        check_city(segment.head, self._header, f"journal {self._shown}")
        self._size = sum(map(len, lines))
        self._begun = segment.head.t or None
        self._incomplete = bool(segment.gaps)
        self._lines.next = segment.next
        events = [(now, event) for _, now, event in segment.events]
        gaps: tuple[Gap, ...] = tuple(segment.gaps)
        return Recovered(segment.head.header, segment.head.snapshot(), events, gaps, segment.cut)

    async def _list_segments(self) -> None:
        self._segments.clear()
        for item in await self._redis.lrange(f"{self._stream}:segments", 0, -1):
            entry, _, at = item.partition(b":")
            self._segments.append((int(entry), int(at)))

    async def _retire(self, now: Millis) -> None:
        """Delete the segments that are too many or too old."""
        keep = self._options
        while len(self._segments) > 2 and (
            len(self._segments) > keep.keep_segments or now - self._segments[1][1] > keep.keep_ms
        ):
            entry, at = self._segments[0]
            pipe = self._redis.pipeline(transaction=True)
            pipe.lrem(f"{self._stream}:segments", 0, f"{entry}:{at}")
            pipe.xtrim(self._stream, minid=f"{self._segments[1][0]}-0", approximate=False)
            await pipe.execute()
            self._segments.popleft()

    async def _keep_lock(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOCK_MS / 3000)
            try:
                held = await self.possession.renew()
            except _FAULTS:
                continue  # the writer tells of it as soon as there is something to write
            if not held and not self._stolen:
                self._stolen = True
                self._in_trouble(f"journal {self._shown}: another program writes it now; stop one of the two")


async def segment_lines(client: Any, stream: str, first: int) -> list[bytes]:
    """The lines of a segment from its header's entry to the stream's end, without newlines."""
    lines: list[bytes] = []
    begin = f"{first}-0"
    while True:
        found = await client.xrange(stream, begin, "+", count=2_000)
        lines += [fields.get(b"l", b"").rstrip(b"\n") for _, fields in found]
        if len(found) < 2_000:
            return lines
        begin = b"(" + found[-1][0]


def _entry_of(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
