"""The table codec and its decoder: what goes in must come out, and what cannot must say so."""

import copy
import datetime
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pyarrow as pa
import pytest
import torch
from pandas.testing import assert_frame_equal

from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.codec import Encoded, TableCodec
from ganaug.data.tables.numeric import NumericColumn
from ganaug.data.tables.numeric_fit import count_decimals
from ganaug.errors import DataError, FormatError
from ganaug.networks.table_decoder import TableDecoder

ROWS = 300


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def decoded(codec: TableCodec, encoded: Encoded, uniform: np.ndarray | None = None) -> pd.DataFrame:
    decoder = TableDecoder(codec)
    if uniform is None:
        uniform = np.full(encoded.choices.shape, 0.5)
    arguments = (encoded.quantiles, encoded.choices, uniform.astype(np.float32))
    outputs = dict(zip(decoder.output_names, decoder(*map(torch.from_numpy, arguments)), strict=True))
    arrays = {name: output.numpy() for name, output in outputs.items()}
    return codec.frame(arrays.get("numeric"), arrays.get("category"))


def round_trip(frame: pd.DataFrame, seed: int | None = None, **options: Any) -> pd.DataFrame:
    codec = TableCodec.fit(frame, **options)
    assert TableCodec.from_state(json.loads(json.dumps(codec.to_state(), allow_nan=False))) == codec
    generator = None if seed is None else np.random.default_rng(seed)
    return decoded(codec, codec.encode(frame, generator))


def with_missing(values: Any, dtype: Any = None) -> pd.Series:
    series = pd.Series(values, dtype=dtype)
    series.iloc[::7] = None
    return series


def dates(count: int, step: str, start: str = "2019-12-30", **options: Any) -> pd.Series:
    return pd.Series(rng().permutation(pd.date_range(start, periods=count, freq=step, **options)))


def zoned(count: int, step: str, zone: str) -> pd.Series:
    return pd.Series(pd.date_range("2021-01-01", periods=count, freq=step, tz=zone))


def decimals(units: Any, precision: int, scale: int) -> pd.Series:
    values = [None if unit is None else Decimal(int(unit)).scaleb(-scale) for unit in units]
    return pd.Series(values, dtype=pd.ArrowDtype(pa.decimal128(precision, scale)))


def durations(values: Any, unit: str) -> pd.Series:
    return pd.Series(np.asarray(values, np.int64).view(f"timedelta64[{unit}]"))


def at(offset: int, *months: int) -> list[datetime.datetime]:
    zone = datetime.timezone(datetime.timedelta(hours=offset))
    return [datetime.datetime(2024, month, 1, tzinfo=zone) for month in months]


EXACT: dict[str, Callable[[], pd.Series]] = {
    "floats-two-decimals": lambda: pd.Series(rng().normal(50, 20, ROWS).round(2)),
    "floats-no-decimals": lambda: pd.Series(rng().integers(0, 999, ROWS).astype(float)),
    "floats-missing": lambda: with_missing(rng().normal(0, 1, ROWS).round(3)),
    "float32": lambda: pd.Series(rng().normal(0, 9, ROWS).round(1), dtype="float32"),
    "float16": lambda: pd.Series(rng().normal(0, 9, ROWS).round(1), dtype="float16"),
    "Float64": lambda: with_missing(rng().normal(0, 1, ROWS).round(2), "Float64"),
    "Float32": lambda: with_missing(rng().normal(0, 1, ROWS).round(2), "Float32"),
    "int64": lambda: pd.Series(rng().integers(-(10**4), 10**4, ROWS)),
    "int8": lambda: pd.Series(rng().integers(-128, 128, ROWS), dtype="int8"),
    "uint8": lambda: pd.Series(rng().integers(0, 256, ROWS), dtype="uint8"),
    "uint64": lambda: pd.Series(rng().integers(0, 10**4, ROWS), dtype="uint64"),
    "Int64": lambda: with_missing(rng().integers(0, 500, ROWS), "Int64"),
    "UInt16-nothing-missing": lambda: pd.Series(rng().integers(0, 500, ROWS), dtype="UInt16"),
    "few-numbers": lambda: pd.Series(rng().choice([0.1, 1 / 3, 7e200], ROWS)),
    "indicator": lambda: pd.Series(rng().integers(0, 2, ROWS)),
    "indicator-missing": lambda: with_missing(rng().integers(0, 2, ROWS).astype(float)),
    "constant": lambda: pd.Series([1 / 3] * ROWS),
    "constant-missing": lambda: with_missing([5] * ROWS, "Int64"),
    "all-missing": lambda: pd.Series([np.nan] * ROWS),
    "all-missing-Int64": lambda: pd.Series([None] * ROWS, dtype="Int64"),
    "all-missing-object": lambda: pd.Series([None] * ROWS, dtype=object),
    "all-missing-dates": lambda: pd.Series([pd.NaT] * ROWS, dtype="datetime64[us]"),
    "days": lambda: dates(ROWS, "D"),
    "hours-ns": lambda: dates(ROWS, "5h", unit="ns"),
    "minutes-s": lambda: dates(ROWS, "7min", unit="s"),
    "milliseconds": lambda: dates(ROWS, "250ms"),
    "before-1970": lambda: dates(ROWS, "D", "1900-05-05"),
    "dates-missing": lambda: with_missing(dates(ROWS, "D")),
    "constant-date": lambda: pd.Series([pd.Timestamp("2020-02-29 12:34:56.789")] * ROWS),
    "days-in-a-zone": lambda: zoned(ROWS, "D", "Europe/Berlin"),
    "hours-in-a-zone": lambda: zoned(ROWS, "5h", "UTC"),
    "fixed-offset": lambda: zoned(ROWS, "min", "UTC+01:00"),
    "zone-missing": lambda: with_missing(zoned(ROWS, "D", "America/Sao_Paulo")),
    "durations-of-days": lambda: durations(rng().integers(0, 60, ROWS) * 86400, "s"),
    "durations-ns": lambda: durations(rng().integers(-(10**4), 10**4, ROWS), "ns"),
    "durations-missing": lambda: with_missing(durations(rng().integers(0, 9_999, ROWS) * 1000, "us")),
    "all-missing-durations": lambda: pd.Series([pd.NaT] * ROWS, dtype="timedelta64[ms]"),
    "months": lambda: pd.Series(pd.period_range("1999-11", periods=ROWS, freq="M")),
    "quarters-missing": lambda: with_missing(pd.period_range("1960-01", periods=ROWS, freq="Q-NOV")),
    "weeks": lambda: pd.Series(pd.period_range("2020-01-01", periods=ROWS, freq="W-WED")),
    "all-missing-periods": lambda: pd.Series([pd.NaT] * ROWS, dtype="period[D]"),
    "decimals": lambda: decimals(rng().integers(-(10**4), 10**4, ROWS), 9, 2),
    "decimals-missing": lambda: decimals([None, *rng().integers(0, 10**4, ROWS - 1)], 38, 4),
    "decimals-whole": lambda: decimals([2**53 - one for one in range(ROWS)], 16, 0),
    "decimals-large": lambda: decimals([10**16 + 10**5 * one for one in range(ROWS)], 18, 9),
    "all-missing-decimals": lambda: decimals([None] * ROWS, 5, 1),
    "text": lambda: pd.Series(rng().choice(["a", "b", "ü 猫", ""], ROWS)),
    "text-missing": lambda: with_missing(rng().choice(["a", "b"], ROWS), "str"),
    "string": lambda: with_missing(rng().choice(["a", "b"], ROWS), "string"),
    "objects-none": lambda: with_missing(rng().choice(["a", "b"], ROWS), object),
    "objects-nan": lambda: pd.Series(["a", "b", np.nan] * 100, dtype=object),
    "objects-bool": lambda: pd.Series([True, False, None] * 100, dtype=object),
    "objects-int": lambda: pd.Series([3, -1, 2**62] * 100, dtype=object),
    "objects-float": lambda: pd.Series([0.1, 1e300, np.nan] * 100, dtype=object),
    "bool": lambda: pd.Series(rng().integers(0, 2, ROWS), dtype=bool),
    "bool-constant": lambda: pd.Series([True] * ROWS),
    "boolean": lambda: with_missing(rng().integers(0, 2, ROWS).astype(bool), "boolean"),
    "categorical": lambda: pd.Series(pd.Categorical(["b", "a", None] * 100, categories=["c", "b", "a"])),
    "ordered": lambda: pd.Series(pd.Categorical([3, 1] * 150, categories=[3, 2, 1], ordered=True)),
    "categorical-bool": lambda: pd.Series(pd.Categorical([True, False] * 150)),
    "categorical-all-missing": lambda: pd.Series(pd.Categorical([None] * ROWS, categories=["a"])),
    "fifty-categories": lambda: pd.Series([f"c{i % 50}" for i in range(ROWS)]),
}


