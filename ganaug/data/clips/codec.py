"""The clip codec: clips of any length and shape <-> clips of one number of frames, one side and number of channels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ganaug.data.clips.clip_file import MAX_FRAMES, MAX_SIDE, Clip
from ganaug.data.clips.clip_form import ClipForm
from ganaug.data.images.codec import MIN_SIZE, MODES, ImageCodec, plain_background, scaled, unpadded, with_channels
from ganaug.errors import DataError

FRAMES = (4, 8, 16, MAX_FRAMES)
"""Numbers of frames that a codec may have."""
SIZES = (MIN_SIZE, 16, 32, MAX_SIDE)
"""Sides that a codec may have, in pixels."""
MAX_DEFAULT_SIZE = 32
"""Largest side that is chosen by default, in pixels: a clip of 64 pixels takes four times as long to learn."""
FILLED = 0.9
"""Share of the clips that fill the chosen number of frames: where many are continued, a generator learns to stop."""


@dataclass(frozen=True)
class ClipCodec:
    """The conversion of clips to one number of frames and to squares of one size. The first frames stay the first."""

    frames: int
    """Number of frames: 4, 8, 16 or 32."""
    size: int
    """Height and width in pixels: 8, 16, 32 or 64."""
    channels: int
    """1 (grey), 3 (RGB) or 4 (RGBA)."""
    form: ClipForm = field(default_factory=ClipForm)
    """The form of the files that clips came from."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name, value, allowed in (("number of frames", self.frames, FRAMES), ("size", self.size, SIZES)):
            if type(value) is not int or value not in allowed:
                raise DataError(
                    f"The {name} of clips must be one of {', '.join(map(str, allowed))}, but it is {value!r}: choose "
                    "one of these, or let the data decide."
                )
        if type(self.channels) is not int or self.channels not in MODES:
            raise DataError(
                f"Clips must have 1, 3 or 4 channels, but {self.channels!r} was given: choose one of these."
            )

    @classmethod
    def fit(
        cls,
        lengths: Sequence[int],
        shapes: Sequence[tuple[int, int, int]],
        form: ClipForm,
        *,
        frames: int | None = None,
        size: int | None = None,
    ) -> Self:
        """Choose what is not given, for clips of these numbers of frames and shapes (height, width, channels).

        The number of frames is the largest that nine in ten of the clips fill, or 4 if they fill none. The size, up to
        32, and the number of channels are those that `ImageCodec.fit` chooses.
        """
        image = ImageCodec.fit(shapes, size)
        if size is None:
            size = min(MAX_DEFAULT_SIZE, image.size)
        if frames is None:
            filled = float(np.quantile(lengths, 1 - FILLED, method="inverted_cdf"))
            frames = max([FRAMES[0], *(number for number in FRAMES if number <= filled)])
        return cls(frames, size, image.channels, form)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, height, width and channels of an encoded clip."""
        return self.frames, self.size, self.size, self.channels

    def encode(self, clip: Clip) -> Clip:
        """Fit one clip, uint8 (frames, height, width, channels), into the shape.

        The end of a longer clip is cut off, and a shorter one is continued by its last frame. Every frame is scaled and
        padded as `ImageCodec.encode` does it, with one colour for all frames of the clip, or the padding would flicker.
        """
        if clip.dtype != np.uint8 or clip.ndim != 4 or clip.shape[3] not in MODES or clip.size == 0:
            raise DataError(
                "A clip must be a uint8 array (frames, height, width, channels) with 1, 3 or 4 channels, but this one "
                f"is {clip.dtype} {clip.shape}: convert it."
            )
        shown = np.minimum(np.arange(self.frames), len(clip) - 1)
        scaled_frames = np.stack([scaled(frame, self.size) for frame in clip[shown]])  # (F, h, w, C)
        count, height, width, _ = scaled_frames.shape
        tall = with_channels(scaled_frames.reshape(count * height, width, -1), self.channels)
        content = tall.reshape(count, height, width, self.channels)
        square = np.zeros(self.shape, np.uint8)
        if self.channels < 4 and height != width:
            sides = content[:, 0], content[:, -1], content[:, :, 0], content[:, :, -1]
            border = np.concatenate([side.reshape(-1, self.channels) for side in sides])
            square[:] = np.round(np.median(border, axis=0)).astype(np.uint8)
        top, left = (self.size - height) // 2, (self.size - width) // 2
        square[:, top : top + height, left : left + width] = content
        if self.channels == 4:
            square = plain_background(square.reshape(-1, self.size, 4)).reshape(self.shape)
        return square

    def changes(self, lengths: Sequence[int]) -> str:
        """Return a sentence about the clips of these numbers of frames that the codec changes; empty if none."""
        shorter, longer = (sum(map(test, lengths)) for test in (self.frames.__gt__, self.frames.__lt__))
        if not shorter and not longer:
            return ""
        parts = [f"the shorter ones ({shorter:,}) are continued by their last frame"] if shorter else []
        parts += [f"the longer ones ({longer:,}) lose their end"] if longer else []
        return (
            f"Clips must have one number of frames, {', '.join(map(str, FRAMES))}, but these have {min(lengths):,} to "
            f"{max(lengths):,}: all are brought to {self.frames}, {' and '.join(parts)}. Cut them yourself if another "
            "part matters more."
        )


def restored(clip: Clip, frames: int, height: int, width: int) -> Clip:
    """Undo `ClipCodec.encode`: the number of frames, the height and the width that a clip had."""
    shown = np.minimum(np.arange(frames), len(clip) - 1)
    return np.stack([unpadded(frame, height, width) for frame in clip[shown]])
