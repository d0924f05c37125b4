"""A column that is in order with others is learned as its distance from them."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from ganaug import GANSampler
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.constraints.ordered_differences import OrderedDifference
from ganaug.data.tables.dataset import from_frame
from ganaug.networks.constraints import ConstrainedColumns
from ganaug.networks.tables import TableModality
from ganaug.training import Run

DAY = pd.Timedelta(days=1)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def differences(table: pd.DataFrame) -> list[OrderedDifference]:
    """Return the ordered differences of a table."""
    found = Constraints.detect(TableCodec.fit(table), table).on_columns
    return [one for one in found if isinstance(one, OrderedDifference)]


def by_name(table: pd.DataFrame) -> dict[str, OrderedDifference]:
    """Return the ordered differences of a table by the names of their targets."""
    columns = TableCodec.fit(table).numeric_columns
    return {str(columns[one.target].name): one for one in differences(table)}


def restored(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a table's numbers, and what the graph decodes from its differences."""
    codec = TableCodec.fit(table)
    columns, values = codec.numeric_columns, codec.exact(codec.values(table).numbers)
    found = differences(table)
    assert found
    apart = np.column_stack([values, *(values[:, one.target] for one in found if one.without_base)])
    for one in found:
        own = one.encode(values, columns)
        apart[:, one.target] = np.where(one.lacks_base(values), 0, own) if one.without_base else own
    made: NDArray[np.float64] = ConstrainedColumns(found, columns)(torch.from_numpy(apart)).numpy()
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
    same = np.isclose(made, values, rtol=1e-12, atol=1e-12, equal_nan=True)
    assert same.mean() > 0.999  # a base that is a difference itself may lie a bit too far for what is rounded beside it


def test_distances_of_dates_are_taken_and_added_without_a_trace() -> None:
    rng = seeded()
    start = pd.Timestamp("1999-12-31 23:59:59.123456") + pd.to_timedelta(rng.integers(0, 10**15, size=300), unit="us")
    table = pd.DataFrame({"end": start + pd.to_timedelta(rng.integers(0, 10**13, size=300), unit="us"), "start": start})
    table["review"] = table["end"].dt.ceil("D") + pd.to_timedelta(rng.integers(0, 90, size=300), unit="D")
    table = table.astype({"review": "datetime64[s]"})
    assert {one.learned_as for one in by_name(table).values()} == {"difference"}
    assert len(by_name(table)) == 2
    values, made = restored(table)
    np.testing.assert_array_equal(made, values)


@pytest.mark.slow
def test_a_stay_is_as_long_as_those_of_its_class() -> None:
    rng = seeded()
    y = (np.arange(800) % 10 == 0).astype(int)
    admission = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 365, size=800), unit="D")
    table = pd.DataFrame({"discharge": admission + pd.to_timedelta(rng.poisson(3 + 5 * y), unit="D")})
    table["admission"] = admission
    drawn, labels = (
        GANSampler(max_steps=400, random_state=0).fit(table, y).generator_.sample({0: 1_000, 1: 1_000}, seed=0)
    )
    stay = (drawn["discharge"] - drawn["admission"]) / DAY
    for label, mean in ((0, 3), (1, 8)):
        assert abs(stay[labels == label].mean() - mean) < 0.8
    assert stay.between(0, 20).all()
    assert (drawn["discharge"].dt.normalize() == drawn["discharge"]).all()


@pytest.mark.slow
def test_columns_that_are_mostly_equal_are_so_in_what_is_drawn() -> None:
    rng = seeded()
    price = np.exp(rng.normal(3, 1, size=600)).round(2)
    sale = np.where(rng.random(600) < 0.8, price, (price * rng.uniform(0.5, 0.95, size=600)).round(2))
    y = price > 50
    table = pd.DataFrame({"price": price, "sale": sale})
    drawn, _ = GANSampler(max_steps=400, random_state=0).fit(table, y).generator_.sample(2_000, seed=0)
    assert abs((drawn["price"] == drawn["sale"]).mean() - 0.8) < 0.1
    assert (drawn["price"] >= drawn["sale"]).all()


def test_what_has_a_spike_is_learned_as_it_is() -> None:
    """That many stays end on the day that the data do could not be seen of their length."""
    rng = seeded()
    admission = rng.integers(0, 300, size=500)
    table = pd.DataFrame({"in": admission, "out": admission + rng.poisson(10, size=500)})
    assert {one.learned_as for one in by_name(table).values()} == {"difference"}
    late = table.assign(out=np.where(rng.random(500) < 0.3, 320, table["out"]))
    assert list(by_name(late)) == ["in"]


def test_what_is_learned_is_what_varies_by_itself() -> None:
    rng, rows = seeded(), 400
    whole, length = np.exp(rng.normal(3, 0.8, size=rows)), rng.gamma(9, size=rows)
    part = pd.DataFrame({"whole": whole, "part": whole * rng.uniform(0.3, 0.9, size=rows)}).round(3)
    more = pd.DataFrame({"low": length, "high": length + rng.exponential(size=rows)}).round(3)
    for table, learned_as in ((part, "ratio"), (more, "difference")):
        assert [one.learned_as for one in by_name(table).values()] == [learned_as]
        values, made = restored(table)
        np.testing.assert_allclose(made, values, rtol=1e-12)


