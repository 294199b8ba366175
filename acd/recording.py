"""Which calls are recorded, how, under which names, and the table of what may happen to a recording.

A call is recorded on its caller's channel from the first answer to the caller's hang-up, through every transfer; only what
is said in a bridge or a room is kept, not the music. While seat and third party talk without the caller, the seat's channel is
recorded instead. A *part* is one unbroken recording: a call has a second one when the first had to be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from acd.messages import AgentId, CallId, Millis
from dialplans.hours import local


class Mode(StrEnum):
    """How a call is recorded."""

    OFF = "off"
    """not at all"""
    MIXED = "mixed"
    """both sides in one file"""
    APART = "apart"
    """the caller's side in one file, everybody else's in another of the same length"""


class Direction(StrEnum):
    """Whose call it is; ``passed``: with others' people (a sub-centre, a line's own seats), whoever began it."""

    IN = "in"
    OUT = "out"
    BACK = "back"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """One row: the calls that it is about, empty for all, and how they are recorded."""

    mode: Mode
    lines: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    directions: frozenset[str] = frozenset()

    def fits(self, line: str | None, queue: str | None, direction: str) -> bool:
        """Is the call one of those?"""
        return (
            (not self.lines or line in self.lines)
            and (not self.queues or queue in self.queues)
            and (not self.directions or direction in self.directions)
        )


@dataclass(frozen=True, slots=True)
class RecordingSetup:
    """A city's rules. The first of ``rules`` that fits decides; else ``passed`` for calls with others' people, ``default`` for
    the rest.

    ``notice``: what callers hear before the greeting when their call will be recorded. ``pause_limit_ms``: a pause that nobody
    ends is ended then.
    """

    default: Mode = Mode.OFF
    passed: Mode = Mode.OFF
    rules: tuple[RecordingRule, ...] = ()
    notice: tuple[str, ...] = ()
    pause_limit_ms: Millis = 300_000


def decide(
    setup: RecordingSetup, line: str | None, queue: str | None, direction: str, *, emergency: bool = False
) -> tuple[Mode, str]:
    """How this call is recorded, and why. An emergency is recorded whatever the rules say: mixed, where they say no."""
    mode, why = _by_rule(setup, line, queue, direction)
    if mode is Mode.OFF and emergency:
        return Mode.MIXED, "Recorded, both sides mixed: every emergency is."
    return mode, f"{_WORDS[mode]}: {why}."


_WORDS = {
    Mode.OFF: "Not recorded",
    Mode.MIXED: "Recorded, both sides mixed",
    Mode.APART: "Recorded, each side apart",
}


def _by_rule(setup: RecordingSetup, line: str | None, queue: str | None, direction: str) -> tuple[Mode, str]:
    for place, rule in enumerate(setup.rules):
        if rule.fits(line, queue, direction):
            asked = (
                (rule.lines, f"line {line}"),
                (rule.queues, f"queue {queue}"),
                (rule.directions, direction),
            )
            about = ", ".join(words for given, words in asked if given) or "every call"
            return rule.mode, f"rule {place + 1} ({about})"
    if direction == Direction.PASSED:
        return setup.passed, "the city's rule for calls with others' people"
    return setup.default, "the city's default"


class Tape(StrEnum):
    """How a call's recording is."""

    ON = "on"
    PAUSED = "paused"
    """silence is written: something is said that nobody may keep"""
    HALTED = "halted"
    """the disk takes nothing"""
    HALTED_PAUSED = "halted and paused"
    """the disk takes nothing, and when it does again it is silence at first"""
    GIVEN_UP = "given up"
    """the switch did not write, however often it was asked"""


T = Tape

TAPE_MOVES: Mapping[Tape, Mapping[str, Tape]] = {
    T.ON: {"pause": T.PAUSED, "halt": T.HALTED, "lost": T.ON, "moved": T.ON, "give up": T.GIVEN_UP},
    T.PAUSED: {
        "resume": T.ON,
        "halt": T.HALTED_PAUSED,
        "lost": T.PAUSED,
        "moved": T.PAUSED,
        "give up": T.GIVEN_UP,
    },
    T.HALTED: {"pause": T.HALTED_PAUSED, "possible": T.ON},
    T.HALTED_PAUSED: {"resume": T.HALTED, "possible": T.PAUSED},
    T.GIVEN_UP: {},
}
"""To which state a happening leads. What stands in no row can't happen, and is passed over."""

RUNNING = frozenset({T.ON, T.PAUSED})
"""the switch has a file open"""
LOSSES = 3
"""so many parts without a file, and a recording is given up"""


class Recording(msgspec.Struct):
    """A call's recording. ``began``: when its present part did; ``lost``: parts that broke off; ``pause_ends``: when a pause
    ends by itself."""

    mode: Mode
    tape: Tape
    parts: int = 0
    began: Millis = 0
    lost: int = 0
    paused_by: AgentId = ""
    pause_ends: Millis | None = None
    on: str = ""
    """whose channel is recorded: empty is the caller's; otherwise the seat's, as long as it talks to a third party aside"""

    def files(self, call: CallId, arrived: Millis) -> tuple[str, ...]:
        """The files of the present part. A talk aside has no caller's side: it is mixed."""
        return names(call, arrived, Mode.MIXED if self.on else self.mode, self.parts)


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────

LEGS = ("caller", "other")
LONGEST = 150
"""of a call's part of a file's name, in characters; Asterisk's own ids are far shorter"""

_PLAIN = re.compile(r"[A-Za-z0-9.]")
_NAME = re.compile(
    r"(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/(?P<stem>(?:[A-Za-z0-9.]|_[0-9a-f]{2})+)"
    r"(?:-p(?P<part>[2-9]|[1-9][0-9]+))?(?:-(?P<leg>caller|other))?\.wav"
)


def _stem(call: CallId) -> str:
    """The call's id as a piece of a file's name, so that it can be read back and can't be mistaken for anything else."""
    return "".join(
        sign
        if _PLAIN.fullmatch(sign)
        else "".join(f"_{byte:02x}" for byte in sign.encode("utf-8", "replace"))
        for sign in call
    )


def nameable(call: CallId) -> bool:
    """Can a file be named after this call?"""
    return 0 < len(_stem(call)) <= LONGEST


def names(call: CallId, arrived: Millis, mode: Mode, part: int) -> tuple[str, ...]:
    """The files of one part, relative to the city's recordings: ``2026/01/05/1767578400.12-caller.wav``.

    The day is the call's arrival in the city's own time.
    """
    stem = f"{local(arrived):%Y/%m/%d}/{_stem(call)}" + (f"-p{part}" if part > 1 else "")
    return (f"{stem}.wav",) if mode is Mode.MIXED else tuple(f"{stem}-{leg}.wav" for leg in LEGS)


@dataclass(frozen=True, slots=True)
class FileName:
    """What a recording's name says. ``leg``: ``caller``, ``other``, or ``None`` for both mixed."""

    call: CallId
    day: str
    part: int
    leg: str | None


def read_name(name: str) -> FileName | None:
    """What `names` wrote; ``None`` for any other text."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    pieces = re.split(r"_([0-9a-f]{2})", found["stem"])
    raw = b"".join(
        bytes.fromhex(piece) if place % 2 else piece.encode() for place, piece in enumerate(pieces)
    )
    try:
        call = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    part = int(found["part"] or 1)
    return FileName(call, found["day"], part, found["leg"]) if _stem(call) == found["stem"] else None
