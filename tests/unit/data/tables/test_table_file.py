"""Tables on disk: what is read and how, what is refused and why, and that what is written is whole or not there."""

import csv
import decimal
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ganaug.data.folder_kind import folder_modality
from ganaug.data.tables import table_file
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import labels_of, split_target
from ganaug.data.tables.table_file import open_table, read_table
from ganaug.data.tables.table_writer import table_writer
from ganaug.errors import DataError, GanaugWarning, MissingFileError, OutputError
from tests.paths import ROOT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", 2)


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


# CSV


def test_a_csv_has_the_dtypes_of_its_columns(file: Path) -> None:
    frame = read_table(
        written(
            file,
            "int,gaps,float,bool,maybe,text,date,time,utc,none,bad\n"
            "1,7,1.5,True,TRUE,x,2024-02-29,2024-01-01 10:00,2024-01-01T10:00:00Z,,2024-02-31\n"
            '2,,,false,,"=1+1, ""q""",,2024-01-01T10:00:00.5,,NA,2024-02-01\n',
        )
    )
    assert dtypes(frame) == {
        "int": "int64",
        "gaps": "Int64",
        "float": "float64",
        "bool": "bool",
        "maybe": "boolean",
        "text": "str",
        "date": "datetime64[us]",
        "time": "datetime64[us]",
        "utc": "datetime64[us, UTC]",
        "none": "float64",
        "bad": "str",
    }
    assert frame["gaps"].tolist() == [7, pd.NA]
    assert frame["text"].tolist() == ["x", '=1+1, "q"']
    assert frame["date"][0] == pd.Timestamp("2024-02-29")
    assert pd.isna(frame["date"][1])
    assert frame["time"][1] == pd.Timestamp("2024-01-01T10:00:00.5")


@pytest.mark.usefixtures("small_pieces")
def test_dtypes_are_those_of_the_whole_file_in_every_piece(file: Path) -> None:
    rows = ["1,1,True,2024-01-01,7,,1", "2,2,False,2024-01-02,x,,2", "3.5,,,2024-01-03T00:00:00.123456789,8,a,B7"]
    written(file, "f,i,b,d,c,late,code\n" + "\n".join(rows) + "\n")
    wanted = ["float64", "Int64", "boolean", "datetime64[ns]", "str", "str", "str"]
    pieces = list(open_table(file).pieces())
    assert [len(piece) for piece in pieces] == [2, 1]
    assert [list(dtypes(piece).values()) for piece in pieces] == [wanted, wanted]
    assert read_table(file)["code"].tolist() == ["1", "2", "B7"]
    (piece,) = [piece for piece in open_table(file).pieces(columns=["i"]) if len(piece) == 1]
    assert list(piece.columns) == ["i"]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("text", ["?", "n.a.", "True", "2024-01-01"])
def test_text_among_numbers_is_refused_but_codes_are_text(text: str, file: Path) -> None:
    numbers = "".join(f"{i}.5,a\n" for i in range(19))
    written(file, f"x,y\n{numbers}{text},b\n")
    with pytest.raises(
        DataError, match=rf"'x' of .*t\.csv must hold numbers or text, but .* '{text[0]}".replace("?", r"\?")
    ):
        read_table(file)
    assert read_table(written(file, "x,y\n1,a\n2,b\nA3,a\n"))["x"].tolist() == ["1", "2", "A3"]
    assert dtypes(read_table(written(file, "x,y\n" + "9" * 25 + ",a\n1,b\n")))["x"] == "str"


@pytest.mark.usefixtures("small_pieces")
def test_whole_numbers_with_leading_zeros_are_text_in_every_piece(file: Path) -> None:
    rows = [f"{i + 1},{i},0.{i},{i},00.5,{i or 'A1'},,{i}" for i in range(40)] + ["007,01.5,05.2, 08 ,1,0009,00,0"]
    written(file, "code,part,float,space,half,mixed,late,zero\n" + "\n".join(rows) + "\n")
    frame = read_table(file)
    assert dtypes(frame) == {
        "code": "str",
        "part": "float64",
        "float": "float64",
        "space": "str",
        "half": "float64",
        "mixed": "str",
        "late": "str",
        "zero": "int64",
    }
    assert frame["code"].tolist() == [*map(str, range(1, 41)), "007"]
    assert frame["late"].tolist()[-1] == "00"
    assert {str(piece["code"].dtype) for piece in open_table(file).pieces(columns=["code"])} == {"str"}


