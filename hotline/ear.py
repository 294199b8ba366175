"""The orders to write a talk down, carried out: both sides of it led to the speech process, and what it makes of them published.

Each side is a Local channel that hangs on the party's own by ChanSpy and hears nobody else (`dialplans.ear`). The talk itself is
never touched: whatever fails here is logged, and the ear is closed. What was said is in the hands of who reads along, and nowhere
else: neither logged nor stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from acd.messages import AgentId, CallId, Millis, SeatId, StopTranscribe, Transcribe
from hotline.lines import Line
from hotline.logs import logger
from hotline.speech_words import Over, Overhear, Overheard, Suggestion
from trunks.live import ACTION_S, ActionRefused, SwitchFault, SwitchLink

LONGEST_S = 4 * 3600.0
"""of a talk that is written down"""
DIAL_MS = 5_000
"""so long the switch may take to put a Local channel's two ends to their places"""
_ENDED = frozenset({"seat", "hung up"})
"""outcomes of a stream that are no fault: ended by us, or by the switch with the party's channel"""

_log = logger("ear")

Who = Literal["caller", "seat"]


class Begun(msgspec.Struct, frozen=True, tag=True):
    """A talk is written down from now on."""

    at: Millis
    call: CallId
    seat: SeatId
    agent: AgentId


class Said(msgspec.Struct, frozen=True, tag=True):
    """What one side said. ``final``: it will not change any more; otherwise the next one of this side takes its place.

    ``suggestions``: entries of the knowledge base that may help, the best first; of a caller's final words alone.
    """

    at: Millis
    call: CallId
    seat: SeatId
    agent: AgentId
    who: Who
    text: str
    final: bool
    confidence: float = 0.0
    suggestions: tuple[Suggestion, ...] = ()


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The talk is over, or not written down any more."""

    at: Millis
    call: CallId
    seat: SeatId
    agent: AgentId


Published = Begun | Said | Ended


class Speech(Protocol):
    """What is needed of the speech process (`hotline.speech_running`)."""

    async def expect(self, told: Overhear) -> tuple[str, int] | None:
        """Where the stream is to be led; ``None``: nowhere."""
        ...

    def end(self, stream: str) -> None:
        """End this stream at once."""
        ...

    async def outcome(self, stream: str, within_s: float) -> Over:
        """How it ended; ``failed`` when nobody says."""
        ...


@dataclass(slots=True)
class _Talk:
    """One that is written down. ``streams``: those of its sides, which are their channels' unique ids, too."""

    begun: Begun
    line: str | None
    streams: dict[str, Who] = field(default_factory=dict)
    closed: bool = False


class Ears:
    """``line``: the caller's channel of a call; ``seat``: the seat's, where it is in a room; ``now``: the engine's clock."""

    def __init__(
        self,
        line: Callable[[CallId], Line | None],
        seat: Callable[[CallId], str | None],
        link: Callable[[], SwitchLink | None],
        now: Callable[[], Millis],
    ) -> None:
        self.speech: Speech | None = None
        self.readers: list[Callable[[Published], None]] = []
        """who hears what is published; they must not raise"""
        self._line = line
        self._seat = seat
        self._link = link
        self._now = now
        self._talks: dict[CallId, _Talk] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def carry_out(self, order: Transcribe | StopTranscribe) -> None:
        """Carry out one order. Returns at once."""
        if talk := self._talks.get(order.call):
            self._close(talk)
        if isinstance(order, Transcribe):
            self._begin(order)

    def overheard(self, told: Overheard) -> None:
        """The speech process has heard something."""
        talk = self._talks.get(told.call)
        if talk is None or (who := talk.streams.get(told.uuid)) is None:
            return  # of a talk that is over
        of = talk.begun
        words = (told.text, told.final, told.confidence, told.suggestions)
        self._publish(Said(self._now(), of.call, of.seat, of.agent, who, *words))

    async def run(self) -> None:
        """Until cancelled: then every ear is closed."""
        try:
            await asyncio.Event().wait()
        finally:
            for talk in tuple(self._talks.values()):
                self._close(talk)
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def on(self) -> tuple[Begun, ...]:
        """The talks that are written down now, as they were published."""
        return tuple(talk.begun for talk in self._talks.values())

    def _begin(self, order: Transcribe) -> None:
        line = self._line(order.call)
        seat = order.channel or (line.leg if line is not None else None) or self._seat(order.call)
        if line is None or seat is None:
            _log.warning("a talk is not written down: its channels are not known", call=order.call)
            return
        begun = Begun(self._now(), order.call, order.seat, order.agent)
        talk = self._talks[order.call] = _Talk(begun, order.line)
        self._publish(begun)
        sides: tuple[tuple[Who, str], ...] = (("caller", line.own), ("seat", seat))
        for who, channel in sides:
            stream = str(uuid.uuid4())
            talk.streams[stream] = who
            task = asyncio.get_running_loop().create_task(self._listen(talk, stream, channel))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _close(self, talk: _Talk) -> None:
        """End both sides. Who is on the way finds nobody who expects him."""
        if talk.closed:
            return
        talk.closed = True
        of = talk.begun
        del self._talks[of.call]
        self._publish(Ended(self._now(), of.call, of.seat, of.agent))
        if self.speech is not None:
            for stream in talk.streams:
                self.speech.end(stream)

    async def _listen(self, talk: _Talk, stream: str, channel: str) -> None:
        """One side, from its beginning to its end. Nothing gets out of here."""
        why = ""
        try:
            why = await self._lead(talk, stream, channel)
        except SwitchFault as fault:
            why = str(fault)
        except Exception:  # noqa: BLE001 (the talk goes on whatever becomes of its ear)
            _log.exception("an ear failed", call=talk.begun.call)
            why = "a fault of the program's"
        finally:
            if not talk.closed and why:
                _log.warning("a talk is not written down any more", call=talk.begun.call, why=why)
                self._close(talk)
            await self._drop(stream)

    async def _lead(self, talk: _Talk, stream: str, channel: str) -> str:
        """Why this side is not heard any more; empty when its party is gone."""
        speech, link = self.speech, self._link()
        if speech is None or link is None:
            return "there is no speech process, or no switch"
        found = await speech.expect(Overhear(stream, talk.begun.call, talk.streams[stream], talk.line))
        if found is None:
            return "the speech process does not serve"
        if talk.closed:
            speech.end(stream)
            return ""
        host, port = found
        given = {"EAR_OF": channel, "EAR_STREAM": stream, "EAR_AT": f"{host}:{port}"}
        await link.action(
            "Originate",
            ACTION_S,
            Channel="Local/spy@hotline-ear/n",
            ChannelId=stream,
            OtherChannelId=f"{stream}-spy",
            Context="hotline-ear",
            Exten="tell",
            Priority=1,
            Timeout=DIAL_MS,
            Variable=[f"{name}={value}" for name, value in given.items()],
            Async=True,
        )
        over = await speech.outcome(stream, LONGEST_S)
        return "" if over.over in _ENDED else f"the speech process says: {over.over}"

    async def _drop(self, stream: str) -> None:
        """Hang the side's channel up: it is gone already, unless the speech process hangs."""
        if (link := self._link()) is not None and link.up:
            with contextlib.suppress(SwitchFault, ActionRefused):
                await link.hangup(stream)

    def _publish(self, told: Published) -> None:
        for reader in tuple(self.readers):
            reader(told)
