"""Zhengzhou's sentences about transfer (郑政文〔2018〕164号), each shown with Zhengzhou's own file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.parties import Stage
from hotline.rehearsal.manners import BUSY, forwarded
from tests.switch_cities.cast import OUT_OF_ORDER, Cast, playing, short
from tests.switch_handover.far import headers
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ
from trunks import handover
from trunks.handover import Handover

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    made = playing(
        "zhengzhou", "2020-06-16T10:00", "127.42.1", tmp_path_factory.mktemp("tones"), seats=("8001", "8002")
    )
    async with made as cast:
        yield cast


async def test_one_key_brings_110_in_and_all_three_hear_one_another(cast: Cast) -> None:
    async with cast.instead("emergency", cast.sounds()), cast.keyed("8005", "1001") as three:
        await three.talking()
        await three.seat.press("*29110")
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.until_hears(three.seat, CALLER_HZ, THIRD_HZ)
        (leg,) = cast.ends["emergency"].legs()
        assert leg.called == "110"
        await three.seat.hang_up()
        await three.at(Stage.HANDED_OVER)
        await three.until_hears(three.caller, THIRD_HZ, not_=(SEAT_HZ,))
        await three.caller.hang_up()
        told = await cast.here.record_of("13700000000")
    assert [short(t) for t in told.transfers] == [("three-way", "110", "emergency", "handed over")]
    assert (told.passed_to, told.asked) == ("110", False)


async def test_what_12345_pushes_to_110_carries_line_caller_and_case(cast: Cast) -> None:
    diverted = forwarded(["12319"])
    async with (
        cast.at_work(s8001="1151"),
        cast.reading("emergency", "486 Busy Here") as police,
        cast.call("12345", headers=diverted) as one,
    ):
        await one.talks()
        one.ask("consult", "110")
        await one.at(Stage.CONSULTING)
        told = await one.record()
    read = handover.read(headers(police.invites[0]))
    assert (read.line, read.caller, read.reference) == ("12319", one.caller, told.call)
    assert "工号1151已通话" in read.note
    # 110 was busy on its own line: the next way is a carrier's
    assert [short(t)[:3] for t in told.transfers] == [("consult", "110", "unicom")]
    assert "110 did not take the transfer (busy)." in told.because


async def test_110_pushes_a_case_to_12345_before_all_who_wait(cast: Cast) -> None:
    sent = Handover("", "", "110-20200616-7", "路灯坏了")
    along = tuple(f"{name}: {value}" for name, value in handover.headers(sent) if name.startswith("X-"))
    async with cast.call("12345") as first:
        waiting = cast.here.platform.service.engine.state.waiting
        await cast.here.until(lambda: waiting["12345"] == 1, "the first waits")
        async with cast.call("12345", "emergency", along) as pushed:
            await cast.here.until(lambda: waiting["12345"] == 2, "the pushed one waits")
            async with cast.at_work(s8001="1001"):
                await pushed.talks()
                assert first.call.agent is None
                told = await pushed.record()
                await first.talks()
                await first.record()
    assert (told.priority, told.reference, told.disposition) == (1000, "110-20200616-7", "answered")
    assert "Case 110-20200616-7 came along: 路灯坏了" in told.because


async def test_110_dialled_by_a_citizen_is_no_matter_of_12345s(cast: Cast) -> None:
    async with cast.call("110") as one:
        assert (await one.far("emergency")).called == "110"
        told = await one.record()
    assert (told.disposition, told.passed_to, told.queue, told.prompt_ended) == ("passed", "110", None, None)


async def test_a_dead_line_to_110_costs_seconds_and_the_carrier_takes_the_call(cast: Cast) -> None:
    async with cast.at_work(s8001="1001"), cast.dead("emergency"), cast.call("12345") as one:
        await one.talks()
        one.ask("three-way", "110")
        await one.at(Stage.TOGETHER, 12)
        assert one.together()
        assert (await one.far("unicom")).called == "110"
        told = await one.record()
    (transfer,) = told.transfers
    assert short(transfer)[:3] == ("three-way", "110", "unicom")
    assert transfer.answered is not None
    assert transfer.answered - transfer.asked < 8_000
    assert any(why.startswith("110 did not take the transfer") for why in told.because)


async def test_when_no_way_leads_to_110_the_seat_is_told_and_has_the_caller_back(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001"),
        cast.instead("emergency", BUSY),
        cast.instead("unicom", OUT_OF_ORDER),
        cast.instead("telecom", OUT_OF_ORDER),
        cast.instead("mobile", OUT_OF_ORDER),
        cast.call("12345") as one,
    ):
        agent = await one.talks()
        one.ask("three-way", "110")
        await one.at(Stage.INVITING)
        await one.at(Stage.BACK)
        assert one.call.agent == agent
        told = await one.record()
    assert [short(t)[:2] for t in told.transfers] == [("three-way", "110")]
    assert told.transfers[0].outcome in {"unreachable", "busy", "noanswer"}
    assert (told.disposition, told.agent, told.passed_to) == ("answered", agent, None)
    assert len([why for why in told.because if why.startswith("110 did not take the transfer")]) == 4


async def test_a_kept_number_and_a_withdrawn_one_are_12345s_and_an_independent_one_is_passed_through(
    cast: Cast,
) -> None:
    async with (
        cast.at_work(s8001="1001", s8002="1131"),
        cast.call("12345", headers=forwarded(["12315"])) as kept,
        cast.call("12345", headers=forwarded(["62912345"])) as withdrawn,
        cast.call("12333") as independent,
    ):
        await kept.talks()
        assert (await independent.far("unicom", 15)).called == "12333"
        await withdrawn.talks(20)
        told = [await one.record() for one in (kept, withdrawn, independent)]
    assert [(r.line, r.treatment, r.disposition) for r in told] == [
        ("12315", "absorbed", "answered"),
        ("62912345", "withdrawn", "answered"),
        ("12333", "independent", "passed"),
    ]
