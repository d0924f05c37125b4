"""The search for copies of training items in each fold, and its results pooled over the folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation import metrics
from ganaug.evaluation.metrics.base import mean
from ganaug.evaluation.metrics.copies import CopyScan, CopySearch, View

SECTION = "copies"
MAX_PLANTED = 2_000
"""Training items that are planted as copies: bounds the time."""


@dataclass(frozen=True)
class Copying:
    """The results of one fold.

    Attributes
    ----------
    results : dict
        By metric, as `ganaug.evaluation.metrics.base.Metric` measures it.
    labels : ndarray of shape (n_synthetic,)
        Classes of the samples.
    real_labels : ndarray of shape (n_held_out,)
        Classes of the held-out real items that calibrate the search.
    """

    results: dict[str, Any]
    labels: NDArray[np.int64]
    real_labels: NDArray[np.int64]

    @property
    def scan(self) -> CopyScan:
        """Which samples are copies, and of which items."""
        found: CopyScan = self.results["copies"]
        return found


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
    synthetic, train, held_out : Dataset
        `held_out` shows how near real items come to one another by chance.
    features : callable, optional
        A second feature space to search, from a dataset to features (n, d). The first is `Dataset.points`.
    seen_all : bool
        Whether the generator has seen `held_out` too. Copies of these items are then looked for as well, and
        membership cannot be inferred.
    infer : bool
        Whether the generator has seen `train`, so that membership can be inferred.
    seed : int
    """
    rng = np.random.default_rng([seed, 4])
    planted = train.part(rng.permutation(len(train.labels))[:MAX_PLANTED])
    sides = (synthetic, train, held_out, planted, planted.jittered(rng))
    spaces: list[Callable[[Dataset], NDArray[np.floating]]] = [lambda data: data.points(train)]
    spaces += [features] if features is not None else []
    views = []
    for space in spaces:
        made, learned, held, exact, altered = (space(side) for side in sides)
        views.append(View(made, learned, held, exact, altered, np.concatenate([learned, held]) if seen_all else None))
    search = CopySearch(views, infer and not seen_all, seed)
    return Copying(metrics.measured(SECTION, search), synthetic.labels, held_out.labels)


def pooled_copies(folds: Sequence[Copying]) -> dict[str, Any]:
    """Return the JSON entries, over the samples of all folds."""
    return metrics.pooled(SECTION, [fold.results for fold in folds])


def class_copies(folds: Sequence[Copying], label: int) -> dict[str, Any]:
    """Return share and number of copies among the samples of one class, and the same for its held-out real items."""
    none = np.zeros(0, bool)
    flagged = np.concatenate([none, *(fold.scan.flagged[fold.labels == label] for fold in folds)])
    alarms = np.concatenate([none, *(fold.scan.alarms[fold.real_labels == label] for fold in folds)])
    return {
        "share": mean([float(flagged.mean())]) if len(flagged) else None,
        "n": len(flagged),
        "false_alarms": mean([float(alarms.mean())]) if len(alarms) else None,
        "n_real": len(alarms),
    }
