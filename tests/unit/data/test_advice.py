"""The advice of error messages works: each remedy is read from its message and run, and then the data are accepted."""

import datetime
import decimal
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import numpy as np
import pandas
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from ganaug.data.containers.dtype_promotion import cast, promoted_dtype
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import from_frame, labels_of
from ganaug.errors import DataError
from ganaug.integrations.sklearn.target import Target

Decimal = decimal.Decimal
_START = re.compile(r"(?<= )(?:(?:pandas|numpy)?\.[a-z_]\w*|\[(?='|str))")
ROWS = 12


def remedies(message: str) -> Iterator[str]:
    """Yield the pieces of code in a message."""
    last = 0
    for match in _START.finditer(message):
        if match.start() < last:
            continue
        end, depth = match.end(), 0
        depth += match[0] == "["
        while end < len(message) and (depth or message[end] in "([._" or message[end].isalnum()):
            depth += (message[end] in "([") - (message[end] in ")]")
            end += 1
        last = end
        yield message[match.start() : end].rstrip(".")


def followed(code: str, y: Any) -> Any:
    """Run a piece of code from a message of ganaug for a column or a target."""
    names = {"pandas": pandas, "numpy": numpy, "decimal": decimal, "y": y}
    if code.startswith("."):
        return eval(f"y{code}", names)  # noqa: S307
    if "..." in code:
        return eval(code.replace("...", "y"), names)  # noqa: S307
    return eval(code if "(" in code or "[" in code else f"{code}(y)", names)  # noqa: S307


def refusal(check: Callable[[Any], object], value: Any) -> str:
    with pytest.raises(DataError) as caught:
        check(value)
    return str(caught.value)


