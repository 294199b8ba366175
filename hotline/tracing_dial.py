"""What ``hotline trace CITY NUMBER --dialled-by WHO`` tells: a call that a seat dials, by the engine's own rules
(`acd.outgoing`)."""

from __future__ import annotations

from typing import Any

from acd.outgoing import class_of, every_way_out, may_dial
from dialplans.decision import Answerer
from dialplans.hours import local
from hotline.city import City
from hotline.switch.prompts_live import standard_prompts
from hotline.tracing import Trace


def dialled(city: City, number: str, who: str, *, at_ms: int) -> Trace:
    """What becomes of ``number``, dialled by ``who``: an agent, or a seat at which nobody is signed on. Raises
    ``ValueError`` for a stranger."""
    setup = city.setup()
    agent, seat = (who, "") if who in setup.agents else ("", who)
    if not agent and seat not in setup.seats:
        raise ValueError(
            f"--dialled-by {who}: no agent and no seat of {city.name} has this number; see hotline check {city.name}"
        )
    refused = may_dial(setup, agent, number, seat)
    service_class = class_of(setup, agent, seat)
    internal = number in setup.seats and refused is None
    ways = [] if refused or internal else every_way_out(setup, number, at_ms)
    decision = city.plan.route(number, (), "", at_ms)
    told = [
        f"{number} is dialled by {f'agent {agent}' if agent else f'seat {seat}, where nobody is signed on'}."
    ]
    if refused is not None:
        told.append(f"Refused: the seat hears “{standard_prompts()[refused]}”.")
    elif internal:
        told.append(f"Seat {number} is rung; it is no call of the city's, and stands in no rate.")
    else:
        told.append(f"Class of service {service_class.name or 'default'}: allowed.")
        tried = ", then ".join(f"{dial} over {trunk}" for trunk, dial in ways)
        if ways:
            told.append(f"Tried in this order, each if it has a free channel: {tried}.")
        else:
            told.append("No trunk leads there: the seat is told so.")
        told.append(
            f"The far end sees {setup.outgoing.shown(None, service_class) or 'the number of the trunk'}."
        )
        told.append(
            "While the two talk, *2 brings somebody in or sends the person on, as in a call that came in."
        )
        told.append(
            "The agent is offered nothing until the wrap-up of this call is over; the record's direction is out."
        )
    answered_by = decision.answered_by if decision.passes else Answerer.OTHER
    if refused is not None or not (ways or internal):
        answered_by = Answerer.NOBODY
    document: dict[str, Any] = {
        "city": city.name,
        "dialled": number,
        "at": local(at_ms).isoformat(timespec="seconds"),
        "line": None,
        "answered_by": str(answered_by),
        "notices": [],
        "queue": None,
        "skills": None,
        "trunk": ways[0][0] if ways else None,
        "because": told[1:],
        "dialled_by": who,
        "ways": [{"trunk": trunk, "number": dial} for trunk, dial in ways],
        "refused": refused,
    }
    return Trace(document, tuple(told))
