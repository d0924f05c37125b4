"""Reading and writing one clip: a .npy file, an animated image, or a stack of images in a TIFF.

The content of a file is untrusted: its header is checked before anything is decoded, and no Python objects are loaded.
"""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from ganaug.data.clips.clip_form import DTYPES, MAX_DURATION, PILLOW_FORMATS, ClipForm
from ganaug.data.images.codec import MODES, scaled, with_channels
from ganaug.data.images.image_file import DEEP_MODES, SIXTEEN_BIT_MODE, pixels_of
from ganaug.errors import DataError
from ganaug.files import is_regular, quoted

Clip = NDArray[np.uint8]
"""A clip of shape (frames, height, width, channels)."""

MAX_FILE_BYTES = 2**28
"""Largest file that is read: 256 MB hold 1,000 uncompressed colour frames of 300 x 300 pixels."""
MAX_PIXELS = 2**24
"""Largest number of pixels of a frame that is decoded: 64 MB as RGBA."""
MIN_SIDE = 4
"""Smallest height and width, in pixels. An array (height, width, 3), a single image, is no clip of width 3."""
MIN_FRAMES = 2
"""A single frame is an image."""
MAX_FRAMES = 32
"""Frames of a file that are read, from the first on: no generator of clips draws more."""
MAX_SIDE = 64
"""Side in pixels that frames are scaled down to when they are read: no generator of clips draws larger ones."""
MAX_HELD = 8
"""A frame that is shown longer than the shortest one counts several times, but not more often than this."""


@dataclass(frozen=True)
class ReadClip:
    """What `read_clip` finds in a file."""

    clip: Clip
    """At most `MAX_FRAMES` frames, scaled down to at most `MAX_SIDE` pixels a side."""
    n_frames: int
    """Frames in the file."""
    sides: tuple[int, int]
    """Height and width in the file."""
    form: ClipForm


def frames_in(path: Path) -> int:
    """Return the number of frames that the head of a file tells; 0 for a file that is no clip, or cannot be read."""
    try:
        if not is_regular(path) or path.stat().st_size > MAX_FILE_BYTES:
            return 0
        if path.suffix.lower() == ".npy":
            shape = np.lib.format.open_memmap(path, mode="r").shape
            return int(shape[0]) if len(shape) in (3, 4) else 0
        with _opened(path) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # a hostile file can make a reader raise any exception
        return 0


def read_clip(path: Path) -> ReadClip:
    """Read a file as 8-bit frames with as few channels as they need.

    A .npy file holds uint8, or floating point from 0 to 1, of shape (frames, height, width) or (frames, height, width,
    channels). Of an animated image, a frame that is shown k times as long as the shortest one counts k times, because
    libraries store equal neighbours as one long frame. `DataError` if the file is too large, damaged, has a single
    frame, or holds other values.
    """
    if not is_regular(path):  # pipes and devices could block for ever
        raise DataError(f"A clip must be a regular file, but {quoted(path)} is not: take it out of the data.")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"A clip must have at most {MAX_FILE_BYTES:,} bytes, but {quoted(path)} has {size:,}: make it smaller, or "
            "take it out of the data."
        )
    return _read_npy(path) if path.suffix.lower() == ".npy" else _read_image(path)


def encoded(clip: Clip, form: ClipForm) -> bytes:
    """Return a clip (frames, height, width, channels) as the content of a file of this form."""
    file = io.BytesIO()
    if form.ending == ".npy":
        values = clip[..., 0] if form.axes == 3 and clip.shape[3] == 1 else clip
        floats = form.dtype != "uint8"
        np.save(file, (values / 255).astype(form.dtype) if floats else values, allow_pickle=False)
        return file.getvalue()
    first, *others = [Image.fromarray(frame[..., 0] if clip.shape[3] == 1 else frame) for frame in clip]
    settings: dict[str, Any] = {"save_all": True, "append_images": others}
    if PILLOW_FORMATS[form.ending] != "TIFF":
        settings |= {"duration": form.duration, "loop": 0}
    if form.ending == ".webp":
        settings |= {"lossless": True}  # a classifier must not learn the marks of compression
    first.save(file, PILLOW_FORMATS[form.ending], **settings)
    return file.getvalue()


