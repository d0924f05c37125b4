"""The form of synthetic clips."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ganaug.data.clips.clip_form import DTYPES, MAX_DURATION, PILLOW_FORMATS, ClipForm
from ganaug.data.clips.pictures import draw_clips
from ganaug.data.clips.points import clip_points
from ganaug.data.json_checks import is_int
from ganaug.data.sample_format import OutputForm, SampleFormat
from ganaug.errors import DataError, FormatError

MAX_FRAMES = 1024
"""Most frames in a model file."""
MAX_SIDE = 1024
"""Largest height or width in a model file, in pixels."""
MAX_CLIP_PIXELS = 2**24
"""Most pixels of a clip in a model file: 64 MB as RGBA."""
MAX_PASS = 16
"""Most clips in one pass."""
MAX_PASS_PIXELS = 16 * 64 * 64
"""Most pixels in one pass, as for images: 16 large clips would take gigabytes of memory."""


class ClipFormat(SampleFormat):
    """Clips of one shape (frames, height, width, channels).

    Parameters
    ----------
    frames, height, width, channels : int
        Of each clip.
    form : ClipForm
        The form of the files that clips are written to.
    """

    modality = "clip"
    noun = "clips"
    seeded_pass_size = 4

    def __init__(self, frames: int, height: int, width: int, channels: int, form: ClipForm) -> None:
        self.clip_shape, self.form = (frames, height, width, channels), form
        self.outputs: dict[str, OutputForm] = {"clip": (self.clip_shape, np.uint8)}
        self.pass_size = max(1, min(MAX_PASS, MAX_PASS_PIXELS // (frames * height * width)))

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Read the four sizes, and the form of a file: ``ending``, ``dtype``, ``axes`` and ``duration``."""
        frames, height, width, channels = (schema.get(name) for name in ("frames", "height", "width", "channels"))
        _require(is_int(frames, 1, MAX_FRAMES), f"frames must be from 1 to {MAX_FRAMES}")
        for name, side in (("height", height), ("width", width)):
            _require(is_int(side, 1, MAX_SIDE), f"{name} must be from 1 to {MAX_SIDE}")
        _require(type(channels) is int and channels in (1, 3, 4), "channels must be 1, 3 or 4")
        pixels = frames * height * width  # type: ignore[operator]  # checked above
        _require(pixels <= MAX_CLIP_PIXELS, f"a clip must have at most {MAX_CLIP_PIXELS:,} pixels")
        ending, dtype = schema.get("ending", ".npy"), schema.get("dtype", "uint8")
        known = isinstance(ending, str) and ending in (".npy", *PILLOW_FORMATS)
        _require(known, f"ending must be one of .npy, {', '.join(PILLOW_FORMATS)}")
        _require(isinstance(dtype, str) and dtype in DTYPES, f"dtype must be one of {', '.join(DTYPES)}")
        axes, duration = schema.get("axes", 4), schema.get("duration", ClipForm.duration)
        _require(is_int(axes, 3, 4), "axes must be 3 or 4")
        _require(is_int(duration, 1, MAX_DURATION), f"duration must be from 1 to {MAX_DURATION}")
        return cls(frames, height, width, channels, ClipForm(ending, dtype, axes, duration))  # type: ignore[arg-type]

    def decoded(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Return the clips, uint8 (n, frames, height, width, channels)."""
        return outputs["clip"]

    def points(self, samples: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return clips as `clip_points` does."""
        clips = np.asarray(samples)
        if clips.dtype != np.uint8 or clips.shape[1:] != self.clip_shape:
            raise DataError(
                f"the clips must be uint8 of shape (n, {', '.join(map(str, self.clip_shape))}), but are {clips.dtype} "
                f"of shape {clips.shape}: scale and convert them first"
            )
        return clip_points(clips)

    def pictures(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures of clips, each with some of its frames in a row."""
        return draw_clips(samples)

    def listed(self, samples: NDArray[np.uint8]) -> Sequence[NDArray[np.uint8]]:
        """Return the clips one by one."""
        return list(samples)

    def __str__(self) -> str:
        return "clips {}x{}x{}x{}".format(*self.clip_shape)

    @property
    def cached_form(self) -> OutputForm:
        """Shape and dtype of a clip."""
        return self.outputs["clip"]


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise FormatError(f"The metadata of this model is not valid: {rule}.")


FORMAT = ClipFormat
