"""An integer programme as plain data, and its optimum with the proof: OR-Tools CP-SAT, or HiGHS where that is not
installed.

Everything is a whole number: columns (unknowns) with bounds and costs, rows ``lower <= sum(coefficient x column) <=
upper``. Both solvers search the same programme to the end, so both give the same optimal cost; where several choices
cost the same they may choose differently. A solver is loaded when it is first asked (CP-SAT alone takes a quarter of
a second) and runs on one thread: what is proven is the same every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Literal

Solver = Literal["cp-sat", "highs"]
SOLVERS: dict[Solver, str] = {"cp-sat": "ortools", "highs": "highspy"}
"""by the package that has it, in the order of preference"""
MOST = 1_000_000
"""no unknown here is larger: CP-SAT wants bounds"""
_FIRST_SHARE, _FIRST_SECONDS = 0.1, 0.3
"""of the seconds, and no more than so many, for CP-SAT, where HiGHS is there too to go on"""


class NoSolver(ValueError):
    """Neither solver is installed."""


@dataclass(slots=True)
class Programme:
    """Minimise the costs. Columns and rows are added one by one and named by their index."""

    lower: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    cost: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    index: list[int] = field(default_factory=list)
    value: list[int] = field(default_factory=list)
    row_lower: list[int | None] = field(default_factory=list)
    row_upper: list[int | None] = field(default_factory=list)

    def column(self, *, cost: int = 0, lower: int = 0, upper: int = MOST) -> int:
        """One more unknown; returns its index."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.cost.append(cost)
        return len(self.cost) - 1

    def row(
        self,
        columns: Sequence[int],
        coefficients: Sequence[int],
        *,
        lower: int | None = None,
        upper: int | None = None,
    ) -> int:
        """One more constraint; ``None``: no limit on that side. Returns its index."""
        self.index.extend(columns)
        self.value.extend(coefficients)
        self.starts.append(len(self.index))
        self.row_lower.append(lower)
        self.row_upper.append(upper)
        return len(self.row_lower) - 1

    def terms(self, row: int) -> list[tuple[int, int]]:
        """A row's columns and coefficients."""
        span = slice(self.starts[row], self.starts[row + 1])
        return list(zip(self.index[span], self.value[span], strict=True))

    def holds(self, values: Sequence[int]) -> bool:
        """Are all bounds and rows kept? Looked at without a solver."""
        inside = all(low <= v <= high for low, v, high in zip(self.lower, values, self.upper, strict=True))
        for row, (low, high) in enumerate(zip(self.row_lower, self.row_upper, strict=True)):
            total = sum(values[column] * value for column, value in self.terms(row))
            inside = inside and (low is None or total >= low) and (high is None or total <= high)
        return inside


@dataclass(frozen=True, slots=True)
class Solution:
    """``values`` by column, ``None``: there are none, or none was found in time. ``bound``: no choice whatever costs
    less. ``proven``: nothing better exists (``cost == bound``), or, without values, nothing exists at all."""

    values: tuple[int, ...] | None
    cost: int | None
    bound: int
    proven: bool
    solver: Solver

    @property
    def gap(self) -> float:
        """By what share of its cost the solution might be too dear; 0 when it is proven."""
        if self.cost is None or self.cost <= self.bound:
            return 0.0
        return (self.cost - self.bound) / self.cost


def installed() -> tuple[Solver, ...]:
    """The solvers that this Python has, the preferred first."""
    return tuple(name for name, package in SOLVERS.items() if _is_there(package))


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def solve(
    programme: Programme,
    *,
    solver: Solver | None = None,
    seconds: float = 30.0,
    hint: Sequence[int] | None = None,
    step: int = 1,
) -> Solution:
    """The cheapest choice. ``solver``: that one alone; ``None``: CP-SAT, and where it has no proof after a tenth of
    the ``seconds`` HiGHS from there on, so far as they are installed. ``hint``: a good choice that is known, to begin
    with. ``step``: every possible cost is a multiple of it, so that a bound may be rounded up.

    Raises `NoSolver` where none is installed.
    """
    there = (solver,) if solver else installed()
    if not there:
        raise NoSolver("staff: no solver is installed: pip install ortools, or pip install highspy")
    first = min(seconds * _FIRST_SHARE, _FIRST_SECONDS) if len(there) > 1 else seconds
    found = _minimum(there[0], programme, first, hint, step)
    if found.proven or len(there) == 1:
        return found
    # what CP-SAT found is where HiGHS begins: it is the better of the two at bounds
    more = _minimum(there[1], programme, seconds - first, found.values or hint, step)
    return _better(found, more)


def _minimum(
    solver: Solver, programme: Programme, seconds: float, hint: Sequence[int] | None, step: int
) -> Solution:
    if solver == "cp-sat":
        from simulator.programme_cpsat import minimum
    else:
        from simulator.programme_highs import minimum
    return minimum(programme, seconds, hint, step)


def _better(one: Solution, other: Solution) -> Solution:
    """The cheaper of two answers with the higher of their bounds."""
    if other.proven or one.cost is None:
        return other
    best = other if other.cost is not None and other.cost < one.cost else one
    assert best.cost is not None
    bound = min(max(one.bound, other.bound), best.cost)
    return replace(best, bound=bound, proven=bound >= best.cost)


def rounded_up(bound: float, step: int) -> int:
    """The least multiple of ``step`` that is not below ``bound``, which may be a rounding error too large."""
    return -int(-(bound - 1e-6 * max(1.0, abs(bound))) // step) * step


__all__ = ["MOST", "NoSolver", "Programme", "Solution", "Solver", "installed", "rounded_up", "solve"]
