"""Convolutional generators and discriminators that grow, whatever the number of dimensions of a sample.

A network works on grids that double from the first to the last, and also runs on the first few of them alone. Each grid
adds to a resampled skip path through layers that begin at zero, so that one more grid leaves the function as it was
(the skip and residual shapes of StyleGAN2, Karras et al. 2020, without the fade-in of progressive growing).

The modules `convolutional`, `latent_convolutional`, `convolutional_1d` and `convolutional_3d` say what a grid is for
images, latents, signals and clips.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Protocol, TypedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.mapping import SLOPE, Styles, of_unit_power
from ganaug.networks.projection import ProjectionDiscriminator

BENDING = 5
"""One in this many numbers of the noise goes to the warp, and nowhere else."""
FAINT = 0.2
"""Strength of a generator's first samples, as a share of the variance-preserving one."""

NoiseParts = tuple[tuple[str, int], ...]
"""Names and lengths of the parts of a noise vector, from its first number to its last."""


class Grids(NamedTuple):
    """The grids that a network works on, coarsest first."""

    first: tuple[int, ...]
    """The sides of the coarsest grid."""
    widths: Sequence[int]
    """Feature channels on each grid."""
    depths: Sequence[int]
    """Layers of the block on each grid."""
    sizes: Sequence[int]
    """Resolutions of samples, one for each of the last grids. Nothing is drawn on the grids before them."""

    @property
    def undrawn(self) -> int:
        """The number of grids on which nothing is drawn."""
        return len(self.widths) - len(self.sizes)

    def number(self, size: int | None) -> int:
        """Return the number of the grid of a resolution, by default of the last one."""
        return len(self.widths) - 1 if size is None else self.undrawn + self.sizes.index(size)


class Settings(TypedDict, total=False):
    """Settings of a generator that do not depend on the kind of data."""

    noise_dim: int
    style_dim: int
    mapping_layers: int
    shared_blocks: int
    style_mixing: float


class Layer(Protocol):
    """Builds a layer of a block from its number of channels; with `zero`, its first output is its bias."""

    def __call__(self, channels: int, *, zero: bool) -> nn.Module:
        """Return the layer."""
        ...


