"""Why does this call wait? Told from the engine's state, for supervisors; nothing is decided or changed here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from acd.agents import Activity, Agent, Presence
from acd.calls import Call, CallState
from acd.messages import CallId, Millis
from acd.preferences import person_of, real, reserves_of
from dialplans.decision import Need

if TYPE_CHECKING:
    from acd.state import State

_STATES = {
    CallState.OFFERED: "It has only just been offered by the carrier.",
    CallState.IN_FLOW: "It does not wait: the caller hears a notice, a greeting or a menu.",
    CallState.RINGING: "It does not wait: a seat's phone is being rung for it.",
    CallState.PASSING: "It does not wait: a far end is being rung for it.",
    CallState.PASSED: "It does not wait: a far end has taken it.",
}
_ACTIVITIES = {
    Activity.IDLE: "idle",
    Activity.RINGING: "being rung for another call",
    Activity.TALKING: "talking",
    Activity.WRAP_UP: "in wrap-up",
    Activity.RESTING: "resting after calls that rang out",
    Activity.ENGAGED: "on a call of their own",
}


def why_waiting(state: State, call: CallId, now: Millis) -> list[str]:
    """Why the call waits at ``now`` (ms since 1970): its place, whom it asks for, what these do, and what changes when.

    A call that is not in the engine's hands, or doesn't wait, is told so in one sentence. O(calls + agents).
    """
    found = state.calls.get(call)
    if found is None:
        return [f"Call {call} is not in progress."]
    if found.state is not CallState.QUEUED:
        talks = "It does not wait: somebody talks with the caller, or has just done so."
        return [f"Call {call}: {found.state.value}. {_STATES.get(found.state, talks)}"]
    assert found.waits is not None
    assert found.queued is not None
    waited = max(0, now - found.queued)
    told = [
        f"Call {call} has waited {_s(waited)} in queue {found.waits.queue}, priority {found.waits.priority}."
    ]
    told += found.because
    if found.away:
        return [
            *told,
            "The switch's fallback holds the caller: no seat is rung until the engine has him back.",
        ]
    if state.blind:
        told.append("Nobody is rung: the switch has not yet said what it has.")
    told.append(_before(state, found))
    told += _asked(state, found)
    told += _coming(state, found, now)
    return told


def _before(s: State, call: Call) -> str:
    """Its place in the one order over all queues, among those who ask for somebody whom this call asks for too."""
    urgency = [other for other in s.calls.values() if other.state is CallState.QUEUED and not other.away]
    ahead = [other for other in urgency if s.router.stands_before(other.call, call.call)]
    assert call.waits is not None
    queue = call.waits.queue
    same = sum(other.waits is not None and other.waits.queue == queue for other in ahead)
    if not ahead:
        return f"It is the most urgent of all {len(urgency)} that wait."
    return f"Of the {len(urgency)} that wait {len(ahead)} are more urgent or came before it, {same} in its own queue."


def _asked(s: State, call: Call) -> list[str]:
    """Whom it asks for now, and what each of these does."""
    assert call.waits is not None
    need = call.waits.needs[call.widened].skills
    told = [f"It asks for {describe(Need(need))}."]
    person, asked = person_of(need), real(need)
    able = [
        agent
        for agent in s.agents.values()
        if person in {None, agent.agent}
        and all(s.skills_of(agent.agent).get(skill, 0) >= level for skill, level in asked)
    ]
    if not able:
        employed = sum(
            all(setup.skills.get(skill, 0) >= level for skill, level in asked)
            for setup in s.setup.agents.values()
        )
        return [*told, f"Nobody who is signed on has that; of those employed {employed} have it."]
    doing = Counter(_doing(s, agent, need) for agent in able)
    told.append(
        f"{len(able)} signed on have that: "
        + ", ".join(f"{count} {what}" for what, count in sorted(doing.items()))
        + "."
    )
    return told


def _doing(s: State, agent: Agent, need: tuple[tuple[str, int], ...]) -> str:
    if agent.presence is Presence.ON_BREAK:
        reason = s.setup.breaks.get(agent.break_reason or "", "")
        return f"on a break ({reason})" if reason else "on a break"
    if agent.activity is Activity.IDLE and not agent.reachable:
        return "whose phone can't be reached"
    if agent.offered:
        keeps = [reserve for reserve in reserves_of(need) if reserve in s.router.kept_by(agent.agent)]
        if keeps:
            return f"kept free by the reserve {keeps[0]}"
    return _ACTIVITIES.get(agent.activity, str(agent.activity))


def _coming(s: State, call: Call, now: Millis) -> list[str]:
    """What its waiting itself will change."""
    assert call.waits is not None
    assert call.queued is not None
    told = []
    steps = call.waits.needs[call.widened + 1 :]
    if steps:
        due = max(0, call.queued + steps[0].after_ms - now)
        told.append(f"In {_s(due)} it asks for {describe(steps[0])}.")
    limit = s.queue(call.waits.queue).max_wait_ms
    if limit is not None and not call.urgent and call.seat_answered is None:
        since = call.queued if call.moved is None else call.moved
        told.append(f"In {_s(max(0, since + limit - now))} its time in queue {call.waits.queue} is over.")
    return told


def describe(need: Need) -> str:
    """``an agent with tax at 3 or better and 12345 at 1 or better, agent 1001 alone, beyond those whom the reserve law keeps``."""
    asked = " and ".join(f"{skill} at {level} or better" for skill, level in real(need.skills))
    told = f"an agent with {asked or 'any skill'}"
    if (person := person_of(need.skills)) is not None:
        told += f", agent {person} alone"
    reserves = reserves_of(need.skills)
    if reserves:
        told += f", beyond those whom the reserve {' and '.join(reserves)} keeps"
    return told


def _s(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.0f} s"
