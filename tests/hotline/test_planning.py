"""What was simulated, as a planner reads it: the report's view, what fails first and why, the command."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hotline.cli import main
from hotline.planning import labels, view
from simulator.scenario import (
    Arrivals,
    Duration,
    Group,
    Line,
    Need,
    Scenario,
    Shift,
    Wait,
)  # fmt: skip
from simulator.study import simulate

FLAT = (1 / 48,) * 48
TALK, WRITE, PATIENCE = (
    Duration("exponential", 150),
    Duration("exponential", 30),
    Duration("exponential", 120),
)


def line(name: str, share: float, skill: str) -> Line:
    return Line(name, share, Wait("12345", (Need(((skill, 1),)),)), TALK, WRITE, PATIENCE)


def scenario(*shifts: Shift, per_day: float = 4800, days: int = 1) -> Scenario:
    """100 calls a half hour, all day: 10 Erlangs."""
    return Scenario(
        "flat",
        (line("12345", 1.0, "12345"),),
        (Group("all", {"12345": 1}, shifts or (Shift("day", 30),)),),
        Arrivals(per_day, FLAT),
        ring=Duration("constant", 0.0),
        days=days,
    )


def test_a_ring_that_loses_too_many_is_told_as_the_reason_and_no_need_is_shown() -> None:
    """4 s of ring lose 3 % of callers whose patience is 120 s on average."""
    slow = replace(scenario(), ring=Duration("constant", 4.0))
    found = view(slow, simulate(slow, days=40))
    assert np.isnan(found.need).all()
    assert {one.why.en for one in found.failures} == {
        "No number of seats does: too many hang up while a seat rings. Make the ring shorter."
    }


def test_a_gap_in_the_shifts_is_told_with_its_hours_its_load_and_its_seats() -> None:
    gap = scenario(Shift("morning", 30, 0, 600), Shift("noon", 12, 600, 660), Shift("rest", 30, 660, 1440))
    (only,) = view(gap, simulate(gap, days=40)).failures
    assert only.where.en == "10:00 to 11:00"
    assert only.where.zh == "10:00至11:00"
    assert "the load of 10." in only.why.en
    assert only.why.en.endswith("12 are there.")
    assert only.rate.high < 0.98
    assert only.lost == pytest.approx(200 * (1 - only.rate.mean), rel=0.05)


def test_the_same_hours_of_several_days_are_told_together() -> None:
    week = scenario(
        Shift("all", 30, 0, 1200), Shift("late", 9, 1200, 1440, frozenset({0, 1, 2, 3})),
        Shift("late", 30, 1200, 1440, frozenset({4, 5, 6})), days=7,
    )  # fmt: skip
    (only,) = view(week, simulate(week, days=28)).failures
    assert only.where.en == "Mon to Thu 20:00 to 24:00"
    assert only.where.zh == "周一至周四20:00至24:00"


def test_who_is_missing_is_a_skill_when_the_seats_in_all_would_do() -> None:
    """30 seats for 10 Erlangs, but only 4 of them know 12315, which is half of the load."""
    lines = (line("12345", 0.5, "12345"), line("12315", 0.5, "12315"))
    groups = (
        Group("usual", {"12345": 1}, (Shift("day", 26),)),
        Group("few", {"12315": 1}, (Shift("day", 4),)),
    )
    short = replace(scenario(), lines=lines, groups=groups)
    found = view(short, simulate(short, days=20))
    by_line, by_hour = found.failures
    assert by_line.where.en == "line 12315"
    assert by_line.why.en == "Few can answer it: few; 4 of 30 seats at the fullest."
    assert by_hour.why.en.startswith("Too few who know line 12315: ")
    assert {row.name: row.answer_rate.high < 0.98 for row in found.lines} == {"12345": False, "12315": True}


def test_a_scenario_that_holds_has_nothing_that_fails() -> None:
    enough = scenario(Shift("day", 30))
    found = view(enough, simulate(enough, days=4))
    assert found.verdict == "met"
    assert found.failures == ()
    assert found.calls == pytest.approx(4800, rel=0.05)


def test_half_hours_are_named_by_the_hour_the_day_or_the_date() -> None:
    one, week, month = (labels(replace(scenario(), days=days, start=date(2026, 1, 5))) for days in (1, 7, 28))
    assert (one[0], one[19], one[-1]) == ("00:00", "09:30", "23:30")
    assert (week[19], week[48 + 1]) == ("Mon 09:30", "Tue 00:30")
    assert (month[0], month[27 * 48 + 3]) == ("01-05 00:00", "02-01 01:30")


def test_a_line_that_waits_for_its_experts_is_told_so() -> None:
    """10 Erlangs, and 30 seats that may answer: but half of the callers wait 60 s for one of 2 experts first."""
    expert = line("12315", 0.5, "12315")
    steps = (Need((("12315", 3),)), Need((("12315", 1),), 60_000))
    lines = (line("12345", 0.5, "12345"), replace(expert, wait=Wait("12345", steps)))
    groups = (
        Group("usual", {"12345": 1, "12315": 1}, (Shift("day", 28),)),
        Group("experts", {"12345": 1, "12315": 3}, (Shift("day", 2),)),
    )
    late = replace(scenario(), lines=lines, groups=groups)
    found = view(late, simulate(late, days=8))
    (told,) = [one.why.en for one in found.failures if one.where.en == "line 12315"]
    assert told == "Its callers wait for experts first: others may answer after 60 s only."


def test_in_a_week_the_reason_says_the_day() -> None:
    """Nobody is short but on Wednesdays."""
    few = (Shift("few", 9, weekdays=frozenset({2})),)
    many = (Shift("many", 30, weekdays=frozenset({0, 1, 3, 4, 5, 6})),)
    short = scenario(*few, *many, days=7)
    found = view(short, simulate(short, days=70))
    assert {one.where.en[:4] for one in found.failures} <= {"Wed ", "Thu "}
    assert found.failures[0].why.en.startswith("Too few seats: on Wed at ")
    assert found.failures[0].why.zh.startswith("座席不足：周三")


def test_a_day_that_was_played_once_has_no_interval_and_says_so() -> None:
    once = scenario(Shift("day", 9))
    found = view(once, simulate(once, days=1))
    assert not found.sure
    assert found.failures == ()
    assert found.notes[0].en.startswith("One day was played: nothing is known")
    assert np.isnan(found.answer_rate.low).all()
    assert not np.isnan(found.answer_rate.mean).any()


def test_a_week_that_was_played_once_has_an_interval_and_its_half_hours_have_none() -> None:
    once = scenario(Shift("day", 9), days=7)
    found = view(once, simulate(once, days=7))
    assert found.sure
    assert not found.parted
    assert (
        found.notes[0].en
        == "Played once (7 days): no half hour and no line has an interval. Take --days 14 or more."
    )


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────


def document(capsys: pytest.CaptureFixture[str], *arguments: str, status: int) -> Any:
    assert main([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


FILE = """
start = 2026-01-12
target = 0.98
ring = { kind = "constant", mean_seconds = 0 }
[arrivals]
per_day = 2400
hours = [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6, 6, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
[calls]
talk = { kind = "lognormal", mean_seconds = 150, shape = 0.8 }
wrap_up = { kind = "constant", mean_seconds = 30 }
patience = { kind = "exponential", mean_seconds = 120 }
[lines.12345]
needs = [{ skills = { "12345" = 1 } }]
[shifts.day]
[groups.all]
skills = { "12345" = 1 }
shifts = { day = SEATS }
"""


def file(tmp_path: Path, seats: int) -> str:
    path = tmp_path / "own.toml"
    path.write_text(FILE.replace("SEATS", str(seats)), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("seats", "verdict", "status"), [(60, "met", 0), (5, "missed", 1)])
def test_simulate_says_with_its_exit_status_whether_the_target_is_met(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, seats: int, verdict: str, status: int
) -> None:
    told = document(capsys, "simulate", file(tmp_path, seats), status=status)
    assert told["verdict"] == verdict
    for name in ("answer_rate", "service_level", "abandon_rate", "asa", "occupancy"):
        assert told[name]["low"] <= told[name]["mean"] <= told[name]["high"]
    assert told["seats"] == seats
    assert told["calls"] == pytest.approx(2400 * told["days"], rel=0.2)


def test_so_many_days_are_simulated_as_are_asked_and_the_same_figures_come_twice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = ("simulate", file(tmp_path, 30), "--days", "6", "--seed", "5")
    one = document(capsys, *asked, "--workers", "1", status=0)
    other = document(capsys, *asked, "--workers", "2", status=0)
    assert one == other
    assert one["days"] == 6


def test_seats_on_the_command_line_are_those_of_the_fullest_hour(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = document(capsys, "simulate", file(tmp_path, 9), "--seats", "61", "--days", "2", status=0)
    assert told["seats"] == 61


def test_reports_are_written_by_their_endings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("day.html", "day.png", "day.csv")]
    reports = [word for one in files for word in ("--report", str(one))]
    assert main(["simulate", file(tmp_path, 30), "--days", "3", *reports]) == 0
    assert "What fails first" in files[0].read_text("utf-8")
    assert files[1].read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(files[2].read_text("utf-8-sig").splitlines()))
    assert len(rows) == 48
    assert np.mean([float(row["seats"]) for row in rows]) == 30
    assert "Answer rate" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["storn"], "storn: no built-in scenario has this name"),
        (["zhengzhou", "--report", "day.pdf"], "--report day.pdf: its ending says no kind: write .html, .png or .csv"),
        (["zhengzhou", "--days", "0"], "--days 0: is no number of days: write 1 or more"),
        (["zhengzhou", "--seats", "-1"], "--seats -1: is no number of seats: write 0 or more"),
        (["zhengzhou", "--workers", "0"], "--workers 0: is no number of threads: write 1 or more, or tcp://HOST:8786"),
        (["zhengzhou", "--workers", "many"], "--workers many: is neither a number of threads nor an address: write 4, or "),
        (["zhengzhou", "--report", "/nowhere/day.csv"], "--report /nowhere/day.csv: there is no folder /nowhere: make it"),
    ],
)  # fmt: skip
def test_what_cant_be_simulated_is_one_line_that_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["simulate", *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"hotline: {told}")
