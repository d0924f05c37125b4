"""The inspection of a generator's samples on one split: how like real items they are, and whether they are copies."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganaug.data.dataset import Dataset
from ganaug.evaluation.copy_search import Search, search_within
from ganaug.evaluation.fidelity import Fidelity, measure_fidelity
from ganaug.evaluation.samples import draw
from ganaug.evaluation.statistics import Auc, area
from ganaug.evaluation.trainers import TrainedSampler
from ganaug.evaluation.trials.base import DatasetTrial


@dataclass(frozen=True)
class Inspection:
    """What was found on one split."""

    fidelity: Fidelity
    search: Search
    subject: Any  # the generator that was judged


def inspect(
    trial: DatasetTrial,
    sampler: Any,
    *,
    unseen: Any = None,
    extractor: Any,
    number: int,
    seed: int,
    seconds: float | None = None,
) -> Inspection:
    """Compare samples with the test part, and look for copies of the training part among them.

    The judged generator is `unseen` or, if that is None, `sampler`, which was trained on the training part. Samples
    depend on the `number` of the split, because the figures of all splits are pooled. Copies are looked for in so many
    `seconds`; None for no limit.
    """
    train, test, subject = trial.train, trial.test, sampler if unseen is None else unseen
    counts = np.bincount(test.labels, minlength=len(train.classes))
    synthetic = draw(subject, train, counts, [seed, 6, number])
    features = trial.features(extractor)
    fidelity = measure_fidelity(
        test,
        synthetic,
        features,
        codec=trial.promised_columns(unseen),
        probabilities=trial.class_probabilities,
        realism=_realism_area(subject, test, synthetic),
        seed=seed,
    )
    search = search_within(
        seconds,
        lambda wanted: draw(subject, train, wanted, [seed, 7, number]),
        train,
        test,
        counts,
        seed=seed,
        features=features if trial.takes_extractor else None,
        infer=unseen is None,
    )
    return Inspection(fidelity, search, subject)


def _realism_area(subject: Any, real: Dataset, synthetic: Dataset) -> Auc | None:
    """Return the area under the ROC curve of the discriminator, as a classifier of real and synthetic items."""
    if not isinstance(subject, TrainedSampler):
        return None
    own, made = subject.realism(real), subject.realism(synthetic)
    if own is None or made is None:
        return None
    return area(np.concatenate([own, made]), np.repeat([True, False], [len(own), len(made)]))
