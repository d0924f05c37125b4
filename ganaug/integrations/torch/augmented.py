"""Any labelled Dataset, filled up to class balance."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from ganaug.errors import DataError
from ganaug.files import StrPath
from ganaug.integrations.torch.arguments import (
    check_epoch,
    check_folder,
    check_generator,
    check_seed,
    check_share,
    check_transform,
    check_whole,
    shared,
)
from ganaug.integrations.torch.cache import CACHE_BYTES, CachedDraws
from ganaug.integrations.torch.drawing import Draws, Key, Supply
from ganaug.integrations.torch.filling import fill_counts, wanted
from ganaug.integrations.torch.labels import Label, Source, classes_of, item_of, labels_of, match, plain, sources_of
from ganaug.integrations.torch.pictures import PictureMaker
from ganaug.integrations.torch.pool import PooledDraws
from ganaug.integrations.torch.rows import RowMaker
from ganaug.runtime.generator import Generator

__all__ = ["At", "AugmentedDataset"]

SYNTHETIC_SHARE = 0.3
"""Most of the whole that is synthetic by default: in trials 20 to 30 % did better than 40 to 50 %."""
LOOKED_AT = 64
"""Most real items of a dataset that are looked at for what synthetic ones must be like."""

Maker = PictureMaker | RowMaker


class At(NamedTuple):
    """The place of an item, and the epoch that it is asked for in."""

    place: int
    epoch: int


class AugmentedDataset(Dataset[tuple[Any, ...]]):
    """A labelled dataset, filled up until its classes are equally large: the real items first, then the added ones.

    Parameters
    ----------
    dataset : map-style Dataset
        Gives ``(image, label)`` or ``(features, label)``. `targets` and `classes` are used where it has them, as
        torchvision names them; otherwise its labels are read once.

        Images may be PIL images, tensors (C, H, W) or arrays (H, W, C): uint8, or floating point from 0 to 1, from -1
        to 1 or from 0 to 255. Features may be a tensor, an array, a list or a tuple of the values of the columns that
        the generator learned, in their order and units, or a dict from their names. Where the dataset has a
        `transform` they may be anything.
    generator : Generator
        Trained on the same classes, of images or of tables.
    strategy : str, float, dict, list or callable, default="auto"
        imbalanced-learn's `sampling_strategy`, by labels as the items have them: "auto" (or "not majority"), "all",
        "minority" and "not minority" fill those classes up to the largest, and so does a list of labels; a float is the
        wanted ratio of the smaller of two classes to the larger; a dict gives the wanted size of each class it names;
        a callable makes such a dict of the labels.
    synthetic_share : "auto" or float, default="auto"
        Most of the whole that may be synthetic; the rest of the filling repeats real items. "auto" is 0.3: in
        trials 20 to 30 % did better than 40 to 50 %; 1.0 fills with synthetic items alone.
    fresh : bool or float, default=True
        Draw other synthetic items in every epoch; otherwise the same ones. A number between is the share that every
        epoch draws anew, by turns and to within one item: 0.25 costs a quarter once the first epoch is over, and keeps
        images in memory that all workers share, up to 256 MiB.
    seed : int, default=0
        Decides all synthetic items.
    return_source : bool, default=False
        Let items be ``(x, label, is_synthetic)``.
    synthetic_transform : callable, optional
        What synthetic images go through instead of the dataset's `transform`: the same without its random distortions,
        for example. Samples differ by themselves, and what bends real images plausibly may bend them too far.
    cache : path-like, optional
        A folder in which the synthetic images are kept: they are drawn once, when there is no cache of this generator,
        seed and size yet, and are the same in every epoch and run, as if `fresh` were False. Caches of other settings
        may lie in it, and nothing else.
    cache_bytes : int, default=268435456
        Most bytes of that folder: older caches, of other settings, are deleted to make room. Where they do not suffice
        for all synthetic images, fewer are drawn and items of a class share them, with a warning; they must suffice
        for one of each class that is filled up.

    Attributes
    ----------
    targets : list
        The label of every item.
    classes : list
        Those of the dataset, if it has them.

    Raises
    ------
    DataError
        If the labels and the generator's classes do not match, synthetic items cannot be given the form of the real
        ones, there is something else at `cache`, or an argument is out of range.
    OutputError
        If the cache cannot be written.

    Warns
    -----
    GanaugWarning
        If `cache_bytes` means that items share images, or the cache is damaged or, in a worker or another process,
        gone: the images are then drawn again.

    Notes
    -----
    If the dataset has a `transform`, synthetic images pass through it as the real ones do: as uint8 arrays (H, W, C)
    if it is an `ImageFolder`, else as PIL images, or as such arrays if it takes none; rows as a list, a tuple, a dict
    of the columns, a tensor or an array, whichever it makes items like the real ones of. Without one, up to 64 real
    items show what form and range synthetic ones must have. `Subset` and `ConcatDataset` are looked through; what a
    synthetic item must be like is decided by the part that holds a real one of its class.

    Integer labels are indices into the dataset's `classes`. Without these they are the generator's classes themselves,
    or the text of them; where the generator's classes could also be meant in their order, they are refused.

    A synthetic item depends only on the seed, the epoch and its index. Unless `set_epoch` says what the epoch is, it is
    how often the index came up before, in this process and in the workers of all loaders together: samplers that give
    every index at most once in an epoch have the same items whatever the number of workers. For samplers that repeat
    indices, call `set_epoch`, or let an `EvenSampler` or `balanced_loader` do it.

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
        self.dataset, self.generator, self.seed = dataset, generator, check_seed(seed)
        self.fresh, self.return_source = check_share(fresh, "fresh"), return_source
        folder = None if cache is None else check_folder(cache, "cache")
        most_bytes = check_whole(cache_bytes, "cache_bytes")
        automatic = isinstance(synthetic_share, str) and synthetic_share == "auto"
        transform = check_transform(synthetic_transform, generator)
        share = SYNTHETIC_SHARE if automatic else check_share(synthetic_share, "synthetic_share", "'auto' or ")

        # Looking at items runs the dataset's own random transforms, and must not change what they do later.
        with torch.random.fork_rng(devices=[]):
            sources = sources_of(dataset)
            _check_real(sources)
            labels, classes = labels_of(dataset, sources), classes_of(dataset, sources)
            self._names = match(labels, classes, generator.classes)
            rows: dict[Label, list[int]] = {}
            for row, label in enumerate(labels):
                rows.setdefault(label, []).append(row)
            added = wanted(strategy, labels, {label: len(own) for label, own in rows.items()})
            self._counts = fill_counts(len(labels), added, share)
            if any(self._counts.values()):
                self._makers = _makers(dataset, sources, labels, generator, transform)

        # Real items, then for each class its synthetic ones and its repeats.
        self._real = list(range(len(labels)))
        self._synthetic: list[tuple[Label, int]] = []
        for label, count in self._counts.items():
            self._synthetic += [(label, number) for number in range(count)]
        for label, count in added.items():
            own = rows[label]
            order = np.random.default_rng([seed, len(self._real)]).permutation(len(own))
            self._real += [own[order[i % len(own)]] for i in range(count - self._counts[label])]
        self._first, self._rows = len(labels), rows
        self.targets = [
            *labels,
            *(label for label, _ in self._synthetic),
            *(labels[i] for i in self._real[self._first :]),
        ]
        if classes is not None:
            self.classes = classes

        # All processes share the epoch (-1 for none), and how often each synthetic item came up.
        self._shared = shared(torch.tensor([-1] + [0] * len(self._synthetic)))
        self._anew = Fraction(self.fresh).limit_denominator(10**6)
        draws = Draws(generator, self.seed)
        self._supply: Supply = draws
        counts: dict[Any, int] = {}  # two labels, an index and a name, may mean one class
        for label, count in self._counts.items():
            counts[self._names[label]] = max(count, counts.get(self._names[label], 0))
        self._starts = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))
        if folder is not None and any(counts.values()):
            self._supply = CachedDraws(folder, draws, counts, most_bytes=most_bytes)
        elif self._anew != 1 and generator.modality == "image" and any(counts.values()):
            self._supply = PooledDraws(draws, counts, self._anew.denominator)

    def __len__(self) -> int:
        return len(self.targets)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int | At) -> tuple[Any, ...]:
        place, epoch = self._placed(index)
        if not self.is_synthetic(place):
            return self._shown(self.dataset[self._row(place)], False)
        count = self._counts[self._synthetic[place - self._first][0]]
        return self._made(place, self._supply.one(self._key(place, epoch), count))

    def __getitems__(self, indices: Sequence[int | At]) -> list[tuple[Any, ...]]:
        """Return a batch of items, the synthetic ones drawn together: a DataLoader asks for them in this way."""
        places = [self._placed(index) for index in indices]
        synthetic = {at: place for at, (place, _) in enumerate(places) if self.is_synthetic(place)}
        keys = [self._key(place, places[at][1]) for at, place in synthetic.items()]
        real = [at for at in range(len(places)) if at not in synthetic]
        rows = [self._row(places[at][0]) for at in real]
        together = getattr(self.dataset, "__getitems__", None)
        items: dict[int, tuple[Any, ...]] = {}
        for at, item in zip(real, together(rows) if together else map(self.dataset.__getitem__, rows), strict=True):
            items[at] = self._shown(item, False)
        for (at, place), sample in zip(synthetic.items(), self._supply.many(keys), strict=True):
            items[at] = self._made(place, sample)
        return [items[at] for at in range(len(places))]

    def is_synthetic(self, index: int) -> bool:
        """Return whether an item is synthetic."""
        return range(len(self))[index] in self.synthetic_indices

    @property
    def synthetic_indices(self) -> range:
        """The indices of the synthetic items."""
        return range(self._first, self._first + len(self._synthetic))

    def set_epoch(self, epoch: int) -> None:
        """Choose the synthetic items of an epoch, as `DistributedSampler.set_epoch` chooses its order.

        Workers that are at work already, of a loader with ``persistent_workers``, are told too.
        """
        self._shared[0] = check_epoch(epoch)

    def _placed(self, index: int | At) -> tuple[int, int | None]:
        if isinstance(index, At):
            return range(len(self))[index.place], index.epoch
        return range(len(self))[index], None

    def _row(self, place: int) -> int:
        return self._real[place if place < self._first else place - len(self._synthetic)]

    def _key(self, place: int, asked: int | None) -> Key:
        """Return which sample an item is: that of the last epoch in which it was its turn to be drawn anew.

        It is the n-th one's turn when the multiples of the share, of which it is at the (epoch + n)-th, pass a whole
        number. Of samples in a row, all of them or those of a class, the share is due in every epoch, to within one.
        """
        label, number = self._synthetic[place - self._first]
        name, anew = self._names[label], self._anew
        if not anew:
            return Key(name, number, 0)
        n = self._starts[name] + number
        passed = (self._epoch_of(place, asked) + n) * anew.numerator // anew.denominator
        return Key(name, number, max(0, -(-passed * anew.denominator // anew.numerator) - n))

    def _epoch_of(self, place: int, asked: int | None) -> int:
        shared = self._shared.numpy()
        if asked is not None or shared[0] >= 0:
            return int(shared[0]) if asked is None else asked
        at = 1 + place - self._first
        visits = int(shared[at])
        shared[at] = visits + 1
        return visits

    def _made(self, place: int, sample: Any) -> tuple[Any, ...]:
        label, number = self._synthetic[place - self._first]
        own = self._rows[label]
        return self._shown(self._makers[own[number % len(own)]](sample, label), True)

    def _shown(self, item: tuple[Any, ...], is_synthetic: bool) -> tuple[Any, ...]:
        return (*item, is_synthetic) if self.return_source else item

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._shared)


def _check_real(sources: list[Source]) -> None:
    """Insist on items none of which is synthetic: they would count as real ones, and the share would not hold."""
    if any(isinstance(base, AugmentedDataset) for base, _ in sources):
        raise DataError(
            "the dataset must hold real items alone, but there is an AugmentedDataset in it, whose synthetic items "
            "would be taken for real ones: give the dataset that it wraps"
        )


def _makers(
    dataset: Any,
    sources: list[Source],
    labels: list[Label],
    generator: Generator,
    transform: Callable[..., Any] | None,
) -> list[Maker]:
    """Return for every real item what makes synthetic ones like it; those of one dataset share it."""
    new_maker: Callable[[Any, list[tuple[Any, Any]]], Maker]
    if generator.modality == "image":
        new_maker = lambda base, items: PictureMaker(base, items, generator.image_shape, transform)  # noqa: E731
    else:
        new_maker = lambda base, items: RowMaker(base, items, generator.codec)  # noqa: E731
    rows: dict[int, list[int]] = {}
    for index, (base, _) in enumerate(sources):
        rows.setdefault(id(base), []).append(index)
    makers = {}
    for key, own in rows.items():
        some = own[:: -(-len(own) // LOOKED_AT)]
        items = [item_of(dataset, index) for index in some]
        for index, (_, label) in zip(some, items, strict=True):
            if plain(label) != labels[index]:
                raise DataError(
                    f"`targets` must list the labels that items have, but item {index} has {plain(label)!r} and "
                    f"`targets` {labels[index]!r}: leave out target_transform, or correct `targets`"
                )
        makers[key] = new_maker(sources[own[0]][0], items)
    return [makers[id(base)] for base, _ in sources]
