"""Pools answer as the kernel's tree does, whoever stands there and however many ties there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from acd import kernel, pools
from acd.kernel import MASK, NEEDS_PER_WORD
from acd.pools import KEY, NOBODY, TIE, head_of

AGENT_COLUMNS, CALL_COLUMNS = 8, 16
AGENTS, CALLS = 12, 14


@dataclass
class Ways:
    """The functions of the pools, compiled or plain."""

    enter: Callable[..., None] = pools.enter
    leave: Callable[..., None] = pools.leave
    first: Callable[..., np.uint64] = pools.first
    best_pair: Callable[..., tuple[np.uint64, np.uint64]] = pools.best_pair


@pytest.fixture(scope="module")
def compiled() -> Ways:
    return Ways(*(njit(getattr(pools, name)) for name in ("enter", "leave", "first", "best_pair")))


@dataclass
class Hall:
    """The same people and calls in the kernel's tree and in pools. Who and what is of which kind is drawn; an
    agent kind's weight as well.
    """

    meets: np.ndarray
    """[kind of call, kind of agent]"""
    weights: list[int]
    ways: Ways
    agent_kind: list[int]
    call_kind: list[int]
    idle: set[int] = field(default_factory=set)
    waiting: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        call_kinds, agent_kinds = self.meets.shape
        words = -(-call_kinds // NEEDS_PER_WORD)
        self.agent_order = kernel.empty_order(AGENTS, words)
        self.call_order = kernel.empty_order(CALLS, words)
        for row, kind in enumerate(self.agent_kind, 1):
            for need in np.flatnonzero(self.meets[:, kind]).tolist():
                self.agent_order[row, MASK + 2 * (need // NEEDS_PER_WORD)] |= 1 << need % NEEDS_PER_WORD
        for row, need in enumerate(self.call_kind, 1):
            self.call_order[row, MASK + 2 * (need // NEEDS_PER_WORD)] = 1 << need % NEEDS_PER_WORD
        self.agents, self.idle_bits = pools.empty_pool(agent_kinds, AGENTS, AGENT_COLUMNS)
        self.calls, self.waiting_bits = pools.empty_pool(call_kinds, CALLS, CALL_COLUMNS)
        self.asked = _bits(self.meets)
        self.served = _bits(self.meets.T)

    def agent(self, number: int) -> np.uint64:
        return np.uint64(head_of(np.uint64(len(self.weights))) + np.uint64(number * AGENT_COLUMNS))

    def call(self, number: int) -> np.uint64:
        return np.uint64(head_of(np.uint64(len(self.meets))) + np.uint64(number * CALL_COLUMNS))

    def agent_at(self, entry: np.uint64) -> int:
        """The kernel's row of an entry."""
        return (int(entry) - int(self.agent(0))) // AGENT_COLUMNS + 1 if entry != NOBODY else 0

    def call_at(self, entry: np.uint64) -> int:
        return (int(entry) - int(self.call(0))) // CALL_COLUMNS + 1 if entry != NOBODY else 0

    def turn_agent(self, number: int, since: int) -> None:
        """Idle if busy, and the other way round."""
        kind, entry = self.agent_kind[number], self.agent(number)
        if number in self.idle:
            self.idle.discard(number)
            kernel.leave(self.agent_order, number + 1)
            self.ways.leave(self.agents, self.idle_bits, entry)
            return
        self.idle.add(number)
        key = pools.agent_key(self.weights[kind], since)
        kernel.enter(self.agent_order, number + 1, key, number)
        self.agents[entry + KEY], self.agents[entry + TIE] = key, number
        self.ways.enter(self.agents, self.idle_bits, entry, np.uint64(kind))

    def turn_call(self, number: int, queued: int, priority: int, ageing: int) -> None:
        kind, entry = self.call_kind[number], self.call(number)
        if number in self.waiting:
            self.waiting.discard(number)
            kernel.leave(self.call_order, number + 1)
            self.ways.leave(self.calls, self.waiting_bits, entry)
            return
        self.waiting.add(number)
        key = pools.call_key(queued, priority, ageing)
        kernel.enter(self.call_order, number + 1, key, number)
        self.calls[entry + KEY], self.calls[entry + TIE] = key, number
        self.ways.enter(self.calls, self.waiting_bits, entry, np.uint64(kind))

    def check(self) -> None:
        """Every question gets one answer from both."""
        for number, need in enumerate(self.call_kind):
            found = self.ways.first(self.agents, self.idle_bits, self.asked, np.uint64(need))
            assert self.agent_at(found) == kernel.best_agent(self.agent_order, self.call_order, number + 1)
        for number, kind in enumerate(self.agent_kind):
            found = self.ways.first(self.calls, self.waiting_bits, self.served, np.uint64(kind))
            assert self.call_at(found) == kernel.best_call(self.agent_order, self.call_order, number + 1)
        call, agent = self.ways.best_pair(
            self.agents, self.idle_bits, self.calls, self.waiting_bits, self.asked
        )
        pair = kernel.best_pair(self.agent_order, self.call_order)
        assert (self.call_at(call), self.agent_at(agent)) == (pair >> 32, pair & 0xFFFFFFFF)


