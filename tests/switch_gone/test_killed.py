"""The engine is killed with 20 waiting and 20 talking, hangs, and is told to stop: nobody notices at the telephone."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import hotline.switch
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import Leg, Outcome, join
from tests.switch_gone.running import Run, double_rung, entered, hotline_run

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

SEATS, TALK_S = 20, 7.0

LONGEST_SILENCE_S = 2.5
"""half of what the unit allows"""


@dataclass
class Fall:
    """An engine's end and what followed. Instants are seconds since 1970."""

    at: float
    spool: str
    next_began: float
    taken_over: dict[str, Any]
    surveyed: dict[str, Any]
    callers: list[Leg] = field(default_factory=list)


@dataclass
class Story:
    """What was seen from outside."""

    run: Run
    killed: Fall
    hung: Fall
    phones: list[Leg]
    after_stop: Counter[str]
    stop_status: int
    switch_left: int | None
    back: list[Leg]
    back_taken_over: dict[str, Any]
    records: list[dict[str, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story() -> AsyncIterator[Story]:
    async with hotline_run("127.9.1") as run, run.phones(SEATS, TALK_S) as phones:
        await run.sign_on(phones)
        killed = await fall(run, phones, 40, 13_800_000_000, signal.SIGKILL)
        await run.until(lambda: len(run.records()) == 40, "40 records")
        hung = await fall(run, phones, 24, 13_900_000_000, signal.SIGSTOP)
        status = await run.stop()  # the last seats are still in their wrap-up
        left = run.switch.pid
        after_stop = Counter(record["disposition"] for record in run.records())
        again = time.time()
        await run.start()
        back = await run.call(1, first=13_700_000_000, phones=[phones])
        taken = run.events("state taken over", again)[0]
        await run.until(lambda: len(run.records()) == 65, "65 records")
        at_phones = await phones.quiet()
        yield Story(run, killed, hung, at_phones, after_stop, status, left, back, taken, run.records())


async def fall(run: Run, phones: Phones, calls: int, first: int, sign: signal.Signals) -> Fall:
    """Place calls, send the signal to the engine when 20 talk and the others wait, follow the calls to their end."""
    rung, heard = len(phones.legs()), run.journalled("PromptFinished")
    placing = asyncio.create_task(run.call(calls, first=first, phones=[phones]))
    await run.until(lambda: run.journalled("PromptFinished") == heard + calls, "all have heard the greeting")
    await phones.rung(rung + SEATS)
    await run.until(lambda: sum(leg.answered is not None for leg in phones.legs()) == rung + SEATS, "20 talk")
    at = time.time()
    os.kill(run.worker(), sign)
    # the next engine takes the spool a second after it is up
    await run.until(
        lambda: len(entered(run.spool())) >= calls - SEATS, "the waiting callers are in the fallback"
    )
    spool = run.spool()
    await run.until(lambda: run.events("surveyed", at), "the next engine knows what the switch has")
    (surveyed, *_), (taken, *_) = run.events("surveyed", at), run.events("state taken over", at)
    (began, *_) = run.events("the engine ended: starting the next", at)
    return Fall(at, spool, began["at"], taken, surveyed, await placing)


async def test_every_waiting_caller_is_in_the_fallback_within_100_ms_of_the_kill(story: Story) -> None:
    late = [at - story.killed.at for at in entered(story.killed.spool)]
    assert len(late) == 20
    assert max(late) <= 0.1


async def test_the_next_engine_knows_every_call_and_seat_within_2_s(story: Story) -> None:
    fall = story.killed
    assert (fall.taken_over["calls"], fall.taken_over["agents"]) == (40, SEATS)
    assert (fall.surveyed["calls"], fall.surveyed["seats"]) == (40, SEATS)
    assert fall.surveyed["at"] - fall.at <= 2.0


async def test_a_kill_hangs_nobody_up_and_all_are_answered_once(story: Story) -> None:
    calls = join(story.killed.callers, story.phones)
    assert len(calls) == 40
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * 40
    assert [len(call.phones) for call in calls] == [1] * 40, "somebody was rung for twice"
    assert all(call.phones[0].talk_s and call.phones[0].talk_s >= TALK_S - 0.1 for call in calls), (
        "a talk was cut"
    )


async def test_a_hung_engine_is_killed_within_4_s_and_its_callers_go_on(story: Story) -> None:
    (killed,) = story.run.events("the engine hangs: killed")
    assert 2.5 <= killed["at"] - story.hung.at <= 4.0
    late = [at - killed["at"] for at in entered(story.hung.spool)]
    assert len(late) == 4
    assert max(late) <= 0.2
    calls = join(story.hung.callers, story.phones)
    assert [call.outcome() for call in calls] == [Outcome.ANSWERED] * 24


async def test_no_phone_is_rung_while_it_rings_or_talks(story: Story) -> None:
    assert double_rung(story.phones) == []


async def test_every_call_leaves_exactly_one_record_of_who_answered_it(story: Story) -> None:
    callers = Counter(record["caller"] for record in story.records)
    legs = [*story.killed.callers, *story.hung.callers, *story.back]
    assert callers == Counter({leg.caller: 1 for leg in legs})
    at_seat = {leg.caller: leg.called for leg in story.phones if leg.answered is not None}
    assert {record["disposition"] for record in story.records} == {"answered"}
    assert all(record["seat"] == at_seat[record["caller"]] and record["agent"] for record in story.records)


async def test_told_to_stop_it_ends_in_order_and_the_next_start_goes_on_from_there(story: Story) -> None:
    assert story.stop_status == 0
    assert story.switch_left is None, "Asterisk is left running"
    assert story.after_stop["answered"] < 64, "nobody was in wrap-up: the test shows nothing"
    assert story.back_taken_over["agents"] == SEATS, "the agents are no longer signed on"
    assert [call.outcome() for call in join(story.back, story.phones)] == [Outcome.ANSWERED]


async def test_systemd_hears_of_readiness_and_never_misses_the_watchdogs_sign(story: Story) -> None:
    told = story.run.notices
    assert told[0][1] in {b"WATCHDOG=1", b"READY=1"}
    assert sum(text == b"READY=1" for _, text in told) == 4, "one a start of an engine"
    beats = [
        at for at, text in told if text == b"WATCHDOG=1" and at < story.run.events("answering")[-1]["at"] - 3
    ]
    lives = [b - a for a, b in pairwise(beats)]
    assert max(lives) < LONGEST_SILENCE_S


async def test_the_unit_is_one_that_systemd_takes() -> None:
    unit = Path(hotline.switch.__file__).parent / "hotline.service"
    text = unit.read_text(encoding="utf-8")
    assert "Type=notify" in text
    watchdog = re.search(r"^WatchdogSec=(\d+)$", text, re.MULTILINE)
    assert watchdog is not None
    assert int(watchdog[1]) >= 2 * LONGEST_SILENCE_S
    assert "KillMode=process" in text, "Asterisk and its calls would be killed with the engine"
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    said = await asyncio.create_subprocess_exec(
        analyze, "verify", "--man=no", str(unit), stderr=subprocess.PIPE
    )
    _, words = await asyncio.wait_for(said.communicate(), 20)
    complaints = [
        line for line in words.decode().splitlines() if "hotline" in line and "not executable" not in line
    ]
    assert complaints == []
