"""A column that is never greater than another in a table is not in what is drawn either."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_iris

from ganaug import GANSampler
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.networks.table_decoder import TableDecoder


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def found(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return names of what is found in order, each once."""
    codec = TableCodec.fit(table)
    names = [str(column.name) for column in codec.numeric_columns]
    return sorted((names[low], names[high]) for low, high in Constraints.detect(codec, table).orders)


def grown(*parts: NDArray[np.float64], decimals: int = 2) -> pd.DataFrame:
    """Return columns a, b, c of which each adds a part to the one before."""
    sums = np.round(np.cumsum(parts, axis=0), decimals)
    return pd.DataFrame(dict(zip("abcdef", sums, strict=False)))


def test_columns_in_order_are_found_with_what_follows() -> None:
    rng = seeded()
    table = grown(*rng.exponential(size=(3, 200))).assign(other=rng.exponential(2, size=200).round(2))
    assert found(table) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found(table[["c", "other", "a", "b"]]) == found(table)


def test_one_exception_is_no_order() -> None:
    table = grown(*seeded().exponential(size=(2, 200)))
    table.loc[7, "a"] = table.loc[7, "b"] + 0.01
    assert found(table) == []


def test_chance_is_no_order() -> None:
    for seed in range(20):
        rng = seeded(seed)
        assert found(pd.DataFrame(rng.normal(rng.normal(0, 2, size=12), 1, size=(60, 12)))) == []


def test_columns_that_do_not_rise_together_are_of_different_things() -> None:
    rng = seeded()
    low, high = np.sort(rng.random(size=(2, 400)), axis=0)
    table = pd.DataFrame({"low": low, "high": rng.permutation(high)})
    table["high"] += np.maximum(0, table["low"] - table["high"])  # in order, and that is all
    assert abs(table["low"].corr(table["high"], method="spearman")) < 0.3
    assert found(table) == []
    assert found(pd.DataFrame({"low": low, "high": high})) == [("low", "high")]


def test_columns_apart_need_none_and_equal_ones_have_none() -> None:
    low = seeded().normal(size=200)
    assert found(pd.DataFrame({"low": low, "high": low + 100, "same": low})) == []


@pytest.mark.parametrize("dtypes", [("int64", "float64"), ("Int64", "float32"), ("float64", "Float64")])
def test_whole_numbers_are_compared_with_others(dtypes: tuple[str, str]) -> None:
    """pandas makes floats of whole numbers of which some are missing."""
    rng = seeded()
    whole = rng.integers(0, 50, size=200)
    high = pd.Series((whole + rng.exponential(3, size=200)).round(1))
    table = pd.DataFrame({"count": whole, "price": high}).astype(dict(zip(("count", "price"), dtypes, strict=True)))
    assert found(table) == [("count", "price")]
    drawn = decoded(table, torch.randn(3_000, 2))
    assert (drawn["count"] <= drawn["price"] + 1e-6).all()
    assert drawn.dtypes.astype(str).tolist() == list(dtypes)


def test_columns_of_few_values_keep_them() -> None:
    """What each grade begins at is no number like others: the other column gives way."""
    rng = seeded()
    grade = rng.integers(0, 4, size=400)
    table = pd.DataFrame({"least": np.array([900, 1200, 1700, 2500])[grade]})
    table["pay"] = table["least"] + rng.integers(0, 800, size=400)
    table["most"] = table["least"] + 800
    assert found(table) == [("least", "pay"), ("pay", "most")]
    choices = torch.from_numpy(grade)[:, None].repeat(1, 2)
    frame = decoded(table, torch.randn(400, 1), choices)
    np.testing.assert_array_equal(sorted(frame["least"].unique()), sorted(table["least"].unique()))
    np.testing.assert_array_equal(frame["most"], frame["least"] + 800)
    assert ((frame["least"] <= frame["pay"]) & (frame["pay"] <= frame["most"])).all()


