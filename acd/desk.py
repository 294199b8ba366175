"""What an agent asks for from the seat's phone: sign on and off, break, back, end of wrap-up. Each is answered in speech."""

from __future__ import annotations

from acd.agents import Activity, Agent, Presence
from acd.floor import end_wrap_up, find_call, idle, withdraw
from acd.messages import (
    BackAsked,
    BreakAsked,
    KeepInStep,
    SeatId,
    SignOffAsked,
    SignOnAsked,
    Tell,
    WrapUpEndAsked,
)
from acd.state import State, WrongPins

LOCK_AFTER = 5
"""wrong PINs in a row"""
LOCK_MS = 300_000

_ON_A_CALL = frozenset({Activity.RINGING, Activity.TALKING})


def _tell(s: State, desk: str | None, *prompts: str) -> None:
    if desk is not None:
        s.order(Tell(desk, prompts))


def sign_on(s: State, fact: SignOnAsked) -> None:
    """Sign the agent on at the seat. Whoever was on there, and wherever the agent was on before, is signed off."""
    refusal = _why_not(s, fact)
    if refusal is not None:
        _tell(s, fact.desk, refusal)
        return
    s.wrong_pins.pop(fact.agent, None)
    here = s.agent_at(fact.seat)
    if here and here.agent == fact.agent:
        _tell(s, fact.desk, "signed-on")
        return
    elsewhere = s.agents.get(fact.agent)
    for other in (here, elsewhere):
        if other:
            _leave(s, other)
    agent = Agent(fact.agent, fact.seat, since=s.now, reachable=fact.seat in s.reachable)
    if fact.seat in s.engaged:
        agent.activity = Activity.ENGAGED
    s.agents[agent.agent] = agent
    s.at_seat[agent.seat] = agent.agent
    s.router.set_agent(agent.agent, s.skills_of(agent.agent))
    s.order(KeepInStep(agent.seat, member=True))
    _tell(s, fact.desk, "signed-on")
    find_call(s, agent)


def _why_not(s: State, fact: SignOnAsked) -> str | None:
    if fact.seat not in s.setup.seats:
        return "seat-unknown"
    if fact.agent not in s.setup.agents:
        return "agent-unknown"
    tries = s.wrong_pins.get(fact.agent)
    if tries and tries.locked_until > s.now:
        return "agent-locked"
    if not fact.proven:
        tries = s.wrong_pins.setdefault(fact.agent, WrongPins())
        tries.count += 1
        if tries.count >= LOCK_AFTER:
            s.wrong_pins[fact.agent] = WrongPins(0, s.now + LOCK_MS)
        return "wrong-pin"
    here, elsewhere = s.agent_at(fact.seat), s.agents.get(fact.agent)
    if any(a and a.agent != fact.agent and a.activity in _ON_A_CALL for a in (here,)):
        return "seat-taken"
    if elsewhere and elsewhere.seat != fact.seat and elsewhere.activity in _ON_A_CALL:
        return "signed-on-elsewhere"
    return None


def _leave(s: State, agent: Agent) -> None:
    withdraw(s, agent)
    if agent.activity is Activity.WRAP_UP:
        agent.presence = (
            Presence.ON_BREAK
        )  # so that the end of the wrap-up finds no call for someone who leaves
        end_wrap_up(s, agent)
    s.timers.drop("rest", agent.agent)
    s.router.remove_agent(agent.agent)
    del s.agents[agent.agent]
    del s.at_seat[agent.seat]
    s.order(KeepInStep(agent.seat, member=False))


def sign_off(s: State, fact: SignOffAsked) -> None:
    """Sign the agent at the seat off. Not while a call is on."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.activity in _ON_A_CALL:
        _tell(s, fact.desk, "call-is-on")
        return
    _leave(s, agent)
    _tell(s, fact.desk, "signed-off")


def take_break(s: State, fact: BreakAsked) -> None:
    """No more calls from now on; one that is on is finished first."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if fact.reason not in s.setup.breaks:
        _tell(s, fact.desk, "reason-unknown")
        return
    agent.presence, agent.break_reason = Presence.ON_BREAK, fact.reason
    withdraw(s, agent)
    s.order(KeepInStep(agent.seat, member=False))
    _tell(s, fact.desk, "on-break")


def come_back(s: State, fact: BackAsked) -> None:
    """Ready again, after a break or a rest."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.presence is Presence.ON_BREAK:
        agent.presence, agent.break_reason = Presence.READY, None
        agent.since = s.now
        s.order(KeepInStep(agent.seat, member=True))
    _tell(s, fact.desk, "back")
    agent.rang_out = 0
    if agent.activity is Activity.RESTING:
        idle(s, agent, s.now)
    else:
        find_call(s, agent)


def wrap_up_done(s: State, fact: WrapUpEndAsked) -> None:
    """The work after the call is finished before its time."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.activity is not Activity.WRAP_UP:
        _tell(s, fact.desk, "no-wrap-up")
        return
    _tell(s, fact.desk, "wrap-up-ended")
    end_wrap_up(s, agent)


def _present(s: State, seat: SeatId, desk: str | None) -> Agent | None:
    agent = s.agent_at(seat)
    if agent is None:
        _tell(s, desk, "not-signed-on")
    return agent


def drop_vanished(s: State) -> None:
    """Sign off whom the configuration no longer has and who is on no call."""
    for number in sorted(s.vanished):
        agent = s.agents.get(number)
        if agent and agent.activity in _ON_A_CALL:
            continue
        s.vanished.discard(number)
        if agent:
            _leave(s, agent)
