"""``hotline staff``: which shifts meet the target at the least cost, who works them, and is it so?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline.cli_planning import REPORTS, add_report, add_scenario, scenario_of, write
from hotline.cli_terms import DONE, NO, bars, console, print_document, tell, workers, writable
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.roster import Evenness, Roster
    from simulator.staffing import StaffPlan

ROSTERS = (".csv", ".ics")
_MOST_WEEKS = 52


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    staff = add("staff", _staff, "The cheapest shifts that meet the target, and a roster for them.")
    add_scenario(staff, "so many stand in the hall; default: as the scenario's rules say, or no limit")
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
    _check(args)
    from hotline.planning import view
    from simulator.roster import roster
    from simulator.staffing import staff

    with bars(args) as told, workers(args.workers) as who:
        loaded = scenario_of(args, told)
        if told is not None:
            told("what every half hour needs", 0, 0)
        rules = loaded.rules if args.seats is None else replace(loaded.rules, seats=args.seats)
        plan = staff(
            loaded.scenario,
            args.target,
            rules=rules,
            progress=told,
            workers=who,
            solver=args.solver,
        )
        made, fault = None, None
        if args.roster or args.people is not None:
            if told is not None:
                told("who works when", 0, 1)
            try:
                made = roster(plan, args.people, args.weeks)
            except ValueError as cannot:  # the plan is worth its time even so
                fault = cannot
    for remark in loaded.remarks:
        tell(remark)
    if args.report:
        write(view(plan.scenario, plan.figures, loaded.remarks), args)
    if made is not None:
        for file in args.roster:
            _write_roster(made, file)
    if args.json:
        print_document(plan.document() | ({"roster": _document(made)} if made is not None else {}))
    else:
        show(console(), plan, made)
    if fault is not None:
        raise fault
    return NO if plan.verdict == "missed" else DONE


def _check(args: argparse.Namespace) -> None:
    """Raise `OwnersFault` for what can't be, before anything long is begun."""
    if args.target is not None and not 0 < args.target < 1:
        raise OwnersFault(f"--target {args.target:g}: is no share of calls: write 0.98 for 98 %")
    if args.people is not None and args.people < 1:
        raise OwnersFault(f"--people {args.people}: is nobody: write 1 or more, or leave it out")
    if not 1 <= args.weeks <= _MOST_WEEKS:
        raise OwnersFault(f"--weeks {args.weeks}: is no number of weeks: write 1 to {_MOST_WEEKS}")
    for file in args.report:
        writable("--report", file, REPORTS)
    for file in args.roster:
        writable("--roster", file, ROSTERS)


def show(console: Console, plan: StaffPlan, made: Roster | None) -> None:
    """The shifts, what they cost and achieve, and what a planner should know."""
    from rich.table import Table

    from hotline.report_words import word
    from simulator.precision import verdict
    from simulator.rules import DAYS

    table = Table(
        title=f"{plan.scenario.title or plan.scenario.name}: people who begin a shift, all groups",
        title_justify="left",
    )
    table.add_column("shift")
    for day in (*DAYS, "week"):
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
    reached = verdict(rate, plan.target)
    told = f"[{said}]{word(plan.verdict, 'en')}[/]"
    if reached == "met" and plan.verdict == "missed":  # by a rule only: its note stands below
        told = "[red]The week's target is met, but not every rule is kept[/]"
    console.print(
        f"{told} ({word('target', 'en', target=100 * plan.target)}): "
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
    weeks = "1 week" if made.weeks == 1 else f"{made.weeks} weeks"
    return f"Roster of {weeks} for {len(made.people)} people: each has {', '.join(told)}; {proof} within each group."


def _document(made: Roster) -> dict[str, Any]:
    """How even the roster is, by group; who works when is in its files."""

    def shown(found: Mapping[str, Evenness]) -> dict[str, Any]:
        return {group: {"least": one.least, "most": one.most} for group, one in found.items()}

    return {
        "people": len(made.people), "weeks": made.weeks, "proven": made.proven, "nights": shown(made.nights),
        "weekend_days": shown(made.weekends), "days": shown(made.days),
    }  # fmt: skip


def _write_roster(made: Roster, file: Path) -> None:
    from hotline import roster_files

    # spreadsheets take a CSV for UTF-8 only when it begins with a mark
    calendar = file.suffix == ".ics"
    text = roster_files.calendar(made) if calendar else "\ufeff" + roster_files.table(made)
    file.write_text(text, encoding="utf-8", newline="")
    tell(f"{file}: written")
