"""How like the real ones samples are: measured in each fold on rows that the generator has not seen, then pooled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import LabelledTable
from ganaug.evaluation.metrics.columns import ColumnDistance, association_distance, broken_promises, column_distances
from ganaug.evaluation.metrics.distances import (
    FlooredDistance,
    floored,
    frechet_distance,
    inception_score,
    kernel_distance,
    typical_distance,
)
from ganaug.evaluation.metrics.manifold import manifold_overlap
from ganaug.evaluation.metrics.two_sample import two_sample_auc
from ganaug.evaluation.statistics import Auc, known, pooled_areas

__all__ = ["COLLAPSED", "FEWEST_OF_A_CLASS", "Fidelity", "measure_fidelity", "pooled_fidelity"]

FEWEST_OF_A_CLASS = 6
"""Real rows of a class in one fold that its own figures need."""
COLLAPSED = 0.5
"""A class whose variety is below this share of its real ones' has collapsed."""

OVERLAPS = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Fidelity:
    """Figures of one fold.

    Attributes
    ----------
    two_sample : Auc
        Of a classifier that tells real from synthetic.
    realism : Auc or None
        Of the discriminator's own opinion.
    frechet, kernel : FlooredDistance
    inception : tuple of float or None
        Inception Score of samples, and of real ones.
    overlap : dict of str to float
        Precision, recall, density and coverage.
    by_class : list of dict of str to float
        For each class the same, and its variety relative to the real ones'; empty where there are too few.
    columns : list of ColumnDistance
    associations : tuple of float or None
        Distance and floor.
    promises : tuple of int or None
        Checked and violated.
    """

    two_sample: Auc
    realism: Auc | None
    frechet: FlooredDistance
    kernel: FlooredDistance
    inception: tuple[float, float] | None
    overlap: dict[str, float]
    by_class: list[dict[str, float]]
    columns: list[ColumnDistance]
    associations: tuple[float, float] | None
    promises: tuple[int, int] | None


def measure_fidelity(
    real: Dataset,
    synthetic: Dataset,
    features: Callable[[Dataset], NDArray[np.floating]],
    *,
    codec: TableCodec | None = None,
    probabilities: Callable[[Dataset], NDArray[np.floating]] | None = None,
    realism: Auc | None = None,
    seed: int = 0,
) -> Fidelity:
    """Compare samples with real rows that their generator has not seen.

    Parameters
    ----------
    real, synthetic : LabelledImages or LabelledTable
        With class shares alike.
    features : callable
        From data to its features (n, d), learned from neither of them.
    codec : TableCodec, optional
        Of a table: what its generator promises of the values.
    probabilities : callable, optional
        From data to class probabilities (n, n_classes), for the Inception Score.
    realism : Auc, optional
        Passed on.
    seed : int
    """
    own, made = features(real), features(synthetic)
    by_class = []
    for label in range(len(real.classes)):
        sides = own[real.labels == label], made[synthetic.labels == label]
        figures: dict[str, float] = {}
        if min(map(len, sides)) >= FEWEST_OF_A_CLASS:
            figures = manifold_overlap(*sides)
            spread = typical_distance(sides[0])
            figures["variety"] = typical_distance(sides[1]) / spread if spread > 0 else float("nan")
        by_class.append(figures)
    inception = None
    if probabilities is not None:
        inception = inception_score(probabilities(synthetic)), inception_score(probabilities(real))
    columns, associations, promises = [], None, None
    if isinstance(real, LabelledTable):
        assert isinstance(synthetic, LabelledTable)  # noqa: S101
        known_columns = synthetic.codec
        columns = column_distances(real.frame, synthetic.frame, known_columns, seed=seed)
        associations = association_distance(real.frame, synthetic.frame, known_columns, seed=seed)
        promises = None if codec is None else broken_promises(synthetic.frame[codec.names], codec)
    return Fidelity(
        two_sample=two_sample_auc(own, made, seed=seed),
        realism=realism,
        frechet=floored(frechet_distance, own, made, seed=seed),
        kernel=floored(kernel_distance, own, made, seed=seed),
        inception=inception,
        overlap=manifold_overlap(own, made),
        by_class=by_class,
        columns=columns,
        associations=associations,
        promises=promises,
    )


def pooled_fidelity(folds: Sequence[Fidelity], features_name: str) -> dict[str, Any]:
    """Return the figures of a report: means over folds, whose test rows are all different."""
    realism = [fold.realism for fold in folds if fold.realism is not None]
    kernel = _mean_distance([fold.kernel for fold in folds])
    frechet = _mean_distance([fold.frechet for fold in folds])
    inception = [fold.inception for fold in folds if fold.inception is not None]
    associations = [fold.associations for fold in folds if fold.associations is not None]
    promises = [fold.promises for fold in folds if fold.promises is not None]
    return {
        "features": features_name,
        "two_sample_auc": pooled_areas([fold.two_sample for fold in folds]).estimate().to_dict(),
        "realism_auc": pooled_areas(realism).estimate().to_dict() if realism else None,
        "frechet_distance": {"value": frechet["value"], "floor": frechet["floor"]},
        "kernel_distance": kernel,
        "inception_score": _pair(inception, "value", "real"),
        **{name: _mean([fold.overlap.get(name, float("nan")) for fold in folds]) for name in OVERLAPS},
        "columns": _mean_columns([fold.columns for fold in folds]),
        "associations": _pair(associations, "distance", "floor"),
        "constraints": (
            {"checked": sum(one[0] for one in promises), "violated": sum(one[1] for one in promises)}
            if promises
            else None
        ),
    }


def pooled_class_fidelity(folds: Sequence[Fidelity], label: int) -> dict[str, float | None]:
    """Return the figures of one class: means over the folds that have them."""
    found = [fold.by_class[label] for fold in folds if fold.by_class[label]]
    return {name: _mean([one[name] for one in found]) for name in (*OVERLAPS, "variety") if found}


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if np.isfinite(value)]
    return known(float(np.mean(finite))) if finite else None


def _pair(pairs: Sequence[tuple[float, float]], one: str, other: str) -> dict[str, float | None] | None:
    return {one: _mean([pair[0] for pair in pairs]), other: _mean([pair[1] for pair in pairs])} if pairs else None


def _mean_distance(distances: Sequence[FlooredDistance]) -> dict[str, float | None]:
    errors = [one.error for one in distances if np.isfinite(one.error)]
    return {
        "value": _mean([one.value for one in distances]),
        "standard_error": known(float(np.sqrt(np.sum(np.square(errors))) / len(errors))) if errors else None,
        "floor": _mean([one.floor for one in distances]),
    }


def _mean_columns(folds: Sequence[list[ColumnDistance]]) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "distance": _mean([fold[i].distance for fold in folds]),
            "floor": _mean([fold[i].floor for fold in folds]),
        }
        for i, column in enumerate(folds[0] if folds else [])
    ]
