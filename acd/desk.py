"""What an agent asks for from the seat's phone: sign on and off, break, back, end of wrap-up. Each is answered in speech."""

from __future__ import annotations

from acd import breaks, shifts
from acd.agents import ON_A_CALL, Activity, Agent, Leaving, Presence
from acd.floor import end_rest, end_wrap_up, find_call, release, withdraw
from acd.messages import (
    BackAsked,
    BreakAsked,
    KeepInStep,
    SeatId,
    SignOffAsked,
    SignOnAsked,
    Tell,
    TellSupervisors,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)
from acd.state import State, WrongPins

LOCK_AFTER = 5
"""wrong PINs in a row"""
LOCK_MS = 300_000


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
        _tell(s, fact.desk, "resting" if here.activity is Activity.RESTING else "signed-on")
        return
    elsewhere = s.agents.get(fact.agent)
    for other in (here, elsewhere):
        if other:
            leave(s, other)
    agent = Agent(fact.agent, fact.seat, since=s.now, reachable=fact.seat in s.reachable)
    if s.busy(fact.seat):
        agent.activity = Activity.ENGAGED
    s.agents[agent.agent] = agent
    s.at_seat[agent.seat] = agent.agent
    s.router.set_agent(agent.agent, s.skills_of(agent.agent))
    breaks.signed_on(s, agent)
    set_shift(s, agent)
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
    if _nothing_counts(s, fact):
        return "seat-other-line"
    here, elsewhere = s.agent_at(fact.seat), s.agents.get(fact.agent)
    if any(a and a.agent != fact.agent and a.activity in ON_A_CALL for a in (here,)):
        return "seat-taken"
    if elsewhere and elsewhere.seat != fact.seat and elsewhere.activity in ON_A_CALL:
        return "signed-on-elsewhere"
    return None


def _nothing_counts(s: State, fact: SignOnAsked) -> bool:
    """The seat is kept for a line of which the agent knows nothing: no call would ever come."""
    only, has = s.setup.seats[fact.seat].skills, s.setup.agents[fact.agent].skills
    return only is not None and bool(has) and not only.intersection(has)


def set_shift(s: State, agent: Agent) -> None:
    """When the agent's shift ends; set at the sign-on, and anew under a new configuration."""
    settings = s.setup.agents.get(agent.agent)
    agent.shift_ends = shifts.shift_ends(settings.shift, s.now) if settings and settings.shift else None
    if agent.shift_ends is None:
        s.timers.drop("shift", agent.agent)
    else:
        s.timers.set("shift", agent.agent, agent.shift_ends)


def leave(s: State, agent: Agent) -> None:
    """The agent is signed off. Nobody who is on a call may be."""
    withdraw(s, agent)
    breaks.signed_off(s, agent)
    agent.leaving = agent.leaving or Leaving(
        "self", after_call=False
    )  # the end of the wrap-up finds no call for who leaves
    if agent.activity is Activity.WRAP_UP:
        end_wrap_up(s, agent)
    for kind in ("rest", "shift"):
        s.timers.drop(kind, agent.agent)
    s.router.remove_agent(agent.agent)
    del s.agents[agent.agent]
    del s.at_seat[agent.seat]
    s.order(KeepInStep(agent.seat, member=False))
    release(s, agent.agent)


def sign_off(s: State, fact: SignOffAsked) -> None:
    """Sign the agent at the seat off; while a call is on, after it and its wrap-up."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.activity in ON_A_CALL:
        agent.leaving = agent.leaving or Leaving("self", after_call=True)
        s.leaving.add(agent.agent)
        s.order(KeepInStep(agent.seat, member=False))
        _tell(s, fact.desk, "signed-off-after-call")
        release(s, agent.agent)
        return
    leave(s, agent)
    _tell(s, fact.desk, "signed-off")


def take_break(s: State, fact: BreakAsked) -> None:
    """No more calls from now on, if the break's limits allow it; one that is on is finished first."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    granted = "on-break-after-call" if agent.activity in ON_A_CALL else "on-break"
    if agent.presence is Presence.ON_BREAK and agent.break_reason == fact.reason:
        _tell(s, fact.desk, granted)
        return
    why_not = breaks.refusal(s, agent, fact.reason)
    if why_not == "break-queued":
        if agent.break_asked != fact.reason:
            agent.break_asked, agent.asked_at = fact.reason, s.now
        s.break_queue.add(agent.agent)
        s.order(TellSupervisors("waits for a break", agent.agent, agent.seat, f"break {fact.reason}"))
    if why_not is not None:
        _tell(s, fact.desk, why_not)
        return
    withdraw(s, agent)
    breaks.grant(s, agent, fact.reason)
    _tell(s, fact.desk, granted)
    release(s, agent.agent)


def come_back(s: State, fact: BackAsked) -> None:
    """Ready again, after a break or a rest; a wish for a break or for the sign-off after the call is taken back."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    own_wish = agent.leaving is not None and agent.leaving.by == "self"
    away = agent.presence is Presence.ON_BREAK
    was_back = not (
        away or own_wish or agent.break_asked or agent.rang_out or agent.activity is Activity.RESTING
    )
    agent.rang_out, agent.break_asked = 0, None
    if own_wish:
        agent.leaving = None
    if away:
        breaks.end(s, agent)
        agent.since = s.now
    if (away or own_wish) and agent.leaving is None:
        s.order(KeepInStep(agent.seat, member=True))
    _tell(s, fact.desk, "not-on-break" if was_back else "back")
    if agent.activity is Activity.RESTING:
        end_rest(s, agent, "the agent is back")
    else:
        find_call(s, agent)


def wrap_up_done(s: State, fact: WrapUpEndAsked) -> None:
    """The work after the call is finished before its time."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.activity is not Activity.WRAP_UP:
        _tell(s, fact.desk, "resting" if agent.activity is Activity.RESTING else "no-wrap-up")
        return
    _tell(s, fact.desk, "wrap-up-ended")
    end_wrap_up(s, agent)


def extend_wrap_up(s: State, fact: WrapUpExtendAsked) -> None:
    """More time for the work after the call, as often as the queue's rule allows."""
    agent = _present(s, fact.seat, fact.desk)
    if agent is None:
        return
    if agent.activity is not Activity.WRAP_UP or agent.until is None:
        _tell(s, fact.desk, "resting" if agent.activity is Activity.RESTING else "no-wrap-up")
        return
    call = s.wrapping.get(agent.agent) or s.calls.get(agent.call or "")
    rule = s.queue(call.waits.queue if call and call.waits else "")
    if agent.extended >= rule.wrap_up_extensions:
        _tell(s, fact.desk, "wrap-up-no-more")
        return
    agent.extended += 1
    agent.until += rule.wrap_up_extend_ms
    s.timers.set("wrap_up", agent.agent, agent.until)
    _tell(s, fact.desk, "wrap-up-extended")


def _present(s: State, seat: SeatId, desk: str | None) -> Agent | None:
    agent = s.agent_at(seat)
    if agent is None:
        _tell(s, desk, "not-signed-on")
    return agent


def drop_vanished(s: State) -> None:
    """Sign off whom the configuration no longer has and who is on no call."""
    for number in sorted(s.vanished):
        agent = s.agents.get(number)
        if agent and agent.activity in ON_A_CALL:
            continue
        s.vanished.discard(number)
        if agent:
            leave(s, agent)
