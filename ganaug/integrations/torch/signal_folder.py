"""A labelled folder of signals as a torch Dataset."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.signals.dataset import load_folder
from ganaug.integrations.torch.labelled_folder import LabelledFolder


class SignalFolder(LabelledFolder):
    """A folder with one subfolder of .wav or .npy files per class. All signals are read into memory at once.

    Parameters
    ----------
    root : path-like
        The folder. `ganaug.data.class_folder.scan_folder` says which files count, and which are skipped.
    length : int, optional
        Values of every signal in each channel; by default chosen from the data as ``ganaug fit`` does. Longer signals
        lose their end. Shorter ones are continued, sounds by silence and others by their last value. A warning says how
        many are changed.
    transform : callable, optional
        Applied to a signal, a float32 array of shape (length, channels), every time it is asked for.

    Attributes
    ----------
    classes : list of str
    class_to_idx : dict of str to int
    targets : list of int
        The class index of every signal.

    Notes
    -----
    An item is ``(signal, target)``; without a `transform` the signal is a float32 tensor of shape (channels, length),
    as one-dimensional convolutions take it. The values are those of the file; sounds of a .wav file are from -1 to 1.

    Examples
    --------
    >>> from ganaug import SignalFolder
    >>> recordings = SignalFolder("recordings")  # doctest: +SKIP
    >>> signal, target = recordings[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        length: int | None = None,
        *,
        transform: Callable[[NDArray[np.float32]], Any] | None = None,
    ) -> None:
        super().__init__(load_folder(root, length), transform)

    def present(self, signal: NDArray[np.float32]) -> Any:
        """Return a signal, float32 (length, channels), in the form of the signals of the items."""
        signal = signal if len(signal) == self.data.codec.length else self.data.codec.encode(signal)
        # A copy, as the transform may work in place.
        return to_tensor(signal) if self.transform is None else self.transform(signal.copy())


def to_tensor(signal: NDArray[np.float32]) -> Tensor:
    """Return a float32 tensor (C, L) of a signal (L, C)."""
    return torch.from_numpy(signal).T.contiguous()