def _read_npy(path: Path) -> ReadClip:
    try:
        # A map of the file: a header that promises more than the file holds, or Python objects, is refused.
        values = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a hostile file can make the reader raise any exception
        raise _damaged(path, "NumPy file of numbers", error) from error
    dtype = values.dtype.newbyteorder("=").name
    channels = values.shape[3] if values.ndim == 4 else 1
    if values.ndim not in (3, 4) or dtype not in DTYPES or channels not in MODES:
        raise DataError(
            "A clip must be an array (frames, height, width) or (frames, height, width, channels) of uint8 or floating "
            f"point with 1, 3 or 4 channels, but {quoted(path)} holds {dtype} of shape {values.shape}: convert it, or "
            "take it out of the data."
        )
    n_frames, height, width = values.shape[:3]
    _check_shape(path, n_frames, height, width)
    kept = np.array(values[:MAX_FRAMES])
    clip = as_bytes(kept.reshape(*kept.shape[:3], channels))
    if clip is None:
        raise DataError(
            f"A clip of floating point must hold numbers from 0 to 1, but {quoted(path)} holds others: divide it by "
            "the value of white, or take it out of the data."
        )
    frames = [_small(frame) for frame in clip]
    return ReadClip(np.stack(frames), n_frames, (height, width), ClipForm(".npy", dtype, values.ndim))


def as_bytes(values: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Return uint8 as it is, and floating point from 0 to 1 as 0 to 255; None for all else."""
    if values.dtype.kind == "f" and values.min() >= 0 and values.max() <= 1:  # both comparisons are false for NaN
        values = np.round(values * 255).astype(np.uint8)
    return values if values.dtype == np.uint8 else None


def _read_image(path: Path) -> ReadClip:
    try:
        with warnings.catch_warnings(), _opened(path) as image:
            warnings.simplefilter("ignore")  # of Pillow's limit and of odd metadata: `_check_shape` is stricter
            n_frames, (width, height) = getattr(image, "n_frames", 1), image.size
            _check_shape(path, n_frames, height, width)
            frames, durations = [], []
            for frame in _frames(image):
                if frame.size != (width, height):
                    raise DataError(
                        f"All frames of a clip must have one size, but {quoted(path)} has frames of {width} x {height} "
                        f"and of {frame.width} x {frame.height} pixels: take it out of the data."
                    )
                if frame.mode.startswith(DEEP_MODES) and not frame.mode.startswith(SIXTEEN_BIT_MODE):
                    raise DataError(
                        f"The frames of an image file must have 8 or 16 bits a channel, but those of {quoted(path)} "
                        "have 32 and no stated scale: save them as a .npy file with values from 0 to 1."
                    )
                frames.append(_small(pixels_of(frame)))
                durations.append(float(frame.info.get("duration", 0) or 0))
    except DataError:
        raise
    except Exception as error:  # a hostile file can make a decoder raise any exception
        raise _damaged(path, "animated GIF, WebP or PNG, or a TIFF of several images", error) from error
    held = _times(durations)
    channels = max(frame.shape[2] for frame in frames)
    clip = np.stack(
        [with_channels(frame, channels) for frame, times in zip(frames, held, strict=True) for _ in range(times)]
    )
    shown = [duration for duration in durations if duration]
    unit = max(1, min(MAX_DURATION, round(min(shown)))) if shown else ClipForm.duration
    form = ClipForm(path.suffix.lower(), duration=unit)
    return ReadClip(clip[:MAX_FRAMES], max(n_frames, len(clip)), (height, width), form)


def _frames(image: Image.Image) -> Iterator[Image.Image]:
    for number, frame in enumerate(ImageSequence.Iterator(image)):
        if number == MAX_FRAMES:
            return
        frame.load()  # sets the duration of a WebP
        yield frame


def _times(durations: list[float]) -> list[int]:
    """Return how often each frame counts."""
    unit = min((duration for duration in durations if duration), default=0.0)
    return [min(MAX_HELD, max(1, round(duration / unit))) if unit else 1 for duration in durations]


def _opened(path: Path) -> Image.Image:
    """Open an image by its content, with the decoders of `PILLOW_FORMATS` alone."""
    return Image.open(path, formats=sorted(set(PILLOW_FORMATS.values())))


def _check_shape(path: Path, n_frames: int, height: int, width: int) -> None:
    if n_frames < MIN_FRAMES:
        raise DataError(
            f"A clip must have {MIN_FRAMES} frames or more, but {quoted(path)} has {n_frames}: put images into a "
            "folder of images, or take it out of the data."
        )
    if min(height, width) < MIN_SIDE or height * width > MAX_PIXELS:
        raise DataError(
            f"The frames of a clip must be of {MIN_SIDE} x {MIN_SIDE} to {MAX_PIXELS:,} pixels, but those of "
            f"{quoted(path)} are {height} high and {width} wide: bring the axes into the order (frames, height, width, "
            "channels), scale it, or take it out of the data."
        )


def _small(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a frame (H, W, C) down to `MAX_SIDE`; return smaller ones as they are."""
    return scaled(frame, MAX_SIDE) if max(frame.shape[:2]) > MAX_SIDE else frame


def _damaged(path: Path, kind: str, error: Exception) -> DataError:
    return DataError(
        f"A clip must be a complete {kind}, but {quoted(path)} cannot be read ({type(error).__name__}): repair it, or "
        "take it out of the data."
    )
