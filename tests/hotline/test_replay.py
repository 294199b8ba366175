from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from acd.messages import (
    AgentAnswered,
    Answer,
    CallerHungUp,
    CallOffered,
    CallRecord,
    ChannelSeen,
    Command,
    Event,
    HangUp,
    HoldMusic,
    RingAgent,
    SwitchSurveyed,
    Tick,
    WriteRecord,
)
from hotline.journal import Header, JournalFault, Options, open_journal
from hotline.journal_file import segment_paths
from hotline.replay import Note, Step, read_segments, replay
from tests.hotline.redis_server import RedisServer
from tests.hotline.test_journal import no_alarm

NINE = 1_772_326_800_000
CITY = Header("zhengzhou", "d1g357", "0.1.0")


class TinyEngine:
    """Answers and rings 1001, 1002, 1001, ... in turn: its orders depend on all that it has been told."""

    def __init__(self, agents: tuple[str, ...] = ("1001", "1002")) -> None:
        self.agents = agents
        self.rung = 0

    def receive(self, event: Event, now: int) -> list[Command]:
        match event:
            case CallOffered(call=call):
                agent = self.agents[self.rung % len(self.agents)]
                self.rung += 1
                return [Answer(call), RingAgent(call, agent, "8001", 20_000, because="longest idle")]
            case CallerHungUp(call=call, cause=0):
                raise KeyError(call)
            case CallerHungUp(call=call):
                record = CallRecord(
                    call, "z", "ct", "12345", "", None, None, None, "told", now, because=("it ended",)
                )
                return [HangUp(call), WriteRecord(record)]
            case _:
                return []

    def snapshot(self) -> bytes:
        return msgspec.json.encode(self.rung)

    def restore(self, snapshot: bytes) -> None:
        self.rung = msgspec.json.decode(snapshot, type=int)


def offered(call: str) -> CallOffered:
    return CallOffered(call, "ct", "12315", "13812345678")