@pytest.mark.parametrize("seed", [None, 1], ids=["middle", "spread"])
@pytest.mark.parametrize("make", EXACT.values(), ids=EXACT)
def test_every_kind_of_column_comes_back_exactly(make: Callable[[], pd.Series], seed: int | None) -> None:
    frame = pd.DataFrame({"column": make()})
    assert_frame_equal(round_trip(frame, seed), frame, check_exact=True)


def test_none_and_nan_stay_apart() -> None:
    frame = pd.DataFrame({"none": pd.Series(["a", None] * 9, dtype=object), "nan": ["a", np.nan] * 9}, dtype=object)
    missing = round_trip(frame).loc[1]
    assert missing["none"] is None
    assert np.isnan(missing["nan"])


def test_a_whole_table_keeps_names_order_and_dtypes() -> None:
    frame = pd.DataFrame({name if i % 2 else i: make() for i, (name, make) in enumerate(EXACT.items())})
    assert_frame_equal(round_trip(frame), frame, check_exact=True)


@pytest.mark.parametrize("names", [[0, 1], [5, "a"], ["ü", ""], [-1, 2**40]])
def test_texts_and_integers_are_column_names(names: list[Any]) -> None:
    frame = pd.DataFrame([[1, "x"], [2, "y"], [3, "x"]])
    frame.columns = pd.Index(names)
    assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(rng().normal(0, 1, ROWS), id="normal"),
        pytest.param(rng().standard_cauchy(ROWS), id="heavy-tails"),
        pytest.param(rng().exponential(1e-300, ROWS), id="tiny"),
        pytest.param(rng().exponential(1e-310, ROWS), id="denormal"),
        pytest.param(np.where(rng().random(ROWS) < 0.3, 1e-311, 1) * rng().exponential(1, ROWS), id="partly-denormal"),
        pytest.param(1 + rng().uniform(0, 1e-12, ROWS), id="tiny-range"),
        pytest.param(rng().choice([-1, 1], ROWS) * 10 ** rng().uniform(-300, 300, ROWS), id="huge"),
        pytest.param(rng().normal(0, 1, 50_000), id="many-rows"),
        pytest.param(rng().normal(0, 1, 12), id="few-rows"),
        pytest.param(np.array([0.1, 0.2, 1 / 3]), id="three-rows"),
    ],
)
def test_unrounded_numbers_come_back_closely_in_order_and_within_bounds(values: np.ndarray) -> None:
    frame = pd.DataFrame({"x": values})
    codec = TableCodec.fit(frame)
    knots = np.array(codec.numeric_columns[0].values)
    assert np.isin(knots, values).all()
    back = round_trip(frame)["x"].to_numpy()
    # A float32 quantile tells about 2**-17 of the way from knot to knot apart.
    gaps = np.diff(knots)[np.clip(np.searchsorted(knots, values, side="right") - 1, 0, len(knots) - 2)]
    smallest = np.finfo(np.float64).smallest_subnormal
    assert (np.abs(back - values) <= 1e-4 * gaps + 1e-15 * np.abs(values) + smallest).all()
    assert (np.diff(back[np.argsort(values)]) >= 0).all()

    quantiles = np.concatenate([np.linspace(-9, 9, 5001), [-1e30, 1e30, -0.0, -1e-12]]).astype(np.float32)[:, None]
    everything = decoded(codec, Encoded(quantiles, np.zeros((len(quantiles), 0), np.int64)))["x"]
    assert everything.min() == values.min()
    assert everything.max() == values.max()


@pytest.mark.parametrize("rows", [40, 5000])
def test_quantiles_are_normal_and_normal_quantiles_give_the_data(rows: int) -> None:
    values = rng().gamma(2, 10, rows)
    frame = pd.DataFrame({"x": values})
    codec = TableCodec.fit(frame)
    quantiles = codec.encode(frame).quantiles[:, 0]
    assert np.abs(quantiles).max() <= 3.5
    assert abs(quantiles.mean()) < 0.02
    assert quantiles.std() == pytest.approx(1, abs=0.06)
    drawn = rng().standard_normal((20_000, 1)).astype(np.float32)
    made = np.sort(decoded(codec, Encoded(drawn, np.zeros((len(drawn), 0), np.int64)))["x"].to_numpy())
    distance = np.abs(np.searchsorted(np.sort(values), made) / rows - np.linspace(0, 1, len(made))).max()
    assert distance < 0.02 + 0.5 / rows


def test_many_rows_leave_no_bias_between_the_knots() -> None:
    values = rng().normal(100, 1, 200_000)
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    quantiles = np.linspace(-2, 2, 129, dtype=np.float32)[:, None]
    made = decoded(codec, Encoded(quantiles, np.zeros((129, 0), np.int64)))["x"]
    assert abs((made - 100 - quantiles[:, 0]).mean()) < 0.005


