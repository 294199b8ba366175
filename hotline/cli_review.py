"""``hotline knowledge CITY report | mend | review | publish | expire | draft | delete``: who provides an entry maintains it."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from asr.knowledge import State
from hotline.cli_knowledge import instant_of, records_of, with_store
from hotline.cli_terms import DONE, console, print_document
from hotline.logs import OwnersFault

if TYPE_CHECKING:
    from asr.knowledge import Entry

_STATES = {
    "review": State.REVIEWED,
    "publish": State.PUBLISHED,
    "expire": State.EXPIRED,
    "draft": State.DRAFT,
}


def _report(args: argparse.Namespace) -> int:
    from hotline.audit import shown_time

    if len(args.rest) < 2:
        raise OwnersFault(
            "knowledge report: ID and TEXT are wanted: write report gjj.rent 'the limit is out of date'"
        )
    identity, text = args.rest[0], " ".join(args.rest[1:])

    records_there(args)
    made = with_store(
        args, lambda store: store.report(identity, text, who=_who(args), at=instant_of(None), call=args.call)
    )
    document = {"number": made.number, "at": shown_time(made.at), "who": made.who, "id": made.id}
    _tell(args, {**document, "call": made.call, "text": made.text}, f"{made.number}: {made.id}: noted")
    return DONE


def _mend(args: argparse.Namespace) -> int:
    word = _one(args, "NUMBER")
    if not (word.isascii() and word.isdecimal() and len(word) < 16):
        raise OwnersFault(f"knowledge mend {word}: is no error's number: write one that `errors` shows")
    number = int(word)
    records_there(args)
    mended = with_store(args, lambda store: store.mend(number, who=_who(args), at=instant_of(None)))
    if not mended:
        raise OwnersFault(
            f"knowledge mend {number}: no open error has this number: write one that `errors` shows"
        )
    _tell(args, {"number": number, "mended": True}, f"{number}: mended")
    return DONE


def _move(args: argparse.Namespace) -> int:
    identity, state = _one(args, "ID"), _STATES[args.do]
    if args.reviewer is not None and state is not State.REVIEWED:
        raise OwnersFault(f"knowledge {args.do}: takes no --reviewer: leave it out")

    def how(entry: Entry) -> Entry:
        moved = entry.moved(state, reviewer=_reviewer(args))
        if state in {State.REVIEWED, State.PUBLISHED}:
            _written(moved)
        return moved

    records_there(args)
    moved = with_store(args, lambda store: store.alter(identity, how, who=_who(args), at=instant_of(None)))
    document = {"id": moved.id, "state": moved.state.value, "reviewer": moved.reviewer}
    signed = f", signed by {moved.reviewer}" if moved.reviewer else ""
    _tell(args, document, f"{moved.id}: {moved.state.value}{signed}")
    return DONE


def _delete(args: argparse.Namespace) -> int:
    identity = _one(args, "ID")

    records_there(args)
    with_store(args, lambda store: store.take_away(identity, who=_who(args), at=instant_of(None)))
    _tell(args, {"id": identity, "deleted": True}, f"{identity}: deleted, its history stays")
    return DONE


def _written(entry: Entry) -> None:
    from hotline.knowledge_gaps import PLACEHOLDER

    if entry.answer.startswith(PLACEHOLDER):
        raise OwnersFault(
            f"{entry.id}.answer: nobody has written it yet: write it, and import the entry as a draft first"
        )


def records_there(args: argparse.Namespace) -> str:
    """Where the city's records are. Raises `OwnersFault` where there are none: a command that only looks makes no database."""
    where = records_of(args)
    if "://" not in where and not Path(where).exists():
        raise OwnersFault(f"records {where}: is not there: give --home or --records of this hotline")
    return where


def _one(args: argparse.Namespace, what: str) -> str:
    if len(args.rest) != 1:
        raise OwnersFault(f"knowledge {args.do}: one {what} is wanted: write it at the end")
    return str(args.rest[0])


def _who(args: argparse.Namespace) -> str:
    return args.by or getpass.getuser()


def _reviewer(args: argparse.Namespace) -> str | None:
    return (args.reviewer or "").strip() or None


def _tell(args: argparse.Namespace, document: Mapping[str, object], said: str) -> None:
    if args.json:
        print_document(document)
    else:
        console().print(said, markup=False, highlight=False)


DO: dict[str, Callable[[argparse.Namespace], int]] = {
    "report": _report,
    "mend": _mend,
    "delete": _delete,
    **dict.fromkeys(_STATES, _move),
}
