"""What was said, how sure that is, and where it begins and ends: no audio device, no clock, no recogniser.

Time is counted in frames of 20 ms, so what a caller hears and what a test feeds go the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from asr.audiosocket import FRAME_MS

UNKNOWN = "[unk]"
"""what a recogniser writes for a word that it doesn't know"""
SURE = 0.95
"""mean confidence of the words from which an utterance counts as understood; with `UNKNOWN` it catches 53 of 60 utterances that are
not in the small model's vocabulary, and none of 150 that are (its model card)"""
_DIGITS = {
    **{digit: digit for digit in "0123456789"},
    **dict(zip("零一二三四五六七八九", "0123456789", strict=True)),
}
_DIGITS |= {"〇": "0", "幺": "1", "两": "2", "洞": "0", "拐": "7", "勾": "9"}
SPOKEN_DIGITS = ("零", "一", "幺", "二", "三", "四", "五", "六", "七", "八", "九")
"""hot words for a number that is said digit by digit"""


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its confidence, 0 to 1; ``start_ms`` and ``end_ms`` count from where the recogniser began to listen."""

    text: str
    confidence: float
    start_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a caller said between two silences. Without words: nothing that the recogniser took for speech."""

    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """The words without blanks between them, as Chinese is written."""
        return "".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean of the words' confidences; 0 without words."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0

    def understood(self, sure: float = SURE) -> bool:
        """Is every word known, and are they sure enough on average?"""
        return (
            bool(self.words)
            and all(word.text != UNKNOWN for word in self.words)
            and self.confidence >= sure - 1e-9  # the mean of equal numbers may come out a hair below them
        )

    def digits(self) -> str | None:
        """The digits, where nothing else was said (the last of 18 may be X, as on identity cards); None otherwise."""
        text = self.text
        last = "X" if text[-1:] in {"X", "x"} else ""
        found = [_DIGITS.get(sign, "") for sign in text.removesuffix("X").removesuffix("x")]
        if not found or not all(found) or (last and len(found) != 17):
            return None
        return "".join(found) + last


class Recognizer(Protocol):
    """Listens to one caller, in one thread."""

    def accept(self, frame: bytes) -> None:
        """The next 20 ms: 16-bit samples at 8 kHz."""
        ...

    @property
    def partial(self) -> str:
        """What has been understood so far, without blanks; it may still change."""
        ...

    def result(self) -> Utterance:
        """What was said since the last result; afterwards it listens anew."""
        ...


# ── where an utterance begins and ends ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Limits:
    """When an utterance begins, ends, and is waited for no longer; milliseconds, in steps of a frame.

    ``begin_ms``: so much voice without a gap begins it, and stops a prompt: two frames, since the prompt must be silent within
    50 ms. ``shortest_ms``: what had less voice than that when it ended was a click, not a word. ``end_ms``: so much silence ends
    it, ``hangover_ms`` of which have passed when the voice detector lets go (60 ms at least in the held-out recordings, over 200
    at times). ``no_input_ms``: so long after the prompt's end nobody is waited for. ``longest_ms``: a talker is stopped then.
    ``settle_ms``: what is heard first on a line counts as silence, since the detector must learn its noise.
    """

    begin_ms: int = 40
    shortest_ms: int = 100
    end_ms: int = 500
    hangover_ms: int = 80
    no_input_ms: int = 5_000
    longest_ms: int = 15_000
    settle_ms: int = 200

    def __post_init__(self) -> None:
        for name in ("begin_ms", "shortest_ms", "end_ms", "no_input_ms", "longest_ms"):
            if getattr(self, name) < FRAME_MS:
                raise ValueError(
                    f"limits.{name}: {getattr(self, name)} is less than a frame: write {FRAME_MS} or more"
                )
        if self.hangover_ms >= self.end_ms:
            raise ValueError(
                f"limits.hangover_ms: {self.hangover_ms} is all of end_ms: write less than {self.end_ms}"
            )
        if self.longest_ms <= self.end_ms:
            raise ValueError(
                f"limits.longest_ms: {self.longest_ms} is no longer than end_ms: write more than {self.end_ms}"
            )


class Sign(StrEnum):
    """What an `Endpointer` tells."""

    BEGAN = "began"
    """somebody speaks: stop the prompt and listen"""
    CLICK = "click"
    """that was no word: go on as before"""
    ENDED = "ended"
    NO_INPUT = "no input"
    TOO_LONG = "too long"
    """over the limit and still speaking"""


