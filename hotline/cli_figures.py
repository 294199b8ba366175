"""``hotline knowledge CITY figures``: how the speech self-service does, for people, programs and the planner."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from asr.knowledge import CHINA
from hotline.cli_gaps import no_words, read_city
from hotline.cli_knowledge import instant_of
from hotline.cli_terms import DONE, console, print_document
from hotline.logs import OwnersFault
from hotline.speech_turns import AGAIN_MS, DAY_MS, conversations, day_start

if TYPE_CHECKING:
    from hotline.speech_figures import Share, SpeechFigures
    from hotline.speech_turns import SpeechCall

USUAL_DAYS = 28
"""where no first day is given"""


def _figures(args: argparse.Namespace) -> int:
    from hotline.speech_figures import by_line, by_week, figures_of

    no_words(args)
    now = instant_of(args.at)
    last = _day("--to", args.until) or datetime.fromtimestamp(now / 1000, CHINA).date()
    first = _day("--from", args.since) or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise OwnersFault(f"--from {first}: is after --to {last}: write an earlier day")
    start, end = day_start(first), min(day_start(last) + DAY_MS, now)
    seen = read_city(args, start, min(end + AGAIN_MS + DAY_MS, now))
    if args.scenario:
        calls = [call for call in seen.calls if call.arrived < end and args.line in {None, call.line}]
        return _scenario(args, seen.city, f"{first} to {last}", calls)
    found = [
        one for one in conversations(seen.calls, until=end, now=now) if args.line in {None, one.call.line}
    ]  # fmt: skip
    total, lines, weeks = figures_of(found), by_line(found), by_week(found)
    if args.json:
        print_document(
            {
                "city": seen.city,
                "from": first.isoformat(),
                "to": last.isoformat(),
                "total": total.document(),
                "lines": {name: one.document() for name, one in lines.items()},
                "weeks": {name: one.document() for name, one in weeks.items()},
            }
        )
    else:
        _show_figures(f"{seen.city}, {first} to {last}", {"total": total, **lines, **weeks})
    return DONE


def _scenario(args: argparse.Namespace, city: str, span: str, calls: Sequence[SpeechCall]) -> int:
    from hotline.speech_figures import as_toml, inputs_of

    names = sorted({call.line for call in calls if call.line != "-"})
    lines = {name: inputs_of(call for call in calls if call.line == name) for name in names}
    everything = inputs_of(calls)
    text = as_toml(city, span, everything, lines)
    if args.json:
        seconds = [round(second, 3) for second in everything.seconds]
        document = {
            "city": city,
            "contained": everything.contained.document(),
            "self_service_seconds": seconds,
            "self_service_in_vain_seconds": [round(second, 3) for second in everything.in_vain],
        }
        print_document({**document, "toml": text})
    else:
        print(text, end="")  # noqa: T201 - as it is to stand in a file, never wrapped
    return DONE


def _show_figures(title: str, rows: dict[str, SpeechFigures]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in (
        "",
        "talks",
        "contained",
        "for good",
        "questions",
        "asked back",
        "answers",
        "wrong",
        "unclear",
        "SMS",
        "s, p95",
    ):
        table.add_column(column, no_wrap=True)
    for name, one in rows.items():
        cells = [name, str(one.conversations), _rate(one.contained), _rate(one.for_good), str(one.questions)]
        cells += [f"{_rate(one.asked_back)}, {_rate(one.confirmed)} yes", str(one.answers)]
        cells += [
            f"{_rate(one.wrong_lower)} to {_rate(one.wrong_upper)}",
            str(one.not_understood),
            str(one.sms),
        ]
        cells.append("-" if one.median_s is None else f"{one.median_s:.0f}, {one.p95_s:.0f}")
        table.add_row(*(Text(cell) for cell in cells))
    page = console()
    page.print(table)
    total = rows["total"]
    for label, share in (("lower", total.wrong_lower), ("upper", total.wrong_upper)):
        if share.interval is not None:
            low, high = share.interval
            told = (
                f"wrong answers, {label} reading: {share.count} of {share.of}, 95 %: {low:.2%} to {high:.2%}"
            )
            page.print(told, highlight=False)
    ended = ", ".join(f"{over} {count}" for over, count in total.over.items())
    page.print(f"ended: {ended or 'none'}", highlight=False, markup=False)


def _rate(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.1%}"


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OwnersFault(f"{option} {text[:40]}: is no day: write it as 2026-02-01") from None


DO: dict[str, Callable[[argparse.Namespace], int]] = {"figures": _figures}
