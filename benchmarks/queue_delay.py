"""How long does a call wait at the switch when a seat is free, and what does it cost?

Queue delay is from the caller's 200 OK to the INVITE at the seat's phone, both seen by SIPp. Systems are
measured in turn, each freshly started for each rate, and the order is turned round from one repetition to the
next, so that neither gets the warmer machine. Figures are medians over the repetitions; ratios compare each
system with the first.

    python -m benchmarks.queue_delay --rates 10,40,100 --seconds 20 --repeat 3 --json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.native_queue import NativeQueue
from benchmarks.product import Product
from benchmarks.three_way import ThreeWay
from hotline.rehearsal.carrier_live import Carrier
from hotline.rehearsal.manners import Dialled, Fixed, Manner, Plan
from hotline.rehearsal.phones_live import Phones
from hotline.rehearsal.results import join, summarise
from hotline.rehearsal.under_test_live import Running, SystemUnderTest, cpu_seconds

Factory = Callable[[Path], SystemUnderTest]

SYSTEMS: dict[str, Factory] = {
    "native": NativeQueue,
    "native+ami": lambda directory: NativeQueue(directory, listener=True),
    "hotline": Product,
    "hotline+three-way": ThreeWay,
    "hotline+recording": lambda directory: Product(directory, record="mixed"),
}
"""Everything that can be measured, by name; each is handed a fresh directory."""

WARM_UP = 20
"""Calls before the measured ones: the first calls of an Asterisk load what the later ones use."""

OCCUPANCY = 0.8
"""At most this share of the seats talks at once: a call that has to wait for a seat would measure the
seats."""

LONGEST_TALK_S = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One system at one rate: delays in ms, CPU in ms a call, calls that were offered, lost and refused."""

    system: str
    rate: float
    offered: int
    answered: int
    lost: int
    refused: int
    delay_p50_ms: float
    delay_p99_ms: float
    delay_max_ms: float
    switch_ms: float
    engine_ms: float

    @property
    def cpu_ms(self) -> float:
        """Asterisk and engine together."""
        return self.switch_ms + self.engine_ms


def talk_s(rate: float, seats: int) -> float:
    """How long the seats talk so that `OCCUPANCY` is not exceeded at ``rate`` calls a second."""
    return min(LONGEST_TALK_S, OCCUPANCY * seats / rate)


