"""The cheapest shifts that cover the seats needed: an integer programme, solved to the proof.

An unknown for every pool and `Pattern`: how many people of the pool work it, each week alike (Sunday's night shift is
at work on Monday morning). Minimised are the paid minutes. G. Dantzig, "A comment on Edie's traffic delays at toll
booths", 1954, with the meal's place in the pattern; every constraint is a row of its own, so what can't be kept can
be named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd

from simulator.needs import Demand, Ints, Pool
from simulator.programme import Programme, Solution, Solver, solve
from simulator.rules import DAY, HALF_HOUR, ROWS, Pattern, Rules, moment, paid_step, patterns

_PERMILLE = 1000
_LOST_CALL = 480
"""paid minutes that are spent to answer one call more, where seats or people are too few for all"""
_UNDER_LEAST = 20_000
"""and more for a seat without which a half hour falls under the rules' least"""
_MISSING = (1, 1, 2, 4, 8, 0)
"""seats that are missing at one price each; 0: all that are left"""
Key = tuple[str, Pattern]
"""pool and pattern"""


class CannotCover(ValueError):
    """No shifts keep all rules. One line: which rule, which half hour, what to do. ``row``: the half hour, where it
    is one."""

    def __init__(self, line: str, row: int | None = None) -> None:
        super().__init__(line)
        self.row = row


