"""Play a scenario until its figures are sure enough: `simulate`, and `Study` for several options at once.

Options that are compared play the same batches: the same days, the same callers (common random numbers), so
that their difference is far surer than either figure. Where the batches are played makes no difference to the
figures: jobs are made and results are added up here, in order, and a job says everything that its
replications depend on.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Protocol

import numpy as np

from simulator import strata
from simulator.batch import EngineName, Job, Kept, Played, expectations, kept, laid_out, play
from simulator.controls import Surplus, corrected
from simulator.figures import (
    AT_MOST_ONE,
    EMPTY,
    MEASURES,
    PARTS,
    SHARE,
    UNIT,
    WHOLES,
    Breakdown,
    Figures,
    Measure,
)
from simulator.outcome import Outcome
from simulator.precision import (
    ALPHA,
    FEW,
    Aim,
    Band,
    Floats,
    Interval,
    Looks,
    ratios,
    standard_error,
    student,
)
from simulator.scenario import HALF_HOUR_MS, Scenario

_FEW_BATCHES = 8
"""with fewer than so many of several days each, the spread is taken between days"""

Progress = Callable[[int, int], None]
"""is told how many days have been played, and how many it will be as far as is known now"""


class Workers(Protocol):
    """Whoever plays batches: threads or a cluster (`simulator.sweep_live`)."""

    def map(self, function: Callable[[Job], Played], jobs: Sequence[Job]) -> Iterable[Played]:
        """The results in the order of the jobs."""
        ...


class Study:
    """One option: the batches that it needs next, those that were played, and what they say.

    ``aim``: until when; or ``days``: exactly so many, rounded up to whole replications.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        aim: Aim | None = None,
        days: int | None = None,
        engine: EngineName = "fast",
    ) -> None:
        if days is not None and days < 1:
            raise ValueError(f"days: {days} are none: play 1 or more")
        self.scenario = scenario
        self.engine: EngineName = engine
        self.key = sha256(pickle.dumps(scenario)).hexdigest()
        self._size = strata.usual_size(scenario.arrivals.busyness, scenario.days)
        self._looks = None
        if days is None:
            self._looks = Looks(aim or Aim(target=scenario.target), self._size * scenario.days)
        whole = 0 if days is None else -(-days // scenario.days)
        self._given = strata.sizes(whole, self._size) if days is not None else []
        self._played: list[Kept] = []
        self._total: Outcome | None = None
        self._alpha = ALPHA
        self.done = False

    # ── playing ──────────────────────────────────────────────────────────────────────────────────────────────

    def jobs(self) -> list[Job]:
        """What has to be played before the next look; nothing when it is done."""
        if self.done:
            return []
        upto = self._looks.batches if self._looks else len(self._given)
        return [self._job(batch) for batch in range(len(self._played), upto)]

    def _job(self, batch: int) -> Job:
        size = self._given[batch] if self._given else self._size
        first = sum(self._given[:batch]) if self._given else batch * self._size
        scenario = self.scenario
        factors = strata.factors(scenario.seed, batch, size, scenario.days, scenario.arrivals.busyness)
        return Job(scenario, self.key, self.engine, first, factors)

    def add(self, played: Played) -> None:
        """Add the next of `jobs`, in their order."""
        self._played.append(kept(played))
        self._total = played.outcome if self._total is None else self._total + played.outcome

    def look(self) -> None:
        """All of `jobs` have been added: is it enough?"""
        if self._looks is None:
            self.done = True
            return
        self._alpha = self._looks.alpha
        seen, error = self._controlled("answer_rate")
        self.done = self._looks.look(seen, error * len(self._played) ** 0.5)

    @property
    def days_played(self) -> int:
        """Days that were played for it."""
        return sum(len(played.busyness) for played in self._played) * self.scenario.days

    @property
    def days_expected(self) -> int:
        """Days that it takes in all, as far as is known now."""
        if self._looks is None:
            return sum(self._given) * self.scenario.days
        batches = len(self._played) if self.done else max(self._looks.batches, self._looks.planned)
        return batches * self._size * self.scenario.days

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────

    def interval(self, measure: Measure = "answer_rate") -> Interval:
        """A figure of the whole replication, with strata and control variates."""
        return self._controlled(measure)[0]

    def standard_error(self, measure: Measure = "answer_rate") -> float:
        """Of that figure."""
        return self._controlled(measure)[1]

    def errors(self, measure: Measure = "answer_rate") -> Floats:
        """Each replication's part less the ratio x its whole, in shares of the mean whole; nothing is taken
        off.
        """
        return np.asarray(self._errors(measure)[1].sum(1), np.float64)

    def figures(self) -> Figures:
        """Everything."""
        outcome = self.outcome
        whole = {measure: self.interval(measure) for measure in MEASURES}
        return Figures(
            name=self.scenario.name,
            seats=self.scenario.seats(),
            **whole,
            days=self.days_played,
            calls=outcome.calls,
            target=self.scenario.target,
            looks=self._looks.looks if self._looks else 1,
            replications=self._replications,
            by_half_hour=self._breakdown(axis=1),
            by_line=self._breakdown(axis=0),
            lines=tuple(line.name for line in self.scenario.lines),
            outcome=outcome,
        )

    @property
    def outcome(self) -> Outcome:
        """The sum of all replications."""
        if self._total is None:
            raise ValueError(f"{self.scenario.name}: nothing was played yet")
        return self._total

    @property
    def _replications(self) -> int:
        return sum(len(played.busyness) for played in self._played)

    def _sizes(self, batches: int | None = None) -> Floats:
        return np.array([len(played.busyness) for played in self._played[:batches]], np.float64)

    def _errors(self, measure: Measure, batches: int | None = None) -> tuple[float, Floats, Floats, float]:
        """The ratio, ``errors[replication, day]``, ``lost[batch, half hour]``, and the ratio's bias that one
        over a mean has.
        """
        column = MEASURES.index(measure)
        chosen = self._played[:batches]
        part = np.concatenate([played.parts[:, :, column] for played in chosen])
        whole = np.concatenate([played.wholes[:, :, column] for played in chosen])
        lost = np.stack([_lost(played, measure) for played in chosen])
        if whole.sum() == 0:
            return EMPTY[column], np.zeros(part.shape), lost, 0.0
        ratio = float(part.sum() / whole.sum())
        mean = float(whole.sum()) / len(whole)
        errors = (part - ratio * whole) / mean
        batch = np.repeat(np.arange(len(chosen)), [len(played.busyness) for played in chosen])
        by_batch = np.bincount(batch, errors.sum(1)), np.bincount(batch, whole.sum(1) - mean)
        bias = -float((by_batch[0] * by_batch[1]).sum()) / (len(part) ** 2 * mean)
        return ratio, errors, lost, bias if len(chosen) > 1 else 0.0

    def _surplus(self, batches: int | None = None) -> Surplus:
        chosen = self._played[:batches]
        expected, work = expectations(self.scenario, laid_out(self.scenario, self.key))
        busyness = np.concatenate([played.busyness for played in chosen])
        first = np.concatenate([played.first for played in chosen])
        excess = np.concatenate([played.excess for played in chosen])
        gave_up = np.concatenate([played.gave_up for played in chosen])
        shape = self.scenario.arrivals.busyness
        by_half_hour = np.repeat(busyness, len(expected) // busyness.shape[1], axis=1)
        there = expected > 0
        calls = np.where(there, first / np.where(there, expected, 1) - by_half_hour, 0.0)
        return Surplus(
            np.repeat(np.arange(len(chosen)), [len(played.busyness) for played in chosen]).astype(np.float64),
            calls,
            np.where(work > 0, excess / np.where(work > 0, work, 1), 0.0),
            gave_up / max(float(expected.sum()), 1.0),
            (busyness - 1) * (shape**0.5 if shape else 0.0),
            2 / shape**0.5 if shape else 0.0,
        )

    def _controlled(self, measure: Measure) -> tuple[Interval, float]:
        column = MEASURES.index(measure)
        ratio, errors, lost, bias = self._errors(measure)
        if self.scenario.days > 1 and len(self._played) < _FEW_BATCHES:
            mean, error, freedom = _between_days(errors)
        else:
            mean, error = self._summed(corrected(errors, lost, self._surplus()))
            freedom = len(self._played) - 1
        mean += ratio - bias
        half = student(self._alpha, freedom) * error if freedom else float("inf")
        unit = UNIT[column]
        highest = 1.0 if AT_MOST_ONE[column] else float(self.scenario.horizon_ms)
        low, high = max(mean - half, 0.0), min(mean + half, highest)
        if SHARE[column] and self._few(
            column
        ):  # where little was seen the exact limits may be the wider ones
            plain = self._plain(column)
            low, high = min(low, plain.low), max(high, plain.high)
        mean = min(max(mean, 0.0), highest)
        return Interval(mean / unit, min(low, mean) / unit, max(high, mean) / unit), error

    def _summed(self, errors: Floats, batches: int | None = None) -> tuple[float, float]:
        """The mean over all replications, and its standard error, from the batches."""
        sizes = self._sizes(batches)
        batch = np.repeat(np.arange(len(sizes)), sizes.astype(np.int64))
        sums = np.asarray(np.bincount(batch, errors), np.float64)
        return float(errors.mean()), float(standard_error(sums, sizes)) / len(errors)

    def _few(self, column: int) -> bool:
        parts = sum(float(played.parts[:, :, column].sum()) for played in self._played)
        wholes = sum(float(played.wholes[:, :, column].sum()) for played in self._played)
        return min(parts, wholes - parts) < FEW

    def _plain(self, column: int) -> Interval:
        part = np.array([played.parts[:, :, column].sum() for played in self._played])
        whole = np.array([played.wholes[:, :, column].sum() for played in self._played])
        return ratios(part, whole, self._sizes(), alpha=self._alpha, empty=EMPTY[column]).at()

    def _breakdown(self, axis: int) -> Breakdown:
        """``axis`` 1: the sum over lines, by half hour; 0: the sum over half hours, by line."""
        sizes = self._sizes()
        replications = self._replications

        def counted(name: str) -> Floats:
            return np.stack(
                [played.by_half_hour[name] if axis else played.by_line[name] for played in self._played]
            )

        def band(column: int) -> Band:
            unit = UNIT[column]
            found = ratios(
                counted(PARTS[column]), counted(WHOLES[column]), sizes,
                alpha=self._alpha, empty=EMPTY[column], share=SHARE[column],
            )  # fmt: skip
            most = 1.0 if AT_MOST_ONE[column] else float(self.scenario.horizon_ms)
            return Band(found.mean / unit, found.low / unit, np.minimum(found.high, most) / unit)

        seats = axis == 1
        return Breakdown(
            counted("offered").sum(0) / replications,
            counted("asked").sum(0) / replications,
            band(0),
            band(1),
            band(2),
            band(3),
            band(4) if seats else None,
            counted("staffed_ms").sum(0) / replications / HALF_HOUR_MS if seats else None,
            counted("busy_ms").sum(0) / replications / HALF_HOUR_MS if seats else None,
        )


def difference(
    one: Study, other: Study, measure: Measure = "answer_rate", *, alpha: float = ALPHA
) -> Interval:
    """``one`` less ``other``, on the batches that both have played: what is common to them does not blur it."""
    batches = min(len(one._played), len(other._played))
    alike = one.scenario.seed == other.scenario.seed and one.scenario.days == other.scenario.days
    if not (batches and alike and one._sizes(batches).tolist() == other._sizes(batches).tolist()):
        raise ValueError("difference: the two have not played the same days: compare studies of one seed")
    first, errors, lost, bias = one._errors(measure, batches)
    second, other_errors, other_lost, other_bias = other._errors(measure, batches)
    left = corrected(errors - other_errors, np.abs(lost - other_lost), one._surplus(batches))
    mean, error = one._summed(left, batches)
    mean += first - bias - second + other_bias
    half = student(alpha, batches - 1) * error if batches > 1 else float("inf")
    unit = UNIT[MEASURES.index(measure)]
    return Interval(mean / unit, (mean - half) / unit, (mean + half) / unit)


def _between_days(errors: Floats) -> tuple[float, float, int]:
    """The mean error, its standard error, and the degrees of freedom, from the spread between all days.

    Of so few replications the days have to say it. They differ by their weekday as well, so the spread is rather
    too large, and so are the limits. ``errors[replication, day]``.
    """
    count = errors.size
    error = float(errors.std(ddof=1)) * errors.shape[1] / count**0.5
    return float(errors.sum(1).mean()), error, count - 1


def _lost(batch: Kept, measure: Measure) -> Floats:
    """Where a figure is decided, by half hour: what is lost, or waited, or worked there."""
    by = batch.by_half_hour
    match measure:
        case "answer_rate":
            return by["asked"] - by["answered"]
        case "service_level":
            return by["asked"] - by["within"]
        case "abandon_rate":
            return by["abandoned"]
        case "asa":
            return by["wait_ms"]
        case "occupancy":
            return by["busy_ms"]


def pursue(
    studies: Sequence[Study], *, workers: Workers | None = None, progress: Progress | None = None
) -> None:
    """Play all of them until each is done, those jobs together that do not wait for each other's looks."""
    done = sum(study.days_played for study in studies)
    while jobs := [(study, job) for study in studies for job in study.jobs()]:
        results = (
            workers.map(play, [job for _, job in jobs]) if workers else map(play, (job for _, job in jobs))
        )
        for (study, job), played in zip(jobs, results, strict=True):
            study.add(played)
            done += job.busyness.size
            if progress:
                progress(done, max(sum(s.days_expected for s in studies), done))
        for study in {id(study): study for study, _ in jobs}.values():
            study.look()
    if progress:  # it may have ended sooner than was foretold
        progress(done, done)


def simulate(
    scenario: Scenario,
    *,
    days: int | None = None,
    seats: int | None = None,
    workers: Workers | None = None,
    engine: EngineName = "fast",
    progress: Progress | None = None,
    aim: Aim | None = None,
) -> Figures:
    """What will a scenario be like? ``days``: play so many; ``None``: until the answer rate is known well
    enough (``aim``).

    ``seats``: another number of them at the fullest. ``workers``: who plays, ``None``: this thread.
    ``engine``: ``fast``, the compiled loop; ``engine``, the one that answers the phones. Raises
    ``ValueError``, `place: fault: remedy`, for what cannot be played.
    """
    chosen = scenario if seats is None else scenario.with_seats(seats)
    study = Study(chosen, aim=aim, days=days, engine=engine)
    pursue([study], workers=workers, progress=progress)
    return study.figures()


__all__ = [
    "MEASURES", "Aim", "Breakdown", "EngineName", "Figures", "Interval", "Measure", "Progress", "Study", "Workers",
    "difference", "play", "pursue", "simulate",
]  # fmt: skip
