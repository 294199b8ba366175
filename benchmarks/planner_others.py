"""The same single pool in SimPy and in Ciw, as their handbooks have it, with the same counts by half hour.

The arrivals are drawn before the clock starts, for both. What they draw is theirs: their figures agree with
ours within chance, which the benchmark prints.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from itertools import pairwise
from math import log
from typing import Any

import ciw
import numpy as np
import simpy
from numpy.typing import NDArray

from benchmarks.planner_scenarios import CALLS, HOURS, PATIENCE, RING_S, TALK, WITHIN_S, WRAP_UP

MU = log(TALK.mean_s) - TALK.shape**2 / 2
PEAK = CALLS * max(HOURS) / sum(HOURS) / 3600
DAY_S = 86_400.0
OFFERED, ANSWERED, WITHIN, ABANDONED, WAIT_S, BUSY_S = range(6)
Play = Callable[[list[float], int, int], NDArray[np.float64]]


def arrivals(seed: int) -> list[float]:
    """The instants of about 60,000 calls on a day of that shape."""
    draw, made, at = random.Random(seed), [], 0.0
    while (at := at + draw.expovariate(PEAK)) < DAY_S:
        if draw.random() < HOURS[int(at // 3600)] / max(HOURS):
            made.append(at)
    return made


def play_simpy(at: list[float], seats: int, seed: int) -> NDArray[np.float64]:
    """One day: six counts by half hour."""
    draw = random.Random(seed)
    env = simpy.Environment()
    pool = simpy.Resource(env, capacity=seats)
    told = [[0.0] * 6 for _ in range(48)]

    def caller() -> Generator[Any, Any, None]:
        row, queued = told[int(env.now // 1800)], env.now
        row[OFFERED] += 1
        patience = env.timeout(draw.expovariate(1 / PATIENCE.mean_s))
        with pool.request() as seat:
            yield seat | patience
            if seat.triggered:
                begun = env.now
                ring = env.timeout(RING_S)
                yield ring | patience
                if ring.processed:
                    row[ANSWERED] += 1
                    row[WITHIN] += env.now - queued <= WITHIN_S
                    row[WAIT_S] += env.now - queued
                    talk = draw.lognormvariate(MU, TALK.shape)
                    yield env.timeout(talk + draw.expovariate(1 / WRAP_UP.mean_s))
                    row[BUSY_S] += env.now - begun
                    return
            row[ABANDONED] += 1
            row[WAIT_S] += env.now - queued

    def source() -> Generator[Any, Any, None]:
        for instant in at:
            yield env.timeout(instant - env.now)
            env.process(caller())

    env.process(source())
    env.run()
    return np.array(told)


def play_ciw(at: list[float], seats: int, seed: int) -> NDArray[np.float64]:
    """One day: six counts by half hour. The ring is part of the service, nobody hangs up in it: Ciw has no such
    thing.
    """
    ciw.seed(seed)
    gaps = [at[0], *(after - before for before, after in pairwise(at))]
    handled = ciw.dists.Lognormal(MU, TALK.shape) + ciw.dists.Exponential(1 / WRAP_UP.mean_s)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([*gaps, float("inf")])],
        service_distributions=[handled + ciw.dists.Deterministic(RING_S)],
        reneging_time_distributions=[ciw.dists.Exponential(1 / PATIENCE.mean_s)],
        number_of_servers=[seats],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(DAY_S + 7200.0)
    told = np.zeros((48, 6))
    for record in simulation.get_all_records():
        row = told[int(record.arrival_date // 1800)]
        row[OFFERED] += 1
        if record.record_type == "service":
            wait = record.waiting_time + RING_S
            row[[ANSWERED, WITHIN, WAIT_S, BUSY_S]] += 1, wait <= WITHIN_S, wait, record.service_time
        else:
            row[[ABANDONED, WAIT_S]] += 1, record.waiting_time
    return told


def measured(play: Play, seats: int, seed: int) -> tuple[float, float]:
    """Calls a second of processor time, and the answer rate."""
    at = arrivals(seed)
    began = time.process_time()
    told = play(at, seats, seed).sum(axis=0)
    spent = time.process_time() - began
    return float(told[OFFERED]) / spent, float(told[ANSWERED] / told[OFFERED])
