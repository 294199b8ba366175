"""What a caller hears while waiting: the position, the expected wait, the city's own words, the offer of a call-back.

Words never delay a seat: the router knows nothing of them, and on the wire an assignment cuts them short (`hotline.announcing`).
"""

from __future__ import annotations

from acd import callback, estimate, speaking
from acd.calls import Call, CallState
from acd.messages import Announce, AnnouncementOver, Millis
from acd.state import State

MINUTE = 60_000
MOST_AHEAD = 30
MOST_MINUTES = 15
"""beyond these the words are "more than": nobody plans by them, and they would be wrong most often"""


def due(s: State, call: Call) -> None:
    """It is time to say something; and when next."""
    assert call.waits is not None
    settings = s.queue(call.waits.queue).words
    call.words_at = s.now + settings.every_ms if settings.every_ms else None
    if call.words_at is not None:
        s.timers.set("words", call.call, call.words_at)
    if call.converses:
        return  # he hears something better
    call.asked_back = False
    said = list(settings.words)
    if settings.position:
        said += position_words(s.router.position(call.call))
    if settings.wait:
        said += wait_words(estimate.expected_wait(s, call))
    keys = callback.key_for(s, call)
    if keys:
        said += s.setup.callback.offer
    if key := speaking.key_for(s, call):
        said += s.setup.speech.waiting
        keys += key
    if said:
        s.order(Announce(call.call, tuple(said), keys))


def over(s: State, fact: AnnouncementOver) -> None:
    """The words have been heard, or ended by a key."""
    call = s.calls.get(fact.call)
    if call and call.state is CallState.QUEUED and not call.away and fact.key is not None:
        if fact.key == speaking.key_for(s, call):
            speaking.keyed(s, call)
        else:
            callback.keyed(s, call, fact.key)


def position_words(ahead: int) -> list[str]:
    """How many callers stand before this one, as prompts.

    >>> position_words(3)
    ['waiting-ahead', 'count/3', 'waiting-callers']
    """
    if ahead == 0:
        return ["waiting-next"]
    if ahead > MOST_AHEAD:
        return ["waiting-many"]
    return ["waiting-ahead", f"count/{ahead}", "waiting-callers"]


def wait_words(expected: Millis | None) -> list[str]:
    """The expected wait in whole minutes, rounded up, as prompts; nothing when nobody knows.

    >>> wait_words(61_000)
    ['waiting-about', 'count/2', 'waiting-minutes']
    """
    if expected is None:
        return []
    minutes = -(-expected // MINUTE)
    if minutes <= 1:
        return ["waiting-one-minute"]
    if minutes > MOST_MINUTES:
        return ["waiting-long"]
    return ["waiting-about", f"count/{minutes}", "waiting-minutes"]
