"""What a rehearsal measured: the callers' log and the phones' log, read and joined by the caller's number.
Pure.

The scenarios write one line for each thing that happens, ``kind|timestamp|call id|caller|called|detail``,
with the microsecond at which SIPp handled it. Instants here are seconds since 1970 as SIPp's host saw them,
durations seconds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SeatLogin:
    """A seat's SIP account. The secret stays out of every printed form."""

    number: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log. ``kind`` is the scenario's word (``offered``, ``rang``, ``ended`` ...)."""

    kind: str
    at: float
    call: str
    caller: str
    called: str
    detail: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One SIP call as one of its ends saw it.

    ``began``: the INVITE was sent (a caller's leg) or arrived (a phone's). ``code``: the final status,
    ``None`` while there is none; a leg that was cancelled has 487. ``ended_by``: ``caller``, ``phone`` or
    ``switch``, ``None`` while it is not over. ``person``: the caller was told that a person had answered."""

    call: str
    caller: str
    called: str
    began: float
    code: int | None = None
    answered: float | None = None
    person: float | None = None
    ended: float | None = None
    ended_by: str | None = None

    @property
    def talk_s(self) -> float | None:
        """Seconds from the answer to the end; ``None`` where either is missing."""
        return None if self.answered is None or self.ended is None else self.ended - self.answered


class Outcome(StrEnum):
    """What became of a caller."""

    ANSWERED = "answered"
    """A phone picked up."""
    ABANDONED = "abandoned"
    """The caller hung up, or gave up ringing, before a phone picked up."""
    REFUSED = "refused"
    """The switch gave a final status of 300 or above."""
    TOLD = "told"
    """The switch answered and ended a call to a number of which that is expected (a notice, then the end)."""
    LOST = "lost"
    """Anything else: no final status, or ended by the switch before a phone picked up."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A caller's leg and the phones' legs that carry the same caller's number, in the order in which they
    rang."""

    caller: Leg
    phones: tuple[Leg, ...] = ()

    @property
    def person(self) -> Leg | None:
        """The first phone that picked up."""
        return next((leg for leg in self.phones if leg.answered is not None), None)

    @property
    def queue_delay_s(self) -> float | None:
        """From the caller's 200 OK to the first INVITE at a phone; ``None`` where either is missing.

        It is negative, a little or a lot, where the switch rings the phone before it answers the caller.
        """
        if self.caller.answered is None or not self.phones:
            return None
        return self.phones[0].began - self.caller.answered

    def outcome(self, told: Collection[str] = ()) -> Outcome:
        """What became of the caller; ``told``: numbers whose callers hear a notice and are let go."""
        leg = self.caller
        if self.person is not None:
            return Outcome.ANSWERED
        if leg.ended_by == "caller":
            return Outcome.ABANDONED
        if leg.code is not None and leg.code >= 300:
            return Outcome.REFUSED
        if leg.called in told and leg.answered is not None and leg.ended_by == "switch":
            return Outcome.TOLD
        return Outcome.LOST


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of a sample in the sample's unit: each is a value that occurred (nearest rank)."""

    count: int
    p50: float
    p99: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A rehearsal in figures. offered = answered + abandoned + refused + told + lost."""

    offered: int
    answered: int
    abandoned: int
    refused: int
    told: int
    lost: int
    queue_delay_s: Spread | None
    refusals: tuple[tuple[int, int], ...] = ()

    @property
    def answer_rate(self) -> float:
        """Answered by a phone / offered; 0 when nothing was offered."""
        return self.answered / self.offered if self.offered else 0.0


def parse(text: str) -> list[Entry]:
    """The entries of a log in the order in which they stand; a last line still being written is left out.

    Raises `ValueError` with the line's number for a line that no scenario writes.
    """
    entries = []
    end = text.rfind("\n")
    for number, line in enumerate(text[: end + 1].splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split("|", 5)
        try:
            kind, stamp, call, caller, called, detail = parts
            at = float(stamp.rsplit("\t", 1)[-1])
        except ValueError:
            raise ValueError(
                f"line {number}: {line[:80]!r} is not kind|timestamp|call|caller|called|detail"
            ) from None
        entries.append(Entry(kind, at, call, caller, called, detail.strip()))
    return entries


def legs(entries: Iterable[Entry]) -> list[Leg]:
    """The legs that the entries tell of, in the order of their beginning. An entry without a beginning is
    ignored (OPTIONS and the like are calls to SIPp, but not here)."""
    found: dict[str, Leg] = {}
    for entry in entries:
        if entry.kind in ("offered", "rang"):
            found[entry.call] = Leg(entry.call, entry.caller, entry.called, entry.at)
        elif entry.call in found:
            found[entry.call] = _told(found[entry.call], entry)
    return list(found.values())


def _told(leg: Leg, entry: Entry) -> Leg:
    match entry.kind:
        case "answered":
            return replace(leg, answered=leg.answered or entry.at, code=200)
        case "refused":
            code = int(entry.detail[:3])
            return replace(leg, code=code, ended=entry.at, ended_by=_refuser(leg, entry))
        case "cancelled":
            return replace(leg, code=487, ended=entry.at, ended_by="caller")
        case "person":
            return replace(leg, person=entry.at)
        case "ended":
            return replace(leg, ended=entry.at, ended_by=entry.detail)
        case _:
            return leg


def _refuser(leg: Leg, entry: Entry) -> str:
    # A phone writes the whole status line ("486 Busy Here"), a caller only the code that it was given.
    return "phone" if len(entry.detail) > 3 else "switch"


def join(callers: Iterable[Leg], phones: Iterable[Leg]) -> list[Joined]:
    """Put each caller's leg together with the phones' legs that show the same caller's number.

    A number that calls more than once has each phone's leg counted to the last of its calls begun before it.
    """
    begun: dict[str, list[Leg]] = defaultdict(list)
    ordered = sorted(callers, key=lambda leg: leg.began)
    for leg in ordered:
        begun[leg.caller].append(leg)
    rung: dict[str, list[Leg]] = defaultdict(list)
    for phone in sorted(phones, key=lambda leg: leg.began):
        before = [leg for leg in begun.get(phone.caller, ()) if leg.began <= phone.began]
        if before:
            rung[before[-1].call].append(phone)
    return [Joined(leg, tuple(rung[leg.call])) for leg in ordered]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` (0 to 1) of them do not exceed. Raises on none."""
    if not values:
        raise ValueError("percentile of nothing: measure at least one value")
    if not 0 <= share <= 1:
        raise ValueError(f"percentile {share}: give a share between 0 and 1")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def spread(values: Sequence[float]) -> Spread | None:
    """Median, 99th percentile and maximum; ``None`` of nothing."""
    if not values:
        return None
    return Spread(len(values), percentile(values, 0.5), percentile(values, 0.99), max(values))


def summarise(calls: Sequence[Joined], told: Collection[str] = ()) -> Summary:
    """Count outcomes and measure the queue delay; ``told`` as in `Joined.outcome`."""
    outcomes = [call.outcome(told) for call in calls]
    codes: dict[int, int] = defaultdict(int)
    for call, outcome in zip(calls, outcomes, strict=True):
        if outcome is Outcome.REFUSED and call.caller.code is not None:
            codes[call.caller.code] += 1
    return Summary(
        offered=len(calls),
        answered=outcomes.count(Outcome.ANSWERED),
        abandoned=outcomes.count(Outcome.ABANDONED),
        refused=outcomes.count(Outcome.REFUSED),
        told=outcomes.count(Outcome.TOLD),
        lost=outcomes.count(Outcome.LOST),
        queue_delay_s=spread([d for call in calls if (d := call.queue_delay_s) is not None]),
        refusals=tuple(sorted(codes.items())),
    )
