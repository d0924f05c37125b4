"""A labelled folder of clips as a torch Dataset."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.clips.dataset import load_folder
from ganaug.integrations.torch.labelled_folder import LabelledFolder


class ClipFolder(LabelledFolder):
    """A folder with one subfolder of clips or volumes per class. All clips are read into memory at once.

    Parameters
    ----------
    root : path-like
        The folder of .npy files, animated images or TIFF stacks. `ganaug.data.class_folder.scan_folder` says which
        files count, and which are skipped.
    size : int, optional
        Side of the square frames: 8, 16, 32 or 64 pixels; by default chosen from the data as ``ganaug fit`` does.
    frames : int, optional
        Number of frames: 4, 8, 16 or 32; by default chosen from the data. Longer clips lose their end, and shorter ones
        are continued by their last frame. A warning says how many are changed.
    transform : callable, optional
        Applied to a clip, a uint8 array of shape (frames, size, size, channels), every time it is asked for.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict of str to int
    targets : list of int
        The class index of every clip.

    Notes
    -----
    An item is ``(clip, target)``; without a `transform` the clip is a float32 tensor of shape (channels, frames, size,
    size) in [0, 1], as three-dimensional convolutions take it.

    Examples
    --------
    >>> from ganaug import ClipFolder
    >>> gestures = ClipFolder("gestures")  # doctest: +SKIP
    >>> clip, target = gestures[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        size: int | None = None,
        frames: int | None = None,
        *,
        transform: Callable[[NDArray[np.uint8]], Any] | None = None,
    ) -> None:
        super().__init__(load_folder(root, size, frames), transform)

    def present(self, clip: NDArray[np.uint8]) -> Any:
        """Return a clip, uint8 (T, H, W, C), in the form of the clips of the items."""
        clip = clip if clip.shape == self.data.codec.shape else self.data.codec.encode(clip)
        # A copy, as the transform may work in place.
        return to_tensor(clip) if self.transform is None else self.transform(clip.copy())


def to_tensor(clip: NDArray[np.uint8]) -> Tensor:
    """Return a float32 tensor (C, T, H, W) in [0, 1] of a clip (T, H, W, C)."""
    return torch.from_numpy(np.ascontiguousarray(clip)).permute(3, 0, 1, 2).contiguous().float() / 255
