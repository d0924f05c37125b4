"""The composition of a dataset that is filled up: real items, synthetic items, and repeats of real items."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganaug.errors import DataError
from ganaug.integrations.torch.real_items import Label

MAX_ITEMS = 20_000_000
"""Items of a class that a strategy may ask for: memory holds a number for each item."""


class Composition:
    """The items of a filled dataset by position: real ones, then synthetic ones class by class, then repeats.

    `targets` holds the label of every item; `synthetic` the label of every synthetic item, and its number within the
    label; `synthetic_positions` the range of their positions.
    """

    def __init__(
        self, labels: Sequence[Label], added: Mapping[Label, int], n_synthetic: Mapping[Label, int], seed: int
    ) -> None:
        self._rows: dict[Label, list[int]] = {}
        for row, label in enumerate(labels):
            self._rows.setdefault(label, []).append(row)
        self.synthetic = [(label, number) for label, count in n_synthetic.items() for number in range(count)]
        self.synthetic_positions = range(len(labels), len(labels) + len(self.synthetic))
        self._repeats: list[int] = []
        for label, count in added.items():
            own = self._rows[label]
            order = np.random.default_rng([seed, len(labels) + len(self._repeats)]).permutation(len(own))
            self._repeats += [own[order[i % len(own)]] for i in range(count - n_synthetic[label])]
        self.targets = [*labels, *(label for label, _ in self.synthetic), *(labels[row] for row in self._repeats)]

    def row(self, position: int) -> int:
        """Return which item of the user's dataset a real item or a repeat is."""
        end = self.synthetic_positions.stop
        return position if position < end else self._repeats[position - end]

    def model_row(self, label: Label, number: int) -> int:
        """Return the item of the user's dataset whose form a synthetic item gets: the items of its label take turns."""
        own = self._rows[label]
        return own[number % len(own)]


def wanted(strategy: Any, labels: list[Label]) -> dict[Label, int]:
    """Return how many items each class gains by an imbalanced-learn strategy or a list of classes to fill up."""
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
