"""Which entry answers what a caller said, how sure is that, and why.

Characters and sounds are compared together, so that what a recogniser wrote with other characters of the same sound still
finds its entry. A wrong answer is worse than none: what a caller said beyond a question counts against it, and between two
questions that are both near the caller is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from math import log
from typing import Any, Protocol

from asr.aspects import aspects, towns
from asr.knowledge import Entry, KnowledgeBase
from asr.latent import Latent
from asr.ngrams import Known, Space, evidence, lightness
from asr.pinyin import syllables
from asr.scoring import Features, score
from asr.strangers import NAMES_ALONE, named, strangers
from asr.wording import LIGHT, canonical, plain


class Decision(StrEnum):
    """What is to be done with what was heard."""

    ANSWER = "answer"
    ASK_BACK = "ask_back"
    PASS_ON = "pass_on"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score an entry is answered or asked back, and how far it must be ahead of the next to be answered.

    The defaults are those that ``benchmarks/matching.py`` chose on the development set.
    """

    answer: float = 0.60
    ask_back: float = 0.10
    margin: float = 0.20


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be meant: ``score`` from 0 to 1 (the estimated probability that it is the right one), the variant that
    is the nearest, and why, in words."""

    entry: str
    score: float
    question: str
    because: str


@dataclass(frozen=True, slots=True)
class Match:
    """What to do with an utterance. ``candidates``: the best first; empty when nothing is near."""

    heard: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    because: str

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


class Matcher(Protocol):
    """Whatever finds entries for a text: this module's n-grams, or embeddings."""

    def match(self, text: str, *, line: str | None = None) -> Match:
        """``text``: what was heard; ``line``: the number that the caller dialled, whose matters come first when in doubt."""
        ...


RANK = {
    "characters": 0.2, "sounds": 0.2, "order": 0.1, "explained": 0.15, "by_variant": 0.1, "covered": 0.1, "latent": 0.15,
    "belongs": 0.3,
}  # fmt: skip
"""what ranks the entries; chosen on the development sets"""
AGAINST_STRANGERS = {"characters": 0.25, "sounds": 0.25, "order": 0.15, "by_variant": 0.25, "covered": 0.1}
"""what compares a variant with a matter that no base answers: what can be said of a single text"""
NEAREST, NEAREST_LATENT, NEAREST_ENTRIES = 24, 6, 3
"""so many variants, by grams and by latent semantics, and entries, by the regression, are looked at closely"""
ON_THE_LINE = 0.02
"""ahead, for a matter of the line that the caller dialled"""
SAME_MATTER = 0.8
"""a stranger as near as this to a variant is none: the base has an entry for it"""
NAME_ALONE = 0.5
"""a department's name alone, or one that only sounds like the entry's, is scored at most this share of what is answered"""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text in all the ways in which it is compared; ``entry``: its entry's number, that of no entry for a stranger."""

    entry: int
    question: str
    spoken: str
    heard: tuple[str, ...]

    @property
    def known(self) -> Known:
        return frozenset(self.spoken), frozenset(self.heard)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What an entry's variants know between them."""

    id: str
    line: str
    places: tuple[int, ...]
    known: Known
    pairs: frozenset[tuple[str, str]]
    aspects: frozenset[str]
    towns: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Sight:
    """One question beside every text: cosines by characters, sounds and latent semantics, what belongs to which entry, and
    the share of it that is in sight."""

    text: _Text
    characters: Any
    sounds: Any
    latent: Any
    belongs: Any
    in_sight: float


