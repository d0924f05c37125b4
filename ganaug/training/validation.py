"""Validation: judges a generator while it trains, on samples that it does not learn from."""

import itertools
import math
from collections.abc import Iterable, Sequence
from copy import copy
from functools import partial
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.networks.modality import noise_dim_of
from ganaug.networks.samples import Samples
from ganaug.training.loop import ValidationResult
from ganaug.training.screen import Screen, energy_score, mean_pairwise_distance

S = TypeVar("S", bound=Samples)

SAMPLES_PER_CLASS = 32  # synthetic samples; fewer where there are many classes
MAX_SAMPLES = 2048
"""Samples of all classes that one validation draws, and real samples of one class that it compares with, at most."""
MIN_SAMPLES_PER_CLASS = 4  # however many classes there are
BRIEF_SAMPLES = 24
"""Synthetic samples of all classes in a brief validation, but at least `MIN_SAMPLES_PER_CLASS` of each class."""
TOGETHER = 128  # samples in one pass, where classes have few
HELD_OUT_SHARE = 0.1  # of the samples of each class
MAX_HELD_OUT = 50
"""Samples of one class that are held out at most."""
COLLAPSED = 0.5
"""Variety, relative to that of real samples, below which a class has collapsed."""
MIN_AGREEMENT = 0.2
"""Share of samples read as their label below which a class is misread: even the best of four draws then often fails."""
SHARE_OF_CHANCE = 0.75
"""A class is also misread if its samples are read as their label less often than this share of chance."""


def hold_out(data: S, random: torch.Generator) -> tuple[S, S]:
    """Split off a tenth of every class that has ten samples or more; smaller classes can spare none.

    Returns
    -------
    learned, held_out : Samples
    """
    held = torch.zeros(len(data.label), dtype=torch.bool)
    for rows in data.rows_of_class:
        count = min(int(len(rows) * HELD_OUT_SHARE), MAX_HELD_OUT)
        held[rows.cpu()[torch.randperm(len(rows), generator=random)[:count]]] = True
    held = held.to(data.label.device)
    return data.subset(~held), data.subset(held)