def test_normal_quantiles_give_integers_in_proportion() -> None:
    values = rng().poisson(6, 4000)
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    assert codec.options == ()
    assert codec.n_quantiles == 1
    drawn = rng().standard_normal((50_000, 1)).astype(np.float32)
    made = decoded(codec, Encoded(drawn, np.zeros((len(drawn), 0), np.int64)))["x"]
    shares = np.bincount(made, minlength=values.max() + 1) / len(made)
    assert np.abs(shares - np.bincount(values) / len(values)).max() < 0.01


def test_spreading_turns_a_comb_of_quantiles_into_a_normal_distribution() -> None:
    frame = pd.DataFrame({"x": rng().poisson(6, 4000)})
    codec = TableCodec.fit(frame)
    assert len(np.unique(codec.encode(frame).quantiles)) < 30
    spread = codec.encode(frame, rng()).quantiles[:, 0]
    assert len(np.unique(spread)) > 3000
    assert spread.std() == pytest.approx(1, abs=0.03)
    assert np.abs(np.percentile(spread, [10, 25, 50, 75, 90]) - [-1.28, -0.67, 0, 0.67, 1.28]).max() < 0.08


def test_equal_values_get_their_middle_rank() -> None:
    values = np.concatenate([np.linspace(0, 1, 60), np.full(6, 2.0), np.linspace(3, 4, 60)])
    encoded = TableCodec.fit(frame := pd.DataFrame({"x": values})).encode(frame)
    assert encoded.choices.shape == (126, 0)
    assert np.abs(encoded.quantiles[values == 2]).max() < 0.02


def test_spikes_are_options_of_their_own_and_exact() -> None:
    spikes = rng().choice([0.0, 1 / 3, np.nan, 1.0], ROWS, p=[0.4, 0.2, 0.2, 0.2])
    values = np.where(spikes == 1.0, rng().normal(10, 1, ROWS), spikes)
    frame = pd.DataFrame({"x": values})
    codec = TableCodec.fit(frame)
    (column,) = codec.numeric_columns
    assert column.atoms == (0.0, 1 / 3)
    assert codec.options == (4,)
    assert min(column.values) > 1
    encoded = codec.encode(frame)
    assert (encoded.quantiles[encoded.choices > 0] == 0).all()
    assert [int((encoded.choices == option).sum()) for option in (1, 2, 3)] == [
        int((values == 0).sum()),
        int((values == 1 / 3).sum()),
        int(np.isnan(values).sum()),
    ]
    back = round_trip(frame)["x"].to_numpy()
    for spike in (0.0, 1 / 3):
        np.testing.assert_array_equal(back == spike, values == spike)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(values))


def test_a_quantile_does_not_move_a_spike() -> None:
    values = np.concatenate([np.zeros(50), rng().normal(10, 1, 50)])
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    quantiles = np.array([[-3], [0.7], [3]], dtype=np.float32)
    assert decoded(codec, Encoded(quantiles, np.ones((3, 1), np.int64)))["x"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("values", "quantiles", "options"),
    [
        pytest.param([0, 1] * 50, 0, (2,), id="two-values"),
        pytest.param([1, 2, 3] * 30, 0, (3,), id="three-values"),
        pytest.param([1, 2, 3] * 2, 1, (), id="three-values-of-few-rows"),
        pytest.param(range(100), 1, (), id="many-values"),
        pytest.param([0] * 10 + list(range(1, 91)), 1, (2,), id="spike"),
        pytest.param([0] * 9 + list(range(1, 92)), 1, (), id="too-small-a-spike"),
        pytest.param(np.clip(rng().poisson(6, 4000), 0, 14), 1, (), id="frequent-counts"),
        pytest.param([0] * 4 + list(range(1, 15)), 1, (), id="too-few-rows-for-a-spike"),
        pytest.param([7] * 100, 0, (), id="constant"),
        pytest.param([None, *range(99)], 1, (2,), id="missing"),
        pytest.param([None, 7], 0, (2,), id="constant-or-missing"),
        pytest.param([None] * 5, 0, (), id="all-missing"),
    ],
)
def test_quantiles_and_options_follow_the_values(values: Any, quantiles: int, options: tuple[int, ...]) -> None:
    codec = TableCodec.fit(pd.DataFrame({"x": pd.Series(values, dtype="float64")}))
    assert (codec.n_quantiles, codec.options) == (quantiles, options)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([1.0, 2.0], 0),
        ([0.1, 0.25, np.nan], 2),
        ([0.1 + 0.2, 1000.1 - 999.9, 17.25, np.nan], 2),
        ([0.3, 0.3 + 1e-9], None),
        ([5.0, 5 + 1e-13, 5 + 3e-13], None),
        ([0.123456], 6),
        ([0.1234567], None),
        ([1 / 3], None),
        ([1e15], 0),
        ([1e15, 0.5], None),
        ([1e300], None),
        ([], 0),
    ],
)
def test_decimals_are_counted(values: list[float], decimals: int | None) -> None:
    assert count_decimals(np.array(values)) == decimals


def test_new_numbers_have_the_decimals_of_the_data() -> None:
    frame = pd.DataFrame({"x": rng().normal(0, 30, ROWS).round(2), "n": rng().integers(0, 9999, ROWS)})
    codec = TableCodec.fit(frame)
    quantiles = rng().standard_normal((1000, 2)).astype(np.float32)
    made = decoded(codec, Encoded(quantiles, np.zeros((1000, 0), np.int64)))
    assert (made["x"] == made["x"].round(2)).all()
    assert not made["x"].isin(frame["x"]).all()
    assert made["n"].dtype == np.int64


