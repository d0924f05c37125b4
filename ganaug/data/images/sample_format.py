"""The form of synthetic images."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganaug.data.images.points import image_points
from ganaug.data.sample_format import OutputForm, SampleFormat
from ganaug.errors import DataError, FormatError

MAX_SIDE = 4096
"""Largest height or width in a model file, in pixels."""
MAX_PASS = 16
"""Most images in one pass."""
MAX_PASS_PIXELS = 16 * 64 * 64
"""Most pixels in one pass: 16 large images would take gigabytes of memory."""


class ImageFormat(SampleFormat):
    """Images of one shape (height, width, channels)."""

    modality = "image"
    noun = "images"
    seeded_pass_size = 8

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.image_shape = (height, width, channels)
        self.outputs: dict[str, OutputForm] = {"image": (self.image_shape, np.uint8)}
        self.pass_size = max(1, min(MAX_PASS, MAX_PASS_PIXELS // (height * width)))

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Self:
        """Read ``height``, ``width`` and ``channels``."""
        height, width, channels = (schema.get(name) for name in ("height", "width", "channels"))
        for name, side in (("height", height), ("width", width)):
            if type(side) is not int or not 1 <= side <= MAX_SIDE:
                raise FormatError(
                    f"The metadata of this model is not valid: the image {name} must be a whole number from 1 to "
                    f"{MAX_SIDE}."
                )
        if type(channels) is not int or channels not in (1, 3, 4):
            raise FormatError("The metadata of this model is not valid: the image channels must be 1, 3 or 4.")
        return cls(height, width, channels)  # type: ignore[arg-type]  # checked above

    def decoded(self, outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Return the images, uint8 (n, height, width, channels)."""
        return outputs["image"]

    def points(self, samples: ArrayLike) -> NDArray[np.float32]:
        """Return images (n, height, width, channels) as `image_points` does; grey ones may lack the last axis."""
        images = np.asarray(samples)
        if images.ndim == 3 and self.image_shape[2] == 1:
            images = images[..., None]
        if images.dtype != np.uint8 or images.shape[1:] != self.image_shape:
            raise DataError(
                f"The images must be uint8 of shape (n, {', '.join(map(str, self.image_shape))}), as the model draws "
                f"them, but are {images.dtype} of shape {images.shape}: bring them to this form."
            )
        return image_points(images)

    def pictures(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the images."""
        return samples

    def listed(self, samples: NDArray[np.uint8]) -> Sequence[NDArray[np.uint8]]:
        """Return the images one by one."""
        return list(samples)

    def __str__(self) -> str:
        return "images {}x{}x{}".format(*self.image_shape)

    @property
    def side(self) -> int:
        """The height of an image in pixels."""
        return self.image_shape[0]

    @property
    def cached_form(self) -> OutputForm:
        """Shape and dtype of an image."""
        return self.outputs["image"]


FORMAT = ImageFormat
