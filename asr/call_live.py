"""One caller inside ``AudioSocket()``: the connection that Asterisk holds open, what he hears and what he says.

The socket is read and written directly: a message must leave in one piece (`asr.audiosocket`), and what the peer doesn't take is
dropped instead of buffered, since old audio would only be heard later. Reading never waits for anything: a socket that isn't
drained makes Asterisk give the stream up.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from asr.audiosocket import (
    FRAME_MS,
    HANG_UP,
    QUIET,
    SILENCE,
    Audio,
    AudioSocketBroken,
    AudioSocketStream,
    Framing,
    Hello,
    Key,
    Kind,
    PeerError,
    PeerHangup,
    message,
)
from asr.playout import Playout
from asr.pool_live import Ear, Unheard
from asr.speech import Endpointer, Heard, Limits, Sign

READ = 65_536
SEND_BUFFER = 4_608
"""bytes that the system holds for the peer, the least it grants: what waits there is heard too late"""
MISSING_MS = 60
"""without a message of audio, and silence is heard instead: some phones send nothing while nobody speaks"""
BEFORE_FRAMES = 15
"""frames from before a voice was noticed that belong to the utterance: 300 ms"""

_log = structlog.get_logger(__name__)

Voiced = Callable[[bytes], bool]
"""is there a voice in these 20 ms?"""


class CallOver(Exception):
    """The stream is at its end: the caller hung up, the connection broke, a limit was reached, or the server closes."""


@dataclass(slots=True)
class SpeechCounts:
    """What has come to the port since the server started. ``caught_up_frames``: went out together with the one before, since the
    server woke late; ``late_frames``: by how many it fell behind."""

    accepted: int = 0
    served: int = 0
    refused_full: int = 0
    unknown: int = 0
    no_hello: int = 0
    broken: int = 0
    left_in_mid_message: int = 0
    stalled: int = 0
    too_long: int = 0
    failed: int = 0
    unheard: int = 0
    dropped_frames: int = 0
    caught_up_frames: int = 0
    late_frames: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits of a connection, seconds.

    ``hello_s``: for the UUID. ``longest_s``: for the whole stream. ``stalled_s``: without taking a frame. ``linger_s``: for
    the peer to close after us. ``result_s``: for the recogniser after the end of an utterance.
    """

    hello_s: float = 2.0
    longest_s: float = 900.0
    stalled_s: float = 2.0
    linger_s: float = 1.0
    result_s: float = 3.0


class Port(Protocol):
    """What a call tells the server that it came to."""

    counts: SpeechCounts
    patience: Patience

    def opened(self, call: SpeechCall) -> None:
        """The stream has said which one it is."""

    def over(self, call: SpeechCall) -> None:
        """Nothing more is said or heard; the socket may still be open for a moment."""

    def gone(self, call: SpeechCall) -> None:
        """The socket is closed."""


class _Asked:
    """What is being waited for."""

    __slots__ = ("barged_in", "endpointer", "grammar", "on_partial", "over", "played_ms")

    def __init__(
        self,
        endpointer: Endpointer | None,
        over: asyncio.Future[Sign | None],
        grammar: tuple[str, ...] = (),
        on_partial: Callable[[str], None] | None = None,
    ) -> None:
        self.endpointer = endpointer  # None: only keys are heard
        self.over = over
        self.grammar = grammar
        self.on_partial = on_partial
        self.barged_in = False
        self.played_ms = 0


