"""A user's own augmentation, run on the real images that a generator learns from."""

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import DataError

__all__ = ["Pipeline"]


class Pipeline:
    """An albumentations transform or `Compose` that keeps the form of images.

    Parameters
    ----------
    augment : albumentations transform
        It is copied, so that the user's own keeps its random state.
    example : ndarray of uint8, shape (H, W, C)
        An image to try it on.

    Raises
    ------
    DataError
        If it is none, or does not take an image alone and make another of its shape and dtype.
    """

    def __init__(self, augment: Any, example: NDArray[np.uint8]) -> None:
        if not callable(augment) or not hasattr(augment, "set_random_seed"):
            raise DataError(
                f"augment must be an albumentations transform, such as A.Compose([A.HorizontalFlip()]), but is "
                f"{augment!r:.80}"
            )
        self._augment = deepcopy(augment)
        self(example[None], seed=0)

    def __call__(self, images: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Return images (B, H, W, C), each changed by the pipeline; the seed decides how."""
        self._augment.set_random_seed(seed)
        return np.stack([self._changed(image) for image in images])

    def _changed(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said once for every image of every step
                made: NDArray[np.uint8] = np.asarray(self._augment(image=image.copy())["image"])
        except Exception as error:  # whatever a transform does with what it is not meant for
            raise DataError(
                f"augment must change an image by itself, but fails: {type(error).__name__}: {error}"
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
