"""A column that is in order with others is learned as its distance from them."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from ganaug import GANSampler
from ganaug.codecs.gaps import Gap, measured
from ganaug.codecs.rules import Rules
from ganaug.codecs.table import TableCodec
from ganaug.networks.relations import Gaps

DAY = pd.Timedelta(days=1)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def by_name(table: pd.DataFrame) -> dict[str, Gap]:
    """Return what is learned as a distance."""
    codec = TableCodec.fit(table)
    found = Rules.of(codec, table).relations.gaps
    return {str(codec.numeric_columns[gap.place].name): gap for gap in found}


def restored(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a table's numbers, and what the graph makes of its distances."""
    codec = TableCodec.fit(table)
    columns, values = codec.numeric_columns, codec.numbers(table)
    found = Rules.of(codec, table).relations.gaps
    assert found
    apart = values.copy()
    for gap in found:
        apart[:, gap.place] = measured(gap, columns[gap.place], values)
    made: NDArray[np.float64] = Gaps(found, columns)(torch.from_numpy(apart)).numpy()
    return values, made


@pytest.mark.parametrize("seed", range(40))
def test_distances_are_taken_and_added_without_a_trace(seed: int) -> None:
    """Chains and trees of columns, rounded to anything, some values missing: each is what it was."""
    rng = seeded(seed)
    n, columns = 300, [np.round(rng.normal(50, 20, size=300), rng.integers(0, 4))]
    for _ in range(rng.integers(1, 5)):
        base = columns[rng.integers(len(columns))]
        step = rng.choice([1, 0.1, 0.01, 5, 0.25])
        further = base + rng.exponential(10, size=n) * (rng.random(n) < 0.7)
        columns.append(further if rng.random() < 0.2 else np.round(np.ceil(further / step) * step, 6))
    table = pd.DataFrame(np.array(columns).T).iloc[:, rng.permutation(len(columns))].add_prefix("x")
    if rng.random() < 0.5:
        table = table.mask(rng.random(table.shape) < 0.2)
    values, made = restored(table)
    np.testing.assert_allclose(made, values, rtol=1e-12, atol=1e-12)


def test_distances_of_dates_are_taken_and_added_without_a_trace() -> None:
    rng = seeded()
    start = pd.Timestamp("1999-12-31 23:59:59.123456") + pd.to_timedelta(rng.integers(0, 10**15, size=300), unit="us")
    table = pd.DataFrame({"end": start + pd.to_timedelta(rng.integers(0, 10**13, size=300), unit="us"), "start": start})
    table["review"] = table["end"].dt.ceil("D") + pd.to_timedelta(rng.integers(0, 90, size=300), unit="D")
    table = table.astype({"review": "datetime64[s]"})
    assert {gap.measure for gap in by_name(table).values()} == {"difference"}
    assert len(by_name(table)) == 2
    values, made = restored(table)
    np.testing.assert_array_equal(made, values)


def test_a_stay_is_as_long_as_those_of_its_class() -> None:
    rng = seeded()
    y = (np.arange(800) % 10 == 0).astype(int)
    admission = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, size=800), unit="D")
    table = pd.DataFrame({"discharge": admission + pd.to_timedelta(rng.poisson(3 + 5 * y), unit="D")})
    table["admission"] = admission
    drawn, labels = GANSampler(random_state=0).fit(table, y).generator_.sample({0: 1_000, 1: 1_000}, seed=0)
    stay = (drawn["discharge"] - drawn["admission"]) / DAY
    for label, mean in ((0, 3), (1, 8)):
        assert abs(stay[labels == label].mean() - mean) < 0.8
    assert stay.between(0, 20).all()
    assert (drawn["discharge"].dt.normalize() == drawn["discharge"]).all()


def test_columns_that_are_mostly_equal_are_so_in_what_is_drawn() -> None:
    rng = seeded()
    price = np.exp(rng.normal(3, 1, size=600)).round(2)
    sale = np.where(rng.random(600) < 0.8, price, (price * rng.uniform(0.5, 0.95, size=600)).round(2))
    y = price > 50
    table = pd.DataFrame({"price": price, "sale": sale})
    drawn, _ = GANSampler(random_state=0).fit(table, y).generator_.sample(2_000, seed=0)
    assert abs((drawn["price"] == drawn["sale"]).mean() - 0.8) < 0.1
    assert (drawn["price"] >= drawn["sale"]).all()


def test_what_has_less_missing_is_learned_as_it_is() -> None:
    rng = seeded()
    low = rng.normal(size=300).round(2)
    table = pd.DataFrame({"low": low, "high": low + rng.exponential(size=300).round(2)})
    gone = rng.random(300) < 0.4
    assert list(by_name(table)) == ["high"]
    assert list(by_name(table.assign(high=table["high"].mask(gone)))) == ["high"]
    assert list(by_name(table.assign(low=table["low"].mask(gone)))) == ["low"]


