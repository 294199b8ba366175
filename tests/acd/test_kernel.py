"""The kernel's orders and its rule, held to lists that anyone can follow. Ties are made on purpose."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numba.core.types import Boolean, Integer

from acd import kernel
from acd.kernel import FIRST, HEIGHT, KEY, LAST, LEFT, MASK, PARENT, RIGHT, ROOT, SIZE, TIE, Order

ENTRIES = 24


def _masks(order: Order, row: int, kind: int) -> list[int]:
    return [int(word) for word in order[row, MASK + kind :: 2]]


def _walk(order: Order) -> list[int]:
    """The entries from first to last; all that a row claims about its subtree is checked."""

    def below(row: int, parent: int) -> tuple[list[int], int, list[int]]:
        if row == 0:
            return [], 0, [0] * ((order.shape[1] - MASK) // 2)
        assert order[row, PARENT] == parent
        left, left_height, left_masks = below(int(order[row, LEFT]), row)
        right, right_height, right_masks = below(int(order[row, RIGHT]), row)
        assert abs(left_height - right_height) <= 1
        height = max(left_height, right_height) + 1
        assert order[row, HEIGHT] == height
        own = _masks(order, row, 0)
        joined = [a | b | c for a, b, c in zip(own, left_masks, right_masks, strict=True)]
        assert _masks(order, row, 1) == joined
        return [*left, row, *right], height, joined

    entries, _, _ = below(int(order[0, ROOT]), 0)
    assert order[0, SIZE] == len(entries)
    assert (order[0, FIRST], order[0, LAST]) == ((entries[0], entries[-1]) if entries else (0, 0))
    assert not order[0, HEIGHT:].any()
    return entries


@pytest.mark.parametrize("seed", range(12))
def test_a_full_order_stays_right_while_entries_come_and_go_in_its_middle(seed: int) -> None:
    random = np.random.default_rng(seed)
    words, entries = 1 + seed % 2, 40
    order = kernel.empty_order(entries, words)
    order[1:, MASK::2] = 1 << random.integers(0, 6, (entries, words))
    standing: set[int] = set()
    for _ in range(400):
        row = int(random.integers(1, entries + 1))
        if row in standing:
            assert kernel.leave(order, row)
        else:
            assert kernel.enter(order, row, int(random.integers(0, 20)), row)
        standing ^= {row}
        assert set(_walk(order)) == standing


masks = st.lists(st.integers(0, 7) | st.just(2**63 - 1), min_size=ENTRIES, max_size=ENTRIES)
moves = st.lists(st.tuples(st.integers(1, ENTRIES), st.integers(0, 3), st.integers(0, 2)), max_size=120)


@given(words=st.integers(1, 3), own=masks, steps=moves)
@settings(max_examples=150, deadline=None)
def test_an_order_is_the_sorted_list_of_its_entries_after_every_step(
    words: int, own: list[int], steps: list[tuple[int, int, int]]
) -> None:
    order = kernel.empty_order(ENTRIES, words)
    for row, mask in enumerate(own, start=1):
        order[row, MASK + 2 * (row % words)] = mask
    standing: dict[int, tuple[int, int, int]] = {}
    for row, key, tie in steps:
        if row in standing:
            assert not kernel.enter(order, row, key, tie)
            assert kernel.leave(order, row)
            del standing[row]
        else:
            assert not kernel.leave(order, row)
            assert kernel.enter(order, row, key - 1, tie)
            standing[row] = (key - 1, tie, row)
        assert _walk(order) == sorted(standing, key=standing.__getitem__)


@given(words=st.integers(1, 2), own=masks, other=masks, standing=st.sets(st.integers(1, ENTRIES)))
@settings(max_examples=100, deadline=None)
def test_masks_changed_in_place_are_joined_again(
    words: int, own: list[int], other: list[int], standing: set[int]
) -> None:
    order = kernel.empty_order(ENTRIES, words)
    order[1:, MASK] = own
    for row in standing:
        kernel.enter(order, row, row % 3, row)
    order[1:, MASK] = other
    order[1:, MASK + 2 * (words - 1)] |= own
    assert kernel.rejoin(order) == len(standing)
    assert set(_walk(order)) == standing


@given(
    words=st.integers(1, 2),
    agent_bits=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=ENTRIES),
    call_bits=st.lists(st.integers(0, 5), min_size=1, max_size=ENTRIES),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_the_best_is_the_first_of_those_who_qualify(
    words: int, agent_bits: list[set[int]], call_bits: list[int], data: st.DataObject
) -> None:
    agents, calls = kernel.empty_order(ENTRIES, words), kernel.empty_order(ENTRIES, words)
    for row, bits in enumerate(agent_bits, start=1):
        for bit in bits:
            agents[row, MASK + 2 * (bit % words)] |= 1 << bit
    for row, bit in enumerate(call_bits, start=1):
        calls[row, MASK + 2 * (bit % words)] |= 1 << bit
    idle = {
        row: (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)), row)
        for row in data.draw(st.sets(st.integers(1, len(agent_bits))))
    }
    waiting = {
        row: (data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)), row)
        for row in data.draw(st.sets(st.integers(1, len(call_bits))))
    }
    for row, (key, tie, _) in idle.items():
        kernel.enter(agents, row, key, tie)
    for row, (key, tie, _) in waiting.items():
        kernel.enter(calls, row, key, tie)

    def least(rows: dict[int, tuple[int, int, int]], fits: set[int]) -> int:
        return min((rows[row], row) for row in rows if row in fits)[1] if fits & rows.keys() else 0

    takers = {c: {a for a, bits in enumerate(agent_bits, 1) if call_bits[c - 1] in bits} for c in waiting}
    for call, fits in takers.items():
        assert kernel.best_agent(agents, calls, call) == least(idle, fits)
    for agent in idle:
        fits = {c for c in waiting if agent in takers[c]}
        assert kernel.best_call(agents, calls, agent) == least(waiting, fits)
    served = least(waiting, {c for c in waiting if takers[c] & idle.keys()})
    expected = (served << 32 | least(idle, takers[served])) if served else 0
    assert kernel.best_pair(agents, calls) == expected


def test_an_order_stays_as_flat_as_its_logarithm_when_entries_come_sorted() -> None:
    order = kernel.empty_order(4096)
    for row in range(1, 4097):
        kernel.enter(order, row, row, 0)
    assert order[order[0, ROOT], HEIGHT] <= 1.45 * log2(4098)
    for row in range(1, 4001):
        kernel.leave(order, row)
    assert order[order[0, ROOT], HEIGHT] <= 1.45 * log2(98)
    assert _walk(order) == list(range(4001, 4097))


def test_a_larger_copy_holds_the_same_order() -> None:
    order = kernel.empty_order(3)
    order[1:, MASK] = [1, 2, 4]
    for row, key in ((1, 5), (2, -5), (3, 0)):
        kernel.enter(order, row, key, 0)
    larger = kernel.enlarged(order, 7, 2)
    assert larger.shape == (8, MASK + 4)
    assert _walk(larger) == [2, 3, 1]
    assert kernel.enter(larger, 7, 1, 0)
    assert _walk(larger) == [2, 3, 7, 1]


def test_keys_at_their_limits_stay_in_order_in_64_bits() -> None:
    end, top = kernel.TIME_LIMIT - 1, kernel.PRIORITY_LIMIT - 1
    keys = [
        kernel.call_key(queued_at, priority, 0)
        for priority in (top, 1, 0, -1, -top)
        for queued_at in (0, 1, end)
    ]
    keys.append(kernel.agent_key(kernel.WEIGHT_LIMIT - 1, end))
    assert keys[:-1] == sorted(set(keys[:-1]))
    assert all(int(np.int64(key)) == key for key in keys)


def test_ageing_lets_a_step_of_priority_weigh_as_much_as_its_time_of_waiting() -> None:
    urgent = kernel.call_key(100_000, 1, 60_000)
    assert kernel.call_key(39_999, 0, 60_000) < urgent < kernel.call_key(40_001, 0, 60_000)
    assert kernel.call_key(40_000, 0, 60_000) == urgent


@pytest.mark.parametrize("name", ["enter", "leave", "rejoin", "best_agent", "best_call", "best_pair"])
def test_a_function_of_the_kernel_is_compiled_on_import_and_knows_no_floating_point(name: str) -> None:
    ready = getattr(kernel, name)
    (signature,) = ready.signatures
    again = njit(ready.py_func)
    again.compile(signature)
    types = again.overloads[signature].type_annotation.typemap
    assert not [(name, str(kind)) for name, kind in types.items() if "float" in str(kind)]
    assert isinstance(again.overloads[signature].signature.return_type, Integer | Boolean)


def test_the_tie_decides_between_equal_keys_and_the_row_between_equal_ties() -> None:
    order = kernel.empty_order(4)
    for row, key, tie in ((4, 0, 1), (3, 0, 2), (2, 0, 1), (1, 1, 0)):
        order[row, MASK] = 1
        kernel.enter(order, row, key, tie)
    assert _walk(order) == [2, 4, 3, 1]
    assert [(int(order[r, KEY]), int(order[r, TIE])) for r in (2, 1)] == [(0, 1), (1, 0)]
