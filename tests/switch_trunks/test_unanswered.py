"""OPTIONS that stay without an answer: a lost one costs a moment, and who was gone is back in seconds, whatever the period."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio

from hotline import logs
from hotline.city import City
from hotline.rehearsal.manners import Dialled, Plan
from hotline.rehearsal.phones_live import Phones
from tests.switch.conftest import Town, city_text, moved, town
from tests.switch_handover.far import far_socket
from trunks.live import SwitchLink

pytestmark = [pytest.mark.switch, pytest.mark.asyncio(loop_scope="module")]

SOON_S = 5.0
"""`hotline.reachability.AGAIN_S`, and time for a busy machine; the trunk's own turn comes after an hour"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here() -> AsyncIterator[Town]:
    text = moved(city_text("zhengzhou"))
    text, changed = re.subn("qualify_seconds = 5", "qualify_seconds = 3600", text)
    text, more = re.subn(r'trunks = \["emergency", .*\]', 'trunks = ["emergency"]', text)
    assert (changed, more) == (1, 1)
    async with town(City.read(text, "zhengzhou")) as here:
        yield here


def link_of(here: Town) -> SwitchLink:
    assert here.platform.asterisk.link is not None
    return here.platform.asterisk.link


@contextmanager
def told() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    stream = io.StringIO()
    logs.set_up(level="info", stream=stream, terminal=False)
    try:
        yield stream
    finally:
        logs.set_up(level="warning")


def changes(stream: io.StringIO) -> list[str]:
    """How the emergency trunk's far end was found, in its order."""
    lines = [line for line in stream.getvalue().splitlines() if '"trunk":"emergency"' in line]
    return [found[1] for line in lines if (found := re.search(r'"status":"(\w+)"', line))]


async def ask_for_110(here: Town, caller: int) -> None:
    """A call to 110, over whatever way takes it."""
    with here.carrier("mobile", caller) as carrier:
        await carrier.place(Plan(1, 1, (Dialled("110"),)))
    await here.record_of(str(caller))


async def test_an_options_that_is_lost_keeps_no_call_from_the_trunk(here: Town) -> None:
    async with far_socket(here.far("emergency")) as far:
        await here.trunks_reachable("emergency")
        with told() as stream:
            far.loses = 1
            await link_of(here).qualify("emergency")
            await here.until(lambda: "Unreachable" in changes(stream), "the lost one runs out")
            await here.until(lambda: changes(stream) == ["Unreachable", "Reachable"], "asked anew", SOON_S)
        await ask_for_110(here, 13_511_000_001)
        assert len(far.invites) == 1


async def test_a_far_end_that_was_away_is_used_again_within_seconds(here: Town) -> None:
    with told() as stream:
        async with far_socket(here.far("emergency")):
            await link_of(here).qualify("emergency")
            await here.trunks_reachable("emergency")
        await link_of(here).qualify("emergency")
        await here.until(lambda: "Unreachable" in changes(stream), "nobody is there")
        async with far_socket(here.far("emergency")) as far:
            await here.until(lambda: changes(stream)[-1] == "Reachable", "asked anew", SOON_S)
            await ask_for_110(here, 13_511_000_002)
            assert len(far.invites) == 1


async def test_a_link_that_comes_up_anew_finds_the_trunks_that_do_not_answer(here: Town) -> None:
    link = link_of(here)
    with told() as stream:
        await link.qualify("emergency")
        await here.until(lambda: "Unreachable" in changes(stream), "nobody is there")
        assert link._protocol is not None
        link._protocol.close()
        await here.until(lambda: '"surveyed"' in stream.getvalue(), "the link is up again")
        async with far_socket(here.far("emergency")):
            await here.until(lambda: changes(stream)[-1] == "Reachable", "asked anew", SOON_S)


async def test_a_phone_that_was_silent_is_back_before_its_turn(here: Town) -> None:
    reachable = here.platform.service.engine.state.reachable
    async with Phones(here.logins(["8001"]), here.sip, unregisters=True) as phones:
        await here.until(lambda: "8001" in reachable, "the phone is there")
        await phones.unplug()
        await link_of(here).qualify("8001")
        await here.until(lambda: "8001" not in reachable, "the phone does not answer")
        await phones.plug_in()
        await here.until(lambda: "8001" in reachable, "the phone is back", SOON_S)
