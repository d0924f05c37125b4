"""An evaluation in progress: it keeps its results split by split, so that they survive an interruption."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.errors import GanaugWarning
from ganaug.evaluation.arms import NOTHING, named_after
from ganaug.evaluation.budget import Moment, Pace, TimeBudget
from ganaug.evaluation.comparison import TRAINING, Preparation, Task, compare_arms
from ganaug.evaluation.copy_search import SHARE, search_within
from ganaug.evaluation.copying import Copying
from ganaug.evaluation.exhibits import Exhibits, exhibits_of, walk_of
from ganaug.evaluation.fidelity import Fidelity
from ganaug.evaluation.inspection import inspect
from ganaug.evaluation.samples import Sampler, draw
from ganaug.evaluation.schedule import Schedule, schedule_for
from ganaug.evaluation.scores import Score
from ganaug.evaluation.settings import Settings
from ganaug.evaluation.splits import Split, cut, fewest_for_a_verdict
from ganaug.evaluation.trainers import usual_seconds
from ganaug.evaluation.trials.base import DatasetTrial

CUT_SHORT = 0.9
"""A trainer that does not describe its training, and took this part of the given time or more, was cut short."""
DRAWING = "drawing samples"
INSPECTING = "comparing real and synthetic"
INSPECTED_AFTER = 0.3
"""The part of a split that is done before the samples are inspected, by experience."""


@dataclass
class SplitResult:
    """The results of one split. It is complete when all arms are scored."""

    split: Split
    scores: dict[str, Score] = field(default_factory=dict)  # by arm
    fidelity: Fidelity | None = None  # in the first repetition
    copying: Copying | None = None  # in the first repetition
    training: dict[str, Any] | None = None  # the description of its training that the generator has
    trained: bool = False  # whether there is a generator
    cut_short: bool = False  # whether a longer time would have continued the training


class Session:
    """One evaluation: iterate over `steps()`. Whenever the iteration ends, `results` and `exhibits` hold what is done.

    `generator` is a model to judge, beside the generators that are trained inside the splits. `seen`, one of "all",
    "part", "none" and "not applicable", says how much of `data` that model was trained on, as far as its file tells;
    "none" may be a part. Items of one of the `groups` (n,) stay together. `splits` replace the folds, `left_out` says
    what was left out of the data, and `started` is the start of the budget, as in `TimeBudget`.
    """

    def __init__(
        self,
        data: Dataset,
        settings: Settings,
        *,
        generator: Any = None,
        seen: str = "not applicable",
        groups: NDArray[np.int64] | None = None,
        splits: Sequence[Split] | None = None,
        left_out: Sequence[str] = (),
        started: float | None = None,
    ) -> None:
        self.budget = TimeBudget(settings.budget, started)
        self.data, self.settings, self.generator, self.seen, self.groups = data, settings, generator, seen, groups
        self.trial: type[DatasetTrial] = part_of(data.modality, "evaluation.trials.{}").TRIAL
        arms = named_after(settings.arms or self.trial.arms, settings.model)
        impossible = self.trial.impossible(arms, data, settings.estimator)
        self.arms = tuple(arm for arm in arms if arm.name not in impossible)
        self.left_out = [*left_out, *(f"the arm {name!r}: {reason}" for name, reason in impossible.items())]
        self.splits = list(splits or cut(data.labels, groups, repeats=settings.repeats, seed=settings.seed))
        self.folds = sum(split.repeat == self.splits[0].repeat for split in self.splits)
        self.results: list[SplitResult] = []
        self.own_copying: Copying | None = None
        self.exhibits = Exhibits()
        self.classifier_steps = self.trial.usual_steps
        self.training_seconds: float | None = None

    @property
    def complete(self) -> list[SplitResult]:
        """The splits in which every arm was scored."""
        return [result for result in self.results if len(result.scores) == len(self.arms)]

    @property
    def features_name(self) -> str:
        """A description of the features that the fidelity figures are computed from."""
        extractor = self.settings.extractor
        return self.trial.features_name if extractor is None else extractor.name

    @property
    def classifier(self) -> dict[str, Any]:
        """The name and the steps of the classifier, for the figures."""
        network, estimator = self.trial.network, type(self.settings.estimator).__name__
        return {"estimator": network or estimator, "classifier_steps": self.classifier_steps if network else None}

    def steps(self) -> Iterator[Moment]:
        """Evaluate. A moment is yielded before each piece of work."""
        if self.generator is not None and self.seen == "all":
            yield self.budget.moment(0.0, "looking for copies among the model's samples")
            self._search_generator()
        yield self.budget.moment(0.0, "planning")
        schedule = self._schedule()
        self.arms, self.classifier_steps, self.training_seconds = schedule.arms, schedule.steps, schedule.seconds
        self.left_out += schedule.left_out
        pace = Pace(self.budget, schedule, len(self.splits))
        fewest = fewest_for_a_verdict(self.folds)
        short = _few(schedule.splits, fewest) if schedule.splits < len(self.splits) else ""
        for task in pace.within(compare_arms(self.arms, self.splits, self._prepare)):
            # The note stands in all moments of the first split, of which a log shows only some.
            yield pace.moment(task, "" if task.split else short)

    def _schedule(self) -> Schedule:
        # Measured before the remaining time is read, because the measurement takes time as well.
        classifier = self._classifier_seconds() if self.budget.left is not None else 0.0
        left = self.budget.left
        return schedule_for(
            None if left is None else max(1.0, left),
            self.arms,
            splits=len(self.splits),
            folds=self.folds,
            training=classifier,
            steps=self.trial.usual_steps,
            seconds=0.0 if self.settings.trained else usual_seconds(self.data),
        )

    def _classifier_seconds(self) -> float:
        """Measure the training time of the classifier on the first split."""
        trial = self._trial(self.splits[0], None, self.trial.probe_steps)
        # The first training in a process loads libraries and takes several times as long.
        for _ in range(2):
            begun = self.budget.spent
            trial.predict(NOTHING)
        spent = self.budget.spent - begun
        return spent * self.trial.probe_margin * self.trial.usual_steps / self.trial.probe_steps

    def _trial(self, split: Split, sampler: Sampler | None, steps: int) -> DatasetTrial:
        return self.trial(
            self.data.part(split.train),
            self.data.part(split.test),
            sampler,
            seed=(self.settings.seed + 1000 * split.repeat) % 2**32,  # scikit-learn takes no larger seed
            estimator=self.settings.estimator,
            steps=steps,
        )

    def _prepare(self, number: int, split: Split, scores: dict[str, Score]) -> Preparation[Score]:
        """Train a generator on the training part, and inspect its samples."""
        yield Task(DRAWING if self.settings.trained else TRAINING, number)
        result = SplitResult(split, scores)
        self.results.append(result)
        sampler = self._train(split, number, result)
        trial = self._trial(split, sampler, self.classifier_steps)
        if split.repeat == self.splits[0].repeat:
            # Before the arms: the inspection of a single split is already of use.
            yield Task(INSPECTING, number, INSPECTED_AFTER)
            self._inspect(trial, sampler, result)
        return trial

    def _train(self, split: Split, number: int, result: SplitResult) -> Any:
        settings, seconds = self.settings, self.training_seconds
        train, begun = self.data.part(split.train), self.budget.spent
        with warnings.catch_warnings():
            # The findings of the report tell the same, for all splits together.
            warnings.simplefilter("ignore", GanaugWarning)
            sampler = settings.trainer(train, seed=settings.seed + number, seconds=seconds, device=settings.device)
        metadata = getattr(getattr(sampler, "generator", sampler), "metadata", None)
        result.training = metadata["training"] if isinstance(metadata, dict) else None
        result.trained = True
        result.cut_short = _was_cut_short(result.training, seconds, self.budget.spent - begun, usual_seconds(train))
        return sampler

    def _inspect(self, trial: DatasetTrial, sampler: Any, result: SplitResult) -> None:
        """Measure fidelity, look for copies, and keep the exhibits of the first split."""
        seed = self.settings.seed
        found = inspect(
            trial,
            sampler,
            unseen=self.generator if self.seen == "none" else None,
            extractor=self.settings.extractor,
            number=len(self.results),
            seed=seed,
            seconds=None if self._search_seconds is None else self._search_seconds / self.folds,
        )
        result.fidelity, result.copying = found.fidelity, found.search.copying
        if len(self.results) == 1 and (self.generator is None or self.seen != "all"):
            walk = walk_of(getattr(found.subject, "generator", found.subject), trial.train, seed=seed)
            scan, samples = found.search.copying.scan, found.search.samples
            self.exhibits = exhibits_of(trial.test, samples, trial.train, scan, walk=walk, seed=seed)

    @property
    def _search_seconds(self) -> float | None:
        """The time of the search for copies; None for no limit."""
        return None if self.budget.seconds is None else SHARE * self.budget.seconds

    def _search_generator(self) -> None:
        """Look for copies among the samples of a model that was trained on all the data, and show these samples."""
        split, seed = self.splits[0], self.settings.seed
        train, rest = self.data.part(split.train), self.data.part(split.test)
        search = search_within(
            self._search_seconds,
            lambda wanted: draw(self.generator, self.data, wanted, [seed, 7]),
            train,
            rest,
            np.bincount(self.data.labels),
            seed=seed,
            seen_all=True,
        )
        self.own_copying = search.copying
        searched = self.data.part(np.concatenate([split.train, split.test]))
        walk = walk_of(self.generator, self.data, seed=seed)
        scan = search.copying.scan
        self.exhibits = exhibits_of(self.data, search.samples, searched, scan, walk=walk, seed=seed)


def _few(splits: int, fewest: int) -> str:
    """Return a note if the budget allows fewer splits than a verdict needs; otherwise an empty text."""
    if splits >= fewest:
        return ""
    return f" (this budget allows about {splits} split{'s' * (splits > 1)}; a verdict needs {fewest})"


def _was_cut_short(training: dict[str, Any] | None, seconds: float | None, spent: float, usual: float) -> bool:
    """Tell whether a generator would have been trained for longer without the limit of `seconds`."""
    if not seconds or spent < seconds / 2:  # `seconds` is 0 if nothing is trained
        return False
    if training is None or training.get("time_budget") != seconds:  # the trainer has a limit of its own
        return spent >= CUT_SHORT * seconds
    if training.get("stopped_early"):
        return False
    max_steps = training.get("max_steps")
    return seconds < usual if max_steps is None else bool(training["steps"] < max_steps)
