"""What ``hotline trace CITY NUMBER --seat`` tells: what goes on at the seat that has this call, and who may look over its shoulder.

Everything is read from the set-up by which the engine acts. There is no second rule here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from acd.floor import BUSY_REST_MS
from acd.recording import Direction, Mode, decide
from acd.setup import BreakSetup, Setup
from acd.supervision import HEARING, STEERING
from hotline.city import City
from hotline.supervision import CODES
from hotline.tracing import Trace

_CODE = {right: f"*{code}" for code, right in CODES.items()}
_DONE = {
    "listen": "listened to",
    "whisper": "whispered to",
    "barge": "joined",
    "take over": "taken over",
    "break": "sent into a break",
    "ready": "made ready",
    "sign off": "signed off",
}


def at_the_seat(city: City, traced: Trace) -> Trace:
    """The traced call, and what goes on at the seat that gets it."""
    setup, document = city.setup(), traced.document
    place = document["overflow"] or {"queue": document["queue"]}
    if place["queue"] is None:
        told = ["No seat ever has this call."]
        return Trace({**document, "seat": None}, (*traced.sentences, *told))
    line = document["line"]["number"] if document["line"] else None
    told = [*_ring(setup, place["queue"]), *_work(setup, place["queue"])]
    told += _taped(city, setup, line, place["queue"])
    over, supervised = _supervised(setup)
    told += over
    queue = setup.queues[place["queue"]]
    seat: dict[str, Any] = {
        "ring_s": queue.ring_ms / 1000,
        "rests_after": queue.rests_after,
        "rest_s": queue.rest_ms / 1000,
        "wrap_up_s": queue.wrap_up_ms / 1000,
        "supervised_by": supervised,
        "because": told,
    }
    return Trace({**document, "seat": seat}, (*traced.sentences, *told))


def _ring(setup: Setup, name: str) -> Iterator[str]:
    queue = setup.queues[name]
    yield (
        "Only a seat is rung whose agent is ready and idle: not on a break, ringing, talking, dialling, in a wrap-up or at rest, "
        "and not with a phone that does not answer."
    )
    yield f"It rings for {queue.ring_ms / 1000:g} s, and shows the caller's number and the line."
    row = "" if queue.rests_after == 1 else f" {queue.rests_after} times in a row"
    yield (
        f"Rung out or refused{row}: the seat rests for {queue.rest_ms / 1000:g} s (*13 ends it), supervisors are told; "
        f"the caller keeps the place and goes to the next. A phone that says busy is left alone for {BUSY_REST_MS / 1000:g} s."
    )


def _work(setup: Setup, name: str) -> Iterator[str]:
    queue = setup.queues[name]
    extended = ""
    if queue.wrap_up_extensions and queue.wrap_up_extend_ms:
        extended = (
            f", *15 adds {queue.wrap_up_extend_ms / 1000:g} s, {queue.wrap_up_extensions} times at most"
        )
    if queue.wrap_up_ms:
        yield f"After the talk {queue.wrap_up_ms / 1000:g} s of wrap-up: *14 ends it{extended}."
    else:
        yield "No wrap-up after the talk: the next call may come at once."
    breaks = ", ".join(
        f"{digit} {title}{_limits(setup.break_rules.get(digit))}" for digit, title in setup.breaks.items()
    )
    if breaks:
        yield f"A break (*12 and its digit) asked for while talking begins after that: {breaks}."
    shifts = {agent.shift.name for agent in setup.agents.values() if agent.shift is not None}
    if shifts:
        yield f"Agents with a shift ({', '.join(sorted(shifts))}) are signed off at its end."
    yield f"If somebody else signs the seat off at once, the caller goes back to the head of queue {name}."


def _limits(rule: BreakSetup | None) -> str:
    if rule is None:
        return ""
    told = []
    if rule.longest_ms is not None:
        told.append(f"{rule.longest_ms / 60_000:g} min")
    if rule.per_shift_ms is not None:
        told.append(f"{rule.per_shift_ms / 60_000:g} min a shift")
    if rule.at_once is not None:
        told.append(f"{rule.at_once} at once")
    if rule.at_once_group is not None:
        told.append(f"{rule.at_once_group} of a team at once")
    if told and (rule.at_once is not None or rule.at_once_group is not None):
        told.append("then in turn" if rule.queued else "then refused")
    return f" ({', '.join(told)})" if told else ""


def _taped(city: City, setup: Setup, line: str | None, queue: str) -> Iterator[str]:
    if setup.recording is None or decide(setup.recording, line, queue, Direction.IN)[0] is Mode.OFF:
        return
    keeping = city.keeping()
    kept = (
        f"kept for {keeping.keep_days:g} days"
        if keeping.keep_days is not None
        else "kept until somebody deletes it"
    )
    yield f"*27 pauses the recording; *28, or {setup.recording.pause_limit_ms / 1000:g} s, go on with it."
    yield (
        f"The recording gets a checksum and is {kept}. With less than {keeping.min_free / 1e6:g} MB free nothing is recorded "
        "and an alarm is raised; calls go on."
    )


def _supervised(setup: Setup) -> tuple[list[str], list[dict[str, Any]]]:
    """Who has rights over a seat's call: in sentences, and by role."""
    people = Counter(agent.role for agent in setup.agents.values())
    told, document = [], []
    for role, count in sorted(people.items()):
        rights = setup.roles.get(role, frozenset())
        over = [right for right in _DONE if right in rights]
        if not over and "why" not in rights:
            continue
        document.append({"role": role, "people": count, "rights": sorted(rights)})
        who = f"{count} {role}{'s' if count > 1 else ''}"
        for kinds, what in ((HEARING | {"take over"}, "The call may be"), (STEERING, "The seat may be")):
            named = ", ".join(f"{_DONE[right]} ({_CODE[right]})" for right in over if right in kinds)
            if named:
                told.append(f"{what} {named}: by {who}, from a phone or by command.")
        if "why" in rights:
            told.append(f"Why a call waits is told ({_CODE['why']}, hotline ask): to {who}.")
    if not document:
        return [
            "Nobody is employed who has a right over others' calls: give somebody the role supervisor."
        ], []
    told.append("Every use of a right, and every refusal, is written to the audit log (hotline audit).")
    return told, document
