"""The audit log in the database: stored once, never changed, kept when the database is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from acd.messages import AuditEntry
from hotline import audit, cli
from hotline.audit import AuditWriter
from hotline.records import RecordsFault, RecordStore

AT = 1_767_578_400_000


def entry(number: int, **more: object) -> AuditEntry:
    return AuditEntry(
        **{"city": "town", "at": AT + number, "number": number, "what": "listen", "who": "106", **more}
    )  # type: ignore[arg-type]


async def test_an_entry_that_is_written_twice_is_stored_once_as_it_was_first(url: str) -> None:
    store = RecordStore(url)
    await audit.write(store, [entry(1), entry(2, whom="101", allowed=False, why="no-right")])
    await audit.write(store, [entry(1, who="999"), entry(3)])
    assert await audit.read(store) == [
        entry(1),
        entry(2, whom="101", allowed=False, why="no-right"),
        entry(3),
    ]
    assert await audit.read(store, since=AT + 3) == [entry(3)]
    assert await audit.read(store, city="elsewhere") == []
    await store.close()


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_database_itself_refuses_to_change_the_log(url: str, change: str) -> None:
    if change == "TRUNCATE audit" and not url.startswith("postgresql"):
        change = "DELETE FROM audit WHERE 1"  # SQLite knows no TRUNCATE, and makes one of this
    store = RecordStore(url)
    await audit.write(store, [entry(1)])
    with pytest.raises(RecordsFault, match="only added to"):
        await store.change(lambda connection: connection.execute(sa.text(change)) and None)
    assert await audit.read(store) == [entry(1)]
    await store.close()


async def test_a_hostile_text_is_stored_without_what_no_database_takes(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    await audit.write(store, [entry(1, whom="1\0\ud800'; DROP TABLE audit")])
    (found,) = await audit.read(store)
    assert found.whom == "1?'; DROP TABLE audit"
    await store.close()


async def test_entries_wait_while_the_database_is_away_and_come_in_their_order(tmp_path: Path) -> None:
    away = tmp_path / "later"
    away.write_text("")  # a file where the folder is to be
    store = RecordStore(away / "records.sqlite")
    told: list[int] = []
    writer = AuditWriter(store, lambda stored: told.append(stored.number))
    work = asyncio.create_task(writer.run())
    for number in (1, 2, 3):
        writer.submit(entry(number))
    assert await writer.finish(0.3) == 3
    assert told == []
    away.unlink()
    assert await writer.finish(10) == 0
    assert told == [1, 2, 3]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await store.close()


def test_the_command_shows_who_was_refused_and_since_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        store = RecordStore(tmp_path / "records.sqlite")
        mine = [
            entry(1, city="zhengzhou", whom="1001"),
            entry(90_000, city="zhengzhou", allowed=False, why="no-right"),
        ]
        await audit.write(store, mine)
        await store.close()

    asyncio.run(fill())
    assert cli.main(["audit", "zhengzhou", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "2026-01-05T10:00:00.001+08:00" in shown
    assert "refused" in shown
    assert (
        cli.main(["audit", "zhengzhou", "--home", str(tmp_path), "--since", "2026-01-05T10:01", "--json"])
        == 0
    )
    shown = capsys.readouterr().out
    assert '"allowed": false' in shown
    assert "1001" not in shown


def test_a_log_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "zhengzhou", "--home", str(tmp_path)]) == 2
    assert "is not there" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
