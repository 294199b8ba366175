"""The kernel's rule where people and calls are of few kinds: the planner's way of asking it.

`acd.kernel` finds "the first entry of an order whose mask meets a given mask" in one tree, whatever the
entries' masks are. Where many entries have the same mask, they can stand in a row of their own, by the kernel's
own keys: then the first entry is the least of the rows' heads, and who comes last is put at the end of a row.
So an answer costs a few comparisons, and neither grows with the number of agents nor with that of calls, but
with the number of kinds. The keys are `kernel.agent_key` and `kernel.call_key`, the answers the kernel's, ties
included (a test).

A *pool* is one flat int64 array. An entry is the place in it where its columns begin, 0 is nobody; the head of
a kind's row stands at `head_of`, entries of whatever width behind the last head. A head closes its row to a
ring, so that nothing has an end: columns `KEY`, `TIE`, `NEXT`, `BEFORE`, `HEAD` (0: stands in no row); what is
behind them is the owner's. ``filled`` has a bit for every kind that has an entry. ``asks`` has as many words
for each kind of the other side: the bits of the kinds that qualify.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from acd.kernel import agent_key, call_key

Pool = NDArray[np.int64]
Bits = NDArray[np.uint64]

KEY: Final = np.uint64(0)
TIE: Final = np.uint64(1)
NEXT: Final = np.uint64(2)
BEFORE: Final = np.uint64(3)
HEAD: Final = np.uint64(4)
OWN: Final = 5
"""the first column of the owner"""

LAST: Final = (1 << 63) - 1
NOBODY: Final = np.uint64(0)
_1: Final = np.uint64(1)
_3: Final = np.uint64(3)
_6: Final = np.uint64(6)
_58: Final = np.uint64(58)
_63: Final = np.uint64(63)
_SEQUENCE: Final = np.uint64(0x03F79D71B4CB0A89)
_PLACE: Final = np.array(
    [
        0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4, 62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30,
        24, 18, 12, 5, 63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31,
        10, 25, 14, 19, 9, 13, 8, 7, 6,
    ],
    np.uint64,
)  # fmt: skip


@register_jitable(forceinline=True)
def head_of(kind: np.uint64) -> np.uint64:
    """Where the head of a kind's row stands."""
    return (kind + _1) << _3


@register_jitable(forceinline=True)
def empty_pool(kinds: int, entries: int, columns: int) -> tuple[Pool, Bits]:
    """A pool of nobody, and its bits. Entry i from 0 is at ``head_of(kinds) + i * columns``."""
    pool = np.zeros((1 + kinds) * 8 + entries * columns, np.int64)
    pool[KEY] = LAST
    for kind in range(kinds):
        head = head_of(np.uint64(kind))
        pool[head + NEXT] = pool[head + BEFORE] = pool[head + HEAD] = np.int64(head)
        pool[head + KEY] = -LAST
    return pool, np.zeros(max((kinds + 63) // 64, 1), np.uint64)


@register_jitable(forceinline=True)
def lowest(word: np.uint64) -> np.uint64:
    """The place of the lowest bit of a word that is not 0 (Leiserson, Prokop, Randall 1998)."""
    return np.uint64(_PLACE[((word & (~word + _1)) * _SEQUENCE) >> _58])


@register_jitable(forceinline=True)
def before(pool: Pool, one: np.uint64, other: np.uint64) -> bool:
    """The order of the kernel: by key, then by tie."""
    if pool[one + KEY] != pool[other + KEY]:
        return bool(pool[one + KEY] < pool[other + KEY])
    return bool(pool[one + TIE] < pool[other + TIE])


@register_jitable(forceinline=True)
def enter(pool: Pool, filled: Bits, entry: np.uint64, kind: np.uint64) -> None:
    """Put an entry, which stands nowhere and has its key and tie, into its kind's row: mostly at the end of it."""
    head = head_of(kind)
    ahead = np.uint64(pool[head + BEFORE])
    while before(pool, entry, ahead):
        ahead = np.uint64(pool[ahead + BEFORE])
    behind = np.uint64(pool[ahead + NEXT])
    pool[entry + BEFORE] = np.int64(ahead)
    pool[entry + NEXT] = np.int64(behind)
    pool[ahead + NEXT] = np.int64(entry)
    pool[behind + BEFORE] = np.int64(entry)
    pool[entry + HEAD] = np.int64(head)
    filled[kind >> _6] |= _1 << (kind & _63)


@register_jitable(forceinline=True)
def leave(pool: Pool, filled: Bits, entry: np.uint64) -> None:
    """Take an entry out of the row in which it stands."""
    ahead, behind = np.uint64(pool[entry + BEFORE]), np.uint64(pool[entry + NEXT])
    pool[ahead + NEXT] = np.int64(behind)
    pool[behind + BEFORE] = np.int64(ahead)
    pool[entry + HEAD] = 0
    if ahead == behind:  # the head alone is left
        kind = (ahead >> _3) - _1
        filled[kind >> _6] &= ~(_1 << (kind & _63))


@register_jitable(forceinline=True)
def first(pool: Pool, filled: Bits, asks: Bits, kind: np.uint64) -> np.uint64:
    """The first entry of all the kinds that ``asks`` names for a kind of the other side, ``NOBODY`` when they
    are empty.

    With the agents' pool and what a kind of call asks: `kernel.best_agent`. With the calls' pool and what a
    kind of agent serves: `kernel.best_call`.
    """
    words = np.uint64(filled.shape[0])
    best, word = NOBODY, NOBODY
    while word < words:
        left = filled[word] & asks[kind * words + word]
        while left != NOBODY:
            entry = np.uint64(pool[head_of((word << _6) + lowest(left)) + NEXT])
            if before(pool, entry, best):
                best = entry
            left &= left - _1
        word += _1
    return best


@register_jitable(forceinline=True)
def best_pair(
    agents: Pool, idle: Bits, calls: Pool, waiting: Bits, meets: Bits
) -> tuple[np.uint64, np.uint64]:
    """The most urgent call that anybody idle can take and the best agent for it, ``NOBODY`` twice when there is
    none.

    As `kernel.best_pair`: asked and carried out until it finds nobody, it leaves nobody waiting while a
    qualified agent is idle.
    """
    call, agent, word = NOBODY, NOBODY, NOBODY
    while word < np.uint64(waiting.shape[0]):
        left = waiting[word]
        while left != NOBODY:
            kind = (word << _6) + lowest(left)
            entry = np.uint64(calls[head_of(kind) + NEXT])
            if before(calls, entry, call):
                found = first(agents, idle, meets, kind)
                if found != NOBODY:
                    call, agent = entry, found
            left &= left - _1
        word += _1
    return call, agent


__all__ = [
    "agent_key", "before", "best_pair", "call_key", "empty_pool", "enter", "first", "head_of", "leave", "lowest",
]  # fmt: skip
