"""The PyTorch faces: a labelled image folder as a Dataset, and any labelled Dataset filled up to class balance."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, get_worker_info

from ganaug.codecs.image import load_folder
from ganaug.errors import DataError
from ganaug.generator import Generator
from ganaug.items import ItemMaker

__all__ = ["AugmentedDataset", "ImageFolder", "Label", "fill_counts"]

Label = Any

SYNTHETIC_SHARE = 0.3
"""Most of the whole that is synthetic by default: in trials 20 to 30 % did better than 40 to 50 %."""
BLOCK = 32
"""Synthetic samples of one class that are drawn at once."""
CACHE_BYTES = 64 * 2**20
LOOKED_AT = 64
"""Most real items of a dataset that are looked at for what synthetic ones must be like."""


class ImageFolder(Dataset[tuple[Any, int]]):
    """A folder with one subfolder of images per class, read into memory once.

    Parameters
    ----------
    root : path-like
        The folder; what counts as an image, and what is skipped, is told in `ganaug.codecs.folder.scan_folder`.
    size : int, optional
        Side of the square images, a power of two; by default chosen from the data as ``ganaug fit`` does.
    transform : callable, optional
        Applied to every image, a uint8 array of shape (size, size, channels), when it is asked for.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict of str to int
    targets : list of int
        The class index of every image.

    Notes
    -----
    An item is ``(image, target)``; without a `transform` the image is a float32 tensor of shape (channels, size, size)
    in [0, 1], ready for a DataLoader.

    Examples
    --------
    >>> from ganaug import ImageFolder
    >>> photos = ImageFolder("photos")  # doctest: +SKIP
    >>> image, target = photos[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = None,
        *,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
    ) -> None:
        self.data = load_folder(root, size)
        self.classes = list(self.data.classes)
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.targets: list[int] = self.data.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.present(self.data.images[index]), self.targets[index]

    def present(self, image: NDArray[np.uint8]) -> Any:
        """Turn pixels into what an item holds; those of another size or number of channels are first made alike."""
        image = image if image.shape == self.data.codec.shape else self.data.codec.encode(image)
        return _to_tensor(image) if self.transform is None else self.transform(image)


