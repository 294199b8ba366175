from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.messages import CallRecord
from hotline import records_schema
from hotline.records import Recorder, RecordsFault, RecordStore
from tests.hotline.postgres_server import PostgresServer

NINE = 1_772_326_800_000


def record(call: str, arrived: int = NINE, **fields: object) -> CallRecord:
    given = CallRecord(
        call=call,
        city="zhengzhou",
        trunk="ct",
        called="12345",
        caller="13812345678",
        line="12315",
        treatment="absorbed",
        queue="12345",
        disposition="answered",
        arrived=arrived,
        because=("12315 并入 12345", 'a "quoted" one'),
    )
    return msgspec.structs.replace(given, **fields)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  a list tells nobody
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[RecordStore]:
    store = RecordStore(url)
    try:
        yield store
    finally:
        await store.close()


# ── both databases
# ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_record_comes_back(url: str) -> None:
    full = record(
        "1732160000.1",
        answered=NINE + 1,
        prompt_ended=NINE + 2,
        queued=NINE + 3,
        rung=NINE + 4,
        seat_answered=NINE + 5,
        ended=NINE + 6,
        wrap_up_ended=NINE + 7,
        agent="1001",
        seat="8001",
        passed_to="110",
        rings=2,
        cause=16,
        by_fallback=True,
    )
    bare = CallRecord("1.2", "zhengzhou", "ct", "", "", None, None, None, "refused", NINE + 1)
    async with opened(url) as store:
        await store.write([full, bare])
        assert await store.read() == [full, bare]


async def test_a_record_written_twice_is_stored_once_and_the_last_word_counts(url: str) -> None:
    async with opened(url) as store:
        await store.write([record("1.1"), record("1.2")])
        await store.write([record("1.1")])
        await store.write([record("1.2", rings=1), record("1.2", rings=3)])
        assert [(found.call, found.rings) for found in await store.read()] == [("1.1", 0), ("1.2", 3)]


async def test_two_cities_may_have_calls_of_the_same_id(url: str) -> None:
    async with opened(url) as store:
        await store.write([record("1.1"), record("1.1", city="jinan")])
        assert len(await store.read(call="1.1")) == 2
        assert [found.city for found in await store.read(call="1.1", city="jinan")] == ["jinan"]


async def test_records_are_read_by_period_in_order_of_arrival(url: str) -> None:
    async with opened(url) as store:
        await store.write([record(f"1.{n}", NINE + n) for n in (5, 3, 4, 1, 2)])
        assert [r.call for r in await store.read(start=NINE + 2, end=NINE + 5)] == ["1.2", "1.3", "1.4"]
        assert [r.call for r in await store.read(limit=2)] == ["1.1", "1.2"]
        assert await store.read(start=NINE + 6) == []


async def test_records_are_there_for_the_next_program(url: str) -> None:
    async with opened(url) as store:
        await store.write([record("1.1")])
    async with opened(url) as store:
        await store.open()
        assert len(await store.read()) == 1


async def test_what_no_database_takes_in_a_callers_name_is_left_out_and_the_record_stored(url: str) -> None:
    async with opened(url) as store:
        await store.write([record("1.1", caller="138\x00123\ud800", because=("a\x00\ud800",))])
        (found,) = await store.read()
        assert found.caller == "138123?"
        assert found.because == ("a?",)


async def test_the_migrations_make_exactly_the_table_that_the_program_writes(url: str) -> None:
    async with opened(url) as store:
        await store.open()

    def differences() -> list[object]:
        engine = sa.create_engine(RecordStore(url)._url)
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), records_schema.metadata)
        engine.dispose()
        return list(found)

    assert await asyncio.to_thread(differences) == []


def test_the_table_has_a_column_for_every_field_of_a_record() -> None:
    fields = {field.name for field in msgspec.structs.fields(CallRecord)}
    assert set(records_schema.call_records.columns.keys()) == fields


async def test_programs_that_start_at_once_upgrade_the_database_once_and_all_go_on(url: str) -> None:
    program = f"""
import asyncio, sys
from acd.messages import CallRecord
from hotline.records import RecordStore
async def main():
    store = RecordStore({url!r})
    sys.stdin.read()
    await store.write([CallRecord(sys.argv[1], "z", "ct", "", "", None, None, None, "refused", {NINE})])
    await store.close()
asyncio.run(main())
"""
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, str(number)), stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for number in range(4)
    ]
    told = await asyncio.gather(*(process.communicate(b"") for process in started))
    assert [(process.returncode, err) for process, (_, err) in zip(started, told, strict=True)] == [
        (0, b"")
    ] * 4
    async with opened(url) as store:
        assert sorted(found.call for found in await store.read()) == ["0", "1", "2", "3"]