STEPPED: dict[str, tuple[Any, float, str]] = {
    "thousands": (np.arange(3, 203) ** 2 * 1000, 1000, "int64"),
    "negative": (np.arange(-200, 0) * 15 // 10 * 5, 5, "Int16"),
    "halves": (np.arange(1, 201) ** 2 / 2, 0.5, "float64"),
    "twentieths": (np.arange(1, 201) ** 2 * 0.05, 0.05, "float32"),
    "with-a-hole": (np.append(np.arange(1, 201) ** 2 / 4, np.nan), 0.25, "Float64"),
}


@pytest.mark.parametrize("case", STEPPED)
def test_new_numbers_are_multiples_of_what_all_are_multiples_of(case: str) -> None:
    numbers, step, dtype = STEPPED[case]
    frame = pd.DataFrame({"x": pd.array(numbers, dtype=dtype)})
    codec = TableCodec.fit(frame)
    quantiles = rng().standard_normal((1000, 1)).astype(np.float32)
    made = decoded(codec, Encoded(quantiles, np.zeros((1000, len(codec.options)), np.int64)))["x"]
    assert made.dtype == frame["x"].dtype
    assert not made.isin(frame["x"]).all()
    steps = made.astype("float64") / step
    assert np.abs(steps - steps.round()).max() < 1e-2
    assert frame["x"].min() <= made.min() <= made.max() <= frame["x"].max()
    assert_frame_equal(round_trip(frame, seed=0), frame)
    assert TableCodec.from_state(codec.to_state()).to_state() == codec.to_state()


def test_a_step_that_is_met_by_rounding_alone_is_none() -> None:
    jitter = rng().integers(0, 400, ROWS)
    values = pd.Series(
        pd.Timestamp("2000-01-01").as_unit("ns") + pd.to_timedelta(np.arange(ROWS) * 3600_000_000_000 * 300 + jitter)
    )
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    assert codec.numeric_columns[0].unit == 1
    assert TableCodec.from_state(codec.to_state()).to_state() == codec.to_state()


@pytest.mark.parametrize("numbers", [[0, 3, 6, 9, 12], [3, 6, 9, 12, 15, 16], [-3, 3, 6, -6, 9, 12]], ids=str)
def test_few_numbers_say_nothing_of_a_step(numbers: list[int]) -> None:
    assert TableCodec.fit(pd.DataFrame({"x": numbers})).numeric_columns[0].unit == 1


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_new_dates_fall_on_the_day_of_the_week_that_all_fall_on(zone: str | None) -> None:
    mondays = pd.date_range("2020-01-06 08:00", periods=3400, freq="7D", tz=zone)
    values = pd.Series(mondays[np.sort(rng().choice(3400, 200, replace=False))])
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    quantiles = rng().standard_normal((1000, 1)).astype(np.float32)
    made = decoded(codec, Encoded(quantiles, np.zeros((1000, 0), np.int64)))["x"]
    assert not made.isin(values).all()
    assert (made.dt.day_of_week == 0).all()
    assert (made.dt.hour == 8).all()
    assert not codec.numeric_columns[0].has_days_only


def test_new_durations_periods_and_decimals_keep_the_steps_of_the_data() -> None:
    days = durations(rng().integers(0, 400, ROWS) * 86400 * 10**6, "us")
    mondays = pd.Series(pd.date_range("2020-01-06", periods=ROWS, freq="7D")).dt.to_period("D")
    frame = pd.DataFrame(
        {"days": days, "mondays": mondays, "nickels": decimals(rng().integers(0, 999, ROWS) * 5, 9, 2)}
    )
    codec = TableCodec.fit(frame)
    new = codec.frame(codec.exact(codec.values(frame).numbers + np.array([5000.0, 3.0, 0.02])), None)
    assert not (new["days"].dt.total_seconds() % 86400).any()
    assert set(new["mondays"].dt.day_of_week) == {0}
    assert {value % Decimal("0.05") for value in new["nickels"]} == {0}
    assert new.dtypes.equals(frame.dtypes)


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_new_dates_have_no_time_where_the_data_have_none(zone: str | None) -> None:
    days = pd.date_range("2020-01-01", periods=3400, tz=zone)
    values = pd.Series(days[np.sort(rng().choice(3400, 200, replace=False))])
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    quantiles = rng().standard_normal((1000, 1)).astype(np.float32)
    made = decoded(codec, Encoded(quantiles, np.zeros((1000, 0), np.int64)))["x"]
    assert made.dtype == values.dtype
    assert codec.numeric_columns[0].has_days_only
    assert (made == made.dt.normalize()).all()
    assert not made.isin(values).all()
    assert values.min() <= made.min()
    assert made.max() <= values.max()


def test_the_state_tells_where_dates_begin() -> None:
    values = pd.Series(pd.to_datetime(["2020-03-01", "2020-02-29", "2021-01-01"])).dt.tz_localize("Europe/Berlin")
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    origin = codec.numeric_columns[0].origin
    assert origin is not None
    assert origin.rstrip("0") == "2020-02-29T00:00:00."  # before pandas 3 with nanoseconds
    assert codec.numeric_columns[0].unit == 86400
    assert codec.frame(np.array([[86400.0]]), None)["x"][0] == pd.Timestamp("2020-03-01", tz="Europe/Berlin")


def test_the_hour_that_a_change_of_the_clock_leaves_out_becomes_the_next() -> None:
    hours = pd.date_range("2021-03-27 00:30", periods=60, freq="h").delete([26])  # 02:30 on the 28th does not exist.
    codec = TableCodec.fit(pd.DataFrame({"x": pd.Series(hours.tz_localize("Europe/Berlin"))}))
    made = codec.frame(np.array([[26 * 3600.0]]), None)["x"][0]
    assert made == pd.Timestamp("2021-03-28 03:00", tz="Europe/Berlin")


def tailed() -> pd.DataFrame:
    common = [f"common{i}" for i in range(49) for _ in range(20 + i)]
    return pd.DataFrame({"city": common + [f"rare{i}" for i in range(10) for _ in range(i + 1)]})


def test_rare_categories_share_an_option_in_proportion() -> None:
    frame = tailed()
    codec = TableCodec.fit(frame)
    (column,) = codec.category_columns
    assert codec.options == (50,)
    assert list(column.heads) == list(range(49))
    assert {column.categories[index] for index in column.tail} == {f"rare{i}" for i in range(10)}
    encoded = codec.encode(frame)
    np.testing.assert_array_equal(encoded.choices[:, 0] == 49, frame["city"].str.startswith("rare"))
    back = decoded(codec, encoded)["city"]
    common = frame["city"].str.startswith("common")
    assert_frame_equal(back[common].to_frame(), frame[common])

    uniform = ((np.arange(5500) + 0.5) / 5500)[:, None]
    tail = Encoded(np.zeros((5500, 0), np.float32), np.full((5500, 1), 49))
    counts = decoded(codec, tail, uniform)["city"].value_counts()
    assert counts.to_dict() == {f"rare{i}": 100 * (i + 1) for i in range(10)}


@pytest.mark.parametrize("edge", [0.0, 1.0, np.nextafter(np.float32(1), np.float32(0))])
def test_the_ends_of_the_uniform_range_are_rare_categories_too(edge: float) -> None:
    codec = TableCodec.fit(tailed())
    tail = Encoded(np.zeros((1, 0), np.float32), np.full((1, 1), 49))
    assert decoded(codec, tail, np.full((1, 1), edge))["city"][0].startswith("rare")


def test_a_tail_of_very_many_rows_keeps_about_its_proportions() -> None:
    column = CategoryColumn("x", "category", "int64", None, False, False, tuple(range(52)), (10**9,) * 50 + (10**8, 1))
    codec = TableCodec((column,))
    decoder = TableDecoder(codec)
    assert decoder.categories is not None
    drawn = np.bincount(decoder.categories.pool.ravel().numpy(), minlength=52)
    assert len(decoder.categories.pool) < 2**14 + 10
    assert drawn[51] == 1
    assert drawn[50] / drawn[49] == pytest.approx(0.1, abs=0.01)


def test_fifty_one_categories_are_fifty_options_and_missing_is_the_last() -> None:
    values = [f"c{i:02}" for i in range(51)] * 2 + [None]
    codec = TableCodec.fit(pd.DataFrame({"x": values}))
    assert codec.options == (51,)
    assert len(codec.category_columns[0].tail) == 2
    assert codec.encode(pd.DataFrame({"x": values})).choices[-1, 0] == 50


@pytest.mark.parametrize(
    ("fitted", "option"),
    [
        pytest.param(["a", "b", "b", None], 2, id="missing"),
        pytest.param([*tailed()["city"], None], 50, id="missing-before-tail"),
        pytest.param([*tailed()["city"]], 49, id="tail"),
        pytest.param(["a", "b", "b"], 1, id="most-frequent"),
        pytest.param(pd.Categorical(["a", "b", "b"], categories=["new", "a", "b"]), 1, id="unused"),
    ],
)
def test_an_unseen_category_becomes_the_nearest_thing(fitted: Any, option: int) -> None:
    codec = TableCodec.fit(pd.DataFrame({"x": fitted}))
    assert codec.encode(pd.DataFrame({"x": ["new"]})).choices.tolist() == [[option]]


def test_missing_values_where_there_were_none() -> None:
    frame = pd.DataFrame({"x": np.linspace(0, 1, 99), "flag": [3] * 60 + [2] * 39, "c": ["a"] * 40 + ["b"] * 59})
    codec = TableCodec.fit(frame)
    made = codec.encode(pd.DataFrame({"x": [np.nan], "flag": [np.nan], "c": [None]}))
    assert made.quantiles.tolist() == [[0.0]]
    assert decoded(codec, made).loc[0].tolist() == [pytest.approx(0.5), 3, "b"]


def test_numbers_out_of_bounds_move_to_them() -> None:
    frame = pd.DataFrame({"x": np.linspace(0, 1, 101).round(2), "flag": [0, 1] * 50 + [1]})
    codec = TableCodec.fit(frame)
    new = pd.DataFrame({"x": [-1e308, 1e308, 0.501], "flag": [-9, 9, 0.6]})
    assert decoded(codec, codec.encode(new)).to_numpy().tolist() == [[0, 0], [1, 1], [0.5, 1]]


def test_integers_that_became_floats_are_still_the_same_categories() -> None:
    frame = pd.DataFrame({"x": [1, 2, 2, 3]})
    codec = TableCodec.fit(frame, categorical_features=["x"])
    np.testing.assert_array_equal(codec.encode(frame).choices, codec.encode(frame.astype(float)).choices)
    assert_frame_equal(round_trip(frame, categorical_features=["x"]), frame)


@pytest.mark.parametrize("chosen", [["b"], [1], np.array([1]), [False, True, False], np.array([False, True, False])])
def test_columns_can_be_called_categories(chosen: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5], "c": ["x", "y", "y"]})
    codec = TableCodec.fit(frame, categorical_features=chosen)
    assert [column.name for column in codec.category_columns] == ["b", "c"]
    assert_frame_equal(round_trip(frame, categorical_features=chosen), frame)


