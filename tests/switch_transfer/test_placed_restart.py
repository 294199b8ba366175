"""The engine ends while a person whom a seat called is held: the fallback has him, and the next engine brings him back."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from acd.parties import Stage
from hotline.city import City
from hotline.platform import Place, Platform
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.sound import RATE, longest_silence_s
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from tests.switch.conftest import Town, city_text, moved
from tests.switch_transfer.trio import (
    AGENT,
    CALLER_HZ,
    SEAT,
    SEAT_HZ,
    THIRD_HZ,
    Trio,
    sign_on,
    tones,
)

pytestmark = [pytest.mark.switch, pytest.mark.asyncio]
NET = "127.39.9"
PERSON = "13800138000"


@asynccontextmanager
async def homes() -> AsyncIterator[tuple[City, Place]]:
    """A city and a place for its engines, one after the other; the switch is ended at the end."""
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NET))
    text = re.sub(r"^(channels = \d+)\n(?!qualify)", r"\1\nqualify_seconds = 1\n", text, flags=re.MULTILINE)
    city = City.read(text, "zhengzhou")
    home = Path(tempfile.mkdtemp(prefix="hl-turn-"))
    place = Place(home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True))
    try:
        yield city, place
    finally:
        switch = Switch(find_asterisk(), place.settings(city))
        await switch.stop()
        assert switch.pid is None
        shutil.rmtree(home)


async def test_the_next_engine_has_the_person_the_seat_and_the_third_party(tmp_path: Path) -> None:
    wavs = tones(tmp_path)
    async with homes() as (city, place), AsyncExitStack() as phones:
        async with Platform.open(city, place) as first:
            here = Town(first)
            host, port = here.far("unicom")
            seat = Softphone(here.sip, here.logins([SEAT])[0], bind=f"{NET}.101", plays=wavs[SEAT_HZ])
            person = Softphone(here.sip, bind=host, port=port, caller=PERSON, plays=wavs[CALLER_HZ])
            await phones.enter_async_context(seat)
            await phones.enter_async_context(person)
            far = Manner(ring_s=Fixed(0.3), sound=wavs[THIRD_HZ])
            await phones.enter_async_context(FarEnd(*here.far("emergency"), manner=far))
            await here.trunks_reachable("unicom", "emergency")
            on = Trio(here, person, seat, seat)
            await sign_on(here, seat, AGENT)
            dialling = asyncio.create_task(seat.dial(PERSON, within_s=20))
            await person.incoming(within_s=20)
            await person.answer(within_s=20)
            await dialling
            await on.until_hears(seat, CALLER_HZ)
            await seat.press("*22110#")
            await on.at(Stage.CONSULTING)
            call = on.call.call
        await on.until_hears(seat, THIRD_HZ, not_=(CALLER_HZ,))  # no engine: the two in the room go on
        async with Platform.open(city, place) as second:
            here = Town(second)
            on = Trio(here, person, seat, seat)
            await on.at(Stage.CONSULTING)
            assert on.call.call == call
            begun = len(person.heard().samples)
            await here.until(lambda: len(person.heard().samples) > begun + 2 * RATE, "two seconds more")
            assert (
                longest_silence_s(person.heard().samples[begun:]) < 1.0
            )  # music, from the fallback's to ours
            await seat.press("*26")
            await on.at(Stage.TOGETHER)
            await on.until_hears(seat, THIRD_HZ, CALLER_HZ)
            await on.until_hears(person, SEAT_HZ, THIRD_HZ)
            await seat.hang_up()
            await on.at(Stage.HANDED_OVER)
            await on.until_hears(person, THIRD_HZ, not_=(SEAT_HZ,))
            await person.hang_up()
            state = second.service.engine.state
            await here.until(lambda: not state.calls, "the call is over")
            (record,) = [found for found in state.wrapping.values() if found.call == call]
            assert [(done.how, done.outcome) for done in record.transfers] == [("consult", "handed over")]
            assert not +state.load
