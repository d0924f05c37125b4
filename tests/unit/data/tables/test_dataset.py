"""Labelled tables."""

import numpy as np
import pandas as pd

from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.dataset import from_frame


def test_a_part_is_described_by_its_own_rows_alone() -> None:
    frame = pd.DataFrame({"height": [1.6, 1.7, 1.9, 1.8], "rooms": [1, 2, 3, 4]})
    table = from_frame(frame, ["a", "b", "a", "b"], categorical_features=["rooms"])
    assert table.counts == {"a": 2, "b": 2}
    height, rooms = table.part(np.array([0, 1])).codec.columns
    assert height.bounds == (1.6, 1.7)
    assert isinstance(rooms, CategoryColumn)
    assert rooms.categories == (1, 2)


def test_the_word_none_is_shown_and_a_missing_text_is_not() -> None:
    table = from_frame(pd.DataFrame({"a": ["None", None, "nan", "b"], "n": [1, 2, 3, 4]}), ["x", "y"] * 2)
    assert [table.item(row)["a"] for row in range(3)] == ["None", "", "nan"]