@dataclass(frozen=True, slots=True)
class Cover:
    """How many people work what. ``people``: by pool and pattern, those above 0. ``bound``: no shifts that cover this
    need cost fewer paid minutes; ``proven``: these cost just as many. ``short``: seats that are missing by half hour,
    where the hall has too few and one was told to go on; ``limit`` is then the line that says so."""

    people: Mapping[Key, int]
    paid_minutes: int
    bound: int
    proven: bool
    solver: Solver
    short: Mapping[int, int] = field(default_factory=dict)
    limit: str | None = None

    @property
    def gap(self) -> float:
        """By what share of the cost the shifts might be too dear."""
        return (self.paid_minutes - self.bound) / self.paid_minutes if self.paid_minutes else 0.0

    @property
    def shifts(self) -> int:
        """People times days: how often somebody comes to work in a week."""
        return sum(self.people.values())

    def present(self, pools: frozenset[str] | None = None) -> list[int]:
        """People at work (meals left out) in the whole of each half hour of the week, of these pools or of all."""
        return [minutes // HALF_HOUR for minutes in self._minutes(pools)]

    def desks(self, *, hot: bool) -> list[int]:
        """Desks that are taken in some of each half hour of the week; ``hot``: not by who eats."""
        found = [0] * ROWS
        for (_, pattern), count in self.people.items():
            for row in pattern.present() if hot else pattern.taken():
                found[row] += count
        return found

    def _minutes(self, pools: frozenset[str] | None) -> list[int]:
        found = [0] * ROWS
        for (pool, pattern), count in self.people.items():
            if pools is None or pool in pools:
                for row, minutes in pattern.present().items():
                    found[row] += minutes * count
        return found


@dataclass(slots=True)
class _Model:
    """The programme with what its columns mean."""

    programme: Programme
    keys: list[Key]
    cover: list[dict[int, int]]
    """by half hour: column -> minutes at work"""
    desks: list[dict[int, int]]
    short: dict[int, list[int]] = field(default_factory=dict)
    """by half hour the columns of seats that may be missing"""


def cover(
    demands: Sequence[Demand],
    pools: Sequence[Pool],
    rules: Rules,
    *,
    taken: Ints | None = None,
    solver: Solver | None = None,
    hint: Cover | None = None,
    seconds: float | None = None,
    elastic: bool = False,
) -> Cover:
    """The cheapest shifts for a need.

    ``taken``: desks by half hour of the week that people hold whom nobody plans here. ``hint``: shifts that are
    known. ``elastic``: where desks or people are too few, take what there is and say how much is missing; else raises
    `CannotCover`.
    """
    time = rules.solve_seconds if seconds is None else seconds
    model = _model(demands, pools, rules, taken)
    _reachable(demands, pools, model)
    _limits(model, rules, taken, pools)
    try:
        found = _solved(model, rules, solver, hint, time)
    except CannotCover:
        if not elastic:
            raise
        found = None
    if found is not None:
        return found
    loose = _model(demands, pools, rules, taken, elastic=True)
    _limits(loose, rules, taken, pools)
    best = _solved(loose, rules, solver, None, time)
    assert best is not None, "with seats missing at will there are always shifts"
    line, row = _why(demands, pools, rules, taken, solver, time, best)
    if not elastic:
        raise CannotCover(line, row)
    return replace(best, limit=line)


def _model(
    demands: Sequence[Demand],
    pools: Sequence[Pool],
    rules: Rules,
    taken: Ints | None,
    *,
    elastic: bool = False,
) -> _Model:
    programme = Programme()
    allowed = patterns(rules)
    most = max((int(d.need.max(initial=0)) for d in demands), default=0) * 2 + 10
    keys: list[Key] = [(pool.name, pattern) for pool in pools for pattern in allowed]
    for _, pattern in keys:
        programme.column(cost=pattern.kind.paid_minutes, upper=most)
    model = _Model(programme, keys, [{} for _ in range(ROWS)], [{} for _ in range(ROWS)])
    for column, (_, pattern) in enumerate(keys):
        for row, minutes in pattern.present().items():
            model.cover[row][column] = minutes
        for row, minutes in (pattern.present() if rules.hot_desks else pattern.taken()).items():
            model.desks[row][column] = minutes
    if elastic:
        _may_miss(model, demands[-1], rules)
    come = {pool.name: round((1 - pool.absence) * _PERMILLE) for pool in pools}
    for demand in demands:
        for row, need in enumerate(demand.need.tolist()):
            if not need:
                continue
            columns = [c for c in model.cover[row] if keys[c][0] in demand.pools]
            values = [model.cover[row][c] * come[keys[c][0]] for c in columns]
            lower = need * HALF_HOUR * _PERMILLE
            missing = model.short.get(row, [])
            columns += missing
            values += [HALF_HOUR * _PERMILLE] * len(missing)
            step = gcd(lower, *values)
            programme.row(columns, [v // step for v in values], lower=lower // step)
    return model


def _may_miss(model: _Model, demand: Demand, rules: Rules) -> None:
    """Seats may be missing, at the price of the calls that are lost for it by Erlang A: the more are missing the
    dearer the next."""
    for row, need in enumerate(demand.need.tolist()):
        model.short[row] = []
        left = need
        for size in _MISSING:
            first = min(size, left) if size else left
            if first <= 0:
                break
            lost = float(demand.loss[row, left - first] - demand.loss[row, left]) / first
            price = 1 + round(_LOST_CALL * lost * float(demand.calls[row]))
            if 1 - demand.loss[row, left - first] < rules.half_hour or left - first < rules.open_seats:
                price += _UNDER_LEAST
            model.short[row].append(model.programme.column(cost=price, upper=first))
            left -= first


def _limits(model: _Model, rules: Rules, taken: Ints | None, pools: Sequence[Pool]) -> None:
    """The hall's desks and the people that there are."""
    programme = model.programme
    if rules.seats is not None:
        for row in range(ROWS):
            free = rules.seats - (int(taken[row]) if taken is not None else 0)
            desks = model.desks[row]
            if desks:
                step = gcd(HALF_HOUR, *desks.values())
                upper = max(free, 0) * HALF_HOUR // step
                programme.row(list(desks), [v // step for v in desks.values()], upper=upper)
    if rules.people is not None:
        columns = list(range(len(model.keys)))
        paid = [pattern.kind.paid_minutes for _, pattern in model.keys]
        # nobody is of two groups: each beyond the first may leave one person's hours unused
        people = max(rules.people - sum(len(pool.groups) - 1 for pool in pools), 0)
        each = days_each(rules)
        programme.row(columns, paid, upper=people * rules.weekly_minutes)
        programme.row(columns, [1] * len(columns), upper=people * each)
        for day in range(7):
            today = [c for c in columns if model.keys[c][1].weekday == day]
            programme.row(today, [1] * len(today), upper=people)


def _solved(
    model: _Model, rules: Rules, solver: Solver | None, hint: Cover | None, seconds: float
) -> Cover | None:
    if model.short:
        # nobody works, everything is missing: that much is always possible
        known: list[int] | None = [0] * len(model.keys) + model.programme.upper[len(model.keys) :]
    else:
        known = [hint.people.get(key, 0) for key in model.keys] if hint else None
    step = 1 if model.short else paid_step(rules.kinds)
    found = solve(model.programme, solver=solver, seconds=seconds, hint=known, step=step)
    if found.values is None:
        if not found.proven:
            raise CannotCover(
                f"rules.solve_seconds: in {seconds:g} s no shifts were found and none were ruled out: give more seconds"
            )
        return None
    return _read(model, found)


def _read(model: _Model, found: Solution) -> Cover:
    assert found.values is not None
    people = {key: n for key, n in zip(model.keys, found.values, strict=False) if n}
    paid = sum(pattern.kind.paid_minutes * n for (_, pattern), n in people.items())
    missing = {row: sum(found.values[c] for c in columns) for row, columns in model.short.items()}
    short = {row: seats for row, seats in missing.items() if seats}
    # the penalty of what is missing is the same in the cost and in the bound
    over = (found.cost or 0) - found.bound
    return Cover(people, paid, paid - over, found.proven, found.solver, short)


def _reachable(demands: Sequence[Demand], pools: Sequence[Pool], model: _Model) -> None:
    """Is there a shift at all for every half hour in which somebody is needed?"""
    for demand in demands:
        for row, need in enumerate(demand.need.tolist()):
            if need and not any(model.keys[c][0] in demand.pools for c in model.cover[row]):
                raise CannotCover(
                    f"rules.kinds: no shift that is allowed is at work on {moment(row)}, where {need} are needed: "
                    "allow a start or a weekday for it",
                    row,
                )


def _why(
    demands: Sequence[Demand],
    pools: Sequence[Pool],
    rules: Rules,
    taken: Ints | None,
    solver: Solver | None,
    seconds: float,
    best: Cover,
) -> tuple[str, int | None]:
    """Which rule stands against the need: the people, when it can be kept without that limit; else the hall."""
    if rules.people is not None:
        model = _model(demands, pools, rules, taken)
        _limits(model, replace(rules, people=None), taken, pools)
        free = _solved(model, rules, solver, None, seconds)
        if free is not None:
            wanted = people_needed(free, rules) + sum(len(pool.groups) - 1 for pool in pools)
            hours = rules.people * rules.weekly_minutes / 60
            return (
                f"rules.people: the shifts take {free.paid_minutes / 60:,.0f} hours a week, and {rules.people} people work "
                f"{hours:,.0f} at most: have {wanted} people, or lower the target"
            ), None
    row = max(best.short, key=lambda r: (best.short[r], -r))
    need = max(int(demand.need[row]) for demand in demands)
    return (
        f"rules.seats: {moment(row)} needs {need} people at work, {best.short[row]} more than the hall's {rules.seats} "
        "seats allow: have more seats, write hot_desks = true, or lower the target"
    ), row


def people_needed(found: Cover, rules: Rules) -> int:
    """The fewest people who can work these shifts, as far as the week's hours, its days off and the fullest day say;
    the roster shows whether they do."""
    by_day = [0] * 7
    for (_, pattern), count in found.people.items():
        by_day[pattern.begin // DAY] += count
    by_hours = -(-found.paid_minutes // rules.weekly_minutes)
    by_days = -(-found.shifts // days_each(rules))
    return max(by_hours, by_days, *by_day)


def days_each(rules: Rules) -> int:
    """On how many days of a week one person may work at most: the shortest shift decides."""
    shortest = min(kind.paid_minutes for kind in rules.kinds)
    return max(1, min(rules.days_a_week, rules.weekly_minutes // max(shortest, 1)))
