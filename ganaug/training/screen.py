"""The screen: a cross-fitted classifier that never saw the generator, and that the generator never saw.

It is trained on real images alone, in folds, and serves three ends: it measures the generator while that trains, it
goes into the exported graph to say how well a sample agrees with its label, and from its out-of-fold opinion of real
images it sets how much agreement a sample needs to be injected.
"""

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.compute.threads import ThreadTuner
from ganaug.families.base import Precision
from ganaug.networks.samples import Samples

__all__ = [
    "ConvScreenNet",
    "RowScreenNet",
    "Screen",
    "clear_thresholds",
    "energy_score",
    "fit_screen",
    "mean_pairwise_distance",
    "thresholds",
]

LARGEST_SIDE = 32
"""Bigger images are pooled down to this side first: enough to read a class by, and cheap."""
FOLDS = 3
BATCH = 64
KEPT_OF_REAL = 0.9
"""A sample needs the agreement that this share of real images, unseen by their judge, reaches."""
MOST_AGREEMENT = 0.5
"""No class asks for more because of its real samples."""


class ConvScreenNet(nn.Module):
    """One small convolutional classifier of images, 40,000 parameters."""

    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        widths = (4 * channels, 32, 48, 64)
        self.conv = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(widths))
        self.norm = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.head = nn.Linear(widths[-1], n_classes)

    def features(self, image: Tensor) -> Tensor:
        """Return (B, 64) features of images (B, C, H, W) in [-1, 1]; like the networks, it works on 2x2 patches."""
        x = image
        if x.shape[-1] > LARGEST_SIDE:
            x = F.avg_pool2d(x, x.shape[-1] // LARGEST_SIDE)
        x = F.pixel_unshuffle(x, 2)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = F.relu(norm(conv(x)))
            if x.shape[-1] > 4:
                x = F.max_pool2d(x, 2)
        return x.mean(dim=(2, 3)).float()

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(image))
        return logits


class RowScreenNet(nn.Module):
    """One small perceptron that reads encoded rows of a table."""

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, n_classes)

    def features(self, rows: Tensor) -> Tensor:
        """Return (B, 64) features of rows (B, D)."""
        features: Tensor = self.hidden(rows)
        return features

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits (B, n_classes)."""
        logits: Tensor = self.head(self.features(rows))
        return logits


class Screen(nn.Module):
    """The folds' networks as one judge.

    Parameters
    ----------
    new_net : callable
        Makes one fold's network: logits when it is called, and `features` (B, F).
    """

    def __init__(self, new_net: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(new_net() for _ in range(FOLDS))

    def features(self, samples: Tensor) -> Tensor:
        """Return the folds' features side by side, (B, folds * F)."""
        return torch.cat([net.features(samples) for net in self.nets], dim=1)  # type: ignore[operator]

    def forward(self, samples: Tensor) -> Tensor:
        """Return the folds' mean class probabilities, (B, n_classes)."""
        return torch.stack([net(samples).float().softmax(dim=1) for net in self.nets]).mean(dim=0)


def fit_screen(
    screen: Screen,
    data: Samples,
    *,
    distort: Callable[[Tensor, torch.Generator], Tensor],
    steps: int,
    random: torch.Generator,
    precision: Precision,
    threads: ThreadTuner,
) -> Tensor:
    """Train each fold's network on the others' samples, with balanced batches; then the screen only judges.

    Parameters
    ----------
    screen : Screen
        Changed in place, and left in evaluation mode, without gradients.
    data : Samples
        Real ones.
    distort : callable
        What samples go through before they are learned from.
    steps : int
        Steps of each network.

    Returns
    -------
    Tensor of shape (N,)
        The probability of each sample's own label, by the one network that was not trained on it.
    """
    data = data.reduced(LARGEST_SIDE)  # Drawn and distorted at 512 pixels, they would take a whole budget.
    fold = _stratified_folds(data.label, random)
    agreement = torch.zeros(len(data), device=data.label.device)
    for k, net in enumerate(screen.nets):
        _fit_net(net, data.subset(fold != k), distort, steps, random, precision, threads)
        with torch.no_grad(), precision:
            unseen = torch.where(fold == k)[0]
            for rows in torch.split(unseen, 256) if len(unseen) else ():
                probability = net(data.inputs(rows)).float().softmax(dim=1)
                agreement[rows] = probability.gather(1, data.label[rows, None]).squeeze(1)
    screen.eval().requires_grad_(False)
    return agreement


def _stratified_folds(label: Tensor, random: torch.Generator) -> Tensor:
    """Deal each class's rows out, each class beginning at the next fold: no fold has all of a tiny set."""
    fold = torch.empty_like(label)
    for start, value in enumerate(torch.unique(label)):
        rows = torch.where(label == value)[0]
        order = torch.randperm(len(rows), generator=random).to(label.device)
        fold[rows[order]] = (torch.arange(len(rows), device=label.device) + start) % FOLDS
    return fold


def _fit_net(
    net: nn.Module,
    data: Samples,
    distort: Callable[[Tensor, torch.Generator], Tensor],
    steps: int,
    random: torch.Generator,
    precision: Precision,
    threads: ThreadTuner,
) -> None:
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    net.train()
    for _ in range(steps):
        started = time.perf_counter()
        samples, label = data.draw(BATCH, random)
        with precision:
            loss = F.cross_entropy(net(distort(samples, random)).float(), label, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        threads.tick(time.perf_counter() - started)
    net.eval()


def thresholds(agreement: Tensor, label: Tensor, n_classes: int) -> list[float]:
    """Return by class the agreement that most real samples reach, shrunk to all classes' where a class has few rows.

    A class of n rows speaks for itself with weight n / (n + 10).
    """
    overall = agreement.quantile(1 - KEPT_OF_REAL)
    levels = []
    for value in range(n_classes):
        own = agreement[label == value]
        weight = len(own) / (len(own) + 10)
        level = weight * own.quantile(1 - KEPT_OF_REAL) + (1 - weight) * overall if len(own) else overall
        levels.append(float(level.clamp(1 / n_classes, MOST_AGREEMENT)))
    return levels


def clear_thresholds(thresholds: Sequence[float], typical: Sequence[float], clear: float) -> list[float]:
    """Raise thresholds to what is clear, or to what half of the samples reach in a class where fewer are clear.

    Real samples of a class with few are seldom agreed with by networks that learned from even fewer, and so ask for
    little; what a generator learned from them all is agreed with far more.

    Parameters
    ----------
    thresholds, typical : sequence of float
        By class: what `thresholds` returns, and the median agreement of the generator's samples.
    clear : float
        An agreement that tells a class well enough.
    """
    return [max(own, min(clear, half)) for own, half in zip(thresholds, typical, strict=True)]


def mean_pairwise_distance(points: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows of (n, d); NaN for fewer than two."""
    return float(torch.pdist(points.float().cpu()).mean()) if len(points) > 1 else math.nan


def energy_score(sample: Tensor, held_out: Tensor) -> float:
    """Return E|S - h| - E|S - S'| / 2, a strictly proper score of a sample against held-out points.

    It needs no bandwidth, works from one held-out point on, falls as samples come nearer and rises as they collapse
    (Gneiting and Raftery 2007).
    """
    return float(torch.cdist(sample, held_out).mean()) - mean_pairwise_distance(sample) / 2
