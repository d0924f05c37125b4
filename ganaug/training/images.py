"""The recipe for images: labelled images -> convolutional networks that grow -> training -> export -> `Generator`."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.images.pipeline import Pipeline
from ganaug.families.base import Family
from ganaug.families.gan import ImageAdversarial
from ganaug.networks.convolutional import ConvDiscriminator, ConvGenerator, resolutions
from ganaug.networks.samples import Images
from ganaug.runtime.generator import Generator
from ganaug.techniques.histogram_matching import Toned, level_shares, matching_tone
from ganaug.training.artefact import ImageArtefact
from ganaug.training.run import Run
from ganaug.training.screen import ConvScreenNet, Screen

__all__ = ["ImageFit", "fit_images"]

TONED_NUMBERS = 2**20
FEWEST_TONED, MOST_TONED, MOST_AT_ONCE = 16, 512, 32
"""Images that the tones are taken from: as many as so many numbers make, within bounds; and how many at a time."""


class ImageFit(Run):
    """One run from `LabelledImages`; three minutes unless it is told otherwise.

    Parameters
    ----------
    data : LabelledImages
        The images.
    augment : albumentations transform, optional
        Applied to every real image that is learned from; see `GANAugmenter`.
    **settings
        As `Run` takes them.
    """

    modality = "image"
    noise_dim = 64
    batch_size = 16
    export_seconds = 2.0
    clear_agreement = 0.6
    """Of five generators of MNIST's long tail it took away a fifth of the samples that show another class, and a
    thirtieth of the variety; 0.8 a half and a twelfth, but then a classifier that saw no other augmentation gained 1.3
    points less on one split of two."""

    data: LabelledImages

    def __init__(self, data: LabelledImages, *, augment: Any = None, **settings: Any) -> None:
        super().__init__(data, **settings)
        self.pipeline = None if augment is None else Pipeline(augment, data.images[0])
        self.sides = resolutions(data.codec.size)

    def default_bounds(self) -> tuple[float | None, int | None]:
        """Return three minutes."""
        return 180.0, None

    def samples(self) -> Images:
        """Return the images on the device."""
        pixels = torch.from_numpy(self.data.images).permute(0, 3, 1, 2).contiguous()
        label = torch.from_numpy(self.data.labels)
        return Images(pixels.to(self.device), label.to(self.device), len(self.data.classes), self.pipeline)

    def new_family(self) -> Family:
        """Return fresh networks."""
        n_classes, size, channels = len(self.data.classes), self.data.codec.size, self.data.codec.channels
        generator = ConvGenerator(n_classes, size, channels, noise_dim=self.noise_dim)
        discriminator = ConvDiscriminator(n_classes, size, channels)
        for network in (generator, discriminator):
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return ImageAdversarial(generator, discriminator)

    def new_screen(self) -> Screen:
        """Return a fresh screen."""
        channels, n_classes = self.data.codec.channels, len(self.data.classes)
        return Screen(lambda: ConvScreenNet(channels, n_classes)).to(self.device)

    @torch.no_grad()
    def finished(self, average: nn.Module) -> nn.Module:
        """Return the generator, with the tones of what it learned from where that has plain parts."""
        random, fitting = self._random(6), TONED_NUMBERS // self.data.images[0].size
        at_once = max(1, min(MOST_AT_ONCE, fitting))
        levels = []
        for _ in range(max(FEWEST_TONED, min(MOST_TONED, fitting)) // at_once):
            real, label = self.learn.draw(at_once, random)
            drawn = average(torch.randn(at_once, self.noise_dim, generator=random), label.cpu())
            if not torch.isfinite(drawn).all():  # training went wrong, as others will say
                return average
            levels.append(torch.stack([level_shares(drawn), level_shares(real.cpu())]))
        tone = matching_tone(*torch.stack(levels).mean(0))
        return Toned(average, tone) if tone else average

    def artefact(self, generator: nn.Module, discriminator: nn.Module | None, offset: Tensor) -> nn.Module:
        """Return generator, discriminator and screen as one module."""
        return ImageArtefact(generator, discriminator, offset, self.screen)

    def schema(self) -> Mapping[str, Any]:
        """Return the images' shape."""
        codec = self.data.codec
        return {"height": codec.size, "width": codec.size, "channels": codec.channels}

    def settings(self) -> dict[str, object]:
        """Return all that a resumed run must share."""
        augment = {} if self.pipeline is None else {"augment": repr(self.pipeline)}
        return super().settings() | {"size": self.data.codec.size} | augment


def fit_images(data: LabelledImages, **settings: Any) -> Generator:
    """Run an `ImageFit` with these settings (see `Run`) from start to end.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.data.images.dataset import from_arrays
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> generator = fit_images(from_arrays(images, [0] * 15 + [1] * 5), max_steps=3, random_state=0)
    >>> generator.sample(4, seed=0)[0].shape
    (4, 8, 8, 1)
    """
    fit = ImageFit(data, **settings)
    return fit.run()
