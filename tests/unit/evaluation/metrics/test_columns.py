"""The distribution of each column."""

import numpy as np
import pandas as pd

from ganaug.data.tables.codec import TableCodec
from ganaug.evaluation.metrics.columns import column_distances


def test_the_distance_of_a_column_is_its_own() -> None:
    real = pd.DataFrame({"height": np.arange(40.0), "smokes": [True, False] * 20})
    made = pd.DataFrame({"height": np.arange(40.0), "smokes": [True] * 40})
    found = column_distances(real, made, TableCodec.fit(real).columns)
    assert [(one.name, one.distance) for one in found] == [("height", 0.0), ("smokes", 0.5)]
