"""The planner's commands: ``hotline simulate``. What others rely on is in docs/planners.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline import cli_whatif
from hotline.cli_terms import (
    DONE,
    NO,
    Told,
    bars,
    console,
    interval_document,
    print_document,
    tell,
    workers,
    writable,
)
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from rich.console import Console

    from hotline.city import City
    from hotline.report_view import View
    from hotline.scenario_file import Loaded
    from simulator.study import Figures

REPORTS = (".html", ".png", ".csv")
Add = Callable[..., argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add the commands to the parser; ``add(name, command, about)`` makes one."""
    simulated = add(
        "simulate",
        _simulate,
        "What becomes of a scenario's calls: answer rate, waits, occupancy, with intervals.",
    )
    add_scenario(simulated, "so many at the fullest, shifts in proportion")
    simulated.add_argument(
        "--days", type=int, metavar="N", help="simulate so many; default: until the answer is sure"
    )
    simulated.add_argument(
        "--engine",
        choices=["fast", "engine"],
        default="fast",
        help="engine: the one that answers the phones, slower",
    )
    cli_whatif.add_questions(simulated)
    add_report(simulated)


def add_scenario(sub: argparse.ArgumentParser, seats: str) -> None:
    """What every command about a scenario takes. ``seats``: what ``--seats`` means to it."""
    sub.add_argument("scenario", metavar="SCENARIO", help="a built-in scenario's name or a TOML file")
    sub.add_argument("--seats", type=int, metavar="N", help=seats)
    sub.add_argument(
        "--workers", metavar="WHERE", help="threads, or a Dask scheduler's address; default: one a core"
    )
    sub.add_argument("--seed", type=int, metavar="N", help="other days, other callers")


def add_report(sub: argparse.ArgumentParser) -> None:
    """What every command takes that leaves a report."""
    sub.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page there (.html), a picture (.png) or a table (.csv)",
        action="append",
        default=[],
    )
    sub.add_argument(
        "--language", choices=["en", "zh"], default="en", help="of the picture, and what the page shows first"
    )


def add_span(demo: argparse.ArgumentParser) -> None:
    """What ``hotline demo`` takes to play a part of a scenario."""
    demo.add_argument(
        "--scenario",
        metavar="SCENARIO",
        help="play a part of it, with the planner's forecast beside what was measured",
    )
    demo.add_argument("--at", metavar="HH:MM", help="from then on its first day; default: where most call")
    demo.add_argument(
        "--minutes", type=int, default=30, metavar="N", help="so many of the scenario's minutes; default 30"
    )
    demo.add_argument(
        "--speed", type=float, default=20.0, metavar="X", help="so many times as fast; default 20"
    )


def demo_span(args: argparse.Namespace, city: City) -> dict[str, Any]:
    """Play a part of a scenario as real calls."""
    from hotline.demo_scenario import run_scenario
    from hotline.scenario_file import load

    return run_scenario(
        city,
        load(args.scenario),
        at=args.at,
        minutes=args.minutes,
        speed=args.speed,
        seats=args.seats,
        quiet=args.json,
    )


def scenario_of(args: argparse.Namespace, told: Told | None = None) -> Loaded:
    """The scenario that is asked for. ``told``: how far reading its records is."""
    from dataclasses import replace

    from hotline.scenario_file import open_scenario

    if args.seats is not None and args.seats < 0:
        raise OwnersFault(f"--seats {args.seats}: is no number of seats: write 0 or more")
    reads = None if told is None else lambda done, size: told("records", done, size)
    loaded = open_scenario(args.scenario, progress=reads)
    scenario = loaded.scenario
    if args.seed is not None:
        scenario = replace(scenario, seed=args.seed)
    return replace(loaded, scenario=scenario)


# ── simulate ─────────────────────────────────────────────────────────────────────────────────────────────────


