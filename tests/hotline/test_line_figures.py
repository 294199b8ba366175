"""``hotline lines``: the figures of the records, line by line, with their denominators."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path

import pytest

from acd.messages import CallRecord
from acd.passes import PassRecord
from dialplans.hours import instant
from hotline.cli import main
from hotline.records import RecordStore

DAY = instant(datetime(2019, 5, 14))


def passed(call: str, line: str, after_ms: int | None, at: int = 0, outcome: str = "answered") -> CallRecord:
    asked = DAY + at
    answered = None if after_ms is None else asked + after_ms
    one = PassRecord("departments", line, asked, answered, asked + 60_000, outcome)
    return CallRecord(
        *(call, "jingjiang", "telecom", line, "1", line, "parallel", None, "passed", asked), passes=(one,)
    )


@pytest.fixture
def records(tmp_path: Path) -> str:
    told = [passed(f"a{n}", "12366", 3_000) for n in range(18)]
    told += [passed("a18", "12366", 15_001), passed("a19", "12366", None, outcome="noanswer")]
    told += [passed(f"b{n}", "12333", 15_000) for n in range(20)]
    told += [passed("old", "12315", 1, at=-1), passed("new", "12315", 1, at=86_400_000)]

    async def write() -> None:
        store = RecordStore(tmp_path / "records.sqlite")
        await store.write(told)
        await store.close()

    asyncio.run(write())
    return str(tmp_path / "records.sqlite")


def test_each_line_has_its_own_rate_and_one_below_the_target_is_the_answer_no(
    records: str, capsys: pytest.CaptureFixture[str]
) -> None:
    period = ["--since", "2019-05-14", "--until", "2019-05-15"]
    assert main(["lines", "jingjiang", "--records", records, *period, "--json"]) == 1
    first, second = json.loads(capsys.readouterr().out)
    assert (first["line"], first["rate"], first["denominator"], first["below"]) == ("12333", 1.0, 20, False)
    assert (second["line"], second["name"], second["rate"]) == ("12366", "纳税服务热线", 0.9)
    assert (second["answered"], second["not_taken"], second["below"]) == (19, 1, True)


def test_people_read_the_denominator_beside_the_rate(
    records: str, capsys: pytest.CaptureFixture[str]
) -> None:
    period = ["--since", "2019-05-14", "--until", "2019-05-15", "--within", "20"]
    assert main(["lines", "jingjiang", "--records", records, *period]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "12366: 95.00% (19 / 20: answered within 20 s of being asked / all calls passed to 12366)" in out


def test_records_that_are_not_there_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lines", "jingjiang", "--home", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
