"""Rows of a table as points in Euclidean space, for distances between rows."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.layout import RowLayout

if TYPE_CHECKING:
    from pandas import DataFrame


def row_points(frame: "DataFrame", codec: TableCodec) -> NDArray[np.float32]:
    """Return rows as points (n, d): numbers as quantiles of a standard normal, categories one-hot, at distance 1.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"plan": ["basic", "full", "basic"]})
    >>> points = row_points(frame, TableCodec.fit(frame))
    >>> float(np.linalg.norm(points[0] - points[1]).round(3)), float(np.linalg.norm(points[0] - points[2]))
    (1.0, 0.0)
    """
    layout = RowLayout.of(codec)
    rows = layout.rows(codec.encode(frame))
    rows[:, layout.n_quantiles :] /= np.sqrt(2)
    return rows
