"""``hotline knowledge``: ask the voice knowledge base, list it, check it, and carry it in and out of files."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hotline.cli_terms import DONE, NO, console, print_document, tell
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from asr.knowledge import KnowledgeBase
    from asr.matching import Match
    from hotline.knowledge_store import KnowledgeStore

_T = TypeVar("_T")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Put ``knowledge`` among the commands."""
    knowledge = add(
        "knowledge", _knowledge, "The voice knowledge base: ask it, list it, check it, change it."
    )
    knowledge.add_argument(
        "--base", type=Path, metavar="FILE", help="this .toml or .csv in place of the database"
    )
    knowledge.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    knowledge.add_argument("--records", metavar="URL", help="an SQLite file or postgresql://...")
    knowledge.add_argument("--at", metavar="TIME", help="ISO 8601: what may be spoken then; default now")
    knowledge.add_argument(
        "--line", metavar="N", help="the number that the caller dialled; only its entries in a list"
    )
    knowledge.add_argument(
        "--by", metavar="NAME", help="who changes it, for the history; default: who is signed on"
    )
    knowledge.add_argument(
        "words",
        nargs="+",
        metavar="[CITY] ACTION [WHAT]",
        help="whose base (none: --base, or the starting base); ask TEXT, list, check, import FILE, export FILE, "
        "history [ID], errors; gaps, figures; report ID TEXT, mend NUMBER, review ID, publish ID, expire ID, "
        "draft ID, delete ID",
    )
    knowledge.add_argument("--weeks", type=int, default=4, metavar="N", help="of gaps: so many, this one too")
    knowledge.add_argument("--top", type=int, default=10, metavar="N", help="of gaps: by week and line")
    knowledge.add_argument("--csv", type=Path, metavar="FILE", help="of gaps: write them there, too")
    knowledge.add_argument(
        "--drafts", type=Path, metavar="FILE", help="of gaps: drafts of entries, .toml or .csv"
    )
    knowledge.add_argument("--from", dest="since", metavar="DATE", help="of figures: the first day")
    knowledge.add_argument(
        "--to", dest="until", metavar="DATE", help="of figures: the last day; default today"
    )
    knowledge.add_argument(
        "--scenario", action="store_true", help="of figures: as text for a scenario's file"
    )
    knowledge.add_argument("--reviewer", metavar="NAME", help="of review: who signs for it")
    knowledge.add_argument("--call", metavar="ID", help="of report: in which call it was spoken")


def _knowledge(args: argparse.Namespace) -> int:
    words = list(args.words)
    args.city = None if words[0] in _DO else words.pop(0)
    if not words or words[0] not in _DO:
        raise OwnersFault(
            f"knowledge {' '.join(args.words)}: no action: write one of {', '.join(sorted(_DO))}"
        )
    do = words.pop(0)
    args.do, args.rest = do, words
    args.what = " ".join(words) or None
    if do in {"ask", "import", "export"} and not args.what:
        named = {"ask": "TEXT", "import": "FILE", "export": "FILE"}[do]
        raise OwnersFault(f"knowledge {do}: {named} is missing: write it at the end")
    if do in {"import", "history", "errors", *_OF_A_CITY} and args.city is None:
        raise OwnersFault(f"knowledge {do}: whose is missing: write CITY before {do}")
    return _DO[do](args)


def _ask(args: argparse.Namespace) -> int:
    from asr.matching import Decision, NgramMatcher, asked_back

    base = base_of(args).at(instant_of(args.at))
    match = NgramMatcher(base).match(args.what, line=args.line)
    best = base.by_id[match.best.entry] if match.best else None
    if args.json:
        spoken = None
        if best is not None and match.decision is not Decision.PASS_ON:
            spoken = best.answer if match.decision is Decision.ANSWER else asked_back(best.title)
        print_document({**_document(match), "spoken": spoken})
    else:
        page = console()
        page.print(f"{match.decision.value}: {match.because}", markup=False, highlight=False)
        if best is not None and match.decision is Decision.ANSWER:
            page.print(f"{best.id} ({best.line}, {best.owner}): {best.answer}", markup=False, highlight=False)
        elif best is not None and match.decision is Decision.ASK_BACK:
            page.print(f"{best.id}: {asked_back(best.title)}", markup=False, highlight=False)
        for other in match.candidates[1:3]:
            page.print(f"  {other.score:.2f} {other.entry}: {other.because}", markup=False, highlight=False)
    return NO if match.decision is Decision.PASS_ON else DONE


def _list(args: argparse.Namespace) -> int:
    from hotline.knowledge_files import as_document

    entries = [entry for entry in base_of(args) if args.line in {None, entry.line}]
    if args.json:
        print_document([as_document(entry) for entry in entries])
        return DONE
    from rich.table import Table

    table = Table(title=f"{len(entries)} entries")
    for column in ("id", "question", "variants", "line", "owner", "state", "from", "to"):
        table.add_column(column)
    for entry in entries:
        days = (str(day) if day else "" for day in (entry.valid_from, entry.valid_to))
        table.add_row(
            entry.id,
            entry.title,
            str(len(entry.questions)),
            entry.line,
            entry.owner,
            entry.state.value,
            *days,
        )
    console().print(table)
    return DONE


