"""The router: agents and calls by name, the matching kernel's arrays behind them.

It keeps who is idle and who waits, and answers who gets whom. It only answers: an `Assignment` is carried
out by telling the router that the agent is no longer idle (``agent_gone``) and the call no longer waits
(``call_gone``). Every decision is made in ``acd/kernel.py``; here are names, skills and the reasons in
words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from acd import kernel
from acd.kernel import MASK, NEEDS_PER_WORD, SIZE
from acd.needs import KnownNeeds, Rows
from acd.preferences import Reserve, is_wish, person_of, real, reserves_of
from acd.reasons import Assignment, Need, Reason, against
from acd.reserves import Guard

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
    agent: str
    row: int
    tie: int
    weight: int
    skills: dict[str, int]
    since_ms: int | None = None
    kept: set[str] = field(default_factory=set)
    """the reserves that keep the agent now"""


@dataclass(slots=True)
class _Call:
    row: int
    need: Need
    person: str | None
    slot: int
    key: int
    seq: int
    queue: str


class Router:
    """Who is idle, who waits, and who gets whom.

    ``ageing_ms``: waiting so long weighs as much as one step of priority; 0: priority is absolute.
    ``closest_fit``: the agent whose levels exceed the need least comes first, then the longest idle;
    without it the longest idle. The last tie goes to the lowest number. ``capacity``: room for so many
    agents and so many calls, doubled whenever it isn't enough. Skills that ``skills`` doesn't list become
    known when an agent has or a call asks them. ``reserves``: whom they keep is not given to a call whose need
    passes over them (`acd.preferences.beyond`).

    Raises `RoutingFault` for what can't be: that is an error of the program, never of a caller.
    """

    def __init__(
        self,
        skills: Sequence[str],
        ageing_ms: int,
        closest_fit: bool,
        capacity: int = 1024,
        reserves: Iterable[Reserve] = (),
    ) -> None:
        _demand(0 <= ageing_ms <= kernel.TIME_LIMIT, f"ageing_ms: {ageing_ms} is not between 0 and 2**46")
        _demand(capacity > 0, f"capacity: {capacity} is not above 0")
        self.ageing_ms, self.closest_fit = ageing_ms, closest_fit
        self._agents: dict[str, _Agent] = {}
        self._calls: dict[str, _Call] = {}
        self._agent_rows, self._call_rows = Rows(capacity), Rows(capacity)
        self._idle = kernel.empty_order(capacity)
        self._waiting = kernel.empty_order(capacity)
        self._guards = [Guard(reserve, capacity) for reserve in reserves if reserve.keep > 0]
        self._needs = KnownNeeds(skills, capacity, [guard.reserve.name for guard in self._guards])
        self._asked: Counter[Need] = Counter()
        """how many calls ask a need that names a person"""
        self._asking: dict[str, dict[str, None]] = {}
        """the calls that ask for this agent alone"""
        self._seqs: set[int] = set()
        self._entered = 0
        self._arrived = 0
        self.changes = 0
        """grows whenever somebody begins or ceases to be idle, or has other skills"""

    # ── agents ────────────────────────────────────────────────────────────────────────────────────────────

    def set_agent(self, agent: str, skills: Mapping[str, int]) -> None:
        """Enter an agent, or change the skills of one who is known, idle or not. Level 0 is as good as no
        skill."""
        for skill, level in skills.items():
            _demand(
                0 <= level < kernel.WEIGHT_LIMIT,
                f"agent {agent}: level {level} of {skill} is not between 0 and 2**16 - 1",
            )
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
            known = self._agents[agent] = _Agent(agent, row, tie, weight, {})
        else:
            self._step_out(known)
        known.weight, known.skills = weight, dict(skills)
        self._needs.set_levels(known.row, agent, skills)
        self._set_mask(known)
        if known.since_ms is not None:
            self._step_in(known)

    def remove_agent(self, agent: str) -> None:
        """Forget an agent, idle or not."""
        known = self._agent(agent)
        self._step_out(known)
        self._needs.clear(known.row)
        self._idle[known.row] = 0
        self._agent_rows.give_back(known.row)
        del self._agents[agent]

    def agent_idle(self, agent: str, since_ms: int) -> None:
        """The agent is idle since ``since_ms`` and may be given a call."""
        known = self._agent(agent)
        if not 0 <= since_ms < kernel.TIME_LIMIT:
            raise RoutingFault(f"agent {agent}: idle since {since_ms} is no instant")
        if known.since_ms is not None:
            raise RoutingFault(f"agent {agent}: is idle already")
        known.since_ms = since_ms
        self._step_in(known)

    def agent_gone(self, agent: str) -> None:
        """The agent is no longer idle."""
        known = self._agent(agent)
        if not self._step_out(known):
            raise RoutingFault(f"agent {agent}: was not idle")
        known.since_ms = None

    @property
    def idle(self) -> int:
        """How many agents are idle."""
        return int(self._idle[0, SIZE])

    def qualified(self, need: Levels) -> int:
        """How many of the agents who are entered, idle or not, meet the need; whom a reserve keeps counts."""
        asked = _need(need)
        if (person := person_of(asked)) is not None:
            known = self._agents.get(person)
            return int(
                known is not None and all(known.skills.get(skill, 0) >= least for skill, least in real(asked))
            )
        slot = self._slot_of(asked)  # first, because it may put larger arrays in the place of those there are
        return self._needs.qualified(slot)

    def calls_for_alone(self, agent: str) -> list[str]:
        """The waiting calls whose need nobody but this agent meets, the most urgent first."""
        calls = ((self._calls[call].key, self._calls[call].seq, call) for call in self._asking.get(agent, ()))
        return [call for _, _, call in sorted(calls)]

    def kept_by(self, agent: str) -> frozenset[str]:
        """The reserves that keep this agent now."""
        return frozenset(self._agent(agent).kept)

    def kept(self, reserve: str) -> int:
        """How many idle agents a reserve keeps now."""
        return next((guard.kept for guard in self._guards if guard.reserve.name == reserve), 0)

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
        person = person_of(asked)
        self._calls[call] = _Call(row, asked, person, slot, key, seq, queue)
        if person is not None:
            self._ask(call, asked, person)
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
        if asked == known.need:
            return
        slot = self._slot_of(asked)
        kernel.leave(self._waiting, known.row)
        if known.person is not None:
            self._ask_no_more(call, known.need, known.person)
        known.need, known.person, known.slot = asked, person_of(asked), slot
        if known.person is not None:
            self._ask(call, asked, known.person)
        self._mark(known.row, slot)
        kernel.enter(self._waiting, known.row, known.key, known.seq)

    def call_gone(self, call: str) -> None:
        """The call no longer waits: it was assigned, or the caller hung up."""
        known = self._call(call)
        kernel.leave(self._waiting, known.row)
        self._call_rows.give_back(known.row)
        self._seqs.discard(known.seq)
        if known.person is not None:
            self._ask_no_more(call, known.need, known.person)
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

    def stands_before(self, one: str, other: str) -> bool:
        """Does one waiting call come before the other in the one order over all queues?"""
        this, that = self._call(one), self._call(other)
        return (this.key, this.seq) < (that.key, that.seq)

    def before(self, call: str) -> list[str]:
        """The calls of whatever queue that stand before this one, in no order. O(waiting)."""
        known = self._call(call)
        mine = (known.key, known.seq)
        return [name for name, other in self._calls.items() if (other.key, other.seq) < mine]

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
            self._step_out(self._agents[self._agent_rows.names[agent]])
        for pair_made in pairs:  # it was only asked: back to their places
            waits, idles = self._calls[pair_made.call], self._agents[pair_made.agent]
            kernel.enter(self._waiting, waits.row, waits.key, waits.seq)
            self._step_in(idles)
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
            able = self._needs.qualified(known.slot)
            return f"nobody: {len(others)} idle, {able} entered have what is asked{told}"
        return f"{found.reason.at(now_ms)}; {len(others)} others idle{told}"

    # ── inside ────────────────────────────────────────────────────────────────────────────────────────────

    def _assignment(self, call: str, agent: str) -> Assignment:
        waits, idles = self._calls[call], self._agents[agent]
        assert idles.since_ms is not None
        levels = tuple(1 if is_wish(skill) else idles.skills.get(skill, 0) for skill, _ in waits.need)
        exceeds = idles.weight - sum(level for skill, level in waits.need if not is_wish(skill))
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

    def _step_in(self, known: _Agent) -> None:
        """Among the idle, at the place that ``since_ms`` gives; whom the reserves keep is settled anew."""
        assert known.since_ms is not None
        self.changes += 1
        key = kernel.agent_key(known.weight, known.since_ms)
        for guard in self._guards:
            if guard.holds(known.skills.get(guard.reserve.skill, 0)):
                self._keep(guard, guard.enter(known.row, key, known.tie))
        kernel.enter(self._idle, known.row, key, known.tie)

    def _step_out(self, known: _Agent) -> bool:
        """Out from among the idle. False: the agent was not there."""
        self.changes += 1
        if not kernel.leave(self._idle, known.row):
            return False
        for guard in self._guards:
            if guard.holds(known.skills.get(guard.reserve.skill, 0)):
                self._keep(guard, guard.leave(known.row))
        if known.kept:
            known.kept.clear()
            self._set_mask(known)
        return True

    def _keep(self, guard: Guard, changes: Iterable[tuple[int, bool]]) -> None:
        """These agents are now kept by the reserve, or free for everybody."""
        for row, kept in changes:
            known = self._agents[self._agent_rows.names[row]]
            if kept == (guard.reserve.name in known.kept):
                continue
            (known.kept.add if kept else known.kept.discard)(guard.reserve.name)
            self._renew(known)

    def _renew(self, known: _Agent) -> None:
        """The agent's mask anew, wherever the agent stands."""
        key, tie = int(self._idle[known.row, kernel.KEY]), known.tie
        stood = kernel.leave(self._idle, known.row)
        self._set_mask(known)
        if stood:
            kernel.enter(self._idle, known.row, key, tie)

    def _set_mask(self, known: _Agent) -> None:
        self._idle[known.row, MASK::2] = self._needs.mask(known.row, known.kept)

    def _ask(self, call: str, need: Need, person: str) -> None:
        self._asked[need] += 1
        self._asking.setdefault(person, {})[call] = None

    def _ask_no_more(self, call: str, need: Need, person: str) -> None:
        """A need that names a person is forgotten with the last call that asks it."""
        self._asking[person].pop(call, None)
        if not self._asking[person]:
            del self._asking[person]
        self._asked[need] -= 1
        if not self._asked[need]:
            del self._asked[need]
            self._needs.forget(need)
            if person in self._agents:
                self._renew(self._agents[person])

    def _mark(self, row: int, slot: int) -> None:
        """A call's mask: the bit of its need."""
        self._waiting[row, MASK::2] = 0
        self._waiting[row, MASK + 2 * (slot // NEEDS_PER_WORD)] = 1 << slot % NEEDS_PER_WORD

    def _enlarge(self, words: int | None = None) -> None:
        """Room for the agents, calls and words of needs that there are now to be."""
        words = words or self._needs.words
        self._idle = kernel.enlarged(self._idle, self._agent_rows.capacity, words)
        self._waiting = kernel.enlarged(self._waiting, self._call_rows.capacity, words)
        self._needs.enlarge(self._agent_rows.capacity, words)
        for guard in self._guards:
            guard.enlarge(self._agent_rows.capacity)

    def _slot_of(self, need: Need) -> int:
        """The need's bit; a need that was never asked before becomes known, once, in O(agents)."""
        slot = self._needs.slots.get(need)
        if slot is None:
            if self._needs.full:
                self._make_room()
            slot = self._learn(need)
            if person_of(need) is None:
                kernel.rejoin(self._idle)
        return slot

    def _learn(self, need: Need) -> int:
        """Give the need a bit, and every agent who meets it that bit, but for those whom a reserve keeps from it."""
        slot = self._needs.learn(need)
        if (person := person_of(need)) is not None:
            if person in self._agents:
                self._renew(self._agents[person])
            return slot
        meets = self._needs.met(slot)
        if passed_over := set(reserves_of(need)):
            meets[[known.row for known in self._agents.values() if known.kept & passed_over]] = False
        word, bit = divmod(slot, NEEDS_PER_WORD)
        self._idle[:, MASK + 2 * word] |= meets.astype(np.int64) << bit
        return slot

    def _make_room(self) -> None:
        """One more word's worth of needs, or, when there are very many, forget those for which no call
        waits."""
        words = self._needs.words
        if words < _WORDS_KEPT:
            self._enlarge(2 * words)
            return
        asked = dict.fromkeys(call.need for call in self._calls.values())
        while len(asked) * 2 > words * NEEDS_PER_WORD:
            words *= 2
        self._enlarge(words)
        self._needs.forget_all()
        self._idle[:, MASK::2] = 0
        for need in asked:
            self._learn(need)
        for call in self._calls.values():
            call.slot = self._needs.slots[call.need]
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
