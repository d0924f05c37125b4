"""The registry of metrics: one module and one line for each.

A module holds the metric as a plain function and, as `METRIC`, what takes part in a report (see
`ganaug.evaluation.metrics.base`). Modules are imported when a metric is first needed, and import scikit-learn and scipy
only where they measure: the HTML report asks the metrics how to word a result, and must not load these libraries.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganaug.evaluation.metrics.base import Metric, MetricLine

__all__ = ["METRICS", "lines", "measured", "pooled", "registered"]

METRICS = {
    "fidelity": [
        "two_sample",
        "realism",
        "frechet",
        "kernel",
        "inception",
        "precision_recall",
        "variety",
        "columns",
        "associations",
        "constraints",
    ],
    "copies": [
        "copies",
        "membership",
    ],
}
"""By section of the report, the modules of its metrics, in the order of the JSON and of the page."""


def registered(section: str) -> "dict[str, Metric]":
    """Return the metrics of a section by the names of their modules."""
    return {name: import_module(f"{__name__}.{name}").METRIC for name in METRICS[section]}


def measured(section: str, fold: Any) -> dict[str, Any]:
    """Measure one fold with every metric of a section that applies to it; return the results by metric."""
    results = {name: metric.measure(fold) for name, metric in registered(section).items() if metric.measure}
    return {name: result for name, result in results.items() if result is not None}


def pooled(section: str, folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON entries of a section from what `measured` returned for each fold."""
    figures: dict[str, Any] = {}
    for name, metric in registered(section).items():
        if metric.measure:
            figures |= metric.pool([fold[name] for fold in folds if name in fold])
    return figures


def lines(section: str, figures: Mapping[str, Any]) -> "list[MetricLine]":
    """Return what the page shows of a section: `figures` are its JSON entries, of which any may be missing."""
    return [line for metric in registered(section).values() for line in metric.lines(figures)]
