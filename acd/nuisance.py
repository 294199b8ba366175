"""Nuisance callers: who is on the list, until when, who put him there and why; and who calls too often.

The list never stands between a caller and an emergency: lines to emergency centres, calls that such a centre hands over, and
everything that comes over a link (a sub-centre, another city's centre) do not even ask it. Each change is written to the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from acd import audit
from acd.calls import Call
from acd.messages import BarAsked, CallerBarred, CallerUnbarred, Millis, RaiseAlarm, Tell
from acd.rights import refusal
from acd.setup import Barred
from dialplans.decision import Treatment
from dialplans.hours import clock
from dialplans.number import Number, NumberFault
from dialplans.plan import NumberPlan
from ivr.flow import Enqueue, Flow, LetGo, Menu, Say, Step
from ivr.run import FlowRun

if TYPE_CHECKING:
    from acd.state import State  # which brings the compiled kernel along: a city file is checked without

SHORTEST_PREFIX = 7
"""digits before the star: a mobile exchange of 10,000 numbers, or a tenth of one; nobody bars all of 138 or a whole area"""
SHORTEST_BEHIND_AREA = 4
"""of a landline's, behind the area code"""
SHORTEST_NUMBER = 5
MOST = 1000
"""entries of the list: more is no list of nuisances but a closed door"""
LAST = -10_000
"""the priority of a caller who is served last: with ageing of a minute, a week behind everybody else"""
MINUTE_MS: Millis = 60_000
QUIET_MS: Millis = 600_000
"""so long after an alarm about a number there is no other about it"""

_WITHHELD = frozenset({"anonymous", "unknown", "restricted", "unavailable", "private", "withheld"})


def plain(caller: str, plan: NumberPlan) -> str | None:
    """The caller's number as the list writes it: digits, a landline with its area code. ``None``: withheld, or none at all."""
    if caller.strip().lower() in _WITHHELD:
        return None
    try:
        number = Number.read(caller, plan.area)
    except NumberFault:
        digits = caller.strip().lstrip("+")
        return digits if len(digits) >= SHORTEST_NUMBER and digits.isascii() and digits.isdigit() else None
    return number.area + number.local


def written(number: str, plan: NumberPlan) -> str | None:
    """An entry as the list writes it, from what somebody wrote: ``13800000001``, ``+86 138...``, ``0371-6291234*``."""
    if not number.endswith("*"):
        return plain(number, plan)
    digits = number[:-1].replace("-", "").replace(" ", "").removeprefix("+86").removeprefix("0086")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if digits[0] == "0" and digits[1:2] == "1" and digits[2:3] in {*"3456789"}:
        digits = digits[1:]  # a mobile's, as it is dialled from elsewhere
    elif digits[0] in "23456789":
        digits = plan.area + digits  # a landline's at home
    return f"{digits}*"


def fault(number: str, plan: NumberPlan) -> str | None:
    """Why nobody can be barred by this entry, in words; ``None``: it can stand in the list."""
    entry = written(number, plan)
    if entry is None:
        return "no number: a withheld number can't be barred"
    digits = entry.removesuffix("*")
    if entry.endswith("*"):
        area = 0 if digits[0] != "0" else 3 if digits[1:2] in {"1", "2"} else 4
        mobile = digits[0] == "1" and digits[1:2] in {*"3456789"}
        if len(digits) < SHORTEST_PREFIX or not (
            mobile or (area and len(digits) - area >= SHORTEST_BEHIND_AREA)
        ):
            more = f"{SHORTEST_PREFIX} digits or more of a mobile's, or {SHORTEST_BEHIND_AREA} behind the area code"
            return f"too many numbers begin so: write {more}"
    for own in (plan.own.number, *plan.own.also, *(line.number for line in plan.lines)):
        if _is(entry, own.area + own.local):
            return f"{own.shown(plan.area)} is a line of the city's: it can't be barred"
    return None


def _is(entry: str, number: str) -> bool:
    return number.startswith(entry[:-1]) if entry.endswith("*") else number == entry


# ── a call comes ─────────────────────────────────────────────────────────────────────────────────────────────


def arrived(s: State, call: Call) -> None:
    """A carrier has brought a call: its flow becomes the notice, or the last place, if the caller is on the list."""
    number = asks(
        s.setup.plan, call.trunk, call.caller, urgent=call.urgent or call.treatment == Treatment.EMERGENCY
    )
    if number is None:
        return
    _count(s, number)
    entry = find(s, number)
    if entry is None:
        return
    call.barred = entry.number
    call.because += (told(entry),)
    if entry.mode == "last":
        call.priority = LAST
        call.run = FlowRun(lowered(call.run.flow))
    else:
        call.turned_away = True
        s.refusals.count("barred", s.now)
        call.run = FlowRun((Say(s.setup.nuisance.notice), LetGo()))


def asks(plan: NumberPlan, trunk: str, caller: str, *, urgent: bool) -> str | None:
    """The number for which the list is to be asked; ``None``: for this call it is not."""
    return None if urgent or plan.is_link(trunk) else plain(caller, plan)


def told(entry: Barred) -> str:
    """The entry in words."""
    what = "served last" if entry.mode == "last" else "refused with a notice"
    whose = f"{entry.number}, by {entry.owner} until {clock(entry.until)}: {entry.reason}"
    return f"The caller is on the list of nuisance callers ({whose}): {what}."


