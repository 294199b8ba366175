"""``hotline knowledge CITY gaps``: what the base lacks, and what it answers wrongly."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asr.knowledge import KnowledgeBase
from hotline.audit import shown_time
from hotline.cli_knowledge import base_of, instant_of
from hotline.cli_review import records_there
from hotline.cli_terms import DONE, console, print_document, writable
from hotline.logs import OwnersFault, mask_number
from hotline.speech_turns import DAY_MS, conversations, monday, read_calls, week_of

if TYPE_CHECKING:
    from hotline.knowledge_gaps import Gap, Ranked, Report, Topic
    from hotline.knowledge_store import ReportedError
    from hotline.speech_turns import SpeechCall

MOST_WEEKS, MOST_TOP = 104, 1000
_WEEK_MS = 7 * DAY_MS
_COLUMNS = (
    "week", "complete", "line", "rank", "calls", "reports", "week_before", "grew", "wording", "reasons", "nearest",
    "nearest_score", "nearest_state", "draft", "call_ids",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of a city: its calls, the errors that are open, and its base."""

    city: str
    calls: list[SpeechCall]
    errors: list[ReportedError]
    base: KnowledgeBase


def _gaps(args: argparse.Namespace) -> int:
    from hotline.knowledge_gaps import gaps_of, report, reported

    no_words(args)
    for option, value, most in (("--weeks", args.weeks, MOST_WEEKS), ("--top", args.top, MOST_TOP)):
        if not 1 <= value <= most:
            raise OwnersFault(f"{option} {value}: is out of range: write 1 to {most}")
    if args.csv is not None:
        writable("--csv", args.csv, [".csv"])
    if args.drafts is not None:
        writable("--drafts", args.drafts, [".toml", ".csv"])
    now = instant_of(args.at)
    starts = [monday(now) - _WEEK_MS * number for number in range(args.weeks, -1, -1)]
    seen = read_city(args, starts[0], now)
    found = conversations(seen.calls, until=now, now=now)
    gaps, nothing = gaps_of(found)
    gaps += reported(seen.errors, seen.base, found)
    if args.line is not None:
        gaps = [gap for gap in gaps if gap.line == args.line]
    made = report(gaps, seen.base, [week_of(start) for start in starts], top=args.top, nothing=nothing)
    running = week_of(now)
    if args.csv is not None:
        args.csv.write_text(_csv(made, running), "utf-8-sig", newline="")
    if args.drafts is not None:
        from hotline.knowledge_files import write

        drafts = tuple(topic.draft for topic in made.topics if topic.draft is not None)
        write(args.drafts, KnowledgeBase(drafts))
    if args.json:
        print_document(_document(seen.city, made, running))
    else:
        _show(made, running)
    return DONE


def _document(city: str, made: Report, running: str) -> dict[str, Any]:
    rows = []
    for row, rank in _with_ranks(made.rows):
        rows.append(
            {
                "week": row.week,
                "complete": row.week != running,
                "line": row.line,
                "rank": rank,
                "calls": row.calls,
                "reports": row.reports,
                "week_before": row.before,
                "grew": row.calls + row.reports - row.before,
                "wording": made.topics[row.topic].shown,
                "reasons": _reasons(row),
                **_about(made.topics[row.topic]),
                "behind": [_behind(gap) for gap in row.gaps],
            }
        )
    return {"city": city, "gaps": rows, "said_nothing": made.said_nothing, "left_out": made.left_out}


def _about(topic: Topic) -> dict[str, Any]:
    from hotline.knowledge_files import as_toml

    near = topic.nearest
    return {
        "wordings": list(topic.wordings),
        "nearest": None
        if near is None
        else {
            "id": near.entry.id,
            "question": near.entry.title,
            "state": near.entry.state.value,
            "score": round(near.score, 4),
        },
        "draft": None if topic.draft is None else as_toml(KnowledgeBase((topic.draft,))),
    }


