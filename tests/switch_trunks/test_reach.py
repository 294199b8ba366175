"""What comes from a trunk reaches the hotline and nothing else; a seat reaches its feature codes and nothing else."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from acd.messages import SeatEngaged
from hotline.city import City
from hotline.rehearsal.farend_live import FarEnd
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import SeatLogin
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_trunks.caller import raw_caller

pytestmark = pytest.mark.switch

NO_NUMBER = (
    "*11",
    "*11*1001*1234",
    "*10",
    "abc",
    "hotline-desk",
    "s",
    "8001%40unicom",
    "110%2c1",
    "12345%20110",
    "%24%7bEXTEN%7d",
)
NOT_OURS = (
    "8001",
    "008613800138000",
    "00862112345",
    "0012125551234",
    "+12125551234",
    "13800138000",
    "01012345678",
    "9",
)


async def from_trunk(here: Town, number: str, caller: str) -> int:
    """The status of a call from the carrier, hung up at once."""
    async with raw_caller(here.far("mobile")[0], here.sip, caller, number) as raw:
        return await raw.dial()


async def from_seat(here: Town, number: str, login: SeatLogin) -> int:
    """The status of a call from a seat's phone."""
    async with raw_caller("127.8.0.92", here.sip, login.number, number, login) as raw:
        return await raw.dial()


async def test_nobody_gets_out_by_dialling() -> None:
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(town(City.read(moved(city_text("zhengzhou")), "zhengzhou")))
        ends = [FarEnd(*here.far(trunk.name)) for trunk in here.platform.city.trunks()]
        phones = Phones(here.logins(["8001"]), here.sip)
        for one in (*ends, phones):
            await stack.enter_async_context(one)
        refused = [await from_trunk(here, number, f"1320000{n:04}") for n, number in enumerate(NO_NUMBER)]
        taken = [await from_trunk(here, number, f"1330000{n:04}") for n, number in enumerate(NOT_OURS)]
        records = [await here.record_of(f"1330000{n:04}") for n in range(len(NOT_OURS))]
        (login,) = here.logins(["8002"])
        # nobody is signed on there: it is told so in words, and only an emergency would get out
        in_words = [
            await from_seat(here, n, login) for n in ("12345", "8001", "13800138000", "0012125551234")
        ]
        dialled = ("*99", "*1x")
        by_seat = [await from_seat(here, number, login) for number in dialled]
        codes = [await from_seat(here, code, login) for code in ("*10", "*14")]
        rung = [leg for one in (*ends, phones) for leg in one.legs()]
        engaged = {event.seat for event, _ in here.events if isinstance(event, SeatEngaged)}
        heard_of = len([record for record in here.records if record.direction == "in"])
    assert refused == [404] * len(NO_NUMBER)
    assert taken == [200] * len(NOT_OURS)  # 12345 answers: a person can tell whose number it is
    assert {(record.disposition, record.passed_to) for record in records} == {("abandoned", None)}
    assert by_seat == [404] * len(dialled)
    assert in_words == [200] * 4
    assert codes == [200, 200]
    assert engaged == {"8002"}
    assert rung == []
    assert heard_of == len(NOT_OURS)
