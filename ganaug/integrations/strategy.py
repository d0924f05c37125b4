"""Sampling strategies: how many rows each class gains."""

import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray

from ganaug.errors import DataError

STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")
"""Strategies that are text."""


def added_rows(strategy: Any, y: NDArray[Any]) -> dict[Any, int]:
    """Return the number of new rows for each class that a strategy names, sorted by label.

    A strategy is one of imbalanced-learn's over-samplers, or a list of classes that become as large as the largest.
    `ValueError`, with imbalanced-learn's message, if the strategy does not suit the labels or there is only one class.

    Examples
    --------
    >>> y = np.array([0] * 9 + [1] * 4 + [2] * 2)
    >>> added_rows("auto", y) == {1: 5, 2: 7}, added_rows([2], y) == {2: 7}, added_rows({1: 6}, y) == {1: 2}
    (True, True, True)
    """
    if callable(strategy):
        strategy = sizes_by(strategy, y)
    if isinstance(strategy, Mapping):
        strategy = dict(strategy)
        _check_whole(strategy)
    elif isinstance(strategy, str):
        if strategy not in STRATEGIES:
            raise DataError(
                f"the sampling strategy must be one of {', '.join(map(repr, STRATEGIES))} if it is text, but is "
                f"{strategy!r}: choose one of them, or give a dict of label to number"
            )
    elif isinstance(strategy, int | float | np.number) and not 0 < strategy <= 1:
        raise DataError(
            "the sampling strategy must be above 0 and at most 1 if it is a number, but is "
            f"{float(strategy)}: give the wanted ratio of the smaller of two classes to the larger"
        )
    elif np.ndim(strategy) == 1:
        largest = int(np.unique(y, return_counts=True)[1].max()) if len(y) else 0
        strategy = dict.fromkeys(np.asarray(strategy).tolist(), largest)
    added = check_sampling_strategy(strategy, y, "over-sampling")
    if added is None:  # what imbalanced-learn returns for other types
        raise DataError(
            f"the sampling strategy must be a text, number, dict, list or callable, but is {strategy!r:.80}: leave it "
            "at 'auto' to fill every class up to the largest"
        )
    return {label: int(count) for label, count in added.items()}


def _check_whole(sizes: Mapping[Any, Any]) -> None:
    for label, size in sizes.items():
        if not isinstance(size, numbers.Real) or not float(size).is_integer():
            raise DataError(
                "the sampling strategy must give a whole number of items for each label, but gives "
                f"{size!s:.80} for {label!r}: correct it"
            )


def sizes_by(strategy: Callable[[NDArray[Any]], Any], y: NDArray[Any]) -> Mapping[Any, Any]:
    """Return the class sizes that a function asks for; refuse a result that is no mapping."""
    sizes = strategy(y)
    if not isinstance(sizes, Mapping):
        raise DataError(
            "a function as sampling strategy must give a dict of label to the wanted number of items, but gives "
            f"{sizes!r:.80}: let it return such a dict"
        )
    return sizes
