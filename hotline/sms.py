"""An SMS on its way: its states and their moves, whom it may go to, how many parts it has, and when it may be sent.

Pure: `hotline.sms_outbox` keeps what is decided here, `hotline.sms_worker` carries it out.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from acd.messages import Millis
from dialplans.hours import SHANGHAI

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ALONE, IN_PARTS = 70, 67
"""UTF-16 units of an SMS alone, and of one part of several: six bytes tell which part it is (3GPP TS 23.040)"""
OPT_OUT_WORDS = frozenset({"TD", "T", "R", "N", "退订", "拒收", "取消订阅", "STOP"})
"""replies by which a number is never written to again, as carriers in China teach their customers"""

_MOBILE = re.compile(r"(?:\+86|0086|86|0)?(1[3-9][0-9]{9})")
_IDS = uuid.UUID("2f0b6c1e-9d3a-4e57-8c55-12345b1e0a01")


class State(StrEnum):
    """Where an SMS is. ``SENT``: the provider has taken it; ``REFUSED``: it is not to be sent, and never will be."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"


MOVES: dict[State, frozenset[State]] = {
    # not to itself; a report may tell of an earlier try whose answer was lost
    State.QUEUED: frozenset(State) - {State.QUEUED},
    # to itself: taken up again after a crash; a report may come before the answer
    State.SENDING: frozenset(State),
    State.SENT: frozenset({State.DELIVERED, State.FAILED, State.EXPIRED}),
    State.DELIVERED: frozenset(),
    # by an engineer's retry; the others: the provider had it after all, and tells so late
    State.FAILED: frozenset({State.QUEUED, State.SENT, State.DELIVERED}),
    State.REFUSED: frozenset({State.SENT, State.DELIVERED}),
    State.EXPIRED: frozenset({State.SENT, State.DELIVERED}),
}
"""which state may follow which"""


def before(state: State) -> list[State]:
    """The states from which an SMS may come to this one."""
    return [one for one, after in MOVES.items() if state in after]


class SendSms(msgspec.Struct, frozen=True, tag=True):
    """Somebody wants this text sent. The same ``key`` is sent once, however often it is asked for; without one each
    asking is an SMS of its own. ``urgent``: at any hour, since the caller waits for it."""

    number: str
    text: str
    key: str = ""
    call: str = ""
    urgent: bool = True


