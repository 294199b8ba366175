"""How sure is a figure? Intervals that cover, verdicts against a target, and when to stop adding days.

Days are played in *batches*. Batches are independent of each other and alike (inside one the days are
stratified, `simulator.strata`), so what is known of the spread is the spread between batches, and Student's t
with batches - 1 degrees of freedom says how far to trust their mean (A. Law, "Simulation Modeling and
Analysis", ch. 9). An answer rate is a ratio of two sums: its error is that of answered - rate x asked (the
delta method), and not the mean of the days' rates.

Who looks at an interval again and again until it pleases is wrong more often than 5 in 100. So every look has
an own share of the alpha, and the shares add up to it: `Looks` spends 10 % at the first look, then 80 % in
proportion to the days played out of the days planned, the rest by halves beyond the plan. By Bonferroni all
looks' intervals hold together, whatever made one stop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Verdict = Literal["met", "missed", "undecided"]

ALPHA = 0.05
FEW = 30
"""fewer events than that say little by their spread: then the exact binomial limits count too"""
_FIRST, _PLANNED = 0.1, 0.8
"""shares of the alpha: for the first look, for all looks up to the planned number"""
_LEAST = 8
"""batches before the first look"""
_GROWTH = 1.5
"""batches at a look over those at the look before"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its limits: the truth lies between ``low`` and ``high`` in 95 of 100 studies."""

    mean: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From limit to limit, in the figure's unit."""
        return self.high - self.low

    def __neg__(self) -> Interval:
        return Interval(-self.mean, -self.high, -self.low)


@dataclass(frozen=True, slots=True)
class Band:
    """Many figures with their limits: arrays of one shape, say one value a half hour."""

    mean: Floats
    low: Floats
    high: Floats

    def at(self, *place: int) -> Interval:
        """One of them."""
        return Interval(float(self.mean[place]), float(self.low[place]), float(self.high[place]))


def verdict(interval: Interval, target: float) -> Verdict:
    """``met``: all of the interval reaches the target; ``missed``: none of it does; else ``undecided``."""
    if interval.low >= target:
        return "met"
    return "missed" if interval.high < target else "undecided"


def student(alpha: float, freedom: int) -> float:
    """How many standard errors the limits are from the mean; without a degree of freedom: infinitely many."""
    if freedom < 1:
        return float("inf")
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - alpha / 2))


def standard_error(sums: Floats, sizes: Floats) -> Floats:
    """Of the sum over the batches. ``sums[batch, ...]`` with mean 0 (a batch's sum over its days),
    ``sizes[batch]`` days of each.

    A batch of twice as many days varies by twice the variance. One batch: infinite.
    """
    batches = len(sizes)
    if batches < 2:
        return np.full(sums.shape[1:], np.inf)
    shape = (-1, *(1,) * (sums.ndim - 1))
    shares = (sizes / sizes.sum()).reshape(shape)
    squares = (sums - sums.sum(0) * shares) ** 2 / sizes.reshape(shape)
    per_day = squares.sum(0) / (batches - 1)
    return np.asarray(np.sqrt(per_day * sizes.sum()), np.float64)


def ratios(
    part: Floats,
    whole: Floats,
    sizes: Floats,
    *,
    alpha: float = ALPHA,
    empty: float = 1.0,
    share: bool = True,
) -> Band:
    """Sum over sum with limits. ``part[batch, ...]``, ``whole[batch, ...]``: each batch's sums; ``empty``:
    the value where ``whole`` is 0.

    ``share``: between 0 and 1, of counted events: where fewer than `FEW` were seen on either side, the limits
    are at least as wide as the exact binomial ones (Clopper and Pearson 1934): a hundred calls without a loss
    are no proof that none is ever lost.
    """
    parts, wholes = part.sum(0), whole.sum(0)
    there = wholes > 0
    safe = np.where(there, wholes, 1.0)
    mean = np.where(there, parts / safe, empty)
    half = student(alpha, len(sizes) - 1) * (standard_error(part - mean * whole, sizes) / safe)
    half = np.where(there, np.nan_to_num(half, nan=np.inf, posinf=np.inf), np.inf)
    low, high = mean - half, mean + half
    if share:
        few = there & (np.minimum(parts, wholes - parts) < FEW)
        exact_low, exact_high = _binomial(parts, safe, alpha)
        low = np.where(few, np.minimum(low, exact_low), low)
        high = np.where(few, np.maximum(high, exact_high), high)
        low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    else:
        low = np.maximum(low, 0.0)
    return Band(np.asarray(mean, np.float64), np.asarray(low, np.float64), np.asarray(high, np.float64))