def _check(args: argparse.Namespace) -> int:
    """0: sound, and every variant finds its own entry; 1: not."""
    from asr.matching import Decision, NgramMatcher
    from hotline.knowledge_files import KnowledgeFault

    faults: list[str] = []
    spoken = entries = 0
    try:
        base = base_of(args)
    except KnowledgeFault as fault:
        faults += fault.faults
    else:
        now = base.at(instant_of(args.at))
        entries, spoken = len(base), len(now)
        matcher = NgramMatcher(now)
        for entry in now:
            for question in entry.questions:
                match = matcher.match(question)
                if match.decision is Decision.ANSWER and match.best and match.best.entry != entry.id:
                    faults.append(
                        f"entries.{entry.id}.questions: {question!r} is answered by {match.best.entry}: "
                        "keep it in one of the two, or word it more plainly"
                    )
    if args.json:
        print_document({"sound": not faults, "entries": entries, "spoken": spoken, "faults": faults})
    else:
        for line in faults:
            tell(line)
        if not faults:
            console().print(f"sound: {entries} entries, {spoken} of them may be spoken", highlight=False)
    return NO if faults else DONE


def _export(args: argparse.Namespace) -> int:
    from hotline.knowledge_files import write

    base = base_of(args)
    write(Path(args.what), base)
    if args.json:
        print_document({"file": args.what, "entries": len(base)})
    else:
        console().print(f"{len(base)} entries in {args.what}", highlight=False)
    return DONE


def _import(args: argparse.Namespace) -> int:
    from hotline.knowledge_files import read

    given, by = read(Path(args.what)), args.by or getpass.getuser()
    changed = with_store(args, lambda store: store.put(given, who=by, at=instant_of(None)))
    if args.json:
        print_document({"entries": len(given), "changed": changed})
    else:
        console().print(f"{len(given)} entries read, {changed} new or changed", highlight=False)
    return DONE


def _history(args: argparse.Namespace) -> int:
    from hotline.knowledge_files import as_document

    found = with_store(args, lambda store: store.history(args.what))
    rows = [
        {
            "number": change.number,
            "at": _shown(change.at),
            "who": change.who,
            "id": change.id,
            "entry": as_document(change.entry) if change.entry else None,
        }
        for change in found
    ]
    if args.json:
        print_document(rows)
    else:
        for change in found:
            became = change.entry.state.value if change.entry else "taken away"
            console().print(f"{_shown(change.at)} {change.who}: {change.id} {became}", highlight=False)
    return DONE


def _errors(args: argparse.Namespace) -> int:
    """1 when there are errors that nobody has mended."""
    found = with_store(args, lambda store: store.errors())
    rows = [
        {
            "number": one.number,
            "at": _shown(one.at),
            "who": one.who,
            "id": one.id,
            "call": one.call,
            "text": one.text,
        }
        for one in found
    ]
    if args.json:
        print_document(rows)
    else:
        for one in found:
            console().print(
                f"{one.number}: {_shown(one.at)} {one.who}: {one.id}: {one.text}",
                highlight=False,
                markup=False,
            )
    return NO if found else DONE


def _grown(args: argparse.Namespace) -> int:
    from hotline import cli_figures, cli_gaps, cli_review

    do: Callable[[argparse.Namespace], int] = (cli_gaps.DO | cli_figures.DO | cli_review.DO)[args.do]
    return do(args)


_OF_A_CITY = ("delete", "draft", "expire", "figures", "gaps", "mend", "publish", "report", "review")
_DO: dict[str, Callable[[argparse.Namespace], int]] = {
    **dict.fromkeys(_OF_A_CITY, _grown),
    "ask": _ask,
    "check": _check,
    "errors": _errors,
    "export": _export,
    "history": _history,
    "import": _import,
    "list": _list,
}


def base_of(args: argparse.Namespace) -> KnowledgeBase:
    """The file's, the city's as it stands in the database, else the one that comes with the program."""
    from hotline.knowledge_files import read, starting_base

    if args.base is not None:
        return read(args.base)
    if args.city is None:
        return starting_base()
    where = records_of(args)
    if "://" not in where and not Path(where).exists():
        return starting_base()
    found = with_store(args, lambda store: store.base())
    return found if len(found) else starting_base()


def records_of(args: argparse.Namespace) -> str:
    """Where the city's records are: a path or a URL."""
    from hotline.city import City
    from hotline.running import home_of

    return args.records or str(home_of(City.load(args.city), args.home) / "records.sqlite")


def with_store(args: argparse.Namespace, work: Callable[[KnowledgeStore], Awaitable[_T]]) -> _T:
    """Do this with the city's base in the database."""
    from hotline.city import City
    from hotline.knowledge_store import KnowledgeStore
    from hotline.records import RecordStore

    city = City.load(args.city)

    async def run() -> _T:
        records = RecordStore(records_of(args))
        try:
            return await work(KnowledgeStore(records, city.name))
        finally:
            await records.close()

    return asyncio.run(run())


def _document(match: Match) -> dict[str, Any]:
    return {
        "heard": match.heard,
        "decision": match.decision.value,
        "because": match.because,
        "candidates": [
            {
                "entry": one.entry,
                "score": round(one.score, 4),
                "question": one.question,
                "because": one.because,
            }
            for one in match.candidates
        ],
    }


def instant_of(text: str | None) -> int:
    """``--at`` as milliseconds since 1970, now where there is none."""
    from datetime import datetime

    from dialplans.hours import instant

    if text is None:
        return time.time_ns() // 1_000_000
    try:
        return instant(datetime.fromisoformat(text))
    except ValueError:
        raise OwnersFault(f"--at {text}: is no time: write 2026-02-01 or 2026-02-01T08:30") from None


def _shown(at: int) -> str:
    from datetime import datetime

    from asr.knowledge import CHINA

    return datetime.fromtimestamp(at / 1000, CHINA).isoformat(timespec="seconds")
