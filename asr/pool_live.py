"""A few threads that recognise for many callers: each call's recogniser lives in one of them, from its making to its end.

A recogniser is made and used by one thread only (Vosk's are not safe otherwise), and lets go of the interpreter while it
computes, so one thread for each core is enough. How many callers that serves is measured beforehand and enforced here: one
more is `PoolFull`, and goes to a person. Who is fed faster than he is served loses frames, which are counted, and is told so
with his result.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from asr.speech import Recognizer, Utterance

BEHIND_FRAMES = 100
"""of a caller's audio at most wait to be recognised: two seconds"""
PARTIAL_FRAMES = 10
"""after so many frames somebody who asked is told what has been understood so far"""
JOIN_S = 5.0

_log = structlog.get_logger(__name__)

Make = Callable[[tuple[str, ...]], Recognizer]
"""makes a recogniser for these hot words, all words when there are none; called in the thread that will use it"""


class PoolFull(Exception):
    """As many callers are listened to as can be."""


class Unheard(Exception):
    """What was said could not be recognised, by no fault of the caller: too much at once, or the recogniser failed."""


@dataclass(slots=True)
class PoolCounts:
    """What the pool has done since it started."""

    opened: int = 0
    refused_full: int = 0
    results: int = 0
    failed: int = 0
    dropped_frames: int = 0


class Ear:
    """One caller's recogniser, as the event loop sees it: what is said here is done in the worker's thread, in this order."""

    __slots__ = (
        "_done",
        "_fault",
        "_fed",
        "_grammar",
        "_on_partial",
        "_open",
        "_pool",
        "_recognizer",
        "_results",
        "_told",
        "_worker",
        "dropped",
    )

    def __init__(self, pool: RecognizerPool, worker: _Worker) -> None:
        self._pool = pool
        self._worker = worker
        self._open = True
        self._fed = 0
        self._results: set[asyncio.Future[Utterance]] = set()
        self.dropped = 0
        """frames of this utterance that were not recognised, because too many waited"""
        # what follows belongs to the worker's thread
        self._done = 0
        self._recognizer: Recognizer | None = None
        self._grammar: tuple[str, ...] = ()
        self._fault: str | None = None
        self._told = ""
        self._on_partial: Callable[[str], None] | None = None

    @property
    def behind(self) -> int:
        """Frames that wait to be recognised."""
        return self._fed - self._done

    def begin(self, grammar: tuple[str, ...] = (), on_partial: Callable[[str], None] | None = None) -> None:
        """A new utterance begins; what was heard before is forgotten. ``grammar``: hot words (`asr.speech.grammar`).
        ``on_partial`` is told, now and then, what has been understood so far."""
        self.dropped = 0
        self._worker.put(partial(self._begin, grammar, on_partial))

    def accept(self, frame: bytes) -> None:
        """The next 20 ms of it. Never waits: dropped and counted when too much is waiting already."""
        if self.behind >= self._pool.behind_frames:
            self.dropped += 1
            self._pool.counts.dropped_frames += 1
            return
        self._fed += 1
        self._worker.put(partial(self._accept, frame))

    async def result(self, within_s: float) -> Utterance:
        """What was said. Raises `Unheard` when frames were lost, the recogniser failed, or it takes longer than that."""
        if not self._open:
            raise Unheard("the recogniser is closed")
        answer: asyncio.Future[Utterance] = asyncio.get_running_loop().create_future()
        self._results.add(answer)
        self._worker.put(partial(self._result, answer))
        try:
            async with asyncio.timeout(within_s):
                utterance = await answer
        except TimeoutError:
            raise Unheard(f"no result within {within_s} s") from None
        finally:
            self._results.discard(answer)
        if self.dropped:
            raise Unheard(f"{self.dropped} frames came faster than they are recognised")
        return utterance

    def close(self) -> None:
        """Give the place to the next caller."""
        if not self._open:
            return
        self._open = False
        self._fail(Unheard("the recogniser is closed"))
        self._worker.put(self._forget)
        self._worker.ears -= 1
        self._pool.left(self)

    def _fail(self, why: Exception) -> None:
        for answer in self._results:
            if not answer.done():
                answer.set_exception(why)

    # ── in the worker's thread ──────────────────────────────────────────────────────────────────────────────

    def _begin(self, grammar: tuple[str, ...], on_partial: Callable[[str], None] | None) -> None:
        self._fault, self._told, self._on_partial = None, "", on_partial
        try:
            if self._recognizer is None or grammar != self._grammar:
                self._recognizer, self._grammar = self._pool.make(grammar), grammar
            else:
                self._recognizer.result()
        except Exception as why:  # noqa: BLE001 (whatever the library raises, it is this caller's alone)
            self._recognizer, self._fault = None, repr(why)

    def _accept(self, frame: bytes) -> None:
        self._done += 1
        if self._recognizer is None:
            return
        try:
            self._recognizer.accept(frame)
            if self._on_partial is not None and self._done % PARTIAL_FRAMES == 0:
                text = self._recognizer.partial
                if text != self._told:
                    self._told = text
                    self._pool.tell(self._on_partial, text)
        except Exception as why:  # noqa: BLE001
            self._recognizer, self._fault = None, repr(why)

    def _result(self, answer: asyncio.Future[Utterance]) -> None:
        utterance: Utterance | None = None
        if self._recognizer is not None:
            try:
                utterance = self._recognizer.result()
            except Exception as why:  # noqa: BLE001
                self._recognizer, self._fault = None, repr(why)
        self._pool.tell(self._answer, answer, utterance, self._fault)

    def _forget(self) -> None:
        self._recognizer = None

    # ── in the loop's ───────────────────────────────────────────────────────────────────────────────────────

    def _answer(
        self, answer: asyncio.Future[Utterance], utterance: Utterance | None, fault: str | None
    ) -> None:
        if answer.done():
            return
        if utterance is None:
            self._pool.counts.failed += 1
            answer.set_exception(Unheard(f"the recogniser failed: {fault or 'it was never begun'}"))
        else:
            self._pool.counts.results += 1
            answer.set_result(utterance)