@pytest.mark.slow
def test_an_order_of_counts_is_a_decision_of_both() -> None:
    """What is drawn has their shares, which exchanges would change."""
    rng = seeded()
    children = rng.poisson(1.2, size=1000).clip(max=5)
    table = pd.DataFrame({"children": children, "boys": rng.binomial(children, 0.5), "x": rng.normal(size=1000)})
    codec = TableCodec.fit(table)
    assert [joint.choices for joint in Constraints.detect(codec, table).joint.decisions] == [(0, 1)]
    assert found(table) == []
    y = np.arange(1000) % 5 == 0
    generator = GANSampler(max_steps=50, random_state=0).fit(table, y).generator_
    drawn, labels = generator.sample({True: 2_000, False: 2_000}, seed=0)
    assert (drawn["boys"] <= drawn["children"]).all()
    for label in (True, False):
        means = drawn[labels == label].mean() - table[y == label].mean()
        assert means[["children", "boys"]].abs().max() < 0.12


def test_rows_in_which_one_is_missing_say_nothing() -> None:
    rng = seeded()
    table = grown(*rng.exponential(size=(2, 300)))
    table.loc[rng.random(300) < 0.2, "b"] = np.nan
    table.loc[rng.random(300) < 0.2, "a"] = np.nan
    assert found(table) == [("a", "b")]
    assert found(table.assign(a=np.nan)) == []


def test_dates_are_compared_as_dates() -> None:
    rng = seeded()
    admission = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 60, size=200), unit="D")
    stay = pd.to_timedelta(rng.integers(1, 9, size=200), unit="D")
    table = pd.DataFrame({"discharge": admission + stay, "admission": admission})
    codec = TableCodec.fit(table)
    assert Constraints.detect(codec, table).orders == ((1, 0),)
    first, second = codec.numeric_columns
    assert origin_shift(second, first) == (table["admission"].min() - table["discharge"].min()).total_seconds()
    assert found(table.assign(admission=table["admission"].dt.tz_localize("UTC"))) == []  # which of them is earlier?
    hours = table.assign(discharge=table["discharge"] + pd.to_timedelta(rng.integers(0, 24, size=200), unit="h"))
    assert found(hours.astype({"admission": "datetime64[s]"})) == [("admission", "discharge")]


def decoded(table: pd.DataFrame, quantiles: torch.Tensor, choices: torch.Tensor | None = None) -> pd.DataFrame:
    codec = TableCodec.fit(table)
    rules = Constraints.detect(codec, table)
    choices = torch.zeros(len(quantiles), len(rules.learned.options), dtype=torch.int64) if choices is None else choices
    with torch.no_grad():
        (numeric,) = TableDecoder(codec, rules)(quantiles, choices, torch.full(choices.shape, 0.5))
    bounds = np.array([column.bounds for column in codec.numeric_columns])
    assert not ((numeric.numpy() < bounds[:, 0]) | (numeric.numpy() > bounds[:, 1])).any()
    frame = codec.frame(numeric.numpy(), None)
    np.testing.assert_allclose(frame.astype(float), numeric.numpy(), rtol=1e-6)  # nothing was out of bounds
    return frame


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_decoding_puts_any_quantiles_in_order(seed: int) -> None:
    table = grown(*seeded(seed).exponential(size=(5, 300)))
    table = table[list(seeded(seed).permutation(list("abcde")))]
    frame = decoded(table, torch.randn(2_000, 5, generator=torch.Generator().manual_seed(seed)))
    assert len(found(table)) == 10
    for low, high in found(table):
        assert (frame[low] <= frame[high]).all()


def test_columns_of_different_decimals_are_put_in_order_and_rounded() -> None:
    rng = seeded()
    table = pd.DataFrame({"a": rng.exponential(size=300).round(3)})
    table["b"] = np.ceil(10 * (table["a"] + rng.exponential(size=300))) / 10
    table["c"] = table["b"] + rng.exponential(size=300)
    assert found(table) == [("a", "b"), ("a", "c"), ("b", "c")]
    frame = decoded(table, torch.randn(5_000, 3))
    assert (frame["a"] <= frame["b"]).all()
    assert (frame["b"] <= frame["c"]).all()
    for column, decimals in (("a", 3), ("b", 1)):
        np.testing.assert_array_equal(frame[column], frame[column].round(decimals))


