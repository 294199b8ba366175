"""A series of options as one picture: the answer rate with its interval against the target; as PNG, or as a page with its table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from hotline.report_charts import BLUE, GREY, RED, picture_style, scalable
from hotline.report_page import LANGUAGES, both, button, document, percent, rows_of, said
from hotline.report_words import Language, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulator.analysis import Point
    from simulator.scenario import Scenario

INPUTS: dict[str, tuple[str, str]] = {
    "seats": ("Seats at the fullest", "最多座席数"), "load": ("Calls, times the usual", "来电量（倍）"),
    "surge": ("Surge, times the usual", "突增（倍）"), "talk": ("Talk, times the usual", "通话时长（倍）"),
    "wrap_up": ("Wrap-up, times the usual", "话后处理（倍）"), "patience": ("Patience, times the usual", "耐心（倍）"),
    "ring": ("Ring, times the usual", "振铃（倍）"), "busyness": ("Shape of the days' busyness", "日繁忙度形状参数"),
    "absence": ("Share of people who do not come", "缺勤率"), "contained": ("Share answered by self-service", "自助解决率"),
    "retrial": ("Share who call again", "重拨率"),
}  # fmt: skip


def png(scenario: Scenario, name: str, points: Sequence[Point], language: Language) -> bytes:
    """The picture."""
    with picture_style():
        file = io.BytesIO()
        _drawn(scenario, name, points, language).savefig(file, format="png", dpi=130)
    return file.getvalue()


def page(scenario: Scenario, name: str, points: Sequence[Point], language: Language) -> str:
    """The picture and the figures as one file that needs nothing else. ``language``: the one that is seen first."""
    pictures = []
    for one in LANGUAGES:
        with picture_style():
            drawn = scalable(_drawn(scenario, name, points, one))
        pictures.append(f'<section class="picture {one}">{drawn}</section>')
    asked = said(*(_input(name, one) for one in LANGUAGES))
    head = [
        (asked, False),
        *((both(key), False) for key in ("answer_rate", "interval", "asa", "occupancy")),
    ]
    rows = (
        f"<tr><td>{point.value:g}</td><td>{percent(point.figures.answer_rate.mean, 2)}</td>"
        f"<td>{100 * point.figures.answer_rate.low:.2f} – {100 * point.figures.answer_rate.high:.2f}</td>"
        f"<td>{point.figures.asa.mean:.1f}\u00a0{both('seconds')}</td><td>{percent(point.figures.occupancy.mean)}</td></tr>"
        for point in points
    )
    title = scenario.title or scenario.name
    body = (
        f"<header><div><h1>{escape(title)}</h1><p class='faint'>{both('method')} {both('strict')}</p></div>"
        f"{button()}</header>{''.join(pictures)}<h2>{asked}</h2>{rows_of(head, rows)}"
    )
    return document(title, body, language)


def _input(name: str, language: Language) -> str:
    return INPUTS.get(name, (name, name))[language == "zh"]


def _drawn(scenario: Scenario, name: str, points: Sequence[Point], language: Language) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.8), layout="constrained")
    axes = figure.subplots()
    at = np.array([point.value for point in points])
    rate = 100 * np.array(
        [(p.figures.answer_rate.mean, p.figures.answer_rate.low, p.figures.answer_rate.high) for p in points]
    )
    axes.fill_between(
        at, rate[:, 1], rate[:, 2], color=BLUE, alpha=0.22, linewidth=0, label=word("interval", language)
    )
    axes.plot(at, rate[:, 0], color=BLUE, marker="o", markersize=3, label=word("answer_rate", language))
    target = 100 * scenario.target
    axes.axhline(
        target, color=RED, linestyle=(0, (5, 3)), linewidth=1.2, label=word("target", language, target=target)
    )
    axes.set_xlabel(_input(name, language))
    axes.set_ylabel(word("rate_axis", language))
    axes.set_title(
        f"{scenario.title or scenario.name}: {word('answer_rate', language)}", loc="left", fontweight="bold"
    )
    axes.tick_params(color=GREY)
    axes.legend(loc="best")
    return figure
