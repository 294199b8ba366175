"""Records of real calls for a scenario: a CSV file of calls or of counts, or the program's own call records.

What comes out is arrays: calls by day and half hour with NaN where nothing is known, calls by line, durations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import observed
from simulator.forecast import GROUPS, HALF_HOURS, History, kind_of

Real = NDArray[np.float64]

_EPOCH = date(1970, 1, 1)
_UNLIKELY = 14.0
"""a run of half hours without a call in which so many were to be expected has probability e^-14: it was not counted"""
_AGAIN_MIN = 30
"""whoever calls again within half an hour of a call that nobody answered tries again"""


_HIDDEN = frozenset(
    {"", "anonymous", "unknown", "unavailable", "private", "restricted", "匿名", "未知", "隐藏"}
)
"""what stands for a caller who shows no number: not one person"""


class SourceFault(Exception):
    """Records that can't be used: ``place: fault: remedy``, the place within the file."""


class Call(NamedTuple):
    """One call. ``minute``: of its arrival, since 1970 in the city's time; durations in seconds, ``None``: not known.

    ``wait``: from the queue to the seat's answer or the end; ``hung_up``: the caller ended the wait.
    """

    minute: int
    line: str | None = None
    caller: str | None = None
    answered: bool = True
    wait: float | None = None
    hung_up: bool = False
    talk: float | None = None
    wrap_up: float | None = None


@dataclass(frozen=True, slots=True)
class Durations:
    """What was observed, in seconds; ``waits`` with who ended them."""

    talk: list[float] = field(default_factory=list)
    wrap_up: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    hung_up: list[bool] = field(default_factory=list)

    def add(self, call: Call) -> None:
        """One call more."""
        if call.talk is not None:
            self.talk.append(call.talk)
        if call.wrap_up is not None:
            self.wrap_up.append(call.wrap_up)
        if call.wait is not None:
            self.waits.append(call.wait)
            self.hung_up.append(call.hung_up)

    def extend(self, others: Durations) -> None:
        """Those of another table."""
        self.talk.extend(others.talk)
        self.wrap_up.extend(others.wrap_up)
        self.waits.extend(others.waits)
        self.hung_up.extend(others.hung_up)


@dataclass(frozen=True, slots=True)
class Records:
    """What the records say.

    ``lines``: calls by line, empty where they name none; ``durations`` by line, ``""``: of all calls. ``dispersion``: of
    five minutes, ``None`` where only counts are known. ``again``: tries again, left out of ``history``;
    ``in_vain``: calls of known callers that nobody answered, after which they might have tried again.
    """

    history: History
    lines: Counter[str] = field(default_factory=Counter)
    durations: dict[str, Durations] = field(default_factory=dict)
    dispersion: float | None = None
    calls: int = 0
    again: int = 0
    in_vain: int = 0

    @property
    def missing(self) -> float:
        """Share of the half hours of which nothing is known."""
        return float(np.isnan(self.history.counts).mean()) if self.history.days else 0.0

    def before(self, day: date) -> History:
        """The history as it was at the begin of a day."""
        return self.history.before(max((day - self.history.first).days, 0))


def from_calls(calls: Iterable[Call], first: date | None, last: date | None, *, tries: bool) -> Records:
    """Records of single calls, in any order.

    ``first`` and ``last``: the days that count; ``tries``: who calls again counts as one more call.
    """
    lines: Counter[str] = Counter()
    all_calls = Durations()
    durations = {"": all_calls}
    kept: list[int] = []
    again = in_vain = 0
    unanswered: dict[str, int] = {}
    lowest = _minute(first) if first is not None else None
    highest = _minute(last + timedelta(days=1)) if last is not None else None
    for call in sorted(calls, key=itemgetter(0)):
        if (lowest is not None and call.minute < lowest) or (highest is not None and call.minute >= highest):
            continue
        all_calls.add(call)
        if call.line is not None:
            if call.line not in durations:
                durations[call.line] = Durations()
            durations[call.line].add(call)
        in_vain += not call.answered and call.caller is not None and call.caller.casefold() not in _HIDDEN
        if not tries and _again(call, unanswered):
            again += 1
            continue
        kept.append(call.minute)
        if call.line is not None:
            lines[call.line] += 1
    if not kept:
        raise SourceFault("no call is in it: give more days")
    arrived = np.array(kept, np.int64)
    return Records(
        _counted(arrived), lines, durations, observed.dispersion(arrived), len(kept), again, in_vain
    )


