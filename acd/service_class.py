"""Class of service: which numbers somebody may dial, and why not.

A number is of one *kind*; a class allows kinds, and further numbers by pattern. An emergency number is allowed to
everybody, always: no class can take it away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dialplans.decision import Treatment
from dialplans.number import Number, NumberFault
from dialplans.plan import NumberPlan

EMERGENCIES = frozenset({"110", "119", "120", "122"})
"""emergency numbers, whether the plan names them or not"""

_PATTERN = re.compile(r"[0-9X]{1,24}\*?|\*")


class Kind(StrEnum):
    """What a dialled number is, and so who may dial it."""

    EMERGENCY = "emergency"
    INTERNAL = "internal"
    """another seat"""
    LINES = "lines"
    """a line of the city whose own people are reached over a link: a sub-centre, a parallel line"""
    LOCAL = "local"
    """the home area, short codes, 400 and 800"""
    MOBILE = "mobile"
    NATIONAL = "national"
    """another area (国内长途)"""
    ABROAD = "abroad"
    OWN = "own"
    """the platform itself: nobody is reached by dialling it from here"""
    NONE = "none"
    """no telephone number"""


DIALLED = (Kind.INTERNAL, Kind.LINES, Kind.LOCAL, Kind.MOBILE, Kind.NATIONAL, Kind.ABROAD)
"""the kinds that a class may allow"""


@dataclass(frozen=True, slots=True)
class ServiceClass:
    """Who has it may dial numbers of these kinds, and those that a pattern of ``numbers`` fits; never one that fits ``never``.

    A pattern is digits, ``X`` for any one digit, ``*`` at the end for whatever follows: ``95XXX``, ``0379*``. It is
    compared with the number as it is dialled from home, with the area code for another area (``037912345``), and
    ``00`` for abroad. ``shows``: the number that the far end sees, empty: the city's.
    """

    name: str
    allows: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    shows: str = ""

    def may(self, kind: Kind, digits: str) -> bool:
        """May a number of this kind be dialled?"""
        if kind is Kind.EMERGENCY:
            return True
        if kind in {Kind.OWN, Kind.NONE} or any(fits(digits, pattern) for pattern in self.never):
            return False
        return kind in self.allows or any(fits(digits, pattern) for pattern in self.numbers)


PLAIN = ServiceClass("plain", frozenset({Kind.INTERNAL, Kind.LINES, Kind.LOCAL, Kind.MOBILE}))
"""what holds where the city says nothing: calling a citizen back in the city, and no long distance"""


@dataclass(frozen=True, slots=True)
class OutgoingSetup:
    """How calls go out. ``trunks``: name and the prefix to put before a number, in the order in which they are tried.

    ``shows``: the number that the far end sees, as a carrier takes it (``037112345``), ``lines``: that of a line,
    by the line's number as the plan shows it. ``default``: the class of who has none. Durations in ms.
    """

    trunks: tuple[tuple[str, str], ...] = ()
    shows: str = ""
    lines: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, ServiceClass] = field(default_factory=dict)
    default: str = ""
    ring_ms: int = 45_000
    seat_ring_ms: int = 20_000
    wrap_up_ms: int = 15_000

    def service_class(self, name: str) -> ServiceClass:
        """The class of this name; the default one for a name that is not known (any more)."""
        return self.classes.get(name) or self.classes.get(self.default) or PLAIN

    def shown(self, line: str | None, service_class: ServiceClass) -> str:
        """The number that the far end sees of a call on behalf of a line."""
        return self.lines.get(line or "") or service_class.shows or self.shows


def fits(digits: str, pattern: str) -> bool:
    """Does the pattern fit the number?"""
    if pattern.endswith("*"):
        pattern = pattern[:-1]
        digits = digits[: len(pattern)]
    return len(digits) == len(pattern) and all(p in {"X", d} for d, p in zip(digits, pattern, strict=True))


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with a pattern, with the remedy; ``None``: nothing."""
    if _PATTERN.fullmatch(pattern):
        return None
    return f"{pattern!r} is no pattern: write digits, X for any digit, and * at the end for whatever follows"


def read(text: str, area: str) -> Number | None:
    """The number that is dialled; ``None``: it is none."""
    try:
        return Number.read(text, area)
    except NumberFault:
        return None


def digits_of(number: Number, area: str) -> str:
    """How the number is dialled from the home area."""
    if number.local.startswith("+"):
        return "00" + number.local[1:]
    return number.local if number.area in {"", area} else number.area + number.local


def kind_of(number: Number | None, plan: NumberPlan) -> Kind:
    """What the number is; a seat's is not among the telephone numbers (see `acd.outgoing`)."""
    if number is None:
        return Kind.NONE
    if is_emergency(number, plan):
        return Kind.EMERGENCY
    if number in {plan.own.number, *plan.own.also}:
        return Kind.OWN
    line = plan.line(number)
    if line is not None:
        return Kind.LINES if any(phase.passes for phase in line.phases) else Kind.OWN
    if number.local.startswith("+"):
        return Kind.ABROAD
    if number.area:
        return Kind.LOCAL if number.area == plan.area else Kind.NATIONAL
    return Kind.LOCAL if number.local[0] in "48" else Kind.MOBILE


def is_emergency(number: Number, plan: NumberPlan) -> bool:
    """110, 119, 120, 122 of the home area, and every line that the plan treats as one."""
    if number.area in {"", plan.area} and number.local in EMERGENCIES:
        return True
    line = plan.line(number)
    return line is not None and any(phase.treatment is Treatment.EMERGENCY for phase in line.phases)
