"""Who gets which call: the one place in the program where that is decided.

Two *orders* stand against each other: the idle agents and the waiting calls, each sorted by a key that
does not change while an entry stands in it. Every entry carries a *mask* with a bit for every need that is
known: an agent has the bits of all needs that the agent meets, a call the one bit of its own need. So one
question serves both sides:

    the first entry of an order whose mask has a bit in common with the mask of somebody on the other side.

``best_agent`` asks it of the agents, ``best_call`` of the calls, ``best_pair`` of the calls for all idle
agents.

An order is one int64 array, one row an entry: an AVL tree whose nodes also hold the joined mask of their
subtree. One walk from the root finds the answer in O(log n), whatever the agents' skills are, without trying
candidates. Nothing is allocated; whoever owns the arrays makes them larger (``enlarged``).

Row 0 is nobody and holds the order's head. A row's columns: ``KEY``, ``TIE`` (the second half of the key),
``LEFT``, ``RIGHT``, ``PARENT``, ``HEIGHT`` (0: not in the order); then, for each 63 needs, a word of its
own mask and one of its subtree's. Reasons and figures: ``docs/adr/0004-the-matching-kernel.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

Order = NDArray[np.int64]

KEY: Final = 0
TIE: Final = 1
LEFT: Final = 2
RIGHT: Final = 3
PARENT: Final = 4
HEIGHT: Final = 5
MASK: Final = 6

# the head of an order, in row 0; its HEIGHT and masks stay 0, so that walks need not test for nobody
ROOT: Final = 0
SIZE: Final = 1
FIRST: Final = 2
LAST: Final = 3

NEEDS_PER_WORD: Final = 63  # not 64: a mask is then never negative, whoever prints or shifts it
TIME_BITS: Final = 46  # 2231 years of milliseconds
TIME_LIMIT: Final = 1 << TIME_BITS
WEIGHT_LIMIT: Final = 1 << 16
PRIORITY_LIMIT: Final = 1 << 16

NOBODY: Final = np.uint64(0)
WORD: Final = np.uint64(MASK)  # where an entry's own mask starts ...
NEXT_WORD: Final = np.uint64(2)
OWN: Final = np.uint64(0)
JOINED: Final = np.uint64(1)  # ... and how far from a word of it the word of its subtree's mask is

P = ParamSpec("P")
R = TypeVar("R")


def _compiled(*signatures: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile now, or load from the cache: nobody who calls ever waits for the compiler."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        made: Callable[P, R] = njit(list(signatures) or None, cache=True, nogil=True)(function)
        return made

    return decorate


def _inside(function: Callable[P, R]) -> Callable[P, R]:
    """Part of a compiled function; plain Python where Python calls it."""
    made: Callable[P, R] = register_jitable(function)
    return made


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────


@_inside
def agent_key(weight: int, idle_since: int) -> int:
    """The agent with the least key comes first: least weight, then longest idle (``TIE``: the lowest number).

    ``weight``, below ``WEIGHT_LIMIT``, is the sum of the agent's levels for the closest fit, else 0. How
    far an agent exceeds a need is the sum of level - need over all skills: for one need it differs from
    the weight by the same amount for all agents, so one order serves every need. ``idle_since``: any unit,
    from 0, below ``TIME_LIMIT``.
    """
    return (weight << TIME_BITS) + idle_since


@_inside
def call_key(queued_at: int, priority: int, ageing: int) -> int:
    """The call with the least key comes first (``TIE``: the order of arrival).

    A call's urgency is priority + waited / ageing. It grows equally fast for all, so their order never
    changes: it is that of the instants at which they would have had to come with priority 0, queued_at -
    priority * ageing. ``ageing`` 0 makes priority absolute: one step is then worth more than any instant
    (``TIME_LIMIT``). ``queued_at`` from 0, below ``TIME_LIMIT``; priority between -``PRIORITY_LIMIT`` and
    ``PRIORITY_LIMIT``, ageing up to ``TIME_LIMIT``: nothing overflows.
    """
    return queued_at - priority * (ageing if ageing > 0 else TIME_LIMIT)


# ── arrays ────────────────────────────────────────────────────────────────────────────────────────────


def empty_order(capacity: int, words: int = 1) -> Order:
    """An order for entries 1 to ``capacity`` and masks of ``words`` times ``NEEDS_PER_WORD`` needs.

    With one word a row is 64 bytes. It starts at a multiple of 64: a step of a walk then reads one cache
    line.
    """
    rows, columns = capacity + 1, MASK + 2 * words
    room = np.zeros(rows * columns + 8, dtype=np.int64)
    skipped = -(room.ctypes.data // 8) % 8
    return room[skipped : skipped + rows * columns].reshape(rows, columns)


def enlarged(order: Order, capacity: int, words: int) -> Order:
    """A copy with more room: at least as many rows and words as before."""
    copy = empty_order(capacity, words)
    copy[: order.shape[0], : order.shape[1]] = order
    return copy


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────────


@_inside
def _at(order: Order, node: np.uint64, column: int) -> np.uint64:
    """The row that a link leads to. Unsigned: a signed index costs a test for the end."""
    return np.uint64(order[node, column])


@_inside
def _before(order: Order, one: np.uint64, other: np.uint64) -> bool:
    """The total order: key, then tie, then row."""
    if order[one, KEY] != order[other, KEY]:
        return bool(order[one, KEY] < order[other, KEY])
    if order[one, TIE] != order[other, TIE]:
        return bool(order[one, TIE] < order[other, TIE])
    return bool(one < other)


@_inside
def _renew(order: Order, node: np.uint64) -> bool:
    """Height and joined mask of a node from its children's. False: they were right already."""
    left, right = _at(order, node, LEFT), _at(order, node, RIGHT)
    height = max(order[left, HEIGHT], order[right, HEIGHT]) + 1
    changed = height != order[node, HEIGHT]
    order[node, HEIGHT] = height
    word = WORD
    while word < np.uint64(order.shape[1]):
        joined = order[node, word] | order[left, word + JOINED] | order[right, word + JOINED]
        if joined != order[node, word + JOINED]:
            order[node, word + JOINED] = joined
            changed = True
        word += NEXT_WORD
    return bool(changed)


