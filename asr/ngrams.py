"""Texts as weighted 1- and 2-grams of signs or of syllables, and how near two of them are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from asr.wording import LIGHT, LIGHT_WEIGHT

Known = tuple[frozenset[str], frozenset[str]]
"""what an entry's variants, or one text, consist of: the signs and the syllables"""


class Space:
    """Variants as weighted 1- and 2-grams. What no variant has keeps its weight in a question's length: scikit-learn would drop
    it, and a question about something unknown would look like one about what is left of it.

    ``texts``: signs or syllables, one row a variant; ``written``: the signs of each, which say how much one weighs.
    ``matrix``: one row of length 1 a variant.
    """

    def __init__(self, texts: Sequence[Sequence[str]], written: Sequence[str]) -> None:
        from scipy.sparse import diags
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer=_grams, norm=None)
        matrix = vectorizer.fit_transform(texts)
        self._vocabulary: dict[str, int] = vectorizer.vocabulary_
        self._rarities: list[float] = vectorizer.idf_.tolist()
        self._unknown = max(self._rarities)
        light: dict[str, bool] = {}
        for text, signs in zip(texts, written, strict=True):
            for sound, sign in zip(text, signs, strict=True):
                light[sound] = light.get(sound, True) and sign in LIGHT
        self._light = frozenset(sound for sound, is_light in light.items() if is_light)
        factors = [self._factor(gram) for gram in vectorizer.get_feature_names_out()]
        self._weights = [rarity * factor for rarity, factor in zip(self._rarities, factors, strict=True)]
        matrix = matrix @ diags(factors)
        lengths = matrix.multiply(matrix).sum(axis=1).A1 ** 0.5
        self.matrix: Any = (diags(1.0 / lengths) @ matrix).tocsr()

    def vector(self, text: Sequence[str], written: str) -> dict[int, float]:
        """A question's weight in each column, of length 1 or, where something in it is in no variant, shorter."""
        weights: dict[int, float] = {}
        unknown = 0.0
        for gram, signs in zip(_grams(text), _grams(written), strict=True):
            place = self._vocabulary.get(gram)
            if place is None:
                unknown += (self._unknown * lightness(signs)) ** 2
            else:
                weights[place] = weights.get(place, 0.0) + self._weights[place]
        length = (sum(weight * weight for weight in weights.values()) + unknown) ** 0.5
        return {place: weight / length for place, weight in weights.items()}

    def near(self, vector: dict[int, float]) -> Any:
        """The cosine with each variant, one number each."""
        import numpy as np

        row = np.zeros(self.matrix.shape[1])
        row[list(vector)] = list(vector.values())
        return self.matrix @ row

    def weight(self, sign: str) -> float:
        place = self._vocabulary.get(sign)
        return (self._unknown if place is None else self._rarities[place]) * lightness(sign)

    def known_share(self, spoken: str, heard: Sequence[str], known: Known) -> float:
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


@lru_cache(maxsize=65536)
def lightness(signs: str) -> float:
    """The weight of one sign, or the mean of several with blanks between."""
    parts = signs.split(" ")
    return sum(LIGHT_WEIGHT if part in LIGHT else 1.0 for part in parts) / len(parts)


def evidence(spoken: str, heard: Sequence[str], known: Known) -> float:
    """How many signs that mean something are known, one by sound alone for a half; 6 and more is all: 0 to 1."""
    letters, sounds = known
    pairs = [(sign, sound) for sign, sound in zip(spoken, heard, strict=True) if sign not in LIGHT]
    count = sum(1.0 if sign in letters else 0.5 if sound in sounds else 0.0 for sign, sound in pairs)
    return min(count, 6.0) / 6.0


def _grams(text: Sequence[str]) -> list[str]:
    return [*text, *(f"{one} {other}" for one, other in pairwise(text))]
