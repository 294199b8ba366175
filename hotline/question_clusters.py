"""Questions that ask for the same thing in other words, put together; how many clusters there are comes out of it.

Characters and sounds count alike, as in `asr.matching`. The same questions make the same clusters, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from asr.pinyin import syllables
from asr.wording import LIGHT, LIGHT_WEIGHT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

APART = 0.70
"""two clusters stay two when their questions are, on average, farther apart (1 - cosine). Chosen on the paraphrases of
``tests/data/knowledge/development.tsv``: docs/knowledge.md"""
MOST = 6000
"""wordings that are clustered, those asked most; what can be near one another all at once needs 8 bytes for each pair"""
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Cluster:
    """Wordings of one question, in `asr.wording.canonical`'s form, in their order. ``middle``: the one that is nearest to all."""

    wordings: tuple[str, ...]
    middle: str


def clusters(
    asked: Mapping[str, int], known: Sequence[str] = (), *, apart: float = APART, most: int = MOST
) -> list[Cluster]:
    """Clusters of canonical wordings, in the order of their first ones.

    ``asked``: how often each was; ``known``: canonical wordings of a base, which tell, too, what is rare and says much.
    Average linkage up to the distance ``apart``. Between any two wordings of a cluster there is a chain of near ones, so what no
    chain connects is clustered by itself: that gives the same and needs no table of all pairs. Beyond ``most`` wordings those that
    were asked least are left out.
    """
    texts = sorted(text for text in asked if text)
    if len(texts) > most:
        texts = sorted(sorted(texts, key=lambda text: (-asked[text], text))[:most])
    if not texts:
        return []
    vectors = _vectors(texts, known)
    found = []
    for places in _connected(vectors, apart):
        near = (vectors[places] @ vectors[places].T).toarray()
        for label in _labels(near, apart):
            chosen = [places[place] for place in label]
            weights = [asked[texts[place]] for place in chosen]
            found.append(
                Cluster(
                    tuple(texts[place] for place in chosen),
                    texts[chosen[_middle(near[label][:, label], weights)]],
                )
            )
    return sorted(found, key=lambda cluster: cluster.wordings)


def _labels(near: NDArray[np.float64], apart: float) -> list[list[int]]:
    """The rows of each cluster, by average linkage."""
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering

    if len(near) == 1:
        return [[0]]
    distances = np.clip(1.0 - near, 0.0, None)
    np.fill_diagonal(distances, 0.0)
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=apart
    )
    labels = model.fit_predict(distances)
    return [np.flatnonzero(labels == label).tolist() for label in range(int(labels.max()) + 1)]


def _middle(near: NDArray[np.float64], weights: Sequence[int]) -> int:
    """The row that is the nearest to all, each as often as it was asked; the first of equals."""
    import numpy as np

    return int((near @ np.array(weights, np.float64)).round(9).argmax())


def _connected(vectors: Any, apart: float) -> list[list[int]]:
    """The rows that chains of rows nearer than ``apart`` connect."""
    import numpy as np
    from scipy.sparse import vstack
    from scipy.sparse.csgraph import connected_components

    blocks = []
    for start in range(0, vectors.shape[0], _BLOCK):
        near = (vectors[start : start + _BLOCK] @ vectors.T).tocsr()
        near.data[near.data <= 1.0 - apart] = 0.0
        near.eliminate_zeros()
        blocks.append(near)
    count, labels = connected_components(vstack(blocks), directed=False)
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(count), side="right")
    return [part.tolist() for part in np.split(order, ends[:-1])]


def _vectors(texts: Sequence[str], known: Sequence[str]) -> Any:
    """One row of length 1 for each text: half its 1- and 2-grams of characters, half those of syllables, by how rare they are."""
    from scipy.sparse import diags, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    kept = set(texts)
    learnt = [*texts, *(text for text in dict.fromkeys(known) if text and text not in kept)]
    sounds = [syllables(text) for text in learnt]
    telling = frozenset(
        sound
        for text, heard in zip(learnt, sounds, strict=True)
        for sign, sound in zip(text, heard, strict=True)
        if sign not in LIGHT
    )
    halves = []
    for rows, light in (([tuple(text) for text in learnt], LIGHT), (sounds, None)):
        vectorizer = TfidfVectorizer(analyzer=_grams, norm=None)
        matrix = vectorizer.fit_transform(rows)[: len(texts)]
        factors = [
            sum(_weight(part in light if light else part not in telling) for part in parts) / len(parts)
            for parts in (name.split(" ") for name in vectorizer.get_feature_names_out())
        ]
        halves.append(normalize(matrix @ diags(factors)) * 0.5**0.5)
    return hstack(halves).tocsr()


def _weight(is_light: bool) -> float:
    return LIGHT_WEIGHT if is_light else 1.0


def _grams(signs: Sequence[str]) -> list[str]:
    return [*signs, *(f"{one} {other}" for one, other in pairwise(signs))]
