"""Distances between two sets of features with their floor: the distance between two halves of the real set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import Features, Metric, MetricLine, compare_with, mean
from ganaug.evaluation.wording import is_known, number

HALVINGS = 20
"""Random splits into halves. The floor is the `QUANTILE` of the distances between the halves of the real set."""
MAX_ROWS = 1_000
"""Rows of each side that a distance is computed on: bounds the time."""
QUANTILE = 0.95  # that the distances of equal distributions seldom exceed


@dataclass(frozen=True)
class FlooredDistance:
    """A distance between real and synthetic rows, and between real and real rows."""

    value: float  # the mean over random halves of both sides
    error: float  # the standard deviation over these halves: they are not independent, so it is not divided
    floor: float  # the 95 % quantile of the distance between two halves of the real rows


def floored(
    distance: Callable[[Features, Features], float], real: Features, synthetic: Features, *, seed: int = 0
) -> FlooredDistance:
    """Measure a distance and its floor on equal numbers of rows, because distances depend on the number of rows.

    All are NaN where either side has fewer than four rows.
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


def distance_metric(
    key: str, distance: Callable[[Features, Features], float], *, title: str, meaning: str, has_error: bool = False
) -> Metric:
    """Return a metric that is a distance with a floor; `has_error` says whether the JSON has the standard error."""

    def pool(results: Sequence[FlooredDistance]) -> dict[str, Any]:
        entry = {"value": mean([one.value for one in results])}
        if has_error:
            errors = [one.error for one in results if np.isfinite(one.error)]
            entry["standard_error"] = mean([np.sqrt(np.sum(np.square(errors))) / len(errors)]) if errors else None
        entry["floor"] = mean([one.floor for one in results])
        return {key: entry}

    def lines(figures: Mapping[str, Any]) -> list[MetricLine]:
        found = figures.get(key)
        if not isinstance(found, dict) or not is_known(found.get("value")):
            return []
        value, floor, error = found["value"], found.get("floor"), found.get("standard_error")
        reading = ""
        if is_known(floor) and floor > 0:
            slack = 2 * error if is_known(error) else 0.1 * floor
            reading = "At the floor." if value <= floor + slack else f"{number(value / floor, 2)} times the floor."
        bounds = f"± {number(error)} (standard error)" if is_known(error) else ""
        return [MetricLine(title, number(value), bounds, compare_with("floor", floor), meaning, reading)]

    return Metric(
        pool, lambda fold: floored(distance, fold.real_features, fold.synthetic_features, seed=fold.seed), lines=lines
    )


def doubles(*sides: Features) -> list[NDArray[np.float64]]:
    """Return features in double precision."""
    return [np.asarray(side, dtype=np.float64) for side in sides]