def test_what_has_a_spike_is_learned_as_it_is() -> None:
    """Of a difference it could not be seen that many stays end on the day that the data do."""
    rng = seeded()
    admission = rng.integers(0, 300, size=500)
    table = pd.DataFrame({"in": admission, "out": admission + rng.poisson(10, size=500)})
    assert {gap.measure for gap in by_name(table).values()} == {"difference"}
    late = table.assign(out=np.where(rng.random(500) < 0.3, 320, table["out"]))
    assert {gap.measure for gap in by_name(late).values()} == {"value"}


def test_what_is_learned_is_what_varies_by_itself() -> None:
    rng, rows = seeded(), 400
    whole, length = np.exp(rng.normal(3, 0.8, size=rows)), rng.gamma(9, size=rows)
    part = pd.DataFrame({"whole": whole, "part": whole * rng.uniform(0.3, 0.9, size=rows)}).round(3)
    more = pd.DataFrame({"low": length, "high": length + rng.exponential(size=rows)}).round(3)
    for table, measure in ((part, "ratio"), (more, "difference")):
        assert [gap.measure for gap in by_name(table).values()] == [measure]
        values, made = restored(table)
        np.testing.assert_allclose(made, values, rtol=1e-12)


def test_a_length_and_a_weight_are_of_different_things() -> None:
    """Their difference rises, and falls again: nobody would learn that as easily as how they rise together."""
    rng = seeded()
    weight = rng.beta(2, 4, size=400) + 0.02
    table = pd.DataFrame({"weight": weight, "length": weight ** (1 / 3) * rng.uniform(1, 1.1, size=400)})
    [gap] = by_name(table).values()
    assert gap.measure != "difference"
    drawn, _ = GANSampler(max_steps=50, random_state=0).fit(table, weight > 0.5).sample(500)
    assert (drawn["weight"] <= drawn["length"]).all()


def test_a_column_is_measured_from_the_furthest_of_several() -> None:
    rng = seeded()
    parts = rng.exponential(size=(3, 400)).round(3)
    table = pd.DataFrame(dict(zip("abc", parts, strict=True))).assign(whole=parts.sum(axis=0).round(2) + 0.01)
    gap = by_name(table)["whole"]
    assert [place for place, _ in gap.bases] == [0, 1, 2]
    assert gap.column.bounds[0] >= 0
    values, made = restored(table)
    np.testing.assert_allclose(made, values, rtol=1e-12)


def test_what_is_measured_from_nothing_is_drawn_too() -> None:
    """Where all bases are missing their usual value stands for them, and a distance may be negative."""
    rng = seeded()
    low = rng.normal(0, 100, size=400).round(2)
    table = pd.DataFrame({"low": low, "high": low + np.maximum(rng.exponential(size=400) - 0.5, 0).round(2)})
    table = table.mask(rng.random(table.shape) < 0.1)
    [(name, gap)] = by_name(table).items()
    assert (name, gap.measure, gap.falls) == ("high", "difference", False)
    assert gap.column.bounds[0] < 0
    columns = TableCodec.fit(table).numeric_columns
    made = Gaps([gap], columns)(torch.tensor([[0.25, -0.5], [np.nan, -0.5], [0.25, np.nan]], dtype=torch.float64))
    np.testing.assert_allclose(made[:, 1], [0.25, round(gap.otherwise - 0.5, 2), np.nan])  # not below the other one
    values, restored_values = restored(table)
    np.testing.assert_allclose(restored_values, values, rtol=1e-12)


def test_what_not_even_the_base_can_be_is_missing() -> None:
    """Who came in the last days has not left yet."""
    rng = seeded()
    day = rng.integers(0, 365, size=600)
    left = day + rng.poisson(10, size=600) + 1.0
    table = pd.DataFrame({"came": day, "left": np.where(left < 340, left, np.nan)})
    [gap] = by_name(table).values()
    columns = TableCodec.fit(table).numeric_columns
    made = Gaps([gap], columns)(torch.tensor([[330.0, 5], [330, 20], [350, 5]], dtype=torch.float64))
    np.testing.assert_array_equal(made[:, 1], [335, table["left"].max(), np.nan])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's, of their sum
def test_distances_that_no_number_holds_are_left_alone() -> None:
    low = seeded().uniform(-8e307, 0, size=200)
    table = pd.DataFrame({"low": low, "high": np.where(np.arange(200) % 2, low, low / 2 + 4e307)})
    GANSampler(max_steps=2, random_state=0).fit(table, np.arange(200) % 3 == 0).sample(5)


def test_rows_are_judged_by_their_distances() -> None:
    rng = seeded()
    low = rng.normal(size=100).round(1)
    table = pd.DataFrame({"low": low, "high": low + rng.exponential(size=100).round(1), "word": "a"})
    rules = Rules.of(TableCodec.fit(table), table)
    encoded = rules.encode(table)
    further = rules.encode(table.assign(low=low + 1, high=table["high"] + 1))
    np.testing.assert_array_equal(encoded.scores[:, 1], further.scores[:, 1])
    assert (encoded.scores[:, 0] < further.scores[:, 0]).any()
