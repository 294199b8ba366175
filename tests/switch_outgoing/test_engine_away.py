"""Own calls of seats while the engine is away: what talks goes on and is known again, an emergency is still reached."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from acd.agents import Activity
from acd.calls import CallState
from acd.messages import SignOnAsked
from hotline import logs
from hotline.city import City
from hotline.platform import Place, Platform
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.process_live import free_port
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from tests.switch.conftest import Town, city_text, moved
from tests.switch.test_seats import likeness, prompt
from tests.switch_outgoing.exchange import Exchange

pytestmark = pytest.mark.switch

NET = "127.34.1"


async def test_an_own_call_outlasts_the_engine_and_an_emergency_does_not_need_it() -> None:
    logs.set_up(level="error")
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NET))
    city = City.read(
        text.replace('class = "seat"\n', 'class = "seat"\nwrap_up_seconds = 0\n', 1), "zhengzhou"
    )
    home = Path(tempfile.mkdtemp(prefix="hl-out-"))
    place = Place(home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True))
    try:
        await away_and_back(city, place)
    finally:
        switch = Switch(find_asterisk(), place.settings(city))
        await switch.stop()
        shutil.rmtree(home)


async def away_and_back(city: City, place: Place) -> None:
    async with Platform.open(city, place) as platform:
        here = Town(platform)
        sip, logins = here.sip, here.logins(["8001", "8002"])
        unicom, police = Exchange(here.far("unicom")), Exchange(here.far("emergency"))
        await unicom.__aenter__()
        await police.__aenter__()
        first, second = (
            Softphone(sip, logins[0], bind=f"{NET}.101"),
            Softphone(sip, logins[1], bind=f"{NET}.102"),
        )
        await first.start()
        await second.start()
        state = platform.service.engine.state
        await here.until(lambda: {"8001", "8002"} <= state.reachable, "both phones registered")
        platform.service.post(SignOnAsked("8001", "1001", proven=True))
        await first.dial("13800138000")
        await here.until(lambda: any(c.state is CallState.TALKING for c in state.calls.values()), "they talk")
    try:
        await second.dial("110")
        assert [call.number for call in police.calls] == ["110"]
        await second.hang_up()
        await asyncio.wait_for(police.calls[0].ended.wait(), 5)
        await second.dial("13800138001")
        await second.ended(within_s=20)
        assert likeness(second.heard().samples, prompt(here, "desk-unreachable")) > 0.5
        assert not unicom.to("13800138001")
        async with Platform.open(city, place) as platform:
            again = Town(platform)
            platform.service.watchers.records.append(again.records.append)
            state = platform.service.engine.state
            assert again.agent("1001").activity is Activity.TALKING
            assert state.load["unicom"] == 1
            assert state.engaged == set()
            await first.hang_up()
            await asyncio.wait_for(unicom.calls[0].ended.wait(), 5)
            await again.until(lambda: again.records, "its record")
            (record,) = again.records
            assert (record.direction, record.disposition, record.agent) == ("out", "answered", "1001")
            await again.until(lambda: again.agent("1001").activity is Activity.IDLE, "free again")
            assert not +state.load
            assert platform.service.faults == 0
    finally:
        await first.stop()
        await second.stop()
        await unicom.__aexit__()
        await police.__aexit__()
