"""Small scenarios, one for each feature, and random ones with all; times are often coarse, so that ties happen on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from simulator.scenario import (
    Arrivals,
    Break,
    Duration,
    Group,
    Line,
    Need,
    Retrial,
    Scenario,
    Shift,
    SubCentre,
    Surge,
    Transfer,
    Wait,
)

FLAT = (1 / 48,) * 48
BUSY = tuple(share / 48 for share in [0.2] * 14 + [1.6] * 20 + [1.1] * 10 + [0.2] * 4)
"""a day that rises and falls: its sum is 1.0 but for the last digit"""
DAY = Shift("day", 10)


def exponential(mean_s: float) -> Duration:
    return Duration("exponential", mean_s)


def constant(seconds: float) -> Duration:
    return Duration("constant", seconds)


def wait(queue: str, *steps: tuple[dict[str, int], int], priority: int = 0) -> Wait:
    """A place in a queue; every step is (levels, after ms)."""
    return Wait(queue, tuple(Need(tuple(sorted(levels.items())), after) for levels, after in steps), priority)


CITY = wait("12345", ({"12345": 1}, 0))


def line(name: str, share: float, place: Wait = CITY, **more: object) -> Line:
    base = Line(
        name,
        share,
        place,
        talk=Duration("lognormal", 160.0, 0.8),
        wrap_up=exponential(30.0),
        patience=exponential(120.0),
    )
    return replace(base, **more)  # type: ignore[arg-type]


def group(name: str, skills: dict[str, int], seats: int, **shift: object) -> Group:
    return Group(name, skills, (replace(DAY, seats=seats, **shift),))  # type: ignore[arg-type]


def pool(calls: float, seats: int, **more: object) -> Scenario:
    """One line and one pool."""
    base = Scenario(
        "pool", (line("12345", 1.0),), (group("city", {"12345": 1}, seats),), Arrivals(calls, FLAT)
    )
    return replace(base, **more)  # type: ignore[arg-type]


EXPERTS = (
    line("12345", 0.6),
    line("12315", 0.25, wait("12345", ({"12315": 1}, 0), ({"12345": 1}, 0), priority=1)),
    line(
        "12348",
        0.15,
        wait("law", ({"12348": 3}, 0), ({"12348": 1}, 15_000), ({"12345": 1}, 40_000), priority=2),
    ),
)
PEOPLE = (
    group("city", {"12345": 1}, 9),
    group("both", {"12345": 1, "12315": 1}, 4),
    group("law", {"12348": 3, "12345": 1}, 1),
    group("clerks", {"12348": 1, "12345": 2}, 1),
)


def mixed(**more: object) -> Scenario:
    """Three lines, experts, relaxation at once and after a while, priorities with ageing."""
    base = Scenario("mixed", EXPERTS, PEOPLE, Arrivals(5_000, BUSY))
    return replace(base, **more)  # type: ignore[arg-type]


def every_line(**more: object) -> tuple[Line, ...]:
    return tuple(replace(one, **more) for one in EXPERTS)  # type: ignore[arg-type]


COARSE = {"talk": constant(180), "wrap_up": constant(60), "patience": constant(60)}
TAX = SubCentre("tax", seats=2, answer=exponential(10.0))
BREAKS = (Break(120, 30, waves=3, stagger_minutes=30), Break(300, 60))

TOWNS: dict[str, Scenario] = {
    "one pool": pool(4_000, 8),
    "one pool, nobody gives up": pool(3_500, 9, lines=(line("12345", 1.0, patience=None),)),
    "experts and relaxation": mixed(),
    "priorities are absolute": mixed(ageing_ms=0),
    "ageing fast": mixed(ageing_ms=5_000),
    "no closest fit": mixed(closest_fit=False),
    "ties on purpose": mixed(lines=every_line(**COARSE), ring=constant(0)),
    "nothing takes time but talk": mixed(
        lines=every_line(talk=constant(190), wrap_up=constant(0)), ring=constant(0)
    ),
    "greetings": mixed(lines=every_line(greeting_ms=6_000)),
    "a ring longer than patience": mixed(ring=exponential(30.0)),
    "shifts and breaks": mixed(
        days=2,
        start=date(2026, 1, 9),
        groups=(
            Group(
                "city",
                {"12345": 1},
                (
                    Shift("early", 8, 480, 960, breaks=BREAKS),
                    Shift("late", 6, 900, 1440),
                    Shift("night", 3, 1320, 1920),
                    Shift("weekdays", 3, 540, 1080, weekdays=frozenset(range(5)), breaks=(Break(60, 15),)),
                ),
            ),
            group("law", {"12348": 3, "12345": 1, "12315": 1}, 2, from_minute=540, to_minute=1020),
        ),
    ),
    "absence": mixed(groups=tuple(replace(one, absence=0.2) for one in PEOPLE)),
    "channels": mixed(channels=16),
    "channels and tries again": mixed(channels=14, retrial=Retrial(0.7, exponential(120.0), 4)),
    "tries again": mixed(retrial=Retrial(0.8, constant(60), 3), lines=every_line(patience=exponential(30.0))),
    "contained": mixed(
        channels=18, lines=every_line(contained=0.3, self_service=exponential(40.0), greeting_ms=4_000)
    ),
    "in vain with the machine": mixed(
        lines=every_line(contained=0.2, self_service=exponential(40.0), in_vain=exponential(15.0))
    ),
    "in vain after a greeting, and few channels": mixed(
        channels=18,
        retrial=Retrial(0.5, exponential(60.0), 3),
        lines=(
            replace(
                EXPERTS[0], greeting_ms=4_000, in_vain=Duration("empirical", sample_s=(0.0, 0.0, 20.0, 45.0))
            ),
            replace(EXPERTS[1], in_vain=constant(20)),
            EXPERTS[2],
        ),
    ),
    "transfers": mixed(
        channels=24,
        subcentres=(TAX, SubCentre("any", answer=constant(20))),
        lines=(
            replace(EXPERTS[0], transfer=Transfer(0.3, "tax", exponential(25.0), exponential(200.0))),
            replace(EXPERTS[1], transfer=Transfer(0.5, "any", constant(30), constant(60))),
            EXPERTS[2],
        ),
    ),
    "own calls": mixed(lines=every_line(outgoing=0.3, outgoing_talk=exponential(90.0))),
    "short queues": mixed(max_length={"12345": 3, "law": 1}),
    "short waits": mixed(max_wait_ms={"12345": 20_000, "law": 45_000}, lines=every_line(patience=None)),
    "short queues and waits, no patience": mixed(
        max_length={"12345": 2}, max_wait_ms={"12345": 15_000}, lines=every_line(patience=exponential(10.0))
    ),
    "nobody for a line": mixed(groups=PEOPLE[:1]),
    "bursts and surges": mixed(
        arrivals=Arrivals(
            4_000,
            BUSY,
            busyness=20.0,
            dispersion=3.0,
            surges=(Surge(3.0, 600, 660), Surge(2.0, 900, 1000, "12315")),
        )
    ),
    "warm-up": mixed(warm_up_ms=7_200_000, lines=every_line(greeting_ms=3_000)),
}


# ── where everything falls together ──────────────────────────────────────────────────────────────────────────

_ALIKE: dict[str, Any] = {
    "talk": constant(50),
    "wrap_up": constant(10),
    "patience": constant(20),
    "greeting_ms": 10_000,
}
BUNCHES: dict[str, Scenario] = {
    "the sub-centre's one seat": pool(
        5_000,
        6,
        lines=(line("12345", 1.0, **_ALIKE, transfer=Transfer(0.4, "tax", constant(10), constant(30))),),
        subcentres=(SubCentre("tax", seats=1, answer=constant(10)),),
        ring=constant(0),
    ),
    "a place in the queue": pool(
        5_000, 3, lines=(line("12345", 1.0, **_ALIKE),), max_length={"12345": 2}, ring=constant(10)
    ),
    "the last channel": pool(
        5_000, 3, lines=(line("12345", 1.0, **_ALIKE),), channels=5, retrial=Retrial(0.8, constant(10), 3)
    ),
    "midnight": pool(
        8_000, 3, lines=(line("12345", 1.0, **_ALIKE),), ring=constant(0), retrial=Retrial(1.0, constant(10))
    ),
    "the end of a shift": mixed(
        lines=every_line(**COARSE),
        groups=tuple(
            replace(
                one,
                shifts=tuple(
                    replace(shift, from_minute=480, to_minute=1080, breaks=BREAKS) for shift in one.shifts
                ),
            )
            for one in PEOPLE
        ),
    ),
}
"""to be played with calls that come at whole steps of ten seconds: rings, talks, patience, greetings end at the same instants"""


# ── random ones ──────────────────────────────────────────────────────────────────────────────────────────────

_SKILLS = ("a", "b", "c")


def _durations(most_s: int, whole_s: bool) -> st.SearchStrategy[Duration]:
    """``whole_s``: multiples of ten seconds."""
    if whole_s:
        return st.integers(0, most_s // 10).map(lambda tens: constant(10.0 * tens))
    whole = st.integers(0, most_s).map(lambda s: constant(float(s)))
    return st.one_of(whole, st.sampled_from([1.0, most_s / 3]).map(exponential))


@st.composite
def _waits(draw: st.DrawFn) -> Wait:
    """Steps that only ever widen."""
    levels = {
        skill: draw(st.integers(1, 2))
        for skill in draw(st.sets(st.sampled_from(_SKILLS), min_size=1, max_size=2))
    }
    steps, after = [(dict(levels), 0)], 0
    for _ in range(draw(st.integers(0, 2))):
        after += draw(st.sampled_from([0, 1, 10_000, 60_000]))
        name = draw(st.sampled_from(sorted(levels)))
        levels[name] -= 1
        levels = {skill: level for skill, level in levels.items() if level}
        steps.append((dict(levels), after))
        if not levels:
            break
    return wait(draw(st.sampled_from(["q", "r"])), *steps, priority=draw(st.integers(-1, 2)))


@st.composite
def _lines(draw: st.DrawFn, name: str, whole_s: bool) -> Line:
    def durations(most_s: int) -> Duration:
        return draw(_durations(most_s, whole_s))

    transfer = Transfer(0.4, "sub", durations(40), durations(90))
    return Line(
        name,
        draw(st.sampled_from([0.2, 1.0])),
        draw(_waits()),
        talk=durations(240),
        wrap_up=durations(60),
        patience=draw(st.one_of(st.none(), _durations(90, whole_s))),
        greeting_ms=draw(st.sampled_from([0, 0, 10_000] if whole_s else [0, 0, 1, 5_000])),
        contained=draw(st.sampled_from([0.0, 0.0, 0.3])),
        self_service=durations(30),
        in_vain=draw(st.sampled_from([constant(0.0), constant(0.0), durations(30)])),
        transfer=draw(st.sampled_from([None, None, transfer])),
        outgoing=draw(st.sampled_from([0.0, 0.0, 0.5])),
        outgoing_talk=durations(60),
    )


@st.composite
def _groups(draw: st.DrawFn, name: str) -> Group:
    skills = {skill: draw(st.integers(1, 3)) for skill in draw(st.sets(st.sampled_from(_SKILLS), min_size=1))}
    begin = draw(st.sampled_from([0, 0, 0, 30, 1320]))
    length = draw(st.sampled_from([1440, 1440, 1439, 1435, 90, 480]))
    breaks = draw(
        st.lists(
            st.builds(Break, st.integers(5, 200), st.integers(1, 30), st.integers(1, 3), st.just(20)),
            max_size=2,
        )
    )
    shift = Shift("s", draw(st.integers(1, 4)), begin, begin + length, breaks=tuple(breaks))
    return Group(name, skills, (shift,), absence=draw(st.sampled_from([0.0, 0.0, 0.3])))


@st.composite
def scenarios(draw: st.DrawFn, *, whole_s: bool = False) -> Scenario:
    """A short day of a small floor, with whatever comes together. ``whole_s``: all that lasts lasts multiples of ten seconds."""
    lines = tuple(draw(_lines(f"line {i}", whole_s)) for i in range(draw(st.integers(1, 3))))
    groups = tuple(draw(_groups(f"group {i}")) for i in range(draw(st.integers(1, 3))))
    limits = st.dictionaries(st.sampled_from(["q", "r"]), st.integers(0, 4), max_size=2)
    waits = st.dictionaries(st.sampled_from(["q", "r"]), st.sampled_from([1, 10_000, 30_000]), max_size=2)
    tries = Retrial(0.5, constant(60) if whole_s else exponential(60.0))
    early, across_midnight = [1 / 8] * 8 + [0.0] * 40, [1 / 8] * 4 + [0.0] * 40 + [1 / 8] * 4
    arrivals = Arrivals(
        draw(st.sampled_from([200.0, 600.0])),
        tuple(draw(st.sampled_from([early, across_midnight]))),
        busyness=draw(st.sampled_from([None, 10.0])),
        dispersion=draw(st.sampled_from([1.0, 3.0])),
        surges=draw(st.sampled_from([(), (Surge(3.0, 30, 47, "line 0"),)])),
    )
    return Scenario(
        "random",
        lines,
        groups,
        arrivals,
        days=draw(st.sampled_from([1, 1, 2])),
        seed=draw(st.integers(0, 1 << 30)),
        ring=draw(_durations(10, whole_s)),
        subcentres=(
            SubCentre("sub", "", draw(st.sampled_from([None, 1, 2])), draw(_durations(30, whole_s))),
        ),
        channels=draw(st.sampled_from([None, None, 3, 6, 12])),
        retrial=draw(st.sampled_from([None, Retrial(0.8, constant(30), 3), tries])),
        ageing_ms=draw(st.sampled_from([0, 1_000, 60_000])),
        closest_fit=draw(st.booleans()),
        warm_up_ms=draw(st.sampled_from([0, 600_000])),
        max_length=draw(limits),
        max_wait_ms=draw(waits),
    )
