"""How many rows each class is to gain."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from imblearn.utils import check_sampling_strategy
from numpy.typing import NDArray

__all__ = ["added_rows"]


def added_rows(strategy: Any, y: NDArray[Any]) -> dict[Any, int]:
    """Return the number of new rows for each class that the strategy names.

    Parameters
    ----------
    strategy : str, float, dict, list or callable
        As imbalanced-learn's over-samplers take it and, beyond them, a list of the classes to fill up to the largest.
    y : ndarray of shape (n,)
        The labels that there are.

    Returns
    -------
    dict
        From label to number, sorted by label.

    Raises
    ------
    ValueError
        In imbalanced-learn's words, if the strategy does not suit the labels, or there is one class only.

    Examples
    --------
    >>> y = np.array([0] * 9 + [1] * 4 + [2] * 2)
    >>> added_rows("auto", y) == {1: 5, 2: 7}, added_rows([2], y) == {2: 7}, added_rows({1: 6}, y) == {1: 2}
    (True, True, True)
    """
    if isinstance(strategy, Mapping):
        strategy = dict(strategy)
    elif not isinstance(strategy, str) and np.ndim(strategy) == 1:
        largest = int(np.unique(y, return_counts=True)[1].max()) if len(y) else 0
        strategy = dict.fromkeys(np.asarray(strategy).tolist(), largest)
    added = check_sampling_strategy(strategy, y, "over-sampling")
    if added is None:  # its answer to what it does not know
        raise ValueError(f"The sampling strategy must be a text, number, dict, list or callable, but is {strategy!r}.")
    return {label: int(count) for label, count in added.items()}
