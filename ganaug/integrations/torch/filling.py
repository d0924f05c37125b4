"""How many items each class gains, and how many of these are synthetic."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganaug.errors import DataError
from ganaug.integrations.torch.real_items import Label

__all__ = ["fill_counts", "wanted"]

MAX_ITEMS = 20_000_000
"""Items of a class that a strategy may ask for: the number of each is kept in memory."""


def wanted(strategy: Any, labels: list[Label]) -> dict[Label, int]:
    """Return how many items to add to each class.

    Parameters
    ----------
    strategy : str, float, dict, list or callable
        As imbalanced-learn's over-samplers take it, or a list of the classes to fill up to the largest.
    labels : list
        The label of every item.

    Raises
    ------
    DataError
        If the strategy is none of these, or does not suit the labels.

    Examples
    --------
    >>> labels = ["common"] * 9 + ["rare"] * 2
    >>> wanted("auto", labels), wanted(2 / 3, labels), wanted({"rare": 5}, labels)
    ({'common': 0, 'rare': 7}, {'common': 0, 'rare': 4}, {'common': 0, 'rare': 3})
    """
    sizes = Counter(labels)
    if isinstance(strategy, str) and strategy == "auto":
        return {label: max(sizes.values()) - size for label, size in sizes.items()}
    if isinstance(strategy, Mapping):
        return _added_to_reach(strategy, sizes)
    # Imported here, as scikit-learn takes a second to import, in spawned workers too.
    from ganaug.integrations.strategy import added_rows, sizes_by

    if callable(strategy):
        return _added_to_reach(sizes_by(strategy, np.array(labels)), sizes)
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


def _added_to_reach(wanted_sizes: Mapping[Label, Any], sizes: Mapping[Label, int]) -> dict[Label, int]:
    for label, size in wanted_sizes.items():
        if label not in sizes:
            raise DataError(f"strategy must name classes of the dataset ({list(sizes)}), but names {label!r}")
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise DataError(f"strategy must give whole numbers of items, but gives {size!r} for {label!r}")
        if size < sizes[label]:
            raise DataError(
                f"strategy must not ask for fewer items than there are ({sizes[label]} of {label!r}), but is {size}"
            )
        if size > max(MAX_ITEMS, sizes[label]):
            raise DataError(
                f"strategy must ask for at most {MAX_ITEMS:,} items of a class, but for {label!r} is {size}"
            )
    return {label: wanted_sizes.get(label, size) - size for label, size in sizes.items()}


def fill_counts(n_real: int, added: dict[Label, int], share: float) -> dict[Label, int]:
    """Return how many of the added items of each class are synthetic, so that at most `share` of the whole is.

    If the share allows fewer than all, the synthetic part of the added items is the same in every class.

    Examples
    --------
    >>> fill_counts(100, {"rare": 80}, share=1.0)
    {'rare': 80}
    >>> fill_counts(100, {"rare": 80}, share=0.25)
    {'rare': 45}
    """
    total = sum(added.values())
    allowed = min(1.0, share * (n_real + total) / total) if total else 0.0
    return {label: int(count * allowed) for label, count in added.items()}
