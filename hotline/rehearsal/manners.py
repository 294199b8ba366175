"""How the people of a rehearsal behave: how long they ring, talk and wait, what they dial, what their phones
do. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hotline.rehearsal.results import SeatLogin

FOR_EVER_MS = 24 * 3600 * 1000
"""A pause that no rehearsal outlives."""

HEADERS = 3
PIECES = 5
"""A call carries at most this many further headers, each of at most this many parts between semicolons."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same number of seconds."""

    seconds: float

    def draw(self, _: random.Random) -> float:
        """Seconds."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Uniform:
    """Anything from ``low`` to ``high`` seconds, equally likely."""

    low: float
    high: float

    def draw(self, chance: random.Random) -> float:
        """Seconds."""
        return chance.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Lognormal with this mean and standard deviation in seconds: talk, as it is found in call centres."""

    mean: float
    deviation: float

    def draw(self, chance: random.Random) -> float:
        """Seconds."""
        variance = math.log1p((self.deviation / self.mean) ** 2)
        return chance.lognormvariate(math.log(self.mean) - variance / 2, math.sqrt(variance))


Lasting = Fixed | Uniform | Lognormal
"""How long something lasts, in seconds."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What a phone does when it is called.

    ``ring_s`` before it picks up or refuses; ``talk_s`` until its person hangs up, ``None``: waits for the
    other side. ``refuses``: the status line's end with which it refuses (``486 Busy Here``), ``None``: it
    picks up. ``moved_to``: user and host of a 302's Contact. ``sound``: ``None`` is silent and sends no
    media, ``"echo"`` sends back what it hears, a path to an 8 kHz mono wav is played in a loop."""

    ring_s: Lasting = Fixed(0.0)
    talk_s: Lasting | None = None
    refuses: str | None = None
    moved_to: str = "nobody@127.0.0.1"
    sound: Path | str | None = None


BUSY = Manner(refuses="486 Busy Here")
DECLINES = Manner(refuses="603 Decline")
NEVER_ANSWERS = Manner(ring_s=Fixed(FOR_EVER_MS / 1000))


def moved(user_and_host: str) -> Manner:
    """A phone that redirects every call."""
    return Manner(refuses="302 Moved Temporarily", moved_to=user_and_host)


class Forwarding(StrEnum):
    """How a carrier tells which numbers a call was forwarded from."""

    DIVERSION = "diversion"
    """One ``Diversion`` header a hop, the last hop first (RFC 5806)."""
    JOINED = "joined"
    """One ``Diversion`` header with the hops joined by commas."""
    HISTORY = "history"
    """One ``History-Info`` header with the hops joined by commas, the first hop first (RFC 7044)."""


def forwarded(numbers: Sequence[str], how: Forwarding = Forwarding.DIVERSION) -> tuple[str, ...]:
    """The headers of a call that was dialled as ``numbers[0]`` and forwarded from each of ``numbers`` in
    turn."""
    if not numbers:
        return ()
    if how is Forwarding.HISTORY:
        hops = [f"<sip:{number}@carrier.example>;index=1{'.1' * n}" for n, number in enumerate(numbers)]
        return (f"History-Info: {','.join(hops)}",)
    hops = [f"<sip:{number}@carrier.example>;reason=unconditional" for number in reversed(numbers)]
    if how is Forwarding.JOINED:
        return (f"Diversion: {','.join(hops)}",)
    return tuple(f"Diversion: {hop}" for hop in hops)


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number that callers dial, how often compared with the others, and the headers that its calls
    carry."""

    number: str
    weight: float = 1.0
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls of one run: how many, how many a second, to which numbers.

    Numbers are drawn by weight, or taken in turn with ``in_turn``. ``rings_s``: the caller gives up (CANCEL)
    after that long without an answer; ``patience_s``: hangs up after that long without a person, counted from
    the switch's answer; ``talk_s``: hangs up after that long with one. ``None``: never. ``sound`` as in
    `Manner`."""

    calls: int
    rate: float
    dialled: tuple[Dialled, ...]
    rings_s: Lasting | None = None
    patience_s: Lasting | None = None
    talk_s: Lasting | None = None
    in_turn: bool = False
    sound: Path | str | None = None

    def __post_init__(self) -> None:
        if self.calls < 1 or self.rate <= 0 or not self.dialled:
            raise ValueError("plan: give at least one call, a rate above 0 and at least one number")


