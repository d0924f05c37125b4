"""The real items of a user's dataset: the origin and the label of each."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from ganaug.data.labels import python_value
from ganaug.errors import DataError
from ganaug.integrations.torch.arguments import check_list
from ganaug.integrations.torch.progress import tracked

Label = Any
"""A label as the items of the user's dataset have it: text or a number."""
MAX_INSPECTED = 64
"""Real items of a dataset that are inspected for the form of synthetic ones."""

Source = tuple[Any, int]
"""A dataset, and the index of an item in it."""
T = TypeVar("T")


class RealItems:
    """The items of a map-style dataset of pairs ``(x, label)``, which `Subset` and `ConcatDataset` may wrap.

    `sources` holds for every item the dataset below the wrappers that it comes from, and its index there. `labels`
    holds the label of every item: from `targets`, or from the items, each of which is then read once. `classes` holds
    the names of the classes, or is None if neither the dataset nor those below its wrappers have them.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.sources = _sources(dataset)
        if not self.sources:
            raise DataError("the dataset must have at least one item, but it is empty")
        self._bases = {id(base): base for base, _ in self.sources}
        self.labels = self._read_labels()
        self.classes = self._find_classes()

    def for_each(self, make: Callable[[Any, list[tuple[Any, Any]]], T]) -> list[T]:
        """Call a function with every dataset below the wrappers and some of its items; return the result by item."""
        positions: dict[int, list[int]] = {}
        for position, (base, _) in enumerate(self.sources):
            positions.setdefault(id(base), []).append(position)
        made = {key: make(self._bases[key], self._inspected(own)) for key, own in positions.items()}
        return [made[id(base)] for base, _ in self.sources]

    def _inspected(self, positions: list[int]) -> list[tuple[Any, Any]]:
        """Read some of the items at these positions, and insist on the labels that `targets` lists."""
        some = positions[:: -(-len(positions) // MAX_INSPECTED)]
        items = [_item(self._dataset, position) for position in some]
        for position, (_, label) in zip(some, items, strict=True):
            if _plain(label) != self.labels[position]:
                raise DataError(
                    f"`targets` must list the labels that items have, but item {position} has {_plain(label)!r} and "
                    f"`targets` {self.labels[position]!r}: leave out target_transform, or correct `targets`"
                )
        return items

    def _read_labels(self) -> list[Label]:
        targets = {key: found for key, base in self._bases.items() if (found := _targets(base)) is not None}
        sources: Iterable[Source] = self.sources
        if len(targets) < len(self._bases):
            sources = tracked(sources, len(self.sources), "Reading labels")
        return [
            _plain(targets[id(base)][index] if id(base) in targets else _item(self._dataset, position)[1])
            for position, (base, index) in enumerate(sources)
        ]

    def _find_classes(self) -> list[Any] | None:
        holders = [self._dataset] if hasattr(self._dataset, "classes") else self._bases.values()
        found = [
            check_list(classes, "`classes` of the dataset", "let it be an attribute that holds the names")
            for holder in holders
            if (classes := getattr(holder, "classes", None)) is not None
        ]
        for classes in found:
            if classes != found[0]:
                raise DataError(
                    f"all parts of the dataset must have the same `classes`, but one has {found[0]} and another "
                    f"{classes}, so that one label would mean different classes: give all parts the same list, in the "
                    "same order"
                )
        return found[0] if found else None


def _sources(dataset: Any) -> list[Source]:
    if isinstance(dataset, IterableDataset) or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise DataError(
            f"the dataset must be map-style (with a length and an index), but is a {type(dataset).__name__}"
        )
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        wrapped = _sources(dataset.dataset)
        return [wrapped[int(index)] for index in dataset.indices]
    if isinstance(dataset, ConcatDataset) and type(dataset).__getitem__ is ConcatDataset.__getitem__:
        return [source for part in dataset.datasets for source in _sources(part)]
    return [(dataset, index) for index in range(len(dataset))]


def _targets(base: Any) -> list[Any] | None:
    """Return the labels that a dataset lists, one for each item; None if it lists none."""
    targets = getattr(base, "targets", None)
    if targets is None and type(base) is TensorDataset and len(base.tensors) == 2:
        targets = base.tensors[1]
    if targets is None:
        return None
    if isinstance(targets, Tensor | np.ndarray) and targets.ndim == 1:
        targets = targets.tolist()
    listed = check_list(targets, "`targets` of the dataset", "let it be an attribute that holds every item's label")
    if len(listed) != len(base):
        raise DataError(
            f"`targets` must have a label for each of the {len(base)} items, but has {len(listed)} labels: "
            "correct it, or remove it to have the labels read from the items"
        )
    return listed


def _item(dataset: Any, index: int) -> tuple[Any, Any]:
    """Read an item, and insist on a pair."""
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"{len(item)} values" if isinstance(item, tuple | list) else f"a {type(item).__name__}"
        raise DataError(
            f"an item of the dataset must be a pair (x, label), but item {index} is {found}: wrap the dataset in "
            "one that returns pairs"
        )
    return item[0], item[1]


def _plain(label: Any) -> Label:
    value = python_value(label)
    if not isinstance(value, str | int | float):
        shape = f" of shape {tuple(label.shape)}" if isinstance(label, Tensor | np.ndarray) else ""
        raise DataError(
            f"a label must be one number or text, but there is a {type(label).__name__}{shape}: give the index of the "
            "class, such as the argmax of a one-hot label"
        )
    return value
