"""Files with odd spelling: fit, sample and balance write every field as the file itself does."""

import csv
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ganaug.cli.where import conditions_of
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.left_out import LeftOut
from ganaug.evaluation.evaluate import begin
from ganaug.runtime.generator import Generator
from tests.integration.cli.test_images import refused, run, with_metadata

ROWS = 40

COLUMNS: dict[str, tuple[list[str], str]] = {
    "words": (["None", "None", "None", "NA", "red"], "None|NA|red"),
    "gaps": (["1", "2", "NA", "4", "5"], r"\d|NA"),
    "floats": (["1.5", "n/a", "0.25", "4", "n/a"], r"\d(\.\d+)?|n/a"),
    "asked": (["7", "?", "8", "9", "?"], r"\d|\?"),
    "texts": (["up", "?", "down", "up", "?"], r"up|down|\?"),
    "days": (["2024-01-01", "2024-03-05", "0000-00-00", "2024-02-02", "2023-12-12"], r"202[34]-\d\d-\d\d|0000-00-00"),
    "minute": (["2024-01-01T09:30", "2024-03-05T10:00", "", "2024-02-02T11:11", ""], r"(2024-\d\d-\d\dT\d\d:\d\d)?"),
    "berlin": (
        ["2024-01-15T00:00:00+01:00", "NA", "2024-07-15T00:00:00+02:00", "2024-02-01T00:00:00+01:00", "NA"],
        r"2024-0([123]-\d\dT00:00:00\+01|[4567]-\d\dT00:00:00\+02):00|2024-03-31T00:00:00\+01:00|NA",
    ),
    "london": (
        ["2024-01-15 09:00Z", "2024-07-15 09:00+01:00", "?", "2024-02-01 09:00Z", "2024-06-15 09:00+01:00"],
        r"2024-0([123]-\d\d \d\d:00Z|[34567]-\d\d \d\d:00\+01:00)|\?",
    ),
    "truth": (["TRUE", "FALSE", "NULL", "TRUE", "FALSE"], "TRUE|FALSE|NULL"),
    "money": (["917,769", "31,000", "1,005", "12", "NA"], r"\d{1,3}(,\d{3})*|NA"),
    "share": (["82.8%", "7.0%", "12.5%", "99.9%", "0.1%"], r"\d+\.\d%"),
    "dollars": (["$1,234.50", "-$4.25", "$17.00", "$3.75", ""], r"(-?\$\d{1,3}(,\d{3})*\.\d\d)?"),
    "price": (["12.50", "0.10", "", "7.00", "3.25"], r"(\d+\.\d\d)?"),
    "tiny": (["1.5e-07", "2.25e-09", "?", "3e-07", "1.75e-08"], r"[1-9](\.\d{1,2})?e-0\d|\?"),
    "clock": (["09:30", "10:45", "00:15", "23:59", "12:00"], r"[012]\d:[0-5]\d"),
    "kind": (["None", "50%", "None", "50%", "None"], "None|50%"),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)


def table(path: Path, columns: dict[str, list[str]], **options: Any) -> Path:
    """Write 40 rows that repeat the fields, with a column that is different in every row."""
    rows = {name: [fields[i % len(fields)] for i in range(ROWS)] for name, fields in columns.items()}
    pd.DataFrame({"x": [str(i * i % 31) for i in range(ROWS)], **rows}).to_csv(path, index=False, **options)
    return path


