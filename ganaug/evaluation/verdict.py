"""The verdict: whether the best arm with synthetic samples beats the best one without by more than luck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.arms import Arm, challengers, rivals
from ganaug.evaluation.scores import METRICS, Score
from ganaug.evaluation.statistics import Estimate, corrected_estimate, row_errors

__all__ = ["Comparison", "Verdict", "compare"]

Verdict = Literal["helps", "no difference", "hurts"]
METRIC = "balanced_accuracy"


@dataclass(frozen=True)
class Comparison:
    """What came of the splits.

    Attributes
    ----------
    verdict : str
        "helps", "no difference" or "hurts".
    chosen, rival : str or None
        The best arm with synthetic samples, and the best without.
    difference : Estimate
        Of their balanced accuracies, split by split.
    splits : int
        How many there were.
    metrics : dict of str to dict of str to Estimate
        By arm and metric.
    to_rival : dict of str to Estimate
        By arm, its difference to the rival, not allowing for any choice.
    recall : dict of str to list of Estimate
        By arm, for each class.
    class_difference : list of Estimate
        Recall of each class, chosen arm minus rival.
    class_verdict : list of str
    """

    verdict: Verdict
    chosen: str | None
    rival: str | None
    difference: Estimate
    splits: int
    metrics: dict[str, dict[str, Estimate]]
    to_rival: dict[str, Estimate]
    recall: dict[str, list[Estimate]]
    class_difference: list[Estimate]
    class_verdict: list[Verdict]


def compare(
    scores: Sequence[Mapping[str, Score]],
    arms: Sequence[Arm],
    tested: NDArray[np.int64],
    *,
    test_per_train: float,
    fewest: int = 5,
    test_labels: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compare the best arm with synthetic samples to the best without.

    Both are chosen by their mean balanced accuracy over all splits, and the choice is paid for: the lower limit of the
    difference is Bonferroni's for as many arms as could have been chosen to represent the generator, the upper limit
    for as many as it could have been compared with. "helps" is a lower limit above zero, "hurts" an upper limit below
    zero. For single classes both allow for the number of classes too.

    Parameters
    ----------
    scores : sequence of mapping from arm name to Score
        One for each split; splits that lack an arm must be left out.
    arms : sequence of Arm
        That were compared.
    tested : ndarray of shape (n_classes,)
        How many different test rows each class had.
    test_per_train : float
        Test rows for each training row.
    fewest : int
        Splits that a verdict other than "no difference" needs.
    test_labels : ndarray of int64, shape (n,), optional
        Where all splits are tested on the same rows, the classes of these. The splits do not show then what other rows
        would have said, and balanced accuracy and recall are less certain by how much the rows differ.

    Examples
    --------
    >>> from ganaug.evaluation.arms import Arm
    >>> def of(value):
    ...     one = Score(dict.fromkeys(METRICS, value))
    ...     one.recall = np.array([value, value])
    ...     return one
    >>> rng = np.random.default_rng(0)
    >>> scores = [{"nothing": of(0.7 + e), "GAN": of(0.8 + e)} for e in rng.normal(0, 0.01, 10)]
    >>> arms = [Arm("nothing", "nothing"), Arm("GAN", "gan")]
    >>> compare(scores, arms, np.array([100, 100]), test_per_train=0.25).verdict
    'helps'
    >>> compare(scores[:3], arms, np.array([100, 100]), test_per_train=0.25).verdict
    'no difference'
    """
    n_classes = len(tested)
    named = [arm.name for arm in arms if all(arm.name in one for one in scores)] if scores else []
    present = [arm for arm in arms if arm.name in named]
    values = {name: np.array([one[name][METRIC] for one in scores]) for name in named}
    recalls = {name: np.array([one[name].recall for one in scores]) for name in named}  # (n_splits, n_classes)
    ours, others = challengers(present), rivals(present)
    judged = tested[tested > 0]
    # What one test row moves at most. Metrics that are means over classes it moves most in the smallest.
    by_rarest = 1 / (len(judged) * int(judged.min())) if len(judged) else 0.0
    by_row = 1 / max(int(tested.sum()), 1)
    resolution = {"brier": 2 * by_row, "calibration_error": by_row}

    def by_rows(name: str, other: str | None = None) -> tuple[float, NDArray[np.float64]]:
        """Return what the choice of test rows adds to the error of balanced accuracy, and of each class's recall."""
        if test_labels is None:
            return 0.0, np.zeros(n_classes)
        hits = np.mean([one[name].hit.astype(float) - (one[other].hit if other else 0.0) for one in scores], axis=0)
        errors = row_errors(hits, test_labels, n_classes)
        return float(np.sqrt((errors**2).sum())) / max(len(judged), 1), errors

    metrics = {
        name: {
            metric: _figure(
                [one[name][metric] for one in scores],
                test_per_train,
                resolution.get(metric, by_rarest),
                by_rows(name)[0] if metric == METRIC else 0.0,
                most=2.0 if metric == "brier" else 1.0,
            )
            for metric in METRICS
        }
        for name in named
    }
    recall = {
        name: [
            _figure(rows[:, c], test_per_train, 1 / max(int(tested[c]), 1), float(error))
            for c, error in enumerate(by_rows(name)[1])
        ]
        for name, rows in recalls.items()
    }
    if not ours or not others:
        nothing: list[Verdict] = ["no difference"] * n_classes
        return Comparison(
            "no difference", None, None, Estimate(), len(scores), metrics, {}, recall, [Estimate()] * n_classes, nothing
        )

    # Choose, and pay for the choice.
    chosen, rival = (max(group, key=lambda arm: float(values[arm.name].mean())).name for group in (ours, others))
    error, class_errors = by_rows(chosen, rival)
    difference = corrected_estimate(
        values[chosen] - values[rival],
        test_per_train,
        chosen_low=len(ours),
        chosen_high=len(others),
        resolution=by_rarest,
        row_error=error,
    )
    by_class = [
        corrected_estimate(
            recalls[chosen][:, c] - recalls[rival][:, c],
            test_per_train,
            chosen_low=len(ours) * len(judged),
            chosen_high=len(others) * len(judged),
            resolution=1 / max(int(tested[c]), 1),
            row_error=float(class_errors[c]),
        )
        for c in range(n_classes)
    ]
    enough = len(scores) >= fewest
    return Comparison(
        verdict=_verdict(difference, enough),
        chosen=chosen,
        rival=rival,
        difference=_within(difference, -1.0, 1.0),
        splits=len(scores),
        metrics=metrics,
        to_rival={
            name: _within(
                corrected_estimate(
                    values[name] - values[rival],
                    test_per_train,
                    resolution=by_rarest,
                    row_error=by_rows(name, rival)[0],
                ),
                -1.0,
                1.0,
            )
            for name in named
            if name != rival
        },
        recall=recall,
        class_difference=[_within(one, -1.0, 1.0) for one in by_class],
        class_verdict=[_verdict(one, enough) for one in by_class],
    )


def _figure(
    values: Sequence[float] | NDArray[np.float64],
    test_per_train: float,
    resolution: float,
    row_error: float,
    *,
    most: float = 1.0,
) -> Estimate:
    """Return the estimate of a figure that cannot leave its range."""
    return _within(corrected_estimate(values, test_per_train, resolution=resolution, row_error=row_error), 0.0, most)


def _within(found: Estimate, least: float, most: float) -> Estimate:
    """Return an estimate whose interval stays in the range that there is."""
    if found.low is None or found.high is None:
        return found
    return Estimate(found.mean, max(least, found.low), min(most, found.high))


def _verdict(difference: Estimate, enough: bool) -> Verdict:
    if not enough or difference.low is None or difference.high is None:
        return "no difference"
    return "helps" if difference.low > 0 else "hurts" if difference.high < 0 else "no difference"
