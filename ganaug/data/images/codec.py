"""The image codec: images of any shape <-> squares of one size and number of channels, and PIL images of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganaug.errors import DataError

DEFAULT_SIZES = (8, 16, 32, 64)
"""Sizes that are chosen by default, in pixels."""
MIN_SIZE = 8
"""Smallest size, in pixels."""
MAX_SIZE = 512
"""Largest size, in pixels."""
MIN_SCALE = 0.8
"""Smallest factor that the median image is scaled by at the default size, so that little detail is lost."""
MIN_SHARE_TRANSPARENT = 0.05
"""Smallest share of transparent images for which the codec has an alpha channel: fewer are too few to learn from."""
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for each number of channels of an image."""
LUMA = (299, 587, 114)
"""Thousandths of red, green and blue in grey: ITU-R BT.601, as Pillow converts."""
MIN_VISIBLE_ALPHA = 16
"""Smallest alpha of a visible pixel: below it, nobody sees the colour, and resampling cannot keep it."""


@dataclass(frozen=True)
class ImageCodec:
    """The conversion of images to squares of one size, which keeps the aspect ratio and pads the rest."""

    size: int
    """Height and width in pixels, a power of two from 8 to 512."""
    channels: int
    """1 (grey), 3 (RGB) or 4 (RGBA)."""

    def __post_init__(self) -> None:
        """Check size and channels."""
        size, channels = self.size, self.channels
        if not isinstance(size, int) or not MIN_SIZE <= size <= MAX_SIZE or size & (size - 1):
            raise DataError(
                f"The image size must be a power of two from {MIN_SIZE} to {MAX_SIZE} pixels, but it is {size!r}: "
                "choose 8, 16, 32, 64, 128, 256 or 512, or let the data decide."
            )
        if type(channels) is not int or channels not in MODES:
            raise DataError(f"Images must have 1, 3 or 4 channels, but {channels!r} was given: choose one of these.")

    @classmethod
    def fit(cls, shapes: Sequence[tuple[int, int, int]], size: int | None = None) -> Self:
        """Choose size and channels for images with these shapes (height, width, channels).

        The size, unless it is given, is the smallest of 8, 16, 32 and 64 that is at least 0.8 times the median longer
        side, or 64 if none is. The number of channels is four if at least 5 % of the images have four channels;
        else three if an image has three or four channels; else one.
        """
        if not shapes:
            raise DataError("An image codec needs at least one image to fit, but there is none: give it some.")
        if size is None:
            size = default_size([max(height, width) for height, width, _ in shapes])
        channels = np.array([channels for _, _, channels in shapes])
        if np.mean(channels == 4) >= MIN_SHARE_TRANSPARENT:
            return cls(size, 4)
        return cls(size, 3 if channels.max() > 1 else 1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an encoded image."""
        return self.size, self.size, self.channels

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fit one image, uint8 (height, width, channels), into the square.

        The longer side is scaled to `size`, and the rest is padded evenly. Smaller images are enlarged, so that all
        images show their subject at one scale. If the codec has four channels, the padding is transparent, and all
        pixels that are nearly invisible get the mean colour of the visible ones. Otherwise, the padding has the median
        colour of the image's border, because a generator would learn a visible frame; and transparent pixels are laid
        on white, because nearly all such images are drawn for a white page.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in MODES or image.size == 0:
            raise DataError(
                "An image must be a uint8 array (height, width, channels) with 1, 3 or 4 channels, but this one is "
                f"{image.dtype} {image.shape}: read it with ganaug.data.images.image_file.read_image, or convert it."
            )
        return self.placed(scaled(image, self.size))

    def placed(self, scaled: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert the channels of an image whose longer side is `size`, and pad it to the square."""
        content = with_channels(scaled, self.channels)
        height, width = content.shape[:2]
        square = np.zeros(self.shape, dtype=np.uint8)
        if self.channels < 4 and height != width:
            border = np.concatenate([content[0], content[-1], content[:, 0], content[:, -1]])  # (2H + 2W, C)
            square[:] = np.round(np.median(border, axis=0)).astype(np.uint8)
        top, left = (self.size - height) // 2, (self.size - width) // 2
        square[top : top + height, left : left + width] = content
        return plain_background(square) if self.channels == 4 else square


def default_size(longer_sides: Sequence[int]) -> int:
    """Return the default size for images with these longer sides, in pixels; 0 is an unknown side."""
    enough = MIN_SCALE * float(np.median([side for side in longer_sides if side] or [0]))
    return next((size for size in DEFAULT_SIZES if size >= enough), DEFAULT_SIZES[-1])


def scaled(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale the longer side to `size`."""
    height, width, _ = image.shape
    longer = max(height, width)
    if longer == size:
        return image
    new_height, new_width = (max(1, round(side * size / longer)) for side in (height, width))
    return _resized(image, new_height, new_width, reducing_gap=3.0)


def unpadded(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Undo `ImageCodec.encode`: cut an image out of its square, and scale it to the height and width that it had."""
    size, longer = image.shape[0], max(height, width)
    rows, columns = (max(1, round(side * size / longer)) for side in (height, width))
    top, left = (size - rows) // 2, (size - columns) // 2
    content = image[top : top + rows, left : left + columns]
    return content if (rows, columns) == (height, width) else _resized(content, height, width)


def _resized(image: NDArray[np.uint8], height: int, width: int, reducing_gap: float | None = None) -> NDArray[np.uint8]:
    """Scale an image. Pillow weights colours by alpha: invisible colours do not bleed into others."""
    # Lanczos rings around hard edges when an image is enlarged.
    shrinks = max(image.shape[:2]) > max(height, width)
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    resized = picture.resize((width, height), method, reducing_gap=reducing_gap)
    return np.asarray(resized).reshape(height, width, image.shape[2])


def pil_image(pixels: NDArray[np.uint8], mode: str | None = None, size: tuple[int, int] | None = None) -> Image.Image:
    """Return a generator's image, uint8 (S, S, C), as a PIL image of a mode and a size (width, height).

    The padding of the square is cut off so that the proportions are those of the size.

    Examples
    --------
    >>> pil_image(np.zeros((8, 8, 1), np.uint8), "RGB", (20, 40)).size
    (20, 40)
    """
    pixels = pixels if size is None else unpadded(pixels, size[1], size[0])
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return image if mode in (None, image.mode) else image.convert(mode)


def plain_background(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the nearly invisible pixels of an RGBA image the mean colour of the visible ones.

    A generator would learn other colours as a part of the image, and would mix them into the edges of visible parts.
    """
    alpha = image[..., 3]
    if not alpha.any():
        return np.zeros_like(image)
    mean = np.tensordot(alpha.astype(np.float64), image[..., :3], axes=2) / alpha.sum(dtype=np.int64)  # (3,)
    plain = image.copy()
    plain[alpha < MIN_VISIBLE_ALPHA, :3] = mean.round().astype(np.uint8)
    return plain


def with_channels(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert between grey, RGB and RGBA; without alpha, transparent pixels are laid on white."""
    height, width, own = image.shape
    if channels == 4:
        alpha = image[..., 3:] if own == 4 else np.full((height, width, 1), 255, dtype=np.uint8)
        colour = np.broadcast_to(image[..., :3], (height, width, 3))
        return np.concatenate([colour, alpha], axis=2)
    if own == 4:
        alpha = image[..., 3:].astype(np.uint32)
        image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if channels == 1 and own > 1:
        luma = image @ np.array(LUMA, dtype=np.uint32)
        return ((luma + 500) // 1000).astype(np.uint8)[..., None]
    return np.broadcast_to(image, (height, width, channels))
