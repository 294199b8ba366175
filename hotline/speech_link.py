"""The engine's link to the speech process: starts it, watches over it, and asks it to expect callers.

The process may die, hang or be unable to serve at any moment: then nobody is sent to it, whoever is in it goes on in the
dialplan, and it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from asr.vosk_live import Measured
from hotline.logs import logger
from hotline.speech_words import (
    FD,
    Alive,
    End,
    Expect,
    Expected,
    Heard,
    Over,
    Overhear,
    Overheard,
    Ready,
    Settings,
    Text,
    Told,
    Turn,
    Unable,
    heard,
    line,
)

COMMAND = (sys.executable, "-m", "hotline.speech_process")
STARTS_WITHIN_S = 20.0
"""its first sign of life"""
SILENT_S = 3.0
AGAIN_S = (0.1, 30.0)
"""the pause before the second start that follows an end, and the longest: it doubles. The first start comes at once"""
WELL_S = 10.0
"""whoever has served for so long is started again at once"""
EXPECTS_WITHIN_S = 1.0
KEPT_S = 60.0
"""an outcome that nobody asked for is forgotten then"""
_LOOK_AGAIN_S = 0.1
_LINE_BYTES = 1 << 20

_log = logger("speech")


@dataclass(slots=True)
class Callbacks:
    """Who is told; from the event loop, in the order in which things happened. They must not raise.

    ``capacity``: how many callers it takes at once, 0 while there is no process; ``turn``, ``text``, ``overheard``: what it tells
    of a stream (a stream's turns come before its `SpeechLink.outcome`).
    """

    capacity: Callable[[int], None] = lambda _: None
    turn: Callable[[Turn], None] = lambda _: None
    text: Callable[[Text], None] = lambda _: None
    overheard: Callable[[Overheard], None] = lambda _: None


@dataclass(slots=True)
class _Stream:
    """One that the process was told of."""

    process: _Process
    call: str
    over: asyncio.Future[Over]
    expected: asyncio.Future[bool]
    forget: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Process:
    """One life of the process."""

    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter
    heard_at: float
    first: bool = True
    ready: Ready | None = None
    well_since: float | None = None
    unable: str = ""

    def kill(self) -> None:
        """It and whatever it has started: it leads a session of its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def pauses() -> Iterator[float]:
    """Seconds before each start that follows an end: none before the first, then ever longer."""
    pause = 0.0
    while True:
        yield pause
        pause = min(max(2 * pause, AGAIN_S[0]), AGAIN_S[1])


class SpeechLink:
    """Keeps a speech process with these settings. `start` it, `close` it; for one event loop."""

    def __init__(
        self, settings: Settings, callbacks: Callbacks | None = None, *, command: Sequence[str] = COMMAND
    ) -> None:
        self._settings = settings
        self.callbacks = callbacks or Callbacks()
        self._command = tuple(command)
        self._keeping: asyncio.Task[None] | None = None
        self._process: _Process | None = None
        self._streams: dict[str, _Stream] = {}
        self._measured: Measured | None = None
        self.fault = ""
        """why nobody can be served, as the process told; empty while that is not known, and while it serves"""
        self.starts = 0

    @property
    def ready(self) -> Ready | None:
        """Where it listens, and what it can; None while it does not serve."""
        return self._process.ready if self._process else None

    @property
    def streams(self) -> int:
        """Streams that were told of and are not over."""
        return sum(not stream.over.done() for stream in self._streams.values())

    def knows(self, uuid: str) -> bool:
        """Was it told of this stream, and does nobody know its outcome yet?"""
        return uuid in self._streams

    @property
    def pid(self) -> int | None:
        """The process that is there now."""
        return self._process.process.pid if self._process else None

    def start(self) -> None:
        """Begin to keep a process."""
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End the process; whoever is in it goes on in the dialplan."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None

    # ── for the engine ──────────────────────────────────────────────────────────────────────────────────────

    async def expect(self, told: Expect | Overhear) -> tuple[str, int] | None:
        """Tell of a stream; where the switch is to connect it. None: there is nobody who could serve it."""
        process = self._process
        if process is None or process.ready is None or told.uuid in self._streams:
            return None
        loop = asyncio.get_running_loop()
        stream = _Stream(process, told.call, loop.create_future(), loop.create_future())
        self._streams[told.uuid] = stream
        self._tell(process, told)
        try:
            async with asyncio.timeout(EXPECTS_WITHIN_S):
                taken = await stream.expected
        except TimeoutError:
            taken = False
        if not taken:
            self._forget(told.uuid)
            self._tell(process, End(told.uuid))
            return None
        return process.ready.host, process.ready.port

    async def overhear(self, told: Overhear) -> tuple[str, int] | None:
        """As `expect`, for a stream that is only written down."""
        return await self.expect(told)

    def end(self, uuid: str) -> None:
        """End this stream at once: its outcome is ``seat``. Of a stream that is over or unknown nothing becomes."""
        if (stream := self._streams.get(uuid)) is not None:
            self._tell(stream.process, End(uuid))

    async def outcome(self, uuid: str, within_s: float) -> Over:
        """How this conversation ended, once. ``failed`` when the process is gone or unknown to it, or when nothing is heard of it
        within ``within_s``: then the stream is ended."""
        stream = self._streams.get(uuid)
        if stream is None:
            return Over(uuid, "", "failed")
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(stream.over)
        except TimeoutError:
            self._tell(stream.process, End(uuid))
            return Over(uuid, stream.call, "failed")
        finally:
            self._forget(uuid)

    # ── the process ─────────────────────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        """Start it, and again after each end."""
        again = pauses()
        while True:
            try:
                served_s = await self._one()
            except OSError as why:
                _log.error("the speech process can't be started", why=why.strerror)
                served_s = 0.0
            if served_s >= WELL_S:
                again = pauses()
            pause = next(again)
            _log.warning(
                "the speech process ended: starting the next", pause_s=pause, served_s=round(served_s, 1)
            )
            await asyncio.sleep(pause)

    async def _one(self) -> float:
        """One life; for how long it served."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_BYTES)
            try:
                child = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, FD: str(theirs.fileno())},
                    start_new_session=True,
                )
            except OSError:
                writer.close()
                raise
        self.starts += 1
        process = self._process = _Process(child, writer, time.monotonic())
        self._tell(process, msgspec.structs.replace(self._settings, measured=self._measured))
        try:
            await self._hear(process, reader)
        finally:
            self._process = None
            process.kill()
            writer.close()
            self._lost(process)
            await child.wait()
        return time.monotonic() - process.well_since if process.well_since is not None else 0.0

    async def _hear(self, process: _Process, reader: asyncio.StreamReader) -> None:
        """Until it is gone, or hangs, or talks nonsense."""
        while True:
            allowed_s = STARTS_WITHIN_S if process.first else SILENT_S
            try:
                said = await _line_within(reader, allowed_s)
            except TimeoutError:
                _log.error("the speech process hangs: killed", silent_s=allowed_s)
                return
            except ConnectionError:  # it died with words of ours unread
                return
            except ValueError as why:
                _log.error("the speech process talks nonsense: killed", why=str(why))
                return
            if not said.endswith(b"\n"):
                return
            process.first = False
            try:
                message = heard.decode(said)
            except msgspec.DecodeError as why:
                _log.error("the speech process talks nonsense: killed", why=str(why))
                return
            self._take(process, message)

    def _take(self, process: _Process, message: Heard) -> None:
        match message:
            case Alive():
                pass
            case Ready(measured=measured):
                process.ready, process.well_since = message, time.monotonic()
                self._measured, self.fault = measured, ""
                told = msgspec.structs.asdict(message) | {"measured": None}
                _log.info("speech is answered", **{key: value for key, value in told.items() if value})
                self.callbacks.capacity(message.most)
            case Unable(fault=fault):
                if fault != self.fault:
                    _log.error("speech can't be answered", fault=fault)
                self.fault, self._measured = fault, None
            case Expected(uuid=uuid):
                stream = self._streams.get(uuid)
                if stream is not None and not stream.expected.done():
                    stream.expected.set_result(True)
            case Turn():
                self.callbacks.turn(message)
            case Text():
                self.callbacks.text(message)
            case Overheard():
                self.callbacks.overheard(message)
            case Over(uuid=uuid):
                if (stream := self._streams.get(uuid)) is not None:
                    self._over(stream, message)

    def _lost(self, process: _Process) -> None:
        """It is gone, and so is everybody who was in it."""
        for uuid, stream in self._streams.items():
            if not stream.expected.done():
                stream.expected.set_result(False)
            self._over(stream, Over(uuid, stream.call, "failed"))
        if process.ready is None:
            self._measured = None  # whatever it was told of the model may be what is wrong
        else:
            self.callbacks.capacity(0)

    def _over(self, stream: _Stream, over: Over) -> None:
        if not stream.over.done():
            stream.over.set_result(over)
            loop = asyncio.get_running_loop()
            stream.forget = loop.call_later(KEPT_S, self._forget, over.uuid)

    def _forget(self, uuid: str) -> None:
        stream = self._streams.pop(uuid, None)
        if stream is not None and stream.forget is not None:
            stream.forget.cancel()

    def _tell(self, process: _Process, message: Told | Settings) -> None:
        if not process.writer.is_closing():
            process.writer.write(line(message))


async def _line_within(reader: asyncio.StreamReader, seconds: float) -> bytes:
    """The next line. Raises `TimeoutError`."""
    try:
        async with asyncio.timeout(seconds):
            return await reader.readline()
    except TimeoutError:
        pass
    # It may have been us who stood still: then its words lie there, and it is not to be blamed.
    async with asyncio.timeout(_LOOK_AGAIN_S):
        return await reader.readline()
