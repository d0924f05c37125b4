"""Copies: synthetic samples nearer to a training item than real items come to one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import Features, Metric, MetricLine, mean
from ganaug.evaluation.wording import count, is_known, number, percent

NOMINAL_SHARE = 0.03
"""Share of unseen real items that may be flagged as copies."""
NEIGHBOURS = 3
"""Neighbours of a training item whose mean distance measures how densely items lie around it."""

CALIBRATION = {
    "planted_exact_found": ("Planted copies found", "ideal 100 %", "Training samples, planted unchanged."),
    "planted_altered_found": ("Planted altered copies found", "ideal 100 %", "The same, slightly altered first."),
    "false_alarms": ("False alarms", "as by chance", "Unseen real samples that are flagged as copies."),
}
"""By key of the JSON, name, reference and meaning."""


@dataclass(frozen=True)
class View:
    """The items of one search in one feature space, each an array of shape (n, d)."""

    synthetic: Features
    train: Features  # what the generator learned from
    held_out: Features  # real items that it did not learn from
    exact: Features  # planted copies of `train`, unchanged
    altered: Features  # planted copies of `train`, slightly altered
    searched: Features | None = None  # the items that may have been copied, if these are more than `train`


@dataclass(frozen=True)
class CopySearch:
    """What the metrics of copies measure in one fold: the same items in each feature space."""

    views: Sequence[View]
    infers_membership: bool  # whether the generator learned from all of `train` and from nothing of `held_out`
    seed: int


@dataclass(frozen=True)
class CopyScan:
    """What a search for copies found.

    `nearest` and `threshold` are of the first view. Unit of the distance: the median distance from a real item to the
    nearest other one. Each half of the held-out items is judged by the threshold that the other half gives.
    """

    flagged: NDArray[np.bool_]  # whether each sample is taken for a copy, (n_synthetic,)
    nearest: NDArray[np.int64]  # the row of the real item nearest to each sample, (n_synthetic,)
    distance: NDArray[np.float64]  # the distance to it, (n_synthetic,)
    threshold: float  # a sample is flagged where the ratio described in `find_copies` is smaller
    exact_found: float  # share of the planted copies that are flagged
    altered_found: float
    alarms: NDArray[np.bool_]  # whether each held-out real item is flagged, (n_held_out,)


def find_copies(views: Sequence[View], *, seed: int = 0) -> CopyScan:
    """Flag the samples that are nearer to a training item than nearly all held-out real items are.

    The criterion is the ratio of two distances: from the sample to its nearest training item, and from that item to
    its three nearest neighbours in the training set, on average. Dense and sparse regions are thus judged alike. The
    threshold is a quantile of the ratio over held-out real items, of which 3 % may be below it. Several views share
    these 3 % equally; a sample that is flagged in one of them is flagged. The seed halves the held-out items for the
    false alarms.
    """
    allowed = NOMINAL_SHARE / len(views)
    first = np.random.default_rng(seed).permutation(len(views[0].held_out)) % 2 == 0
    hits = {name: np.zeros(len(getattr(views[0], name)), bool) for name in ("synthetic", "exact", "altered")}
    alarms = np.zeros(len(first), bool)
    results = []
    for view in views:
        index = _TrainingIndex(view.train)
        normal = index.ratios(view.held_out)[0]
        if view.searched is not None:
            index = _TrainingIndex(view.searched)
        threshold = _threshold(normal, allowed)
        alarms[first] |= normal[first] < _threshold(normal[~first], allowed)
        alarms[~first] |= normal[~first] < _threshold(normal[first], allowed)
        for name, hit in hits.items():
            ratio, nearest, distance = index.ratios(getattr(view, name))
            hit |= ratio < threshold
            if name == "synthetic":
                results.append((nearest, distance / index.typical, threshold))
    nearest, distance, threshold = results[0]
    return CopyScan(
        hits["synthetic"], nearest, distance, threshold, _share(hits["exact"]), _share(hits["altered"]), alarms
    )


def _share(flagged: NDArray[np.bool_]) -> float:
    return float(flagged.mean()) if len(flagged) else float("nan")


class _TrainingIndex:
    """Finds the nearest training item, and knows how far each training item is from its neighbours."""

    def __init__(self, train: Features) -> None:
        from sklearn.neighbors import NearestNeighbors

        self.index = NearestNeighbors(n_neighbors=1).fit(train)
        apart = self.index.kneighbors(n_neighbors=min(NEIGHBOURS, len(train) - 1))[0]
        self.scale = apart.mean(axis=1)
        self.typical = float(np.median(apart[:, 0])) or float(np.mean(apart[:, 0])) or 1.0

    def ratios(self, queries: Features) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Return for each query the ratio of `find_copies`, the nearest training item, and the distance to it."""
        if not len(queries):
            return np.zeros(0), np.zeros(0, np.int64), np.zeros(0)
        distance, nearest = (array[:, 0] for array in self.index.kneighbors(queries))
        scale = self.scale[nearest]
        # An item with identical neighbours is no evidence: a real item may be identical to it as well.
        ratio = np.divide(distance, scale, out=np.full(len(scale), np.inf), where=scale > 0)
        return ratio, nearest, distance


