"""The referee: measures a generator while it trains, on images that it does not learn from."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ganaug.networks.samples import Samples
from ganaug.training.loop import Measure
from ganaug.training.screen import Screen, energy_score, mean_pairwise_distance

__all__ = ["Alarms", "Referee", "collapsed", "hold_out", "misread", "raise_alarms"]

S = TypeVar("S", bound=Samples)

SAMPLES_PER_CLASS = 64
MOST_SAMPLES = 2048
HELD_OUT_SHARE = 0.1
MOST_HELD_OUT = 50
"""Images of one class that are held out at most."""
COLLAPSED = 0.5
"""A class whose variety is below this share of its real images' has collapsed."""
SELDOM_READ, SHARE_OF_CHANCE = 0.2, 0.75
"""A class is misread whose samples are read as their label less often than this, or clearly less often than by chance.

At a fifth, four draws for each sample still leave two in five that are not what they are called.
"""


def hold_out(data: S, random: torch.Generator) -> tuple[S, S]:
    """Split off a tenth of every class that has ten images or more; smaller classes can spare none.

    Returns
    -------
    learn, held_out : Samples
    """
    held = torch.zeros(len(data.label), dtype=torch.bool)
    for value in range(data.n_classes):
        rows = torch.where(data.label.cpu() == value)[0]
        count = min(int(len(rows) * HELD_OUT_SHARE), MOST_HELD_OUT)
        held[rows[torch.randperm(len(rows), generator=random)[:count]]] = True
    held = held.to(data.label.device)
    return data.subset(~held), data.subset(held)


class Referee:
    """Scores generators by the same noise each time, so that their scores differ only as they do.

    Parameters
    ----------
    screen : Screen
        Gives the features and reads the classes.
    learn, held_out : Samples
        What the generator learns from, the yardstick of variety; and what it is scored on. A class that has nothing
        held out is scored on its training samples, as `measured_on` says: they flatter it, but without them nothing
        would keep a run from ending with the weights of a moment at which that class was not drawn yet.
    noise_dim : int
        Length of the noise vector.
    random : torch.Generator
        Draws the noise, once.
    """

    def __init__(
        self, screen: Screen, learn: Samples, held_out: Samples, *, noise_dim: int, random: torch.Generator
    ) -> None:
        self.screen = screen
        self.measured_on = _measured_on(held_out)
        count = max(8, min(SAMPLES_PER_CLASS, MOST_SAMPLES // learn.n_classes))
        device = learn.label.device
        self.noise = torch.randn(count, noise_dim, generator=random).to(device)
        self.label = torch.arange(learn.n_classes, device=device)
        self.real_variety, self.target = [], []
        for value in self.label:
            points = self._features(learn.parts_of_class(int(value), MOST_SAMPLES))
            self.real_variety.append(mean_pairwise_distance(points))
            unseen = self._features(held_out.parts_of_class(int(value), MOST_SAMPLES))
            self.target.append(unseen if len(unseen) else points)

    @torch.no_grad()
    def measure(self, generator: nn.Module) -> Measure:
        """Judge a generator."""
        scores, agreement, variety = [], [], []
        for value in self.label:
            sample = generator(self.noise, value.expand(len(self.noise)))
            points = self.screen.features(sample)
            agreement.append(float((self.screen(sample).argmax(dim=1) == value).float().mean()))
            variety.append(mean_pairwise_distance(points) / (self.real_variety[int(value)] or math.nan))
            scores.append(energy_score(points, self.target[int(value)]))
        return Measure(sum(scores) / len(scores), tuple(agreement), tuple(variety))

    @torch.no_grad()
    def typical_agreement(self, generator: nn.Module) -> list[float]:
        """Return by class the agreement that half of a generator's samples reach; it is where the screen is."""
        device, halves = next(self.screen.parameters()).device, []
        noise = self.noise.to(device)
        for value in self.label.to(device):
            sample = generator(noise, value.expand(len(noise)))
            halves.append(float(self.screen(sample)[:, value].median()))
        return halves

    @torch.no_grad()
    def _features(self, parts: Iterable[Tensor]) -> Tensor:
        features = [self.screen.features(part) for part in parts if len(part)]
        return torch.cat(features) if features else self.noise.new_empty(0, 0)


def _measured_on(held_out: Samples) -> str:
    if not len(held_out):
        return "training samples"
    if len(torch.unique(held_out.label)) == held_out.n_classes:
        return "held-out samples"
    return f"held-out samples, and training samples of the classes of fewer than {round(1 / HELD_OUT_SHARE)}"


def collapsed(measure: Measure) -> list[int]:
    """Return the classes whose variety has fallen below `COLLAPSED` of their real images'."""
    return [i for i, ratio in enumerate(measure.variety) if math.isfinite(ratio) and ratio < COLLAPSED]


def misread(measure: Measure) -> list[int]:
    """Return the classes whose samples the screen seldom reads as their label (`SELDOM_READ`)."""
    least = max(SELDOM_READ, SHARE_OF_CHANCE / len(measure.agreement))
    return [i for i, share in enumerate(measure.agreement) if share < least]


class Alarms(NamedTuple):
    """What is wrong with a generator, in sentences, and the classes that they are about."""

    texts: list[str]
    classes: list[str]


def raise_alarms(measure: Measure, names: Sequence[str]) -> Alarms:
    """Return the alarms that a measure gives rise to; `names` are those of its classes."""
    few, other = collapsed(measure), misread(measure)
    texts = []
    if few:
        texts.append(
            f"the samples of {_listing([repr(names[i]) for i in few])} vary less than half as much as the real ones do "
            "(collapse): a longer budget or more real samples of these classes may help; until then, expect little "
            "from them"
        )
    if other:
        seldom = _listing([f"{names[i]!r} ({measure.agreement[i]:.0%})" for i in other])
        texts.append(
            f"the model's own classifier seldom reads the samples of {seldom} as their label: they may well show "
            "something else, and many of those that are injected are merely the best of four draws; a longer budget or "
            "more real samples of these classes may help; until then, expect little from them, or harm"
        )
    return Alarms(texts, [names[i] for i in sorted({*few, *other})])


def _listing(names: list[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
