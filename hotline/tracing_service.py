"""What ``hotline trace`` tells of the survey after a call and of nuisance callers. There is no second rule here."""

from __future__ import annotations

from acd import nuisance, rating
from acd.setup import Barred
from dialplans.decision import Decision, Treatment, Wait
from hotline.city import City


def barred(city: City, decision: Decision, trunk: str, caller: str, at_ms: int) -> Barred | None:
    """The entry of the city file that is this caller's. What supervisors have entered at work only the engine knows."""
    urgent = decision.urgent or decision.treatment is Treatment.EMERGENCY
    number = nuisance.asks(city.plan, trunk, caller, urgent=urgent)
    return None if number is None else nuisance.in_force(number, at_ms, city.setup().nuisance.by_number)


def surveyed(city: City, decision: Decision, wait: Wait | None) -> str | None:
    """Whether the caller is asked about the service when a seat has served him, in words."""
    survey = city.setup().survey
    urgent = decision.urgent or decision.treatment is Treatment.EMERGENCY
    if wait is None or urgent or not rating.on(survey, decision.number, wait.queue):
        return None
    return rating.told(survey)
