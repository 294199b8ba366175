"""The speech server: one AudioSocket connection a caller, for as long as he talks to the machine.

Whatever ends a conversation (it is done, one too many, a limit, garbage, our own death) ends the stream, and
``TryExec(AudioSocket(...))`` goes on in the dialplan: to a person. The caller is never hung up on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from asr.audiosocket import FRAME_MS, RATE
from asr.call_live import SEND_BUFFER, CallOver, Patience, SpeechCall, SpeechCounts, Voiced
from asr.pool_live import PoolFull, RecognizerPool, Unheard

__all__ = ["CallOver", "Patience", "SpeechCall", "SpeechCounts", "SpeechServer", "Unheard", "voice_detector"]

BACKLOG = 256
MOST = 50
"""callers for whom one event loop has time: each takes under 15 ms of a second, as ``benchmarks/speech.py`` measures together with
what it takes to be the caller"""
ACCEPT_AGAIN_S = 0.1
AGGRESSIVENESS = 2
"""of the voice detector, 0 to 3: 3 misses short words in noise (10 dB), 1 hears words in the noise after them"""

_log = structlog.get_logger(__name__)

OnCall = Callable[[SpeechCall], Awaitable[None]]


def voice_detector() -> Voiced:
    """WebRTC's voice activity detector, one for each caller: it learns the line's noise."""
    import webrtcvad

    detector = webrtcvad.Vad(AGGRESSIVENESS)
    return lambda frame: bool(detector.is_speech(frame, RATE))


class SpeechServer:
    """Listens for Asterisk and runs ``on_call`` once for each caller; when it returns, the stream is ended.

    ``pool``: who recognises; a caller for whom it has no place is refused, and so is one more than ``most``, `MOST` where nothing
    else is said. ``admit``: is a stream of this name waited for? Any other is ended before it takes a place. ``refused`` is told of
    streams that said their name and found no place. An exception in one ``on_call`` is logged and ends that stream only.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_call: OnCall,
        pool: RecognizerPool,
        *,
        most: int | None = None,
        patience: Patience | None = None,
        detector: Callable[[], Voiced] = voice_detector,
        admit: Callable[[str], bool] | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.pool = pool
        self.most = min(pool.most, MOST) if most is None else most
        self.patience = patience or Patience()
        self.counts = SpeechCounts()
        self._on_call = on_call
        self._detector = detector
        self._admit = admit
        self._refused = refused
        self._listener: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: set[SpeechCall] = set()
        self._leaving: set[SpeechCall] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_left = asyncio.Event()
        self._all_left.set()
        self._ticker: asyncio.TimerHandle | None = None
        self._next_tick = 0.0

    @property
    def calls(self) -> frozenset[SpeechCall]:
        """The streams that are on."""
        return frozenset(self._calls)

    @property
    def sockets(self) -> int:
        """Connections that are open: streams that are on, and those whose peer has not closed yet."""
        return len(self._calls) + len(self._leaving)

    async def start(self) -> None:
        """Listen. ``port`` 0 takes a free one and is then that number. Raises ``OSError`` when it is taken."""
        self._loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        self._listener.setblocking(False)
        # before it is connected, so that what we accept has it from the start
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.port = self._listener.getsockname()[1]
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Stop listening, let every caller go on in the dialplan, wait for what runs on their behalf."""
        if self._listener is not None:
            assert self._loop is not None
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for call in tuple(self._calls):
            call.close("the server closes")
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._all_left.wait()  # each has its own time limit
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def _accept(self) -> None:
        assert self._loop is not None
        assert self._listener is not None
        for _ in range(BACKLOG):
            try:
                connection, _peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as why:  # no descriptor or memory left: those who are inside come first
                _log.error("speech port cannot accept", why=why.strerror)
                self._loop.remove_reader(self._listener)
                self._loop.call_later(ACCEPT_AGAIN_S, self._accept_again)
                return
            self.counts.accepted += 1
            if self.sockets >= 2 * self.most:  # a flood: not even a word of good-bye
                connection.close()
                self._full()
                continue
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tick_on()
            # half a frame before a tick, so that a tick a little early or late still finds exactly one due
            first_ms = self._next_tick * 1000 - FRAME_MS / 2
            call = SpeechCall(self, self._loop, connection, self._detector(), first_ms)
            self._calls.add(call)
            self._all_left.clear()
            call.begin()
            if len(self._calls) > self.most:
                self._refuse(call)

    def _refuse(self, call: SpeechCall) -> None:
        self._full()
        call.close("full")

    def _full(self) -> None:
        self.counts.refused_full += 1
        if self.counts.refused_full & (self.counts.refused_full - 1) == 0:  # not one line a call in a flood
            _log.warning("speech port full", most=self.most, refused=self.counts.refused_full)

    def _accept_again(self) -> None:
        if self._listener is not None and self._loop is not None:
            self._loop.add_reader(self._listener, self._accept)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # ── the clock: one for all, so that the process wakes fifty times a second and not fifty times a caller ─────────

    def _tick_on(self) -> None:
        assert self._loop is not None
        if self._ticker is None:
            self._next_tick = self._loop.time() + FRAME_MS / 1000
            self._ticker = self._loop.call_at(self._next_tick, self._tick)

    def _tick(self) -> None:
        assert self._loop is not None
        self._ticker = None
        if not self._calls:
            return
        now = self._loop.time()
        for call in tuple(self._calls):
            try:
                call.tick(now)
            except Exception:  # noqa: BLE001 (one caller's fault never reaches another's call)
                self.counts.failed += 1
                _log.exception("speech call failed", call=call.uuid)
                call.close("a fault of ours")
        missed = max(0, int((self._loop.time() - self._next_tick) * 1000 // FRAME_MS))
        self._next_tick += (missed + 1) * FRAME_MS / 1000
        self._ticker = self._loop.call_at(self._next_tick, self._tick)

    # ── what calls tell ─────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, call: SpeechCall) -> None:
        """The stream has said which one it is: the conversation begins, if somebody has an ear for it."""
        assert self._loop is not None
        if self._admit is not None and not self._admit(call.uuid):
            self.counts.unknown += 1
            call.close("nobody told of it")
            return
        try:
            call.ear = self.pool.open()
        except PoolFull:
            if self._refused is not None:
                self._refused(call.uuid)
            self._refuse(call)
            return
        self.counts.served += 1
        task = self._loop.create_task(self._serve(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def over(self, call: SpeechCall) -> None:
        """Nothing more is said or heard."""
        self._calls.discard(call)
        self._leaving.add(call)

    def gone(self, call: SpeechCall) -> None:
        """The socket of this call is closed."""
        self._leaving.discard(call)
        if not self._calls and not self._leaving:
            self._all_left.set()

    async def _serve(self, call: SpeechCall) -> None:
        try:
            await self._on_call(call)
        except CallOver as why:
            _log.debug("speech call over", call=call.uuid, why=str(why))
        except Unheard as why:
            _log.warning("speech call not heard", call=call.uuid, why=str(why))
        except Exception:  # noqa: BLE001 (one caller's fault never reaches another's call)
            self.counts.failed += 1
            _log.exception("speech call failed", call=call.uuid)
        finally:
            call.close()
