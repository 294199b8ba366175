"""What ``hotline check`` says of a city's speech: which model it found, what it can hear, and how much of the base that is.

The model is tried out and measured in a process of its own (`asr.vosk_live.measure`); its words are read from its files, so that
a full model is loaded once only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.knowledge import KnowledgeBase
from asr.live import MOST
from asr.speech import SPOKEN_DIGITS, in_words
from asr.vocabulary_live import NoVocabulary, vocabulary
from asr.vosk_live import SMALL_MODEL, Measured, ModelFault, measure
from hotline.city import City, CityFault
from hotline.city_speech import model_of, names
from ivr.meaning import AGAIN_WORDS, CHOICE_WORDS, PERSON_WORDS

DIALOGUE_WORDS = (*CHOICE_WORDS, *PERSON_WORDS, *AGAIN_WORDS, "查询办理进度", *SPOKEN_DIGITS)
"""what a caller may always say; a model that lacks one of these can't hear it"""
_SHOWN = 12
_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was found. ``at_once``: callers at once; ``unknown_names``, ``unknown_words``: what the model can't hear of the lines'
    names and of the conversation; ``entries``: spoken today, with ``questions``, of which ``heard`` have every word in the
    vocabulary."""

    model: Path
    measured: Measured
    at_once: int
    unknown_names: tuple[str, ...]
    unknown_words: tuple[str, ...]
    names: int
    entries: int
    questions: int
    heard: int

    @property
    def small(self) -> bool:
        """Is it the model that never heard a human?"""
        return self.model.resolve() == SMALL_MODEL.resolve()

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "model": str(self.model),
            "demonstration": self.small,
            "rate": self.measured.rate,
            "words": self.measured.words,
            "hot_words": self.measured.hot_words,
            "load_s": round(self.measured.load_s, 3),
            "seconds_heard_in_a_second": round(self.measured.all, 1),
            "at_once": self.at_once,
            "names": self.names,
            "unknown_names": list(self.unknown_names),
            "unknown_words": list(self.unknown_words),
            "entries": self.entries,
            "questions": self.questions,
            "questions_heard": self.heard,
            "warnings": self.warnings(),
        }

    def warnings(self) -> list[str]:
        """What an engineer must know before callers are let in."""
        told = []
        if self.small:
            told.append(
                "speech.model: the small model for demonstrations never heard a human and must not serve callers: point it at a "
                "full vosk-model-cn"
            )
        if not self.measured.hot_words:
            told.append(
                "speech.model: it can't be narrowed to hot words, so names are heard no better than the rest"
            )
        if self.unknown_words:
            told.append(
                f"speech.model: it can't hear {_some(self.unknown_words)}, which callers say to it: take another"
            )
        if not self.entries:
            told.append(
                "speech: nothing is spoken today: publish entries (hotline knowledge CITY import FILE)"
            )
        return told

    def sentences(self) -> list[str]:
        """The same for people."""
        found = self.measured
        which = "the small model for demonstrations" if self.small else str(self.model)
        hot = "hot words work" if found.hot_words else "no hot words"
        told = [
            f"speech: {which}: trained on {found.rate} samples a second, {found.words} words, {hot}, loaded in "
            f"{found.load_s:.2g} s.",
            f"speech: {self.at_once} callers at once: {found.workers} threads recognise {found.all:.0f} s of speech in a second, "
            f"half of that is used, and {MOST} at most.",
        ]
        if self.unknown_names:
            told.append(
                f"speech: of {self.names} names of lines {len(self.unknown_names)} are not in its vocabulary: "
                f"{_some(self.unknown_names)}."
            )
        share = self.heard / self.questions if self.questions else 0.0
        told.append(
            f"speech: {self.entries} entries are spoken today; of their {self.questions} questions it can hear "
            f"{self.heard} ({share:.0%}): every word is in its vocabulary."
        )
        return [*told, *self.warnings()]


def look(city: City, base: KnowledgeBase, at_ms: int) -> Hearing | None:
    """Try the model out; ``None`` where the city has no speech. ``base``: of every state and day.

    Raises `CityFault` for a model that can't be used, with one line.
    """
    table = city.file.speech
    if table is None:
        return None
    folder = model_of(table, city.home)
    try:
        measured = measure(folder)
        knows = vocabulary(folder).__contains__
    except (ModelFault, NoVocabulary) as fault:
        raise CityFault([f"{city.name}.toml: {fault}"]) from None
    most = min(measured.capacity(), MOST)
    if most < 1:
        raise CityFault(
            [
                f"{city.name}.toml: speech.model: this machine is too slow for a single caller: take a smaller model"
            ]
        )
    spoken = base.at(at_ms)
    questions = [question for entry in spoken for question in entry.questions]
    called = names(city.file)
    return Hearing(
        model=folder,
        measured=measured,
        at_once=min(table.most, most) if table.most else most,
        unknown_names=_unknown(called, knows),
        unknown_words=_unknown(DIALOGUE_WORDS, knows),
        names=len(called),
        entries=len(spoken),
        questions=len(questions),
        heard=len(questions) - len(_unknown(questions, knows)),
    )


def _unknown(phrases: Iterable[str], knows: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(phrase for phrase in phrases if in_words(_MARKS.sub("", phrase), knows) is None)


def _some(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return "、".join(words[:_SHOWN]) + more
