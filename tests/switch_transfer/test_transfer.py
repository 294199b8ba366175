"""Transfers on the real switch, keyed by a seat on a real phone: who hears whom at each step, and what is left at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from acd.agents import Activity
from acd.messages import CallRecord, TransferAsked, WrapUpEndAsked
from acd.parties import Stage
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import NEVER_ANSWERS, Fixed, Manner
from hotline.rehearsal.sound import RATE, longest_silence_s
from tests.switch.conftest import PIN, Town
from tests.switch_transfer.trio import (
    CALLER_HZ,
    OTHER_AGENT,
    OTHER_HZ,
    OTHER_SEAT,
    SEAT,
    SEAT_HZ,
    THIRD_HZ,
    Trio,
    sign_on,
    tones,
    trio,
    zhengzhou,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]
NET = "127.39.0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    async with zhengzhou(NET) as here:
        yield here


@pytest.fixture(scope="module")
def wavs(tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    return tones(tmp_path_factory.mktemp("tones"))


@pytest_asyncio.fixture(loop_scope="module")
async def three(here: Town, wavs: dict[float, Path]) -> AsyncIterator[Trio]:
    here.records.clear()
    async with trio(here, wavs, "127.39.1") as three:
        yield three
        await three.over()


def police(here: Town, wavs: dict[float, Path], manner: Manner | None = None) -> FarEnd:
    """110, which picks up after half a second unless told otherwise, and plays its tone."""
    return FarEnd(*here.far("emergency"), manner=manner or Manner(ring_s=Fixed(0.5), sound=wavs[THIRD_HZ]))


async def record(three: Trio) -> CallRecord:
    """The record of the one call, after the seat's wrap-up."""
    await three.here.until(lambda: not three.here.platform.service.engine.state.calls, "the call is over")
    for seat in (SEAT, OTHER_SEAT):
        three.here.platform.service.post(WrapUpEndAsked(seat))
    await three.here.until(lambda: three.here.records, "the record")
    (found,) = three.here.records
    return found


async def test_a_consultation_by_key_is_private_and_hanging_up_hands_over(
    three: Trio, wavs: dict[float, Path]
) -> None:
    async with police(three.here, wavs):
        await three.talking()
        await three.seat.press("*22110#")
        await three.at(Stage.CONSULTING)
        await three.until_hears(three.seat, THIRD_HZ, not_=(CALLER_HZ,))
        await three.until_hears(three.caller, not_=(SEAT_HZ, THIRD_HZ))
        assert len(three.caller.heard().samples) > 0
        await three.seat.hang_up()
        await three.at(Stage.HANDED_OVER)
        await three.until_hears(three.caller, THIRD_HZ)
        await three.caller.hang_up()
        told = await record(three)
    assert (told.disposition, told.agent, told.passed_to) == ("answered", "1101", "110")
    assert [(t.how, t.to, t.trunk, t.outcome) for t in told.transfers] == [
        ("consult", "110", "emergency", "handed over")
    ]


