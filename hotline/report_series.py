"""A series of options as one picture: the answer rate with its interval against the target; as PNG, or as a page with its table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from hotline.report_charts import BLUE, GREY, RED, picture_style, scalable
from hotline.report_page import STYLE
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
    """The picture and the figures, in one language, as one file that needs nothing else."""
    with picture_style():
        picture = scalable(_drawn(scenario, name, points, language))
    head = [
        _input(name, language),
        *(word(key, language) for key in ("answer_rate", "interval", "asa", "occupancy")),
    ]
    rows = "".join(
        f"<tr><td>{point.value:g}</td><td>{100 * point.figures.answer_rate.mean:.2f} %</td>"
        f"<td>{100 * point.figures.answer_rate.low:.2f} – {100 * point.figures.answer_rate.high:.2f}</td>"
        f"<td>{point.figures.asa.mean:.1f} {word('seconds', language)}</td><td>{100 * point.figures.occupancy.mean:.1f} %</td></tr>"
        for point in points
    )
    title = escape(scenario.title or scenario.name)
    columns = "".join(f"<th>{escape(text)}</th>" for text in head)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<p class="faint">{word("method", language)} {word("strict", language)}</p>\n'
        f'<section class="picture">{picture}</section>\n<h2>{escape(head[0])}</h2>\n'
        f'<div class="wide"><table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>\n'
        "</main>\n</body>\n</html>\n"
    )


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
    axes.set_title(word("answer_rate", language), loc="left", fontweight="bold")
    axes.tick_params(color=GREY)
    axes.legend(loc="best")
    return figure
