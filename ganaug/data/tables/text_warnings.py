"""Warnings about columns of text that are learned as categories although they hold dates, numbers or identifiers."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.csv_columns import ISO_DATE
from ganaug.data.tables.number_format import CLOCK
from ganaug.errors import warn

_DATE = r"(\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{1,2}[ -][A-Za-z]{3}[ -]\d{4})([ T]\d.*)?"
"""Dates that stay text, because 02/04/2022 is ambiguous."""
_WHOLE = r"(?!0\d)(\d+|\d{1,3}([,.' \u00a0\u202f]\d{3})+)"
_NUMBER = rf"-?\s?[$€£¥]?\s?{_WHOLE}([.,]\d+)?\s?[%$€£¥]?"
"""Numbers, also with a unit, separated thousands or a decimal comma. Codes, with a leading 0 or +, do not match."""
_PLAIN = r"-?(?!0\d)\d+(\.\d+)?"
"""Numbers that a CSV file has as numbers; a DataFrame may have them as text."""
_COMMA = r"\D*(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\D*"
"""Numbers that may have a decimal comma, perhaps beside thousands that points separate."""
_NO_THOUSANDS = r"(?<!\d)0,\d|,(?!\d{3}(?!\d))\d|\.\d{3}"
"""A comma that does not separate thousands, or a point that may."""
MIN_SHARE = 0.9
"""Share of the rows with text for which a statement must hold: some texts may stand for missing values."""
MIN_VALUES = 3
"""Different numbers, dates or times beside which a word probably stands for a missing value."""
MIN_ROWS = 20
"""Rows with text below which it may be chance that no text comes twice."""


def warn_about_texts(columns: Iterable[CategoryColumn]) -> None:
    """Warn of columns whose texts are dates or numbers that were not read as such, or identify rows.

    A column with the categorical dtype of pandas is warned of only if it identifies rows.
    """
    for column in columns:
        used = zip(column.categories, column.counts, strict=True)
        texts = {category: count for category, count in used if count and isinstance(category, str)}
        if (
            texts
            and column.ordered is None
            and (what := _foreign_dates(texts) or _placeholder(texts) or _others(texts))
        ):
            warn(f"Column {column.name!r} {what}")
        elif sum(texts.values()) >= MIN_ROWS and len(texts) >= MIN_SHARE * sum(texts.values()):
            warn(
                f"Column {column.name!r} holds a text of its own in almost every row ({len(texts):,} in "
                f"{sum(texts.values()):,}): nothing can be learned from it, the model file keeps every text, and "
                "synthetic rows repeat them; ignore it (--ignore), or drop it, unless you want that"
            )


def _foreign_dates(texts: Mapping[str, int]) -> str | None:
    if all(map(_is_date, texts)):  # In a CSV file they are dates, and no text.
        return (
            f"holds dates like {next(iter(texts))[:40]!r} as text, each of which is learned as a word: convert the "
            "column with pandas.to_datetime to have time learned"
        )
    examples = [_usual(texts, _DATE)]
    if not examples[0] and _usual(texts, f"{_DATE}|{ISO_DATE}"):
        examples = [next((text for text in texts if re.fullmatch(form, text)), "") for form in (ISO_DATE, _DATE)]
    if not all(examples):
        return None
    return (
        f"holds dates like {' and '.join(repr(example[:40]) for example in examples)}, each of which is learned as a "
        "word: write them as 2022-12-31, year, month and day, to have time learned"
    )


def _placeholder(texts: Mapping[str, int]) -> str | None:
    """Return a warning about words among numbers, dates or times, which probably stand for missing values."""
    for kind, is_one in (("numbers", _is_number), ("dates", _is_date), ("times", _is_time)):
        values = [text for text in texts if is_one(text)]
        words = [text for text in texts if text not in set(values)]
        are_few = len(words) < len(values) and len(values) >= MIN_VALUES
        are_rare = sum(texts[text] for text in values) >= MIN_SHARE * sum(texts.values())
        if words and values and (are_few or are_rare) and all(map(_may_be_missing, words)):
            options = " ".join(f"--missing {word[:40]!r}" for word in words[:5])
            return (
                f"holds {kind} like {values[0][:40]!r} beside {words[0][:40]!r}, and so each is learned as a word: if "
                f"that means a missing value in a CSV file, add {options}; in other tables, leave it empty and convert "
                f"the column to {kind}"
            )
    return None


def _others(texts: Mapping[str, int]) -> str | None:
    if example := _usual(texts, CLOCK):
        return (
            f"holds times like {example[:40]!r}, each of which is learned as a word: convert them to minutes since "
            "midnight to have time learned"
        )
    example = _usual(texts, _NUMBER)
    if example and not _usual(texts, r"\d+"):  # whole numbers may be meant as categories
        if all(re.fullmatch(_PLAIN, text) for text in texts):
            return (
                f"holds numbers like {example[:40]!r} as text, each of which is learned as a word: convert the column "
                "with pandas.to_numeric to have numbers learned"
            )
        has_comma = _usual(texts, _COMMA) and any(re.search(_NO_THOUSANDS, text) for text in texts)
        comma = "; for decimal commas in a CSV file, add --decimal ," if has_comma else ""
        return (
            f"holds numbers like {example[:40]!r}, each of which is learned as a word: write them as 1234.5, digits "
            f"and a point alone, to have numbers learned{comma}"
        )
    return None


def _is_number(text: str) -> bool:
    return re.fullmatch(_NUMBER, text) is not None


def _is_date(text: str) -> bool:
    if re.fullmatch(rf"{ISO_DATE}(Z|[+-]\d\d:?\d\d)?", text, re.ASCII) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:  # the year 0, for example
        return False
    return True


def _is_time(text: str) -> bool:
    return re.fullmatch(CLOCK, text) is not None


def _may_be_missing(text: str) -> bool:
    """Tell whether a text is no value of its own: a word without digits, zeros alone, or a date that does not exist."""
    return re.search(r"[1-9]", text) is None or (re.fullmatch(ISO_DATE, text) is not None and not _is_date(text))


def _usual(texts: Mapping[str, int], form: str) -> str:
    """Return a text of this form if most rows with text have one; else an empty text."""
    of_form = [text for text in texts if re.fullmatch(form, text)]
    return of_form[0] if sum(texts[text] for text in of_form) >= MIN_SHARE * sum(texts.values()) else ""