def _to_tensor(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous().float() / 255


class AugmentedDataset(Dataset[tuple[Any, Any]]):
    """A labelled dataset, filled up until its classes are equally large: the real items first, then the added ones.

    Parameters
    ----------
    dataset : map-style Dataset
        Gives ``(image, label)``. `targets` and `classes` are used where it has them, as torchvision names them;
        otherwise its labels are read once. Images may be PIL images, tensors (C, H, W) or arrays (H, W, C): uint8, or
        floating point from 0 to 1, from -1 to 1 or from 0 to 255. Where it has a `transform` they may be anything.
    generator : Generator
        Trained on the same classes.
    strategy : "auto" or dict, default="auto"
        "auto" fills every class up to the largest; a dict gives the wanted size of each class it names, by label.
    synthetic_share : "auto" or float, default="auto"
        Most of the whole that may be synthetic; the rest of the filling repeats real items. "auto" is 0.3: in
        trials 20 to 30 % did better than 40 to 50 %; 1.0 fills with synthetic items alone.
    fresh : bool, default=True
        Draw other synthetic items in every epoch; otherwise the same ones.
    seed : int, default=0
        Decides all synthetic items.

    Raises
    ------
    DataError
        If the labels and the generator's classes do not match, synthetic images cannot be given the form of the real
        ones, or an argument is out of range.

    Notes
    -----
    If the dataset has a `transform`, synthetic images pass through it as the real ones do: as uint8 arrays (H, W, C)
    if it is an `ImageFolder`, else as PIL images, or as such arrays if it takes none. Without one, up to 64 real items
    show what form and range synthetic ones must have. `Subset` and `ConcatDataset` are looked through; what a
    synthetic item must be like is decided by the part that holds a real one of its class.

    Integer labels are indices into the dataset's `classes`. Without these they are the generator's classes themselves,
    or the text of them; where the generator's classes could also be meant in their order, they are refused.

    An item depends only on the seed, the epoch and its index. In the main process an index that is asked for again
    belongs to the next epoch; in a DataLoader's workers the epoch is the loader's own seed, which `torch.manual_seed`
    decides.
    """

    def __init__(
        self,
        dataset: Any,
        generator: Generator,
        *,
        strategy: Literal["auto"] | dict[Label, int] = "auto",
        synthetic_share: Literal["auto"] | float = "auto",
        fresh: bool = True,
        seed: int = 0,
    ) -> None:
        _check_arguments(generator, synthetic_share, seed)
        self.dataset, self.generator, self.fresh, self.seed = dataset, generator, fresh, seed
        self._share = SYNTHETIC_SHARE if synthetic_share == "auto" else float(synthetic_share)

        # Looking at items runs the dataset's own random transforms, and must not change what they do later.
        with torch.random.fork_rng(devices=[]):
            sources = _sources(dataset)
            labels, classes = _labels_of(dataset, sources), _classes_of(dataset, sources)
            self._names = _match(labels, classes, generator.classes)
            rows: dict[Label, list[int]] = {}
            for row, label in enumerate(labels):
                rows.setdefault(label, []).append(row)
            added = _wanted(strategy, {label: len(own) for label, own in rows.items()})
            n_synthetic = fill_counts(len(labels), added, self._share)
            if any(n_synthetic.values()):
                self._makers = _makers(dataset, sources, labels, generator.image_shape)

        # Real items, then for each class its synthetic ones and its repeats.
        self._real = list(range(len(labels)))
        self._synthetic: list[tuple[Label, int]] = []
        for label, count in n_synthetic.items():
            self._synthetic += [(label, number) for number in range(count)]
        for label, count in added.items():
            own = rows[label]
            order = np.random.default_rng([seed, len(self._real)]).permutation(len(own))
            self._real += [own[order[i % len(own)]] for i in range(count - n_synthetic[label])]
        self._first, self._rows = len(labels), rows
        self.targets = [
            *labels,
            *(label for label, _ in self._synthetic),
            *(labels[i] for i in self._real[self._first :]),
        ]
        if classes is not None:
            self.classes = classes
        self._visits: dict[int, int] = {}
        self._epoch: int | None = None
        self._blocks: OrderedDict[tuple[int, ...], NDArray[np.uint8]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        index = range(len(self))[index]
        if not self.is_synthetic(index):
            row = self._real[index if index < self._first else index - len(self._synthetic)]
            real: tuple[Any, Any] = self.dataset[row]
            return real
        label, number = self._synthetic[index - self._first]
        own = self._rows[label]
        make = self._makers[own[number % len(own)]]
        return make(self._draw(label, number, self._epoch_of(index)), label)

    def is_synthetic(self, index: int) -> bool:
        """Return whether an item is synthetic."""
        index = range(len(self))[index]
        return self._first <= index < self._first + len(self._synthetic)

    def set_epoch(self, epoch: int) -> None:
        """Choose the synthetic items of an epoch, as `DistributedSampler.set_epoch` chooses its order."""
        self._epoch = epoch

    def _epoch_of(self, index: int) -> int:
        if not self.fresh:
            return 0
        if self._epoch is not None:
            return self._epoch
        worker = get_worker_info()
        if worker is not None:
            return int(worker.seed - worker.id) % 2**32
        self._visits[index] = self._visits.get(index, -1) + 1
        return self._visits[index]

    def _draw(self, label: Label, number: int, epoch: int) -> NDArray[np.uint8]:
        """Return one synthetic image out of the block that it was drawn with; the blocks used last stay in memory."""
        name = self._names[label]
        key = (self.seed, epoch, self.generator.classes.index(name), number // BLOCK)
        if key not in self._blocks:
            self._blocks[key] = self.generator.sample({name: BLOCK}, seed=key, screened=True)[0]
            while len(self._blocks) > max(1, CACHE_BYTES // self._blocks[key].nbytes):
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        image: NDArray[np.uint8] = self._blocks[key][number % BLOCK]
        return image

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_blocks": OrderedDict()}


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


def _check_arguments(generator: Any, share: Any, seed: Any) -> None:
    if not isinstance(generator, Generator):
        raise DataError(
            f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
            "Generator.load('model.onnx')"
        )
    if generator.modality != "image":
        raise DataError(f"the generator must make images, but this one makes a {generator.modality}")
    is_number = isinstance(share, int | float | np.number) and not isinstance(share, bool)
    if not (isinstance(share, str) and share == "auto") and not (is_number and 0 <= share <= 1):
        raise DataError(f"synthetic_share must be 'auto' or a number from 0 to 1, but is {share!r}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DataError(f"seed must be a whole number, 0 or more, but is {seed!r}")


def _sources(dataset: Any) -> list[tuple[Any, int]]:
    """Return for every item the dataset under `Subset` and `ConcatDataset` that it comes from, and its index there."""
    if isinstance(dataset, IterableDataset) or not (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")):
        raise DataError(
            f"the dataset must be map-style (with a length and an index), but is a {type(dataset).__name__}"
        )
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        under = _sources(dataset.dataset)
        return [under[int(row)] for row in dataset.indices]
    if isinstance(dataset, ConcatDataset) and type(dataset).__getitem__ is ConcatDataset.__getitem__:
        return [source for part in dataset.datasets for source in _sources(part)]
    return [(dataset, row) for row in range(len(dataset))]


def _labels_of(dataset: Any, sources: list[tuple[Any, int]]) -> list[Label]:
    if not sources:
        raise DataError("the dataset must have at least one item, but it is empty")
    targets = {key: getattr(base, "targets", None) for key, base in {id(base): base for base, _ in sources}.items()}
    listed = {key: list(found) for key, found in targets.items() if found is not None}
    for base, _ in sources:
        if id(base) in listed and len(listed[id(base)]) != len(base):
            found = len(listed[id(base)])
            raise DataError(f"`targets` must have a label for each of the {len(base)} items, but has {found} labels")
    return [
        _plain(listed[id(base)][row] if id(base) in listed else _item(dataset, index)[1])
        for index, (base, row) in enumerate(sources)
    ]


def _item(dataset: Any, index: int) -> tuple[Any, Any]:
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"{len(item)} values" if isinstance(item, tuple | list) else f"a {type(item).__name__}"
        raise DataError(
            f"an item of the dataset must be a pair (image, label), but item {index} is {found}: wrap the dataset in "
            "one that returns pairs"
        )
    return item[0], item[1]


def _plain(label: Any) -> Label:
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


def _classes_of(dataset: Any, sources: list[tuple[Any, int]]) -> list[Any] | None:
    """Return the class names as the dataset has them, or all that it consists of."""
    holders = [dataset] if hasattr(dataset, "classes") else {id(base): base for base, _ in sources}.values()
    found = [list(holder.classes) for holder in holders if getattr(holder, "classes", None) is not None]
    if any(classes != found[0] for classes in found):
        other = next(classes for classes in found if classes != found[0])
        raise DataError(
            f"all parts of the dataset must have the same `classes`, but one has {found[0]} and another {other}: the "
            "same label means different classes"
        )
    return found[0] if found else None


def _match(labels: Sequence[Label], classes: list[Any] | None, known: Sequence[Any]) -> dict[Label, Label]:
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
    raise DataError(f"labels must be indices into the dataset's classes {classes}, but one is {label!r}")


def _wanted(strategy: Any, sizes: dict[Label, int]) -> dict[Label, int]:
    """Return how many items to add to each class."""
    if strategy == "auto":
        return {label: max(sizes.values()) - size for label, size in sizes.items()}
    if not isinstance(strategy, dict):
        raise DataError(f"strategy must be 'auto' or a dict of label to number of items, but is {strategy!r}")
    for label, size in strategy.items():
        if label not in sizes:
            raise DataError(f"strategy must name classes of the dataset ({list(sizes)}), but names {label!r}")
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise DataError(f"strategy must give whole numbers of items, but gives {size!r} for {label!r}")
        if size < sizes[label]:
            raise DataError(
                f"strategy must not ask for fewer items than there are ({sizes[label]} of {label!r}), but is {size}"
            )
    return {label: strategy.get(label, size) - size for label, size in sizes.items()}


def _makers(
    dataset: Any, sources: list[tuple[Any, int]], labels: list[Label], shape: tuple[int, int, int]
) -> list[ItemMaker]:
    """Return for every real item what makes synthetic ones like it; those of one dataset share it."""
    rows: dict[int, list[int]] = {}
    for index, (base, _) in enumerate(sources):
        rows.setdefault(id(base), []).append(index)
    makers = {}
    for key, own in rows.items():
        some = own[:: -(-len(own) // LOOKED_AT)]
        items = [_item(dataset, index) for index in some]
        for index, (_, label) in zip(some, items, strict=True):
            if _plain(label) != labels[index]:
                raise DataError(
                    f"`targets` must list the labels that items have, but item {index} has {_plain(label)!r} and "
                    f"`targets` {labels[index]!r}: leave out target_transform, or correct `targets`"
                )
        makers[key] = ItemMaker(sources[own[0]][0], items, shape)
    return [makers[id(base)] for base, _ in sources]