DAY: list[Event] = [
    offered("1.1"),
    Tick(),
    offered("1.2"),
    AgentAnswered("1.2", "1002"),
    offered("1.3"),
    CallerHungUp("1.1", 16),
    SwitchSurveyed((ChannelSeen("1.2", "talking"),), ("8001",)),
]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(params=["file", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return str(tmp_path / "journal")
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return f"{server.url}?stream=replay"


def make(_header: Header) -> TinyEngine:
    return TinyEngine()


async def live(
    where: str,
    events: Sequence[Event],
    *,
    snapshot_after: int | None = None,
    unwritten: int = 0,
    **options: int,
) -> None:
    """What the program does: write the event, hand it to the engine, note the orders."""
    journal = await open_journal(where, header=CITY, alarm=no_alarm, options=Options(**options))
    await journal.recover()
    engine = TinyEngine()
    for place, event in enumerate(events):
        (seq,) = await journal.append([(NINE + place, event)])
        orders = engine.receive(event, NINE + place)
        if place < len(events) - unwritten:
            journal.note_orders(seq, orders)
        if place == snapshot_after:
            assert await journal.snapshot(engine.snapshot(), NINE + place)
    await journal.close()


async def steps(
    where: str | Path, engine: Callable[[Header], TinyEngine] = make, call: str | None = None
) -> list[Step]:
    found = await asyncio.to_thread(lambda: list(replay(where, engine, call)))
    return [step for step in found if isinstance(step, Step)]


async def test_a_replay_gives_the_same_orders_again(where: str) -> None:
    await live(where, DAY)
    found = await steps(where)
    assert [(step.seq, step.now, step.event) for step in found] == [
        (n, NINE + n, e) for n, e in enumerate(DAY)
    ]
    assert all(step.difference is None and step.written == step.ordered for step in found)


async def test_a_segment_is_replayed_from_its_snapshot(where: str) -> None:
    await live(where, DAY, snapshot_after=1)
    found = await steps(where)
    assert [step.difference for step in found] == [None] * 7
    assert isinstance(found[2].ordered[1], RingAgent)
    assert found[2].ordered[1].agent == "1002"


async def test_orders_that_the_program_did_not_get_to_write_are_not_compared(where: str) -> None:
    await live(where, DAY, unwritten=3)
    found = await steps(where)
    assert [step.written is None for step in found] == [False] * 4 + [True] * 3
    assert all(step.difference is None for step in found)


async def test_the_first_difference_is_told_in_a_sentence_and_no_later_one(where: str) -> None:
    await live(where, DAY)
    found = await steps(where, lambda _: TinyEngine(("1001", "1003")))
    different = [step for step in found if step.difference]
    assert [step.seq for step in different] == [2]
    assert different[0].difference is not None
    assert different[0].difference.endswith(
        "event 2: order 2 was [1.2 ring agent (agent 1002, seat 8001, ring 20 s) because longest idle]"
        " and is now [1.2 ring agent (agent 1003, seat 8001, ring 20 s) because longest idle]"
    )


async def test_a_missing_and_an_additional_order_are_told_apart(tmp_path: Path) -> None:
    class More(TinyEngine):
        def receive(self, event: Event, now: int) -> list[Command]:
            extra: list[Command] = [HoldMusic("1.1", "q")] if event == Tick() else []
            return super().receive(event, now) + extra

    class Fewer(TinyEngine):
        def receive(self, event: Event, now: int) -> list[Command]:
            return super().receive(event, now)[:1]

    where = str(tmp_path / "journal")
    await live(where, DAY)
    more = [step.difference for step in await steps(where, lambda _: More()) if step.difference]
    fewer = [step.difference for step in await steps(where, lambda _: Fewer()) if step.difference]
    assert more[0].endswith("event 1: order 1 is [1.1 hold music (queue q)] now, and was not given then")
    assert "event 0: order 2 was [1.1 ring agent" in fewer[0]
    assert fewer[0].endswith("and is missing now")


async def test_one_call_is_shown_with_all_that_has_to_do_with_it_and_nothing_else(tmp_path: Path) -> None:
    where = str(tmp_path / "journal")
    await live(where, DAY)
    assert [step.seq for step in await steps(where, call="1.1")] == [0, 5]
    assert [step.seq for step in await steps(where, call="1.2")] == [2, 3, 6]
    assert await steps(where, call="9.9") == []


async def test_a_difference_is_shown_whatever_call_is_asked_for(tmp_path: Path) -> None:
    where = str(tmp_path / "journal")
    await live(where, DAY)
    found = await steps(where, lambda _: TinyEngine(("1001", "1003")), call="1.1")
    assert [(step.seq, bool(step.difference)) for step in found] == [(0, False), (2, True), (5, False)]


async def test_a_line_says_when_what_which_orders_and_why_without_the_callers_number(tmp_path: Path) -> None:
    where = str(tmp_path / "journal")
    await live(where, DAY)
    found = await steps(where)
    assert found[0].line() == (
        "2026-03-01 09:00:00.000+08:00  #0  1.1 call offered (trunk ct, called 12315, caller 138******78)"
        "  =>  1.1 answer; 1.1 ring agent (agent 1001, seat 8001, ring 20 s) because longest idle"
    )
    assert found[1].line() == "2026-03-01 09:00:00.001+08:00  #1  tick  =>  nothing"
    assert (
        found[5]
        .line()
        .endswith("1.1 caller hung up (cause 16)  =>  1.1 hang up; 1.1 write record (told) because it ended")
    )
    assert json.loads(json.dumps(found[0].as_dict()))["ordered"][0] == {"type": "Answer", "call": "1.1"}


async def test_after_a_gap_nothing_is_compared_until_the_next_segment(tmp_path: Path) -> None:
    where = tmp_path / "journal"
    await live(str(where), DAY)
    path = segment_paths(where)[-1]
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if not line.startswith(b'{"n":0,')]
    lines.insert(1, b'{"gap":{"first":0,"lost":1,"since":1,"until":1,"why":"disk full"}}\n')
    path.write_bytes(b"".join(lines))
    found = await asyncio.to_thread(lambda: list(replay(where, make)))
    assert not any(isinstance(step, Step) and step.difference for step in found)
    assert found[1] == Note("1 events from #0 on are missing (disk full); not compared from here")


async def test_an_engine_that_fails_is_the_difference_and_the_end(tmp_path: Path) -> None:
    where = str(tmp_path / "journal")
    await live(where, DAY[:2])
    with open(segment_paths(tmp_path / "journal")[-1], "ab") as file:  # noqa: ASYNC230
        file.write(
            b'{"n":2,"t":5,"e":{"type":"CallerHungUp","call":"7.7"}}\n{"n":3,"t":5,"e":{"type":"Tick"}}\n'
        )
    found = await steps(where)
    assert [step.seq for step in found] == [0, 1, 2]
    assert found[2].difference == "the engine failed: KeyError: '7.7'"


async def test_one_file_of_a_journal_can_be_replayed_alone(tmp_path: Path) -> None:
    where = tmp_path / "journal"
    await live(str(where), DAY, snapshot_after=3)
    assert [step.seq for step in await steps(segment_paths(where)[-1])] == [4, 5, 6]


async def test_a_journal_can_be_read_while_the_program_writes_it(where: str) -> None:
    journal = await open_journal(where, header=CITY, alarm=no_alarm)
    await journal.recover()
    await journal.append([(NINE, DAY[0])])
    assert [step.event for step in await steps(where)] == DAY[:1]
    await journal.close()


async def test_the_header_says_under_which_configuration_a_segment_was_written(where: str) -> None:
    await live(where, DAY)
    (segment,) = await asyncio.to_thread(lambda: list(read_segments(where)))
    assert segment.head.header == CITY


def test_where_no_journal_is_a_line_says_what_to_give(tmp_path: Path, redis_server: RedisServer) -> None:
    with pytest.raises(JournalFault, match="no journal is there; give its directory"):
        list(replay(tmp_path / "nothing", make))
    with pytest.raises(JournalFault, match=r"no journal is there; give its \?stream=NAME"):
        list(replay(f"{redis_server.url}?stream=nothing", make))
    with pytest.raises(JournalFault, match="start Redis there"):
        list(replay("redis://127.0.0.1:1/0", make))
