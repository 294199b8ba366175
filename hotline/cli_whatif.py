"""``hotline simulate`` with a question: ``--vary``, ``--fewest``, ``--break-even``, ``--sensitivity``: played, told as tables."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from hotline.cli_terms import DONE, NO, bars, console, interval_document, print_document, tell
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from simulator.analysis import BreakEven, Effect, Fewest, Point
    from simulator.precision import Interval
    from simulator.scenario import Scenario
    from simulator.study import Progress, Workers

_INPUTS: Mapping[str, str] = {
    "load": "number of calls", "talk": "length of talks", "wrap_up": "length of wrap-up", "patience": "patience",
    "ring": "time until a seat answers", "seats": "seats", "busyness": "how far days differ (busyness)",
    "absence": "people who come",
}  # fmt: skip


def add_questions(sub: argparse.ArgumentParser) -> None:
    """The questions; one at a time."""
    asked = sub.add_mutually_exclusive_group()
    asked.add_argument(
        "--vary",
        metavar="SERIES",
        help="seats=146:260:2, load=1:2:0.1, patience=60,120: each value on the same callers",
    )
    asked.add_argument("--fewest", metavar="LOW:HIGH", help="the fewest seats of these that reach the target")
    asked.add_argument(
        "--break-even",
        action="store_true",
        help="the largest surge (or load) at which the target still holds",
    )
    asked.add_argument("--sensitivity", action="store_true", help="which input moves the answer rate most")


def is_asked(args: argparse.Namespace) -> bool:
    """Is there a question beyond the figures?"""
    return bool(args.vary or args.fewest or args.break_even or args.sensitivity)


def check(args: argparse.Namespace) -> None:
    """Raise `OwnersFault` for options that don't go together, before anything is read."""
    search = "--fewest" if args.fewest else "--break-even" if args.break_even else None
    if search and args.days is not None:
        raise OwnersFault(f"--days {args.days}: {search} takes as many days as it needs: leave --days out")
    if args.report and (search or args.sensitivity):
        raise OwnersFault(
            f"--report {args.report[0]}: {search or '--sensitivity'} leaves no report: write it with --vary, or take --json"
        )
    if args.days is not None and args.days < 1:
        raise OwnersFault(f"--days {args.days}: is no number of days: write 1 or more")
    if args.fewest:
        _span(args.fewest)


def answer(
    args: argparse.Namespace, scenario: Scenario, workers: Workers | None, told: Progress | None
) -> Callable[[], int]:
    """Play what the question asks; what is returned tells the answer, and returns 1 where the target is out of reach."""
    from simulator import analysis
    from simulator.vary import series

    play: dict[str, Any] = {"workers": workers, "engine": args.engine, "progress": told}
    if args.vary:
        asked = series(args.vary)
        points = analysis.what_if(scenario, asked, days=args.days, **play)
        return lambda: _tell_series(args, scenario, asked.name, points)
    if args.fewest:
        fewest = analysis.fewest_seats(scenario, *_span(args.fewest), **play)
        return lambda: _tell_fewest(args, scenario, fewest)
    if args.break_even:
        even = analysis.break_even(scenario, **play)
        return lambda: _tell_break_even(args, scenario, even)
    days = {} if args.days is None else {"days": args.days}
    effects = analysis.sensitivity(scenario, **days, **play)
    return lambda: _tell_effects(args, scenario, effects)


