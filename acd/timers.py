"""Deadlines, as a heap: one a kind and subject, re-set or dropped at will."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple


class Timer(NamedTuple):
    """What falls due: ``kind`` (``widen``, ``ring``, ``wrap_up``, ``rest``, ...) for ``subject`` (a call's or an agent's id)."""

    kind: str
    subject: str


class Timers:
    """The engine's own deadlines. Two that fall due at the same millisecond come in the order in which they were set."""

    def __init__(self) -> None:
        self._due: dict[Timer, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, Timer]] = []
        self._count = 0

    def set(self, kind: str, subject: str, at: int) -> None:
        """Let ``kind`` fall due for ``subject`` at ``at``, whatever was set before."""
        self._count += 1
        timer = Timer(kind, subject)
        self._due[timer] = (at, self._count)
        heappush(self._heap, (at, self._count, timer))

    def drop(self, kind: str, subject: str) -> None:
        """Forget it; nothing happens if it isn't set."""
        self._due.pop(Timer(kind, subject), None)

    def next(self) -> int | None:
        """When the first one falls due."""
        self._prune()
        return self._heap[0][0] if self._heap else None

    def pop(self, now: int) -> Timer | None:
        """Take the first one that is due at ``now``."""
        self._prune()
        if not self._heap or self._heap[0][0] > now:
            return None
        timer = heappop(self._heap)[2]
        del self._due[timer]
        return timer

    def _prune(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heappop(self._heap)

    def __len__(self) -> int:
        return len(self._due)