class Phase(StrEnum):
    """Where an `Endpointer` is."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    OVER = "over"


MOVES: Mapping[tuple[Phase, Sign], Phase] = MappingProxyType(
    {
        (Phase.WAITING, Sign.BEGAN): Phase.SPEAKING,
        (Phase.WAITING, Sign.NO_INPUT): Phase.OVER,
        (Phase.SPEAKING, Sign.CLICK): Phase.WAITING,
        (Phase.SPEAKING, Sign.NO_INPUT): Phase.OVER,
        (Phase.SPEAKING, Sign.ENDED): Phase.OVER,
        (Phase.SPEAKING, Sign.TOO_LONG): Phase.OVER,
    }
)
"""every way from phase to phase; who is over hears nothing more"""


class Endpointer:
    """One utterance is waited for: fed with frames, it tells when it begins and when it is over."""

    __slots__ = (
        "_quiet_ms",
        "_run_ms",
        "_settle_ms",
        "_spoken_ms",
        "_waited_ms",
        "_while_prompting",
        "limits",
        "phase",
        "voiced_ms",
    )

    def __init__(self, limits: Limits | None = None, *, settled: bool = False) -> None:
        self.limits = limits or Limits()
        self.phase = Phase.WAITING
        self.voiced_ms = 0
        """how much voice the utterance has had"""
        self._settle_ms = 0 if settled else self.limits.settle_ms
        self._run_ms = 0
        self._waited_ms = 0
        self._quiet_ms = 0
        self._spoken_ms = 0
        self._while_prompting = False

    @property
    def speaking(self) -> bool:
        """Is the caller in the middle of an utterance?"""
        return self.phase is Phase.SPEAKING

    def frame(self, voiced: bool, *, prompting: bool = False) -> Sign | None:
        """The next 20 ms: was there a voice in it? ``prompting``: the caller was hearing a prompt, so that waiting doesn't count
        yet."""
        if self._settle_ms > 0:
            self._settle_ms -= FRAME_MS
            voiced = False
        match self.phase:
            case Phase.WAITING:
                sign = self._waiting(voiced, prompting)
            case Phase.SPEAKING:
                sign = self._speaking(voiced)
            case Phase.OVER:
                return None
        if sign is not None:
            self.phase = MOVES[self.phase, sign]
        return sign

    def _waiting(self, voiced: bool, prompting: bool) -> Sign | None:
        self._run_ms = self._run_ms + FRAME_MS if voiced else 0
        if self._run_ms >= self.limits.begin_ms:
            self.voiced_ms = self._spoken_ms = self._run_ms
            if not prompting:
                self._waited_ms -= (
                    self._run_ms - FRAME_MS
                )  # they are counted with the utterance, if that was none
            self._quiet_ms = self._run_ms = 0
            self._while_prompting = prompting
            return Sign.BEGAN
        if not prompting:
            self._waited_ms += FRAME_MS
        # a voice that has just begun is heard out before patience is at its end
        return Sign.NO_INPUT if self._waited_ms >= self.limits.no_input_ms and not self._run_ms else None

    def _speaking(self, voiced: bool) -> Sign | None:
        self._spoken_ms += FRAME_MS
        if voiced:
            self.voiced_ms += FRAME_MS
            self._quiet_ms = 0
        else:
            self._quiet_ms += FRAME_MS
        if self._quiet_ms >= self.limits.end_ms - self.limits.hangover_ms:
            if self.voiced_ms >= self.limits.shortest_ms:
                return Sign.ENDED
            if not self._while_prompting:  # a line that crackles holds nobody for longer than a silent one
                self._waited_ms += self._spoken_ms
            return Sign.NO_INPUT if self._waited_ms >= self.limits.no_input_ms else Sign.CLICK
        return Sign.TOO_LONG if self._spoken_ms >= self.limits.longest_ms else None


# ── what came of listening ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back when a caller was asked something: an ``utterance``, or a ``key``, or neither (silence).

    ``too_long``: the caller was still speaking at the limit. ``barged_in``: the prompt was still playing. ``played_ms``: how much
    of it had gone out when the caller began to speak.
    """

    utterance: Utterance | None = None
    key: str | None = None
    too_long: bool = False
    barged_in: bool = False
    played_ms: int = 0

    def understood(self, sure: float = SURE) -> bool:
        """Was something said, to its end, and is the recogniser sure of it?"""
        return self.utterance is not None and not self.too_long and self.utterance.understood(sure)


# ── hot words ───────────────────────────────────────────────────────────────────────────────────────────────────


def in_words(phrase: str, knows: Callable[[str], bool]) -> list[str] | None:
    """A phrase as the fewest words that a recogniser knows; None when it can't be put together of them."""
    best: list[list[str] | None] = [[]] + [None] * len(phrase)
    for end in range(1, len(phrase) + 1):
        for start in range(end):
            before, word = best[start], phrase[start:end]
            if before is None or not knows(word):
                continue
            so_far = best[end]
            if so_far is None or len(before) + 1 < len(so_far):
                best[end] = [*before, word]
    return best[-1] if phrase else None


def grammar(phrases: Iterable[str], knows: Callable[[str], bool]) -> tuple[str, ...]:
    """The phrases that a recogniser can hear, with blanks between their words, each once, and `UNKNOWN` for all else.

    Empty when it can hear none of them: then nothing should be narrowed.
    """
    found = (in_words(phrase, knows) for phrase in phrases)
    known = tuple(dict.fromkeys(" ".join(words) for words in found if words))
    return (*known, UNKNOWN) if known else ()
