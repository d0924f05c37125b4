"""What a metric is: how it measures one fold, pools the folds into JSON, and words the result for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.wording import interval, is_known, number

if TYPE_CHECKING:
    from ganaug.data.tables.codec import TableCodec
    from ganaug.evaluation.statistics import Auc

Features = NDArray[np.floating]  # (n, d)


@dataclass(frozen=True)
class FoldData:
    """What the fidelity metrics measure in one fold: real items that the generator has not seen, and its samples."""

    real: Dataset
    synthetic: Dataset
    real_features: Features
    synthetic_features: Features
    codec: "TableCodec | None" = None  # the constraints that the generator promises for the columns of a table
    probabilities: Callable[[Dataset], NDArray[np.floating]] | None = None  # of the classes, (n, n_classes)
    realism: "Auc | None" = None  # how well the discriminator of the generator tells real from synthetic
    seed: int = 0


@dataclass(frozen=True)
class MetricLine:
    """One row of a table of metrics on the page, as text."""

    name: str
    value: str
    bounds: str  # the 95 % interval or the standard error, where there is one
    reference: str  # the value of real data, or the ideal value
    meaning: str  # what the metric is
    reading: str = ""  # what this value says


@dataclass(frozen=True)
class Metric:
    """One metric of a report.

    Attributes
    ----------
    pool : callable
        From the results of all folds to the JSON entries. Every key is there, even if there are no results.
    measure : callable or None
        From a fold, such as a `FoldData`, to its result: an object that `pool` understands, or None where the metric
        does not apply. Without this function the metric describes single classes only.
    measure_class : callable or None
        From the real and the synthetic features of one class to the result. Without this function the metric describes
        all samples only.
    lines : callable
        From the JSON entries of the section, of which any may be missing, to the rows of the page.
    """

    pool: Callable[[Sequence[Any]], dict[str, Any]]
    measure: Callable[[Any], Any] | None = None
    measure_class: Callable[[Features, Features], Any] | None = None
    lines: Callable[[Mapping[str, Any]], list[MetricLine]] = lambda _: []


def auc_metric(
    key: str,
    measure: Callable[[Any], Any],
    *,
    title: str,
    meaning: str,
    verb: str = "told apart",
    is_nullable: bool = True,
) -> Metric:
    """Return a metric that is an area under the ROC curve: 0.5 is chance, 1 is always.

    `measure` returns an `Auc` or None. `verb` names what an attack or a classifier does to the items at an area of 1.
    Without results, the JSON entry is null if `is_nullable`, or else an estimate of unknown numbers.
    """

    def pool(results: Sequence[Any]) -> dict[str, Any]:
        from ganaug.evaluation.statistics import pooled_areas

        return {key: pooled_areas(results).estimate().to_dict() if results or not is_nullable else None}

    def lines(figures: Mapping[str, Any]) -> list[MetricLine]:
        estimate = figures.get(key)
        if not isinstance(estimate, dict) or not is_known(estimate.get("mean")):
            return []
        value, low = estimate["mean"], estimate.get("low")
        if value <= 0.5 or (is_known(low) and low <= 0.5):
            reading = f"Not {verb} beyond chance."
        else:
            degree = "a little better than chance" if value < 0.7 else "often" if value < 0.9 else "nearly always"
            reading = f"{verb.capitalize()} {degree}."
        return [MetricLine(title, number(value), interval(estimate, number), "chance 0.5", meaning, reading)]

    return Metric(pool, measure, lines=lines)


def pair_metric(
    key: str, names: tuple[str, str], measure: Callable[[Any], tuple[float, float] | None], *, title: str, meaning: str
) -> Metric:
    """Return a metric that is a value and its reference, with these names in the JSON: ``{key: {name: mean, ...}}``."""

    def pool(results: Sequence[tuple[float, float]]) -> dict[str, Any]:
        means = {name: mean([pair[place] for pair in results]) for place, name in enumerate(names)}
        return {key: means if results else None}

    def lines(figures: Mapping[str, Any]) -> list[MetricLine]:
        value, reference = ((figures.get(key) or {}).get(name) for name in names)
        found = MetricLine(title, number(value), "", compare_with(names[1], reference), meaning)
        return [found] if is_known(value) else []

    return Metric(pool, measure, lines=lines)


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of the finite values, rounded for JSON; None where there are none."""
    finite = np.array(values, dtype=np.float64)[np.isfinite(values)]
    return round(float(finite.mean()), 6) if len(finite) else None


def compare_with(word: str, value: Any) -> str:
    """Return a reference value with its name, such as "floor 0.2"; an empty text if it is not known."""
    return f"{word} {number(value)}" if is_known(value) else ""


def random_rows(features: Features, at_most: int) -> Features:
    """Return at most so many rows, chosen at random with a fixed seed: tables are often sorted by class or by time."""
    if len(features) <= at_most:
        return features
    return features[np.random.default_rng(0).choice(len(features), at_most, replace=False)]
