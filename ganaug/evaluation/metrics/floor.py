"""Distances between two sets of features with their floor: the distance between two halves of the real set."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import Features, FoldData, Metric, MetricLine, compare_with, mean
from ganaug.evaluation.wording import is_known, number

__all__ = ["DistanceMetric", "FlooredDistance", "doubles", "floored"]

HALVINGS = 20
"""Random halves whose distances the floor is the quantile of."""
MAX_ROWS = 1_000
"""Rows of each side that a distance is computed on: bounds the time."""
QUANTILE = 0.95


@dataclass(frozen=True)
class FlooredDistance:
    """A distance between real and synthetic rows, and between real and real rows.

    Attributes
    ----------
    value : float
        The mean over random halves of both sides.
    error : float
        The standard error of `value`. It is the standard deviation over the halves, not divided by their number:
        halves of one sample are not independent.
    floor : float
        The 95 % quantile of the distance between two halves of the real rows.
    """

    value: float
    error: float
    floor: float


def floored(
    distance: Callable[[Features, Features], float], real: Features, synthetic: Features, *, seed: int = 0
) -> FlooredDistance:
    """Measure a distance and its floor on equal numbers of rows, because distances depend on the number of rows.

    Returns
    -------
    FlooredDistance
        NaN where either side has fewer than four rows.

    Examples
    --------
    >>> from ganaug.evaluation.metrics.kernel import kernel_distance
    >>> rng = np.random.default_rng(0)
    >>> real, fake = rng.normal(size=(2, 100, 3))
    >>> same = floored(kernel_distance, real, fake)
    >>> same.value < same.floor < floored(kernel_distance, real, fake + 2).value
    True
    """
    rng = np.random.default_rng(seed)
    half = min(len(real) // 2, len(synthetic) // 2, MAX_ROWS // 2)
    if half < 2:
        return FlooredDistance(float("nan"), float("nan"), float("nan"))
    across, within = [], []
    for _ in range(HALVINGS):
        order = rng.permutation(len(real))
        one, other = real[order[:half]], real[order[half : 2 * half]]
        across.append(distance(one, synthetic[rng.permutation(len(synthetic))[:half]]))
        within.append(distance(one, other))
    return FlooredDistance(float(np.mean(across)), float(np.std(across, ddof=1)), float(np.quantile(within, QUANTILE)))


class DistanceMetric(Metric):
    """A distance with its floor."""

    key: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]

    @staticmethod
    @abstractmethod
    def distance(left: Features, right: Features) -> float:
        """Return the distance between two sets of rows."""

    def measure(self, fold: FoldData) -> FlooredDistance:
        """Return the distance and its floor for the features of one fold."""
        return floored(self.distance, fold.real_features, fold.synthetic_features, seed=fold.seed)

    def pool(self, results: Sequence[FlooredDistance]) -> dict[str, Any]:
        """Return the means over the folds."""
        return {
            self.key: {"value": mean([one.value for one in results]), "floor": mean([one.floor for one in results])}
        }

    def lines(self, figures: Mapping[str, Any]) -> list[MetricLine]:
        """Say how far above the floor the distance is."""
        found = figures.get(self.key)
        if not isinstance(found, dict) or not is_known(found.get("value")):
            return []
        value, floor, error = found["value"], found.get("floor"), found.get("standard_error")
        reading = ""
        if is_known(floor) and floor > 0:
            slack = 2 * error if is_known(error) else 0.1 * floor
            reading = "At the floor." if value <= floor + slack else f"{number(value / floor, 2)} times the floor."
        bounds = f"± {number(error)} (standard error)" if is_known(error) else ""
        return [MetricLine(self.title, number(value), bounds, compare_with("floor", floor), self.meaning, reading)]


def doubles(*sides: Features) -> list[NDArray[np.float64]]:
    """Return features in double precision."""
    return [np.asarray(side, dtype=np.float64) for side in sides]
