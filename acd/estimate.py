"""How long a caller will probably still wait.

A seat that works through its calls one after the other is done with one every *handling time* (talk and wrap-up), so *n* seats
together are done with one every handling time / *n*. A caller with *a* calls ahead is served when the *a* + 1st of
those ends comes:

    expected wait = (a + 1) x handling time / n

- *n*: people who are ready (not on a break), whose phone works, and who have what the call asks now.
- *a*: waiting calls with an earlier place, of any queue, that at least one of those *n* can take too, each counted by the share of
  the people able to take it who are among the *n*: half of it will be taken by others when half of its people can't take ours.
- Handling time: a mean per queue that forgets, each finished call weighing 1/20. It begins with 180 s (150 to 170 s of talk and
  20 to 40 s of wrap-up are what Chinese hotlines report).

What it cannot know: who hangs up before his turn (it errs to the long side), breaks that begin meanwhile, and steps of a need that
have not come yet. Its error on a simulated day stands in ``docs/planners.md`` and is held by ``tests/acd/test_estimate.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from acd.agents import Activity, Presence

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.messages import Millis
    from acd.state import State

FIRST_MS = 180_000
"""the handling time of a queue in which no call has been finished yet"""
WEIGHT = 1 / 20
_PAUSED = frozenset({Activity.ENGAGED, Activity.RESTING})


def expected_ms(ahead: float, handling_ms: float, seats: int) -> Millis | None:
    """The formula. ``None``: nobody is there, so nothing can be said.

    >>> expected_ms(5, 180_000, 12)
    90000
    """
    return round((ahead + 1) * handling_ms / seats) if seats > 0 else None


def learn(s: State, call: Call, began: Millis) -> None:
    """A seat is done with a call that it answered at ``began``."""
    if call.waits is not None and s.now >= began:
        queue = call.waits.queue
        mean = s.handling.get(queue, FIRST_MS)
        s.handling[queue] = round(mean + WEIGHT * (s.now - began - mean))


def expected_wait(s: State, call: Call) -> Millis | None:
    """How long this waiting call will probably wait from now on; ``None`` when nobody who can take it is there."""
    assert call.waits is not None
    ready = {
        agent.agent: s.skills_of(agent.agent)
        for agent in s.agents.values()
        if agent.presence is Presence.READY and agent.reachable and agent.activity not in _PAUSED
    }
    able: dict[tuple[tuple[str, int], ...], frozenset[str]] = {}

    def who(need: tuple[tuple[str, int], ...]) -> frozenset[str]:
        # an entry that is no skill (a wish for a person, a reserve) is dropped: it holds only for a while
        asked = tuple(pair for pair in need if pair[0][0] not in "@~")
        if asked not in able:
            able[asked] = frozenset(
                agent
                for agent, has in ready.items()
                if all(has.get(skill, 0) >= level for skill, level in asked)
            )
        return able[asked]

    mine = who(call.waits.needs[call.widened].skills)
    ahead = 0.0
    for name in s.router.before(call.call):
        other = s.calls[name]
        assert other.waits is not None
        theirs = who(other.waits.needs[other.widened].skills)
        if theirs:
            ahead += len(theirs & mine) / len(theirs)
    return expected_ms(ahead, s.handling.get(call.waits.queue, FIRST_MS), len(mine))
