"""Synthetic samples alone, as a stream that DataLoader workers share out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from ganaug.errors import DataError
from ganaug.integrations.torch.arguments import (
    check_epoch,
    check_generator,
    check_list,
    check_seed,
    check_whole,
    replicas_of,
    shared,
)
from ganaug.integrations.torch.folder import to_tensor
from ganaug.integrations.torch.rows import check_numbers, numbers_of
from ganaug.runtime.generator import Generator

__all__ = ["SyntheticDataset"]

MOST_WORKERS = 1024
FEW = "give a list of classes, or leave it out for all"


class SyntheticDataset(IterableDataset[tuple[Any, int]]):
    """A stream of synthetic samples, for training on them alone or beside real ones.

    Parameters
    ----------
    generator : Generator
        Of images or of tables.
    labels : iterable, optional
        The labels to go through, over and over; by default every class in turn.
    seed : int, default=0
        Decides all samples.
    size : int, optional
        How many samples an epoch has, all workers and processes together, rounded up so that every process gets as
        many; by default it has no end.
    batch_size : int, default=64
        How many samples are drawn at once, and dealt to one worker. If the DataLoader's is the same, its batches and
        their order do not depend on the number of workers; otherwise the samples of an epoch of some `size` do not.
    transform : callable, optional
        Applied to every sample: a uint8 array of shape (H, W, C), or a dict from column to value.
    screened : bool, default=True
        Keep only samples that the model's own classifier reads as their label, if it carries one.
    num_replicas, rank : int, optional
        How many processes share the stream, and which of them this is; by default what `torch.distributed` says.

    Attributes
    ----------
    classes : list
        The generator's classes, which an item's label indexes.

    Raises
    ------
    DataError
        If an argument is out of range, or a table has columns of text or dates and there is no `transform`.

    Notes
    -----
    An item is ``(x, label)``. Without a `transform`, x is a float32 tensor: (C, H, W) in [0, 1], or the values of the
    columns. Every time the stream is begun is another epoch, with other samples; `set_epoch` chooses it.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from ganaug import Generator, SyntheticDataset
    >>> stream = SyntheticDataset(Generator.load("photos.onnx"), size=1000)  # doctest: +SKIP
    >>> loader = DataLoader(stream, batch_size=64, num_workers=2)  # doctest: +SKIP
    """

    def __init__(
        self,
        generator: Generator,
        labels: Iterable[Any] | None = None,
        seed: int = 0,
        *,
        size: int | None = None,
        batch_size: int = 64,
        transform: Callable[[Any], Any] | None = None,
        screened: bool = True,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        check_generator(generator)
        self.generator, self.classes = generator, list(generator.classes)
        self.labels = self.classes if labels is None else check_list(labels, "labels", FEW)
        if not self.labels or not all(label in self.classes for label in self.labels):
            raise DataError(
                f"labels must name some of the generator's classes {self.classes}, but are {self.labels}: {FEW}"
            )
        self.seed, self.batch_size = check_seed(seed), check_whole(batch_size, "batch_size", 1)
        self.size = None if size is None else check_whole(size, "size")
        if transform is not None and not callable(transform):
            raise DataError(
                f"transform must be a function of a sample, but is {transform!r:.80}: leave it out for none"
            )
        self.transform, self.screened = transform, screened
        self.num_replicas, self.rank = replicas_of(num_replicas, rank)
        if generator.modality == "table" and transform is None:
            check_numbers(generator.codec.columns)
        # All processes share the epoch (-1 for none), and how often each worker has begun.
        self._shared = shared(torch.tensor([-1] + [0] * MOST_WORKERS))

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError("a stream without a size has no length: give SyntheticDataset one")
        return -(-self.size // self.num_replicas)

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        epoch = self._begin(worker)
        return (item for numbers in self._blocks(worker, workers) for item in self._items(numbers, epoch))

    def set_epoch(self, epoch: int) -> None:
        """Choose the samples, in workers that are at work already too."""
        self._shared[0] = check_epoch(epoch)

    def _begin(self, worker: int) -> int:
        if worker >= MOST_WORKERS:
            raise DataError(f"num_workers must be at most {MOST_WORKERS}, but this is worker {worker}")
        begun = int(self._shared[1 + worker])
        self._shared[1 + worker] = begun + 1
        return begun if self._shared[0] < 0 else int(self._shared[0])

    def _blocks(self, worker: int, workers: int) -> Iterator[range]:
        """Deal out the numbers of the samples, as many at once as are drawn at once; every process has as many."""
        first = worker * self.batch_size
        while self.size is None or first < len(self):
            count = self.batch_size if self.size is None else min(self.batch_size, len(self) - first)
            start = first * self.num_replicas + self.rank * count  # the processes before this one have their turn
            yield range(start, start + count)
            first += workers * self.batch_size

    def _items(self, numbers: range, epoch: int) -> Iterator[tuple[Any, int]]:
        labels = [self.labels[number % len(self.labels)] for number in numbers]
        seeds = [(self.seed, epoch, number) for number in numbers]
        X, _ = self.generator.sample_each(labels, seeds, screened=self.screened)
        if self.generator.modality == "image":
            samples = map(self.transform or to_tensor, X)
        else:
            samples = map(self._row, X.itertuples(index=False, name=None))
        return zip(samples, map(self.classes.index, labels), strict=True)

    def _row(self, row: tuple[Any, ...]) -> Any:
        codec = self.generator.codec
        if self.transform is not None:
            return self.transform(dict(zip(codec.names, row, strict=True)))
        return torch.from_numpy(numbers_of(row, codec.columns)).float()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._shared)
