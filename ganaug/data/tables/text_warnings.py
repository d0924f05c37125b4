"""Warnings about columns of text that are learned as categories although they hold dates, numbers or identifiers."""

import re
from collections.abc import Iterable, Mapping

from ganaug.data.tables.category import CategoryColumn
from ganaug.errors import warn

_DATE = r"(\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{1,2}[ -][A-Za-z]{3}[ -]\d{4})([ T]\d.*)?"
"""Dates that stay text, because 02/04/2022 is ambiguous."""
_WHOLE = r"(?!0\d)(\d+|\d{1,3}([,.' \u00a0\u202f]\d{3})+)"
_NUMBER = rf"-?\s?[$€£¥]?\s?{_WHOLE}([.,]\d+)?\s?[%$€£¥]?"
"""Numbers that stay text for a unit, separated thousands or a decimal comma. Codes, with a leading 0 or +, do not
match."""
MIN_SHARE = 0.9
"""Share of the rows with text for which a statement must hold: some texts may stand for missing values."""
MIN_ROWS = 20
"""Rows with text below which it may be chance that no text comes twice."""


def warn_about_texts(columns: Iterable[CategoryColumn]) -> None:
    """Warn of columns whose texts are dates or numbers that were not read as such, or identify rows.

    A column with the categorical dtype of pandas is warned of only if it identifies rows.
    """
    for column in columns:
        used = zip(column.categories, column.counts, strict=True)
        texts = {category: count for category, count in used if count and isinstance(category, str)}
        if texts and column.ordered is None and (what := _dates_or_numbers(texts)):
            warn(f"Column {column.name!r} {what}")
        elif sum(texts.values()) >= MIN_ROWS and len(texts) >= MIN_SHARE * sum(texts.values()):
            warn(
                f"Column {column.name!r} holds a text of its own in almost every row ({len(texts):,} in "
                f"{sum(texts.values()):,}): nothing can be learned from it, the model file keeps every text, and "
                "synthetic rows repeat them; ignore it (--ignore), or drop it, unless you want that"
            )


def _dates_or_numbers(texts: Mapping[str, int]) -> str | None:
    if example := _usual(texts, _DATE):
        return (
            f"holds dates like {example[:40]!r}, each of which is learned as a word: write them as 2022-12-31, year, "
            "month and day, to have time learned"
        )
    example = _usual(texts, _NUMBER)
    if example and not _usual(texts, r"\d+"):  # whole numbers may be meant as categories
        return (
            f"holds numbers like {example[:40]!r}, each of which is learned as a word: write them as 1234.5, digits "
            "and a point alone, to have numbers learned"
        )
    return None


def _usual(texts: Mapping[str, int], form: str) -> str:
    """Return a text of this form if most rows with text have one; else an empty text."""
    of_form = [text for text in texts if re.fullmatch(form, text)]
    return of_form[0] if sum(texts[text] for text in of_form) >= MIN_SHARE * sum(texts.values()) else ""
