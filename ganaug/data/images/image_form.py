"""The form of an image file: format, colour mode and compression, so that synthetic images are written like real ones.

Files are untrusted: a form that Pillow cannot write is replaced.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin

from ganaug.data.images.codec import MODES, with_channels
from ganaug.data.images.image_file import DEEP_MODES, SIXTEEN_BIT_MODE, UPRIGHT, opened, orientation, pixels_of

SPECIAL_MODES = {"1": "1", "CMYK": "CMYK", "P": "P", "PA": "P"}
"""Pillow's modes that do not follow from colour and alpha, and what is written for each."""
LOSSY_QUALITY = 80
"""Of WebP and of JPEG in TIFF, whose quality the file does not tell: the default of WebP, from 0 to 100."""
REDUCED_QUALITY = 95
"""Of the same where the real image is at least twice as large as the synthetic one."""
LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")
"""Lossy compressions of TIFF, as Pillow names them."""
MIN_SIDE = 16
"""Side in pixels that a JPEG keeps where it is decoded to see whether it is grey."""
EXIF_OPPOSITE = {6: 8, 8: 6}
"""The orientation that undoes another one. All others undo themselves."""


@dataclass(frozen=True)
class ImageForm:
    """The form of an image file: what is needed to write another one like it."""

    ending: str = ".png"
    format: str = "PNG"
    """Pillow's name of the format of the content, which the ending does not tell."""
    mode: str = "RGB"
    """Pillow's mode that is written."""
    grey: bool = False
    """Whether red, green and blue are equal."""
    transparent: bool = False
    """Whether a pixel is not opaque."""
    colours: int = 256
    """The size of the palette in mode "P"."""
    orientation: int = 1
    """The EXIF orientation of the stored pixels."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Arguments of Pillow's function that saves an image."""
    unmatched: str = field(default="", compare=False)
    """What of the file an image in this form does not have."""

    def __str__(self) -> str:
        colour = {"1": "black and white", "I;16": "16-bit grey", "CMYK": "CMYK"}.get(self.mode)
        colour = colour or ("grey" if self.grey else "colour") + (" palette" if self.mode == "P" else "")
        return f"{colour} {self.format} files" + (" with alpha" if self.mode in ("LA", "RGBA") else "")


def plain_form(channels: int) -> ImageForm:
    """Return the form of PNG files for images of so many channels."""
    return ImageForm(mode=MODES[channels], grey=channels == 1, transparent=channels == 4)


