"""What is to happen, as one unsigned number each: time << 28 | type << 24 | whom. The least is next.

A binary heap from row 1, with 0 before it and `LATEST` behind it: neither way through it asks where it ends.
Taking the first leaves a hole at the top, and the next entry falls into it, as long as there is one: mostly who
is served ends later, and takes the place of who ended.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.compiled import inside

Heap = NDArray[np.uint64]

# what happens at one ms happens in this order
MAX_WAIT: Final = np.uint64(0)
WIDEN: Final = np.uint64(1)
TRANSFER: Final = np.uint64(2)
HANG_UP: Final = np.uint64(3)
ANSWER: Final = np.uint64(4)
FREE: Final = np.uint64(5)
PRESENCE: Final = np.uint64(6)
ABANDON: Final = np.uint64(7)
QUEUE: Final = np.uint64(8)
RETRY: Final = np.uint64(9)
ARRIVAL: Final = np.uint64(10)

LATEST: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
TIME: Final = np.uint64(28)
TYPE: Final = np.uint64(24)
TYPES: Final = np.uint64(15)
WHOM: Final = np.uint64((1 << 24) - 1)
_1: Final = np.uint64(1)
_2: Final = np.uint64(2)


@inside
def entry(at: int, kind: np.uint64, whom: np.uint64) -> np.uint64:
    """``at``: ms from 0, below 2**36; ``whom`` below 2**24."""
    return (np.uint64(at) << TIME) | (kind << TYPE) | whom


@inside
def sink(heap: Heap, new: np.uint64) -> None:
    """Put an entry in the place of the first."""
    hole = _1
    while True:
        child = hole << _1
        child += np.uint64(heap[child + _1] < heap[child])
        least = heap[child]
        if new <= least:
            break
        heap[hole] = least
        hole = child
    heap[hole] = new


@inside
def rise(heap: Heap, size: np.uint64, new: np.uint64) -> None:
    """Put one more entry, now the ``size``-th, where it belongs."""
    hole = size
    while new < heap[hole >> _1]:
        heap[hole] = heap[hole >> _1]
        hole >>= _1
    heap[hole] = new


@inside
def shrink(heap: Heap, size: np.uint64) -> None:
    """Close the hole at the top of ``size`` entries: down along the lesser children to the end, and there the
    last entry rises.
    """
    last, hole = heap[size], _1
    heap[size] = LATEST
    child = _2
    while child < size:
        child += np.uint64(heap[child + _1] < heap[child])
        heap[hole] = heap[child]
        hole = child
        child = hole << _1
    while last < heap[hole >> _1]:
        heap[hole] = heap[hole >> _1]
        hole >>= _1
    if hole < size:
        heap[hole] = last