@_inside
def _hang(order: Order, parent: np.uint64, old: np.uint64, new: np.uint64) -> None:
    """``new`` takes the place of ``old`` under ``parent``."""
    if parent == NOBODY:
        order[NOBODY, ROOT] = new
    elif _at(order, parent, LEFT) == old:
        order[parent, LEFT] = new
    else:
        order[parent, RIGHT] = new
    if new != NOBODY:
        order[new, PARENT] = parent


@_inside
def _lift_left(order: Order, node: np.uint64) -> None:
    """Rotate: the left child rises above its parent."""
    child = _at(order, node, LEFT)
    inner = _at(order, child, RIGHT)
    _hang(order, _at(order, node, PARENT), node, child)
    order[node, LEFT] = inner
    if inner != NOBODY:
        order[inner, PARENT] = node
    order[child, RIGHT] = node
    order[node, PARENT] = child
    _renew(order, node)
    _renew(order, child)


@_inside
def _lift_right(order: Order, node: np.uint64) -> None:
    """Rotate: the right child rises above its parent."""
    child = _at(order, node, RIGHT)
    inner = _at(order, child, LEFT)
    _hang(order, _at(order, node, PARENT), node, child)
    order[node, RIGHT] = inner
    if inner != NOBODY:
        order[inner, PARENT] = node
    order[child, LEFT] = node
    order[node, PARENT] = child
    _renew(order, node)
    _renew(order, child)


@_inside
def _settle(order: Order, node: np.uint64) -> None:
    """Restore balance, heights and masks from ``node`` upwards, as far as anything changes."""
    while node != NOBODY:
        above = _at(order, node, PARENT)
        left, right = _at(order, node, LEFT), _at(order, node, RIGHT)
        lean = order[left, HEIGHT] - order[right, HEIGHT]
        if lean > 1:
            if order[_at(order, left, LEFT), HEIGHT] < order[_at(order, left, RIGHT), HEIGHT]:
                _lift_right(order, left)
            _lift_left(order, node)
        elif lean < -1:
            if order[_at(order, right, RIGHT), HEIGHT] < order[_at(order, right, LEFT), HEIGHT]:
                _lift_left(order, right)
            _lift_right(order, node)
        elif not _renew(order, node):
            return
        node = above


@_inside
def _next(order: Order, node: np.uint64) -> np.uint64:
    """The entry after this one, nobody after the last."""
    right = _at(order, node, RIGHT)
    if right != NOBODY:
        while _at(order, right, LEFT) != NOBODY:
            right = _at(order, right, LEFT)
        return right
    above = _at(order, node, PARENT)
    while above != NOBODY and _at(order, above, RIGHT) == node:
        node, above = above, _at(order, above, PARENT)
    return above


