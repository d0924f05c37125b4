"""The content of one image in the style of another, through the shipped autoencoder.

The latents of the content get the statistics of the latents of the style, as `ganaug.techniques.style` says, and are
decoded. Only the difference that this makes is added to the content, so that what the autoencoder cannot reproduce
stays as it was.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.modes import training_modes
from ganaug.compute.threads import single_thread
from ganaug.data.images.codec import LUMA, MODES, scaled
from ganaug.errors import DataError
from ganaug.networks.autoencoder import FACTOR, Autoencoder
from ganaug.techniques.style import Style, style_of, with_style

MIN_STYLE_SIDE = 32
"""Side in pixels to which no style is scaled down: fewer pixels say little about texture."""
CELLS_AT_ONCE = 2**14
"""Cells of latents in one pass of a network, about: the features of 262,144 pixels fit into a processor's cache."""
MARGIN = 8
"""Cells that a value of the encoder or decoder depends on, in each direction."""


def restyle(image: ArrayLike, style: ArrayLike, strength: float = 1.0) -> NDArray[np.uint8]:
    """Show the content of one image in the colours and the texture of another.

    Parameters
    ----------
    image : array of uint8, (H, W) or (H, W, 1), (H, W, 3) or (H, W, 4)
        The content. Its alpha is kept.
    style : array of uint8, of any such shape
        The image that gives the style. If it is larger than the content, it is scaled down to about the content's
        size first. Transparent parts do not count. For grey content, it counts as grey.
    strength : float, default=1.0
        How far the style is moved to, from 0 to 1. With 0 the image stays exactly as it is.

    Returns
    -------
    array of uint8
        The image in the new style, in the shape of `image`.

    Raises
    ------
    DataError
        If an image is not of this form, or the strength is not from 0 to 1.

    Notes
    -----
    The same arguments give the same image; nothing is random. torch's threads, modes and random state stay as they are.

    Examples
    --------
    >>> dark, bright = np.full((20, 30, 3), 40, np.uint8), np.full((16, 16, 3), 220, np.uint8)
    >>> restyled = restyle(dark, bright)
    >>> restyled.shape, bool(restyled.mean() > 180)
    ((20, 30, 3), True)
    >>> np.array_equal(restyle(dark, bright, strength=0), dark)
    True
    """
    content, source = checked_image(image, "image"), checked_image(style, "style")
    measured = measured_style(source, content.shape)
    (result,) = restyled(content[None], [measured], [checked_strength(strength)])
    pixels: NDArray[np.uint8] = result.reshape(np.shape(image))
    return pixels


def checked_image(image: ArrayLike, name: str) -> NDArray[np.uint8]:
    """Return an image as an array (H, W, C); `DataError` if it is none."""
    array = np.asarray(image)
    pixels = array[..., None] if array.ndim == 2 else array
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in MODES or not pixels.size:
        raise DataError(
            f"{name} must be a uint8 array (H, W) or (H, W, C) with 1, 3 or 4 channels, but is {array.dtype} "
            f"{array.shape}: convert it first"
        )
    return pixels


def checked_strength(strength: Any) -> float:
    """Return a strength as a number; `DataError` if it is not from 0 to 1."""
    try:
        number = float(strength)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 1:
        raise DataError(
            f"strength must be from 0 (the content as it is) to 1 (the whole style), but is {strength!r:.80}: choose "
            "a number in between"
        )
    return number


def style_side(shape: tuple[int, ...]) -> int:
    """Return to which longer side, in pixels, styles of a content (H, W, C) are scaled down: a power of two.

    Few sides mean that the statistics of a style need not be measured anew for each size of content.
    """
    return max(MIN_STYLE_SIDE, 1 << (max(shape[:2]) - 1).bit_length())


def measured_style(image: NDArray[np.uint8], shape: tuple[int, ...]) -> Style:
    """Return the style of an image (H, W, C) for contents of a shape (H, W, C)."""
    side = style_side(shape)
    if max(image.shape[:2]) > side:
        image = scaled(image, side)
    if shape[2] == 1 and image.shape[2] > 1:
        grey = np.round(image[..., :3] @ (np.array(LUMA) / sum(LUMA))).astype(np.uint8)[..., None]
        image = np.concatenate([grey, grey, grey, image[..., 3:]], axis=2)
    with _usual_modes():
        colour, weight = _as_tensors(image[None])
        return style_of(_encoded(colour), weight)


