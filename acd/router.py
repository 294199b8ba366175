"""The router: agents and calls by name, the matching kernel's arrays behind them.

It keeps who is idle and who waits, and answers who gets whom. It only answers: an `Assignment` is carried
out by telling the router that the agent is no longer idle (``agent_gone``) and the call no longer waits
(``call_gone``). Every decision is made in ``acd/kernel.py``; here are names, skills and the reasons in
words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acd import kernel
from acd.kernel import MASK, NEEDS_PER_WORD, SIZE
from acd.reasons import Assignment, Need, Reason, against

__all__ = ["Assignment", "Need", "Reason", "Router", "RoutingFault"]

Levels = Mapping[str, int] | Sequence[tuple[str, int]]

_ROSTER_NUMBERS = 1 << 62
"""where the ties of agents begin whose names are no numbers; they follow one another as they were entered"""
_WORDS_KEPT = 16
"""so many words of needs (1,008) are kept before those are forgotten for which no call waits"""


class RoutingFault(AssertionError):
    """The program told the router something that can't be: a call that waits twice, an agent whom nobody
    entered."""


@dataclass(slots=True)
class _Agent:
    row: int
    tie: int
    weight: int
    skills: dict[str, int]
    since_ms: int | None = None


@dataclass(slots=True)
class _Call:
    row: int
    need: Need
    slot: int
    key: int
    seq: int
    queue: str


class _Rows:
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


class Router:
    """Who is idle, who waits, and who gets whom.

    ``ageing_ms``: waiting so long weighs as much as one step of priority; 0: priority is absolute.
    ``closest_fit``: the agent whose levels exceed the need least comes first, then the longest idle;
    without it the longest idle. The last tie goes to the lowest number. ``capacity``: room for so many
    agents and so many calls, doubled whenever it isn't enough. Skills that ``skills`` doesn't list become
    known when an agent has or a call asks them.

    Raises `RoutingFault` for what can't be: that is an error of the program, never of a caller.
    """

    def __init__(
        self, skills: Sequence[str], ageing_ms: int, closest_fit: bool, capacity: int = 1024
    ) -> None:
        _demand(0 <= ageing_ms <= kernel.TIME_LIMIT, f"ageing_ms: {ageing_ms} is not between 0 and 2**46")
        _demand(capacity > 0, f"capacity: {capacity} is not above 0")
        self.ageing_ms, self.closest_fit = ageing_ms, closest_fit
        self._words = 1
        self._column = {skill: i for i, skill in enumerate(dict.fromkeys(skills))}
        self._agents: dict[str, _Agent] = {}
        self._calls: dict[str, _Call] = {}
        self._agent_rows, self._call_rows = _Rows(capacity), _Rows(capacity)
        self._idle = kernel.empty_order(capacity)
        self._waiting = kernel.empty_order(capacity)
        columns = max(8, len(self._column))
        self._has: NDArray[np.int32] = np.zeros((capacity + 1, columns), np.int32)
        self._asks: NDArray[np.int32] = np.zeros((NEEDS_PER_WORD, columns), np.int32)
        self._qualified: NDArray[np.int64] = np.zeros(NEEDS_PER_WORD, np.int64)
        self._slot: dict[Need, int] = {}
        self._seqs: set[int] = set()
        self._entered = 0
        self._arrived = 0

    # ── agents ────────────────────────────────────────────────────────────────────────────────────────────

    def set_agent(self, agent: str, skills: Mapping[str, int]) -> None:
        """Enter an agent, or change the skills of one who is known, idle or not. Level 0 is as good as no
        skill."""
        for skill, level in skills.items():
            _demand(
                0 <= level < kernel.WEIGHT_LIMIT,
                f"agent {agent}: level {level} of {skill} is not between 0 and 2**16 - 1",
            )
            self._know(skill)
        weight = sum(skills.values()) if self.closest_fit else 0
        _demand(weight < kernel.WEIGHT_LIMIT, f"agent {agent}: the levels add up to {weight}, over 2**16 - 1")
        known = self._agents.get(agent)
        if known is None:
            self._entered += 1
            row = self._agent_rows.take(agent)
            if row > self._agent_rows.capacity:
                self._agent_rows.capacity *= 2
                self._enlarge()
            tie = int(agent) if _is_number(agent) else _ROSTER_NUMBERS + self._entered
            known = self._agents[agent] = _Agent(row, tie, weight, {})
        else:
            kernel.leave(self._idle, known.row)
            self._qualified -= self._meets(known.row)
        known.weight, known.skills = weight, dict(skills)
        self._has[known.row] = 0
        for skill, level in skills.items():
            self._has[known.row, self._column[skill]] = level
        meets = self._meets(known.row)
        self._qualified += meets
        known_bits = [
            sum(1 << int(bit) for bit in np.flatnonzero(meets[first : first + NEEDS_PER_WORD]))
            for first in range(0, len(meets), NEEDS_PER_WORD)
        ]
        self._idle[known.row, MASK::2] = known_bits
        if known.since_ms is not None:
            kernel.enter(self._idle, known.row, kernel.agent_key(weight, known.since_ms), known.tie)

    def remove_agent(self, agent: str) -> None:
        """Forget an agent, idle or not."""
        known = self._agent(agent)
        kernel.leave(self._idle, known.row)
        self._qualified -= self._meets(known.row)
        self._has[known.row] = 0
        self._idle[known.row] = 0
        self._agent_rows.give_back(known.row)
        del self._agents[agent]

    def agent_idle(self, agent: str, since_ms: int) -> None:
        """The agent is idle since ``since_ms`` and may be given a call."""
        known = self._agent(agent)
        if not 0 <= since_ms < kernel.TIME_LIMIT:
            raise RoutingFault(f"agent {agent}: idle since {since_ms} is no instant")
        if not kernel.enter(self._idle, known.row, kernel.agent_key(known.weight, since_ms), known.tie):
            raise RoutingFault(f"agent {agent}: is idle already")
        known.since_ms = since_ms

    def agent_gone(self, agent: str) -> None:
        """The agent is no longer idle."""
        known = self._agent(agent)
        if not kernel.leave(self._idle, known.row):
            raise RoutingFault(f"agent {agent}: was not idle")
        known.since_ms = None

    @property
    def idle(self) -> int:
        """How many agents are idle."""
        return int(self._idle[0, SIZE])

    def qualified(self, need: Levels) -> int:
        """How many of the agents who are entered, idle or not, meet the need."""
        slot = self._slot_of(_need(need))  # first, because it may put a larger array in place of _qualified
        return int(self._qualified[slot])

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────────────

    def call_waits(
        self,
        call: str,
        need: Levels,
        priority: int,
        queued_at_ms: int,
        seq: int | None = None,
        *,
        queue: str = "",
    ) -> None:
        """The call waits for an agent with at least these levels.

        ``seq`` is its place among all arrivals, given again when a call comes back to its place; ``None``:
        it has come just now. ``queue`` only says among whom ``position`` counts.
        """
        if call in self._calls:
            raise RoutingFault(f"call {call}: waits already")
        if not -kernel.PRIORITY_LIMIT < priority < kernel.PRIORITY_LIMIT:
            raise RoutingFault(
                f"call {call}: priority {priority} is not within +-{kernel.PRIORITY_LIMIT - 1}"
            )
        if not 0 <= queued_at_ms < kernel.TIME_LIMIT:
            raise RoutingFault(f"call {call}: queued at {queued_at_ms} is no instant")
        if seq is None:
            seq = self._arrived + 1
        if seq in self._seqs:
            raise RoutingFault(f"call {call}: another call with the order of arrival {seq} waits")
        asked = _need(need)
        slot = self._slot_of(asked)
        row = self._call_rows.take(call)
        if row > self._call_rows.capacity:
            self._call_rows.capacity *= 2
            self._enlarge()
        self._arrived = max(self._arrived, seq)
        self._seqs.add(seq)
        key = kernel.call_key(queued_at_ms, priority, self.ageing_ms)
        self._calls[call] = _Call(row, asked, slot, key, seq, queue)
        self._mark(row, slot)
        kernel.enter(self._waiting, row, key, seq)

    def widen(self, call: str, need: Levels) -> None:
        """The call asks less from now on, more in nothing, and keeps its place."""
        known = self._call(call)
        asked, before = _need(need), dict(known.need)
        for skill, level in asked:
            _demand(
                level <= before.get(skill, 0),
                f"call {call}: level {level} of {skill} is more than the {before.get(skill, 0)} asked before",
            )
        slot = self._slot_of(asked)
        kernel.leave(self._waiting, known.row)
        known.need, known.slot = asked, slot
        self._mark(known.row, slot)
        kernel.enter(self._waiting, known.row, known.key, known.seq)

    def call_gone(self, call: str) -> None:
        """The call no longer waits: it was assigned, or the caller hung up."""
        known = self._call(call)
        kernel.leave(self._waiting, known.row)
        self._call_rows.give_back(known.row)
        self._seqs.discard(known.seq)
        del self._calls[call]

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return int(self._waiting[0, SIZE])

    def position(self, call: str) -> int:
        """How many calls of the same queue stand before this one. O(waiting)."""
        known = self._call(call)
        mine = (known.key, known.seq)
        return sum(
            other.queue == known.queue and (other.key, other.seq) < mine for other in self._calls.values()
        )

    # ── who gets whom ─────────────────────────────────────────────────────────────────────────────────────

    def agent_for(self, call: str) -> Assignment | None:
        """The idle agent who gets this waiting call, if there is one."""
        agent = kernel.best_agent(self._idle, self._waiting, self._call(call).row)
        return self._assignment(call, self._agent_rows.names[agent]) if agent else None

    def call_for(self, agent: str) -> Assignment | None:
        """The waiting call that this idle agent gets, if there is one."""
        known = self._agent(agent)
        if known.since_ms is None:
            raise RoutingFault(f"agent {agent}: is not idle")
        call = kernel.best_call(self._idle, self._waiting, known.row)
        return self._assignment(self._call_rows.names[call], agent) if call else None

    def match(self) -> list[Assignment]:
        """All that can be assigned now, the most urgent call first, each to the best agent who is then left.

        When all of them are carried out, nobody waits for whom a qualified agent is idle.
        """
        pairs: list[Assignment] = []
        while pair := kernel.best_pair(self._idle, self._waiting):
            call, agent = pair >> 32, pair & 0xFFFFFFFF
            pairs.append(self._assignment(self._call_rows.names[call], self._agent_rows.names[agent]))
            kernel.leave(self._waiting, call)
            kernel.leave(self._idle, agent)
        for pair_made in pairs:  # it was only asked: back to their places
            waits, idles = self._calls[pair_made.call], self._agents[pair_made.agent]
            kernel.enter(self._waiting, waits.row, waits.key, waits.seq)
            since_ms = pair_made.reason.idle_since_ms
            kernel.enter(self._idle, idles.row, kernel.agent_key(idles.weight, since_ms), idles.tie)
        return pairs

    def explain(self, call: str, now_ms: int) -> str:
        """Why this agent and no other, or why nobody: to be asked before the assignment is carried out.

        O(idle agents): for ``trace`` and for a supervisor who asks why a call waits.
        """
        known = self._call(call)
        found = self.agent_for(call)
        chosen = self._agents[found.agent] if found else None
        others = [a for a in self._agents.values() if a.since_ms is not None and a is not chosen]
        told = against(known.need, chosen, others)
        if found is None:
            able = int(self._qualified[known.slot])
            return f"nobody: {len(others)} idle, {able} entered have what is asked{told}"
        return f"{found.reason.at(now_ms)}; {len(others)} others idle{told}"

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _assignment(self, call: str, agent: str) -> Assignment:
        waits, idles = self._calls[call], self._agents[agent]
        assert idles.since_ms is not None
        levels = tuple(idles.skills.get(skill, 0) for skill, _ in waits.need)
        exceeds = idles.weight - sum(level for _, level in waits.need)
        reason = Reason(agent, waits.need, levels, exceeds, idles.since_ms, self.closest_fit)
        return Assignment(call, agent, reason)

    def _agent(self, agent: str) -> _Agent:
        known = self._agents.get(agent)
        if known is None:
            raise RoutingFault(f"agent {agent}: nobody entered this agent")
        return known

    def _call(self, call: str) -> _Call:
        known = self._calls.get(call)
        if known is None:
            raise RoutingFault(f"call {call}: does not wait")
        return known

    def _know(self, skill: str) -> None:
        """A column for the skill."""
        if skill in self._column:
            return
        self._column[skill] = len(self._column)
        if len(self._column) > self._has.shape[1]:
            self._has = np.hstack([self._has, np.zeros_like(self._has)])
            self._asks = np.hstack([self._asks, np.zeros_like(self._asks)])

    def _meets(self, row: int) -> NDArray[np.bool_]:
        """Which of the needs, by slot, this agent's levels meet. Slots that are not taken: none."""
        meets: NDArray[np.bool_] = (self._has[row] >= self._asks).all(axis=1)
        meets[len(self._slot) :] = False
        return meets

    def _mark(self, row: int, slot: int) -> None:
        """A call's mask: the bit of its need."""
        self._waiting[row, MASK::2] = 0
        self._waiting[row, MASK + 2 * (slot // NEEDS_PER_WORD)] = 1 << slot % NEEDS_PER_WORD

    def _enlarge(self) -> None:
        """Room for twice as many agents, calls or needs."""
        self._idle = kernel.enlarged(self._idle, self._agent_rows.capacity, self._words)
        self._waiting = kernel.enlarged(self._waiting, self._call_rows.capacity, self._words)
        has = np.zeros((self._agent_rows.capacity + 1, self._has.shape[1]), np.int32)
        has[: len(self._has)] = self._has
        asks = np.zeros((self._words * NEEDS_PER_WORD, self._has.shape[1]), np.int32)
        asks[: len(self._asks)] = self._asks
        qualified = np.zeros(len(asks), np.int64)
        qualified[: len(self._qualified)] = self._qualified
        self._has, self._asks, self._qualified = has, asks, qualified

    def _slot_of(self, need: Need) -> int:
        """The need's bit; a need that was never asked before becomes known, once, in O(agents)."""
        slot = self._slot.get(need)
        if slot is None:
            if len(self._slot) == len(self._asks):
                self._make_room()
            slot = self._learn(need)
            kernel.rejoin(self._idle)
        return slot

    def _learn(self, need: Need) -> int:
        """Give the need a bit, and every agent who meets it that bit."""
        for skill, _ in need:
            self._know(skill)
        slot = self._slot[need] = len(self._slot)
        for skill, least in need:
            self._asks[slot, self._column[skill]] = least
        meets = (self._has >= self._asks[slot]).all(axis=1)
        meets[[0, *self._agent_rows.free]] = False
        meets[len(self._agent_rows.names) :] = False
        self._qualified[slot] = np.count_nonzero(meets)
        word, bit = divmod(slot, NEEDS_PER_WORD)
        self._idle[:, MASK + 2 * word] |= meets.astype(np.int64) << bit
        return slot

    def _make_room(self) -> None:
        """One more word's worth of needs, or, when there are very many, forget those for which no call
        waits."""
        if self._words < _WORDS_KEPT:
            self._words *= 2
            self._enlarge()
            return
        asked = dict.fromkeys(call.need for call in self._calls.values())
        while len(asked) * 2 > self._words * NEEDS_PER_WORD:
            self._words *= 2
        self._enlarge()
        self._slot.clear()
        self._asks[:] = self._qualified[:] = 0
        self._idle[:, MASK::2] = 0
        for need in asked:
            self._learn(need)
        for call in self._calls.values():
            call.slot = self._slot[call.need]
            self._mark(call.row, call.slot)
        kernel.rejoin(self._waiting)


def _need(levels: Levels) -> Need:
    """A need in its one form: by skill, no skill twice, every level 1 or more."""
    pairs: Iterable[tuple[str, int]] = levels.items() if isinstance(levels, Mapping) else levels
    need = tuple(sorted(pairs))
    for i, (skill, least) in enumerate(need):
        _demand(1 <= least < kernel.WEIGHT_LIMIT, f"need: level {least} of {skill} is not 1 or more")
        _demand(i == 0 or need[i - 1][0] != skill, f"need: {skill} is asked twice")
    return need


def _is_number(agent: str) -> bool:
    return agent.isascii() and agent.isdigit() and len(agent) <= 18


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RoutingFault(otherwise)
