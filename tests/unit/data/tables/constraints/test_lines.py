"""A column that follows from another one along a straight line does so in what is drawn."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from ganaug import GANSampler
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.constraints.formula import Formula
from ganaug.networks.table_decoder import TableDecoder


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def found(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return names of sources and targets."""
    codec = TableCodec.fit(table)
    names = [str(column.name) for column in codec.numeric_columns]
    made = Constraints.detect(codec, table).on_columns
    return [(names[one.sources[0]], names[one.target]) for one in made if isinstance(one, Formula) and one.is_line]


def decoded(table: pd.DataFrame, n: int = 2_000) -> pd.DataFrame:
    """Return rows of any quantiles, each column by itself, before the rules."""
    codec = TableCodec.fit(table)
    quantiles = torch.randn(n, codec.n_quantiles, generator=torch.Generator().manual_seed(0))
    choices = (torch.arange(n) % 2)[:, None].expand(n, len(codec.options))
    with torch.no_grad():
        (numeric,) = TableDecoder(codec, Constraints.detect(codec, table))(
            quantiles, choices, torch.full(choices.shape, 0.5)
        )
    bounds = np.array([column.bounds for column in codec.numeric_columns])
    drawn: NDArray[np.float64] = numeric.numpy()
    assert (np.isnan(drawn) | ((drawn >= bounds[:, 0]) & (drawn <= bounds[:, 1]))).all()
    return codec.frame(drawn, None)


def test_copies_stay_copies() -> None:
    values = seeded().normal(size=(2, 200))
    table = pd.DataFrame({"a": values[0], "b": values[1], "again": values[0], "third": values[0]})
    assert found(table) == [("a", "again"), ("a", "third")]
    drawn = decoded(table)
    np.testing.assert_array_equal(drawn["again"], drawn["a"])
    np.testing.assert_array_equal(drawn["third"], drawn["a"])
    assert abs(np.corrcoef(drawn["a"], drawn["b"])[0, 1]) < 0.1


@pytest.mark.parametrize("decimals", [(1, 1), (3, 0), (None, 1)])
def test_other_units_follow_from_the_finer_column(decimals: tuple[int | None, int]) -> None:
    celsius = seeded().normal(10, 8, size=300)
    celsius = celsius if decimals[0] is None else celsius.round(decimals[0])
    table = pd.DataFrame({"fahrenheit": (1.8 * celsius + 32).round(decimals[1]), "celsius": celsius})
    assert found(table) == [("celsius", "fahrenheit")]
    drawn = decoded(table)
    off = (1.8 * drawn["celsius"] + 32 - drawn["fahrenheit"]).abs().max()
    assert off <= {(1, 1): 0.05, (3, 0): 0.5, (None, 1): 0.05}[decimals] + 0.01
    np.testing.assert_array_equal(drawn["fahrenheit"], drawn["fahrenheit"].round(decimals[1]))


def test_columns_that_were_rounded_alike_and_apart_are_on_no_line() -> None:
    """Neither says what the other is: there would be less in what is drawn than in the table."""
    celsius = seeded().normal(10, 8, size=300)
    assert found(pd.DataFrame({"a": celsius.round(0), "b": (celsius + 0.3).round(0)})) == []


def test_an_age_follows_from_the_year_of_birth() -> None:
    year = seeded().integers(1940, 2005, size=300)
    table = pd.DataFrame({"born": year, "age": 2024 - year})
    assert found(table) == [("born", "age")]
    drawn = decoded(table)
    assert drawn.dtypes.equals(table.dtypes)
    assert (drawn["born"] + drawn["age"] == 2024).all()


def test_dates_a_fortnight_later() -> None:
    rng = seeded()
    invoiced = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 200, size=200), unit="D")
    table = pd.DataFrame({"due": invoiced + pd.Timedelta("14D"), "invoiced": invoiced, "amount": rng.random(200)})
    assert found(table) == [("due", "invoiced")]
    y = (np.arange(200) % 8 == 0).astype(int)
    drawn, _ = GANSampler(max_steps=10, random_state=0).fit(table, y).sample(300)
    assert (drawn["due"] - drawn["invoiced"] == pd.Timedelta("14D")).all()


def test_what_is_missing_together_is() -> None:
    rng = seeded()
    values = rng.normal(size=300).round(3)
    values[rng.random(300) < 0.3] = np.nan
    table = pd.DataFrame({"a": values, "b": -2 * values})
    assert found(table) == [("a", "b")]
    drawn = decoded(table)
    assert 0 < drawn["a"].isna().sum() < len(drawn)
    np.testing.assert_allclose(drawn["b"], -2 * drawn["a"], atol=1e-9)


