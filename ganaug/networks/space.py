"""The space that images are learned in: their pixels, or the latents of the shipped autoencoder."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganaug.compute.engine import Engine
from ganaug.compute.modes import seeded
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.modalities import SPACES
from ganaug.errors import DataError
from ganaug.networks.autoencoder import FACTOR, Autoencoder
from ganaug.networks.classifiers import fit_classifier
from ganaug.networks.convolutional import SMALLEST
from ganaug.networks.images import ImageModality
from ganaug.networks.samples import Samples

MIN_SIDE = SMALLEST * FACTOR
"""Smallest side of images that have latents, in pixels."""
FAITHFUL, HOPELESS = 26.0, 14.0
"""Decibels from which reproductions are good enough, and below which they are not; in between a classifier decides."""
MIN_KEPT = 0.85
"""Share of what a classifier sees of the class of an image that it must see in the reproduction."""
MEASURED, MEASURED_NUMBERS = 128, 2**24
"""Images that are encoded and decoded, at most, and the numbers in them."""
READER_STEPS, BATCH, LABEL_SMOOTHING = 150, 64, 0.05  # of the classifier
READ_SIDE = 32
"""The classifier averages larger images down to this side first, in pixels."""
AT_ONCE = 64  # images


class Choice(NamedTuple):
    """A space that images are learned in."""

    space: str
    """"pixels" or "latent"."""
    reason: str
    """Why, in a clause."""
    rival: str | None = None
    """The other space, if it may suit the images better."""


def choose_space(data: LabelledImages, asked: str) -> Choice:
    """Choose the space that these images are learned in; `DataError` if the one that is asked for cannot be had.

    "auto" reproduces some of the images with the autoencoder. If these are neither nearly the same nor very different,
    it asks a classifier that learned from other images whether they still show their class.
    """
    if asked not in SPACES:
        raise DataError(f"space must be one of {', '.join(map(repr, SPACES))}, but is {asked!r}: choose one of these")
    size = data.codec.size
    if asked == "pixels":
        return Choice(asked, "as asked")
    if size < MIN_SIDE:
        if asked == "latent":
            raise DataError(
                f"space='latent' needs images of {MIN_SIDE} pixels or more, but these have {size}: choose "
                "space='auto', or a larger size"
            )
        return Choice("pixels", f"images of fewer than {MIN_SIDE} pixels have no latents")
    if asked == "latent":
        return Choice(asked, "as asked")
    shuffled = np.random.default_rng(0).permutation(len(data))
    measured = max(1, min(MEASURED, MEASURED_NUMBERS // data.images[0].size, len(data) // 2))
    shown, others = data.part(shuffled[:measured]), data.part(shuffled[measured:])
    images, label = _encoded(shown), torch.from_numpy(shown.labels)
    reproduced = reproductions(images)
    quality = decibels(images, reproduced)
    found = f"the shipped autoencoder reproduces these images with {quality:.1f} dB"
    if not HOPELESS <= quality < FAITHFUL or not len(others):
        return Choice("latent" if quality >= FAITHFUL else "pixels", found)
    read = _reader(others)
    kept = float(read(reproduced, label) / read(images, label))
    found += f", and a classifier of other images still sees {min(kept, 1):.0%} of their class in the reproductions"
    return Choice("latent", found, rival="pixels") if kept >= MIN_KEPT else Choice("pixels", found)


@torch.no_grad()
def reproductions(images: Tensor) -> Tensor:
    """Return images (N, C, H, W) in [-1, 1] after the autoencoder has encoded and decoded them."""
    autoencoder = Autoencoder.load(images.shape[1])
    return torch.cat([autoencoder.decode(autoencoder.encode(part)) for part in torch.split(images, AT_ONCE)])


def decibels(images: Tensor, reproduced: Tensor) -> float:
    """Return the median peak signal-to-noise ratio of reproductions (N, C, H, W) in [-1, 1]."""
    error = (images - reproduced).square().mean(dim=(1, 2, 3)) / 4
    return float(-10 * torch.log10(error.clamp(min=1e-6)).median())


def _encoded(data: LabelledImages) -> Tensor:
    """Return images (N, C, H, W) in [-1, 1]."""
    return torch.from_numpy(data.content).permute(0, 3, 1, 2).float() / 127.5 - 1


def _reader(data: LabelledImages) -> Callable[[Tensor, Tensor], Tensor]:
    """Train a classifier; return a function of images and labels: the mean probability that it gives the labels."""
    modality, engine = ImageModality(data, seed=0), Engine(torch.device("cpu"))
    random, samples = torch.Generator().manual_seed(0), modality.samples(engine.device).downscaled(READ_SIDE)
    with seeded(0):
        classifier = modality.new_classifier()
    batches = ((modality.distort(images, random), label) for images, label in _draws(samples, random))
    fit_classifier(classifier, batches, READER_STEPS, engine=engine, label_smoothing=LABEL_SMOOTHING)

    @torch.no_grad()
    def read(images: Tensor, label: Tensor) -> Tensor:
        probability: Tensor = classifier(images).float().softmax(dim=1)
        return probability.gather(1, label[:, None]).mean()

    return read


def _draws(samples: Samples, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield samples.draw(BATCH, random)
