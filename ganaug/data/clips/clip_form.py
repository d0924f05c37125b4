"""The form of the file of a clip, which a model file states."""

from dataclasses import dataclass

PILLOW_FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
"""For each ending of an image file that may have several frames, Pillow's name of the format."""
DTYPES = ("uint8", "float16", "float32", "float64")
"""The dtypes of the values in a .npy file."""
MAX_DURATION = 65_535
"""Longest time of a frame that a model file may state, in milliseconds."""


@dataclass(frozen=True)
class ClipForm:
    """The form of a clip's file: what is needed to write another one like it."""

    ending: str = ".npy"
    """".npy", or a key of `PILLOW_FORMATS`."""
    dtype: str = "uint8"
    """One of `DTYPES`; the values of floating point are from 0 to 1."""
    axes: int = 4
    """Axes of the array in a .npy file: 3 for (frames, height, width), 4 with channels."""
    duration: int = 100
    """Time of a frame of an animated image, in milliseconds."""

    def __str__(self) -> str:
        if self.ending == ".npy":
            return f".npy files of {self.dtype}"
        timed = "" if self.ending.startswith(".tif") else f" with {self.duration:,} ms a frame"
        return f"{self.ending} files{timed}"
