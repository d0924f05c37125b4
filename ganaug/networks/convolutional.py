"""Generator and discriminator of square images, made for little data and little time.

Both networks work on 2x2 patches, so that the costly convolutions never see the full grid. The discriminator begins
with a pixel unshuffle. The generator does not end with the inverse: a pixel shuffle writes the four pixels of a patch
independently, which leaves a checkerboard. Beyond its first stage the generator enlarges a few channels smoothly and
draws the pixels from these.

Both networks grow. A network made for side S also runs at S/2, S/4, ... down to `SMALLEST`. Each stage adds to a
resampled skip path through layers that begin at zero, so that one more stage leaves the function as it was (the skip
and residual shapes of StyleGAN2, Karras et al. 2020, without the fade-in of progressive growing).
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.projection import ProjectionDiscriminator
from ganaug.networks.warp import Warp, bend

SMALLEST = 8
"""Side in pixels of the first stage."""
WIDTHS = {4: 128, 8: 64, 16: 32, 32: 32, 64: 16, 128: 16, 256: 16}
"""Feature channels by side of the patch grid: multiples of 16, which every bfloat16 convolution kernel takes."""
DEPTHS = {4: 2, 8: 2, 16: 1, 32: 1, 64: 1, 128: 1, 256: 1}
"""Convolutions in a block by side of the patch grid: fewer on fine grids, where each costs most."""
DRAWING_DEPTHS = DEPTHS | {16: 2}
"""The same for the generator, which needs one more: details are harder to draw than to see."""
BENDING = 5
"""One in this many numbers of the noise goes to the warp, and nowhere else."""
WIDER = 1.6
"""Factor on the warp's noise after training: deformations that all classes share extrapolate well."""
SKETCH = 16
"""Channels that pixels are drawn from."""
FAINT = 0.2
"""Strength of a generator's first images, as a share of the variance-preserving one."""
MEAN_OF = 1024
"""Styles from which their mean is taken."""
SLOPE = 0.2
"""Slope of every leaky ReLU."""

NoiseParts = tuple[tuple[str, int], ...]
"""Names and lengths of the parts of a noise vector, from its first number to its last."""


def scaled_widths(widths: Mapping[int, int], capacity: int) -> dict[int, int]:
    """Return the channels by side of the grid for networks that are so many times as wide."""
    return {side: capacity * width for side, width in widths.items()}