class _Worker:
    """One thread and what it is to do, in order."""

    def __init__(self, number: int) -> None:
        self.ears = 0
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"recognizer-{number}", daemon=True)
        self._thread.start()

    def put(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None and not self._stopping:
            job()

    def stop(self) -> None:
        self._stopping = True
        self._jobs.put(None)

    def join(self) -> bool:
        self._thread.join(JOIN_S)
        return not self._thread.is_alive()


class RecognizerPool:
    """``workers`` threads for ``most`` callers at once. ``make`` is called in a worker's thread, once a caller and set of hot
    words."""

    def __init__(self, make: Make, *, most: int, workers: int, behind_frames: int = BEHIND_FRAMES) -> None:
        self.make = make
        self.most = most
        self.behind_frames = behind_frames
        self.counts = PoolCounts()
        self._loop = asyncio.get_running_loop()
        self._workers = [_Worker(number) for number in range(workers)]
        self._ears: set[Ear] = set()
        self._closed = False

    @property
    def in_use(self) -> int:
        """Callers who are listened to."""
        return len(self._ears)

    def open(self) -> Ear:
        """A place for one caller. Raises `PoolFull`."""
        if self._closed or len(self._ears) >= self.most:
            self.counts.refused_full += 1
            raise PoolFull(f"speech.most: {self.most} callers are listened to: the next goes to a person")
        worker = min(self._workers, key=lambda one: one.ears)
        worker.ears += 1
        ear = Ear(self, worker)
        self._ears.add(ear)
        self.counts.opened += 1
        return ear

    def left(self, ear: Ear) -> None:
        """This place is free again."""
        self._ears.discard(ear)

    def tell(self, what: Callable[..., None], *args: object) -> None:
        """From a worker's thread: call this in the loop's."""
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(what, *args)

    async def close(self) -> None:
        """Close every ear and end the threads. One that is stuck in the recogniser is left to the end of the process."""
        self._closed = True
        for ear in tuple(self._ears):
            ear.close()
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            if not await asyncio.to_thread(worker.join):
                _log.error("recogniser does not return", waited_s=JOIN_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
