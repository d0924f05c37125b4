"""Small classifiers and the one recipe that trains them: the screen's, and those of every arm of an evaluation."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.compute.parallel import cancellation_point
from ganaug.networks.convolutional_3d import unshuffle

PEAK_RATE = 3e-3  # learning rate of AdamW after the warm-up
WEIGHT_DECAY = 0.02  # of AdamW
WARM_UP = 0.1
"""Share of the steps in which the learning rate rises."""
WARM_UP_OF_FEW_STEPS = 0.3
"""The same for fewer than `FEW_STEPS`, where a tenth would be less than one step."""
FEW_STEPS = 20  # training steps
MIN_MAP = 4
"""A feature map of this many pixels a side is not pooled further."""
HIDDEN = 64
"""Units in each hidden layer of a classifier of rows."""


class ConvClassifier(nn.Module):
    """A small convolutional classifier of images with batch normalisation.

    Parameters
    ----------
    channels, n_classes : int
        Number of channels of the images; number of classes.
    widths : sequence of int
        Channels of the convolutions, one after the other; the last is the number of features.
    max_side : int
        Larger images are averaged down to this side first.
    patch : int, default=1
        Side in pixels of the square patches that become channels first.
    pool_first : bool, default=False
        Whether a feature map is pooled before it is normalised: a third faster on a CPU.
    """

    def __init__(
        self,
        channels: int,
        n_classes: int,
        widths: Sequence[int],
        *,
        max_side: int,
        patch: int = 1,
        pool_first: bool = False,
    ) -> None:
        super().__init__()
        self.max_side, self.patch, self.pool_first = max_side, patch, pool_first
        sides = [channels * patch**2, *widths]
        self.conv = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(sides))
        self.norm = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.head = nn.Linear(widths[-1], n_classes)

    def features(self, image: Tensor) -> Tensor:
        """Return the features (B, F) of images (B, C, H, W) in [-1, 1]."""
        x = image
        if x.shape[-1] > self.max_side:
            x = F.avg_pool2d(x, x.shape[-1] // self.max_side)
        if self.patch > 1:
            x = F.pixel_unshuffle(x, self.patch)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = conv(x)
            x = F.relu(norm(_pooled(x))) if self.pool_first else _pooled(F.relu(norm(x)))
        return x.mean(dim=(2, 3)).float()

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(image))
        return logits


def _pooled(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2) if x.shape[-1] > MIN_MAP else x


class ConvClassifier1d(nn.Module):
    """A small convolutional classifier of signals with batch normalisation.

    Parameters
    ----------
    channels, n_classes : int
        Number of channels of the signals; number of classes.
    widths : sequence of int
        Channels of the convolutions, one after the other; the last is half the number of features.
    patch : int, default=1
        Neighbouring values that become channels first.
    """

    def __init__(self, channels: int, n_classes: int, widths: Sequence[int], *, patch: int = 1) -> None:
        super().__init__()
        self.patch = patch
        sizes = [channels * patch, *widths]
        self.conv = nn.ModuleList(nn.Conv1d(a, b, 5, padding=2, bias=False) for a, b in pairwise(sizes))
        self.norm = nn.ModuleList(nn.BatchNorm1d(width) for width in widths)
        self.head = nn.Linear(2 * widths[-1], n_classes)

    def features(self, signal: Tensor) -> Tensor:
        """Return the features (B, F) of standardised signals (B, C, L): the mean and the maximum over time."""
        x = signal
        if self.patch > 1:
            x = F.pad(x, (0, -x.shape[-1] % self.patch), mode="replicate")
            x = torch.unflatten(x, 2, (-1, self.patch)).transpose(2, 3).flatten(1, 2)  # (B, C * patch, L / patch)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = F.relu(norm(conv(x)))
            x = F.max_pool1d(x, 2) if x.shape[-1] > MIN_MAP else x
        return torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1).float()

    def forward(self, signal: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(signal))
        return logits


class ConvClassifier3d(nn.Module):
    """A small classifier of clips: convolutions in the plane and in time, with batch normalisation.

    Parameters
    ----------
    channels, n_classes : int
        Number of channels of the clips; number of classes.
    widths : sequence of int
        Channels of the convolutions, one after the other; the last is half the number of features.
    max_side : int
        Larger clips are averaged down to this side first.
    """

    def __init__(self, channels: int, n_classes: int, widths: Sequence[int], *, max_side: int) -> None:
        super().__init__()
        self.max_side = max_side
        sizes = [4 * channels, *widths]
        self.conv = nn.ModuleList(nn.Conv3d(a, b, 3, padding=1, bias=False) for a, b in pairwise(sizes))
        self.norm = nn.ModuleList(nn.BatchNorm3d(width) for width in widths)
        self.head = nn.Linear(2 * widths[-1], n_classes)

    def features(self, clip: Tensor) -> Tensor:
        """Return the features (B, F) of clips (B, C, T, H, W) in [-1, 1]: the mean and the maximum over all places."""
        x = clip
        if x.shape[-1] > self.max_side:
            factor = x.shape[-1] // self.max_side
            x = F.avg_pool3d(x, (1, factor, factor))
        x = unshuffle(x)  # (B, 4C, T, H / 2, W / 2)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = _pooled_3d(F.relu(norm(conv(x))))
        return torch.cat([x.mean(dim=(2, 3, 4)), x.amax(dim=(2, 3, 4))], dim=1).float()

    def forward(self, clip: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(clip))
        return logits


class RowClassifier(nn.Module):
    """A small perceptron that classifies encoded rows of a table.

    Parameters
    ----------
    width, n_classes : int
        Length of a row; number of classes.
    """

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU())
        self.head = nn.Linear(HIDDEN, n_classes)

    def features(self, rows: Tensor) -> Tensor:
        """Return the features (B, F) of rows (B, D)."""
        features: Tensor = self.hidden(rows)
        return features

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(rows))
        return logits


def _pooled_3d(x: Tensor) -> Tensor:
    """Halve each side of a map (B, C, T, H, W) that is longer than `MIN_MAP`."""
    return F.max_pool3d(x, [2 if side > MIN_MAP else 1 for side in x.shape[2:]])


def fit_classifier(
    classifier: nn.Module,
    batches: Iterator[tuple[Tensor, Tensor]],
    steps: int,
    *,
    engine: Engine,
    label_smoothing: float = 0.0,
    class_weight: Tensor | None = None,
) -> None:
    """Train a classifier in place on batches of samples (B, ...) and labels (B,), and leave it in evaluation mode.

    AdamW with a warm-up, then a cosine to zero. Batches are made and judged in the engine's precision. The
    cross-entropy has `label_smoothing` and `class_weight`, (n_classes,).
    """
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    warm_up = WARM_UP if steps >= FEW_STEPS else WARM_UP_OF_FEW_STEPS
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=steps, pct_start=warm_up, cycle_momentum=False
    )
    classifier.train()
    for _ in range(steps):
        with engine.autocast():
            samples, label = next(batches)
            logits = classifier(samples).float()
            loss = F.cross_entropy(logits, label, weight=class_weight, label_smoothing=label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        engine.backward(loss)
        engine.step(optimizer)
        schedule.step()
        cancellation_point()
    classifier.eval()
