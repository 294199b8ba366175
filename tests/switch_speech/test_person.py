"""A person is never further away than a word, a key, silence or two misunderstandings; and the seat sees what was said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest
import pytest_asyncio

from acd.messages import CallRecord
from hotline.rehearsal.answerers_live import Answerers, Rung
from hotline.rehearsal.callers_live import Callers
from hotline.rehearsal.sound import RATE, Samples
from tests.switch.conftest import Town
from tests.switch_speech.lines import recordings, spoken, talkers
from tests.switch_speech.people import (
    AT_ONCE_S,
    CELL,
    OFFER,
    ON,
    Guest,
    answering_town,
    entries,
    hasty,
    rung_for,
    seats,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

LONGEST_S = 5
"""of an utterance, 15 s where nothing else is said: so a talker of 10 minutes is a talker of some seconds here"""
QUESTION, ENTRY = "公积金怎么提取", "gjj.withdraw"
SHORT = "公交线路怎么查询"
"""to which the answer is short"""
SEED = 12345


@dataclass
class Place:
    """The town, its seats and its callers."""

    here: Town
    there: Answerers
    callers: Callers


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[Place]:
    speech = f"{ON}longest_seconds = {LONGEST_S}\nwait_seconds = 2\n"
    async with (
        answering_town(hasty(speech)) as here,
        seats(here, 8) as there,
        talkers(here, CELL) as callers,
    ):
        yield Place(here, there, callers)


async def caller(place: Place, number: str) -> Guest:
    """One who has heard the offer."""
    guest = await Guest.calls(place.here, place.callers, number)
    await guest.until_heard(OFFER)
    return guest


async def has_a_person(
    place: Place, guest: Guest, within_s: float = 10.0, talk: asyncio.Task[float] | None = None
) -> tuple[Rung, CallRecord]:
    """The caller reaches a seat, talks to it, and hangs up. ``talk``: he is still at it then."""
    rung = await rung_for(place.there, guest.call.caller, within_s)
    await guest.until(lambda: rung.answered is not None, "a person", 5)
    assert talk is None or not talk.done()
    await guest.hang_up()
    record = await guest.record()
    assert (record.disposition, record.rings) == ("answered", 1)
    return rung, record


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def pressed_in_the_offer(place: Place, number: str) -> float:
    guest = await Guest.calls(place.here, place.callers, number)
    await guest.until(lambda: guest.conversing, "is with the machine", 10)
    pressed = await guest.press("7")
    rung, record = await has_a_person(place, guest)
    assert record.speech[0].over == "key"
    return rung.at - pressed


async def pressed_in_the_answer(place: Place, number: str) -> float:
    guest = await caller(place, number)
    await guest.say(QUESTION)
    await guest.until_begins(entries()[ENTRY].answer, 1.5)
    pressed = await guest.press("0")
    rung, record = await has_a_person(place, guest)
    assert [turn.did for turn in record.speech[0].turns] == ["answered", "key"]
    return rung.at - pressed


async def pressed_while_speaking(place: Place, number: str) -> float:
    guest = await caller(place, number)
    talking = asyncio.create_task(guest.callers.say(guest.call, np.tile(spoken(QUESTION), 5)))
    await asyncio.sleep(0.8)  # in the middle of it
    pressed = await guest.press("#")
    rung, record = await has_a_person(place, guest, talk=talking)
    await talking
    assert [turn.did for turn in record.speech[0].turns] == ["key"]
    return rung.at - pressed


async def test_a_key_in_the_offer_in_an_answer_or_in_the_callers_own_words_rings_a_seat_within_a_second(
    place: Place,
) -> None:
    found = await asyncio.gather(
        pressed_in_the_offer(place, "13900001001"),
        pressed_in_the_answer(place, "13900001002"),
        pressed_while_speaking(place, "13900001003"),
    )
    print(f"\nfrom the key to the ring: {', '.join(f'{1000 * one:.0f}' for one in found)} ms")  # noqa: T201
    assert max(found) <= AT_ONCE_S


async def test_a_cases_number_by_keys_is_read_back_and_a_yes_brings_it_to_the_seat(place: Place) -> None:
    guest = await caller(place, "13900001004")
    await guest.say("撤销诉求")  # of which the base has nothing sure
    await guest.until_heard("speech-case")
    await guest.press("40712#")
    await guest.until_heard("speech-number")
    for digit in "40712":
        await guest.until_heard(f"digits/{digit}")
    await guest.until_heard("speech-right")
    await guest.say("对")
    _, record = await has_a_person(place, guest)
    assert record.reference == "40712"
    assert [turn.did for turn in record.speech[0].turns] == ["case", "number", "confirmed"]


# ── words, and none ──────────────────────────────────────────────────────────────────────────────────────────


async def asks_for_a_person(place: Place, number: str) -> tuple[Rung, CallRecord]:
    guest = await caller(place, number)
    await guest.say("转人工")
    return await has_a_person(place, guest)


async def says_nothing(place: Place, number: str) -> tuple[Rung, CallRecord]:
    return await has_a_person(place, await caller(place, number))


async def is_not_understood(place: Place, number: str) -> tuple[Rung, CallRecord]:
    guest = await caller(place, number)
    await guest.say("三")
    await guest.until_heard("speech-again")
    await guest.say("四")
    return await has_a_person(place, guest)


async def asks_and_is_not_helped(place: Place, number: str) -> tuple[Rung, CallRecord]:
    guest = await caller(place, number)
    await guest.say(SHORT)
    await guest.until_heard("speech-helped", 40)
    await guest.say("不是")
    return await has_a_person(place, guest)


async def test_the_words_for_a_person_silence_two_misunderstandings_and_a_no_all_lead_to_a_seat(
    place: Place,
) -> None:
    found = await asyncio.gather(
        asks_for_a_person(place, "13900001011"),
        says_nothing(place, "13900001012"),
        is_not_understood(place, "13900001013"),
        asks_and_is_not_helped(place, "13900001014"),
    )
    overs = [record.speech[0].over for _, record in found]
    assert overs == ["person", "silence", "misunderstood", "person"]
    shown = [rung.shown for rung, _ in found]
    assert shown[3].endswith(SHORT), shown
    assert [text for text in shown[:2] if any(sign in text for sign in "转人工公交")] == []


# ── noise, and no end of words ───────────────────────────────────────────────────────────────────────────────


def white(seconds: float, loudness: float) -> Samples:
    """White noise of this loudness (root mean square)."""
    chance = np.random.default_rng(SEED)
    return np.clip(chance.normal(0, loudness, round(seconds * RATE)), -32000, 32000).astype(np.int16)


def babble(seconds: float, loudness: float) -> Samples:
    """Six people who talk at once, each from somewhere else in what he says."""
    chance = np.random.default_rng(SEED)
    mixed = np.zeros(round(seconds * RATE))
    every = np.concatenate([spoken(text) for text in recordings()]).astype(float)
    for _ in range(6):
        mixed += np.resize(np.roll(every, int(chance.integers(len(every)))), len(mixed))
    made: Samples = np.clip(mixed * loudness / np.sqrt(np.mean(mixed**2)), -32000, 32000).astype(np.int16)
    return made


def voice_loudness() -> float:
    """How loud the recordings' callers are on average."""
    every = np.concatenate([spoken(text) for text in recordings()]).astype(float)
    return float(np.sqrt(np.mean(every**2)))


