"""The generator of a fold: trained on a part of the data, and drawn from without a model file."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.compute.parallel import cancellation_point
from ganaug.data.dataset import Dataset
from ganaug.networks.modality import noise_dim_of
from ganaug.training import Run, Trained

CANDIDATES = 2
"""Images that a fold's generator draws for each one that is kept."""
DRAWN_AT_ONCE = 64  # images


class FoldSampler:
    """The generator of a fold, without the export to a model file, which would take longer than drawing its samples.

    Of twice as many images as are wanted, those are kept that the generator's screen reads most clearly as their label.
    """

    def __init__(self, trained: Trained) -> None:
        self.steps, self._screen = trained.state.step, trained.screen
        self._classes, self._noise_dim = trained.modality.data.classes, noise_dim_of(trained.generator)
        self._drawing = trained.modality.decoder(trained.generator).eval()

    @torch.inference_mode()
    def sample(self, n: Mapping[Any, int], seed: Any, **_: Any) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """Draw ``n[label]`` images of each class, uint8 (n, height, width, channels), and their labels."""
        random = np.random.default_rng(seed)
        images, labels = [], []
        for name, count in n.items():
            code, drawn, agreement = self._classes.index(name), [], []
            noise = random.standard_normal((CANDIDATES * count, self._noise_dim), np.float32)
            for part in torch.split(torch.from_numpy(noise), DRAWN_AT_ONCE):
                cancellation_point()
                _, samples, (pixels,) = self._drawing(part, torch.full((len(part),), code))
                drawn.append(pixels)
                agreement.append(self._screen(samples)[:, code])
            if drawn:
                images.append(torch.cat(drawn)[torch.cat(agreement).argsort(descending=True, stable=True)[:count]])
            labels += [name] * count
        return torch.cat(images).numpy(), np.array(labels)


def train_fold(part: Dataset, *, seed: int, seconds: float | None, steps: int | None, **settings: Any) -> FoldSampler:
    """Train the generator of a fold on a part of the data; `settings` are those of the fit, as `Run` takes them."""
    run = Run(part, time_budget=seconds, max_steps=steps, random_state=seed, **settings)
    run.validated = False
    with run.turn(), closing(run.steps()) as training:
        for _ in training:
            cancellation_point()
        return FoldSampler(run.trained())
