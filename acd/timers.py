"""Deadlines, as a heap: one a kind and subject, re-set or dropped at will."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple


class Timer(NamedTuple):
    """What falls due: ``kind`` (``widen``, ``ring``, ``wrap_up``, ``rest``, ...) for ``subject`` (a call's or an agent's id)."""

    kind: str
    subject: str


class Timers:
    """The engine's own deadlines. Two that fall due at the same millisecond come in the order of their names, so that a state
    that was written down and read back goes on in the same way."""

    def __init__(self) -> None:
        self._due: dict[Timer, int] = {}
        self._heap: list[tuple[int, Timer]] = []

    def set(self, kind: str, subject: str, at: int) -> None:
        """Let ``kind`` fall due for ``subject`` at ``at``, whatever was set before."""
        timer = Timer(kind, subject)
        self._due[timer] = at
        heappush(self._heap, (at, timer))

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
        timer = heappop(self._heap)[1]
        del self._due[timer]
        return timer

    def _prune(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)

    def __len__(self) -> int:
        return len(self._due)
