"""What records change in a scenario: forecast arrivals, the lines' shares, durations as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hotline.scenario_records import Durations, Records
from hotline.scenario_schema import RecordsTable
from simulator import observed
from simulator.forecast import Errors, Forecast, forecast
from simulator.scenario import Arrivals, Duration, Line, Scenario

_LEAST = 200
"""so many durations of a line, or hang-ups for its patience, before it is told from the others"""


def with_records(
    scenario: Scenario,
    table: RecordsTable,
    records: Records,
    own: str,
    numbers: Mapping[str, str],
) -> tuple[Scenario, Forecast | None]:
    """The scenario with what its records say, and the forecast, if there is one.

    ``own``: the line that also has the calls of lines which the scenario does not have; ``numbers``: the lines' names by what
    the records call them. Raises ``ValueError`` with fault and remedy.
    """
    told = None
    if table.arrivals:
        told = forecast(
            records.before(scenario.start),
            scenario.dates(),
            weeks=table.backtest_weeks,
            dispersion=records.dispersion,
        )
        scenario = replace(scenario, arrivals=_arrivals(scenario.arrivals, told))
    lines = scenario.lines
    if table.shares and records.lines:
        lines = _shares(lines, records, own, numbers)
    if table.durations:
        named: dict[str, Durations] = {}
        for number, name in numbers.items():
            if number in records.durations:
                named.setdefault(name, Durations()).extend(records.durations[number])
        lines = tuple(
            _timed(line, records.durations.get("", Durations()), named.get(line.name)) for line in lines
        )
    return replace(scenario, lines=lines), told


def _arrivals(usual: Arrivals, told: Forecast) -> Arrivals:
    """The forecast in the place of profile, factors and chance; surges stay."""
    days = len(told.dates)
    shares = [sum(told.series[half_hour::48]) for half_hour in range(48)]
    total = sum(shares)
    return replace(
        usual,
        per_day=total / days,
        half_hours=tuple(share / total for share in shares),
        growth=0.0,
        busyness=told.busyness,
        dispersion=told.dispersion,
        series=told.series,
    )


def _shares(
    lines: tuple[Line, ...], records: Records, own: str, numbers: Mapping[str, str]
) -> tuple[Line, ...]:
    """Every line as often as it was called; numbers that are no line here are the own line's."""
    counts = {line.name: 0 for line in lines}
    for number, calls in records.lines.items():
        counts[numbers.get(number, own)] += calls
    total = sum(counts.values())
    return tuple(replace(line, share=counts[line.name] / total) for line in lines)


def _timed(line: Line, all_lines: Durations, its_own: Durations | None) -> Line:
    """A line with the durations of its own calls where there are enough, else with those of all calls."""
    own = its_own or Durations()
    made = replace(
        line,
        talk=_observed(own.talk, all_lines.talk) or line.talk,
        wrap_up=_observed(own.wrap_up, all_lines.wrap_up) or line.wrap_up,
    )
    waits = own if sum(own.hung_up) >= _LEAST else all_lines
    if sum(waits.hung_up) >= observed.LEAST_HUNG_UP:
        sample = observed.patience(waits.waits, waits.hung_up)
        made = replace(made, patience=Duration("empirical", sample_s=sample))
    return made


def _observed(own: list[float], of_all: list[float]) -> Duration | None:
    """A line's own durations, else those of all calls; ``None`` where even these are too few."""
    values = own if len(own) >= _LEAST else of_all
    return Duration("empirical", sample_s=observed.sample(values)) if len(values) >= _LEAST else None


def strangers(records: Records, own: str, numbers: Mapping[str, str]) -> Iterator[str]:
    """A sentence on the numbers that are no line of the scenario; arguments as of `with_records`."""
    others = {number: calls for number, calls in records.lines.items() if number not in numbers}
    if others:
        most = sorted(others, key=lambda number: -others[number])
        named = ", ".join(most[:3]) + (f" and {len(most) - 3} more" if len(most) > 3 else "")
        yield f"No line of the scenario: {named}; their {sum(others.values()):,} calls count as {own}'s."


def remarks(records: Records, told: Forecast | None) -> Iterator[str]:
    """What a planner should know of the records and the forecast, in sentences."""
    history = records.history
    text = f"Records: {records.calls:,} calls of {history.days} days from {history.first}"
    text += f"; {records.missing:.1%} of the half hours are missing"
    if records.again:
        share = records.again / max(records.in_vain, 1)
        text += f"; {records.again:,} tries again are left out, the scenario makes its own"
        text += f" (after {records.in_vain:,} calls in vain: retrial.share = {share:.2f})"
    yield f"{text}."
    durations = records.durations.get("", Durations())
    if durations.talk:
        yield (
            f"Durations: {len(durations.talk):,} talks, {len(durations.wrap_up):,} wrap-ups, "
            f"{len(durations.waits):,} waits of which {sum(durations.hung_up):,} ended with a hang-up."
        )
    if told is None:
        return
    yield f"Forecast of {told.dates[0]} to {told.dates[-1]} from {told.used_days} days: {sum(told.days):,.0f} calls."
    for name, errors in (("half hour", told.half_hours), ("day", told.daily)):
        if errors is not None:
            yield _error(name, errors)
    if told.daily is not None and told.daily.mase > 1:
        yield (
            "The forecast of whole days is worse than the week before repeated: do the holidays of that time have their "
            "own level? Choose from and to, or write per_day yourself with arrivals = false."
        )
    if told.half_hours is None:
        yield "Its error is not known: at least five weeks of calls are needed to try it."
    spread = "no more than chance" if told.busyness is None else f"by {told.busyness**-0.5:.1%} beyond chance"
    yield f"Days vary {spread} (busyness); five minutes have {told.dispersion:.2f} times Poisson's variance."


def _error(name: str, errors: Errors) -> str:
    return (
        f"Error by {name}: {errors.wape:.1%} of the calls (WAPE over {errors.compared:,}); the week before repeated "
        f"had {errors.naive_wape:.1%}, chance alone makes {errors.floor:.1%}; MASE {errors.mase:.2f}."
    )


__all__ = ["remarks", "strangers", "with_records"]
