"""Generator and discriminator for square images, made for the few seconds and few pictures that there are.

Both work on 2x2 patches: the generator ends at half the image's side with four times its channels and a pixel shuffle, the
discriminator begins with the inverse, so that the costly convolutions never see the full grid. Both grow: a network
made for side S also runs at S/2, S/4, ... down to `SMALLEST`, and one more stage leaves its function as it was, because
each stage adds to a resampled skip path through layers that begin at zero (StyleGAN2's skip and residual shapes, Karras
et al. 2020, without the fade-in of progressive growing).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SMALLEST", "ConvDiscriminator", "ConvGenerator", "resolutions"]

SMALLEST = 8
"""Side in pixels of the first stage."""

WIDTHS = {4: 128, 8: 96, 16: 64, 32: 48, 64: 32, 128: 16, 256: 16}
"""Feature channels by side of the patch grid: multiples of 16, which every bf16 convolution kernel takes."""


def resolutions(size: int) -> tuple[int, ...]:
    """Return the image sides that a network for `size` grows through, smallest first."""
    return tuple(SMALLEST << i for i in range(int(math.log2(size // SMALLEST)) + 1))


def _kaiming(module: nn.Module) -> None:
    """Give every layer that does not begin at zero the scale that keeps its activations' variance."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.any():
            if layer.bias is not None: nn.init.zeros_(layer.bias)
            fan=layer.weight[0].numel()
            layer.weight.data.mul_((2/1.04/fan)**.5/layer.weight.data.std())


