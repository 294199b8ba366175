"""What is remembered of callers: when they called, and who talked to them last.

Nothing at all unless the city asks for it (`Preferences.last_agent_ms`, `repeat_ms`), no longer than it asks for, and of no more
than ``CALLERS`` callers: the one who has been silent longest is forgotten first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from acd.messages import AgentId, Millis
from acd.preferences import caller_key

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.state import State

CALLERS = 20_000
"""so many callers are remembered; 120 bytes each in the snapshot, once they have called twice"""
ARRIVALS = 20
"""so many calls of one caller are counted"""


class Known(msgspec.Struct):
    """One caller. ``arrivals``: when the caller called; ``agent``: who talked to the caller last, and ``talked`` when that was."""

    caller: str
    arrivals: list[Millis] = []
    agent: AgentId | None = None
    talked: Millis = 0

    @property
    def heard_of(self) -> Millis:
        """When the caller was heard of last."""
        return max(self.talked, self.arrivals[-1] if self.arrivals else 0)


def key_of(s: State, call: Call) -> str:
    """Whose call it is; empty for a caller who doesn't show a number."""
    return caller_key(call.caller, s.setup.plan.area)


def arrives(s: State, call: Call) -> int:
    """A call has come: how many calls of the same caller came before it within the time that counts."""
    wishes = s.setup.preferences
    caller = key_of(s, call)
    if not wishes.repeat_ms or not caller:
        return 0
    known = _touch(s, caller)
    known.arrivals = [at for at in known.arrivals if at > s.now - wishes.repeat_ms][-ARRIVALS + 1 :]
    before = len(known.arrivals)
    known.arrivals.append(s.now)
    forget(s)
    return before


def talked(s: State, call: Call, agent: AgentId) -> None:
    """The caller of an incoming call talks to this agent."""
    caller = key_of(s, call)
    if s.setup.preferences.last_agent_ms and caller and call.direction == "in":
        known = _touch(s, caller)
        known.agent, known.talked = agent, s.now
        forget(s)


def last_agent(s: State, call: Call) -> AgentId | None:
    """Who talked to this caller last, as long as that is remembered."""
    wishes = s.setup.preferences
    known = s.callers.get(key_of(s, call)) if wishes.last_agent_ms else None
    if known is None or known.agent is None or known.talked <= s.now - wishes.last_agent_ms:
        return None
    return known.agent


def forget(s: State) -> None:
    """Forget who was not heard of for longer than anything counts, and who are too many."""
    wishes = s.setup.preferences
    horizon = s.now - max(wishes.last_agent_ms, wishes.repeat_ms)
    while s.callers:
        oldest = next(iter(s.callers.values()))
        if oldest.heard_of > horizon and len(s.callers) <= CALLERS:
            return
        del s.callers[oldest.caller]


def _touch(s: State, caller: str) -> Known:
    """The caller, who now stands last in the order of forgetting."""
    known = s.callers.pop(caller, None) or Known(caller)
    s.callers[caller] = known
    return known
