"""Breaks and their limits: how long one may last, how much of it there is in a shift, how many may have it at once.

A break that is asked for during a call is granted then and begins after it. A *shift* lasts from a sign-on until
the agent has been signed off for ``SHIFT_GAP_MS``: moving to another seat does not give the minutes back.
"""

from __future__ import annotations

from acd.agents import ON_A_CALL, Agent, BreakBook, Presence
from acd.messages import KeepInStep, Millis, TellSupervisors
from acd.setup import BreakSetup
from acd.state import State

SHIFT_GAP_MS: Millis = 4 * 3_600_000
"""whoever was away for so long begins a new shift"""

_FREE = BreakSetup()


def rule(s: State, reason: str) -> BreakSetup:
    """The limits of the break with this digit."""
    return s.setup.break_rules.get(reason, _FREE)


def used(s: State, agent: Agent, reason: str) -> Millis:
    """How much of this break the agent has had in the shift, the one that is on included."""
    book = s.break_books.get(agent.agent)
    before = book.used.get(reason, 0) if book else 0
    on = agent.break_since if agent.break_reason == reason else None
    return before if on is None else before + s.now - on


def refusal(s: State, agent: Agent, reason: str) -> str | None:
    """Why the agent may not have this break now, as a prompt; ``None``: it may be had."""
    if reason not in s.setup.breaks:
        return "reason-unknown"
    if agent.presence is Presence.ON_BREAK and agent.break_reason == reason:
        return None
    limits = rule(s, reason)
    if limits.per_shift_ms is not None and used(s, agent, reason) >= limits.per_shift_ms:
        return "break-used-up"
    if _too_many(s, agent, reason, limits):
        return "break-queued" if limits.queued else "break-full"
    return None


def _too_many(s: State, agent: Agent, reason: str, limits: BreakSetup) -> bool:
    others = [
        other
        for other in s.agents.values()
        if other is not agent and other.presence is Presence.ON_BREAK and other.break_reason == reason
    ]
    if limits.at_once is not None and len(others) >= limits.at_once:
        return True
    if limits.at_once_group is None:
        return False
    team = _team(s, agent)
    return sum(_team(s, other) == team for other in others) >= limits.at_once_group


def _team(s: State, agent: Agent) -> str:
    settings = s.setup.agents.get(agent.agent)
    return settings.group if settings else ""


def grant(s: State, agent: Agent, reason: str) -> None:
    """The agent has this break from now on, or from the end of the call on. The agent must have been withdrawn from the router."""
    end(s, agent)
    agent.presence, agent.break_reason, agent.break_asked = Presence.ON_BREAK, reason, None
    s.order(KeepInStep(agent.seat, member=False))
    if agent.activity not in ON_A_CALL:
        begin(s, agent)


def begin(s: State, agent: Agent) -> None:
    """The break that was granted begins to count, if there is one and it has not."""
    if agent.presence is not Presence.ON_BREAK or agent.break_since is not None or agent.break_reason is None:
        return
    agent.break_since, agent.overran = s.now, False
    limits = rule(s, agent.break_reason)
    left = (
        None
        if limits.per_shift_ms is None
        else max(limits.per_shift_ms - used(s, agent, agent.break_reason), 0)
    )
    spans = [span for span in (limits.longest_ms, left) if span is not None]
    if spans:
        agent.break_until = s.now + min(spans)
        s.timers.set("break", agent.agent, agent.break_until)
        why = f"break {agent.break_reason} for {min(spans) / 60_000:g} min"
        s.order(TellSupervisors("break begins", agent.agent, agent.seat, why))


def end(s: State, agent: Agent) -> None:
    """The break is over, if one was on: what it took is counted, the next in turn gets it."""
    reason, since = agent.break_reason, agent.break_since
    limited = agent.break_until is not None
    if since is not None and reason is not None:
        book = s.break_books.setdefault(agent.agent, BreakBook({}))
        book.used[reason] = book.used.get(reason, 0) + s.now - since
    if limited and since is not None:
        why = f"break {reason} lasted {(s.now - since) / 60_000:.1f} min" + (
            ", too long" if agent.overran else ""
        )
        s.order(TellSupervisors("break ends", agent.agent, agent.seat, why))
    s.timers.drop("break", agent.agent)
    agent.break_since = agent.break_until = agent.break_reason = None
    agent.overran = False
    agent.presence = Presence.READY


def overrun(s: State, agent: Agent) -> None:
    """The break has lasted as long as it may: nobody is fetched, supervisors are told, once."""
    if agent.break_since is None or agent.overran:
        return
    agent.overran = True
    lasted = (s.now - agent.break_since) / 60_000
    why = f"break {agent.break_reason} has lasted {lasted:g} min and should be over"
    s.order(TellSupervisors("break overrun", agent.agent, agent.seat, why, alarm=True))


def next_in_turn(s: State) -> Agent | None:
    """Who waits for a break and may have it now; the first who asked."""
    waiting = [agent for agent in s.agents.values() if agent.break_asked is not None]
    for agent in sorted(waiting, key=lambda agent: (agent.asked_at, agent.agent)):
        assert agent.break_asked is not None
        if refusal(s, agent, agent.break_asked) is None:
            return agent
    return None


def signed_on(s: State, agent: Agent) -> None:
    """The shift goes on, or a new one begins."""
    book = s.break_books.get(agent.agent)
    if book is None:
        return
    if book.left is not None and s.now - book.left >= SHIFT_GAP_MS:
        del s.break_books[agent.agent]
    else:
        book.left = None


def signed_off(s: State, agent: Agent) -> None:
    """What was left of a break is counted; the book is kept until the next shift."""
    end(s, agent)
    if book := s.break_books.get(agent.agent):
        book.left = s.now
    for name in [
        name
        for name, old in s.break_books.items()
        if old.left is not None and s.now - old.left >= SHIFT_GAP_MS
    ]:
        del s.break_books[name]
