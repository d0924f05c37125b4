"""Labels: their plain Python values, and the class of a generator that each stands for."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.json_checks import MAX_TEXT, is_int, is_text
from ganaug.data.targets import check_classes
from ganaug.errors import DataError
from ganaug.files import encoding_remedy

Label = str | int | bool
"""What a model file holds as a label."""


def python_value(label: Any) -> Any:
    """Return the Python value of a NumPy or PyTorch scalar, or of an array of one element; all else as it is."""
    with suppress(ValueError, RuntimeError):  # of an array or a tensor of several values
        return label.item() if hasattr(label, "item") else label
    return label


def plain_label(label: Any) -> Label:
    """Return a label as text, a whole number, or true or false; `DataError` for all else, such as fractions."""
    value = python_value(label)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, str):
        return str(value)
    raise DataError(
        f"Labels must be text, whole numbers, or true and false, but one is {value!r:.80}: fill or convert such "
        "labels, with .astype(str) for example."
    )


def is_label(label: object) -> bool:
    """Tell whether a model file can hold a label."""
    return "\0" not in label and is_text(label) if isinstance(label, str) else isinstance(label, bool) or is_int(label)


def check_labels(labels: Iterable[Label]) -> None:
    """Raise `DataError` if a model file cannot hold one of the labels, before a training is spent on them."""
    for label in labels:
        if not is_label(label):
            raise DataError(
                encoding_remedy(str(label))
                or f"Labels must be Unicode texts of at most {MAX_TEXT:,} characters without NUL, or whole numbers of "
                f"64 bits, but {label!r:.80} is not: rename such classes."
            )


class LabelMapper:
    """Find the class of a generator, one of `known`, that a user's label stands for.

    If `classes` is given, the user's classes in the order of their indices, a label is an index into this list, one of
    its entries, or the text of an entry. Otherwise, a label is one of the generator's classes, or the text of one.
    """

    def __init__(self, known: Sequence[Label], classes: Sequence[Any] | None = None) -> None:
        self.known = list(known)
        self.classes = None if classes is None else [python_value(name) for name in classes]
        self._known = _by_name(self.known)
        self._own = _by_name(self.classes or ())

    def __call__(self, label: Any) -> Label:
        """Return the generator's class of a label; `DataError` if there is none."""
        label = python_value(label)
        name = label if self.classes is None else self._own_class(label, self.classes)
        found: Label | None = _find(name, self._known)
        if found is not None:
            return found
        if self.classes is None:
            raise DataError(
                f"a label must be one of the generator's classes [{listed(self.known)}], but is {label!r:.80}: correct "
                "the label, give `classes`, the generator's name of each label, or fit a generator to this data"
            )
        raise DataError(
            f"the generator must know the class of every label, but does not know {name!r:.80} of `classes` "
            f"[{listed(self.classes)}]: it was trained on [{listed(self.known)}]; name the classes as the generator "
            "does, or fit a generator to this data"
        )

    def map_all(self, labels: Iterable[Any]) -> dict[Any, Label]:
        """Return the generator's class of each distinct label.

        `DataError` if there is none, or if integers may be names or positions.
        """
        distinct, known = list(dict.fromkeys(labels)), self.known
        if self.classes is None and any(_find(python_value(label), self._known) is None for label in distinct):
            raise DataError(
                f"the generator must know the labels [{listed(distinct, 20)}], but it was trained on "
                f"[{listed(known, 20)}]: give `classes`, the generator's name of each label, or fit a generator to "
                "this data"
            )
        mapped = {label: self(label) for label in distinct}
        may_count = self.classes is None and all(type(label) is int and 0 <= label < len(known) for label in mapped)
        if may_count and any(isinstance(name, str) and name != known[label] for label, name in mapped.items()):
            raise DataError(
                f"the labels [{listed(list(mapped))}] must say which of the generator's classes [{listed(known)}] they "
                "mean, but they could be their names or their positions: give `classes`, the name of each label"
            )
        return mapped

    def _own_class(self, label: Any, classes: list[Any]) -> Any:
        if type(label) is int and 0 <= label < len(classes):
            return classes[label]
        # The text of an integer is no name: with classes "5" and "3", the label 1 is "3", so the label 5 is an error.
        found = self._own.get(label) if type(label) is int else _find(label, self._own)
        if found is None:
            raise DataError(
                f"labels must be indices into `classes` [{listed(classes)}], or classes of this list, but one is "
                f"{label!r:.80}: add its class to `classes`, or correct the label"
            )
        return found


def _by_name(names: Iterable[Any]) -> dict[Any, Any]:
    return {str(name): name for name in names} | {name: name for name in names}


def _find(name: Any, names: dict[Any, Any]) -> Any:
    try:
        return names[name if name in names else str(name)]
    except (KeyError, TypeError):  # a TypeError where the name cannot be hashed
        return None


def listed(names: Sequence[Any], most: int = 8) -> str:
    """Return the first names for a message, and how many more there are."""
    shown = ", ".join(f"{name!r:.40}" for name in list(names)[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def coded_labels(
    labels: NDArray[Any], n: int, classes: Sequence[str] | None, noun: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the labels of n items as indices into the class names, and the class names; `noun` names one item.

    Labels are texts, or integers that are indices into `classes`. Without `classes`, the classes are the texts of the
    distinct labels, sorted.
    """
    check_classes(labels, "the target")
    strings = labels.dtype.kind == "U" or (
        labels.dtype == object and all(isinstance(label, str) for label in labels.flat)
    )
    if labels.shape != (n,) or not (strings or labels.dtype.kind in "biu"):
        raise DataError(
            f"Labels must be {n} strings or integers, one for each {noun}, but they are {labels.dtype} of shape "
            f"{labels.shape}: give one for each {noun}."
        )
    if classes is None:
        values, codes = np.unique(labels, return_inverse=True)
        names = tuple(str(value) for value in values)
    else:
        names = tuple(classes)
        positions = {name: code for code, name in enumerate(names)}
        codes = np.array([positions.get(label, -1) for label in labels]) if strings else labels.astype(np.int64)
        if len(positions) < len(names) or set(codes.tolist()) != set(range(len(names))):
            raise DataError(
                "Class names must be distinct, and the labels must use all of them and no others, but there are "
                f"{len(names)} names for the labels {np.unique(labels).tolist()}: leave classes out, or correct them."
            )
    if len(names) < 2:
        raise DataError(
            f"{noun.capitalize()}s of at least two classes are needed, but all labels are {names[0]!r}: add {noun}s of "
            "another class."
        )
    check_labels(names)
    return codes.astype(np.int64), names
