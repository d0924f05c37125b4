"""The two decision rules: the verdict of an evaluation, with its interval, and the choice of model selection.

`compare` answers a reader: does the best arm with synthetic samples beat the best arm without them? It states an
interval. `decision_table` answers `AugmentedClassifier`: which arm, if any, is better than nothing? It must choose one.
Both correct the standard error for overlapping training sets, and allow for the choice among several arms.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.evaluation.arms import Arm
from ganaug.evaluation.scores import METRICS, Score
from ganaug.evaluation.statistics import Estimate, corrected_error, corrected_estimate, largest_t, row_errors

Verdict = Literal["helps", "no difference", "hurts"]
METRIC = "balanced_accuracy"
SIGNIFICANCE = 0.1
"""Probability that `decision_table` chooses any arm although none is better than nothing."""


@dataclass(frozen=True)
class Comparison:
    """The outcome of an evaluation."""

    verdict: Verdict
    chosen: str | None  # the best arm with synthetic samples
    rival: str | None  # the best arm without them
    difference: Estimate  # of their balanced accuracies, split by split
    splits: int  # the number of splits
    metrics: dict[str, dict[str, Estimate]]  # by arm and metric
    to_rival: dict[str, Estimate]  # by arm, the difference to the rival; it does not allow for any choice
    recall: dict[str, list[Estimate]]  # by arm, for each class
    class_difference: list[Estimate]  # for each class, the recall of the chosen arm minus that of the rival
    class_verdict: list[Verdict]  # for each class


def compare(
    scores: Sequence[Mapping[str, Score]],
    arms: Sequence[Arm],
    tested: NDArray[np.int64],
    *,
    test_per_train: float,
    fewest: int = 5,
    test_labels: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compare the best arm with synthetic samples to the best arm without them.

    Both arms are chosen by their mean balanced accuracy over all splits. The interval allows for the choice: the lower
    limit is corrected by Bonferroni for the number of arms with synthetic samples, and the upper limit for the number
    of the other arms. The verdict is "helps" if the lower limit is above zero, and "hurts" if the upper limit is below
    zero. The verdicts of single classes also allow for the number of classes. Any verdict but "no difference" needs
    `fewest` splits.

    `scores` has the scores of each arm, by its name, for each complete split. `tested` (n_classes,) is the number of
    different test rows of each class, and `test_per_train` the number of test rows per training row. `test_labels` (n,)
    are the classes of the test rows, if all splits are tested on the same rows. The splits do not show then how the
    scores vary with the choice of test rows, so that variation is added to the intervals of balanced accuracy and
    recall.
    """
    arms = [arm for arm in arms if scores and all(arm.name in one for one in scores)]
    names, table = [arm.name for arm in arms], _Scores(scores, tested, test_per_train, test_labels)
    n_classes, n_tested = len(tested), int((tested > 0).sum())
    found = Comparison(
        verdict="no difference",
        chosen=None,
        rival=None,
        difference=Estimate(),
        splits=len(scores),
        metrics={name: table.metrics(name) for name in names},
        to_rival={},
        recall={name: [_within(one, 0.0, 1.0) for one in table.recall(name)] for name in names},
        class_difference=[Estimate()] * n_classes,
        class_verdict=["no difference"] * n_classes,
    )
    # The best of ours represents the generator, and is compared to the best of the others.
    ours = [arm for arm in arms if arm.kind in ("gan", "classical+gan")]
    others = [arm for arm in arms if arm.kind in ("nothing", "classical", "placebo")]
    if not ours or not others:
        return found
    chosen, rival = (max(group, key=lambda arm: table.accuracy(arm.name).mean or 0.0).name for group in (ours, others))
    difference = table.accuracy(chosen, rival, choices=(len(ours), len(others)))
    by_class = table.recall(chosen, rival, choices=(len(ours) * n_tested, len(others) * n_tested))
    enough = len(scores) >= fewest
    return replace(
        found,
        verdict=_verdict(difference, enough),
        chosen=chosen,
        rival=rival,
        difference=_within(difference, -1.0, 1.0),
        to_rival={name: _within(table.accuracy(name, rival), -1.0, 1.0) for name in names if name != rival},
        class_difference=[_within(one, -1.0, 1.0) for one in by_class],
        class_verdict=[_verdict(one, enough) for one in by_class],
    )


