"""How well the expected wait is estimated: the engine itself through a busy day, arrivals and talks drawn at random."""

from __future__ import annotations

import heapq
import math
import random
import statistics
from dataclasses import dataclass, replace

import pytest

from acd.engine import Engine
from acd.estimate import FIRST_MS, expected_ms, expected_wait
from acd.messages import (
    AgentAnswered,
    CallerHungUp,
    CallOffered,
    Event,
    PromptFinished,
    RingAgent,
    SeatReachable,
    SignOnAsked,
)
from acd.setup import AgentSetup, QueueSetup, SeatSetup, TrunkSetup
from tests.acd.town import START, Hall, town

HOURS = 12
TALK_S, WRAP_MS = 160.0, 30_000


@dataclass(frozen=True)
class Error:
    """Of the estimates made as callers began to wait: what came true, in seconds."""

    estimates: int
    mean_wait_s: float
    mean_s: float
    median_absolute_s: float
    p90_absolute_s: float


def busy_day(people: int, calls_an_hour: float, *, patience_s: float | None, seed: int) -> Error:
    """Twelve hours: Poisson arrivals, lognormal talks (mean 160 s, sigma 0.8), 30 s of wrap-up; patience exponential, or none."""
    chance = random.Random(seed)
    base = town()
    names = [str(1000 + i) for i in range(people)]
    setup = replace(
        base,
        agents={name: AgentSetup(name, name, {"12345": 1}) for name in names},
        seats={name: SeatSetup(name) for name in names},
        queues={"12345": QueueSetup("12345", wrap_up_ms=WRAP_MS)},
        trunks={"unicom": TrunkSetup("unicom", 100_000)},
    )
    engine = Engine(setup)
    todo: list[tuple[int, int, Event]] = []
    count = 0

    def later(at: float, event: Event) -> None:
        nonlocal count
        count += 1
        heapq.heappush(todo, (round(at), count, event))

    for name in names:
        engine.receive(SeatReachable(name), START)
        engine.receive(SignOnAsked(name, name, proven=True), START)
    at, last = float(START), START + HOURS * 3_600_000
    number = 0
    while at < last:
        at += chance.expovariate(calls_an_hour / 3_600_000)
        number += 1
        later(at, CallOffered(f"c{number}", "unicom", "12345", f"138{number:08}"))
    told: dict[str, tuple[int, int]] = {}
    errors: list[float] = []
    waits: list[float] = []
    while todo:
        now, _, event = todo[0]
        due = engine.deadline()
        if due is not None and due <= now:
            orders, now = engine.tick(due), due
        else:
            heapq.heappop(todo)
            orders = engine.receive(event, now)
        if isinstance(event, CallOffered) and (call := engine.state.calls.get(event.call)):
            if call.state == "in flow":
                orders += engine.receive(PromptFinished(event.call), now)
            if call.state == "queued" and event.call not in told:
                guess = expected_wait(engine.state, call)
                assert guess is not None
                told[event.call] = (now, guess)
                if patience_s is not None:
                    later(now + 1000 * chance.expovariate(1 / patience_s), CallerHungUp(event.call))
        for order in orders:
            if isinstance(order, RingAgent):
                later(now + 2_000, AgentAnswered(order.call, order.agent))
                talk = 1000 * chance.lognormvariate(_mu(TALK_S, 0.8), 0.8)
                later(now + 2_000 + talk, CallerHungUp(order.call))
                if order.call in told:
                    begun, guess = told[order.call]
                    waits.append((now - begun) / 1000)
                    errors.append((guess - (now - begun)) / 1000)
    absolute = sorted(abs(error) for error in errors)
    return Error(
        len(errors),
        statistics.fmean(waits),
        statistics.fmean(errors),
        statistics.median(absolute),
        absolute[round(0.9 * len(absolute))],
    )


def _mu(mean: float, sigma: float) -> float:
    return math.log(mean) - sigma * sigma / 2


@pytest.mark.parametrize(
    ("people", "calls_an_hour", "patience_s", "bias", "median"),
    [(20, 372.0, None, 0.05, 0.15), (20, 420.0, 120.0, 0.4, 0.55)],
    ids=["patient", "some hang up"],
)
def test_the_estimate_stays_within_its_stated_error(
    people: int, calls_an_hour: float, patience_s: float | None, bias: float, median: float
) -> None:
    """Shares of the mean wait. With callers who hang up the estimate is too long: it can't know who will leave."""
    found = busy_day(people, calls_an_hour, patience_s=patience_s, seed=5)
    print(f"\n{found}")  # noqa: T201 (the figures in docs/planners.md)
    assert found.estimates > 500
    assert abs(found.mean_s) <= bias * found.mean_wait_s
    assert found.median_absolute_s <= median * found.mean_wait_s


def test_nobody_there_gives_no_estimate() -> None:
    assert expected_ms(3, FIRST_MS, 0) is None
    hall = Hall()
    hall.queued("a")
    assert expected_wait(hall.engine.state, hall.call("a")) is None


def test_a_call_waits_one_handling_time_for_each_that_stands_before_it_and_seat() -> None:
    hall = Hall("101@8001", "102@8002")
    hall.talking("a", "101")
    hall.talking("b", "102")
    for name in ("c", "d"):
        hall.queued(name)
    assert expected_wait(hall.engine.state, hall.call("c")) == FIRST_MS // 2
    assert expected_wait(hall.engine.state, hall.call("d")) == FIRST_MS


def test_calls_that_our_people_cannot_take_do_not_stand_before_us() -> None:
    hall = Hall("101@8001", "105@8002")
    hall.talking("a", "101")
    hall.tell(CallOffered("b", "unicom", "12315", "13800000001"), AgentAnswered("b", "105"))
    hall.tell(CallOffered("c", "unicom", "12315", "13800000002"))
    hall.queued("d")
    assert expected_wait(hall.engine.state, hall.call("d")) == FIRST_MS


def test_what_was_learnt_of_a_queue_survives_a_restart() -> None:
    hall = Hall("101@8001")
    hall.talking("a", "101")
    hall.wait(40_000)
    hall.tell(CallerHungUp("a", 16))
    hall.wait(30_000)
    before = hall.engine.state.handling
    assert before == {"12345": round(FIRST_MS + (70_000 - FIRST_MS) / 20)}
    hall.restart()
    assert hall.engine.state.handling == before
