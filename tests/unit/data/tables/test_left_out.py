"""Columns and synthetic rows of a table that are left out."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ganaug.data.tables import table_file
from ganaug.data.tables.free_text import ignore_free_text
from ganaug.data.tables.left_out import LeftOut, holds_flags
from ganaug.data.tables.table_file import open_table
from ganaug.errors import DataError, GanaugWarning

TABLE = pd.DataFrame({"id": [7, 8, 9], "a": [0.5, 1.5, 2.5], "synthetic": [False, True, False], "y": list("mnm")})


@pytest.fixture(params=["t.csv", "t.parquet", "memory"])
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return what is left of `TABLE`, in a file or in memory."""
    if request.param == "memory":
        return lambda left_out, table=TABLE, target="y": left_out.of(table, target, "X").reset_index(drop=True)

    def read(left_out: LeftOut, table: pd.DataFrame = TABLE, target: str | None = "y") -> pd.DataFrame:
        path = tmp_path / request.param
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        return left_out.read(open_table(path), target)

    return read


def test_columns_and_synthetic_rows_are_left_out(left: Any) -> None:
    everything = left(LeftOut(("synthetic",)))
    pd.testing.assert_frame_equal(everything, TABLE.drop(columns="synthetic"), check_dtype=False)
    real = left(LeftOut(("id",), real_only=True))
    pd.testing.assert_frame_equal(real, pd.DataFrame({"a": [0.5, 2.5], "y": ["m", "m"]}), check_dtype=False)
    pd.testing.assert_frame_equal(left(LeftOut(("id", "synthetic"), real_only=True)), real)
    pd.testing.assert_frame_equal(left(LeftOut(optional=("id", "other"), real_only=True)), real)
    assert list(left(LeftOut(), target="synthetic")) == list(TABLE)


@pytest.mark.parametrize("flags", [[False, True, False], [0, 1, 0], [False, False, False], [True, None, None]])
def test_flags_are_learned_only_on_demand(left: Any, flags: list[Any]) -> None:
    flagged = TABLE.assign(synthetic=pd.array(flags, "Int64" if 1 in flags and 0 in flags else "boolean"))
    with pytest.raises(DataError, match=r"add --real-only .* or --ignore synthetic "):
        left(LeftOut(), flagged)


def test_flags_may_be_decimals() -> None:
    assert holds_flags(pd.Series([0, None, 1], dtype=pd.ArrowDtype(pa.decimal128(1, 0))))
    assert not holds_flags(pd.Series([0, 2, 1], dtype=pd.ArrowDtype(pa.decimal128(1, 0))))


@pytest.mark.parametrize("values", [["wool", "nylon", "wool"], [0.5, 1.0, 0.0], [2, 1, 0], [None] * 3])
def test_another_column_of_that_name_is_a_column(left: Any, values: list[Any]) -> None:
    table = TABLE.assign(synthetic=values)
    assert not holds_flags(table["synthetic"])
    assert "synthetic" in left(LeftOut(), table)
    with pytest.raises(DataError, match="is true or false in every row"):
        left(LeftOut(real_only=True), table)


@pytest.mark.parametrize(
    ("left_out", "saying"),
    [
        (LeftOut(("idd",)), r"--ignore\) must be columns of .* but there is no 'idd'"),
        (LeftOut(("y",)), "must not be ignored, but --ignore names 'y'"),
    ],
)
def test_names_must_be_right(left: Any, left_out: LeftOut, saying: str) -> None:
    with pytest.raises(DataError, match=saying):
        left(left_out)


def test_real_only_needs_flags_in_every_row(left: Any) -> None:
    with pytest.raises(DataError, match=r"needs the column 'synthetic'.* is missing"):
        left(LeftOut(real_only=True), TABLE.drop(columns="synthetic"))
    with pytest.raises(DataError, match=r"needs the column 'synthetic'.* is the target"):
        left(LeftOut(real_only=True), target="synthetic")
    gaps = TABLE.assign(synthetic=pd.array([False, None, True], "boolean"))
    with pytest.raises(DataError, match=r"in every row, but that of .* is empty in some"):
        left(LeftOut(real_only=True), gaps)


def test_ignored_columns_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("mixed,a,y\n" + "1,2,m\n" * 30 + "?,3,n\n")
    with pytest.raises(DataError, match="among its numbers"):
        LeftOut().read(open_table(tmp_path / "t.csv"), "y")
    assert list(LeftOut(("mixed",)).read(open_table(tmp_path / "t.csv"), "y")) == ["a", "y"]
    pq.write_table(pa.table({"odd": [[1], [2]], "a": [1, 2], "y": ["m", "n"]}), tmp_path / "t.parquet")
    assert list(LeftOut(("odd",)).read(open_table(tmp_path / "t.parquet"), "y")) == ["a", "y"]


def test_rows_are_left_out_before_a_sample_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = [number >= 40 for number in range(100)]
    pd.DataFrame({"a": range(100), "synthetic": flags, "y": "m"}).to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.setattr(table_file, "PIECE_ROWS", 7)
    monkeypatch.setattr(table_file.read_table, "__defaults__", (40,))
    assert LeftOut(real_only=True).read(open_table(tmp_path / "t.csv"), "y")["a"].tolist() == list(range(40))


def test_free_text_is_ignored_with_one_warning() -> None:
    letters = ["a" * 1001, "b"] + ["c"] * 20_000
    names = [f"name {number}" for number in range(20_001)] + [None]
    frame = pd.DataFrame({"letter": letters, "name": names, "a": range(20_002), "x": ["x" * 1000, None] * 10_001})
    frame["kind"] = pd.Categorical(names)
    with pytest.warns(GanaugWarning, match="Ignored 'letter', 'name', 'kind', as --ignore would") as said:
        rest, ignored = ignore_free_text(frame)
    assert (list(rest), ignored, len(said)) == (["a", "x"], ("letter", "name", "kind"), 1)
    assert ignore_free_text(rest)[1] == ()
