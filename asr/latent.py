"""What words have to do with each other, learnt from the variants themselves.

Latent semantic analysis over the variants: words that stand beside the same others come to lie near each other, so that 炒掉
is near 换掉. On its vectors a ridge regression tells which entry a question belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DIMENSIONS = 128
RIDGE = 1.0


class Latent:
    """``matrix``: the variants as sparse rows; ``belongs``: for each the number of its entry, from 0, ``entries`` for none."""

    def __init__(self, matrix: Any, belongs: Sequence[int], entries: int) -> None:
        import numpy as np
        from sklearn.utils.extmath import randomized_svd

        count = max(1, min(DIMENSIONS, min(matrix.shape) - 1))
        _, _, directions = randomized_svd(matrix, count, n_iter=1, random_state=0)
        self._directions: Any = directions.T.astype(
            np.float32
        )  # half the memory to go through for each question
        vectors = matrix @ self._directions
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
        self._vectors: Any = vectors
        owners = np.asarray(belongs)
        wanted = np.zeros((len(owners), entries + 1))
        wanted[np.arange(len(owners)), owners] = 1.0
        # entries with few variants count as much as those with many, nearly
        shares = 1.0 / np.sqrt(np.maximum(wanted.sum(axis=0), 1.0))[owners]
        weighted = vectors * (shares / shares.mean())[:, None]
        weights = np.linalg.solve(weighted.T @ vectors + RIDGE * np.eye(count), weighted.T @ wanted)
        self._vectors, self._weights = self._vectors.astype(np.float32), weights.astype(np.float32)

    def look(self, vector: dict[int, float]) -> tuple[Any, Any, float]:
        """The cosine with each variant; how much it belongs to each entry, the last number to none; and the share of the
        question, 0 to 1, that lies in what the variants speak of."""
        import numpy as np

        shares = np.array(list(vector.values()), np.float32)
        found = np.einsum("i,ij->j", shares, self._directions[list(vector)])
        length = float(np.linalg.norm(found))
        found = found / (length or 1.0)
        # einsum stays on this thread: for so little work, BLAS' own threads wait longer for a busy core than they save
        near = np.einsum("ij,j->i", self._vectors, found)
        return near, np.einsum("j,ji->i", found, self._weights), length
