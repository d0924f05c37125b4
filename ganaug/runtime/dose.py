"""The dose: how much of each class is better synthetic, as a fit measured it. A model file records it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ganaug.data.json_checks import is_finite, is_int, is_text

MAX_DOSE = 0.9
"""Share that a class gets room for: the number in an untrusted file must not make a dataset endless."""


@dataclass(frozen=True, kw_only=True)
class Dose:
    """What synthetic samples are worth for a classifier of the training data.

    Attributes
    ----------
    sentence : str
        The result in words, or why nothing was measured.
    shares : sequence of float, optional
        For each class, in the order of the model's classes, the share of its items in class-balanced batches that is
        synthetic, from 0 to 1. None if nothing was measured.
    gain : float, optional
        The gain in balanced accuracy by these shares, in percentage points; 0 if they are all 0.
    interval : (float, float), optional
        Its 95 % interval, which allows for the choice among several shares.
    log_loss : (float, float, float), optional
        By how many per cent the log loss falls, and the 95 % interval. It decides whether samples help.
    group : mapping, optional
        The classes that the gain was measured for: ``classes``, their number; ``images``, the number of their training
        images; and ``fewer_than``, a number of images that each of them is below, or None for all classes.
    """

    sentence: str
    shares: Sequence[float] | None = None
    gain: float | None = None
    interval: Sequence[float] | None = None
    log_loss: Sequence[float] | None = None
    group: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def is_dose(state: object, n_classes: int) -> bool:
    """Tell whether untrusted JSON has the fields of a `Dose` for so many classes."""
    if not isinstance(state, dict) or not is_text(state.get("sentence")):
        return False
    shares, group = state.get("shares"), state.get("group")
    return (
        (shares is None or (_are_numbers(shares, n_classes) and all(0 <= share <= 1 for share in shares)))
        and (state.get("gain") is None or is_finite(state["gain"]))
        and (state.get("interval") is None or _are_numbers(state["interval"], 2))
        and (state.get("log_loss") is None or _are_numbers(state["log_loss"], 3))
        and (group is None or _is_group(group, n_classes))
    )


def _are_numbers(values: object, n: int) -> bool:
    return isinstance(values, list) and len(values) == n and all(map(is_finite, values))


def _is_group(group: object, n_classes: int) -> bool:
    if not isinstance(group, dict) or not is_int(group.get("classes"), 1, n_classes):
        return False
    below = group.get("fewer_than")
    return is_int(group.get("images"), 0) and (below is None or is_int(below, 1))


def filled_sizes(sizes: Mapping[Any, int], dose: Mapping[Any, float]) -> dict[Any, int]:
    """Return how many items each class gains until all are equally large, with room for its dose beside its real items.

    Examples
    --------
    >>> filled_sizes({"a": 100, "b": 5}, {"a": 0.0, "b": 0.5}), filled_sizes({"a": 100, "b": 5}, {"a": 0.2, "b": 0.5})
    ({'a': 0, 'b': 95}, {'a': 25, 'b': 120})
    """
    needed = (math.ceil(round(size / (1 - min(dose[label], MAX_DOSE)), 6)) for label, size in sizes.items())
    largest = max(needed, default=0)
    return {label: largest - size for label, size in sizes.items()}


def dosed_counts(sizes: Mapping[Any, int], added: Mapping[Any, int], dose: Mapping[Any, float]) -> dict[Any, int]:
    """Return how many of the added items of each class are synthetic, so that its synthetic share is its dose.

    Examples
    --------
    >>> dosed_counts({"a": 100, "b": 5}, {"a": 0, "b": 95}, {"a": 0.2, "b": 0.3})
    {'a': 0, 'b': 30}
    """
    return {label: min(count, round(dose[label] * (sizes[label] + count))) for label, count in added.items()}


def fill_counts(n_real: int, added: Mapping[Any, int], share: float) -> dict[Any, int]:
    """Return how many of the added items of each class are synthetic, so that at most `share` of the whole is.

    If the share allows fewer than all, the synthetic part of the added items is the same in every class.
    """
    total = sum(added.values())
    allowed = min(1.0, share * (n_real + total) / total) if total else 0.0
    return {label: int(count * allowed) for label, count in added.items()}
