"""Warnings of texts that are learned as words although they are something else."""

import re
import warnings
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from ganaug.cli import main
from ganaug.data.tables.dataset import from_frame


def said_of(texts: list[str | None] | pd.Categorical | pd.Series) -> list[str]:
    labels = [number % 2 for number in range(len(texts))]
    frame = pd.DataFrame({"a": texts, "number": range(len(texts))})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from_frame(frame, labels)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    "texts",
    [
        ["02/04/2022", "12/31/2021"],
        ["2.4.2022", "31.12.2021 10:30"],
        ["04-Feb-2022", None],
        ["2022/04/02"] * 9 + ["never"],
    ],
)
def test_dates(texts: list[str | None]) -> None:
    (message,) = said_of(texts * 2)
    assert message.startswith(f"Column 'a' holds dates like {texts[0]!r}")


def test_dates_in_several_forms() -> None:
    (message,) = said_of(["2024-01-01", "01/01/2024", "2024-01-02T10:00", "2.1.2024"] * 2)
    assert message.startswith("Column 'a' holds dates like '2024-01-01' and '01/01/2024', each of which")


@pytest.mark.parametrize("dtype", ["object", "str"])
@pytest.mark.parametrize(
    ("texts", "kind", "remedy"),
    [
        (["2024-03-01", "2024-03-02", None], "dates", "pandas.to_datetime"),
        (["2024-03-01 10:30", "2024-03-02T11:00:00.25"], "dates", "pandas.to_datetime"),
        (["2024-03-01T10:30:00+01:00", "2024-03-02T11:00:00Z"], "dates", "pandas.to_datetime"),
        (["0.53", "-1.25", "17"], "numbers", "pandas.to_numeric"),
    ],
)
def test_texts_that_pandas_converts(texts: list[str | None], kind: str, remedy: str, dtype: str) -> None:
    column = pd.Series(texts * 2, dtype=dtype)
    (message,) = said_of(column)
    assert message.startswith(f"Column 'a' holds {kind} like '")
    assert f" as text, each of which is learned as a word: convert the column with {remedy} to have" in message
    convert = {"pandas.to_datetime": partial(pd.to_datetime, format="ISO8601", utc=True)}.get(remedy, pd.to_numeric)
    assert said_of(convert(column)) == []
    assert said_of(column.astype("category")) == []


@pytest.mark.parametrize("dtype", ["int64", "Int64", "int32", "uint32"])
def test_dates_that_are_numbers(dtype: str) -> None:
    days = pd.Series([20240101 + number for number in range(25)] + [20240199], dtype=dtype)
    for more in ([], [pd.NA] if dtype == "Int64" else []):
        (message,) = said_of(pd.concat([days, pd.Series(more, dtype=dtype)], ignore_index=True))
        assert message.startswith("Column 'a' holds dates like 20240101, which are learned as numbers: write")
        assert 'pandas.to_datetime(column, format="%Y%m%d")' in message
        assert "--ignore" in message


@pytest.mark.parametrize("numbers", [[20241301, 20240101], [18991231, 20240101], [21010101, 20240101], [2024, 2025]])
def test_amounts_are_no_dates(numbers: list[int]) -> None:
    assert said_of(pd.Series(numbers * 2)) == []


@pytest.mark.parametrize(
    "texts",
    [
        ["82.8%", "3.1%"],
        ["917,769", "1,002", "31"],
        ["1.234,5", "-0,5"],
        ["$4.50", "-$1,234.00"],
        ["1 234 €", "17 €"],
        ["0.53", "1.25"],
        ["5%"] * 9 + ["unknown"],
    ],
)
def test_numbers(texts: list[str]) -> None:
    (message,) = said_of(texts * 2)
    assert message.startswith("Column 'a' holds numbers like ")


