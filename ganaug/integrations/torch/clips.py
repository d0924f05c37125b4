"""Synthetic clips in the form of the clips of a user's dataset: type, layout, dtype, range, transform."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.clips.codec import restored
from ganaug.data.clips.sample_format import ClipFormat
from ganaug.errors import DataError
from ganaug.integrations.torch.clip_folder import to_tensor
from ganaug.integrations.torch.images import value_range
from ganaug.integrations.torch.item_maker import ArrayItemMaker, Transform, chained, described

Pixels = NDArray[np.uint8]
"""A generator's clip, (T, H, W, C)."""
LAYOUTS = {"C, T, H, W": (3, 0, 1, 2), "T, C, H, W": (0, 3, 1, 2), "T, H, W, C": (0, 1, 2, 3)}
"""For each layout of a clip, the order of a generator's axes."""
REMEDY = (
    "return clips of one of these layouts, or give the dataset a `transform` that turns a uint8 array (T, H, W, C) "
    "into what its items hold"
)


class ClipMaker(ArrayItemMaker):
    """Makes items of clips: as `ClipFolder` does, by a transform, or by conversion to the form of real clips."""

    @staticmethod
    def without_items(form: ClipFormat, transform: Transform) -> Callable[[Pixels], Any]:  # noqa: ARG004
        """Return the transform, which takes uint8 (T, H, W, C), or a conversion to tensors (C, T, H, W) in [0, 1]."""
        return transform or to_tensor

    @staticmethod
    def suitable(
        transform: Callable[..., Any],
        real: list[Any],
        form: ClipFormat,
        name: str,
        *,
        arrays_first: bool,  # noqa: ARG004
    ) -> Callable[[Any], Any]:
        """Find by trial whether a transform takes arrays (T, H, W, C) or tensors."""
        trial = np.random.default_rng(0).integers(0, 256, form.clip_shape, np.uint8)
        found, failure = chained(transform, [np.copy, to_tensor, _frames_first], trial, real[0])
        if found is None:
            raise DataError(
                f"{name} must turn a uint8 array (T, H, W, C), or a tensor (C, T, H, W) or (T, C, H, W) in [0, 1], "
                f"into what the dataset's items hold, {described(real[0])}, but gives {failure}: let it take the clip "
                "as it was read, and do all that is done to it"
            )
        return found

    @staticmethod
    def conversion(real: list[Any], form: ClipFormat) -> "_Conversion":
        """Return the conversion of a sample to the form of the real ones."""
        return _Conversion(real, form)


MAKER = ClipMaker


class _Conversion:
    """The conversion of a clip to the type, layout, shape and range of the real ones."""

    def __init__(self, real: list[Any], form: ClipFormat) -> None:
        self.example = real[0]
        shape = tuple(self.example.shape) if isinstance(self.example, Tensor | np.ndarray) else ()
        frames, channels = form.clip_shape[0], form.clip_shape[3]
        for order in LAYOUTS.values() if len(shape) == len(form.clip_shape) else ():
            sizes = dict(zip(order, shape, strict=True))
            if (sizes[0], sizes[3]) == (frames, channels):
                self.layout, self.sides = order, (sizes[1], sizes[2])
                break
        else:
            raise DataError(
                f"an item must hold a clip like those of the generator, of {frames} frames with {channels} channel(s), "
                f"as a tensor or an array ({'), ('.join(LAYOUTS)}), but holds {described(self.example)}: {REMEDY}"
            )
        self.black, self.white = value_range([np.asarray(clip) for clip in real])

    def __call__(self, clip: Pixels) -> Any:
        resized = restored(clip, len(clip), *self.sides)
        values = resized.transpose(self.layout).astype(np.float32) * ((self.white - self.black) / 255) + self.black
        if isinstance(self.example, Tensor):
            return torch.from_numpy(np.ascontiguousarray(values)).to(self.example.device, self.example.dtype)
        return np.array(values, dtype=self.example.dtype, order="C")


def _frames_first(clip: Pixels) -> Tensor:
    return to_tensor(clip).transpose(0, 1)
