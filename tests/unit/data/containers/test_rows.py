"""Containers of rows: what a generator learns from, what comes back, and dtype promotion."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from ganaug.data.containers.dtype_promotion import cast, numpy_dtype, promoted_dtype
from ganaug.data.containers.rows import as_rows, named_columns, positions_of, table_container
from ganaug.errors import DataError

X = np.arange(12.0).reshape(4, 3)
FRAME = pd.DataFrame({"a": [1, 2], "b": ["u", None]}, index=[7, 9])


@pytest.mark.parametrize(
    "given",
    [X, X.astype("float32"), X.tolist(), sparse.csr_array(X), sparse.lil_matrix(X), pd.DataFrame(X), X.astype(object)],
    ids=lambda given: f"{type(given).__name__} {getattr(given, 'dtype', '')}",
)
def test_what_is_unwrapped_is_wrapped_alike(given: Any) -> None:
    rows = as_rows(given)
    container = table_container(given, rows)
    frame = container.unwrap(rows)
    assert frame.dtypes.tolist() == [given.dtype if getattr(given, "dtype", "O") != "O" else np.float64] * 3
    wrapped = container.wrap(frame)
    assert type(wrapped) is type(given)
    for joined, times in ((container.append(given, wrapped), 2), (container.copied(given), 1)):
        assert type(joined) is type(given)
        assert getattr(joined, "dtype", None) == getattr(given, "dtype", None)
        plain = joined.toarray() if sparse.issparse(joined) else np.asarray(joined)
        np.testing.assert_array_equal(plain.astype(float), np.tile(X, (times, 1)))
        assert joined is not given


def test_a_frame_keeps_names_and_dtypes_with_a_fresh_index() -> None:
    frame = FRAME.set_axis([("x", 1), 5], axis=1)
    container = table_container(frame, frame)
    plain = container.unwrap(frame)
    assert plain.columns.tolist() == ["('x', 1)", "5"]
    assert container.kinds(frame) == {"('x', 1)": "numbers", "5": "text"}
    joined = container.append(frame, container.wrap(plain))
    assert joined.columns.tolist() == frame.columns.tolist()
    assert joined.dtypes.tolist() == frame.dtypes.tolist()
    assert joined.index.tolist() == [0, 1, 2, 3]
    assert container.copied(frame).index.tolist() == [0, 1]


def test_a_mixed_list_keeps_its_row_objects_and_its_missing_value() -> None:
    given = [[1, "u"], [2, None]]
    container = table_container(given, as_rows(given))
    joined = container.append(given, container.wrap(pd.DataFrame({"x0": [3], "x1": [np.nan]})))
    assert joined[0] is given[0]
    assert joined[2] == [3, None]
    assert container.append(given, []) == container.copied(given) == given


def test_a_table_is_made_of_codes_and_classes() -> None:
    container = table_container(X, X)
    data = container.dataset(X, np.array([1, 0, 1, 0]), [container.class_name(label) for label in (3, 5)], [-1])
    assert (data.modality, data.classes, data.labels.tolist()) == ("table", (3, 5), [1, 0, 1, 0])
    assert [column.name for column in data.codec.category_columns] == ["x2"]
    assert data.frame.columns.tolist() == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    ("real", "drawn", "dtype"),
    [
        (pd.Series([1, 2], dtype="int8"), pd.Series([3, 4], dtype="int8"), "int8"),
        (pd.Series([1, 2], dtype="int8"), pd.Series([300]), "int64"),
        (pd.Series([1, 2], dtype="uint8"), pd.Series([0.5]), "float64"),
        (pd.Series([1, 2]), pd.Series([3.0, None]), "float64"),
        (pd.Series([1, 2]), pd.Series([900, None], dtype="Int64"), "Int64"),
        (pd.Series([True, False]), pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([1], dtype=object), pd.Series([2.5]), "object"),
        (pd.Series(["a"]), pd.Series(["bb"], dtype="category"), pd.Series(["a"]).dtype),
        (pd.Series([None, None], dtype=float), pd.Series(["a"]), pd.Series(["a"]).dtype),
    ],
)
def test_the_promoted_dtype_holds_both_columns(real: pd.Series, drawn: pd.Series, dtype: Any) -> None:
    found = promoted_dtype(real, drawn)
    assert found == dtype
    for column in (real, drawn):
        assert cast(column, found).astype(object).where(column.notna(), None).tolist() == (
            column.astype(object).where(column.notna(), None).tolist()
        )


def test_arrays_hold_missing_whole_numbers_as_floats() -> None:
    gaps = pd.Series([1, None], dtype="Int64")
    assert numpy_dtype(gaps.dtype, gaps) == np.float64
    assert numpy_dtype(gaps.dtype, gaps.dropna()) == np.int64


@pytest.mark.parametrize("value", ["text", 2**70, None])
def test_a_value_that_a_dtype_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="values of column 'a' cannot be converted to int64: convert"):
        cast(pd.Series([1, value], dtype=object, name="a"), np.dtype("int64"))


def test_kinds_of_columns() -> None:
    frame = pd.DataFrame({"when": pd.to_datetime(["2024-01-01"]), "how long": pd.to_timedelta([1]), "yes": [True]})
    assert list(table_container(frame, frame).kinds(frame).values()) == ["times", "times", "numbers"]
    frame = pd.DataFrame({"a": [1, None], "b": pd.Categorical(["x", "y"]), "c": [None, None]})
    assert table_container(frame, frame).kinds(frame) == {"a": "numbers", "b": "text", "c": "nothing"}


@pytest.mark.parametrize(
    ("features", "positions"), [(["b"], [1]), ([-1], [1]), ([True, False], [0]), ([False, False], [])]
)
def test_columns_are_given_by_name_position_or_mask(features: Any, positions: list[int]) -> None:
    assert positions_of(features, ["a", "b"]) == positions


def test_columns_whose_names_have_the_same_text_are_numbered() -> None:
    assert named_columns(["3", 3]) == ["x0", "x1"]


@pytest.mark.parametrize("features", [["z"], [2], [-3], [True]])
def test_columns_that_do_not_exist_are_refused(features: Any) -> None:
    with pytest.raises(DataError, match=r"categorical_features must name columns, .* the 2, but holds"):
        positions_of(features, ["a", "b"])
