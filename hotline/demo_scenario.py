"""``hotline demo --scenario``: part of a scenario as real SIP calls through a real Asterisk, and the planner's forecast beside it.

Time is scaled: all that lasts (gaps between calls, talk, wrap-up, patience, ring, steps of the needs) is divided by the
*speed*, and what is measured is multiplied by it again. Callers are those of the simulation's replication, one by one. What
a switch on one machine can't show in so short a time is left out on both sides: menus and self-service, tries again,
transfers, own calls, breaks.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from acd.messages import CallerHungUp, CallRecord, Event, Millis, WrapUpEndAsked
from acd.setup import Setup
from dialplans.decision import Wait
from dialplans.plan import NumberPlan
from hotline import city_build
from hotline.city import City
from hotline.demo import Demo, DemoFault, for_demo, play, sip_of
from hotline.logs import set_up as set_up_logs
from hotline.pins import DEMO_PIN, hash_pin
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Told
from simulator import callers, draws, fast
from simulator.laid_out import expected_calls
from simulator.outcome import Outcome
from simulator.scenario import HALF_HOUR_MS, NOTHING, Arrivals, Line, Scenario, Shift, group_seats
from simulator.setting import Setting, set_up
from simulator.tables import Tables, tables

if TYPE_CHECKING:
    from hotline.platform import Platform
    from hotline.rehearsal.phones_live import Phones

RING_MS = 30_000
FORECASTS = 400
"""replications from which the range of such spans is told"""
MEASURES = ("answer_rate", "service_level", "abandon_rate", "asa", "occupancy")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a scenario, half hours ``begin`` to ``end``, ``speed`` times as fast.

    ``scenario`` has calls only in it, and constant seats.
    """

    scenario: Scenario
    begin: int
    end: int
    speed: float

    @property
    def real_s(self) -> float:
        """How long its calls come, in real seconds."""
        return (self.end - self.begin) * HALF_HOUR_MS / 1000 / self.speed


