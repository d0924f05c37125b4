"""Columns that others make up are made of them in what is drawn."""

from typing import Any

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

DAY = pd.Timedelta(days=1)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def found(table: pd.DataFrame) -> list[str]:
    """Return the formulas, but for lines."""
    return [formula["text"] for formula in Constraints.detect(TableCodec.fit(table), table).to_json()["formulas"]]


def decoded(table: pd.DataFrame, n: int = 3_000) -> pd.DataFrame:
    """Return rows of any quantiles and choices."""
    codec = TableCodec.fit(table)
    rules = Constraints.detect(codec, table)
    random = torch.Generator().manual_seed(0)
    quantiles = torch.randn(n, rules.learned.n_quantiles, generator=random)
    options = rules.learned.options
    choices = [torch.randint(count, (n, 1), generator=random) for count in options]
    taken = torch.cat(choices, dim=1) if choices else torch.zeros(n, 0, dtype=torch.int64)
    with torch.no_grad():
        (numeric,) = TableDecoder(codec, rules)(quantiles, taken, torch.full(taken.shape, 0.5))
    bounds = np.array([column.bounds for column in codec.numeric_columns])
    drawn: NDArray[np.float64] = numeric.numpy()
    assert not ((drawn < bounds[:, 0]) | (drawn > bounds[:, 1])).any()
    return codec.frame(drawn, None)