async def makes_noise(place: Place, number: str, noise: Samples) -> tuple[float, CallRecord]:
    """Nothing but this, from the answer on: when a seat rang, and what the machine made of it."""
    guest = await Guest.calls(place.here, place.callers, number)
    began = time.monotonic()
    noisy = asyncio.create_task(guest.callers.say(guest.call, noise))
    rung, record = await has_a_person(place, guest, 28, noisy)
    await noisy
    return rung.at - began, record


async def test_half_a_minute_of_noise_or_babble_reaches_a_person_and_is_given_no_answer(place: Place) -> None:
    loudness = voice_loudness() * 10 ** (-10 / 20)
    found = await asyncio.gather(
        makes_noise(place, "13900001021", white(30, loudness)),
        makes_noise(place, "13900001022", babble(30, loudness)),
    )
    print(f"\nnoise: a seat rang after {', '.join(f'{after:.1f}' for after, _ in found)} s")  # noqa: T201
    did = [turn.did for _, record in found for turn in record.speech[0].turns]
    assert {"answered", "confirmed"}.isdisjoint(did), did


async def test_a_talker_without_end_is_stopped_at_the_limit_and_gets_a_person(place: Place) -> None:
    """The limit of an utterance is lowered to 5 s here, so 10 minutes of talk need not be waited for."""
    guest = await caller(place, "13900001023")
    words = np.concatenate([spoken(text) for text in recordings()])
    loud = np.abs(words.astype(np.int32)) > 400
    kept = words[
        np.convolve(loud, np.ones(1600), "same") > 0
    ]  # no pause of 200 ms: none that ends an utterance
    began = time.monotonic()
    talk = asyncio.create_task(guest.callers.say(guest.call, np.resize(kept, 600 * RATE)))
    rung, record = await has_a_person(place, guest, 30, talk)
    assert rung.at - began < 2 * LONGEST_S + 15
    await talk
    assert record.speech[0].over in {"misunderstood", "unknown", "person"}
    assert {"answered", "confirmed"}.isdisjoint(turn.did for turn in record.speech[0].turns)
