"""The engine ends and another begins while a supervisor is on a call: nobody notices, the new engine follows it to its end."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from acd.agents import Activity
from acd.watches import WatchState
from hotline.city import City
from hotline.platform import Place, Platform
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.process_live import free_port
from hotline.rehearsal.sound import tone, write_wav
from hotline.switch.find import find_asterisk
from hotline.switch.process import Switch
from tests.switch.conftest import PIN, Town, city_text, moved
from tests.switch.test_seats import dialled
from tests.switch_supervision.test_supervision import BOSS, CALLER, NET, SEAT, Three, entries

pytestmark = [pytest.mark.switch, pytest.mark.asyncio]


@asynccontextmanager
async def homes() -> AsyncIterator[tuple[City, Place]]:
    """A city and a place for its engines, one after the other; the switch is ended at the end."""
    text = re.sub(r"(\[\[seats\]\]\nfirst = .*\n)", r"\1nat = false\n", moved(city_text("zhengzhou"), NET))
    people = 'people = [{ agent = "1100", role = "supervisor" }]\n'
    city = City.read(text.replace("count = 130\n", f"count = 130\n{people}", 1), "zhengzhou")
    home = Path(tempfile.mkdtemp(prefix="hl-watch-"))
    place = Place(home, ami_port=free_port("127.0.0.1", tcp=True), agi_port=free_port("127.0.0.1", tcp=True))
    try:
        yield city, place
    finally:
        switch = Switch(find_asterisk(), place.settings(city))
        await switch.stop()
        assert switch.pid is None
        shutil.rmtree(home)


async def test_the_next_engine_follows_the_supervision_to_its_end(tmp_path: Path) -> None:
    for name, hertz in (("caller", CALLER), ("seat", SEAT), ("boss", BOSS)):
        write_wav(tmp_path / f"{name}.wav", tone(hertz, 1.0))
    async with homes() as (city, place), AsyncExitStack() as phones:
        async with Platform.open(city, place) as first:
            here = Town(first)
            seat, boss = [
                await phones.enter_async_context(
                    Softphone(
                        here.sip, here.logins([at])[0], bind=f"{NET}.{host}", plays=tmp_path / f"{name}.wav"
                    )
                )
                for at, host, name in (("8001", 105, "seat"), ("8100", 106, "boss"))
            ]
            caller = Softphone(here.sip, bind=here.far("unicom")[0], plays=tmp_path / "caller.wav")
            await phones.enter_async_context(caller)
            for phone, agent in ((boss, "1100"), (seat, "1001")):
                await dialled(phone, f"*11*{agent}*{PIN}")
            await dialled(boss, "*122")
            on = Three(here, caller, seat, boss)
            call = await on.talk()
            await on.supervise("*32")
            await on.hears(seat, CALLER, BOSS)
        await on.hears(seat, CALLER, BOSS)  # no engine: the three go on
        await on.never(caller, BOSS)
        async with Platform.open(city, place) as second:
            here = Town(second)
            on = Three(here, caller, seat, boss)
            state = second.service.engine.state
            await here.until(lambda: on.watches() == [WatchState.ON], "the supervision is known")
            assert state.calls[call].agent == "1001"
            assert here.agent("1100").activity is Activity.ENGAGED
            await on.hears(seat, CALLER, BOSS)
            await caller.hang_up()
            await boss.ended(within_s=5)
            await here.until(lambda: not state.calls and not state.watches, "nothing is left")
            await here.until(lambda: here.agent("1100").activity is Activity.IDLE, "the supervisor is free")
            assert second.service.faults == 0
            assert [entry.what for entry in await entries(here)] == ["whisper", "end of whisper"]
