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
    """The results of one fold."""

    results: dict[str, Any]  # by metric
    labels: NDArray[np.int64]  # classes of the samples, (n_synthetic,)
    real_labels: NDArray[np.int64]  # classes of the held-out real items that calibrate the search, (n_held_out,)
    n_searched: int  # training items of which copies were looked for
    wanted: int  # samples, and
    n_items: int  # training items, of a search without a limit in time

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
    """Look for copies of training items among samples; `held_out` shows how near real items come by chance.

    Samples are compared by `Dataset.points`, and then by `features` (n, d) of a dataset. `seen_all` says that the
    generator has seen `held_out` too: copies of these items are looked for as well, and membership cannot be inferred.
    `infer` says whether the generator has seen `train`, so that membership can be inferred.
    """
    rng = np.random.default_rng([seed, 4])
    planted = train.part(rng.permutation(len(train.labels))[:MAX_PLANTED])
    sides = (synthetic, train, held_out, planted, planted.jittered(rng))
    views = []
    for space in (lambda data: data.points(train), features):
        if space is None:
            continue
        made, learned, held, exact, altered = (space(side) for side in sides)
        views.append(View(made, learned, held, exact, altered, np.concatenate([learned, held]) if seen_all else None))
    search = CopySearch(views, infer and not seen_all, seed)
    found = metrics.measured(SECTION, search)
    return Copying(found, synthetic.labels, held_out.labels, len(train), len(synthetic), len(train))


def pooled_copies(folds: Sequence[Copying]) -> dict[str, Any]:
    """Return the JSON entries, over the samples of all folds."""
    searched = {
        "samples": sum(len(fold.labels) for fold in folds),
        "of_samples": sum(fold.wanted for fold in folds),
        "training": sum(fold.n_searched for fold in folds),
        "of_training": sum(fold.n_items for fold in folds),
    }
    return metrics.pooled(SECTION, [fold.results for fold in folds]) | {"searched": searched}


def class_copies(folds: Sequence[Copying], label: int) -> dict[str, Any]:
    """Return share and number of copies among the samples of one class, and the same for its held-out real items."""
    flagged = [hit for fold in folds for hit in fold.scan.flagged[fold.labels == label].tolist()]
    alarms = [hit for fold in folds for hit in fold.scan.alarms[fold.real_labels == label].tolist()]
    return {"share": mean(flagged), "n": len(flagged), "false_alarms": mean(alarms), "n_real": len(alarms)}
