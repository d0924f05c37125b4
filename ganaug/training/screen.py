"""The screen: a cross-fitted classifier of real samples that generator and discriminator never learn from.

The screen is trained on real samples alone, in folds, and has three uses. It validates the generator during training.
It is exported with the model and tells how well a sample agrees with its label. Its out-of-fold opinion of real samples
sets how much agreement a sample needs to pass the screen.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.networks.classifiers import fit_classifier
from ganaug.networks.samples import Samples

MAX_SIDE = 32
"""Larger images are downscaled to this side in pixels first: enough to read a class by, and quick."""
FOLDS = 3  # each fold costs the training of a network
BATCH = 64  # samples
JUDGED_AT_ONCE = 256  # samples
LABEL_SMOOTHING = 0.05  # share of a label that is spread over all classes
KEPT_OF_REAL = 0.9
"""Share of real samples, judged by the network that did not learn from them, that reach the threshold of agreement."""
MAX_THRESHOLD = 0.5
"""Largest threshold of agreement that follows from the real samples of a class."""
SHRINKAGE_ROWS = 10
"""A class of n samples has the weight n / (n + this) in its own threshold; all classes together have the rest."""

Distort = Callable[[Tensor, torch.Generator], Tensor]


class Screen(nn.Module):
    """The networks of all folds as one classifier.

    Each has `features`, (B, F), and a `head` that maps them to logits, and returns logits when it is called.
    """

    def __init__(self, new_net: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(new_net() for _ in range(FOLDS))

    def features(self, samples: Tensor) -> Tensor:
        """Return the features of all folds side by side, (B, folds * F)."""
        return torch.cat([net.features(samples) for net in self.nets], dim=1)  # type: ignore[operator]

    def read(self, features: Tensor) -> Tensor:
        """Return the mean class probabilities of the folds, (B, n_classes), of samples whose features are known."""
        parts = features.chunk(len(self.nets), dim=1)
        logits = [net.head(part) for net, part in zip(self.nets, parts, strict=True)]  # type: ignore[operator]
        return torch.stack([one.float().softmax(dim=1) for one in logits]).mean(dim=0)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the mean class probabilities of the folds, (B, n_classes)."""
        return torch.stack([net(samples).float().softmax(dim=1) for net in self.nets]).mean(dim=0)


def fit_screen(
    screen: Screen,
    data: Samples,
    *,
    distort: Distort,
    steps: int,
    random: torch.Generator,
    engine: Engine,
) -> Tensor:
    """Train the network of each fold on the samples of the other folds, for so many steps of balanced batches.

    The screen is changed in place, and left in evaluation mode without gradients. Samples pass through `distort` before
    a network learns from them. The folds are trained side by side.

    Returns
    -------
    Tensor of shape (N,)
        The probability of the own label of each sample, by the one network that did not learn from it.
    """
    data = data.downscaled(MAX_SIDE)  # distorting images of 512 pixels would take a whole budget
    fold = _stratified_folds(data.label, random)
    seeds = torch.randint(2**62, (FOLDS,), generator=random).tolist()

    def learn(k: int) -> tuple[Tensor, Tensor]:
        """Train the network of a fold; return the rows that it did not learn from, and their agreement."""
        net, unseen = screen.nets[k], torch.where(fold == k)[0]
        batches = _batches(data.subset(fold != k), distort, torch.Generator().manual_seed(seeds[k]))
        fit_classifier(net, batches, steps, engine=engine, label_smoothing=LABEL_SMOOTHING)
        return unseen, _agreement(net, data, unseen, engine)

    agreement = torch.zeros(len(data), device=data.label.device)
    for unseen, values in engine.side_by_side([partial(learn, k) for k in range(FOLDS)]):
        agreement[unseen] = values
    screen.eval().requires_grad_(False)
    return agreement


def _batches(data: Samples, distort: Distort, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        samples, label = data.draw(BATCH, random)
        yield distort(samples, random), label


@torch.no_grad()
def _agreement(net: nn.Module, data: Samples, rows: Tensor, engine: Engine) -> Tensor:
    """Return the probability that a network gives the own label of each of these rows, (len(rows),)."""
    agreement = [torch.zeros(0, device=rows.device)]
    for part in torch.split(rows, JUDGED_AT_ONCE) if len(rows) else ():
        with engine.autocast():
            probability = net(data.inputs(part)).float().softmax(dim=1)
        agreement.append(probability.gather(1, data.label[part, None]).squeeze(1))
    return torch.cat(agreement)


def _stratified_folds(label: Tensor, random: torch.Generator) -> Tensor:
    """Deal the rows of each class out to the folds; each class begins at the next fold, so that none stays empty."""
    fold = torch.empty_like(label)
    for start, value in enumerate(torch.unique(label)):
        rows = torch.where(label == value)[0]
        order = torch.randperm(len(rows), generator=random).to(label.device)
        fold[rows[order]] = (torch.arange(len(rows), device=label.device) + start) % FOLDS
    return fold


def thresholds(agreement: Tensor, label: Tensor, n_classes: int) -> list[float]:
    """Return for each class the agreement that most of its real samples reach, from what `fit_screen` returns, (N,).

    The thresholds of small classes are shrunk towards that of all classes together.
    """
    overall = agreement.quantile(1 - KEPT_OF_REAL)
    levels = []
    for value in range(n_classes):
        own = agreement[label == value]
        weight = len(own) / (len(own) + SHRINKAGE_ROWS)
        level = weight * own.quantile(1 - KEPT_OF_REAL) + (1 - weight) * overall if len(own) else overall
        levels.append(float(level.clamp(1 / n_classes, MAX_THRESHOLD)))
    return levels


def clear_thresholds(thresholds: Sequence[float], median: Sequence[float], clear: float) -> list[float]:
    """Raise thresholds to a clear agreement, or to the median of the synthetic samples if the median is lower.

    The networks of the screen seldom agree with the real samples of a small class, because each learned from even
    fewer of them; so the threshold of such a class is low. A generator learns from all of them, and its samples reach
    a far larger agreement.
    """
    return [max(own, min(clear, half)) for own, half in zip(thresholds, median, strict=True)]


def mean_pairwise_distance(points: Tensor) -> float:
    """Return the mean Euclidean distance between two different rows of (n, d); NaN for fewer than two rows."""
    return float(torch.pdist(points.float().cpu()).mean()) if len(points) > 1 else math.nan


def energy_score(sample: Tensor, held_out: Tensor) -> float:
    """Return E|S - h| - E|S - S'| / 2, a strictly proper score of a sample against held-out points.

    The score needs no bandwidth and works from one held-out point on. It falls as samples come nearer, and rises as
    they collapse (Gneiting and Raftery 2007).
    """
    return float(torch.cdist(sample, held_out).mean()) - mean_pairwise_distance(sample) / 2
