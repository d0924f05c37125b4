"""The PyTorch faces: a labelled image folder as a Dataset, and any labelled Dataset filled up to class balance."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from ganaug.codecs.image import load_folder
from ganaug.errors import DataError
from ganaug.generator import Generator

__all__ = ["AugmentedDataset", "ImageFolder", "Label", "fill_counts"]

Label = Any

SYNTHETIC_SHARE = 0.3
"""Most of the whole that is synthetic by default: in trials 20 to 30 % did better than 40 to 50 %."""
BLOCK = 32
"""Synthetic samples of one class that are drawn at once."""
CACHE_BYTES = 64 * 2**20


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
        """Turn pixels into what an item holds."""
        return _to_tensor(image) if self.transform is None else self.transform(image)


def _to_tensor(image: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous().float() / 255


class AugmentedDataset(Dataset[tuple[Any, Any]]):
    """A labelled dataset, filled up until its classes are equally large: the real items first, then the added ones.

    Parameters
    ----------
    dataset : map-style Dataset
        Gives ``(image, label)``. `targets` and `classes` are used where it has them, as torchvision names them;
        otherwise its labels are read once. Images may be tensors (C, H, W), arrays (H, W, C) or PIL images, uint8 or
        float in [0, 1].
    generator : Generator
        Trained on the same classes.
    strategy : "auto" or dict, default="auto"
        "auto" fills every class up to the largest; a dict gives the wanted size of each class it names.
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
        If the labels and the generator's classes do not match, or an argument is out of range.

    Notes
    -----
    If the dataset has a `transform`, synthetic images pass through it as the real ones do. An item depends only on the
    seed, the epoch and its index. In the main process an index that is asked for again belongs to the next epoch; in a
    DataLoader's workers the epoch is the loader's own seed, which `torch.manual_seed` decides.
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
        if synthetic_share != "auto" and not 0 <= synthetic_share <= 1:
            raise DataError(f"synthetic_share must be 'auto' or from 0 to 1, but is {synthetic_share!r}")
        if generator.modality != "image":
            raise DataError(f"the generator must make images, but this one makes a {generator.modality}")
        self.dataset, self.generator, self.fresh, self.seed = dataset, generator, fresh, seed
        self._share = SYNTHETIC_SHARE if synthetic_share == "auto" else float(synthetic_share)

        labels = _labels_of(dataset)
        self._names = _match(labels, getattr(dataset, "classes", None), generator.classes)
        rows: dict[Label, list[int]] = {}
        for row, label in enumerate(labels):
            rows.setdefault(label, []).append(row)
        added = _wanted(strategy, {label: len(own) for label, own in rows.items()})
        n_synthetic = fill_counts(len(labels), added, self._share)

        # Real items, then for each class its synthetic ones and its repeats.
        self._real = list(range(len(labels)))
        self._synthetic: list[tuple[Label, int]] = []
        for label, count in n_synthetic.items():
            self._synthetic += [(label, number) for number in range(count)]
        for label, count in added.items():
            own = rows[label]
            order = np.random.default_rng([seed, len(self._real)]).permutation(len(own))
            self._real += [own[order[i % len(own)]] for i in range(count - n_synthetic[label])]
        self._first = len(labels)
        self.targets = [
            *labels,
            *(label for label, _ in self._synthetic),
            *(labels[i] for i in self._real[self._first :]),
        ]
        if hasattr(dataset, "classes"):
            self.classes = dataset.classes
        self._present = _presenter(dataset)
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
        return self._present(self._draw(label, number, self._epoch_of(index))), label

    def is_synthetic(self, index: int) -> bool:
        """Return whether an item is synthetic."""
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


def _labels_of(dataset: Any) -> list[Label]:
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise DataError(
            f"the dataset must be map-style (with a length and an index), but is a {type(dataset).__name__}"
        )
    found = getattr(dataset, "targets", None)
    labels = [dataset[i][1] for i in range(len(dataset))] if found is None else list(found)
    if not labels:
        raise DataError("the dataset must have at least one item, but it is empty")
    return [label.item() if isinstance(label, Tensor | np.generic) else label for label in labels]


def _match(labels: Sequence[Label], classes: Sequence[Any] | None, known: Sequence[Any]) -> dict[Label, Label]:
    """Return the generator's name of every label: the dataset's class of that index, the label itself, or its text."""
    names = {}
    for label in dict.fromkeys(labels):
        by_index = [classes[label]] if classes is not None and type(label) is int and 0 <= label < len(classes) else []
        names[label] = next((name for name in (*by_index, label, str(label)) if name in known), None)
    if None in names.values():
        ours = list(classes) if classes is not None else sorted(names, key=str)
        raise DataError(f"the generator must know the dataset's classes {ours}, but it was trained on {list(known)}")
    return names


def _wanted(strategy: Any, sizes: dict[Label, int]) -> dict[Label, int]:
    """Return how many items to add to each class."""
    if strategy == "auto":
        return {label: max(sizes.values()) - size for label, size in sizes.items()}
    if not isinstance(strategy, dict):
        raise DataError(f"strategy must be 'auto' or a dict of label to number of items, but is {strategy!r}")
    for label, size in strategy.items():
        if label not in sizes:
            raise DataError(f"strategy must name classes of the dataset ({list(sizes)}), but names {label!r}")
        if size < sizes[label]:
            raise DataError(
                f"strategy must not ask for fewer items than there are ({sizes[label]} of {label!r}), but is {size}"
            )
    return {label: strategy.get(label, size) - size for label, size in sizes.items()}


def _presenter(dataset: Any) -> Callable[[NDArray[np.uint8]], Any]:
    """Return what makes of generated pixels an item like the dataset's own."""
    if hasattr(dataset, "present"):
        return dataset.present  # type: ignore[no-any-return]
    transform = getattr(dataset, "transform", None)
    if transform is not None:
        return lambda pixels: transform(_to_pil(pixels))
    return _Like(dataset[0][0])


class _Like:
    """Turns pixels into the kind, layout, size and range of an example image."""

    def __init__(self, example: Any) -> None:
        self.kind: Literal["pil", "tensor", "array"] = "tensor" if isinstance(example, Tensor) else "array"
        if isinstance(example, Image.Image):
            self.kind, self.mode, self.size = "pil", example.mode, example.size
            return
        array = np.asarray(example)
        if array.ndim not in (2, 3):
            raise DataError(f"an item must hold an image of 2 or 3 dimensions, but holds shape {array.shape}")
        self.flat, self.dtype = array.ndim == 2, array.dtype
        self.first = not self.flat and array.shape[0] in (1, 3, 4) and array.shape[-1] not in (1, 3, 4)
        channels, height, width = (
            (array.shape[i] for i in ((0, 1, 2) if self.first else (2, 0, 1))) if not self.flat else (1, *array.shape)
        )
        self.mode, self.size = {1: "L", 3: "RGB", 4: "RGBA"}[channels], (width, height)

    def __call__(self, pixels: NDArray[np.uint8]) -> Any:
        image = _to_pil(pixels).convert(self.mode)
        image = image if image.size == self.size else image.resize(self.size, Image.Resampling.BICUBIC)
        if self.kind == "pil":
            return image
        array = np.asarray(image)
        if not self.flat:
            array = array.reshape(*array.shape[:2], -1)
            array = array.transpose(2, 0, 1) if self.first else array
        array = array.astype(self.dtype) if self.dtype.kind in "iu" else (array / 255).astype(self.dtype)
        return torch.from_numpy(np.ascontiguousarray(array)) if self.kind == "tensor" else array


def _to_pil(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
