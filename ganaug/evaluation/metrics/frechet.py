"""The Frechet distance between the features of real and of synthetic items."""

import numpy as np

from ganaug.evaluation.metrics.base import Features
from ganaug.evaluation.metrics.floor import distance_metric, doubles


def frechet_distance(left: Features, right: Features) -> float:
    """Return the squared Frechet distance between normal distributions fitted to two sets of two or more features.

    The trace of the root of the product of the covariances equals the sum of the singular values of the product of the
    centred sets. It is computed in that form, so that a set may have fewer rows than columns.

    M. Heusel et al.: GANs trained by a two time-scale update rule converge to a local Nash equilibrium. NeurIPS 2017.
    """
    centred = [(side - side.mean(axis=0)) / np.sqrt(len(side) - 1) for side in doubles(left, right)]
    spread = sum(float((side**2).sum()) for side in centred)
    if len(left) * len(right) >= left.shape[1] ** 2:
        # The product of the triangles has the same singular values, and is (d, d).
        centred = [np.linalg.qr(side, mode="r") for side in centred]
    overlap = float(np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum())
    shift = left.mean(axis=0, dtype=np.float64) - right.mean(axis=0, dtype=np.float64)
    return float(shift @ shift) + spread - 2 * overlap


METRIC = distance_metric(
    "frechet_distance",
    frechet_distance,
    title="Fréchet distance",
    meaning="How far the two clouds of features lie apart, by their means and covariances. The floor is the distance "
    "between two halves of the real data; a smaller distance cannot be told from zero.",
)
