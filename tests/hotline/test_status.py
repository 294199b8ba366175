"""The floor as it is written and shown: whole or not at all, Chinese aligned, an engine that is gone told apart."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from acd.floor_view import FloorView, floor_view, spoken_number
from hotline import cli, status
from hotline.status import StatusFault
from tests.acd.town import START, Hall


def floor() -> FloorView:
    """101 talks, 103 is on a break, a call waits for a lawyer whom nobody is."""
    here = Hall("101@8001", "103@8003")
    here.talking("a", "101")
    here.queued("b", "12315")
    here.wait(20_000)
    return floor_view(here.engine.state, START + here.at)


def test_seats_queues_and_alarms_are_told() -> None:
    here = Hall("101@8001")
    here.talking("a", "101")
    here.queued("b")
    here.queued("c", "12315")
    here.wait(16_000)
    view = floor_view(here.engine.state, START + here.at)
    (seat,) = view.seats
    assert (seat.seat, seat.agent, seat.activity, seat.call, seat.waited_ms) == (
        "8001",
        "101",
        "talking",
        "a",
        0,
    )
    queues = {queue.queue: queue for queue in view.queues}
    assert (queues["12345"].waiting, queues["12345"].longest_ms, queues["12345"].qualified) == (1, 16_000, 1)
    assert queues["12315"].qualified == 0
    assert [(alarm.what, alarm.subject) for alarm in view.alarms] == [
        ("nobody", "12315"),
        ("long wait", "12345"),
    ]
    assert any("12345 at 1 or better" in sentence for sentence in queues["12345"].why)
    assert view.nobody_at == 4


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (7, "7"), (10, "10"), (12, "10 2"), (20, "2 10"), (105, "1 100 0 5"), (110, "1 100 1 10"), (112, "1 100 1 10 2"),
     (1005, "1 1000 0 5"), (2030, "2 1000 0 3 10"), (12_345, "9 1000 9 100 9 10 9")],
)  # fmt: skip
def test_numbers_are_said_as_one_says_them_in_chinese(number: int, words: str) -> None:
    assert spoken_number(number) == tuple(f"digits/{word}" for word in words.split())


async def test_the_file_is_written_every_second_for_its_owner_only_and_a_fault_does_not_end_it(
    tmp_path: Path,
) -> None:
    views = iter([floor(), None, floor()])
    work = asyncio.create_task(status.keep(tmp_path / status.FILE, lambda: next(views)))  # type: ignore[arg-type, return-value]
    async with asyncio.timeout(5):
        while not (tmp_path / status.FILE).exists():  # noqa: ASYNC110 (a file does not tell that it is there)
            await asyncio.sleep(0.02)
    assert status.read(tmp_path) == floor()
    assert (tmp_path / status.FILE).stat().st_mode & 0o777 == 0o600
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def test_a_missing_or_a_foreign_file_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(StatusFault, match="is not there: give the --home"):
        status.read(tmp_path)
    (tmp_path / status.FILE).write_text("[]")
    with pytest.raises(StatusFault, match="restart the hotline"):
        status.read(tmp_path)


def test_the_command_says_whether_the_hotline_still_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status._write(tmp_path / status.FILE, status.msgspec.json.encode(floor()))
    assert cli.main(["status", "--home", str(tmp_path)]) == 0
    assert "does not run" not in capsys.readouterr().out
    os.utime(tmp_path / status.FILE, (0, 0))
    assert cli.main(["status", "--home", str(tmp_path), "--json"]) == 1
    assert '"stale": true' in capsys.readouterr().out


def test_the_columns_of_the_table_stand_under_one_another_whatever_the_script() -> None:
    text = io.StringIO()
    Console(file=text, width=160).print(status.table(floor()))
    rows = [line for line in text.getvalue().splitlines() if line.startswith(("│", "┃"))]
    assert len(rows) >= 5
    for line in rows:
        assert cell_len(line) in {cell_len(rows[0]), cell_len(rows[-1])}
