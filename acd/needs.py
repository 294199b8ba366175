"""The needs that are known, and which agents meet them: what the masks of the matching kernel are made of.

Each need has a bit, its *slot*; an agent's mask has the bits of the needs that the agent meets. There are few needs (lines, times
their steps), so they stay known. Only one that names a person (a caller's last agent) is forgotten with the last call that asks
it, since there are as many as agents. A need that is new costs O(agents), once; one that names a person costs O(needs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from acd.kernel import NEEDS_PER_WORD
from acd.preferences import person_of, real, reserves_of
from acd.reasons import Need


class Rows:
    """Rows of an order, handed out and taken back, and whose they are. Row 0 is nobody's."""

    def __init__(self, capacity: int) -> None:
        self.names = [""]
        self.free: list[int] = []
        self.capacity = capacity

    def take(self, name: str) -> int:
        """A row for ``name``: beyond ``capacity`` when all are taken."""
        if self.free:
            row = self.free.pop()
            self.names[row] = name
        else:
            row = len(self.names)
            self.names.append(name)
        return row

    def give_back(self, row: int) -> None:
        """The row is free."""
        self.names[row] = ""
        self.free.append(row)


class KnownNeeds:
    """Slots of needs, levels of agents by their row, and who meets what."""

    def __init__(self, skills: Sequence[str], capacity: int, reserves: Iterable[str]) -> None:
        self.words = 1
        self.slots: dict[Need, int] = {}
        self.passes_over: dict[str, list[int]] = {reserve: [] for reserve in reserves}
        """by reserve, the slots of the needs to which those whom it keeps are not given"""
        self._personal: dict[int, str] = {}
        """by slot, the only agent who meets a need"""
        self._names: dict[int, str] = {}
        self._column = {skill: i for i, skill in enumerate(dict.fromkeys(skills))}
        columns = max(8, len(self._column))
        self._has: NDArray[np.int32] = np.zeros((capacity + 1, columns), np.int32)
        self._there: NDArray[np.bool_] = np.zeros(capacity + 1, np.bool_)
        self._asks: NDArray[np.int32] = np.zeros((NEEDS_PER_WORD, columns), np.int32)
        self._taken: NDArray[np.bool_] = np.zeros(NEEDS_PER_WORD, np.bool_)
        self._qualified: NDArray[np.int64] = np.zeros(NEEDS_PER_WORD, np.int64)

    @property
    def full(self) -> bool:
        """No slot is left."""
        return len(self.slots) == len(self._asks)

    def qualified(self, slot: int) -> int:
        """How many agents meet the need; whom a reserve keeps counts."""
        return int(self._qualified[slot])

    def enlarge(self, capacity: int, words: int) -> None:
        """Room for so many agents and so many words of needs."""
        self.words = words
        has = np.zeros((capacity + 1, self._has.shape[1]), np.int32)
        has[: len(self._has)] = self._has
        there = np.zeros(capacity + 1, np.bool_)
        there[: len(self._there)] = self._there
        asks = np.zeros((words * NEEDS_PER_WORD, self._has.shape[1]), np.int32)
        asks[: len(self._asks)] = self._asks
        taken, qualified = np.zeros(len(asks), np.bool_), np.zeros(len(asks), np.int64)
        taken[: len(self._taken)], qualified[: len(self._taken)] = self._taken, self._qualified
        self._has, self._there, self._asks, self._taken, self._qualified = has, there, asks, taken, qualified

    # ── agents ──────────────────────────────────────────────────────────────────────────────────────────────

    def set_levels(self, row: int, agent: str, skills: Mapping[str, int]) -> None:
        """The agent in this row, new or known, has these levels from now on."""
        for skill in skills:
            self._know(skill)
        self.clear(row)
        self._names[row], self._there[row] = agent, True
        for skill, level in skills.items():
            self._has[row, self._column[skill]] = level
        self._qualified += self.met_by(row)

    def clear(self, row: int) -> None:
        """Nobody is in this row."""
        if self._there[row]:
            self._qualified -= self.met_by(row)
            self._has[row], self._there[row] = 0, False
            del self._names[row]

    def met_by(self, row: int) -> NDArray[np.bool_]:
        """Which needs, by slot, the agent in this row meets."""
        meets: NDArray[np.bool_] = (self._has[row] >= self._asks).all(axis=1)
        meets &= self._taken
        for slot, agent in self._personal.items():
            if agent != self._names[row]:
                meets[slot] = False
        return meets

    def mask(self, row: int, kept: Iterable[str]) -> list[int]:
        """The words of an agent's mask: without the needs that pass over whom the reserves ``kept`` keep."""
        meets = self.met_by(row)
        for reserve in kept:
            meets[self.passes_over[reserve]] = False
        return [
            sum(1 << int(bit) for bit in np.flatnonzero(meets[first : first + NEEDS_PER_WORD]))
            for first in range(0, len(meets), NEEDS_PER_WORD)
        ]

    # ── needs ───────────────────────────────────────────────────────────────────────────────────────────────

    def learn(self, need: Need) -> int:
        """Give the need a slot; there must be one left."""
        asked = real(need)
        for skill, _ in asked:
            self._know(skill)
        slot = self.slots[need] = int(np.argmin(self._taken))
        self._taken[slot] = True
        for skill, least in asked:
            self._asks[slot, self._column[skill]] = least
        for reserve in reserves_of(need):
            if reserve in self.passes_over:
                self.passes_over[reserve].append(slot)
        if (person := person_of(need)) is not None:
            self._personal[slot] = person
            self._qualified[slot] = sum(
                bool(self.met_by(row)[slot]) for row, agent in self._names.items() if agent == person
            )
        else:
            self._qualified[slot] = np.count_nonzero(self.met(slot))
        return slot

    def met(self, slot: int) -> NDArray[np.bool_]:
        """Which agents, by row, meet a need that names no person."""
        meets: NDArray[np.bool_] = (self._has >= self._asks[slot]).all(axis=1) & self._there
        return meets

    def forget(self, need: Need) -> None:
        """Take the need's slot back; no call asks it."""
        slot = self.slots.pop(need)
        self._personal.pop(slot, None)
        for slots in self.passes_over.values():
            if slot in slots:
                slots.remove(slot)
        self._taken[slot] = False
        self._asks[slot] = self._qualified[slot] = 0

    def forget_all(self) -> None:
        """As if no need had ever been asked."""
        for need in list(self.slots):
            self.forget(need)

    def _know(self, skill: str) -> None:
        """A column for the skill."""
        if skill in self._column:
            return
        self._column[skill] = len(self._column)
        if len(self._column) > self._has.shape[1]:
            self._has = np.hstack([self._has, np.zeros_like(self._has)])
            self._asks = np.hstack([self._asks, np.zeros_like(self._asks)])
