"""``hotline sms``: put an SMS in the outbox, see what became of others, and who wants none."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline.cli_terms import DONE, NO, console, print_document
from hotline.logs import OwnersFault, mask_number

if TYPE_CHECKING:
    from hotline.sms import Message, Policy
    from hotline.sms_outbox import Outbox

STATES = ("queued", "sending", "sent", "delivered", "failed", "refused", "expired")


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    sms = add("sms", _sms, "SMS to callers: send one, list them, opt a number out, try failed ones again.")
    sms.add_argument("city", metavar="CITY", help="a built-in city's name or a TOML file")
    sms.add_argument("what", choices=["send", "list", "opt-out", "opt-in", "retry"])
    sms.add_argument(
        "words", nargs="*", metavar="WORD", help="send NUMBER TEXT; opt-out NUMBER; retry [ID ...]"
    )
    sms.add_argument("--key", default="", metavar="KEY", help="sent once, however often it is asked for")
    sms.add_argument("--later", action="store_true", help="not in the quiet hours")
    sms.add_argument("--state", choices=STATES, help="of list: only these")
    sms.add_argument("--number", metavar="N", help="of list: only to this number")
    sms.add_argument("--limit", type=int, default=100, metavar="N", help="of list: so many of the newest")
    sms.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")
    sms.add_argument("--records", metavar="URL", help="an SQLite file or postgresql://...")


def _sms(args: argparse.Namespace) -> int:
    from hotline.city import City
    from hotline.city_sms import policy
    from hotline.records import RecordsFault, RecordStore
    from hotline.running import home_of
    from hotline.sms_outbox import Outbox

    city = City.load(args.city)
    if city.file.sms is None:
        raise OwnersFault(f"{city.name}.toml: sms: the city sends no SMS: write [sms], see docs/sms.md")
    allowed = policy(city.file.sms)
    records = args.records or home_of(city, args.home) / "records.sqlite"
    if "://" not in str(records) and not Path(records).exists():
        raise RecordsFault(f"records {records}: is not there: give --home or --records of this hotline")

    async def work() -> int:
        store = RecordStore(records)
        try:
            status: int = await _WHAT[args.what](args, Outbox(store, city.name), allowed)
            return status
        finally:
            await store.close()

    return asyncio.run(work())


async def _send(args: argparse.Namespace, outbox: Outbox, policy: Policy) -> int:
    from hotline.sms import SendSms, State

    if len(args.words) != 2:
        raise OwnersFault("sms send: wants a number and a text: write sms CITY send NUMBER 'TEXT'")
    asked = SendSms(args.words[0], args.words[1], args.key, urgent=not args.later)
    made = await outbox.add(asked, policy, _now())
    _tell(args, _document(made), f"{made.id}: {made.state}{': ' if made.reason else ''}{made.reason}")
    return NO if made.state is State.REFUSED else DONE


async def _list(args: argparse.Namespace, outbox: Outbox, _policy: Policy) -> int:
    from hotline.sms import State, mobile

    if args.words:
        raise OwnersFault("sms list: takes no word: write --state or --number")
    state = State(args.state) if args.state else None
    number = None if args.number is None else mobile(args.number) or args.number
    found = await outbox.read(state=state, number=number, limit=args.limit)
    if args.json:
        print_document([_document(message) for message in found])
    else:
        _show(found)
    return DONE


async def _opt_out(args: argparse.Namespace, outbox: Outbox, _policy: Policy) -> int:
    number = _number(args)
    await outbox.opt_out(number, "command", _now())
    _tell(args, {"opted_out": True}, f"{mask_number(number)}: gets no SMS any more")
    return DONE


async def _opt_in(args: argparse.Namespace, outbox: Outbox, _policy: Policy) -> int:
    number = _number(args)
    done = await outbox.opt_in(number)
    said = "gets SMS again" if done else "had not opted out"
    _tell(args, {"opted_out": False, "changed": done}, f"{mask_number(number)}: {said}")
    return DONE if done else NO


async def _retry(args: argparse.Namespace, outbox: Outbox, policy: Policy) -> int:
    count = await outbox.retry(args.words, policy, _now())
    _tell(args, {"queued": count}, f"{count} queued again")
    return DONE if count or not args.words else NO


_WHAT: dict[str, Callable[..., Any]] = {
    "send": _send, "list": _list, "opt-out": _opt_out, "opt-in": _opt_in, "retry": _retry
}  # fmt: skip


def _number(args: argparse.Namespace) -> str:
    from hotline.sms import mobile

    number = mobile(args.words[0]) if len(args.words) == 1 else None
    if number is None:
        raise OwnersFault(f"sms {args.what}: wants one mobile number: write 11 digits, the first 1")
    return number


def _now() -> int:
    return time.time_ns() // 1_000_000


def _tell(args: argparse.Namespace, document: dict[str, Any], said: str) -> None:
    if args.json:
        print_document(document)
    else:
        console().print(said, soft_wrap=True, markup=False, highlight=False)


def _document(message: Message) -> dict[str, Any]:
    """An SMS for ``--json``: the number masked, the text left out, instants in ISO 8601."""
    from hotline.audit import shown_time

    return {
        "id": message.id, "state": message.state.value, "why": message.reason, "number": mask_number(message.number),
        "call": message.call or None, "urgent": message.urgent, "parts": message.parts, "tries": message.tries,
        "created": shown_time(message.created), "expires": shown_time(message.expires),
        "changed": shown_time(message.changed),
    }  # fmt: skip


def _show(found: Sequence[Message]) -> None:
    from rich.table import Table

    from hotline.audit import shown_time

    table = Table()
    for column in ("created", "id", "number", "state", "parts", "tries", "why"):
        table.add_column(column)
    for message in found:
        table.add_row(
            shown_time(message.created)[:19], message.id, mask_number(message.number), message.state.value,
            str(message.parts), str(message.tries), message.reason,
        )  # fmt: skip
    console().print(table)
