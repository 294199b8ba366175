"""Where a call waits and what it asks: the caller's preferences, the reserves, the limits of the queues, overload.

What comes out is one `Enqueue`, whose needs the kernel decides on; nothing is decided here about who gets whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from acd import memory
from acd.agents import Activity, Presence
from acd.messages import AgentId, Millis
from acd.preferences import Wish, asking_also, beyond, person, person_of
from acd.setup import QueueSetup
from dialplans.decision import Need
from ivr.flow import Enqueue

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.state import State

PRIORITY_MOST = 65_535
"""the kernel's limit"""
RUSH = 10
"""a caller who called so often within the time that counts is no longer preferred for calling again"""
_DAY_MS = 86_400_000
_SHANGHAI_MS = 8 * 3_600_000


class Refusals(msgspec.Struct):
    """How many callers were turned away today (a day of Shanghai's, counted from 1970), by the reason."""

    day: int = 0
    counts: dict[str, int] = {}

    def count(self, why: str, now: Millis) -> None:
        """One more."""
        day = day_of(now)
        if day != self.day:
            self.day, self.counts = day, {}
        self.counts[why] = self.counts.get(why, 0) + 1

    def of_day(self, now: Millis) -> dict[str, int]:
        """The counts of this day: ``overload``, ``full NAME``, ``waited NAME`` for a queue's limits, ``trunk NAME``, ``barred``."""
        return dict(self.counts) if day_of(now) == self.day else {}


def day_of(now: Millis) -> int:
    """The day in Shanghai, in days since 1970."""
    return (now + _SHANGHAI_MS) // _DAY_MS


class NoRoom(NamedTuple):
    """There is no place for a call: what is said. ``why`` names the counter."""

    why: str
    notice: tuple[str, ...]


# ── arrival ──────────────────────────────────────────────────────────────────────────────────────────────────


def arrives(s: State, call: Call) -> None:
    """A call has come: is the caller on a list, or one who called before?"""
    call.earlier = memory.arrives(s, call)
    marks = []
    listed = s.setup.preferences.list_of(memory.key_of(s, call))
    if listed is not None:
        call.because += (f"The caller is on the list {listed.name} ({listed.title}).",)
        marks.append(listed.title)
    if call.earlier:
        hours = s.setup.preferences.repeat_ms / 3_600_000
        call.because += (f"The caller has called {_times(call.earlier)} within {hours:g} h before this.",)
        marks.append(f"第{call.earlier + 1}次来电")
    call.mark = "-".join(marks)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


# ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────


def wished(s: State, call: Call, step: Enqueue) -> Enqueue:
    """The place that a call asks for, with what its caller is to have besides. An urgent call asks for nothing but its need."""
    if call.urgent:
        return step
    wishes: list[Wish] = []
    preferences, priority, queue = s.setup.preferences, step.priority, step.queue
    listed = preferences.list_of(memory.key_of(s, call))
    if listed is not None:
        priority += listed.priority
        own = s.setup.plan.own.wait.queue
        if listed.queue and queue == own and listed.queue in s.setup.queues:
            queue = listed.queue
        if listed.prefer:
            wishes.append(Wish(listed.prefer, listed.prefer_ms))
            told = f"An agent with {listed.prefer} is asked first, for {listed.prefer_ms / 1000:g} s."
            call.because += (told,)
    if 0 < call.earlier < RUSH and preferences.repeat_priority:
        priority += preferences.repeat_priority
        call.because += (f"Priority {preferences.repeat_priority} more: the caller calls again.",)
    last = memory.last_agent(s, call)
    if last is not None and (why_not := _not_at_hand(s, last, step)):
        call.because += (f"Agent {last} talked to the caller last, and {why_not}.",)
    elif last is not None:
        wishes.append(Wish(person(last), preferences.last_agent_wait_ms))
        wait_s = preferences.last_agent_wait_ms / 1000
        call.because += (f"Agent {last} talked to the caller last: asked first, for {wait_s:g} s.",)
    return Enqueue(queue, reserved(s, call, asking_also(step.needs, wishes)), min(priority, PRIORITY_MOST))


