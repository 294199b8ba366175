"""The attempts to pass a caller to a far end, one after the other: when each began, whether it was answered, how it ended."""

from __future__ import annotations

import msgspec

Millis = int


class PassRecord(msgspec.Struct, frozen=True):
    """What remains of one attempt to pass the caller to a far end.

    Instants are ms since 1970: ``asked`` when it began to be rung, ``answered``, ``ended``. ``outcome``: ``answered``, or why not:
    ``noanswer``, ``busy``, ``congestion``, ``chanunavail``, ``no channel`` (by our own count of the trunk: it was not even
    asked), ``hung up`` (the caller, while it rang), ``broken`` (the switch or the engine went).
    """

    trunk: str
    number: str
    asked: Millis
    answered: Millis | None = None
    ended: Millis | None = None
    outcome: str | None = None


Passes = tuple[PassRecord, ...]
"""a call's attempts in their order; only the last can be on"""


_THERE = frozenset({"busy", "noanswer", "refused"})


def was_there(why: str) -> bool:
    """Had the line's own people the call, and did not take it? Then another carrier would ring the same people once more."""
    return why.lower() in _THERE


def asked(passes: Passes, trunk: str, number: str, now: Millis, outcome: str | None = None) -> Passes:
    """A far end begins to be rung; with ``outcome`` it could not even be. One that was still on is void by that."""
    ended = now if outcome is not None else None
    return (*over(passes, now, "broken"), PassRecord(trunk, number, now, None, ended, outcome))


def answered(passes: Passes, now: Millis) -> Passes:
    """The far end that is being rung has the caller."""
    return _last(passes, answered=now, outcome="answered") if _open(passes) else passes


def over(passes: Passes, now: Millis, why: str = "hung up") -> Passes:
    """The last one is over: ``why`` where it was not answered."""
    if _open(passes):
        return _last(passes, ended=now, outcome=why)
    if passes and passes[-1].ended is None:
        return _last(passes, ended=now)
    return passes


def _open(passes: Passes) -> bool:
    return bool(passes) and passes[-1].outcome is None


def _last(passes: Passes, **changed: Millis | str) -> Passes:
    return (*passes[:-1], msgspec.structs.replace(passes[-1], **changed))
