"""The results of a measurement of the dose: the losses of every image in every arm, and the dose that they justify."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.dose_groups import Group
from ganaug.evaluation.statistics import Interval, simultaneous_intervals
from ganaug.runtime.dose import Dose

HELPING = (
    "measured on your {}s: {:+.1f} points of balanced accuracy (95 % interval {:.1f} to {:.1f}) and {:.0f} % less "
    "log loss ({:.0f} to {:.0f} %) when {}"
)
NOT_HELPING = "measured on your {}s: synthetic samples do not help, the dose is zero"

Losses = NDArray[np.float64]  # (n,), one for each image


class DoseResults:
    """What is known of the arms. `folds` are the rows of `data` that each fold tests."""

    def __init__(self, data: Dataset, folds: Sequence[NDArray[np.int64]]) -> None:
        self.modality, self.labels, self.folds = data.modality, data.labels, folds
        self.counts, self.tested = np.bincount(data.labels, minlength=len(data.classes)), np.concatenate(folds)
        # By arm and seed: the log loss of every image, and whether the classifier was wrong about it.
        self.losses: dict[tuple[str, int], Losses] = {}
        self.errors: dict[tuple[str, int], Losses] = {}

    def record(self, arm: Arm, seed: int, losses: Losses, errors: Losses) -> None:
        """Keep the losses and the errors of the classifiers of an arm."""
        self.losses[arm.name, seed], self.errors[arm.name, seed] = losses, errors

    def mean_loss(self, arm: Arm) -> float:
        """Return the mean loss of an arm with the first seed."""
        return self._mean(self.losses[arm.name, 0])

    def mean_fall(self, reference: Arm, arm: Arm) -> float:
        """Return how far the mean loss of an arm is below that of the reference."""
        return self._mean(self._falls(self.losses, reference, arm))

    def dose(self, reference: Arm, groups: Mapping[Arm, Group]) -> Dose:
        """Return the dose of the best candidate if it is better than the reference beyond chance, or else zero."""
        candidates = list(groups)
        by_loss, by_error = (self._intervals(values, reference, candidates) for values in (self.losses, self.errors))
        best = max(range(len(candidates)), key=lambda number: by_loss[number].low)
        arm, fall, gain = candidates[best], by_loss[best], by_error[best].times(100)
        if fall.low <= 0 or gain.mean < 0:
            return Dose(sentence=NOT_HELPING.format(self.modality), shares=(0.0,) * len(self.counts), gain=0.0)
        group = groups[arm]
        whole = np.mean([self._mean(self.losses[reference.name, seed]) for seed in self._seeds(arm)])
        percent = fall.times(100 / float(whole))
        percent = percent._replace(high=min(100.0, percent.high))
        return Dose(
            sentence=HELPING.format(self.modality, *gain, *percent, arm.name),
            shares=arm.shares,
            gain=round(gain.mean, 3),
            interval=(round(gain.low, 3), round(gain.high, 3)),
            log_loss=tuple(round(value, 3) for value in percent),
            group={
                "classes": int(group.members.sum()),
                "images": int(self.counts[group.members].sum()),
                "fewer_than": group.fewer_than,
            },
        )

    def _falls(self, values: Mapping[tuple[str, int], Losses], reference: Arm, arm: Arm) -> Losses:
        """Return how far the values of every image are below those of the reference, on average over seeds."""
        falls = [values[reference.name, seed] - values[arm.name, seed] for seed in self._seeds(arm)]
        return np.asarray(np.mean(falls, axis=0), np.float64)

    def _seeds(self, arm: Arm) -> list[int]:
        return [seed for name, seed in self.losses if name == arm.name]

    def _mean(self, losses: Losses, rows: NDArray[np.int64] | None = None) -> float:
        """Return the mean over the classes of the mean over their images."""
        rows = self.tested if rows is None else rows
        losses, labels = losses[rows], self.labels[rows]
        return float(np.mean([losses[labels == value].mean() for value in np.unique(labels)]))

    def _intervals(
        self, values: Mapping[tuple[str, int], Losses], reference: Arm, arms: Sequence[Arm]
    ) -> list[Interval]:
        """Return for each arm by how much its values fall, with intervals that hold for all arms at once."""
        by_seed = [
            [
                [self._mean(values[reference.name, seed] - values[arm.name, seed], tested) for seed in seeds]
                for tested in self.folds
            ]
            for arm in arms
            if len(seeds := self._seeds(arm)) > 1
        ]
        spread = [np.var(one, ddof=1) for arm in by_seed for one in arm]
        freedom = sum(len(one) - 1 for arm in by_seed for one in arm)
        variances = np.array([np.mean(spread) / len(self.folds) / len(self._seeds(arm)) for arm in arms])
        falls = np.stack([self._falls(values, reference, arm) for arm in arms], axis=1)  # (n, n_arms)
        return simultaneous_intervals(falls[self.tested], self.labels[self.tested], variances, freedom)
