"""Trials on clips."""

import torch
from torch import Tensor

from ganaug.data.clips.dataset import LabelledClips
from ganaug.evaluation.arms import CLIP_ARMS
from ganaug.evaluation.trials.arrays import ArrayTrial
from ganaug.networks.classifiers import ConvClassifier3d
from ganaug.techniques.clip_augmentation import shift_and_relight

WIDTHS = (16, 32, 48)
"""Channels of the three convolutions: 57,000 parameters for one channel."""
MAX_SIDE = 32
"""Largest side in pixels of what the classifier sees."""


class ClipTrial(ArrayTrial):
    """A split of clips, and a small 3-d CNN."""

    arms = CLIP_ARMS
    usual_steps = 200
    probe_steps = 5
    network = "3-d CNN"
    batch = 48
    alterations = {"altered": shift_and_relight}  # noqa: RUF012

    def stored(self, data: LabelledClips) -> Tensor:
        """Return clips as uint8 (n, C, T, H, W)."""
        return torch.from_numpy(data.clips).permute(0, 4, 1, 2, 3)

    @staticmethod
    def seen(stored: Tensor) -> Tensor:
        """Return clips in [-1, 1]."""
        return stored.float() / 127.5 - 1

    def new_model(self, train: LabelledClips) -> ConvClassifier3d:
        """Return an untrained classifier of clips."""
        return ConvClassifier3d(train.codec.channels, len(train.classes), WIDTHS, max_side=MAX_SIDE)


TRIAL = ClipTrial
DOSE_TRIAL = None
"""No dose is measured: two more generators of clips need more time than a fifth of a fit."""