def form_of(path: Path, shape: Sequence[int]) -> ImageForm:
    """Return the form of a file, for images of a shape (height, width, channels).

    A JPEG form has the quantisation tables of the file. Where the file is k times as large as the images, their steps
    are divided by k, because reducing an image reduces the marks of its compression. `DataError` as in `read_image`.
    """
    with opened(path) as image:
        reduction = max(1, max(image.size) // max(shape[:2]))
        settings, unmatched = _settings(path, image, reduction)
        unmatched = unmatched or _lost_bits(image)
        turned = orientation(image)  # before a TIFF is loaded, which turns it upright
        image.draft(None, (MIN_SIDE, MIN_SIDE))
        grey, transparent = _colours(pixels_of(image))
        palette = image.palette
        form = ImageForm(
            ending=path.suffix,
            format=image.format or "PNG",
            mode=_mode(image, grey, transparent),
            grey=grey,
            transparent=transparent,
            colours=min(256, len(palette.palette) // len(palette.mode)) if palette else 256,
            orientation=turned,
            settings=settings,
            unmatched="transparency" if transparent and shape[2] < 4 else unmatched,
        )
    if _is_writable(form):
        return form
    return replace(plain_form(shape[2]), grey=grey, mode="L" if grey else "RGB", unmatched=f"the format of {form}")


def encoded(pixels: NDArray[np.uint8], form: ImageForm) -> bytes:
    """Return an image (H, W, C) as the content of a file of this form.

    Examples
    --------
    >>> encoded(np.zeros((2, 2, 3), np.uint8), ImageForm(".jpg", "JPEG", mode="L", grey=True))[:3].hex()
    'ffd8ff'
    """
    stored = UPRIGHT.get(EXIF_OPPOSITE.get(form.orientation, form.orientation), UPRIGHT[1])(pixels)
    settings = dict(form.settings)
    if form.orientation in UPRIGHT and form.orientation > 1:
        settings["exif"] = Image.Exif()
        settings["exif"][ExifTags.Base.Orientation] = form.orientation
    file = io.BytesIO()
    _picture(stored, form).save(file, form.format, **settings)
    return file.getvalue()


def _picture(pixels: NDArray[np.uint8], form: ImageForm) -> Image.Image:
    """Return an image in the colours and the mode of a form."""
    if form.mode == "I;16":
        return Image.fromarray(with_channels(pixels, 1)[..., 0].astype(np.uint16) * 257)
    image = Image.fromarray(with_channels(pixels, 4 if form.transparent else 3))
    if form.grey:
        image = image.convert("LA" if form.transparent else "L")
    if form.mode == "P":
        image = image.convert("RGBA") if form.transparent else image
        return image if form.format == "GIF" else image.quantize(form.colours)  # Pillow makes the palette of a GIF
    return image if image.mode == form.mode else image.convert(form.mode, dither=Image.Dither.NONE)


def _colours(pixels: NDArray[np.uint8]) -> tuple[bool, bool]:
    """Tell of an image (H, W, C) whether its visible pixels are grey, and whether a pixel is not opaque."""
    transparent = pixels.shape[2] == 4
    visible = pixels[pixels[..., 3] > 0] if transparent else pixels  # (n, 4) or (H, W, C)
    return bool((visible[..., :3] == visible[..., :1]).all()), transparent


def _mode(image: Image.Image, grey: bool, transparent: bool) -> str:
    """Return the mode to write: that of an image, or the nearest one that is written."""
    if image.mode.startswith(SIXTEEN_BIT_MODE):
        return "I;16"
    if image.mode in SPECIAL_MODES:
        return SPECIAL_MODES[image.mode]
    alpha = transparent or image.mode in ("RGBA", "RGBa", "LA", "La")
    is_grey = len(image.getbands()) < 3 and grey
    return {(True, True): "LA", (True, False): "L", (False, True): "RGBA", (False, False): "RGB"}[is_grey, alpha]


def _settings(path: Path, image: Image.Image, reduction: int) -> tuple[tuple[tuple[str, Any], ...], str]:
    """Return arguments for Pillow that compress as a file is compressed, and what they cannot match."""
    quality = ("quality", LOSSY_QUALITY if reduction == 1 else REDUCED_QUALITY)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        tables = tuple(
            tuple(max(1, round(step / reduction)) for step in table) for _, table in sorted(image.quantization.items())
        )
        sampling = JpegImagePlugin.get_sampling(image) if reduction == 1 else 0
        sampled = (("subsampling", sampling),) if sampling >= 0 and len(image.getbands()) == 3 else ()
        return (("qtables", tables), ("progressive", "progressive" in image.info), *sampled), ""
    if image.format == "WEBP":
        if _is_lossless(path):
            return (("lossless", True),), ""
        return (quality,), "the quality of lossy WebP"
    if image.format == "TIFF":
        compression = image.info.get("compression", "raw")
        lossy = compression in LOSSY_TIFF
        return (("compression", compression), *((quality,) if lossy else ())), "the quality of lossy TIFF" * lossy
    return (), ""


def _is_lossless(path: Path) -> bool:
    """Tell whether the first frame of a WebP is lossless, by the names of the chunks of the file."""
    with path.open("rb") as file:
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, size = header[:4], int.from_bytes(header[4:], "little")
            if name in (b"VP8 ", b"VP8L"):
                return name == b"VP8L"
            file.seek(16 if name == b"ANMF" else size + size % 2, io.SEEK_CUR)
    return False


def _lost_bits(image: Image.Image) -> str:
    """Return which bits of an image are lost, by its header."""
    if image.mode.startswith(SIXTEEN_BIT_MODE):
        return "16-bit grey in steps finer than 8 bits"
    tiles = getattr(image, "tile", ())  # each with the mode of the stored pixels, such as "RGB;16B"
    deep = image.mode.startswith(DEEP_MODES) or any(";16" in str(tile) for tile in tiles)
    return "more than 8 bits a channel" if deep else ""


@lru_cache(maxsize=1024)
def _is_writable(form: ImageForm) -> bool:
    try:
        encoded(np.zeros((8, 8, 4), dtype=np.uint8), form)
    except Exception:  # settings from a hostile file can make an encoder raise any exception
        return False
    return True