def find(s: State, number: str) -> Barred | None:
    """The entry in force for this number, kept by the engine or from the city file; the whole number comes before a beginning."""
    return in_force(number, s.now, s.barred, s.setup.nuisance.by_number)


def in_force(number: str, now: Millis, *lists: Mapping[str, Barred]) -> Barred | None:
    """The same in any lists, the first of which comes first."""
    for candidate in (number, *(f"{number[:end]}*" for end in range(len(number), SHORTEST_PREFIX - 1, -1))):
        for entries in lists:
            entry = entries.get(candidate)
            if entry is not None and entry.until > now:
                return entry
    return None


def lowered(flow: Flow) -> Flow:
    """The same way to the seats, behind everybody else."""
    return tuple(_last(step) for step in flow)


def _last(step: Step) -> Step:
    match step:
        case Enqueue():
            return msgspec.structs.replace(step, priority=LAST)
        case Menu():
            last = (msgspec.structs.replace(key.enqueue, priority=LAST) for key in step.choices)
            choices = (
                msgspec.structs.replace(key, enqueue=to) for key, to in zip(step.choices, last, strict=True)
            )
            return msgspec.structs.replace(step, choices=tuple(choices))
        case _:
            return step


def _count(s: State, number: str) -> None:
    """More calls a minute than a person makes: the supervisors are told, and decide.

    Nobody is barred by a count: one who is cut off again and again calls often too, and so does a factory behind one number.
    """
    most = s.setup.nuisance.flood
    recent = [at for at in s.recent.pop(number, []) if at > s.now - MINUTE_MS]
    s.recent[number] = [*recent, s.now][-(most + 1) :]
    # They stand in the order of their last calls, this one last.
    while (oldest := next(iter(s.recent))) != number:
        if s.recent[oldest][-1] > s.now - MINUTE_MS:
            break
        del s.recent[oldest]
    while (alarmed := next(iter(s.alarmed), None)) is not None and s.alarmed[alarmed] <= s.now:
        del s.alarmed[alarmed]
    if len(s.recent[number]) > most and number not in s.alarmed:
        s.alarmed[number] = s.now + QUIET_MS
        s.order(RaiseAlarm("flood", number, f"more than {most} calls within a minute from {number}"))


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────


def bar(s: State, fact: CallerBarred) -> None:
    """Put a number on the list, or renew its entry. What may not be, or can't be, changes nothing; both are written down."""
    settings, plan = s.setup.nuisance, s.setup.plan
    number = written(fact.number, plan)
    until = min(
        fact.until if fact.until is not None else s.now + settings.default_ms, s.now + settings.most_ms
    )
    no = refusal(s, fact.owner, "nuisance")
    why = fault(fact.number, plan)
    if no is None and why is not None:
        no = "bar-impossible"
    elif no is None and (not fact.reason.strip() or fact.mode not in {"refuse", "last"} or until <= s.now):
        no, why = "bar-impossible", "no reason, an unknown mode or an end that is past"
    elif no is None and number not in s.barred and len(s.barred) >= MOST:
        no, why = "bar-full", f"the list has {MOST} entries"
    told = why if no in {"bar-impossible", "bar-full"} else no
    tells = told or f"{fact.reason.strip()[:200]} ({fact.mode}, until {clock(until)})"
    audit.note(
        s,
        "nuisance add",
        fact.owner,
        whom=number or fact.number[:64],
        phone=fact.phone,
        allowed=no is None,
        why=tells,
    )
    if no is None:
        assert number is not None
        s.barred[number] = Barred(number, until, fact.owner, fact.reason.strip()[:200], s.now, fact.mode)
        s.timers.set("barred", number, until)
    _tell(s, fact.desk, no or "bar-done")


def bar_last(s: State, fact: BarAsked) -> None:
    """A seat's phone asks to bar the last caller of that seat, or of another one."""
    agent = s.agent_at(fact.seat)
    if agent is None:
        _tell(s, fact.desk, "not-signed-on")
        return
    of = s.agent_at(fact.of or fact.seat)
    no = refusal(s, agent.agent, "nuisance")
    if no is None and not fact.confirmed:
        _tell(s, fact.desk, "bar-cancelled")
    elif no is None and (of is None or of.last_caller is None):
        _tell(s, fact.desk, "bar-nobody")
    else:
        number = (of.last_caller if of else None) or ""
        reason = f"by phone, the last caller of seat {fact.of or fact.seat}"
        bar(s, CallerBarred(number, None, agent.agent, reason, phone=fact.seat, desk=fact.desk))


def unbar(s: State, fact: CallerUnbarred) -> None:
    """Take a number off the list. An entry of the city file stays: it is taken out there."""
    number = written(fact.number, s.setup.plan) or fact.number[:64]
    no = refusal(s, fact.owner, "nuisance")
    if no is None and number not in s.barred:
        no = "bar-nobody"
    audit.note(s, "nuisance remove", fact.owner, whom=number, allowed=no is None, why=no or fact.reason[:200])
    if no is None:
        del s.barred[number]
        s.timers.drop("barred", number)
    _tell(s, fact.desk, no or "bar-removed")


def expired(s: State, number: str) -> None:
    """An entry has come to its end."""
    if entry := s.barred.pop(number, None):
        audit.note(s, "nuisance end", entry.owner, whom=number, why=f"until {clock(entry.until)}")


def _tell(s: State, desk: str | None, prompt: str) -> None:
    if desk is not None:
        s.order(Tell(desk, (prompt,)))
