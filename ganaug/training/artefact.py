"""The modules that are exported: the averaged generator with the decoding, and what is said of each sample."""

import torch
from torch import Tensor, nn

from ganaug.networks.perceptron import RowGenerator
from ganaug.networks.table_decoder import TableDecoder
from ganaug.training.screen import Screen

__all__ = ["ImageArtefact", "TableArtefact"]


class Artefact(nn.Module):
    """A generator, and the two opinions of its samples.

    Parameters
    ----------
    generator : nn.Module
        What `forward` decodes.
    discriminator : nn.Module or None
        Judges samples; a family without one has no output `realism`.
    offset : Tensor of shape (n_classes,)
        The discriminator's zero, by class: a relativistic one learns differences alone.
    screen : Screen
        Reads their classes.

    Attributes
    ----------
    output_names : tuple of str
        The content, then `realism`, the discriminator's probability that the sample is real, (B,), and `agreement`, the
        screen's probability of the label that was asked for, (B,).
    """

    offset: Tensor

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        offset: Tensor,
        screen: Screen,
        content: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.generator, self.discriminator, self.screen = generator, discriminator, screen
        self.register_buffer("offset", offset)
        self.output_names = (*content, *(("realism",) if discriminator is not None else ()), "agreement")

    def opinions(self, samples: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Return what is said of samples, as the networks see them."""
        agreement = self.screen(samples).gather(1, label[:, None]).squeeze(1)
        if self.discriminator is None:
            return (agreement,)
        return torch.sigmoid(self.discriminator(samples, label) - self.offset[label]), agreement


class ImageArtefact(Artefact):
    """Noise (B, noise_dim) and labels (B,) to finished pixels, `image`, uint8 (B, H, W, C), and the opinions."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module | None, offset: Tensor, screen: Screen) -> None:
        super().__init__(generator, discriminator, offset, screen, ("image",))

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of `output_names`."""
        image = self.generator(noise, label)
        pixels = ((image + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return pixels, *self.opinions(image, label)


class TableArtefact(Artefact):
    """Noise and labels to finished columns, `numeric` float64 and `category` int64 (see `TableDecoder`), and opinions.

    Parameters
    ----------
    generator : RowGenerator
        Draws rows.
    discriminator, offset, screen
        As in `Artefact`.
    decoder : TableDecoder
        Knows the columns.
    """

    generator: RowGenerator

    def __init__(
        self,
        generator: RowGenerator,
        discriminator: nn.Module | None,
        offset: Tensor,
        screen: Screen,
        decoder: TableDecoder,
    ) -> None:
        super().__init__(generator, discriminator, offset, screen, decoder.output_names)
        self.decoder = decoder

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of `output_names`."""
        scores, choices, uniform = self.generator.draw(noise, label)
        rows = self.generator.join(scores, choices)
        return *self.decoder(scores, choices, uniform), *self.opinions(rows, label)