def _span(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    if not (colon and low.isdecimal() and high.isdecimal() and int(low) <= int(high)):
        raise OwnersFault(f"--fewest {text}: is no range of seats: write 146:260")
    return int(low), int(high)


def _percent(interval: Interval) -> str:
    return f"{interval.mean:.2%} ({interval.low:.2%} to {interval.high:.2%})"


# ── a series ─────────────────────────────────────────────────────────────────────────────────────────────────


def _tell_series(args: argparse.Namespace, scenario: Scenario, name: str, points: tuple[Point, ...]) -> int:
    with bars(args) as told:
        for n, file in enumerate(args.report):
            if told is not None:
                told(file.name, n, len(args.report))
            _write_series(file, scenario, name, points, args.language)
    for file in args.report:
        tell(f"{file}: written")
    if args.json:
        print_document(
            {
                "scenario": scenario.name, "target": scenario.target, "vary": name,
                "points": [
                    {
                        "value": point.value, "seats": point.figures.seats, "verdict": point.figures.verdict,
                        "days": point.figures.days,
                        **{key: interval_document(point.figures.measure(key)) for key in
                           ("answer_rate", "service_level", "abandon_rate", "asa", "occupancy")},
                        "change": interval_document(point.change) if point.change else None,
                    }
                    for point in points
                ],
            }
        )  # fmt: skip
        return DONE
    table = Table(
        title=f"{scenario.title or scenario.name}: {name} varied, the same callers", title_justify="left"
    )
    for column in (name, "answer rate", "", "in time", "mean wait", "occupancy", "change of the answer rate"):
        table.add_column(column, justify="right")
    for point in points:
        figures = point.figures
        change = point.change
        table.add_row(
            f"{point.value:g}", f"{figures.answer_rate.mean:.2%}",
            f"[{_COLOUR[figures.verdict]}]{figures.verdict}[/]",
            f"{figures.service_level.mean:.2%}", f"{figures.asa.mean:.1f} s", f"{figures.occupancy.mean:.1%}",
            "" if change is None else f"{100 * change.mean:+.2f} ±{50 * change.width:.2f} points",
        )  # fmt: skip
    console().print(table)
    return DONE


_COLOUR = {"met": "green", "missed": "red", "undecided": "yellow"}


def _write_series(
    file: Path, scenario: Scenario, name: str, points: tuple[Point, ...], language: Any
) -> None:
    from hotline import report_series

    if file.suffix == ".csv":
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\r\n")
        rows.writerow(
            [name, "answer_rate", "low", "high", "service_level", "mean_wait_s", "occupancy", "verdict"]
        )
        for point in points:
            figures = point.figures
            rate = figures.answer_rate
            values = (
                rate.mean,
                rate.low,
                rate.high,
                figures.service_level.mean,
                figures.asa.mean,
                figures.occupancy.mean,
            )
            rows.writerow([f"{point.value:g}", *(f"{value:.6g}" for value in values), figures.verdict])
        file.write_text("\ufeff" + text.getvalue(), encoding="utf-8", newline="")
    elif file.suffix == ".png":
        file.write_bytes(report_series.png(scenario, name, points, language))
    else:
        file.write_text(report_series.page(scenario, name, points, language), encoding="utf-8")


# ── searches ─────────────────────────────────────────────────────────────────────────────────────────────────


def _tell_fewest(args: argparse.Namespace, scenario: Scenario, found: Fewest) -> int:
    if args.json:
        print_document(
            {
                "scenario": scenario.name, "target": found.target, "seats": found.seats, "verdict": found.verdict,
                "answer_rate": interval_document(found.answer_rate),
                "tried": [{"seats": int(t.value), "answer_rate": interval_document(t.answer_rate), "verdict": t.verdict}
                          for t in found.tried],
            }
        )  # fmt: skip
    elif found.seats is None:
        most = max(int(tried.value) for tried in found.tried)
        console().print(
            f"[red]Not even {most} seats reach {found.target:.1%}[/]: answer rate {_percent(found.answer_rate)}.",
            soft_wrap=True,
        )
    else:
        sure = "surely" if found.verdict == "met" else "more likely than not"
        console().print(
            f"[green]{found.seats} seats[/] are the fewest that {sure} reach {found.target:.1%}: answer rate "
            f"{_percent(found.answer_rate)}. Tried: {', '.join(str(int(t.value)) for t in found.tried)}.",
            soft_wrap=True,
        )
    return NO if found.seats is None else DONE


def _tell_break_even(args: argparse.Namespace, scenario: Scenario, found: BreakEven) -> int:
    surge = any(one.factor > 1 for one in scenario.arrivals.surges)
    if args.json:
        print_document(
            {
                "scenario": scenario.name, "target": found.target, "of": "surge" if surge else "load",
                "factor": found.factor, "held": found.held, "failed": found.failed,
                "tried": [{"factor": t.value, "answer_rate": interval_document(t.answer_rate), "verdict": t.verdict}
                          for t in found.tried],
            }
        )  # fmt: skip
    else:
        what = "a surge" if surge else "a load"
        told = (("surely holds at", found.held), ("surely fails at", found.failed))
        known = [f"{word} {value:.2f}" for word, value in told if value]
        console().print(
            f"The target of {found.target:.1%} holds up to {what} of [bold]{found.factor:.2f}[/] times the usual calls "
            f"({'; '.join(known) or 'nothing is sure'}).",
            soft_wrap=True,
        )
    return DONE


def _tell_effects(args: argparse.Namespace, scenario: Scenario, effects: tuple[Effect, ...]) -> int:
    if args.json:
        print_document(
            {
                "scenario": scenario.name,
                "effects": [
                    {"input": e.name, "less": e.less, "more": e.more, "with_less": interval_document(e.with_less),
                     "with_more": interval_document(e.with_more)}
                    for e in effects
                ],
            }
        )  # fmt: skip
        return DONE
    table = Table(
        title=f"{scenario.title or scenario.name}: what one input alone does to the answer rate, in points",
        title_justify="left",
    )
    for column in ("input", "from", "to", "with less", "with more"):
        table.add_column(column, justify="left" if column == "input" else "right")
    for effect in effects:
        shown = [
            f"{100 * one.mean:+.2f} ±{50 * one.width:.2f}" for one in (effect.with_less, effect.with_more)
        ]
        table.add_row(
            _INPUTS.get(effect.name, effect.name),
            f"{round(effect.less, 1):g}",
            f"{round(effect.more, 1):g}",
            *shown,
        )
    console().print(table)
    return DONE
