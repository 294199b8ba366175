"""The search behind `simulator.staffing.staff`: plans are made, played, cut and trimmed until one does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from simulator.covering import Cover, Key, cover
from simulator.needs import Demand, Floats, Ints, Pool, demands, points, pools, rows_of, shared_out, week_of
from simulator.outcome import Outcome
from simulator.precision import Aim, verdict
from simulator.programme import Solver
from simulator.rules import ROWS, Rules
from simulator.scenario import Scenario, SubCentre
from simulator.shifts import PlannedShift, fixed, planned, uncovered, with_experts, with_shifts
from simulator.study import Figures, Study, Workers, pursue

Progress = Callable[[str, int, int], None]
"""is told what is being done, how many steps of all are done, and how many there are as far as is known"""

_ROUNDS = 10
"""plans that are tried until one meets the target"""
_TRIMS = 5
"""times that something is taken away"""
_CHECKS = 3
"""plans that are shown to callers not seen before"""
_MARGIN = 0.0004
"""above the target, so that the check can tell"""
_CLOSE = 0.0008
"""nearer to the target than that nothing is gained by another round"""
_GLANCE = 3.0
"""seconds for a covering that may not be the last"""
_SEARCH_DAYS = 7 * 24
_OTHER_SEED = 0x5EED0000


@dataclass(slots=True)
class Trial:
    """A plan that was played."""

    demands: tuple[Demand, ...]
    cover: Cover
    shifts: tuple[PlannedShift, ...]
    scenario: Scenario
    rate: float
    figures: Figures
    low: list[tuple[frozenset[str], int]] = field(default_factory=list)
    """half hours (of a demand) that are under the rules' least"""

    @property
    def asked(self) -> float:
        """Calls of a mean replication that asked for a seat."""
        return float(self.figures.outcome.asked.sum()) / self.figures.replications


_HELPS = 0.25
"""where Erlang A sees no more to win by any number of seats than this part of what the rules allow to lose, none lack"""


