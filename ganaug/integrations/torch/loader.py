"""Loaders with balanced batches, and the order of items that balances them."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from torch.utils.data import DataLoader, DistributedSampler

from ganaug.files import StrPath
from ganaug.integrations.torch.arguments import check_whole, replicas_of
from ganaug.integrations.torch.augmented import AugmentedDataset
from ganaug.integrations.torch.disk_cache import CACHE_BYTES
from ganaug.integrations.torch.epochs import EpochIndex, check_epoch
from ganaug.runtime.generator import Generator


class EvenSampler(DistributedSampler[EpochIndex]):
    """A random order of an `AugmentedDataset` that spreads its synthetic items evenly, and names the epoch.

    Every run of consecutive items, and so every batch, has the synthetic share of the whole, to within one item. The
    seed and the epoch decide the order. Every iteration is a new epoch, beginning with 0; `set_epoch` sets the next.

    `num_replicas` processes share an epoch; `rank` is the number of this one. By default, `torch.distributed` tells
    both. Every process gets the same number of items; items are repeated only if there are too few for that. The class
    is a `DistributedSampler`, so that frameworks which put one around other samplers do not do so here.
    """

    def __init__(
        self, dataset: AugmentedDataset, seed: int = 0, *, num_replicas: int | None = None, rank: int | None = None
    ) -> None:
        super().__init__(dataset, *replicas_of(num_replicas, rank), seed=check_whole(seed, "seed"))
        self.augmented = dataset

    def __iter__(self) -> Iterator[EpochIndex]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        whole = np.resize(self._order(epoch), self.total_size)  # repeats the first items where the processes need more
        own = np.split(whole, self.num_replicas)[self.rank]  # in one piece, as every n-th item might be a synthetic one
        return (EpochIndex(index, epoch) for index in own.tolist())

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration."""
        self.epoch = check_epoch(epoch)

    def _order(self, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        rng = np.random.default_rng([self.seed, epoch])
        total, synthetic = len(self.augmented), self.augmented.synthetic_indices
        # Of the first k items, for every k, the number of synthetic ones is that of the whole times k / total, rounded.
        dealt = (np.arange(total + 1) * len(synthetic) + rng.integers(total)) // total
        takes = np.diff(dealt) > 0
        order = np.empty(total, np.int64)
        order[takes] = rng.permutation(np.array(synthetic, np.int64))
        order[~takes] = rng.permutation(np.setdiff1d(np.arange(total), synthetic))
        return order


def balanced_loader(
    dataset: Any,
    generator: Generator,
    batch_size: int,
    *,
    strategy: Any = "auto",
    synthetic_share: Literal["auto"] | float = "auto",
    fresh: bool | float = 0.1,
    seed: int = 0,
    return_source: bool = False,
    synthetic_transform: Callable[..., Any] | None = None,
    cache: StrPath | None = None,
    cache_bytes: int = CACHE_BYTES,
    **loader_kwargs: Any,
) -> DataLoader[Any]:
    """Return a DataLoader over a dataset filled up to class balance.

    Parameters
    ----------
    dataset, generator, strategy, synthetic_share, fresh, seed, return_source, synthetic_transform, cache, cache_bytes
        As `AugmentedDataset` takes and checks them, but `fresh` is 0.1 by default: to draw all synthetic images anew in
        every epoch takes several times longer than to decode real ones. The first epoch draws all of them.
    batch_size : int
        Items in a batch. The synthetic share of every batch is that of the whole, to within one item.
    **loader_kwargs
        Passed to `torch.utils.data.DataLoader`: `num_workers`, `persistent_workers`, `multiprocessing_context`, ...
        ``shuffle=False``, `sampler` or `batch_sampler` replaces the order, which is by default that of an
        `EvenSampler`: shuffled anew in every epoch.

    Returns
    -------
    DataLoader
        Its `dataset` is the `AugmentedDataset`; its `sampler` has `set_epoch`. The epochs depend on the seed, but not
        on the number of workers or how they are started.

    Examples
    --------
    >>> loader = balanced_loader(photos, generator, 64, num_workers=2)  # doctest: +SKIP
    >>> for images, labels in loader:  # doctest: +SKIP
    ...     ...
    """
    augmented = AugmentedDataset(
        dataset,
        generator,
        strategy=strategy,
        synthetic_share=synthetic_share,
        fresh=fresh,
        seed=seed,
        return_source=return_source,
        synthetic_transform=synthetic_transform,
        cache=cache,
        cache_bytes=cache_bytes,
    )
    if "batch_sampler" in loader_kwargs:
        return DataLoader(augmented, **loader_kwargs)
    if "sampler" not in loader_kwargs and loader_kwargs.pop("shuffle", None) is not False:
        loader_kwargs["sampler"] = EvenSampler(augmented, seed)
    return DataLoader(augmented, batch_size, **loader_kwargs)
