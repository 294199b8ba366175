"""A drill's calls and what each of them ought to meet: the matrix of numbers and ways of delivery, and the verdict. Pure.

What ought to happen is read off the number plan (`NumberPlan.route` at the instant of the call) and the queue's greeting,
and compared with what callers, phones and far ends saw; the engine is not asked.

The matrix, for every number of the city (its lines, the emergencies, its own number, one number that no line has):

- over the first carrier: called as it is, with area code (``037112315``, ``0371-12315``), from abroad (``+8637112315``), and,
  but for the city's own number, forwarded to it with ``Diversion`` and with ``History-Info``;
- over every other carrier: called as it is, and with ``Diversion``;
- over a link, from where people hand calls over: the city's own number, and every line that is passed on over this link;
- over a trunk of one line (``dialled_as``): that line, called as it is;
- a carrier's trunk that ``accepts`` some lines only brings these and the city's own number.

Every key of the city's own menu is pressed once, over the first carrier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dialplans.decision import Answerer, Decision, Wait
from dialplans.hotline import TrunkRule
from dialplans.number import Number
from dialplans.plan import NumberPlan
from hotline.rehearsal.hearing import Hearing
from ivr.flow import Menu

SILENCE_S = 3.0
"""a longer silence is a fault"""
LATE_S = 5.0
"""whoever is called is called at the latest so long after the last word that the caller hears first"""
MENU_S = Menu("", ()).wait_ms / 1000
"""so long a menu waits for a key; nobody speaks meanwhile"""
EXTRA = ("music/hold", "ringing/tone")
"""heard while somebody is rung; neither is asked for, neither is a fault"""
UNLISTED = "66600099"
"""a number of the city's area that no line has, in the plan's five cities"""


class DrillPlanFault(ValueError):
    """The drill can't be planned. One line: place, fault, remedy."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of the drill: what its carrier sends over which trunk, and the key that its caller presses, if any."""

    number: str
    name: str
    way: str
    trunk: str
    called: str
    headers: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a delivery ought to meet.

    ``prompts`` in their order. ``end``: ``seat``, ``far`` or ``nobody``; of a seat the ``skills`` that its agent has at
    least, of a far end ``trunk`` and ``number``. ``line``: the number that the seat's phone shows beside the caller's.
    ``pause_s``: so long a menu waits for a key that is not pressed.
    """

    prompts: tuple[str, ...]
    end: str
    skills: tuple[tuple[str, int], ...] = ()
    queue: str | None = None
    trunk: str | None = None
    number: str | None = None
    line: str | None = None
    pause_s: float = 0.0

    @property
    def where(self) -> str:
        """The end in a few words."""
        if self.end == "far":
            return f"{self.trunk} {self.number}"
        return f"queue {self.queue}" if self.end == "seat" else "let go"


@dataclass(frozen=True, slots=True)
class Reached:
    """Who was called for a delivery: ``place`` is ``seat`` or a trunk's name. Seconds since the caller's INVITE."""

    place: str
    called: str
    shown: str
    rang_s: float
    answered_s: float | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the caller and the far ends saw of one delivery. Seconds since the caller's INVITE.

    ``spoken_s``: how long the expected prompts last, by their sound files.
    """

    hearing: Hearing
    reached: tuple[Reached, ...] = ()
    code: int | None = None
    answered_s: float | None = None
    ended_s: float | None = None
    ended_by: str | None = None
    cause: int | None = None
    released: bool = True
    """the end that was called was let go when the caller hung up"""
    spoken_s: float = 0.0


def matrix(plan: NumberPlan, trunks: Sequence[TrunkRule], only: Sequence[str] = ()) -> list[Delivery]:
    """Every call of a city's drill. ``trunks`` in the file's order; ``only``: these numbers and no others.

    Raises `DrillPlanFault` for a number of ``only`` that the city does not have.
    """
    wanted = {_read(text, plan) for text in only}
    carriers = [rule for rule in trunks if not rule.link and rule.dialled_as is None]
    carriers.sort(key=lambda rule: rule.accepts is not None)  # the first is to bring everything
    if not carriers:
        raise DrillPlanFault("trunks: none leads to a carrier: write one without link and dialled_as")
    calls: list[Delivery] = []
    for number, name in _numbers(plan, wanted):
        if wanted and number not in wanted:
            continue
        for place, rule in enumerate(carriers):
            calls += _over_carrier(plan, rule, number, name, every=place == 0)
        calls += _over_links(plan, trunks, number, name)
        calls += [
            Delivery(number.shown(plan.area), name, f"on {rule.trunk}", rule.trunk, rule.strip + number.local)
            for rule in trunks
            if rule.dialled_as == number and not rule.link
        ]
    return calls


