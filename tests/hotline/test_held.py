"""A caller who is held: two orders at once, of which the first ends the session, and the second must not be lost with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from acd.messages import Event, HangUp, HoldMusic, LegAt, MoveLeg
from hotline.asterisk import Asterisk
from ivr.live import AgiServer
from tests.fakes.agi import FakeAsteriskCall
from tests.fakes.ami import FakeAmi
from tests.real_asterisk import SECRET, USER
from trunks.live import SwitchLink

CALL, CHANNEL = "1795226108.9", "PJSIP/carrier-00000001"
"""as the fake names its call"""
INTO_THE_ROOM, LET_GO = MoveLeg(CALL, "caller", "room"), HangUp(CALL, 19)


class Leading(FakeAsteriskCall):
    """A channel that says when it is told where to go, before it has answered."""

    led: Callable[[], None] = staticmethod(lambda: None)

    def _answer(self, words: list[str]) -> bytes:
        if words[:3] == ["SET", "VARIABLE", "ACD_NEXT"]:
            self.led()
        return super()._answer(words)


@dataclass
class Hall:
    """One caller, led out of a bridge into a session; ``gaps``: how often somebody fell out of our hands."""

    asterisk: Asterisk
    ami: FakeAmi
    caller: Leading
    gaps: list[None] = field(default_factory=list)

    async def done(self) -> None:
        """The session is over, and the actions that came of it are done."""
        async with asyncio.timeout(5):
            while self.asterisk.lines[CALL].session is not None:  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0)
            await self.running
            await self.asterisk.carried_out()

    running: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def hung_up(self) -> list[tuple[str, str]]:
        """The channels that the switch was told to hang up, with the cause."""
        return [(one["Channel"], one["Cause"]) for one in self.ami.received if one["Action"] == "Hangup"]


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    heard: asyncio.Queue[Event] = asyncio.Queue()
    up = asyncio.Event()
    gaps: list[None] = []
    asterisk = Asterisk(
        heard.put_nowait,
        knows=lambda _call: True,
        gap=lambda: gaps.append(None),
        proven=lambda _agent, _pin: False,
        seats=lambda _seat: False,
    )
    ami = FakeAmi()
    ami.channels.append(CHANNEL)
    await ami.start()

    async def surveyed(_link: SwitchLink, _restarted: bool) -> None:
        up.set()

    link = asterisk.link = SwitchLink(
        *("127.0.0.1", ami.ami, USER, SECRET),
        on_event=lambda _name, _fields: None,
        on_up=surveyed,
        on_down=lambda _why: None,
    )
    runs = asyncio.create_task(link.run())
    async with asyncio.timeout(5), AgiServer("127.0.0.1", 0, asterisk.session, on_gone=asterisk.gone) as agi:
        await up.wait()
        caller = Leading(agi.port, "held", ("caller",))
        running = asyncio.create_task(caller.run())
        assert await heard.get() == LegAt(CALL, "caller", "held")
        yield Hall(asterisk, ami, caller, gaps, running)
    runs.cancel()
    await asyncio.gather(runs, return_exceptions=True)
    await ami.stop()


async def test_a_caller_who_is_let_go_in_the_same_breath_as_he_is_led_into_a_room_is_hung_up(
    hall: Hall,
) -> None:
    hall.asterisk.carry_out(INTO_THE_ROOM)
    hall.asterisk.carry_out(LET_GO)
    await hall.done()
    assert hall.caller.variables["ACD_NEXT"] == "room"
    assert hall.hung_up() == [(CHANNEL, "19")]
    assert not hall.gaps


async def test_a_caller_who_is_let_go_while_his_session_is_being_closed_is_hung_up(hall: Hall) -> None:
    hall.caller.led = lambda: hall.asterisk.carry_out(LET_GO)
    hall.asterisk.carry_out(INTO_THE_ROOM)
    await hall.done()
    assert hall.caller.variables["ACD_NEXT"] == "room"
    assert hall.hung_up() == [(CHANNEL, "19")]
    assert not hall.gaps


async def test_a_caller_whose_session_is_over_is_hung_up_by_the_switch(hall: Hall) -> None:
    hall.asterisk.carry_out(INTO_THE_ROOM)
    await hall.done()
    assert hall.hung_up() == []
    hall.asterisk.carry_out(LET_GO)
    await hall.asterisk.carried_out()
    assert hall.hung_up() == [(CHANNEL, "19")]


async def test_an_order_that_came_too_late_and_lets_nobody_go_hangs_nobody_up(hall: Hall) -> None:
    hall.caller.led = lambda: hall.asterisk.carry_out(HoldMusic(CALL, "12345"))
    hall.asterisk.carry_out(INTO_THE_ROOM)
    await hall.done()
    assert hall.hung_up() == []
    assert not hall.gaps


async def test_a_held_caller_who_is_let_go_alone_leaves_by_the_session(hall: Hall) -> None:
    hall.asterisk.carry_out(LET_GO)
    await hall.done()
    assert (hall.caller.variables["ACD_NEXT"], hall.caller.variables["ACD_CAUSE"]) == ("hangup", "19")
    assert hall.hung_up() == []
