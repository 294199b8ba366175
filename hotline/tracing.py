"""What ``hotline trace`` tells: the number plan's own decision, as data and in sentences.

There is no second rule here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from acd import nuisance
from acd.handover import remark
from acd.lines import TARGET, WITHIN_MS
from dialplans.decision import Choice, Decision, Wait
from dialplans.hours import clock, local
from dialplans.number import Number
from hotline import city_recording, city_speech, city_waiting, cutovers, tracing_service
from hotline.city import City
from hotline.tracing_wait import waiting


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
    caller: str = "",
) -> Trace:
    """What a caller meets who calls ``number`` at an instant (ms since 1970).

    ``diverted``: numbers that the call went through before, the one first dialled first, or raw header
    lines as a carrier sends them (``Diversion: <sip:12315@...>``). ``press``: the keys that the caller
    presses. ``trunk``: the trunk on which the call comes in, the first carrier's by default. ``caller``: the number from
    which it comes, for lists of callers. Raises `NumberFault` for a number that nobody can dial.
    """
    called = Number.read(number, city.area)
    headers = _headers(diverted, city.area)
    decision = city.plan.route(number, headers, trunk or _carrier(city), at_ms, _told(diverted))
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
        "batch": _batch(city, decision, at_ms),
    }
    if wait is not None:
        place = {"queue": wait.queue, "skills": dict(wait.needs[0].skills)}
        if decision.passes:
            document["overflow"] = place
        else:
            document |= place
    waits, document["steps"] = waiting(city, decision, wait, caller, at_ms) if wait else ([], None)
    sentences = _sentences(city, decision, wait, document, at_ms, waits)
    if asked := tracing_service.surveyed(city, decision, wait):
        sentences.append(asked)
    document["survey"] = asked
    entry = tracing_service.barred(city, decision, trunk or _carrier(city), caller, at_ms)
    document["barred"] = entry.mode if entry else None
    if entry is not None and entry.mode == "last":
        sentences.append(nuisance.told(entry))
    elif entry is not None:
        sentences = [*sentences[: 1 + len(document["because"])], nuisance.told(entry), "Then the call ends."]
    return Trace(document, tuple(sentences))


def trace_all(city: City, *, at_ms: int, trunk: str | None = None) -> list[Trace]:
    """Every line of the city's file, in its order, each as if its number were dialled."""
    listed = [line for line in city.plan.lines if line.listed]
    return [trace(city, str(line.number), at_ms=at_ms, trunk=trunk) for line in listed]


def _headers(diverted: Sequence[str], area: str) -> list[str]:
    """Raw header lines as they stand; plain numbers as the Diversion headers that a carrier sends."""
    raw = [text for text in diverted if text.lower().startswith(("diversion:", "history-info:", _TOLD))]
    plain = [Number.read(text, area) for text in diverted if text not in raw]
    # RFC 5806 puts the latest diversion on top.
    return [*(f"Diversion: <tel:{number}>" for number in reversed(plain)), *raw]


_TOLD = "x-hotline-line:"


def _told(diverted: Sequence[str]) -> str:
    """The line that another centre says was dialled: a raw ``X-Hotline-Line: 12366`` among the others."""
    said = [text for text in diverted if text.lower().startswith(_TOLD)]
    return said[0][len(_TOLD) :].strip() if said else ""


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


def _batch(city: City, decision: Decision, at_ms: int) -> dict[str, Any] | None:
    """The batch with which the line is cut over."""
    line = city.plan.line(decision.dialled)
    return cutovers.document(line.batch, at_ms) if line is not None and line.batch is not None else None


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
    city: City,
    decision: Decision,
    wait: Wait | None,
    document: dict[str, Any],
    at_ms: int,
    waits: Sequence[str],
) -> list[str]:
    """The call told from its beginning to its end."""
    told = [f"{city.title}, {clock(at_ms)}: {document['dialled']} is dialled."]
    told += document["because"]
    heard = list(decision.notices)
    if decision.wait is not None and not decision.passes and not decision.urgent:
        heard += city_recording.notice(city.file, decision.number, decision.wait.queue)
        heard += _greeting(city, decision.wait, decision.number, at_ms)
    told += [f"The caller hears: “{text}”" for text in heard]
    if decision.menu:
        keys = ", ".join(f"{item.key} {item.title}" for item in decision.menu)
        told.append(f"The caller hears: “{decision.menu_prompt}” ({keys})")
    told += [
        f"Rings {way.number} over {way.trunk} for {decision.pass_ring_ms / 1000:g} s."
        for way in decision.passes
    ]
    told += _along(city, decision)
    told += city_recording.traced(city.file, decision, wait.queue if wait else None)
    if wait is not None:
        if decision.passes and not decision.urgent:
            told += [
                f"If nobody takes the call, the caller hears: “{text}”"
                for text in _greeting(city, wait, decision.number, at_ms)
            ]
        told += waits
        told += city_waiting.told(city.file, wait.queue, at_ms)
        if not decision.urgent:
            greeted = not (decision.passes or decision.menu)
            told += city_speech.told(city.file, decision.number, wait.queue, greeted=greeted)
    else:
        told += [f"If nobody takes the call, the caller hears: “{text}”" for text in decision.farewell]
        told.append("Then the call ends.")
    return told


def _greeting(city: City, wait: Wait, line: str | None = None, at_ms: int | None = None) -> list[str]:
    usual = next(table.greeting for table in city.file.queues if table.name == wait.queue)
    today = city_waiting.days(city.file).at(at_ms) if at_ms is not None else ()
    return [*today, *city_waiting.greetings(city.file).get(line or "", usual)]


AGAIN = "Another carrier is tried only where one fails: whoever is busy or does not answer is not rung again."


def _along(city: City, decision: Decision) -> list[str]:
    """What the far ends are told, and whether our own count of channels can be in the way."""
    links = [way.trunk for way in decision.passes if city.plan.is_link(way.trunk)]
    told: list[str] = []
    if links:
        told.append(
            f"Over {', '.join(links)} go along: line, caller, case and what was said (X-Hotline headers, User-to-User)."
        )
    if len(decision.passes) - len(links) > 1 and not decision.urgent:
        told.append(AGAIN)
    if len(links) < len(decision.passes):
        told.append("Over a carrier only the line and the case go along.")
    if decision.passes and decision.number is not None:
        told.append(
            f"Counts for line {decision.number}: answered within {WITHIN_MS / 1000:g} s of being asked, target "
            f"{TARGET * 100:g} % of all that were passed to it (hotline lines)."
        )
    if decision.passes and decision.wait is not None and not decision.urgent:
        why = [remark(decision.treatment, one) for one in ("noanswer", "busy", "no channel", "")]
        told.append(f"A seat that takes the call after that sees why beside the line: {', '.join(why)}.")
    if decision.passes and decision.urgent:
        told.append(
            "No count of channels of ours holds it back, neither where it comes in nor where it goes out."
        )
    return told