def _simulate(args: argparse.Namespace) -> int:
    from simulator.study import simulate

    cli_whatif.check(args)
    for file in args.report:
        writable("--report", file, REPORTS)
    with bars(args) as told, workers(args.workers) as who:
        loaded = scenario_of(args, told)
        scenario = loaded.scenario if args.seats is None else loaded.scenario.with_seats(args.seats)
        plays = None
        if told is not None:
            told("the first days are played", 0, 0)
            plays = lambda done, days: told(f"{done:,} of {days:,} days", done, days)  # noqa: E731
        if cli_whatif.is_asked(args):
            answer = cli_whatif.answer(args, scenario, who, plays)
        else:
            figures = simulate(scenario, days=args.days, workers=who, engine=args.engine, progress=plays)
            answer = None
    for remark in loaded.remarks:
        tell(remark)
    if answer is not None:
        return answer()
    from hotline.planning import view

    shown = view(scenario, figures, loaded.remarks)
    write(shown, args)
    if args.json:
        print_document(document(figures, shown))
    else:
        show(console(), shown)
    return NO if shown.verdict == "missed" else DONE


def document(figures: Figures, shown: View) -> dict[str, Any]:
    """The figures as JSON: rates between 0 and 1, waits in seconds, each with its 95 % interval; ``null``: nobody called."""
    from simulator.study import MEASURES

    rates: dict[str, Any] = {name: interval_document(figures.measure(name)) for name in MEASURES}
    return {
        "scenario": figures.name, "seats": figures.seats, **rates, "days": figures.days, "calls": figures.calls,
        "replications": figures.replications, "target": figures.target, "verdict": figures.verdict,
        "lines": {
            name: {
                "offered_a_day": float(figures.by_line.offered[n]) * figures.replications / figures.days,
                "answer_rate": interval_document(figures.by_line.answer_rate.at(n)),
            }
            for n, name in enumerate(figures.lines)
        },
        "failures": [
            {"where": one.where.en, "answer_rate": interval_document(one.rate), "lost_a_day": one.lost, "why": one.why.en}
            for one in shown.failures
        ],
        "half_hours": [
            {
                "from": name, "calls": float(shown.offered[n]), "seats": float(shown.seats[n]), "need": float(shown.need[n]),
                "answer_rate": interval_document(shown.answer_rate.at(n)), "mean_wait": interval_document(shown.wait_s.at(n)),
                "occupancy": float(shown.occupancy[n]),
            }
            for n, name in enumerate(shown.half_hours)
        ],
    }  # fmt: skip


def show(console: Console, shown: View) -> None:
    """The figures, what fails first, and why."""
    from rich.table import Table

    from hotline.report_words import word

    table = Table(title=f"{shown.title}: {shown.most_seats} seats at the fullest", title_justify="left")
    for column in ("", "mean", "95 % interval"):
        table.add_column(column, justify="left" if not column else "right")
    for name, span in shown.figures.items():
        title = word(name, "en", within=shown.within_s) if name == "service_level" else word(name, "en")
        figures = [f"{v:.1f} s" if name == "asa" else f"{v:.2%}" for v in (span.mean, span.low, span.high)]
        table.add_row(title, figures[0], f"{figures[1]} to {figures[2]}" if shown.sure else "unknown")
    console.print(table)
    said = {"met": "green", "missed": "red", "undecided": "yellow"}[shown.verdict]
    console.print(f"[{said}]{word(shown.verdict, 'en')}[/] ({word('target', 'en', target=100 * shown.target)}); "
                  f"{word('simulated', 'en', days=shown.days, calls=shown.calls)}.")  # fmt: skip
    if not shown.parted:
        console.print(f"[yellow]{shown.notes[0].en}[/]", soft_wrap=True)
    if not shown.failures:
        return
    failing = Table(title="What fails first, and why", title_justify="left")
    for column, right in (
        ("when, where", False),
        ("answer rate", True),
        ("calls lost a day", True),
        ("why", False),
    ):
        failing.add_column(column, justify="right" if right else "left")
    for one in shown.failures:
        failing.add_row(one.where.en, f"{one.rate.mean:.1%}", f"{one.lost:,.1f}", one.why.en)
    console.print(failing)


def write(shown: View, args: argparse.Namespace) -> None:
    """The reports, each in the form that its file's ending asks."""
    from hotline import report_charts, report_csv, report_page

    with bars(args) as told:
        for n, file in enumerate(args.report):
            if told is not None:
                told(f"{file.name}", n, len(args.report))
            match file.suffix:
                case ".html":
                    file.write_text(report_page.page(shown, args.language), encoding="utf-8")
                case ".png":
                    file.write_bytes(report_charts.png(shown, args.language))
                case _:
                    file.write_text(report_csv.table(shown), encoding="utf-8", newline="")
    for file in args.report:
        tell(f"{file}: written")
