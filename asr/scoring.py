"""How sure it is that an entry is the right one: a score from the signs of likeness, by trees fitted on the development sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from math import exp
from operator import attrgetter

from asr.score_trees import BASE, RATE, TREES


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of. Where nothing else is said, from 0 to 1.

    ``characters``, ``sounds``: cosine of weighted 1- and 2-grams with the nearest variant; ``support``: the mean of both over the
    entry's three nearest. ``latent``: cosine by latent semantics; ``belongs``: what the regression over it says, about 0 to 1.
    ``explained``: the share of the caller's weight that the entry's variants know, by character or sound, and ``pairs``: of
    neighbouring syllables. ``covered``: the share of the nearest variant that the caller said. ``evidence``: how many
    signs that mean something were recognised. ``ahead``: how far the entry is before the next, -1 to 1.
    ``stranger``: how near the nearest matter is that no base answers (`asr.strangers`), ``over_stranger``: how far
    the nearest variant is before it, -1 to 1. ``new_signs``, ``new_pairs``: how many of the caller's signs, and pairs of
    syllables, the entry does not know; ``new_content``: of those that mean something, in fives; ``left_over``: the weight
    of the longest run left over, in tens. ``length``: the logarithm of the number of signs; ``content``: how many
    of them mean something, in eights. ``in_sight``: the share of the question of which the variants speak.
    ``other_aspects``: how many aspects the caller asks about that the entry knows nothing of, at most 2.
    ``other_place``: 1 where another city or country is named.
    """

    characters: float
    sounds: float
    support: float
    latent: float
    belongs: float
    explained: float
    pairs: float
    covered: float
    evidence: float
    ahead: float
    stranger: float
    over_stranger: float
    new_signs: float
    new_pairs: float
    new_content: float
    left_over: float
    length: float
    content: float
    in_sight: float
    other_aspects: float
    other_place: float

    def row(self) -> tuple[float, ...]:
        return _row(self)


_row: Callable[[Features], tuple[float, ...]] = attrgetter(*(field.name for field in fields(Features)))

Split = tuple[int, float, int, int]
"""the feature's number, its limit (up to which it goes to the first), and the two places to go on; a place below 0 is a leaf"""


@dataclass(frozen=True, slots=True)
class Tree:
    splits: tuple[Split, ...]
    leaves: tuple[float, ...]

    def value(self, row: tuple[float, ...]) -> float:
        place = 0
        while True:
            feature, limit, low, high = self.splits[place]
            place = low if row[feature] <= limit else high
            if place < 0:
                return self.leaves[-place - 1]


LEAST_SUPPORT, LEAST_EXPLAINED, LEAST_COVERED, LEAST_EVIDENCE = 0.15, 0.33, 0.33, 0.08
"""below these no right answer lay in any development set: there the trees have learnt nothing, and say anything"""


def score(features: Features) -> float:
    """The estimated probability that the entry is the right one; 0 where what was said is hardly like it at all."""
    if features.characters < 0.99 and (
        features.support < LEAST_SUPPORT
        or features.explained < LEAST_EXPLAINED
        or features.covered < LEAST_COVERED
        or features.evidence < LEAST_EVIDENCE
    ):
        return 0.0
    row = features.row()
    total = BASE + RATE * sum(tree.value(row) for tree in _trees())
    return 1.0 / (1.0 + exp(-max(-60.0, min(60.0, total))))


@lru_cache(maxsize=1)
def _trees() -> tuple[Tree, ...]:
    return tuple(read_tree(line) for line in TREES.strip().splitlines())


def read_tree(line: str) -> Tree:
    """``feature:limit:low:high`` for each split, a bar, and the leaves; all with blanks between.

    >>> read_tree("0:0.5:-1:-2 | -1.0 2.0").value((0.7,))
    2.0
    """
    splits, _, leaves = line.partition("|")
    read = []
    for split in splits.split():
        feature, limit, low, high = split.split(":")
        read.append((int(feature), float(limit), int(low), int(high)))
    return Tree(tuple(read), tuple(map(float, leaves.split())))
