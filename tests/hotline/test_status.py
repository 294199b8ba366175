"""The floor as it is written and shown: whole or not at all, Chinese aligned, an engine that is gone told apart."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from acd.floor_view import FloorView, floor_view, spoken_number
from acd.messages import CallerHungUp, CallOffered, RecordingHalted, RecordingPossible, RecordStored
from acd.setup import TrunkSetup
from hotline import cli, status
from hotline.status import StatusFault
from tests.acd.town import START, Hall, asking, recorded, town


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


def alarms(here: Hall, away: tuple[str, ...] = ()) -> dict[str, str]:
    return {alarm.what: alarm.text for alarm in floor_view(here.engine.state, START + here.at, away).alarms}


def test_a_full_disk_a_flood_a_full_trunk_and_one_that_is_away_are_alarms_until_they_are_over() -> None:
    setup = asking(recorded(town()))
    here = Hall("101@8001", setup=replace(setup, trunks={**setup.trunks, "unicom": TrunkSetup("unicom", 5)}))
    assert alarms(here) == {}
    here.tell(RecordingHalted("the disk is full"))
    for number in range(6):
        here.tell(CallOffered(f"c{number}", "unicom", "12315", "13911112222"))
    told = alarms(here, away=("police",))
    assert told["no recording"] == "Nothing is recorded: the disk is full."
    assert told["flood"].startswith("More than 3 calls within a minute from 13911112222")
    assert told["trunk full"].startswith("Trunk unicom: all 5 channels are in use")
    assert told["trunk away"].startswith("Trunk police: the other side does not answer")
    here.tell(RecordingPossible(), *(CallerHungUp(f"c{number}") for number in range(6)))
    here.wait(660_000)
    here.tell(CallOffered("d", "unicom", "12315", "13911113333"), CallerHungUp("d"))
    assert not alarms(here).keys() & {"no recording", "flood", "trunk full", "trunk away"}


def test_records_that_the_database_does_not_take_are_an_alarm_after_a_minute() -> None:
    here = Hall()
    here.tell(CallOffered("a", "unicom", "12345", "13911112222"), CallerHungUp("a"))
    assert alarms(here) == {}
    here.wait(61_000)
    assert alarms(here)["no database"].startswith("1 call records are not in the database yet")
    here.tell(RecordStored("a"))
    assert alarms(here) == {}


def test_who_was_turned_away_today_is_told_by_the_reason() -> None:
    setup = asking(town())
    here = Hall(setup=replace(setup, trunks={**setup.trunks, "unicom": TrunkSetup("unicom", 1)}))
    here.tell(CallOffered("bad", "telecom", "12345", "13800000666"))
    here.tell(
        CallOffered("a", "unicom", "12345", "13911112222"), CallOffered("b", "unicom", "12345", "13911112223")
    )
    view = floor_view(here.engine.state, START + here.at)
    assert view.refused == {"barred": 1, "trunk unicom": 1}
    text = io.StringIO()
    Console(file=text, width=160).print(status.table(view))
    told = "Turned away today: 1 (on the list of nuisance callers), 1 (no free channel on trunk unicom)"
    assert told in text.getvalue()
    tomorrow = floor_view(here.engine.state, START + 86_400_000)
    assert tomorrow.refused == {}
    assert {t.trunk: (t.busy, t.channels) for t in view.trunks}["unicom"] == (1, 1)


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
    tables = [part.partition("└")[0] for part in text.getvalue().split("┏")[1:]]
    assert len(tables) == 3
    for table in tables:
        rows = [line for line in table.splitlines() if line.startswith(("│", "┃"))]
        assert len(rows) >= 3
        assert len({cell_len(row) for row in rows}) == 1
