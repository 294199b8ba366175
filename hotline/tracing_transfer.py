"""What ``hotline trace CITY NUMBER --transfer TO`` tells: what happens when the seat that has this call brings somebody in.

Whom it reaches is asked of the engine's own rule (`acd.target.aim`), with nobody signed on: there is no second rule here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from acd.messages import AgentId, Millis, SeatId
from acd.outgoing import class_of
from acd.rating import on
from acd.recording import Direction, Mode, decide
from acd.setup import Setup
from acd.target import RING_MS, Aim, aim
from dialplans.decision import Need
from hotline.city import City
from hotline.feature import ASKS, EMERGENCY
from hotline.switch.prompts_live import standard_prompts
from hotline.tracing import AGAIN, Trace
from hotline.tracing_wait import able
from ivr.flow import Enqueue

_CALLER = {
    "blind": "The caller hears music while the others are rung, and the seat is in its wrap-up at once.",
    "consult": "The caller hears music until the seat toggles (*24), brings all together (*26), "
    "completes (*25) or gives back (*20).",
    "three-way": "Caller and seat go on talking while the others are rung; then all three hear one another.",
}


def with_transfer(city: City, traced: Trace, to: str, *, at_ms: Millis) -> Trace:
    """The traced call, and what becomes of it when the seat that has it asks for ``to``."""
    setup, document = city.setup(), traced.document
    place = document["overflow"] or {"queue": document["queue"], "skills": document["skills"]}
    line = document["line"]["number"] if document["line"] else None
    told = [f"Suppose that a seat has this call, and asks for {to}."]
    if place["queue"] is None:
        told.append("It can't: this call is led to no seat.")
        return _traced(traced, to, Aim(refusal="transfer-none"), told)
    waits = Enqueue(place["queue"], (Need(tuple(place["skills"].items())),))
    classes, aims = _by_class(setup, to, at_ms, waits)
    usual = classes.most_common(1)[0][0] if classes else next(iter(aims))
    aimed = aims[usual]
    told += _keys(city, to, aimed)
    told += _permission(setup, aimed, usual, aims)
    if aimed.refusal is not None:
        words = standard_prompts()[aimed.refusal]
        told.append(f"The seat hears “{words}”, and goes on talking to the caller: nothing else happens.")
        return _traced(traced, to, aimed, told)
    told += _whom(city, setup, to, aimed)
    told += [f"{_code(how)}: {what}" for how, what in _CALLER.items()]
    told += _in_vain(place["queue"], aimed)
    told += _kept(setup, line, place["queue"], aimed)
    return _traced(traced, to, aimed, told)


def _traced(traced: Trace, to: str, aimed: Aim, told: list[str]) -> Trace:
    ways = [{"number": way.number, "trunk": way.trunk, "seat": way.seat} for way in aimed.ways]
    if whom := aimed.seat or aimed.agent:
        ways = [{"number": whom, "trunk": None, "seat": aimed.seat}]
    document: dict[str, Any] = {
        "to": to,
        "ways": ways,
        "queue": aimed.wait.queue if aimed.wait else None,
        "emergency": aimed.emergency,
        "refused": aimed.refusal,
        "because": told[1:],
    }
    return Trace({**traced.document, "transfer": document}, (*traced.sentences, *told))


# ── may it be asked for ──────────────────────────────────────────────────────────────────────────────────────


def _by_class(setup: Setup, to: str, at_ms: Millis, waits: Enqueue) -> tuple[Counter[str], dict[str, Aim]]:
    """How many agents have each class of service, and whom somebody of each class reaches."""
    people: dict[str, tuple[AgentId, SeatId]] = {}
    counts: Counter[str] = Counter()
    for agent in setup.agents:
        name = class_of(setup, agent).name
        counts[name] += 1
        people.setdefault(name, (agent, ""))
    plain = next((agent for agent, person in setup.agents.items() if not person.service_class), None)
    for seat in setup.seats if plain is not None else ():
        people.setdefault(class_of(setup, plain or "", seat).name, (plain or "", seat))
    if not people:
        people[""] = ("", "")
    aims = {
        name: aim(setup, to, at_ms, agent=agent, seat=seat, waits=waits)
        for name, (agent, seat) in people.items()
    }
    return counts, aims


def _permission(setup: Setup, aimed: Aim, usual: str, aims: dict[str, Aim]) -> list[str]:
    if aimed.emergency:
        return ["Every seat may: no class of service holds for an emergency."]
    forbidden = [name for name, one in aims.items() if one.refusal == "transfer-forbidden"]
    if aimed.refusal is not None and aimed.refusal != "transfer-forbidden":
        return []
    if not forbidden:
        return [
            "Every class of service allows it."
            if aimed.outside
            else "No class of service is asked: it is the city's own."
        ]
    allowed = [name for name in aims if name not in forbidden]
    no = f"Class of service {', '.join(forbidden)} does not allow it"
    return [f"{no}; {', '.join(allowed)} does." if allowed else f"{no}."]


# ── whom it reaches ──────────────────────────────────────────────────────────────────────────────────────────


def _code(how: str) -> str:
    return "*2" + next(key for key, what in ASKS.items() if what == how)


def _keys(city: City, to: str, aimed: Aim) -> list[str]:
    if not (to.isascii() and to.isdigit()):
        return ["Not by key: only by command (hotline ask)."]
    meant = (("consult", "ask first"), ("three-way", "all three"), ("blind", "send on"))
    codes = [f"{_code(how)} {to}# ({what})" for how, what in meant]
    told = [f"Keyed while talking: {', '.join(codes)}."]
    if aimed.emergency and to in city.plan.emergencies:
        told.append(f"At once, three-way and without #: *2{EMERGENCY} {to}.")
    return told


def _whom(city: City, setup: Setup, to: str, aimed: Aim) -> list[str]:
    if aimed.agent is not None or aimed.seat is not None:
        who = (
            f"agent {aimed.agent}, wherever signed on"
            if aimed.agent
            else f"whoever is signed on at seat {aimed.seat}"
        )
        return [
            f"Rings {who}, for {RING_MS / 1000:g} s, if free at that moment; the display shows the caller and the line.",
            "The seat hears “{transfer-unreachable}” if nobody is signed on there, “{transfer-busy}” if not free.".format(
                **standard_prompts()
            ),
        ]
    if aimed.wait is not None:
        need = aimed.wait.needs[0]
        skills = " and ".join(f"{skill} at {level} or better" for skill, level in need.skills) or "any skill"
        return [
            f"{to} is answered by the city's own seats: queue {aimed.wait.queue}, an agent with {skills} "
            f"({able(setup, need)} of {len(setup.agents)}).",
            f"Sent on (*21) the caller waits there, in the place that the arrival gave, with priority {aimed.wait.priority}.",
            f"Asked for (*22, *23) whoever fits best and is free now is rung for {RING_MS / 1000:g} s; "
            f"if nobody is, the seat hears “{standard_prompts()['transfer-no-seat']}”.",
        ]
    told = [aimed.because]
    told += [f"Rings {way.number} over {way.trunk} for {aimed.ring_ms / 1000:g} s." for way in aimed.ways]
    links = [way.trunk for way in aimed.ways if way.trunk and city.plan.is_link(way.trunk)]
    if links:
        told.append(
            f"Over {', '.join(links)} go along: line, caller, case and what was said (X-Hotline headers, User-to-User)."
        )
    if len(aimed.ways) - len(links) > 1 and not aimed.emergency:
        told.append(AGAIN)
    if len(links) < len(aimed.ways):
        told.append("Over a carrier only the line and the case go along.")
    if aimed.emergency:
        told.append("No count of channels of ours holds it back.")
    return told


# ── what happens then ────────────────────────────────────────────────────────────────────────────────────────


def _in_vain(queue: str, aimed: Aim) -> list[str]:
    words = standard_prompts()
    heard = "”, “".join(
        words[name]
        for name in ("transfer-busy", "transfer-no-answer", "transfer-refused", "transfer-unreachable")
    )
    told = [
        "Once somebody has answered, the seat may stay, or leave by *25 or by hanging up: the other two go on.",
        "Whoever answers when it was given up already is hung up on, and reaches nobody.",
        f"If nobody takes it: the seat hears one of “{heard}”, and has the caller back.",
        f"If the seat has left meanwhile: the caller goes to the head of queue {queue}, ahead of all who came later.",
    ]
    if aimed.emergency:
        told.append("If the caller is cut off while it is rung: it is rung on, and the seat tells.")
    return told


def _kept(setup: Setup, line: str | None, queue: str, aimed: Aim) -> list[str]:
    told = []
    if setup.recording is not None:
        mode, why = decide(setup.recording, line, queue, Direction.IN, emergency=aimed.emergency)
        usual, _ = decide(setup.recording, line, queue, Direction.IN)
        when = "From the moment at which it answers: " if usual is Mode.OFF and mode is not Mode.OFF else ""
        told.append(f"{when}{why}")
    if not on(setup.survey, line, queue):
        return told
    if aimed.emergency:
        return [*told, "The caller is not asked about the service: an emergency centre was brought in."]
    return [*told, "The caller is asked about the service only when a seat hangs up last."]
