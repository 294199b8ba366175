"""A city's numbers as data: which line is which, and what holds for it from which instant on."""

from __future__ import annotations

from dataclasses import dataclass

from dialplans.batches import Batch
from dialplans.decision import Choice, Pass, Treatment, Wait
from dialplans.hours import Hours
from dialplans.number import Number


@dataclass(frozen=True, slots=True)
class Phase:
    """What holds for a line from ``since_ms`` on (``None``: always was), until the next phase.

    ``treatment`` ``None``: the line is still, or again, its department's own.

    ``notices`` are said first; for a withdrawn line in the transition, for a parallel one outside ``hours``.
    ``transition_ends_ms``: the first instant after the last day of a withdrawn line's transition, ``None`` an
    open one; ``told``: after it the caller hears these and is let go, ``None``: 12345 still answers.
    ``passes`` lead to the line's own people, ``wait`` to the city's seats, ``None`` where these may not be.
    ``farewell`` is said when nobody took the call and there is no ``wait``.
    """

    treatment: Treatment | None
    since_ms: int | None = None
    notices: tuple[str, ...] = ()
    transition_ends_ms: int | None = None
    told: tuple[str, ...] | None = None
    hours: Hours | None = None
    passes: tuple[Pass, ...] = ()
    pass_ring_ms: int = 15_000
    wait: Wait | None = None
    farewell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hotline:
    """One number with its name, its department and its phases in the order of their instants.

    ``listed``: it stands in the city's file; what holds for it by itself everywhere (119) is not. ``batch``: with which it is
    cut over.
    """

    number: Number
    name: str
    department: str
    phases: tuple[Phase, ...]
    listed: bool = True
    batch: Batch | None = None

    def phase_at(self, now_ms: int) -> Phase | None:
        """The phase in force, ``None`` before the first one."""
        found = None
        for phase in self.phases:
            if phase.since_ms is None or phase.since_ms <= now_ms:
                found = phase
        return found

    def next_after(self, now_ms: int) -> Phase | None:
        """The next phase to come, if one is planned."""
        return next((phase for phase in self.phases if (phase.since_ms or 0) > now_ms), None)


@dataclass(frozen=True, slots=True)
class CityLine:
    """The city's own number, 12345: ``also`` are other numbers of its own (a pilot number, a test number).

    With a ``menu`` the caller may press a key; who presses none gets ``wait``.
    """

    number: Number
    name: str
    department: str
    wait: Wait
    also: tuple[Number, ...] = ()
    menu: tuple[Choice, ...] = ()
    menu_prompt: str = ""


@dataclass(frozen=True, slots=True)
class TrunkRule:
    """What a trunk says about the calls that come in on it.

    ``strip``: digits that the carrier puts before every called number. ``dialled_as``: whatever is called,
    this line was dialled (one trunk for one line). ``accepts``: only these lines may come in, ``None`` all.
    ``link``: the trunk leads to the people of some line (110, a sub-centre), not to a carrier: what comes
    in from there was handed over by them, and is not passed back to them. ``title``: who is at the other end;
    ``priority``: at least so urgent is what a link hands over; ``urgent``: it is an emergency centre's.
    """

    trunk: str
    strip: str = ""
    dialled_as: Number | None = None
    accepts: tuple[Number, ...] | None = None
    link: bool = False
    title: str = ""
    priority: int = 0
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class UnknownLine:
    """A number of the home area that no line has. ``phases`` empty: ``notices``, then the city answers."""

    name: str = ""
    department: str = ""
    phases: tuple[Phase, ...] = ()
    notices: tuple[str, ...] = ()
