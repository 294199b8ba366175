"""What the planner's benchmark plays: a city's weekday of 60,000 calls, on one pool and on eight lines with
experts.
"""

from __future__ import annotations

from simulator.scenario import Arrivals, Duration, Group, Line, Need, Scenario, Shift, Wait

CALLS = 60_000
HOURS = (
    0.33, 0.25, 0.20, 0.18, 0.20, 0.33, 0.38, 2.59, 5.56, 7.80, 8.91, 7.77,
    6.98, 7.35, 7.77, 7.76, 7.43, 5.98, 5.12, 4.16, 3.75, 3.85, 3.48, 2.68,
)  # fmt: skip
"""the day of a 24-hour line in %, from 0:00"""
DAY = Arrivals(CALLS, tuple(hour / sum(HOURS) / 2 for hour in HOURS for _ in (0, 1)))
TALK = Duration("lognormal", 160.0, 0.8)
WRAP_UP = Duration("exponential", 30.0)
PATIENCE = Duration("exponential", 120.0)
LINES = 8
EXPERTS = 12
SEATS = 290
RING_S = 2.0
WITHIN_S = 15.0


def single(seats: int = SEATS) -> Scenario:
    """One line, one pool."""
    line = Line("12345", 1.0, Wait("12345", (Need((("12345", 1),)),)), TALK, WRAP_UP, PATIENCE)
    return Scenario("single pool", (line,), (Group("city", {"12345": 1}, (Shift("day", seats),)),), DAY)


def several(seats: int = 300) -> Scenario:
    """Eight lines, two priorities; seven lines have experts of their own, who are asked first, then everybody:
    at once or after 10 s.
    """
    names = [f"123{i:02d}" for i in range(LINES)]
    lines = [Line(names[0], 0.3, Wait("city", (Need(((names[0], 1),)),)), TALK, WRAP_UP, PATIENCE)]
    for i, name in enumerate(names[1:]):
        needs = Need(((name, 2),)), Need(((name, 1),), 10_000 if i % 2 else 0)
        lines.append(Line(name, 0.1, Wait(name, needs, 1 if i % 3 == 2 else 0), TALK, WRAP_UP, PATIENCE))
    everything = dict.fromkeys(names, 1)
    groups = [Group("city", everything, (Shift("day", seats - EXPERTS * (LINES - 1)),))]
    groups += [
        Group(f"experts {name}", {name: 2}, (Shift("day", EXPERTS),), expert=True) for name in names[1:]
    ]
    return Scenario("eight lines", tuple(lines), tuple(groups), DAY)
