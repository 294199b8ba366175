"""``hotline lines``: how soon lines' own people, sub-centres and emergency centres took what was passed to them."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from acd.lines import DAY_MS, TARGET, LineFigures, by_line, offers
from acd.messages import CallRecord, Millis
from hotline.city import City
from hotline.records import RecordStore
from hotline.running import home_of


def line_figures(
    city: City, args: argparse.Namespace, now: Millis, since: Millis | None
) -> dict[str, LineFigures]:
    """The figures of the calls that arrived since then, by default in the last 24 hours.

    Raises `RecordsFault`, and ``ValueError`` where there are no records.
    """
    start = now - DAY_MS if since is None else since
    where = args.records or home_of(city, args.home) / "records.sqlite"
    if isinstance(where, Path) and not where.exists():
        raise ValueError(f"records: {where} is not there: give --home DIR or --records URL")
    records = asyncio.run(_read(where, city.name, start, now))
    return by_line((one for record in records for one in offers(record)), within_ms=round(args.within * 1000))


async def _read(where: str | Path, city: str, start: Millis, end: Millis) -> list[CallRecord]:
    store = RecordStore(where)
    try:
        return await store.read(city=city, start=start, end=end)
    finally:
        await store.close()


def document(city: City, found: dict[str, LineFigures], within_s: float) -> list[dict[str, Any]]:
    """The JSON of ``hotline lines --json``: one table a line."""
    return [
        {
            "line": figures.line,
            "name": names(city).get(figures.line),
            "offered": figures.offered,
            "answered": figures.answered,
            "answered_in_time": figures.prompt.numerator,
            "within_s": within_s,
            "rate": figures.prompt.value,
            "denominator": figures.prompt.denominator,
            "target": TARGET,
            "below": figures.below,
            "not_taken": figures.not_taken,
            "gave_up": figures.gave_up,
            "back": figures.back,
        }
        for figures in found.values()
    ]


def table(city: City, found: dict[str, LineFigures]) -> None:
    """The same for people, with the denominator beside every rate."""
    shown = Table(
        "line", "name", "offered", "answered", "in time", "not taken", "gave up", "back at 12345", ""
    )
    for one in found.values():
        rate = (
            "-"
            if one.prompt.value is None
            else f"{one.prompt.value:.1%} ({one.prompt.numerator} / {one.prompt.denominator})"
        )
        told = [one.line, names(city).get(one.line, ""), one.offered, one.answered, rate]
        told += [one.not_taken, one.gave_up, one.back, f"below {TARGET:.0%}" if one.below else ""]
        shown.add_row(*map(str, told))
    Console().print(shown)
    for one in found.values():
        Console().print(f"{one.line}: {one.prompt}", highlight=False)


def names(city: City) -> dict[str, str]:
    """The lines' names by their numbers as records have them."""
    return {line.number.shown(city.area): line.name for line in city.plan.lines}