def resolutions(size: int) -> tuple[int, ...]:
    """Return the image sides that a network for `size` grows through, smallest first."""
    return tuple(SMALLEST << i for i in range(int(math.log2(size // SMALLEST)) + 1))


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
        """Return features (B, C, H, W), (B, C, L) or (B, C, T, H, W), of unit power, scaled and shifted."""
        affine = self.by_noise(style) + self.by_class(embedding)
        affine = affine[(..., *[None] * (x.ndim - 2))]
        gain, shift = affine.split(self.channels, dim=1)  # (B, C, 1, 1) each
        power = x.float().square().mean(dim=tuple(range(1, x.ndim)), keepdim=True)  # (B, 1, 1, 1)
        scale = (1 + gain) * torch.rsqrt(power + 1e-6)
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class GeneratorBlock(nn.Module):
    """Residual 3x3 convolutions controlled by style and class; the last begins at zero."""

    def __init__(self, channels: int, depth: int, style_dim: int) -> None:
        super().__init__()
        self.film = nn.ModuleList(FiLM(channels, style_dim) for _ in range(depth))
        self.conv = nn.ModuleList(conv(channels, channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor, style: Tensor, embedding: Tensor) -> Tensor:
        """Return refined features (B, C, H, W)."""
        h = x
        for film, conv in zip(self.film, self.conv, strict=True):
            h = conv(F.leaky_relu(film(h, style, embedding), SLOPE))
        return x + h


class PixelHead(nn.Module):
    """Maps features on the patch grid to pixels at twice its side, through a sketch of a few channels.

    If `sharp`, each pixel of the sketch is written independently: in the smallest images every pixel is a detail.
    Otherwise the sketch is enlarged smoothly, and cannot hold a checkerboard.
    """

    def __init__(self, width: int, channels: int, *, sharp: bool = False) -> None:
        super().__init__()
        self.sharp = sharp
        # Zeros around a sketch would draw a frame around the image.
        self.sketch = nn.Conv2d(width, SKETCH * (4 if sharp else 1), 3, padding=1, padding_mode="replicate")
        self.draw = nn.Conv2d(SKETCH, channels, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        """Return pixels (B, channels, 2H, 2W) of features (B, C, H, W)."""
        sketch = F.pixel_shuffle(self.sketch(x), 2) if self.sharp else upsample(self.sketch(x))
        pixels: Tensor = self.draw(F.leaky_relu(sketch, SLOPE))
        return pixels

    @torch.no_grad()
    def begin(self, strength: float) -> None:
        """Scale the pixels that the untrained head draws."""
        self.draw.weight.mul_(strength)


class Clip(torch.autograd.Function):
    """Clip to [-1, 1]; a clipped value keeps the gradients that lead it back into the range."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return clipped values."""
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient, without the part that would push a value further out."""
        (x,) = ctx.saved_tensors
        outwards = ((x > 1) & (gradient < 0)) | ((x < -1) & (gradient > 0))
        return gradient.masked_fill(outwards, 0.0)


class ConvGenerator(nn.Module):
    """Maps noise and a class index to an image in [-1, 1].

    Images are clipped and not squashed: a saturated tanh has no gradient left. Without any bound the discriminator
    could recognise synthetic images by a background that is not exactly black.

    A `Warp`, which does not depend on the class, bends the drawing of the first stage before the second refines it.

    Parameters
    ----------
    n_classes, size, channels : int
        Number of classes; side of the full image in pixels, a power of two of 8 or more; channels of the image.
    noise_dim, style_dim : int
        Length of the noise vector; length of the vectors through which noise and class control every block.
    capacity : int
        Factor on the number of channels.
    mapping_layers, shared_blocks, style_mixing : int, int, float
        See `Techniques`.
    """

    def __init__(
        self,
        n_classes: int,
        size: int,
        channels: int,
        *,
        noise_dim: int = 64,
        style_dim: int = 128,
        capacity: int = 1,
        mapping_layers: int = 2,
        shared_blocks: int = 0,
        style_mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self.size, self.noise_dim, self.n_classes = size, noise_dim, n_classes
        grids = [side // 2 for side in resolutions(size)]
        self.width = scaled_widths(WIDTHS, capacity)
        widths = [self.width[grid] for grid in grids]
        self.embed = nn.Embedding(n_classes, style_dim)
        self.bending = noise_dim // BENDING if len(grids) > 1 else 0
        drawing = noise_dim - self.bending
        self.warp = Warp(self.bending) if self.bending else None
        self.style = Styles(drawing, style_dim, mapping_layers, style_mixing)
        self.shared_blocks = shared_blocks
        self.seed = nn.Linear(drawing, widths[0] * grids[0] ** 2)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        self.block = nn.ModuleList(GeneratorBlock(self.width[grid], DRAWING_DEPTHS[grid], style_dim) for grid in grids)
        self.to_pixels = nn.ModuleList(PixelHead(width, channels, sharp=i == 0) for i, width in enumerate(widths))
        keep_variance(self)
        for i, head in enumerate(self.to_pixels):
            head.begin(FAINT if i == 0 else 0.0)  # type: ignore[operator]

    @property
    def noise_parts(self) -> NoiseParts:
        """What the numbers of the noise are for."""
        return bending_and_drawing(self.bending, self.noise_dim)

    def forward(self, noise: Tensor, label: Tensor, size: int | None = None) -> Tensor:
        """Return images of shape (B, C, size, size); `size` is one of the network's `resolutions`."""
        sizes = resolutions(size or self.size)
        bending, drawing = noise[:, : self.bending] * (1 if self.training else WIDER), noise[:, self.bending :]
        z = of_unit_power(drawing)
        styles = self.style(z, noise, len(self.block))
        embedding = self.embed(label) / math.sqrt(self.embed.embedding_dim)
        embeddings = shared_first(embedding, self.shared_blocks, len(self.block))
        grid = SMALLEST // 2
        x = self.seed(z).unflatten(1, (self.width[grid], grid, grid)).contiguous(memory_format=torch.channels_last)
        x = self.block[0](x, styles[0], embeddings[0])
        image = self.to_pixels[0](x).float()
        for i, side in enumerate(sizes[1:], start=1):
            x = self.narrow[i - 1](x)
            if i == 1 and self.warp is not None:
                displacement = self.warp(bending)
                x = bend(x, displacement, side // 4, by_product=not self.training)
                image = bend(image, displacement, side // 2)
            else:
                x, image = upsample(x), upsample(image)
            x = self.block[i](x, styles[i], embeddings[i])
            image = image + self.to_pixels[i](x).float()
        clipped: Tensor = Clip.apply(image) if self.training else image.clamp(-1, 1)  # type: ignore[no-untyped-call]
        return clipped


class DiscriminatorBlock(nn.Module):
    """Residual 3x3 convolutions without normalisation; the last begins at zero (R3GAN, Huang et al. 2024)."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(conv(channels, channels, zero=i == depth - 1) for i in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Return refined features (B, C, H, W)."""
        h = x
        for conv in self.conv:
            h = conv(F.leaky_relu(h, SLOPE))
        return x + h


class ConvDiscriminator(ProjectionDiscriminator):
    """Maps an image and its class index to one logit.

    The parameters are those of `ConvGenerator`; `feature_dim` is the length of the features that are projected on the
    class.
    """

    def __init__(self, n_classes: int, size: int, channels: int, *, feature_dim: int = 128, capacity: int = 1) -> None:
        super().__init__(n_classes, feature_dim)
        self.size = size
        grids = [side // 2 for side in resolutions(size)]
        width = scaled_widths(WIDTHS, capacity)
        widths = [width[grid] for grid in grids]
        self.from_pixels = nn.ModuleList(conv(4 * channels, width) for width in widths)
        self.block = nn.ModuleList(DiscriminatorBlock(width[grid], DEPTHS[grid]) for grid in grids)
        self.widen = nn.ModuleList(conv(fine, coarse, kernel=1, zero=True) for coarse, fine in pairwise(widths))
        self.squeeze = nn.Conv2d(widths[0], widths[0] // 2, 1)
        self.flatten = nn.Linear(widths[0] // 2 * grids[0] ** 2, feature_dim)
        keep_variance(self)

    def features(self, image: Tensor) -> Tensor:
        """Return features of images (B, C, H, W) that do not depend on the label, (B, feature_dim)."""
        stage = len(resolutions(image.shape[-1])) - 1
        x = self.block[stage](self._patches(image, stage))
        for i in reversed(range(stage)):
            image = F.avg_pool2d(image, 2)
            x = self.block[i](self._patches(image, i) + self.widen[i](F.avg_pool2d(x, 2)))
        x = F.leaky_relu(self.squeeze(F.leaky_relu(x, SLOPE)), SLOPE)
        return F.leaky_relu(self.flatten(x.flatten(1)), SLOPE).float()

    def _patches(self, image: Tensor, stage: int) -> Tensor:
        x = F.pixel_unshuffle(image, 2).contiguous(memory_format=torch.channels_last)
        return F.leaky_relu(self.from_pixels[stage](x), SLOPE)


def conv(in_channels: int, out_channels: int, *, kernel: int = 3, zero: bool = False) -> nn.Conv2d:
    """Return a convolution that keeps the side of its input; with `zero`, its first output is its bias."""
    layer = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


def keep_variance(module: nn.Module) -> None:
    """Scale every layer that does not begin at zero so that its activations keep their variance (He et al. 2015)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            if layer.weight.any():
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)


class Styles(nn.Sequential):
    """Maps noise (B, noise_dim) to a style (B, style_dim) for each block (mapping network, Karras et al. 2019).

    Parameters
    ----------
    noise_dim, style_dim, layers : int
        Lengths; number of layers.
    mixing : float
        Share of a training batch whose later blocks take the style of another sample (style mixing).
    """

    mean: Tensor
    truncation: float = 1.0

    def __init__(self, noise_dim: int, style_dim: int, layers: int = 2, mixing: float = 0.0) -> None:
        sides = [noise_dim, *[style_dim] * layers]
        parts = [part for a, b in pairwise(sides) for part in (nn.Linear(a, b), nn.LeakyReLU(SLOPE))]
        super().__init__(*parts)
        self.mixing, self.noise_dim = mixing, noise_dim
        self.register_buffer("mean", torch.zeros(style_dim), persistent=False)

    def forward(self, drawing: Tensor, noise: Tensor, blocks: int) -> list[Tensor]:  # type: ignore[override]
        """Return a style for each of the blocks; `noise` (B, N) decides which samples of a training batch are mixed."""
        style: Tensor = super().forward(drawing)  # type: ignore[no-untyped-call]
        if self.truncation < 1 and not self.training:
            style = torch.lerp(self.mean, style, self.truncation)
        if not self.mixing or not self.training or blocks == 1:
            return [style] * blocks
        # The noise is standard normal, and its last number says no more about a sample than any other.
        uniform = 0.5 * (1 + torch.erf(noise[:, -1:] / math.sqrt(2)))  # (B, 1)
        first = 1 + (uniform / self.mixing * (blocks - 1)).floor()  # the first block with another style
        other = style.flip(0)
        return [torch.where(block >= first, other, style) for block in range(blocks)]

    @torch.no_grad()
    def truncate(self, factor: float, random: torch.Generator) -> None:
        """Draw styles nearer to their mean, by a factor below 1, from now on."""
        noise = torch.randn(MEAN_OF, self.noise_dim, generator=random).to(self.mean.device)
        style: Tensor = super().forward(of_unit_power(noise))  # type: ignore[no-untyped-call]
        self.mean.copy_(style.mean(0))
        self.truncation = factor


def truncated(generator: nn.Module, factor: float, random: torch.Generator) -> nn.Module:
    """Return the generator, whose styles are drawn nearer to their mean by a factor below 1."""
    for part in generator.modules():
        if factor < 1 and isinstance(part, Styles):
            part.truncate(factor, random)
    return generator


def shared_first(embedding: Tensor, shared: int, blocks: int) -> list[Tensor]:
    """Return an embedding of classes for each block; the first `shared` blocks get zeros."""
    return [torch.zeros_like(embedding) if block < shared else embedding for block in range(blocks)]


def bending_and_drawing(bending: int, noise_dim: int) -> NoiseParts:
    """Return the parts of a noise vector: so many numbers bend the image, and the others draw it.

    Examples
    --------
    >>> bending_and_drawing(12, 64)
    (('pose', 12), ('drawing', 52))
    """
    drawing = ("drawing", noise_dim - bending)
    return (("pose", bending), drawing) if bending else (drawing,)


def of_unit_power(noise: Tensor) -> Tensor:
    """Return noise (B, N), each row scaled to unit root mean square."""
    return noise * torch.rsqrt(noise.square().mean(dim=1, keepdim=True) + 1e-6)


def upsample(x: Tensor) -> Tensor:
    """Return maps of twice the side, interpolated bilinearly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
