"""``hotline knowledge CITY gaps`` and ``figures`` over a city's own records."""

from __future__ import annotations

import asyncio
import csv
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from acd.records import CallRecord
from hotline.cli import main
from hotline.records import RecordStore
from hotline.scenario_file import load
from tests.hotline.spoken_calls import HOUR, MONDAY, WEEK, call

NOW = "2026-03-05T12:00"  # Thursday of the week that begins at MONDAY
HEATING = ["暖气不热怎么办", "家里暖气一点都不热", "暖气片不热找谁", "我家暖气不热没人管"]


def stored(place: Path | str, *records: CallRecord) -> None:
    async def write() -> None:
        store = RecordStore(place)
        try:
            await store.write(records)
        finally:
            await store.close()

    asyncio.run(write())


def week() -> list[CallRecord]:
    """The heating once in the week before and 4 times in this one, an answer that did not do, a noise, and another city's call."""
    unknown: dict[str, Any] = {"over": "unknown"}
    calls = [call("w", MONDAY - HOUR, ("passed on", HEATING[0], None), caller="13900000000", **unknown)]
    calls += [
        call(
            f"h{number}",
            MONDAY + number * HOUR,
            ("passed on", text, None),
            caller=f"1390000000{number + 1}",
            **unknown,
        )
        for number, text in enumerate(HEATING)
    ]
    calls += [
        call("f1", MONDAY, ("answered", "公积金咋取", "gjj.withdraw"), caller="13911112222", line="12329"),
        call("f2", MONDAY + HOUR, over=None, caller="13911112222", line="12329"),
        call(
            "x", MONDAY, ("passed on", "这是济南的问题", None), city="jinan", caller="13933334444", **unknown
        ),
        call(
            "t",
            MONDAY,
            ("passed on", "我的电话是一三八零零一三八零零零查噪音扰民", None),
            caller="13955556666",
            **unknown,
        ),
    ]
    return calls


@pytest.fixture
def records(url: str) -> str:
    stored(url, *week())
    return url


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file's records, where it does not matter which database it is."""
    place = tmp_path / "week.sqlite"
    stored(place, *week())
    return str(place)