def test_multiples_of_unlike_steps_stay_multiples() -> None:
    rng = seeded()
    three = 3.0 * rng.integers(0, 20, size=300)
    five = 5 * np.ceil(three / 5) + 5.0 * rng.integers(0, 4, size=300)
    drawn = decoded(
        pd.DataFrame({"three": three, "five": five}), torch.randn(3_000, 1), torch.arange(3_000)[:, None] % 4
    )
    assert (drawn["three"] <= drawn["five"]).all()
    assert not (drawn["three"] % 3).any()
    assert not (drawn["five"] % 5).any()


def test_missing_values_stay_missing() -> None:
    rng = seeded()
    table = grown(*rng.exponential(size=(2, 300)))
    table.loc[rng.random(300) < 0.3, "b"] = np.nan
    choices = (torch.arange(1_000) % 2)[:, None]
    frame = decoded(table, torch.randn(1_000, 2), choices)
    np.testing.assert_array_equal(frame["b"].isna(), choices[:, 0] == 1)
    assert frame["a"].notna().all()
    assert (frame["a"] <= frame["b"])[choices[:, 0].numpy() == 0].all()


def test_three_columns_of_which_the_middle_one_is_often_missing() -> None:
    """Where it is, the first may be greater than the last."""
    rng = seeded()
    table = grown(*rng.exponential(size=(3, 400)))
    gone = rng.random(400) < 0.4
    table.loc[gone, "b"] = np.nan
    table.loc[gone, "a"] += 3
    assert found(table) == [("a", "b"), ("b", "c")]
    choices = (torch.arange(2_000) % 2)[:, None]
    frame = decoded(table, torch.randn(2_000, 3), choices)
    there = frame["b"].notna()
    assert (frame["a"] <= frame["b"])[there].all()
    assert (frame["b"] <= frame["c"])[there].all()
    assert (frame["a"] > frame["c"])[~there].any()


@pytest.mark.slow
def test_dates_are_drawn_in_order() -> None:
    rng = seeded()
    y = (np.arange(200) % 8 == 0).astype(int)
    admission = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 60, size=200), unit="D")
    table = pd.DataFrame({"discharge": admission + pd.to_timedelta(rng.integers(0, 9_000, size=200), unit="min")})
    table["admission"] = admission
    table["death"] = admission + pd.to_timedelta(rng.integers(20, 40, size=200), unit="D")
    drawn, _ = GANSampler(max_steps=10, random_state=0).fit(table, y).sample(500)
    assert (drawn["admission"] <= drawn["discharge"]).all()
    assert (drawn["discharge"] <= drawn["death"]).all()
    assert (drawn["admission"] < drawn["discharge"]).any()
    for column in ("admission", "death"):
        assert (drawn[column] == drawn[column].dt.normalize()).all()
    assert (drawn["discharge"] == drawn["discharge"].dt.floor("min")).all()


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_real_tables_keep_their_orders(load: object) -> None:
    X, y = load(return_X_y=True, as_frame=True)  # type: ignore[operator]
    drawn, _ = GANSampler(max_steps=20, random_state=0).fit(X, y).sample(500)
    orders = found(X)
    assert orders
    for low, high in orders:
        assert (drawn[low] <= drawn[high]).all()


@pytest.mark.slow
def test_many_columns_are_searched_in_bounded_time() -> None:
    table = pd.DataFrame(seeded().normal(size=(300, 1_500)))
    assert found(table) == []
    curves = (
        table.iloc[:, :500].cumsum(axis=1).abs().cumsum(axis=1).add_prefix("curve ")
    )  # are left alone, and not what is beside
    low = 1_000 + seeded(1).random(300)
    kept = found(curves.assign(low=-low, high=-low + seeded(2).random(300)))
    assert ("low", "high") in kept
    assert len(kept) < 100
