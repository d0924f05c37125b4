"""How CSV files are read: words and gaps, delimiters, decimal marks, encodings, numbers in a format of their own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ganaug.data.tables import table_file
from ganaug.data.tables.csv_format import CsvFormat, FieldFormat
from ganaug.data.tables.number_format import NumberFormat
from ganaug.data.tables.table_file import open_table, read_table
from ganaug.data.tables.text_format import TextFormat
from ganaug.errors import DataError, FormatError


@pytest.fixture(params=[50_000, 2])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(table_file, "PIECE_ROWS", request.param)
    return tmp_path / "t.csv"


def column(file: Path, fields: list[str], csv: CsvFormat | None = None) -> tuple[Any, FieldFormat]:
    """Write a file with a column, and return the column as it is read, and its format."""
    pd.DataFrame({"a": fields, "other": "x"}).to_csv(file, index=False, sep=";")
    table = open_table(file, csv)
    assert table.format.columns is not None
    return read_table(table)["a"], table.format.columns["a"]


@pytest.mark.parametrize("word", ["None", "NA", "null", "n/a", "nan", "NULL", "#N/A", "<NA>"])
def test_a_word_among_words_is_a_word_and_among_others_a_gap(word: str, file: Path) -> None:
    values, form = column(file, [word, "red", "", word])
    assert values.tolist()[:2] == [word, "red"]
    assert values.isna().tolist() == [False, False, True, False]
    assert form.gap == ""
    for fields, dtype in (
        (["1", word, "2", word, ""], "Int64"),
        (["0.5", word, "2", word, ""], "float64"),
        (["True", word, "False", word, ""], "boolean"),
        (["2024-01-01", word, "2024-01-02", word, ""], "datetime64[us]"),
        (["5%", word, "7%", word, ""], "Int64"),
        (["09:30", word, "10:00", word, ""], "Int64"),
    ):
        values, form = column(file, fields)
        assert str(values.dtype) == dtype
        assert values.isna().tolist() == [False, True, False, True, True]
        assert form.gap == word
    assert column(file, ["007", word, "008"])[0].tolist() == ["007", word, "008"]  # codes are text


def test_words_that_alone_fill_a_column(file: Path) -> None:
    assert column(file, ["None", "NA", "None"])[0].tolist() == ["None", "NA", "None"]
    assert column(file, ["NA", "", "NA"])[0].isna().all()


@pytest.mark.parametrize(
    ("fields", "missing", "wanted", "gap"),
    [
        (["1", "?", "3"], "?", [1, None, 3], "?"),
        (["1", " ?", "3"], "?", [1, None, 3], " ?"),
        (["1", " ", "3"], "", [1, None, 3], " "),
        (["red", "?", "None"], "?", ["red", None, "None"], "?"),
        (["red", "", "None"], "None", ["red", None, None], ""),
        (["1.5", "-999", "-999.0"], "-999", [1.5, None, None], "-999"),
        (["2024-01-01", "0000-00-00", "2024-01-03"], "0000-00-00", ["2024-01-01", None, "2024-01-03"], "0000-00-00"),
    ],
)
def test_the_users_words(fields: list[str], missing: str, wanted: list[Any], gap: str, file: Path) -> None:
    values, form = column(file, fields, CsvFormat(missing=(missing,) if missing else ()))
    if values.dtype.kind == "M":
        values = values.dt.strftime("%Y-%m-%d")
    assert [None if value is pd.NA or value != value else value for value in values] == wanted
    assert form.gap == gap


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        (["917,769", "31", "-1,000,000"], [917769, 31, -1_000_000]),
        (["1,234.50", "0.25", "12.00"], [1234.5, 0.25, 12]),
        (["82.8%", "7.0%", "-0.5%"], [82.8, 7, -0.5]),
        (["82.8 %", "7 %", "100 %"], [82.8, 7, 100]),
        (["$4.50", "-$1,234.00", "$17.25"], [4.5, -1234, 17.25]),
        (["1 234 €", "17 €", "999 €"], [1234, 17, 999]),
        (["1'000", "1'000'000", "5"], [1000, 1_000_000, 5]),
        (["1\u202f234,5", "0,5", "12,25"], [1234.5, 0.5, 12.25]),
        (["1.234,50", "17,00", "2.000.000,25"], [1234.5, 17, 2_000_000.25]),
        (["09:30", "23:59", "00:00"], [570, 1439, 0]),
        (["9:30", "23:59", "0:00"], [570, 1439, 0]),
        (["100:30:05", "09:00:59", "00:00:00"], [361805, 32459, 0]),
    ],
)
def test_numbers_come_back_in_their_own_format(fields: list[str], numbers: list[float], file: Path) -> None:
    decimal = "," if any("," in text[-3:] for text in fields) else "."
    values, form = column(file, [*fields, ""], CsvFormat(decimal=decimal))
    assert values.tolist()[:-1] == numbers
    assert values.isna().tolist()[-1]
    assert str(values.dtype) == ("Int64" if all(float(one).is_integer() for one in numbers) else "float64")
    spelled = TextFormat({}, {"a": form}, decimal).apply(pd.DataFrame({"a": values}))
    assert spelled["a"].tolist()[:-1] == fields
    again = CsvFormat.from_state(json.loads(json.dumps(CsvFormat(columns={"a": form}).to_state())))
    assert again.columns is not None
    assert again.columns["a"].number == form.number


@pytest.mark.parametrize(
    "fields",
    [
        ["5%", "7"],
        ["$5", "7€"],
        ["5%", "7 %"],
        ["1,2", "3,4"],
        ["1,23,456", "1,000"],
        ["1,000", "1.000,5"],
        ["00,501", "10,001"],
        ["1,000", "1 000"],
        ["9" * 16 + "%", "1%"],
        ["09:30", "9:5"],
        ["09:30", "10:30:00"],
        ["4111 1111 1111 1111", "4222 2222 2222 2222"],
        ["10.0.0.1", "1.2.2022.3"],
        ["5%", "many"],
    ],
)
def test_other_texts_stay_text(fields: list[str], file: Path) -> None:
    assert column(file, fields)[0].tolist() == fields
    assert column(file, fields[::-1])[0].tolist() == fields[::-1]


def test_labels_and_columns_that_a_model_knows_as_words_stay_words(file: Path) -> None:
    file.write_text("a,b\n5%,09:30\n7%,10:30\n")
    assert read_table(open_table(file, None, "a")).to_dict("list") == {"a": ["5%", "7%"], "b": [570, 630]}
    known = CsvFormat(columns={"a": FieldFormat(number=NumberFormat(suffix="%"))})
    assert read_table(open_table(file, known)).to_dict("list") == {"a": [5, 7], "b": ["09:30", "10:30"]}
    assert read_table(open_table(file, CsvFormat.from_state(None))).to_dict("list")["a"] == ["5%", "7%"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_the_delimiter_is_found_in_the_first_line(delimiter: str, file: Path) -> None:
    file.write_text(f"a{delimiter}b\n1{delimiter}x y\n2{delimiter}z\n")
    table = open_table(file)
    assert read_table(table).to_dict("list") == {"a": [1, 2], "b": ["x y", "z"]}
    assert table.format.delimiter == delimiter


def test_a_comma_in_the_first_line_counts_unless_the_user_knows_better(file: Path) -> None:
    file.write_text("a;b, c\n1;x\n")
    with pytest.raises(DataError, match="must have 2 fields"):
        read_table(file)
    assert read_table(open_table(file, CsvFormat(delimiter=";"))).columns.tolist() == ["a", "b, c"]
    file.write_text("a;b\n1;2\n")
    with pytest.raises(DataError, match="separated by ',', but ';' separates them: name it with --delimiter"):
        read_table(open_table(file, CsvFormat(delimiter=",")))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig", "latin-1"])
def test_other_encodings(encoding: str, file: Path) -> None:
    content = "é,b\n1,é\n2,ü\n"
    file.write_text(content, encoding=encoding)
    if encoding != "utf-8-sig":
        with pytest.raises(DataError, match="must be text in UTF-8, but is not: name its encoding, with --encoding"):
            read_table(file)
    table = open_table(file, CsvFormat(encoding=encoding))
    assert read_table(table).to_dict("list") == {"é": [1, 2], "b": ["é", "ü"]}
    with pytest.raises(DataError, match="must be text in ASCII"):
        read_table(open_table(file, CsvFormat(encoding="ascii")))


def test_a_decimal_comma(file: Path) -> None:
    file.write_text("a;b;c\n1,5;2;0,25\n2,25;3;NA\n")
    table = open_table(file, CsvFormat(decimal=","))
    frame = read_table(table)
    assert frame["a"].tolist() == [1.5, 2.25]
    assert frame["c"].isna().tolist() == [False, True]
    spelled = TextFormat({}, table.format.columns, ",").apply(frame)
    assert spelled.to_numpy().tolist() == [["1,5", 2, "0,25"], ["2,25", 3, "NA"]]


def test_a_decimal_comma_in_quotes(file: Path) -> None:
    file.write_text('a,b\n"1,5",x\n"2,25",y\n')
    assert read_table(open_table(file, CsvFormat(decimal=",")))["a"].tolist() == [1.5, 2.25]


def test_the_remedy_for_a_word_among_numbers_works(file: Path) -> None:
    for numbers, text, csv in (
        (range(30), "?", CsvFormat(missing=("?",))),
        (range(30), "3,5", CsvFormat(decimal=",")),
    ):
        fields = [*map(str, numbers), text]
        remedy = "--missing '[?]' if that means" if csv.missing else "if the comma is the decimal mark, add --decimal ,"
        with pytest.raises(DataError, match=remedy):
            column(file, fields)
        assert column(file, fields, csv)[0].dtype.kind in "if"


def test_the_users_words_in_a_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    texts = ["x", "?", None, "?", "None"]
    pq.write_table(pa.table({"a": texts, "b": pa.array(texts).dictionary_encode(), "n": [1, 2, 3, 4, 5]}), path)
    table = open_table(path, CsvFormat(missing=("?",)))
    frame = read_table(table)
    for name in "ab":
        assert frame[name].isna().tolist() == [False, True, True, True, False]
        assert frame[name].dropna().tolist() == ["x", "None"]
    assert set(frame["b"].cat.categories) == {"x", "None"}
    assert table.format.columns == {"a": FieldFormat("?"), "b": FieldFormat("?")}


@pytest.mark.parametrize(
    "given",
    [
        {"delimiter": ";;"},
        {"delimiter": ""},
        {"delimiter": "a"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "§"},
        {"decimal": ";"},
        {"encoding": "no-such"},
        {"encoding": "rot13"},
        {"encoding": "base64"},
        {"encoding": "utf-8\0"},
        {"missing": "?"},
        {"missing": ("x" * 2000,)},
    ],
)
def test_formats_that_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="must be"):
        CsvFormat(**given)
    state = CsvFormat(missing=(), columns={}).to_state() | given
    with pytest.raises(FormatError):
        CsvFormat.from_state(state)


@pytest.mark.parametrize(
    "state",
    [
        [],
        {},
        {"missing": [1], "columns": {}},
        {"missing": [], "columns": []},
        {"missing": [], "columns": {"a": 1}},
        {"missing": [], "columns": {"a": {"gap": 1}}},
        {"missing": [], "columns": {"a": {"gap": "x" * 2000}}},
        {"missing": [], "columns": {"a": {"example": []}}},
        {"missing": [], "columns": {"a": {"is_date": 1}}},
        {"missing": [], "columns": {"a": {"number": []}}},
        {"missing": [], "columns": {"a": {"classes": []}}},
        {"missing": [], "columns": {"a": {"classes": {"1": 1}}}},
        {"missing": [], "columns": {"a": {"number": {"suffix": "\x1b[2J"}}}},
        {"missing": [], "columns": {"a": {"number": {"prefix": 1}}}},
        {"missing": [], "columns": {"a": {"number": {"thousands": "x"}}}},
        {"missing": [], "columns": {"a": {"number": {"thousands": []}}}},
        {"missing": [], "columns": {"a": {"number": {"clock": "HH"}}}},
        {"missing": [], "columns": {"a": {"number": {"decimals": [3, 1]}}}},
        {"missing": [], "columns": {"a": {"number": {"decimals": [0, 10**9]}}}},
        {"missing": [], "columns": {"a": {"number": {"decimals": ["0", 1]}}}},
        {"missing": [], "columns": {"a": {"number": {"decimals": [3, 12]}}}},
        {"missing": [], "columns": {"a": {"number": {"decimals": [3, 19], "exponent": "e+00"}}}},
        {"missing": [], "columns": {"a": {"number": {"exponent": "e-00"}}}},
        {"missing": [], "columns": {"a": {"number": {"exponent": ["e+00"]}}}},
        {"missing": [], "columns": {}, "encoding": 8},
    ],
)
def test_states_that_are_refused(state: Any) -> None:
    with pytest.raises(FormatError):
        CsvFormat.from_state(state)


def test_a_negative_number_that_is_rounded_to_zero_has_no_sign() -> None:
    form = NumberFormat(suffix="%", decimals=(1, 1))
    assert form.texts(pd.Series([-0.04, np.nan, -0.06]), ".").tolist()[::2] == ["0.0%", "-0.1%"]


@pytest.mark.parametrize(
    ("fields", "decimals"),
    [
        (["12.50", "0.10", "-3.00", "7.25"], 2),
        (["12.50", "", "NA", "7.20"], 2),
        (["1.0", "2.0"], 1),
        (["12.50", "0.1", "3.00"], 0),
        (["12.50", "3", "4.00"], 0),
        (["12.5", "0.25"], 0),
        (["1.50e3", "2.50"], 0),
        (["1", "2"], 0),
    ],
)
def test_the_decimals_that_all_numbers_have_are_kept(fields: list[str], decimals: int, file: Path) -> None:
    for mark in ".,":
        written = [field.replace(".", mark) for field in fields]
        values, form = column(file, written, CsvFormat(decimal=mark, delimiter=";"))
        assert form.number == NumberFormat(decimals=(decimals, decimals))
        assert form.number.is_plain == (decimals == 0)
        recorded = FieldFormat.from_state(json.loads(json.dumps(form.to_state())))
        assert recorded.number == (form.number if decimals else None)
        if decimals:
            assert TextFormat({}, {"a": form}, mark).apply(values.to_frame())["a"].fillna("").tolist() == [
                form.gap if field in ("", "NA") else field for field in written
            ]


@pytest.mark.parametrize(
    ("fields", "exponent", "decimals"),
    [
        (["1.50e-07", "3.25e+04", "0.00e+00", "-2.00e-112"], "e+00", (2, 2)),
        (["3E+04", "7E-02", "1E+00"], "E+00", (0, 0)),
        (["1.5e-7", "3e12", "-2.25e0"], "e0", (0, 2)),
        (["1.5e-7", "3e+12", "NA"], "e+0", (0, 1)),
        (["1.5e-007", "3.0e+012"], "e+000", (1, 1)),
        (["1.5e-07", "2.5e-11"], "e+00", (1, 1)),
        (["1.5e-7", "2.5e-9"], "e0", (1, 1)),
        (["1.500000000000000000e+00", "2.250000000000000000e+01"], "e+00", (18, 18)),
    ],
)
def test_numbers_with_exponents_are_written_as_they_were(
    fields: list[str], exponent: str, decimals: tuple[int, int], file: Path
) -> None:
    for mark in ".,":
        written = [field.replace(".", mark) for field in fields]
        values, form = column(file, written, CsvFormat(decimal=mark, delimiter=";"))
        assert values.dtype == np.float64
        assert form.number == NumberFormat(decimals=decimals, exponent=exponent)
        recorded = FieldFormat.from_state(json.loads(json.dumps(form.to_state())))
        assert recorded.number == form.number
        assert TextFormat({}, {"a": recorded}, mark).apply(values.to_frame())["a"].fillna("").tolist() == written
        drawn = pd.DataFrame({"a": [1.23456789e-5, 9.9999999e3]})
        texts = TextFormat({}, {"a": recorded}, mark).apply(drawn)["a"]
        assert texts.str.replace(mark, ".").astype(float).tolist() == pytest.approx(drawn["a"].tolist(), rel=0.3)
        assert all(len(text.partition(mark)[2].partition(exponent[0])[0]) <= decimals[1] for text in texts)


@pytest.mark.parametrize(
    "fields",
    [
        ["1.5e-7", "0.25"],
        ["1.5e-7", "1.5E-7"],
        ["1.5e-07", "1.5e-7"],
        ["1.5e+7", "1.5e7"],
        ["12.5e-7", "1.5e-7"],
        ["0.5e-7", "1.5e-7"],
    ],
)
def test_exponents_that_differ_have_no_format(fields: list[str], file: Path) -> None:
    assert column(file, fields)[1].number == NumberFormat()
    assert column(file, fields[::-1])[1].number == NumberFormat()


def test_decimals_that_change_far_down_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.data.tables.csv_file.EXAMPLE_ROWS", 2)
    same = ["1.50"] * 200
    assert column(file, same)[1].number == NumberFormat(decimals=(2, 2))
    assert column(file, [*same[:100], *["1.5"] * 100])[1].number == NumberFormat()


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        (["1.0", "2.0", "1.0"], {"1": "1.0", "2": "2.0"}),
        (["+1", "-1", "+1"], {"1": "+1"}),
        (["1", "2.0", "1.0"], {"2": "2.0"}),
        (["1", "2"], {}),
        (["01", "02"], {}),
        (["a", "1.0"], {}),
        (["TRUE", "FALSE"], {}),
    ],
)
def test_how_classes_are_written(fields: list[str], classes: dict[str, str], file: Path) -> None:
    pd.DataFrame({"a": fields, "other": "x"}).to_csv(file, index=False)
    table = open_table(file, None, "a")
    assert table.format.columns is not None
    form = FieldFormat.from_state(json.loads(json.dumps(table.format.columns["a"].to_state())))
    assert form.classes == classes
    if classes:
        rows = pd.DataFrame({"a": [int(float(text)) for text in fields]})
        wanted = [classes.get(str(label), str(label)) for label in rows["a"]]
        assert TextFormat({}, {"a": form}).apply(rows)["a"].astype(str).tolist() == wanted
