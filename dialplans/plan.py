"""Which line was really dialled, and what to do with it at an instant: decided here and nowhere else.

`NumberPlan.route` serves the engine, ``hotline trace``, the planner and the fallback. It is a pure function
of its arguments, never raises whatever a carrier sends, and always ends with a person, with the line's own
people, or with words: never with silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import assert_never

from dialplans.decision import Answerer, Decision, Need, Pass, Treatment, Wait
from dialplans.diversion import Hop, read_hops
from dialplans.hotline import CityLine, Hotline, Phase, TrunkRule, UnknownLine
from dialplans.hours import clock
from dialplans.number import Number, NumberFault

_PLAIN = CityLine(Number("", "12345"), "", "", Wait("12345", (Need((("12345", 1),)),)))

_UNANSWERED = "if nobody takes it, the city's seats answer"
_TRIED = "Its own people were tried first and did not take the call"


@dataclass(frozen=True, slots=True)
class Dialled:
    """What the caller dialled: the number, the line if one is known, and how that was found.

    ``tried``: the line's own people were asked by the carrier before, and did not take the call.
    """

    number: Number | None
    line: Hotline | None
    because: tuple[str, ...]
    tried: bool = False


@dataclass(frozen=True)
class NumberPlan:
    """A city's numbers: its own, its lines, what holds for unknown ones, and the trunks' rules."""

    area: str = ""
    own: CityLine = _PLAIN
    lines: tuple[Hotline, ...] = ()
    unknown: UnknownLine = field(default_factory=UnknownLine)
    rules: tuple[TrunkRule, ...] = ()

    def route(
        self, called: str, diverted: Sequence[str], trunk: str, now_ms: int, told: str = ""
    ) -> Decision:
        """What the caller meets who reached the platform in this way at this instant (ms since 1970).

        ``diverted``: raw ``Diversion: ...`` and ``History-Info: ...`` header lines in the request's order. ``told``: the line
        that was dialled, as the centre says that hands the call over; only a link is believed.
        """
        dialled = self.dialled(called, diverted, trunk, told)
        if dialled.line is not None:
            decision = self._line(dialled, trunk, now_ms)
        elif dialled.number is None or dialled.number in self._own:
            decision = self._city(dialled)
        else:
            decision = self._unknown(dialled, trunk, now_ms)
        return self._handed_over(decision, trunk)

    def is_link(self, trunk: str) -> bool:
        """Does this trunk lead to the people of some line, and not to a carrier?"""
        return trunk in self._links

    def dialled(self, called: str, diverted: Sequence[str], trunk: str, told: str = "") -> Dialled:
        """The line that the caller really dialled (``docs/adr/0002-the-line-really-dialled.md``)."""
        rule = self._rules.get(trunk, TrunkRule(trunk))
        if rule.dialled_as is not None:
            why = f"Trunk {trunk} carries one line only: {rule.dialled_as.shown(self.area)}."
            return self._accepted(Dialled(rule.dialled_as, self.line(rule.dialled_as), (why,)), rule)
        number = self._read(called.removeprefix(rule.strip) if rule.strip else called)
        line = self.line(number)
        if line is not None:
            why = f"The called number is {line.number.shown(self.area)}, a line of the city."
            return self._accepted(Dialled(number, line, (why,)), rule)
        own = number in self._own
        if number is None:
            because = f"The called number {called[:40]!r} can't be read."
        elif own:
            because = f"The called number is {number.shown(self.area)}, the city's own."
        else:
            because = f"The called number {number.shown(self.area)} is no line of the city."
        if rule.link and (line := self.line(self._read(told))) is not None:
            why = f"Trunk {trunk} says that {line.number.shown(self.area)} was dialled first."
            return self._accepted(Dialled(line.number, line, (because, why)), rule)
        found = self._first_dialled(diverted)
        if found is None and (own or number is None) and (line := self._only.get(trunk)) is not None:
            why = f"Trunk {trunk} comes from the people of one line only: {line.number.shown(self.area)}."
            return self._accepted(Dialled(line.number, line, (because, why)), rule)
        if found is None:
            return Dialled(number, None, (because,))
        hop, number = found
        why = f"{hop.header} says that {number.shown(self.area)} was dialled first."
        return self._accepted(Dialled(number, self.line(number), (because, why), hop.tried), rule)

    def next_cutover(self, now_ms: int) -> int | None:
        """The first instant after this one at which something else holds for some line; ``None``: nothing is planned."""
        lines = (*self.lines, Hotline(self.own.number, "", "", self.unknown.phases))
        coming = [phase.since_ms for line in lines if (phase := line.next_after(now_ms)) is not None]
        return min((since for since in coming if since is not None), default=None)

    def line(self, number: Number | None) -> Hotline | None:
        """The line with this number; `None` for the city's own and for unknown ones."""
        return None if number is None else self._lines.get(number)

    @cached_property
    def _lines(self) -> dict[Number, Hotline]:
        return {line.number: line for line in self.lines}

    @cached_property
    def emergencies(self) -> frozenset[str]:
        """The emergency numbers as they are dialled in the city: 110, 119, ..."""
        return frozenset(
            line.number.local
            for line in self.lines
            if any(phase.treatment is Treatment.EMERGENCY for phase in line.phases)
        )

    @cached_property
    def _own(self) -> frozenset[Number | None]:
        return frozenset((self.own.number, *self.own.also))

    @cached_property
    def _rules(self) -> dict[str, TrunkRule]:
        return {rule.trunk: rule for rule in self.rules}

    def _read(self, text: str) -> Number | None:
        try:
            return Number.read(text, self.area)
        except NumberFault:
            return None

    def _first_dialled(self, headers: Sequence[str]) -> tuple[Hop, Number] | None:
        """The earliest hop that is a line; failing that, one that the rule for unknown numbers covers."""
        if not headers:
            return None
        hops = read_hops(headers)
        history = [(hop, number) for hop in hops.history if (number := self._read(hop.uri)) is not None]
        diversion = [(hop, number) for hop in hops.diversion if (number := self._read(hop.uri)) is not None]
        for counts in (self._lines.__contains__, self._is_departmental):
            ours = [item for item in history if counts(item[1])]
            theirs = [item for item in diversion if counts(item[1])]
            if ours and theirs and ours[0][1] in [number for _, number in theirs[1:]]:
                return theirs[0]  # Diversion knows what came before History-Info's first entry
            if ours or theirs:
                return (ours or theirs)[0]
        return None

    def _is_departmental(self, number: Number) -> bool:
        """Whether a number without a line falls under the city's rule for all the others (Jinan's)."""
        return bool(self.unknown.phases) and number.area == self.area and number not in self._own

    def _accepted(self, dialled: Dialled, rule: TrunkRule) -> Dialled:
        """The trunk's own limit on lines; an emergency is never turned aside by it."""
        line = dialled.line
        if rule.accepts is None or line is None or line.number in rule.accepts:
            return dialled
        if any(phase.treatment is Treatment.EMERGENCY for phase in line.phases):
            return dialled
        shown = line.number.shown(self.area)
        why = f"Trunk {rule.trunk} may not bring in {shown}: taken as a call for the city."
        return Dialled(self.own.number, None, (*dialled.because, why))

    def _city(self, dialled: Dialled) -> Decision:
        """The caller dialled the city's own number, or what nobody can read but a carrier sent here."""
        own = self.own
        offer = "It offers keys, and waits without one being pressed." if own.menu else ""
        why = f"{own.number.local} answers: queue {own.wait.queue}."
        return Decision(
            dialled=dialled.number,
            number=own.number.local,
            name=own.name or None,
            department=own.department or None,
            treatment=None,
            answered_by=Answerer.CITY,
            menu=own.menu,
            menu_prompt=own.menu_prompt,
            wait=own.wait,
            because=(*dialled.because, why, *((offer,) if offer else ())),
        )

    def _unknown(self, dialled: Dialled, trunk: str, now_ms: int) -> Decision:
        """A number that no line has: the city's rule for all others, or a notice and the city's queue.

        The caller is not at fault for a number that a carrier leads here; a person can tell whose it is. So
        the call is answered, and the notice says that it is 12345 that answers.
        """
        number = dialled.number
        if number is not None and self._is_departmental(number):
            line = Hotline(
                number, self.unknown.name, self.unknown.department, self.unknown.phases, listed=False
            )
            why = f"No line has {number.shown(self.area)}: the rule for all other numbers holds."
            found = replace(dialled, line=line, because=(*dialled.because, why))
            if line.phase_at(now_ms) is not None:
                return self._line(found, trunk, now_ms)
        why = "No line has it and no rule covers it: the caller is told that 12345 answers."
        return Decision(
            dialled=number,
            number=None,
            name=None,
            department=None,
            treatment=None,
            answered_by=Answerer.CITY,
            notices=self.unknown.notices,
            wait=self.own.wait,
            because=(*dialled.because, why),
        )

    def _line(self, dialled: Dialled, trunk: str, now_ms: int) -> Decision:
        """What the phase in force says about the line."""
        line = dialled.line
        assert line is not None
        phase = line.phase_at(now_ms) or Phase(None)
        base = Decision(
            dialled=dialled.number,
            number=line.number.shown(self.area),
            name=line.name or None,
            department=line.department or None,
            treatment=phase.treatment,
            answered_by=Answerer.CITY,
            pass_ring_ms=phase.pass_ring_ms,
            wait=phase.wait or self.own.wait,
            because=(
                *dialled.because,
                self._standing(line, phase, now_ms),
                *((line.batch.told(),) if line.batch else ()),
            ),
        )
        passes, why_not = self._passes(phase, dialled, trunk)
        match phase.treatment:
            case None:
                return self._departments(base, phase, passes, why_not)
            case Treatment.ABSORBED:
                return _because(
                    base, "Absorbed: the city's own seats answer; they see which line was dialled."
                )
            case Treatment.WITHDRAWN:
                return self._withdrawn(base, phase, now_ms)
            case Treatment.PARALLEL:
                return self._parallel(base, phase, passes, why_not, now_ms)
            case Treatment.SUBCENTRE:
                if not passes:
                    remark = "分中心未接" if why_not == _TRIED else ""
                    return replace(_because(base, f"{why_not}: the city's seats answer."), remark=remark)
                why = f"Sub-centre, day and night: passed to {_ways(passes)}; {_UNANSWERED}."
                return replace(_because(base, why), answered_by=Answerer.SUBCENTRE, passes=passes)
            case Treatment.EMERGENCY:
                if not passes and phase.passes:
                    return _because(base, f"{why_not}: the city's seats answer what they hand over.")
                why = f"Emergency: no notice and no queue, passed at once to {_ways(passes)}."
                return replace(
                    _because(base, why),
                    answered_by=Answerer.EMERGENCY,
                    passes=passes,
                    wait=None,
                    farewell=phase.farewell,
                    urgent=True,
                )
            case Treatment.INDEPENDENT:
                if not passes and phase.passes:
                    return _because(base, f"{why_not}: the city's seats answer.")
                why = f"Not the city's: the caller is told so and passed to {_ways(passes)}."
                return replace(
                    _because(base, why),
                    answered_by=Answerer.OTHER,
                    notices=phase.notices,
                    passes=passes,
                    wait=None,
                    farewell=phase.farewell,
                )
            case _:
                assert_never(phase.treatment)

    def _standing(self, line: Hotline, phase: Phase, now_ms: int) -> str:
        """``12315 消费维权热线 (工商局) is absorbed since 2019-02-01 00:00.``"""
        what = "its department's own" if phase.treatment is None else str(phase.treatment)
        since = f" since {clock(phase.since_ms)}" if phase.since_ms is not None else ""
        coming = line.next_after(now_ms)
        then = ""
        if coming is not None and coming.since_ms is not None:
            next_one = "its department's own" if coming.treatment is None else str(coming.treatment)
            then = f"; {next_one} from {clock(coming.since_ms)} on"
        name = f" {line.name}" if line.name else ""
        department = f" ({line.department})" if line.department else ""
        return f"{line.number.shown(self.area)}{name}{department} is {what}{since}{then}."

    def _passes(self, phase: Phase, dialled: Dialled, trunk: str) -> tuple[tuple[Pass, ...], str]:
        """The ways to the line's own people that make sense for this call, and why there is none."""
        if not phase.passes:
            return (), "No way leads to its own people"
        if trunk in self._links and any(item.trunk == trunk for item in phase.passes):
            return (), f"It came in over {trunk}, from its own people"
        if dialled.tried and phase.treatment is not Treatment.EMERGENCY:
            return (), _TRIED
        # The carrier that led the call here is the last to be asked: it may well lead it here again.
        return tuple(sorted(phase.passes, key=lambda way: way.trunk == trunk)), ""

    @cached_property
    def _links(self) -> frozenset[str]:
        return frozenset(rule.trunk for rule in self.rules if rule.link)

    @cached_property
    def _only(self) -> dict[str, Hotline]:
        """The line of every link that leads to the people of one line only; an emergency centre's says nothing."""
        lines: dict[str, set[Number]] = {}
        for line in self.lines:
            for phase in line.phases:
                for way in phase.passes:
                    lines.setdefault(way.trunk, set()).add(line.number)
        found = {trunk: next(iter(numbers)) for trunk, numbers in lines.items() if len(numbers) == 1}
        links = {rule.trunk for rule in self.rules if rule.link and not rule.urgent}
        return {trunk: self._lines[number] for trunk, number in found.items() if trunk in links}

    def _handed_over(self, decision: Decision, trunk: str) -> Decision:
        """What another centre hands over has been received once: nothing is said or asked again, and it ends with a person.

        What an emergency centre hands over goes before everything else.
        """
        rule = self._rules.get(trunk)
        if rule is None or not rule.link:
            return decision
        wait = decision.wait or self.own.wait
        remark = f"{rule.title or rule.trunk}转来"
        why = f"Handed over by {rule.title or rule.trunk}: no notice and no menu, priority {rule.priority} at least."
        if rule.urgent:
            why += " No greeting, and no limit of the queue turns it away: it comes from an emergency centre."
            # nobody is waited for who would be the first choice
            wait = replace(wait, needs=(replace(wait.needs[-1], after_ms=0),))
        return replace(
            _because(decision, why),
            answered_by=Answerer.CITY if decision.answered_by is Answerer.NOBODY else decision.answered_by,
            notices=(),
            menu=(),
            menu_prompt="",
            wait=replace(wait, priority=max(wait.priority, rule.priority)),
            farewell=(),
            urgent=decision.urgent or rule.urgent,
            remark=remark,
        )

    def _departments(self, base: Decision, phase: Phase, passes: tuple[Pass, ...], why_not: str) -> Decision:
        if not passes:
            return replace(_because(base, f"{why_not}: the city's seats answer."), notices=phase.notices)
        why = f"Not merged at this time: passed to {_ways(passes)}; {_UNANSWERED}."
        return replace(_because(base, why), answered_by=Answerer.OTHER, passes=passes)

    def _withdrawn(self, base: Decision, phase: Phase, now_ms: int) -> Decision:
        ends = phase.transition_ends_ms
        if ends is None:
            why = "Withdrawn, and its transition has no last day yet: the notice, then the city's seats."
        elif now_ms < ends:
            why = f"Withdrawn, in transition until {clock(ends - 60_000)}: the notice, then the city's seats."
        elif phase.told is None:
            why = f"Withdrawn, transition ended at {clock(ends)}: the notice, the city's seats still answer."
        else:
            why = f"Withdrawn, transition ended at {clock(ends)}: told to dial the city's number and let go."
            return replace(_because(base, why), answered_by=Answerer.NOBODY, notices=phase.told, wait=None)
        return replace(_because(base, why), notices=phase.notices)

    def _parallel(
        self, base: Decision, phase: Phase, passes: tuple[Pass, ...], why_not: str, now_ms: int
    ) -> Decision:
        if not phase.passes:
            experts = phase.wait is not None and len(phase.wait.needs) > 1
            who = "its expert seats first, then the others" if experts else "the seats that were merged"
            return _because(base, f"Parallel, its seats are the city's: {who}.")
        hours = phase.hours
        because = ""
        if hours is not None:
            is_open, because = hours.open_at(now_ms)
            if not is_open:
                why = f"Parallel, outside its hours {hours.name!r} ({because}): the city's seats answer."
                return replace(_because(base, why), notices=phase.notices, remark="非工作时间")
            because = f" within its hours {hours.name!r} ({because})"
        if not passes:
            remark = "本线未接" if why_not == _TRIED else ""
            return replace(_because(base, f"{why_not}: the city's seats answer."), remark=remark)
        rung = f"rung for {phase.pass_ring_ms / 1000:g} s"
        why = f"Parallel,{because or ' day and night'}: passed to {_ways(passes)}, {rung}; {_UNANSWERED}."
        return replace(_because(base, why), answered_by=Answerer.LINE, passes=passes)


def _because(decision: Decision, why: str) -> Decision:
    return replace(decision, because=(*decision.because, why))


def _ways(passes: Sequence[Pass]) -> str:
    """``12366 over tax, then over unicom``."""
    return ", then ".join(f"{item.number} over {item.trunk}" for item in passes) or "nobody"
