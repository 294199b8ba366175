"""Heze's sentences about transfer (菏政办字〔2021〕27号): Heze's own file, in a night of the National Day holidays."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.parties import Stage
from hotline.rehearsal.manners import BUSY, forwarded
from tests.switch_cities.cast import OUT_OF_ORDER, SILENT, Cast, playing, short
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ
from trunks import handover
from trunks.handover import Handover

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

CENTRES = {"12366": "tax", "12313": "tobacco", "12305": "post"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    made = playing(
        "heze",
        "2021-10-03T03:00",
        "127.42.5",
        tmp_path_factory.mktemp("tones"),
        seats=("8001", "8002", "8003"),
        rings=3,
    )
    async with made as cast:
        yield cast


async def test_each_sub_centre_answers_its_own_callers_day_and_night_or_12345_does(cast: Cast) -> None:
    async with (
        cast.instead("tobacco", BUSY),
        cast.at_work(s8001="1001"),
        cast.call("12366") as tax,
        cast.call("12305") as post,
        cast.call("12313") as tobacco,
    ):
        for one, number in ((tax, "12366"), (post, "12305")):
            assert (await one.far(CENTRES[number])).called == number
            told = await one.record()
            assert (told.disposition, told.treatment, told.passed_to) == ("passed", "subcentre", number)
        await tobacco.talks()
        assert tobacco.call.shown.endswith("分中心占线")
        told = await tobacco.record()
    assert (told.disposition, told.line) == ("answered", "12313")
    assert [(p.trunk, p.outcome) for p in told.passes] == [("tobacco", "busy")]


async def test_each_sub_centre_is_brought_in_by_a_three_way_call(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001", s8002="1002", s8003="1003"),
        cast.call("12345") as tax,
        cast.call("12345") as tobacco,
        cast.call("12345") as post,
    ):
        calls = dict(zip(CENTRES, (tax, tobacco, post), strict=True))
        for number, one in calls.items():
            await one.talks()
            one.ask("three-way", number)
        for number, one in calls.items():
            await one.at(Stage.TOGETHER)
            assert one.together()
            assert (await one.far(CENTRES[number])).called == number
            await one.hangs_up("seat")
            await one.at(Stage.HANDED_OVER)
        told = {number: await one.record() for number, one in calls.items()}
    for number, record in told.items():
        assert [short(t) for t in record.transfers] == [("three-way", number, CENTRES[number], "handed over")]
        assert (record.disposition, record.passed_to) == ("answered", number)


async def test_keys_bring_a_parallel_line_in_and_the_seat_stays(cast: Cast) -> None:
    async with cast.instead("departments", cast.sounds()), cast.keyed("8005", "1001") as three:
        await three.talking()
        await three.seat.press("*2312315#")
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.until_hears(three.seat, CALLER_HZ, THIRD_HZ)
        (leg,) = cast.ends["departments"].legs()
        assert leg.called == "12315"
        await three.seat.press("*20")
        await three.at(Stage.BACK)
        await three.until_hears(three.caller, SEAT_HZ, not_=(THIRD_HZ,))
        await three.caller.hang_up()
        told = await cast.here.record_of("13700000000")
    assert [short(t) for t in told.transfers] == [("three-way", "12315", "departments", "joined")]
    assert (told.agent, told.passed_to) == ("1001", None)


async def test_a_busy_sub_centre_and_a_silent_line_give_the_caller_back_to_the_seat(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001", s8002="1002", s8003="1003"),
        cast.instead("departments", SILENT),
        cast.instead("post", BUSY),
        cast.call("12345") as one,
        cast.call("12345") as other,
        cast.call("12348") as dialled,
    ):
        agents = await one.talks(), await other.talks()
        one.ask("three-way", "12305")
        other.ask("consult", "12333")
        await one.at(Stage.BACK)
        await other.at(Stage.BACK)
        assert (one.call.agent, other.call.agent) == agents
        await dialled.talks()
        assert dialled.call.shown.endswith("本线未接")
        told, silent, direct = await one.record(), await other.record(), await dialled.record()
    assert [short(t) for t in told.transfers] == [("three-way", "12305", "post", "busy")]
    assert [short(t) for t in silent.transfers] == [("consult", "12333", "departments", "noanswer")]
    assert {told.disposition, silent.disposition, direct.disposition} == {"answered"}
    assert (direct.line, direct.treatment) == ("12348", "parallel")
    assert [(p.trunk, p.outcome) for p in direct.passes] == [("departments", "noanswer")]


async def test_parallel_lines_answer_their_own_callers_at_night(cast: Cast) -> None:
    async with cast.call("12333") as one, cast.call("12345", headers=forwarded(["12319"])) as other:
        assert (await one.far("departments")).called == "12333"
        assert (await other.far("departments")).called == "12319"
        told = await one.record(), await other.record()
    assert [(r.disposition, r.treatment, r.passed_to) for r in told] == [
        ("passed", "parallel", "12333"),
        ("passed", "parallel", "12319"),
    ]


async def test_a_sub_centre_hands_a_caller_over_with_its_line_and_its_case(cast: Cast) -> None:
    sent = Handover("12313", "", "YC-3", "咨询办证")
    along = tuple(f"{name}: {value}" for name, value in handover.headers(sent) if name.startswith("X-"))
    async with cast.at_work(s8001="1001"), cast.call("12345", "tobacco", along) as one:
        await one.talks()
        told = await one.record()
    assert (told.disposition, told.line, told.reference, told.passes) == ("answered", "12313", "YC-3", ())


async def test_12328s_expert_seats_are_first_for_its_forwarded_calls(cast: Cast) -> None:
    diverted = forwarded(["12328"])
    async with cast.at_work(s8001="1001", s8002="1076"), cast.call("12345", headers=diverted) as one:
        assert await one.talks() == "1076"
        await one.record()
    async with cast.at_work(s8001="1001"), cast.call("12345", headers=diverted) as one:
        assert await one.talks(20) == "1001"
        told = await one.record()
    assert (told.line, told.treatment) == ("12328", "parallel")


async def test_110_is_brought_in_and_over_a_carrier_when_its_own_line_is_out_of_order(cast: Cast) -> None:
    async with cast.at_work(s8001="1001", s8002="1002"):
        async with cast.call("12345") as one:
            await one.talks()
            one.ask("three-way", "110")
            await one.at(Stage.TOGETHER)
            assert one.together()
            assert (await one.far("emergency")).called == "110"
            await one.record()
        async with cast.instead("emergency", OUT_OF_ORDER), cast.call("12345") as one:
            await one.talks()
            one.ask("three-way", "110")
            await one.at(Stage.TOGETHER)
            assert (await one.far("unicom")).called == "110"
            told = await one.record()
    assert [short(t) for t in told.transfers] == [("three-way", "110", "unicom", "joined")]
