"""The default trainer: it trains a generator on the training part of a split, as ``ganaug fit`` does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.evaluation.samples import Sampler
from ganaug.networks.modality import Bounds
from ganaug.training import Run, Trained

STEPS_PER_SECOND = 50.0
"""Training steps per second on a table, on a core that is shared; an idle core does three times as many."""

Trainer = Callable[..., Sampler]
"""``trainer(part, seed=..., seconds=..., device=...)`` learns from the part alone; `seconds` may be None."""


class TrainedSampler:
    """A generator, and the discriminator of its training, which also judges real items."""

    def __init__(self, trained: Trained) -> None:
        self._trained, self.generator = trained, trained.export()

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:
        """Draw samples as `Generator.sample` does."""
        return self.generator.sample(n, seed, screened=screened)

    def realism(self, data: Dataset) -> NDArray[np.float32] | None:
        """Return the probability that the discriminator gives each item of being real, (n,); None without one."""
        return self._trained.realism(data)


def default_bounds(data: Dataset) -> Bounds:
    """Return the length of a training on the data for which the user gives none."""
    bounds: Bounds = part_of(data.modality, "networks.{}").MODALITY.default_bounds(data)
    return bounds


def usual_seconds(data: Dataset) -> float:
    """Return the seconds that `train_generator` takes if no time is set."""
    bounds = default_bounds(data)
    return bounds.seconds or (bounds.steps or 0) / STEPS_PER_SECOND


def train_generator(
    data: Dataset,
    *,
    seed: int,
    seconds: float | None = None,
    steps: int | None = None,
    device: str = "auto",
    model: str = "gan",
    space: str = "auto",
) -> TrainedSampler:
    """Train a generator as ``ganaug fit`` does, for at most so many seconds.

    The training on a table also ends after `steps`, by default those that ``ganaug fit`` takes.
    """
    steps = steps or default_bounds(data).steps
    run = Run(data, time_budget=seconds, max_steps=steps, random_state=seed, device=device, model=model, space=space)
    with run.turn():  # for the export too
        return TrainedSampler(run.run())
