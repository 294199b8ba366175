"""The seats at work: who is free, who is rung, who wraps up. The router decides, this module carries it out."""

from __future__ import annotations

from acd import breaks, estimate, memory, speaking, taping
from acd.agents import Activity, Agent
from acd.calls import Call, CallState
from acd.messages import (
    AgentAnswered,
    AgentHungUp,
    AgentId,
    AgentRangOut,
    CallRecord,
    DropSeat,
    HangUp,
    HoldMusic,
    Millis,
    RingAgent,
    RingForCallBack,
    SeatDisengaged,
    SeatEngaged,
    SeatId,
    SeatReachable,
    SeatUnreachable,
    TellSupervisors,
    WriteRecord,
)
from acd.placing import released
from acd.router import Assignment
from acd.state import State

BUSY_REST_MS = 5_000
"""a phone that says busy is on another call for a moment; the agent has done nothing wrong"""


def find_agent(s: State, call: Call) -> None:
    """Ring the best agent for a call, if it (still) waits and there is one."""
    if call.state is CallState.QUEUED and not s.blind and (found := s.router.agent_for(call.call)):
        _assign(s, found)


def find_call(s: State, agent: Agent) -> None:
    """Offer the agent, who has become free, the call that is next."""
    if agent.available and not agent.offered:
        s.router.agent_idle(agent.agent, agent.since)
        agent.offered = True
    if agent.offered and not s.blind and (found := s.router.call_for(agent.agent)):
        _assign(s, found)


def withdraw(s: State, agent: Agent) -> None:
    """Offer the agent no more calls."""
    if agent.offered:
        s.router.agent_gone(agent.agent)
        agent.offered = False


def match_all(s: State) -> None:
    """Give every waiting call an agent, as far as there are any, the most urgent first: after a gap in which nobody was rung."""
    for agent in s.agents.values():
        if agent.available and not agent.offered:
            s.router.agent_idle(agent.agent, agent.since)
            agent.offered = True
    if not s.blind:
        for found in s.router.match():
            _assign(s, found)


def _assign(s: State, found: Assignment) -> None:
    call, agent = s.calls[found.call], s.agents[found.agent]
    assert call.waits is not None
    s.leave(call)
    withdraw(s, agent)
    call.move(CallState.RINGING)
    agent.move(Activity.RINGING)
    call.agent, call.seat, agent.call = agent.agent, agent.seat, call.call
    call.rings += 1
    if call.rung is None:
        call.rung = s.now
    ring_ms = s.queue(call.waits.queue).ring_ms
    s.expect_word(call, ring_ms)
    seat = s.setup.seats.get(agent.seat)
    because = found.reason.at(s.now)
    if call.placed:
        outgoing = s.setup.outgoing
        shown = s.setup.callback.shown or outgoing.lines.get(call.line or "") or outgoing.shows
        s.order(
            RingForCallBack(
                call.call, agent.agent, agent.seat, call.caller, shown, ring_ms, call.shown, because
            )
        )
        return
    s.order(
        RingAgent(
            call=call.call,
            agent=agent.agent,
            seat=agent.seat,
            ring_ms=ring_ms,
            line=call.shown,
            auto_answer=seat is not None and seat.auto_answer,
            because=because,
        )
    )


def stop_ring(s: State, call: Call) -> None:
    """The ring is over, one way or another."""
    call.ring_until, call.dropped = None, False
    s.timers.drop("ring", call.call)


def agent_answered(s: State, fact: AgentAnswered) -> None:
    """The two are talking."""
    call, agent = s.calls.get(fact.call), s.agents.get(fact.agent)
    if not call or not agent or call.state is not CallState.RINGING or call.agent != fact.agent:
        return
    assert call.waits is not None
    stop_ring(s, call)
    s.waiting[call.waits.queue] -= 1
    call.move(CallState.TALKING)
    call.seat_holds = False
    if call.seat_answered is None:  # after a transfer another seat answers: the first one ended the wait
        call.seat_answered = s.now
    agent.move(Activity.TALKING)
    agent.rang_out, agent.last_caller = 0, call.caller
    memory.talked(s, call, agent.agent)
    taping.begin(s, call)


