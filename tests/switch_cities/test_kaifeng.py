"""Kaifeng's sentences about transfer (汴政办〔2022〕30号): Kaifeng's own file, on a Sunday at three in the night."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.parties import Stage
from hotline.rehearsal.manners import BUSY, forwarded
from tests.switch_cities.cast import OUT_OF_ORDER, SILENT, Cast, playing, short
from tests.switch_handover.far import headers
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ
from trunks import handover
from trunks.handover import Handover

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

NIGHT = "2022-09-04T03:00"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    made = playing(
        "kaifeng",
        NIGHT,
        "127.42.2",
        tmp_path_factory.mktemp("tones"),
        seats=("8001", "8002", "8003"),
        rings=3,
    )
    async with made as cast:
        yield cast


async def test_one_who_dials_12366_is_the_sub_centres_day_and_night(cast: Cast) -> None:
    async with cast.call("12366") as one:
        leg = await one.far("tax")
        assert leg.called == "12366"
        told = await one.record()
    assert (told.disposition, told.treatment, told.passed_to) == ("passed", "subcentre", "12366")
    assert [(p.trunk, p.outcome) for p in told.passes] == [("tax", "answered")]


async def test_a_busy_sub_centre_gives_its_caller_to_12345_which_sees_why(cast: Cast) -> None:
    async with cast.at_work(s8001="1001"), cast.instead("tax", BUSY), cast.call("12366") as one:
        await one.talks()
        assert one.call.shown.endswith("分中心占线")
        told = await one.record()
    assert (told.disposition, told.line, told.treatment) == ("answered", "12366", "subcentre")
    assert [(p.trunk, p.outcome) for p in told.passes] == [("tax", "busy")]


async def test_keys_bring_the_sub_centre_in_three_ways_and_the_seat_leaves_the_two_alone(cast: Cast) -> None:
    async with cast.instead("tax", cast.sounds()), cast.keyed("8005", "1001") as three:
        await three.talking()
        await three.seat.press("*2312366#")
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.until_hears(three.seat, CALLER_HZ, THIRD_HZ)
        (leg,) = cast.ends["tax"].legs()
        assert leg.called == "12366"
        await three.seat.hang_up()
        await three.at(Stage.HANDED_OVER)
        await three.until_hears(three.caller, THIRD_HZ, not_=(SEAT_HZ,))
        await three.caller.hang_up()
        told = await cast.here.record_of("13700000000")
    assert [short(t) for t in told.transfers] == [("three-way", "12366", "tax", "handed over")]
    assert (told.disposition, told.agent, told.passed_to) == ("answered", "1001", "12366")


async def test_the_sub_centre_reads_line_caller_and_case_of_a_three_way_transfer(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001"),
        cast.reading("tax", "486 Busy Here") as tax,
        cast.call("12345") as one,
    ):
        await one.talks()
        one.ask("three-way", "12366")
        await one.at(Stage.BACK)
        told = await one.record()
    (invite,) = tax.invites
    read = handover.read(headers(invite))
    assert (read.line, read.caller, read.reference) == ("12345", one.caller, told.call)
    assert "工号1001已通话" in read.note
    assert [short(t) for t in told.transfers] == [("three-way", "12366", "tax", "busy")]
    assert told.disposition == "answered"


async def test_a_retained_line_is_its_own_peoples_and_seats_transfer_there(cast: Cast) -> None:
    async with cast.at_work(s8001="1001"), cast.call("12345") as one, cast.call("12315") as other:
        assert (await other.far("departments")).called == "12315"
        await one.talks()
        one.ask("consult", "12328")
        await one.at(Stage.CONSULTING)
        assert (await one.far("departments")).called == "12328"
        one.wish("complete")
        await one.at(Stage.HANDED_OVER)
        direct, told = await other.record(), await one.record()
    assert (direct.disposition, direct.treatment, direct.passed_to) == ("passed", "parallel", "12315")
    assert [short(t) for t in told.transfers] == [("consult", "12328", "departments", "handed over")]
    assert (told.disposition, told.passed_to) == ("answered", "12328")


async def test_12345_takes_whom_a_retained_line_leaves_ringing(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001", s8002="1002"),
        cast.instead("departments", SILENT),
        cast.call("12345") as one,
        cast.call("12315") as other,
    ):
        first = await one.talks()
        one.ask("blind", "12328")
        await other.talks()
        assert other.call.shown.endswith("本线未接")
        await cast.here.until(lambda: one.call.agent not in {None, first}, "another seat has the caller", 15)
        direct, told = await other.record(), await one.record()
    assert (direct.disposition, direct.line) == ("answered", "12315")
    assert [(p.trunk, p.outcome) for p in direct.passes] == [("departments", "noanswer")]
    assert [short(t) for t in told.transfers] == [("blind", "12328", "departments", "noanswer")]
    assert told.disposition == "answered"
    assert "12328 did not take the transfer (noanswer)." in told.because


async def test_a_retained_line_hands_its_caller_over_to_12345_and_does_not_get_him_back(cast: Cast) -> None:
    sent = Handover("12328", "", "JT-7", "问公交线路")
    along = tuple(f"{name}: {value}" for name, value in handover.headers(sent) if name.startswith("X-"))
    async with cast.at_work(s8001="1001"), cast.call("12345", "departments", along) as one:
        await one.talks()
        assert not [leg for leg in cast.ends["departments"].legs() if leg.caller == one.caller]
        told = await one.record()
    assert (told.disposition, told.line, told.reference, told.passes) == ("answered", "12328", "JT-7", ())


async def test_an_expert_has_his_line_first_and_another_seat_when_none_is_there(cast: Cast) -> None:
    async with cast.at_work(s8001="1001", s8002="1047"):
        diverted = forwarded(["12348"])
        async with cast.call("12345", headers=diverted) as one:
            assert await one.talks() == "1047"
            told = await one.record()
        assert (told.line, told.treatment) == ("12348", "parallel")
    async with cast.at_work(s8001="1001"), cast.call("12348") as one:
        assert await one.talks(20) == "1001"
        await one.record()


async def test_a_seat_reaches_an_expert_by_his_lines_number_and_is_told_when_none_is_free(cast: Cast) -> None:
    async with cast.at_work(s8001="1002"), cast.call("12345") as one:
        await one.talks()
        async with cast.at_work(s8002="1048"):
            one.ask("three-way", "12348")
            await one.at(Stage.TOGETHER)
            assert one.together()
            await one.hangs_up("third")
            await one.at(Stage.BACK)
        one.ask("three-way", "12348")
        await cast.here.until(lambda: any("transfer-no-seat" in why for why in one.call.because), "refused")
        told = await one.record()
    assert [(t.how, t.to, t.agent, t.outcome) for t in told.transfers] == [
        ("three-way", "12348", "1048", "joined")
    ]
    assert told.agent == "1002"


async def test_a_merged_line_is_answered_by_12345(cast: Cast) -> None:
    async with cast.at_work(s8001="1035"), cast.call("12319") as one:
        await one.talks()
        told = await one.record()
    assert (told.disposition, told.line, told.treatment, told.agent) == (
        "answered",
        "12319",
        "parallel",
        "1035",
    )


async def test_122_is_brought_in_and_over_a_carrier_when_its_own_line_refuses(cast: Cast) -> None:
    async with cast.at_work(s8001="1001", s8002="1002"):
        async with cast.call("12345") as one:
            await one.talks()
            one.ask("three-way", "122")
            await one.at(Stage.TOGETHER)
            assert one.together()
            assert (await one.far("emergency")).called == "122"
            told = await one.record()
        assert [short(t) for t in told.transfers] == [("three-way", "122", "emergency", "joined")]
        async with cast.instead("emergency", OUT_OF_ORDER), cast.call("12345") as one:
            await one.talks()
            one.ask("three-way", "122")
            await one.at(Stage.TOGETHER)
            assert (await one.far("unicom")).called == "122"
            told = await one.record()
        assert [short(t) for t in told.transfers] == [("three-way", "122", "unicom", "joined")]
        assert any(why.startswith("122 did not take the transfer") for why in told.because)
