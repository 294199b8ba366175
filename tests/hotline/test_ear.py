"""Ears and who reads along, with a switch on paper and a speech process that does what the test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from acd.messages import EarAsked, StopTranscribe, Tell, Transcribe
from hotline.control import FILE, Control
from hotline.ear import Begun, Ears, Ended, Published, Said
from hotline.ear_door import EarDoor
from hotline.ear_reading import lines, reading
from hotline.lines import Line
from hotline.speech_words import Over, Overhear, Overheard, Suggestion
from tests.acd.town import START, Hall
from tests.fakes.ami import FakeAmi
from tests.real_asterisk import SECRET, USER
from trunks.live import SwitchLink

CALL, LEG = "1795228987.1", "1795228987.2"
ORDER = Transcribe(CALL, "101", "8001", "12345")
NEAR = Suggestion("gjj.withdraw", "公积金怎么提取", "可以在网上提取。", 0.98)


@dataclass
class Process:
    """The speech process. ``at``: where it listens; ``None``: it does not serve."""

    at: tuple[str, int] | None = ("127.0.0.1", 9)
    expected: list[Overhear] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    outcomes: dict[str, asyncio.Future[Over]] = field(default_factory=dict)

    async def expect(self, told: Overhear) -> tuple[str, int] | None:
        self.expected.append(told)
        self.outcomes[told.uuid] = asyncio.get_running_loop().create_future()
        return self.at

    def end(self, stream: str) -> None:
        self.ended.append(stream)
        self.over(stream, "seat")

    async def outcome(self, stream: str, within_s: float) -> Over:
        async with asyncio.timeout(within_s):
            return await self.outcomes[stream]

    def over(self, stream: str, how: str) -> None:
        if (outcome := self.outcomes.get(stream)) is not None and not outcome.done():
            outcome.set_result(Over(stream, CALL, how))

    def stream(self, who: str) -> str:
        return next(told.uuid for told in self.expected if told.who == who)


@dataclass
class Room:
    """One call, in which a seat talks."""

    ears: Ears
    process: Process
    ami: FakeAmi
    told: list[Published] = field(default_factory=list)

    def originated(self) -> list[dict[str, str]]:
        return [one for one in self.ami.received if one["Action"] == "Originate"]

    def hung_up(self) -> set[str]:
        return {one["Channel"] for one in self.ami.received if one["Action"] == "Hangup"}


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    ami, up = FakeAmi(), asyncio.Event()
    await ami.start()

    async def surveyed(_link: SwitchLink, _restarted: bool) -> None:
        up.set()

    link = SwitchLink(
        *("127.0.0.1", ami.ami, USER, SECRET),
        on_event=lambda _name, _fields: None,
        on_up=surveyed,
        on_down=lambda _why: None,
    )
    runs = asyncio.create_task(link.run())
    line = Line(CALL, "PJSIP/unicom-1", leg=LEG)
    ears = Ears({CALL: line}.get, lambda _call: None, lambda: link, lambda: 1_767_578_400_000)
    process = ears.speech = Process()
    made = Room(ears, process, ami)
    ears.readers.append(made.told.append)
    works = asyncio.create_task(ears.run())
    async with asyncio.timeout(5):
        await up.wait()
    yield made
    works.cancel()
    runs.cancel()
    await asyncio.gather(works, runs, return_exceptions=True)
    await ami.stop()


async def test_each_side_is_spied_on_by_a_channel_of_its_own_and_led_to_its_stream(room: Room) -> None:
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.originated()) == 2)
    assert {(told.who, told.call, told.line) for told in room.process.expected} == {
        ("caller", CALL, "12345"),
        ("seat", CALL, "12345"),
    }
    made = {one["ChannelId"]: one for one in room.originated()}
    assert set(made) == set(room.process.outcomes)
    assert {one["Channel"] for one in made.values()} == {"Local/spy@hotline-ear/n"}
    assert {one["Exten"] for one in made.values()} == {"tell"}


async def test_what_a_side_says_is_published_until_the_talk_is_over_and_not_after_it(room: Room) -> None:
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.originated()) == 2)
    caller = room.process.stream("caller")
    said = Overheard(caller, CALL, "caller", "公积金 怎么 提取", True, 0.99, (NEAR,))
    room.ears.overheard(said)
    room.ears.overheard(Overheard("another", CALL, "caller", "x", True))
    room.ears.overheard(Overheard(caller, "another call", "caller", "x", True))
    room.ears.carry_out(StopTranscribe(CALL))
    room.ears.overheard(said)
    assert [type(one) for one in room.told] == [Begun, Said, Ended]
    assert set(room.process.ended) == set(room.process.outcomes)
    await until(lambda: room.hung_up() == set(room.process.outcomes))


@pytest.mark.parametrize("how", ["full", "failed"])
async def test_a_side_that_fails_closes_the_ear_and_the_other_side_with_it(room: Room, how: str) -> None:
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.originated()) == 2)
    room.process.over(room.process.stream("seat"), how)
    await until(lambda: room.hung_up() == set(room.process.outcomes))
    assert [type(one) for one in room.told] == [Begun, Ended]
    assert room.process.stream("caller") in room.process.ended


async def test_where_nobody_serves_no_channel_is_made(room: Room) -> None:
    room.process.at = None
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.told) == 2)
    assert [type(one) for one in room.told] == [Begun, Ended]
    assert room.originated() == []


async def test_a_switch_that_refuses_closes_the_ear(room: Room) -> None:
    room.ami.mute.add("Originate")
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.originated()) == 2)
    room.ami.cut()
    await until(lambda: len(room.told) == 2)
    assert isinstance(room.told[-1], Ended)


async def test_a_talk_that_moves_to_another_seat_ends_there_and_begins_here(room: Room) -> None:
    room.ears.carry_out(ORDER)
    room.ears.carry_out(Transcribe(CALL, "102", "8002", "12345", f"{CALL}-1"))
    await until(lambda: len(room.originated()) >= 2)
    assert [(type(one), one.seat) for one in room.told] == [
        (Begun, "8001"),
        (Ended, "8001"),
        (Begun, "8002"),
    ]
    assert [one.seat for one in room.ears.on()] == ["8002"]


async def test_a_call_whose_channels_are_not_known_has_no_ear(room: Room) -> None:
    room.ears.carry_out(Transcribe("another", "101", "8001"))
    assert room.told == []


# ── reading along ────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def door(home: Path, room: Room, hall: Hall) -> AsyncIterator[Path]:
    """The door before the engine of the town, and these ears."""

    def post(fact: object) -> None:
        for order in hall.tell(fact):  # type: ignore[arg-type]
            if isinstance(order, Tell):
                control.tell(order)

    control = Control(home / FILE, post, [], ears=EarDoor(room.ears, hall.engine.state))
    serving = asyncio.create_task(control.serve())
    await until((home / FILE).is_socket)
    try:
        yield home / FILE
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_who_comes_in_the_middle_is_told_that_a_talk_is_on_and_reads_from_there(
    tmp_path: Path, room: Room
) -> None:
    async with door(tmp_path, room, Hall("101@8001")) as path:
        room.ears.carry_out(ORDER)
        await until(lambda: len(room.originated()) == 2)
        async with contextlib.aclosing(reading(path, EarAsked(by="101"))) as mine, asyncio.timeout(5):
            assert await anext(mine) == {"said": [], "done": True}
            assert await anext(mine) == room.told[0]
            room.ears.overheard(Overheard(room.process.stream("seat"), CALL, "seat", "您好", True, 1.0))
            said = await anext(mine)
            assert isinstance(said, Said)
            assert (said.who, said.text, said.agent) == ("seat", "您好", "101")


async def test_who_may_not_read_along_is_refused_in_words(tmp_path: Path, room: Room) -> None:
    async with door(tmp_path, room, Hall("101@8001")) as path:
        for asked, why in ((EarAsked("8001", "102"), "no-right"), (EarAsked(), "nobody-there")):
            async with contextlib.aclosing(reading(path, asked)) as told, asyncio.timeout(5):
                assert await anext(told) == {"said": [why], "done": False}


async def test_a_right_that_is_taken_away_ends_the_reading_at_the_next_sentence(room: Room) -> None:
    hall = Hall("101@8001")
    told: list[Published] = []
    stop = EarDoor(room.ears, hall.engine.state).read_along(EarAsked(by="103"), told.append)
    room.ears.carry_out(ORDER)
    await until(lambda: len(room.originated()) == 2)
    said = Overheard(room.process.stream("caller"), CALL, "caller", "你好", True)
    room.ears.overheard(said)
    setup = hall.engine.state.setup
    hall.engine.reconfigure(replace(setup, roles={**setup.roles, "supervisor": frozenset()}), START)
    room.ears.overheard(said)
    room.ears.carry_out(StopTranscribe(CALL))
    assert [type(one) for one in told] == [Begun, Said, Ended]
    stop()
    room.ears.carry_out(ORDER)
    assert len(told) == 3


def test_a_seat_reads_a_line_a_sentence_and_below_the_callers_what_may_help() -> None:
    at = 1_767_578_400_000
    question = Said(at, CALL, "8001", "101", "caller", "公积金怎么提取", True, 0.99, (NEAR,))
    assert lines(question) == [
        "10:00:00  8001 101  市民：公积金怎么提取",
        "          → 公积金怎么提取（gjj.withdraw，0.98）可以在网上提取。",
    ]
    assert lines(Said(at, CALL, "8001", "101", "seat", "您好", True)) == ["10:00:00  8001 101  座席：您好"]
    assert lines(Said(at, CALL, "8001", "101", "caller", "公积金", False)) == []
    assert lines(Begun(at, CALL, "8001", "101")) == [f"10:00:00  8001 101  ── 通话 {CALL}"]