def _bits(asks: np.ndarray) -> np.ndarray:
    """The words of a table of yes and no, row after row."""
    rows, columns = asks.shape
    words = max(-(-columns // 64), 1)
    made = np.zeros((rows, words), np.uint64)
    for row, column in np.argwhere(asks).tolist():
        made[row, column // 64] |= np.uint64(1 << column % 64)
    return made.reshape(-1)


def _play(draw: st.DataObject, hall: Hall) -> None:
    agents = st.tuples(st.just(0), st.integers(0, AGENTS - 1), st.integers(0, 3))
    calls = st.tuples(st.just(1), st.integers(0, CALLS - 1), st.integers(0, 3), st.integers(-1, 2))
    ageing = draw.draw(st.sampled_from([0, 1, 2, 60_000]))
    for step in draw.draw(st.lists(st.one_of(agents, calls), max_size=60)):
        if step[0] == 0:
            hall.turn_agent(step[1], step[2])
        else:
            hall.turn_call(step[1], step[2], step[3], ageing)
        hall.check()


def _hall(draw: st.DataObject, ways: Ways, call_kinds: int, agent_kinds: int) -> Hall:
    yes = st.lists(st.booleans(), min_size=call_kinds * agent_kinds, max_size=call_kinds * agent_kinds)
    return Hall(
        np.array(draw.draw(yes)).reshape(call_kinds, agent_kinds),
        draw.draw(st.lists(st.integers(0, 2), min_size=agent_kinds, max_size=agent_kinds)),
        ways,
        draw.draw(st.lists(st.integers(0, agent_kinds - 1), min_size=AGENTS, max_size=AGENTS)),
        draw.draw(st.lists(st.integers(0, call_kinds - 1), min_size=CALLS, max_size=CALLS)),
    )


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(1, 4))
def test_pools_answer_as_the_tree_however_many_tie(
    compiled: Ways, draw: st.DataObject, calls: int, agents: int
) -> None:
    _play(draw, _hall(draw, compiled, calls, agents))


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_more_kinds_than_a_word_has_bits_are_answered_alike(compiled: Ways, draw: st.DataObject) -> None:
    hall = _hall(draw, compiled, 3, 2)
    meets = np.zeros((130, 70), np.bool_)
    meets[63:66, 63:65] = hall.meets
    meets[129, 69] = True
    kinds = [63, 64, 65, 129]
    _play(
        draw,
        Hall(
            meets,
            [0] * 63 + [*hall.weights, 0, 0, 0, 0, 1],
            compiled,
            [(63, 64, 69)[i % 3] for i in range(AGENTS)],
            [kinds[i % 4] for i in range(CALLS)],
        ),
    )


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_the_functions_do_the_same_uncompiled(draw: st.DataObject) -> None:
    with np.errstate(over="ignore"):  # negation of unsigned words
        _play(draw, _hall(draw, Ways(), 3, 3))


def test_every_bit_is_found_as_the_lowest() -> None:
    with np.errstate(over="ignore"):
        for place in range(64):
            assert pools.lowest(np.uint64(1 << place)) == place
            assert pools.lowest(np.uint64((1 << 64) - (1 << place))) == place


def test_who_comes_back_with_an_old_time_stands_before_those_who_came_since() -> None:
    agents, idle = pools.empty_pool(1, 3, AGENT_COLUMNS)
    entries = [head_of(np.uint64(1)) + np.uint64(i * AGENT_COLUMNS) for i in range(3)]
    for entry, since in zip(entries, (5, 7, 6), strict=True):
        agents[entry + KEY] = since
        pools.enter(agents, idle, entry, NOBODY)
    everybody = np.ones(1, np.uint64)
    order = []
    while idle[0]:
        with np.errstate(over="ignore"):
            order.append(pools.first(agents, idle, everybody, NOBODY))
        pools.leave(agents, idle, order[-1])
    assert order == [entries[0], entries[2], entries[1]]