class NgramMatcher:
    """The matcher over one base: built once for each, then only asked. May be asked from several threads.

    ``base``: what may be spoken now (`KnowledgeBase.at`). To build it for 250 entries of 20 variants takes about a second, and
    the first time a second more, in which scikit-learn is imported.
    """

    def __init__(self, base: KnowledgeBase, thresholds: Thresholds | None = None) -> None:
        self.base = base
        self.thresholds = thresholds or Thresholds()
        self._entries: list[_Entry] = []
        asked = [[_text(0, question) for question in entry.questions] for entry in base]
        heard = [
            (entry, [text for text in texts if text.spoken])
            for entry, texts in zip(base, asked, strict=True)
            if any(text.spoken for text in texts)
        ]
        if not heard:
            return
        own = [replace(text, entry=number) for number, (_, texts) in enumerate(heard) for text in texts]
        self._nobody = len(heard)
        self._texts = [*own, *(_text(self._nobody, line) for line in strangers())]
        written = [text.spoken for text in self._texts]
        self._characters = Space([tuple(text.spoken) for text in self._texts], written)
        self._sounds = Space([text.heard for text in self._texts], written)
        self._forget_the_answered(len(own))
        self._names = NAMES_ALONE - {text.spoken for text in own}
        joined = _joined(self._characters.matrix, self._sounds.matrix)
        self._latent = Latent(joined, [text.entry for text in self._texts], self._nobody)
        places: dict[int, list[int]] = {}
        for place, text in enumerate(own):
            places.setdefault(text.entry, []).append(place)
        self._entries = [self._entry(entry, tuple(places[number])) for number, (entry, _) in enumerate(heard)]
        self._number = {entry.id: number for number, entry in enumerate(self._entries)}

    def match(self, text: str, *, line: str | None = None) -> Match:
        found, asked = self.look(text, line=line), _text(0, text)
        candidates = tuple(
            self._candidate(asked, entry, question, features) for entry, question, features in found
        )
        # the first stays the first: only `ahead` of the others is negative
        decision, because = decide(candidates, self.thresholds)
        return Match(text, decision, candidates, because)

    def _candidate(self, asked: _Text, entry: str, question: str, features: Features) -> Candidate:
        """Scored by its features; no more than to be asked back where a name tells against it."""
        known = self._entries[self._number[entry]]
        but = ""
        if _ASKED_FOR.sub("", asked.spoken) in self._names:
            but = "a name alone says whom, not what"
        elif other := _sounds_like(asked.spoken, known.names):
            but = f"only sounds like {other}"
        most = self.thresholds.answer * NAME_ALONE if but else 1.0
        why = self._why(asked, known, features)
        return Candidate(entry, min(most, score(features)), question, f"{why}, {but}" if but else why)

    def look(self, text: str, *, line: str | None = None, most: int = 5) -> list[tuple[str, str, Features]]:
        """The nearest entries, the best first: its id, its nearest variant, and how near."""
        asked = _text(0, text)
        if not self._entries or not asked.spoken:
            return []
        sight = self._sight(asked)
        best: dict[int, tuple[float, int, dict[str, float]]] = {}
        strange = 0.0
        for place in self._near(sight):
            text_there = self._texts[place]
            parts = self._parts(sight, place)
            if text_there.entry == self._nobody:
                strange = max(strange, _sum(AGAINST_STRANGERS, parts))
                continue
            total = _sum(RANK, parts)
            if line is not None and self._entries[text_there.entry].line == line:
                total += ON_THE_LINE
            if text_there.entry not in best or total > best[text_there.entry][0]:
                best[text_there.entry] = (total, place, parts)
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:most]
        found = []
        for number, (entry, (total, place, parts)) in enumerate(ranked):
            others = [item[1][0] for other, item in enumerate(ranked) if other != number]
            ahead = total - max(others, default=0.0)
            features = self._features(sight, self._entries[entry], parts, ahead, strange)
            found.append((self._entries[entry].id, self._texts[place].question, features))
        return found

    def _sight(self, asked: _Text) -> _Sight:
        characters = self._characters.vector(tuple(asked.spoken), asked.spoken)
        sounds = self._sounds.vector(asked.heard, asked.spoken)
        width = self._characters.matrix.shape[1]
        both = {place: weight * 0.5**0.5 for place, weight in characters.items()}
        both |= {width + place: weight * 0.5**0.5 for place, weight in sounds.items()}
        latent, belongs, in_sight = self._latent.look(both)
        near_characters, near_sounds = self._characters.near(characters), self._sounds.near(sounds)
        return _Sight(asked, near_characters, near_sounds, latent, belongs, in_sight)

    def _near(self, sight: _Sight) -> list[int]:
        """The texts that are worth a closer look."""
        blend = sight.characters + sight.sounds + 0.5 * sight.latent
        places = {int(place) for place in _top(blend, NEAREST)}
        places |= {int(place) for place in _top(sight.latent, NEAREST_LATENT)}
        for entry in _top(sight.belongs[:-1], NEAREST_ENTRIES):
            places.add(max(self._entries[int(entry)].places, key=lambda place: float(blend[place])))
        return sorted(places)

    def _parts(self, sight: _Sight, place: int) -> dict[str, float]:
        """How near one text is, in each way."""
        from rapidfuzz.distance import Indel

        asked, there = sight.text, self._texts[place]
        spoken, heard = asked.spoken, asked.heard
        parts = {
            "characters": float(sight.characters[place]),
            "sounds": float(sight.sounds[place]),
            "order": Indel.normalized_similarity(heard, there.heard),
            "covered": self._characters.known_share(there.spoken, there.heard, asked.known),
            "by_variant": self._characters.known_share(spoken, heard, there.known),
            "latent": float(sight.latent[place]),
        }
        if there.entry < self._nobody:
            known = self._entries[there.entry].known
            parts["explained"] = self._characters.known_share(spoken, heard, known)
            parts["belongs"] = min(1.0, max(0.0, float(sight.belongs[there.entry])))
        return parts

    def _features(
        self, sight: _Sight, entry: _Entry, parts: dict[str, float], ahead: float, strange: float
    ) -> Features:
        spoken, heard = sight.text.spoken, sight.text.heard
        letters, sounds = entry.known
        signs = list(zip(spoken, heard, strict=True))
        new = [sign not in letters and sound not in sounds for sign, sound in signs]
        pairs = list(pairwise(heard))
        weights = [lightness(f"{one} {other}") for one, other in pairwise(spoken)]
        paired = sum(weight for weight, pair in zip(weights, pairs, strict=True) if pair in entry.pairs)
        likeness = [float(sight.characters[place] + sight.sounds[place]) for place in entry.places]
        nearest = sorted(likeness)[-3:]
        return Features(
            characters=parts["characters"],
            sounds=parts["sounds"],
            support=sum(nearest) / len(nearest) / 2.0,
            latent=parts["latent"],
            belongs=float(sight.belongs[self._number[entry.id]]),
            explained=parts["explained"],
            pairs=paired / sum(weights) if pairs else parts["explained"],
            covered=parts["covered"],
            evidence=evidence(spoken, heard, entry.known),
            ahead=max(-1.0, ahead),
            stranger=strange,
            over_stranger=_sum(AGAINST_STRANGERS, parts) - strange,
            new_signs=float(len(set(spoken) - letters)),
            new_pairs=float(sum(pair not in entry.pairs for pair in pairs)),
            new_content=sum(is_new and sign not in LIGHT for is_new, sign in zip(new, spoken, strict=True))
            / 5.0,
            left_over=self._heaviest_run(spoken, new),
            length=log(1 + len(spoken)),
            content=min(8, sum(sign not in LIGHT for sign in spoken)) / 8.0,
            in_sight=sight.in_sight,
            other_aspects=float(min(2, len(aspects(spoken) - entry.aspects))),
            other_place=float(bool(towns(spoken) - entry.towns)),
        )

    def _heaviest_run(self, spoken: str, new: Sequence[bool]) -> float:
        run = heaviest = 0.0
        for sign, is_new in zip(spoken, new, strict=True):
            run = run + self._characters.weight(sign) if is_new else 0.0
            heaviest = max(heaviest, run)
        return min(heaviest, 30.0) / 10.0

    def _forget_the_answered(self, own: int) -> None:
        """Take out the strangers for which the base has an entry, and build the spaces without them."""
        kept = [*range(own)]
        known = {text.spoken for text in self._texts[:own]}
        near = _joined(self._characters.matrix, self._sounds.matrix)
        likeness = (near[own:] @ near[:own].T).max(axis=1).toarray().ravel()
        for place, alike in enumerate(likeness, start=own):
            text = self._texts[place].spoken
            if text not in known if text in NAMES_ALONE else alike <= SAME_MATTER:
                kept.append(place)
        self._texts = [self._texts[place] for place in kept]
        self._characters.matrix = self._characters.matrix[kept]
        self._sounds.matrix = self._sounds.matrix[kept]

    def _entry(self, entry: Entry, places: tuple[int, ...]) -> _Entry:
        texts = [self._texts[place] for place in places]
        return _Entry(
            entry.id,
            entry.line,
            places,
            (
                frozenset(sign for text in texts for sign in text.spoken),
                frozenset(sound for text in texts for sound in text.heard),
            ),
            frozenset(pair for text in texts for pair in pairwise(text.heard)),
            frozenset(aspect for text in texts for aspect in aspects(text.spoken)),
            frozenset(town for text in texts for town in towns(text.spoken)),
            frozenset(name for text in texts for name in named(text.spoken)),
        )

    def _why(self, asked: _Text, known: _Entry, features: Features) -> str:
        """One sentence: what was recognised, by writing or by sound alone, and what is left over."""
        letters, heard = known.known
        written = "".join(sign for sign in asked.spoken if sign in letters)
        pairs = list(zip(asked.spoken, asked.heard, strict=True))
        by_sound = "".join(sign for sign, sound in pairs if sign not in letters and sound in heard)
        left = "".join(sign for sign, sound in pairs if sign not in letters and sound not in heard)
        parts = [f"writing {features.characters:.2f}, sound {features.sounds:.2f}"]
        parts.append(f"known {written!r}" if written else "nothing known by its writing")
        if by_sound:
            parts.append(f"by sound alone {by_sound!r}")
        if left:
            parts.append(f"left over {left!r}")
        if other := sorted(aspects(asked.spoken) - known.aspects):
            parts.append(f"asks about {', '.join(other)}, of which it says nothing")
        if elsewhere := sorted(towns(asked.spoken) - known.towns):
            parts.append(f"names {', '.join(elsewhere)}")
        return ", ".join(parts)