def said(capsys: pytest.CaptureFixture[str], records: str, *words: str) -> Any:
    assert main(["knowledge", "--records", records, "--at", NOW, "zhengzhou", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_weeks_gaps_come_from_either_database_with_growth_calls_and_drafts(
    capsys: pytest.CaptureFixture[str], records: str
) -> None:
    found = said(capsys, records, "gaps", "--weeks", "1")
    shown = [
        (one["week"], one["line"], one["calls"], one["week_before"], one["grew"]) for one in found["gaps"]
    ]
    assert shown == [
        ("2026-W10", "12329", 1, 0, 1), ("2026-W10", "12345", 4, 1, 3), ("2026-W10", "12345", 1, 0, 1)
    ]  # fmt: skip
    wrong, heating, noise = found["gaps"]
    assert (wrong["reasons"], wrong["nearest"]["id"], wrong["complete"]) == (
        {"came back": 1},
        "gjj.withdraw",
        False,
    )
    assert heating["wordings"][0] == HEATING[0]
    assert sorted(heating["wordings"]) == sorted(HEATING)
    assert [one["call"] for one in heating["behind"]] == ["h0", "h1", "h2", "h3"]
    assert heating["behind"][0] == {
        "call": "h0", "at": "2026-03-02T00:00:05.000+08:00", "caller": "139******01", "reason": "passed on",
        "entry": None, "wording": HEATING[0],
    }  # fmt: skip
    (draft,) = tomllib.loads(heating["draft"])["entries"]
    assert draft["state"] == "draft"
    assert draft["questions"][0] in HEATING
    assert noise["wording"] == "我的电话是…查噪音扰民"


def test_no_number_of_a_caller_and_nothing_of_another_city_is_ever_shown(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    table, drafts = tmp_path / "gaps.csv", tmp_path / "drafts.toml"
    options = ["gaps", "--csv", str(table), "--drafts", str(drafts)]
    shown = [json.dumps(said(capsys, file, *options), ensure_ascii=False)]
    assert main(["knowledge", "--records", file, "--at", NOW, "zhengzhou", "gaps"]) == 0
    shown += [capsys.readouterr().out, table.read_text("utf-8-sig"), drafts.read_text("utf-8")]
    shown += [json.dumps(said(capsys, file, "figures"), ensure_ascii=False)]
    for text in shown:
        assert "济南" not in text
        assert "1390000000" not in text
        assert "13911112222" not in text
        assert "一三八零零一三八零零零" not in text
        assert "13955556666" not in text


def test_the_drafts_are_imported_as_drafts_and_not_drafted_again(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    base, drafts = str(tmp_path / "base.toml"), str(tmp_path / "drafts.csv")
    assert main(["knowledge", "export", base]) == 0
    assert main(["knowledge", "--records", file, "zhengzhou", "import", base]) == 0
    capsys.readouterr()
    before = said(capsys, file, "gaps", "--drafts", drafts)
    count = len({one["draft"] for one in before["gaps"] if one["draft"]})
    assert count == 2  # 公积金咋取 stands in the starting base
    assert said(capsys, file, "import", drafts) == {"entries": count, "changed": count}
    assert [one["draft"] for one in said(capsys, file, "gaps")["gaps"]] == [None] * len(before["gaps"])
    assert said(capsys, file, "import", drafts)["changed"] == 0


def test_a_reported_error_stands_among_the_gaps_until_it_is_mended(
    capsys: pytest.CaptureFixture[str], file: str, tmp_path: Path
) -> None:
    base = str(tmp_path / "base.toml")
    assert main(["knowledge", "export", base]) == 0
    assert main(["knowledge", "--records", file, "zhengzhou", "import", base]) == 0
    assert main(["knowledge", "--records", file, "zhengzhou", "report", "gjj.rent", "额度旧了"]) == 0
    capsys.readouterr()

    def now() -> list[Any]:
        assert main(["knowledge", "--records", file, "zhengzhou", "gaps", "--json"]) == 0
        gaps: list[Any] = json.loads(capsys.readouterr().out)["gaps"]
        return [(one["line"], one["reasons"], one["reports"], one["nearest"]["id"]) for one in gaps]

    assert now() == [("12329", {"reported": 1}, 1, "gjj.rent")]
    assert main(["knowledge", "--records", file, "zhengzhou", "mend", "0"]) == 0
    capsys.readouterr()
    assert now() == []


def test_one_line_is_shown_where_one_is_asked_for_and_only_the_most_asked(
    capsys: pytest.CaptureFixture[str], file: str
) -> None:
    assert {one["line"] for one in said(capsys, file, "gaps", "--line", "12329")["gaps"]} == {"12329"}
    found = said(capsys, file, "gaps", "--top", "1")["gaps"]
    assert [(one["line"], one["rank"], one["calls"]) for one in found if one["week"] == "2026-W10"] == [
        ("12329", 1, 1), ("12345", 1, 4)
    ]  # fmt: skip


def test_the_table_for_a_spreadsheet_has_a_row_a_gap_and_no_formula(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place, table = tmp_path / "r.sqlite", tmp_path / "gaps.csv"
    stored(
        place,
        call("=1+1", MONDAY, ("passed on", '=HYPERLINK(噪音扰民,"x\n")', None), over="unknown", line="@sum"),
    )
    said(capsys, str(place), "gaps", "--csv", str(table))
    with table.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["line"], row["wording"]) == ("'@sum", '\'=HYPERLINK(噪音扰民,"x ")')
    assert row["call_ids"] == "'=1+1"
    assert (row["week"], row["calls"], row["reasons"]) == ("2026-W10", "1", "passed-on=1")


def test_hostile_words_neither_break_the_table_nor_style_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "r.sqlite"
    words = ["[red]停水[/red]", "[/]路灯不亮", "噪音\x1b[31m扰民", "垃圾清运" * 2500, "\x00\u202e暖气不热"]
    stored(
        place,
        *(
            call(number, MONDAY, ("passed on", text, None), over="unknown", caller="\x1b[2J1")
            for number, text in enumerate(words)
        ),
    )
    assert main(["knowledge", "--records", str(place), "--at", NOW, "zhengzhou", "gaps"]) == 0
    out = capsys.readouterr().out
    assert "5 gaps, 5 questions" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red]停水" in out
    assert len(out) < 10_000
    assert "\x1b" not in json.dumps(said(capsys, str(place), "gaps"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["gaps", "--weeks", "0"], "--weeks 0: is out of range: write 1 to 104"),
        (["gaps", "--top", "-3"], "--top -3: is out of range: write 1 to 1000"),
        (["gaps", "停水"], "knowledge gaps: takes no word: '停水' is one too many, leave it out"),
        (["gaps", "--csv", "gaps.txt"], "--csv gaps.txt: its ending says no kind: write .csv"),
        (["gaps", "--drafts", "nowhere/drafts.toml"], "there is no folder nowhere"),
        (["figures", "--from", "monday"], "--from monday: is no day: write it as 2026-02-01"),
        (
            ["figures", "--from", "2026-03-04", "--to", "2026-03-03"],
            "--from 2026-03-04: is after --to 2026-03-03",
        ),
        (["figures", "x"], "knowledge figures: takes no word"),
    ],
)
def test_what_cant_be_meant_is_one_line_with_its_remedy(
    capsys: pytest.CaptureFixture[str], file: str, words: list[str], told: str
) -> None:
    assert main(["knowledge", "--records", file, "zhengzhou", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_records_that_are_not_there_are_not_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for action in ("gaps", "figures"):
        assert main(["knowledge", "--home", str(tmp_path / "home"), "zhengzhou", action]) == 2
        assert "is not there: give --home or --records" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_figures_of_a_span_are_by_line_and_week_and_of_this_city_only(
    capsys: pytest.CaptureFixture[str], records: str
) -> None:
    found = said(capsys, records, "figures", "--from", "2026-03-01", "--to", "2026-03-08")
    assert (found["city"], found["from"], found["to"]) == ("zhengzhou", "2026-03-01", "2026-03-08")
    assert found["total"]["conversations"] == 7
    assert found["total"]["contained"]["count"] == 1
    assert {line: one["conversations"] for line, one in found["lines"].items()} == {"12329": 1, "12345": 6}
    assert {name: one["conversations"] for name, one in found["weeks"].items()} == {
        "2026-W09": 1,
        "2026-W10": 6,
    }
    assert found["lines"]["12329"]["wrong_upper"]["count"] == 1
    assert (
        said(capsys, records, "figures", "--from", "2026-03-02", "--to", "2026-03-02")["total"][
            "conversations"
        ]
        == 6
    )


def test_who_calls_again_after_the_last_day_is_still_seen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "r.sqlite"
    late = MONDAY + 24 * HOUR - 60_000
    stored(place, call(1, late, ("answered", "公积金咋取", "gjj")), call(2, late + HOUR, over=None))
    found = said(capsys, str(place), "figures", "--from", "2026-03-02", "--to", "2026-03-02")["total"]
    assert (found["conversations"], found["wrong_upper"]["count"]) == (1, 1)
    assert found["for_good"] == {
        "count": 0,
        "of": 1,
        "share": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.793, abs=1e-3),
    }


def test_the_figures_can_be_read_by_people(capsys: pytest.CaptureFixture[str], file: str) -> None:
    assert main(["knowledge", "--records", file, "--at", NOW, "zhengzhou", "figures"]) == 0
    out = capsys.readouterr().out
    assert "wrong answers, lower reading: 0 of 1, 95 %: 0.00% to 79.35%" in out
    assert "ended: contained 1, unknown 6" in out
    assert "2026-W10" in out
    assert "…" not in out  # nothing is cut where the page is as wide as a page


def test_what_scenario_prints_is_a_file_that_a_scenario_stands_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "r.sqlite"
    contained = [
        call(f"c{number}", MONDAY + number, ("bye", "", None), seconds=20 + number) for number in range(3)
    ]
    stored(place, *contained, *(call(f"o{number}", MONDAY, over=None) for number in range(9)))
    assert (
        main(["knowledge", "--records", str(place), "--at", NOW, "zhengzhou", "figures", "--scenario"]) == 0
    )
    text = capsys.readouterr().out
    file = tmp_path / "speech.toml"
    file.write_text(f'base = "zhengzhou"\n{text}', "utf-8")
    scenario = load(file)
    assert {line.contained for line in scenario.lines} == {0.25}
    assert {line.self_service.sample_s for line in scenario.lines} == {(21.0, 22.0, 23.0)}
    assert [line.name for line in scenario.lines] == [line.name for line in load("zhengzhou").lines]
    told = said(capsys, str(place), "figures", "--scenario")
    assert told["toml"] == text
    assert (told["contained"]["count"], told["contained"]["of"]) == (3, 12)
    assert told["self_service_seconds"] == [21.0, 22.0, 23.0]


def test_a_call_beyond_the_span_is_in_no_scenario(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "r.sqlite"
    stored(
        place,
        call(1, MONDAY, over=None),
        call(2, MONDAY + 25 * HOUR, over=None),
        call(3, MONDAY - WEEK, over=None),
    )
    told = said(capsys, str(place), "figures", "--scenario", "--from", "2026-03-02", "--to", "2026-03-02")
    assert told["contained"]["of"] == 1