class FiLM(nn.Module):
    """Normalise each sample to unit root mean square, then scale and shift its channels (Perez et al. 2018).

    The contribution of the class begins at zero. So all classes begin as one, and part only as far as the loss asks:
    conditional GANs collapse on little data when the class contributes from the start (Transitional-cGAN, Shahbazi et
    al. 2022). The contribution of the noise does not begin at zero, because the generator would learn to ignore it.
    """

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.channels = channels
        self.by_noise = nn.Linear(style_dim, 2 * channels)
        self.by_class = nn.Linear(style_dim, 2 * channels, bias=False)
        nn.init.zeros_(self.by_class.weight)

    def forward(self, x: Tensor, style: Tensor, embedding: Tensor) -> Tensor:
        """Return features (B, C, ...) of unit power, scaled and shifted."""
        affine = self.by_noise(style) + self.by_class(embedding)
        affine = affine[(..., *[None] * (x.ndim - 2))]
        gain, shift = affine.split(self.channels, dim=1)  # (B, C, 1, ...) each
        power = x.float().square().mean(dim=tuple(range(1, x.ndim)), keepdim=True)  # (B, 1, ...)
        scale = (1 + gain) * torch.rsqrt(power + 1e-6)
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class GeneratorBlock(nn.Module):
    """Residual layers controlled by style and class; the last begins at zero."""

    def __init__(self, channels: int, depth: int, style_dim: int, layer: Layer) -> None:
        super().__init__()
        self.film = nn.ModuleList(FiLM(channels, style_dim) for _ in range(depth))
        self.conv = nn.ModuleList(layer(channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor, style: Tensor, embedding: Tensor) -> Tensor:
        """Return refined features (B, C, ...)."""
        h = x
        for film, conv in zip(self.film, self.conv, strict=True):
            h = conv(F.leaky_relu(film(h, style, embedding), SLOPE))
        return x + h


class DiscriminatorBlock(nn.Module):
    """Residual layers without normalisation; the last begins at zero (R3GAN, Huang et al. 2024)."""

    def __init__(self, channels: int, depth: int, layer: Layer) -> None:
        super().__init__()
        self.conv = nn.ModuleList(layer(channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Return refined features (B, C, ...)."""
        h = x
        for conv in self.conv:
            h = conv(F.leaky_relu(h, SLOPE))
        return x + h


class GrowingGenerator(nn.Module):
    """Maps noise and a class index to a sample.

    A warp that does not depend on the class bends the drawing of the first grid before the second refines it.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    grids : Grids
        The grids that the network works on.
    layer : Layer
        Builds a layer of a block.
    pointwise : callable
        Builds a convolution of one cell, which narrows the features from one grid to the next.
    head : callable
        Builds the module that draws samples, from the number of a grid among those that draw, and its width. Its method
        `begin` scales what it draws at the start.
    warp : callable
        Builds the module of the warp from the length of its noise.
    noise_dim, style_dim : int
        Length of the noise vector; length of the vectors through which noise and class control every block.
    mapping_layers, shared_blocks, style_mixing : int, int, float
        See `Techniques`.
    """

    wider: ClassVar[float] = 1.0
    """Factor on the noise of the warp after training."""
    memory_format: ClassVar[torch.memory_format] = torch.contiguous_format

    def __init__(
        self,
        n_classes: int,
        grids: Grids,
        *,
        layer: Layer,
        pointwise: Callable[[int, int, int], nn.Module],
        head: Callable[[int, int], nn.Module],
        warp: Callable[[int], nn.Module],
        noise_dim: int = 64,
        style_dim: int = 128,
        mapping_layers: int = 2,
        shared_blocks: int = 0,
        style_mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self.grids, self.noise_dim, self.n_classes = grids, noise_dim, n_classes
        widths, self.shared_blocks = grids.widths, shared_blocks
        self.embed = nn.Embedding(n_classes, style_dim)
        self.bending = noise_dim // BENDING if len(widths) > 1 else 0
        drawing = noise_dim - self.bending
        self.warp = warp(self.bending) if self.bending else None
        self.style = Styles(drawing, style_dim, mapping_layers, style_mixing)
        self.seed = nn.Linear(drawing, widths[0] * math.prod(grids.first))
        self.narrow = nn.ModuleList(pointwise(a, b, 1) for a, b in pairwise(widths))
        sizes = zip(widths, grids.depths, strict=True)
        self.block = nn.ModuleList(GeneratorBlock(*size, style_dim, layer) for size in sizes)
        self.draw = nn.ModuleList(head(i, width) for i, width in enumerate(widths[grids.undrawn :]))
        keep_variance(self)
        for i, one in enumerate(self.draw):
            one.begin(0.0 if i else FAINT)  # type: ignore[operator]

    @property
    def noise_parts(self) -> NoiseParts:
        """What the numbers of the noise are for.

        Examples
        --------
        >>> from ganaug.networks.convolutional import ConvGenerator
        >>> ConvGenerator(2, 16, 1).noise_parts
        (('pose', 12), ('drawing', 52))
        """
        drawing = ("drawing", self.noise_dim - self.bending)
        return (("pose", self.bending), drawing) if self.bending else (drawing,)

    def forward(self, noise: Tensor, label: Tensor, size: int | None = None) -> Tensor:
        """Return samples (B, ...) at one of the resolutions of the network, by default the last."""
        bending, drawing = noise[:, : self.bending], noise[:, self.bending :]
        if self.wider != 1 and not self.training:
            bending = bending * self.wider
        z = of_unit_power(drawing)
        styles = self.style(z, noise, len(self.block))
        embedding = self.embed(label) / math.sqrt(self.embed.embedding_dim)
        x = self.seed(z).unflatten(1, (self.grids.widths[0], *self.grids.first))
        x = x.contiguous(memory_format=self.memory_format)
        drawn = x.new_zeros(())
        for i in range(self.grids.number(size) + 1):
            if i:
                x = self.narrow[i - 1](x)
                bent = self.warp(bending) if i == 1 and self.warp is not None else None
                x = self.to_grid(x, i, bent, by_product=not self.training)
                drawn = self.to_grid(drawn, i, bent, by_product=False) if drawn.ndim else drawn
            of_class = torch.zeros_like(embedding) if i < self.shared_blocks else embedding
            x = self.block[i](x, styles[i], of_class)
            if (head := i - self.grids.undrawn) >= 0:
                more = self.draw[head](x).float()
                drawn = drawn + more if head else more
        return self.bounded(drawn)

    @abstractmethod
    def to_grid(self, x: Tensor, number: int, displacement: Tensor | None, *, by_product: bool) -> Tensor:
        """Return maps (B, C, ...) enlarged to the grid of this number, bent by the displacement of a warp, if any.

        `by_product` asks for the form of the warp that is quicker in ONNX Runtime, where there are two.
        """

    def bounded(self, drawn: Tensor) -> Tensor:
        """Return what was drawn, within the range of samples."""
        return drawn


class GrowingDiscriminator(ProjectionDiscriminator):
    """Maps a sample and its class index to one logit.

    Parameters
    ----------
    n_classes, grids, layer
        As for `GrowingGenerator`.
    pointwise : callable
        Builds a convolution of one cell. One narrows the last features.
    widen : callable
        Builds the layer that widens the features from one grid to the one before it; with `zero` it begins at zero.
    stem : callable
        Builds the first layer of a grid, from its width. It gets what `patches` returns.
    narrower : int
        Divisor of the number of channels of the last features.
    feature_dim : int
        Length of the features that are projected on the class.
    """

    def __init__(
        self,
        n_classes: int,
        grids: Grids,
        *,
        layer: Layer,
        pointwise: Callable[[int, int, int], nn.Module],
        widen: Callable[..., nn.Module],
        stem: Callable[[int], nn.Module],
        narrower: int = 2,
        feature_dim: int = 128,
    ) -> None:
        super().__init__(n_classes, feature_dim)
        self.grids, widths = grids, grids.widths
        self.begin = nn.ModuleList(stem(width) for width in widths[grids.undrawn :])
        sizes = zip(widths, grids.depths, strict=True)
        self.block = nn.ModuleList(DiscriminatorBlock(*size, layer) for size in sizes)
        pairs = enumerate(pairwise(widths))
        self.widen = nn.ModuleList(widen(fine, coarse, zero=i >= grids.undrawn) for i, (coarse, fine) in pairs)
        self.squeeze = pointwise(widths[0], widths[0] // narrower, 1)
        self.flatten = nn.Linear(widths[0] // narrower * math.prod(grids.first), feature_dim)
        keep_variance(self)

    def features(self, sample: Tensor) -> Tensor:
        """Return features of samples (B, C, ...) that do not depend on the label, (B, feature_dim)."""
        last, undrawn = self.grids.number(sample.shape[-1]), self.grids.undrawn
        x = self._begun(sample, last)
        for i in range(last, 0, -1):
            x = self.widen[i - 1](self.pooled(self.block[i](x), i))
            if i > undrawn:
                sample = self.pooled(sample, i)
                x = self._begun(sample, i - 1) + x
        x = F.leaky_relu(self.squeeze(F.leaky_relu(self.block[0](x), SLOPE)), SLOPE)
        return F.leaky_relu(self.flatten(x.flatten(1)), SLOPE).float()

    def _begun(self, sample: Tensor, number: int) -> Tensor:
        return F.leaky_relu(self.begin[number - self.grids.undrawn](self.patches(sample)), SLOPE)

    def patches(self, sample: Tensor) -> Tensor:
        """Return samples (B, C, ...) cut into the patches that a cell of a grid stands for."""
        return sample

    @abstractmethod
    def pooled(self, x: Tensor, number: int) -> Tensor:
        """Return maps (B, C, ...) of the grid of this number averaged down to the grid before it."""


class _Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        outwards = ((x > 1) & (gradient < 0)) | ((x < -1) & (gradient > 0))
        return gradient.masked_fill(outwards, 0.0)


def clip(x: Tensor, *, training: bool) -> Tensor:
    """Clip values to [-1, 1]. In training, a clipped value keeps the gradients that lead it back into the range.

    Samples are clipped and not squashed: a saturated tanh has no gradient left. Without any bound the discriminator
    could recognise synthetic samples by a background that is not exactly black.
    """
    clipped: Tensor = _Clip.apply(x) if training else x.clamp(-1, 1)  # type: ignore[no-untyped-call]
    return clipped


def keep_variance(module: nn.Module) -> None:
    """Scale every layer that does not begin at zero so that its activations keep their variance (He et al. 2015)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            if layer.weight.any():
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)


def scaled_widths(widths: Mapping[int, int], capacity: int) -> dict[int, int]:
    """Return the channels by side of the grid for networks that are so many times as wide."""
    return {side: capacity * width for side, width in widths.items()}
