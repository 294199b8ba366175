from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.messages import AgentRangOut, Answer, CallerHungUp, CallOffered, Command, Event, HangUp, Tick
from hotline.journal import Alarm, Header, Journal, JournalFault, Options, open_journal
from hotline.journal_file import read_file, segment_paths
from tests.hotline.redis_server import RedisServer

NINE = 1_772_326_800_000
CITY = Header("zhengzhou", "d1g357", "0.1.0")
OFFERED = CallOffered(
    "1.1", "ct", "12345", "13800000000", name='张三 "x"\\', diverted=("Diversion: <sip:12315@x>",)
)
EVENTS: list[Event] = [OFFERED, AgentRangOut("1.1", "1001"), Tick(), CallerHungUp("1.1", cause=16)]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.go_on()
    server.kill()


@pytest.fixture(params=["file", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return str(tmp_path / "journal")
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return f"{server.url}?stream=test"


def no_alarm(alarm: Alarm) -> None:
    raise AssertionError(alarm)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  neither a file nor a clock tells anybody
            await asyncio.sleep(0.005)


class Alarms(list[Alarm]):
    """What the journal has told; ``until`` waits for a state."""

    def __init__(self) -> None:
        super().__init__()
        self._told = asyncio.Event()

    def __call__(self, alarm: Alarm) -> None:
        self.append(alarm)
        self._told.set()

    async def until(self, state: str) -> Alarm:
        async with asyncio.timeout(20):
            while True:
                for alarm in self:
                    if alarm.state == state:
                        return alarm
                self._told.clear()
                await self._told.wait()


async def opened(where: str, alarm: Callable[[Alarm], None] | None = None, **options: int) -> Journal:
    journal = await open_journal(
        where, header=CITY, alarm=no_alarm if alarm is None else alarm, options=replace(Options(), **options)
    )
    await journal.recover()
    return journal


async def read_back(where: str) -> tuple[bytes | None, list[tuple[int, Event]]]:
    journal = await open_journal(where, header=CITY, alarm=no_alarm)
    recovered = await journal.recover()
    await journal.close()
    assert recovered.cut is None
    return recovered.snapshot, recovered.events


# ── both kinds
# ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_events_come_back_in_order_with_their_times(where: str) -> None:
    journal = await opened(where)
    assert await journal.append([(NINE, EVENTS[0])]) == range(1)
    assert await journal.append([(NINE + 5, EVENTS[1]), (NINE + 5, EVENTS[2])]) == range(1, 3)
    assert await journal.append([(NINE + 9, EVENTS[3])]) == range(3, 4)
    assert journal.next == 4
    await journal.close()
    assert await read_back(where) == (
        None,
        [(NINE, EVENTS[0]), (NINE + 5, EVENTS[1]), (NINE + 5, EVENTS[2]), (NINE + 9, EVENTS[3])],
    )


async def test_a_second_run_goes_on_with_the_numbers_of_the_first(where: str) -> None:
    first = await opened(where)
    await first.append([(NINE, Tick()), (NINE, Tick())])
    await first.close()
    second = await opened(where)
    assert await second.append([(NINE + 1, EVENTS[0])]) == range(2, 3)
    await second.close()
    assert await read_back(where) == (None, [(NINE, Tick()), (NINE, Tick()), (NINE + 1, EVENTS[0])])


async def test_a_snapshot_replaces_the_events_before_it_and_keeps_those_written_meanwhile(where: str) -> None:
    journal = await opened(where)
    await journal.append([(NINE, Tick())] * 100)
    state = bytes(range(256)) * 4_000
    taking = asyncio.create_task(journal.snapshot(state, NINE + 1))
    during: list[tuple[int, Event]] = []
    await asyncio.sleep(0)
    while not taking.done():
        during.append((NINE + 2 + len(during), EVENTS[3]))
        await journal.append(during[-1:])
        await asyncio.sleep(0)
    assert await taking
    await journal.append([(NINE + 900_000, EVENTS[0])])
    await journal.close()
    assert await read_back(where) == (state, [*during, (NINE + 900_000, EVENTS[0])])


async def test_a_snapshot_is_due_when_the_segment_is_long_or_old(where: str) -> None:
    journal = await opened(where, segment_bytes=2_000, segment_ms=60_000)
    await journal.append([(NINE, Tick())])
    assert not journal.snapshot_due(NINE + 59_999)
    assert journal.snapshot_due(NINE + 60_000)
    assert await journal.snapshot(b"", NINE + 60_000)
    assert not journal.snapshot_due(NINE + 60_001)
    for _ in range(60):
        await journal.append([(NINE + 60_001, EVENTS[0])])
    assert journal.snapshot_due(NINE + 60_001)
    await journal.close()


async def test_only_one_program_writes_a_journal_and_the_second_is_told_who(where: str) -> None:
    journal = await opened(where)
    with pytest.raises(JournalFault, match=rf"another program \(.*process {os.getpid()}.*stop") as told:
        await opened(where)
    assert "\n" not in str(told.value)
    await journal.close()
    await (await opened(where)).close()


async def test_a_journal_that_a_killed_program_left_is_taken_over_at_once(where: str) -> None:
    program = f"""
import asyncio, os, signal
from acd.messages import Tick
from hotline.journal import Header, open_journal
async def main():
    journal = await open_journal({where!r}, header=Header("zhengzhou", "d", "0"), alarm=print)
    await journal.recover()
    await journal.append([({NINE}, Tick())])
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], timeout=60, check=False)
    began = time.monotonic()
    assert await read_back(where) == (None, [(NINE, Tick())])
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("after", [1, 37, 150, 333, 612])
async def test_a_program_killed_at_any_moment_loses_no_event_that_it_could_have_acted_on(
    where: str, after: int
) -> None:
    """Events are counted, every seventh time a snapshot of the count is taken while they go on."""
    program = f"""
import asyncio, sys
from acd.messages import Tick
from hotline.journal import Header, open_journal
async def main():
    journal = await open_journal({where!r}, header=Header("zhengzhou", "d", "0"), alarm=print)
    await journal.recover()
    taking = None
    for count in range(100_000):
        await journal.append([(count, Tick())])
        print(count, flush=True)
        if count % 7 == 0 and (taking is None or taking.done()):
            taking = asyncio.create_task(journal.snapshot(b"%d" % (count + 1), count))
        await asyncio.sleep(0)
asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert child.stdout is not None
    acted_on = -1
    for _ in range(after):
        acted_on = int(await child.stdout.readline())
    child.kill()
    acted_on = int(((await child.stdout.read()).split() or [b"%d" % acted_on])[-1])
    await child.wait()
    snapshot, events = await read_back(where)
    first = 0 if snapshot is None else int(snapshot)
    assert [now for now, _ in events] == list(range(first, first + len(events)))
    assert acted_on < first + len(events) <= acted_on + 2


async def test_another_citys_journal_is_refused(where: str) -> None:
    await (await opened(where)).close()
    other = await open_journal(where, header=replace(CITY, city="jinan"), alarm=no_alarm)
    with pytest.raises(JournalFault, match=r"zhengzhou's, not jinan's; give each city a journal of its own"):
        await other.recover()
    await other.close()


async def test_old_segments_are_deleted_and_the_newest_two_stay(where: str) -> None:
    journal = await opened(where, keep_segments=2)
    for round_ in range(5):
        await journal.append([(NINE + round_, Tick())])
        assert await journal.snapshot(b"%d" % round_, NINE + round_)
    await journal.append([(NINE + 9, Tick())])
    await journal.close()
    assert await read_back(where) == (b"4", [(NINE + 9, Tick())])
    if where.startswith("redis"):
        return
    assert [path.name for path in segment_paths(Path(where))] == ["000000000004.jsonl", "000000000005.jsonl"]


async def test_an_event_that_cannot_be_written_down_leaves_a_gap_and_the_rest_goes_on(where: str) -> None:
    alarms = Alarms()
    journal = await opened(where, alarms)
    half = CallOffered("1.1", "ct", "12345", "\ud800")
    assert await journal.append([(NINE, Tick()), (NINE, half), (NINE, EVENTS[3])]) == range(3)
    assert (await alarms.until("gap")).lost == 1
    assert journal.snapshot_due(NINE)
    await journal.close()
    assert (await read_back(where))[1] == [(NINE, Tick()), (NINE, EVENTS[3])]


# ── the file
# ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


async def written(directory: Path, events: int = 3) -> Path:
    journal = await opened(str(directory))
    for number in range(events):
        await journal.append([(NINE + number, EVENTS[number % 4])])
    await journal.close()
    return segment_paths(directory)[-1]


async def test_an_event_is_in_the_file_when_append_returns(directory: Path) -> None:
    journal = await opened(str(directory))
    await journal.append([(NINE, OFFERED)])
    last = segment_paths(directory)[-1].read_bytes().splitlines()[-1]
    assert json.loads(last)["n"] == 0
    assert json.loads(last)["t"] == NINE
    assert json.loads(last)["e"]["type"] == "CallOffered"
    await journal.close()


async def test_orders_stand_beside_their_event_and_no_orders_are_told_from_unwritten_ones(
    directory: Path,
) -> None:
    journal = await opened(str(directory))
    await journal.append([(NINE, OFFERED), (NINE, Tick()), (NINE, Tick())])
    orders: list[Command] = [Answer("1.1"), HangUp("1.1", 17)]
    journal.note_orders(0, orders)
    journal.note_orders(1, [])
    await journal.append([(NINE + 1, Tick())])
    journal.note_orders(2, [])
    await journal.close()
    segment, _ = read_file(segment_paths(directory)[-1])
    assert segment.orders == {0: orders, 2: []}
    assert segment.orders_until == 2


async def test_orders_are_written_soon_even_when_nothing_more_happens(directory: Path) -> None:
    journal = await opened(str(directory), sync_ms=10)
    await journal.append([(NINE, OFFERED)])
    journal.note_orders(0, [Answer("1.1")])
    path = segment_paths(directory)[-1]
    await until(lambda: b'"Answer"' in path.read_bytes())
    await journal.close()


async def test_nobody_else_may_read_the_journal(directory: Path) -> None:
    path = await written(directory)
    assert [stat.S_IMODE(os.stat(place).st_mode) for place in (directory, path)] == [0o700, 0o600]


async def test_wherever_the_last_line_is_torn_everything_before_it_comes_back(directory: Path) -> None:
    path = await written(directory, 3)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in [*range(last + 1, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:end])
        journal = await open_journal(directory, header=CITY, alarm=no_alarm)
        recovered = await journal.recover()
        assert [now for now, _ in recovered.events] == [NINE, NINE + 1]
        assert recovered.cut is not None
        assert recovered.cut.startswith(f"{path}:4: a half-written line at the end left out")
        assert await journal.append([(NINE + 7, Tick())]) == range(2, 3)
        await journal.close()
        assert (await read_back(str(directory)))[1][-1] == (NINE + 7, Tick())


async def test_the_zeros_that_a_power_cut_leaves_at_the_end_are_cut_off(directory: Path) -> None:
    path = await written(directory, 3)
    path.write_bytes(path.read_bytes() + bytes(4096))
    journal = await open_journal(directory, header=CITY, alarm=no_alarm)
    recovered = await journal.recover()
    await journal.close()
    assert len(recovered.events) == 3
    assert recovered.cut is not None
    assert (await read_back(str(directory)))[1] == recovered.events


@pytest.mark.parametrize(
    "damage", [b"x", b"\x00", b'{"n":1,"t":5}', b'{"n":1,"t":"x","e":{"type":"Tick"}}', b""]
)
async def test_a_damaged_line_in_the_middle_is_an_error_that_names_file_line_and_remedy(
    directory: Path, damage: bytes
) -> None:
    path = await written(directory, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = damage + b"\n"
    path.write_bytes(b"".join(lines))
    journal = await open_journal(directory, header=CITY, alarm=no_alarm)
    with pytest.raises(JournalFault, match=rf"^{path}:3: damaged line \(.*head -n 2") as told:
        await journal.recover()
    assert "\n" not in str(told.value)
    await journal.close()


async def test_a_line_that_is_missing_in_the_middle_is_an_error_too(directory: Path) -> None:
    path = await written(directory, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[2]
    path.write_bytes(b"".join(lines))
    journal = await open_journal(directory, header=CITY, alarm=no_alarm)
    with pytest.raises(JournalFault, match=rf"^{path}:3: event 2 where 1 should be"):
        await journal.recover()
    await journal.close()


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"{", "damaged header"),
        (b'{"journal":2}', "format 2, this program reads 1; use the program that wrote it"),
        (b'{"journal":1,"city":"zhengzhou"}', "damaged header"),
        (
            b'{"journal":1,"city":"zhengzhou","digest":"","program":"","n":0,"t":0,"state":"QUJD","crc":7}',
            "checksum is wrong",
        ),
    ],
)
async def test_a_bad_header_is_an_error_with_its_remedy(directory: Path, header: bytes, told: str) -> None:
    path = await written(directory, 1)
    path.write_bytes(header + b"\n")
    journal = await open_journal(directory, header=CITY, alarm=no_alarm)
    with pytest.raises(JournalFault, match=rf"^{path}:1: .*{told}"):
        await journal.recover()
    await journal.close()


async def test_a_half_written_snapshot_is_not_used(directory: Path) -> None:
    path = await written(directory, 2)
    (directory / "000000000002.new").write_bytes(path.read_bytes()[:50])
    assert len((await read_back(str(directory)))[1]) == 2
    assert sorted(os.listdir(directory)) == [path.name, "lock"]


def size_of(path: Path) -> int:
    return path.stat().st_size


@pytest.fixture
def no_more_room() -> Iterator[Callable[[int | None], None]]:
    """Lets no file of this process grow past a size: writes then come back short and fail, as on a full
    disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before[0] if size is None else size, before[1]))

    yield limit
    limit(None)


async def test_a_full_disk_holds_up_no_call_and_loses_nothing_while_memory_has_room(
    directory: Path, no_more_room: Callable[[int | None], None]
) -> None:
    alarms = Alarms()
    journal = await opened(str(directory), alarms, sync_ms=10)
    await journal.append([(NINE, OFFERED)])
    path = segment_paths(directory)[-1]
    no_more_room(size_of(path) + 30)
    for number in range(1, 200):
        await journal.append([(NINE + number, EVENTS[number % 4])])
        journal.note_orders(number, [Answer("1.1")])
    assert read_file(path)[0].cut is None  # the half that fitted was taken back
    no_more_room(None)
    await alarms.until("well")
    assert [alarm.state for alarm in alarms] == ["trouble", "well"]
    assert "calls go on" in alarms[0].text
    assert not journal.snapshot_due(NINE + 200)
    await journal.close()
    events = (await read_back(str(directory)))[1]
    assert [now for now, _ in events] == list(range(NINE, NINE + 200))


async def test_what_memory_cannot_hold_on_a_full_disk_is_marked_as_a_gap_and_asks_for_a_snapshot(
    directory: Path, no_more_room: Callable[[int | None], None]
) -> None:
    alarms = Alarms()
    journal = await opened(str(directory), alarms, sync_ms=10, backlog_bytes=500)
    no_more_room(size_of(segment_paths(directory)[-1]))
    for number in range(100):
        await journal.append([(NINE + number, Tick())])
    assert (await alarms.until("gap")).lost == 1
    no_more_room(None)
    lost = (await alarms.until("well")).lost
    assert 80 < lost < 100
    assert journal.snapshot_due(NINE + 100)
    assert await journal.append([(NINE + 100, EVENTS[0])]) == range(100, 101)
    await journal.close()
    again = await open_journal(directory, header=CITY, alarm=no_alarm)
    recovered = await again.recover()
    assert [(gap.first, gap.lost) for gap in recovered.gaps] == [(100 - lost, lost)]
    assert "make room" in recovered.gaps[0].why
    assert len(recovered.events) == 101 - lost
    assert again.next == 101
    assert again.snapshot_due(NINE + 100)
    assert await again.snapshot(b"truth", NINE + 101)
    assert not again.snapshot_due(NINE + 102)
    await again.close()


async def test_a_snapshot_that_finds_the_disk_full_leaves_the_old_segment_in_force(
    directory: Path, no_more_room: Callable[[int | None], None]
) -> None:
    alarms = Alarms()
    journal = await opened(str(directory), alarms)
    await journal.append([(NINE, OFFERED)])
    no_more_room(10_000)
    assert not await journal.snapshot(bytes(20_000), NINE + 1)
    assert "no snapshot" in (await alarms.until("trouble")).text
    await journal.append([(NINE + 2, Tick())])
    no_more_room(None)
    await journal.close()
    assert await read_back(str(directory)) == (None, [(NINE, OFFERED), (NINE + 2, Tick())])


async def test_a_directory_that_cannot_be_written_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalFault, match=r"file/journal: .*; give a directory that this user may write"):
        await open_journal(tmp_path / "file" / "journal", header=CITY, alarm=no_alarm)
    with pytest.raises(
        JournalFault, match=r"kafka://: no such kind of journal; give a directory or redis://"
    ):
        await open_journal("kafka://x", header=CITY, alarm=no_alarm)


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_a_file_of_anything_is_read_or_refused_in_one_line_and_never_breaks_the_reader(
    garbage: list[bytes], data: st.DataObject
) -> None:
    head = b'{"journal":1,"city":"z","digest":"","program":"","n":0,"t":0,"state":null,"crc":0}\n'
    good = [b'{"n":%d,"t":%d,"e":{"type":"Tick"}}\n' % (n, n) for n in range(3)]
    lines = data.draw(st.permutations([*good, *garbage]))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"hotline-journal-{os.getpid()}.jsonl"
    path.write_bytes(head + b"".join(lines))
    fault: JournalFault | None = None
    try:
        segment, size = read_file(path)
        assert (size == size_of(path)) == (segment.cut is None)
    except JournalFault as told:
        fault = told
    finally:
        path.unlink()
    assert fault is None or ("\n" not in str(fault) and "; " in str(fault))


# ── Redis
# ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def stream(redis_server: RedisServer) -> str:
    with redis_server.client() as client:
        client.flushall()
    return f"{redis_server.url}?stream=test"


async def test_an_event_is_acknowledged_by_redis_when_append_returns(
    stream: str, redis_server: RedisServer
) -> None:
    journal = await opened(stream)
    await journal.append([(NINE, OFFERED)])
    with redis_server.client() as client:
        entries = client.xrevrange("test", count=1)
        assert json.loads(entries[0][1][b"l"])["e"]["caller"] == "13800000000"
    await journal.close()


async def test_redis_that_hangs_holds_a_call_up_once_for_the_limit_and_then_not_at_all(
    stream: str, redis_server: RedisServer
) -> None:
    alarms = Alarms()
    journal = await opened(stream, alarms, wait_ms=50)
    await journal.append([(NINE, Tick())])
    redis_server.hang()
    try:
        waits = []
        for number in range(1, 300):
            began = time.monotonic()
            await journal.append([(NINE + number, Tick())])
            waits.append(time.monotonic() - began)
    finally:
        redis_server.go_on()
    assert 0.04 < max(waits) < 0.5
    assert sorted(waits)[-2] < 0.04
    await alarms.until("well")
    await journal.close()
    assert [now for now, _ in (await read_back(stream))[1]] == list(range(NINE, NINE + 300))


async def test_redis_that_is_killed_and_comes_back_has_every_event_once(
    stream: str, redis_server: RedisServer
) -> None:
    alarms = Alarms()
    journal = await opened(stream, alarms)
    for number in range(50):
        await journal.append([(NINE + number, Tick())])
    redis_server.kill()
    for number in range(50, 150):
        await journal.append([(NINE + number, Tick())])
    await alarms.until("trouble")
    redis_server.start()
    await alarms.until("well")
    for number in range(150, 200):
        await journal.append([(NINE + number, Tick())])
    await journal.close()
    assert [now for now, _ in (await read_back(stream))[1]] == list(range(NINE, NINE + 200))
    assert "start Redis there" in alarms[0].text


async def test_redis_that_forgot_everything_asks_for_a_snapshot_and_goes_on(
    stream: str, redis_server: RedisServer
) -> None:
    alarms = Alarms()
    journal = await opened(stream, alarms)
    await journal.append([(NINE, Tick())] * 10)
    redis_server.hang()
    await journal.append([(NINE, Tick())])
    redis_server.kill()
    redis_server.start()
    with redis_server.client() as client:
        client.flushall()
        await alarms.until("trouble")
    await alarms.until("well")
    assert await journal.append([(NINE + 1, Tick())])
    await until(lambda: journal.snapshot_due(NINE + 2))
    assert await journal.snapshot(b"truth", NINE + 2)
    await journal.append([(NINE + 3, EVENTS[0])])
    await journal.close()
    assert await read_back(stream) == (b"truth", [(NINE + 3, EVENTS[0])])


async def test_redis_that_is_full_loses_only_what_memory_cannot_hold_and_marks_the_gap(
    stream: str, redis_server: RedisServer
) -> None:
    alarms = Alarms()
    journal = await opened(stream, alarms, backlog_bytes=2_000)
    await journal.append([(NINE, Tick())])
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        for number in range(1, 200):
            await journal.append([(NINE + number, Tick())])
        await alarms.until("gap")
        client.config_set("maxmemory", "0")
    await alarms.until("well")
    await journal.append([(NINE + 200, EVENTS[0])])
    assert journal.snapshot_due(NINE + 200)
    await journal.close()
    again = await open_journal(stream, header=CITY, alarm=no_alarm)
    recovered = await again.recover()
    await again.close()
    (gap,) = recovered.gaps
    assert gap.lost + len(recovered.events) == 201
    assert gap.lost > 100
    assert recovered.events[-1] == (NINE + 200, EVENTS[0])


async def test_a_stranger_who_writes_to_the_stream_is_noticed(stream: str, redis_server: RedisServer) -> None:
    alarms = Alarms()
    journal = await opened(stream, alarms)
    await journal.append([(NINE, Tick())])
    with redis_server.client() as client:
        client.xadd("test", {"l": "x"}, id="3-1")
    await journal.append([(NINE, Tick())])
    assert "another program has written to this stream" in (await alarms.until("trouble")).text
    await journal.close()


async def test_redis_that_is_not_there_or_wants_a_password_is_one_line_with_its_remedy(
    tmp_path: Path,
) -> None:
    server = RedisServer(tmp_path, "--requirepass", "right")
    try:
        for url in (server.url, server.url.replace("//", "//:wrong@")):
            with pytest.raises(JournalFault, match=r"the password is wrong or missing; give") as told:
                await open_journal(url, header=CITY, alarm=no_alarm)
            assert "\n" not in str(told.value)
            assert "wrong@" not in str(told.value)
        right = await opened(server.url.replace("//", "//:right@"))
        await right.close()
    finally:
        server.kill()
    with pytest.raises(JournalFault, match=rf"journal redis://127.0.0.1:{server.port}/0.*start Redis there"):
        await open_journal(server.url, header=CITY, alarm=no_alarm)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://127.0.0.1:port/0", "the port is no number"),
        ("redis://127.0.0.1:6379/abc", "the database is a number"),
        ("redis://127.0.0.1:6379/0?sream=x", "sream is not known"),
    ],
)
async def test_an_address_that_is_none_is_told_before_anything_is_tried(url: str, told: str) -> None:
    with pytest.raises(JournalFault, match=told):
        await open_journal(url, header=CITY, alarm=no_alarm)