@dataclass(frozen=True, eq=False)
class _Scores:
    """The scores of all arms on all splits, and estimates from them; the fields are parameters of `compare`."""

    scores: Sequence[Mapping[str, Score]]
    tested: NDArray[np.int64]
    test_per_train: float
    test_labels: NDArray[np.int64] | None

    @property
    def _resolution(self) -> float:
        # One test row moves a mean over classes most if it is of the smallest class.
        judged = self.tested[self.tested > 0]
        return 1 / (len(judged) * int(judged.min())) if len(judged) else 0.0

    def metrics(self, name: str) -> dict[str, Estimate]:
        """Return the estimate of each metric of an arm."""
        by_row = 1 / max(int(self.tested.sum()), 1)
        resolution = {"brier": 2 * by_row, "calibration_error": by_row}
        found = {}
        for metric in METRICS:
            values = np.array([one[name].metrics[metric] for one in self.scores])
            estimate = self._estimate(values, resolution.get(metric, self._resolution))
            found[metric] = self.accuracy(name) if metric == METRIC else estimate
        return {metric: _within(one, 0.0, 2.0 if metric == "brier" else 1.0) for metric, one in found.items()}

    def accuracy(self, name: str, other: str | None = None, choices: tuple[int, int] = (1, 1)) -> Estimate:
        """Return the balanced accuracy of an arm, or its difference to that of another arm."""
        values = [one[name].metrics[METRIC] - (one[other].metrics[METRIC] if other else 0.0) for one in self.scores]
        n_judged = max(int((self.tested > 0).sum()), 1)
        row_error = float(np.sqrt((self._row_errors(name, other) ** 2).sum())) / n_judged
        return self._estimate(np.array(values), self._resolution, row_error, choices)

    def recall(self, name: str, other: str | None = None, choices: tuple[int, int] = (1, 1)) -> list[Estimate]:
        """Return for each class the recall of an arm, or its difference to that of another arm."""
        values = np.array([one[name].recall - (one[other].recall if other else 0.0) for one in self.scores])
        resolutions, errors = 1 / np.maximum(self.tested, 1), self._row_errors(name, other)
        return [
            self._estimate(values[:, c], float(resolutions[c]), float(errors[c]), choices)
            for c in range(len(self.tested))
        ]

    def _estimate(
        self,
        values: NDArray[np.float64],
        resolution: float,
        row_error: float = 0.0,
        choices: tuple[int, int] = (1, 1),
    ) -> Estimate:
        low, high = choices
        return corrected_estimate(
            values, self.test_per_train, chosen_low=low, chosen_high=high, resolution=resolution, row_error=row_error
        )

    def _row_errors(self, name: str, other: str | None) -> NDArray[np.float64]:
        """Return the part of the standard error of each class's recall that the choice of test rows adds."""
        if self.test_labels is None:
            return np.zeros(len(self.tested))
        hits = np.mean(
            [one[name].hit.astype(float) - (one[other].hit if other else 0.0) for one in self.scores], axis=0
        )
        return row_errors(hits, self.test_labels, len(self.tested))


def _within(found: Estimate, least: float, most: float) -> Estimate:
    """Return the estimate with its limits cut off at the ends of the possible range."""
    if found.low is None or found.high is None:
        return found
    return Estimate(found.mean, max(least, found.low), min(most, found.high))


def _verdict(difference: Estimate, enough: bool) -> Verdict:
    if not enough or difference.low is None or difference.high is None:
        return "no difference"
    return "helps" if difference.low > 0 else "hurts" if difference.high < 0 else "no difference"


def decision_table(
    arms: Sequence[Arm],
    scores: Mapping[str, Sequence[float]],
    folds: int,
    reason: str = "",
    notes: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return what was compared, and which arm model selection chooses.

    An arm passes if its mean difference to "nothing" exceeds its corrected standard error times a critical value: the
    value that the largest of the t statistics of all arms, correlated as their differences are, exceeds with
    probability `SIGNIFICANCE` although no arm is better. The passing arm with the best mean score is chosen. If none
    passes, the first arm, "nothing", is chosen, and `reason` is its note.

    `scores` has by the name of each arm its scores in the order of the splits, fewer for an arm that was dropped.
    `notes` has by the name of an arm why it was impossible; such an arm does not pass. The table has one row for each
    arm: `candidate`, `score` (mean), `difference` (mean difference to "nothing"), `standard_error` (of the difference),
    `needed` (the difference that an arm must exceed to pass), `splits`, `chosen` and `note`.
    """
    nothing = np.array(scores.get("nothing", []))
    critical = _critical_value(scores, nothing)
    rows = []
    for arm in arms:
        own = np.array(scores.get(arm.name, []))
        difference, error = math.nan, math.nan
        if len(own) > 1 and arm.kind != "nothing":
            gains = own - nothing[: len(own)]
            difference, error = gains.mean(), corrected_error(gains, 1 / (folds - 1))
        rows.append(
            {
                "candidate": arm.name,
                "score": own.mean() if len(own) else math.nan,
                "difference": difference,
                "standard_error": error,
                "needed": critical * error,
                "splits": len(own),
                "note": (notes or {}).get(arm.name, ""),
            }
        )
    table = pd.DataFrame(rows)
    passed = (table["difference"] > 0) & (table["difference"] > table["needed"]) & (table["note"] == "")
    passed &= table["splits"] == len(nothing)  # the arm was never dropped
    best = table["score"].where(passed).idxmax() if passed.any() else 0
    table.insert(6, "chosen", table.index == best)
    if reason:
        table.loc[0, "note"] = reason
    return table


def _critical_value(scores: Mapping[str, Sequence[float]], nothing: NDArray[np.float64]) -> float:
    compared = [own for name, own in scores.items() if name != "nothing" and len(own) > 1]
    if not compared:
        return math.nan
    common = min(map(len, compared))
    differences = np.array([own[:common] for own in compared]).T - nothing[:common, None]
    return largest_t(differences, len(nothing) - 1, SIGNIFICANCE)