def span_of(scenario: Scenario, *, at: str | None, minutes: int, speed: float, seats: int | None) -> Span:
    """The part that is played: from ``at`` (HH:MM of the scenario's first day; ``None``: where most call). Raises `DemoFault`."""
    if minutes <= 0 or minutes % 30:
        raise DemoFault(f"demo: --minutes {minutes}: the planner counts by half hours: give 30, 60, ...")
    if not 1 <= speed <= 60:
        raise DemoFault(
            f"demo: --speed {speed:g}: at 1 to 60 times the pace phones can follow: give one of these"
        )
    length = minutes // 30
    by_half_hour = expected_calls(scenario).sum(1).reshape(-1, 6).sum(1)
    begin = _half_hour(at) if at is not None else _busiest(by_half_hour, length)
    if begin % 48 + length > 48:
        raise DemoFault("demo: the span reaches past midnight: give an earlier --at, or fewer --minutes")
    day, first = divmod(begin, 48)
    groups = []
    for group in scenario.groups:
        there = group_seats(group, scenario, begin * 30 + minutes // 2)
        if there:
            groups.append(replace(group, shifts=(Shift("span", there),), absence=0.0))
    if not groups:
        raise DemoFault("demo: nobody is on a shift at that time: give another --at")
    series = np.zeros(48)
    series[first : first + length] = by_half_hour[begin : begin + length]
    arrivals = Arrivals(
        1.0, (1 / 48,) * 48, dispersion=scenario.arrivals.dispersion, series=tuple(series.tolist())
    )
    made = replace(
        scenario,
        lines=tuple(_plain(line) for line in scenario.lines),
        groups=tuple(groups),
        arrivals=arrivals,
        start=scenario.start + timedelta(days=day),
        days=1,
        retrial=None,
        subcentres=(),
        channels=None,
        ring=replace(scenario.ring, kind="constant", mean_s=draws.mean_s(scenario.ring), sample_s=()),
        warm_up_ms=0,
    )
    if seats is not None:
        made = made.with_seats(seats)
    return Span(made, first, first + length, speed)


def _plain(line: Line) -> Line:
    return replace(line, contained=0.0, greeting_ms=0, in_vain=NOTHING, transfer=None, outgoing=0.0)


def _half_hour(at: str) -> int:
    hours, _, minutes = at.partition(":")
    if not (hours.isdigit() and minutes in {"00", "30"} and int(hours) < 24):
        raise DemoFault(f"demo: --at {at}: the planner counts by half hours: write 09:00 or 09:30")
    return int(hours) * 2 + (minutes == "30")


def _busiest(calls: np.ndarray[Any, np.dtype[np.float64]], length: int) -> int:
    """Where most call within one day."""
    best, most = 0, -1.0
    for begin in range(len(calls)):
        inside = float(calls[begin : begin + length].sum())
        if begin % 48 + length <= 48 and inside > most:
            best, most = begin, inside
    return best


# ── the city ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _SpanCity(City):
    """A city's trunks and phones, and the scenario's lines and people."""

    setting: Setting | None = None
    taken: int = 0

    @cached_property
    def plan(self) -> NumberPlan:
        """The scenario's lines."""
        assert self.setting is not None
        return self.setting.setup.plan

    def setup(self) -> Setup:
        """The scenario, at this city's desks and trunks."""
        assert self.setting is not None
        theirs, ours = (
            city_build.setup(self.name, self.file, city_build.number_plan(self.file)),
            self.setting.setup,
        )
        seats = dict(list(theirs.seats.items())[: self.taken])
        queues = {name: replace(queue, ring_ms=RING_MS) for name, queue in ours.queues.items()}
        return replace(ours, seats=seats, trunks=theirs.trunks, queues=queues, greetings={})


def _at_speed(span: Span) -> Scenario:
    """What the engine counts itself, as fast as the calls come."""

    def faster(ms: int) -> int:
        return round(ms / span.speed)

    def line(of: Line) -> Line:
        needs = tuple(replace(need, after_ms=faster(need.after_ms)) for need in of.wait.needs)
        return replace(of, wait=Wait(of.wait.queue, needs, of.wait.priority))

    scenario = span.scenario
    return replace(
        scenario,
        lines=tuple(line(of) for of in scenario.lines),
        ageing_ms=faster(scenario.ageing_ms),
        max_wait_ms={name: faster(ms) for name, ms in scenario.max_wait_ms.items()},
    )


def city_of(city: City, span: Span, laid: Tables) -> _SpanCity:
    """The city in which the span is played."""
    skills = [span.scenario.groups[group].skills for group in laid.agent_group]
    setting = set_up(_at_speed(span), dict(zip(laid.agents, skills, strict=True)))
    base = for_demo(city)
    hashed = hash_pin(DEMO_PIN)
    return _SpanCity(
        base.name, base.file, dict.fromkeys(laid.agents, hashed), base.home, setting, len(laid.agents)
    )


# ── the calls ────────────────────────────────────────────────────────────────────────────────────────────────


class ScenarioDemo(Demo):
    """A demonstration whose callers are those of a simulation."""

    def __init__(self, city: City, span: Span, laid: Tables, quiet: bool) -> None:
        self.span, self.laid = span, laid
        key = callers.key_of(laid, 0)
        at, line = callers.arrivals(laid, 0, [1.0])
        self.drawn = [callers.call(laid, key, n, int(row)) for n, row in enumerate(line)]
        played = city_of(city, span, laid)
        assert played.setting is not None
        numbers = [Dialled(number) for number in played.setting.lines]
        begin = span.begin * HALF_HOUR_MS
        self.told = [
            Told(
                (int(ms) - begin) / 1000 / span.speed,
                numbers[int(row)],
                None if one.patience_ms is None else one.patience_ms / 1000 / span.speed,
                one.talk_ms / 1000 / span.speed,
            )
            for ms, row, one in zip(at, line, self.drawn, strict=True)
        ]
        super().__init__(played, len(laid.agents), len(self.told), len(self.told) / span.real_s, 1.0, quiet)
        self.manner = Manner(ring_s=Fixed(draws.mean_s(span.scenario.ring) / span.speed))
        self.first = 13_800_000_000
        self.began_ms: Millis = 0

    def watch(self, platform: Platform) -> None:
        """Wrap-up ends when the simulation's does."""
        service = platform.service

        def ended(event: Event, _: Millis) -> None:
            if not isinstance(event, CallerHungUp):
                return
            for agent, call in service.engine.state.wrapping.items():
                if call.call == event.call and call.caller:
                    wrap_up = self.drawn[int(call.caller) - self.first].wrap_up_ms
                    seat = service.engine.state.agents[agent].seat
                    delay = wrap_up / 1000 / self.span.speed
                    asyncio.get_running_loop().call_later(delay, service.post, WrapUpEndAsked(seat))

        service.watchers.events.append(ended)

    async def place(self, platform: Platform, phones: Phones) -> int:
        """The callers of the span, over the city's first carrier."""
        trunk = next(trunk for trunk in self.city.trunks() if trunk.name in self._carriers())
        self.say(
            f"{len(self.told)} callers of {self.span.scenario.title or self.span.scenario.name}, "
            f"{_clock(self.span.begin)} to {_clock(self.span.end)}, come {self.span.speed:g} times as fast "
            f"over {trunk.name}: {self.span.real_s:.0f} s …"
        )
        self.began_ms = platform.service.clock.now()
        longest = max((one.talk_s + (one.patience_s or 0) for one in self.told), default=0)
        with Carrier(str(trunk.peers[0].host), switch=sip_of(platform), first_caller=self.first) as carrier:
            placed = await carrier.place_told(
                self.told, phones=[phones], limit_s=self.span.real_s + longest + 60
            )
        return len(placed.legs)

    def print_figures(self, result: dict[str, Any], rates: Sequence[str]) -> None:
        """Without the rates of real time: those of the scenario's time come beside the forecast."""
        super().print_figures(result, ())


def run_scenario(
    city: City,
    scenario: Scenario,
    *,
    at: str | None,
    minutes: int,
    speed: float,
    seats: int | None,
    quiet: bool,
) -> dict[str, Any]:
    """Play the span; the demonstration's figures, with the planner's forecast beside what was measured."""
    set_up_logs(level="error")
    span = span_of(scenario, at=at, minutes=minutes, speed=speed, seats=seats)
    laid = tables(span.scenario)
    has = len(city.setup().seats)
    if len(laid.agents) > has:
        raise DemoFault(
            f"demo: the scenario has {len(laid.agents)} seats then and {city.name} {has}: give --seats {has} or fewer"
        )
    demo = ScenarioDemo(city, span, laid, quiet)
    if not demo.told:
        raise DemoFault("demo: nobody calls in that span: give another --at, or more --minutes")
    figures = play(demo)
    compared = compare(span, laid, demo.records, demo.began_ms)
    if not quiet:
        show(Console(width=None if sys.stdout.isatty() else 120), compared, span)
    return {**figures, "scenario": scenario.name, "speed": speed, "compared": compared}


# ── forecast and measurement ─────────────────────────────────────────────────────────────────────────────────


def compare(
    span: Span, laid: Tables, records: Sequence[CallRecord], began_ms: Millis
) -> dict[str, dict[str, float]]:
    """For each figure: what the simulation says of these very callers, the range of such spans, and what was measured."""
    usual = [_figures(span, fast.replicate(laid, n, busyness=np.ones(1))) for n in range(1, FORECASTS + 1)]
    these = _figures(span, fast.replicate(laid, 0, busyness=np.ones(1)))
    seen = measured(span, records, began_ms, len(laid.agents))
    found = {}
    for name in MEASURES:
        low, high = np.quantile([one[name] for one in usual], [0.025, 0.975]).tolist()
        found[name] = {"forecast": these[name], "low": low, "high": high, "measured": seen[name]}
    return found


def _figures(span: Span, outcome: Outcome) -> dict[str, float]:
    inside = slice(span.begin, span.end)
    busy, staffed = outcome.busy_ms[inside].sum(), outcome.staffed_ms[inside].sum()
    rates = {name: float(getattr(outcome, name)) for name in MEASURES if name != "occupancy"}
    return {**rates, "occupancy": float(busy / staffed)}


def measured(span: Span, records: Sequence[CallRecord], began_ms: Millis, seats: int) -> dict[str, float]:
    """What became of the real calls, in the scenario's time."""
    asked = [record for record in records if record.queued is not None]
    waits = [
        ((r.seat_answered or r.ended or r.queued) - r.queued) * span.speed
        for r in asked
        if r.queued is not None
    ]
    answered = [r for r in asked if r.seat_answered is not None]
    within = sum(
        wait <= span.scenario.within_ms
        for wait, record in zip(waits, asked, strict=True)
        if record.seat_answered is not None
    )
    until = began_ms + round(span.real_s * 1000)
    busy = sum(
        max(min(r.wrap_up_ended or r.ended or r.rung, until) - r.rung, 0) for r in asked if r.rung is not None
    )
    calls = max(len(asked), 1)
    return {
        "answer_rate": len(answered) / calls,
        "service_level": within / calls,
        "abandon_rate": sum(r.disposition == "abandoned" for r in asked) / calls,
        "asa": sum(waits) / calls / 1000,
        "occupancy": busy / (span.real_s * 1000 * seats),
    }


def show(console: Console, compared: dict[str, dict[str, float]], span: Span) -> None:
    """Forecast beside measurement."""
    from hotline.report_words import word

    title = f"Forecast and measurement, {_clock(span.begin)} to {_clock(span.end)} at {span.speed:g} times the pace"
    table = Table(title=title, title_justify="left")
    for column in ("", "forecast, these callers", "95 % of such spans", "measured"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, row in compared.items():
        shown = {key: f"{value:.1f} s" if name == "asa" else f"{value:.2%}" for key, value in row.items()}
        told = (
            word(name, "en", within=span.scenario.within_ms / 1000)
            if name == "service_level"
            else word(name, "en")
        )
        table.add_row(told, shown["forecast"], f"{shown['low']} to {shown['high']}", shown["measured"])
    console.print(table)


def _clock(half_hour: int) -> str:
    return f"{half_hour // 2:02}:{half_hour % 2 * 30:02}"
