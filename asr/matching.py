"""Which entry answers what a caller said, how sure is that, and why.

Characters and sounds are compared together, so that what a recogniser wrote with other characters of the same sound still
finds its entry. A wrong answer is worse than none: what a caller said beyond a question counts against it, and between two
questions that are both near the caller is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import exp
from typing import Any, Protocol

from asr.knowledge import KnowledgeBase
from asr.pinyin import syllables
from asr.wording import LIGHT, LIGHT_WEIGHT, canonical, plain


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

    answer: float = 0.85
    ask_back: float = 0.10
    margin: float = 0.04


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


@dataclass(frozen=True, slots=True)
class Features:
    """What the score is made of, each from 0 to 1.

    ``characters``, ``sounds``: cosine of weighted 1- and 2-grams with the nearest variant. ``order``: how much of both is the
    same sounds in the same order. ``explained``: the share of the caller's weight that the entry's variants
    know, by character or sound. ``covered``: the share of the nearest variant that the caller said. ``ahead``: how far
    the blend of these is before the next entry's. ``evidence``: how many signs that mean something were recognised, one by
    sound alone for a half, 6 and more is all: three words that fit say more than one.
    """

    characters: float
    sounds: float
    order: float
    explained: float
    covered: float
    ahead: float
    evidence: float

    def row(self) -> tuple[float, ...]:
        return (
            self.characters,
            self.sounds,
            self.order,
            self.explained,
            self.covered,
            self.ahead,
            self.evidence,
        )


BLEND = (0.22, 0.22, 0.11, 0.34, 0.11)
"""how the first five of `Features` rank the entries; chosen on the development set"""
WEIGHTS = (-0.37, 1.51, 0.91, 1.90, 4.43, 8.67, 4.07)
BIAS = -9.62
"""of the logistic regression that ``benchmarks/matching.py --fit`` makes of the development set, in `Features`' order"""
NEAREST = 12
"""so many variants of each kind of comparison are looked at closely"""
ON_THE_LINE = 0.02
"""ahead, for a matter of the line that the caller dialled"""


class NgramMatcher:
    """The matcher over one base: built once for each, then only asked. May be asked from several threads.

    ``base``: what may be spoken now (`KnowledgeBase.at`). To build it for 200 entries takes about a tenth of a second, and
    the first time a second more, in which scikit-learn is imported.
    """

    def __init__(self, base: KnowledgeBase, thresholds: Thresholds | None = None) -> None:
        self.base = base
        self.thresholds = thresholds or Thresholds()
        self._variants = [(entry, question) for entry in base for question in entry.questions]
        if not self._variants:
            return
        self._texts = texts = [canonical(question) for _, question in self._variants]
        self._sounds_of = [syllables(text) for text in texts]
        self._characters = _Space([tuple(text) for text in texts], texts)
        self._sounds = _Space(self._sounds_of, texts)
        self._known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        for (entry, _), text, sounds in zip(self._variants, texts, self._sounds_of, strict=True):
            letters, heard = self._known.get(entry.id, (frozenset(), frozenset()))
            self._known[entry.id] = (letters | set(text), heard | set(sounds))

    def match(self, text: str, *, line: str | None = None) -> Match:
        found = self.look(text, line=line)
        candidates = tuple(
            Candidate(entry, score(features), question, self._why(text, entry, features))
            for entry, question, features in found
        )
        # the first stays the first: only `ahead` of the others is negative
        decision, because = decide(candidates, self.thresholds)
        return Match(text, decision, candidates, because)

    def look(self, text: str, *, line: str | None = None, most: int = 5) -> list[tuple[str, str, Features]]:
        """The nearest entries, the best first: its id, its nearest variant, and how near."""
        spoken = canonical(text)
        if not self._variants or not spoken:
            return []
        from rapidfuzz.distance import Indel

        heard = syllables(spoken)
        said = (frozenset(spoken), frozenset(heard))
        by_characters = self._characters.near(tuple(spoken), spoken)
        by_sounds = self._sounds.near(heard, spoken)
        blend = by_characters + by_sounds
        places = {int(place) for scores in (by_characters, by_sounds, blend) for place in _top(scores)}
        best: dict[str, tuple[float, str, list[float]]] = {}
        for place in sorted(places):
            entry, question = self._variants[place]
            order = Indel.normalized_similarity(heard, self._sounds_of[place])
            covered = self._characters.known_share(self._texts[place], self._sounds_of[place], said)
            explained = self._characters.known_share(spoken, heard, self._known[entry.id])
            parts = [float(by_characters[place]), float(by_sounds[place]), order, explained, covered]
            total = sum(share * part for share, part in zip(BLEND, parts, strict=True))
            if line is not None and entry.line == line:
                total += ON_THE_LINE
            if entry.id not in best or total > best[entry.id][0]:
                best[entry.id] = (total, question, parts)
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:most]
        found = []
        for number, (identity, (total, question, parts)) in enumerate(ranked):
            others = [item[1][0] for other, item in enumerate(ranked) if other != number]
            ahead = total - max(others, default=0.0)
            one, two, three, four, five = parts
            features = Features(
                one, two, three, four, five, max(-1.0, ahead), _evidence(spoken, heard, self._known[identity])
            )
            found.append((identity, question, features))
        return found

    def _why(self, text: str, entry: str, features: Features) -> str:
        """One sentence: what was recognised, by writing or by sound alone, and what is left over."""
        spoken = canonical(text)
        letters, heard = self._known[entry]
        written = "".join(sign for sign in spoken if sign in letters)
        pairs = list(zip(spoken, syllables(spoken), strict=True))
        by_sound = "".join(sign for sign, sound in pairs if sign not in letters and sound in heard)
        left = "".join(sign for sign, sound in pairs if sign not in letters and sound not in heard)
        parts = [f"writing {features.characters:.2f}, sound {features.sounds:.2f}"]
        parts.append(f"known {written!r}" if written else "nothing known by its writing")
        if by_sound:
            parts.append(f"by sound alone {by_sound!r}")
        if left:
            parts.append(f"left over {left!r}")
        return ", ".join(parts)


