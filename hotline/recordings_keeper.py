"""Sees to the recordings of a running platform: is there room, has the switch closed a file, is it time to delete one?

Everything slow is done in two threads, one that looks at the disk and one that works: a disk that hangs holds up recordings,
never a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acd.calls import Call
from acd.messages import Event, Millis, RecordingFailed, RecordingHalted, RecordingPossible
from acd.recording import RUNNING
from hotline.logs import logger
from hotline.recordings import RecordingFault, Shelf, delete_due, finish, found_again, why_not
from hotline.recordings_index import RecordingsIndex

if TYPE_CHECKING:
    from acd.state import State

LOOK_S = 2.0
"""so often the disk and the files are looked at"""
HANGS_S = 8.0
"""a disk that has not answered for so long counts as one that takes nothing"""
BEGINS_MS: Millis = 5_000
"""so long the switch has for opening a file"""
DELETE_S = 600.0
"""so often it is asked what is to be deleted"""
DAY_MS: Millis = 86_400_000
END_S = 5.0
"""so long the end waits for a file that is being finished"""
AT_ONCE = 50
"""so many recordings are finished before the disk is looked at again"""

_log = logger("recordings")


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a city asks for: bytes that must stay free, and days that a recording is kept (``None``: for ever)."""

    min_free: int = 1_000_000_000
    keep_days: int | None = None


class RecordingsKeeper:
    """The recordings of one platform. ``here(call)``: is its caller's channel in the switch, as far as we know?

    ``keeping`` may be exchanged while it runs.
    """

    def __init__(
        self,
        shelf: Shelf,
        keeping: Keeping,
        state: Callable[[], State],
        post: Callable[[Event], None],
        *,
        now: Callable[[], Millis],
        here: Callable[[str], bool],
    ) -> None:
        self.shelf = shelf
        self.keeping = keeping
        self.finished = 0
        self._state = state
        self._post = post
        self._now = now
        self._here = here
        self._looks = ThreadPoolExecutor(1, thread_name_prefix="recordings-look")
        self._works = ThreadPoolExecutor(1, thread_name_prefix="recordings-work")
        self._looking: asyncio.Future[str | None] | None = None
        self._working: asyncio.Future[None] | None = None
        self._index: RecordingsIndex | None = None
        self._searched = False
        self._delete_at = 0.0
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        """Look and work until cancelled."""
        # What breaks a lease (`hotline.recordings.is_open`) sends SIGIO, which would end the program.
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGIO, signal.SIG_IGN)
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_S)
        finally:
            if self._working is not None:
                await asyncio.wait({self._working}, timeout=END_S)
            self._works.shutdown(wait=False, cancel_futures=True)
            self._looks.shutdown(wait=False, cancel_futures=True)
            if self._index is not None and (self._working is None or self._working.done()):
                self._index.close()

    async def look(self) -> None:
        """One look: at the disk, at what should be written, and, unless that is still going on, at what is to be done."""
        try:
            why = await self._disk()
            self._tell_disk(why)
            loop = asyncio.get_running_loop()
            written = (
                await self._within(loop.run_in_executor(self._looks, self._written)) if why is None else None
            )
            if written is not None:
                self._tell_missing(written)
            if self._working is None or self._working.done():
                self._working = loop.run_in_executor(self._works, self._work)
        except Exception:  # noqa: BLE001 (the next look must come)
            _log.exception("recordings could not be looked after")

    async def settled(self) -> None:
        """Wait for the work that is under way (tests, and the end)."""
        if self._working is not None:
            await asyncio.wait({self._working})

    # ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _disk(self) -> str | None:
        """Why nothing can be recorded."""
        halted = self._state().recording_halted is not None
        looking = self._looking
        if looking is None or looking.done():
            loop = asyncio.get_running_loop()
            looking = loop.run_in_executor(self._looks, why_not, self.shelf, self.keeping.min_free, halted)
            self._looking = looking
        done, _ = await asyncio.wait({looking}, timeout=HANGS_S)
        return looking.result() if done else f"{self.shelf.root} does not answer for {HANGS_S:g} s"

    async def _within(self, work: asyncio.Future[set[str]]) -> set[str] | None:
        done, _ = await asyncio.wait({work}, timeout=HANGS_S)
        return work.result() if done else None

    def _tell_disk(self, why: str | None) -> None:
        """The engine's state is what counts: it may be an earlier engine's."""
        halted = self._state().recording_halted
        if why is None and halted is not None:
            _log.info("recordings are made again")
            self._post(RecordingPossible())
        elif why is not None and halted is None:
            _log.error("alarm: nothing is recorded, calls go on", why=why)
            self._post(RecordingHalted(why))

    def _written(self) -> set[str]:
        return set(self.shelf.unfinished())

    def _tell_missing(self, written: set[str]) -> None:
        """Recordings of which the engine thinks that they are on, and that have no file."""
        state = self._state()
        if state.blind:
            return
        for call in list(state.calls.values()):
            name = self._present(call)
            if name is not None and name not in written and self._here(call.call):
                _log.error("alarm: the switch does not record", call=call.call, name=name)
                self._post(RecordingFailed(call.call, name))

    def _present(self, call: Call) -> str | None:
        """The file that the switch should have open for a call by now."""
        recording = call.recording
        if recording is None or recording.tape not in RUNNING or self._now() - recording.began < BEGINS_MS:
            return None
        return recording.files(call.call, call.arrived)[0]

    # ── the work ─────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        """Finish what the switch has closed, find what has no entry, delete what is due. What fails is told once and tried
        again."""
        try:
            self.shelf.prepare()
            if self._index is None:
                self._index = RecordingsIndex(self.shelf.index)
            self._finish_all(self._index)
            if not self._searched:
                self._searched = True
                if count := found_again(self.shelf, self._index):
                    _log.warning("recordings had no entry: entered", count=count)
            self._delete(self._index)
            self._said("index", None)
        except (OSError, sqlite3.Error) as fault:
            self._said("index", str(fault))
            if isinstance(fault, sqlite3.Error) and self._index is not None:
                self._index.close()
                self._index = None

    def _finish_all(self, index: RecordingsIndex) -> None:
        done = 0
        for name in self.shelf.unfinished():
            try:
                entry = finish(self.shelf, index, name)
            except (RecordingFault, OSError) as fault:
                self._said(name, str(fault))
                continue
            self._said(name, None)
            if entry is not None:
                self.finished += 1
                done += 1
                if done >= AT_ONCE:
                    return

    def _delete(self, index: RecordingsIndex) -> None:
        days = self.keeping.keep_days
        if days is None or time.monotonic() < self._delete_at:
            return
        # The machine's own clock, not the engine's: --as-of moves that one.
        before = time.time_ns() // 1_000_000 - days * DAY_MS
        gone, left = delete_due(self.shelf, index, before, f"kept for {days} days")
        if gone:
            _log.info("recordings deleted by rule", count=len(gone), keep_days=days)
        self._said("deletion", f"{len(left)} can't be deleted, first {left[0]}" if left else None)
        if not gone:  # there may be more of them
            self._delete_at = time.monotonic() + DELETE_S

    def _said(self, about: str, why: str | None) -> None:
        """Trouble is told once, and that it is over."""
        if why is None:
            self._told.pop(about, None)
        elif self._told.get(about) != why:
            self._told[about] = why
            _log.error("recordings: trouble", about=about, why=why)