def restyled(images: NDArray[np.uint8], styles: Sequence[Style], strengths: Sequence[float]) -> NDArray[np.uint8]:
    """Return images (B, H, W, C) with a style each, at a strength each.

    Examples
    --------
    >>> dark, bright = np.full((2, 8, 8, 3), 40, np.uint8), np.full((8, 8, 3), 220, np.uint8)
    >>> style = measured_style(bright, dark.shape[1:])
    >>> restyled(dark, [style, style], [0.0, 1.0]).mean(axis=(1, 2, 3)).round(-1).tolist()
    [40.0, 220.0]
    """
    cells = math.ceil(images.shape[1] / FACTOR) * math.ceil(images.shape[2] / FACTOR)
    at_once = max(1, CELLS_AT_ONCE // cells)
    parts = []
    with _usual_modes():
        for begin in range(0, len(images), at_once):
            part = slice(begin, begin + at_once)
            joined = Style(*(torch.cat(statistic) for statistic in zip(*styles[part], strict=True)))
            parts.append(_restyled(images[part], joined, torch.tensor(strengths[part], dtype=torch.float32)))
    return np.concatenate(parts)


def _restyled(images: NDArray[np.uint8], style: Style, strengths: Tensor) -> NDArray[np.uint8]:
    colour, weight = _as_tensors(images)
    latents = _encoded(colour)
    moved = torch.lerp(latents, with_style(latents, style, weight), strengths[:, None, None, None]).clamp(-1, 1)
    change = _decoded(moved) - _decoded(latents)
    result = images.copy()
    height, width, channels = images.shape[1:]
    coloured = min(channels, 3)  # alpha stays
    pixels = (colour + change)[:, :, :height, :width]  # (B, 3, H, W)
    pixels = pixels.mean(dim=1, keepdim=True) if coloured == 1 else pixels
    result[..., :coloured] = ((pixels + 1) * 127.5).round().clamp(0, 255).permute(0, 2, 3, 1).byte().numpy()
    return result


@cache
def _autoencoder() -> Autoencoder:
    return Autoencoder.load(3)


@contextmanager
def _usual_modes() -> Iterator[None]:
    """Compute without gradients in float32 on one thread of the CPU, whatever the caller has set."""
    with training_modes(), torch.no_grad(), single_thread():
        yield


def _as_tensors(images: NDArray[np.uint8]) -> tuple[Tensor, Tensor | None]:
    """Return colours (B, 3, H', W') in [-1, 1], with sides that are multiples of 4, and the alpha of each cell."""
    height, width, channels = images.shape[1:]
    pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    pixels = F.pad(pixels, (0, -width % FACTOR, 0, -height % FACTOR), mode="replicate")
    weight = F.avg_pool2d((pixels[:, 3:] + 1) / 2, FACTOR) if channels == 4 else None  # (B, 1, h, w)
    return pixels[:, :3].expand(-1, 3, -1, -1), weight


def _encoded(colour: Tensor) -> Tensor:
    return _in_strips(_autoencoder().encode, colour, (FACTOR, 1))


def _decoded(latents: Tensor) -> Tensor:
    return _in_strips(_autoencoder().decode, latents, (1, FACTOR))


def _in_strips(network: Callable[[Tensor], Tensor], values: Tensor, pixels: tuple[int, int]) -> Tensor:
    """Apply a network to (B, C, H, W) strip by strip, so that large images need little memory.

    `pixels` is how many pixels a cell has on each side, before and after the network.
    """
    before, after = pixels
    height = values.shape[2] // before
    rows = max(MARGIN, CELLS_AT_ONCE * before // values.shape[3])
    if height <= rows:
        return network(values)
    strips = []
    for top in range(0, height, rows):
        begin, end = max(0, top - MARGIN), min(height, top + rows + MARGIN)
        strip = network(values[:, :, begin * before : end * before])
        strips.append(strip[:, :, (top - begin) * after : (min(top + rows, height) - begin) * after])
    return torch.cat(strips, dim=2)