def _behind(gap: Gap) -> dict[str, Any]:
    return {
        "call": gap.call,
        "at": shown_time(gap.at),
        "caller": mask_number("".join(sign for sign in gap.caller if sign.isprintable())),
        "reason": gap.reason,
        "entry": gap.entry,
        "wording": gap.wording,
    }


def _reasons(row: Ranked) -> dict[str, int]:
    reasons = [gap.reason for gap in row.gaps]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _with_ranks(rows: Sequence[Ranked]) -> list[tuple[Ranked, int]]:
    """Each with its place in its week and line, the first is 1."""
    found: list[tuple[Ranked, int]] = []
    for row in rows:
        same = bool(found) and (found[-1][0].week, found[-1][0].line) == (row.week, row.line)
        found.append((row, found[-1][1] + 1 if same else 1))
    return found


def _csv(made: Report, running: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row, rank in _with_ranks(made.rows):
        topic = made.topics[row.topic]
        near = topic.nearest
        calls = list(dict.fromkeys(gap.call for gap in row.gaps if gap.call is not None))
        reasons = " ".join(f"{reason.replace(' ', '-')}={count}" for reason, count in _reasons(row).items())
        writer.writerow(
            _inert(value)
            for value in (
                row.week, row.week != running, row.line, rank, row.calls, row.reports, row.before,
                row.calls + row.reports - row.before, topic.shown, reasons, near.entry.id if near else "",
                f"{near.score:.2f}" if near else "", near.entry.state.value if near else "",
                topic.draft.id if topic.draft else "", " ".join(calls),
            )
        )  # fmt: skip
    return text.getvalue()


def _inert(value: object) -> object:
    """A spreadsheet takes a text that begins with one of these for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value not in {"", "-"} else value


def _show(made: Report, running: str) -> None:
    from rich.table import Table
    from rich.text import Text

    page = console()
    week = ""
    table: Table | None = None
    for row, _ in _with_ranks(made.rows):
        if row.week != week:
            if table is not None:
                page.print(table)
            week = row.week
            table = Table(title=f"{week}{' (not over)' if week == running else ''}", title_justify="left")
            for column in ("line", "calls", "before", "question", "why", "nearest entry", "draft"):
                table.add_column(column, overflow="fold")
        assert table is not None
        topic = made.topics[row.topic]
        near = topic.nearest
        why = ", ".join(f"{reason} {count}" for reason, count in _reasons(row).items())
        cells = [row.line, str(row.calls + row.reports), str(row.before), topic.shown, why]
        cells.append(f"{near.score:.2f} {near.entry.id} ({near.entry.state.value})" if near else "")
        cells.append(topic.draft.id if topic.draft else "")
        table.add_row(*(Text(cell) for cell in cells))
    if table is not None:
        page.print(table)
    page.print(f"{len(made.rows)} gaps, {len(made.topics)} questions", highlight=False)
    if made.said_nothing:
        page.print(f"{made.said_nothing} turns without a question in them are not counted", highlight=False)
    if made.left_out:
        page.print(
            f"{made.left_out} wordings that were asked least are left out: take fewer weeks", highlight=False
        )


def read_city(args: argparse.Namespace, start: int, end: int) -> Seen:
    """The calls that came in from ``start`` up to ``end``, and what is reported."""
    from hotline.city import City
    from hotline.knowledge_store import KnowledgeStore
    from hotline.records import RecordStore

    city, where = City.load(args.city).name, records_there(args)
    base = base_of(args)

    async def run() -> Seen:
        store = RecordStore(where)
        try:
            calls = await read_calls(store, city, start, end)
            return Seen(city, calls, await KnowledgeStore(store, city).errors(), base)
        finally:
            await store.close()

    return asyncio.run(run())


def no_words(args: argparse.Namespace) -> None:
    if args.rest:
        raise OwnersFault(
            f"knowledge {args.do}: takes no word: {str(args.rest[0])[:40]!r} is one too many, leave it out"
        )


DO: dict[str, Callable[[argparse.Namespace], int]] = {"gaps": _gaps}