def read(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> dict[str, list[str]]:
    with path.open(encoding=encoding, newline="") as lines:
        header, *rows = csv.reader(lines, delimiter=delimiter)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def fit(source: Path, target: str, model: Path, *options: object) -> str:
    result = run("fit", source, "--target", target, "--output", model, "--steps", 3, "--quiet", *options)
    assert result.exit_code == 0, result.output
    return result.stderr


def test_conditions_are_written_as_the_file_writes_its_fields(tmp_path: Path) -> None:
    columns = {
        "open": ["08:00", "09:30", "10:15", "23:59"],
        "pop": ["10.000", "917.769", "1.005", "12"],
        "size": ["170,5", "180,25", "165,0", "NA"],
        "rate": ["82,8%", "7,0%", "12,5%", "99,9%"],
        "score": ["1", "?", "3", "4"],
        "mood": ["up", "?", "down", "up"],
        "kind": ["a", "b"],
    }
    source, model, output = table(tmp_path / "t.csv", columns, sep=";"), tmp_path / "m.onnx", tmp_path / "s.csv"
    fit(source, "kind", model, "--decimal", ",", "--missing", "?")
    generator = Generator.load(model)
    asked = {
        "open=08:00..09:30": (480, 570),
        "open=8:00..": (480, None),
        "open=480": 480,
        "pop=10.000..": (10_000, None),
        "pop=..10000": (None, 10_000),
        "size=170,5..180": (170.5, 180),
        "size=170.5..180": (170.5, 180),
        "size=NA": None,
        "rate=82,8%..99,9%": (82.8, 99.9),
        "rate=82,8": 82.8,
        "score=?": None,
        "score=": None,
        "mood=?": None,
        "mood=up": "up",
    }
    for text, wanted in asked.items():
        assert conditions_of([text], generator) == {text.partition("=")[0]: [wanted]}, text
    for text, saying in {
        "open=morning": "Column 'open' holds numbers, but --where asks for 'morning': give a number, such as 08:00",
        "open=04:00..05:00": "'open' has times from 08:00 to 23:59, but --where asks for '04:00..05:00': ask for other",
        "open=10:00..09:00": "ask for other times",
        "open=07:59": "ask for other times",
        "open=08:00:30": "give a number, such as 08:00",
        "pop=10,000.5": "give a number, such as 12",
        "size=5$": "give a number, such as 165,0",
        "rate=high": "give a number, such as 7,0%",
        "open=NA": "'open' has no missing values, but where asks for them: ask for a value, or leave it out",
    }.items():
        refused("sample", model, "--output", output, "--where", text, saying=saying)
    options = ["--where", "open=08:00..10:15", "--where", "mood=?", "--per-class", 2]
    assert run("sample", model, "--output", output, *options).exit_code == 0
    written = read(output, ";")
    assert set(written["mood"]) == {"?"}
    assert all("08:00" <= one <= "10:15" for one in written["open"])


def test_every_field_is_written_as_in_the_file(tmp_path: Path) -> None:
    source, model, output = table(tmp_path / "t.csv", {n: c for n, (c, _) in COLUMNS.items()}), tmp_path / "m.onnx", []
    words = ("--missing", "?", "--missing", "0000-00-00")
    assert fit(source, "kind", model, *words) == ""
    codec = Generator.load(model).codec
    kinds = {str(column.name): column.kind for column in codec.columns}
    texts, dates = ("words", "texts"), ("days", "minute", "berlin", "london")
    wanted = dict.fromkeys(texts, "category") | dict.fromkeys(dates, "datetime") | {"truth": "boolean"}
    wanted |= dict.fromkeys(("x", "gaps", "asked", "money", "clock"), "integer")
    assert kinds == wanted | dict.fromkeys(("floats", "tiny", "price", "share", "dollars"), "numeric")
    bounds = {column.name: column.bounds for column in codec.numeric_columns}
    assert bounds["money"] == (12, 917_769)
    assert bounds["share"] == (0.1, 99.9)
    assert bounds["dollars"] == (-4.25, 1234.5)
    assert bounds["clock"] == (15, 1439)

    output = [tmp_path / name for name in ("sampled.csv", "balanced.csv")]
    assert run("sample", model, "--output", output[0], "--per-class", 600).exit_code == 0
    result = run("balance", source, model, "--output", output[1])
    assert result.exit_code == 0, result.output
    real = read(source)
    sampled, balanced = map(read, output)
    assert {name: fields[:ROWS] for name, fields in balanced.items() if name != "synthetic"} == real
    assert len(balanced["x"]) == 48
    for name, (fields, form) in COLUMNS.items():
        for written in (*sampled[name], *balanced[name][ROWS:]):
            assert re.fullmatch(form, written), (name, written)
        gaps = {"NA", "n/a", "?", "0000-00-00", "NULL", ""}.intersection(fields)
        assert gaps <= set(sampled[name]), name


def test_a_semicolon_file_with_decimal_commas_in_another_encoding(tmp_path: Path) -> None:
    columns = {
        "größe": ["1,75", "1,8", "NA", "1,62", "2"],
        "preis": ["1.234,50 €", "17,00 €", "0,99 €", "2.000,00 €", "5,25 €"],
        "stadt": ["Köln", "Düren", "Köln", "Bonn", "None"],
        "art": ["süß", "sauer", "süß", "süß", "süß"],
    }
    source = table(tmp_path / "t.csv", columns, sep=";", encoding="cp1252")
    model, output = tmp_path / "m.onnx", tmp_path / "out.csv"
    refused("fit", source, "--target", "art", "--output", model, saying="with --encoding cp1252 for example")
    fit(source, "art", model, "--decimal", ",", "--encoding", "cp1252")
    forms = {"größe": r"[12](,\d+)?|NA", "preis": r"(\d\.)?\d{1,3},\d\d €", "stadt": "Köln|Düren|Bonn|None"}
    for command in (("sample", model), ("balance", source, model)):
        result = run(*command, "--output", output)
        assert result.exit_code == 0, result.output
        written = read(output, ";", "cp1252")
        assert set(written) - {"synthetic"} == {"x", *columns}
        for name, form in forms.items():
            assert all(re.fullmatch(form, field) for field in written[name]), name
    assert written["preis"][:5] == columns["preis"]
    session = begin(source, Generator.load(model), target="art")
    assert session.seen == "all"
    assert run("balance", source, model, "--output", tmp_path / "out.parquet").exit_code == 0
    assert pq.read_table(tmp_path / "out.parquet")["größe"].to_pylist()[:5] == [1.75, 1.8, None, 1.62, 2]
    utf8 = table(tmp_path / "utf8.csv", columns, sep=",")
    refused("balance", utf8, model, "--output", output, saying="name it with --delimiter")
    result = run("balance", utf8, model, "--output", output, "--delimiter", ",", "--encoding", "utf-8")
    assert result.exit_code == 0, result.output
    assert read(output)["preis"][:5] == columns["preis"]
    assert all(re.fullmatch(forms["größe"], field) for field in read(output)["größe"])


def test_an_older_model_has_no_format(tmp_path: Path) -> None:
    source, model = table(tmp_path / "t.csv", {"a": ["5", "6", "NA"], "y": ["n", "m", "n"]}), tmp_path / "m.onnx"
    fit(source, "y", model)
    schema = dict(Generator.load(model).metadata["schema"])
    del schema["csv"]
    old = with_metadata(model, tmp_path / "old.onnx", schema=schema)
    for command in (("sample", old), ("balance", source, old)):
        assert run(*command, "--output", tmp_path / "out.csv").exit_code == 0
    damaged = with_metadata(model, tmp_path / "damaged.onnx", schema=schema | {"csv": {"missing": "?"}})
    refused("sample", damaged, "--output", tmp_path / "out.csv", saying="column schema is not valid")


def test_the_remedy_for_placeholders_works(tmp_path: Path) -> None:
    columns = {
        "number": ["1.5", "2.25", "unknown", "3", "4.5"],
        "day": ["2024-01-01", "2024-03-05", "0000-00-00", "2024-02-02", "2023-12-12"],
        "time": ["09:30", "-", "10:30", "11:30", "12:30"],
        "y": ["n", "m", "n", "n", "n"],
    }
    source, model = table(tmp_path / "t.csv", columns), tmp_path / "m.onnx"
    said = fit(source, "y", model)
    remedies = re.findall(r"--missing '([^']*)'", said)
    assert sorted(remedies) == ["-", "0000-00-00", "unknown"]
    for name, kind in (("number", "numbers"), ("day", "dates"), ("time", "times")):
        assert f"Column '{name}' holds {kind} like" in said
    assert fit(source, "y", model, *(part for word in remedies for part in ("--missing", word))) == ""
    kinds = [column.kind for column in Generator.load(model).codec.columns]
    assert kinds == ["integer", "numeric", "datetime", "integer"]


def test_the_users_words_in_a_parquet_come_back(tmp_path: Path) -> None:
    source, model, output = tmp_path / "t.parquet", tmp_path / "m.onnx", tmp_path / "out.parquet"
    texts = ["up", "?", "down", "?"] * 10
    pq.write_table(pa.table({"a": texts, "n": range(40), "y": ["n", "n", "n", "m"] * 10}), source)
    fit(source, "y", model, "--missing", "?")
    assert Generator.load(model).codec.columns[0].missing
    assert run("balance", source, model, "--output", output).exit_code == 0
    assert set(pq.read_table(output)["a"].to_pylist()[40:]) <= {"up", "down", "?"}
    assert None not in pq.read_table(output)["a"].to_pylist()


def test_options_that_are_refused(tmp_path: Path) -> None:
    source, output = table(tmp_path / "t.csv", {"y": ["n", "m"]}), ("--output", tmp_path / "m.onnx")
    for option, value, saying in (
        ("--delimiter", ";;", "The delimiter must be one character"),
        ("--decimal", "x", "The decimal mark (decimal) must be a point or a comma"),
        ("--encoding", "no-such", "The encoding must be one that Python knows"),
    ):
        refused("fit", source, "--target", "y", *output, option, value, saying=saying)
    (tmp_path / "images" / "cat").mkdir(parents=True)
    refused("fit", tmp_path / "images", *output, "--missing", "?", saying="are for tables")
    tabs = table(tmp_path / "tabs.csv", {"y": ["n,o", "m"]}, sep="\t")
    assert "a constant" not in fit(tabs, "y", tmp_path / "m.onnx", "--delimiter", "tab")


def test_a_table_is_evaluated_in_its_format(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", {"a": ["1,5", "2,5", "?"], "y": ["n", "m", "n"]}, sep=";")
    session = begin(source, target="y", csv=CsvFormat(decimal=",", missing=("?",)))
    assert [column.kind for column in session.data.columns] == ["integer", "numeric"]


def test_columns_are_left_out_of_a_file_in_any_format(tmp_path: Path) -> None:
    columns = {
        "code": [f"P{number:03}" for number in range(ROWS)],
        "price": ["1,5", "?", "22,25", "3,0", "?"],
        "kept": ["None", "NA", "red", "None", "None"],
        "mixed": ["1"] * (ROWS - 1) + ["odd"],
        "note": ["word " * 201, "NA", ""],
        "kind": ["None", "None", "NA"],
    }
    real = table(tmp_path / "real.csv", columns, sep=";")
    model, again, output = tmp_path / "m.onnx", tmp_path / "again.onnx", tmp_path / "balanced.csv"
    options = ("--decimal", ",", "--missing", "?", "--ignore", "code", "--ignore", "mixed", "--ignore", "code")
    assert "Ignored 'note'" in fit(real, "kind", model, *options)
    form = Generator.load(model).format
    assert form.column_names == ["x", "price", "kept"]
    assert form.ignored_names == ("code", "mixed", "note")
    assert set(form.csv.columns) <= {"x", "price", "kept", "kind"}  # type: ignore[attr-defined]

    assert run("balance", real, model, "--output", output).exit_code == 0
    written = read(output, ";")
    synthetic = written.pop("synthetic")
    rows = [[name, *fields[ROWS:]] for name, fields in written.items()]
    assert synthetic == ["False"] * ROWS + ["True"] * (len(synthetic) - ROWS)
    assert {name: fields[:ROWS] for name, fields in written.items()} == read(real, ";")
    fresh = {name: fields for name, *fields in rows}
    assert fresh["code"] == [f"P{ROWS + number:03}" for number in range(len(synthetic) - ROWS)]
    assert set(fresh["mixed"] + fresh["note"]) == {""}
    assert all(re.fullmatch(r"\d+,\d+|\?", field) for field in fresh["price"])
    assert set(fresh["kept"]) <= {"None", "NA", "red"}

    refused("fit", output, "--target", "kind", *options, "--output", again, saying="add --real-only")
    fit(output, "kind", again, *options, "--real-only")
    assert Generator.load(again).metadata["fingerprint"] == Generator.load(model).metadata["fingerprint"]
    session = begin(output, Generator.load(model), target="kind", left_out=LeftOut(real_only=True))
    assert list(session.data.content) == ["x", "price", "kept"]
    assert session.seen == "all"


@pytest.mark.parametrize("classes", [["1.0", "2.0"], ["+1", "-1"], ["TRUE", "FALSE"]])
def test_classes_are_written_as_in_the_file(classes: list[str], tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", {"a": ["5", "6", "7"], "y": [classes[0], *classes]})
    model, output = tmp_path / "m.onnx", tmp_path / "out.csv"
    fit(source, "y", model)
    for command in (("sample", model), ("balance", source, model)):
        assert run(*command, "--output", output).exit_code == 0
        assert set(read(output)["y"]) == set(classes)


def test_the_remedy_for_infinities_works(tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", {"a": ["1.5", "inf", "2.5", "-inf"], "y": ["n", "m", "n"]})
    model = tmp_path / "m.onnx"
    refused("fit", source, "--target", "y", "--output", model, saying="with --missing inf --missing -inf (the words")
    fit(source, "y", model, "--missing", "inf", "--missing", "-inf")
    assert Generator.load(model).codec.columns[1].missing
