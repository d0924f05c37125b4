"""The constraints of the columns of a table: whether synthetic values keep them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ganaug.data.tables.category import MISSING, UNSEEN
from ganaug.data.tables.numeric import NumericColumn
from ganaug.evaluation.metrics.base import FoldData, Metric, MetricLine
from ganaug.evaluation.metrics.columns import column_values
from ganaug.evaluation.wording import is_known, number

if TYPE_CHECKING:
    from pandas import DataFrame

    from ganaug.data.tables.codec import TableCodec

TOLERANCE = 1e-9
"""Rounding error of a number that is no violation, relative to the larger bound of its column."""


def count_violations(synthetic: "DataFrame", codec: "TableCodec") -> tuple[int, int]:
    """Return how many checks of synthetic values against the constraints of their columns were made, and failed.

    Numbers must lie within the bounds of the real numbers and on their decimals, categories must be known, and values
    may be missing only in columns where real values are missing.
    """
    checked = violated = 0
    for column, values in zip(codec.columns, column_values(synthetic, codec.columns), strict=True):
        if isinstance(column, NumericColumn):
            present = values[~np.isnan(values)]
            low, high = column.bounds
            room = TOLERANCE * max(abs(low), abs(high), 1.0)
            failures = [np.isnan(values) & (not column.missing), (present < low - room) | (present > high + room)]
            if column.decimals is not None:
                failures.append(np.abs(present - column.from_steps(column.to_steps(present))) > room)
        else:
            failures = [(values == MISSING) & (not column.missing), values == UNSEEN]
        checked += sum(map(len, failures))
        violated += sum(int(failed.sum()) for failed in failures)
    return checked, violated


def _measure(fold: FoldData) -> tuple[int, int] | None:
    return None if fold.codec is None else count_violations(fold.synthetic.content[fold.codec.names], fold.codec)


def _pool(results: Sequence[tuple[int, int]]) -> dict[str, Any]:
    sums = {name: sum(one[place] for one in results) for place, name in enumerate(("checked", "violated"))}
    return {"constraints": sums if results else None}


def _lines(figures: Mapping[str, Any]) -> list[MetricLine]:
    found = figures.get("constraints") or {}
    if not is_known(found.get("checked")):
        return []
    meaning = "Bounds, decimals, known categories and missing values of each column, checked value by value."
    reading = "All are kept." if found.get("violated") == 0 else "Some are violated: report this as a fault."
    reference = f"of {number(found['checked'])}"
    return [MetricLine("Constraints violated", number(found.get("violated")), "", reference, meaning, reading)]


METRIC = Metric(_pool, _measure, lines=_lines)