@pytest.mark.parametrize("odd", ["TRue", "tRUE", "falsE"])
def test_truth_values_may_have_any_letters(odd: str, file: Path) -> None:
    frame = read_table(written(file, f"x,y\nTrue,a\nFalse,b\n{odd},a\n,b\n"))
    assert frame["x"].tolist() == [True, False, odd.lower() == "true", pd.NA]
    assert read_table(written(file, f"x,y\n{odd},a\nmaybe,b\n"))["x"].tolist() == [odd, "maybe"]


def test_verbatim_is_what_stands_there(file: Path) -> None:
    content = 'a,b,c\n 01 ,NA,"x\r\ny"\n1e5,,"é,"""\n'
    (piece,) = open_table(written(file, content)).pieces(verbatim=True)
    assert piece.to_numpy().tolist() == [[" 01 ", "NA", "x\r\ny"], ["1e5", "", 'é,"']]


@pytest.mark.parametrize("prefix", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", ["a,b", '"a","b"'])
def test_line_ends_marks_and_quotes_do_not_matter(prefix: str, end: str, header: str, file: Path) -> None:
    written(file, prefix + end.join([header, "1,x", "", '"2","y"']))
    assert open_table(file).names == ["a", "b"]
    assert read_table(file).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("content", "saying"),
    [
        (b"", "must begin with a line that names the columns"),
        (b"\n1,2\n", "must begin with a line that names the columns"),
        (b"a,b\n", "must have rows"),
        (b"a,b", "must have rows"),
        (b",b\n0,1\n", "column 1 has none: name it, or remove it if it only numbers the rows"),
        (b"a,b,a\n1,2,3\n", "'a' comes twice"),
        (b"1,2,1\n1,2,3\n", "begin the file with a line of names"),
        (b"a,b\n1,2\n3\n", "must have 2 fields.* line 3 has 1"),
        (b"a,b,c\n1,2,3\n4,5", "line 3 has 2: repair it, or get the file again"),
        (b"a,b\n1,2,3\n4,5,6\n", "line 2 has 3"),
        (b"a,b\n1,2,\n", "line 2 has 3"),
        (b'a,b\n1,"2\n3,4\n', "cannot be read .*EOF inside string"),
        (b"a,b\n1,caf\xe9\n", "UTF-8"),
        (b"caf\xe9,b\n1,2\n", "UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-8"),
        (bytes(range(256)) * 50, "UTF-8"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_csv_files_that_are_refused(content: bytes, saying: str, file: Path) -> None:
    with pytest.raises(DataError, match=saying) as error:
        read_table(written(file, content))
    assert str(file) in str(error.value)


def test_what_is_no_table_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="There is no table"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="not a file"):
        read_table(tmp_path / "folder.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="not a file"):
        read_table(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"this is 't\.tsv'"):
        read_table(written(tmp_path / "t.tsv", "a\tb\n"))


# Parquet


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    return tmp_path / "t.parquet"


def test_a_parquet_keeps_its_dtypes_and_loses_its_index(parquet: Path) -> None:
    frame = pd.DataFrame(
        {
            "int": np.array([1, 2], np.int16),
            "gaps": pd.array([2**60 + 1, None], dtype="Int64"),
            "bool": [True, False],
            "maybe": pd.array([True, None], dtype="boolean"),
            "float": np.array([0.5, np.nan], np.float32),
            "text": ["a", None],
            "level": pd.Categorical(["lo", "hi"], categories=["lo", "hi", "top"], ordered=True),
            "when": pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Berlin"),
        },
        index=pd.Index([7, 9], name="id"),
    )
    frame.to_parquet(parquet)
    found = read_table(parquet)
    assert list(found.columns) == [*frame.columns, "id"]
    for name in frame.columns:
        pd.testing.assert_series_equal(found[name], frame[name].reset_index(drop=True), check_freq=False)
    frame.reset_index(drop=True).to_parquet(parquet)
    assert list(read_table(parquet).columns) == list(frame.columns)


@pytest.mark.usefixtures("small_pieces")
def test_parquet_pieces_have_the_same_dtypes(parquet: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, 2, None]),
            "b": pa.array([True, False, None]),
            "d": pa.array([1, 2, None], pa.date32()),
            "m": pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.00"), None]),
            "late": pa.array([None, None, "x"]),
        }
    )
    pq.write_table(table, parquet)
    wanted = ["Int64", "boolean", "datetime64[ms]", "decimal128(3, 2)[pyarrow]", "str"]
    assert [list(dtypes(piece).values()) for piece in open_table(parquet).pieces()] == [wanted, wanted]
    again = pa.concat_tables(
        pa.Table.from_pandas(piece, preserve_index=False) for piece in open_table(parquet).pieces(verbatim=True)
    )
    assert again.equals(table)


