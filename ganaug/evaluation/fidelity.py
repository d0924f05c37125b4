"""Fidelity: how similar samples are to real items that the generator has not seen, measured in folds and pooled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation import metrics
from ganaug.evaluation.metrics.base import FoldData
from ganaug.evaluation.statistics import Auc

if TYPE_CHECKING:
    from ganaug.data.tables.codec import TableCodec

SECTION = "fidelity"
MIN_CLASS_ROWS = 6
"""Real and synthetic items of a class in one fold, below which the class has no metrics of its own."""


@dataclass(frozen=True)
class Fidelity:
    """The results of one fold by metric, and the same for each class; a class with too few items has none."""

    overall: dict[str, Any]
    by_class: list[dict[str, Any]]


def measure_fidelity(
    real: Dataset,
    synthetic: Dataset,
    features: Callable[[Dataset], NDArray[np.floating]],
    *,
    codec: "TableCodec | None" = None,
    probabilities: Callable[[Dataset], NDArray[np.floating]] | None = None,
    realism: Auc | None = None,
    seed: int = 0,
) -> Fidelity:
    """Compare samples with real items that their generator has not seen, of similar class shares.

    `features` returns the features (n, d) of a dataset and has learned from neither; the others are as in `FoldData`.
    """
    own, made = features(real), features(synthetic)
    by_class = []
    for label in range(len(real.classes)):
        sides = own[real.labels == label], made[synthetic.labels == label]
        describing = metrics.registered(SECTION).items() if min(map(len, sides)) >= MIN_CLASS_ROWS else ()
        by_class.append({name: metric.measure_class(*sides) for name, metric in describing if metric.measure_class})
    fold = FoldData(real, synthetic, own, made, codec, probabilities, realism, seed)
    return Fidelity(metrics.measured(SECTION, fold), by_class)


def pooled_fidelity(folds: Sequence[Fidelity], features_name: str) -> dict[str, Any]:
    """Return the JSON entries: means over folds, whose test items are all different."""
    return {"features": features_name} | metrics.pooled(SECTION, [fold.overall for fold in folds])


def pooled_class_fidelity(folds: Sequence[Fidelity], label: int) -> dict[str, float | None]:
    """Return the JSON entries of one class: means over the folds that measured it."""
    figures: dict[str, float | None] = {}
    for name, metric in metrics.registered(SECTION).items():
        if results := [fold.by_class[label][name] for fold in folds if name in fold.by_class[label]]:
            figures |= metric.pool(results)
    return figures
