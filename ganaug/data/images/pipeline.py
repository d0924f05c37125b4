"""A user's augmentation pipeline, which is applied to the real images that a generator learns from."""

import threading
import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import DataError


class Pipeline:
    """An albumentations transform that keeps the shape and dtype of images, tested on an example (H, W, C).

    It is a copy, so that the user's transform keeps its random state.
    """

    def __init__(self, augment: Any, example: NDArray[np.uint8]) -> None:
        if not callable(augment) or not hasattr(augment, "set_random_seed"):
            raise DataError(
                f"augment must be an albumentations transform, such as A.Compose([A.HorizontalFlip()]), but is "
                f"{augment!r:.80}"
            )
        self._augment = deepcopy(augment)
        self._turn = threading.Lock()  # the transform has one random state, and warnings are those of the process
        self(example[None], seed=0)

    def __call__(self, images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Return the images (B, H, W, C), each transformed; the same seed gives the same result, in any thread."""
        with self._turn:
            self._augment.set_random_seed(seed)
            return np.stack([self._changed(image) for image in images])

    def _changed(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they would be repeated for every image of every step
                made: NDArray[np.uint8] = np.asarray(self._augment(image=image.copy())["image"])
        except Exception as error:  # a transform may raise any exception
            raise DataError(
                f"augment must transform an image without other targets, but fails: {type(error).__name__}: {error}"
            ) from error
        made = made[:, :, None] if made.ndim == 2 and image.shape[2] == 1 else made
        if made.shape != image.shape or made.dtype != image.dtype:
            raise DataError(
                f"augment must keep the shape and dtype of images, {image.shape} {image.dtype}, but makes {made.shape} "
                f"{made.dtype}: leave out what crops, resizes, normalises or makes tensors"
            )
        return made

    def __repr__(self) -> str:
        return repr(self._augment)
