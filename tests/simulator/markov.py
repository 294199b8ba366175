"""Exact solutions of small queues as Markov chains: what the simulation is held to. Nothing here knows the engine.

Two lines and two pools, an *N*: pool 1 has the skill of line A, pool 2 those of both. A asks pool 1 first, then pool 2; B asks
pool 2 alone; whoever falls free in pool 2 takes B's callers first. Everything is exponential; arrivals change by half hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Index = NDArray[np.int64]
State = tuple[int, int, int, int]
"""busy in pool 1, busy in pool 2, waiting of A, waiting of B"""


@dataclass(frozen=True)
class Chain:
    """Transitions as three parallel arrays; ``size`` states."""

    size: int
    source: Index
    target: Index
    rate: Vector

    @property
    def out(self) -> Vector:
        """The rate at which each state is left."""
        return np.asarray(np.bincount(self.source, self.rate, self.size), np.float64)

    def forward(self, chance: Vector, seconds: float) -> Vector:
        """Where the chain is after that long, by uniformisation."""
        out = self.out
        most = float(out.max())

        def jump(p: Vector) -> Vector:
            moved = np.bincount(self.target, p[self.source] * self.rate, self.size)
            return p + (moved - p * out) / most

        return _poisson_mix(jump, chance, most * seconds)

    def backward(self, value: Vector, seconds: float) -> Vector:
        """What a value that is known then is worth that long before."""
        most = float(self.out.max())

        def jump(v: Vector) -> Vector:
            gained = np.bincount(self.source, self.rate * (v[self.target] - v[self.source]), self.size)
            return v + gained / most

        return _poisson_mix(jump, value, most * seconds)

    def steady(self) -> Vector:
        """The steady state, by elimination."""
        matrix = np.zeros((self.size, self.size))
        np.add.at(matrix, (self.target, self.source), self.rate)
        matrix[np.diag_indices(self.size)] -= self.out
        matrix[-1] = 1.0
        return np.linalg.solve(matrix, np.eye(self.size)[-1])


def _poisson_mix(jump, start: Vector, mean: float) -> Vector:  # type: ignore[no-untyped-def]
    """The sum over k of P(Poisson(mean) = k) times ``start`` after k jumps, to 1e-13."""
    if mean > 400:
        return _poisson_mix(jump, _poisson_mix(jump, start, mean / 2), mean / 2)
    weight, total, k = math.exp(-mean), math.exp(-mean), 0
    vector, mixed = start, weight * start
    while total < 1.0 - 1e-13 and k < mean + 60 * math.sqrt(mean) + 60:
        k += 1
        vector, weight = jump(vector), weight * mean / k
        mixed, total = mixed + weight * vector, total + weight
    return mixed / total


@dataclass(frozen=True)
class Pair:
    """What an arriving caller of A and of B may expect."""

    a: float
    b: float


@dataclass(frozen=True)
class NDesign:
    """Two pools of ``one`` and ``two`` seats. ``served`` and ``patience`` are rates a second; at most ``room`` of a line wait."""

    one: int
    two: int
    served: float
    patience: float
    room: int = 40
    states: list[State] = field(init=False)
    index: dict[State, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", list(self._reachable()))
        object.__setattr__(self, "index", {state: i for i, state in enumerate(self.states)})

    def _reachable(self) -> Iterator[State]:
        for busy in range(self.one + 1):
            for other in range(self.two):
                yield busy, other, 0, 0
            for waiting in range(self.room + 1):
                yield busy, self.two, 0, waiting
        for waiting in range(1, self.room + 1):
            for others in range(self.room + 1):
                yield self.one, self.two, waiting, others

    def chain(self, a: float, b: float) -> Chain:
        """With these arrivals a second."""
        moves = [
            (i, self.index[to], rate)
            for i, state in enumerate(self.states)
            for to, rate in self._moves(state, a, b)
        ]
        source, target, rate = zip(*((i, j, r) for i, j, r in moves if r > 0), strict=True)
        return Chain(len(self.states), np.array(source), np.array(target), np.array(rate))

    def _moves(self, state: State, a: float, b: float) -> Iterator[tuple[State, float]]:
        one, two, qa, qb = state
        if one < self.one:
            yield (one + 1, two, qa, qb), a
        elif two < self.two:
            yield (one, two + 1, qa, qb), a
        elif qa < self.room:
            yield (one, two, qa + 1, qb), a
        if two < self.two:
            yield (one, two + 1, qa, qb), b
        elif qb < self.room:
            yield (one, two, qa, qb + 1), b
        if one:
            yield (one, two, qa - 1, qb) if qa else (one - 1, two, qa, qb), one * self.served
        if two:
            then = (one, two, qa, qb - 1) if qb else (one, two, qa - 1, qb) if qa else (one, two - 1, qa, qb)
            yield then, two * self.served
        if qa:
            yield (one, two, qa - 1, qb), qa * self.patience
        if qb:
            yield (one, two, qa, qb - 1), qb * self.patience

    # ── what becomes of one who comes ────────────────────────────────────────────────────────────────────────

    def fate_of_b(self) -> tuple[Vector, Vector]:
        """(share that is answered, mean wait) of a caller of B who finds 0, 1, ... of B waiting and pool 2 busy."""
        answered, wait = np.ones(self.room + 1), np.zeros(self.room + 1)
        up, until = 1.0, 0.0
        leave = self.two * self.served
        for ahead in range(self.room + 1):
            rate = leave + (ahead + 1) * self.patience
            stays = 1.0 - self.patience / rate
            until = 1.0 / rate + stays * until
            up *= stays
            answered[ahead], wait[ahead] = up, until
        return answered, wait

    def tagged_a(self, b: float) -> Chain:
        """A caller of A who waits, in states (ahead of him, waiting of B); the last two: answered, gone."""
        room = self.room + 1
        answered, gone = room * room, room * room + 1
        moves: list[tuple[int, int, float]] = []
        for ahead in range(room):
            for others in range(room):
                at = ahead * room + others
                nearer = at - room if ahead else answered
                moves.append((at, nearer, self.one * self.served))
                moves.append((at, at - 1 if others else nearer, self.two * self.served))
                moves.append((at, gone, self.patience))
                if ahead:
                    moves.append((at, at - room, ahead * self.patience))
                if others:
                    moves.append((at, at - 1, others * self.patience))
                if others + 1 < room:
                    moves.append((at, at + 1, b))
        source, target, rate = zip(*((i, j, r) for i, j, r in moves if r > 0), strict=True)
        return Chain(room * room + 2, np.array(source), np.array(target), np.array(rate))


@dataclass(frozen=True)
class HalfHours:
    """Exact figures of the callers who come in each half hour: share answered, mean wait in seconds of all who ask."""

    answered: list[Pair]
    wait: list[Pair]


def day(
    design: NDesign, a: Sequence[float], b: Sequence[float], span_s: float = 1800.0, steps: int = 30
) -> HalfHours:
    """From an empty floor on, with these arrivals a second in each span; every span cut into ``steps`` (Simpson's rule: even)."""
    room = design.room + 1
    chains = {pair: design.chain(*pair) for pair in set(zip(a, b, strict=True))}
    tagged = {rate: design.tagged_a(rate) for rate in {*b, 0.0}}
    step = span_s / steps
    # backwards: what a caller of A who waits may expect, at each instant, given that B's arrivals go on changing
    served = np.zeros(room * room + 2)
    served[-2] = 1.0
    waited = np.zeros(room * room + 2)
    for _ in range(400):  # after the day nobody comes: to the end of the last wait
        served, waited = _before(tagged[0.0], served, waited, step)
    values = [(served, waited)]
    for rate in reversed(b):
        for _ in range(steps):
            served, waited = _before(tagged[rate], served, waited, step)
            values.append((served, waited))
    values.reverse()
    of_b, wait_b = design.fate_of_b()
    chance = np.zeros(len(design.states))
    chance[design.index[0, 0, 0, 0]] = 1.0
    table = np.array(design.states)
    weights = np.array([1, *([4, 2] * (steps // 2))[:-1], 1]) / (3 * steps)
    answered, wait = [], []
    a_waits = (table[:, 0] == design.one) & (table[:, 1] == design.two)
    b_waits = table[:, 1] == design.two
    place = table[:, 2] * room + table[:, 3]
    for span, pair in enumerate(zip(a, b, strict=True)):
        seen = np.zeros((steps + 1, 4))
        for i in range(steps + 1):
            served, waited = values[span * steps + i]
            seen[i] = (
                np.where(a_waits, served[place], 1.0) @ chance,
                np.where(b_waits, of_b[table[:, 3]], 1.0) @ chance,
                np.where(a_waits, waited[place], 0.0) @ chance,
                np.where(b_waits, wait_b[table[:, 3]], 0.0) @ chance,
            )
            if i < steps:
                chance = chains[pair].forward(chance, step)
        mean = weights @ seen
        answered.append(Pair(float(mean[0]), float(mean[1])))
        wait.append(Pair(float(mean[2]), float(mean[3])))
    return HalfHours(answered, wait)


def _before(chain: Chain, served: Vector, waited: Vector, seconds: float) -> tuple[Vector, Vector]:
    """Both values one step before. The time waited in the step is the integral of the chance to wait still (Simpson's rule)."""
    waits = np.ones(chain.size)
    waits[-2:] = 0.0
    half = chain.backward(waits, seconds / 2)
    whole = chain.backward(half, seconds / 2)
    in_step = seconds * (waits + 4 * half + whole) / 6
    return chain.backward(served, seconds), in_step + chain.backward(waited, seconds)


# ── one pool ─────────────────────────────────────────────────────────────────────────────────────────────────


def pool_by_half_hour(
    seats: int,
    served: float,
    patience: float,
    arrivals: Sequence[float],
    span_s: float,
    room: int,
    steps: int = 4,
) -> list[float]:
    """The share answered of those who come in each span to one pool that begins empty."""
    ahead = np.arange(room + 1 - seats)
    stays = 1.0 - patience / (seats * served + (ahead + 1) * patience)
    fate = np.concatenate([np.ones(seats), np.cumprod(stays)])
    chance = np.eye(room + 1)[0]
    weights = np.array([1, *([4, 2] * (steps // 2))[:-1], 1]) / (3 * steps)
    found = []
    states = np.arange(room + 1)
    leaves = np.minimum(states, seats) * served + np.maximum(states - seats, 0) * patience
    for rate in arrivals:
        chain = Chain(
            room + 1,
            np.concatenate([states[:-1], states[1:]]),
            np.concatenate([states[1:], states[:-1]]),
            np.concatenate([np.full(room, rate), leaves[1:]]),
        )
        seen = [float(fate @ chance)]
        for _ in range(steps):
            chance = chain.forward(chance, span_s / steps)
            seen.append(float(fate @ chance))
        found.append(float(weights @ np.array(seen)))
    return found