class Message(msgspec.Struct, frozen=True):
    """One SMS as the database has it: all instants in ms since 1970."""

    city: str
    id: str
    call: str
    number: str
    text: str
    urgent: bool
    state: State
    reason: str
    parts: int
    created: Millis
    expires: Millis
    due: Millis
    """nobody looks at it earlier: its time to be sent, to be tried again, or to be given up on by whoever sends it"""
    tries: int
    tried: Millis | None
    """when it was tried first: what the limits for its number count"""
    changed: Millis
    provider_id: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a city allows. Times in ms; ``quiet``: minutes of the day in China from which to which nothing that is not
    urgent is sent, over midnight where the first is later."""

    per_hour: int = 5
    per_day: int = 10
    per_second: float = 10.0
    expires_ms: Millis = HOUR_MS
    tries: int = 12
    back_off_ms: tuple[Millis, Millis] = (2_000, 300_000)
    quiet: tuple[int, int] | None = None
    parts: int = 5
    signed_as: str = ""


def message_id(city: str, key: str) -> str:
    """The id under which an SMS with this key is known, to us and to the provider: always the same."""
    return str(uuid.uuid5(_IDS, f"{city}\n{key}"))


def mobile(number: str) -> str | None:
    """The eleven digits of a mobile number in China, however it was written; ``None`` for every other number."""
    found = _MOBILE.fullmatch(re.sub(r"[\s\-]", "", number))
    return found[1] if found else None


def parts(text: str) -> int:
    """How many SMS a phone network makes of it: one of up to 70 characters, or parts of 67. A character that takes two
    UTF-16 units (a rare hanzi, an emoji) is never cut."""
    units = [2 if ord(char) > 0xFFFF else 1 for char in text]
    if sum(units) <= ALONE:
        return 1
    count, used = 1, 0
    for unit in units:
        if used + unit > IN_PARTS:
            count, used = count + 1, 0
        used += unit
    return count


def is_opt_out(reply: str) -> bool:
    """Does the owner of a number want no more? Wide letters and marks beside the word do not matter."""
    plain = unicodedata.normalize("NFKC", reply)
    return "".join(char for char in plain if char.isalnum()).upper() in OPT_OUT_WORDS


def accept(city: str, asked: SendSms, id_: str, policy: Policy, *, opted_out: bool, now: Millis) -> Message:
    """The SMS as it enters the outbox: queued, or refused with its reason."""
    text = "".join(char for char in asked.text if char == "\n" or char.isprintable()).strip()
    text = f"【{policy.signed_as}】{text}" if policy.signed_as and text else text
    number, count = mobile(asked.number), parts(text)
    reason = ""
    if number is None:
        reason = "no mobile number of China: an SMS does not reach it"
    elif not text:
        reason = "there is no text"
    elif count > policy.parts:
        reason = f"the text is {count} SMS long: {policy.parts} are allowed"
    elif opted_out:
        reason = "the number has opted out"
    due = now if asked.urgent else after_quiet(now, policy.quiet)
    return Message(
        city=city, id=id_, call=asked.call, number=number or asked.number[:64], text=text, urgent=asked.urgent,
        state=State.REFUSED if reason else State.QUEUED, reason=reason, parts=count, created=now,
        expires=due + policy.expires_ms, due=due, tries=0, tried=None, changed=now, provider_id=None,
    )  # fmt: skip


def after_quiet(now: Millis, quiet: tuple[int, int] | None) -> Millis:
    """``now``, or the end of the quiet hours in which it lies."""
    if quiet is None or quiet[0] == quiet[1]:
        return now
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(SHANGHAI)
    minute = local.hour * 60 + local.minute
    first, end = quiet
    within = first <= minute < end if first < end else minute >= first or minute < end
    if not within:
        return now
    morning = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=end)
    if morning <= local:
        morning += timedelta(days=1)
    return int(morning.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an SMS that is due: its next state; ``due``: when it is looked at again."""

    state: State
    due: Millis = 0
    reason: str = ""


def verdict(
    message: Message, earlier: Sequence[Millis], policy: Policy, *, opted_out: bool, now: Millis
) -> Verdict:
    """Send it now (``SENDING``), wait (``QUEUED``), or give it up.

    ``earlier``: when other SMS to this number were first tried. One that is being sent already was left by a
    program that ended: it is sent again under the same id, and no limit holds it up, since it was counted.
    """
    unsure = message.state is State.SENDING
    doubt = "; the provider may have it" if unsure else ""
    if now >= message.expires:
        return Verdict(State.EXPIRED, reason=f"too old to be sent{doubt}")
    if opted_out:
        return Verdict(State.REFUSED, reason=f"the number has opted out{doubt}")
    if message.tries >= policy.tries:
        return Verdict(State.FAILED, reason=f"no answer after {message.tries} tries{doubt}")
    if not unsure and not message.urgent and (morning := after_quiet(now, policy.quiet)) > now:
        return Verdict(State.QUEUED, morning, "quiet hours")
    if message.tried is None and (free := next_free(earlier, policy, now)) > now:
        if free >= message.expires:
            return Verdict(State.REFUSED, reason="the number has had as many SMS as are allowed")
        return Verdict(State.QUEUED, free, "the number has had as many SMS as are allowed for now")
    return Verdict(State.SENDING)


def next_free(earlier: Sequence[Millis], policy: Policy, now: Millis) -> Millis:
    """When the next SMS may go to a number that had some at these instants."""
    free = now
    for span, most in ((HOUR_MS, policy.per_hour), (DAY_MS, policy.per_day)):
        within = sorted(at for at in earlier if at > now - span)
        if len(within) >= most:
            free = max(free, within[len(within) - most] + span)
    return free


def back_off(tries: int, policy: Policy, chance: float) -> Millis:
    """How long to wait after so many tries: twice as long each time, up to the longest; of that between half and all,
    by ``chance`` (0 to 1), so that what failed together does not come back together."""
    first, longest = policy.back_off_ms
    full = min(first << min(tries - 1, 30), longest)
    return round(full * (0.5 + chance / 2))