@dataclass(frozen=True, slots=True)
class Told:
    """One caller of whom everything is known beforehand, seconds all: ``at_s`` after the first call's time the call comes,
    ``patience_s`` (from the switch's answer, ``None``: for ever) and ``talk_s`` as in `Plan`."""

    at_s: float
    dialled: Dialled
    patience_s: float | None
    talk_s: float


def milliseconds(lasting: Lasting | None, chance: random.Random) -> int:
    """One draw in ms, not negative; ``None`` is for ever."""
    return FOR_EVER_MS if lasting is None else max(round(1000 * lasting.draw(chance)), 0)


def phone_rows(manner: Manner, chance: random.Random) -> list[str]:
    """The injected lines of ``phone.xml``: one where everything is fixed, else enough not to repeat soon."""
    varies = any(isinstance(one, Uniform | Lognormal) for one in (manner.ring_s, manner.talk_s))
    answers = int(manner.refuses is None)
    rows = []
    for _ in range(1009 if varies else 1):
        ring, talk = milliseconds(manner.ring_s, chance), milliseconds(manner.talk_s, chance)
        rows.append(f"{ring};{talk};{answers};{manner.moved_to}")
    return rows


def caller_rows(
    plan: Plan, callers: Iterable[str], login: SeatLogin | None, chance: random.Random
) -> list[str]:
    """The injected lines of ``caller.xml``, one a call. Raises `ValueError` for headers that do not fit."""
    weights = [one.weight for one in plan.dialled]
    rows = []
    for n, caller in enumerate(callers):
        drawn = plan.dialled[n % len(plan.dialled)] if plan.in_turn else None
        dialled = drawn or chance.choices(plan.dialled, weights)[0]
        times = ";".join(
            str(milliseconds(one, chance)) for one in (plan.rings_s, plan.patience_s, plan.talk_s)
        )
        rows.append(f"{caller};{dialled.number};{digest(login)};{times};{header_fields(dialled.headers)}")
    return rows


def waiting_first(scenario: str) -> str:
    """``caller.xml`` for callers who are begun early: field21 is how many ms they wait before they dial."""
    begins = '<assignstr assign_to="cseq" value="1"/>\n'
    if scenario.count(begins) != 1:
        raise ValueError("caller.xml: its first step is not where it was: see waiting_first")
    return scenario.replace(
        begins,
        f"""{begins}      <assignstr assign_to="field" value="[field21]"/>
      <todouble assign_to="delay" variable="field"/>
    </action>
  </nop>
  <pause variable="delay"/>
  <nop>
    <action>
""",
    )


def told_rows(callers: Sequence[Told], numbers: Iterable[str], rate: float) -> list[str]:
    """The injected lines of ``caller.xml`` for callers who are known beforehand, in the order in which they come.

    SIPp begins ``rate`` of them a second, faster than any comes: each then waits for its time.
    """
    rows = []
    for n, (one, number) in enumerate(zip(callers, numbers, strict=True)):
        delay = max(round(1000 * (one.at_s - n / rate)), 0)
        patience = FOR_EVER_MS if one.patience_s is None else round(1000 * one.patience_s)
        times = f"{FOR_EVER_MS};{patience};{max(round(1000 * one.talk_s), 0)}"
        fields = header_fields(one.dialled.headers)
        rows.append(f"{number};{one.dialled.number};{digest(None)};{times};{fields}{delay};")
    return rows


def digest(login: SeatLogin | None) -> str:
    """The keyword by which SIPp answers a challenge."""
    name, secret = (login.number, login.secret) if login else ("nobody", "nothing")
    return f"[authentication username={name} password={secret}]"


def header_fields(headers: Sequence[str]) -> str:
    """``headers`` cut at their semicolons into the fixed number of fields that ``caller.xml`` puts together
    again."""
    if len(headers) > HEADERS:
        raise ValueError(f"headers: {len(headers)} given: a call carries at most {HEADERS}")
    fields = []
    for header in (*headers, *("X-Rehearsal: 1",) * (HEADERS - len(headers))):
        pieces = header.split(";")
        if len(pieces) > PIECES or "\n" in header or "\r" in header or "[" in header or not all(pieces):
            raise ValueError(
                f"headers: {header!r}: give one line, no '[', at most {PIECES - 1} semicolons apart"
            )
        fields += pieces + [""] * (PIECES - len(pieces))
    return ";".join(fields) + ";"
