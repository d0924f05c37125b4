"""A labelled dataset, filled up to class balance with synthetic items."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch.utils.data import Dataset

from ganaug.data.labels import LabelMapper
from ganaug.data.modalities import part_of
from ganaug.errors import DataError
from ganaug.files import StrPath
from ganaug.integrations.torch.arguments import check_folder, check_function, check_generator, check_share, check_whole
from ganaug.integrations.torch.composition import Composition, wanted
from ganaug.integrations.torch.disk_cache import CACHE_BYTES, DiskCache
from ganaug.integrations.torch.epochs import EpochCounter, EpochIndex, RedrawSchedule
from ganaug.integrations.torch.item_maker import ItemMaker, Transform
from ganaug.integrations.torch.real_items import Label, RealItems
from ganaug.integrations.torch.sample_source import GeneratorSource, MemoryCache, Sample, SampleId, SampleSource
from ganaug.runtime.dose import dosed_counts, fill_counts, filled_sizes
from ganaug.runtime.generator import Generator

DEFAULT_SHARE = 0.3
"""Largest synthetic share of the whole if the model file records no dose: in trials, larger shares did worse."""


class AugmentedDataset(Dataset[tuple[Any, ...]]):
    """A labelled dataset, filled up to class balance: first the real items, then the synthetic ones, then repeats.

    Parameters
    ----------
    dataset : map-style Dataset
        Gives ``(image, label)``, ``(signal, label)``, ``(clip, label)`` or ``(row, label)``. Its `targets` and
        `classes`, as torchvision names them, are used. Without `targets`, all items are read once for their labels.

        Images may be PIL images, tensors (C, H, W) or arrays (H, W, C): uint8, or floating point from 0 to 1, from -1
        to 1 or from 0 to 255. A signal may be a tensor or an array, (C, L), (L, C) or, of one channel, (L,), in the
        units that the generator learned. A clip may be a tensor or an array (C, T, H, W), (T, C, H, W) or (T, H, W, C),
        with values like those of images. A row may be a tensor, an array, a list or a tuple of the values of the
        columns that the generator learned, in their order and units, or a dict from the names of these columns. If the
        dataset has a `transform`, its items may be anything.
    generator : Generator
        Trained on the same classes.
    strategy : str, float, dict, list or callable, default="auto"
        imbalanced-learn's `sampling_strategy`, with the labels of the items: "auto" (or "not majority"), "all",
        "minority" and "not minority" fill these classes up to the largest class; a list of labels fills these up to
        the largest class; a float is the wanted ratio of the smaller of two classes to the larger; a dict gives the
        wanted size of each class it names; a callable returns such a dict for an array of all labels.
    synthetic_share : "auto" or float, default="auto"
        Largest share of the whole that may be synthetic. The other added items repeat real ones. 1.0 adds synthetic
        items alone. "auto" gives each class the dose that the model file records as measured: the share of its items
        that is synthetic. Where the dose is zero, all added items repeat real ones. If the dose of the largest class is
        above zero, ``strategy="auto"`` adds items to it too. "auto" is 0.3 if the file records no dose.
    fresh : bool or float, default=True
        True draws new synthetic items in every epoch, False draws them once. A number is the share of the synthetic
        items that every epoch draws anew, in turn and to within one item: 0.25 costs a quarter of the time of True
        after the first epoch. Images that are not drawn anew are kept in memory that all workers share, up to 256 MiB.
    seed : int, default=0
        Decides all synthetic items.
    return_source : bool, default=False
        Whether items are ``(x, label, is_synthetic)``.
    synthetic_transform : callable, optional
        Applied to synthetic images instead of the dataset's `transform`, such as the same transform without its random
        distortions: synthetic images already vary, and distortions made for real images may be too strong.
    cache : path-like, optional
        A folder in which synthetic images are kept. They are drawn once for this generator, seed and size, and are
        the same in every epoch and every run, as with ``fresh=False``. The folder may hold the caches of other
        settings, and nothing else. The images of a damaged or deleted cache are drawn again, with a warning.
    cache_bytes : int, default=268435456
        Largest size of this folder in bytes. Older caches, of other settings, are deleted to make room. If there is
        not enough room for all synthetic images, fewer are drawn, and items of a class share them, with a warning.
        There must be room for one image of each class that is filled up.

    Attributes
    ----------
    targets : list
        The label of every item.
    classes : list
        The classes of the dataset, if it has them.

    Raises
    ------
    DataError
        If the labels do not match the generator's classes, synthetic items cannot be given the form of the real ones,
        `cache` holds other files, or an argument is out of range.
    OutputError
        If the cache cannot be written.

    Notes
    -----
    If the dataset has a `transform`, synthetic samples pass through it as the real ones do. An `ImageFolder` gives its
    transform uint8 arrays (H, W, C). The transform of another dataset of images is given PIL images or, if it does not
    take these, such arrays. The transform of a dataset of rows is given a list, a tuple, a dict of the columns, a
    tensor or an array, whichever results in items like the real ones. Without a transform, up to 64 real items decide
    the form and the range of the synthetic ones. `Subset` and `ConcatDataset` are unwrapped. In a `ConcatDataset`, a
    synthetic item gets the form of the part that holds a real item of its class.

    Integer labels are indices into the dataset's `classes`. Without `classes`, labels are the generator's classes or
    the text of these. Integers that may also be positions among the generator's classes are refused.

    A synthetic item depends on the seed, the epoch and its index alone. If `set_epoch` was not called, the epoch of an
    item is the number of times that its index was asked for before, in this process and the workers of all loaders.
    With samplers that ask for every index at most once in an epoch, the number of workers thus changes nothing. With
    samplers that repeat indices, call `set_epoch`, or use `EvenSampler` or `balanced_loader`, which set the epoch.

    Examples
    --------
    >>> from ganaug import AugmentedDataset, Generator, ImageFolder
    >>> photos, generator = ImageFolder("photos"), Generator.load("photos.onnx")  # doctest: +SKIP
    >>> balanced = AugmentedDataset(photos, generator)  # doctest: +SKIP
    """

    def __init__(
        self,
        dataset: Any,
        generator: Generator,
        *,
        strategy: Any = "auto",
        synthetic_share: Literal["auto"] | float = "auto",
        fresh: bool | float = True,
        seed: int = 0,
        return_source: bool = False,
        synthetic_transform: Callable[..., Any] | None = None,
        cache: StrPath | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        check_generator(generator)
        self.dataset, self.generator, self.seed = dataset, generator, check_whole(seed, "seed")
        self.fresh, self.return_source = check_share(fresh, "fresh"), return_source
        cache_folder = None if cache is None else check_folder(cache, "cache")
        max_cache_bytes = check_whole(cache_bytes, "cache_bytes")
        maker: type[ItemMaker] = part_of(generator.modality, "integrations.torch.{}").MAKER
        transform = _check_transform(synthetic_transform, generator, maker)
        share: float | None = None
        if not (isinstance(synthetic_share, str) and synthetic_share == "auto"):
            share = check_share(synthetic_share, "synthetic_share", "'auto' or ")

        # Reading items runs the dataset's random transforms, and must not change what they do later.
        with torch.random.fork_rng(devices=[]):
            real = RealItems(dataset)
            _check_real(real)
            self._class_names: dict[Label, Any] = LabelMapper(generator.classes, real.classes).map_all(real.labels)
            added, n_synthetic = self._filling(strategy, share, real.labels)
            if any(n_synthetic.values()):
                self._makers = real.for_each(lambda base, items: maker(base, items, generator.format, transform))

        self._composition = Composition(real.labels, added, n_synthetic, self.seed)
        self.targets = self._composition.targets
        if real.classes is not None:
            self.classes = real.classes

        counts: dict[Any, int] = {}  # of samples; two labels, such as an index and a name, may mean one class
        for label, count in n_synthetic.items():
            name = self._class_names[label]
            counts[name] = max(count, counts.get(name, 0))
        self._epochs = EpochCounter(len(self._composition.synthetic))
        self._schedule = RedrawSchedule(counts, self.fresh)
        self._source = self._choose_source(counts, cache_folder, max_cache_bytes)

    def _filling(
        self, strategy: Any, share: float | None, labels: list[Label]
    ) -> tuple[dict[Label, int], dict[Label, int]]:
        """Return how many items each class gains, and how many of these are synthetic: by the dose without a share."""
        measured = self.generator.dose
        if share is not None or measured is None:
            added = wanted(strategy, labels)
            return added, fill_counts(len(labels), added, DEFAULT_SHARE if share is None else share)
        sizes = Counter(labels)
        dose = {label: measured[self._class_names[label]] for label in sizes}
        balances = isinstance(strategy, str) and strategy == "auto"
        added = filled_sizes(sizes, dose) if balances else wanted(strategy, labels)
        return added, dosed_counts(sizes, added, dose)

    def _choose_source(self, counts: dict[Any, int], cache_folder: StrPath | None, max_bytes: int) -> SampleSource:
        """Return where synthetic samples come from: a cache on disk, a cache in memory, or the generator."""
        source, form = GeneratorSource(self.generator, self.seed, counts), self.generator.format.cached_form
        if cache_folder is not None and any(counts.values()):
            return DiskCache(cache_folder, source, max_bytes)
        if form is None or self._schedule.n_redrawn == self._schedule.period or not any(counts.values()):
            return source
        return MemoryCache(source, form, self._schedule)

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int | EpochIndex) -> tuple[Any, ...]:
        position, epoch = self._located(index)
        if position not in self.synthetic_indices:
            return self._finished(self.dataset[self._composition.row(position)], False)
        return self._synthetic(position, self._source.get(self._sample_id(position, epoch)))

    def __getitems__(self, indices: Sequence[int | EpochIndex]) -> list[tuple[Any, ...]]:
        """Return a batch of items, as a DataLoader asks for it. Its synthetic items are drawn together."""
        positions = self.synthetic_indices
        located = [self._located(index) for index in indices]
        synthetic = [one for one in located if one[0] in positions]
        ids = [self._sample_id(*one) for one in synthetic]
        rows = [self._composition.row(position) for position, _ in located if position not in positions]
        read_batch = getattr(self.dataset, "__getitems__", None)
        items = read_batch(rows) if read_batch else map(self.dataset.__getitem__, rows)
        # All real items come first, whatever their order: the transforms of a user may draw random numbers.
        real = iter([self._finished(item, False) for _, item in zip(rows, items, strict=True)])
        samples = zip(synthetic, self._source.get_batch(ids), strict=True)
        made = iter([self._synthetic(position, sample) for (position, _), sample in samples])
        return [next(made if position in positions else real) for position, _ in located]

    def is_synthetic(self, index: int) -> bool:
        """Return whether an item is synthetic."""
        return range(len(self))[index] in self.synthetic_indices

    @property
    def synthetic_indices(self) -> range:
        """The indices of the synthetic items."""
        return self._composition.synthetic_positions

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that decides the synthetic items, as `DistributedSampler.set_epoch` sets that of its order.

        Workers that already run, of a loader with ``persistent_workers``, follow.
        """
        self._epochs.set(epoch)

    def _located(self, index: int | EpochIndex) -> tuple[int, int | None]:
        """Return the position of an item, not negative, and the epoch that the sampler names."""
        if isinstance(index, EpochIndex):
            return range(len(self))[index.position], index.epoch
        return range(len(self))[index], None

    def _sample_id(self, position: int, epoch: int | None) -> SampleId:
        """Return which sample a synthetic item is."""
        number_in_all = position - self._composition.synthetic_positions.start
        label, number = self._composition.synthetic[number_in_all]
        name = self._class_names[label]
        if not self._schedule.n_redrawn:
            return SampleId(name, number, 0)
        if epoch is None:
            epoch = self._epochs.read(number_in_all)
        return SampleId(name, number, self._schedule.last_drawn(name, number, epoch))

    def _synthetic(self, position: int, sample: Sample) -> tuple[Any, ...]:
        items = self._composition
        label, number = items.synthetic[position - items.synthetic_positions.start]
        return self._finished(self._makers[items.model_row(label, number)](sample, label), True)

    def _finished(self, item: tuple[Any, ...], is_synthetic: bool) -> tuple[Any, ...]:
        return (*item, is_synthetic) if self.return_source else item


def _check_transform(transform: Transform, generator: Generator, maker: type[ItemMaker]) -> Transform:
    check_function(transform, "synthetic_transform", "an image", "the dataset's own `transform`")
    if transform is not None and not maker.takes_transform:
        raise DataError(
            f"synthetic_transform is for images, but the generator makes {generator.format.noun}: leave it out"
        )
    return transform


def _check_real(real: RealItems) -> None:
    """Refuse a dataset with synthetic items: they would count as real ones, and the share would not hold."""
    if any(isinstance(base, AugmentedDataset) for base, _ in real.sources):
        raise DataError(
            "the dataset must hold real items alone, but an AugmentedDataset is part of it, whose synthetic items "
            "would be taken for real ones: give the dataset that it wraps"
        )
