"""Conditions on the rows of a table: what fits, and what is refused at once."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.conditions import Conditions
from ganaug.errors import DataError

ROWS = 60
DAY = pd.Timedelta(days=1)
FEE, EXACT = (pd.ArrowDtype(pa.decimal128(20, places)) for places in (2, 12))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        {
            "age": np.arange(18, 18 + ROWS),
            "price": (np.arange(ROWS) * 0.1).round(1),
            "single": (np.arange(ROWS) * 0.1).round(1).astype(np.float32),
            "share": random.random(ROWS),
            "thin": random.random(ROWS).astype(np.float32),
            "gaps": np.where(np.arange(ROWS) % 3 == 0, np.nan, random.normal(size=ROWS)),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D"),
            "time": start + pd.to_timedelta(np.arange(ROWS) * 7, unit="h"),
            "local": (start + pd.to_timedelta(np.arange(ROWS) * 7, unit="h")).tz_localize("Europe/Berlin"),
            "stay": pd.to_timedelta(np.arange(ROWS) * 6, unit="h"),
            "month": pd.period_range("2020-01", periods=ROWS, freq="M"),
            "fee": pd.Series([Decimal(cents).scaleb(-2) for cents in range(ROWS)]).astype(FEE),
            "exact": pd.Series([Decimal(cents) / 97 for cents in range(ROWS)]).round(12).astype(EXACT),
            "city": random.choice(["Rome", "Oslo", "..", "a=b"], ROWS),
            "maybe": pd.Series(np.where(np.arange(ROWS) % 4 == 0, None, "x")).where(np.arange(ROWS) % 3 > 0, "y"),
            "flag": random.random(ROWS) < 0.5,
            "grade": pd.Categorical(random.integers(1, 4, ROWS)),
            7: random.normal(size=ROWS),
        }
    )


def fitting(where: Any, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which real rows fit, by way of the outputs that a model would make of them."""
    codec = TableCodec.fit(table)
    values = codec.values(table)
    fit = Conditions.of(where, codec).fits({"numeric": values.numbers, "category": values.codes})
    shown = codec.frame(values.numbers, values.codes)
    pd.testing.assert_frame_equal(shown, table, check_dtype=False, check_categorical=False)
    return fit


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, lambda t: np.ones(ROWS, bool)),
        ({"age": 30}, lambda t: t["age"] == 30),
        ({"age": (30, 33)}, lambda t: t["age"].between(30, 33)),
        ({"age": (29.5, 33.5)}, lambda t: t["age"].between(30, 33)),
        ({"age": (-(10**400), 20)}, lambda t: t["age"] <= 20),
        ({"age": (None, 20)}, lambda t: t["age"] <= 20),
        ({"age": (np.int64(70), None)}, lambda t: t["age"] >= 70),
        ({"age": [18, 25.0, (70, 80)]}, lambda t: t["age"].isin([18, 25]) | (t["age"] >= 70)),
        ({"age": {18, 19}}, lambda t: t["age"] <= 19),
        ({"age": np.array([18, 19])}, lambda t: t["age"] <= 19),
        ({"age": pd.Series([18, 19])}, lambda t: t["age"] <= 19),
        ({"price": 0.3}, lambda t: t["price"] == 0.3),
        ({"price": (0.1 + 0.2, 0.7)}, lambda t: t["price"].between(0.3, 0.7)),
        ({"single": (0.3, 0.7)}, lambda t: t["single"].round(1).isin(np.float32([0.3, 0.4, 0.5, 0.6, 0.7]))),
        ({"single": np.float32(0.3)}, lambda t: t["single"] == np.float32(0.3)),
        ({"share": (0.2, 0.7)}, lambda t: t["share"].between(0.2, 0.7)),
        ({"thin": (0.2, 0.7)}, lambda t: t["thin"].between(0.2, 0.7)),
        ({"gaps": None}, lambda t: t["gaps"].isna()),
        ({"gaps": [float("nan"), (0, None)]}, lambda t: t["gaps"].isna() | (t["gaps"] >= 0)),
        ({"gaps": (0, None)}, lambda t: t["gaps"] >= 0),
        ({"fee": 0.3}, lambda t: t["fee"].astype(float) == 0.3),
        ({"fee": (Decimal("0.3"), None)}, lambda t: t["fee"].astype(float) >= 0.3),
        ({"exact": (0.1, 0.3)}, lambda t: t["exact"].astype(float).between(0.1, 0.3)),
        ({"stay": "1 day"}, lambda t: t["stay"] == pd.Timedelta(days=1)),
        ({"stay": ("1:30:00", datetime.timedelta(days=2))}, lambda t: t["stay"].between("1:30:00", "2 days")),
        (
            {"stay": [np.timedelta64(6, "h"), pd.Timedelta("P1D")]},
            lambda t: t["stay"].isin([pd.Timedelta(6, "h"), DAY]),
        ),
        ({"month": "2022"}, lambda t: t["month"].dt.year == 2022),
        ({"month": ("2021-03", "2022")}, lambda t: t["month"].between(pd.Period("2021-03"), pd.Period("2022-12"))),
        ({"month": pd.Period("2021-03-15")}, lambda t: t["month"] == pd.Period("2021-03")),
        ({"month": (None, datetime.date(2020, 6, 9))}, lambda t: t["month"] <= pd.Period("2020-06")),
        ({"day": "2024-01-05"}, lambda t: t["day"] == "2024-01-05"),
        ({"time": "2024-01-05"}, lambda t: t["time"].dt.date == datetime.date(2024, 1, 5)),
        ({"time": datetime.date(2024, 1, 5)}, lambda t: t["time"].dt.date == datetime.date(2024, 1, 5)),
        ({"time": "2024-01-02 11:00"}, lambda t: t["time"] == "2024-01-02 11:00"),
        ({"time": ("2024-01-03", "2024-01-05")}, lambda t: t["time"].between("2024-01-03", "2024-01-05 23:59:59")),
        ({"time": ("2024-01-02T11:00:00.5", None)}, lambda t: t["time"] > "2024-01-02 11:00"),
        ({"time": (None, pd.Timestamp("2024-01-02 11:00"))}, lambda t: t["time"] <= "2024-01-02 11:00"),
        ({"time": np.datetime64("2024-01-02T11")}, lambda t: t["time"] == "2024-01-02 11:00"),
        ({"time": datetime.datetime(2024, 1, 2, 11)}, lambda t: t["time"] == "2024-01-02 11:00"),
        ({"local": "2024-01-02 11:00"}, lambda t: t["local"] == pd.Timestamp("2024-01-02 11:00+01:00")),
        ({"local": "2024-01-02T10:00Z"}, lambda t: t["local"] == pd.Timestamp("2024-01-02 11:00+01:00")),
        ({"city": "Rome"}, lambda t: t["city"] == "Rome"),
        ({"city": ["Rome", "Oslo"]}, lambda t: t["city"].isin(["Rome", "Oslo"])),
        ({"maybe": [None, "x"]}, lambda t: t["maybe"] != "y"),
        ({"maybe": pd.NA}, lambda t: t["maybe"].isna()),
        ({"flag": True}, lambda t: t["flag"]),
        ({"flag": np.False_}, lambda t: ~t["flag"]),
        ({"grade": 2}, lambda t: t["grade"] == 2),
        ({"grade": (2, None)}, lambda t: t["grade"].astype(int) >= 2),
        ({7: (0, 1)}, lambda t: t[7].between(0, 1)),
        ({"age": (None, 40), "city": "Rome"}, lambda t: (t["age"] <= 40) & (t["city"] == "Rome")),
    ],
)
def test_rows_fit_that_have_the_values(where: Any, expected: Any, table: pd.DataFrame) -> None:
    wanted = np.asarray(expected(table), bool)
    assert wanted.any()
    np.testing.assert_array_equal(fitting(where, table), wanted)


