"""A labelled image folder as a torch Dataset, without torchvision."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.images.dataset import load_folder
from ganaug.integrations.torch.labelled_folder import LabelledFolder


class ImageFolder(LabelledFolder):
    """A folder with one subfolder of images per class. All images are read into memory at once.

    Parameters
    ----------
    root : path-like
        The folder. `ganaug.data.class_folder.scan_folder` says which files are images, and which are skipped.
    size : int, optional
        Side of the square images, a power of two; by default chosen from the data as ``ganaug fit`` does.
    transform : callable, optional
        Applied to an image, a uint8 array of shape (size, size, channels), every time it is asked for.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict of str to int
    targets : list of int
        The class index of every image.

    Notes
    -----
    An item is ``(image, target)``; without a `transform` the image is a float32 tensor of shape (channels, size, size)
    in [0, 1], ready for a DataLoader.

    Examples
    --------
    >>> from ganaug import ImageFolder
    >>> photos = ImageFolder("photos")  # doctest: +SKIP
    >>> image, target = photos[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = None,
        *,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
    ) -> None:
        super().__init__(load_folder(root, size), transform)

    def present(self, image: NDArray[np.uint8]) -> Any:
        """Return pixels, uint8 (H, W, C), in the form of the images of the items."""
        image = image if image.shape == self.data.codec.shape else self.data.codec.encode(image)
        # A copy, as the transform may work in place.
        return to_tensor(image) if self.transform is None else self.transform(image.copy())


def to_tensor(image: NDArray[np.uint8]) -> Tensor:
    """Return a float32 tensor (C, H, W) in [0, 1] of an image (H, W, C)."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous().float() / 255
