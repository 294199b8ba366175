"""A caller, or a seat that dials, who is held in a FastAGI session: every order goes down that session, and some end it.

An order that ends the session sets variables first, upon which the dialplan acts (``docs/architecture.md``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from acd.messages import (
    Announce,
    Answer,
    Command,
    ConversationOver,
    Converse,
    DialOut,
    Event,
    HangUp,
    HoldMusic,
    MoveLeg,
    OpinionRecorded,
    PassOn,
    Play,
    PromptFinished,
    RecordOpinion,
    Refuse,
    RingAgent,
)
from hotline.announcing import announce, cut
from hotline.lines import Line
from hotline.opinions import record_opinion
from hotline.speaking import MUSIC, Conversations
from ivr.agi import run, set_variable, set_variables, stream_file, wait_for_digit
from ivr.live import AgiSession, SessionOver
from ivr.prompts import sound
from trunks import handover

COMMAND_S = 10.0
PROMPT_S = 180.0


class Held:
    """``post`` takes what comes of an order, ``gap`` is told when a channel fell out of our hands."""

    def __init__(self, post: Callable[[Event], None], gap: Callable[[], None]) -> None:
        self.post = post
        self.gap = gap
        self.conversations = Conversations(post)
        self.opinions: Path | None = None
        """where callers' open answers are kept"""

    async def carry(self, line: Line, session: AgiSession, orders: Sequence[Command]) -> None:
        """Carry out a row of orders down the session; raises `SessionOver` when it ends meanwhile."""
        # A seat is free: the dialplan answers and plays the music by itself as it rings the seat, and the caller's place in
        # the queue travels with the other variables. One round trip instead of four.
        at_once = isinstance(orders[-1], RingAgent) and not any(isinstance(order, Play) for order in orders)
        waits: dict[str, str | int] = {}
        cut(line)
        for at, order in enumerate(orders):
            if line.session is not session:  # one before it has led the caller elsewhere
                line.orders.extendleft(reversed(orders[at:]))
                return
            match order:
                case Answer() if at_once:
                    pass
                case Answer():
                    await session.execute(run("Answer", "0,i"), within=COMMAND_S)
                case Play():
                    await self._play(line, session, order)
                case RecordOpinion():
                    kept = await record_opinion(session, order, self.opinions)
                    self.post(OpinionRecorded(order.call, kept))
                case HoldMusic() if at_once:
                    waits = {**line.waits(order.queue), **_music(line, order)}
                case Announce() if order is not orders[-1]:
                    pass  # something else has come to pass meanwhile
                case Announce():
                    announce(line, session, order, self.post)
                case HoldMusic():
                    place = {**line.waits(order.queue), **_music(line, order)}
                    commands = (*set_variables(place), run("StartMusicOnHold"))
                    line.music = True
                    await session.execute(*commands, within=COMMAND_S)
                case Converse() if any(not isinstance(later, MUSIC) for later in orders[at + 1 :]):
                    # something better has come to pass meanwhile
                    self.post(ConversationOver(order.call, "seat"))
                case Converse():
                    led = await self.conversations.lead(line, session, order)
                    if led is not None:
                        await self.leave(line, session, "speak", led)
                        self.conversations.fetch(line)  # for what was ordered while he was led there
                case RingAgent():
                    line.agent, line.seat = order.agent, order.seat
                    await self.leave(
                        line,
                        session,
                        "seat",
                        {
                            **waits,
                            "ACD_SEAT": order.seat,
                            "ACD_AGENT": order.agent,
                            "ACD_RING": max(order.ring_ms // 1000, 1),
                            "ACD_AUTO": int(order.auto_answer),
                            "ACD_LINE": order.line,
                        },
                    )
                case PassOn():
                    ring = max(order.ring_ms // 1000, 1)
                    variables: dict[str, str | int] = {
                        "ACD_TRUNK": order.trunk,
                        "ACD_NUMBER": order.number,
                        "ACD_RING": ring,
                        **handover.variables(order.handover),
                    }
                    await self.leave(line, session, "pass", variables)
                case DialOut() if order.seat is not None:
                    ring = max(order.ring_ms // 1000, 1)
                    await self.leave(line, session, "toseat", {"ACD_SEAT": order.seat, "ACD_RING": ring})
                case DialOut():
                    variables = {
                        "ACD_TRUNK": order.trunk or "",
                        "ACD_NUMBER": order.number,
                        "ACD_RING": max(order.ring_ms // 1000, 1),
                        "ACD_SHOWN": order.shows,
                    }
                    await self.leave(line, session, "out", variables)
                case MoveLeg():
                    # music that was begun by an application goes on wherever the channel is led
                    await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
                    line.music = False
                    await self.leave(line, session, "room", {})
                case Refuse():
                    await self.leave(line, session, "refuse", {"ACD_CAUSE": order.cause})
                case HangUp():
                    await self.leave(line, session, "hangup", {"ACD_CAUSE": order.cause})

    async def leave(
        self, line: Line, session: AgiSession, to: str, variables: Mapping[str, str | int]
    ) -> None:
        """Set the variables, close the session: the dialplan acts on them."""
        # before the first command: an answer must not come before we know what it answers
        line.expects = "seat" if to == "seat" else None if to == "speak" else "pass"
        try:
            await session.execute(*set_variables({**variables, "ACD_NEXT": to}), within=COMMAND_S)
        except SessionOver:
            line.expects = line.speech = None
            if not session.hung_up.is_set():
                self.gap()
            raise
        line.session = None
        session.close()

    async def _play(self, line: Line, session: AgiSession, order: Play) -> None:
        if line.music:
            await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
            line.music = False
        if order.served and not line.served:
            await session.execute(set_variable("ACD_SERVED", 1), within=COMMAND_S)
            line.served = True
        key = None
        if order.keys:
            for prompt in order.prompts:
                (reply,) = await session.execute(stream_file(sound(prompt), order.keys), within=PROMPT_S)
                if key := reply.key:
                    break
            if key is None and order.wait_ms:
                wait = wait_for_digit(order.wait_ms)
                (reply,) = await session.execute(wait, within=order.wait_ms / 1000 + COMMAND_S)
                key = reply.key
        elif order.prompts:
            files = "&".join(map(sound, order.prompts))
            await session.execute(run("Playback", files), within=PROMPT_S)
        self.post(PromptFinished(order.call, key))


def _music(line: Line, order: HoldMusic) -> dict[str, str | int]:
    """The variable that chooses a queue's music, where it changes."""
    if order.music == line.music_class:
        return {}
    line.music_class = order.music
    return {"CHANNEL(musicclass)": f"music-{order.music}" if order.music else "default"}
