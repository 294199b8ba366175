"""Keys that a caller presses in a menu, in each way in which carriers carry them, and no key at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from hotline.city import City
from hotline.rehearsal.baresip_live import Softphone
from hotline.rehearsal.manners import Fixed, Manner
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.sound import RATE, tone, write_wav
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_trunks.caller import raw_caller

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

QUEUES = {"1": "12345", "2": "line2", "9": "line9"}
WAYS = {"unicom": "rfc4733", "telecom": "info", "mobile": "inband"}
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
KEYPAD = "123456789*0#"
_callers = iter(range(13_400_000_000, 13_500_000_000))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = moved(city_text("jingjiang"))
    for trunk, dtmf in WAYS.items():
        text = text.replace(f'name = "{trunk}"\n', f'name = "{trunk}"\ndtmf = "{dtmf}"\n', 1)
    async with town(City.read(text, "jingjiang")) as here:
        here.end_wrap_up_at_once()
        seats = ["8001", "8002", "8003", "8012"]
        async with Phones(here.logins(seats), here.sip, manner=Manner(talk_s=Fixed(0.2))) as phones:
            await here.sign_on(
                phones, [("8001", "1001"), ("8002", "1002"), ("8003", "1021"), ("8012", "1023")]
            )
            yield here


def tones(key: str, path: Path) -> Path:
    """A caller's sound: the key's two tones for 0.1 s, every second (ITU-T Q.23)."""
    place = KEYPAD.index(key)
    pair = tone(ROWS[place // 3], 0.1, 0.25) + tone(COLUMNS[place % 3], 0.1, 0.25)
    write_wav(path, np.concatenate([pair, np.zeros(int(0.9 * RATE), dtype=np.int16)]))
    return path


async def by_events(here: Town, key: str, caller: str, _: Path) -> None:
    """RFC 4733, from a softphone."""
    async with Softphone(here.sip, bind=here.far("unicom")[0], caller=caller) as phone:
        await phone.dial("12345")
        pressing = asyncio.create_task(_press(phone, key))
        await phone.ended(within_s=20)
        pressing.cancel()


async def _press(phone: Softphone, key: str) -> None:
    while True:  # until the menu hears it
        await phone.press(key)
        await asyncio.sleep(0.3)


async def by_info(here: Town, key: str, caller: str, _: Path) -> None:
    """SIP INFO, message by message."""
    async with raw_caller(here.far("telecom")[0], here.sip, caller, "12345") as raw:
        assert await raw.dial() == 200
        while not raw.over.is_set():
            assert await raw.press(key) in {200, 481}
            await asyncio.sleep(0.3)


async def by_tones(here: Town, key: str, caller: str, scratch: Path) -> None:
    """Tones in the sound."""
    phone = Softphone(
        here.sip, bind=here.far("mobile")[0], caller=caller, plays=tones(key, scratch / f"{key}.wav")
    )
    async with phone:
        await phone.dial("12345")
        await phone.ended(within_s=20)


async def test_each_key_reaches_its_queue_in_every_way_in_which_it_may_come(
    here: Town, tmp_path: Path
) -> None:
    pressed = {(way, key): str(next(_callers)) for way in (by_events, by_info, by_tones) for key in QUEUES}
    await asyncio.gather(*(way(here, key, caller, tmp_path) for (way, key), caller in pressed.items()))
    records = {(way.__name__, key): await here.record_of(caller) for (way, key), caller in pressed.items()}
    reached = {place: record.queue for place, record in records.items()}
    assert reached == {(way, key): QUEUES[key] for way, key in records}
    assert {record.disposition for record in records.values()} == {"answered"}
    assert {record.seat for (_, key), record in records.items() if key == "9"} == {"8012"}


async def by_nothing_that_is_offered(here: Town, key: str) -> str:
    """Press this key again and again, or none; the queue in which the caller was answered."""
    caller = str(next(_callers))
    async with raw_caller(here.far("telecom")[0], here.sip, caller, "12345") as raw:
        assert await raw.dial() == 200
        while key and not raw.over.is_set():
            assert await raw.press(key) in {200, 481}
            await asyncio.sleep(0.5)
        async with asyncio.timeout(30):
            await raw.over.wait()
    record = await here.record_of(caller)
    assert record.disposition == "answered"
    return record.queue or ""


async def test_who_presses_no_key_or_another_one_waits_for_line_1(here: Town) -> None:
    both = await asyncio.gather(*(by_nothing_that_is_offered(here, key) for key in ("", "7")))
    assert both == ["12345", "12345"]
