"""Targets of other tasks are refused; those that hold classes are not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganaug.data.targets import check_classes
from ganaug.errors import DataError


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b"],
        [0, 1, 2],
        np.repeat(np.arange(200), 5),  # few rows of each of many classes
        np.arange(20),
        [True, False],
        pd.Series([1.0, 2.0]),
        pd.Categorical(["a", "b"]),
        pd.array([1, None], dtype="Int64"),
        np.array([["a"], ["b"]]),
        [f"c{i}" for i in range(90)],
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_classes_are_classes(labels: Any) -> None:
    check_classes(labels)


@pytest.mark.parametrize("rows", [[[1, 0], [0, 1]], [[1.0, 0.0], [0.0, 1.0]]])
def test_one_hot_labels_are_allowed_where_they_are_understood(rows: Any) -> None:
    check_classes(rows, one_hot=True)
    with pytest.raises(DataError, match=r"y must hold one class for each row, but has the shape \(2, 2\)"):
        check_classes(rows)


@pytest.mark.parametrize("rows", [[[1, 1], [0, 1]], [[0, 0], [0, 1]], [["a", "b"], ["a", "c"]]])
def test_several_labels_or_none_are_not_one_hot(rows: Any) -> None:
    with pytest.raises(DataError, match="Multilabel and multioutput targets are not supported"):
        check_classes(rows, one_hot=True)


def test_numbers_that_differ_are_quantities_unless_they_are_a_part_of_all() -> None:
    with pytest.raises(DataError, match="the price must hold classes, but holds 40 different numbers in 40 rows"):
        check_classes(range(40), "the price")
    check_classes(range(40), distinct=False)
