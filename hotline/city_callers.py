"""Who gets the call, as a city file says it: known callers, reserves, overflow, overload, seats of one line: built and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from acd.preferences import CallerList, Preferences, Reserve, caller_key, prefix_key, widening_fault
from dialplans.decision import Need, Wait, wishing
from dialplans.number import Number, NumberFault
from dialplans.plan import NumberPlan
from hotline.city_faults import near, unknown_word

if TYPE_CHECKING:
    from acd.setup import Setup
    from hotline.city_routing import CallersTable, ReserveTable
    from hotline.city_schema import CityFile, QueueTable

OVERLOAD = ("overload",)
"""the standard prompt, where the city has no words of its own"""


def milliseconds(seconds: float) -> int:
    """Seconds of a city file as the engine counts them."""
    return round(seconds * 1000)


def preferring(wait: Wait, skill: str | None, seconds: float) -> Wait:
    """The place with an extra skill that is asked for so long."""
    if skill is None:
        return wait
    return Wait(wait.queue, wishing(wait.needs, skill, milliseconds(seconds)), wait.priority)


def preferences(file: CityFile) -> Preferences:
    """What the city does for callers whom it knows."""
    routing = file.routing
    return Preferences(
        last_agent_ms=round(routing.last_agent_hours * 3_600_000),
        last_agent_wait_ms=milliseconds(routing.last_agent_seconds),
        repeat_ms=round(routing.repeat_hours * 3_600_000),
        repeat_priority=routing.repeat_priority,
        lists=tuple(_list(table, file.area) for table in file.callers),
    )


def _list(table: CallersTable, area: str) -> CallerList:
    return CallerList(
        name=table.name,
        title=table.title,
        numbers=frozenset(caller_key(text, area) for text in table.numbers if not text.endswith("*")),
        prefixes=tuple(prefix_key(text, area) for text in table.numbers if text.endswith("*")),
        prefer=table.prefer,
        prefer_ms=milliseconds(table.prefer_seconds),
        priority=table.priority,
        queue=table.queue,
    )


def reserves(file: CityFile) -> tuple[Reserve, ...]:
    """The seats that stay free for a line."""
    return tuple(
        Reserve(
            name=table.name,
            skill=table.skill,
            keep=table.keep,
            level=table.level,
            after_ms=None if table.after_seconds is None else milliseconds(table.after_seconds),
            lines=tuple(Number.read(text, file.area).shown(file.area) for text in table.lines),
        )
        for table in file.reserves
    )


def then(table: QueueTable) -> str:
    """What becomes of those for whom the queue has no place, as the engine calls it."""
    return table.then.replace("_", " ")


def overflow(table: QueueTable) -> Wait | None:
    """Where the queue overflows to, and what is asked there."""
    to = table.overflow
    return None if to is None else Wait(to.queue, (Need(((to.skill, 1),)),))


def seats_only(file: CityFile) -> dict[str, frozenset[str]]:
    """The skills that alone count, by seat; a seat at which all count is not in it."""
    return {
        str(number): frozenset(row.skills)
        for row in file.seats
        if row.skills is not None
        for number in range(int(row.first), int(row.first) + row.count)
    }


def seated(setup: Setup, seats: Iterable[str], agents: Iterable[str]) -> dict[str, str]:
    """Who may sit where: each seat with the first of the agents, in their order, some of whose skills count there."""
    left = list(agents)
    found = {}
    for seat in seats:
        only = setup.seats[seat].skills
        fits = (agent for agent in left if only is None or only.intersection(setup.agents[agent].skills))
        if (agent := next(fits, None)) is not None:
            left.remove(agent)
            found[seat] = agent
    return found


# ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────


def faults(file: CityFile, best: dict[str, list[int]]) -> Iterator[str]:
    """Every fault of these tables. ``best``: by skill the levels of all who have it."""
    yield from _callers(file, best)
    yield from _reserves(file, best)
    yield from _overflow(file, best)
    yield from _only(file, best)
    for where, skill in _preferred(file):
        if skill not in best:
            yield f"{where}.prefer: {_no_skill(skill, best)}"


def widening_faults(plan: NumberPlan) -> Iterator[str]:
    """A call's steps may only ever ask less than those before."""
    waits = [("reception", plan.own.wait)]
    waits += [(f"reception.keys: {choice.key}", choice.wait) for choice in plan.own.menu]
    for line in plan.lines:
        name = f"lines: {line.number.shown(plan.area)}"
        waits += [(name, phase.wait) for phase in line.phases if phase.wait is not None]
    for where, wait in waits:
        if (fault := widening_fault(wait.needs)) is not None:
            yield f"{where}: {fault}: a step may only ask less than the one before"


def _no_skill(skill: str, best: dict[str, list[int]]) -> str:
    return f"no agent has the skill {skill!r}: {near(skill, list(best), 'give it to somebody in agents')}"


def _preferred(file: CityFile) -> Iterator[tuple[str, str]]:
    for place, key in enumerate(file.reception.keys):
        if key.prefer is not None:
            yield f"reception.keys[{place}]", key.prefer
    for place, line in enumerate(file.lines):
        if line.prefer is not None:
            yield f"lines[{place}]", line.prefer
        for later, change in enumerate(line.changes):
            if change.prefer is not None:
                yield f"lines[{place}].changes[{later}]", change.prefer
    for place, table in enumerate(file.callers):
        if table.prefer is not None:
            yield f"callers[{place}]", table.prefer


