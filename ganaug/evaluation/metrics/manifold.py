"""How the samples lie among the real ones: precision, recall, density and coverage."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances

from ganaug.evaluation.metrics.distances import some

__all__ = ["manifold_overlap"]

NEIGHBOURS = 5
MOST = 1_500


def manifold_overlap(
    real: NDArray[np.floating], synthetic: NDArray[np.floating], neighbours: int = NEIGHBOURS
) -> dict[str, float]:
    """Return precision, recall, density and coverage, by balls that reach to the k-th neighbour.

    *Precision* is the share of synthetic rows in a ball around some real one, *recall* the share of real rows in a ball
    around some synthetic one, *density* how many balls of real rows a synthetic one is in, in terms of k, and
    *coverage* the share of real rows whose ball has a synthetic row in it.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n, d), (m, d)
        Features; at most 1,500 of each are looked at.
    neighbours : int
        k; fewer where there are no more rows.

    Returns
    -------
    dict of str to float
        Empty where there are fewer than three rows of either.

    References
    ----------
    T. Kynkaanniemi et al.: Improved precision and recall metric for assessing generative models. NeurIPS 2019.
    M. Naeem et al.: Reliable fidelity and diversity metrics for generative models. ICML 2020.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(200, 2))
    >>> manifold_overlap(real, real)["coverage"], manifold_overlap(real, np.zeros((200, 2)))["coverage"] < 0.2
    (1.0, True)
    """
    real, synthetic = some(real, MOST), some(synthetic, MOST)
    if min(len(real), len(synthetic)) < 3:
        return {}
    across = pairwise_distances(real, synthetic)  # (n, m)
    reach_real, reach_synthetic = (_reach(side, neighbours) for side in (real, synthetic))
    inside = across <= reach_real[:, None]
    k = min(neighbours, len(real) - 1)
    return {
        "precision": float(inside.any(axis=0).mean()),
        "recall": float((across <= reach_synthetic[None, :]).any(axis=1).mean()),
        "density": float(inside.sum(axis=0).mean() / k),
        "coverage": float(inside.any(axis=1).mean()),
    }


def _reach(points: NDArray[np.floating], neighbours: int) -> NDArray[np.floating]:
    """Return each row's distance to its k-th neighbour among the others."""
    k = min(neighbours, len(points) - 1)
    reach: NDArray[np.floating] = np.partition(pairwise_distances(points), k, axis=1)[:, k]  # each row is its own first
    return reach