def test_decimals_stay_short(parquet: Path) -> None:
    prices = [decimal.Decimal(cents).scaleb(-2) for cents in range(0, 100_000, 7)]
    pq.write_table(pa.table({"price": pa.array(prices, pa.decimal128(10, 2))}), parquet)
    found = read_table(parquet)["price"]
    assert found.tolist() == prices
    assert TableCodec.fit(found.to_frame()).columns[0].decimals == 2  # type: ignore[union-attr]


def test_a_parquet_that_may_not_be_read_is_not_said_to_be_damaged(parquet: Path, monkeypatch: Any) -> None:
    pq.write_table(pa.table({"a": [1]}), parquet)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pq, "ParquetFile", refuse)
    with pytest.raises(PermissionError):
        next(open_table(parquet).pieces())


def test_instants_with_an_offset_are_dates_and_with_and_without_one_are_text(file: Path) -> None:
    some = "2024-01-31 01:00:00+01:00,2024-01-31T01:00-0330,2024-01-31T01:00Z\n"
    others = "2024-07-31 01:00:00+02:00,2024-01-31T01:00Z,2024-01-31T01:00\n"
    with pytest.warns(GanaugWarning, match="in column 'b' of .* change as in no time zone: .* learned in UTC"):
        frame = read_table(written(file, "a,b,c\n" + some + others))
    assert dtypes(frame) == {"a": "datetime64[us, Europe/Berlin]", "b": "datetime64[us, UTC]", "c": "str"}
    assert frame["a"].tolist() == [pd.Timestamp("2024-01-31T00:00Z"), pd.Timestamp("2024-07-30T23:00Z")]
    assert frame["b"][0] == pd.Timestamp("2024-01-31T04:30Z")


def test_dates_of_another_form_stay_text(file: Path) -> None:
    frame = read_table(written(file, "a,b\n02/04/2022,1\n12/31/2021,2\n"))
    assert frame["a"].tolist() == ["02/04/2022", "12/31/2021"]


def test_dictionaries_may_differ_from_one_row_group_to_the_next(parquet: Path) -> None:
    first, second = (pa.table({"c": pa.array(values).dictionary_encode()}) for values in (["a", "b"], ["z", "b"]))
    with pq.ParquetWriter(parquet, first.schema) as writer:
        writer.write_table(first)
        writer.write_table(second)
    assert read_table(parquet)["c"].tolist() == ["a", "b", "z", "b"]


def test_parquet_files_that_are_refused(parquet: Path) -> None:
    pq.write_table(pa.table({"a": list(range(5000))}), parquet)
    whole = parquet.read_bytes()
    for content in (
        whole[:-10],
        whole[: len(whole) // 2],
        whole[100:],
        b"",
        b"hello",
        whole[:9] + b"\xff" * 3000 + whole[3009:],
    ):
        with pytest.raises(DataError, match="must be a whole Parquet file"):
            read_table(written(parquet, content))
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), parquet)
    with pytest.raises(DataError, match="must have rows"):
        read_table(parquet)
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), parquet)
    with pytest.raises(DataError, match="'a' comes twice"):
        read_table(parquet)


