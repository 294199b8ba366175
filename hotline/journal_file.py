"""The journal in a directory: one file of JSON lines a segment, named by the number of its first event.

An append is one ``write`` to the end of the newest file, from the event loop: some microseconds into the
system's memory, which survives the program's death. A thread forces it to the disk every
``Options.sync_ms``, for the power cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from acd.messages import Command, Event, Millis
from hotline.journal import Alarm, Header, JournalFault, Options, Recovered
from hotline.journal_lines import Lines, Segment, check_city, head_line, read_segment

_IDLE_MS = 200  # how often waiting orders and lines are written when no event comes
_AGAIN_MS = 10_000  # how long after a failed snapshot the next one is due


def segment_paths(directory: Path) -> list[Path]:
    """A journal's segments, oldest first."""
    return sorted(directory.glob("[0-9]*.jsonl"))


def read_file(path: Path) -> tuple[Segment, int]:
    """Read one segment; returns it and how many bytes of the file are good. Raises `JournalFault`."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise JournalFault(f"{path}: {fault.strerror}; make it readable for this user") from None
    lines = data.split(b"\n")
    complete = len(lines) - 1
    if not lines[-1]:
        lines.pop()
    segment, good = read_segment(str(path), lines, lambda index: index < complete)
    return segment, sum(len(line) + 1 for line in lines[:good])


async def open_file(
    directory: Path, *, header: Header, alarm: Callable[[Alarm], None], options: Options
) -> FileJournal:
    """Take the directory into possession. Raises `JournalFault`."""
    lock = await asyncio.to_thread(_lock, directory)
    return FileJournal(directory, lock, header, alarm, options)


class FileJournal:
    """See `hotline.journal.Journal`."""

    def __init__(
        self, directory: Path, lock: int, header: Header, alarm: Callable[[Alarm], None], options: Options
    ) -> None:
        self._directory = directory
        self._lock = lock
        self._header = header
        self._alarm = alarm
        self._options = options
        self._lines = Lines(options.backlog_bytes)
        self._fd: int | None = None
        self._size = 0
        self._torn = False
        self._dirty = False
        self._trouble: str | None = None
        self._gap_told = False
        self._incomplete = False
        self._begun: Millis | None = None
        self._not_before: Millis = 0
        self._since: list[bytes] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    @property
    def next(self) -> int:
        return self._lines.next

    async def recover(self) -> Recovered:
        if self._fd is not None:
            raise AssertionError("a journal is recovered once")
        recovered = await asyncio.to_thread(self._recover)
        self._keeper = asyncio.create_task(self._keep(), name="journal")
        return recovered

    async def append(self, entries: Sequence[tuple[Millis, Event]]) -> range:
        if self._fd is None:
            raise AssertionError("recover the journal before writing to it")
        lines, numbers = self._lines.number(entries)
        if self._begun is None and entries:
            self._begun = entries[0][0]
        self._put(lines, numbers, entries[-1][0] if entries else 0)
        return numbers

    def note_orders(self, seq: int, commands: Sequence[Command]) -> None:
        self._lines.note(seq, commands)

    def snapshot_due(self, now: Millis) -> bool:
        if now < self._not_before:
            return False
        begun = now if self._begun is None else self._begun
        return (
            self._incomplete
            or self._size >= self._options.segment_bytes
            or now - begun >= self._options.segment_ms
        )

    async def snapshot(self, state: bytes, now: Millis) -> bool:
        # What was ordered before belongs to the old segment; what comes from here on goes to both, until
        # the new one is complete: at no instant is there a segment that lacks an event.
        if self._since is not None:
            return False  # one is being written
        self._put(self._lines.closing_orders(), range(0), now)
        first = self._lines.next
        self._since = since = list[bytes]()
        temporary = self._directory / f"{first:012d}.new"
        try:
            fd, size = await asyncio.to_thread(_write_new, temporary, self._header, first, now, state)
            tail = b"".join(since)
            _write_tail(fd, tail, temporary)
        except OSError as fault:
            self._not_before = now + _AGAIN_MS
            self._alarm(Alarm("trouble", f"{temporary}: no snapshot: {_remedy(fault)}"))
            return False
        finally:
            self._since = None
        old, self._fd = self._fd, fd
        self._size, self._dirty, self._torn = size + len(tail), True, False
        self._begun, self._not_before, self._incomplete = now, 0, False
        self._lines.forget()
        self._well()
        await asyncio.to_thread(self._retire, old, now)
        return True

    async def close(self) -> None:
        self._closed.set()
        if self._keeper is not None:
            await self._keeper
        if self._fd is not None:
            self._put(self._lines.closing_orders(), range(0), 0)
            self._retry()
            fd, self._fd = self._fd, None
            await asyncio.to_thread(_sync_and_close, fd, self._options.sync_ms is not None)
        os.close(self._lock)

    # ── writing
    # ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, lines: list[bytes], numbers: range, now: Millis) -> None:
        if not lines:
            return
        if self._lines.unwritable:
            self._alarm(Alarm("gap", f"{self._directory}: {self._lines.unwritable}", 1))
            self._lines.unwritable = None
            self._incomplete = True
        if self._since is not None:
            self._since += lines
        if self._trouble is None:
            try:
                self._write(b"".join(lines))
            except OSError as fault:
                self._in_trouble(fault)
            else:
                return
        if not self._lines.keep(lines, numbers, now) and not self._gap_told:
            self._gap_told = self._incomplete = True
            text = (
                f"{self._directory}: events are being lost, memory for waiting ones is full; {self._trouble}"
            )
            self._alarm(Alarm("gap", text, self._lines.lost))

    def _write(self, data: bytes) -> None:
        """All of ``data`` or nothing: what was written in part is taken back."""
        assert self._fd is not None
        try:
            if self._torn:
                os.ftruncate(self._fd, self._size)
                self._torn = False
            _write_all(self._fd, data)
        except OSError:
            self._torn = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
                self._torn = False
            raise
        self._size += len(data)
        self._dirty = True

    def _retry(self) -> None:
        """Write what waits, in pieces, and mark what was lost."""
        if self._trouble is None:
            return
        try:
            while self._lines.backlog:
                piece: list[bytes] = []
                size = 0
                for line in self._lines.backlog:
                    piece.append(line)
                    size += len(line)
                    if size >= 1 << 20:
                        break
                self._write(b"".join(piece))
                self._lines.written(len(piece))
            lost = self._lines.lost
            if gap := self._lines.mark_gap(self._trouble):
                self._lines.keep([gap], range(0), 0)
                self._write(gap)
                self._lines.written(1)
        except OSError as fault:
            self._trouble = _remedy(fault)
            return
        self._well(lost)

    def _in_trouble(self, fault: OSError) -> None:
        self._trouble = _remedy(fault)
        self._alarm(
            Alarm("trouble", f"{self._directory}: {self._trouble}; calls go on, events wait in memory")
        )

    def _well(self, lost: int = 0) -> None:
        if self._trouble is not None:
            self._trouble, self._gap_told = None, False
            self._alarm(Alarm("well", f"{self._directory}: the journal is written again", lost))

    async def _keep(self) -> None:
        """Write waiting orders, retry after trouble, force the file to the disk; until closed."""
        pause = (self._options.sync_ms or _IDLE_MS) / 1000
        while not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), pause)
            self._retry()
            self._put(self._lines.closing_orders(), range(0), 0)
            if self._dirty and self._fd is not None and self._options.sync_ms is not None:
                self._dirty = False
                # A copy: the thread's descriptor stays good when a snapshot exchanges ours.
                copy = os.dup(self._fd)
                try:
                    await asyncio.to_thread(_sync_and_close, copy, True)
                except OSError as fault:
                    self._incomplete = True
                    self._alarm(
                        Alarm("trouble", f"{self._directory}: not forced to the disk: {_remedy(fault)}")
                    )

    # ── segments
    # ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _recover(self) -> Recovered:
        for left in self._directory.glob("*.new"):
            left.unlink()
        paths = segment_paths(self._directory)
        if not paths:
            temporary = self._directory / f"{0:012d}.new"
            try:
                self._fd, self._size = _write_new(temporary, self._header, 0, 0, None)
                _write_tail(self._fd, b"", temporary)
                _sync_directory(self._directory)
            except OSError as fault:
                raise JournalFault(f"{temporary}: {_remedy(fault)}") from None
            return Recovered(None, None, [])
        path = paths[-1]
        segment, good = read_file(path)
        check_city(segment.head, self._header, str(path))
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            if os.fstat(self._fd).st_size != good:
                os.ftruncate(self._fd, good)
                os.fsync(self._fd)
        except OSError as fault:
            raise JournalFault(f"{path}: {_remedy(fault)}") from None
        self._size = good
        self._begun = segment.head.t or None
        self._incomplete = bool(segment.gaps)
        self._lines.next = segment.next
        events = [(now, event) for _, now, event in segment.events]
        gaps = tuple(segment.gaps)
        return Recovered(segment.head.header, segment.head.snapshot(), events, gaps, segment.cut)

    def _retire(self, old: int | None, now: Millis) -> None:
        """Once the new segment is on the disk: let the old one go, and delete those that are too many or
        too old."""
        with contextlib.suppress(OSError):
            _sync_directory(self._directory)
            if old is not None:
                _sync_and_close(old, self._options.sync_ms is not None)
            paths = segment_paths(self._directory)
            room = self._options.keep_bytes
            for place, path in enumerate(reversed(paths)):
                stat = path.stat()
                room -= stat.st_size
                aged = now - stat.st_mtime_ns // 1_000_000 > self._options.keep_ms
                if place >= 2 and (place >= self._options.keep_segments or room < 0 or aged):
                    path.unlink()


def _final(temporary: Path) -> Path:
    return temporary.with_suffix(".jsonl")


def _lock(directory: Path) -> int:
    place = directory / "lock"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise JournalFault(
            f"{directory}: {fault.strerror}; give a directory that this user may write"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise JournalFault(
            f"{directory}: another program (process {owner}) writes it; stop that, or give another directory"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock


def _write_new(path: Path, header: Header, first: int, now: Millis, state: bytes | None) -> tuple[int, int]:
    """A new segment under its temporary name, on the disk; returns it open for appending, and its size."""
    head = head_line(header, first, now, state)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(fd, head)
        os.fsync(fd)
    except OSError:
        _discard(fd, path)
        raise
    return fd, len(head)


def _write_tail(fd: int, tail: bytes, temporary: Path) -> None:
    """Complete a new segment with what has happened since its snapshot, and give it its name."""
    try:
        _write_all(fd, tail)
        temporary.rename(_final(temporary))
    except OSError:
        _discard(fd, temporary)
        raise


def _discard(fd: int, path: Path) -> None:
    os.close(fd)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _sync_and_close(fd: int, sync: bool) -> None:
    try:
        if sync:
            os.fdatasync(fd)
    finally:
        os.close(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _remedy(fault: OSError) -> str:
    return f"{fault.strerror}; make room or mend the disk"
