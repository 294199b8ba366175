"""The conversation with a seat's phone that dialled a feature code: what is missing is asked for, the engine's word is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from acd.messages import (
    BackAsked,
    BarAsked,
    BreakAsked,
    Event,
    SignOffAsked,
    SignOnAsked,
    Tell,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)
from hotline import supervision
from hotline.logs import logger
from ivr.agi import HANG_UP, command, run, set_variables
from ivr.live import AgiSession
from ivr.prompts import sound

ASK_MS = 8_000
"""how long the phone may take to key the next digit"""
WORD_S = 10.0
COMMAND_S = 60.0

Word = tuple[str, ...] | Mapping[str, str]
"""what a phone that asked gets: prompts, or the variables with which it goes on in the dialplan"""

_log = logger("desk")


class Desks:
    """The phones that are on the line with a feature code. ``proven(agent, pin)`` checks a PIN; it takes time."""

    def __init__(self, post: Callable[[Event], None], proven: Callable[[str, str], bool]) -> None:
        self._post = post
        self._proven = proven
        self._words: dict[str, asyncio.Future[Word]] = {}

    def tell(self, order: Tell) -> None:
        """The engine's word for a phone that asked."""
        word = self._words.get(order.desk)
        if word is not None and not word.done():
            word.set_result(order.prompts)

    def lead(self, desk: str, variables: Mapping[str, str]) -> bool:
        """Let the phone on ``desk`` go on in the dialplan with these variables; none: it hears that there is no
        such call.
        False when it is no longer on the line."""
        word = self._words.get(desk)
        if word is None or word.done():
            return False
        word.set_result(variables or ("no-call-there",))
        return True

    async def serve(self, session: AgiSession, desk: str) -> None:
        """One feature code, from the dialling to the word and the hang-up."""
        seat, dialled = (*session.args, "", "")[:2]
        code, *keyed = dialled.lstrip("*").split("*")
        code, keyed = code[:2], [*([code[2:]] if code[2:] else []), *keyed]
        word = self._words[desk] = asyncio.get_running_loop().create_future()
        try:
            await session.execute(run("Answer", "0,i"), within=COMMAND_S)
            fact = await self._fact(session, seat, code, keyed, desk)
            if fact is None:
                prompts: Word = ("unknown-code",)
            else:
                self._post(fact)
                prompts = await self._word(word)
            if isinstance(prompts, Mapping):
                await session.execute(*set_variables(prompts), within=COMMAND_S)
                session.close()
                return
            files = "&".join(map(sound, prompts))
            await session.execute(run("Playback", files), HANG_UP, within=COMMAND_S)
        finally:
            del self._words[desk]

    async def _word(self, word: asyncio.Future[Word]) -> Word:
        try:
            return await asyncio.wait_for(word, WORD_S)
        except TimeoutError:
            return ("desk-unreachable",)

    async def _fact(
        self, session: AgiSession, seat: str, code: str, keyed: list[str], desk: str
    ) -> Event | None:
        match code:
            case "11":
                agent = keyed[0] if keyed else await _ask(session, "ask-agent", 8)
                pin = keyed[1] if len(keyed) > 1 else await _ask(session, "ask-pin", 12)
                loop = asyncio.get_running_loop()
                proven = await loop.run_in_executor(None, self._proven, agent, pin)
                return SignOnAsked(seat, agent, proven, desk)
            case "10":
                return SignOffAsked(seat, desk)
            case "12":
                reason = keyed[0] if keyed else await _ask(session, "ask-reason", 1)
                return BreakAsked(seat, reason, desk)
            case "13":
                return BackAsked(seat, desk)
            case "14":
                return WrapUpEndAsked(seat, desk)
            case "15":
                return WrapUpExtendAsked(seat, desk)
            case "39":
                confirmed = await _ask(session, "bar-confirm", 1) == "1"
                return BarAsked(seat, keyed[0] if keyed else "", confirmed, desk)
        if code in supervision.CODES:
            return await supervision.read_code(session, seat, code, keyed, desk, _ask)
        return None


async def _ask(session: AgiSession, prompt: str, most: int) -> str:
    """What is keyed after the prompt: up to ``most`` digits, ended by # or a pause."""
    (reply,) = await session.execute(command("GET DATA", sound(prompt), ASK_MS, most), within=COMMAND_S)
    return reply.result if reply.result.isdecimal() else ""
