"""Whom a reserve keeps: of the idle agents who have its skill, always the last so many of the kernel's order.

The others are free for everybody, so a call that has no part in the reserve gets the agent who would have been first anyway, as
long as more than ``keep`` are idle. Who is kept depends on who is idle and on nothing else: not on the way in which it came about.
Each change is a few steps in one of the kernel's orders: O(log n).
"""

from __future__ import annotations

from acd import kernel
from acd.kernel import FIRST, KEY, SIZE, TIE
from acd.preferences import Reserve


class Guard:
    """One reserve at work. Rows are those of the router's agents."""

    def __init__(self, reserve: Reserve, capacity: int) -> None:
        self.reserve = reserve
        self._order = kernel.empty_order(capacity)
        self._edge = 0
        """the first one who is kept; all behind are kept too"""

    def holds(self, level: int) -> bool:
        """Whether an agent of this level of the reserve's skill counts."""
        return level >= self.reserve.level

    def enlarge(self, capacity: int) -> None:
        """Room for more agents."""
        self._order = kernel.enlarged(self._order, capacity, 1)

    @property
    def kept(self) -> int:
        """How many idle agents are kept now."""
        return min(int(self._order[0, SIZE]), self.reserve.keep)

    def enter(self, row: int, key: int, tie: int) -> list[tuple[int, bool]]:
        """The agent falls idle. Returns for whom it changed, or is now settled, whether they are kept."""
        kernel.enter(self._order, row, key, tie)
        if self._order[0, SIZE] <= self.reserve.keep:
            self._edge = int(self._order[0, FIRST])
            return [(row, True)]
        if not self._is_kept(row):
            return [(row, False)]
        released, self._edge = self._edge, kernel.following(self._order, self._edge)
        return [(released, False), (row, True)]

    def leave(self, row: int) -> list[tuple[int, bool]]:
        """The agent is idle no longer. Returns who is kept in the place, if somebody is."""
        if not self._is_kept(row):
            kernel.leave(self._order, row)
            return []
        heir = kernel.preceding(self._order, self._edge)
        if heir or row == self._edge:
            self._edge = heir or kernel.following(self._order, self._edge)
        kernel.leave(self._order, row)
        return [(heir, True)] if heir else []

    def _is_kept(self, row: int) -> bool:
        return self._place(row) >= self._place(self._edge)

    def _place(self, row: int) -> tuple[int, int, int]:
        return int(self._order[row, KEY]), int(self._order[row, TIE]), row
