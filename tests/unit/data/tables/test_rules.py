"""Rules that a user declares: how they are read, checked against the rows, and kept in every row that is drawn."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from ganaug import GANSampler
from ganaug.data.tables.dataset import from_frame
from ganaug.data.tables.rules import AUTO, DeclaredFormula, DeclaredOrder, Rules
from ganaug.data.tables.sample_format import TableFormat
from ganaug.errors import DataError
from ganaug.networks.tables import TableModality
from ganaug.training import Run

NAMES = ["a", "b", "c", "a - b", "weight (kg)", "height (m)", "2nd", 3, "x<y", 'q"r', "n m", "not"]


def only(text: str) -> Rules:
    return Rules.read([text], NAMES)


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("a <= b", [("a", "b", False)]),
        ("a<b", [("a", "b", True)]),
        ("a >= b", [("b", "a", False)]),
        (" a > n m ", [("n m", "a", True)]),
        ("a <= b < c", [("a", "b", False), ("b", "c", True)]),
        ('a <= "3"', [("a", 3, False)]),
        ("x<y <= 2nd", [("x<y", "2nd", False)]),
        ('"x<y" < "q\\"r"', [("x<y", 'q"r', True)]),
    ],
)
def test_orders_are_read(text: str, orders: list[Any]) -> None:
    assert [order for _, order in only(text).orders] == [DeclaredOrder(*order) for order in orders]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("c = a + b", (("a", "b"), (1, 1), 0, False)),
        ("c == 2*a - 0.5 * b + 3 - 1", (("a", "b"), (2, -0.5), 2, False)),
        ("c = -a", (("a",), (-1,), 0, False)),
        ("c = a - b", (("a - b",), (1,), 0, False)),
        ('c = "a" - b', (("a", "b"), (1, -1), 0, False)),
        ("c = a / 4", (("a",), (0.25,), 0, False)),
        ("c = a * b", (("a", "b"), (1, 1), 1, True)),
        ("c = a / b", (("a", "b"), (1, -1), 1, True)),
        ("c = 703 * weight (kg) * height (m)^-2", (("weight (kg)", "height (m)"), (1, -2), 703, True)),
        ("c = 2nd * 2", (("2nd",), (2,), 0, False)),
        ("c = 1e2 + a", (("a",), (1,), 100, False)),
    ],
)
def test_formulas_are_read(text: str, formula: Any) -> None:
    assert [one for _, one in only(text).formulas] == [DeclaredFormula("c", *formula)]


def test_rules_are_switched_off_as_inspect_prints_them() -> None:
    assert only("not a <= b").no_orders == {("a", "b")}
    assert only("not a, which gives n m").no_formulas == {frozenset({"a", "n m"})}
    assert only("not c = 2 * a + n m").no_formulas == {frozenset({"a", "c", "n m"})}
    assert only("not a, b, c").no_joint == {frozenset("abc")}
    assert only('"not" <= a').orders[0][1] == DeclaredOrder("not", "a", False)
    assert only("a, n m").joint == (("a, n m", ("a", "n m")),)
    assert not only("none").search
    assert not Rules.read(None, NAMES).search
    assert Rules.read("auto", NAMES) is AUTO
    assert Rules.read([], NAMES) == AUTO
    assert Rules.read(np.array(["a <= b"]), NAMES) == only("a <= b")


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("", "lacks a column"),
        ("a", "after 'a'"),
        ("a <", "lacks a column"),
        ("a <= a", "compare two columns"),
        ("a <= 3", "has '3' where a column must stand"),
        ("zz <= a", "has 'zz' where a column must stand"),
        ("a <= b c", "after 'a <= b'"),
        ("a + b = c", "after 'a'"),
        ("c = a + a", "comes once"),
        ("c = c + a", "comes once"),
        ("c = a * b + 2", "mixes both"),
        ("c = 0 * a", "factors other than 0"),
        ("c = 3", "from one or more other columns"),
        ("c = b^0", "after ^"),
        ("c = a / 0", "not divide by 0"),
        ("c = 1e999 * a", "finite numbers"),
        ("c = (a)", "has '(a)' where"),
        ('a <= "b', "close the quotation marks"),
        ("a, a", "name each column once"),
        ("__import__('os').getcwd()", "where a column must stand"),
        ("a <= \x1b[2J", "where a column must stand"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, saying: str) -> None:
    with pytest.raises(DataError) as caught:
        only(text)
    assert saying in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("given", ["a <= b", 3, [3], {"a": 1}, ["a" * 30_000]])
def test_rules_are_texts(given: Any) -> None:
    with pytest.raises(DataError, match=r"rules must be 'auto', None, or a list|at most 1,000 rules"):
        Rules.read(given, NAMES)


ROWS = 240


def stays() -> pd.DataFrame:
    """Return a table whose rules are too weak to be found, or are found."""
    random = np.random.default_rng(0)
    admitted = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 300, ROWS), unit="D")
    days, low = random.integers(0, 20, ROWS), random.integers(0, 100, ROWS)
    price, pieces = random.integers(1, 50, ROWS) * 0.25, random.integers(1, 9, ROWS)
    few = random.integers(1, 4, ROWS)
    return pd.DataFrame(
        {
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(days, unit="D"),
            "days": days,
            "low": low,
            "high": low + random.integers(1, 60, ROWS),
            "fine": (low - random.exponential(40, ROWS)).round(2),
            "floor": (low // 5 * 5 - 5 * random.integers(0, 9, ROWS)).astype(float),
            "few": few,
            "more": few + random.integers(0, 3, ROWS),
            "gaps": np.where(random.random(ROWS) < 0.3, np.nan, low + random.exponential(30, ROWS).round(1)),
            "price": price,
            "pieces": pieces,
            "total": price * pieces,
            "unit": price + 0.5 * pieces - 3,
            "share": random.random(ROWS).astype(np.float32),
            "city": random.choice(list("xyz"), ROWS),
            "tone": random.choice(list("uvw"), ROWS),
        }
    )


def drawn(frame: pd.DataFrame, rules: Any, rows: int = 2_000) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return rows of a network that has learned nothing, so that anything can come out, and the recorded rules."""
    modality = TableModality(from_frame(frame, ["p", "q"] * (len(frame) // 2), rules=rules), seed=0)
    source = torch.Generator().manual_seed(0)
    generator = modality.new_generator()
    for weights in generator.parameters():
        weights.data = torch.randn(weights.shape, generator=source) * 0.3
    decoder = modality.decoder(generator).eval()
    with torch.no_grad():
        noise = torch.randn(rows, generator.noise_dim, generator=source)
        outputs = decoder(noise, torch.arange(rows) % 2).outputs
    schema = json.loads(json.dumps(modality.schema()))
    values = dict(zip(decoder.output_names, (one.numpy() for one in outputs), strict=True))
    return TableFormat.from_schema(schema).decoded(values), schema["rules"]


DECLARED = [
    ("admitted <= discharged", lambda t: t["admitted"] <= t["discharged"]),
    ("low < high", lambda t: t["low"] < t["high"]),
    ("fine <= low", lambda t: t["fine"] <= t["low"]),
    ("floor <= low < high", lambda t: (t["floor"] <= t["low"]) & (t["low"] < t["high"])),
    ("few <= more", lambda t: t["few"] <= t["more"]),
    ("low <= gaps", lambda t: ~(t["low"] > t["gaps"])),
    ("total = price * pieces", lambda t: t["total"] == t["price"] * t["pieces"]),
    ("unit = price + 0.5 * pieces - 3", lambda t: t["unit"] == t["price"] + 0.5 * t["pieces"] - 3),
    (
        "discharged = admitted + 86400 * days",
        lambda t: t["discharged"] == t["admitted"] + pd.to_timedelta(t["days"], unit="D"),
    ),
]


@pytest.mark.parametrize("search", [True, False])
def test_declared_rules_hold_in_every_row_that_is_drawn(search: bool) -> None:
    frame, texts = stays(), [text for text, _ in DECLARED]
    for text, holds in DECLARED:
        assert holds(frame).all(), text
    rows, recorded = drawn(frame, [*texts, *["none"] * (not search)])
    for text, holds in DECLARED:
        assert holds(rows).all(), text
    assert recorded["declared"][: len(texts)] == texts
    assert ["low", "high"] in recorded["strict_orders"]
    assert ["fine", "low"] in recorded["orders"]
    assert {"total = price * pieces", "unit = price + 0.5 * pieces - 3"} <= {
        one["text"] for one in recorded["formulas"]
    }
    assert rows.nunique()[["low", "high", "fine", "discharged"]].min() > 15


@pytest.mark.parametrize(("text", "holds"), DECLARED)
def test_each_declared_rule_holds_by_itself(text: str, holds: Any) -> None:
    rows, _ = drawn(stays(), ["none", text], rows=500)
    assert holds(rows).all()


def test_a_computed_value_may_lie_beyond_the_values_of_the_table() -> None:
    random = np.random.default_rng(0)
    begun = pd.Timestamp("2024-03-01") + pd.to_timedelta(random.permutation(60), unit="D")
    days = 60 - (begun - begun.min()).days.to_numpy() + random.integers(0, 2, 60)
    frame = pd.DataFrame({"begun": begun, "days": days, "ended": begun + pd.to_timedelta(days, unit="D")})
    rows, _ = drawn(frame, ["ended = begun + 86400 * days"])
    assert (rows["ended"] == rows["begun"] + pd.to_timedelta(rows["days"], unit="D")).all()
    assert rows["ended"].min() < frame["ended"].min()
    assert rows["ended"].max() > frame["ended"].max()
    narrow = pd.DataFrame({"x": np.arange(60, dtype=np.int8), "y": np.arange(60, dtype=np.int8)[::-1]})
    narrow["z"] = (2 * narrow["x"] + narrow["y"]).astype(np.int8)
    with pytest.raises(DataError, match=r"int8 of column 'z' cannot hold 0 to 177: convert it"):
        drawn(narrow, ["z = 2 * x + y"])


def test_a_rule_that_is_switched_off_does_not_hold() -> None:
    frame = stays()
    _, found = drawn(frame, "auto")
    assert ["low", "high"] in found["orders"]
    assert "declared" not in found
    texts = [one["text"] for one in found["formulas"]]
    assert "total = price * pieces" in texts
    off = ["not low <= high", *(f"not {text}" for text in texts), "not few, more"]
    rows, left = drawn(frame, off)
    assert ["low", "high"] not in left["orders"]
    assert left["formulas"] == []
    assert ["few", "more"] not in left["joint"]
    assert not (rows["low"] <= rows["high"]).all()
    assert not np.isclose(rows["total"], rows["price"] * rows["pieces"]).all()
    assert not (rows["few"] <= rows["more"]).all()
    _, none = drawn(frame, None)
    assert none == {"joint": [], "orders": [], "lines": [], "formulas": [], "declared": ["none"]}


def test_columns_that_are_drawn_together_have_the_combinations_of_the_table() -> None:
    frame = stays()
    frame = frame[(frame["city"] != "x") | (frame["tone"] != "u")].iloc[: ROWS // 2 // 2 * 2]
    both = set(zip(frame["city"], frame["tone"], strict=True))
    assert ("x", "u") in set(zip(*drawn(frame, "auto")[0][["city", "tone"]].to_numpy().T, strict=True))
    rows, recorded = drawn(frame, ["city, tone, few"])
    assert set(zip(rows["city"], rows["tone"], strict=True)) == both
    assert any({"city", "tone", "few"} <= set(names) for names in recorded["joint"])


@pytest.mark.parametrize(
    ("rules", "saying"),
    [
        (["high < low"], "240 of 240 rows break 'high < low'; the first is row 1, where 'high' is"),
        (["price <= pieces"], "rows break 'price <= pieces'; the first is row"),
        (["total = price + pieces"], "rows break 'total = price + pieces'"),
        (["few < more"], "rows break 'few < more'"),
        (["city <= low"], "'city' holds categories"),
        (["admitted <= low"], "must both hold numbers, times of one zone"),
        (["days = admitted * discharged"], "Times must not be multiplied"),
        (["days = few / days"], "comes once"),
        (["few = more / days"], "must be above 0"),
        (["total = price * pieces", "price = total / pieces"], "contradicts a rule before it"),
        (["unit = price + 0.5 * pieces - 3", "price = unit - 0.5 * pieces + 3"], "contradicts a rule before it"),
        (["share, few"], "at most 50 categories, or few numbers"),
    ],
)
def test_rules_that_the_table_breaks_are_refused(rules: list[str], saying: str) -> None:
    with pytest.raises(DataError) as caught:
        from_frame(stays(), ["p", "q"] * (ROWS // 2), rules=rules)
    assert saying in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_row_that_breaks_a_rule_is_named() -> None:
    frame = stays()
    frame.loc[[6, 9], "discharged"] = pd.Timestamp("2023-12-31")
    with pytest.raises(DataError, match=r"2 of 240 rows break .*; the first is row 7, where 'admitted' is 2024-"):
        from_frame(frame, ["p", "q"] * (ROWS // 2), rules=["admitted <= discharged"])


def test_a_declared_order_goes_before_a_formula_that_is_found() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.integers(0, 90, 200), "y": random.integers(-20, 90, 200)})
    frame["z"] = frame["x"] + frame["y"]
    frame = frame[(frame["z"] >= frame["x"] - 5) & (frame["z"] >= 0)].iloc[:120].reset_index(drop=True)
    frame["w"] = np.minimum(frame["z"], frame["x"]) - random.integers(0, 9, 120)
    rows, recorded = drawn(frame, ["w <= z"])
    assert (rows["w"] <= rows["z"]).all()
    assert ["w", "z"] in recorded["orders"]
    with pytest.raises(DataError, match="the order of 'w' and 'z' cannot be kept beside the rules of the same columns"):
        drawn(frame, ["w <= z", "z = x + y"])


def test_a_part_of_a_table_keeps_the_rules() -> None:
    data = from_frame(stays(), ["p", "q"] * (ROWS // 2), rules=["low < high"])
    part = data.part(np.arange(0, ROWS, 3))
    assert part.rules == data.rules
    assert TableModality(part, seed=0).constraints.strict
    assert TableModality(data, seed=0).settings() == {"rules": ["low < high"]}
    plain = from_frame(stays(), ["p", "q"] * (ROWS // 2))
    assert TableModality(plain, seed=0).settings() == {}
    assert plain.fingerprint == data.fingerprint


def test_folds_of_an_evaluation_have_the_rules_of_the_model_where_they_hold() -> None:
    data = from_frame(stays(), ["p", "q"] * (ROWS // 2))

    def under(rules: Any) -> Rules:
        form, schema = SimpleNamespace(codec=data.codec), data.codec.to_state() | {"rules": rules}
        model = SimpleNamespace(modality="table", classes=("p", "q"), format=form, metadata={"schema": schema})
        return data.matched_to(model).rules

    assert under({"declared": ["low < high", "not fine <= low"]}).texts == ("low < high", "not fine <= low")
    assert not under({"declared": ["none"]}).search
    for other in (None, {}, [], 3, {"declared": 3}, {"declared": ["high < low"]}, {"declared": ["zz < low"]}):
        assert under(other) == AUTO


@pytest.mark.slow
def test_a_run_goes_on_with_the_rules_that_it_began_with(tmp_path: Path) -> None:
    frame, labels = stays()[["low", "high", "city"]], ["p", "q"] * (ROWS // 2)
    rules = ["low < high", "not low <= high"]
    run = Run(from_frame(frame, labels, rules=rules), max_steps=3, random_state=0, checkpoint=tmp_path / "run")
    next(run.steps())
    run.save_checkpoint()
    settings = {"max_steps": 3, "random_state": 0, "checkpoint": tmp_path / "run", "resume": True}
    for other in ("auto", None, rules[:1]):
        with pytest.raises(DataError, match=r"but the rules .*changed since"):
            next(Run(from_frame(frame, labels, rules=other), **settings).steps())
    assert list(Run(from_frame(frame, labels, rules=rules), **settings).steps())


@pytest.mark.slow
def test_estimators_take_rules() -> None:
    frame, labels = stays()[["low", "high", "city"]], np.array(["p", "q", "p"] * (ROWS // 3))
    sampler = clone(GANSampler(rules=["low < high"], max_steps=2, random_state=0))
    assert sampler.get_params()["rules"] == ["low < high"]
    rows, _ = sampler.fit_resample(frame, labels)
    assert (rows["low"] < rows["high"]).all()
    assert sampler.generator_.metadata["schema"]["rules"]["declared"] == ["low < high"]
    with pytest.raises(DataError, match="240 of 240 rows break 'x1 < x0'"):
        GANSampler(rules=["x1 < x0"], max_steps=2).fit_resample(frame[["low", "high"]].to_numpy(), labels)
    with pytest.raises(ValueError, match="The 'rules' parameter of GANSampler must be"):
        GANSampler(rules="low < high", max_steps=2).fit_resample(frame, labels)
    images = np.random.default_rng(0).integers(0, 255, (12, 8, 8), dtype=np.uint8)
    with pytest.raises(DataError, match="rules must be 'auto' for images"):
        GANSampler(rules=["low < high"], max_steps=2).fit_resample(images, np.array([0, 1] * 6))


def test_rules_on_columns_that_are_computed() -> None:
    random = np.random.default_rng(0)
    begun, length = random.permutation(120), random.permutation(120)
    keep = begun + length < 130
    frame = pd.DataFrame({"begun": begun, "length": length})[keep].reset_index(drop=True)
    frame = frame.iloc[: len(frame) // 2 * 2]
    frame["ended"] = frame["begun"] + frame["length"]
    frame["twice"] = 2 * frame["ended"]
    frame["limit"] = 130 + random.integers(0, 9, len(frame))
    # In any order; the second formula computes a source of the first.
    formulas = ["twice = 2 * ended", "ended = begun + length"]
    rows, _ = drawn(frame, [*formulas, "begun <= ended", "ended <= twice"])
    assert (rows["ended"] == rows["begun"] + rows["length"]).all()
    assert (rows["twice"] == 2 * rows["ended"]).all()
    assert rows["ended"].max() > 138  # beyond the table, and beyond all limits
    with pytest.raises(DataError, match="the order of 'ended' and 'limit' cannot be kept"):
        drawn(frame, [*formulas, "ended <= limit"])
    frame["few"], frame["half"] = frame["begun"] % 4, frame["begun"] % 2
    frame["one"] = frame["few"] + frame["half"]
    with pytest.raises(DataError, match="Columns that are drawn together must have at most 256 combinations"):
        drawn(frame, ["one, half", "one = few + half"])
