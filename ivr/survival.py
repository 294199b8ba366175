"""What becomes of a caller when the engine is gone: the plan's answers, written down while there is time.

`snapshot` asks the number plan, once for each line, what a caller would meet now, and makes a table of the
answers that fits into a small JSON file. `decide` finds the line that was really dialled, by the plan's own
rule, and looks it up. Whatever is odd ends in the queue, where a person answers.

The file::

    {"city": "zhengzhou", "area": "0371", "number": "12345", "also": ["62912345"],
     "lines": {"110": {"next": "pass", "ways": [["police", "110"], ["unicom", "110"]], "say": []}},
     "default": {"next": "queue", "say": []},
     "trunks": {"unicom": {"strip": "0371", "dialled_as": "12315", "accepts": ["12315"]}}}

``next`` is ``queue``, ``pass`` (needs ``ways``: trunk and number, tried in turn), ``say`` (say and let go), ``hangup`` or
``refuse``; ``say``: sounds, paths without extension, played first. ``also`` and ``trunks`` may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dialplans.decision import Decision, Need, Wait
from dialplans.hotline import CityLine, Hotline, TrunkRule
from dialplans.number import Number, NumberFault
from dialplans.plan import NumberPlan

NEXT = ("queue", "pass", "say", "hangup", "refuse")

# These go into Dial() and Playback(): nothing that the dialplan would read as more than a name.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[+*#0-9]{1,32}")
_SOUND = re.compile(r"[\w./-]{1,200}")


class SnapshotFault(ValueError):
    """The snapshot can't be used; the message says where and why in one line."""


@dataclass(frozen=True, slots=True)
class Survival:
    """What the dialplan is told: ``SURVIVE_NEXT``, ``SURVIVE_TRUNK``, ``SURVIVE_NUMBER``, ``SURVIVE_SAY``."""

    next: str = "queue"
    ways: tuple[tuple[str, str], ...] = ()
    say: tuple[str, ...] = ()


QUEUE = Survival()


def decide(snapshot: Mapping[str, Any], called: str, diverted: Sequence[str], trunk: str = "") -> Survival:
    """Where this caller goes. ``diverted``: header lines as `NumberPlan.route` takes them; ``trunk``: where
    from.

    Raises `SnapshotFault` for a snapshot that does not say what the module's text says it does.
    """
    plan, entries = _read(snapshot)
    found = plan.dialled(called, diverted, trunk)
    if found.line is not None:
        entry = entries[found.line.number]
    elif found.number is None or found.number == plan.own.number or found.number in plan.own.also:
        entry = QUEUE
    else:
        entry = _entry(snapshot.get("default", {"next": "queue"}), "default")
    # Who comes from there, or was not taken there a moment ago, is not sent back: the city's seats answer.
    if entry.next == "pass":
        ways = () if found.tried else tuple(way for way in entry.ways if way[0] != trunk)
        return replace(entry, ways=ways) if ways else replace(entry, next="queue", ways=())
    return entry


def _read(snapshot: Mapping[str, Any]) -> tuple[NumberPlan, dict[Number, Survival]]:
    area = _text(snapshot, "area", "the snapshot")
    own = _number(_text(snapshot, "number", "the snapshot"), area, "number")
    entries = {
        _number(text, area, f"lines.{text}"): _entry(entry, f"lines.{text}")
        for text, entry in _mapping(snapshot, "lines").items()
    }
    rules = []
    for name, rule in _mapping(snapshot, "trunks").items():
        place = f"trunks.{name}"
        line, accepts = rule.get("dialled_as"), rule.get("accepts")
        rules.append(
            TrunkRule(
                name,
                strip=rule.get("strip", ""),
                dialled_as=None if line is None else _number(line, area, place),
                accepts=None if accepts is None else tuple(_number(text, area, place) for text in accepts),
            )
        )
    also = tuple(_number(text, area, "also") for text in snapshot.get("also", ()))
    plan = NumberPlan(
        area=area,
        own=CityLine(own, "", "", Wait("fallback", (Need(()),)), also),
        lines=tuple(Hotline(number, "", "", ()) for number in entries),
        rules=tuple(rules),
    )
    return plan, entries