def test_where_one_is_missing_the_other_is_what_it_is() -> None:
    rng = seeded()
    born = rng.integers(1940, 2005, size=300)
    table = pd.DataFrame({"born": born, "age": pd.Series(2024 - born).mask(rng.random(300) < 0.2)})
    assert found(table) == [("born", "age")]
    drawn = decoded(table)
    assert 0 < drawn["age"].isna().sum() < len(drawn)
    assert (drawn["born"] + drawn["age"])[drawn["age"].notna()].eq(2024).all()
    table = table.assign(born=pd.Series(born).mask(rng.random(300) < 0.2))
    drawn = decoded(table)
    both = drawn.notna().all(axis=1)
    assert (drawn["born"] + drawn["age"])[both].eq(2024).all()
    assert drawn.isna().any().all()


def test_what_each_follows_from_is_the_column_of_fewer_values() -> None:
    """Not every multiple of the finer one's step is a value: no gross price lies between those of two net ones."""
    net = seeded().integers(0, 300, size=400) / 10
    for factor, more in ((1, 0.05), (1.19, 0)):
        gross = (factor * net + more).round(2)
        table = pd.DataFrame({"gross": gross, "net": net})
        assert found(table) == [("net", "gross")]
        drawn = decoded(table)
        assert (factor * drawn["net"] + more - drawn["gross"]).abs().max() < 0.00501


@pytest.mark.slow
def test_halves_are_rounded_alike_by_every_runtime() -> None:
    """Half of what is drawn falls between two multiples of the target's step; the export compares runtimes."""
    rng = seeded(2)
    coarse = (rng.integers(0, 30, 200) + rng.integers(0, 60, 200) * 0.2).round(1)
    table = pd.DataFrame({"fine": (coarse / 2 + 0.05).round(2) + 0.01 * (np.arange(200) % 2), "coarse": coarse})
    for one in (table, pd.DataFrame({"net": coarse, "gross": (coarse + 0.7).round(1)})):
        assert len(found(one)) == 1
        generator = GANSampler(max_steps=5, random_state=0).fit(one, np.arange(200) % 3 == 0).generator_
        assert generator.metadata["schema"]["rules"]["lines"] == [list(found(one)[0])]


def test_a_day_follows_from_the_time() -> None:
    rng = seeded()
    times = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 90_000, size=300), unit="min")
    table = pd.DataFrame({"day": times.normalize(), "time": times})
    assert found(table) == [("time", "day")]
    drawn = decoded(table)
    assert (drawn["time"].dt.normalize() == drawn["day"]).mean() > 0.99


def test_single_precision_is_enough() -> None:
    x = seeded().normal(size=300).astype(np.float32)
    table = pd.DataFrame({"inches": x, "centimetres": (np.float32(2.54) * x)})
    [line] = found(table)
    assert set(line) == {"inches", "centimetres"}


def test_orders_are_kept_by_the_source_of_a_line() -> None:
    born = seeded().integers(1930, 2005, size=300)
    table = pd.DataFrame({"age": 2024 - born, "born": born, "graduated": born + seeded(1).integers(16, 30, size=300)})
    assert found(table) == [("born", "age")]
    drawn = decoded(table)
    assert (drawn["born"] <= drawn["graduated"]).all()
    assert (drawn["born"] + drawn["age"] == 2024).all()


def test_what_is_only_near_a_line_is_not_on_one() -> None:
    rng = seeded()
    a = rng.normal(size=300)
    assert found(pd.DataFrame({"a": a, "b": a + 0.001 * rng.normal(size=300)})) == []
    assert found(pd.DataFrame({"a": a.round(2), "b": (a + 0.02 * rng.normal(size=300)).round(2)})) == []
    one_off = pd.DataFrame({"a": a, "b": a})
    one_off.loc[5, "b"] += 0.5
    assert found(one_off) == []


def test_coarse_columns_and_few_values_are_no_line() -> None:
    few = np.arange(300.0) % 9 + 0.5 * (np.arange(300) % 7 == 0)
    assert found(pd.DataFrame({"a": seeded().permutation(few), "b": few})) == []
    wide = seeded().normal(0, 2, size=300)
    assert found(pd.DataFrame({"a": wide, "b": wide.round(0)})) == []  # seven values say little of a line


def test_orders_do_not_speak_of_what_follows_from_a_line() -> None:
    rng = seeded()
    a = rng.exponential(size=300)
    table = pd.DataFrame({"a": a, "b": a + rng.exponential(size=300)})
    table["a again"] = table["a"]
    drawn = decoded(table)
    assert (drawn["a"] <= drawn["b"]).all()
    assert (drawn["a again"] <= drawn["b"]).all()


@pytest.mark.slow
def test_smooth_curves_are_searched_in_bounded_time() -> None:
    """Neighbours of 500 points along a curve are all but alike."""
    start = seeded().normal(size=(300, 1))
    table = pd.DataFrame(start + 0.001 * seeded(1).normal(size=(300, 500)))
    assert found(table) == []
