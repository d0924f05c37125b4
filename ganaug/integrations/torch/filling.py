"""How many items each class gains, and how many of these are synthetic."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganaug.errors import DataError
from ganaug.integrations.torch.labels import Label

__all__ = ["fill_counts", "wanted"]

MOST_ITEMS = 20_000_000
"""Of a class: the place of each is kept in memory, and more than this was hardly meant."""


def wanted(strategy: Any, labels: list[Label], sizes: Mapping[Label, int]) -> dict[Label, int]:
    """Return how many items to add to each class.

    Parameters
    ----------
    strategy : str, float, dict, list or callable
        As imbalanced-learn's over-samplers take it, or a list of the classes to fill up to the largest.
    labels : list
        The label of every item.
    sizes : mapping
        How many items each class has.

    Raises
    ------
    DataError
        If the strategy is none of these, or does not suit the labels.

    Examples
    --------
    >>> labels = ["common"] * 9 + ["rare"] * 2
    >>> sizes = {"common": 9, "rare": 2}
    >>> wanted("auto", labels, sizes), wanted(2 / 3, labels, sizes), wanted({"rare": 5}, labels, sizes)
    ({'common': 0, 'rare': 7}, {'common': 0, 'rare': 4}, {'common': 0, 'rare': 3})
    """
    if isinstance(strategy, str) and strategy == "auto":
        return {label: max(sizes.values()) - size for label, size in sizes.items()}
    if isinstance(strategy, Mapping):
        return _named_sizes(strategy, sizes)
    from ganaug.integrations.strategy import (  # scikit-learn takes a second to import, in spawned workers too
        added_rows,
        sizes_by,
    )

    if callable(strategy):
        return _named_sizes(sizes_by(strategy, np.array(labels)), sizes)
    try:
        added = added_rows(strategy, np.array(labels))
    except DataError:
        raise
    except (ValueError, TypeError) as error:
        raise DataError(
            f"strategy must be 'auto', a dict of label to number of items, or what imbalanced-learn calls a "
            f"sampling_strategy and suits the labels {list(sizes)}, but is {strategy!r}: {error}"
        ) from error
    return {label: added.get(label, 0) for label in sizes}


def _named_sizes(strategy: Mapping[Label, Any], sizes: Mapping[Label, int]) -> dict[Label, int]:
    for label, size in strategy.items():
        if label not in sizes:
            raise DataError(f"strategy must name classes of the dataset ({list(sizes)}), but names {label!r}")
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise DataError(f"strategy must give whole numbers of items, but gives {size!r} for {label!r}")
        if size < sizes[label]:
            raise DataError(
                f"strategy must not ask for fewer items than there are ({sizes[label]} of {label!r}), but is {size}"
            )
        if size > max(MOST_ITEMS, sizes[label]):
            raise DataError(
                f"strategy must ask for at most {MOST_ITEMS:,} items of a class, but for {label!r} is {size}"
            )
    return {label: strategy.get(label, size) - size for label, size in sizes.items()}


def fill_counts(n_real: int, added: dict[Label, int], share: float) -> dict[Label, int]:
    """Return how many of the added items of each class are synthetic, so that at most `share` of the whole is.

    Every class gives up the same part of its filling.

    Examples
    --------
    >>> fill_counts(100, {"rare": 80}, share=1.0)
    {'rare': 80}
    >>> fill_counts(100, {"rare": 80}, share=0.25)
    {'rare': 45}
    """
    wanted = sum(added.values())
    allowed = min(1.0, share * (n_real + wanted) / wanted) if wanted else 0.0
    return {label: int(count * allowed) for label, count in added.items()}