def test_an_integer_that_is_a_name_is_no_position() -> None:
    frame = pd.DataFrame({1: [1, 2, 3], 0: [1, 2, 3]})
    assert [column.name for column in TableCodec.fit(frame, categorical_features=[0]).category_columns] == [0]


@pytest.mark.parametrize("chosen", ["b", None, 3, ["d"], [3], [-1], [True], [True] * 4, [["a"]], [[1], [2, 3]], [None]])
def test_other_categorical_features_are_refused(chosen: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2, 3]})
    with pytest.raises(DataError, match="categorical_features must be 'auto', a list"):
        TableCodec.fit(frame, categorical_features=chosen)


def test_an_empty_list_of_categories_leaves_the_dtypes_to_decide() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "c": ["x", "y", "y"]})
    assert TableCodec.fit(frame, categorical_features=[]) == TableCodec.fit(frame)


REFUSED: dict[str, tuple[Any, str]] = {
    "mixed": (pd.Series([1, "a"], dtype=object), "one type.*'bad' holds int and str.*astype"),
    "int-and-float": (pd.Series([1, 2.5], dtype=object), "holds float and int"),
    "bool-and-int": (pd.Series([True, 1], dtype=object), "holds bool and int"),
    "lists": (pd.Series([[1], [2]]), "'bad' holds list"),
    "date-objects": (pd.Series([datetime.date(2020, 1, 1)] * 2), "'bad' holds date.*pandas.to_datetime"),
    "infinite": ([1.0, np.inf], "finite.*'bad' has infinities"),
    "infinite-category": (pd.Series([0.5, np.inf], dtype=object), "finite.*'bad' has inf"),
    "too-far-apart": ([-1.5e308, 1.5e308], "'bad' go from -1.5e\\+308"),
    "large-integers": ([0, 2**53 + 2], r"2\*\*53.*'bad'.*identifier"),
    "large-unsigned": (pd.Series([0, 2**64 - 1], dtype="uint64"), r"2\*\*53.*'bad'"),
    "identifiers": ([f"id{i}" for i in range(20_001)], "at most 20,000.*'bad' has 20,001: is it an identifier"),
    "long-text": (["a", "b" * 1001], "'bad'.*drop"),
    "surrogate": (pd.Series(["a", "\ud800"], dtype=object), "Unicode.*'bad'"),
    "complex": ([1j, 2], "'bad' has dtype complex128"),
    "intervals": (pd.cut([1, 2], 2), "column of categories must hold.*'bad' holds Interval.*astype"),
    "sparse": (pd.arrays.SparseArray([1.0, 0.0]), r"'bad' has dtype Sparse"),
    "sparse-bool": (pd.arrays.SparseArray([True, False]), r"'bad' have dtype Sparse"),
    "date-categories": (pd.Categorical(pd.date_range("2020", periods=2)), "'bad' holds Timestamp.*to_datetime"),
    "year-12000": (np.array(["12000-01-01", "2000-01-01"], "datetime64[s]"), "years 1 to 9999.*'bad'.*12000"),
    "arrow-number": (pd.Series([1.5, None], dtype="double[pyarrow]"), r"astype\('Float64'\)"),
    "arrow-dates": (pd.Series([pd.Timestamp(0), None], dtype="timestamp[us][pyarrow]"), r"astype\('datetime64\[us"),
    "arrow-zone": (
        pd.Series([pd.Timestamp(0), None], dtype=pd.ArrowDtype(pa.timestamp("us", "Europe/Berlin"))),
        r"astype\('datetime64\[us, Europe/Berlin\]'\)",
    ),
    "arrow-duration": (pd.Series([1], dtype=pd.ArrowDtype(pa.duration("s"))), r"astype\('timedelta64\[us\]'\)"),
    "arrow-truth": (pd.Series([True, None], dtype="bool[pyarrow]"), r"astype\('boolean'\)"),
    "large-decimals": (decimals([2**53, 2**53 + 1], 20, 0), r"15 digits.*'bad'.*identifier"),
    "close-decimals": (decimals([10**18, 10**18 + 1], 38, 18), r"15 digits.*'bad'"),
    "infinite-decimals": (pd.Series([Decimal("Infinity"), Decimal(1)]), "finite.*'bad' has infinities"),
    "nanoseconds": (pd.PeriodIndex(np.array([0, 2**54], "datetime64[ns]"), freq="ns"), "53 apart.*'bad'"),
    "mixed-offsets": (pd.Series([*at(1, 1), *at(-8, 1)], dtype=object), "'bad' change as in no zone"),
    "with-and-without-offset": (pd.Series([*at(1, 1), datetime.datetime(2024, 1, 1)], dtype=object), "'bad' have one"),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_represented_is_refused_by_name(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TableCodec.fit(pd.DataFrame({"bad": values}))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        pytest.param(np.zeros((3, 2)), "pandas DataFrame, but this is a ndarray", id="array"),
        pytest.param(pd.DataFrame(), "0 rows and 0 columns", id="empty"),
        pytest.param(pd.DataFrame({"a": []}), "0 rows and 1 columns", id="no-rows"),
        pytest.param(pd.DataFrame(index=range(3)), "3 rows and 0 columns", id="no-columns"),
        pytest.param(pd.DataFrame(np.zeros((1, 10_001))), "10,001 columns", id="too-wide"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' come twice", id="twice"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", 1.5]), "integers, but there is 1.5", id="float-name"),
        pytest.param(pd.DataFrame([[1]], columns=[True]), "there is True", id="bool-name"),
        pytest.param(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)])), "there is \\(", id="tuple"),
    ],
)
def test_what_is_no_table_is_refused(frame: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        TableCodec.fit(frame)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a"], "misses 'b': "),
        (["a", "b", "c"], "has 'c'"),
        (["a", "c"], "misses 'b' and has 'c'"),
        (["b", "a"], "another order"),
        (["a", "b", "b"], "twice"),
    ],
)
def test_other_columns_are_refused(columns: list[str], message: str) -> None:
    codec = TableCodec.fit(pd.DataFrame({"a": [1, 2], "b": [1, 2]}))
    with pytest.raises(ValueError, match=f"columns that were fitted, but this one.*{message}"):
        codec.encode(pd.DataFrame([[1] * len(columns)], columns=columns))


