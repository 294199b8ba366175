"""The demonstration's three-way calls: seats bring an emergency centre into every tenth talk; Jinan's do it with 9 % of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from acd.messages import AgentAnswered, CallRecord, Event, Millis, TransferAsked
from dialplans.plan import NumberPlan
from hotline.service import Service

EVERY = 10
"""one talk in so many: 9 % of the answered calls in Jinan"""
TO = "110"


class ThreeWay:
    """Watches a service, and asks for a third party on behalf of its seats."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._answered = 0
        service.watchers.events.append(self._heard)

    def _heard(self, event: Event, _: Millis) -> None:
        if not isinstance(event, AgentAnswered):
            return
        self._answered += 1
        call = self._service.engine.state.calls.get(event.call)
        if self._answered % EVERY == 0 and call is not None and call.direction == "in":
            self._service.post(TransferAsked(event.call, "three-way", TO))


def trunks(plan: NumberPlan, now_ms: Millis) -> set[str]:
    """The trunk over which the third party is reached first."""
    return {way.trunk for way in plan.route(TO, (), "", now_ms).passes[:1]}


def tally(records: Iterable[CallRecord]) -> dict[str, int]:
    """How many third parties were asked for, and what became of it: ``{"asked": 9, "came": 9, "handed over": 7, ...}``."""
    told = [transfer for record in records for transfer in record.transfers]
    outcomes = Counter(transfer.outcome or "" for transfer in told)
    return {"asked": len(told), "came": sum(transfer.answered is not None for transfer in told), **outcomes}
