"""Synthetic dates and truth values are written as the table's own rows are."""

from typing import Any

import pandas as pd
import pytest

from ganaug.data.tables.text_format import TextFormat

NOON = pd.Timestamp("2020-02-29T12:34:56.789")
UTC = NOON.tz_localize("UTC")


@pytest.mark.parametrize(
    ("example", "value", "text"),
    [
        ("2019-01-01", NOON, "2020-02-29"),
        ("2019-01-01 00:00", NOON, "2020-02-29 12:34"),
        ("2019-01-01T00:00:00", NOON, "2020-02-29T12:34:56"),
        ("2019-01-01 00:00:00.0", NOON, "2020-02-29 12:34:56.7"),
        ("2019-01-01 00:00:00.000000", NOON, "2020-02-29 12:34:56.789000"),
        ("2019-01-01T00:00:00.000000000", NOON, "2020-02-29T12:34:56.789000000"),
        ("2019-01-01T00:00:00Z", UTC, "2020-02-29T12:34:56Z"),
        ("2019-01-01 00:00:00+00:00", UTC, "2020-02-29 12:34:56+00:00"),
        ("2019-01-01 00:00+0530", UTC, "2020-02-29 18:04+0530"),
        ("2019-01-01 00:00:00-03:30", UTC, "2020-02-29 09:04:56-03:30"),
        ("2019-01-01 00:00:00+01:00", UTC.tz_convert("Europe/Berlin"), "2020-02-29 13:34:56+01:00"),
        ("TRUE", True, "TRUE"),
        ("true", False, "false"),
        ("False", True, "True"),
        # What is not understood, or says too little, stays.
        ("2019-01-01", UTC, None),
        ("2019-01-01T00:00:00Z", NOON, None),
        ("01/02/2019", NOON, None),
        ("yes", True, None),
        ("2019-01-01", "text", None),
    ],
)
def test_values_are_spelled_like_an_example(example: str, value: Any, text: str | None) -> None:
    rows = pd.DataFrame({"a": [value, None], "b": [1, 2]})
    rows["a"] = rows["a"].astype("boolean") if isinstance(value, bool) else rows["a"]
    for spelling in (TextFormat({"a": example}), TextFormat({"a": ""})):
        spelling.learn(pd.DataFrame({"a": ["", "NA, a long one, not a date", example]}))
        spelled = spelling.apply(rows)
        assert spelled["b"].tolist() == [1, 2]
        assert spelled.to_csv(index=False) == rows.assign(a=[text or value, None]).to_csv(index=False)


def test_the_longest_spelling_of_all_pieces_counts_and_before_there_is_one_the_usual() -> None:
    spelling = TextFormat({"a": "2000-01-01 00:00:00"})
    rows = pd.DataFrame({"a": [NOON]})
    assert spelling.apply(rows)["a"].tolist() == ["2020-02-29 12:34:56"]
    for texts, wanted in ((["2020-01-01"], "2020-02-29"), (["2020-01-01T09:00", ""], "2020-02-29T12:34")):
        spelling.learn(pd.DataFrame({"a": texts}))
        assert spelling.apply(rows)["a"].tolist() == [wanted]
    spelling.learn(pd.DataFrame({"a": [None, "2020-01-01"]}))
    assert spelling.apply(rows)["a"].tolist() == [wanted]