class SpeechCall:
    """One stream. `say` and `ask` are for whoever leads the conversation, one at a time; both raise `CallOver`."""

    def __init__(
        self,
        port: Port,
        loop: asyncio.AbstractEventLoop,
        connection: socket.socket,
        voiced: Voiced,
        first_ms: float,
    ) -> None:
        self.uuid = ""
        self.closed = asyncio.Event()
        """set when the stream is over"""
        self.why = ""
        """why it is over"""
        self.by_peer = False
        """the other side ended it: the caller hung up, or the switch took him away"""
        self.playout = Playout(first_ms)
        self.ear: Ear | None = None
        self._port = port
        self._loop = loop
        self._socket = connection
        self._voiced = voiced
        self._stream = AudioSocketStream()
        self._framing = Framing()
        self._began = self._heard_at = self._taken_at = loop.time()
        self._heard_frames = 0
        self._before: deque[bytes] = deque(maxlen=BEFORE_FRAMES)
        self._keys: deque[str] = deque(maxlen=32)
        self._asked: _Asked | None = None
        self._unsent = b""
        self._open = True  # the socket
        self._linger: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Read, and send 20 ms of silence at once: Asterisk waits for something to move."""
        self._loop.add_reader(self._socket, self._readable)
        self._send(QUIET)

    # ── for the conversation ────────────────────────────────────────────────────────────────────────────────

    async def say(self, pcm: bytes) -> str | None:
        """Play this to its end, or until a key is pressed, which is returned. The caller's voice doesn't stop it."""
        await self._listen(pcm, _Asked(None, self._loop.create_future()))
        return self._keys.popleft() if self._keys else None

    async def ask(
        self,
        pcm: bytes = b"",
        *,
        limits: Limits | None = None,
        grammar: tuple[str, ...] = (),
        on_partial: Callable[[str], None] | None = None,
    ) -> Heard:
        """Play this and listen at the same time, until the caller has said something, pressed a key, or stayed silent.

        ``pcm``: 16-bit samples at 8 kHz; the caller's voice stops it, a click only holds it up. ``grammar``: hot words
        (`asr.speech.grammar`). ``on_partial`` is told, now and then, what has been understood so far. Raises `Unheard` when the
        recogniser couldn't follow: the caller should get to a person.
        """
        limits = limits or Limits()
        settled = self._heard_frames * FRAME_MS >= limits.settle_ms
        asked = _Asked(Endpointer(limits, settled=settled), self._loop.create_future(), grammar, on_partial)
        await self._listen(pcm, asked)
        sign = None if self._keys else asked.over.result()
        try:
            if sign in {Sign.ENDED, Sign.TOO_LONG} and self.ear is not None:
                utterance = await self.ear.result(self._port.patience.result_s)
                if not self._keys:  # whoever presses one meanwhile wants out
                    return Heard(
                        utterance,
                        too_long=sign is Sign.TOO_LONG,
                        barged_in=asked.barged_in,
                        played_ms=asked.played_ms,
                    )
        except Unheard:
            if self.closed.is_set():
                raise CallOver(self.why) from None
            self._port.counts.unheard += 1
            raise
        return Heard(key=self._keys.popleft() if self._keys else None, barged_in=asked.barged_in)

    async def _listen(self, pcm: bytes, asked: _Asked) -> None:
        if self.closed.is_set():
            raise CallOver(self.why)
        if self._asked is not None:
            raise RuntimeError("say and ask: one at a time")
        self._asked = asked
        self.playout.play(pcm)
        try:
            if not self._keys and (asked.endpointer is not None or self.playout.playing):
                await asked.over
        finally:
            self._asked = None
            self.playout.stop()

    # ── what is heard ───────────────────────────────────────────────────────────────────────────────────────

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as why:
            self._peer_left(f"the connection broke: {why.strerror}")
            return
        if not data:
            self._peer_left("the peer closed")
        elif not self.closed.is_set():  # else it is drained, so that closing doesn't cut off our last words
            self._heard_at = self._loop.time()
            try:
                self._take(data)
            except Exception:  # noqa: BLE001 (one caller's fault never reaches another's call)
                self._port.counts.failed += 1
                _log.exception("speech call failed", call=self.uuid)
                self.close("a fault of ours")

    def _take(self, data: bytes) -> None:
        try:
            heard = self._stream.feed(data)
        except AudioSocketBroken as why:
            self._port.counts.broken += 1
            _log.warning("speech stream broken", call=self.uuid, why=str(why))
            self.close(str(why))
            return
        for one in heard:
            if self.closed.is_set():
                return
            match one:
                case Audio(pcm):
                    for frame in self._framing.cut(pcm):
                        self._frame(frame)
                case Key(digit):
                    self._keys.append(digit)
                    self._answer(None)
                case Hello(uuid):
                    self.uuid = uuid
                    self._port.opened(self)
                case PeerHangup():
                    self.by_peer = True
                    self.close("the caller hung up")
                case PeerError(code):
                    self.close(f"the peer reports error {code}")

    def _frame(self, frame: bytes) -> None:
        """20 ms of the caller."""
        self._heard_frames += 1
        voiced = self._voiced(frame)  # always: it learns the line's noise
        asked = self._asked
        if asked is None or asked.endpointer is None or asked.over.done():
            self._before.append(frame)
            return
        sign = asked.endpointer.frame(voiced, prompting=self.playout.playing)
        if sign is Sign.BEGAN:
            asked.barged_in, asked.played_ms = self.playout.playing, self.playout.at_ms
            self.playout.hold()
            if self.ear is not None:
                self.ear.begin(asked.grammar, asked.on_partial)
                for earlier in self._before:
                    self.ear.accept(earlier)
        if sign is Sign.BEGAN or asked.endpointer.speaking or sign in {Sign.ENDED, Sign.TOO_LONG}:
            if self.ear is not None:
                self.ear.accept(frame)
            self._before.clear()
        else:
            self._before.append(frame)
        if sign is Sign.CLICK:
            asked.barged_in = False
            self.playout.resume()
        elif sign is not None and sign is not Sign.BEGAN:
            self._answer(sign)

    def _answer(self, sign: Sign | None) -> None:
        self.playout.stop()
        if self._asked is not None and not self._asked.over.done():
            self._asked.over.set_result(sign)

    # ── the clock ───────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Each 20 ms, with the loop's time: what is due goes out, and limits are kept."""
        patience = self._port.patience
        if not self.uuid and now - self._began > patience.hello_s:
            self._port.counts.no_hello += 1
            self.close(f"no UUID within {patience.hello_s} s")
            return
        if now - self._began > patience.longest_s:
            self._port.counts.too_long += 1
            self.close(f"the stream lasted longer than {patience.longest_s} s")
            return
        late = self.playout.late_ms
        due = self.playout.due(now * 1000)
        self._port.counts.caught_up_frames += max(0, len(due) - 1)
        self._port.counts.late_frames += int(self.playout.late_ms - late) // FRAME_MS
        for frame in due:
            self._send(QUIET if frame is SILENCE else message(Kind.AUDIO, frame))
        if now - self._taken_at > patience.stalled_s:
            self._port.counts.stalled += 1
            self.close(f"the peer took nothing for {patience.stalled_s} s")
            return
        if self.uuid and (now - self._heard_at) * 1000 > MISSING_MS:
            for _ in due:
                self._frame(SILENCE)
        if self._asked is not None and self._asked.endpointer is None and not self.playout.playing:
            self._answer(None)

    def _send(self, data: bytes) -> None:
        """One message, or none of it: what the peer has no room for is dropped."""
        if not self._open:
            return
        try:
            if self._unsent:  # a message that has begun must end
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            if not self._unsent:
                self._unsent = data[self._socket.send(data) :]
                self._taken_at = self._loop.time()
                return
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as why:
            self._peer_left(f"the connection broke: {why.strerror}")
            return
        self._port.counts.dropped_frames += 1

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────

    def close(self, why: str = "done") -> None:
        """End the stream so that the caller goes on in the dialplan; may be called again. The socket follows when the peer has
        closed."""
        if self.closed.is_set():
            return
        self._end(why)
        self._send(HANG_UP)
        if not self._open:
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop()
            return
        self._linger = self._loop.call_later(self._port.patience.linger_s, self.drop)

    def drop(self) -> None:
        """Close the socket now."""
        if not self._open:
            return
        self._end("dropped")
        self._open = False
        if self._linger is not None:
            self._linger.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._port.gone(self)

    def _peer_left(self, why: str) -> None:
        if not self.closed.is_set() and self._stream.unfinished:
            self._port.counts.left_in_mid_message += 1
        self.by_peer = self.by_peer or not self.closed.is_set()
        self._end(why)
        self.drop()

    def _end(self, why: str) -> None:
        if self.closed.is_set():
            return
        self.why = why
        self.closed.set()
        self.playout.stop()
        if self.ear is not None:
            self.ear.close()
        if self._asked is not None and not self._asked.over.done():
            self._asked.over.set_exception(CallOver(why))
        self._port.over(self)
