"""The names of classes: what a model file can hold."""

from collections.abc import Iterable

from ganaug.data.state import MAX_TEXT, is_int, is_text
from ganaug.errors import DataError

__all__ = ["Label", "check_labels", "is_label"]

Label = str | int | bool


def is_label(label: Label) -> bool:
    r"""Tell whether a model file can hold such a label.

    Examples
    --------
    >>> is_label("rare"), is_label("\0"), is_label(2**70), is_label(True)
    (True, False, False, True)
    """
    return is_text(label) and "\0" not in str(label) if isinstance(label, str) else is_int(int(label))


def check_labels(labels: Iterable[Label]) -> None:
    r"""Refuse labels that no model file can hold, before they cost a training.

    Raises
    ------
    DataError
        If there is one.

    Examples
    --------
    >>> check_labels(["rare", "\ud800"])
    Traceback (most recent call last):
    ...
    ganaug.errors.DataError: Labels must be Unicode texts of at most 1,000 characters without NUL, or whole numbers ...
    """
    unfit = next((label for label in labels if not is_label(label)), None)
    if unfit is not None:
        raise DataError(
            f"Labels must be Unicode texts of at most {MAX_TEXT:,} characters without NUL, or whole numbers of 64 "
            f"bits, but {unfit!r:.80} is not: rename such classes."
        )
