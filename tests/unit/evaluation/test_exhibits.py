"""The exhibits of a report."""

import numpy as np
import pandas as pd

from ganaug.data.tables.dataset import from_frame
from ganaug.evaluation.exhibits import exhibits_of


def test_distributions_are_of_the_same_classes_and_dates_are_dates() -> None:
    frame = pd.DataFrame({"x": np.r_[np.zeros(90), np.full(10, 9.0)], "when": pd.date_range("2020-01-01", periods=100)})
    real = from_frame(frame, ["a"] * 90 + ["b"] * 10)
    even = real.part(np.r_[80:90, 90:100])
    x, when = exhibits_of(real, even, real, None, walk={}).distributions
    assert [float(np.mean(np.asarray(x[side]) == 9)) for side in ("real", "synthetic")] == [0.1, 0.1]
    assert {np.asarray(when[side]).dtype.kind for side in ("real", "synthetic")} == {"M"}