@pytest.mark.parametrize(
    ("fitted", "new"),
    [
        pytest.param([1, 2], ["1", "2"], id="text-for-numbers"),
        pytest.param([1.0, 2.0], [1.0, np.inf], id="infinity"),
        pytest.param(pd.date_range("2020", periods=2), [1, 2], id="numbers-for-dates"),
        pytest.param(pd.date_range("2020", periods=2), pd.date_range("2020", periods=2, tz="UTC"), id="zone"),
        pytest.param(pd.date_range("2020", periods=2, tz="UTC"), pd.date_range("2020", periods=2), id="no-zone"),
        pytest.param(
            pd.date_range("2020", periods=2, unit="ns"), np.array(["4000-01-01"] * 2, "datetime64[s]"), id="ns"
        ),
        pytest.param(["a", "b"], [["a"], ["b"]], id="lists-for-text"),
    ],
)
def test_columns_that_hold_something_else_are_refused(fitted: Any, new: Any) -> None:
    codec = TableCodec.fit(pd.DataFrame({"bad": fitted}))
    with pytest.raises(DataError, match="'bad'"):
        codec.encode(pd.DataFrame({"bad": new}))


def test_an_empty_column_may_have_any_dtype() -> None:
    frame = pd.DataFrame({"x": with_missing(range(50), "Int64"), "d": with_missing(dates(50, "D"))})
    frame["c"] = ["a", None] * 25
    codec = TableCodec.fit(frame)
    empty = pd.DataFrame({name: pd.Series([None] * 3, dtype=object) for name in frame})
    assert decoded(codec, codec.encode(empty)).isna().all(axis=None)


def test_dates_in_another_zone_or_unit_are_the_same_dates() -> None:
    frame = pd.DataFrame({"x": zoned(50, "D", "Europe/Berlin")})
    codec = TableCodec.fit(frame)
    other = pd.DataFrame({"x": frame["x"].dt.tz_convert("UTC").dt.as_unit("ns")})
    np.testing.assert_array_equal(codec.encode(other).quantiles, codec.encode(frame).quantiles)


def test_no_rows_encode_to_no_rows() -> None:
    frame = pd.DataFrame({name: make() for name, make in EXACT.items()})
    codec = TableCodec.fit(frame)
    encoded = codec.encode(frame.iloc[:0])
    assert encoded.quantiles.shape == (0, codec.n_quantiles)
    assert encoded.choices.shape == (0, len(codec.options))
    assert_frame_equal(decoded(codec, encoded), frame.iloc[:0])


def test_the_shapes_are_what_the_codec_says() -> None:
    frame = pd.DataFrame({name: make() for name, make in EXACT.items()})
    codec = TableCodec.fit(frame)
    encoded = codec.encode(frame)
    assert encoded.quantiles.dtype == np.float32
    assert encoded.choices.dtype == np.int64
    assert encoded.quantiles.shape == (ROWS, codec.n_quantiles)
    assert encoded.choices.shape == (ROWS, len(codec.options))
    assert (encoded.choices.max(axis=0) < np.array(codec.options)).all()
    assert len(codec.numeric_columns) + len(codec.category_columns) == len(EXACT)


def test_the_state_holds_no_more_than_it_must() -> None:
    frame = pd.DataFrame({"x": rng().normal(size=100_000), "c": rng().choice(["a", "b"], 100_000)})
    assert len(json.dumps(TableCodec.fit(frame).to_state())) < 8000


def base_state() -> dict[str, Any]:
    frame = pd.DataFrame(
        {
            "x": np.append(rng().normal(size=99), np.nan),
            "n": rng().integers(0, 120, 100).astype(np.int8),
            "d": dates(100, "D"),
            "c": ["a", "b"] * 50,
            "b": [True, False] * 50,
        }
    )
    return json.loads(json.dumps(TableCodec.fit(frame).to_state()))  # type: ignore[no-any-return]


X, N, D, C, B = range(5)
NAN, INF = float("nan"), float("inf")


def test_the_base_of_the_hostile_states_is_sound() -> None:
    state = base_state()
    state["unknown"] = state["columns"][X]["unknown"] = 1
    assert TableCodec.from_state(state).names == ["x", "n", "d", "c", "b"]


