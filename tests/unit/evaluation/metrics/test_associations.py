"""The associations between columns."""

import numpy as np
import pandas as pd

from ganaug.data.tables.codec import TableCodec
from ganaug.evaluation.metrics.associations import association_distance


def test_a_lost_association_is_a_distance() -> None:
    x = np.random.default_rng(0).normal(size=200)
    real, made = pd.DataFrame({"a": x, "b": x}), pd.DataFrame({"a": x, "b": x[::-1]})
    distances = association_distance(real, made, TableCodec.fit(real).columns)
    assert distances is not None
    assert distances[0] > 0.8
    assert distances[1] == 0.0
