"""The rows of each class, found by chance numbers that all arms of a comparison share."""

import numpy as np
from numpy.typing import NDArray


class RowsByClass:
    """Finds a row of a class by a number from 0 to 1."""

    def __init__(self, labels: NDArray[np.int64], n_classes: int) -> None:
        self._counts = np.bincount(labels, minlength=n_classes)
        self._order, self._starts = np.argsort(labels, kind="stable"), np.cumsum(self._counts) - self._counts

    def at(self, classes: NDArray[np.int64], place: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return for each class (n,) the row at a place (n,); any row for a class that has none."""
        found: NDArray[np.int64] = self._order.take(
            self._starts[classes] + (place * self._counts[classes]).astype(np.int64), mode="clip"
        )
        return found