def agent_rang_out(s: State, fact: AgentRangOut) -> None:
    """The call goes back to its place at the head, the agent rests."""
    call, agent = s.calls.get(fact.call), s.agents.get(fact.agent)
    if not call or call.state is not CallState.RINGING or call.agent != fact.agent:
        return
    assert call.waits is not None
    back_to_queue(s, call)
    if not call.placed:
        s.order(HoldMusic(call.call, call.waits.queue, s.queue(call.waits.queue).music))
    if agent and agent.activity is Activity.RINGING:
        settings = s.queue(call.waits.queue)
        agent.call = None
        if fact.why == "busy":
            rest(s, agent, BUSY_REST_MS)
        else:
            agent.rang_out += 1
            if agent.rang_out >= settings.rests_after or fact.why != "noanswer":
                rest(s, agent, settings.rest_ms)
                agent.rest_told = True
                why = f"{agent.rang_out} in a row not taken, {fact.why} the last; back in {settings.rest_ms / 1000:g} s"
                s.order(TellSupervisors("rests", agent.agent, agent.seat, why))
            else:
                idle(s, agent, agent.since)
    find_agent(s, call)


def give_back(s: State, call: Call) -> None:
    """The ring is void through no fault of the agent's: both are where they were before it."""
    agent = s.agents.get(call.agent or "")
    back_to_queue(s, call)
    if agent and agent.call == call.call:
        idle(s, agent, agent.since)


def back_to_queue(s: State, call: Call) -> None:
    """Back among the waiting, at the place that its arrival gave it."""
    stop_ring(s, call)
    call.move(CallState.QUEUED)
    call.agent = call.seat = None
    s.stand(call)


def rest(s: State, agent: Agent, duration_ms: Millis) -> None:
    """Offer the agent nothing for a while."""
    agent.move(Activity.RESTING)
    agent.until = s.now + duration_ms
    s.timers.set("rest", agent.agent, agent.until)
    breaks.begin(s, agent)
    release(s, agent.agent)


def release(s: State, agent: AgentId) -> None:
    """The agent takes no calls for now: whoever waits for nobody else is offered to the others."""
    for call in released(s, agent):
        find_agent(s, call)


def end_rest(s: State, agent: Agent, why: str, *, offer: bool = True) -> None:
    """The rest is over, by its time or because the agent is there. ``offer``: the next call may come."""
    if agent.rest_told:
        s.order(TellSupervisors("back from rest", agent.agent, agent.seat, why))
    agent.rest_told = False
    s.timers.drop("rest", agent.agent)
    if offer:
        idle(s, agent, s.now)


def idle(s: State, agent: Agent, since: Millis) -> None:
    """Free again, with the place among the idle that ``since`` gives."""
    agent.move(Activity.IDLE)
    agent.since, agent.until, agent.call = since, None, None
    s.timers.drop("rest", agent.agent)
    s.timers.drop("wrap_up", agent.agent)
    agent.extended = 0
    if s.busy(agent.seat):
        agent.move(Activity.ENGAGED)
    breaks.begin(s, agent)
    find_call(s, agent)


def agent_hung_up(s: State, fact: AgentHungUp) -> None:
    """The seat hung up first; the caller's channel follows at once."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.TALKING and call.agent == fact.agent:
        call.move(CallState.LEFT)
        call.ended = s.now
        s.expect_end(call)
        begin_wrap_up(s, call)


def begin_wrap_up(s: State, call: Call) -> None:
    """The seat's work after the call begins."""
    agent = s.agents.get(call.agent or "")
    if agent and agent.call == call.call and agent.activity is Activity.TALKING:
        if call.direction == "out":
            left, call.wrap_left = call.wrap_left or 0, None  # it is that of the one who dialled
            write_down(s, agent, max(s.setup.outgoing.wrap_up_ms, left))
        else:
            wrap_up(s, agent, call.waits.queue if call.waits else "")


def wrap_up(s: State, agent: Agent, queue: str) -> None:
    """Whoever talked writes down what it was about, for as long as the queue's rule gives."""
    write_down(s, agent, s.queue(queue).wrap_up_ms)


def write_down(s: State, agent: Agent, duration_ms: Millis) -> None:
    """The agent is in wrap-up from now on, for so long."""
    agent.move(Activity.WRAP_UP)
    agent.until, agent.extended = s.now + duration_ms, 0
    s.timers.set("wrap_up", agent.agent, agent.until)


def end_wrap_up(s: State, agent: Agent) -> None:
    """The seat's work after the call has ended."""
    complete(s, agent)
    idle(s, agent, s.now)


