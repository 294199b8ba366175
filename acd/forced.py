"""What others impose on an agent: sign-off, break and readiness, by a supervisor or by the end of the shift; and what
waits for its moment.

The three verbs are for `acd.supervision` and for the facts of the same names; who may use them is decided there.
`settle` carries out what had to wait for a call to end, or for somebody else to come back from a break.
"""

from __future__ import annotations

from acd import breaks, desk, transfer
from acd.agents import ON_A_CALL, Activity, Agent, Leaving, Presence
from acd.calls import CallState
from acd.floor import end_rest, end_wrap_up, find_call, release, withdraw
from acd.messages import (
    BreakForced,
    DropLeg,
    DropSeat,
    HangUp,
    KeepInStep,
    ReadyForced,
    SignOffForced,
    TellSupervisors,
)
from acd.state import State


def sign_off(s: State, agent: Agent, by: str, *, after_call: bool = False) -> bool:
    """Sign the agent off: at once, or after the call and its wrap-up. ``True``: it waits for the call.

    At once during a talk: the caller goes back to the seats, at the place that the arrival gave; a call that the agent
    dialled ends.
    """
    before = agent.leaving
    if before is None or before.after_call:
        agent.leaving = Leaving(by, after_call)
    s.leaving.add(agent.agent)
    withdraw(s, agent)
    s.order(KeepInStep(agent.seat, member=False))
    release(s, agent.agent)
    waits = _must_wait(agent)
    if agent.activity in ON_A_CALL and not after_call:
        _take_away(s, agent)
        waits = True
    settle(s)
    return waits


def take_break(s: State, agent: Agent, by: str, reason: str) -> bool:
    """Send the agent into a break, whatever its limits. ``True``: it begins after the call."""
    if agent.presence is not Presence.ON_BREAK or agent.break_reason != reason:
        withdraw(s, agent)
        breaks.grant(s, agent, reason)
        s.order(TellSupervisors("break begins", agent.agent, agent.seat, f"sent into break {reason} by {by}"))
        release(s, agent.agent)
    return agent.activity in ON_A_CALL


def ready(s: State, agent: Agent, by: str) -> None:
    """End the agent's break, the wait for one, the rest or the wrap-up; an order to sign off after the call is taken back."""
    agent.leaving, agent.break_asked, agent.rang_out = None, None, 0
    s.leaving.discard(agent.agent)
    if agent.presence is Presence.ON_BREAK:
        breaks.end(s, agent)
        agent.since = s.now
    s.order(KeepInStep(agent.seat, member=True))
    if agent.activity is Activity.RESTING:
        end_rest(s, agent, f"made ready by {by}")
    elif agent.activity is Activity.WRAP_UP:
        end_wrap_up(s, agent)
    else:
        find_call(s, agent)
    settle(s)


# ── facts and deadlines ──────────────────────────────────────────────────────────────────────────────────────


def sign_off_forced(s: State, fact: SignOffForced) -> None:
    """Somebody signs another off."""
    if agent := s.agents.get(fact.agent):
        sign_off(s, agent, fact.by, after_call=fact.after_call)


def break_forced(s: State, fact: BreakForced) -> None:
    """Somebody sends another into a break."""
    agent = s.agents.get(fact.agent)
    if agent and fact.reason in s.setup.breaks:
        take_break(s, agent, fact.by, fact.reason)


def ready_forced(s: State, fact: ReadyForced) -> None:
    """Somebody makes another ready."""
    if agent := s.agents.get(fact.agent):
        ready(s, agent, fact.by)


def shift_over(s: State, agent: Agent) -> None:
    """The working hours of the agent have ended."""
    agent.shift_ends = None
    settings = s.setup.agents.get(agent.agent)
    sign_off(s, agent, "shift", after_call=settings is None or settings.shift_after_call)


def settle(s: State) -> None:
    """Sign off who is free to go, and give a break to who is next in turn. Called after every fact while somebody waits."""
    for name in sorted(s.leaving):
        agent = s.agents.get(name)
        if agent is None or agent.leaving is None:
            s.leaving.discard(name)
        elif not _must_wait(agent):
            s.leaving.discard(name)
            if agent.leaving.by != "self":
                why = f"signed off by {agent.leaving.by}"
                s.order(TellSupervisors("signed off", agent.agent, agent.seat, why))
            desk.leave(s, agent)
    while s.break_queue and (agent := breaks.next_in_turn(s)):
        assert agent.break_asked is not None
        s.break_queue.discard(agent.agent)
        withdraw(s, agent)
        breaks.grant(s, agent, agent.break_asked)
        release(s, agent.agent)
    s.break_queue = {
        name for name in s.break_queue if name in s.agents and s.agents[name].break_asked is not None
    }


def _must_wait(agent: Agent) -> bool:
    assert agent.leaving is not None
    return agent.activity in ON_A_CALL or (agent.leaving.after_call and agent.activity is Activity.WRAP_UP)


def _take_away(s: State, agent: Agent) -> None:
    """End what the agent does with a call; nobody who called in is lost."""
    call = s.calls.get(agent.call or "")
    if call is None:
        return
    call.because += (f"Agent {agent.agent} is signed off by {agent.leaving.by if agent.leaving else ''}.",)
    if call.direction == "out" and call.placed:
        s.order(HangUp(call.call))
        s.expect_end(call)
    elif call.agent != agent.agent:  # a third party of somebody else's call
        if call.transfer is not None:
            s.order(DropLeg(call.call, "third", call.transfer.channel))
    elif call.state is CallState.TALKING:
        if not transfer.send_back(s, call):  # it ends as if the seat had hung up
            s.order(DropSeat(call.call, agent.seat))
    elif call.transfer is not None:
        s.order(DropLeg(call.call, "seat", call.transfer.seat_channel))
    else:
        s.order(DropSeat(call.call, agent.seat))