def score(features: Features) -> float:
    """The estimated probability that the entry is the right one."""
    total = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, features.row(), strict=True))
    return 1.0 / (1.0 + exp(-max(-60.0, min(60.0, total))))


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


class _Space:
    """Variants as weighted 1- and 2-grams. What no variant has keeps its weight in a question's length: scikit-learn would drop
    it, and a question about something unknown would look like one about what is left of it.

    ``texts``: signs or syllables, one row a variant; ``written``: the signs of each, which say how much one weighs.
    """

    def __init__(self, texts: Sequence[Sequence[str]], written: Sequence[str]) -> None:
        from scipy.sparse import diags
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer: Any = TfidfVectorizer(analyzer=_grams, norm=None)
        matrix = self._vectorizer.fit_transform(texts)
        self._vocabulary: dict[str, int] = self._vectorizer.vocabulary_
        self._rarity = self._vectorizer.idf_
        self._unknown = float(self._rarity.max())
        light: dict[str, bool] = {}
        for text, signs in zip(texts, written, strict=True):
            for sound, sign in zip(text, signs, strict=True):
                light[sound] = light.get(sound, True) and sign in LIGHT
        self._light = frozenset(sound for sound, is_light in light.items() if is_light)
        self._factors = [self._factor(gram) for gram in self._vectorizer.get_feature_names_out()]
        self._scaled = diags(self._factors)
        matrix = matrix @ self._scaled
        lengths = matrix.multiply(matrix).sum(axis=1).A1 ** 0.5
        self._matrix = (diags(1.0 / lengths) @ matrix).tocsr()

    def near(self, text: Sequence[str], written: str) -> Any:
        """The cosine with each variant, one number each."""
        vector = self._vectorizer.transform([text]) @ self._scaled
        unknown = 0.0
        for gram, signs in zip(_grams(text), _grams(written), strict=True):
            if gram not in self._vocabulary:
                unknown += (self._unknown * _lightness(signs)) ** 2
        length = (float(vector.multiply(vector).sum()) + unknown) ** 0.5
        return (self._matrix @ vector.T).toarray().ravel() / (length or 1.0)

    def weight(self, sign: str) -> float:
        place = self._vocabulary.get(sign)
        rarity = self._unknown if place is None else float(self._rarity[place])
        return rarity * _lightness(sign)

    def known_share(
        self, spoken: str, heard: Sequence[str], known: tuple[frozenset[str], frozenset[str]]
    ) -> float:
        """The share of what was said, by weight, whose characters or, for a little less, sounds are known."""
        letters, sounds = known
        total = got = 0.0
        for sign, sound in zip(spoken, heard, strict=True):
            weight = self.weight(sign)
            total += weight
            got += weight if sign in letters else 0.9 * weight if sound in sounds else 0.0
        return got / total if total else 0.0

    def _factor(self, gram: str) -> float:
        parts = gram.split(" ")
        return sum(LIGHT_WEIGHT if part in self._light else 1.0 for part in parts) / len(parts)


def _lightness(signs: str) -> float:
    parts = signs.split(" ")
    return sum(LIGHT_WEIGHT if part in LIGHT else 1.0 for part in parts) / len(parts)


def _evidence(spoken: str, heard: Sequence[str], known: tuple[frozenset[str], frozenset[str]]) -> float:
    letters, sounds = known
    pairs = [(sign, sound) for sign, sound in zip(spoken, heard, strict=True) if sign not in LIGHT]
    count = sum(1.0 if sign in letters else 0.5 if sound in sounds else 0.0 for sign, sound in pairs)
    return min(count, 6.0) / 6.0


def _grams(text: Sequence[str]) -> list[str]:
    return [*text, *(f"{one} {other}" for one, other in pairwise(text))]


def _top(scores: Any) -> Any:
    count = min(NEAREST, len(scores))
    return (-scores).argpartition(count - 1)[:count]


def asked_back(question: str) -> str:
    """How a caller is asked whether this is meant.

    >>> asked_back("公积金怎么提取？")
    '您是问公积金怎么提取吗？'
    """
    return f"您是问{plain(question)}吗？".replace("吗吗？", "吗？")
