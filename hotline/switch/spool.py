"""Reads what the fallback wrote while the engine was gone (``dialplans/extensions.py`` writes it).

One line for each step of a call, ``word key=value ...``; ``at`` is in ms since 1970, ``cause`` is
Q.850's, every other value is base64 of the text and one blank (so that nothing a caller sends can break a
line)::

    enter at=1795227916422 call=... trunk=... called=... caller=... diversion=... history=... queue=...
    seat at=1795227916628 call=... seat=...        a seat's phone (or the far end of a trunk) answered
    end at=1795227917139 call=... cause=16         the caller's channel is gone
    back at=1795227917139 call=...                 an engine fetched the caller back: the call is its own
    again
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from acd.messages import CallSurvived

_PLAIN = frozenset({"at", "cause"})


@dataclass(frozen=True, slots=True)
class Spool:
    """What the lines told.

    ``over``: calls that ended in the fallback, in the order of their ends. ``on``: calls that are still
    there. ``unread``: lines that make no sense, to be logged.
    """

    over: tuple[CallSurvived, ...]
    on: tuple[CallSurvived, ...]
    unread: tuple[str, ...]


def read_spool(lines: Iterable[str]) -> Spool:
    """The calls that these lines tell of; the last line may be half written, and nothing in them raises."""
    on: dict[str, CallSurvived] = {}
    over: list[CallSurvived] = []
    unread: list[str] = []
    for line in lines:
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        try:
            told = _values(rest)
            call, at = told["call"], int(told["at"])
            if word == "enter":
                on[call] = _entered(call, at, told)
            elif word == "seat":
                seat = told["seat"] if told["seat"].isdecimal() else None
                on[call] = msgspec.structs.replace(on[call], answered=at, seat=seat)
            elif word == "end":
                over.append(msgspec.structs.replace(on.pop(call), ended=at, cause=int(told["cause"] or 0)))
            elif word == "back":
                del on[call]
            else:
                unread.append(line)
        except (KeyError, ValueError, binascii.Error):
            unread.append(line)
    return Spool(tuple(over), tuple(on.values()), tuple(unread))


def call_of(line: str) -> str | None:
    """The call that a line tells of; ``None`` for a line that makes no sense."""
    try:
        return _values(line.strip().partition(" ")[2]).get("call")
    except (ValueError, binascii.Error):
        return None


def _entered(call: str, at: int, told: dict[str, str]) -> CallSurvived:
    diverted = [("Diversion", told["diversion"]), ("History-Info", told["history"])]
    return CallSurvived(
        call=call,
        trunk=told["trunk"],
        called=told["called"],
        caller=told["caller"],
        arrived=at,
        diverted=tuple(f"{name}: {value}" for name, value in diverted if value),
    )


def _values(text: str) -> dict[str, str]:
    told = {}
    for part in text.split():
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(part)
        if key not in _PLAIN:
            # A carrier's bytes need not be UTF-8.
            text_of = base64.b64decode(value, validate=True).decode("utf-8", "replace").removesuffix(" ")
            told[key] = text_of
        else:
            told[key] = value
    return told
