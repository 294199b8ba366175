"""What ``hotline trace`` tells: the number plan's own decision, as data and in sentences.

There is no second rule here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dialplans.decision import Choice, Decision, Wait
from dialplans.hours import clock, local
from dialplans.number import Number
from hotline.city import City


@dataclass(frozen=True, slots=True)
class Trace:
    """One traced call: ``document`` is the JSON of ``trace --json``, ``sentences`` the same for people."""

    document: dict[str, Any]
    sentences: tuple[str, ...]


def trace(
    city: City,
    number: str,
    diverted: Sequence[str] = (),
    *,
    at_ms: int,
    press: str = "",
    trunk: str | None = None,
) -> Trace:
    """What a caller meets who calls ``number`` at an instant (ms since 1970).

    ``diverted``: numbers that the call went through before, the one first dialled first, or raw header
    lines as a carrier sends them (``Diversion: <sip:12315@...>``). ``press``: the keys that the caller
    presses. ``trunk``: the trunk on which the call comes in, the first carrier's by default. Raises
    `NumberFault` for a number that nobody can dial.
    """
    called = Number.read(number, city.area)
    headers = _headers(diverted, city.area)
    decision = city.plan.route(number, headers, trunk or _carrier(city), at_ms)
    choice, pressed = _pressed(decision, press)
    wait = choice.wait if choice else decision.wait
    dialled = decision.dialled or called
    document: dict[str, Any] = {
        "city": city.name,
        "dialled": dialled.shown(city.area),
        "at": local(at_ms).isoformat(timespec="seconds"),
        "line": _line(decision),
        "answered_by": str(decision.answered_by),
        "notices": list(decision.notices),
        "queue": None,
        "skills": None,
        "trunk": decision.passes[0].trunk if decision.passes else None,
        "because": [*decision.because, *pressed],
        "passes": [{"trunk": way.trunk, "number": way.number} for way in decision.passes] or None,
        "overflow": None,
        "menu": [{"key": key.key, "title": key.title} for key in decision.menu] or None,
        "farewell": list(decision.farewell) or None,
    }
    if wait is not None:
        place = {"queue": wait.queue, "skills": dict(wait.needs[0].skills)}
        if decision.passes:
            document["overflow"] = place
        else:
            document |= place
    return Trace(document, tuple(_sentences(city, decision, wait, document, at_ms)))


def trace_all(city: City, *, at_ms: int, trunk: str | None = None) -> list[Trace]:
    """Every line of the city's file, in its order, each as if its number were dialled."""
    listed = [line for line in city.plan.lines if line.listed]
    return [trace(city, str(line.number), at_ms=at_ms, trunk=trunk) for line in listed]


def _headers(diverted: Sequence[str], area: str) -> list[str]:
    """Raw header lines as they stand; plain numbers as the Diversion headers that a carrier sends."""
    raw = [text for text in diverted if text.lower().startswith(("diversion:", "history-info:"))]
    plain = [Number.read(text, area) for text in diverted if text not in raw]
    # RFC 5806 puts the latest diversion on top.
    return [*(f"Diversion: <tel:{number}>" for number in reversed(plain)), *raw]


def _carrier(city: City) -> str:
    """The trunk of an ordinary call: the first that leads to a carrier."""
    tables = city.file.trunks
    return next((table.name for table in tables if not table.link and not table.dialled_as), tables[0].name)


def _line(decision: Decision) -> dict[str, str | None] | None:
    if decision.number is None:
        return None
    return {
        "number": decision.number,
        "name": decision.name,
        "department": decision.department,
        "treatment": decision.treatment and str(decision.treatment),
    }


def _pressed(decision: Decision, press: str) -> tuple[Choice | None, list[str]]:
    """The choice that the first key makes, and what is to be said about it."""
    if not press:
        return None, []
    if not decision.menu:
        return None, [f"Key {press[0]} means nothing here: no keys are offered."]
    choice = next((item for item in decision.menu if item.key == press[0]), None)
    if choice is None:
        return None, [f"Key {press[0]} is not on offer: the caller waits as without a key."]
    return choice, [f"Key {choice.key} leads to {choice.title}: queue {choice.wait.queue}."]


def _sentences(
    city: City, decision: Decision, wait: Wait | None, document: dict[str, Any], at_ms: int
) -> list[str]:
    """The call told from its beginning to its end."""
    told = [f"{city.title}, {clock(at_ms)}: {document['dialled']} is dialled."]
    told += document["because"]
    heard = list(decision.notices)
    if decision.wait is not None and not decision.passes:
        heard += _greeting(city, decision.wait)
    told += [f"The caller hears: “{text}”" for text in heard]
    if decision.menu:
        keys = ", ".join(f"{item.key} {item.title}" for item in decision.menu)
        told.append(f"The caller hears: “{decision.menu_prompt}” ({keys})")
    told += [
        f"Rings {way.number} over {way.trunk} for {decision.pass_ring_ms / 1000:g} s."
        for way in decision.passes
    ]
    if wait is not None:
        if decision.passes:
            told += [
                f"If nobody takes the call, the caller hears: “{text}”" for text in _greeting(city, wait)
            ]
        told += _waiting(wait)
    else:
        told += [f"If nobody takes the call, the caller hears: “{text}”" for text in decision.farewell]
        told.append("Then the call ends.")
    return told


def _greeting(city: City, wait: Wait) -> list[str]:
    return next(table.greeting for table in city.file.queues if table.name == wait.queue)


def _waiting(wait: Wait) -> list[str]:
    """Where the caller waits, and for whom, step by step."""
    told: list[str] = []
    for need in wait.needs:
        skills = " and ".join(f"{skill} at {level} or better" for skill, level in need.skills)
        after = f"After {need.after_ms / 1000:g} s also" if need.after_ms else f"Waits in queue {wait.queue}"
        told.append(f"{after} for an agent with {skills or 'any skill'}.")
    if wait.priority:
        told.append(f"Priority {wait.priority}.")
    return told
