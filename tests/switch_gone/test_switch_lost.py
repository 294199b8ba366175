"""The engine loses the switch: its control connection is cut while calls go on, and Asterisk itself is killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from hotline.rehearsal.results import Leg, Outcome, join
from tests.switch_gone.running import Run, double_rung, hotline_run

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

SEATS, TALK_S = 4, 5.0


@dataclass
class Story:
    """What was seen from outside."""

    run: Run
    talking: list[Leg]
    impatient: list[Leg]
    new: list[Leg]
    cut: float
    mended: float
    phones_then: list[Leg]
    records_then: list[dict[str, Any]]
    broken: list[str]
    killed: float
    restarted: dict[str, Any]
    after: list[Leg]
    phones: list[Leg]
    records: list[dict[str, Any]]


async def kick_for_ever(run: Run) -> None:
    """Close every control connection from Asterisk's side, again and again."""
    while True:
        await kick(run)


async def kick(run: Run) -> None:
    """Close every control connection that there is."""
    for number in re.findall(
        r"^\s*\S+\s+\S+\s+\d+\s+\d+\s+(\d+)", await run.switch.console("manager show connected"), re.MULTILINE
    ):
        await run.switch.console(f"manager kick session {number}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story() -> AsyncIterator[Story]:
    async with hotline_run("127.9.3") as run, run.phones(SEATS, TALK_S) as phones:
        await run.sign_on(phones)
        talking = asyncio.create_task(run.call(SEATS + 1, first=13_100_000_000, phones=[phones]))
        await run.until(lambda: run.journalled("PromptFinished") == SEATS + 1, "all have heard the greeting")
        await phones.rung(SEATS)
        cutting = asyncio.create_task(kick_for_ever(run))
        cut = await run.until(lambda: run.journalled("SwitchLost") == 2, "the engine notices")
        # Meanwhile talks end, a caller hangs up while he waits, and new ones come.
        impatient = asyncio.create_task(run.call(1, first=13_200_000_000, patience_s=4.5))
        new = asyncio.create_task(run.call(2, first=13_300_000_000, phones=[phones]))
        await impatient
        await phones.quiet()
        cutting.cancel()
        await asyncio.wait([cutting])
        mended = time.time()
        ended = [await talking, await impatient, await new]
        await run.until(lambda: len(run.records()) == SEATS + 4, "every record", 15)
        phones_then, records_then = await phones.quiet(), run.records()

        broken = [str(13_400_000_000 + n) for n in range(SEATS + 2)]
        heard = run.journalled("PromptFinished")
        lost = asyncio.create_task(run.call(SEATS + 2, first=13_400_000_000, limit_s=14))
        await run.until(
            lambda: run.journalled("PromptFinished") == heard + SEATS + 2, "the greeting is heard"
        )
        rung = len(phones_then)
        await phones.rung(rung + SEATS)
        await run.until(
            lambda: sum(leg.answered is not None for leg in phones.legs()[rung:]) == SEATS, "all talk"
        )
        pid, killed = run.switch.pid, time.time()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await run.until(lambda: run.events("surveyed", killed), "the engine knows the new Asterisk")
        await run.until(lambda: len(run.records()) == 2 * SEATS + 6, "a record of each call that was cut")
        # Asterisk asks each phone anew whether it is there; an answer that is lost comes with the next question.
        await run.until(lambda: not run.unreachable(), "every phone answers the new Asterisk", 30)
        after = await run.call(SEATS, first=13_500_000_000, phones=[phones])
        await run.until(lambda: len(run.records()) == 3 * SEATS + 6, "the last record")
        await lost
        yield Story(
            run,
            *ended,
            cut,
            mended,
            phones_then,
            records_then,
            broken,
            killed,
            run.events("surveyed", killed)[0],
            after,
            phones.legs(),
            run.records(),
        )


async def test_a_cut_control_connection_loses_no_call(story: Story) -> None:
    for calls in (story.talking, story.new):
        assert {call.outcome() for call in join(calls, story.phones_then)} == {Outcome.ANSWERED}
    (gone,) = join(story.impatient, story.phones_then)
    assert gone.outcome() is Outcome.ABANDONED
    assert gone.phones == (), "somebody was rung for a caller who had hung up"
    assert double_rung(story.phones_then) == []


async def test_nobody_is_rung_blindly_and_all_are_rung_once_the_switch_is_seen_again(story: Story) -> None:
    waited = [leg for leg in story.phones_then if leg.began > story.cut]
    assert len(waited) == 3
    assert all(leg.began >= story.mended for leg in waited)
    (surveyed, *_) = story.run.events("surveyed", story.mended)
    assert surveyed["restarted"] is False
    assert surveyed["seats"] == SEATS


async def test_the_records_tell_what_happened_while_the_connection_was_cut(story: Story) -> None:
    ends = {record["caller"]: record["disposition"] for record in story.records_then}
    assert len(story.records_then) == len(ends)
    assert ends.pop(story.impatient[0].caller) == "abandoned"
    assert Counter(ends.values()) == {"answered": SEATS + 3}


async def test_an_asterisk_that_was_killed_is_started_again_and_its_calls_are_closed(story: Story) -> None:
    assert story.restarted["restarted"] is True
    assert story.restarted["seats"] == SEATS, "a phone has to register anew"
    ends = Counter(record["disposition"] for record in story.records if record["caller"] in story.broken)
    assert ends == {"answered": SEATS, "lost": 2}
    assert len([record for record in story.records if record["caller"] in story.broken]) == SEATS + 2


async def test_on_the_new_asterisk_every_seat_answers_without_signing_on_again(story: Story) -> None:
    calls = join(story.after, story.phones)
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * SEATS
    assert len({call.phones[0].called for call in calls}) == SEATS
