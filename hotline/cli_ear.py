"""``hotline ear``: what is said at the seats of a hotline that runs, as a console would show it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from acd.messages import EarAsked
from dialplans.hours import SHANGHAI
from hotline.control import FILE, WORD_S, ControlFault
from hotline.ear import Begun, Ended, Published, Said

_SIDES = {"caller": "市民", "seat": "座席"}
_decoder: msgspec.json.Decoder[Published] = msgspec.json.Decoder(Published)


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Make the command known. ``add(name, command, about)`` is `hotline.cli`'s."""
    ear = add("ear", _ear, "What is said at the seats as it is said, with entries that may help.")
    ear.add_argument("city", metavar="CITY", help="a built-in city's name or a TOML file")
    ear.add_argument("--seat", default="", metavar="N", help="only there; without --by as that seat's screen")
    ear.add_argument(
        "--by", default="", metavar="AGENT", help="whose rights hold: own talks, others' by the right listen"
    )
    ear.add_argument("--home", type=Path, metavar="DIR", help="that of the hotline")


def _ear(args: argparse.Namespace) -> int:
    from hotline.city import City
    from hotline.running import home_of

    if not (args.seat or args.by):
        raise ControlFault("ear: neither --seat N nor --by AGENT is given: give one")
    path = home_of(City.load(args.city), args.home) / FILE
    return asyncio.run(_show(path, EarAsked(args.seat, args.by), as_json=args.json))


async def _show(path: Path, asked: EarAsked, *, as_json: bool) -> int:
    """Until the hotline ends: 1, as for a refusal."""
    async with contextlib.aclosing(reading(path, asked)) as told:
        async for one in told:
            if isinstance(one, dict):
                if not one.get("done"):
                    _out(_refusal(one, as_json=as_json))
                    return 2 if "fault" in one else 1
            elif as_json:
                _out(msgspec.json.encode(one).decode())
            else:
                for line in lines(one):
                    _out(line)
    return 1


async def reading(path: Path, asked: EarAsked) -> AsyncGenerator[dict[str, Any] | Published, None]:
    """The answer at the door at ``path``, then all that is published to who asked so. Raises `ControlFault`."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
    except OSError as why:
        raise ControlFault(
            f"{path}: nobody answers ({why.strerror}); start hotline run, or give its --home"
        ) from None
    try:
        writer.write(msgspec.json.encode(asked) + b"\n")
        try:
            answer = await asyncio.wait_for(reader.readline(), WORD_S + 1)
        except (TimeoutError, ConnectionError):
            answer = b""
        if not answer:
            raise ControlFault(f"{path}: no answer; look at the log of hotline run")
        document: dict[str, Any] = msgspec.json.decode(answer)
        yield document
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                yield _decoder.decode(line)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def lines(told: Published) -> list[str]:
    """What is shown of it: a line a sentence, below a caller's the entries that may help; nothing of what may still change."""
    clock = datetime.fromtimestamp(told.at / 1000, SHANGHAI).strftime("%H:%M:%S")
    head = f"{clock}  {told.seat} {told.agent}"
    match told:
        case Begun():
            return [f"{head}  ── 通话 {told.call}"]
        case Ended():
            return [f"{head}  ── 结束 {told.call}"]
        case Said(final=True):
            found = [
                f"{'':10}→ {one.question}（{one.entry}，{one.score:.2f}）{one.answer}"
                for one in told.suggestions
            ]
            return [f"{head}  {_SIDES[told.who]}：{told.text}", *found]
    return []


def _refusal(answer: dict[str, Any], *, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode(answer).decode()
    return str(answer.get("fault") or f"refused: {', '.join(answer.get('said', ()))}")


def _out(text: str) -> None:
    print(text, flush=True)  # noqa: T201