def _read(text: str, plan: NumberPlan) -> Number:
    number = Number.read(text, plan.area)
    known = (plan.own.number, *plan.own.also, *(line.number for line in plan.lines))
    if number not in known and not plan.unknown.phases and number.area != plan.area:
        raise DrillPlanFault(f"--lines {text}: the city has no such number: write one of its lines")
    return number


def _numbers(plan: NumberPlan, wanted: set[Number]) -> Iterator[tuple[Number, str]]:
    """The city's numbers and their names, each once."""
    given = [(plan.own.number, plan.own.name), *((number, plan.own.name) for number in plan.own.also)]
    given += [(line.number, line.name) for line in plan.lines]
    known = {number for number, _ in given}
    unlisted = Number(plan.area, UNLISTED)
    given += [
        (number, "（未登记号码）") for number in (unlisted, *sorted(wanted, key=str)) if number not in known
    ]
    return iter(dict(given).items())


def _over_carrier(
    plan: NumberPlan, rule: TrunkRule, number: Number, name: str, *, every: bool
) -> Iterator[Delivery]:
    """The ways in which one carrier delivers a number."""
    shown, area, local = number.shown(plan.area), number.area, number.local
    own = number == plan.own.number or number in plan.own.also
    base = Delivery(shown, name, "called", rule.trunk, rule.strip + local)
    city = rule.strip + plan.own.number.local
    diversion = f"Diversion: <sip:{local}@carrier.example>;reason=unconditional"
    history = (
        f"History-Info: <sip:{local}@carrier.example>;index=1,"
        f"<sip:{plan.own.number.local}@carrier.example?Reason=SIP%3Bcause%3D302>;index=1.1"
    )
    if rule.accepts is not None and number not in rule.accepts and not own:
        return
    yield base
    if every:
        yield replace(base, way="area code", called=rule.strip + area + local)
        yield replace(base, way="area code-", called=f"{rule.strip}{area}-{local}")
        if not rule.strip:
            yield replace(base, way="+86", called=f"+86{area[1:]}{local}")
    if not own:
        yield replace(base, way="Diversion", called=city, headers=(diversion,))
        if every:
            yield replace(base, way="History-Info", called=city, headers=(history,))
    elif every and number == plan.own.number:
        for choice in plan.own.menu:
            yield replace(base, way=f"key {choice.key} {choice.title}", key=choice.key)


def _over_links(
    plan: NumberPlan, trunks: Sequence[TrunkRule], number: Number, name: str
) -> Iterator[Delivery]:
    """What comes in over links: from a line's own people, who hand the call over."""
    line = plan.line(number)
    for rule in trunks:
        if not rule.link or (rule.dialled_as is not None and rule.dialled_as != number):
            continue
        theirs = line is not None and any(
            way.trunk == rule.trunk for phase in line.phases for way in phase.passes
        )
        if number == plan.own.number or theirs:
            shown = number.shown(plan.area)
            yield Delivery(shown, name, "handed over", rule.trunk, rule.strip + number.local)


def expect(plan: NumberPlan, greetings: dict[str, tuple[str, ...]], call: Delivery, at_ms: int) -> Expected:
    """What a delivery at this instant ought to meet. ``greetings``: each queue's."""
    decision = plan.route(call.called, call.headers, call.trunk, at_ms)
    wait = _wait(decision, call.key)
    line = decision.number if decision.number is not None else None
    if decision.passes:
        first = decision.passes[0]
        return Expected(decision.notices, "far", trunk=first.trunk, number=first.number, line=line)
    prompts = decision.notices
    if wait is None or decision.answered_by is Answerer.NOBODY:
        return Expected((*prompts, *decision.farewell), "nobody", line=line)
    # the greeting is that of the queue without a key: the key is pressed after it
    greeted = decision.wait or wait
    if not decision.urgent:
        prompts = (*prompts, *greetings.get(greeted.queue, ()))
    if decision.menu_prompt:
        prompts = (*prompts, decision.menu_prompt)
    pause = MENU_S if decision.menu and not call.key else 0.0
    return Expected(prompts, "seat", wait.needs[0].skills, wait.queue, line=line, pause_s=pause)