def inside(drawn: pd.DataFrame, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Leave out the rows whose value of a column was moved to its bounds."""
    return drawn[(drawn[name] > table[name].min()) & (drawn[name] < table[name].max())]


def test_a_total_is_the_sum_of_its_parts() -> None:
    marks = pd.DataFrame(seeded().integers(0, 100, size=(300, 4)), columns=["maths", "reading", "writing", "sports"])
    marks["total"] = marks[["maths", "reading", "writing"]].sum(axis=1)
    assert found(marks) == ["total = maths + reading + writing"]
    assert found(marks[["total", "writing", "sports", "maths", "reading"]]) == ["total = writing + maths + reading"]
    drawn = decoded(marks)
    assert drawn.dtypes.equals(marks.dtypes)
    rest = inside(drawn, marks, "total")
    assert len(rest) > 0.9 * len(drawn)
    assert (rest["total"] == rest["maths"] + rest["reading"] + rest["writing"]).all()


def test_shares_make_up_a_hundred() -> None:
    """None is the total of the others, and still one follows."""
    parts = seeded().dirichlet([3, 2, 4], size=300)
    table = pd.DataFrame(np.round(100 * parts[:, :2], 1), columns=["sand", "silt"])
    table["clay"] = (100 - table["sand"] - table["silt"]).round(1)
    assert found(table) == ["clay = - sand - silt + 100"]
    rest = inside(decoded(table), table, "clay")
    np.testing.assert_allclose(rest.sum(axis=1), 100, atol=1e-9)


@pytest.mark.parametrize("reverse", [False, True])
def test_products_and_ratios(reverse: bool) -> None:
    rng = seeded()
    table = pd.DataFrame(
        {"height": rng.normal(1.7, 0.1, size=400).round(2), "weight": rng.normal(75, 12, size=400).round(1)}
    )
    table["bmi"] = (table["weight"] / table["height"] ** 2).round(1)
    table["pieces"] = rng.integers(0, 15, size=400)
    table["price"] = np.exp(rng.normal(3, 1, size=400)).round(2)
    table["amount"] = (table["pieces"] * table["price"]).round(2)
    table = table[table.columns[::-1]] if reverse else table
    texts = found(table)
    assert sorted(text.partition(" = ")[0] for text in texts) == ["amount", "bmi"]
    drawn = decoded(table)
    rest = inside(drawn, table, "bmi")
    assert (rest["weight"] / rest["height"] ** 2 - rest["bmi"]).abs().max() < 0.0501
    rest = inside(drawn, table, "amount")
    assert (rest["pieces"] * rest["price"] - rest["amount"]).abs().max() < 0.00501
    assert (drawn["amount"][drawn["pieces"] == 0] == 0).all()


def test_a_stay_goes_from_one_date_to_the_other() -> None:
    rng = seeded()
    admission = pd.Timestamp("2023-03-01") + pd.to_timedelta(rng.integers(0, 300, size=400), unit="D")
    table = pd.DataFrame({"admission": admission, "stay": rng.poisson(9, size=400)})
    table["discharge"] = table["admission"] + table["stay"] * DAY
    assert found(table) == ["discharge = admission + 86400 * stay"]
    assert found(table[["discharge", "stay", "admission"]]) == ["discharge = 86400 * stay + admission"]
    rest = inside(decoded(table), table, "discharge")
    assert (rest["discharge"] - rest["admission"] == rest["stay"] * DAY).all()


def test_lines_follow_from_what_is_made_up() -> None:
    rng = seeded()
    table = pd.DataFrame(rng.integers(1, 60, size=(300, 2)), columns=["a", "b"])
    table["total"] = table["a"] + table["b"]
    table["cents"] = 100 * table["total"]
    found = Constraints.detect(TableCodec.fit(table), table).on_columns
    assert [one.is_line for one in found if isinstance(one, Formula)] == [False, True]
    drawn = decoded(table)
    assert (drawn["cents"] == 100 * drawn["total"]).all()
    rest = inside(drawn, table, "total")
    assert (rest["total"] == rest["a"] + rest["b"]).all()


def test_formulas_follow_from_one_another() -> None:
    rng = seeded()
    table = pd.DataFrame({"pieces": rng.integers(1, 20, size=400), "shipping": rng.exponential(9, size=400).round(2)})
    table["price"] = np.exp(rng.normal(3, 1, size=400)).round(2)
    table["amount"] = (table["pieces"] * table["price"]).round(2)
    table["total"] = (table["amount"] + table["shipping"]).round(2)
    table["a piece"] = (table["total"] / table["pieces"]).round(2)
    texts = ["amount = pieces * price", "total = shipping + amount", "a piece = pieces^-1 * total"]
    assert found(table) == texts
    drawn = decoded(table)
    for name in table:
        drawn = inside(drawn, table, name)
    off = [drawn["pieces"] * drawn["price"] - drawn["amount"], drawn["amount"] + drawn["shipping"] - drawn["total"]]
    off.append(drawn["total"] / drawn["pieces"] - drawn["a piece"])
    assert max(one.abs().max() for one in off) < 0.00501


def test_where_a_part_is_missing_the_total_is_what_it_is() -> None:
    rng = seeded()
    table = pd.DataFrame(rng.normal(50, 9, size=(400, 3)).round(1), columns=["a", "b", "total"])
    table["total"] = (table["a"] + table["b"]).round(1)
    table = table.mask(rng.random(table.shape) < 0.1)
    assert found(table) == ["total = a + b"]
    drawn = decoded(table)
    assert drawn.isna().any().all()
    assert drawn["total"][drawn["a"].isna()].notna().any()
    rest = inside(drawn, table, "total").dropna()
    np.testing.assert_allclose(rest["a"] + rest["b"], rest["total"], atol=1e-9)


@pytest.mark.slow
def test_chance_and_noise_make_no_formula() -> None:
    for seed in range(20):
        rng = seeded(seed)
        rows, width = int(rng.integers(20, 80)), int(rng.integers(3, 40))
        assert found(pd.DataFrame(rng.normal(size=(rows, width)))) == []
        assert found(pd.DataFrame(rng.integers(1, 25, size=(rows, width)))) == []
    rng = seeded()
    near = pd.DataFrame(rng.exponential(size=(300, 2)), columns=["a", "b"])
    assert found(near.assign(total=near["a"] + near["b"] + 0.001 * rng.normal(size=300))) == []
    off = near.assign(total=near["a"] + near["b"])
    off.loc[5, "total"] += 0.1
    assert found(off) == []


def test_numbers_of_any_size_are_searched() -> None:
    rng = seeded()
    huge = pd.DataFrame(rng.uniform(0, 1e307, size=(100, 3)), columns=["a", "b", "c"])
    huge["total"] = huge.sum(axis=1)
    tiny = huge / 1e300 / 1e300
    tables = (huge, tiny, pd.DataFrame(np.ones((50, 3))), huge.iloc[:5], huge.mask(rng.random(huge.shape) < 0.5))
    texts = [found(table.assign(other=np.arange(len(table)) % 17)) for table in tables]
    assert texts[2:4] == [[], []]  # nothing varies, nothing is sure
    assert all(text.startswith(("total = ", "a = ", "b = ", "c = ")) for some in texts for text in some)


def test_formulas_reach_the_model() -> None:
    rng = seeded()
    table = pd.DataFrame({"width": rng.integers(5, 40, size=300), "height": rng.normal(9, 2, size=300).round(2)})
    table["area"] = (table["width"] * table["height"]).round(2)
    sampler = GANSampler(max_steps=20, random_state=0).fit(table, np.arange(300) % 6 == 0)
    [formula] = sampler.generator_.metadata["schema"]["rules"]["formulas"]
    assert (formula["text"], formula["target"]) == ("area = width * height", "area")
    assert (formula["sources"], formula["factors"], formula["multiplied"]) == (["width", "height"], [1, 1], True)
    drawn, _ = sampler.sample(500)
    rest = inside(drawn, table, "area")
    assert (rest["width"] * rest["height"] - rest["area"]).abs().max() < 0.00501


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (Formula(0, (1,), (1,), 0), "x = a"),
        (Formula(0, (1, 2), (-1, 0.5), -2.25), "x = - a + 0.5 * b - 2.25"),
        (Formula(0, (1, 2), (0.5, 1), 1, multiplied=True), "x = a^0.5 * b"),
    ],
)
def test_formulas_are_written_as_people_do(formula: Formula, text: str) -> None:
    names: Any = ["x", "a", "b"]
    assert formula.text(names) == text


def test_what_follows_is_what_errors_matter_to_the_least() -> None:
    """A small profit is learned, and of two large numbers that differ by it one follows."""
    rng = seeded()
    revenue = np.exp(rng.normal(8, 1, size=400)).round(2)
    table = pd.DataFrame({"revenue": revenue, "cost": (revenue * rng.uniform(0.9, 0.99, size=400)).round(2)})
    table["profit"] = (table["revenue"] - table["cost"]).round(2)
    assert found(table)[0].partition(" = ")[0] in {"revenue", "cost"}
    rounded = table.assign(margin=(table["profit"] / table["revenue"]).round(3))  # from it no profit follows exactly
    assert not [text for text in found(rounded) if text.startswith("margin")]


def test_what_would_break_an_order_is_learned() -> None:
    rng = seeded()
    table = pd.DataFrame({"a": rng.gamma(2, 50, size=400).round(2), "b": rng.gamma(2, 30, size=400).round(2)})
    table["total"] = (table["a"] + table["b"]).round(2)
    assert found(table) == ["total = a + b"]
    paid = table.assign(paid=(table["total"] * rng.beta(2, 1, size=400)).round(2))
    assert found(paid) == []
    drawn, _ = GANSampler(max_steps=20, random_state=0).fit(paid, paid["a"] > 150).sample(1_000)
    for part in ("a", "b", "paid"):
        assert (drawn[part] <= drawn["total"]).all()


def test_a_part_of_nothing_is_missing() -> None:
    rng = seeded()
    hours = np.where(rng.random(400) < 0.1, 0, rng.integers(1, 12, size=400))
    way = np.where(hours == 0, 0, rng.gamma(3, 30, size=400).round(1))
    table = pd.DataFrame({"km": way, "hours": hours, "speed": (way / np.where(hours == 0, np.nan, hours)).round(1)})
    assert found(table) == ["speed = km * hours^-1"]
    drawn = decoded(table)
    assert drawn["speed"][drawn["hours"] == 0].isna().all()
    rest = inside(drawn, table, "speed").query("hours > 0")
    assert (rest["km"] / rest["hours"] - rest["speed"]).abs().max() < 0.0501


@pytest.mark.parametrize("columns", [["salary", "bonus", "total"], ["salary", "total", "bonus"]])
def test_small_parts_are_parts(columns: list[str]) -> None:
    rng = seeded()
    table = pd.DataFrame(
        {"salary": rng.normal(50_000, 12_000, size=400).round(), "bonus": rng.integers(0, 300, size=400)}
    )
    assert found(table.assign(total=table["salary"] + table["bonus"])[columns]) == ["total = salary + bonus"]


def test_factors_are_plain_ones() -> None:
    rng = seeded()
    table = pd.DataFrame(rng.normal(50, 12, size=(400, 3)).round(1), columns=["a", "b", "c"])
    assert found(table.assign(score=(0.3 * table["a"] + 0.7 * table["c"]).round(1))) == ["score = 0.3 * a + 0.7 * c"]
    third = "0.333333333"
    mean = table.assign(mean=table.mean(axis=1).round(1))
    assert found(mean) == [f"mean = {third} * a + {third} * b + {third} * c"]


def test_small_whole_numbers_add_up_too() -> None:
    rng = seeded()
    table = pd.DataFrame({"adults": rng.poisson(4, size=1000), "kids": rng.poisson(2, size=1000)})
    assert found(table.assign(people=table["adults"] + table["kids"])) == ["people = adults + kids"]


def test_few_rows_that_are_not_zero_tell_nothing() -> None:
    rng = seeded(1)
    table = pd.DataFrame({"revenue": rng.gamma(2, 500, size=60).round(2)})
    for name in ("units", "sales", "cost", "returns", "hours", "km", "fee"):
        sold = np.zeros(60)
        sold[::10] = np.exp(rng.normal(4, 1, size=6)).round(2)
        table[name] = sold
    assert found(table) == []


def test_names_that_look_like_formulas_are_quoted() -> None:
    table = pd.DataFrame(seeded().integers(1, 60, size=(300, 2)), columns=["b * n\nl", 7])
    codec = TableCodec.fit(table.assign(**{"p^2": table.sum(axis=1)}))
    [formula] = Constraints.detect(codec, table.assign(**{"p^2": table.sum(axis=1)})).to_json()["formulas"]
    assert formula["text"] == '"p^2" = "b * n\\nl" + "7"'
    assert (formula["target"], formula["sources"]) == ("p^2", ["b * n\nl", 7])
