"""Callers on their way to the speech process, inside it, and back: the dialplan's side of a conversation.

The dialplan leads a caller into the stream that we named; whatever ends that, he is back in a FastAGI session (``/spoken``).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Protocol

from acd.messages import Announce, CallerSpoke, Command, ConversationOver, Converse, Event, HoldMusic
from hotline.lines import Line
from hotline.logs import logger
from hotline.speech_words import Expect, Over, Turn
from ivr.agi import run
from ivr.live import AgiSession

COMMAND_S = 10.0
WORD_S = 1.0
"""so long the speech process's word of the end may come behind the caller"""

MUSIC = HoldMusic | Announce
"""orders that do not end a conversation"""

_log = logger("speaking")


class Speech(Protocol):
    """What is needed of the speech process (`hotline.speech_link`)."""

    async def expect(self, told: Expect) -> tuple[str, int] | None:
        """Where the caller is to be led; ``None``: nowhere."""
        ...

    def end(self, stream: str) -> None:
        """End this stream at once."""
        ...

    async def outcome(self, stream: str, within_s: float) -> Over:
        """How it ended; ``failed`` when nobody says."""
        ...


class Conversations:
    """``post`` takes what comes of a conversation; ``speech`` is ``None`` where the city has no machine."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self.post = post
        self.speech: Speech | None = None

    async def lead(self, line: Line, session: AgiSession, order: Converse) -> dict[str, str | int] | None:
        """The dialplan's variables that lead the caller there, or ``None``: he stays, and the engine is told."""
        stream = str(uuid.uuid4())
        terms = Expect(
            stream, order.call, order.offer, order.person, order.line, order.sms, order.case, order.identity
        )
        found = None if self.speech is None else await self.speech.expect(terms)
        if found is None or line.session is not session:
            self.post(ConversationOver(order.call, "failed"))
            return None
        if line.music:
            await session.execute(run("StopMusicOnHold"), within=COMMAND_S)
            line.music = False
        line.speech = stream
        host, port = found
        return {"ACD_SPEECH": stream, "ACD_SPEECH_AT": f"{host}:{port}"}

    def given(self, line: Line, order: Command) -> bool:
        """An order for a caller who talks to the machine: it waits until he is back, and unless it is mere music he is fetched.
        False: he does not talk."""
        if line.speech is None:
            return False
        if not isinstance(order, MUSIC):  # the engine orders music anew when he is back
            line.orders.append(order)
            self.fetch(line)
        return True

    def fetch(self, line: Line) -> None:
        """End the conversation if something better is ordered for the caller already."""
        better = any(not isinstance(order, MUSIC) for order in line.orders)
        if better and line.speech is not None and self.speech is not None:
            self.speech.end(line.speech)

    async def back(self, line: Line) -> None:
        """The caller is back: tell the engine how it ended."""
        stream, line.speech = line.speech, None
        over = Over("", line.call, "failed")
        if stream is not None and self.speech is not None:
            over = await self.speech.outcome(stream, WORD_S)
        if over.over == "contained":
            line.orders.clear()  # he needs no seat any more
        elif over.over == "failed":
            _log.warning("a conversation failed: the caller goes to a person", call=line.call)
        self.post(ConversationOver(line.call, over.over, over.line, over.reference))

    def turn(self, told: Turn) -> None:
        """One turn of a conversation."""
        self.post(CallerSpoke(told.call, told.did, told.heard, told.confidence, told.entry, told.score))
