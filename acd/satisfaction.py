"""How satisfied callers are: figures from call records, each with its denominator in words.

A caller was *asked* when the first question was put; he *answered* when he gave a grade from 1 (very dissatisfied) to 5. The mean
and the share are over those who answered: whoever hangs up says nothing either way, so the response rate stands beside them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from acd.messages import CallRecord
from acd.metrics import Rate

SATISFIED = frozenset({4, 5})


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Grades of a period, a line or an agent. ``counts`` is how often each grade from 1 to 5 was given."""

    talked: int
    asked: int
    counts: tuple[int, int, int, int, int]

    @property
    def answered(self) -> int:
        """Callers who gave a grade."""
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        """The mean grade, ``None`` without one."""
        total = sum(grade * count for grade, count in enumerate(self.counts, 1))
        return total / self.answered if self.answered else None

    @property
    def satisfied(self) -> Rate:
        """满意率: grades 4 and 5 / all grades."""
        good = sum(count for grade, count in enumerate(self.counts, 1) if grade in SATISFIED)
        return Rate(
            good, self.answered, "graded 4 or 5 / callers who gave a grade", "满意及非常满意 / 作出评价的来电"
        )

    @property
    def response(self) -> Rate:
        """参评率: callers who gave a grade / callers who were asked."""
        return Rate(self.answered, self.asked, "gave a grade / were asked", "作出评价 / 被邀请评价的来电")

    def __str__(self) -> str:
        mean = "-" if self.mean is None else f"{self.mean:.2f}"
        return f"mean {mean} of 5; satisfied {self.satisfied}; response {self.response}; {self.talked} calls answered"

    def zh(self) -> str:
        """The same in Chinese."""
        mean = "-" if self.mean is None else f"{self.mean:.2f}"
        return f"平均{mean}分(满分5分);满意率{self.satisfied.zh()};参评率{self.response.zh()};人工接通{self.talked}个"


def satisfaction(records: Iterable[CallRecord]) -> Satisfaction:
    """The grades of these calls. A grade outside 1 to 5 is nobody's and is not counted."""
    calls = [record for record in records if record.disposition == "answered"]
    counts = [sum(call.rating == grade for call in calls) for grade in range(1, 6)]
    one, two, three, four, five = counts
    return Satisfaction(len(calls), sum(call.asked for call in calls), (one, two, three, four, five))


def by_agent(records: Iterable[CallRecord]) -> dict[str, Satisfaction]:
    """By the agent whose call it was last; calls that nobody signed on had are left out."""
    return _by(records, lambda record: record.agent)


def by_line(records: Iterable[CallRecord]) -> dict[str, Satisfaction]:
    """By the line that was dialled."""
    return _by(records, lambda record: record.line)


def _by(records: Iterable[CallRecord], key: Callable[[CallRecord], str | None]) -> dict[str, Satisfaction]:
    apart: dict[str, list[CallRecord]] = defaultdict(list)
    for record in records:
        if record.disposition == "answered" and (name := key(record)) is not None:
            apart[name].append(record)
    return {name: satisfaction(apart[name]) for name in sorted(apart)}
