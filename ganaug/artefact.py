"""The module that is exported: the averaged generator with the decoding to pixels, and what is said of each sample."""

import torch
from torch import Tensor, nn

from ganaug.screening import Screen

__all__ = ["ImageArtefact"]


class ImageArtefact(nn.Module):
    """Noise (B, noise_dim) and labels (B,) to finished pixels and two opinions of them.

    Parameters
    ----------
    generator : nn.Module
        Makes images (B, C, H, W) in about [-1, 1].
    discriminator : nn.Module or None
        Judges them; a family without one has no output `realism`.
    offset : Tensor of shape (n_classes,)
        The discriminator's zero, by class: a relativistic one learns differences alone.
    screen : Screen
        Reads their classes.

    Attributes
    ----------
    output_names : tuple of str
        `image`, uint8 (B, H, W, C); `realism`, the discriminator's probability that the sample is real, (B,);
        `agreement`, the screen's probability of the label that was asked for, (B,).
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None, offset: Tensor, screen: Screen) -> None:
        super().__init__()
        self.generator, self.discriminator, self.screen = generator, discriminator, screen
        self.register_buffer("offset", offset)
        self.output_names = ("image", "realism", "agreement") if discriminator is not None else ("image", "agreement")

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of `output_names`."""
        image = self.generator(noise, label)
        pixels = ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        agreement = self.screen(image).gather(1, label[:, None]).squeeze(1)
        if self.discriminator is None:
            return pixels, agreement
        realism = torch.sigmoid(self.discriminator(image, label) - self.offset[label])  # type: ignore[index]
        return pixels, realism, agreement
