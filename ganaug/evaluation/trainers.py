"""What trains a generator inside a training fold; tests and users may give another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.dataset import LabelledTable
from ganaug.evaluation.samples import Sampler
from ganaug.networks.samples import Images, Samples
from ganaug.runtime.generator import Generator
from ganaug.training import ImageFit, TableFit
from ganaug.training.run import Run
from ganaug.training.tables import usual_steps

__all__ = ["FoldGenerator", "Trainer", "train_generator", "usual_seconds"]

IMAGE_SECONDS = 180.0
"""What a run on images takes that is not told otherwise."""
TABLE_STEPS_PER_SECOND = 50.0
"""Of a core that has something else to do as well; an idle one does three times as many."""

Trainer = Callable[..., Sampler]
"""``trainer(part, seed=..., seconds=..., device=...)`` learns from the part alone; seconds may be None."""


class FoldGenerator:
    """A generator with the discriminator that it was trained against, which also judges real items.

    Parameters
    ----------
    run : Run
        After `finish`.
    generator : Generator
        What `finish` returned.
    """

    def __init__(self, run: Run, generator: Generator) -> None:
        self._run, self.generator = run, generator

    def sample(self, n: Any, seed: Any = None, *, screened: bool = False) -> tuple[Any, NDArray[Any]]:
        """As `Generator.sample`."""
        return self.generator.sample(n, seed, screened=screened)

    def realism(self, data: Any) -> NDArray[np.float32] | None:
        """Return the discriminator's probability that items are real, (n,); None where there is none."""
        if isinstance(data, LabelledImages):
            pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
            samples: Samples = Images(pixels, torch.from_numpy(data.labels), len(data.classes))
        else:
            assert isinstance(self._run, TableFit)  # noqa: S101
            samples = self._run.encoded(data)
        return self._run.realism(samples)


def usual_seconds(data: Any) -> float:
    """Return the seconds that `train_generator` wants: by the clock for images, by steps for a table."""
    return IMAGE_SECONDS if isinstance(data, LabelledImages) else usual_steps(data) / TABLE_STEPS_PER_SECOND


def train_generator(
    data: Any, *, seed: int, seconds: float | None = None, steps: int | None = None, device: str = "auto"
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
    settings: dict[str, Any] = {"time_budget": seconds, "max_steps": steps, "random_state": seed, "device": device}
    run: Run
    if isinstance(data, LabelledTable):
        settings["max_steps"] = steps or usual_steps(data)
        run = TableFit(data, **settings)
    else:
        run = ImageFit(data, **settings)
    return FoldGenerator(run, run.run())
