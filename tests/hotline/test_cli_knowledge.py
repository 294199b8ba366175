from __future__ import annotations

import json
from pathlib import Path

import pytest

from hotline.cli import main


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, object]:
    status = main(["knowledge", "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_a_question_is_answered_asked_back_or_passed_on_and_the_exit_says_which(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, answer = said(capsys, "ask", "公积金怎么提取")
    assert isinstance(answer, dict)
    assert (status, answer["decision"], answer["candidates"][0]["entry"]) == (0, "answer", "gjj.withdraw")
    assert answer["spoken"].startswith("购房、租房")
    status, answer = said(capsys, "ask", "火星上的石头怎么卖")
    assert isinstance(answer, dict)
    assert (status, answer["decision"], answer["spoken"]) == (1, "pass_on", None)


def test_the_base_goes_out_to_a_file_and_into_a_citys_database_with_its_history(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, home = str(tmp_path / "base.csv"), ["--home", str(tmp_path / "home")]
    assert said(capsys, "export", file)[0] == 0
    status, checked = said(capsys, "--base", file, "check")
    assert isinstance(checked, dict)
    assert (status, checked["sound"]) == (0, True)
    count = checked["entries"]
    assert said(capsys, *home, "--by", "王", "zhengzhou", "import", file) == (
        0,
        {"entries": count, "changed": count},
    )
    assert said(capsys, *home, "zhengzhou", "import", file) == (0, {"entries": count, "changed": 0})
    _, history = said(capsys, *home, "zhengzhou", "history", "gjj.rent")
    assert isinstance(history, list)
    assert [(one["who"], one["id"]) for one in history] == [("王", "gjj.rent")]
    _, listed = said(capsys, *home, "--line", "12329", "zhengzhou", "list")
    assert isinstance(listed, list)
    assert {one["line"] for one in listed} == {"12329"}
    assert said(capsys, *home, "zhengzhou", "errors") == (0, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ask"], "knowledge ask: TEXT is missing: write it at the end"),
        (["zhengzhou"], "no action: write one of ask, check"),
        (["import", "x.csv"], "knowledge import: whose is missing: write CITY before import"),
        (["--base", "none.toml", "list"], "can't be read"),
        (["--at", "soon", "ask", "停水"], "--at soon: is no time"),
    ],
)
def test_what_cant_be_used_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["knowledge", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_base_that_is_not_sound_exits_with_1_and_tells_each_fault(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "base.toml"
    file.write_text('[[entries]]\nid = "a"\nquestions = ["？"]\nanswer = "好。"\nowner = "某局"\n', "utf-8")
    status, checked = said(capsys, "--base", str(file), "check")
    assert isinstance(checked, dict)
    assert (status, checked["sound"]) == (1, False)
    assert "says nothing" in checked["faults"][0]
