"""Copies: synthetic samples nearer to a real one than real ones come to each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ganaug.evaluation.statistics import Auc, area

__all__ = ["NOMINAL", "CopyScan", "View", "find_copies", "membership_area"]

NOMINAL = 0.03
"""Share of real items, unseen by the generator, that may be taken for copies."""
NEIGHBOURS = 3
"""How many neighbours say how densely real items lie around one."""

Points = NDArray[np.floating]


@dataclass(frozen=True)
class View:
    """The same items in one space of distances: each an array of shape (n, d).

    Attributes
    ----------
    synthetic, train, held_out : ndarray
        Samples; what their generator learned from; what it did not.
    exact, altered : ndarray
        Planted copies of `train`: as they are, and slightly altered.
    searched : ndarray, optional
        Where samples and planted copies are looked for, if that is more than `train`.
    """

    synthetic: Points
    train: Points
    held_out: Points
    exact: Points
    altered: Points
    searched: Points | None = None


@dataclass(frozen=True)
class CopyScan:
    """What a search for copies found.

    Attributes
    ----------
    flagged : ndarray of bool, shape (n_synthetic,)
        Which samples are taken for copies.
    nearest : ndarray of int, shape (n_synthetic,)
        The real item nearest to each sample, in the first view.
    distance : ndarray of shape (n_synthetic,)
        How near, in units of the median distance from a real item to the nearest other one.
    threshold : float
        The ratio, in the first view, of a sample's distance to the real one's own neighbours' below which it is a copy.
    exact_found, altered_found : float
        Shares of the planted copies that are flagged.
    alarms : ndarray of bool, shape (n_held_out,)
        Which held-out real items are flagged. Each half of them is judged by what the other half says is normal.
    """

    flagged: NDArray[np.bool_]
    nearest: NDArray[np.int64]
    distance: NDArray[np.float64]
    threshold: float
    exact_found: float
    altered_found: float
    alarms: NDArray[np.bool_]

    @property
    def false_alarms(self) -> float:
        """Share of held-out real items that are flagged."""
        return float(self.alarms.mean()) if len(self.alarms) else float("nan")


def find_copies(views: Sequence[View], *, seed: int = 0) -> CopyScan:
    """Flag the samples that are nearer to a training item than all but a few held-out real ones are.

    What counts is the ratio of a sample's distance to its nearest training item and of that item's own mean distance to
    its three neighbours in the training set, so that dense and sparse regions are judged alike. The threshold is a
    quantile of that ratio over real items that were not trained on: 3 % of these may be below it. In several views each
    has its share of the 3 %, and a copy in one is a copy.

    Parameters
    ----------
    views : sequence of View
        The same items, in each space.
    seed : int
        Halves the held-out items, for the calibration.

    Returns
    -------
    CopyScan

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, held_out, fresh = rng.normal(size=(3, 200, 6))
    >>> near = train + rng.normal(0, 0.02, train.shape)
    >>> copied = find_copies([View(near, train, held_out, train, near)])
    >>> fine = find_copies([View(fresh, train, held_out, train, near)])
    >>> round(float(copied.flagged.mean()), 2), bool(fine.flagged.mean() < 0.1), fine.exact_found
    (1.0, True, 1.0)
    """
    allowed = NOMINAL / len(views)
    first = np.random.default_rng(seed).permutation(len(views[0].held_out)) % 2 == 0
    hits = {name: np.zeros(len(getattr(views[0], name)), bool) for name in ("synthetic", "exact", "altered")}
    alarms = np.zeros(len(first), bool)
    results = []
    for view in views:
        reference = _Reference(view.train)
        normal = reference.ratios(view.held_out)[0]
        if view.searched is not None:
            reference = _Reference(view.searched)
        threshold = _threshold(normal, allowed)
        alarms[first] |= normal[first] < _threshold(normal[~first], allowed)
        alarms[~first] |= normal[~first] < _threshold(normal[first], allowed)
        for name, hit in hits.items():
            ratio, nearest, distance = reference.ratios(getattr(view, name))
            hit |= ratio < threshold
            if name == "synthetic":
                results.append((nearest, distance / reference.typical, threshold))
    nearest, distance, threshold = results[0]
    exact, altered = (float(found.mean()) if len(found) else float("nan") for found in (hits["exact"], hits["altered"]))
    return CopyScan(hits["synthetic"], nearest, distance, threshold, exact, altered, alarms)


class _Reference:
    """Training items: who is nearest, and how far these are from one another."""

    def __init__(self, train: Points) -> None:
        self.index = NearestNeighbors(n_neighbors=1).fit(train)
        apart = self.index.kneighbors(n_neighbors=min(NEIGHBOURS, len(train) - 1))[0]
        self.scale = apart.mean(axis=1)
        self.typical = float(np.median(apart[:, 0])) or float(np.mean(apart[:, 0])) or 1.0

    def ratios(self, queries: Points) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the ratio that counts, the nearest training item, and the distance."""
        if not len(queries):
            return np.zeros(0), np.zeros(0, np.int64), np.zeros(0)
        distance, nearest = (array[:, 0] for array in self.index.kneighbors(queries))
        scale = self.scale[nearest]
        # Where real items repeat one another, being on top of one says nothing.
        ratio = np.divide(distance, scale, out=np.full(len(scale), np.inf), where=scale > 0)
        return ratio, nearest, distance


def _threshold(normal: NDArray[np.float64], allowed: float) -> float:
    """Return what a fresh real item is below with at most the probability `allowed`; the least of few items."""
    ordered = np.sort(normal)
    rank = int(allowed * (len(ordered) + 1))
    return float(ordered[max(rank, 1) - 1]) if len(ordered) else 0.0


def membership_area(synthetic: Points, train: Points, held_out: Points) -> Auc:
    """Return how well nearness to the samples tells training items from held-out ones: 0.5 is not at all.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, held_out = rng.normal(size=(2, 100, 5))
    >>> membership_area(train + 0.01, train, held_out).value > 0.9
    True
    """
    index = NearestNeighbors(n_neighbors=1).fit(synthetic)
    nearness = [-index.kneighbors(side)[0][:, 0] for side in (train, held_out)]
    return area(np.concatenate(nearness), np.repeat([True, False], [len(train), len(held_out)]))
