"""Erlang's three formulas, exact and stable from 0 to 10,000 seats and more.

B: calls that find no free seat are lost. C: they wait for ever. A (Palm's M/M/n+M): they wait until a
patience with an exponential distribution runs out. Arrivals are Poisson, handling times exponential.

Units: load in Erlangs (arrivals a second x mean handling seconds), times in seconds, shares between 0 and 1.
Sources: A. K. Erlang 1917; C. Palm 1946; for the density of the wait S. Zeltyn and A. Mandelbaum,
"Call centers with impatient customers", 2005.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

# What `hotline erlang` takes when it is told nothing: talk 160 s and wrap-up 30 s, patience two minutes,
# and the 15 s of GB/T 33358-2016.
USUAL_AHT_S = 190.0
USUAL_PATIENCE_S = 120.0
USUAL_WITHIN_S = 15.0

# Beyond this many callers who fit into one patience nobody gives up, and the sums would take minutes.
_MOST_PATIENCE = 1e10
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue in its steady state.

    ``p_wait``: share of callers who find every seat busy. ``asa``: mean wait in seconds of all who asked
    for a seat, those who gave up included; ``None``: it grows without end. ``asa_answered``: of those who
    were answered. ``service_level``: share of all who asked that was answered within the given time.
    ``queue``: mean number waiting.
    """

    p_wait: float
    p_abandon: float
    asa: float | None
    asa_answered: float | None
    service_level: float
    occupancy: float
    queue: float | None


def p_block(load: float, seats: int) -> float:
    """Erlang B: the share of calls that find all ``seats`` busy and are lost."""
    _check(load, seats)
    blocked = 1.0
    for seat in range(1, seats + 1):
        blocked = load * blocked / (seat + load * blocked)
    return blocked


def wait_for_ever(load: float, seats: int, aht: float, within: float) -> Waiting:
    """Erlang C: nobody gives up. With a load of ``seats`` or more the queue grows without end."""
    _check(load, seats, aht=aht, within=within)
    if load >= seats:
        lost = load > 0 or seats == 0
        return Waiting(1.0 if lost else 0.0, 0.0, None, None, 0.0, 1.0, None)
    blocked = p_block(load, seats)
    spare = seats - load
    p_wait = seats * blocked / (spare + load * blocked)
    asa = p_wait * aht / spare
    late = p_wait * math.exp(-spare * within / aht)
    return Waiting(p_wait, 0.0, asa, asa, 1.0 - late, load / seats, load / aht * asa)


def wait_with_patience(load: float, seats: int, aht: float, patience: float, within: float) -> Waiting:
    """Erlang A: a waiting caller gives up after an exponential time with mean ``patience``."""
    _check(load, seats, aht=aht, within=within, patience=patience)
    if load == 0:
        return Waiting(0.0 if seats else 1.0, 0.0, 0.0, 0.0, 1.0 if seats else 0.0, 0.0, 0.0)
    arrivals, answers = load / aht, seats / aht
    if arrivals * patience > _MOST_PATIENCE:
        raise ValueError("patience: so long that nobody gives up; ask Erlang C instead")
    first, waiting, queue = _busy_states(load, seats, arrivals, answers, patience)
    asa = queue / arrivals
    p_abandon = asa / patience
    if seats == 0:
        return Waiting(1.0, 1.0, asa, None, 0.0, 0.0, queue)
    # The wait of a caller of endless patience has the density answers * P(all seats busy, nobody waits)
    # * exp(shape(x)); a caller still there at x with probability exp(-x / patience) is then answered.
    prompt, _ = _answered_after_wait(first, arrivals, answers, patience, within)
    late, waited = _answered_after_wait(first, arrivals, answers, patience, math.inf)
    at_once = 1.0 - waiting
    answered = at_once + late
    return Waiting(
        p_wait=waiting,
        p_abandon=p_abandon,
        asa=asa,
        asa_answered=waited / answered if answered > 0 else None,
        service_level=at_once + prompt,
        occupancy=load * (1.0 - p_abandon) / seats,
        queue=queue,
    )


def answer(
    formula: Literal["b", "c", "a"],
    *,
    load: float,
    seats: int,
    aht: float = USUAL_AHT_S,
    patience: float = USUAL_PATIENCE_S,
    within: float = USUAL_WITHIN_S,
) -> dict[str, float | None]:
    """What ``hotline erlang`` prints as JSON. ``asa`` is ``None`` where the queue grows without end.

    Raises ``ValueError`` with the argument's name, the fault and the remedy.
    """
    match formula:
        case "b":
            return {"p_block": p_block(load, seats)}
        case "c":
            queue = wait_for_ever(load, seats, aht, within)
        case "a":
            queue = wait_with_patience(load, seats, aht, patience, within)
        case _:
            raise ValueError(f"formula: {formula!r} is none of Erlang's; choose b, c or a")
    figures: dict[str, float | None] = {
        "p_wait": queue.p_wait,
        "asa": queue.asa,
        "service_level": queue.service_level,
        "occupancy": queue.occupancy,
    }
    return figures | {"p_abandon": queue.p_abandon} if formula == "a" else figures