def reserved(s: State, call: Call, needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """The needs of a call that takes nobody whom a reserve keeps for others, until its time is over."""
    return asking_also(
        needs,
        [
            Wish(beyond(reserve.name), reserve.after_ms)
            for reserve in s.setup.reserves
            if reserve.keep > 0 and not reserve.is_for(call.line, needs)
        ],
    )


def _not_at_hand(s: State, name: str, step: Enqueue) -> str | None:
    """Why a caller's last agent can't be waited for."""
    agent = s.agents.get(name)
    if agent is None:
        return "is not signed on"
    if agent.presence is not Presence.READY or agent.activity in {Activity.RESTING, Activity.ENGAGED}:
        return "takes no calls now"
    if not agent.reachable:
        return "can't be reached"
    skills = s.skills_of(name)
    if not any(all(skills.get(skill, 0) >= level for skill, level in need.skills) for need in step.needs):
        return "has not what this call asks"
    return None


# ── room ─────────────────────────────────────────────────────────────────────────────────────────────────────


def overloaded(s: State) -> str | None:
    """Why nobody else may wait: too many wait in all, or every queue is full."""
    most = s.setup.max_waiting
    waiting = sum(s.waiting.values())
    if most is not None and waiting >= most:
        return f"{waiting} wait in all, and {most} may"
    queues = s.setup.queues.values()
    if queues and all(_is_full(s, queue) for queue in queues):
        return "every queue is full"
    return None


def _is_full(s: State, queue: QueueSetup) -> bool:
    return queue.max_length is not None and s.waiting[queue.name] >= queue.max_length


def room_for(s: State, call: Call, step: Enqueue) -> Enqueue | NoRoom:
    """Where the call may wait: the queue that was asked, or the one to which that overflows.

    Says in the call's ``because`` what was found. An urgent call always finds room.
    """
    if call.urgent:
        return step
    if (why := overloaded(s)) is not None:
        call.because += (f"Overload: {why}.",)
        return NoRoom("overload", s.setup.overload_notice or s.queue(step.queue).full_notice)
    return _or_overflow(s, call, step, s.queue(step.queue), "full")


def room_after(s: State, call: Call) -> Enqueue | NoRoom:
    """Where a call goes whose time in its queue is over."""
    assert call.waits is not None
    settings = s.queue(call.waits.queue)
    call.because += (f"The longest wait of queue {settings.name} is over.",)
    return _or_overflow(s, call, call.waits, settings, "waited")


def _or_overflow(s: State, call: Call, step: Enqueue, first: QueueSetup, why: str) -> Enqueue | NoRoom:
    """This place, or, where it is full or the call's time there is over, the next one that has room. No queue is asked twice."""
    settings, over = first, why == "waited"
    while over or _is_full(s, settings):
        if not over:
            call.because += (f"Queue {settings.name} is full ({settings.max_length} waiting).",)
        over = False
        call.overflowed = (*call.overflowed, settings.name)
        to = settings.overflow if settings.then == "overflow" else None
        if to is None or to.queue in call.overflowed:
            return NoRoom(f"{why} {first.name}", first.full_notice)
        call.because += (f"Queue {settings.name} overflows to queue {to.queue}.",)
        step = Enqueue(to.queue, reserved(s, call, to.needs), step.priority)
        settings = s.queue(to.queue)
    return step


# ── while it waits ───────────────────────────────────────────────────────────────────────────────────────────


def skip_hopeless(s: State, call: Call) -> None:
    """Nobody who is signed on has what the step in force asks: go to the first step that somebody can serve, if any."""
    assert call.waits is not None
    needs = call.waits.needs
    for i in range(call.widened, len(needs)):
        if s.router.qualified(needs[i].skills):
            call.widened = i
            return


def released(s: State, agent: AgentId) -> list[Call]:
    """The agent takes no calls for now: whoever waits for nobody else asks the others from now on.

    Returns these calls; an agent is yet to be found for them.
    """
    calls = [s.calls[name] for name in s.router.calls_for_alone(agent)]
    for call in calls:
        assert call.waits is not None
        s.leave(call)
        needs = call.waits.needs
        while person_of(needs[call.widened].skills) == agent and call.widened + 1 < len(needs):
            call.widened += 1
        skip_hopeless(s, call)
        s.stand(call)
    return calls