@_inside
def _previous(order: Order, node: np.uint64) -> np.uint64:
    """The entry before this one, nobody before the first."""
    left = _at(order, node, LEFT)
    if left != NOBODY:
        while _at(order, left, RIGHT) != NOBODY:
            left = _at(order, left, RIGHT)
        return left
    above = _at(order, node, PARENT)
    while above != NOBODY and _at(order, above, LEFT) == node:
        node, above = above, _at(order, above, PARENT)
    return above


@_inside
def _lowest(order: Order, node: np.uint64) -> np.uint64:
    """The first leaf below a node, or the node itself."""
    while True:
        if _at(order, node, LEFT) != NOBODY and node != NOBODY:
            node = _at(order, node, LEFT)
        elif _at(order, node, RIGHT) != NOBODY and node != NOBODY:
            node = _at(order, node, RIGHT)
        else:
            return node


@_compiled("boolean(int64[:, ::1], int64, int64, int64)")
def enter(order: Order, entry: int, key: int, tie: int) -> bool:
    """Put an entry, whose mask is in its row already, into its order. False, and nothing done: it is there.

    To come last or first costs no walk down: who falls idle is mostly the shortest idle, a call mostly the
    newest.
    """
    node = np.uint64(entry)
    if order[node, HEIGHT] != 0:
        return False
    order[node, KEY], order[node, TIE] = key, tie
    order[node, LEFT] = order[node, RIGHT] = order[node, PARENT] = 0
    order[node, HEIGHT] = 1
    word = WORD
    while word < np.uint64(order.shape[1]):
        order[node, word + JOINED] = order[node, word]
        word += NEXT_WORD
    order[NOBODY, SIZE] += 1
    if _at(order, NOBODY, ROOT) == NOBODY:
        order[NOBODY, ROOT] = order[NOBODY, FIRST] = order[NOBODY, LAST] = node
        return True
    first, last = _at(order, NOBODY, FIRST), _at(order, NOBODY, LAST)
    if _before(order, last, node):
        order[last, RIGHT] = order[NOBODY, LAST] = node
        parent = last
    elif _before(order, node, first):
        order[first, LEFT] = order[NOBODY, FIRST] = node
        parent = first
    else:
        parent = _at(order, NOBODY, ROOT)
        while True:
            side = LEFT if _before(order, node, parent) else RIGHT
            below = _at(order, parent, side)
            if below == NOBODY:
                break
            parent = below
        order[parent, side] = node
    order[node, PARENT] = parent
    _settle(order, parent)
    return True


@_compiled("boolean(int64[:, ::1], int64)")
def leave(order: Order, entry: int) -> bool:
    """Take an entry out of its order, wherever it stands. False, and nothing done: it is not there."""
    node = np.uint64(entry)
    if order[node, HEIGHT] == 0:
        return False
    order[NOBODY, SIZE] -= 1
    if _at(order, NOBODY, FIRST) == node:
        order[NOBODY, FIRST] = _next(order, node)
    if _at(order, NOBODY, LAST) == node:
        order[NOBODY, LAST] = _previous(order, node)
    left, right, above = _at(order, node, LEFT), _at(order, node, RIGHT), _at(order, node, PARENT)
    if left == NOBODY or right == NOBODY:  # noqa: PLR1714 - the kernel compiles no tuples
        _hang(order, above, node, right if left == NOBODY else left)
        _settle(order, above)
    else:
        heir = right
        while _at(order, heir, LEFT) != NOBODY:
            heir = _at(order, heir, LEFT)
        lowest = heir
        if heir != right:
            lowest = _at(order, heir, PARENT)
            _hang(order, lowest, heir, _at(order, heir, RIGHT))
            order[heir, RIGHT] = right
            order[right, PARENT] = heir
        order[heir, LEFT] = left
        order[left, PARENT] = heir
        order[heir, HEIGHT] = order[node, HEIGHT]  # what those above know of this place, until it is settled
        word = WORD
        while word < np.uint64(order.shape[1]):
            order[heir, word + JOINED] = order[node, word + JOINED]
            word += NEXT_WORD
        _hang(order, above, node, heir)
        _settle(order, lowest)
        _settle(order, heir)  # its own mask is new at this place, even if nothing changed below
    order[node, HEIGHT] = 0
    return True


