"""What a dataset's items are labelled with: read from wherever it tells, and matched to a generator's classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset, IterableDataset, Subset, TensorDataset

from ganaug.errors import DataError
from ganaug.integrations.torch.arguments import check_list
from ganaug.integrations.torch.progress import tracked

__all__ = ["Label", "Source", "classes_of", "item_of", "labels_of", "match", "plain", "sources_of"]

Label = Any
Source = tuple[Any, int]
"""A dataset, and the index of an item in it."""


def sources_of(dataset: Any) -> list[Source]:
    """Return for every item the dataset under `Subset` and `ConcatDataset` that it comes from, and its index there."""
    if isinstance(dataset, IterableDataset) or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise DataError(
            f"the dataset must be map-style (with a length and an index), but is a {type(dataset).__name__}"
        )
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        under = sources_of(dataset.dataset)
        return [under[int(row)] for row in dataset.indices]
    if isinstance(dataset, ConcatDataset) and type(dataset).__getitem__ is ConcatDataset.__getitem__:
        return [source for part in dataset.datasets for source in sources_of(part)]
    return [(dataset, row) for row in range(len(dataset))]


def labels_of(dataset: Any, sources: list[Source]) -> list[Label]:
    """Return the label of every item: out of `targets` where a dataset has them, else out of its items, read once."""
    if not sources:
        raise DataError("the dataset must have at least one item, but it is empty")
    bases = {id(base): base for base, _ in sources}
    listed = {
        key: check_list(found, "`targets` of the dataset", "let it be an attribute that holds every item's label")
        for key, base in bases.items()
        if (found := _listed(base)) is not None
    }
    for key, found in listed.items():
        if len(found) != len(bases[key]):
            raise DataError(
                f"`targets` must have a label for each of the {len(bases[key])} items, but has {len(found)} labels: "
                "correct it, or remove it to have the labels read from the items"
            )
    unlisted = sum(id(base) not in listed for base, _ in sources)
    rows = enumerate(sources)
    return [
        plain(listed[id(base)][row] if id(base) in listed else item_of(dataset, index)[1])
        for index, (base, row) in (tracked(rows, len(sources), "Reading labels") if unlisted else rows)
    ]


def _listed(dataset: Any) -> Any:
    """Return the labels that a dataset lists, without reading an item."""
    targets = getattr(dataset, "targets", None)
    if targets is None and type(dataset) is TensorDataset and len(dataset.tensors) == 2:
        targets = dataset.tensors[1]
    return targets.tolist() if isinstance(targets, Tensor | np.ndarray) and targets.ndim == 1 else targets


def item_of(dataset: Any, index: int) -> tuple[Any, Any]:
    """Return an item, which must be a pair."""
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"{len(item)} values" if isinstance(item, tuple | list) else f"a {type(item).__name__}"
        raise DataError(
            f"an item of the dataset must be a pair (x, label), but item {index} is {found}: wrap the dataset in "
            "one that returns pairs"
        )
    return item[0], item[1]


def plain(label: Any) -> Label:
    """Return a label as a plain Python value."""
    if isinstance(label, Tensor | np.ndarray | np.generic) and np.prod(label.shape) == 1:
        label = label.item()
    if not isinstance(label, str | int | float):
        shape = f" of shape {tuple(label.shape)}" if isinstance(label, Tensor | np.ndarray) else ""
        raise DataError(
            f"a label must be one number or text, but there is a {type(label).__name__}{shape}: give the index of the "
            "class, such as the argmax of a one-hot label"
        )
    return label


def classes_of(dataset: Any, sources: list[Source]) -> list[Any] | None:
    """Return the class names as the dataset has them, or all that it consists of."""
    holders = [dataset] if hasattr(dataset, "classes") else {id(base): base for base, _ in sources}.values()
    found = [
        check_list(classes, "`classes` of the dataset", "let it be an attribute that holds the names")
        for holder in holders
        if (classes := getattr(holder, "classes", None)) is not None
    ]
    if any(classes != found[0] for classes in found):
        other = next(classes for classes in found if classes != found[0])
        raise DataError(
            f"all parts of the dataset must have the same `classes`, but one has {found[0]} and another {other}: the "
            "same label would mean different classes: give all parts the same list, in the same order"
        )
    return found[0] if found else None


def match(labels: Sequence[Label], classes: list[Any] | None, known: Sequence[Any]) -> dict[Label, Label]:
    """Return the generator's name of every label: by the dataset's classes or, without these, the label itself."""
    used = list(dict.fromkeys(labels))
    ours = {label: label for label in used} if classes is None else {label: _named(label, classes) for label in used}
    by_text = {str(name): name for name in known}
    names = {label: name if name in known else by_text.get(str(name)) for label, name in ours.items()}
    if None in names.values():
        raise DataError(
            f"the generator must know the dataset's classes {used if classes is None else classes}, but it was trained "
            f"on {list(known)}: fit one to this data, or give the dataset `classes`, the generator's name of each label"
        )
    could_count = classes is None and all(type(label) is int and 0 <= label < len(known) for label in used)
    if could_count and any(isinstance(name, str) and name != known[label] for label, name in names.items()):
        raise DataError(
            f"the labels {used} must say which of the generator's classes {list(known)} they mean, but they could be "
            "their names or their positions: give the dataset `classes`, the name of each label"
        )
    return names


def _named(label: Label, classes: list[Any]) -> Any:
    if type(label) is int and 0 <= label < len(classes):
        return classes[label]
    if label in classes:
        return label
    raise DataError(
        f"labels must be indices into the dataset's classes {classes}, but one is {label!r}: add its class to "
        "`classes`, or correct the label"
    )
