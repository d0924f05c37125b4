"""Constraints of every kind: numpy and torch decode alike, and decoding undoes encoding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.constraints.column_constraint import ColumnConstraint, to_dtype
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.constraints.orders import origin_shift
from ganaug.data.tables.numeric import NumericColumn
from ganaug.networks.constraints import ConstrainedColumns
from ganaug.networks.table_decoder import TableDecoder

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def tables() -> dict[str, pd.DataFrame]:
    """Return a table for each kind of constraint on columns of numbers."""
    rng = np.random.default_rng(0)
    low, more, n = rng.normal(50, 20, 300).round(1), rng.exponential(10, 300), np.arange(300)
    start = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 300, 300), unit="D")
    some = pd.DataFrame({"low": low, "high": (low + more).round(2)})
    whole = np.exp(rng.normal(3, 1, 300))
    part = (whole * rng.uniform(0.3, 0.6, 300)).round(2)
    return {
        "difference": some,
        "difference of three": some.assign(highest=np.ceil(some["high"] + more[::-1])),
        "difference of dates": pd.DataFrame({"in": start, "out": start + pd.to_timedelta(n % 5, unit="D")}),
        "difference without base": some.mask(rng.random((300, 2)) < 0.2),
        "difference in single precision": pd.DataFrame({"low": low, "high": low + more}).astype("float32"),
        "ratio": pd.DataFrame({"whole": whole.round(2), "part": part}),
        "line": pd.DataFrame({"celsius": low, "fahrenheit": (1.8 * low + 32).round(1)}),
        "sum": pd.DataFrame(
            {"a": low, "b": n % 7, "sum": low + n % 7, "missing": np.where(n % 5, low - n % 7, np.nan)}
        ),
        "product": pd.DataFrame({"price": whole.round(2), "n": n % 7, "total": (whole.round(2) * (n % 7)).round(2)}),
        "quotient": pd.DataFrame({"a": whole.round(2), "b": 1 + n % 7, "ratio": whole.round(2) / (1 + n % 7)}),
    }


def decoded(constraints: Constraints, numbers: Numbers) -> Numbers:
    """Decode numbers (n, N + A) as the networks do, with numpy."""
    columns = constraints.codec.numeric_columns
    known = dict(enumerate(numbers.T[: len(columns)]))
    spare = {target: numbers[:, len(columns) + i] for i, (target, _) in enumerate(constraints.without_base)}
    for one in constraints.on_columns:
        for place in (one.target, *one.depends_on) if one.sources_in_dtype else ():
            known[place] = to_dtype(known[place], columns[place], np)
    for one in constraints.on_columns:
        known[one.target] = one.decode(known, spare.get(one.target), columns, np)
    return np.column_stack([known[place] for place in range(len(columns))])


@pytest.mark.parametrize("name", tables())
def test_decoding_undoes_encoding_in_numpy_and_in_torch(name: str) -> None:
    table = tables()[name]
    codec = TableCodec.fit(table)
    constraints, columns = Constraints.detect(codec, table), codec.numeric_columns
    assert constraints.on_columns
    values = codec.exact(codec.values(table).numbers)
    learned = values.copy()
    for one in constraints.on_columns:
        learned[:, one.target] = one.encode(values, columns)
        if one.without_base:
            learned[one.lacks_base(values), one.target] = 0
    given = np.column_stack([learned, *(values[:, target] for target, _ in constraints.without_base)])
    network = ConstrainedColumns(constraints.on_columns, columns)
    by_torch = network(torch.from_numpy(given)).numpy()
    np.testing.assert_array_equal(decoded(constraints, given), by_torch)
    np.testing.assert_allclose(by_torch, values, rtol=1e-6 if "single" in name else 1e-12)

    # Rows whose columns are shuffled: every order is enforced, and both ways agree on the result.
    shuffled = np.random.default_rng(1).permuted(given, axis=0)
    by_torch = network(torch.from_numpy(shuffled)).numpy()
    np.testing.assert_array_equal(decoded(constraints, shuffled), by_torch)
    for low, high in constraints.orders:
        both = by_torch[~np.isnan(by_torch[:, [low, high]]).any(axis=1)]
        assert (both[:, low] + origin_shift(columns[low], columns[high]) <= both[:, high]).all()


@dataclass(frozen=True, kw_only=True)
class Capped(ColumnConstraint):
    """A toy: the target never exceeds a source by more than 5."""

    source: int

    @property
    def depends_on(self) -> tuple[int, ...]:
        return (self.source,)

    def decode(self, known: Mapping[int, Any], unpaired: Any, columns: Sequence[NumericColumn], xp: Any) -> Any:
        return xp.minimum(known[self.target], known[self.source] + 5)

    def to_json(self, columns: Sequence[NumericColumn]) -> tuple[str, Any]:
        return "capped", [columns[self.source].name, columns[self.target].name]


def test_a_constraint_of_a_new_kind_needs_no_more_than_its_class() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 9, size=(300, 2)).round(1), columns=["a", "b"])
    codec = TableCodec.fit(table)
    constraints = replace(Constraints.detect(codec, table), on_columns=(Capped(target=1, source=0),))
    assert constraints.to_json()["capped"] == [["a", "b"]]
    encoded = constraints.encode(table)
    choices = torch.from_numpy(encoded.choices)
    (drawn,) = TableDecoder(codec, constraints)(torch.from_numpy(encoded.quantiles), choices, choices.float())
    np.testing.assert_allclose(drawn[:, 0], table["a"])
    np.testing.assert_allclose(drawn[:, 1], np.minimum(table["b"], table["a"] + 5))
