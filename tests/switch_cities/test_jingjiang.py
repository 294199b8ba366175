"""Jingjiang's sentences about transfer (靖江市, 27 October 2017): Jingjiang's own file, at work and out of hours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.lines import by_line, offers
from acd.messages import CallRecord
from acd.parties import Stage
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.manners import forwarded
from tests.switch_cities.cast import OUT_OF_ORDER, SILENT, Cast, playing, short
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ
from trunks import handover
from trunks.handover import Handover

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

OFFICE, EVENING = "2019-05-14T10:00", "2019-05-14T20:00"
SEATS = ("8001", "8002", "8012")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    async with playing(
        "jingjiang", OFFICE, "127.42.4", tmp_path_factory.mktemp("tones"), seats=SEATS
    ) as cast:
        yield cast


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    async with playing(
        "jingjiang", EVENING, "127.42.6", tmp_path_factory.mktemp("tones"), seats=SEATS
    ) as cast:
        yield cast


DIRECT = "12316"
"""joined with 12345 directly: its callers hear no menu"""


async def keyed(cast: Cast, caller: Softphone, key: str, queue: str) -> None:
    """Dial 12345, and press a key until the menu hears it."""
    calls = cast.here.platform.service.engine.state.calls

    async def press() -> None:
        while True:
            await caller.press(key)

    await caller.dial("12345")
    pressing = asyncio.create_task(press())
    try:
        await cast.here.until(
            lambda: any(c.waits is not None and c.waits.queue == queue and c.queued for c in calls.values()),
            f"key {key}",
            15,
        )
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)


async def test_keys_lead_to_the_lines_1_2_and_9_and_line_9_has_its_own_seat(cast: Cast) -> None:
    found = {}
    async with (
        cast.at_work(s8001="1001", s8012="1023"),
        Softphone(cast.here.sip, bind=cast.here.far("telecom")[0], plays=cast.wavs[CALLER_HZ]) as caller,
    ):
        calls = cast.here.platform.service.engine.state.calls
        for key, queue in (("9", "line9"), ("2", "line2"), ("1", "12345")):
            cast.here.records.clear()
            await keyed(cast, caller, key, queue)
            await cast.here.until(lambda: any(c.seat_answered for c in calls.values()), f"key {key}: a seat")
            await caller.hang_up()
            told = await cast.here.record_of("13700000000")
            found[key] = told.queue, told.agent, told.seat
    cast.here.records.clear()
    assert found == {
        "9": ("line9", "1023", "8012"),
        "2": ("line2", "1001", "8001"),
        "1": ("12345", "1001", "8001"),
    }


async def test_a_line_that_was_joined_directly_is_forwarded_and_answered_by_12345(cast: Cast) -> None:
    async with cast.at_work(s8001="1001"), cast.call("12345", headers=forwarded([DIRECT])) as one:
        await one.talks()
        told = await one.record()
    assert (told.line, told.treatment, told.disposition) == ("12316", "absorbed", "answered")


async def test_one_key_leads_to_a_departments_line_and_the_seat_may_leave(cast: Cast) -> None:
    async with cast.instead("departments", cast.sounds()), cast.keyed("8005", "1001") as three:
        await three.caller.dial(DIRECT)
        await three.seat.incoming(within_s=20)
        await three.seat.answer()
        await three.until_hears(three.caller, SEAT_HZ)
        await three.seat.press("*2212333#")
        await three.at(Stage.CONSULTING)
        await three.until_hears(three.seat, THIRD_HZ, not_=(CALLER_HZ,))
        (leg,) = cast.ends["departments"].legs()
        assert leg.called == "12333"
        await three.seat.press("*25")
        await three.at(Stage.HANDED_OVER)
        await three.until_hears(three.caller, THIRD_HZ, not_=(SEAT_HZ,))
        await three.caller.hang_up()
        told = await cast.here.record_of("13700000000")
    assert [short(t) for t in told.transfers] == [("consult", "12333", "departments", "handed over")]
    (offer,) = offers(told)
    assert offer.waited_ms is not None
    assert offer.waited_ms <= 15_000


async def test_in_working_hours_a_citizen_reaches_the_departments_own_seats(cast: Cast) -> None:
    async with cast.call("12333") as one, cast.call("95598") as company:
        assert (await one.far("departments")).called == "12333"
        await cast.here.until(
            lambda: any(
                leg.called == "95598" for t in ("unicom", "telecom", "mobile") for leg in cast.ends[t].legs()
            ),
            "95598",
        )
        told, passed = await one.record(), await company.record()
    assert (told.disposition, told.treatment, told.passed_to) == ("passed", "parallel", "12333")
    assert (passed.disposition, passed.passed_to) == ("passed", "95598")


async def test_110_asks_12345_for_other_departments_and_12345_brings_one_in(cast: Cast) -> None:
    sent = Handover("", "", "110-20190514-9", "窨井盖缺失")
    along = tuple(f"{name}: {value}" for name, value in handover.headers(sent) if name.startswith("X-"))
    async with cast.at_work(s8001="1001"), cast.call("12345", "emergency", along) as one:
        await one.talks()
        one.ask("three-way", "89112319")
        await one.at(Stage.TOGETHER)
        assert one.together()
        assert (await one.far("departments")).called == "89112319"
        told = await one.record()
    assert (told.priority, told.reference, told.trunk, told.prompt_ended) == (
        1000,
        "110-20190514-9",
        "emergency",
        None,
    )
    assert [short(t) for t in told.transfers] == [("three-way", "89112319", "departments", "joined")]


async def test_120_and_96333_are_brought_in_and_reached_over_a_carrier_when_their_line_is_out_of_order(
    cast: Cast,
) -> None:
    async with cast.at_work(s8001="1001", s8002="1002"):
        async with cast.call(DIRECT) as one:
            await one.talks()
            one.ask("three-way", "96333")
            await one.at(Stage.TOGETHER)
            assert one.together()
            assert (await one.far("emergency")).called == "96333"
            told = await one.record()
        assert [short(t) for t in told.transfers] == [("three-way", "96333", "emergency", "joined")]
        async with cast.instead("emergency", OUT_OF_ORDER), cast.call(DIRECT, "mobile") as one:
            await one.talks()
            one.ask("three-way", "120")
            await one.at(Stage.TOGETHER)
            assert (await one.far("telecom")).called == "120"
            told = await one.record()
        assert [short(t) for t in told.transfers] == [("three-way", "120", "telecom", "joined")]


async def test_110_dialled_by_a_citizen_passes_every_menu_and_queue(cast: Cast) -> None:
    async with cast.call("110") as one:
        assert (await one.far("emergency")).called == "110"
        told = await one.record()
    assert (told.disposition, told.passed_to, told.queue, told.prompt_ended) == ("passed", "110", None, None)


async def three_with_silent_departments(cast: Cast) -> list[CallRecord]:
    """Three at once: asked by the seat, sent on by the seat, dialled by the citizen."""
    async with (
        cast.at_work(s8001="1001", s8002="1002"),
        cast.instead("departments", SILENT),
        cast.call(DIRECT) as asked,
        cast.call(DIRECT) as sent,
        cast.call("12315") as dialled,
    ):
        agent = await asked.talks()
        await sent.talks()
        asked.ask("three-way", "12333")
        sent.ask("blind", "12348")
        await asked.at(Stage.INVITING)
        assert asked.call.state == "in transfer"
        await asyncio.gather(asked.at(Stage.BACK, 22), sent.talks(22), dialled.known())
        assert asked.call.agent == agent
        back = await asked.record()
        await dialled.talks(22)
        assert dialled.call.shown.endswith("本线未接")
        return [back, await sent.record(), await dialled.record()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def silence(cast: Cast) -> AsyncIterator[asyncio.Task[list[CallRecord]]]:
    """Nobody picks up at the departments: it takes 15 s, in which the tests of the evening are played in the other town."""
    async with asyncio.TaskGroup() as group:
        yield group.create_task(three_with_silent_departments(cast))


async def test_a_caller_of_line_9_waits_for_its_seat_and_no_other_is_rung(
    silence: object, evening: Cast
) -> None:
    cast = evening
    async with (
        cast.at_work(s8001="1001"),
        Softphone(cast.here.sip, bind=cast.here.far("telecom")[0], plays=cast.wavs[CALLER_HZ]) as caller,
    ):
        state = cast.here.platform.service.engine.state
        await keyed(cast, caller, "9", "line9")
        assert state.waiting["line9"] == 1
        async with cast.at_work(s8012="1023"):
            await cast.here.until(
                lambda: any(c.seat_answered for c in state.calls.values()), "line 9's seat has it"
            )
            await caller.hang_up()
        told = await cast.here.record_of("13700000000")
    assert (told.queue, told.seat, told.rings) == ("line9", "8012", 1)


async def test_out_of_hours_12345_answers_for_the_department_and_does_not_transfer_there(
    silence: object,
    evening: Cast,
) -> None:
    cast = evening
    async with cast.at_work(s8001="1001", s8002="1002"), cast.call("12333") as one:
        agent = await one.talks(20)
        assert one.call.shown.endswith("非工作时间")
        one.ask("consult", "12333")
        await cast.here.until(lambda: any("transfer-closed" in why for why in one.call.because), "refused")
        assert (one.call.agent, one.call.transfer) == (agent, None)
        told = await one.record()
    assert (told.disposition, told.line, told.treatment) == ("answered", "12333", "parallel")
    assert (told.passes, told.transfers) == ((), ())
    assert not [leg for leg in cast.ends["departments"].legs() if leg.called == "12333"]


async def test_a_department_that_is_silent_for_15_s_gives_its_callers_back(
    silence: asyncio.Task[list[CallRecord]],
) -> None:
    told = await silence
    assert [short(t) for t in told[0].transfers] == [("three-way", "12333", "departments", "noanswer")]
    assert [short(t) for t in told[1].transfers] == [("blind", "12348", "departments", "noanswer")]
    assert [(p.trunk, p.outcome) for p in told[2].passes] == [("departments", "noanswer")]
    assert {one.disposition for one in told} == {"answered"}
    for transfer in (told[0].transfers[0], told[1].transfers[0]):
        assert transfer.ended is not None
        assert 15_000 <= transfer.ended - transfer.asked < 19_000
    figures = by_line(offer for record in told for offer in offers(record))
    assert {
        line: (one.offered, one.prompt.value, one.below) for line, one in figures.items()
    } == dict.fromkeys(("12315", "12333", "12348"), (1, 0.0, True))
