"""The recipe: labelled data -> networks -> training -> export -> `Generator`."""

from typing import Any

from ganaug.data.dataset import Dataset
from ganaug.runtime.generator import Generator
from ganaug.training.run import Run
from ganaug.training.trained import Trained

__all__ = ["Run", "Trained", "fit"]


def fit(data: Dataset, **settings: Any) -> Generator:
    """Train a generator on a labelled data set, from start to end.

    Parameters
    ----------
    data : Dataset
        Labelled images or a labelled table.
    **settings
        As `Run` takes them.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.data.images.dataset import from_arrays
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> generator = fit(from_arrays(images, [0] * 15 + [1] * 5), max_steps=3, random_state=0)
    >>> generator.sample(4, seed=0)[0].shape
    (4, 8, 8, 1)
    """
    run = Run(data, **settings)
    with run.turn():  # for the export too
        return run.run().export()