@pytest.mark.parametrize(
    "texts",
    [
        ["02/04/2022", "unknown"],
        ["10.0.0.1", "1.2.2022.3"],
        ["5%", "unknown"],
        ["1", "2", "3"],  # may well be meant as words
        ["00501", "10,001"],
        ["+49 171 555 123", "+49 30 555 123"],
        ["4111 1111 1111 1111", "4222 2222 2222 2222"],
        ["red", "green"],
        [None, None],
    ],
)
def test_words_are_words(texts: list[str | None]) -> None:
    assert said_of(texts * 2) == []


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["1.5", "2", "3", "?"], "holds numbers like '1.5' beside '[?]', .* --missing '[?]'"),
        (["2020-01-01", "2020-01-02", "2020-01-03", "2021-02-30"], "dates like .* --missing '2021-02-30'"),
        (["2020-01-01", "2020-01-02T10:00", "2020-01-03", "0000-00-00"], "dates like .* --missing '0000-00-00'"),
        (["9:30", "10:30", "11:30", "unknown", "-"], "times like .* --missing '-' --missing 'unknown'"),
        (["9:30", "10:30"], "times like '10:30', each of which is learned as a word: convert them to minutes"),
        (["1,5", "2,25"], "; for decimal commas in a CSV file, add --decimal ,$"),
        (["1.234,5 €", "17 €"], "; for decimal commas in a CSV file, add --decimal ,$"),
    ],
)
def test_words_among_numbers_dates_and_times_and_their_remedy(texts: list[str | None], what: str) -> None:
    (message,) = said_of(texts * 2)
    assert re.search(what, message)
    assert said_of([text and f"class {text}" for text in texts] * 2) == []


@pytest.mark.parametrize(
    ("texts", "advised"), [(["1,617", "2,004"], 0), (["1,617", "2,5"], 1), (["0,125", "0,250"], 1)]
)
def test_separated_thousands_are_no_decimal_commas(texts: list[str | None], advised: int) -> None:
    (message,) = said_of(texts * 2)
    assert message.startswith(f"Column 'a' holds numbers like {texts[0]!r}")
    assert message.count("--decimal") == advised


@pytest.mark.parametrize("texts", [["1", "2", "3", "4+"], ["A1", "B7", "1", "2", "3"], ["00501", "10115", "2", "3"]])
def test_words_with_digits_are_values(texts: list[str | None]) -> None:
    assert said_of(texts * 2) == []


def test_the_example_is_one_of_those_that_are_meant() -> None:
    (message,) = said_of(["-"] + ["5%"] * 19)
    assert message.startswith("Column 'a' holds numbers like '5%'")


def test_texts_that_tell_rows_apart() -> None:
    names = [f"name {number}" for number in range(20)]
    (message,) = said_of(names)
    assert message.startswith("Column 'a' holds a text of its own in almost every row (20 in 20)")
    assert len(said_of([*names, "name 1", "name 2"])) == 1
    assert len(said_of([*names, None, None])) == 1
    assert said_of(names[:19]) == []
    assert said_of([*names, *names[:3]]) == []


def test_a_categorical_is_what_its_owner_says() -> None:
    assert said_of(pd.Categorical(["10%", "20%"] * 2)) == []
    (message,) = said_of(pd.Categorical([f"{number}%" for number in range(20)]))
    assert "text of its own" in message


def test_long_texts_are_cut() -> None:
    texts = ["1,234" + ",567" * 100, "1,234"] * 2
    (message,) = said_of(texts)
    assert len(message) < 250


def test_the_command_line_says_it_once(tmp_path: Path) -> None:
    rows = "".join(f'"{number % 7},5%",{number % 5},{"ab"[number % 2]}\n' for number in range(24))
    (tmp_path / "table.csv").write_text("share,n,kind\n" + rows)
    model = str(tmp_path / "model.onnx")
    found = CliRunner().invoke(
        main, ["fit", str(tmp_path / "table.csv"), "--target", "kind", "--output", model, "--steps", "3"]
    )
    assert found.exit_code == 0
    assert found.output.count("Column 'share' holds numbers like") == 1