def fit(column: Any) -> TableCodec:
    frame = pd.DataFrame({"bad": column, "good": range(len(column))})
    table = from_frame(frame, ["a", "b"] * (len(column) // 2))
    table.codec.encode(table.frame)
    return table.codec


def times(zone: int | None, count: int = 1) -> list[datetime.datetime]:
    offset = None if zone is None else datetime.timezone(datetime.timedelta(hours=zone))
    return [datetime.datetime(2024, 1, 1 + day, tzinfo=offset) for day in range(count)]


def arrow(values: list[Any], kind: Any) -> pd.Series:
    return pd.Series(values * ROWS, dtype=pd.ArrowDtype(kind))


COLUMNS: dict[str, pd.Series] = {
    "mixed": pd.Series([1, "a"] * 6, dtype=object),
    "int-and-float": pd.Series([1, 2.5] * 6, dtype=object),
    "numbers-and-dates": pd.Series([1, datetime.date(2020, 1, 1)] * 6, dtype=object),
    "dates": pd.Series([datetime.date(2020, 1, day) for day in range(1, 13)], dtype=object),
    "with-and-without-offset": pd.Series([*times(None, 6), *times(2, 6)], dtype=object),
    "offsets-of-no-zone": pd.Series([*times(3), *times(-8), *times(0), *times(1)] * 3, dtype=object),
    "decimals-and-floats": pd.Series([Decimal("1.5"), 2.5] * 6, dtype=object),
    "long-decimals": pd.Series([Decimal(10**30 + one) for one in range(ROWS)]),
    "very-long-decimals": pd.Series([Decimal(10) ** (80 + one) for one in range(ROWS)]),
    "endless-decimals": pd.Series([Decimal(10**19 + one).scaleb(-19) for one in range(ROWS)]),
    "infinite-decimals": pd.Series([Decimal("Infinity"), Decimal(1), Decimal(2)] * 4),
    "arrow-long-decimals": pd.Series([Decimal(10**30 + one) for one in range(ROWS)]).astype(
        pd.ArrowDtype(pa.decimal128(38, 0))
    ),
    "large-integers": pd.Series(np.arange(2**60, 2**60 + ROWS)),
    "large-nullable-integers": pd.Series([None, *range(2**60, 2**60 + ROWS - 1)], dtype="Int64"),
    "infinite": pd.Series([1.0, np.inf] * 6),
    "sparse": pd.Series(pd.arrays.SparseArray([1.0, 0.0] * 6)),
    "sparse-bool": pd.Series(pd.arrays.SparseArray([True, False] * 6)),
    "complex": pd.Series([1j, 2] * 6),
    "intervals": pd.Series(pd.arrays.IntervalArray.from_breaks(range(ROWS + 1))),
    "cut": pd.Series(pd.cut(range(ROWS), 3)),
    "date-categories": pd.Series(pd.Categorical(pd.date_range("2020", periods=ROWS))),
    "nanosecond-periods": pd.Series(pd.PeriodIndex(pd.date_range("2001", "2020", ROWS, unit="ns"), freq="ns")),
    "arrow-number": arrow([1.5], pa.float64()),
    "arrow-integer": arrow([1], pa.int64()),
    "arrow-unsigned": arrow([1], pa.uint8()),
    "arrow-truth": arrow([True], pa.bool_()),
    "arrow-date": arrow([datetime.date(2020, 1, 1)], pa.date32()),
    "arrow-time": arrow([datetime.time(2)], pa.time32("s")),
    "arrow-times": arrow([pd.Timestamp(0)], pa.timestamp("us")),
    "arrow-zone": arrow([pd.Timestamp(0)], pa.timestamp("us", "Europe/Berlin")),
    "arrow-duration": arrow([1], pa.duration("s")),
    "arrow-bytes": arrow([b"a"], pa.binary()),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_refused_column_is_learned_after_what_the_message_says(column: pd.Series) -> None:
    message = refusal(fit, column)
    found = list(remedies(message))
    assert found, message
    for code in found:
        codec = fit(followed(code, column))
        assert codec.columns[0].options + codec.n_quantiles > 1


@pytest.mark.parametrize(
    "column",
    [
        [[1], [2]] * 6,
        [{"a": 1}, None] * 6,
        [f"id{i}" for i in range(20_002)],
        ["a", "b" * 1001] * 6,
        pd.Series([0.5, np.inf] * 6, dtype=object),
        pd.Series(["a", "\ud800"] * 6, dtype=object),
        COLUMNS["long-decimals"],
    ],
    ids=["lists", "records", "identifiers", "long-text", "infinite-category", "surrogate", "decimal-identifiers"],
)
def test_other_columns_are_to_be_dropped(column: Any) -> None:
    assert "drop" in refusal(fit, column).lower()


HOURS = pd.Series(pd.date_range("2024-01-01", periods=ROWS, freq="h"))
LATER: dict[str, tuple[pd.Series, pd.Series]] = {
    "texts-for-numbers": (pd.Series(range(ROWS)), pd.Series(map(str, range(ROWS)))),
    "texts-for-datetimes": (HOURS, HOURS.astype(str)),
    "numbers-for-datetimes": (HOURS, HOURS.astype("int64")),
    "texts-for-a-zone": (HOURS.dt.tz_localize("UTC"), HOURS.astype(str)),
    "zone-for-none": (HOURS, HOURS.dt.tz_localize("Asia/Tokyo")),
    "no-zone-for-one": (HOURS.dt.tz_localize("Asia/Tokyo"), HOURS),
    "numbers-for-durations": (HOURS - HOURS[0], (HOURS - HOURS[0]).dt.total_seconds()),
    "texts-for-durations": (HOURS - HOURS[0], (HOURS - HOURS[0]).astype(str)),
    "datetimes-for-periods": (HOURS.dt.to_period("D"), HOURS),
    "hours-for-days": (HOURS.dt.to_period("D"), HOURS.dt.to_period("h")),
    "lists-for-texts": (pd.Series(["a", "b"] * 6), pd.Series([["a"], ["b"]] * 6)),
}


@pytest.mark.parametrize(("fitted", "later"), LATER.values(), ids=LATER)
def test_a_later_table_is_read_after_what_the_message_says(fitted: pd.Series, later: pd.Series) -> None:
    codec = fit(fitted)
    good = range(ROWS)
    message = refusal(lambda column: codec.encode(pd.DataFrame({"bad": column, "good": good})), later)
    found = list(remedies(message))
    assert found, message
    for code in found:
        codec.encode(pd.DataFrame({"bad": followed(code, later), "good": good}))


@pytest.mark.parametrize(
    ("real", "drawn"),
    [
        (pd.Series([2**60, 1], name="a"), pd.Series([0.5])),
        (
            pd.Series(pd.Categorical(["b"], categories=["b", "a"], ordered=True), name="a"),
            pd.Series(pd.Categorical(["b", "c"], categories=["a", "b", "c"], ordered=True)),
        ),
    ],
    ids=["large-integers", "ordered-categories"],
)
def test_a_column_can_be_joined_to_drawn_values_after_what_the_message_says(real: pd.Series, drawn: pd.Series) -> None:
    with pytest.raises(DataError) as caught:
        promoted_dtype(real, drawn)
    (code,) = remedies(str(caught.value))
    better = followed(code, real)
    assert len(cast(drawn, promoted_dtype(better, drawn))) == len(drawn)


RNG = np.random.default_rng(0)
TARGETS: dict[str, Any] = {
    "fractions": RNG.random(40),
    "fractions-series": pd.Series(RNG.random(40)),
    "quantities": RNG.integers(0, 10**6, 40),
    "quantities-list": RNG.integers(0, 10**6, 40).tolist(),
    "whole-floats": pd.Series(RNG.integers(0, 10**6, 40).astype(float)),
    "many-quantities": RNG.integers(0, 2_000, 3_000),
    "decimals": [Decimal(one).scaleb(-1) for one in range(40)],
    "multilabel": RNG.integers(0, 2, (40, 3)),
    "multilabel-frame": pd.DataFrame(RNG.integers(0, 2, (40, 3))),
    "multioutput": RNG.integers(0, 3, (40, 2)).tolist(),
    "texts": pd.DataFrame({"a": ["x", "y"] * 20, "b": "z"}),
    "quantities-of-two-kinds": RNG.random((40, 2)),
    "quantities-frame": pd.DataFrame(RNG.random((40, 2))),
    "lists": [["a"], ["a", "b"]] * 20,
    "lists-of-one-length": pd.Series([["a", "b"], ["a", "c"]] * 20),
    "sets": pd.Series([{"a"}, {"b"}] * 20),
    "sparse": sparse.csr_array(RNG.integers(0, 2, (40, 3))),
    "text-and-numbers": ["a", 1] * 20,
}


def as_target(y: Any) -> object:
    return Target(y, one_hot=False)


def with_frame(y: Any) -> object:
    return from_frame(pd.DataFrame({"x": range(y.shape[0] if hasattr(y, "shape") else len(y))}), y)


@pytest.mark.parametrize("check", [as_target, with_frame], ids=["estimators", "evaluate"])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_refused_target_is_accepted_after_what_the_message_says(
    target: Any, check: Callable[[Any], object], recwarn: Any
) -> None:
    for _ in range(3):  # one remedy may lead to the next
        with pytest.raises(ValueError, match=r"must") as caught:
            check(target)
        found = list(remedies(str(caught.value)))
        assert found, str(caught.value)
        target = followed(found[0], target)
        try:
            check(target)
        except ValueError:
            continue
        break
    check(target)
    del recwarn


@pytest.mark.parametrize("labels", [[["a"], ["b", "c"]], [0.5, 1.0], [2.0**60, 1.0]], ids=str)
def test_a_refused_column_of_labels_is_accepted_after_what_the_message_says(labels: list[Any]) -> None:
    column = pd.Series(labels, name="y")
    (code,) = remedies(refusal(labels_of, column))
    made = labels_of(pd.Series(followed(code, column), name="y"))
    assert len(made) == 2