async def measure(name: str, factory: Factory, rate: float, seconds: float) -> Measured:
    """Start the system, register its phones, place ``rate * seconds`` calls, and stop it again."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as scratch:
        system = factory(Path(scratch) / "system")
        try:
            return await _measure(name, system, await system.start(), rate, seconds)
        finally:
            await system.stop()


async def _measure(
    name: str, system: SystemUnderTest, running: Running, rate: float, seconds: float
) -> Measured:
    manner = Manner(talk_s=Fixed(talk_s(rate, len(running.seats))))
    dialled = tuple(Dialled(number) for number in running.dialled)
    async with Phones(running.seats, running.sip, manner=manner) as phones:
        await system.seats_ready(phones)
        with Carrier(running.trunk, switch=running.sip) as carrier:
            await carrier.place(Plan(WARM_UP, WARM_UP, dialled), limit_s=30)
            before = cpu_seconds(running.switch_pids), cpu_seconds(running.engine_pids)
            placed = await carrier.place(Plan(max(round(rate * seconds), 1), rate, dialled), limit_s=30)
            after = cpu_seconds(running.switch_pids), cpu_seconds(running.engine_pids)
        calls = join(placed.legs, phones.legs())
    found = summarise(calls)
    delay = found.queue_delay_s
    return Measured(
        name,
        rate,
        found.offered,
        found.answered,
        found.lost + found.abandoned,
        found.refused,
        delay.p50 * 1000 if delay else float("nan"),
        delay.p99 * 1000 if delay else float("nan"),
        delay.maximum * 1000 if delay else float("nan"),
        (after[0] - before[0]) * 1000 / found.offered,
        (after[1] - before[1]) * 1000 / found.offered,
    )


async def compare(
    systems: Mapping[str, Factory],
    rates: Sequence[float],
    seconds: float,
    repeat: int,
    told: Callable[[Measured], None] = lambda _: None,
) -> list[Measured]:
    """Measure every system at every rate ``repeat`` times, in turn. ``told`` hears of each as it is done."""
    found = []
    for repetition in range(repeat):
        names = list(systems) if repetition % 2 == 0 else list(systems)[::-1]
        for rate in rates:
            for name in names:
                one = await measure(name, systems[name], rate, seconds)
                told(one)
                found.append(one)
    return found


def medians(found: Sequence[Measured]) -> list[Measured]:
    """One row a system and rate: medians of the figures, sums of the calls."""
    rows = []
    for rate in dict.fromkeys(one.rate for one in found):
        for name in dict.fromkeys(one.system for one in found):
            same = [one for one in found if (one.system, one.rate) == (name, rate)]
            middle = {
                key: statistics.median(getattr(one, key) for one in same)
                for key in ("delay_p50_ms", "delay_p99_ms", "delay_max_ms", "switch_ms", "engine_ms")
            }
            sums = {
                key: sum(getattr(one, key) for one in same)
                for key in ("offered", "answered", "lost", "refused")
            }
            rows.append(Measured(name, rate, **sums, **middle))
    return rows


def ratios(rows: Sequence[Measured]) -> list[dict[str, float | str]]:
    """Every other system against the first at the same rate: below 1 is better."""
    base = {one.rate: one for one in rows if one.system == rows[0].system}
    return [
        {
            "system": f"{one.system}/{rows[0].system}",
            "rate": one.rate,
            "delay_p50": one.delay_p50_ms / base[one.rate].delay_p50_ms,
            "delay_p99": one.delay_p99_ms / base[one.rate].delay_p99_ms,
            "cpu": one.cpu_ms / base[one.rate].cpu_ms,
        }
        for one in rows
        if one.system != rows[0].system
    ]


def table(rows: Sequence[Measured]) -> str:
    """The rows and the ratios as text for a terminal."""
    lines = [
        "calls/s  system       delay p50/p99/max, ms   CPU, ms a call: Asterisk + engine "
        "  offered   lost  refused"
    ]
    lines += [
        f"{one.rate:7g}  {one.system:<12} "
        f"{one.delay_p50_ms:7.1f} {one.delay_p99_ms:7.1f} {one.delay_max_ms:7.1f}"
        f"{one.switch_ms:20.2f} + {one.engine_ms:.2f} {one.offered:16d} {one.lost:6d} {one.refused:8d}"
        for one in rows
    ]
    lines += [
        f"{one['rate']:7g}  {one['system']:<20} "
        f"delay p50 x{one['delay_p50']:.2f}  p99 x{one['delay_p99']:.2f}  "
        f"CPU x{one['cpu']:.2f}"
        for one in ratios(rows)
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; exit 0 when it was measured, 2 for arguments that can't be used."""
    parser = argparse.ArgumentParser(prog="queue_delay", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rates", default="10,40,100,150,200", help="calls a second, separated by commas")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of calls at each rate")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions; medians are printed")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="which ones; the first is the base")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(arguments)
    try:
        rates = [float(rate) for rate in given.rates.split(",")]
        systems = {name: SYSTEMS[name] for name in given.systems.split(",")}
    except ValueError:
        parser.error(f"--rates {given.rates}: give numbers separated by commas")
    except KeyError as unknown:
        parser.error(f"--systems: {unknown} is not known: give some of {', '.join(SYSTEMS)}")

    def told(one: Measured) -> None:
        print(
            f"{one.system} at {one.rate:g}/s: {one.delay_p50_ms:.1f}/{one.delay_p99_ms:.1f} ms, "
            f"lost {one.lost}",
            file=sys.stderr,
        )

    rows = medians(asyncio.run(compare(systems, rates, given.seconds, given.repeat, told)))
    if given.json:
        print(json.dumps({"rows": [asdict(one) for one in rows], "ratios": ratios(rows)}, allow_nan=True))
    else:
        print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
