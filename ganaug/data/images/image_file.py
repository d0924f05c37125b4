"""Reading one image file.

The content of a file is untrusted: its header is checked before anything is decoded.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ganaug.errors import DataError
from ganaug.files import is_regular, quoted

MAX_PIXELS = 50_000_000
"""Largest number of pixels of an image that is decoded: 50 million RGBA pixels are 200 MB."""

DEEP_MODES = ("I", "F")
"""Beginnings of Pillow's modes with more than 8 bits a channel."""
SIXTEEN_BIT_MODE = "I;16"
"""Beginning of Pillow's modes with 16 bits a channel."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""Formats that are decoded, by the content of a file: a GIF named .png is common and harmless. Untrusted files must not
reach Pillow's other decoders, one of which runs Ghostscript."""

UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}
"""For each EXIF orientation, the function that turns the stored array (H, W, C) upright."""


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the height and width in the header of an image file, before EXIF orientation is applied.

    `DataError` as in `read_image`, except for damage that only decoding can find.
    """
    with opened(Path(path)) as image:
        return image.height, image.width


def is_deep(path: str | os.PathLike[str]) -> bool:
    """Tell from the header of an image file whether it has more than 8 bits a channel; see `image_size` for errors."""
    with opened(Path(path)) as image:
        return image.mode.startswith(DEEP_MODES)


def read_image(path: str | os.PathLike[str], *, at_least: int | None = None) -> NDArray[np.uint8]:
    """Read an image file as upright 8-bit pixels, uint8 (height, width, channels), with as few channels as it needs.

    There are four channels if a pixel is not opaque; else one if red, green and blue are equal everywhere; else three.
    EXIF orientation is applied. Of several frames, the first is read. Palettes and CMYK become RGB. 16-bit grey is
    divided by 257. 32-bit grey has no stated scale: its range is taken to be the smallest of 0 to 1 (floating point
    only), 0 to 255, and 0 to 65,535 that holds all values; if none does, the values are stretched from their minimum to
    their maximum.

    For images that will be scaled down, a JPEG may be decoded at a half, a quarter or an eighth of its size, which is
    several times faster, if both sides keep `at_least` pixels. `DataError` if the file is not a readable
    image, or has more than `MAX_PIXELS` pixels.
    """
    return read_image_and_scale(path, at_least=at_least)[0]


def read_image_and_scale(
    path: str | os.PathLike[str], *, at_least: int | None = None
) -> tuple[NDArray[np.uint8], bool]:
    """Return the result of `read_image`, and whether the image has 32-bit values without a stated scale."""
    with opened(Path(path)) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        upright = UPRIGHT.get(orientation(image), UPRIGHT[1])(pixels_of(image))
        own_scale = image.mode.startswith(DEEP_MODES) and not image.mode.startswith(SIXTEEN_BIT_MODE)
        return np.array(upright, order="C"), own_scale  # a copy: Pillow's memory is read-only


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image and check its header; all errors, also later ones, become a `DataError` that names the file."""
    if not is_regular(path):  # pipes and devices could block for ever
        raise DataError(f"An image must be a regular file, but {quoted(path)} is not: take it out of the data.")
    limit = f"An image must have at most {MAX_PIXELS:,} pixels, but {quoted(path)} has more"
    remedy = "make it smaller, or take it out of the data."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the check below is stricter
            image = Image.open(path, formats=FORMATS)
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{limit} ({image.width:,} x {image.height:,}): {remedy}")
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:  # its message names Pillow's limit
        raise DataError(f"{limit}: {remedy}") from error
    except Exception as error:  # a hostile file can make a decoder raise any exception
        if isinstance(error, OSError) and error.errno is not None:  # from the system: a decoder's errors have no number
            raise DataError(
                f"An image must be a file that may be read, but {quoted(path)} cannot be opened "
                f"({os.strerror(error.errno).lower()}): change its permissions, or take it out of the data."
            ) from error
        raise DataError(
            f"An image must be a complete PNG, JPEG, BMP, WebP or TIFF, but {quoted(path)} cannot be read "
            f"({type(error).__name__}): repair it, or take it out of the data."
        ) from error


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; 1 if there is none, or the EXIF data is damaged."""
    with suppress(Exception):
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Return a loaded image as (H, W, 1), (H, W, 3) or, if an alpha is below 255, (H, W, 4)."""
    if image.mode.startswith(DEEP_MODES):
        return _scaled_to_bytes(np.asarray(image), sixteen_bit=image.mode.startswith(SIXTEEN_BIT_MODE))[..., None]
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            return rgba
        rgb = rgba[..., :3]
    elif image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))[..., None]
    else:
        rgb = np.asarray(image.convert("RGB"))
    red, green, blue = np.moveaxis(rgb, 2, 0)
    return rgb[..., :1] if np.array_equal(red, green) and np.array_equal(red, blue) else rgb


def _scaled_to_bytes(values: NDArray[Any], sixteen_bit: bool) -> NDArray[np.uint8]:
    """Scale 16-bit and 32-bit grey to 0..255, by the rules that `read_image` states."""
    if sixteen_bit:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    scales = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    values = np.where(np.isfinite(values), values, 0).astype(np.float64)
    low, high = values.min(), values.max()
    scale = next((scale for scale in scales if low >= 0 and high <= scale), None)
    if scale is None:
        values, scale = values - low, (high - low) or 1.0
    return np.round(values * 255 / scale).astype(np.uint8)