def decide(candidates: Sequence[Candidate], thresholds: Thresholds) -> tuple[Decision, str]:
    """Answer, ask back or pass on, and the reason in words. ``candidates``: the best first."""
    if not candidates:
        return Decision.PASS_ON, "nothing in the base is near"
    best = candidates[0]
    ahead = best.score - (candidates[1].score if len(candidates) > 1 else 0.0)
    if best.score < thresholds.ask_back:
        return Decision.PASS_ON, f"{best.score:.2f} is below {thresholds.ask_back:.2f}: {best.because}"
    if best.score < thresholds.answer:
        return Decision.ASK_BACK, f"{best.score:.2f} is below {thresholds.answer:.2f}: {best.because}"
    if ahead < thresholds.margin:
        other = candidates[1]
        return Decision.ASK_BACK, f"{other.question!r} is as near ({ahead:.2f} behind): {best.because}"
    return Decision.ANSWER, f"{best.score:.2f}, {ahead:.2f} ahead of the next: {best.because}"


_ASKED_FOR = re.compile("^(?:我要|我想|我|请|给我)*(?:转接|转到|转|接一下|接|找)?(?=.)")


def _sounds_like(spoken: str, names: frozenset[str]) -> str | None:
    """That of an entry's names which a name in the question sounds like, and is not (水务局, 税务局)."""
    said = named(spoken)
    others = {syllables(name): name for name in names}
    found = (others.get(syllables(name)) for name in said - names)
    return next((name for name in found if name is not None and name not in said), None)


def _text(entry: int, question: str) -> _Text:
    spoken = canonical(question)
    return _Text(entry, question, spoken, syllables(spoken))


def _sum(shares: dict[str, float], parts: dict[str, float]) -> float:
    return sum(share * parts[name] for name, share in shares.items())


def _joined(characters: Any, sounds: Any) -> Any:
    from scipy.sparse import hstack

    return hstack([characters, sounds]).tocsr() * 0.5**0.5


def _top(scores: Any, count: int) -> Any:
    count = min(count, len(scores))
    return (-scores).argpartition(count - 1)[:count]


def asked_back(question: str) -> str:
    """How a caller is asked whether this is meant.

    >>> asked_back("公积金怎么提取？")
    '您是问公积金怎么提取吗？'
    """
    return f"您是问{plain(question)}吗？".replace("吗吗？", "吗？")
