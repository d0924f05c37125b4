"""Distances between two sets of features, each with its floor: what two halves of the real ones are apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FlooredDistance",
    "floored",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "some",
    "typical_distance",
]

Features = NDArray[np.floating]

HALVINGS = 20
"""Random halves that a floor is taken from."""
MOST = 1_000
"""Rows of each side that a distance looks at."""


def frechet_distance(left: Features, right: Features) -> float:
    """Return the squared Frechet distance between normal distributions fitted to two sets of features.

    The trace of the root of the covariances' product is the sum of the singular values of the centred sets' product, so
    that neither needs more rows than columns.

    Parameters
    ----------
    left, right : ndarray of shape (n, d), (m, d)
        At least two rows each.

    References
    ----------
    M. Heusel et al.: GANs trained by a two time-scale update rule converge to a local Nash equilibrium. NeurIPS 2017.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(50, 4))
    >>> abs(frechet_distance(points, points)) < 1e-9, round(frechet_distance(points, points + 1), 6)
    (True, 4.0)
    """
    centred = [(side - side.mean(axis=0)) / np.sqrt(len(side) - 1) for side in _doubles(left, right)]
    spread = sum(float((side**2).sum()) for side in centred)
    product = centred[0] @ centred[1].T if len(left) * len(right) < left.shape[1] ** 2 else _roots_product(*centred)
    overlap = float(np.linalg.svd(product, compute_uv=False).sum())
    shift = left.mean(axis=0, dtype=np.float64) - right.mean(axis=0, dtype=np.float64)
    return float(shift @ shift) + spread - 2 * overlap


def _roots_product(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a (d, d) matrix with the singular values of ``left @ right.T``, by the triangles of both."""
    triangles = [np.asarray(np.linalg.qr(side, mode="r")) for side in (left, right)]
    product: NDArray[np.float64] = triangles[0] @ triangles[1].T
    return product


def kernel_distance(left: Features, right: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel ``(x . y / d + 1) ** 3``.

    It may be below zero by chance, where both come from one distribution.

    References
    ----------
    M. Binkowski et al.: Demystifying MMD GANs. ICLR 2018.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(2, 200, 4)), rng.normal(2, 1, size=(200, 4))
    >>> abs(kernel_distance(*near)) < 0.1 < kernel_distance(near[0], far)
    True
    """
    a, b = _doubles(left, right)
    within = 0.0
    for side in (a, b):
        kernel = _kernel(side, side)
        within += float(kernel.sum() - np.trace(kernel)) / (len(side) * (len(side) - 1))
    return within - 2 * float(_kernel(a, b).mean())


def _kernel(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = (left @ right.T / left.shape[1] + 1) ** 3
    return kernel


def _doubles(*sides: Features) -> list[NDArray[np.float64]]:
    return [np.asarray(side, dtype=np.float64) for side in sides]


@dataclass(frozen=True)
class FlooredDistance:
    """A distance between real and synthetic, and what chance makes of real and real.

    Attributes
    ----------
    value : float
        The mean over random halves of both sides.
    error : float
        Its standard error: the halves' standard deviation, for halves of one sample are no independent ones.
    floor : float
        What 95 % of the distances between two halves of the real ones stay below.
    typical : float
        The mean of those.
    """

    value: float
    error: float
    floor: float
    typical: float


def floored(
    distance: Callable[[Features, Features], float], real: Features, synthetic: Features, *, seed: int = 0
) -> FlooredDistance:
    """Compare real with synthetic, and real with real, on equally many rows: distances depend on how many there are.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, fake = rng.normal(size=(2, 100, 3))
    >>> same = floored(kernel_distance, real, fake)
    >>> same.value < same.floor < floored(kernel_distance, real, fake + 2).value
    True
    """
    rng = np.random.default_rng(seed)
    half = min(len(real) // 2, len(synthetic) // 2, MOST // 2)
    if half < 2:
        return FlooredDistance(*(float("nan"),) * 4)
    apart, chance = [], []
    for _ in range(HALVINGS):
        order = rng.permutation(len(real))
        one, other = real[order[:half]], real[order[half : 2 * half]]
        made = synthetic[rng.permutation(len(synthetic))[:half]]
        apart.append(distance(one, made))
        chance.append(distance(one, other))
    return FlooredDistance(
        float(np.mean(apart)), float(np.std(apart, ddof=1)), float(np.quantile(chance, 0.95)), float(np.mean(chance))
    )


def inception_score(probabilities: NDArray[np.floating]) -> float:
    """Return the exponential of the mean divergence of samples' class probabilities from their mean: 1 to n_classes.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        What a classifier reads in each sample.

    References
    ----------
    T. Salimans et al.: Improved techniques for training GANs. NeurIPS 2016.

    Examples
    --------
    >>> round(inception_score(np.eye(4)), 3), round(inception_score(np.full((9, 4), 0.25)), 3)
    (4.0, 1.0)
    """
    given = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, 1)
    mean = given.mean(axis=0)
    return float(np.exp((given * (np.log(given) - np.log(mean))).sum(axis=1).mean()))


def typical_distance(points: Features, most: int = 300) -> float:
    """Return the mean Euclidean distance between two different rows; NaN for fewer than two."""
    from scipy.spatial.distance import pdist

    chosen = np.asarray(some(points, most), dtype=np.float64)
    return float(pdist(chosen).mean()) if len(chosen) > 1 else float("nan")


def some(points: Features, most: int) -> Features:
    """Return at most so many rows, always the same, and drawn at random: tables lie sorted by class, or by time."""
    if len(points) <= most:
        return points
    return points[np.random.default_rng(0).choice(len(points), most, replace=False)]
