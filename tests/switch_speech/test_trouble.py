"""Too many callers, and a speech process that is killed or hangs: nobody notices more than that a person answers."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from acd.messages import CallRecord
from hotline import speech_link
from hotline.rehearsal.answerers_live import Answerers
from hotline.rehearsal.callers_live import Callers
from tests.switch.conftest import Town
from tests.switch_speech.lines import machine_ready, spoken, talkers
from tests.switch_speech.people import (
    CELL,
    OFFER,
    ON,
    Guest,
    answering_town,
    channels,
    entries,
    hasty,
    rung_for,
    seats,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

MOST, CALLERS, SEATS = 8, 20, 12
QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"
KILLED_S, HANGS_S = 2.0, 5.0
CALLS, TOGETHER, SEED = 100, 10, 20_211_012


@dataclass
class Place:
    """The town, its seats and its callers."""

    here: Town
    there: Answerers
    callers: Callers

    @property
    def pid(self) -> int | None:
        """The speech process's, while it takes callers."""
        link = self.here.platform.speech.link
        assert link is not None
        return link.pid if link.ready is not None else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    async with (
        answering_town(hasty(f"{ON}most = {MOST}\n")) as here,
        seats(here, SEATS) as there,
        talkers(here, CELL) as callers,
    ):
        yield Place(here, there, callers)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def idle(place: Place) -> AsyncIterator[None]:
    """Each test begins with a machine that serves and nobody on the line, and leaves no channel behind."""
    await machine_ready(place.here)
    yield
    state = place.here.platform.service.engine.state
    await place.here.until(lambda: not state.calls and not state.conversing, "every call is over")
    assert await channels(place.here) == 0


async def test_of_20_callers_at_once_8_are_served_and_12_wait_for_seats_and_hear_nothing_of_it(
    place: Place,
) -> None:
    numbers = [f"139000030{n:02}" for n in range(CALLERS)]
    guests = await asyncio.gather(*(Guest.calls(place.here, place.callers, number) for number in numbers))
    began = time.monotonic()
    await place.here.until(lambda: len(place.there.rung) == CALLERS - MOST, "12 seats ring")
    rung = {one.caller for one in place.there.rung}
    assert max(one.at for one in place.there.rung) - began < 4, "they did not wait for the machine's silence"
    served = [guest for guest in guests if guest.call.caller not in rung]
    await asyncio.gather(*(guest.until_heard(OFFER) for guest in served))
    assert sum(guest.conversing for guest in guests) == MOST
    await asyncio.gather(*(guest.hang_up() for guest in guests))
    assert [guest.call.caller for guest in guests if guest not in served and guest.hears(OFFER)] == []
    records = [await guest.record() for guest in guests]
    assert sum(bool(record.speech) for record in records) == MOST
    assert all(record.disposition == "answered" for record in records if not record.speech)


async def in_mid_sentence(place: Place, number: str, sign: signal.Signals, within_s: float) -> float:
    """How long it takes to a ring when the process gets the signal while it speaks."""
    guest = await Guest.calls(place.here, place.callers, number)
    await guest.until_heard(OFFER)
    await guest.say(QUESTION)
    await guest.until_begins(entries()[ENTRY].answer, 1.5)
    pid = place.pid
    assert pid is not None
    at = time.monotonic()
    os.kill(pid, sign)
    rung = await rung_for(place.there, number, within_s + 5)
    await guest.until(lambda: rung.answered is not None, "a person", 5)
    await guest.hang_up()
    record = await guest.record()
    assert (record.disposition, record.speech[0].over) == ("answered", "failed")
    await machine_ready(place.here)
    assert place.pid != pid
    again = await Guest.calls(place.here, place.callers, f"{number[:-1]}9")
    await again.until_heard(OFFER)
    await again.hang_up()
    await again.record()
    return rung.at - at


async def test_a_process_killed_in_mid_sentence_rings_a_seat_within_2_s_and_callers_are_served_again(
    place: Place,
) -> None:
    took = await in_mid_sentence(place, "13900003101", signal.SIGKILL, KILLED_S)
    print(f"\nkilled: a seat rang after {took:.2f} s")  # noqa: T201
    assert took <= KILLED_S


async def test_a_process_that_hangs_in_mid_sentence_rings_a_seat_within_5_s_and_callers_are_served_again(
    place: Place,
) -> None:
    took = await in_mid_sentence(place, "13900003201", signal.SIGSTOP, HANGS_S)
    print(f"\nhangs: a seat rang after {took:.2f} s")  # noqa: T201
    assert took <= HANGS_S


# ── killed again and again ───────────────────────────────────────────────────────────────────────────────────


async def kill_again_and_again(place: Place, chance: random.Random, kills: Counter[str]) -> None:
    """Whenever it serves it is killed, some moments later."""
    while True:
        await machine_ready(place.here)
        await asyncio.sleep(chance.uniform(1.0, 5.0))
        if (pid := place.pid) is not None:
            kills["all"] += 1
            kills["with callers"] += bool(place.here.platform.service.engine.state.conversing)
            os.kill(pid, signal.SIGKILL)


async def comes_to_a_person(place: Place, number: str, chance: random.Random) -> tuple[Guest, CallRecord]:
    """One who calls while the machine serves; asks, asks for a person, presses a key or says nothing; and stays until a person is
    there."""
    await machine_ready(place.here)
    guest = await Guest.calls(place.here, place.callers, number)
    manner = chance.choice(("asks", "asks", "wants a person", "presses a key", "is silent"))
    await asyncio.sleep(chance.uniform(1.0, 3.0))
    if manner == "asks":
        await guest.say(QUESTION)
        await asyncio.sleep(chance.uniform(1.0, 4.0))
    if manner in {"asks", "wants a person"}:
        await guest.say("转人工")
    elif manner == "presses a key":
        await guest.press("0")
    rung = await rung_for(place.there, number, 40)
    await guest.until(lambda: rung.answered is not None, "a person", 5)
    await asyncio.sleep(0.3)
    await guest.hang_up()
    return guest, await guest.record()


async def test_100_callers_of_a_machine_that_is_killed_at_random_all_reach_a_person(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pauses between its starts, which grow when it dies again and again, are kept short: else most would never see it."""
    monkeypatch.setattr(speech_link, "AGAIN_S", (0.1, 0.2))
    chance, kills = random.Random(SEED), Counter[str]()
    spoken(QUESTION), spoken("转人工")  # made before, not while others talk
    free = asyncio.Semaphore(TOGETHER)

    async def one(n: int) -> tuple[Guest, CallRecord]:
        async with free:
            return await comes_to_a_person(place, f"13900004{n:03}", random.Random(SEED + n))

    killing = asyncio.create_task(kill_again_and_again(place, chance, kills))
    try:
        found = await asyncio.gather(*(one(n) for n in range(CALLS)))
    finally:
        killing.cancel()
    overs = Counter(spoken.over for _, record in found for spoken in record.speech)
    told = f"{kills['all']} kills, {kills['with callers']} with callers"
    print(f"\n{told}; conversations ended: {dict(overs)}")  # noqa: T201
    assert len(found) == CALLS
    assert {guest.call.ended_by for guest, _ in found} == {"caller"}
    assert {record.disposition for _, record in found} == {"answered"}
    every = Counter(record.caller for record in place.here.records)
    assert {every[guest.call.caller] for guest, _ in found} == {1}
    assert kills["with callers"] >= 5, "it was hardly ever killed under a caller"
    assert overs["failed"] >= 20