@pytest.mark.parametrize(
    ("where", "saying"),
    [
        ([("age", 3)], "where must be a mapping"),
        ({"size": 3}, "names 'size'"),
        ({"age": "30"}, "holds numbers, but where asks for '30'"),
        ({"age": True}, "holds numbers"),
        ({"age": float("inf")}, "holds numbers"),
        ({"age": []}, "one value at least"),
        ({"age": (1, 2, 3)}, "must be (low, high)"),
        ({"age": (None, None)}, "must be (low, high)"),
        ({"age": 17}, "values from 18 to 77 in steps of 1, and 17 has none"),
        ({"age": 20.5}, "20.5 has none"),
        ({"age": (20.2, 20.8)}, "from 20.2 to 20.8"),
        ({"age": (30, 20)}, "from 30 to 20"),
        ({"age": (78, None)}, "at least 78"),
        ({"age": 10**400}, "has none of them"),
        ({"price": (-(10**400), -1)}, "has none of them"),
        ({"share": (10**400, None)}, "has none of them"),
        ({"age": None}, "no missing values"),
        ({"share": 0.5}, "ask for a range"),
        ({"city": "Paris"}, "'Paris' is none of them"),
        ({"city": ["Rome", 3]}, "3 is none of them"),
        ({"city": ("a", "b")}, "which have no ranges"),
        ({"city": None}, "no missing values"),
        ({"flag": 1}, "1 is none of them"),
        ({"grade": (4, None)}, "is none of them"),
        ({"time": 5}, "holds times"),
        ({"time": "now"}, "give a date such as"),
        ({"time": "2024-02-30"}, "correct it"),
        ({"time": "2025-01-01"}, "times from 2024-01-01"),
        ({"time": "2024-01-02T16:00Z"}, "without a zone"),
    ],
)
def test_conditions_that_no_row_can_fulfil_are_refused(where: Any, saying: str, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"^[^\n]+$") as caught:
        Conditions.of(where, TableCodec.fit(table))
    assert saying in str(caught.value)


def test_a_column_of_few_numbers_has_these_alone() -> None:
    codec = TableCodec.fit(pd.DataFrame({"rooms": [1, 2, 4] * 20, "x": range(60)}))
    with pytest.raises(DataError, match=r"only the values 1\.0, 2\.0, 4\.0, and none is 3"):
        Conditions.of({"rooms": 3}, codec)