def _wait(decision: Decision, key: str) -> Wait | None:
    return next((choice.wait for choice in decision.menu if choice.key == key), decision.wait)


def verdict(
    call: Delivery,
    expected: Expected,
    seen: Seen,
    skills: dict[str, dict[str, int]],
    *,
    silence_s: float = SILENCE_S,
) -> list[str]:
    """What is wrong with a call, in words; nothing: it passed. ``skills``: of the agent at each seat."""
    if seen.answered_s is None and not seen.reached and seen.code is None:
        return ["no answer from the switch"]
    wrong = list(_heard(expected, seen))
    wrong += _ended(expected, seen, skills)
    if seen.hearing.silence_s > silence_s + expected.pause_s and seen.answered_s is not None:
        wrong.append(f"silence of {seen.hearing.silence_s:.1f} s")
    return wrong


def _heard(expected: Expected, seen: Seen) -> Iterator[str]:
    missing = [name for name in expected.prompts if name not in seen.hearing.names]
    yield from (f"not heard: {name}" for name in missing)
    for other in seen.hearing.others:
        what = "an unknown sound" if other.name == "?" else f"{other.name}"
        yield f"heard besides, at {other.begins:.1f} s for {other.ends - other.begins:.1f} s: {what}"
    if not missing and seen.hearing.names != tuple(dict.fromkeys(expected.prompts)):
        yield f"heard in another order: {' / '.join(seen.hearing.names)}"


def _ended(expected: Expected, seen: Seen, skills: dict[str, dict[str, int]]) -> Iterator[str]:
    unanswered = [one for one in seen.reached if one.answered_s is None]
    taken = [one for one in seen.reached if one.answered_s is not None]
    for one in unanswered:
        refused = "refused the call" if one.ended_by == "phone" else "rang and nobody picked up"
        yield f"{_named(one)} {refused} (called {one.rang_s:.1f} s after the call began)"
    if len(taken) > 1:
        yield f"answered {len(taken)} times: {', '.join(map(_named, taken))}"
    last = taken[-1] if taken else None
    if expected.end == "nobody":
        if last is not None or unanswered:
            yield f"ended at {_named((taken or unanswered)[-1])}, not let go"
        elif seen.ended_by != "switch" or seen.answered_s is None:
            yield f"not let go: {_how_it_ended(seen)}"
        elif seen.cause not in (None, 16):
            yield f"hung up with cause {seen.cause}, not 16"
        return
    if last is None:
        yield f"nobody of {expected.where} answered: {_how_it_ended(seen)}"
        return
    if expected.end == "far" and (last.place, last.called) != (expected.trunk, expected.number):
        yield f"ended at {_named(last)}, not at {expected.where}"
    elif expected.end == "seat" and last.place != "seat":
        yield f"ended at {_named(last)}, not at a seat of {expected.where}"
    elif expected.end == "seat":
        lacks = [
            f"{skill} at {level}"
            for skill, level in expected.skills
            if skills.get(last.called, {}).get(skill, 0) < level
        ]
        if lacks:
            yield f"ended at {_named(last)}, whose agent has not {', '.join(lacks)}"
        if expected.line is not None and expected.line not in last.shown:
            yield f"{_named(last)} shows {last.shown or 'no line'!r}, not {expected.line}"
    if seen.hearing.voice is None:
        yield f"the voice of {_named(last)} was not heard"
    late = last.rang_s - seen.spoken_s - expected.pause_s
    if late > LATE_S:
        yield f"{_named(last)} was called {late:.1f} s after the last word"
    if not seen.released:
        yield f"{_named(last)} was not let go when the caller hung up"
    if seen.ended_by == "switch":
        yield f"hung up by the switch with cause {seen.cause} while they talked"


def _named(one: Reached) -> str:
    return f"seat {one.called}" if one.place == "seat" else f"{one.place} {one.called}"


def _how_it_ended(seen: Seen) -> str:
    if seen.code is not None and seen.code >= 300:
        return f"refused with {seen.code}" + (f", cause {seen.cause}" if seen.cause is not None else "")
    if seen.ended_by == "switch":
        after = f" after {seen.ended_s:.1f} s" if seen.ended_s is not None else ""
        return f"hung up by the switch{after} with cause {seen.cause}"
    return "the caller gave up"
