"""Where a traced caller waits and who gets the call, step by step, as the engine itself would place it.

The engine's own rooms are asked (`acd.placing`), on a hall in which nobody is signed on and nobody waits: there is no second rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd import placing
from acd.calls import Call
from acd.messages import Millis
from acd.preferences import person_of, real, reserves_of
from acd.setup import Setup
from acd.state import State
from dialplans.decision import Decision, Need, Wait
from ivr.flow import Enqueue
from ivr.run import FlowRun

if TYPE_CHECKING:
    from hotline.city import City


def waiting(
    city: City, decision: Decision, wait: Wait, caller: str, at_ms: Millis
) -> tuple[list[str], list[dict[str, Any]]]:
    """The sentences, and the same steps as data for ``trace --json``."""
    setup = city.setup()
    call, asked = _placed(setup, decision, wait, caller, at_ms)
    told = [why for why in call.because if not why.startswith("Agent ")]
    steps = []
    for need in asked.needs:
        found = able(setup, need)
        told.append(_step(asked.queue, need, found, len(setup.agents)))
        document = {"after_s": need.after_ms / 1000, "skills": dict(real(need.skills)), "agents": found}
        steps.append({**document, "passes_over": list(reserves_of(need.skills))})
    if asked.priority:
        told.append(f"Priority {asked.priority}.")
    told += [_urgency(setup), _order(setup)]
    told += _memory(setup, decision)
    told += _limits(setup, decision, asked)
    return told, steps


def _placed(setup: Setup, decision: Decision, wait: Wait, caller: str, at_ms: Millis) -> tuple[Call, Enqueue]:
    state = State(setup)
    state.now = at_ms
    call = Call("trace", "", "", caller, at_ms, FlowRun(()), line=decision.number, urgent=decision.urgent)
    placing.arrives(state, call)
    return call, placing.wished(state, call, Enqueue(wait.queue, wait.needs, wait.priority))


def able(setup: Setup, need: Need) -> int:
    """How many people of the city have what a step asks."""
    return sum(
        all(agent.skills.get(skill, 0) >= level for skill, level in real(need.skills))
        for agent in setup.agents.values()
        if person_of(need.skills) in {None, agent.agent}
    )


def _step(queue: str, need: Need, able: int, employed: int) -> str:
    skills = " and ".join(f"{skill} at {level} or better" for skill, level in real(need.skills))
    after = f"After {need.after_ms / 1000:g} s also" if need.after_ms else f"Waits in queue {queue}"
    reserves = reserves_of(need.skills)
    kept = f", beyond those whom the reserve {' and '.join(reserves)} keeps" if reserves else ""
    return f"{after} for an agent with {skills or 'any skill'}{kept} ({able} of {employed})."


def _urgency(setup: Setup) -> str:
    waited = (
        f"{setup.ageing_ms / 1000:g} s of waiting count as one step"
        if setup.ageing_ms
        else "waiting adds nothing"
    )
    return f"Of all who wait, in whatever queue, the highest priority comes first ({waited}), then who came first."


def _order(setup: Setup) -> str:
    if setup.closest_fit:
        return "Of those who are free, who knows just enough comes first, then who is idle for longest."
    return "Of those who are free, who is idle for longest comes first."


def _memory(setup: Setup, decision: Decision) -> list[str]:
    """What depends on calls before this one."""
    if decision.urgent:
        return []
    wishes, told = setup.preferences, []
    if wishes.last_agent_ms:
        hours, wait_s = wishes.last_agent_ms / 3_600_000, wishes.last_agent_wait_ms / 1000
        told.append(
            f"Whoever talked to the caller within {hours:g} h is asked first, for {wait_s:g} s, if signed on."
        )
    if wishes.repeat_ms and wishes.repeat_priority:
        hours = wishes.repeat_ms / 3_600_000
        told.append(f"Priority {wishes.repeat_priority} more for a caller who called within {hours:g} h.")
    return told


def _limits(setup: Setup, decision: Decision, asked: Enqueue) -> list[str]:
    queue = setup.queues.get(asked.queue)
    if queue is None or decision.urgent:
        return []
    told = []
    if queue.overflow is not None and queue.then == "overflow":
        then = f"goes on to queue {queue.overflow.queue}"
    elif queue.then == "call back":
        then = "hears the notice and is called back"
    else:
        then = "hears the notice and is let go"
    if queue.max_length is not None:
        told.append(f"When {queue.max_length} wait in queue {queue.name}, the next caller {then}.")
    if queue.max_wait_ms is not None:
        told.append(f"Whoever has waited {queue.max_wait_ms / 1000:g} s {then}.")
    if setup.max_waiting is not None:
        told.append(
            f"When {setup.max_waiting} wait in all queues together, the next caller hears of the overload."
        )
    return told