@pytest.mark.parametrize(
    "state",
    [None, [], "columns", 1, {}, {"columns": None}, {"columns": []}, {"columns": {}}, {"columns": [None]},
     {"columns": [[]]}, {"columns": [{}]}, {"columns": [{"kind": "numeric"}]}, {"columns": [{"kind": ["numeric"]}]},
     {"columns": [{"kind": "category"}]}, {"columns": [{"kind": "pickle"}]}, {"columns": [{}] * 10_001}],
    ids=repr,
)  # fmt: skip
def test_a_state_that_is_none_is_a_format_error(state: Any) -> None:
    with pytest.raises(FormatError):
        TableCodec.from_state(state)


@pytest.mark.parametrize(
    ("column", "changes"),
    [
        (X, {"name": None}), (X, {"name": 1.5}), (X, {"name": True}), (X, {"name": ["x"]}), (X, {"name": "n"}),
        (X, {"name": "x" * 1001}), (X, {"name": 2**64}), (X, {"name": "\ud800"}), (X, {"kind": "category"}),
        (X, {"kind": "datetime"}), (X, {"kind": "integer"}), (X, {"kind": None}), (X, {"dtype": "object"}),
        (X, {"dtype": None}), (X, {"dtype": "float128"}), (X, {"dtype": ["float64"]}), (X, {"missing": 1}),
        (X, {"missing": None}), (X, {"decimals": -1}), (X, {"decimals": 10**9}), (X, {"decimals": 1.0}),
        (X, {"decimals": True}), (X, {"unit": 0}), (X, {"unit": None}), (X, {"unit": 60}), (X, {"unit": 1.0}),
        (X, {"unit": [1]}), (X, {"origin": "2020-01-01T00:00:00"}), (X, {"atoms": None}), (X, {"atoms": "ab"}),
        (X, {"atoms": ["a"]}), (X, {"atoms": [NAN]}), (X, {"atoms": [True]}), (X, {"atoms": [1.0, 1]}),
        (X, {"atoms": [float(i) for i in range(101)]}), (X, {"atoms": [1e308, -1e308]}), (X, {"values": None}),
        (X, {"values": []}), (X, {"scores": []}), (X, {"values": [1.0], "scores": [0]}),
        (X, {"values": [1.0, 1.0], "scores": [0, 1]}), (X, {"values": [2.0, 1.0], "scores": [0, 1]}),
        (X, {"values": [1.0, 2.0], "scores": [0, 0]}), (X, {"values": [1.0, 2.0], "scores": [1, 0]}),
        (X, {"values": [1.0, 2.0], "scores": [0, 113]}), (X, {"values": [1.0, 2.0], "scores": [0, 1.0]}),
        (X, {"values": [1.0, INF], "scores": [0, 1]}), (X, {"values": [1.0, NAN], "scores": [0, 1]}),
        (X, {"values": [-1e308, 1e308], "scores": [0, 1]}), (X, {"values": [1.0, 10**400], "scores": [0, 1]}),
        (X, {"values": list(range(226)), "scores": list(range(-113, 113))}), (X, {"values": [0, 2**53], "decimals": 1}),
        (X, {"dtype": "float32", "values": [0.0, 1e39], "scores": [0, 1]}),
        (X, {"values": [], "scores": [], "missing": False}),
        (N, {"dtype": "int128"}), (N, {"dtype": "float64"}), (N, {"missing": True}), (N, {"decimals": None}),
        (N, {"decimals": 2}), (N, {"atoms": [0.5]}), (N, {"atoms": [128.0]}), (N, {"atoms": [-129.0]}),
        (D, {"origin": None}), (D, {"origin": 0}), (D, {"origin": "today"}), (D, {"origin": "NaT"}),
        (D, {"origin": "2020-02-30T00:00:00"}), (D, {"origin": "2020-01-01T00:00:00.0000000000"}),
        (D, {"origin": "2020-01-01T00:00:00\n"}), (D, {"dtype": "datetime64[ns]", "origin": "2400-01-01T00:00:00"}),
        (D, {"dtype": "datetime64[ns]", "values": [0.0, 1e12], "scores": [0, 1]}), (D, {"dtype": "datetime64[D]"}),
        (D, {"dtype": "datetime64[us, dateutil//etc/passwd]"}), (D, {"dtype": "datetime64[us, ../../etc/passwd]"}),
        (D, {"decimals": None}), (D, {"decimals": 10}), (D, {"unit": 7}),
        (D, {"values": [-1.0, 1.0], "scores": [0, 1]}),
        (C, {"kind": "boolean"}), (C, {"dtype": "complex128"}), (C, {"dtype": None}), (C, {"dtype": "int64"}),
        (C, {"dtype": "int8", "categories": [1, 128]}), (C, {"dtype": "float64", "categories": [1, 2]}),
        (C, {"dtype": "float32", "categories": [1.0, 1e39]}), (C, {"dtype": "float64", "categories": [1.0, INF]}),
        (C, {"dtype": "object", "categories": ["a", 1]}), (C, {"dtype": "object", "categories": [None, None]}),
        (C, {"dtype": "object", "categories": [["a"], ["b"]]}), (C, {"categories": ["a", "a"]}),
        (C, {"categories": ["a", "b" * 1001]}), (C, {"categories": ["a", "\ud800"]}), (C, {"categories": ["a"]}),
        (C, {"categories": None}), (C, {"categories": {"a": 1, "b": 2}}), (C, {"counts": None}), (C, {"counts": [1]}),
        (C, {"counts": [1, -1]}), (C, {"counts": [1, 1.0]}), (C, {"counts": [1, True]}), (C, {"counts": [1, 2**60]}),
        (C, {"counts": [0, 0]}), (C, {"categories": [], "counts": []}), (C, {"ordered": 0}), (C, {"ordered": "yes"}),
        (C, {"missing": "no"}), (C, {"none": None}), (C, {"none": True}), (C, {"name": "d"}),
        (C, {"categories": [str(i) for i in range(20_001)], "counts": [1] * 20_001}),
        (B, {"kind": "category"}), (B, {"missing": True}), (B, {"categories": [0, 1]}), (B, {"categories": ["a", "b"]}),
    ],
    ids=lambda value: f"{value!r:.60}",
)  # fmt: skip
def test_a_hostile_column_is_a_format_error(column: int, changes: dict[str, Any]) -> None:
    state = base_state()
    state["columns"][column] |= changes
    with pytest.raises(FormatError):
        TableCodec.from_state(state)


@pytest.mark.parametrize("key", ["name", "kind", "dtype", "missing", "unit", "atoms", "values", "scores"])
def test_an_incomplete_column_is_a_format_error(key: str) -> None:
    state = base_state()
    del state["columns"][X][key]
    with pytest.raises(FormatError):
        TableCodec.from_state(state)


