"""Derived features: for the discriminator, the plain quantile of each column learned as a difference or a ratio."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import Encoded, TableCodec
from ganaug.data.tables.constraints.ordered_differences import OrderedDifference
from ganaug.data.tables.layout import RowLayout

Feature = tuple[tuple[int, float], ...]


def derived_features(
    differences: Sequence[OrderedDifference],
    layout: RowLayout,
    codec: TableCodec,
    learned: TableCodec,
    numbers: NDArray[np.float64],
    encoded: Encoded,
) -> tuple[Feature, ...]:
    """Return for each column learned relative to others a weighted sum of a row that approximates the plain quantile.

    If a weight, a half of it and a third of it are learned as one weight and two ratios, only one number of a row tells
    a light class from a heavy one. The discriminator and the screen, which learn from few rows, would then rely on the
    two ratios. The sums add no information, but give that number more weight.

    The weights are fitted by least squares to rows whose numbers (n, N) in the table are `numbers`, and which are
    learned as `encoded`, in the form of `layout`. A sum is given by positions in a row and their weights.
    """
    rows, features = layout.rows(encoded), []
    for one in differences:
        column = codec.numeric_columns[one.target]
        if one.learned_as == "value" or not column.has_quantile:
            continue
        quantiles, options = column.encode(numbers[:, one.target])
        continuous = options == 0 if column.options > 1 else np.ones(len(rows), np.bool_)
        places = [at for place in (one.target, *dict(one.bases)) for at in _places(layout, learned, place)]
        weights = np.linalg.lstsq(rows[continuous][:, places].astype(np.float64), quantiles[continuous], rcond=None)[0]
        features.append(tuple(zip(places, weights.tolist(), strict=True)))
    return tuple(features)


def _places(layout: RowLayout, learned: TableCodec, number: int) -> Iterator[int]:
    """Yield where in a row the quantile and the options of a column stand."""
    column = learned.numeric_columns[number]
    if column.has_quantile:
        yield learned.quantile_index[number]
    if column.options > 1:
        start = layout.n_quantiles + layout.starts[learned.choice_index[number]]
        yield from range(start, start + column.options)
