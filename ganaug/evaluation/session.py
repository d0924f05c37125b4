"""An evaluation as it goes on: split by split, so that what is done survives whatever ends it."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.codec import TableCodec
from ganaug.data.tables.dataset import LabelledTable
from ganaug.errors import GanaugWarning
from ganaug.evaluation.arms import IMAGE_ARMS, TABLE_ARMS, Arm
from ganaug.evaluation.clock import Clock, Moment
from ganaug.evaluation.copying import Copying, search_for_copies
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.fidelity import Fidelity, measure_fidelity
from ganaug.evaluation.gallery import exhibits_of, walk_of
from ganaug.evaluation.metrics.features import NamedExtractor
from ganaug.evaluation.plan import Plan, plan_for
from ganaug.evaluation.samples import Sampler, draw
from ganaug.evaluation.scores import Score, score
from ganaug.evaluation.splits import REPEATS, Split, cut, fewest_for_a_verdict
from ganaug.evaluation.statistics import Auc, area
from ganaug.evaluation.trainers import FoldGenerator, Trainer, train_generator, usual_seconds
from ganaug.evaluation.trials.base import Trial
from ganaug.evaluation.trials.echo import Echo
from ganaug.evaluation.trials.images import ImageTrial
from ganaug.evaluation.trials.tables import TableTrial, impossible

__all__ = ["Session", "SplitResult"]

IMAGE_STEPS = 300
"""Training steps of the image classifier in every arm."""
FEWEST_COPIES, MOST_COPIES = 30, 300
"""Samples of one class that copies are looked for in."""
PROBE_STEPS = 10
CUT_SHORT = 0.9
"""Of the seconds that it was given: a trainer that says nothing of its training, and took so long, was cut short."""


TRAINING, DRAWING, CLASSIFYING = "training a generator", "drawing samples", "training the classifier: "


@dataclass
class SplitResult:
    """What one split came to; complete once all arms are scored.

    Attributes
    ----------
    split : Split
    scores : dict of str to Score
        By arm.
    fidelity : Fidelity or None
        In the first repetition.
    copying : Copying or None
        In the first repetition.
    training : dict or None
        What the generator says of its training.
    trained, cut_short : bool
        Whether there is a generator, and whether its training would have gone on had there been more time.
    """

    split: Split
    scores: dict[str, Score] = field(default_factory=dict)
    fidelity: Fidelity | None = None
    copying: Copying | None = None
    training: dict[str, Any] | None = None
    trained: bool = False
    cut_short: bool = False


class Session:
    """One evaluation: iterate over `steps()`; `results` and `exhibits` hold what is done, whatever stops it.

    Parameters
    ----------
    data : LabelledImages or LabelledTable
        Real, all of it.
    generator : Generator or None
        A model to judge, beside those that are trained inside the splits.
    seen : {"all", "part", "none", "not applicable"}
        How much of `data` that model was trained on, as far as its file tells: "none" may be a part.
    groups : ndarray of shape (n,) or None
        Rows of one group never part.
    extractor : NamedExtractor or None
        Of images; None trains a classifier in each split.
    estimator : scikit-learn classifier or None
        For tables; None is a random forest.
    trainer : callable
        Trains a generator on a training part.
    trained : bool
        Whether `trainer` only hands out one that is trained already: no time is planned for it.
    arms : sequence of Arm or None
        None stands for all.
    repeats : int
        How often all rows are dealt out into folds.
    splits : sequence of Split, optional
        Instead of folds.
    budget : float or None
        Seconds from `started`.
    seed : int
    device : str
        For the generators.
    started : float, optional
        By `time.perf_counter`; by default now.
    """

    def __init__(
        self,
        data: Dataset,
        *,
        generator: Any = None,
        seen: str = "not applicable",
        groups: NDArray[np.int64] | None = None,
        extractor: NamedExtractor | None = None,
        estimator: Any = None,
        trainer: Trainer = train_generator,
        trained: bool = False,
        arms: Sequence[Arm] | None = None,
        repeats: int = REPEATS,
        splits: Sequence[Split] | None = None,
        budget: float | None = None,
        seed: int = 0,
        device: str = "auto",
        started: float | None = None,
    ) -> None:
        self.clock = Clock(budget, started)
        self.data, self.generator, self.seen, self.groups = data, generator, seen, groups
        self.extractor, self.trainer, self.budget, self.seed, self.device = extractor, trainer, budget, seed, device
        self.trained = trained
        self.estimator = RandomForestClassifier() if estimator is None else estimator
        all_arms = tuple(arms or (IMAGE_ARMS if isinstance(data, LabelledImages) else TABLE_ARMS))
        not_possible = impossible(all_arms, data, self.estimator)
        self.arms = tuple(arm for arm in all_arms if arm.name not in not_possible)
        self.left_out = [f"the arm {name!r}: {reason}" for name, reason in not_possible.items()]
        self.splits = list(splits or cut(data.labels, groups, repeats=repeats, seed=seed))
        self.folds = sum(split.repeat == self.splits[0].repeat for split in self.splits)
        self.results: list[SplitResult] = []
        self.own_copying: Copying | None = None
        self.exhibits = Exhibits()
        self.steps_of_classifier = IMAGE_STEPS
        self.training_seconds: float | None = None
        self._took: dict[str, float] = {}

    @property
    def complete(self) -> list[SplitResult]:
        """The splits in which every arm was scored."""
        return [result for result in self.results if len(result.scores) == len(self.arms)]

    @property
    def features_name(self) -> str:
        """What the features of the fidelity figures are."""
        if isinstance(self.data, LabelledTable):
            return "quantiles of numbers, and options of categories"
        return "a classifier trained on each training part" if self.extractor is None else self.extractor.name

    def steps(self) -> Iterator[Moment]:
        """Evaluate, yielding before everything that takes a while."""
        if self.generator is not None and self.seen == "all":
            yield self.clock.moment(0.0, "looking for copies among the model's samples")
            self._judge_given()
        yield self.clock.moment(0.0, "planning")
        plan = self._plan()
        self.arms, self.steps_of_classifier, self.training_seconds = plan.arms, plan.steps, plan.seconds
        self.left_out += plan.left_out
        fewest = fewest_for_a_verdict(self.folds)
        durations: list[float] = []
        for number, split in enumerate(self.splits):
            begun = time.perf_counter()
            if number and not self.clock.fits(_usual(durations)):
                break
            expected = self._expected_splits(plan, durations)
            result = SplitResult(split)
            self.results.append(result)
            before, since = "", begun
            for share, doing in self._one_split(split, result, plan, number):
                self._took[before] = time.perf_counter() - since
                if not self.clock.fits(self._expected_seconds(doing, plan)):
                    return
                # All through the first split: lines on a terminal show a moment now and then only.
                note = _few(plan.splits, fewest) if not number and plan.splits < len(self.splits) else ""
                yield self.clock.moment((number + share) / expected, f"split {number + 1}: {doing}{note}")
                before, since = doing, time.perf_counter()
            self._took[before] = time.perf_counter() - since
            durations.append(time.perf_counter() - begun)

    def _expected_seconds(self, doing: str, plan: Plan) -> float:
        """Return what a part of a split took the last time or, before it was ever done, should take."""
        if doing in self._took:
            return self._took[doing]
        if doing == TRAINING:
            return plan.seconds or 0.0
        # Not the last one: some arms take twice as long as the others, and one takes nothing.
        arms = [seconds for done, seconds in self._took.items() if done.startswith(CLASSIFYING)]
        return float(np.median(arms)) if arms else plan.classifier

    def _expected_splits(self, plan: Plan, durations: list[float]) -> int:
        """Return how many splits there will be, by what those that are done took."""
        if self.budget is None or not durations:
            return plan.splits
        left = self.budget - self.clock.spent
        return min(len(self.splits), len(durations) + max(1, int(left / _usual(durations))))

    def _plan(self) -> Plan:
        # Before the time that is left: measuring is part of what is spent.
        classifier = self._training_seconds() if self.budget is not None else 0.0
        left = None if self.budget is None else max(1.0, self.budget - self.clock.spent)
        return plan_for(
            left,
            self.arms,
            splits=len(self.splits),
            folds=self.folds,
            training=classifier,
            steps=IMAGE_STEPS if isinstance(self.data, LabelledImages) else 1,
            seconds=0.0 if self.trained else usual_seconds(self.data),
        )

    def _training_seconds(self) -> float:
        """Measure how long the classifier takes once: a few steps of it, or one fit."""
        trial = self._trial(self.splits[0], Echo(self.data.part(self.splits[0].train)), PROBE_STEPS)
        # The first time in a process takes several times as long, and would cost arms that there is time for.
        for _ in range(2):
            begun = time.perf_counter()
            trial.predict(Arm("nothing", "nothing"))
        spent = time.perf_counter() - begun
        return spent * IMAGE_STEPS / PROBE_STEPS if isinstance(trial, ImageTrial) else spent * 1.5

    def _trial(self, split: Split, sampler: Sampler, steps: int) -> Trial:
        train: Any = self.data.part(split.train)
        test: Any = self.data.part(split.test)
        seed = (self.seed + 1000 * split.repeat) % 2**32  # scikit-learn takes no larger ones
        if isinstance(train, LabelledImages):
            assert isinstance(test, LabelledImages)  # noqa: S101
            return ImageTrial(train, test, sampler, seed=seed, steps=steps)
        assert isinstance(test, LabelledTable)  # noqa: S101
        return TableTrial(train, test, sampler, seed=seed, estimator=self.estimator)

    def _one_split(self, split: Split, result: SplitResult, plan: Plan, number: int) -> Iterator[tuple[float, str]]:
        """Train a generator, measure it, and score every arm; yield the share of the split that is done."""
        yield 0.0, DRAWING if self.trained else TRAINING
        train, begun = self.data.part(split.train), time.perf_counter()
        with warnings.catch_warnings():
            # The findings say it of all folds together.
            warnings.simplefilter("ignore", GanaugWarning)
            sampler = self.trainer(train, seed=self.seed + number, seconds=plan.seconds, device=self.device)
        result.training = _training_of(sampler)
        result.trained = True
        result.cut_short = _was_cut_short(result.training, plan.seconds, time.perf_counter() - begun, train)
        trial = self._trial(split, sampler, plan.steps)
        weights = np.cumsum([0.3, *np.full(len(plan.arms), 0.6 / len(plan.arms)), 0.1])
        # The measures first: they are what a single split is already good for.
        if split.repeat == self.splits[0].repeat:
            yield 0.3, "comparing real and synthetic"
            self._measure(trial, sampler, result)
            if number == 0 and (self.generator is None or self.seen != "all"):
                self._keep_exhibits()
        for arm, done in zip(plan.arms, weights + 0.1, strict=False):
            yield min(float(done), 1.0), f"{CLASSIFYING}{arm.name}"
            opinion = trial.predict(arm)
            result.scores[arm.name] = score(opinion.probability, trial.test.labels, decide_by=opinion.decide_by)

    def _features(self, trial: Trial) -> Callable[[Dataset], NDArray[np.floating]]:
        if isinstance(trial, ImageTrial):
            extract = trial.judge.features if self.extractor is None else self.extractor
            return lambda data: extract(data.content)
        return lambda data: data.points(trial.train)

    def _measure(self, trial: Trial, sampler: Sampler, result: SplitResult) -> None:
        judged_here = self.generator is not None and self.seen == "none"
        subject = self.generator if judged_here else sampler
        counts = np.bincount(trial.test.labels, minlength=len(self.data.classes))
        # Other samples in every split: what is pooled must not be the same thing again.
        number = len(self.results)
        synthetic = draw(subject, trial.train, counts, [self.seed, 6, number])
        features = self._features(trial)
        result.fidelity = measure_fidelity(
            trial.test,
            synthetic,
            features,
            codec=_promised(subject if judged_here else trial.train),
            probabilities=trial.class_probabilities,
            realism=None if judged_here else _realism(sampler, trial.test, synthetic),
            seed=self.seed,
        )
        more = draw(subject, trial.train, np.clip(counts, FEWEST_COPIES, MOST_COPIES), [self.seed, 7, number])
        result.copying = search_for_copies(
            more,
            trial.train,
            trial.test,
            features=features if isinstance(trial, ImageTrial) else None,
            infer=not judged_here,
            seed=self.seed,
        )
        self._shown = (trial.test, more, trial.train, result.copying, subject)

    def _keep_exhibits(self) -> None:
        real, synthetic, train, copying, subject = self._shown
        walk = walk_of(getattr(subject, "generator", subject), train, seed=self.seed)
        self.exhibits = exhibits_of(real, synthetic, train, copying.scan, walk=walk, seed=self.seed)

    def _judge_given(self) -> None:
        """Look for copies among the samples of a model that has seen all the data, and show these."""
        split = self.splits[0]
        counts = np.clip(np.bincount(self.data.labels), FEWEST_COPIES, MOST_COPIES)
        train, rest = self.data.part(split.train), self.data.part(split.test)
        synthetic = draw(self.generator, self.data, counts, [self.seed, 7])
        self.own_copying = search_for_copies(synthetic, train, rest, seen_all=True, seed=self.seed)
        searched = self.data.part(np.concatenate([split.train, split.test]))
        walk = walk_of(self.generator, self.data, seed=self.seed)
        self.exhibits = exhibits_of(self.data, synthetic, searched, self.own_copying.scan, walk=walk, seed=self.seed)


def _few(splits: int, fewest: int) -> str:
    """Return what is to be said at once of a budget that allows fewer splits than a verdict needs."""
    if splits >= fewest:
        return ""
    return f" (this budget allows about {splits} split{'s' * (splits > 1)}; a verdict needs {fewest})"


def _usual(durations: Sequence[float]) -> float:
    """Return what a split takes; the first one loads what the others find loaded, and keeps the exhibits."""
    return float(np.mean(durations[1:] or durations))


def _realism(sampler: Any, real: Dataset, synthetic: Dataset) -> Auc | None:
    """Return how well the discriminator itself tells real from synthetic, if the sampler has one."""
    opinions = [sampler.realism(side) for side in (real, synthetic)] if isinstance(sampler, FoldGenerator) else []
    known = [one for one in opinions if one is not None]
    if len(known) < 2:
        return None
    return area(np.concatenate(known), np.repeat([True, False], [len(known[0]), len(known[1])]))


def _promised(source: Any) -> TableCodec | None:
    """Return what is promised of a table's columns by a generator, or by the part that one was trained on."""
    codec = getattr(source, "codec", None)
    return codec if isinstance(codec, TableCodec) else None


def _training_of(sampler: Any) -> dict[str, Any] | None:
    generator = getattr(sampler, "generator", sampler)
    metadata = getattr(generator, "metadata", None)
    return metadata["training"] if isinstance(metadata, dict) else None


def _was_cut_short(training: dict[str, Any] | None, seconds: float | None, spent: float, data: Dataset) -> bool:
    """Tell whether a generator would have been trained for longer without the bound in seconds."""
    if not seconds or spent < seconds / 2:  # 0 where nothing is trained
        return False
    if training is None or training.get("time_budget") != seconds:  # not a run within this bound, or no run of ours
        return spent >= CUT_SHORT * seconds
    if training.get("stopped_early"):
        return False
    most = training.get("max_steps")
    return seconds < usual_seconds(data) if most is None else bool(training["steps"] < most)