def _binomial(part: Floats, whole: Floats, alpha: float) -> tuple[Floats, Floats]:
    from scipy.special import betaincinv

    part = np.clip(part, 0.0, whole)
    low = np.where(part > 0, betaincinv(np.maximum(part, 1e-9), whole - part + 1, alpha / 2), 0.0)
    high = np.where(part < whole, betaincinv(part + 1, np.maximum(whole - part, 1e-9), 1 - alpha / 2), 1.0)
    return low, high


def interval(mean: float, error: float, batches: int, *, alpha: float = ALPHA) -> Interval:
    """Student's, from a standard error that was taken between batches."""
    if error == 0.0:
        return Interval(mean, mean, mean)
    half = student(alpha, batches - 1) * error
    return Interval(mean, mean - half, mean + half)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a study is after, and what it may cost.

    It ends when the interval excludes ``target`` (``None``: there is none) or is narrower than ``width``, and
    with ``most_days`` in any case. ``alpha``: the chance of a wrong interval, all looks together.
    ``first_days``: before the first look.
    """

    target: float | None = 0.98
    width: float = 0.001
    alpha: float = ALPHA
    first_days: int = 64
    most_days: int = 4000


@dataclass(slots=True)
class Looks:
    """The looks at a study that goes on until its `Aim` is reached: how many batches (of ``batch_days`` days
    each) the next one needs and which alpha is its own.

    The plan (how many batches the width will take) is made at the first look from the spread alone, never
    from the mean: a plan that knew on which side the target lies would spend the alpha where it errs.
    """

    aim: Aim
    batch_days: int
    batches: int = field(init=False)
    """there have to be so many at the next look"""
    alpha: float = field(init=False)
    """of the next look"""
    first: int = field(init=False)
    most: int = field(init=False)
    planned: int = field(init=False, default=0)
    looks: int = field(init=False, default=0)
    done: bool = field(init=False, default=False)
    spent: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.first = max(self.aim.first_days // self.batch_days, _LEAST)
        self.most = max(self.aim.most_days // self.batch_days, self.first)
        self.batches = self.first
        self.alpha = _FIRST * self.aim.alpha

    def look(self, seen: Interval, spread: float) -> bool:
        """Is it enough? ``seen``: the interval at `alpha`; ``spread``: standard error x root of the batches.
        Else plans the next look.
        """
        if self.done:
            raise ValueError("the study has ended: nothing is looked at after that")
        self.looks += 1
        self.spent += self.alpha
        target = self.aim.target
        excluded = target is not None and verdict(seen, target) != "undecided"
        self.done = excluded or seen.width <= self.aim.width or self.batches >= self.most
        if not self.done:
            if not self.planned:
                self.planned = self._plan(spread)
            self._next()
        return self.done

    def _plan(self, spread: float) -> int:
        last = NormalDist().inv_cdf(
            1 - _PLANNED * self.aim.alpha / 3 / 2
        )  # a third of the way is the last step's
        needed = (2 * last * spread / self.aim.width) ** 2
        least = self.batches * _GROWTH
        # a little more than it seems to take, so that the last planned look is the last
        return int(min(max(needed * 1.1 + 2, least), self.most))

    def _next(self) -> None:
        before = self.batches
        grown = min(max(int(before * _GROWTH), before + 1), self.most)
        if before < self.planned:
            # no tiny step before the plan's end
            self.batches = self.planned if grown * 1.2 >= self.planned else grown
            part = (self.batches - before) / (self.planned - self.first)
            self.alpha = _PLANNED * self.aim.alpha * part
        else:
            self.batches = grown
            self.alpha = (self.aim.alpha - self.spent) / 2


__all__ = [
    "ALPHA", "FEW", "Aim", "Band", "Floats", "Interval", "Looks", "Verdict",
    "interval", "ratios", "standard_error", "student", "verdict",
]  # fmt: skip