def test_a_zone_that_is_unknown_here_is_a_format_error() -> None:
    state = base_state()
    state["columns"][D]["dtype"] = "datetime64[us, Middle/Earth]"
    codec = TableCodec.from_state({"columns": [state["columns"][D]]})
    with pytest.raises(FormatError, match=r"'d'.*'Middle/Earth'"):
        codec.frame(np.zeros((1, 1)), None)


@pytest.mark.parametrize(
    ("numeric", "category"),
    [
        pytest.param(np.zeros((2, 2)), np.zeros((2, 2), np.int64), id="too-few-numbers"),
        pytest.param(np.zeros((2, 3)), np.zeros((2, 1), np.int64), id="too-few-categories"),
        pytest.param(np.zeros((2, 3)), np.zeros((1, 2), np.int64), id="other-rows"),
        pytest.param(np.zeros(3), np.zeros((1, 2), np.int64), id="flat"),
        pytest.param(np.zeros((2, 3)), None, id="no-categories"),
        pytest.param(None, np.zeros((2, 2), np.int64), id="no-numbers"),
        pytest.param(np.zeros((1, 3)), np.array([[2, 0]]), id="no-such-category"),
        pytest.param(np.zeros((1, 3)), np.array([[-2, 0]]), id="negative-category"),
        pytest.param(np.zeros((1, 3)), np.array([[-1, 0]]), id="missing-category"),
        pytest.param(np.array([[0, np.nan, 0]]), np.zeros((1, 2), np.int64), id="missing-integer"),
    ],
)
def test_arrays_that_do_not_fit_are_a_format_error(numeric: Any, category: Any) -> None:
    codec = TableCodec.from_state(base_state())
    with pytest.raises(FormatError):
        codec.frame(numeric, category)


def test_integers_that_a_runtime_makes_only_nearly_whole_are_rounded() -> None:
    codec = TableCodec.fit(pd.DataFrame({"n": range(20)}))
    assert codec.frame(np.array([[2.9999998], [3.0000002]], np.float32), None)["n"].tolist() == [3, 3]


@pytest.mark.parametrize("extreme", [-1e300, 1e300, -np.inf, np.inf])
def test_extreme_numbers_of_a_model_stay_within_the_bounds(extreme: float) -> None:
    codec = TableCodec.from_state(base_state())
    frame = codec.frame(np.full((1, 3), extreme), np.zeros((1, 2), np.int64))
    for column in codec.numeric_columns[:2]:
        assert frame[column.name][0] == column.bounds[extreme > 0]
    assert frame["d"][0] == pd.Timestamp("2019-12-30") + pd.Timedelta(days=99 * (extreme > 0))


def test_a_codec_is_not_shared_with_its_state() -> None:
    codec = TableCodec.from_state(base_state())
    state = codec.to_state()
    before = copy.deepcopy(state)
    state["columns"][X]["values"].clear()  # type: ignore[index]
    assert codec.to_state() == before


def run_onnx(codec: TableCodec, batches: list[tuple[np.ndarray, ...]]) -> list[list[np.ndarray]]:
    decoder = TableDecoder(codec).eval()
    names = ["quantiles", "choices", "uniform"]
    example = tuple(torch.from_numpy(array[:3]) for array in batches[-1])
    program = torch.onnx.export(
        decoder,
        example,
        dynamo=True,
        verbose=False,
        opset_version=18,
        input_names=names,
        output_names=decoder.output_names,
        dynamic_shapes={name: {0: torch.export.Dim.DYNAMIC} for name in names},
    )
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    taken = {one.name for one in session.get_inputs()}
    return [
        session.run(
            list(decoder.output_names),
            {name: array for name, array in zip(names, batch, strict=True) if name in taken},
        )
        for batch in batches
    ]


def drawn(codec: TableCodec, rows: int) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(rows)
    options = np.array(codec.options, dtype=np.int64)
    return (
        generator.normal(0, 1.5, (rows, codec.n_quantiles)).astype(np.float32),
        generator.integers(0, options, (rows, len(options))),
        generator.random((rows, len(options)), dtype=np.float32),
    )


def subsets() -> dict[str, pd.DataFrame]:
    everything = pd.DataFrame({name: make() for name, make in EXACT.items()} | {"tail": pd.Series(["only"] * ROWS)})
    everything["tail"] = [f"c{i % 120}" for i in range(ROWS)]
    return {
        "everything": everything,
        "numbers": everything[["float32", "int64", "days"]],
        "unrounded": pd.DataFrame({"x": rng().normal(size=ROWS), "y": rng().normal(size=ROWS).round(1)}),
        "unrounded-alone": pd.DataFrame({"x": rng().normal(size=ROWS)}),
        "choices-alone": everything[["indicator", "few-numbers"]],
        "categories": everything[["text", "bool-constant", "tail"]],
        "plain-categories": everything[["text", "bool"]],
    }


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", subsets())
def test_onnx_decodes_as_torch_does(name: str) -> None:
    codec = TableCodec.fit(subsets()[name])
    batches = [drawn(codec, rows) for rows in (1, 2, 7, 64)]
    for batch, actual in zip(batches, run_onnx(codec, batches), strict=True):
        expected = TableDecoder(codec)(*map(torch.from_numpy, batch))
        assert len(actual) == len(expected)
        for ours, theirs in zip(actual, expected, strict=True):
            assert ours.dtype == theirs.numpy().dtype
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("rows", [1, 5])
def test_a_table_in_which_nothing_varies_decodes_without_any_input(rows: int) -> None:
    frame = pd.DataFrame({"a": [1.5] * 5, "b": [np.nan] * 5, "c": ["x"] * 5})
    codec = TableCodec.fit(frame)
    assert (codec.n_quantiles, codec.options) == (0, ())
    nothing = Encoded(np.zeros((rows, 0), np.float32), np.zeros((rows, 0), np.int64))
    assert_frame_equal(decoded(codec, nothing), frame.iloc[:rows])


def test_the_decoder_follows_its_module_and_adds_nothing_to_its_state() -> None:
    decoder = TableDecoder(TableCodec.from_state(base_state()))
    assert decoder.output_names == ("numeric", "category")
    assert not decoder.state_dict()
    assert not list(decoder.parameters())
    assert all(buffer.device.type == "meta" for buffer in copy.deepcopy(decoder).to("meta").buffers())


def test_codecs_import_neither_pandas_nor_torch() -> None:
    code = "import sys, ganaug.data.tables.codec; print({'pandas', 'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # fixed words
    assert done.stdout.strip() == "set()"


def test_columns_are_what_the_annotations_say() -> None:
    codec = TableCodec.from_state(base_state())
    kinds = [(type(column), column.kind) for column in codec.columns]
    assert kinds == [
        (NumericColumn, "numeric"),
        (NumericColumn, "integer"),
        (NumericColumn, "datetime"),
        (CategoryColumn, "category"),
        (CategoryColumn, "boolean"),
    ]
