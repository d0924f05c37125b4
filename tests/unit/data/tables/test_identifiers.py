"""Columns that identify rows."""

import warnings
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ganaug.data.tables.identifiers import IgnoredColumns, warn_about_identifiers
from ganaug.errors import GanaugWarning

ROWS = pd.DataFrame({"a": [0.5, 1.5]})


def continued(values: Iterable[Any], dtype: Any = None, more: int = 1) -> list[Any]:
    """Return the values that synthetic rows get if the real ones come in two pieces, and the synthetic in `more`."""
    column, ignored = pd.Series(list(values), dtype=dtype), IgnoredColumns(["id"])
    for piece in (column[:2], column[2:]):
        ignored.learn(piece.to_frame("id"))
    filled = [ignored.filled(ROWS)["id"] for _ in range(more)]
    assert all(one.dtype == column.dtype for one in filled)
    return [None if pd.isna(value) else value for one in filled for value in one]


@pytest.mark.parametrize(
    ("texts", "fresh"),
    [
        (["1", "9", "4"], ["10", "11"]),
        (["0", "1", "2"], ["3", "4"]),
        (["-3", "2", "-9"], ["3", "4"]),
        (["007", "100", "008"], ["101", "102"]),
        (["P0123", "P0098", "P0124"], ["P0125", "P0126"]),
        (["P8", "P10", "P9"], ["P11", "P12"]),
        (["é-98", "é-99", "é-01"], ["é-100", "é-101"]),
        (["1", "2", "2"], [None, None]),  # the rest are no identifiers
        (["1", "2", ""], [None, None]),
        (["P1", "Q2", "P3"], [None, None]),
        (["1", "P2", "P3"], [None, None]),
        (["-1", "P2", "P3"], [None, None]),
        (["01", "002", "3"], [None, None]),
        (["1.5", "1.6", "1.7"], [None, None]),
        (["2024-01-29", "2024-01-30", "2024-01-31"], [None, None]),
        (["1" * 19, "1" * 18 + "2", "1" * 18 + "3"], ["1" * 18 + "4", "1" * 18 + "5"]),
        (["9" * 19, "9" * 18 + "7", "9" * 18 + "8"], [None, None]),  # too large for 64 bits
        (["INV-2024-000", "INV-2024-001", "INV-2024-002"], ["INV-2024-003", "INV-2024-004"]),
        (["2024-0001", "2024-0003", "2024-0002"], ["2024-0004", "2024-0005"]),
        (["A1-8", "A1-10", "A1-9"], ["A1-11", "A1-12"]),
        (["INV-2023-001", "INV-2024-002", "INV-2024-003"], [None, None]),
        (["2024-01", "2024-02", "2024-03"], [None, None]),
        (["2024Q1", "2024Q2", "2024Q3"], [None, None]),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3"], [None, None]),
        (["09:01", "09:02", "09:03"], [None, None]),
        (["1e-5", "1e-6", "1e-7"], [None, None]),
        (["red", "green", "blue"], [None, None]),
    ],
)
def test_texts_are_continued(texts: list[str], fresh: list[str | None]) -> None:
    assert continued(texts, "str") == fresh
    assert continued(texts, pd.ArrowDtype(pa.string())) == fresh


@pytest.mark.parametrize(
    ("values", "dtype", "fresh"),
    [
        ([5, 4, 9], "Int64", [10, 11]),
        ([5, 4, None], "Int64", [None, None]),
        ([2**53 + 1, 3, 4], pd.ArrowDtype(pa.int64()), [2**53 + 2, 2**53 + 3]),
        ([3 * 10**18, 3 * 10**18 + 5, 7], "Int64", [3 * 10**18 + 6, 3 * 10**18 + 7]),
        ([2**63 - 2, 5, 6], "Int64", [None, None]),
        ([1e20, 1e21, 1e22], "float64", [None, None]),
        ([124, 125, 126], pd.ArrowDtype(pa.int8()), [None, None]),
        ([124, 125, 126], "Int8", [None, None]),
        ([Decimal(7), Decimal(8), Decimal(9)], pd.ArrowDtype(pa.decimal128(20, 0)), [Decimal(10), Decimal(11)]),
        (["P1", "P2", "P3"], pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())), ["P4", "P5"]),
        ([[1], [2], [3]], pd.ArrowDtype(pa.list_(pa.int64())), [None, None]),
        ([0.5, 1.5, 2.5], "float64", [None, None]),
        ([True, False, True], "boolean", [None, None]),
        (pd.date_range("2024", periods=3), None, [None, None]),
        (pd.date_range("2024", periods=3, tz="UTC"), None, [None, None]),
    ],
)
def test_other_dtypes_are_kept(values: Any, dtype: Any, fresh: list[Any]) -> None:
    assert continued(values, dtype) == fresh


def test_numbers_go_on_from_piece_to_piece() -> None:
    assert continued(["x1", "x2", "x3"], "str", more=3) == [f"x{number}" for number in range(4, 10)]


def warned_of(values: Any) -> int:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", GanaugWarning)
        warn_about_identifiers(pd.DataFrame({"a b": values}))
    assert all("--ignore 'a b'" in str(one.message) for one in said)
    return len(said)


@pytest.mark.parametrize("numbers", [range(20), range(900, 0, -30), [7 * i % 30 for i in range(30)]])
def test_whole_numbers_that_number_the_rows_are_warned_of(numbers: Any) -> None:
    assert warned_of(numbers) == 1
    assert warned_of(pd.array(list(numbers), "Int64")) == 1


@pytest.mark.parametrize(
    "values",
    [range(19), [*range(20), 19], [100 * (7 * i % 30) for i in range(30)], [float(i) for i in range(30)], ["x"] * 30],
)
def test_amounts_are_not_warned_of(values: Any) -> None:
    assert warned_of(values) == 0


def test_dates_are_no_identifiers() -> None:
    assert warned_of([20240101 + number for number in range(25)]) == 0
