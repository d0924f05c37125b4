"""A sampler that has learned nothing, for finding out what a comparison will cost."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset

__all__ = ["Echo"]

ROWS = 64
"""Items of one class that it gives at most."""


class Echo:
    """A sampler that gives real items back: enough to see how long a classifier takes."""

    def __init__(self, data: Dataset) -> None:
        self.data = data

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:  # noqa: ARG002
        """Return real items of the classes asked for, and their labels."""
        rows = np.concatenate(
            [
                np.resize(np.flatnonzero(self.data.labels == self.data.classes.index(label)), min(count, ROWS))
                for label, count in n.items()
            ]
        )
        chosen = self.data.part(rows)
        return chosen.content, chosen.label_values