async def test_stores_that_open_a_new_file_in_the_same_moment_wait_for_each_other(tmp_path: Path) -> None:
    for number in range(30):
        async with contextlib.AsyncExitStack() as all_of_them:
            path = str(tmp_path / f"{number}.sqlite")
            stores = [await all_of_them.enter_async_context(opened(path)) for _ in range(4)]
            await asyncio.gather(*(store.open() for store in stores))


async def test_a_database_of_a_newer_program_is_refused_in_one_line(url: str) -> None:
    async with opened(url) as store:
        await store.open()

    def newer() -> None:
        engine = sa.create_engine(RecordStore(url)._url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()

    await asyncio.to_thread(newer)
    async with opened(url) as store:
        with pytest.raises(RecordsFault, match=r"9999.*a newer program made this database; use that") as told:
            await store.open()
        assert "\n" not in str(told.value)


async def test_the_recorder_tells_what_is_stored_and_a_refused_record_holds_up_no_other(
    url: str,
) -> None:
    stored: list[str] = []
    refused: list[str] = []
    async with opened(url) as store:
        recorder = recorder_of(store, stored, refused=refused)
        running = asyncio.create_task(recorder.run())
        for number in range(250):
            assert recorder.submit(record(f"1.{number}", NINE + number))
        recorder.submit(record("2.1", arrived=1 << 70))
        recorder.submit(record("2.2"))
        assert await recorder.finish(20) == 0
        await running
        assert stored == [f"1.{number}" for number in range(250)] + ["2.2"]
        assert refused == ["2.1"]
        assert len(await store.read()) == 251


def recorder_of(
    store: RecordStore,
    stored: list[str],
    *,
    troubles: list[RecordsFault | None] | None = None,
    refused: list[str] | None = None,
    room: list[int] | None = None,
    **options: int | float,
) -> Recorder:
    def note_room() -> None:
        assert room is not None
        room.append(1)

    return Recorder(
        store,
        stored=stored.extend,
        trouble=(troubles if troubles is not None else []).append,
        refused=lambda bad, _: (refused if refused is not None else []).append(bad.call),
        room=note_room,
        back_off_s=(0.01, 0.05),
        **options,  # type: ignore[arg-type]
    )


# ── SQLite
# ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "records.sqlite"


def modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(place.stat().st_mode) for place in directory.iterdir()}