# A part of a long one


@pytest.mark.slow
@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_of_a_long_table_a_random_part_is_read_always_the_same(ending: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(400), "b": [f"r{i}" for i in range(400)]})
    file = tmp_path / f"t{ending}"
    frame.to_csv(file, index=False) if ending == ".csv" else frame.to_parquet(file)
    with pytest.warns(GanaugWarning, match="has 400 rows; a random 100 of them"):
        part = read_table(file, most=100)
    with pytest.warns(GanaugWarning):
        pd.testing.assert_frame_equal(read_table(file, most=100), part)
    assert len(part) == 100
    assert part["a"].is_monotonic_increasing
    assert part["a"].is_unique
    assert (part["b"] == "r" + part["a"].astype(str)).all()
    assert all(10 < part["a"].between(start, start + 99).sum() < 45 for start in range(0, 400, 100))
    pd.testing.assert_frame_equal(read_table(file, most=400), frame)  # with no warning


@pytest.mark.parametrize("gap", [0, 1])
def test_dates_too_far_apart_for_nanoseconds_stay_text(gap: int, file: Path, small_pieces: None) -> None:
    near = ["2020-01-01 10:00:00.000000001"] * (1 + gap)
    frame = read_table(written(file, "\n".join(["valid_to", *near, "9999-12-31 00:00:00"])))
    assert dtypes(frame) == {"valid_to": "str"}
    assert frame["valid_to"].tolist() == [*near, "9999-12-31 00:00:00"]


@pytest.mark.slow
def test_a_long_csv_is_read_in_little_memory(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", 1000)
    file.write_text("a,b,c,d\n" + "1.25,2.5,3.75,4.5\n" * 100_000)
    tracemalloc.start()
    with pytest.warns(GanaugWarning):
        read_table(file, most=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000  # all of it would be 3.2 million bytes of floats alone


# Labels


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["a", "b"], ["a", "b"]),
        ([1, 2], [1, 2]),
        ([1.0, 2.0], [1, 2]),
        ([True, False], [True, False]),
        (pd.array([1, 2], "Int64"), [1, 2]),
        (pd.array([True, False], "boolean"), [True, False]),
        (pd.array([1.0, 2.0], "Float64"), [1, 2]),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (pd.Categorical([3, 4]), [3, 4]),
    ],
)
def test_labels_become_plain_values(labels: Any, wanted: list[Any]) -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": labels})
    features, found = split_target(frame, "y", "t.csv")
    assert list(features.columns) == ["x"]
    assert found.dtype == object
    assert [(type(label), label) for label in found.tolist()] == [(type(label), label) for label in wanted]


@pytest.mark.parametrize(
    ("labels", "saying"),
    [
        (["a", None], "1 have none in 'y'"),
        ([1.0, np.nan], "1 have none in 'y'"),
        ([1.0, 2.5], "numbers such as 2.5: a continuous target"),
        ([1.0, np.inf], r"at most 2\*\*53"),
        ([1.0, 1e300], r"at most 2\*\*53"),
        (pd.array([1.5, 2.0], "Float64"), "numbers such as 1.5"),
    ],
)
def test_labels_that_are_none(labels: Any, saying: str) -> None:
    with pytest.raises(DataError, match=saying):
        labels_of(pd.Series(labels, name="y"))


def test_targets_that_are_refused() -> None:
    frame = pd.DataFrame({"a": range(300), "y": range(300)})
    with pytest.raises(DataError, match=r"needs a target \(--target\).* t\.csv has 'a', 'y'"):
        split_target(frame, None, "t.csv")
    with pytest.raises(DataError, match="which has 'a', 'y', but is 'z'"):
        split_target(frame, "z", "t.csv")
    with pytest.raises(DataError, match="target 'y' must hold classes, but holds 300 different numbers"):
        split_target(frame, "y", "t.csv")
    assert len(set(split_target(frame.assign(y=frame["y"] % 100), "y", "t.csv")[1])) == 100


