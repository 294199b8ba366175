"""``hotline simulate`` with a question: what is told, what is written, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hotline.cli import main
from simulator import sweep_live

FILE = """
title = "一条热线"
start = 2026-01-12
ring = 0
[arrivals]
per_day = 2400
hours = [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6, 6, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
[calls]
talk = { kind = "lognormal", mean_seconds = 150, shape = 0.8 }
wrap_up = 30
patience = { kind = "exponential", mean_seconds = 120 }
[lines.12345]
needs = [{ skills = { "12345" = 1 } }]
[shifts.all]
[groups.all]
skills = { "12345" = 1 }
shifts = { all = 9 }
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.toml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main(["simulate", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_series_tells_each_value_and_the_change_from_the_one_before(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    told = asked(capsys, own, "--vary", "seats=6:12:2", "--days", "16")
    assert [point["value"] for point in told["points"]] == [6, 8, 10, 12]
    rates = [point["answer_rate"]["mean"] for point in told["points"]]
    assert rates == sorted(rates)
    assert told["points"][0]["change"] is None
    for point, before in zip(told["points"][1:], rates, strict=False):
        change = point["change"]
        assert change["low"] <= change["mean"] <= change["high"]
        assert change["mean"] == pytest.approx(point["answer_rate"]["mean"] - before, abs=0.01)


def test_a_series_is_written_as_page_picture_and_table(
    capsys: pytest.CaptureFixture[str], own: str, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("series.html", "series.png", "series.csv")]
    reports = [part for file in files for part in ("--report", str(file))]
    assert main(["simulate", own, "--vary", "load=0.5,1,2", "--days", "8", *reports, "--language", "zh"]) == 0
    page, picture, table = files
    text = page.read_text(encoding="utf-8")
    assert '<html lang="zh">' in text
    assert text.count("<svg") == 2
    assert "来电量（倍）" in text
    assert "Calls, times the usual" in text
    assert not re.search(r'(src|href)="?http|url\(http|@import', text)
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    assert [row["load"] for row in rows] == ["0.5", "1", "2"]
    assert float(rows[0]["answer_rate"]) > float(rows[2]["answer_rate"])
    assert capsys.readouterr().err.count(": written") == 3


def test_the_fewest_seats_reach_the_target_and_one_less_does_not(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    told = asked(capsys, own, "--fewest", "4:20")
    tried = {one["seats"]: one["answer_rate"]["mean"] for one in told["tried"]}
    assert tried[told["seats"]] >= 0.98 > tried[told["seats"] - 1]


def test_a_target_out_of_reach_is_told_and_is_no_success(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    assert asked(capsys, own, "--fewest", "1:3", status=1)["seats"] is None
    assert main(["simulate", own, "--fewest", "1:3"]) == 1
    assert capsys.readouterr().out.startswith("Not even 3 seats reach 98.0%")


def test_the_break_even_lies_between_what_held_and_what_failed(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    told = asked(capsys, own, "--break-even")
    assert told["of"] == "load"
    assert told["held"] <= told["factor"] <= told["failed"]


def test_the_input_that_matters_most_comes_first(capsys: pytest.CaptureFixture[str], own: str) -> None:
    effects = asked(capsys, own, "--sensitivity", "--days", "16")["effects"]
    sizes = [max(abs(e["with_less"]["mean"]), abs(e["with_more"]["mean"])) for e in effects]
    assert sizes == sorted(sizes, reverse=True)
    assert {"load", "talk", "seats", "patience"} <= {e["input"] for e in effects}
    assert main(["simulate", own, "--sensitivity", "--days", "16"]) == 0
    assert "length of talks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (["--fewest", "9"], "--fewest 9: is no range of seats: write 146:260"),
        (["--fewest", "9:4"], "--fewest 9:4: is no range of seats: write 146:260"),
        (["--fewest", "4:9", "--days", "7"], "--days 7: --fewest takes as many days as it needs: leave --days out"),
        (["--break-even", "--report", "a.html"], "--report a.html: --break-even leaves no report: write it with --vary"),
        (["--vary", "seats=x"], "vary: 'x' are no numbers: write seats=from:to:step"),
        (["--vary", "seat=1:2"], "vary: 'seat' can't be varied: choose one of seats, load, "),
    ],
)  # fmt: skip
def test_a_question_that_cant_be_answered_is_one_line_that_says_why(
    capsys: pytest.CaptureFixture[str], own: str, question: list[str], told: str
) -> None:
    assert main(["simulate", own, *question]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hotline: {told}")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "import sys; from hotline.cli import main; sys.exit(main())", *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)


def test_where_chinese_cant_be_written_it_is_spelt(own: str) -> None:
    done = run("simulate", own, "--days", "8", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", LC_ALL="C")
    assert done.returncode in {0, 1}
    assert b"\\u4e00\\u6761\\u70ed\\u7ebf: 9 seats" in done.stdout


def test_a_reader_who_has_seen_enough_is_no_fault(own: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "import sys; from hotline.cli import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, "simulate", own, "--days", "8"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_cluster_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_live, "dask", partial(sweep_live.dask, answers_within_s=0.5))
    assert main(["simulate", own, "--workers", "tcp://127.0.0.1:1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hotline: workers: tcp://127.0.0.1:1: no Dask scheduler answers there: ")
