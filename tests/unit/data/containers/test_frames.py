"""Frames of polars and pyarrow: their dtypes survive pandas and come back, or are refused with a remedy that works."""

import pickle
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from ganaug.data.containers import container_of
from ganaug.data.containers.frames import as_pandas, form_of, is_foreign
from ganaug.data.containers.rows import as_rows, table_container
from ganaug.errors import DataError
from tests.frames import LIBRARIES, TABLE, as_polars

EVERY = TABLE.rename({"u64": ""}).with_columns(
    half=pl.Series(np.arange(TABLE.height) / 4, dtype=pl.Float32),
    length=pl.Series([timedelta(minutes=place) for place in range(TABLE.height)], dtype=pl.Duration("ms")),
)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_what_is_unwrapped_is_wrapped_alike(library: str) -> None:
    given = LIBRARIES[library](EVERY)
    rows = as_rows(given)
    container = table_container(given, rows)
    frame = container.unwrap(rows)
    assert frame.columns.tolist() == EVERY.columns
    wrapped = container.wrap(frame)
    joined, copy = container.append(given, wrapped), container.copied(given)
    for result, times in ((wrapped, 1), (joined, 2), (copy, 1)):
        assert type(result) is type(given)
        assert result.schema == given.schema
        assert_frame_equal(as_polars(result), pl.concat([EVERY] * times))
    assert pickle.loads(pickle.dumps(container)) == container == container.promoted(rows, frame)  # noqa: S301


def test_dtypes_of_pandas_hold_the_values_exactly() -> None:
    frame = as_pandas(EVERY)
    expected = {
        "i8": "Int8",
        "u16": "uint16",
        "i64": "Int64",
        "f32": "float32",
        "flag": "bool",
        "perhaps": "boolean",
        "text": str(pd.Series(["a"]).dtype),  # "object" before pandas 3
        "day": "datetime64[ms]",
        "time": "datetime64[ns]",
        "zone": "datetime64[ms, Europe/Oslo]",
        "length": "timedelta64[ms]",
    }
    assert {name: str(frame[name].dtype) for name in expected} == expected
    assert frame["enum"].cat.categories.tolist() == ["s", "m", "l"]
    assert frame["enum"].cat.ordered
    assert not frame["category"].cat.ordered
    assert frame["i64"].dropna().tolist() == EVERY["i64"].drop_nulls().to_list()


def test_a_dictionary_is_an_encoding_and_not_a_declaration() -> None:
    index = pa.array([0, 2, 3, None], pa.int8())
    coded = pa.DictionaryArray.from_arrays(index, pa.array(["a", "unused", "a", None, "b"]))
    (column,) = (as_pandas(pa.table({"c": coded}))[name] for name in "c")
    assert column.cat.categories.tolist() == ["a"]
    assert column.isna().tolist() == [False, False, True, True]
    numbers = as_pandas(
        pa.chunked_array([pa.array([5, None, 7]).dictionary_encode(), pa.array([9]).dictionary_encode()])
    )
    assert numbers.cat.categories.tolist() == [5, 7, 9]


NUMBERS = pl.DataFrame({"x": [1, 2]})


def joined(given: pl.DataFrame, drawn: pd.DataFrame) -> pl.DataFrame:
    rows = as_rows(given)
    container = table_container(given, rows).promoted(rows, drawn)
    result: pl.DataFrame = container.append(given, container.wrap(drawn))
    return result


NOON = pd.Series(pd.to_datetime(["2020-01-01 12:00", None]).as_unit("ms"))


@pytest.mark.parametrize(
    ("dtype", "real", "drawn", "wanted"),
    [
        (pl.Int8, [1, None], pd.Series([300, 5]), pl.Int64),
        (pl.Int8, [1, None], pd.Series([None, None], dtype=object), pl.Int8),
        (pl.Float32, [1.5, None], pd.Series([0.1, np.nan]), pl.Float64),
        (pl.Null, [None, None], pd.Series([1, 2]), pl.Int64),
        (pl.Null, [None, None], pd.Series(["a", None]), pl.String),
        (pl.Null, [None, None], pd.Series([None, None], dtype=object), pl.Null),
        (pl.Date, [date(2020, 1, 1), None], NOON, pl.Datetime("ms")),
        (pl.Date, [date(2020, 1, 1), None], NOON.dt.normalize().astype("datetime64[ns]"), pl.Date),
        (pl.Datetime("ms"), [datetime(2020, 1, 1), None], NOON.astype("datetime64[us]"), pl.Datetime("us")),
        (pl.String, ["a", None], pd.Series(["b", None], dtype="category"), pl.String),
        (pl.Categorical, ["a", None], pd.Series(["b", None], dtype="category"), pl.Categorical),
        (pl.Enum(["a"]), ["a", None], pd.Series(pd.Categorical(["b", "a"], ["a", "b"], ordered=True)), pl.Categorical),
    ],
    ids=str,
)
def test_types_are_promoted_only_where_they_cannot_hold_what_is_drawn(
    dtype: Any, real: list[Any], drawn: pd.Series, wanted: Any
) -> None:
    given = pl.DataFrame({"x": pl.Series(real, dtype=dtype)})
    result = joined(given, pd.DataFrame({"x": drawn}))["x"]
    assert result.dtype == wanted
    expected = given["x"].cast(wanted).append(pl.from_pandas(drawn).cast(wanted))
    assert result.to_list() == expected.to_list()