class Search:
    """The steps of `staff`, with what they share."""

    def __init__(
        self, scenario: Scenario, target: float, rules: Rules, progress: Progress | None, workers: Workers | None,
        solver: Solver | None,
    ) -> None:  # fmt: skip
        week, notes = with_experts(week_of(scenario), rules)
        self.base = replace(week, target=target)
        self.given = scenario
        self.target, self.rules = target, rules
        self.progress, self.workers, self.solver = progress, workers, solver
        self.pools: tuple[Pool, ...] = pools(self.base)
        self.open: tuple[Demand, ...] = demands(self.base, rules)
        self.taken: Ints = fixed(self.base)
        self.rows: Ints = rows_of(self.base)
        self.notes = [*notes, *uncovered(self.base, self.pools)]
        self.more = {demand.pools: np.zeros(ROWS, np.int64) for demand in self.open}
        self.most = {demand.pools: np.full(ROWS, np.iinfo(np.int64).max) for demand in self.open}
        """what the hall and the people there are allow, as far as it was met"""
        self.limit: str | None = None
        self.rounds = 0
        self.steps, self.expected = 0, _ROUNDS // 2 + _TRIMS + 1
        self.last: Cover | None = None

    def tell(self, what: str, *, done: int = 1) -> None:
        self.steps += done
        self.expected = max(self.expected, self.steps)
        if self.progress:
            self.progress(what, self.steps, self.expected)

    def best(self) -> tuple[Trial, Figures]:
        """The plan, and its figures with callers that the search has not seen."""
        margin = _MARGIN
        for check in range(_CHECKS):
            best = self._meet(margin)
            best = self._proven(self._trimmed(best, margin), margin)
            figures = self._checked(best, check)
            rate = figures.answer_rate
            if verdict(rate, self.target) == "met" or best.rate < self.target:
                break
            margin += max(self.target - rate.low, 0.0) + _MARGIN
        return best, figures

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────

    def _meet(self, margin: float) -> Trial:
        """The cheapest plan found that is above the target by the margin; the best there was when none is."""
        aim = self.target + margin
        best: Trial | None = None
        nearest: Trial | None = None
        below = 0.0
        """the highest aim that was known to miss"""
        seen: set[bytes] = set()
        for _ in range(_ROUNDS):
            wanted = tuple(self._wanted(d, aim) for d in self.open)
            asked = b"".join(demand.need.tobytes() for demand in wanted)
            if best is not None and asked in seen:
                break
            seen.add(asked)
            trial = self._tried(wanted)
            over = trial.rate - self.target - margin
            self.tell(f"shifts of {trial.cover.paid_minutes / 60:,.0f} h answer {trial.rate:.2%}")
            mended = self._cut(trial)
            if over >= 0 and not mended:
                if best is None or trial.cover.paid_minutes <= best.cover.paid_minutes:
                    best = trial
                if over <= _CLOSE:
                    break
                aim = max(aim - 0.8 * over, (aim + below) / 2 if below else 0.0)
            else:
                nearest = trial if nearest is None or trial.rate > nearest.rate else nearest
                if aim >= 1 - 1e-6:
                    break
                below = aim if over < 0 else below
                aim = min(aim + max(-over, 0.0) * 1.1 + (0.0002 if over < 0 else 0.0), 1 - 1e-7)
            if best is not None and below and aim - below < 1e-4:
                break
        return best or nearest or trial

    def _wanted(self, demand: Demand, aim: float) -> Demand:
        """What a demand needs for an aim, no more than there is room for: what is short here is made good elsewhere."""
        found = shared_out(demand, aim, self.rules, self.more[demand.pools])
        return replace(found, need=np.minimum(found.need, self.most[demand.pools]))

    def _tried(self, wanted: tuple[Demand, ...], hint: Cover | None = None) -> Trial:
        """Cover a need and play the week."""
        self.rounds += 1
        found = cover(
            wanted,
            self.pools,
            self.rules,
            taken=self.taken,
            solver=self.solver,
            hint=hint or self.last,
            seconds=min(self.rules.solve_seconds, _GLANCE),
            elastic=True,
        )
        self.last = found
        self.limit = self.limit or found.limit
        self._remember(found, wanted)
        return self._played(wanted, found)

    def _remember(self, found: Cover, wanted: tuple[Demand, ...]) -> None:
        """Where the hall was full and seats were missing all the same: more is not asked there again."""
        if self.rules.seats is None:
            return
        desks = np.array(found.desks(hot=self.rules.hot_desks), np.int64) + self.taken
        for row, seats in found.short.items():
            if desks[row] >= self.rules.seats:
                for demand in wanted:
                    most = max(int(demand.need[row]) - seats, 0)
                    self.most[demand.pools][row] = min(int(self.most[demand.pools][row]), most)

    def _played(self, wanted: tuple[Demand, ...], found: Cover) -> Trial:
        shifts = planned(found, self.pools)
        scenario = with_shifts(self.base, shifts)
        study = Study(replace(scenario, seed=scenario.seed ^ _OTHER_SEED), days=_SEARCH_DAYS)
        pursue([study], workers=self.workers)
        figures = study.figures()
        trial = Trial(wanted, found, shifts, scenario, figures.answer_rate.mean, figures)
        trial.low = self._too_low(figures.outcome, wanted, found)
        return trial

    def _too_low(
        self, outcome: Outcome, wanted: tuple[Demand, ...], cover: Cover
    ) -> list[tuple[frozenset[str], int]]:
        """Half hours that are under the rules' least where more seats would help, and 24 hours on end that are."""
        found = []
        for demand in wanted:
            asked, answered = self._by_row(outcome, demand)
            with np.errstate(invalid="ignore", divide="ignore"):
                rate = np.where(asked > 0, answered / asked, 1.0)
            # calls of one half hour come and go together: their spread is a few times that of single calls
            doubt = 4.0 * np.sqrt(
                3 * self.rules.half_hour * (1 - self.rules.half_hour) / np.maximum(asked, 1.0)
            )
            low = rate + np.minimum(doubt, 0.5 * (1 - self.rules.half_hour)) < self.rules.half_hour
            # two of a dozen callers who hang up at once are no want of seats: however many came, it would be the same two
            there = np.minimum(np.array(cover.present(demand.pools), np.int64), demand.loss.shape[1] - 1)
            low &= demand.loss[np.arange(ROWS), there] - demand.loss[:, -1] > _HELPS * (
                1 - self.rules.half_hour
            )
            found += [(demand.pools, int(row)) for row in np.flatnonzero(low)]
            found += [
                (demand.pools, row)
                for row in _worst_of_a_bad_day(asked, answered, self.rules.any_day + _MARGIN)
            ]
        return sorted(set(found), key=lambda item: (sorted(item[0]), item[1]))

    def _by_row(self, outcome: Outcome, demand: Demand) -> tuple[Floats, Floats]:
        columns = [i for i, line in enumerate(self.base.lines) if line.name in demand.lines]
        asked, answered = np.zeros(ROWS), np.zeros(ROWS)
        np.add.at(asked, self.rows, outcome.asked[:, columns].sum(1))
        np.add.at(answered, self.rows, outcome.answered[:, columns].sum(1))
        return asked, answered

    def _cut(self, trial: Trial) -> bool:
        """Ask one seat more where a rule about calls is broken, and of sub-centres that answer too late; was there
        anything?"""
        cut = False
        for names, row in trial.low:
            there = trial.cover.present(names)[row]
            if there < self.most[names][row]:
                need = next(int(demand.need[row]) for demand in trial.demands if demand.pools == names)
                self.more[names][row] += max(there + 1 - need, 1)
                cut = True
        return self._subcentres(trial.figures.outcome) or cut

    def _subcentres(self, outcome: Outcome) -> bool:
        """Sub-centres whose seats are counted get as many as `Rules.subcentre` takes."""
        grown = False
        made: list[SubCentre] = []
        for sub in self.base.subcentres:
            share = in_time(self.base, sub, outcome)
            if share is not None and share < self.rules.subcentre and sub.seats is not None:
                best = _answers_within(sub)
                if best > self.rules.subcentre:
                    missing = (
                        ceil(sub.seats * min((self.rules.subcentre - share) / max(share, 0.1), 1.0)) or 1
                    )
                    made.append(replace(sub, seats=sub.seats + missing))
                    grown = True
                    continue
            made.append(sub)
        self.base = replace(self.base, subcentres=tuple(made))
        return grown

    def _trimmed(self, best: Trial, margin: float) -> Trial:
        """Take away what the week can spare, as long as it stays above the target: each time the spare calls by
        Erlang A, then played."""
        if best.rate < self.target + margin or best.low:
            return best
        part = 0.9
        for _ in range(_TRIMS):
            spare = (best.rate - self.target - margin) * best.asked * part
            need = self._without_spare(best, spare)
            if need is None:
                break
            trial = self._tried(need, hint=best.cover)
            self.tell(f"shifts of {trial.cover.paid_minutes / 60:,.0f} h answer {trial.rate:.2%}")
            met = trial.rate >= self.target + margin and not trial.low
            if met and trial.cover.paid_minutes < best.cover.paid_minutes:
                best = trial
            else:
                part *= 0.5
                if met:
                    break
        return best

    def _proven(self, best: Trial, margin: float) -> Trial:
        """The last covering searched to the end of its seconds, where a glance did not prove it."""
        if best.cover.proven:
            return best
        longer = cover(
            best.demands,
            self.pools,
            self.rules,
            taken=self.taken,
            solver=self.solver,
            hint=best.cover,
            elastic=True,
        )
        if longer.paid_minutes < best.cover.paid_minutes:
            trial = self._played(best.demands, longer)
            if trial.rate >= self.target + margin and not trial.low:
                return trial
        bound = min(max(best.cover.bound, longer.bound), best.cover.paid_minutes)
        proven = bound == best.cover.paid_minutes
        best.cover = replace(best.cover, bound=bound, proven=proven)
        return best

    def _without_spare(self, best: Trial, spare: float) -> tuple[Demand, ...] | None:
        """The need once the shifts are gone whose loss costs fewest calls for their hours; ``None``: not one can be
        spared."""
        left = dict(best.cover.people)
        present = {d.pools: np.array(best.cover.present(d.pools), np.int64) for d in best.demands}
        least = {d.pools: self._least(d) for d in best.demands}
        scale = self._scale(best)
        gone = 0
        while True:
            costs = {}
            for key in left:
                price = self._price(key, best.demands, present, least, scale)
                if price is not None and price <= spare:
                    costs[key] = price / key[1].kind.paid_minutes
            if not costs:
                break
            key = min(costs, key=lambda k: (costs[k], k[0], k[1].begin, k[1].kind.minutes, k[1].meal_after))
            spare -= costs[key] * key[1].kind.paid_minutes
            left[key] -= 1
            if not left[key]:
                del left[key]
            gone += 1
            for demand in best.demands:
                if key[0] in demand.pools:
                    for row, minutes in key[1].present().items():
                        present[demand.pools][row] -= minutes // 30
        if not gone:
            return None
        return tuple(replace(d, need=np.minimum(d.need, present[d.pools])) for d in best.demands)

    def _least(self, demand: Demand) -> Ints:
        enough = 1 - demand.loss >= self.rules.half_hour
        least = np.where(demand.calls > 1e-9, enough.argmax(1), 0) + self.more[demand.pools]
        return np.maximum(least, self.rules.open_seats)

    def _scale(self, best: Trial) -> float:
        """Calls that were really lost for one that Erlang A loses."""
        top = best.demands[-1]
        at_work = np.minimum(best.cover.present(top.pools), top.loss.shape[1] - 1)
        expected = float((top.loss[np.arange(ROWS), at_work] * top.calls).sum())
        asked, answered = self._by_row(best.figures.outcome, top)
        lost = float((asked - answered).sum()) / best.figures.replications
        return min(max(lost / expected, 0.5), 2.0) if expected > 0 else 1.0

    def _price(
        self, key: Key, wanted: tuple[Demand, ...], present: Mapping[frozenset[str], Ints],
        least: Mapping[frozenset[str], Ints], scale: float,
    ) -> float | None:  # fmt: skip
        """Calls lost when one of these shifts goes; ``None``: a half hour would fall under its least."""
        pool, pattern = key
        price = 0.0
        for demand in wanted:
            if pool not in demand.pools:
                continue
            worst = 0.0
            for row, minutes in pattern.present().items():
                seats = int(present[demand.pools][row])
                after = seats - ceil(minutes / 30)
                if after < least[demand.pools][row]:
                    return None
                top = demand.loss.shape[1] - 1
                more = demand.loss[row, min(after, top)] - demand.loss[row, min(seats, top)]
                worst += float(more * demand.calls[row]) * scale
            price = max(price, worst)
        return price

    def _checked(self, best: Trial, check: int) -> Figures:
        """Play the plan with callers of their own until it is known whether it meets the target."""
        scenario = replace(best.scenario, seed=best.scenario.seed + check)
        aim = Aim(target=self.target, width=0.0004, alpha=0.05 / _CHECKS)
        study = Study(scenario, aim=aim)
        pursue([study], workers=self.workers)
        self.tell("played with other callers")
        return study.figures()