def _threshold(normal: NDArray[np.float64], allowed: float) -> float:
    """Return the ratio below which an unseen real item is with at most the probability `allowed`."""
    ordered = np.sort(normal)
    rank = int(allowed * (len(ordered) + 1))
    return float(ordered[max(rank, 1) - 1]) if len(ordered) else 0.0


def usual_share(copies: Mapping[str, Any]) -> float:
    """Return the share of real samples that are flagged by chance: the nominal, or the measured one if it is larger."""
    alarms = (copies.get("calibration") or {}).get("false_alarms")
    return max(copies.get("expected_share") or 0.0, alarms or 0.0)


def _pool(results: Sequence[CopyScan]) -> dict[str, Any]:
    flagged = [hit for scan in results for hit in scan.flagged.tolist()]
    return {
        "share": mean(flagged),
        "expected_share": NOMINAL_SHARE,
        "threshold": mean([scan.threshold for scan in results]),
        "n": len(flagged),
        "calibration": {
            "planted_exact_found": mean([scan.exact_found for scan in results]),
            "planted_altered_found": mean([scan.altered_found for scan in results]),
            "false_alarms": mean([_share(scan.alarms) for scan in results]),
        },
    }


def _lines(figures: Mapping[str, Any]) -> list[MetricLine]:
    rows, tried = [], figures.get("calibration") or {}
    if is_known(figures.get("share")):
        reference = f"{percent(usual_share(figures))} by chance" if is_known(figures.get("expected_share")) else ""
        meaning = (
            f"Share of {count(figures.get('n'), 'synthetic sample')} whose distance to the nearest training sample is "
            f"less than {number(figures.get('threshold'))} times the distance from that one to its own neighbours. "
            "Only a few unseen real samples come so near. Rare classes weigh more than their size: each class has 30 "
            "samples in a split, or more, unless the budget was too short for so many."
        )
        rows.append(MetricLine("Near-copies", percent(figures["share"]), "", reference, meaning, _reading(figures)))
    rows += [
        MetricLine(name, percent(tried[key]), "", reference, meaning)
        for key, (name, reference, meaning) in CALIBRATION.items()
        if is_known(tried.get(key))
    ]
    return rows


def _reading(figures: Mapping[str, Any]) -> str:
    share, usual = figures["share"], usual_share(figures)
    if share == 0:
        return "None found."
    if not is_known(figures.get("expected_share")):
        return ""
    return "No more than by chance." if share <= usual else f"{number(100 * (share - usual), 2)} points more."


METRIC = Metric(_pool, lambda search: find_copies(search.views, seed=search.seed), lines=_lines)
