"""``hotline staff``: the plan that is told, the roster's files, and what can't be planned."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hotline.cli import main

FILE = """
title = "小热线"
start = 2026-01-12
days = 7
ring = 0
[arrivals]
per_day = 600
hours = [1, 1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 2, 2, 1, 1, 1, 1]
[calls]
talk = { kind = "exponential", mean_seconds = 150 }
wrap_up = 30
patience = { kind = "exponential", mean_seconds = 120 }
[lines.12345]
needs = [{ skills = { "12345" = 1 } }]
[shifts.all]
[groups.all]
skills = { "12345" = 1 }
shifts = { all = 6 }
[rules]
shifts = ["8h"]
starts = ["00:00", "08:00", "16:00"]
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario, and the plan's files."""
    folder = tmp_path_factory.mktemp("staff")
    (folder / "own.toml").write_text(FILE, encoding="utf-8")
    return folder


@pytest.fixture
def own(planned: Path) -> str:
    return str(planned / "own.toml")


def test_the_plan_its_report_and_its_roster(
    capsys: pytest.CaptureFixture[str], own: str, tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("roster.csv", "roster.ics", "week.html")}
    status = main(
        [
            "staff", own, "--target", "0.95", "--weeks", "2", "--roster", str(files["roster.csv"]), "--json",
            "--roster", str(files["roster.ics"]), "--report", str(files["week.html"]),
        ]
    )  # fmt: skip
    plan: Any = json.loads(capsys.readouterr().out)
    assert status == (1 if plan["verdict"] == "missed" else 0)
    assert plan["target"] == 0.95
    assert plan["paid_hours"] == pytest.approx(sum(s["paid_hours"] * s["people"] for s in plan["shifts"]))
    assert plan["paid_hours"] >= plan["least_hours"]
    assert (plan["roster"]["weeks"], plan["roster"]["people"]) == (2, plan["people"])
    duties = list(csv.reader(files["roster.csv"].read_text(encoding="utf-8-sig").splitlines()))[1:]
    assert len(duties) == 2 * sum(shift["people"] for shift in plan["shifts"])
    assert files["roster.ics"].read_text(encoding="utf-8").count("BEGIN:VEVENT") == len(duties)
    assert "小热线" in files["week.html"].read_text(encoding="utf-8")


def test_a_plan_is_told_even_where_so_few_people_cant_work_it(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    assert main(["staff", own, "--target", "0.95", "--people", "2"]) == 2
    told = capsys.readouterr()
    assert "paid hours a week" in told.out
    assert "小热线: people who begin a shift" in told.out
    (line,) = told.err.splitlines()
    assert line.startswith("hotline: people: 2 are fewer than the ")


def test_the_hall_has_no_more_seats_than_are_given(capsys: pytest.CaptureFixture[str], own: str) -> None:
    assert main(["staff", own, "--target", "0.95", "--seats", "3", "--json"]) == 1
    plan = json.loads(capsys.readouterr().out)
    assert plan["seats"] == 3
    assert max(plan["at_work"]) <= 3
    assert any(note.startswith("rules.seats: ") for note in plan["notes"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "98"], "--target 98: is no share of calls: write 0.98 for 98 %"),
        (["--target", "nan"], "--target nan: is no share of calls: write 0.98 for 98 %"),
        (["--people", "0"], "--people 0: is nobody: write 1 or more, or leave it out"),
        (["--weeks", "0"], "--weeks 0: is no number of weeks: write 1 to 52"),
        (["--roster", "r.xls"], "--roster r.xls: its ending says no kind: write .csv or .ics"),
        (["--roster", "/nowhere/r.csv"], "--roster /nowhere/r.csv: there is no folder /nowhere: make it, or write another"),
    ],
)  # fmt: skip
def test_what_cant_be_planned_is_one_line_before_anything_long_begins(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["staff", "no such scenario", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hotline: {told}")