# Writing

PIECES = [
    pd.DataFrame({"n": [1, 2], "t": ["a", "b"], "late": [None, None]}),
    pd.DataFrame({"n": [3.0, np.nan], "t": [None, 'q",\n\r'], "late": [None, None]}),
]


def write(file: Path, *pieces: Any) -> None:
    with table_writer(file) as writer:
        for piece in pieces:
            if not isinstance(piece, pd.DataFrame):
                raise KeyboardInterrupt
            writer.write(piece)


def test_csv_pieces_become_one_file(file: Path) -> None:
    write(file, *PIECES)
    with file.open(newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows == [["n", "t", "late"], ["1", "a", ""], ["2", "b", ""], ["3.0", "", ""], ["", 'q",\n\r', ""]]


@pytest.mark.parametrize(
    "text", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "\ufeffa", " a ", "=cmd|'/c'!A1", "\x1b[2J", "NA", ""]
)
def test_any_text_comes_back_from_a_csv_as_it_was(text: str, file: Path) -> None:
    frame = pd.DataFrame({text or "c": [text, "x"], "other": ["1", text]})
    write(file, frame, frame)
    with file.open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines))[1:] == frame.to_numpy().tolist() * 2
    if text != "\ufeffa":  # which as the first thing in a file is the mark of its encoding
        (found,) = open_table(file).pieces(verbatim=True)
        pd.testing.assert_frame_equal(found, pd.concat([frame, frame], ignore_index=True))


def test_parquet_pieces_are_cast_to_the_first(parquet: Path) -> None:
    write(parquet, *PIECES)
    table = pq.read_table(parquet)
    assert table.to_pydict() == {"n": [1, 2, 3, None], "t": ["a", "b", None, 'q",\n\r'], "late": [None] * 4}
    assert str(table.schema.field("n").type) == "int64"


@pytest.mark.parametrize("second", [{"n": ["x"]}, {"n": [1.5]}, {"n": [[1]]}, {"n": [1, "x"]}])
def test_parquet_pieces_that_do_not_go_together_cost_nothing(second: dict[str, Any], parquet: Path) -> None:
    parquet.write_bytes(b"older")
    with pytest.raises(DataError, match="All values of a column must have one type"):
        write(parquet, pd.DataFrame({"n": [1]}), pd.DataFrame(second))
    assert parquet.read_bytes() == b"older"
    assert list(parquet.parent.iterdir()) == [parquet]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "T.CSV"])
def test_a_failure_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    target = written(tmp_path / name, b"older")
    with pytest.raises(KeyboardInterrupt):
        write(target, PIECES[0], "not a piece")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"older")]