def _busy_states(
    load: float, seats: int, arrivals: float, answers: float, patience: float
) -> tuple[float, float, float]:
    """The logarithm of P(all seats busy, nobody waits), P(all seats busy), and the mean number who wait.

    The chances of j waiting are built from the likeliest j outwards, as multiples of it: nothing
    overflows, and what underflows does not count.
    """
    likeliest = max(0, math.floor((arrivals - answers) * patience))
    up = _ratios_up(likeliest, arrivals, answers, patience)
    down = _ratios_down(likeliest, arrivals, answers, patience)
    above, below = float(up.sum()), float(down.sum())
    mass = 1.0 + above + below
    moment = (
        likeliest * mass
        + float((np.arange(1, up.size + 1) * up).sum())
        - float((np.arange(1, down.size + 1) * down).sum())
    )
    # From the likeliest state to "all busy, nobody waits" and, by Erlang B, to the states with a free seat.
    steps = np.arange(1, likeliest + 1, dtype=np.float64)
    log_first = -float(np.log(arrivals / (answers + steps / patience)).sum()) if likeliest else 0.0
    blocked = p_block(load, seats)
    free = (1.0 - blocked) / blocked * math.exp(log_first) if blocked > 0 else math.inf
    if math.isinf(free):
        return -math.inf, 0.0, 0.0
    total = mass + free
    return log_first - math.log(total), mass / total, moment / total


def _ratios_up(start: int, arrivals: float, answers: float, patience: float) -> npt.NDArray[np.floating]:
    parts: list[npt.NDArray[np.floating]] = []
    last, place = 1.0, start
    while last > 1e-20:
        steps = np.arange(place + 1, place + 1 + _CHUNK, dtype=np.float64)
        part = last * np.cumprod(arrivals / (answers + steps / patience))
        parts.append(part)
        last, place = float(part[-1]), place + _CHUNK
    return np.concatenate(parts)


def _ratios_down(start: int, arrivals: float, answers: float, patience: float) -> npt.NDArray[np.floating]:
    parts: list[npt.NDArray[np.floating]] = [np.empty(0)]
    last, place = 1.0, start
    while place > 0 and last > 1e-20:
        steps = np.arange(place, max(place - _CHUNK, 0), -1, dtype=np.float64)
        part = last * np.cumprod((answers + steps / patience) / arrivals)
        parts.append(part)
        last, place = float(part[-1]), place - steps.size
    return np.concatenate(parts)


def _answered_after_wait(
    log_first: float, arrivals: float, answers: float, patience: float, within: float
) -> tuple[float, float]:
    """P(waits, and is answered within ``within``), and the mean of that wait (0 where there is none)."""
    if within <= 0 or math.isinf(log_first):
        return 0.0, 0.0

    def shape(x: float) -> float:
        return arrivals * patience * -math.expm1(-x / patience) - answers * x

    # The exponent rises to its peak while more callers come than leave, then falls; past 45 below the peak
    # (e**-45 is 3e-20) nothing is left to add.
    peak = patience * math.log(arrivals / answers) if arrivals > answers else 0.0
    end = max(1.0 / answers, peak * 2, patience * 1e-6)
    while shape(end) - end / patience > shape(peak) - 45.0:
        end *= 2
    low, high = peak, end
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if shape(middle) - middle / patience > shape(peak) - 45.0 else (low, middle)
        )
    end = min(high, within)
    slope = max(abs(arrivals - answers), abs(arrivals * math.exp(-end / patience) - answers)) + 1 / patience
    panels = max(4, math.ceil(end * slope / 4))
    edges = np.linspace(0.0, end, panels + 1)
    half = (edges[1:] - edges[:-1]) / 2
    x = (edges[:-1] + half)[:, None] + half[:, None] * _NODES[None, :]
    exponent = -arrivals * patience * np.expm1(-x / patience) - answers * x - x / patience + log_first
    density = answers * np.exp(exponent) * (half[:, None] * _WEIGHTS[None, :])
    return float(density.sum()), float((density * x).sum())


def _check(load: float, seats: int, aht: float = 1.0, within: float = 0.0, patience: float = 1.0) -> None:
    if not (math.isfinite(load) and load >= 0):
        raise ValueError(f"load: {load} is no load; give Erlangs, 0 or more")
    if seats < 0:
        raise ValueError(f"seats: {seats} is no number of seats; give 0 or more")
    for name, value in (("aht", aht), ("patience", patience)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}: {value} is no duration; give seconds above 0")
    if not (math.isfinite(within) and within >= 0):
        raise ValueError(f"within: {within} is no duration; give seconds, 0 or more")
