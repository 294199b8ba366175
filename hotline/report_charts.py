"""The pictures of a planner's report, by matplotlib: as SVG for the page, as PNG for whoever pastes it elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hotline.report_view import View
from hotline.report_words import Language, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

BLUE, RED, GREEN, GREY, AMBER = "#1f5fa8", "#b3261e", "#2e7d52", "#8a8f98", "#b26a00"
# The first that is there; the page names the reader's own, so only the PNG depends on what is installed.
FONTS = ["DejaVu Sans", "Droid Sans Fallback", "Noto Sans CJK SC", "WenQuanYi Micro Hei"]
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, and in the reader's own fonts
    "svg.hashsalt": "report",  # the same picture gives the same file
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "grid.color": "#e3e5e8",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


_WEEK = 7 * 48
_CHINESE = dict(
    zip(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
        strict=True,
    )
)


def svg(view: View, language: Language) -> str:
    """All pictures as one SVG element, to stand in a page."""
    with picture_style():
        return scalable(_drawn(view, language))


def scalable(figure: Figure) -> str:
    """A figure as an SVG element that takes the width that there is."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r'(<svg[^>]*?) width="[^"]*"( [^>]*?)?height="[^"]*"', r"\1\2", text, count=1)


def png(view: View, language: Language) -> bytes:
    """All pictures as PNG. Raises nothing when no Chinese font is installed: then Chinese is drawn as boxes."""
    with picture_style():
        file = io.BytesIO()
        figure = _drawn(view, language)
        # a page has its head; a picture that is pasted elsewhere says itself what it shows
        figure.suptitle(_headline(view, language), x=0.01, ha="left", fontsize=13, fontweight="bold")
        figure.savefig(file, format="png", dpi=130)
    return file.getvalue()


def _headline(view: View, language: Language) -> str:
    rate = view.figures["answer_rate"]
    between = f" ({100 * rate.low:.2f} – {100 * rate.high:.2f})" if view.sure else ""
    return (
        f"{view.title} · {word('most_seats', language, seats=view.most_seats)} · "
        f"{word('answer_rate', language)} {100 * rate.mean:.2f} %{between}"
    )


@contextmanager
def picture_style() -> Iterator[None]:
    """How all pictures look, while they are drawn and written."""
    import logging

    import matplotlib as mpl

    # matplotlib warns for each font of the list that is not installed: the list is the reader's choice
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    settings: Any = {**_SETTINGS, "font.family": FONTS}
    with mpl.rc_context(settings):
        yield


def _drawn(view: View, language: Language) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 9.0), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True, height_ratios=(1.15, 1, 1))
    at = np.arange(len(view.half_hours)) / 2 + 0.25  # the middle of each half hour
    _answer_rate(axes[0], view, language, at)
    _seats(axes[1], view, language, at)
    _wait(axes[2], view, language, at)
    _hours(axes[2], view, language, at)
    return figure


def _answer_rate(axes: Axes, view: View, language: Language, at: Any) -> None:
    rate = view.answer_rate
    thick = 1.6 if len(at) <= _WEEK else 0.7
    if len(at) <= _WEEK:  # of a month they would be a fog
        axes.fill_between(
            at, 100 * rate.low, 100 * rate.high, step="mid", color=BLUE, alpha=0.22, linewidth=0,
            label=word("interval", language),
        )  # fmt: skip
    axes.step(
        at, 100 * rate.mean, where="mid", color=BLUE, linewidth=thick, label=word("answer_rate", language)
    )
    axes.axhline(
        100 * view.target, color=RED, linewidth=1.2, linestyle=(0, (5, 3)),
        label=word("target", language, target=100 * view.target),
    )  # fmt: skip
    # half hours with few calls have wide limits: these may leave the picture, the rates themselves may not
    lowest = float(np.nanmin(np.append(100 * rate.mean, 100 * view.target)))
    axes.set_ylim(max(lowest - 1 - 0.2 * (100 - lowest), 0), 100.4)
    axes.set_ylabel(word("rate_axis", language))
    axes.set_title(word("chart_rate", language), loc="left", fontweight="bold")
    _legend(axes)


def _seats(axes: Axes, view: View, language: Language, at: Any) -> None:
    calls = axes.twinx()
    calls.bar(at, view.offered, width=0.42, color="#d7dee8", label=word("calls_half_hour", language))
    calls.set_ylabel(word("calls_half_hour", language), color=GREY)
    calls.grid(visible=False)
    axes.set_zorder(calls.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.step(at, view.seats, where="mid", color=GREEN, linewidth=1.6, label=word("seats", language))
    axes.step(
        at,
        view.need,
        where="mid",
        color=RED,
        linewidth=1.2,
        linestyle=(0, (2, 2)),
        label=word("need", language),
    )
    short = view.need > view.seats
    axes.fill_between(at, view.seats, view.need, where=short, step="mid", color=RED, alpha=0.18, linewidth=0)
    axes.set_ylim(0, 1.15 * max(float(np.nanmax(view.seats)), float(np.nanmax(np.append(view.need, 1)))))
    calls.set_ylim(0, 1.6 * max(float(view.offered.max()), 1))
    axes.set_ylabel(word("seat_axis", language))
    axes.set_title(word("chart_seats", language), loc="left", fontweight="bold")
    _legend(axes)


def _wait(axes: Axes, view: View, language: Language, at: Any) -> None:
    wait = view.wait_s
    axes.fill_between(at, wait.low, wait.high, step="mid", color=AMBER, alpha=0.22, linewidth=0)
    axes.step(at, wait.mean, where="mid", color=AMBER, linewidth=1.6, label=word("asa", language))
    axes.set_ylim(0, 1.25 * float(np.nanmax(np.concatenate([wait.high, wait.mean, [1.0]]))))
    axes.set_ylabel(word("wait_axis", language), color=AMBER)
    busy = axes.twinx()
    busy.step(
        at, 100 * view.occupancy, where="mid", color=GREY, linewidth=1.2, label=word("occupancy", language)
    )
    busy.set_ylim(0, 105)
    busy.set_ylabel(word("occupancy_axis", language), color=GREY)
    busy.grid(visible=False)
    axes.set_title(word("chart_wait", language), loc="left", fontweight="bold")
    lines = [*axes.get_lines(), *busy.get_lines()]
    _legend(axes, lines)


def _legend(axes: Axes, lines: Sequence[Line2D] | None = None) -> None:
    """In the line of the title, where it hides nothing."""
    place: dict[str, Any] = {
        "loc": "lower right",
        "bbox_to_anchor": (1.0, 0.98),
        "ncols": 4,
        "borderaxespad": 0.1,
    }
    if lines is None:
        axes.legend(**place)
    else:
        axes.legend(lines, [str(line.get_label()) for line in lines], **place)


def _hours(axes: Axes, view: View, language: Language, at: Any) -> None:
    """Every two hours of a day; of several days their midnights, by the day's name."""
    days = len(at) // 48
    if days <= 1:
        shown = list(range(0, len(at), 4))
        names = [view.half_hours[n] for n in shown]
    else:
        shown = list(range(0, len(at), 48 * max(days // 14, 1)))
        days_named = [view.half_hours[n].split()[0] for n in shown]
        names = [_CHINESE.get(name, name) for name in days_named] if language == "zh" else days_named
    axes.set_xticks([n / 2 for n in shown], names, ha="left" if days > 1 else "center")
    axes.set_xlim(0, len(at) / 2)