class Validation:
    """Scores generators with the same noise each time, so that scores differ only as the generators do.

    Parameters
    ----------
    screen : Screen
        Gives the features, and reads the classes.
    learned, held_out : Samples
        The samples that the generator learns from, for the variety; and those that it is scored on. A class with
        nothing held out is scored on its training samples, as `measured_on` says. They flatter the generator, but
        without them a run could keep weights from before the generator could draw that class.
    random : torch.Generator
        Its seed is that of the noise.
    engine : Engine
        Where the generators are.

    Attributes
    ----------
    count : int
        Synthetic samples of each class.
    """

    def __init__(
        self,
        screen: Screen,
        learned: Samples,
        held_out: Samples,
        *,
        random: torch.Generator,
        engine: Engine,
    ) -> None:
        self.screen, self.engine = screen, engine
        self.measured_on = _measured_on(held_out)
        count = max(MIN_SAMPLES_PER_CLASS, min(SAMPLES_PER_CLASS, MAX_SAMPLES // learned.n_classes))
        device = learned.label.device
        self.label, self.count, self._seed = (
            torch.arange(learned.n_classes, device=device),
            count,
            random.initial_seed(),
        )
        self.real_variety, self.target = [], []
        for value in self.label:
            points = self._features(learned.parts_of_class(int(value), MAX_SAMPLES))
            self.real_variety.append(mean_pairwise_distance(points))
            unseen = self._features(held_out.parts_of_class(int(value), MAX_SAMPLES))
            self.target.append(unseen if len(unseen) else points)

    def brief(self) -> "Validation":
        """Return a validation that draws a few samples of each class, for a run that has to end within seconds."""
        short = copy(self)
        short.count = max(MIN_SAMPLES_PER_CLASS, min(self.count, BRIEF_SAMPLES // len(self.label)))
        return short

    def judge(self, generator: nn.Module) -> ValidationResult:
        """Return the score, agreement and variety of a generator; its classes are judged side by side."""
        groups = classes_together(self.label, self.count)
        judged = self.engine.side_by_side([partial(self._judge_classes, generator, group) for group in groups])
        scores, agreement, variety = zip(*itertools.chain(*judged), strict=True)
        return ValidationResult(sum(scores) / len(scores), agreement, variety)

    @torch.no_grad()
    def _judge_classes(self, generator: nn.Module, group: Tensor) -> list[tuple[float, float, float]]:
        """Return the score, agreement and variety of each of some classes."""
        noise, label = self._drawn(generator, group)
        points = self.screen.features(generator(noise, label))
        right = (self.screen.read(points).argmax(dim=1) == label).float()
        judged = []
        for value, own, agreement in zip(
            group.tolist(), *(torch.split(x, self.count) for x in (points, right)), strict=True
        ):
            variety = mean_pairwise_distance(own) / (self.real_variety[value] or math.nan)
            judged.append((energy_score(own, self.target[value]), float(agreement.mean()), variety))
        return judged

    @torch.no_grad()
    def median_agreement(self, generator: nn.Module, screen: Screen) -> list[float]:
        """Return for each class the median agreement of a generator's samples, where generator and screen are."""
        medians: list[float] = []
        for group in classes_together(self.label.to(next(screen.parameters()).device), self.count):
            noise, label = self._drawn(generator, group)
            agreement = screen(generator(noise, label)).gather(1, label[:, None])
            medians += agreement.reshape(-1, self.count).median(dim=1).values.tolist()
        return medians

    def _drawn(self, generator: nn.Module, group: Tensor) -> tuple[Tensor, Tensor]:
        """Return the noise and the labels of the samples of some classes: all have the same noise."""
        random = torch.Generator().manual_seed(self._seed)
        noise = torch.randn(self.count, noise_dim_of(generator), generator=random).to(group.device)
        return noise.repeat(len(group), 1), group.repeat_interleave(self.count)

    @torch.no_grad()
    def _features(self, parts: Iterable[Tensor]) -> Tensor:
        features = [self.screen.features(part) for part in parts if len(part)]
        return torch.cat(features) if features else torch.empty(0, 0, device=self.label.device)


def classes_together(label: Tensor, count: int) -> tuple[Tensor, ...]:
    """Split classes into groups of which one pass draws `count` samples each: one by one, unless they are few."""
    return torch.split(label, max(1, TOGETHER // count) if count < SAMPLES_PER_CLASS else 1)


def _measured_on(held_out: Samples) -> str:
    if not len(held_out):
        return "training samples"
    if len(torch.unique(held_out.label)) == held_out.n_classes:
        return "held-out samples"
    return f"held-out samples, and training samples of the classes of fewer than {round(1 / HELD_OUT_SHARE)}"


def collapsed_classes(result: ValidationResult) -> list[int]:
    """Return the classes whose variety is below `COLLAPSED` of that of their real samples."""
    return [i for i, ratio in enumerate(result.variety) if math.isfinite(ratio) and ratio < COLLAPSED]


def misread_classes(result: ValidationResult) -> list[int]:
    """Return the classes whose samples the screen seldom reads as their label."""
    least = max(MIN_AGREEMENT, SHARE_OF_CHANCE / len(result.agreement))
    return [i for i, share in enumerate(result.agreement) if share < least]


class Alarms(NamedTuple):
    """What is wrong with a generator, in sentences, and the names of the classes concerned."""

    texts: list[str]
    classes: list[str]


def raise_alarms(result: ValidationResult, names: Sequence[str]) -> Alarms:
    """Return the alarms that a validation gives rise to; `names` are those of the classes."""
    collapsed, misread = collapsed_classes(result), misread_classes(result)
    texts = []
    if collapsed:
        texts.append(
            f"the samples of {_listing([repr(names[i]) for i in collapsed])} vary less than half as much as the real "
            "ones do (collapse): a longer budget or more real samples of these classes may help; until then, expect "
            "little from them"
        )
    if misread:
        seldom = _listing([f"{names[i]!r} ({result.agreement[i]:.0%})" for i in misread])
        texts.append(
            f"the model's own classifier seldom reads the samples of {seldom} as their label: they may well show "
            "something else, and many that are kept are merely the best of four draws; a longer budget or "
            "more real samples of these classes may help; until then, expect little from them, or harm"
        )
    return Alarms(texts, [names[i] for i in sorted({*collapsed, *misread})])


def _listing(names: list[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
