"""Jinan's sentences about transfer (济政办字〔2018〕19号), each shown with Jinan's own file, in the month of transition."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from acd.parties import Stage
from hotline.rehearsal.manners import forwarded
from tests.switch_cities.cast import OUT_OF_ORDER, Cast, playing, short
from tests.switch_transfer.trio import CALLER_HZ, SEAT_HZ, THIRD_HZ

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    made = playing(
        "jinan",
        "2018-06-12T10:00",
        "127.42.3",
        tmp_path_factory.mktemp("tones"),
        seats=("8001", "8002", "8003"),
        notices=True,
    )
    async with made as cast:
        yield cast


async def test_every_departments_number_is_12345s_after_the_notice(cast: Cast) -> None:
    async with (
        cast.at_work(s8001="1001", s8002="1002", s8003="1201"),
        cast.call("12333") as called,
        cast.call("12345", headers=forwarded(["12315"])) as forwarded_one,
        cast.call("66601234") as plain,
    ):
        for one in (called, forwarded_one, plain):
            await one.talks(20)
        told = [await one.record() for one in (called, forwarded_one, plain)]
    assert [(r.line, r.treatment, r.disposition, r.queue) for r in told] == [
        ("12333", "withdrawn", "answered", "12345"),
        ("12315", "withdrawn", "answered", "12345"),
        ("66601234", "withdrawn", "answered", "12345"),
    ]
    spoken = [r.prompt_ended - r.answered for r in told if r.prompt_ended and r.answered]
    assert len(spoken) == 3
    assert min(spoken) > 4_000  # the notice, word for word, before the greeting


async def test_110_119_and_120_are_excepted_and_reached_over_a_carrier_when_their_line_is_out_of_order(
    cast: Cast,
) -> None:
    async with cast.call("110") as police, cast.call("119") as fire, cast.call("120") as ambulance:
        for one, number in ((police, "110"), (fire, "119"), (ambulance, "120")):
            assert (await one.far("emergency")).called == number
            told = await one.record()
            assert (told.disposition, told.passed_to, told.queue) == ("passed", number, None)
    async with cast.instead("emergency", OUT_OF_ORDER), cast.call("120", "mobile") as one:
        assert (await one.far("unicom")).called == "120"
        told = await one.record()
    assert [(p.trunk, p.outcome) for p in told.passes][-1] == ("unicom", "answered")
    assert len(told.passes) == 2


async def test_one_key_brings_120_into_the_talk(cast: Cast) -> None:
    async with cast.instead("emergency", cast.sounds()), cast.keyed("8005", "1001") as three:
        await three.talking()
        await three.seat.press("*29120")
        await three.at(Stage.TOGETHER)
        await three.until_hears(three.caller, SEAT_HZ, THIRD_HZ)
        await three.until_hears(three.seat, CALLER_HZ, THIRD_HZ)
        (leg,) = cast.ends["emergency"].legs()
        assert leg.called == "120"
        await three.seat.press("*20")
        await three.at(Stage.BACK)
        await three.until_hears(three.caller, SEAT_HZ, not_=(THIRD_HZ,))
        await three.seat.hang_up()
        await three.caller.ended(within_s=5)
        told = await cast.here.record_of("13700000000")
    assert [short(t) for t in told.transfers] == [("three-way", "120", "emergency", "joined")]


async def test_a_caller_goes_on_to_another_seat_of_12345(cast: Cast) -> None:
    async with cast.at_work(s8001="1001", s8002="1201"), cast.call("12345") as one:
        first = await one.talks()
        other = {"1001": "8002", "1201": "8001"}[first]
        one.ask("consult", other)
        await one.at(Stage.CONSULTING)
        one.wish("complete")
        await cast.here.until(lambda: one.call.agent != first, "the other seat has the caller")
        told = await one.record()
    assert [(t.how, t.seat, t.outcome) for t in told.transfers] == [("consult", other, "handed over")]
    assert told.seat == other
