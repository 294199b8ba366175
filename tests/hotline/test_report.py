"""A planner's report: the page, the pictures, the CSV."""

from __future__ import annotations

import csv
import io
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hotline import report_charts, report_csv, report_page
from hotline.report_view import Failure, LineRow, View, Words
from simulator.precision import Band, Interval

LABELS = tuple(f"{n // 2:02}:{30 * (n % 2):02}" for n in range(48))


def view(rate: float = 0.975) -> View:
    """A day whose half hour from 10:00 is short of seats, and in whose first one nobody calls."""
    mean = np.full(48, rate)
    mean[20] = 0.9
    mean[0] = np.nan
    wait = np.full(48, 3.0)
    wait[0] = np.nan
    figures = {
        key: Interval(rate, rate - 0.002, rate + 0.002)
        for key in ("answer_rate", "service_level", "occupancy")
    }
    return View(
        name="ordinary",
        title="郑州市 <b>12345</b> & 热线",
        days=120,
        calls=8000.4,
        most_seats=44,
        target=0.98,
        within_s=15,
        figures={**figures, "abandon_rate": Interval(0.02, 0.01, 0.03), "asa": Interval(7.4, 7.0, 7.8)},
        half_hours=LABELS,
        answer_rate=Band(mean, mean - 0.01, np.minimum(mean + 0.01, 1)),
        wait_s=Band(wait, wait - 1, wait + 1),
        occupancy=np.full(48, 0.7),
        offered=np.linspace(0, 300, 48),
        seats=np.full(48, 40.0),
        need=np.where(np.arange(48) == 20, 44.0, 30.0),
        lines=(
            LineRow("12315", "消费维权", 700.0, Interval(0.99, 0.98, 0.995), Interval(0.95, 0.94, 0.96), 3.0),
        ),
        failures=(
            Failure(
                Words("10:00 to 10:30", "10:00至10:30"),
                Interval(0.9, 0.89, 0.91),
                30.0,
                Words("4 seats are missing.", "缺4个座席。"),
            ),
        ),
    )


@pytest.mark.parametrize(("rate", "verdict"), [(0.975, "missed"), (0.981, "undecided"), (0.983, "met")])
def test_the_verdict_is_the_intervals(rate: float, verdict: str) -> None:
    shown = view(rate)
    assert shown.verdict == verdict
    assert f'class="verdict {verdict}"' in report_page.page(shown)


class _Page(HTMLParser):
    """What a page would fetch, and whether its elements close."""

    VOID = frozenset({"meta", "br", "img", "input", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            v or "" for k, v in attrs if k in {"src", "href", "data"} and not (v or "").startswith("#")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_but_itself_and_every_element_closes() -> None:
    text = report_page.page(view())
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert [one for one in page.fetched if not one.startswith("data:")] == []
    assert "url(http" not in text


def test_a_title_can_not_bring_elements_of_its_own_into_the_page() -> None:
    text = report_page.page(view())
    assert "<b>12345</b>" not in text
    assert "&lt;b&gt;12345&lt;/b&gt; &amp; 热线" in text


def test_everything_is_said_in_both_languages() -> None:
    text = report_page.page(view())
    english = re.findall(r'<span class="en">(.*?)</span>', text)
    chinese = re.findall(r'<span class="zh" lang="zh">(.*?)</span>', text)
    assert len(english) == len(chinese) > 20
    assert {"4 seats are missing.", "What fails first, and why"} <= set(english)
    assert {"缺4个座席。", "最先出现的短板及原因"} <= set(chinese)


def test_a_half_hour_without_calls_has_a_dash_and_an_empty_field() -> None:
    row = report_page.page(view()).split("<tbody>")[-1].split("</tr>")[0]
    assert row.count("–") >= 2
    assert "nan" not in row
    rows = list(csv.DictReader(io.StringIO(report_csv.table(view()).removeprefix("\ufeff"))))
    assert rows[0]["answer_rate"] == rows[0]["mean_wait_s"] == ""
    assert float(rows[20]["answer_rate"]) == 0.9
    assert len(rows) == 48


def test_what_is_not_short_of_anything_is_said_to_hold() -> None:
    assert "every half hour and every line holds the target" in report_page.page(replace(view(), failures=()))


def test_the_same_view_gives_the_same_picture() -> None:
    assert report_charts.svg(view(), "zh") == report_charts.svg(view(), "zh")


def test_a_picture_in_chinese_finds_a_font_for_every_character(recwarn: pytest.WarningsRecorder) -> None:
    picture = report_charts.png(view(), "zh")
    assert picture.startswith(b"\x89PNG")
    assert [str(one.message) for one in recwarn if "missing from font" in str(one.message)] == []


@pytest.mark.parametrize(("fragment", "language"), [("", "en"), ("#zh", "zh")])
def test_a_browser_shows_the_page_in_the_language_that_its_address_asks(
    tmp_path: Path, fragment: str, language: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(report_page.page(view()), encoding="utf-8")
    shown = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{file}{fragment}",
        ],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert f'<body data-lang="{language}">' in shown
