"""What trains a generator inside a training fold; tests and users may give another."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.evaluation.samples import Sampler
from ganaug.networks.modality import Bounds
from ganaug.training import Run, Trained

__all__ = ["FoldGenerator", "Trainer", "train_generator", "usual_seconds"]

STEPS_PER_SECOND = 50.0
"""Steps on a table, of a core that has something else to do as well; an idle one does three times as many."""

Trainer = Callable[..., Sampler]
"""``trainer(part, seed=..., seconds=..., device=...)`` learns from the part alone; seconds may be None."""


class FoldGenerator:
    """A generator with the discriminator that it was trained against, which also judges real items.

    Parameters
    ----------
    trained : Trained
        What a run ended in.
    """

    def __init__(self, trained: Trained) -> None:
        self._trained, self.generator = trained, trained.export()

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:
        """As `Generator.sample`."""
        return self.generator.sample(n, seed, screened=screened)

    def realism(self, data: Dataset) -> NDArray[np.float32] | None:
        """Return the discriminator's probability that items are real, (n,); None where there is none."""
        return self._trained.realism(data)


def default_bounds(data: Dataset) -> Bounds:
    """Return how long a run on the data takes if it is not told otherwise."""
    bounds: Bounds = part_of(data.modality, "networks.{}").MODALITY.default_bounds(data)
    return bounds


def usual_seconds(data: Dataset) -> float:
    """Return the seconds that `train_generator` wants: by the clock for images, by steps for a table."""
    bounds = default_bounds(data)
    return bounds.seconds or (bounds.steps or 0) / STEPS_PER_SECOND


def train_generator(
    data: Dataset, *, seed: int, seconds: float | None = None, steps: int | None = None, device: str = "auto"
) -> FoldGenerator:
    """Train a generator as ``ganaug fit`` does, but within so many seconds where they are given.

    A table takes the steps that it would take there, or fewer where the seconds are over first.

    Examples
    --------
    >>> import pandas as pd
    >>> from ganaug.data.tables.dataset import from_frame
    >>> table = from_frame(pd.DataFrame({"height": np.arange(20.0)}), np.repeat(["a", "b"], 10))
    >>> len(train_generator(table, seed=0, steps=3).sample({"a": 5}, 0)[1])
    5
    """
    steps = steps or default_bounds(data).steps
    run = Run(data, time_budget=seconds, max_steps=steps, random_state=seed, device=device)
    return FoldGenerator(run.run())
