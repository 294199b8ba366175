"""``hotline ear``: what is said at the seats of a hotline that runs, as a console would show it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotline.cli_terms import NO

if TYPE_CHECKING:
    from acd.messages import EarAsked


UNUSABLE = 2


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
    from acd.messages import EarAsked
    from hotline.city import City
    from hotline.control import FILE, ControlFault
    from hotline.running import home_of

    if not (args.seat or args.by):
        raise ControlFault("ear: neither --seat N nor --by AGENT is given: give one")
    path = home_of(City.load(args.city), args.home) / FILE
    return asyncio.run(_show(path, EarAsked(args.seat, args.by), as_json=args.json))


async def _show(path: Path, asked: EarAsked, *, as_json: bool) -> int:
    """Until the hotline ends: 1, as for a refusal."""
    import msgspec

    from hotline.ear_reading import lines, reading

    async with contextlib.aclosing(reading(path, asked)) as told:
        async for one in told:
            if isinstance(one, dict):
                if not one.get("done"):
                    _out(_refusal(one, as_json=as_json))
                    return UNUSABLE if "fault" in one else NO
            elif as_json:
                _out(msgspec.json.encode(one).decode())
            else:
                for line in lines(one):
                    _out(line)
    return NO


def _refusal(answer: dict[str, Any], *, as_json: bool) -> str:
    import msgspec

    if as_json:
        return msgspec.json.encode(answer).decode()
    return str(answer.get("fault") or f"refused: {', '.join(answer.get('said', ()))}")


def _out(text: str) -> None:
    print(text, flush=True)  # noqa: T201
