"""A seat that keys ``*2`` while it talks: what follows is heard by nobody else, and becomes a wish of the engine's.

    *20  give the third party back       *24  toggle between caller and third party
    *21 NUMBER #  send the caller on     *25  complete: leave the two alone
    *22 NUMBER #  consult                *26  all three together
    *23 NUMBER #  three-way              *29 110   an emergency centre into the call, at once
    *27  stop recording for a while      *28  go on recording

The codes are data (``KEYS``); what they do is decided in ``acd/transfer.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from acd.messages import (
    Event,
    LegHolds,
    RecordingPauseAsked,
    RecordingResumeAsked,
    Tell,
    TransferAsked,
    TransferSteered,
)
from hotline.logs import logger
from ivr.agi import run, wait_for_digit
from ivr.live import AgiSession
from ivr.prompts import sound

FIRST_KEY_MS = 4_000
NEXT_KEY_MS = 4_000
"""a number that is not ended by # ends with a pause so long"""
LONGEST = 20
WORD_S = 10.0
COMMAND_S = 30.0

ASKS = {"1": "blind", "2": "consult", "3": "three-way"}
WISHES = {"0": "give back", "4": "toggle", "5": "complete", "6": "together"}
EMERGENCY = "9"
RECORDING: dict[str, type[RecordingPauseAsked] | type[RecordingResumeAsked]] = {
    "7": RecordingPauseAsked,
    "8": RecordingResumeAsked,
}

_log = logger("feature")


class Features:
    """The seats that are keying something. ``call_of`` finds the call of a seat's channel; ``emergencies``: numbers that
    need no #."""

    def __init__(
        self,
        post: Callable[[Event], None],
        call_of: Callable[[str], str | None],
        emergencies: Callable[[], Collection[str]],
    ) -> None:
        self._post = post
        self._call_of = call_of
        self._emergencies = emergencies
        self._words: dict[str, asyncio.Future[tuple[str, ...]]] = {}
        self._sessions: dict[str, AgiSession] = {}
        self._keying: dict[str, AgiSession] = {}
        """by the seat's channel"""

    def tell(self, order: Tell) -> bool:
        """The engine's word for a seat that keyed; false when it is for somebody else. No prompts: it is being done."""
        word = self._words.get(order.desk)
        if word is None:
            return False
        if not order.prompts:
            self._sessions[
                order.desk
            ].close()  # before whatever is ordered next: the seat is back in the talk
        if not word.done():
            word.set_result(order.prompts)
        return True

    def alone(self, call: str) -> None:
        """The caller has hung up and nobody else is there: a seat that is still keying is let go at once."""
        for channel, session in list(self._keying.items()):
            if self._call_of(channel) == call:
                session.close()

    async def serve(self, session: AgiSession) -> None:
        """One code, from the first key to the word."""
        channel = session.env["agi_uniqueid"]
        self._keying[channel] = session
        try:
            await self._serve(session, channel)
        finally:
            self._keying.pop(channel, None)

    async def _serve(self, session: AgiSession, channel: str) -> None:
        desk = f"keys {channel}"
        keyed = await self._key(session, FIRST_KEY_MS)
        number = await self._number(session, keyed) if keyed in {*ASKS, EMERGENCY} else ""
        call = self._call_of(channel)
        fact = self._fact(call, keyed, number, desk) if call is not None else None
        if keyed is None:
            return
        if fact is None:
            await self._say(session, ("transfer-none",) if call is None else ("unknown-code",))
            return
        word = self._words[desk] = asyncio.get_running_loop().create_future()
        self._sessions[desk] = session
        try:
            if isinstance(fact, TransferAsked):  # Asterisk has told a hold: that was for the keys
                self._post(LegHolds(fact.call, "seat", on=False))
            self._post(fact)
            prompts = await asyncio.wait_for(word, WORD_S)
            if prompts:
                await self._say(session, prompts)
        except TimeoutError:
            await self._say(session, ("desk-unreachable",))
        finally:
            del self._words[desk], self._sessions[desk]

    def _fact(self, call: str | None, keyed: str | None, number: str, desk: str) -> Event | None:
        if call is None or keyed is None:
            return None
        if keyed in RECORDING:
            return RECORDING[keyed](call, desk=desk)
        if keyed in WISHES:
            return TransferSteered(call, WISHES[keyed], desk=desk)
        if keyed == EMERGENCY and number in self._emergencies():
            return TransferAsked(call, "three-way", number, desk=desk)
        if keyed in ASKS and number:
            return TransferAsked(call, ASKS[keyed], number, desk=desk)
        return None

    async def _number(self, session: AgiSession, keyed: str | None) -> str:
        digits = ""
        while len(digits) < LONGEST:
            key = await self._key(session, NEXT_KEY_MS)
            if key is None or key == "#":
                break
            digits += key
            if keyed == EMERGENCY and digits in self._emergencies():
                break
        return digits

    async def _key(self, session: AgiSession, within_ms: int) -> str | None:
        (reply,) = await session.execute(wait_for_digit(within_ms), within=within_ms / 1000 + 5)
        return reply.key

    async def _say(self, session: AgiSession, prompts: tuple[str, ...]) -> None:
        await session.execute(run("Playback", "&".join(map(sound, prompts))), within=COMMAND_S)