def _callers(file: CityFile, best: dict[str, list[int]]) -> Iterator[str]:
    names: dict[str, int] = {}
    numbers: dict[str, str] = {}
    queues = [queue.name for queue in file.queues]
    for place, table in enumerate(file.callers):
        where = f"callers[{place}]"
        if table.name in names:
            yield f"{where}.name: {table.name} stands in callers[{names[table.name]}] already: give it another"
        names.setdefault(table.name, place)
        if table.queue is not None and table.queue not in queues:
            yield f"{where}.queue: {unknown_word('queue', table.queue, queues)}"
        if table.prefer is None and not table.priority and table.queue is None:
            yield f"{where}: nothing is done for these callers: write prefer, priority or queue"
        for item, text in enumerate(table.numbers):
            here = f"{where}.numbers[{item}]"
            try:
                known = _number(text, file.area)
            except NumberFault as fault:
                yield f"{here}: {fault}"
                continue
            except ValueError as fault:
                yield f"{here}: {fault}: write digits and one star at the end, such as 6597*"
                continue
            if known in numbers:
                yield f"{here}: {text} stands in {numbers[known]} already: take one out"
            numbers.setdefault(known, here)


def _number(text: str, area: str) -> str:
    if text.endswith("*"):
        return prefix_key(text, area) + "*"
    number = Number.read(text, area)
    return number.area + number.local


def _reserves(file: CityFile, best: dict[str, list[int]]) -> Iterator[str]:
    names: dict[str, int] = {}
    lines = {Number.read(text, file.area) for text in _dialled(file)}
    for place, table in enumerate(file.reserves):
        where = f"reserves[{place}]"
        if table.name in names:
            yield f"{where}.name: {table.name} stands in reserves[{names[table.name]}] already: give it another"
        names.setdefault(table.name, place)
        able = sum(level >= table.level for level in best.get(table.skill, ()))
        if table.skill not in best:
            yield f"{where}.skill: {_no_skill(table.skill, best)}"
        elif not able:
            yield f"{where}.level: no agent has {table.skill} at {table.level}: write {max(best[table.skill])} or less"
        elif table.keep > able:
            yield f"{where}.keep: only {able} agents have {table.skill} at {table.level}: write {able} or less"
        yield from _reserved_lines(where, table, file, lines)


def _reserved_lines(where: str, table: ReserveTable, file: CityFile, lines: set[Number]) -> Iterator[str]:
    for item, text in enumerate(table.lines):
        try:
            known = Number.read(text, file.area) in lines
        except NumberFault as fault:
            yield f"{where}.lines[{item}]: {fault}"
            continue
        if not known:
            yield f"{where}.lines[{item}]: {text} is no line of the city: add it to lines or take it out"


def _dialled(file: CityFile) -> Iterator[str]:
    for text in (file.number, *(line.number for line in file.lines)):
        try:
            Number.read(text, file.area)
        except NumberFault:
            continue  # told elsewhere
        yield text


def _overflow(file: CityFile, best: dict[str, list[int]]) -> Iterator[str]:
    tables = {queue.name: queue for queue in file.queues}
    for place, queue in enumerate(file.queues):
        where = f"queues[{place}]"
        limited = queue.max_length is not None or queue.max_wait_seconds is not None
        if queue.then != "let_go" and not limited:
            yield f"{where}.then: the queue has no limit: write max_length or max_wait_seconds, or take it out"
        if (queue.then == "overflow") != (queue.overflow is not None):
            remedy = "write both, overflow = { queue = ..., skill = ... }, or none of the two"
            yield f'{where}.overflow: belongs to then = "overflow": {remedy}'
        if queue.overflow is None:
            continue
        if queue.overflow.queue not in tables:
            yield f"{where}.overflow.queue: {unknown_word('queue', queue.overflow.queue, list(tables))}"
        if queue.overflow.skill not in best:
            yield f"{where}.overflow.skill: {_no_skill(queue.overflow.skill, best)}"
        way, step = [queue.name], queue.overflow.queue
        while step in tables and step not in way:
            way.append(step)
            further = tables[step].overflow
            step = further.queue if further else ""
        if step == queue.name:
            shown = " to ".join([*way, step])
            yield f"{where}.overflow.queue: goes round in a circle, {shown}: let one of them let go"


def _only(file: CityFile, best: dict[str, list[int]]) -> Iterator[str]:
    """What a seat is kept for is a skill that somebody has, and what is asked is answered at some seat."""
    for place, row in enumerate(file.seats):
        for item, skill in enumerate(row.skills or ()):
            if skill not in best:
                yield f"seats[{place}].skills[{item}]: {_no_skill(skill, best)}"
    if any(row.skills is None for row in file.seats):
        return
    somewhere = {skill for row in file.seats for skill in row.skills or ()}
    asked = [("reception.skill", file.reception.skill)]
    asked += [(f"reception.keys[{place}].skill", key.skill) for place, key in enumerate(file.reception.keys)]
    asked += [(f"lines[{place}].skill", line.skill) for place, line in enumerate(file.lines) if line.skill]
    for where, skill in asked:
        if skill in best and skill not in somewhere:
            yield f"{where}: at no seat the skill {skill!r} counts: add it to skills of a row of seats"