def _again(call: Call, unanswered: dict[str, int]) -> bool:
    """Has the same caller called in vain shortly before? ``unanswered``: by caller the minute of the last such call."""
    if call.caller is None or call.caller.casefold() in _HIDDEN:
        return False
    before = unanswered.pop(call.caller, None)
    if not call.answered:
        unanswered[call.caller] = call.minute
    return before is not None and call.minute - before <= _AGAIN_MIN


def _counted(arrived: NDArray[np.int64]) -> History:
    """Calls by half hour from the first call's to the last one's; runs in which calls must have come are missing."""
    first = int(arrived[0]) // 1440
    days = int(arrived[-1]) // 1440 - first + 1
    slots = arrived // 30 - first * HALF_HOURS
    counts = np.bincount(slots, minlength=days * HALF_HOURS).astype(np.float64)
    counts[: slots[0]] = np.nan
    counts[slots[-1] + 1 :] = np.nan
    begin = _EPOCH + timedelta(days=first)
    usual = _usual(begin, counts.reshape(days, HALF_HOURS))
    for start, end in _runs(counts == 0):
        if usual[start:end].sum() > _UNLIKELY:
            counts[start:end] = np.nan
    return History(begin, counts.reshape(days, HALF_HOURS))


def _usual(first: date, counts: Real) -> Real:
    """What each half hour usually has: the median of the same half hour on days that look alike, flat."""
    alike = GROUPS[[kind_of(first + timedelta(days=day)) for day in range(len(counts))]]
    found = np.zeros_like(counts)
    for group in np.unique(alike):
        for half_hour in range(HALF_HOURS):
            column = counts[alike == group, half_hour]
            known = column[np.isfinite(column)]
            if len(known):
                found[alike == group, half_hour] = np.median(known)
    return found.ravel()


def _runs(empty: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]])))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


class Count(NamedTuple):
    """So many calls from a minute (since 1970, the city's time) on; ``None``: nobody counted."""

    minute: int
    calls: float | None
    line: str | None = None


def from_counts(counts: Sequence[Count], first: date | None, last: date | None) -> Records:
    """Records of counts by 5, 10, 15, 30 or 60 minutes. A half hour of which a part is not there is missing, not 0."""
    lowest = _minute(first) if first is not None else None
    highest = _minute(last + timedelta(days=1)) if last is not None else None
    used = [
        count
        for count in counts
        if (lowest is None or count.minute >= lowest) and (highest is None or count.minute < highest)
    ]
    if not any(count.calls is not None for count in used):
        raise SourceFault("no count is in it: give more days")
    minutes = np.unique(np.array([count.minute for count in used], np.int64))
    step = int(np.gcd.reduce(np.diff(minutes))) if len(minutes) > 1 else 30
    if minutes[0] % step or (30 % step and step != 60):
        raise SourceFault(
            f"the counts stand {step} minutes apart: give counts of 5, 10, 15, 30 or 60 minutes"
        )
    begin, days = int(minutes[0]) // 1440, int(minutes[-1]) // 1440 - int(minutes[0]) // 1440 + 1
    cells = np.zeros(days * 1440 // step)
    told = np.zeros(len(cells), np.bool_)
    nobody = np.zeros(len(cells), np.bool_)
    lines: Counter[str] = Counter()
    for count in used:
        cell = (count.minute - begin * 1440) // step
        if count.calls is None:
            nobody[cell] = True
            continue
        told[cell] = True
        cells[cell] += count.calls
        if count.line is not None:
            lines[count.line] += round(count.calls)
    cells[~told | nobody] = np.nan
    # of an hour each half hour has half; a part that is missing makes the half hour missing
    half = np.repeat(cells / 2, 2) if step == 60 else cells.reshape(-1, 30 // step).sum(axis=1)
    history = History(_EPOCH + timedelta(days=begin), half.reshape(days, HALF_HOURS))
    return Records(history, lines, calls=round(float(np.nansum(half))))


def _minute(day: date) -> int:
    return (day - _EPOCH).days * 1440


__all__ = ["Call", "Count", "Durations", "Records", "SourceFault", "from_calls", "from_counts"]
