"""What a replication gave: counts by half hour and line. The same from the engine itself (`simulator.run`) and the
compiled loop (`simulator.fast`).

Every array has one row a half hour of the replication, counted where the call *arrived*, and one column a line;
those of seats have one value a half hour. A sum over lines gives a half hour, a sum over rows a day: nothing is
averaged before it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replication, or the sum of several (``+``).

    Calls: ``offered`` = ``blocked`` + ``contained`` + ``asked``; ``asked`` = ``answered`` + ``abandoned`` +
    ``turned_away``. ``within``: answered within the time of the service level. ``wait_ms``: the sum of the waits of
    all who asked, from the queue to the seat's answer, or to the hang-up.
    ``retried``: calls of ``offered`` that were tries again. ``transferred`` and ``transferred_within``: to
    sub-centres, and answered there in time.
    ``work_ms``: talk and wrap-up of the answered calls, uncut by the horizon.
    Seats: ``staffed_ms``: time signed on and not on a break, ``busy_ms``: of it ringing, talking, in wrap-up or on
    an own call.
    """

    offered: Counts
    blocked: Counts
    contained: Counts
    asked: Counts
    answered: Counts
    within: Counts
    abandoned: Counts
    turned_away: Counts
    wait_ms: Counts
    retried: Counts
    transferred: Counts
    transferred_within: Counts
    work_ms: Counts
    staffed_ms: Counts
    busy_ms: Counts

    @classmethod
    def empty(cls, half_hours: int, lines: int) -> Outcome:
        """Nothing has happened yet."""
        by_line = [np.zeros((half_hours, lines), np.int64) for _ in range(13)]
        by_seat = [np.zeros(half_hours, np.int64) for _ in range(2)]
        return cls(*by_line, *by_seat)

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def conserved(self) -> bool:
        """Is no call lost and none counted twice?"""
        offered = self.blocked + self.contained + self.asked
        asked = self.answered + self.abandoned + self.turned_away
        return bool((self.offered == offered).all() and (self.asked == asked).all())

    @property
    def calls(self) -> int:
        """Calls offered."""
        return int(self.offered.sum())

    @property
    def answer_rate(self) -> float:
        """Answered by a seat / asked for one; 1 where nobody asked."""
        return share(self.answered, self.asked)

    @property
    def service_level(self) -> float:
        """Answered within the time / asked."""
        return share(self.within, self.asked)

    @property
    def abandon_rate(self) -> float:
        """Hung up before a seat answered / asked."""
        return share(self.abandoned, self.asked, otherwise=0.0)

    @property
    def asa(self) -> float:
        """Mean wait in seconds of all who asked."""
        return share(self.wait_ms, self.asked, otherwise=0.0) / 1000

    @property
    def occupancy(self) -> float:
        """Busy / signed on."""
        return share(self.busy_ms, self.staffed_ms, otherwise=0.0)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who got which call, in the order in which it was decided: parallel arrays.

    ``call``: its number in the order of arrival from 0 (a try again counts as a new call), ``agent``: index into
    `Tables.agents`, ``at_ms``: since the replication's begin, when the seat began to ring.
    """

    call: Counts
    agent: Counts
    at_ms: Counts


def share(part: Counts, whole: Counts, otherwise: float = 1.0) -> float:
    """One sum over another; ``otherwise`` where the other is 0."""
    total = int(whole.sum())
    return float(part.sum()) / total if total else otherwise
