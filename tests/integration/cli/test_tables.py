"""The command line with tables: what it writes and prints, and that bad input gives one sentence."""

import csv
import errno
import json
import os
import re
import signal
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ganaug import files
from ganaug.data.tables import table_file
from ganaug.errors import GanaugWarning
from ganaug.runtime.generator import Generator
from ganaug.training.validation import Alarms
from tests.integration.cli.test_images import contents, raising, refused, run, with_metadata
from tests.paths import ROOT

IMAGES = ROOT / "onnx_models" / "digits.onnx"
ODD = '=1+1,"\x1b[2J'
COUNTS = {"no": 24, "yes": 9, "=cmd|' /C calc'!A0": 5}
COLUMNS = ["amount", "count", "city", "flag", "since", ODD, "churned"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the training: these tests are about neither the quality of a generator nor early stopping."""
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
    monkeypatch.setattr("ganaug.training.loop.PATIENCE", 2.0)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def write_customers(path: Path) -> Path:
    """Write a realistic CSV file: a byte order mark, truth values as R writes them, odd names, gaps and line ends."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="utf-8-sig", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for label, count in COUNTS.items():
            for number in range(count):
                writer.writerow(
                    [
                        f"{rng.exponential(20):.2f}0",
                        "" if number % 4 == 0 else rng.integers(1, 9),
                        rng.choice(["=2+5", 'a "b", c', "\x1b[31mred", "two\rlines", ""]),
                        rng.choice(["TRUE", "FALSE"]),
                        f"2024-0{rng.integers(1, 10)}-1{rng.integers(0, 10)}T0{number % 9}:30",
                        rng.choice(["x", "y"]),
                        label,
                    ]
                )
    return path


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_customers(tmp_path_factory.mktemp("customers") / "customers.csv")


@pytest.fixture(scope="module")
def parquet(customers: Path) -> Path:
    """Return the same table as Parquet, with types of another program that pandas lacks."""
    table = pa.Table.from_pandas(table_file.read_table(customers), preserve_index=False)
    types = {"since": pa.timestamp("s"), "city": pa.dictionary(pa.int32(), pa.string()), "amount": pa.decimal128(9, 3)}
    fields = [field.with_type(types.get(field.name, field.type)) for field in table.schema]
    path = customers.with_suffix(".parquet")
    pq.write_table(table.cast(pa.schema(fields)), path, row_group_size=10)
    return path


@pytest.fixture(scope="module")
def model(customers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("model") / "churn.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
        # Its alarms would be printed with every sample.
        patch.setattr("ganaug.training.trained.raise_alarms", lambda *_: Alarms([], []))
        result = run("fit", customers, "--target", "churned", "--output", output, "--steps", 3)
    assert result.exit_code == 0, result.output
    assert "38 rows of 3 classes, with 6 columns." in result.stderr
    assert " px" not in result.stderr
    assert "Trained 3 steps" in result.stdout
    assert "Preview" not in result.stdout
    assert "\x1b" not in result.output
    assert list(output.parent.iterdir()) == [output]
    return output


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.training.Run", lambda *_, **__: pytest.fail("it went to work"))


# fit


def test_rules_are_declared_and_switched_off(customers: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(customers, encoding="utf-8-sig")[["amount", "flag", "churned"]]
    frame["more"], frame["paid in"] = frame["amount"] + np.arange(len(frame)) + 1, (frame["amount"] * 2).round(2)
    source, output = tmp_path / "t.csv", tmp_path / "t.onnx"
    frame.to_csv(source, index=False)
    asked = ["fit", source, "--target", "churned", "--output", output, "--steps", 3]
    result = run(*asked, "--rule", "amount < more", "--rule", "not amount, which gives paid in")
    assert result.exit_code == 0, result.output
    printed = run("inspect", output).stdout
    assert "ordered  amount < more" in printed
    assert "which gives" not in printed
    assert run("sample", output, "--output", tmp_path / "rows.csv", "--per-class", 50).exit_code == 0
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert (rows["amount"] < rows["more"]).all()
    assert not np.isclose(rows["paid in"], 2 * rows["amount"]).all()


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize(
    ("rule", "saying"),
    [
        ("amount <= count", "rows break 'amount <= count'; the first is row"),
        ("amont <= count", "has 'amont' where a column must stand"),
        ("city <= count", "'city' holds categories"),
        ("amount", "A rule must have <=, <, >=, >, = or a comma after 'amount'"),
        ("", "lacks a column"),
    ],
)
def test_fit_refuses_rules_that_do_not_hold(rule: str, saying: str, customers: Path, tmp_path: Path) -> None:
    asked = ["fit", customers, "--target", "churned", "--output", tmp_path / "a.onnx"]
    refused(*asked, "--rule", rule, saying=saying)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_fit")
@pytest.mark.parametrize(
    ("content", "saying"),
    [
        ("", "must begin with a line that names the columns, but has none: add one."),
        ("a,y\n", "must have rows"),
        ("a,a,y\n1,2,n\n", "'a' comes twice"),
        ("1.5,2,n\n1.7,3,m\n", "which has '1.5', '2', 'n', but is 'y'."),
        ("a,z\n1,n\n", "which has 'a', 'z', but is 'y'."),
        ("a,y\n1,n\n2,\n", "1 have none in 'y'"),
        ("a,y\n1,n\n2,n\n", "at least two classes, but there is only ['n']"),
        ("a,y\n1,0.5\n2,1.0\n", "numbers such as 0.5: a continuous target"),
        ("a,y\n" + "".join(f"1,{i}\n" for i in range(300)), "holds 300 different numbers in 300 rows"),
        ("a,y\n1,2024-01-01\n2,2024-01-02\n", "text, whole numbers, or true and false"),
        ("y\nn\nm\n", "1 to 10,000 columns"),
        ("a,y\n1,n\n1,m\n", "all are constant"),
        ("a,y\n" + "1,n\n" * 30 + "?,m\n", "among its numbers is '?'"),
        ("a,y\n1,n\ninf,m\n2,n\n", "'a' has infinities"),
        ("a,y\n1,n\n2,m\n3", "line 4 has 1"),
        ("a\x1b[2J,y\n1,n\n", "at least two classes"),
        ("a,y\n1,n\n2,m\0\n", "'m\\x00' is not"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "UTF-8"),
    ],
)
def test_tables_that_cannot_be_learned(content: str | bytes, saying: str, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused("fit", source, "--target", "y", "--output", tmp_path / "a.onnx", saying=saying)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.usefixtures("no_fit")
def test_fit_refuses(customers: Path, parquet: Path, tmp_path: Path) -> None:
    output = ["--output", tmp_path / "a.onnx"]
    refused("fit", customers, *output, saying="needs a target (--target), the column that holds the classes")
    refused("fit", customers, *output, "--target", "churned", "--size", 16, saying="--size is for images")
    refused("fit", customers, *output, "--target", "\x1b[2J", saying="but is '\\x1b[2J'")
    refused("fit", tmp_path / "no.csv", *output, "--target", "y", saying="There is no table")
    (tmp_path / "cut.parquet").write_bytes(parquet.read_bytes()[:-50])
    refused("fit", tmp_path / "cut.parquet", *output, "--target", "y", saying="must be a whole Parquet file")
    (tmp_path / "t.tsv").write_text("a\ty\n1\tn\n")
    clips = "a folder of clips (.npy, animated .gif, .webp or .png, .tiff stacks)"
    tables = "a .csv or .parquet file or a folder of .parquet files"
    forms = f"an image folder, {tables}, a folder of .wav or .npy files, or {clips}"
    other = f"must be {forms}, but SOURCE is {str(tmp_path / 't.tsv')!r}"
    refused("fit", tmp_path / "t.tsv", *output, "--target", "y", saying=other)
    (tmp_path / "folder.csv").mkdir()
    refused("fit", tmp_path / "folder.csv", *output, "--target", "y", saying="--target names a column of a table")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    refused("fit", tmp_path / "loop.csv", *output, "--target", "y", saying="There is no table")
    refused("fit", customers, "--output", tmp_path / "no" / "a.onnx", "--target", "churned", saying="does not exist")
    refused("fit", customers, "--output", tmp_path / "a.csv", "--target", "churned", saying="ends in .onnx")
    assert sorted(contents(tmp_path)) == ["cut.parquet", "t.tsv"]


def test_a_folder_named_like_a_table_is_one_of_images(tmp_path: Path) -> None:
    (tmp_path / "x.csv" / "cat").mkdir(parents=True)
    refused("fit", tmp_path / "x.csv", "--output", tmp_path / "a.onnx", saying="An image folder must hold")


@pytest.mark.usefixtures("no_fit")
def test_fit_refuses_parquet_types_that_cannot_be_learned(tmp_path: Path) -> None:
    source = tmp_path / "t.parquet"
    for values in (
        [b"a", b"b"],
        [[1], [2]],
        [{"a": 1}, {"a": 2}],
        pa.array([1, 2], pa.time32("s")),
        [Decimal(10**30), Decimal(10**30 + 1)],
    ):
        pq.write_table(pa.table({"odd": values, "y": ["n", "m"]}), source)
        for saying in ("'odd'", "gnore it (--ignore)"):
            refused("fit", source, "--target", "y", "--output", tmp_path / "a.onnx", saying=saying)
    pq.write_table(pa.table({"odd": [[1], [2]], "y": ["n", "m"]}), source)
    saying = "column 'odd' holds lists: ignore it (--ignore), or drop it, or make a column of each part."
    refused("fit", source, "--target", "y", "--output", tmp_path / "a.onnx", saying=saying)
    assert list(tmp_path.iterdir()) == [source]


NESTED = {
    "list": pa.array([[1], [2]] * 10),
    "ragged list": pa.array([[], [2]] * 10),
    "large list": pa.array([["a"], ["b"]] * 10, pa.large_list(pa.string())),
    "fixed list": pa.array([[1, 2], [3, 4]] * 10, pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1}, {"a": 2}] * 10),
    "map": pa.array([[("k", 1)], [("k", 2)]] * 10, pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a", b"\xff"] * 10),
    "nested": pa.array([[{"a": [1]}], [{"a": []}]] * 10),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nested_types_are_refused_in_a_sentence(kind: str, model: Path, tmp_path: Path) -> None:
    source, plain = tmp_path / "t.parquet", pa.array(["n", "m"] * 10)
    as_target = {"x": pa.array(range(20)), "y": NESTED[kind]}
    as_feature = {"x": pa.array(range(20)), "odd": NESTED[kind], "y": plain}
    for columns, name in ((as_target, "y"), (as_feature, "odd")):
        pq.write_table(pa.table(columns), source)
        output = tmp_path / "out.onnx"
        refused("fit", source, "--target", "y", "--output", output, saying="hold" if name == "odd" else "abel")
        refused("balance", source, model, "--output", tmp_path / "out.parquet", saying="Error")
        refused("evaluate", source, "--target", "y", "--budget", "1s", saying="hold" if name == "odd" else "abel")
    if kind != "binary":
        group = ["evaluate", source, "--target", "y", "--group", "odd", "--budget", "1s"]
        refused(*group, saying="Groups must be one text or number for each sample")
    assert list(tmp_path.iterdir()) == [source]


@pytest.fixture
def quick_export(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Return another model instead of exporting one, which takes seconds."""
    monkeypatch.setattr("ganaug.training.Trained.export", lambda _: Generator.load(model))


@pytest.mark.usefixtures("quick_export")
def test_quiet_says_warnings_alone(customers: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "t.csv", tmp_path / "a.onnx"
    source.write_bytes(customers.read_bytes() + b"1.000,2,x,TRUE,2024-01-01,x,lone\n")
    result = run("fit", source, "--target", "churned", "--output", output, "--steps", 1, "--quiet")
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    said = result.stderr.splitlines()
    assert all(line.startswith("Warning: ") for line in said)
    assert any("There is one row alone of class 'lone'" in line for line in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "t.csv"]


def test_a_full_disk_costs_no_older_model(customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "a.onnx"
    output.write_text("an older model")
    monkeypatch.setattr(files, "_sync", full_disk)
    result = run("fit", customers, "--target", "churned", "--output", output, "--steps", 1, "--quiet")
    assert result.exit_code == 2
    assert "no space left on device" in result.stderr.splitlines()[-1]
    assert contents(tmp_path) == {"a.onnx": b"an older model"}


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# inspect


def test_inspect_names_the_columns_and_steers_no_terminal(model: Path) -> None:
    shown = run("inspect", model)
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout
    for words in (
        "modality     table",
        "6: amount, count, city, flag, since, =1+1",
        "\\x1b[2J",
        "no                  24",
    ):
        assert words in shown.stdout, words
    assert "constraints" not in shown.stdout
    about = json.loads(run("inspect", model, "--json").stdout)
    assert about["schema"]["target"] == "churned"
    assert [column["name"] for column in about["schema"]["columns"]] == COLUMNS[:-1]
    kinds = [column["kind"] for column in about["schema"]["columns"]]
    assert kinds == ["numeric", "integer", "category", "boolean", "datetime", "category"]


def test_inspect_shows_the_constraints_that_were_found(tmp_path: Path) -> None:
    low = np.random.default_rng(0).exponential(size=80)
    table = pd.DataFrame({"low": low, "high\x1b[2J": low + low[::-1], "copy": low, "y": ["a", "b", "a", "a"] * 20})
    table.to_parquet(tmp_path / "table.parquet")
    path = tmp_path / "table.onnx"
    arguments = ("fit", tmp_path / "table.parquet", "--target", "y", "--output", path, "--steps", 3, "--no-preview")
    assert run(*arguments).exit_code == 0
    shown = run("inspect", path).stdout
    assert "\nconstraints that hold in all training samples, and in all synthetic samples\n" in shown
    assert "  linear   low, which gives copy\n" in shown
    assert "\x1b" not in shown
    assert "  ordered  low <= high\\x1b" in shown


# sample


def test_sample_writes_rows_in_the_form_of_the_table(model: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet", "b.csv"):
        result = run("sample", model, "--output", tmp_path / name, "--per-class", 30)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"Wrote 90 rows of 3 classes to {tmp_path / name}.\n"
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    header, *rows = rows_of(tmp_path / "a.csv")
    assert header == COLUMNS
    assert Counter(row[-1] for row in rows) == dict.fromkeys(COUNTS, 30)
    assert {row[1] for row in rows} <= {"", *"123456789"}
    assert all(re.fullmatch(r"\d+\.\d\d0", row[0]) for row in rows)
    table = pq.read_table(tmp_path / "a.parquet")
    assert [str(field.type) for field in table.schema] == [
        "double",
        "int64",
        "large_string",
        "bool",
        "timestamp[us]",
        *["large_string"] * 2,
    ]
    pd.testing.assert_frame_equal(
        table_file.read_table(tmp_path / "a.csv"), table_file.read_table(tmp_path / "a.parquet")
    )


def test_sample_of_some_classes_is_a_part_of_that_of_all(model: Path, tmp_path: Path) -> None:
    asked = {"all": [], "some": ["--class", "yes", "--class", "no", "--class", "yes"], "other": ["--seed", 1]}
    for name, options in asked.items():
        assert run("sample", model, "--output", tmp_path / f"{name}.csv", *options).exit_code == 0
    whole, some, other = (rows_of(tmp_path / f"{name}.csv")[1:] for name in asked)
    assert len(some) == 32
    assert sorted(some) == sorted(row for row in whole if row[-1] in ("yes", "no"))
    assert whole != other


def test_a_large_sample_comes_in_pieces(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.cli.drawn_rows.PIECE_ROWS", 7)
    options = ["--per-class", 40, "--class", "no"]
    assert run("sample", model, "--output", tmp_path / "pieces.parquet", *options).exit_code == 0
    monkeypatch.undo()
    assert run("sample", model, "--output", tmp_path / "whole.parquet", *options).exit_code == 0
    assert pq.ParquetFile(tmp_path / "pieces.parquet").num_row_groups == 6
    assert pq.read_table(tmp_path / "pieces.parquet").equals(pq.read_table(tmp_path / "whole.parquet"))


def test_pieces_where_all_is_missing_do_not_change_the_types(model: Path, tmp_path: Path, monkeypatch: Any) -> None:
    schema = json.loads(run("inspect", model, "--json").stdout)["schema"]
    schema["columns"][2] |= {"dtype": "object", "none": True}
    strange = with_metadata(model, tmp_path / "strange.onnx", schema=schema)
    monkeypatch.setattr("ganaug.cli.drawn_rows.PIECE_ROWS", 1)
    output = tmp_path / "a.parquet"
    for seed in range(3):
        assert run("sample", strange, "--output", output, "--seed", seed).exit_code == 0
        assert "string" in str(pq.read_schema(output).field("city").type)


def test_sample_refuses(model: Path, tmp_path: Path) -> None:
    refused("sample", model, "--output", tmp_path / "out", saying="A table is written to a .csv or .parquet file")
    refused("sample", model, "--output", tmp_path / "no" / "a.csv", saying="does not exist")
    (tmp_path / "a.csv").mkdir()
    refused("sample", model, "--output", tmp_path / "a.csv", saying="that is a folder")
    refused("sample", model, "--output", tmp_path / "b.csv", "--class", "\x1b[2J", saying="but is '\\x1b[2J'")
    refused("sample", IMAGES, "--output", tmp_path / "b.csv", saying="a folder of PNG files")
    schema = json.loads(run("inspect", model, "--json").stdout)["schema"] | {"target": "city"}
    clash = with_metadata(model, tmp_path / "clash.onnx", schema=schema)
    refused("sample", clash, "--output", tmp_path / "b.csv", saying="'city'")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "clash.onnx"]


def test_sample_of_the_rows_that_fit(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--where", "city==2+5", "--where", "city=two\rlines", "--where", "amount=5..", "--where", "flag=true"]
    options += ["--where", "since=2024-02-01..2024-07-31", "--where", f"{ODD}=x", "--class", "no", "--per-class", 15]
    assert run("sample", model, "--output", tmp_path / "a.parquet", *options).exit_code == 0
    rows = pd.read_parquet(tmp_path / "a.parquet")
    assert len(rows) == 15
    assert set(rows["city"]) == {"=2+5", "two\rlines"}
    assert (rows["amount"] >= 5).all()
    assert rows["flag"].all()
    assert rows["since"].between("2024-02-01", "2024-08-01").all()
    assert set(rows[ODD]) == {"x"}
    monkeypatch.setattr("ganaug.cli.drawn_rows.PIECE_ROWS", 4)
    assert run("sample", model, "--output", tmp_path / "b.parquet", *options).exit_code == 0
    assert pq.read_table(tmp_path / "b.parquet").equals(pq.read_table(tmp_path / "a.parquet"))
    assert run("sample", model, "--output", tmp_path / "a.csv", "--where", "count=", "--where", "city=").exit_code == 0
    assert {(row[1], row[2]) for row in rows_of(tmp_path / "a.csv")[1:]} == {("", "")}


@pytest.mark.parametrize(
    ("condition", "saying"),
    [
        ("amount", "--where must be COLUMN=VALUE or COLUMN=LOW..HIGH, but is 'amount'"),
        ("size=3", "must begin with a column of the model ('amount', 'count', 'city'"),
        ("churned=yes", "'churned' holds the classes: write --class 'yes' instead"),
        ("amount=many", "olumn 'amount' holds numbers, but --where asks for 'many'"),
        ("amount=..", "as in amount=LOW.. or amount=..HIGH, but is 'amount=..'"),
        ("count=20", "'count'"),
        ("since=2030-01-01", "times from 2024"),
        ("city=Paris", "'Paris' is none of them"),
        ("flag=maybe", "'maybe' is none of them"),
    ],
)
def test_sample_refuses_conditions_that_no_row_fulfils(
    condition: str, saying: str, model: Path, tmp_path: Path
) -> None:
    refused("sample", model, "--output", tmp_path / "a.csv", "--where", condition, saying=saying)
    assert list(tmp_path.iterdir()) == []


def test_sample_refuses_conditions_where_they_mean_nothing(model: Path, tmp_path: Path) -> None:
    refused(
        "sample", IMAGES, "--output", tmp_path / "a", "--where", "x=1", saying="Where restricts the rows of a table"
    )
    walk = ["sample", model, "--output", tmp_path / "a.png", "--walk", "--where", "flag=true"]
    refused(*walk, saying="leave one of them out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_failure_of_sample_costs_no_older_file(name: str, model: Path, tmp_path: Path, monkeypatch: Any) -> None:
    output = tmp_path / name
    output.write_text("older")
    monkeypatch.setattr(files, "_sync", full_disk)
    refused("sample", model, "--output", output, saying="no space left on device")
    monkeypatch.setattr(files, "_sync", raising(signal.SIGINT))
    result = run("sample", model, "--output", output)
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")
    assert contents(tmp_path) == {name: b"older"}


# balance


def balanced(source: Path, model: Path, output: Path, *options: object) -> Path:
    result = run("balance", source, model, "--output", output, *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert result.stdout == f"Wrote 38 real and 34 synthetic rows to {output}.\n"
    return output


def test_a_csv_is_copied_field_by_field(customers: Path, model: Path, tmp_path: Path) -> None:
    output = balanced(customers, model, tmp_path / "out.csv")
    header, *rows = rows_of(output)
    real = rows_of(customers)
    real[0][0] = real[0][0].removeprefix("\ufeff")
    assert [header, *rows[:38]] == [[*real[0], "synthetic"], *([*row, "False"] for row in real[1:])]
    assert Counter(row[-2] for row in rows) == dict.fromkeys(COUNTS, 24)
    assert {row[-1] for row in rows[38:]} == {"True"}
    assert balanced(customers, model, tmp_path / "same.csv", "--target", "churned").read_bytes() == output.read_bytes()
    assert balanced(customers, model, tmp_path / "other.csv", "--seed", 5).read_bytes() != output.read_bytes()


def test_an_alarm_about_a_class_that_is_filled_up_is_noted(customers: Path, model: Path, tmp_path: Path) -> None:
    training = json.loads(run("inspect", model, "--json").stdout)["training"]
    largest = max(COUNTS, key=lambda name: COUNTS[name])
    for name in COUNTS:
        alarming = {"training": training | {"alarms": ["some rows hardly vary"], "alarmed": [str(name)]}}
        other = with_metadata(model, tmp_path / "other.onnx", **alarming)
        result = run("balance", customers, other, "--output", tmp_path / "out.csv")
        told = f"Note: the training of this model ended with an alarm about {str(name)!r}. Some rows hardly vary.\n"
        assert result.stderr == ("" if name == largest else told)


def test_a_balanced_csv_can_be_learned_and_its_columns_have_the_same_types(
    customers: Path, model: Path, tmp_path: Path
) -> None:
    real = table_file.read_table(customers)
    whole = table_file.read_table(balanced(customers, model, tmp_path / "out.csv"))
    assert whole.drop(columns="synthetic").dtypes.to_dict() == real.dtypes.to_dict()
    pd.testing.assert_frame_equal(whole.iloc[:38].drop(columns="synthetic"), real)


@pytest.mark.parametrize("pieces", [50_000, 5])
def test_a_csv_becomes_a_typed_parquet(
    pieces: int, customers: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", pieces)
    output = balanced(customers, model, tmp_path / "out.parquet")
    table = pq.read_table(output)
    assert [str(field.type) for field in table.schema] == [
        "double", "int64", "large_string", "bool", "timestamp[us]", "large_string", "large_string", "bool",
    ]  # fmt: skip
    whole = table_file.read_table(output)
    pd.testing.assert_frame_equal(whole.iloc[:38].drop(columns="synthetic"), table_file.read_table(customers))
    assert whole["synthetic"].tolist() == [False] * 38 + [True] * 34
    assert whole["churned"].value_counts().to_dict() == dict.fromkeys(COUNTS, 24)


@pytest.mark.parametrize("pieces", [50_000, 5])
def test_a_parquet_keeps_its_types_and_values(
    pieces: int, parquet: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", pieces)
    table = pq.read_table(balanced(parquet, model, tmp_path / "out.parquet"))
    real = pq.read_table(parquet)
    assert table.schema.remove_metadata() == real.schema.append(pa.field("synthetic", pa.bool_())).remove_metadata()
    for name in COLUMNS:
        assert table[name][:38].to_pylist() == real[name].to_pylist()
    assert Counter(table["churned"].to_pylist()) == dict.fromkeys(COUNTS, 24)
    assert table["synthetic"].to_pylist() == [False] * 38 + [True] * 34


def test_a_parquet_becomes_a_csv(parquet: Path, model: Path, tmp_path: Path) -> None:
    header, *rows = rows_of(balanced(parquet, model, tmp_path / "out.csv"))
    assert header == [*COLUMNS, "synthetic"]
    assert Counter(row[-2] for row in rows) == dict.fromkeys(COUNTS, 24)
    real = pq.read_table(parquet).to_pydict()
    assert [row[0] for row in rows[:38]] == [str(value) for value in real["amount"]]
    assert [row[1] for row in rows[:38]] == ["" if value is None else str(value) for value in real["count"]]
    assert [row[2] for row in rows[:38]] == [value or "" for value in real["city"]]


FORMS = {
    "midnight": ("2020-{m:02}-{d:02} 00:00:00", r"2020-\d\d-\d\d 00:00:00"),
    "minutes": ("2020-01-{d:02}T{m:02}:30", r"2020-\d\d-\d\dT\d\d:\d\d"),
    "utc": ("2020-01-{d:02}T{m:02}:30:00Z", r"2020-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "offset": ("2020-01-{d:02} {m:02}:30:00+01:00", r"2020-\d\d-\d\d \d\d:\d\d:\d\d\+01:00"),
    "local": ("2020-{m:02}-{d:02} 00:00:00{o}", r"2020-\d\d-\d\d 00:00:00\+0[12]:00"),
    "decimals": ("2020-01-{d:02} {m:02}:30:00.{d:03}", r"2020-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\d"),
    "truth": ("{t}", "TRUE|FALSE"),
    "phone": ("+471234{d:04}", r"\+471234\d\d\d\d"),
}


def _berlin(day: str) -> str:
    """Return the offset from UTC of a day's midnight in Berlin, as text."""
    return pd.Timestamp(day, tz="Europe/Berlin").isoformat()[-6:]


def test_decimals_durations_and_periods_of_a_parquet_stay_what_they_are(tmp_path: Path) -> None:
    source, model = tmp_path / "t.parquet", tmp_path / "m.onnx"
    rng = np.random.default_rng(0)
    pd.DataFrame(
        {
            "price": pd.Series([Decimal(cents).scaleb(-2) for cents in rng.integers(0, 10**5, 40).tolist()]),
            "stay": pd.to_timedelta(rng.integers(0, 30, 40), "D").as_unit("us"),
            "month": pd.period_range("2020-01", periods=40, freq="M"),
            "y": ["a", "b", "b", "b"] * 10,
        }
    ).to_parquet(source)
    schema = pq.read_schema(source).remove_metadata()
    assert run("fit", source, "--target", "y", "--output", model, "--steps", 2).exit_code == 0
    for output, arguments in (
        (tmp_path / "balanced.parquet", ["balance", source, model]),
        (tmp_path / "sample.parquet", ["sample", model, "--per-class", 9]),
    ):
        result = run(*arguments, "--output", output)
        assert result.exit_code == 0, result.output
        table = pq.read_table(output)
        assert [table.schema.field(name).type for name in ("price", "stay", "month")] == schema.types[:3]
        frame = table.to_pandas()
        assert not (frame["stay"].dt.total_seconds() % 86400).any()
    assert run("balance", source, model, "--output", tmp_path / "out.csv").exit_code == 0
    texts = pd.read_csv(tmp_path / "out.csv", dtype=str)
    for name, form in {"price": r"\d+\.\d\d", "stay": r"\d+ days 00:00:00", "month": r"20\d\d-\d\d"}.items():
        assert texts[name].str.fullmatch(form).all(), name


def test_synthetic_dates_and_truth_values_are_written_as_the_real_ones(tmp_path: Path) -> None:
    source, output = tmp_path / "t.csv", tmp_path / "out.csv"
    cells = [
        [
            form.format(
                m=i % 12 + 1, d=i % 28 + 1, t=str(i % 3 == 0).upper(), o=_berlin(f"2020-{i % 12 + 1}-{i % 28 + 1}")
            )
            for form, _ in FORMS.values()
        ]
        for i in range(40)
    ]
    with source.open("w", newline="") as lines:
        csv.writer(lines).writerows([[*FORMS, "y"], *([*row, "ab"[i % 4 == 0]] for i, row in enumerate(cells))])
    assert run("fit", source, "--target", "y", "--output", tmp_path / "m.onnx", "--steps", 2).exit_code == 0
    assert run("balance", source, tmp_path / "m.onnx", "--output", output).exit_code == 0
    header, *rows = rows_of(output)
    assert len(rows) == 60
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        if name in FORMS:
            assert all(re.fullmatch(FORMS[name][1], cell) for cell in column), name
    assert all(row[header.index("local")].endswith(_berlin(row[header.index("local")][:10])) for row in rows)
    assert len({row[header.index("offset")] for row in rows[40:]} - {row[header.index("offset")] for row in rows[:40]})


def test_dates_from_a_parquet_and_those_of_samples_have_one_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, model, output = tmp_path / "t.parquet", tmp_path / "m.onnx", tmp_path / "out.csv"
    days = [i % 28 for i in range(40)]
    columns = {
        "day": pa.array(days, pa.date32()),
        "midnight": pa.array([day * 86400 for day in days], pa.timestamp("s")),
        "hour": pa.array([day * 86400 + day % 3 * 3600 for day in days], pa.timestamp("s")),
    }
    pq.write_table(pa.table({**columns, "y": ["ab"[i % 4 == 0] for i in range(40)]}), source)
    assert run("fit", source, "--target", "y", "--output", model, "--steps", 2).exit_code == 0
    assert run("balance", source, model, "--output", output).exit_code == 0
    assert {tuple(map(len, row[:3])) for row in rows_of(output)[1:]} == {(10, 19, 19)}
    # The hours must be written even for a piece in which all are zero.
    monkeypatch.setattr("ganaug.cli.drawn_rows.PIECE_ROWS", 1)
    assert run("sample", model, "--output", output, "--per-class", 20).exit_code == 0
    samples = rows_of(output)[1:]
    assert {tuple(map(len, row[:3])) for row in samples} == {(10, 10, 19)}
    assert any(row[2].endswith("00:00:00") for row in samples)
    # Another Parquet file has the types of the first one.
    for command in (("balance", source, model), ("sample", model, "--per-class", 20)):
        assert run(*command, "--output", tmp_path / "out.parquet").exit_code == 0
        written = pq.read_table(tmp_path / "out.parquet")
        found = [written.schema.field(name).type for name in columns]
        assert found[0] == pa.date32()
        assert all(pa.types.is_timestamp(kind) for kind in found[1:])
        assert set(written["day"].to_pylist()) <= set(pa.array(range(28), pa.date32()).to_pylist())


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ([0, 1, 2], ["0.0", "1.0", "2.0"]),
        ([False, True], ["FALSE", "TRUE"]),
        ([7, 8, 9], ["7", "8", "+9"]),
        (["07", "10", "8"], ["07", "10", "8"]),
    ],
)
def test_synthetic_labels_are_written_as_the_real_ones(
    classes: list[Any], labels: list[str], customers: Path, model: Path, tmp_path: Path
) -> None:
    about = Generator.load(model).metadata
    thresholds = {"thresholds": about["screen"]["thresholds"][: len(classes)]}
    changed = {"classes": classes, "class_counts": [1] * len(classes), "screen": thresholds}
    other = with_metadata(model, tmp_path / "other.onnx", **changed)
    rows = rows_of(customers)[1:]
    source = tmp_path / "source.csv"
    with source.open("w", newline="") as lines:
        csv.writer(lines).writerows(
            [COLUMNS, *([*row[:-1], labels[max(0, i - 20) % len(labels)]] for i, row in enumerate(rows))]
        )
    result = run("balance", source, other, "--output", tmp_path / "out.csv")
    assert result.exit_code == 0, result.stderr
    counts = Counter(row[-2] for row in rows_of(tmp_path / "out.csv")[1:])
    assert set(counts) == set(labels)
    assert len(set(counts.values())) == 1
    assert run("balance", source, other, "--output", tmp_path / "out.parquet").exit_code == 0
    counts = Counter(pq.read_table(tmp_path / "out.parquet")["churned"].to_pylist())
    assert set(counts) == set(classes)
    assert len(set(counts.values())) == 1


def edited(customers: Path, path: Path, **columns: Any) -> Path:
    frame = pd.read_csv(customers, dtype=str, keep_default_na=False)
    frame.assign(**columns).to_csv(path, index=False, lineterminator="\r\n")
    return path


def test_balance_refuses_what_the_model_was_not_fitted_to(customers: Path, model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "t.csv", ["--output", tmp_path / "out.csv"]
    frame = pd.read_csv(customers, dtype=str, keep_default_na=False)
    for changed, saying in (
        (frame.assign(more="1"), "but it does not know 'more': fit"),
        (frame.drop(columns="amount"), "but it knows 'amount' as well: fit"),
        (frame.drop(columns="churned"), "'=1+1,\"\\x1b[2J', but is 'churned'"),
        (frame.assign(synthetic="False"), "must have no column 'synthetic'"),
        (frame.assign(churned=frame["churned"].replace("no", "other\x1b[2J")), "'other\\x1b[2J', 'yes'"),
        (frame[frame["churned"] != "yes"], "must have the classes of"),
        (frame.assign(churned=frame["churned"].replace("no", "")), "24 have none in 'churned'"),
        (frame.iloc[:0], "must have rows"),
    ):
        changed.to_csv(source, index=False, lineterminator="\r\n")
        refused("balance", source, model, *output, saying=saying)
    refused("balance", customers, model, *output, "--target", "city", saying="without 'city', its --target")
    refused("balance", customers, model, *output, "--target", "nothing", saying="but is 'nothing'")
    refused("balance", customers, IMAGES, *output, saying="must make tables like SOURCE, but")
    refused("balance", tmp_path / "no.csv", model, *output, saying="There is no table")
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("labels", [("1", "0"), ("True", "False")])
def test_numbers_are_not_truth_values_nor_text(
    labels: tuple[str, str], customers: Path, model: Path, tmp_path: Path
) -> None:
    about = Generator.load(model).metadata
    changed = {"class_counts": [1, 1], "screen": {"thresholds": about["screen"]["thresholds"][:2]}}
    source = edited(customers, tmp_path / "t.csv", churned=list(labels) * 19)
    for number, classes in enumerate(([False, True], [0, 1], list(labels))):
        other = with_metadata(model, tmp_path / f"{number}.onnx", classes=classes, **changed)
        if str(classes[0]) in labels and not isinstance(classes[0], str):
            assert run("balance", source, other, "--output", tmp_path / "out.csv").exit_code == 0
        else:
            refused("balance", source, other, "--output", tmp_path / "no.csv", saying="must have the classes of")
    assert not (tmp_path / "no.csv").exists()


def test_balance_refuses_a_column_of_another_type(customers: Path, model: Path, tmp_path: Path) -> None:
    for columns, saying in (
        (
            {"amount": ["2024-01-01", "2024-01-02"] * 19},
            "must hold numbers, as it did where the model was fitted, but holds '2024",
        ),
        ({"amount": ["many", "few"] * 19}, "must hold numbers, as it did where the model was fitted, but holds 'many'"),
        ({"amount": ["1"] * 37 + ["many"]}, "among its numbers is 'many'"),
        ({"amount": ["1"] * 37 + ["inf"]}, "'amount' has infinities"),
        ({"flag": ["yes", "no"] * 19}, "'flag' of"),
        (
            {"flag": ["yes", "no"] * 19},
            "must hold true and false, as it did where the model was fitted, but holds 'yes'",
        ),
        ({"flag": ["1", "0"] * 19}, "must hold true and false, as it did where the model was fitted, but holds '1'"),
        ({"since": ["1", "2"] * 19}, "must hold dates, as it did where the model was fitted, but holds '1'"),
    ):
        source = edited(customers, tmp_path / "t.csv", **columns)
        for output in ("out.csv", "out.parquet"):
            refused("balance", source, model, "--output", tmp_path / output, saying=saying)
    assert list(tmp_path.iterdir()) == [source]


def test_codes_keep_their_leading_zeros(tmp_path: Path) -> None:
    source, model = tmp_path / "t.csv", tmp_path / "a.onnx"
    codes = ["00501", "01001", "10115", "90210"]
    labels = ["01", "02", "01"] * 10
    source.write_text("code,x,y\n" + "".join(f"{codes[i % 4]},{i % 7}.5,{labels[i]}\n" for i in range(30)))
    result = run("fit", source, "--target", "y", "--output", model, "--steps", 1, "--quiet", "--no-preview")
    assert result.exit_code == 0, result.output
    for name in ("out.csv", "out.parquet"):
        assert run("balance", source, model, "--output", tmp_path / name).exit_code == 0
        read = pd.read_csv(tmp_path / name, dtype=str) if name == "out.csv" else pd.read_parquet(tmp_path / name)
        assert read["code"][:30].tolist() == [codes[i % 4] for i in range(30)]
        assert set(read["code"][30:]) <= set(codes)
        assert read["y"].value_counts().to_dict() == {"01": 20, "02": 20}


def test_balance_never_writes_over_its_source(customers: Path, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes(customers.read_bytes())
    (tmp_path / "link.csv").symlink_to(source)
    for output in (source, tmp_path / "link.csv", tmp_path / "." / ".." / tmp_path.name / "t.csv"):
        refused("balance", source, model, "--output", output, saying="must not be SOURCE itself")
    refused("balance", tmp_path / "link.csv", model, "--output", source, saying="must not be SOURCE itself")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    refused("balance", tmp_path / "loop.csv", model, "--output", tmp_path / "out.csv", saying="There is no table")
    (tmp_path / "loop").symlink_to("loop")
    refused("balance", tmp_path / "loop", IMAGES, "--output", tmp_path / "out", saying="does not exist")
    assert source.read_bytes() == customers.read_bytes()


def test_balance_refuses_outputs(customers: Path, model: Path, tmp_path: Path) -> None:
    refused("balance", customers, model, "--output", tmp_path / "out", saying="--output is")
    refused("balance", customers, model, "--output", tmp_path / "no" / "out.csv", saying="does not exist")
    (tmp_path / "out.csv").mkdir()
    refused("balance", customers, model, "--output", tmp_path / "out.csv", saying="that is a folder")
    refused("balance", tmp_path, IMAGES, "--output", tmp_path / "images.csv", saying="a folder of PNG files")
    refused("balance", customers, tmp_path / "no.onnx", "--output", tmp_path / "a.csv", saying="There is no model file")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_failure_of_balance_costs_no_older_file(
    customers: Path, model: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    for output in (tmp_path / "a.csv", tmp_path / "a.parquet"):
        output.write_text("older")
        with monkeypatch.context() as patch:
            patch.setattr(files, "_sync", full_disk)
            refused("balance", customers, model, "--output", output, saying="no space left on device")
            patch.setattr("ganaug.cli.tables.draw_rows", raising(signal.SIGTERM))
            assert run("balance", customers, model, "--output", output).exit_code == 143
    assert contents(tmp_path) == {"a.csv": b"older", "a.parquet": b"older"}


def test_a_piece_of_few_rows_is_no_continuous_target(
    customers: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "PIECE_ROWS", 1)
    balanced(customers, model, tmp_path / "out.csv")


def test_a_model_of_numbered_columns_balances_a_table_of_them(model: Path, tmp_path: Path) -> None:
    schema = json.loads(run("inspect", model, "--json").stdout)["schema"]
    for number, column in enumerate(schema["columns"]):
        column["name"] = number
    other = with_metadata(model, tmp_path / "other.onnx", schema=schema)
    assert run("sample", other, "--output", tmp_path / "a.csv", "--per-class", 3).exit_code == 0
    assert rows_of(tmp_path / "a.csv")[0] == [*"012345", "churned"]
    rows = rows_of(tmp_path / "a.csv")[:-1]
    with (tmp_path / "b.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)
    result = run("balance", tmp_path / "b.csv", other, "--output", tmp_path / "c.csv")
    assert result.stdout.startswith("Wrote 8 real and 1 synthetic row to ")
    assert run("balance", tmp_path / "b.csv", other, "--output", tmp_path / "c.parquet").exit_code == 0


@pytest.mark.usefixtures("quick_export")
def test_a_long_table_is_learned_in_part_and_says_so(
    customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file.read_table, "__defaults__", (30,))
    arguments = ["--target", "churned", "--output", tmp_path / "a.onnx", "--steps", 1]
    result = run("fit", customers, *arguments)
    assert result.exit_code == 0, result.stderr
    assert "Warning: " in result.stderr
    assert "has 38 rows; a random 30 of them are learned from, with all rows of small classes." in result.stderr
    with pytest.warns(GanaugWarning):
        table_file.read_table(customers)


def test_rows_of_a_class_do_not_depend_on_the_others_and_classes_share_passes(
    model: Path, tmp_path: Path, passes: list[int]
) -> None:
    labels = Generator.load(model).classes
    assert run("sample", model, "--output", tmp_path / "all.csv", "--per-class", 20).exit_code == 0
    assert len(passes) <= 4  # the draws of one row
    options = ["--class", labels[-1], "--per-class", 15]
    assert run("sample", model, "--output", tmp_path / "one.csv", *options).exit_code == 0
    rows, one = (pd.read_csv(tmp_path / name) for name in ("all.csv", "one.csv"))
    own = rows[rows.iloc[:, -1] == one.iloc[0, -1]].head(15).reset_index(drop=True)
    pd.testing.assert_frame_equal(own, one)