async def test_nobody_else_may_read_the_file_nor_those_beside_it(path: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(str(path)) as store:
            await store.write([record("1.1")])
            assert len(os.listdir(path.parent)) == 3
            assert modes(path.parent) == {0o600}
    finally:
        os.umask(before)


async def test_a_report_that_is_being_read_does_not_hold_up_the_writing(path: Path) -> None:
    async with opened(str(path)) as store:
        await store.write([record("1.1")])
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM call_records").fetchone() == (1,)
        await asyncio.wait_for(store.write([record("1.2")]), 5)
        reader.close()


async def test_a_locked_database_holds_records_up_until_it_is_free_and_loses_none(path: Path) -> None:
    stored: list[str] = []
    async with opened(str(path)) as store:
        await store.open()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        recorder = recorder_of(store, stored)
        running = asyncio.create_task(recorder.run())
        recorder.submit(record("1.1"))
        assert await recorder.finish(0.3) == 1
        assert stored == []
        other.execute("COMMIT")
        await running
        other.close()
        assert stored == ["1.1"]


async def test_a_full_disk_holds_records_up_until_there_is_room_and_loses_none(path: Path) -> None:
    stored: list[str] = []
    troubles: list[RecordsFault | None] = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with opened(str(path)) as store:
        await store.open()
        recorder = recorder_of(store, stored, troubles=troubles, linger_s=0.001)
        running = asyncio.create_task(recorder.run())
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            for number in range(500):
                recorder.submit(record(f"1.{number}", because=("x" * 1000,)))
            await until(lambda: bool(troubles))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert await recorder.finish(20) == 0
        await running
        assert len(stored) == len(await store.read()) == 500
    assert re.search("; (make room|see to the disk)", str(troubles[0]))
    assert troubles[-1] is None


async def test_a_full_queue_drops_with_a_count_and_tells_when_there_is_room(path: Path) -> None:
    stored: list[str] = []
    room: list[int] = []
    async with opened(str(path)) as store:
        recorder = recorder_of(store, stored, room=room, limit=3)
        assert [recorder.submit(record(f"1.{n}")) for n in range(5)] == [True] * 3 + [False] * 2
        assert (recorder.dropped, recorder.waiting) == (2, 3)
        running = asyncio.create_task(recorder.run())
        assert await recorder.finish(20) == 0
        await running
        assert len(stored) == 3
        assert room == [1]


async def test_a_file_that_is_no_database_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    place = tmp_path / "records.sqlite"
    await asyncio.to_thread(place.write_bytes, b"x" * 5000)
    async with opened(str(place)) as store:
        with pytest.raises(RecordsFault, match=r"file is not a database; move this file away") as told:
            await store.write([record("1.1")])
        assert "\n" not in str(told.value)
        assert not told.value.refused


async def test_a_place_where_no_file_can_be_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    async with opened(str(tmp_path)) as store:
        with pytest.raises(RecordsFault, match=r"Is a directory; give the path of a file"):
            await store.open()


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "postgresql://u:hunter2@h", "postgresql://u:hunter2@h:port/d", "://"]
)
def test_a_url_of_no_use_is_told_without_its_password(url: str) -> None:
    with pytest.raises(RecordsFault, match="give a path, sqlite:///PATH or postgresql://") as told:
        RecordStore(url)
    assert "hunter2" not in str(told.value)


texts = st.text(max_size=20)
instants = st.one_of(st.none(), st.integers(0, 2**63 - 1))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), texts, instants, st.lists(texts, max_size=3)), max_size=5))
async def test_whatever_a_record_holds_the_last_of_each_call_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, int | None, list[str]]]
) -> None:
    records = [record(c, caller=t, ended=ended, because=tuple(why)) for c, t, ended, why in rows]
    wanted = {
        r.call: msgspec.structs.replace(
            r, caller=r.caller.replace("\0", ""), because=tuple(why.replace("\0", "") for why in r.because)
        )
        for r in records
    }
    async with opened(str(tmp_path_factory.mktemp("records") / "r.sqlite")) as store:
        await store.write(records[:2])
        await store.write(records[2:])
        assert {found.call: found for found in await store.read()} == wanted


# ── PostgreSQL
# ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_database_that_went_away_gets_every_record_once(
    postgres: PostgresServer,
) -> None:
    postgres.run("DROP SCHEMA public CASCADE")
    postgres.run("CREATE SCHEMA public")
    stored: list[str] = []
    troubles: list[RecordsFault | None] = []
    async with opened(postgres.url) as store:
        recorder = recorder_of(store, stored, troubles=troubles, linger_s=0.001)
        running = asyncio.create_task(recorder.run())
        recorder.submit(record("1.0"))
        await until(lambda: bool(stored))
        await asyncio.to_thread(postgres.stop)
        for number in range(1, 30):
            recorder.submit(record(f"1.{number}", NINE + number))
        await until(lambda: bool(troubles))
        await asyncio.to_thread(postgres.start)
        assert await recorder.finish(20) == 0
        await running
        assert stored == [f"1.{number}" for number in range(30)]
        assert len(await store.read()) == 30
    assert troubles[-1] is None
    assert "\n" not in str(troubles[0])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("right", "hunter2"), "password authentication failed.*correct the user or the password"),
        (("/postgres", "/nowhere"), 'database "nowhere" does not exist; create it'),
        (("@127.0.0.1", "@127.0.0.2"), "start the database, or correct host and port"),
    ],
)
async def test_a_database_that_lets_nobody_in_is_one_line_without_the_password(
    postgres: PostgresServer, change: tuple[str, str], told: str
) -> None:
    async with opened(postgres.url.replace(*change)) as store:
        with pytest.raises(RecordsFault, match=told) as fault:
            await store.open()
        assert "\n" not in str(fault.value)
        assert "hunter2" not in str(fault.value)
        assert not fault.value.refused
