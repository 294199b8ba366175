"""Line by line: how soon a line's own people, a sub-centre or an emergency centre take the calls that we pass to them.

The figure is Jingjiang's: of the calls that 12345 passes to a parallel line, 95 % are answered within 15 s. A call counts once a
line, however many trunks were tried, from the moment at which the first was asked. Nobody is left out: a caller who hung up while
it rang, a trunk of which every channel was taken, and a far end that could not be reached are in the denominator. Calls that a seat
transferred count with those that were passed on their arrival.

Everything comes from records. The engine decides nothing by these figures, so they are no part of its state, and a restart reads
them again; calls that are on are asked for what their record would say now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from acd.calls import Call
from acd.messages import CallId, CallRecord, Millis
from acd.metrics import Rate

WITHIN_MS = 15_000
TARGET = 0.95
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Offer:
    """One call that was passed to a line's people at ``at``.

    ``waited_ms``: until they answered, ``None``: they did not, or nobody knows when. ``outcome``: ``answered``; ``on`` while it
    rings; else why not (`acd.passes.PassRecord`). ``back``: the city's seats took the caller instead.
    """

    line: str
    at: Millis
    outcome: str
    waited_ms: Millis | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class LineFigures:
    """A line's calls of a period. offered = answered + not_taken + gave_up + on."""

    line: str
    offered: int
    answered: int
    not_taken: int
    """nobody took them; the city's seats, or a farewell, were next"""
    gave_up: int
    """hung up while it rang"""
    on: int
    """being rung at this moment"""
    back: int
    """answered by a seat of the city's after the line's people had not taken them"""
    prompt: Rate
    """answered in time / offered, without those that may still be"""

    @property
    def below(self) -> bool:
        """Is the target missed?"""
        return self.prompt.value is not None and self.prompt.value < TARGET


def offers(call: CallRecord | Call) -> Iterator[Offer]:
    """What a call was to lines' people: at most one offer on its arrival, and one for each transfer over a trunk."""
    back = call.seat_answered is not None
    if call.passes and call.line is not None:
        last = call.passes[-1]
        begun = call.passes[0].asked
        waited = None if last.answered is None else last.answered - begun
        yield Offer(call.line, begun, last.outcome or "on", waited, back and last.outcome != "answered")
    elif isinstance(call, CallRecord) and call.disposition == "passed" and call.line is not None:
        yield Offer(call.line, call.arrived, "answered")  # by the fallback, which does not tell when it rang
    for one in call.transfers:
        if one.trunk is not None:
            outcome = "answered" if one.answered is not None else one.outcome or "on"
            waited = None if one.answered is None else one.answered - one.asked
            yield Offer(one.to, one.asked, outcome, waited)


def by_line(
    told: Iterable[Offer], *, within_ms: Millis = WITHIN_MS, now: Millis | None = None
) -> dict[str, LineFigures]:
    """The figures of every line that was offered a call, by the line's number.

    ``now``: a call that rings, and for less than ``within_ms``, is not late yet: it counts as offered, and in the rate not at all.
    """
    of_line: dict[str, list[Offer]] = {}
    for one in told:
        of_line.setdefault(one.line, []).append(one)
    return {line: _figures(line, of_line[line], within_ms, now) for line in sorted(of_line)}


def _figures(line: str, told: list[Offer], within_ms: Millis, now: Millis | None) -> LineFigures:
    count = {kind: sum(one.outcome == kind for one in told) for kind in ("answered", "hung up", "on")}
    open_yet = sum(one.outcome == "on" and now is not None and now - one.at <= within_ms for one in told)
    prompt = sum(one.waited_ms is not None and one.waited_ms <= within_ms for one in told)
    seconds = f"{within_ms / 1000:g}"
    return LineFigures(
        line=line,
        offered=len(told),
        answered=count["answered"],
        not_taken=len(told) - sum(count.values()),
        gave_up=count["hung up"],
        on=count["on"],
        back=sum(one.back for one in told),
        prompt=Rate(
            prompt,
            len(told) - open_yet,
            f"answered within {seconds} s of being asked / all calls passed to {line}",
            f"转出后{seconds}秒内接听 / 转给{line}的全部来电",
        ),
    )


class LineView(msgspec.Struct, frozen=True):
    """A line of the last 24 hours as supervisors see it: ``prompt`` of ``denominator`` calls were answered in time."""

    line: str
    offered: int
    answered: int
    prompt: int
    denominator: int
    below: bool
    """under the target"""


class LineWatch:
    """The figures of the last 24 hours, kept up with the records as they are written; a record that comes again replaces itself."""

    def __init__(self, span_ms: Millis = DAY_MS) -> None:
        self.span_ms = span_ms
        self._told: dict[CallId, tuple[Offer, ...]] = {}

    def add(self, record: CallRecord) -> None:
        """Take in a record, in the order of the calls' ends."""
        self._told.pop(record.call, None)
        if told := tuple(offers(record)):
            self._told[record.call] = told

    def figures(
        self, now: Millis, calls: Iterable[Call] = (), *, within_ms: Millis = WITHIN_MS
    ) -> dict[str, LineFigures]:
        """The figures at ``now``; ``calls``: those that are on, and have no record yet."""
        since = now - self.span_ms
        self._forget(since)
        told = [one for of_call in self._told.values() for one in of_call if one.at >= since]
        told += [one for call in calls for one in offers(call) if one.at >= since]
        return by_line(told, within_ms=within_ms, now=now)

    def views(self, now: Millis, calls: Iterable[Call] = ()) -> tuple[LineView, ...]:
        """The same for a supervisor's display."""
        return tuple(
            LineView(
                one.line, one.offered, one.answered, one.prompt.numerator, one.prompt.denominator, one.below
            )
            for one in self.figures(now, calls).values()
        )

    def _forget(self, since: Millis) -> None:
        for call, told in list(self._told.items()):
            if told[-1].at >= since:
                break  # a call that ended later began, as a rule, later: the others go in their turn
            del self._told[call]
