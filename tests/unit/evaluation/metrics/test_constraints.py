"""The constraints of columns."""

import pandas as pd

from ganaug.data.tables.codec import TableCodec
from ganaug.evaluation.metrics.constraints import count_violations


def test_a_number_beyond_the_bounds_is_a_violation() -> None:
    codec = TableCodec.fit(pd.DataFrame({"rooms": [1, 2, 3, 4]}))
    assert count_violations(pd.DataFrame({"rooms": [2, 9]}), codec) == (6, 1)
