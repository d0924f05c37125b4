"""What a dataset that is filled up consists of: its real items, its synthetic items, its repeats."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ganaug.integrations.torch.real_items import Label

__all__ = ["Composition"]


class Composition:
    """The items of a filled dataset by position: the real ones, the synthetic ones class by class, the repeats.

    Parameters
    ----------
    labels : sequence
        The label of every real item.
    added : mapping of label to int
        How many items each class gains.
    n_synthetic : mapping of label to int
        How many of these are synthetic. The others repeat real items of the class.
    seed : int
        Decides which real items are repeated.

    Attributes
    ----------
    synthetic : list of (label, int)
        The label of every synthetic item, and its number within its label.
    targets : list
        The label of every item.

    Examples
    --------
    >>> items = Composition(["common"] * 3 + ["rare"], {"rare": 2}, {"rare": 1}, seed=0)
    >>> items.targets, items.synthetic_positions
    (['common', 'common', 'common', 'rare', 'rare', 'rare'], range(4, 5))
    >>> items.row(3), items.row(5), items.synthetic
    (3, 3, [('rare', 0)])
    """

    def __init__(
        self, labels: Sequence[Label], added: Mapping[Label, int], n_synthetic: Mapping[Label, int], seed: int
    ) -> None:
        self._n_real = len(labels)
        self._rows: dict[Label, list[int]] = {}
        for row, label in enumerate(labels):
            self._rows.setdefault(label, []).append(row)
        self.synthetic = [(label, number) for label, count in n_synthetic.items() for number in range(count)]
        self._repeats: list[int] = []
        for label, count in added.items():
            own = self._rows[label]
            order = np.random.default_rng([seed, self._n_real + len(self._repeats)]).permutation(len(own))
            self._repeats += [own[order[i % len(own)]] for i in range(count - n_synthetic[label])]
        self.targets: list[Any] = [
            *labels,
            *(label for label, _ in self.synthetic),
            *(labels[row] for row in self._repeats),
        ]

    @property
    def synthetic_positions(self) -> range:
        """The positions of the synthetic items."""
        return range(self._n_real, self._n_real + len(self.synthetic))

    def row(self, position: int) -> int:
        """Return which item of the user's dataset a real item or a repeat is."""
        return position if position < self._n_real else self._repeats[position - self._n_real - len(self.synthetic)]

    def model_row(self, label: Label, number: int) -> int:
        """Return which item of the user's dataset a synthetic item is formed like: those of its label take turns."""
        own = self._rows[label]
        return own[number % len(own)]