@pytest.mark.slow
def test_a_length_and_a_weight_are_of_different_things() -> None:
    """Their difference rises, and falls again: nobody would learn that as easily as how they rise together."""
    rng = seeded()
    weight = rng.beta(2, 4, size=400) + 0.02
    table = pd.DataFrame({"weight": weight, "length": weight ** (1 / 3) * rng.uniform(1, 1.1, size=400)})
    [one] = by_name(table).values()
    assert one.learned_as != "difference"
    drawn, _ = GANSampler(max_steps=50, random_state=0).fit(table, weight > 0.5).sample(500)
    assert (drawn["weight"] <= drawn["length"]).all()


def test_a_column_is_measured_from_the_furthest_of_several() -> None:
    rng = seeded()
    parts = rng.exponential(size=(3, 400)).round(3)
    table = pd.DataFrame(dict(zip("abc", parts, strict=True))).assign(
        whole=(parts.sum(axis=0) + rng.exponential(size=400)).round(2)
    )
    one = by_name(table)["whole"]
    assert [place for place, _ in one.bases] == [0, 1, 2]
    assert one.learned.bounds[0] >= 0
    values, made = restored(table)
    np.testing.assert_allclose(made, values, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "steps"), [((0.03, 0.03), 400), ((0.4, 0.1), None), ((0.0, 0.3), 400), ((0.3, 0.0), 400)]
)
def test_what_has_no_base_is_learned_as_it_is(missing: tuple[float, float], steps: int | None) -> None:
    """And says nothing of how long a stay is."""
    rng = seeded()
    y = (np.arange(700) % 8 == 0).astype(int)
    came = pd.Series(pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, size=700), unit="D"))
    left = came + pd.to_timedelta(rng.poisson(2 + 8 * y), unit="D")
    table = pd.DataFrame(
        {"came": came.mask(rng.random(700) < missing[0]), "left": left.mask(rng.random(700) < missing[1])}
    )
    values, made = restored(table)
    np.testing.assert_array_equal(made, values)
    stays = []
    for seed in (0, 1):  # where many values are missing, one generator says little of a mean
        sampler = GANSampler(max_steps=steps, random_state=seed).fit(table, y)
        drawn, labels = sampler.generator_.sample({0: 1_500, 1: 1_500}, seed=0)
        stay = (drawn["left"] - drawn["came"]) / DAY
        stays.append([stay[labels == label].mean() for label in (0, 1)])
    assert (np.abs(np.mean(stays, axis=0) - [2, 10]) < 1.5).all()
    assert stay.dropna().between(0, 30).all()
    alone = drawn["left"][drawn["came"].isna()]
    if missing[0] > 0.1:
        assert (alone.dropna().quantile([0.1, 0.5, 0.9]) - left.quantile([0.1, 0.5, 0.9])).abs().max() < 180 * DAY
    np.testing.assert_allclose(drawn[labels == 0].isna().mean(), table[y == 0].isna().mean(), atol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("float64", "float32"), ("float32", "Float32")])
def test_single_precision_keeps_the_order(dtypes: tuple[str, str]) -> None:
    rng = seeded()
    low = np.exp(rng.normal(2, 0.7, size=500)).astype(np.float32)
    high = low + np.where(rng.random(500) < 0.5, 0, rng.exponential(size=500)).astype(np.float32)
    table = pd.DataFrame({"low": low, "high": high}).astype(dict(zip(("low", "high"), dtypes, strict=True)))
    drawn, _ = GANSampler(max_steps=20, random_state=0).fit(table, low > 9).sample(2_000)
    assert len(by_name(table)) == 1
    assert (drawn["low"] <= drawn["high"]).all()


@pytest.mark.slow
def test_an_amount_and_what_is_paid_of_it_are_often_nothing() -> None:
    rng = seeded()
    claimed = np.where(rng.random(600) < 0.3, 0, np.exp(rng.normal(6, 1, size=600))).round(2)
    table = pd.DataFrame({"claimed": claimed, "paid": (claimed * rng.beta(5, 2, size=600)).round(2)})
    table["age"] = rng.integers(18, 80, size=600)
    assert {name: one.learned_as for name, one in by_name(table).items()} == {"paid": "ratio"}
    drawn, _ = GANSampler(max_steps=300, random_state=0).fit(table, table["age"] > 70).sample(2_000)
    assert (drawn["paid"] <= drawn["claimed"]).all()
    assert abs((drawn["paid"] == 0).mean() - 0.3) < 0.1
    share = (drawn["paid"] / drawn["claimed"])[drawn["claimed"] > 5]
    assert abs(share.median() - 0.73) < 0.08