def complete(s: State, agent: Agent) -> None:
    """The record of the call that the agent wraps up is complete."""
    call = s.wrapping.pop(agent.agent, None)
    if call is None and agent.call in s.calls:
        call = s.calls[agent.call]  # the caller's channel is still ending: it writes the record itself
        if call.agent == agent.agent:  # others may have had the call before, or be asked about it
            call.wrap_up_ended = s.now
    elif call is not None:
        call.wrap_up_ended = s.now
        if call.seat_answered is not None and call.direction == "in":
            estimate.learn(s, call, call.seat_answered)
        record(s, call, call.outcome or "answered")


def record(s: State, call: Call, disposition: str) -> None:
    """Write the record; it is kept until the database has it."""
    made = call.record(s.setup.city, disposition)
    s.just_over.append((call, made))
    write(s, made)


def write(s: State, made: CallRecord) -> None:
    """Have a record stored; one that was written before is replaced."""
    s.unstored[made.call] = made
    s.order(WriteRecord(made))


def close(s: State, call: Call, cause: int = 0, *, broken: bool = False) -> None:
    """The call is over. ``broken``: neither the caller nor anyone of ours ended it."""
    speaking.hung_up(s, call)
    disposition = call.disposition(broken)
    state = call.state
    if state is CallState.QUEUED:
        s.leave(call)
    if state in {CallState.QUEUED, CallState.RINGING} and call.waits:
        s.waiting[call.waits.queue] -= 1
    stop_ring(s, call)
    s.timers.drop("gone", call.call)
    taping.over(s, call)
    s.timers.drop("asking", call.call)
    call.cause = call.cause or cause
    call.ended = s.now if call.ended is None else call.ended
    s.load[call.trunk] -= 1
    s.release(call)
    if state is CallState.TALKING:
        begin_wrap_up(s, call)
    for seat in call.holds:
        s.held[seat] -= 1
    freed = call.holds
    call.move(CallState.CLOSED)
    s.take_off(call)
    agent = s.agents.get(call.agent or "")
    mine = agent is not None and agent.call == call.call
    if agent and mine and agent.activity is Activity.RINGING:
        call.agent = call.seat = None
        record(s, call, disposition)
        idle(s, agent, agent.since)
    elif agent and mine and agent.activity is Activity.DIALLING and not call.wrap_left:
        record(s, call, disposition)
        idle(s, agent, s.now)
    elif agent and mine and agent.activity in {Activity.WRAP_UP, Activity.DIALLING}:
        if agent.activity is Activity.DIALLING:  # back to the wrap-up in which the number was dialled
            call.outcome = disposition
            write_down(s, agent, call.wrap_left or 0)
        s.wrapping[agent.agent] = call
        if agent.until == s.now:
            end_wrap_up(s, agent)
    else:
        record(s, call, disposition)
    for seat in freed:
        _free(s, seat)


def ring_overdue(s: State, call: Call) -> None:
    """No word of a ring long after its time: first the seat's leg is dropped, then the call is given up."""
    assert call.agent is not None
    assert call.seat is not None
    if not call.dropped:
        call.dropped = True
        s.order(DropSeat(call.call, call.seat))
        s.expect_word(call, 0)
        return
    s.order(HangUp(call.call))
    close(s, call, broken=True)


def reachable(s: State, fact: SeatReachable) -> None:
    """The seat's phone can be rung."""
    s.reachable.add(fact.seat)
    if agent := s.agent_at(fact.seat):
        agent.reachable = True
        find_call(s, agent)


def unreachable(s: State, fact: SeatUnreachable) -> None:
    """The seat's phone can't be rung: it is offered nothing. A ring that is on fails by itself."""
    s.reachable.discard(fact.seat)
    if agent := s.agent_at(fact.seat):
        agent.reachable = False
        withdraw(s, agent)
        release(s, agent.agent)


def engaged(s: State, fact: SeatEngaged) -> None:
    """The phone is busy with a call of its own."""
    s.engaged.add(fact.seat)
    occupy(s, fact.seat)


def occupy(s: State, seat: SeatId) -> None:
    """The phone of the seat is busy: whoever is free there is offered nothing."""
    agent = s.agent_at(seat)
    if agent and agent.activity is Activity.IDLE:
        withdraw(s, agent)
        agent.move(Activity.ENGAGED)


def disengaged(s: State, fact: SeatDisengaged) -> None:
    """The phone's own call is over."""
    s.engaged.discard(fact.seat)
    _free(s, fact.seat)


def _free(s: State, seat: SeatId) -> None:
    agent = s.agent_at(seat)
    if agent and agent.activity is Activity.ENGAGED and not s.busy(seat):
        idle(s, agent, s.now)
