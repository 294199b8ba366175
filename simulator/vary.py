"""One input of a scenario, varied: ``seats=146:260``, ``load=1:2:0.1``, ``patience=0.5,1,2``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor

from simulator.scenario import Duration, Group, Line, Scenario, Surge

MOST_VALUES = 2000
_FACTORS = ("load", "talk", "wrap_up", "patience", "ring")
_SHARES = ("absence", "contained", "retrial")
NAMES = ("seats", *_FACTORS, "surge", "busyness", *_SHARES)
"""``seats``: at the fullest. ``load``, ``talk``, ``wrap_up``, ``patience``, ``ring``: factors, 1 is as it
stands. ``surge``: the factor of the scenario's own surges. ``busyness``: shape of the gamma distribution.
``absence``, ``contained``, ``retrial``: shares, of everybody.
"""


@dataclass(frozen=True, slots=True)
class Series:
    """An input and the values that it is given, one after another."""

    name: str
    values: tuple[float, ...]


def series(text: str) -> Series:
    """Read ``name=from:to``, ``name=from:to:step`` (both ends are in it; step 1, of factors and shares 0.1)
    or ``name=a,b,c``.

    Raises ``ValueError``, `place: fault: remedy`.

    >>> series("seats=146:150:2")
    Series(name='seats', values=(146.0, 148.0, 150.0))
    """
    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not values.strip():
        raise ValueError(f"vary: {text!r} is no series: write seats=146:260 or load=1:2:0.1")
    if name not in NAMES:
        raise ValueError(f"vary: {name!r} can't be varied: choose one of {', '.join(NAMES)}")
    try:
        if ":" in values:
            found = _span([float(part) for part in values.split(":")], name)
        else:
            found = tuple(float(part) for part in values.split(","))
    except ValueError as fault:
        if str(fault).startswith("vary"):
            raise
        raise ValueError(f"vary: {values!r} are no numbers: write {name}=from:to:step") from None
    for value in found:
        check(name, value)
    return Series(name, found)


def _span(parts: list[float], name: str) -> tuple[float, ...]:
    if len(parts) not in {2, 3}:
        raise ValueError(f"vary: {name}: write from:to or from:to:step")
    first, last = parts[:2]
    step = parts[2] if len(parts) == 3 else (1.0 if name in {"seats", "busyness"} else 0.1)
    if not step > 0 or not last >= first:
        raise ValueError(f"vary: {name}: from {first:g} to {last:g} by {step:g} leads nowhere: step upwards")
    count = floor((last - first) / step + 1e-9) + 1
    if count > MOST_VALUES:
        raise ValueError(f"vary: {name}: {count} values are more than {MOST_VALUES}: take larger steps")
    return tuple(round(first + i * step, 9) for i in range(count))


def check(name: str, value: float) -> None:
    """Raise ``ValueError``, `place: fault: remedy`, for a value that the input can't have."""
    if name == "seats" and (value != int(value) or value < 0):
        raise ValueError(f"vary: seats: {value:g} is no number of seats: whole numbers from 0")
    if name in {*_FACTORS, "surge"} and not 0 <= value <= 20:
        raise ValueError(f"vary: {name}: {value:g} is a factor, 1 is as it stands: write {name}=0.8:1.2:0.1")
    if name in _SHARES and not 0 <= value <= 1:
        raise ValueError(f"vary: {name}: {value:g} is a share: between 0 and 1")
    if name == "busyness" and not value > 0:
        raise ValueError(f"vary: busyness: a shape of {value:g} is not above 0: 250 is usual, 50 uneven")


def varied(scenario: Scenario, name: str, value: float) -> Scenario:
    """The scenario with one input changed. Raises ``ValueError`` for a value that it can't have."""
    check(name, value)
    if name == "seats":
        return scenario.with_seats(int(value))
    change: Callable[[Scenario, float], Scenario] = _CHANGES[name]
    return change(scenario, value)


def surged(scenario: Scenario, factor: float) -> Scenario:
    """The scenario with its own surges at this factor; if it has none, everything at all times."""
    arrivals = scenario.arrivals
    if not any(surge.factor > 1 for surge in arrivals.surges):
        return loaded(scenario, factor)
    surges = tuple(replace(s, factor=factor) if s.factor > 1 else s for s in arrivals.surges)
    return replace(scenario, arrivals=replace(arrivals, surges=surges))


def loaded(scenario: Scenario, factor: float) -> Scenario:
    """So many times the calls, of all lines and at all times."""
    more = Surge(factor, 0, scenario.days * 1440)
    arrivals = scenario.arrivals
    return replace(scenario, arrivals=replace(arrivals, surges=(*arrivals.surges, more)))


def stretched(duration: Duration, factor: float) -> Duration:
    """The same distribution, so many times as long."""
    sample = tuple(value * factor for value in duration.sample_s)
    return replace(duration, mean_s=duration.mean_s * factor, sample_s=sample)


def _lines(scenario: Scenario, change: Callable[[Line], Line]) -> Scenario:
    return replace(scenario, lines=tuple(change(line) for line in scenario.lines))


def _talk(scenario: Scenario, factor: float) -> Scenario:
    return _lines(scenario, lambda line: replace(line, talk=stretched(line.talk, factor)))


def _wrap_up(scenario: Scenario, factor: float) -> Scenario:
    return _lines(scenario, lambda line: replace(line, wrap_up=stretched(line.wrap_up, factor)))


def _patience(scenario: Scenario, factor: float) -> Scenario:
    def change(line: Line) -> Line:
        return line if line.patience is None else replace(line, patience=stretched(line.patience, factor))

    return _lines(scenario, change)


def _contained(scenario: Scenario, share: float) -> Scenario:
    return _lines(scenario, lambda line: replace(line, contained=share))


def _ring(scenario: Scenario, factor: float) -> Scenario:
    return replace(scenario, ring=stretched(scenario.ring, factor))


def _absence(scenario: Scenario, share: float) -> Scenario:
    def change(group: Group) -> Group:
        return replace(group, absence=share)

    return replace(scenario, groups=tuple(change(group) for group in scenario.groups))


def _busyness(scenario: Scenario, shape: float) -> Scenario:
    return replace(scenario, arrivals=replace(scenario.arrivals, busyness=shape))


def _retrial(scenario: Scenario, share: float) -> Scenario:
    if scenario.retrial is None:
        raise ValueError("vary: retrial: nobody calls again in the scenario: say there after what time")
    return replace(scenario, retrial=replace(scenario.retrial, share=share))


_CHANGES: dict[str, Callable[[Scenario, float], Scenario]] = {
    "load": loaded,
    "surge": surged,
    "talk": _talk,
    "wrap_up": _wrap_up,
    "patience": _patience,
    "ring": _ring,
    "contained": _contained,
    "absence": _absence,
    "busyness": _busyness,
    "retrial": _retrial,
}