class FiLM(nn.Module):
    """Normalise each sample to unit root mean square, then scale and shift its channels by a style vector.

    One fused multiply-add over the features. The gains begin at zero, so all classes begin as one and tell themselves
    apart only as far as the loss asks (Perez et al. 2018; the zero start is the ramp that small conditional GANs need).
    """

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.by_noise = nn.Linear(style_dim, 2 * channels)
        self.by_class = nn.Linear(style_dim, 2 * channels, bias=False)
        nn.init.normal_(self.by_noise.weight, std=0.5 / math.sqrt(style_dim)) 
        nn.init.zeros_(self.by_noise.bias)
        nn.init.zeros_(self.by_class.weight)

    def forward(self, x: Tensor, style: tuple[Tensor, Tensor]) -> Tensor:
        affine = self.by_noise(style[0]) + self.by_class(style[1])
        gain, shift = affine[:, :, None, None].chunk(2, dim=1)  # (B, C, 1, 1) each
        power = x.float().square().mean(dim=(1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
        scale = (1 + gain) * torch.rsqrt(power + 1e-6)
        return torch.addcmul(shift.to(x.dtype), x, scale.to(x.dtype))


class GeneratorBlock(nn.Module):
    """Residual pair of 3x3 convolutions under the style's control."""

    def __init__(self, channels: int, style_dim: int) -> None:
        super().__init__()
        self.film = nn.ModuleList(FiLM(channels, style_dim) for _ in range(2))
        self.conv = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.conv[1].weight)

    def forward(self, x: Tensor, style: tuple[Tensor, Tensor]) -> Tensor:
        h = x
        for film, conv in zip(self.film, self.conv, strict=True):
            h = conv(F.leaky_relu(film(h, style), 0.2))
        return x + h


class ToPixels(nn.Module):
    """Features on the patch grid to an image of twice its side; all four pixels of a patch begin alike (ICNR)."""

    def __init__(self, features: int, channels: int, *, zero: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(features, 4 * channels, 3, padding=1)
        if zero:
            nn.init.zeros_(self.conv.weight)
        else:
            first = self.conv.weight.detach()[::4]
            self.conv.weight.data.copy_(first.repeat_interleave(4, dim=0))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(x), 2)


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class ConvGenerator(nn.Module):
    """Noise and a class index to an image in [-1, 1].

    Parameters
    ----------
    n_classes : int
        Number of classes.
    size : int
        Side of the full image in pixels, a power of two of 8 or more.
    channels : int
        Channels of the image.
    noise_dim : int, default=64
        Length of the noise vector.
    style_dim : int, default=128
        Length of the vector that steers every block.
    """

    def __init__(self, n_classes: int, size: int, channels: int, *, noise_dim: int = 64, style_dim: int = 128) -> None:
        super().__init__()
        self.size, self.noise_dim, self.n_classes = size, noise_dim, n_classes
        grids = [side // 2 for side in resolutions(size)]
        widths = [WIDTHS[grid] for grid in grids]
        self.embed = nn.Embedding(n_classes, style_dim)
        self.style = nn.Sequential(
            nn.Linear(noise_dim, style_dim), nn.LeakyReLU(0.2), nn.Linear(style_dim, style_dim), nn.LeakyReLU(0.2)
        )
        self.seed = nn.Linear(noise_dim, widths[0] * grids[0] ** 2)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.block = nn.ModuleList(GeneratorBlock(width, style_dim) for width in widths)
        self.to_pixels = nn.ModuleList(ToPixels(width, channels, zero=i > 0) for i, width in enumerate(widths))
        _kaiming(self)
        self.to_pixels[0].conv.weight.data.mul_(0.2)

    def forward(self, noise: Tensor, label: Tensor, size: int | None = None) -> Tensor:
        """Return images of shape (B, C, size, size); `size` is one of the network's `resolutions`."""
        stages = len(resolutions(size or self.size))
        z = noise * torch.rsqrt(noise.square().mean(dim=1, keepdim=True) + 1e-6)
        style = self.style(z), self.embed(label)
        grid = SMALLEST // 2
        x = self.seed(z).unflatten(1, (-1, grid, grid))
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.block[0](x, style)
        image = self.to_pixels[0](x).float()
        for i in range(1, stages):
            x = self.block[i](_upsample(self.narrow[i - 1](x)), style)
            image = _upsample(image) + self.to_pixels[i](x)
        return image


class FromPixels(nn.Module):
    """An image to features on the grid of its 2x2 patches."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4 * channels, features, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.pixel_unshuffle(image, 2).contiguous(memory_format=torch.channels_last)
        return F.leaky_relu(self.conv(x), 0.2)


class DiscriminatorBlock(nn.Module):
    """Residual pair of 3x3 convolutions without normalisation; the second begins at zero (R3GAN, Huang et al. 2024)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.conv[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv[1](F.leaky_relu(self.conv[0](F.leaky_relu(x, 0.2)), 0.2))


class ConvDiscriminator(nn.Module):
    """An image and its class index to one logit, by projection on the class (Miyato and Koyama 2018)."""

    def __init__(self, n_classes: int, size: int, channels: int, *, feature_dim: int = 128) -> None:
        super().__init__()
        self.size = size
        grids = [side // 2 for side in resolutions(size)]
        widths = [WIDTHS[grid] for grid in grids]
        self.from_pixels = nn.ModuleList(FromPixels(channels, width) for width in widths)
        self.block = nn.ModuleList(DiscriminatorBlock(width) for width in widths)
        self.widen = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(widths[:-1], widths[1:], strict=True))
        for widen in self.widen:
            nn.init.zeros_(widen.weight)  # type: ignore[arg-type]
            nn.init.zeros_(widen.bias)  # type: ignore[arg-type]
        self.squeeze = nn.Conv2d(widths[0], widths[0] // 2, 1)
        self.features = nn.Linear(widths[0] // 2 * grids[0] ** 2, feature_dim)
        self.embed = nn.Embedding(n_classes, feature_dim)
        nn.init.zeros_(self.embed.weight)
        self.logit = nn.Linear(feature_dim, 1)
        _kaiming(self)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        """Return logits of shape (B,): larger means more like a real image of class `label`."""
        i = len(resolutions(image.shape[-1])) - 1
        x = self.block[i](self.from_pixels[i](image))
        for j in reversed(range(i)):
            image = F.avg_pool2d(image, 2)
            x = self.from_pixels[j](image) + self.widen[j](F.avg_pool2d(x, 2))
            x = self.block[j](x)
        x = F.leaky_relu(self.squeeze(F.leaky_relu(x, 0.2)), 0.2)
        h = F.leaky_relu(self.features(x.flatten(1)), 0.2).float()  # (B, F)
        projection = (self.embed(label) * h).sum(dim=1) / math.sqrt(h.shape[1])
        return self.logit(h).squeeze(1).float() + projection


def parameter_counts(modules: Sequence[nn.Module]) -> list[int]:
    """Return the number of learned numbers in each module."""
    return [sum(p.numel() for p in module.parameters()) for module in modules]
