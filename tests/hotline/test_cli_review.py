"""Who provides an entry maintains it, by command: report, mend, review, publish, expire, draft, delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hotline.cli import main

BASE = """
[[entries]]
id = "fund"
questions = ["公积金怎么提取"]
answer = "网上办理。"
owner = "公积金中心"

[[entries]]
id = "gap.1"
questions = ["居住证怎么办"]
answer = "（待写）请写出可以直接念给来电人的答复。"
owner = "待定"
"""


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The options of a city's home whose base has two drafts."""
    file = tmp_path / "base.toml"
    file.write_text(BASE, "utf-8")
    options = ["--home", str(tmp_path / "home")]
    assert main(["knowledge", *options, "--by", "王", "zhengzhou", "import", str(file)]) == 0
    capsys.readouterr()
    return options


def said(capsys: pytest.CaptureFixture[str], home: list[str], *words: str) -> Any:
    assert main(["knowledge", *home, "zhengzhou", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], home: list[str], *words: str) -> str:
    assert main(["knowledge", *home, "zhengzhou", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_an_entry_goes_from_its_draft_to_its_end_and_the_history_says_who(
    capsys: pytest.CaptureFixture[str], home: list[str]
) -> None:
    assert said(capsys, home, "review", "fund", "--reviewer", "李某", "--by", "李") == {
        "id": "fund", "state": "reviewed", "reviewer": "李某"
    }  # fmt: skip
    assert said(capsys, home, "publish", "fund", "--by", "赵")["state"] == "published"
    assert said(capsys, home, "expire", "fund", "--by", "赵")["state"] == "expired"
    assert said(capsys, home, "draft", "fund", "--by", "孙") == {
        "id": "fund",
        "state": "draft",
        "reviewer": None,
    }
    assert said(capsys, home, "delete", "fund", "--by", "周") == {"id": "fund", "deleted": True}
    changes = said(capsys, home, "history", "fund")
    told = [(one["who"], one["entry"]["state"] if one["entry"] else None) for one in changes]
    assert told == [
        ("王", "draft"), ("李", "reviewed"), ("赵", "published"), ("赵", "expired"), ("孙", "draft"), ("周", None)
    ]  # fmt: skip
    assert [one["id"] for one in said(capsys, home, "list")] == ["gap.1"]


def test_an_error_is_reported_listed_with_its_number_and_mended_once(
    capsys: pytest.CaptureFixture[str], home: list[str]
) -> None:
    made = said(capsys, home, "report", "fund", "利率", "旧了", "--call", "1772380800.12", "--by", "7001")
    assert (made["number"], made["text"], made["call"], made["who"]) == (
        0,
        "利率 旧了",
        "1772380800.12",
        "7001",
    )
    assert main(["knowledge", *home, "zhengzhou", "errors"]) == 1
    assert capsys.readouterr().out.startswith("0: 20")
    assert said(capsys, home, "mend", "0") == {"number": 0, "mended": True}
    assert refused(capsys, home, "mend", "0").endswith("write one that `errors` shows")
    assert said(capsys, home, "errors") == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["publish", "fund"], "fund.state: draft does not become published: it may become expired, reviewed"),
        (["review", "fund"], "fund.reviewer: nobody signs for it: name who has reviewed it"),
        (["review", "fund", "--reviewer", "  "], "nobody signs for it"),
        (["publish", "fund", "--reviewer", "李"], "knowledge publish: takes no --reviewer: leave it out"),
        (["review", "gap.1", "--reviewer", "李"], "gap.1.answer: nobody has written it yet: write it"),
        (["expire", "none"], "knowledge.none: no such entry: give an id that `list` shows"),
        (["delete", "none"], "knowledge.none: no such entry"),
        (["report", "none", "旧了"], "knowledge.none: no such entry"),
        (["report", "fund"], "ID and TEXT are wanted: write report"),
        (["report", "fund", " "], "nothing is said about the error"),
        (["draft"], "knowledge draft: one ID is wanted: write it at the end"),
        (["delete", "fund", "gap.1"], "one ID is wanted"),
        (["mend", "one"], "knowledge mend one: is no error's number"),
        (["mend", "99999999999999999999"], "is no error's number"),
        (["mend", "7"], "knowledge mend 7: no open error has this number"),
    ],
)
def test_what_cant_be_done_is_one_line_with_its_remedy_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], home: list[str], words: list[str], told: str
) -> None:
    before = said(capsys, home, "history")
    assert told in refused(capsys, home, *words)
    assert said(capsys, home, "history") == before
    assert said(capsys, home, "errors") == []


def test_a_city_without_records_or_without_a_base_of_its_own_says_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: list[str]
) -> None:
    nowhere = ["--home", str(tmp_path / "nowhere")]
    assert "is not there: give --home or --records" in refused(capsys, nowhere, "expire", "fund")
    assert not (tmp_path / "nowhere").exists()
    assert main(["knowledge", *home, "zhengzhou", "delete", "fund"]) == 0
    assert main(["knowledge", *home, "zhengzhou", "delete", "gap.1"]) == 0
    capsys.readouterr()
    assert "has no base of its own yet" in refused(capsys, home, "expire", "gjj.rent")


def test_without_a_city_none_of_these_does_anything(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("report", "mend", "review", "publish", "expire", "draft", "delete", "gaps", "figures"):
        assert main(["knowledge", action, "fund"]) == 2
        assert (
            capsys.readouterr().err
            == f"hotline: knowledge {action}: whose is missing: write CITY before {action}\n"
        )
