"""Epochs: the current epoch, in all processes of a loader, and the samples that an epoch draws anew."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganaug.data.labels import Label
from ganaug.errors import DataError
from ganaug.integrations.torch.arguments import check_whole

NOT_SET = -1  # in place of an epoch
MAX_DENOMINATOR = 10**6
"""Largest denominator of the share that is drawn anew: floats such as 0.1 become the fraction that was meant."""


class EpochIndex(NamedTuple):
    """The index of an item, and the epoch for which a sampler asks for it."""

    position: int
    epoch: int


class EpochCounter:
    """The epoch, in memory that all processes of a loader share: as it was set, or else counted by `n` counters."""

    def __init__(self, n: int) -> None:
        values = torch.zeros(1 + n, dtype=torch.int64)  # the epoch that was set, then the counters
        values[0] = NOT_SET
        self._values = shared(values)

    def set(self, epoch: int) -> None:
        """Set the epoch, for all processes."""
        self._values[0] = check_epoch(epoch)

    def read(self, counter: int) -> int:
        """Return the epoch that was set or, if none was, how often this counter was read before."""
        values = self._values.numpy()
        if values[0] != NOT_SET:
            return int(values[0])
        count = int(values[1 + counter])
        values[1 + counter] = count + 1
        return count

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._values)


class RedrawSchedule:
    """The epochs in which samples are drawn anew, where every epoch redraws a share of all samples, from 0 to 1.

    The samples of all classes are numbered n = 0, 1, 2, ... in a row. Sample n is redrawn in epoch e if
    ``floor((e + n) * share)`` is above ``floor((e + n - 1) * share)``. Of any samples in a row, such as those of a
    class, each epoch thus redraws the share, to within one sample.
    """

    def __init__(self, counts: Mapping[Label, int], share: float) -> None:
        # Of `period` samples in a row, every epoch redraws `n_redrawn`. Samples `period` apart are redrawn together.
        self.n_redrawn, self.period = Fraction(share).limit_denominator(MAX_DENOMINATOR).as_integer_ratio()
        self.starts = dict(zip(counts, accumulate(counts.values(), initial=0), strict=False))

    def last_drawn(self, class_name: Label, number: int, epoch: int) -> int:
        """Return the last epoch, up to this one, in which a sample was drawn anew; 0 if it never was."""
        if not self.n_redrawn:
            return 0
        n = self.starts[class_name] + number
        passed = (epoch + n) * self.n_redrawn // self.period
        return max(0, -(-passed * self.period // self.n_redrawn) - n)


def check_epoch(value: Any) -> int:
    """Return an epoch as an int of at most 63 bits, as shared memory holds it."""
    if check_whole(value, "epoch") >= 2**63:
        raise DataError(f"epoch must be below 2**63, but is {value}: count the epochs from 0")
    return int(value)


def shared(values: Tensor) -> Tensor:
    """Move a tensor to memory that forked and spawned processes share."""
    return values.share_memory_()  # type: ignore[no-untyped-call,no-any-return]