@pytest.mark.parametrize(
    ("kind", "real", "drawn", "wanted"),
    [
        (pa.int8(), [1, None], pd.Series([300, 5]), pa.int64()),
        (pa.int8(), [1, None], pd.Series([3, 5], dtype="int8"), pa.int8()),
        (pa.float32(), [1.5, None], pd.Series([0.1, np.nan]), pa.float64()),
        (pa.date32(), [date(2020, 1, 1), None], NOON, pa.timestamp("ms")),
        (pa.date32(), [date(2020, 1, 1), None], NOON.dt.normalize(), pa.date32()),
        (pa.string(), ["a", None], pd.Series(["b", None]), pa.string()),
    ],
    ids=str,
)
def test_types_of_arrow_in_pandas_are_promoted_alike(
    kind: pa.DataType, real: list[Any], drawn: pd.Series, wanted: pa.DataType
) -> None:
    given = pd.DataFrame({7: pd.Series(pd.array(real, dtype=pd.ArrowDtype(kind)), [5, 6]), "n": [1, 2]})
    rows, new = as_rows(given), pd.DataFrame({"7": drawn, "n": [3.5, 4]})
    container = table_container(given, rows).promoted(rows, new)
    result = container.append(given, container.wrap(new))
    assert result.dtypes.tolist() == [pd.ArrowDtype(wanted), np.float64]
    assert result.columns.tolist() == [7, "n"]
    assert result.index.tolist() == [0, 1, 2, 3]
    before, after = pa.array(real, kind).cast(wanted), pa.Array.from_pandas(drawn, type=wanted)
    assert pa.array(result[7]).to_pylist() == [*before.to_pylist(), *after.to_pylist()]
    assert pickle.loads(pickle.dumps(container)) == container  # noqa: S301


def test_types_of_arrow_without_a_plain_dtype_are_left_alone() -> None:
    kinds = [pa.time32("s"), pa.binary(), pa.list_(pa.int8()), pa.decimal128(5, 2)]
    frame = pd.DataFrame({str(kind): pd.array([None], dtype=pd.ArrowDtype(kind)) for kind in kinds})
    assert as_pandas(frame) is frame
    assert form_of(frame) is None


def test_a_small_dictionary_grows_beyond_its_index() -> None:
    given = pa.table({"c": pa.array(["a"]).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))})
    few, many = (pd.DataFrame({"c": pd.Categorical([f"{place}" for place in range(size)])}) for size in (3, 300))
    assert joined(given, few).schema == given.schema
    assert joined(given, many)["c"].to_pylist() == ["a", *many["c"]]


def test_what_arrow_cannot_hold_in_the_column_is_refused() -> None:
    form = form_of(NUMBERS)
    assert form is not None
    with pytest.raises(DataError, match="values of column 'x' cannot be converted to int64: convert the column"):
        form.restored(pd.DataFrame({"x": [1.5, 2.0]}))


@pytest.mark.parametrize(
    ("column", "said", "remedy"),
    [
        (pl.Series([time(8, 30)]), "cast it to integers", lambda x: x.cast(pl.Int64)),
        (pl.Series([b"a"]), "large_binary: cast it to text", lambda x: x.cast(pl.String)),
        (pl.Series([1], dtype=pl.Int128), "Int128: cast it to floating point", lambda x: x.cast(pl.Float64)),
        (pl.Series([1], dtype=pl.UInt128), "UInt128: cast it to floating point", lambda x: x.cast(pl.Float64)),
        (pl.Series([[1, 2]]), "make a column of each part", lambda x: x.list.get(0)),
        (pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)), "make a column of each part", lambda x: x.arr.get(0)),
        (pl.Series([{"a": 1}]), "make a column of each part", lambda x: x.struct.field("a")),
        (pl.Series([object()], dtype=pl.Object), "Object: cast it to one of these types, or drop it", None),
        (pa.array([8], pa.time32("s")), r"time32\[s\]: cast it to integers", lambda x: x.cast(pa.int32())),
        (pa.array([b"a"]), "binary: cast it to text", lambda x: x.cast(pa.string())),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_types_that_pandas_lacks_are_refused_with_a_remedy_that_works(column: Any, said: str, remedy: Any) -> None:
    def table(values: Any) -> Any:
        if isinstance(values, pl.Series):
            return pl.DataFrame({"n": [1], "x": values})
        return pa.table({"n": pa.array([1]), "x": values})

    with pytest.raises(DataError, match=f"column 'x' is of type .*{said}"):
        as_rows(table(column))
    if remedy is not None:
        assert as_rows(table(remedy(column))).columns.tolist() == ["n", "x"]


@pytest.mark.parametrize(
    ("given", "said", "remedy"),
    [
        (NUMBERS.lazy(), r"is a LazyFrame, which is lazy: call its .collect\(\)", lambda X: X.collect()),
        (pa.table([[1], [2]], ["a", "a"]), "some are repeated: rename", lambda X: X.rename_columns(["a", "b"])),
        (NUMBERS.to_arrow().to_batches()[0], "RecordBatch", lambda X: pa.Table.from_batches([X])),
    ],
    ids=["lazy", "repeated", "batch"],
)
def test_frames_that_are_no_tables_are_refused_with_a_remedy_that_works(given: Any, said: str, remedy: Any) -> None:
    with pytest.raises(DataError, match=said):
        as_rows(given)
    assert len(as_rows(remedy(given))) > 0


def test_pandas_and_arrays_are_left_alone() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    for given in (frame, frame["a"], np.zeros((2, 2)), [[1]], object(), None):
        assert as_pandas(given) is given
        assert not is_foreign(given)


def test_flat_images_in_a_frame_come_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 16)).astype(np.uint8)
    given = pl.DataFrame(pixels)
    container = container_of(given, as_rows(given), (4, 4))
    images = container.unwrap(as_rows(given))
    assert images.shape == (6, 4, 4, 1)
    assert_frame_equal(container.append(given, container.wrap(images)), pl.concat([given, given]))
