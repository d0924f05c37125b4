"""The dose: what a model's synthetic samples are worth, measured on the training data.

The images are cut into two halves. For each half, a generator learns from the other half, and small classifiers learn
from that other half with and without its samples. The half that neither has seen is the test. So no generator ever
meets a test image, and every image is tested once.

Balanced accuracy is too coarse to show a gain on a few hundred images. The log loss of every image, at the temperature
that suits the classifier best, is far finer, and does not reward a classifier for mere caution. The log loss decides;
the balanced accuracy is reported beside it.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.compute.parallel import cancellation_point, side_by_side, usable_cores
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.budget import Moment
from ganaug.evaluation.comparison import Preparation, Task, compare_arms
from ganaug.evaluation.dose_groups import Group, rare_classes
from ganaug.evaluation.dose_results import DoseResults
from ganaug.evaluation.fold_sampler import FoldSampler
from ganaug.evaluation.scores import calibrated_log_loss
from ganaug.evaluation.splits import Split, folds_of
from ganaug.evaluation.trials.base import DatasetTrial, Trial
from ganaug.networks.modality import Bounds
from ganaug.runtime.dose import Dose

GENERATOR_SHARE = 0.4
"""Part of the time of the dose in which its generators are trained; the classifiers get the rest."""
FOLDS = 2
MIN_STEPS = 200
"""Training steps of a generator below which its samples say nothing about those of the whole fit."""
MIN_IMAGES = 40  # in all
MIN_OF_A_CLASS = 2  # images, so that one can be trained on and one tested
MAX_TESTED = 200
"""Images of a class in a fold that are tested; more would take time and hardly narrow the intervals."""
MAX_LEARNED = 10_000
"""Images that the generator and the classifiers of a fold learn from, at most, as many of each class."""
SHARES = (0.3, 0.15, 0.5)
"""Synthetic shares that are tried, the most promising first."""
MIN_CANDIDATES = 2
PROBE_STEPS, MIN_CLASSIFIER_STEPS = 10, 50
"""Steps of the classifiers that measure their speed, and the fewest that they take where the time is short."""
KEPT = 1
"""The best candidates, so many of them, are measured with more than one seed."""
PLANNED = 0.7
"""Part of the time left that is planned: arms differ, and each costs a little besides its steps."""
MIN_SEEDS, MAX_SEEDS = 3, 8
"""Seeds of the classifiers. Without a limit in time there are `MIN_SEEDS`."""

NOT_MEASURED = "no dose was measured: {}"

Probabilities = NDArray[np.floating]  # (n, n_classes)
FoldTrainer = Callable[..., Any]
"""``trainer(part, seed=..., seconds=..., steps=...)`` learns from the part alone. It returns a `Trained`, or any
sampler."""


def are_enough(steps: int | None) -> bool:
    """Tell whether so many training steps, of all generators together, allow a dose; None is any number."""
    return steps is None or steps // FOLDS >= MIN_STEPS


def refusal(data: Dataset) -> str | None:
    """Return why no dose can be measured on the data, whatever the budget; None if it can."""
    if part_of(data.modality, "evaluation.trials.{}").DOSE_TRIAL is None:
        return f"it is measured for images and signals alone, not for {data.modality}s"
    counts = np.bincount(data.labels, minlength=len(data.classes))
    if len(data) < MIN_IMAGES or counts.min() < MIN_OF_A_CLASS:
        return (
            f"that takes {MIN_IMAGES} {data.modality}s in all and {MIN_OF_A_CLASS} of each class, but there are "
            f"{len(data)}, and {counts.min()} in the smallest class"
        )
    return None


def silent(_: Moment) -> None:
    """Show nothing."""


def measure_dose(
    data: Dataset,
    trainer: FoldTrainer,
    *,
    seed: int,
    bounds: Bounds = Bounds(),  # noqa: B008 - immutable
    augment: Any = None,
    show: Callable[[Moment], None] = lambda _: None,
) -> Dose:
    """Measure what synthetic samples are worth for a classifier of these data.

    Parameters
    ----------
    data : Dataset
        The training data of the fit.
    trainer : callable
        ``trainer(part, seed=..., seconds=..., steps=...)`` trains a generator on a part, as `train_fold` does.
    seed : int
        Decides folds, generators and classifiers.
    bounds : Bounds
        The seconds of all, and the training steps of all generators together. Without seconds, nothing depends on the
        clock.
    augment : albumentations transform, optional
        Alters the real images of the classifiers, in place of small rotations, shifts, scalings and shears.
    show : callable, optional
        Receives the progress.

    Returns
    -------
    Dose
        Its `shares` are None if nothing could be measured; the sentence says why.
    """
    if why := refusal(data):
        return Dose(sentence=NOT_MEASURED.format(why))
    return DoseMeasurement(data, trainer, seed, bounds, augment).dose(show)


class _FoldTrial(Trial[Probabilities]):
    """A fold, as the engine sees it: its score are the class probabilities of the test images."""

    def __init__(self, trial: DatasetTrial) -> None:
        self._trial = trial

    def score(self, arm: Arm) -> Probabilities:
        cancellation_point()
        return self._trial.predict(arm).probability


class DoseMeasurement:
    """One measurement. Every round trains a classifier in some arms, on both folds, from one seed."""

    def __init__(
        self,
        data: Dataset,
        trainer: FoldTrainer,
        seed: int,
        bounds: Bounds,
        augment: Any,
    ) -> None:
        self.data, self.trainer, self.seed, self.bounds = data, trainer, seed, bounds
        self.augment, self.begun = augment, 0.0
        self.show: Callable[[Moment], None] = silent
        self.counts = np.bincount(data.labels, minlength=len(data.classes))
        random = np.random.RandomState(seed % 2**32)
        cut = folds_of(data.labels, FOLDS, random)
        self.folds = [
            Split(self._learned(train), _some_of_each_class(data.labels, test, MAX_TESTED, seed), 0)
            for train, test in cut
        ]
        self.results = DoseResults(data, [fold.test for fold in self.folds])

    def _learned(self, train: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that a fold learns from."""
        if len(train) <= MAX_LEARNED:
            return train
        return _some_of_each_class(self.data.labels, train, MAX_LEARNED // len(self.data.classes), self.seed)

    def dose(self, show: Callable[[Moment], None] = silent, samplers: Callable[[], list[Any]] | None = None) -> Dose:
        """Train the generators, or take those that learned beside the run; compare the arms, and decide."""
        self.begun, self.show = time.perf_counter(), show
        self._tell(0.0, f"training generators on parts of the {self.data.modality}s")
        if samplers is None:
            workers, seconds = min(FOLDS, usable_cores()), self.bounds.seconds
            ready = self.train(seconds and seconds * GENERATOR_SHARE * workers / FOLDS, workers=workers)
        else:
            ready = samplers()
        steps = [one.steps for one in ready if isinstance(one, FoldSampler)]
        if min(steps, default=MIN_STEPS) < MIN_STEPS:
            return Dose(sentence=NOT_MEASURED.format(_too_few(min(steps))))
        kind = part_of(self.data.modality, "evaluation.trials.{}").DOSE_TRIAL
        self.trials = [
            kind(self.data.part(fold.train), self.data.part(fold.test), one, seed=self.seed, augment=self.augment)
            for fold, one in zip(self.folds, ready, strict=True)
        ]

        # Choose the best way without synthetic samples.
        classical = [arm for arm in kind.arms if arm.kind in ("nothing", "classical")]
        references = [arm for arm in classical if not arm.weighted and not arm.tuned]
        self._tell(0.6, "training classifiers without synthetic samples")
        self._shorten_classifiers(references)
        begun = time.perf_counter()
        self._compare(references, 0)
        reference = min(references, key=self.results.mean_loss)
        seconds_per_arm = (time.perf_counter() - begun) / len(references)

        # Try synthetic shares, and measure the best again with other seeds.
        groups = self._candidates(reference, seconds_per_arm)
        if groups is None:
            return Dose(sentence=NOT_MEASURED.format("the time was too short for the classifiers"))
        self._tell(0.7, "training classifiers with synthetic samples")
        self._compare(list(groups), 0)
        best = sorted(groups, key=lambda arm: -self.results.mean_fall(reference, arm))[:KEPT]
        for seed in range(1, MIN_SEEDS if self.bounds.seconds is None else MAX_SEEDS):
            if seed >= MIN_SEEDS and not self._fits(seconds_per_arm * (1 + len(best))):
                break
            self._tell(0.8 + 0.2 * seed / MAX_SEEDS, f"training classifiers again, seed {seed + 1}")
            self._compare([reference, *best], seed)
        return self.results.dose(reference, groups)

    def _shorten_classifiers(self, references: Sequence[Arm]) -> None:
        """Let all classifiers take fewer steps, where the time does not allow enough of them at full length."""
        if self.bounds.seconds is None:
            return
        probes = [trial.reseeded(self.seed) for trial in self.trials]
        for probe in probes:
            probe.steps = PROBE_STEPS
        probing = [partial(probe.predict, references[-1]) for probe in probes]
        side_by_side(probing)  # the first makes what the others only read
        begun = time.perf_counter()
        side_by_side(probing)
        per_step = (time.perf_counter() - begun) / PROBE_STEPS
        needed = len(references) + MIN_CANDIDATES + (MIN_SEEDS - 1) * (1 + KEPT)
        affordable = int(PLANNED * self._left() / needed / max(per_step, 1e-9))
        for trial in self.trials:
            trial.steps = max(MIN_CLASSIFIER_STEPS, min(trial.steps, affordable))

    def train(self, seconds: float | None, *, workers: int) -> list[Any]:
        """Train the generators of the folds for so many seconds each."""
        steps = None if self.bounds.steps is None else self.bounds.steps // FOLDS
        return side_by_side(
            [
                partial(self.trainer, self.data.part(fold.train), seed=self.seed + number, seconds=seconds, steps=steps)
                for number, fold in enumerate(self.folds)
            ],
            workers=workers,
        )

    def _candidates(self, reference: Arm, seconds_per_arm: float) -> dict[Arm, Group] | None:
        """Return the arms to try, as many as the time allows; None if it allows too few."""
        noun = f"{self.data.modality}s"
        rare, every = rare_classes(self.counts, noun), Group(self.counts > 0)
        # The rare classes and all classes take turns, each share once with both.
        pairs = [(SHARES[i % 3], group) for i in range(2 * 3) if (group := (every if i % 2 else rare)) is not None]
        groups = {group.arm(share, reference.filled or "repeats"): group for share, group in pairs}
        if self.bounds.seconds is None:
            return groups
        affordable = int(self._left() / max(seconds_per_arm, 1e-9)) - (MIN_SEEDS - 1) * (1 + KEPT)
        return None if affordable < MIN_CANDIDATES else dict(list(groups.items())[:affordable])

    def _compare(self, arms: Sequence[Arm], seed: int) -> None:
        """Train a classifier in every arm on both folds, and keep its losses and errors."""

        def probabilities(fold: Split, trial: Any) -> dict[str, Probabilities]:
            found: dict[str, Probabilities] = {}

            def prepare(number: int, _: Split, scores: dict[str, Probabilities]) -> Preparation[Probabilities]:
                nonlocal found
                found = scores
                yield Task("drawing batches", number)
                return _FoldTrial(trial.reseeded(self.seed + 1000 * seed))

            for _ in compare_arms(arms, [fold], prepare):
                pass
            return found

        by_fold = side_by_side(
            [partial(probabilities, fold, trial) for fold, trial in zip(self.folds, self.trials, strict=True)]
        )
        for arm in arms:
            loss, error = np.full((2, len(self.data)), np.nan)
            for fold, found in zip(self.folds, by_fold, strict=True):
                labels = self.data.labels[fold.test]
                loss[fold.test] = calibrated_log_loss(found[arm.name], labels)
                error[fold.test] = found[arm.name].argmax(axis=1) != labels
            self.results.record(arm, seed, loss, error)

    def _left(self) -> float:
        return (self.bounds.seconds or 0.0) - (time.perf_counter() - self.begun)

    def _fits(self, seconds: float) -> bool:
        return seconds <= self._left()

    def _tell(self, progress: float, doing: str) -> None:
        seconds = self.bounds.seconds
        left = None if seconds is None else max(0.0, self._left())
        self.show(Moment(progress if left is None or seconds is None else 1 - left / seconds, left, doing))


def _some_of_each_class(labels: NDArray[np.int64], rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Return at most so many rows of each class, chosen at random, in ascending order."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    some = [shuffled[labels[shuffled] == value][:most] for value in np.unique(labels)]
    return np.sort(np.concatenate(some))


def _too_few(steps: int) -> str:
    return (
        f"the generators of its folds need {MIN_STEPS} training steps each, and the budget allows about {steps}: about "
        f"{max(2, -(-MIN_STEPS // max(1, steps)))} times the budget would do"
    )