@pytest.mark.slow
def test_steps_too_coarse_for_what_lies_between_others() -> None:
    """No whole number of hours lies between 5.3 that were worked and 5.5 of the contract."""
    rng = seeded()
    contract = rng.choice([5.5, 7.5, 12.5, 22.5, 37.5], size=600)
    billed = np.clip(np.ceil(np.floor(contract) * rng.beta(4, 1.3, size=600)), 1, np.floor(contract))
    worked = (billed - rng.random(600) * np.where(rng.random(600) < 0.3, 0.05, 0.9)).clip(0.1).round(2)
    table = pd.DataFrame({"contract": contract, "billed": billed.astype(int), "worked": worked})
    codec = TableCodec.fit(table)
    orders = Constraints.detect(codec, table).to_json()["orders"]
    drawn, _ = GANSampler(max_steps=50, random_state=0).fit(table, worked > 20).sample(2_000)
    assert ["worked", "billed"] in orders
    for low, high in orders:
        assert (drawn[low] <= drawn[high]).all()


@pytest.mark.slow
def test_long_chains_are_kept() -> None:
    months = pd.DataFrame(seeded().poisson(4, size=(300, 24)).cumsum(axis=1)).add_prefix("month ")
    assert len(by_name(months)) == 23
    drawn, _ = GANSampler(max_steps=5, random_state=0).fit(months, months["month 23"] > 100).sample(200)
    assert (np.diff(drawn.to_numpy(), axis=1) >= 0).all()


def test_what_not_even_the_base_can_be_is_missing() -> None:
    """Who came in the last days has not left yet."""
    rng = seeded()
    day = rng.integers(0, 365, size=600)
    left = day + rng.poisson(10, size=600) + 1.0
    table = pd.DataFrame({"came": day, "left": np.where(left < 340, left, np.nan)})
    [one] = by_name(table).values()
    columns = TableCodec.fit(table).numeric_columns
    made = ConstrainedColumns([one], columns)(torch.tensor([[330.0, 5], [330, 20], [350, 5]], dtype=torch.float64))
    np.testing.assert_array_equal(made[:, 1], [335, table["left"].max(), np.nan])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's, of their sum
def test_distances_that_no_number_holds_are_left_alone() -> None:
    low = seeded().uniform(-8e307, 0, size=200)
    table = pd.DataFrame({"low": low, "high": np.where(np.arange(200) % 2, low, low / 2 + 4e307)})
    drawn, _ = GANSampler(max_steps=2, random_state=0).fit(table, np.arange(200) % 3 == 0).sample(50)
    assert np.isfinite(drawn).all(axis=None)
    assert (drawn["low"] <= drawn["high"]).all() or not by_name(table)


def test_rows_are_judged_by_their_distances() -> None:
    rng = seeded()
    low = rng.normal(size=100).round(1)
    table = pd.DataFrame({"low": low, "high": low + rng.exponential(size=100).round(1), "word": "a"})
    constraints = Constraints.detect(TableCodec.fit(table), table)
    encoded = constraints.encode(table)
    further = constraints.encode(table.assign(low=low + 1, high=table["high"] + 1))
    np.testing.assert_array_equal(encoded.quantiles[:, 1], further.quantiles[:, 1])
    assert (encoded.quantiles[:, 0] < further.quantiles[:, 0]).any()


def test_judges_see_what_a_column_is_about() -> None:
    """The weights of small shells are written as one weight and two shares; that they are all small shows anyway."""
    rng = seeded()
    whole = np.exp(rng.normal(0, 1, size=300)).round(4)
    table = pd.DataFrame(
        {"whole": whole, "meat": (whole * rng.uniform(0.3, 0.6, size=300)).round(4), "x": rng.random(300)}
    )
    data = from_frame(table, whole < 0.5)
    trained = Run(data, max_steps=2, random_state=0).run()
    modality = trained.modality
    assert isinstance(modality, TableModality)
    layout = modality.layout
    assert [one.learned_as for one in modality.constraints.on_columns] == ["ratio"]
    rows = modality.encoded(data, torch.device("cpu")).values.numpy()
    assert rows.shape == (300, layout.width) == (300, layout.own_width + 1)
    said = data.codec.encode(table).quantiles[:, 1]
    assert np.corrcoef(rows[:, -1], said)[0, 1] > 0.98
    assert abs(np.corrcoef(rows[:, 1], said)[0, 1]) < 0.5  # the share
    noise, label = torch.randn(50, modality.new_generator().noise_dim), torch.zeros(50, dtype=torch.int64)
    drawn = trained.generator(noise, label).detach().numpy()
    np.testing.assert_allclose(drawn[:, -1], drawn[:, :-1] @ layout.derivation[:, 0], rtol=1e-5, atol=1e-5)
    table["word"] = np.where(table["x"] < 0.5, "a", "b")
    assert TableModality(from_frame(table[["x", "word"]], whole < 0.5), seed=0).layout.derived == ()
