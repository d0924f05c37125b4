"""Trials on signals."""

from functools import cached_property

import numpy as np
import torch
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from torch import Tensor

from ganaug.data.signals.dataset import LabelledSignals
from ganaug.evaluation.arms import SIGNAL_ARMS, Arm
from ganaug.evaluation.trials.arrays import ArrayTrial
from ganaug.networks.classifiers import ConvClassifier1d
from ganaug.techniques.signal_augmentation import jitter, warp_time

WIDTHS = (32, 64, 64)
"""Channels of the three convolutions: 33,000 parameters for one channel."""
MAX_PLACES = 128
"""Places that a convolution sees; of longer signals, neighbouring values become channels."""
NEIGHBOURS = 5
"""Nearest signals of a class among which SMOTE chooses one, as is usual."""


class SignalTrial(ArrayTrial):
    """A split of signals, and a small CNN."""

    arms = SIGNAL_ARMS
    usual_steps = 300
    probe_steps = 10
    network = "1-d CNN"
    batch = 64
    alterations = {"jittered": jitter, "warped": warp_time}  # noqa: RUF012
    of_one_seed = ("balanced", "_interpolated")

    def stored(self, data: LabelledSignals) -> Tensor:
        """Return signals on the scale of the training part, float32 (n, C, L)."""
        mean, deviation = self.train.scale
        return torch.from_numpy((data.signals - mean) / deviation).transpose(1, 2).contiguous()

    def new_model(self, train: LabelledSignals) -> ConvClassifier1d:
        """Return an untrained classifier of signals."""
        length, channels = train.codec.shape
        return ConvClassifier1d(channels, len(train.classes), WIDTHS, patch=-(-length // MAX_PLACES))

    def filled_up(self, arm: Arm, train: LabelledSignals) -> tuple[Tensor, NDArray[np.int64]]:
        """Return the real signals of an arm, filled up by SMOTE if it asks for that, and their labels."""
        return self._interpolated if arm.filled == "smote" else super().filled_up(arm, train)

    @cached_property
    def _interpolated(self) -> tuple[Tensor, NDArray[np.int64]]:
        """The training signals, filled up by SMOTE; a class of one signal stays as it is."""
        signals, labels = self.stored(self.train), self.train.labels
        wanted = {c: int(self.counts.max()) for c, count in enumerate(self.counts) if count > 1}
        if not wanted or min(self.counts[list(wanted)]) == self.counts.max():
            return signals, labels
        neighbours = min(NEIGHBOURS, int(self.counts[list(wanted)].min()) - 1)
        smote = SMOTE(sampling_strategy=wanted, k_neighbors=neighbours, random_state=self.seed % 2**32)
        rows, filled = smote.fit_resample(signals.flatten(1).numpy(), labels)
        return torch.from_numpy(np.asarray(rows, np.float32)).view(-1, *signals.shape[1:]), np.asarray(filled)


class QuickSignalTrial(SignalTrial):
    """The same question asked in half the steps, for the dose."""

    usual_steps = 150
    max_drawn = 200


TRIAL = SignalTrial
DOSE_TRIAL = QuickSignalTrial
