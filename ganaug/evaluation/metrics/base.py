"""What a metric is: how it measures one fold, pools the folds into JSON, and words the result for people."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.wording import interval, is_known, number

if TYPE_CHECKING:
    from ganaug.data.tables.codec import TableCodec
    from ganaug.evaluation.statistics import Auc

__all__ = ["AucMetric", "Features", "FoldData", "Metric", "MetricLine", "compare_with", "mean", "random_rows"]

Features = NDArray[np.floating]  # (n, d)


@dataclass(frozen=True)
class FoldData:
    """What the fidelity metrics measure in one fold.

    Attributes
    ----------
    real : Dataset
        Real items that the generator has not seen.
    synthetic : Dataset
        Samples of the generator.
    real_features, synthetic_features : ndarray of shape (n, d), (m, d)
        The features of both.
    codec : TableCodec or None
        The constraints that the generator promises for the columns of a table.
    probabilities : callable or None
        From a dataset to class probabilities (n, n_classes).
    realism : Auc or None
        How well the discriminator of the generator tells real from synthetic.
    seed : int
    """

    real: Dataset
    synthetic: Dataset
    real_features: Features
    synthetic_features: Features
    codec: "TableCodec | None" = None
    probabilities: Callable[[Dataset], NDArray[np.floating]] | None = None
    realism: "Auc | None" = None
    seed: int = 0


@dataclass(frozen=True)
class MetricLine:
    """One row of a table of metrics on the page.

    Attributes
    ----------
    name : str
    value, bounds : str
        The value, and its 95 % interval or standard error where there is one.
    reference : str
        The value of real data, or the ideal value.
    meaning, reading : str
        What the metric is, and what this value says.
    """

    name: str
    value: str
    bounds: str
    reference: str
    meaning: str
    reading: str = ""


class Metric(ABC):
    """One metric of a report. A result, as `measure` returns it, is whatever `pool` understands.

    Attributes
    ----------
    is_overall : bool
        Whether the metric describes all samples together; otherwise it describes single classes only.
    """

    is_overall: ClassVar[bool] = True

    @abstractmethod
    def measure(self, fold: Any) -> Any:
        """Return the result for one fold, such as a `FoldData`; None where the metric does not apply."""

    def measure_class(self, real: Features, synthetic: Features) -> Any:  # noqa: ARG002
        """Return the result for the features of one class; None where the metric does not describe classes."""
        return None

    @abstractmethod
    def pool(self, results: Sequence[Any]) -> dict[str, Any]:
        """Return the JSON entries for the results of all folds; every key is there, even if there are no results."""

    def lines(self, figures: Mapping[str, Any]) -> list[MetricLine]:  # noqa: ARG002
        """Return the rows of the page for the JSON entries of the section; by default the page shows none."""
        return []


class AucMetric(Metric):
    """The area under the ROC curve of something that tells two kinds of items apart: 0.5 is chance, 1 is always."""

    key: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]
    verb: ClassVar[str] = "told apart"

    def pool(self, results: "Sequence[Auc]") -> dict[str, Any]:
        """Return the estimate of the mean area; null without results."""
        from ganaug.evaluation.statistics import pooled_areas

        return {self.key: pooled_areas(results).estimate().to_dict() if results else None}

    def lines(self, figures: Mapping[str, Any]) -> list[MetricLine]:
        """Say whether the area is above chance."""
        estimate = figures.get(self.key)
        if not isinstance(estimate, dict) or not is_known(estimate.get("mean")):
            return []
        value, low = estimate["mean"], estimate.get("low")
        if value <= 0.5 or (is_known(low) and low <= 0.5):
            reading = f"Not {self.verb} beyond chance."
        else:
            degree = "a little better than chance" if value < 0.7 else "often" if value < 0.9 else "nearly always"
            reading = f"{self.verb.capitalize()} {degree}."
        bounds = interval(estimate, number)
        return [MetricLine(self.title, number(value), bounds, "chance 0.5", self.meaning, reading)]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of the finite values, rounded for JSON; None where there are none."""
    finite = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(finite)), 6) if finite else None


def compare_with(word: str, value: Any) -> str:
    """Return a reference value with its name, such as "floor 0.2"; nothing where it is not known."""
    return f"{word} {number(value)}" if is_known(value) else ""


def random_rows(features: Features, at_most: int) -> Features:
    """Return at most so many rows, chosen at random with a fixed seed: tables are often sorted by class or by time."""
    if len(features) <= at_most:
        return features
    return features[np.random.default_rng(0).choice(len(features), at_most, replace=False)]
