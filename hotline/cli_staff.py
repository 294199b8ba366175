"""``hotline staff``: which shifts meet the target at the least cost, who works them, and is it so?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hotline.cli_planning import add_report, add_scenario, kind_of, scenario_of, workers_of, write
from hotline.cli_terms import DONE, NO, console, print_document, tell

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.roster import Roster
    from simulator.staffing import StaffPlan

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    staff = add("staff", _staff, "The cheapest shifts that meet the target, and a roster for them.")
    add_scenario(staff)
    staff.add_argument(
        "--target", type=float, metavar="SHARE", help="answer rate, 0.98; default: the scenario's"
    )
    staff.add_argument(
        "--solver", choices=["cp-sat", "highs"], help="default: CP-SAT, HiGHS where OR-Tools isn't installed"
    )
    staff.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="write who works when there: .csv or .ics",
        action="append",
        default=[],
    )
    staff.add_argument(
        "--people", type=int, metavar="N", help="so many share the shifts; default: as few as can"
    )
    staff.add_argument("--weeks", type=int, default=4, metavar="N", help="of the roster; default 4")
    add_report(staff)


def _staff(args: argparse.Namespace) -> int:
    from hotline.planning import view
    from simulator import sweep_live
    from simulator.roster import roster
    from simulator.staffing import staff

    for file in args.report:
        kind_of(file)
    for file in args.roster:
        _roster_kind(file)
    loaded = scenario_of(args)
    with sweep_live.workers(workers_of(args)) as workers, _progress(args) as told:
        plan = staff(
            loaded.scenario,
            args.target,
            rules=loaded.rules,
            progress=told,
            workers=workers,
            solver=args.solver,
        )
    shown = view(plan.scenario, plan.figures, loaded.remarks)
    for file in args.report:
        write(shown, file, args)
    made = roster(plan, args.people, args.weeks) if args.roster or args.people is not None else None
    for file in args.roster:
        assert made is not None
        _write_roster(made, file)
    if args.json:
        print_document(plan.document())
    else:
        show(console(), plan, made)
    return NO if plan.verdict == "missed" else DONE


@contextmanager
def _progress(args: argparse.Namespace) -> Iterator[Callable[[str, int, int], None] | None]:
    """What is being done, and how far it is, on standard error; nothing where nobody looks."""
    if args.json or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda what, done, expected: bars.update(task, description=what, completed=done, total=expected)


def show(console: Console, plan: StaffPlan, made: Roster | None) -> None:
    """The shifts, what they cost and achieve, and what a planner should know."""
    from rich.table import Table

    from hotline.report_words import word

    table = Table(
        title=f"{plan.scenario.title or plan.scenario.name}: people who begin a shift, all groups",
        title_justify="left",
    )
    table.add_column("shift")
    for day in (*_DAYS, "week"):
        table.add_column(day, justify="right")
    rows: dict[str, list[int]] = {}
    for shift in plan.shifts:
        hours = shift.name.partition(" ")[0].replace("-00:00", "-24:00")
        rows.setdefault(hours, [0] * 7)[shift.weekday] += shift.people
    for hours, people in sorted(rows.items()):
        table.add_row(hours, *(str(n) if n else "" for n in people), str(sum(people)))
    total = [sum(people[day] for people in rows.values()) for day in range(7)]
    table.add_row("all", *map(str, total), str(sum(total)), style="bold")
    console.print(table)
    rate = plan.answer_rate
    said = {"met": "green", "missed": "red", "undecided": "yellow"}[plan.verdict]
    console.print(
        f"[{said}]{word(plan.verdict, 'en')}[/] ({word('target', 'en', target=100 * plan.target)}): "
        f"answer rate {rate.mean:.2%} ({rate.low:.2%} to {rate.high:.2%}), {plan.figures.days:,} days simulated.",
        soft_wrap=True,
    )
    proof = "proven to be the least" if plan.proven else f"at most {plan.gap:.2%} above the least"
    console.print(
        f"{plan.paid_hours:,.0f} paid hours a week, {proof} for this need ({plan.solver}); "
        f"{plan.most_seats} seats at the fullest; {plan.people} people at least, {plan.establishment} by the plan's ratio.",
        soft_wrap=True,
    )
    for note in plan.notes:
        console.print(f"[yellow]{note}[/]", soft_wrap=True)
    if made is not None:
        console.print(_evenness(made), soft_wrap=True)


def _evenness(made: Roster) -> str:
    told = []
    for what, found in (("nights", made.nights), ("weekend days", made.weekends), ("days", made.days)):
        least, most = min(e.least for e in found.values()), max(e.most for e in found.values())
        told.append(f"{least} to {most} {what}" if least < most else f"{least} {what}")
    proof = "as even as can be (proven)" if made.proven else "not proven to be as even as can be"
    return f"Roster of {made.weeks} weeks for {len(made.people)} people: each has {', '.join(told)}; {proof} within each group."


def _roster_kind(file: Path) -> str:
    if file.suffix not in {".csv", ".ics"}:
        raise ValueError(f"--roster {file}: its ending says no kind: write .csv or .ics")
    return file.suffix


def _write_roster(made: Roster, file: Path) -> None:
    from hotline import roster_files

    # spreadsheets take a CSV for UTF-8 only when it begins with a mark
    calendar = _roster_kind(file) == ".ics"
    text = roster_files.calendar(made) if calendar else "\ufeff" + roster_files.table(made)
    file.write_text(text, encoding="utf-8", newline="")
    tell(f"{file}: written")