async def test_the_third_party_hears_both_after_a_toggle_and_together(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await sign_on(three.here, three.other, OTHER_AGENT)
    await three.talking()
    await three.seat.press(f"*22{OTHER_SEAT}#")
    await three.other.incoming(within_s=10)
    await three.other.answer(within_s=10)
    await three.at(Stage.CONSULTING)
    await three.until_hears(three.other, SEAT_HZ, not_=(CALLER_HZ,))
    await three.seat.press("*24")
    await three.at(Stage.TOGGLED)
    await three.until_hears(three.seat, CALLER_HZ, not_=(OTHER_HZ,))
    await three.until_hears(three.caller, SEAT_HZ, not_=(OTHER_HZ,))
    await three.until_hears(three.other, not_=(SEAT_HZ, CALLER_HZ))
    await three.seat.press("*26")
    await three.at(Stage.TOGETHER)
    await three.until_hears(three.other, SEAT_HZ, CALLER_HZ)
    await three.until_hears(three.caller, SEAT_HZ, OTHER_HZ)
    await three.until_hears(three.seat, CALLER_HZ, OTHER_HZ)
    await three.seat.press("*25")
    await three.at(Stage.BACK)  # the other seat has the call now
    await three.until_hears(three.caller, OTHER_HZ, not_=(SEAT_HZ,))
    assert three.call.agent == OTHER_AGENT
    await three.other.hang_up()
    await three.caller.ended(within_s=5)
    told = await record(three)
    assert [(t.agent, t.outcome) for t in told.transfers] == [(OTHER_AGENT, "handed over")]


async def test_one_key_brings_110_into_the_call_and_caller_and_seat_never_stop_talking(
    three: Trio, wavs: dict[float, Path]
) -> None:
    async with police(three.here, wavs, Manner(ring_s=Fixed(2.5), sound=wavs[THIRD_HZ])) as far:
        await three.talking()
        await three.seat.press("*29110")
        await three.at(Stage.INVITING)
        await three.until_hears(three.caller, SEAT_HZ)
        await three.until_hears(three.seat, CALLER_HZ)
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.until_hears(three.seat, CALLER_HZ, THIRD_HZ)
        await three.caller.hang_up()  # cut off: the seat and 110 finish
        await three.at(Stage.ASIDE)
        await three.until_hears(three.seat, THIRD_HZ, not_=(CALLER_HZ,))
        await three.seat.hang_up()
        await far.quiet(within_s=5)
        told = await record(three)
    assert [(t.how, t.to, t.outcome) for t in told.transfers] == [("three-way", "110", "joined")]


async def test_a_third_party_that_does_not_come_is_told_and_the_caller_is_back(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await sign_on(three.here, three.other, OTHER_AGENT)
    await three.talking()
    await three.seat.press(f"*22{OTHER_SEAT}#")
    await three.other.incoming(within_s=10)
    await three.other.refuse()
    await three.here.until(lambda: three.stage() is Stage.BACK, "back", 15)
    assert three.told(three.seat, "transfer-busy")
    assert not three.told(three.caller, "transfer-busy")
    await three.until_hears(three.caller, SEAT_HZ)
    await three.until_hears(three.seat, CALLER_HZ)
    await three.seat.hang_up()
    await three.caller.ended(within_s=5)
    told = await record(three)
    assert [t.outcome for t in told.transfers] == ["busy"]


async def test_a_seat_that_leaves_before_a_refusal_finds_its_caller_at_the_head_of_the_queue(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await three.talking()
    async with police(three.here, wavs, NEVER_ANSWERS):
        await three.seat.press("*22110#")
        await three.at(Stage.ASKING)
        await three.seat.hang_up()
        await three.other.dial(f"*11*{OTHER_AGENT}*{PIN}")
        await three.other.ended(within_s=20)
    # 110's phone is off now, and no other way leads there: the caller is the next one's
    await three.other.incoming(within_s=90)
    await three.other.answer(within_s=10)
    await three.until_hears(three.caller, OTHER_HZ)
    await three.other.hang_up()
    await three.caller.ended(within_s=5)
    told = await record(three)
    assert (told.agent, told.seat) == (OTHER_AGENT, OTHER_SEAT)


async def test_a_blind_transfer_to_a_seat_frees_the_first_at_once_and_shows_the_line(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await sign_on(three.here, three.other, OTHER_AGENT)
    await three.talking()
    await three.seat.press(f"*21{OTHER_SEAT}#")
    assert await three.other.incoming(within_s=10) == "13700000000"
    await three.seat.ended(within_s=5)
    assert three.here.agent("1101").activity is Activity.WRAP_UP
    await three.other.answer(within_s=10)
    await three.until_hears(three.caller, OTHER_HZ)
    await three.until_hears(three.other, CALLER_HZ)
    await three.caller.hang_up()
    told = await record(three)
    assert [(t.how, t.agent, t.outcome) for t in told.transfers] == [("blind", OTHER_AGENT, "handed over")]


async def test_a_blind_transfer_that_rings_out_brings_the_caller_to_another_seat(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await sign_on(three.here, three.other, OTHER_AGENT)
    await three.talking()
    await three.seat.press(f"*21{OTHER_SEAT}#")
    await three.other.incoming(within_s=10)
    await three.seat.ended(within_s=5)
    three.here.platform.service.post(WrapUpEndAsked(SEAT))
    await three.other.refuse()
    await three.seat.incoming(within_s=10)  # the only one who is free
    await three.seat.answer(within_s=10)
    await three.until_hears(three.caller, SEAT_HZ)
    await three.caller.hang_up()
    told = await record(three)
    assert [t.outcome for t in told.transfers] == ["busy"]


async def test_keys_are_heard_by_nobody_else_and_a_code_that_is_not_finished_loses_no_hang_up(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await three.talking()
    await three.seat.press("*2")
    await three.caller.hang_up()
    await three.seat.ended(within_s=8)
    told = await record(three)
    assert told.transfers == ()


async def test_what_cannot_be_is_said_to_the_seat_alone_and_the_talk_goes_on(
    three: Trio, wavs: dict[float, Path]
) -> None:
    await three.talking()
    await three.seat.press(f"*22{OTHER_SEAT}#")  # nobody is signed on there
    await three.here.until(lambda: three.told(three.seat, "transfer-unreachable"), "the words", 8)
    assert not three.told(three.caller, "transfer-unreachable")
    await three.until_hears(three.caller, SEAT_HZ)
    await three.until_hears(three.seat, CALLER_HZ)
    await three.caller.hang_up()
    await record(three)


async def test_a_seat_that_holds_after_a_transfer_leaves_its_caller_with_music_and_finds_him_again(
    three: Trio, wavs: dict[float, Path]
) -> None:
    async with police(three.here, wavs):
        await three.talking()
        await three.seat.press("*23110#")
        await three.at(Stage.TOGETHER)
        await three.seat.press("*20")
        await three.at(Stage.BACK)
        await three.until_hears(three.caller, SEAT_HZ)
        await three.seat.hold()
        await three.here.until(lambda: three.call.transfer.caller.place == "held", "led out")  # type: ignore[union-attr]
        await three.until_hears(three.caller, not_=(SEAT_HZ,))
        begun = len(three.caller.heard().samples)
        await three.here.until(
            lambda: len(three.caller.heard().samples) > begun + 2 * RATE, "two seconds more"
        )
        assert longest_silence_s(three.caller.heard().samples[begun:]) < 1.0
        await three.seat.resume()
        await three.at(Stage.BACK)
        await three.until_hears(three.caller, SEAT_HZ)
        await three.caller.hang_up()
        await record(three)


async def test_a_command_does_what_the_keys_do(three: Trio, wavs: dict[float, Path]) -> None:
    async with police(three.here, wavs):
        await three.talking()
        three.here.platform.service.post(TransferAsked(three.call.call, "three-way", "110"))
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.seat.hang_up()
        await three.at(Stage.HANDED_OVER)
        await three.until_hears(three.caller, THIRD_HZ)
        await three.caller.hang_up()
        await record(three)