def _answers_within(sub: SubCentre) -> float:
    """Share of the calls that the sub-centre answers in time when it always has a seat free."""
    return float((points(sub.answer) * 1000 <= sub.within_ms).mean())


def spread(rate: float, asked: Floats) -> Floats:
    """Standard error of an answer rate. Calls of one half hour wait together or not at all: it is three times that of single
    calls in the variance (our choice)."""
    return np.asarray(np.sqrt(3 * rate * (1 - rate) / np.maximum(asked, 1.0)), np.float64)


def worst_day(asked: Floats, answered: Floats) -> tuple[int, float] | None:
    """The 24 hours on end (48 half hours) with the lowest answer rate: where they begin, and the rate."""
    if len(asked) < 48:
        return None
    window = np.ones(48)
    whole, part = np.convolve(asked, window, "valid"), np.convolve(answered, window, "valid")
    rate = np.where(whole > 0, part / np.maximum(whole, 1e-9), 1.0)
    place = int(rate.argmin())
    return place, float(rate[place])


def _worst_of_a_bad_day(asked: Floats, answered: Floats, least: float) -> list[int]:
    """The half hours that lose most calls in the worst 24 hours of the week, where these are under ``least``."""
    worst = worst_day(np.concatenate([asked, asked[:47]]), np.concatenate([answered, answered[:47]]))
    if worst is None or worst[1] >= least:
        return []
    inside = [(worst[0] + i) % ROWS for i in range(48)]
    return sorted(inside, key=lambda row: answered[row] - asked[row])[:6]


def in_time(scenario: Scenario, sub: SubCentre, outcome: Outcome) -> float | None:
    """Share of the calls transferred to a sub-centre that it answered in its time; ``None``: none was."""
    columns = [i for i, line in enumerate(scenario.lines) if line.transfer and line.transfer.to == sub.name]
    asked = int(outcome.transferred[:, columns].sum())
    return int(outcome.transferred_within[:, columns].sum()) / asked if asked else None