@_compiled("int64(int64[:, ::1], int64)")
def following(order: Order, entry: int) -> int:
    """The entry behind this one, 0 behind the last. O(log n)."""
    return int(np.int64(_next(order, np.uint64(entry))))


@_compiled("int64(int64[:, ::1], int64)")
def preceding(order: Order, entry: int) -> int:
    """The entry before this one, 0 before the first. O(log n)."""
    return int(np.int64(_previous(order, np.uint64(entry))))


@_compiled("int64(int64[:, ::1])")
def rejoin(order: Order) -> int:
    """Join all masks again after own masks were changed in place (a need became known, skills changed). O(n).

    Returns how many entries there are.
    """
    count = 0
    node = _lowest(order, _at(order, NOBODY, ROOT))
    while node != NOBODY:  # children before their parents
        count += 1
        _renew(order, node)
        above = _at(order, node, PARENT)
        if above != NOBODY and _at(order, above, LEFT) == node and _at(order, above, RIGHT) != NOBODY:
            node = _lowest(order, _at(order, above, RIGHT))
        else:
            node = above
    return count


# ── the rule ──────────────────────────────────────────────────────────────────────────────────────────


@_inside
def _meets(order: Order, node: np.uint64, other: Order, asking: np.uint64, kind: np.uint64) -> bool:
    """Has the node's own mask (``OWN``) or its subtree's (``JOINED``) a bit of the asking row's?"""
    word = WORD
    while word < np.uint64(order.shape[1]):
        if order[node, word + kind] & other[asking, word] != 0:
            return True
        word += NEXT_WORD
    return False


@_inside
def _first(order: Order, other: Order, asking: np.uint64) -> np.uint64:
    """The first entry of ``order`` whose mask has a bit in common with that of row ``asking`` in
    ``other``."""
    node = _at(order, NOBODY, FIRST)
    if _meets(order, node, other, asking, OWN):
        return node
    node = _at(order, NOBODY, ROOT)
    if not _meets(order, node, other, asking, JOINED):
        return NOBODY
    while True:
        left = _at(order, node, LEFT)
        if _meets(order, left, other, asking, JOINED):
            node = left
        elif _meets(order, node, other, asking, OWN):
            return node
        else:
            node = _at(order, node, RIGHT)


@_compiled("int64(int64[:, ::1], int64[:, ::1], int64)")
def best_agent(agents: Order, calls: Order, call: int) -> int:
    """The idle agent who gets this call: of those who meet its need the closest fit, the longest idle, the
    lowest number, in this order. 0: nobody. Its mask must be in its row; whether it waits doesn't matter."""
    return int(np.int64(_first(agents, calls, np.uint64(call))))


@_compiled("int64(int64[:, ::1], int64[:, ::1], int64)")
def best_call(agents: Order, calls: Order, agent: int) -> int:
    """The waiting call that this agent gets: of those whose need the agent meets the most urgent, then the
    first to have come. 0: none. The agent's mask must be in its row; idle or not doesn't matter."""
    return int(np.int64(_first(calls, agents, np.uint64(agent))))


@_compiled("int64(int64[:, ::1], int64[:, ::1])")
def best_pair(agents: Order, calls: Order) -> int:
    """The next assignment: the most urgent call that any idle agent can take, and the best agent for it.

    Returns call << 32 | agent, 0 when nobody who waits can be served. Asked and carried out until it says
    0, it leaves nobody waiting while a qualified agent is idle.
    """
    root = _at(agents, NOBODY, ROOT)
    node = _at(calls, NOBODY, ROOT)
    meets = False
    word = WORD
    while word < np.uint64(agents.shape[1]):
        if calls[node, word + JOINED] & agents[root, word + JOINED] != 0:
            meets = True
        word += NEXT_WORD
    if not meets:
        return 0
    while True:
        left = _at(calls, node, LEFT)
        below, here = False, False
        word = WORD
        while word < np.uint64(agents.shape[1]):
            idle = agents[root, word + JOINED]
            below |= calls[left, word + JOINED] & idle != 0
            here |= calls[node, word] & idle != 0
            word += NEXT_WORD
        if below:
            node = left
        elif here:
            break
        else:
            node = _at(calls, node, RIGHT)
    return int(np.int64((node << np.uint64(32)) | _first(agents, calls, node)))  # signed, as the 0 above


if __name__ == "__main__":
    import sys
    import time

    # By now everything was compiled above or found in the cache; what is left to tell is how long that took.
    sys.stdout.write(f"matching kernel ready, {time.process_time():.1f} s\n")
