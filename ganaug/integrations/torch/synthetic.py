"""Synthetic samples alone, as a stream that the workers of a DataLoader share."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.utils.data import IterableDataset, get_worker_info

from ganaug.data.modalities import part_of
from ganaug.errors import DataError
from ganaug.integrations.torch.arguments import check_function, check_generator, check_list, check_whole, replicas_of
from ganaug.integrations.torch.epochs import EpochCounter
from ganaug.integrations.torch.item_maker import ItemMaker
from ganaug.runtime.generator import Generator

MAX_WORKERS = 1024
"""Workers of a loader, each of which has a counter of epochs in shared memory."""
LABELS_REMEDY = "give a list of classes, or leave it out for all"


class SyntheticDataset(IterableDataset[tuple[Any, int]]):
    """A stream of synthetic samples, for training on them alone or beside real ones.

    Parameters
    ----------
    generator : Generator
        Draws the samples.
    labels : iterable, optional
        The labels of the samples, over and over; by default every class in turn.
    seed : int, default=0
        Decides all samples.
    size : int, optional
        How many samples an epoch has, in all workers and processes together, rounded up so that every process gets
        the same number. By default the stream does not end.
    batch_size : int, default=64
        How many samples are drawn at once, by one worker. If it is the batch size of the DataLoader, the number of
        workers changes neither the batches nor their order. Otherwise it changes the order of the samples alone, if
        `size` is given.
    transform : callable, optional
        Applied to every sample: a uint8 array of shape (H, W, C), a float32 array of shape (length, channels), a uint8
        array (T, H, W, C), or a dict from column to value.
    screened : bool, default=True
        Keep only samples that the model's own classifier, if it has one, assigns to their class.
    num_replicas, rank : int, optional
        How many processes share the stream, and which of them this is; by default as `torch.distributed` has them.

    Attributes
    ----------
    classes : list
        The generator's classes. The label of an item is an index into this list.

    Raises
    ------
    DataError
        If an argument is out of range, or if a table has columns of text or dates and there is no `transform`.

    Notes
    -----
    An item is ``(x, label)``. Without a `transform`, x is a float32 tensor: an image (C, H, W) in [0, 1], a signal
    (channels, length), a clip (C, T, H, W) in [0, 1], or the values of the columns. Every iteration is a new epoch,
    with new samples, unless `set_epoch` was called.

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
        self.labels = self.classes if labels is None else check_list(labels, "labels", LABELS_REMEDY)
        if not self.labels or not all(label in self.classes for label in self.labels):
            raise DataError(
                f"labels must name some of the generator's classes {self.classes}, but are {self.labels}: "
                f"{LABELS_REMEDY}"
            )
        self.seed, self.batch_size = check_whole(seed, "seed"), check_whole(batch_size, "batch_size", 1)
        self.size = None if size is None else check_whole(size, "size")
        check_function(transform, "transform", "a sample", "none")
        self.transform, self.screened = transform, screened
        self.num_replicas, self.rank = replicas_of(num_replicas, rank)
        self._epochs = EpochCounter(MAX_WORKERS)
        self._new_transform()  # for its checks

    def __len__(self) -> int:
        if self.size is None:
            raise TypeError("a stream without a size has no length: give SyntheticDataset one")
        return -(-self.size // self.num_replicas)

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        if worker >= MAX_WORKERS:
            raise DataError(f"num_workers must be at most {MAX_WORKERS}, but this is worker {worker}")
        return self._items(self._epochs.read(worker), worker, workers)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that decides the samples. Workers that already run follow."""
        self._epochs.set(epoch)

    def _new_transform(self) -> Callable[[Any], Any]:
        maker: type[ItemMaker] = part_of(self.generator.modality, "integrations.torch.{}").MAKER
        return maker.without_items(self.generator.format, self.transform)

    def _items(self, epoch: int, worker: int, workers: int) -> Iterator[tuple[Any, int]]:
        transform = self._new_transform()
        for numbers in self._blocks(worker, workers):
            labels = [self.labels[number % len(self.labels)] for number in numbers]
            seeds = [(self.seed, epoch, number) for number in numbers]
            samples, _ = self.generator.sample_each(labels, seeds, screened=self.screened)
            for sample, label in zip(self.generator.format.listed(samples), labels, strict=True):
                yield transform(sample), self.classes.index(label)

    def _blocks(self, worker: int, workers: int) -> Iterator[range]:
        """Yield the numbers of the samples of a worker, those of one draw at a time."""
        start = worker * self.batch_size  # within the samples of one process
        while self.size is None or start < len(self):
            count = self.batch_size if self.size is None else min(self.batch_size, len(self) - start)
            first = start * self.num_replicas + self.rank * count  # after the blocks of the processes before this one
            yield range(first, first + count)
            start += workers * self.batch_size
