"""The search for copies in each fold, and what the folds' searches say together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.metrics.copies import NOMINAL, CopyScan, View, find_copies, membership_area
from ganaug.evaluation.statistics import Auc, known, pooled_areas, share_estimate

__all__ = ["Copying", "pooled_copies", "search_for_copies"]

MOST = 2_000
"""Samples, and planted copies, that are looked at."""


@dataclass(frozen=True)
class Copying:
    """What was found in one fold.

    Attributes
    ----------
    scan : CopyScan
    labels : ndarray of shape (n_synthetic,)
        Classes of the samples.
    real_labels : ndarray of shape (n_held_out,)
        Classes of the real ones that show how near samples come by chance.
    membership : Auc or None
        How well nearness to the samples tells the rows that were trained on from the others.
    """

    scan: CopyScan
    labels: NDArray[np.int64]
    real_labels: NDArray[np.int64]
    membership: Auc | None


def search_for_copies(
    synthetic: Dataset,
    train: Dataset,
    held_out: Dataset,
    *,
    features: Callable[[Dataset], NDArray[np.floating]] | None = None,
    seen_all: bool = False,
    infer: bool = True,
    seed: int = 0,
) -> Copying:
    """Look for copies of training items among samples.

    Parameters
    ----------
    synthetic, train, held_out : LabelledImages or LabelledTable
        `held_out` shows how near real items come to one another by chance.
    features : callable, optional
        A second space to look in, from data to points.
    seen_all : bool
        Whether the generator has seen `held_out` too: then copies of it are looked for as well, and there is no
        membership to infer.
    infer : bool
        Whether the generator has seen `train`, so that there is a membership to infer.
    seed : int
    """
    rng = np.random.default_rng([seed, 4])
    planted = train.part(rng.permutation(len(train.labels))[:MOST])
    sides = (synthetic, train, held_out, planted, planted.jittered(rng))
    spaces: list[Callable[[Dataset], NDArray[np.floating]]] = [lambda data: data.points(train)]
    spaces += [features] if features is not None else []
    views = []
    for space in spaces:
        made, learned, held, exact, altered = (space(side) for side in sides)
        views.append(View(made, learned, held, exact, altered, np.concatenate([learned, held]) if seen_all else None))
    inferable = infer and not seen_all
    membership = membership_area(views[0].synthetic, views[0].train, views[0].held_out) if inferable else None
    return Copying(find_copies(views, seed=seed), synthetic.labels, held_out.labels, membership)


def pooled_copies(folds: Sequence[Copying]) -> dict[str, Any]:
    """Return the figures of a report: over all samples of all folds."""
    flagged = np.concatenate([fold.scan.flagged for fold in folds]) if folds else np.zeros(0, bool)
    membership = [fold.membership for fold in folds if fold.membership is not None]
    return {
        "share": known(float(flagged.mean())) if len(flagged) else None,
        "expected_share": NOMINAL,
        "threshold": _mean([fold.scan.threshold for fold in folds]),
        "n": len(flagged),
        "calibration": {
            "planted_exact_found": _mean([fold.scan.exact_found for fold in folds]),
            "planted_altered_found": _mean([fold.scan.altered_found for fold in folds]),
            "false_alarms": _mean([fold.scan.false_alarms for fold in folds]),
        },
        "membership_auc": pooled_areas(membership).estimate().to_dict() if membership else None,
    }


def class_copies(folds: Sequence[Copying], label: int) -> dict[str, Any]:
    """Return share and number of the samples of one class, and of the unseen real ones beside them."""
    none = np.zeros(0, bool)
    found = np.concatenate([none, *(fold.scan.flagged[fold.labels == label] for fold in folds)])
    alarms = np.concatenate([none, *(fold.scan.alarms[fold.real_labels == label] for fold in folds)])
    return {
        "share": known(share_estimate(int(found.sum()), len(found)).mean),
        "n": len(found),
        "false_alarms": known(share_estimate(int(alarms.sum()), len(alarms)).mean),
        "n_real": len(alarms),
    }


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return known(float(np.mean(finite))) if finite else None