def _entry(entry: Mapping[str, Any], place: str) -> Survival:
    if not isinstance(entry, Mapping) or entry.get("next") not in NEXT:
        raise SnapshotFault(f"{place}.next: is none of {', '.join(NEXT)}; write the snapshot anew")
    ways = entry.get("ways", ())
    if not all(
        isinstance(way, (list, tuple)) and len(way) == 2 and all(isinstance(x, str) for x in way)
        for way in ways
    ):
        raise SnapshotFault(f"{place}.ways: is no list of trunk and number; write the snapshot anew")
    read = Survival(entry["next"], tuple((way[0], way[1]) for way in ways), tuple(entry.get("say", ())))
    plain = all(_NAME.fullmatch(trunk) and _NUMBER.fullmatch(number) for trunk, number in read.ways)
    if not plain or (read.next == "pass" and not read.ways):
        raise SnapshotFault(f"{place}: a pass needs trunk and number, plain ones; write the snapshot anew")
    for sound in read.say:
        if not _SOUND.fullmatch(sound):
            raise SnapshotFault(f"{place}.say: {sound!r} is no path of a sound; write the snapshot anew")
    return read


def _text(snapshot: Mapping[str, Any], key: str, place: str) -> str:
    value = snapshot.get(key)
    if not isinstance(value, str):
        raise SnapshotFault(f"{place} has no {key}; write it anew")
    return value


def _mapping(snapshot: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = snapshot.get(key, {})
    if not isinstance(value, Mapping):
        raise SnapshotFault(f"{key}: is no table; write the snapshot anew")
    return value


def _number(text: str, area: str, place: str) -> Number:
    try:
        return Number.read(text, area)
    except NumberFault as why:
        raise SnapshotFault(f"{place}: {why}") from None


def snapshot(city: str, plan: NumberPlan, now_ms: int, sound: Callable[[str], str | None]) -> dict[str, Any]:
    """The table for `decide`, as the plan stands at this instant. Write it again when that changes, or daily.

    ``sound``: the path of a prompt (a name or a text, as in a `Decision`), ``None`` without a recording.
    """

    def entry(decision: Decision) -> dict[str, Any]:
        ending = () if decision.passes or decision.wait else decision.farewell
        say = [path for prompt in (*decision.notices, *ending) if (path := sound(prompt)) is not None]
        if decision.passes:
            return {"next": "pass", "ways": [[way.trunk, way.number] for way in decision.passes], "say": say}
        if decision.wait is not None:
            return {"next": "queue", "say": say}
        return {"next": "say" if say else "hangup", "say": say}

    known = {line.number for line in plan.lines}
    unlisted = next(
        n for i in range(60_000_000, 61_000_000) if (n := Number.read(str(i), plan.area)) not in known
    )

    def shown(number: Number) -> str:
        return number.shown(plan.area)

    return {
        "city": city,
        "area": plan.area,
        "number": shown(plan.own.number),
        "also": [shown(number) for number in plan.own.also],
        "lines": {
            shown(line.number): entry(plan.route(line.number.shown(), (), "", now_ms)) for line in plan.lines
        },
        "default": entry(plan.route(unlisted.shown(), (), "", now_ms)),
        "trunks": {
            rule.trunk: {
                "strip": rule.strip,
                "dialled_as": None if rule.dialled_as is None else shown(rule.dialled_as),
                "accepts": None if rule.accepts is None else [shown(number) for number in rule.accepts],
            }
            for rule in plan.rules
        },
    }


def launcher(python: str, folders: Sequence[str], table: str) -> str:
    """The text of the program that ``AGI()`` starts (write it with mode 755, in a path without blanks).

    ``python``: the interpreter; ``folders``: where our packages and pyst2 are found (the project's and
    site-packages); ``table``: the snapshot. ``-IS`` and named folders halve the time of Python's start.
    """
    if not re.fullmatch(r"/[\w./+-]+", python):
        raise ValueError(f"python {python!r}: a #! line needs a path without blanks")
    return (
        f"#!{python} -IS\n"
        "import sys\n"
        f"sys.path[:0] = {list(folders)!r}\n"
        "from ivr.survival_live import main\n"
        f"main({table!r})\n"
    )
