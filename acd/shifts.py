"""When a shift ends: the first closing of the agent's working hours that lies ahead."""

from __future__ import annotations

from datetime import timedelta

from acd.messages import Millis
from dialplans.hours import Hours, instant, local

MINUTE: Millis = 60_000
AHEAD = 8
"""days that are looked at: a holiday week may lie between"""


def shift_ends(hours: Hours, now: Millis) -> Millis | None:
    """The end of the shift that is on, or of the next; ``None``: none within a week. Two ranges that meet are one shift."""
    ranges = [*hours.weekly.values(), *(hours.special or {}).values()]
    minutes = sorted({end for day in ranges for _, end in day})
    today = local(now).date()
    for ahead in range(-1, AHEAD):
        day = instant(today + timedelta(days=ahead))
        for minute in minutes:
            at = day + minute * MINUTE
            if at > now and hours.open_at(at - MINUTE)[0] and not hours.open_at(at)[0]:
                return at
    return None