def test_a_failure_is_all_that_is_said(tmp_path: Path) -> None:
    code = (
        "import sys, pandas\nfrom ganaug.data.tables.table_writer import table_writer\n"
        "try:\n    with table_writer(sys.argv[1]) as writer:\n"
        "        writer.write(pandas.DataFrame({'a': [1]})); raise KeyError\n"
        "except KeyError:\n    pass\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "t.parquet")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603
    assert (result.returncode, result.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"this is 't\.txt'"), table_writer(tmp_path / "t.txt"):
        pass
    with pytest.raises(OutputError, match="does not exist"), table_writer(tmp_path / "no" / "t.csv"):
        pass
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(OutputError, match="that is a folder"), table_writer(tmp_path / "t.csv"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_is_written_is_what_pandas_reads(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "d": pd.to_datetime(["2024-01-01", None])})
    for name in ("t.csv", "t.parquet"):
        write(tmp_path / name, frame)
        pd.testing.assert_frame_equal(read_table(tmp_path / name), frame)
    assert (tmp_path / "t.csv").read_bytes() == b"a,d\n1,2024-01-01\n,\n"


def test_a_sample_of_a_long_table_has_all_rows_of_small_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kind = np.where(np.arange(3000) % 300 == 7, "rare", np.where(np.arange(3000) % 3 == 0, "some", "most"))
    frame = pd.DataFrame({"row": np.arange(3000), "kind": rng.permutation(kind)})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=100)
    with pytest.warns(GanaugWarning, match="3,000 rows; a random 300 of them are learned from, with all rows of small"):
        sample = read_table(tmp_path / "t.parquet", 300, target="kind")
    assert sample["row"].is_monotonic_increasing
    counts = sample["kind"].value_counts()
    assert counts["rare"] == 10
    rest = 300 - 10 - 2 * 50  # beside the shares of three classes, drawn from all other rows alike
    assert counts["some"] == pytest.approx(50 + rest / 3, abs=25)
    assert sample.merge(frame).shape == sample.shape
    halves = sample["row"] < 1500
    assert halves.mean() == pytest.approx(0.5, abs=0.12)


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "sales.parquet"  # as Spark names them
    for year in (2023, 2024):
        place = folder / f"year={year}"
        place.mkdir(parents=True)
        for part in range(2):
            rows = pd.DataFrame({"price": [year + part / 2.0, 7.5], "sold": ["yes", "no"]})
            rows.to_parquet(place / f"part-{part}.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.parquet.crc").write_bytes(b"check")
    frame = read_table(folder)
    assert dtypes(frame) == {"price": "float64", "sold": "str", "year": "int32"}
    assert frame["price"].tolist() == [2023.0, 7.5, 2023.5, 7.5, 2024.0, 7.5, 2024.5, 7.5]
    assert frame["year"].tolist() == [2023] * 4 + [2024] * 4
    assert read_table(folder, columns=["year", "sold"]).columns.tolist() == ["year", "sold"]
    assert folder_modality(folder) == "table"

    (folder / "year=2024" / "notes.txt").touch()
    assert folder_modality(folder) == "table"
    with pytest.raises(DataError, match=r"must be \.parquet files, but year=2024/notes\.txt is not: move it elsewhere"):
        read_table(folder)
    (folder / "year=2024" / "notes.txt").unlink()
    pd.DataFrame({"price": [1.0]}).to_parquet(folder / "year=2024" / "part-9.parquet")
    with pytest.raises(DataError, match=r"must have the same columns, but year=2024/part-9\.parquet lacks 'sold'"):
        read_table(folder)
    pd.DataFrame({"price": ["cheap"], "sold": ["no"]}).to_parquet(folder / "year=2024" / "part-9.parquet")
    with pytest.raises(
        DataError, match=r"must have the same types, but those of year=2024/part-9\.parquet cannot be converted"
    ):
        read_table(folder)
    (folder / "year=2024" / "part-9.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"part-9\.parquet must be a whole Parquet file"):
        read_table(folder)


def test_a_folder_of_images_with_one_table_in_it_holds_images(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    (tmp_path / "about.parquet").touch()
    assert folder_modality(tmp_path) == "image"


def test_a_file_of_a_folder_may_lack_an_ignored_column(tmp_path: Path) -> None:
    pd.DataFrame({"price": [1.0], "note": ["a"]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"price": [2.0]}).to_parquet(tmp_path / "2.parquet")
    frame = pd.concat(open_table(tmp_path, ignored=["note"]).pieces())
    assert frame["price"].tolist() == [1.0, 2.0]
    assert frame["note"].isna().tolist() == [False, True]


@pytest.mark.parametrize("kind", ["a name that is no text", "a time of no day"])
def test_what_pyarrow_cannot_turn_into_python_is_a_damaged_file(kind: str, tmp_path: Path) -> None:
    column = pa.array([10**12], pa.time64("us")) if kind == "a time of no day" else pa.array([1])
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table({"abcd": column}), file, store_schema=False)
    if kind == "a name that is no text":
        file.write_bytes(file.read_bytes().replace(b"abcd", b"\xff" * 4))
    with pytest.raises(DataError, match="must be a whole Parquet file, but cannot be read"):
        read_table(file)
