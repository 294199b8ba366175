"""Whoever waits may ask the machine meanwhile: he keeps his place, a free seat cuts it short, and who has his answer may go."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from tests.switch_speech.lines import talkers
from tests.switch_speech.people import CELL, Guest, answering_town, entries, hasty, rung_for, seats

pytestmark = pytest.mark.switch

QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"
WAITING = """
[queues.waiting]
first_seconds = 1
every_seconds = 30
"""
CUT_WITHIN_S = 1.0
TOLD, ASKED = "等候时可以按二提问。", "请说出您要问的事情"
SPEECH = f'[speech]\nwaiting = true\nwaiting_offer = ["{TOLD}"]\nquestion = ["{ASKED}"]'


def with_words() -> str:
    """Who waits hears of the key after a second, and nothing is offered after the greeting."""
    text, queues = re.subn(
        r'(\[\[queues\]\]\nname = "12345"\n(?:.+\n)*)',
        rf"\1{WAITING}\n",
        hasty(SPEECH),
        count=1,
    )
    assert queues == 1
    return text


async def asks_while_waiting(guest: Guest) -> None:
    """Hears of the key, presses it, asks, and hears the answer begin."""
    await guest.until_heard(TOLD)
    await guest.press("2")
    await guest.until_heard(ASKED)
    await guest.say(QUESTION)
    await guest.until_begins(entries()[ENTRY].answer, 2.0)


async def test_a_waiting_caller_keeps_his_place_while_he_asks_and_a_free_seat_cuts_the_answer() -> None:
    first, asking, later, helped = (f"1390000200{n}" for n in range(4))
    async with (
        answering_town(with_words()) as here,
        seats(here, 1) as there,
        talkers(here, CELL) as callers,
    ):
        occupies = await Guest.calls(here, callers, first)
        await rung_for(there, first)
        waits = await Guest.calls(here, callers, asking)
        await asks_while_waiting(waits)
        overtakes = await Guest.calls(here, callers, later)
        queue = here.platform.service.engine.state.waiting
        await here.until(lambda: queue["12345"] == 2, "both wait")
        freed = time.monotonic()
        await occupies.hang_up()
        rung = await rung_for(there, asking)
        assert rung.at - freed <= CUT_WITHIN_S
        await waits.until(lambda: rung.answered is not None, "a person", 5)
        assert not waits.conversing
        assert rung.shown.endswith(QUESTION)
        assert [one.caller for one in there.rung] == [first, asking]
        await waits.hang_up()
        await rung_for(there, later)
        cut = await waits.record()
        assert (cut.disposition, cut.speech[0].via, cut.speech[0].over) == ("answered", "waiting", "seat")
        # the seat has the third caller now: the fourth asks, and needs nobody any more
        goes = await Guest.calls(here, callers, helped)
        await asks_while_waiting(goes)
        await goes.say("是的")
        await goes.until_heard("speech-more")
        await goes.say("没有了")
        await asyncio.wait_for(goes.call.over.wait(), 15)
        done = await goes.record()
        assert (done.disposition, done.rings, done.seat) == ("contained", 0, None)
        assert queue["12345"] == 0
        assert [one.caller for one in there.rung] == [first, asking, later]
        await overtakes.hang_up()
        assert [(await guest.record()).disposition for guest in (occupies, overtakes)] == ["answered"] * 2
