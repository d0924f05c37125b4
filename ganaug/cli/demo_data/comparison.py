"""Recall with and without synthetic samples, side by side, and what it says in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AS_IT_IS", "REPEATED", "SYNTHETIC", "Comparison"]

AS_IT_IS, REPEATED, SYNTHETIC = "as it is", "repeated", "synthetic"


@dataclass(frozen=True)
class Comparison:
    """Recall of the same classifier, trained the same way on differently balanced data.

    Attributes
    ----------
    noun : str
        What the data are: "images" or "rows".
    classes : sequence of str
    counts : sequence of int
        Real training items of each class.
    recall : dict of str to ndarray of shape (n_seeds, n_classes)
        By what the classifier was trained on; `SYNTHETIC` is one of several.
    """

    noun: str
    classes: Sequence[str]
    counts: Sequence[int]
    recall: dict[str, NDArray[np.float64]]

    def table(self) -> str:
        """Return the recalls side by side, in percent, and their means: the balanced accuracies."""
        means = {arm: recall.mean(axis=0) for arm, recall in self.recall.items()}
        names = [*self.classes, "balanced"]
        width = max(map(len, names))
        lines = [f"{'class':<{width}}{self.noun:>8}" + "".join(f"{arm:>12}" for arm in means)]
        columns = [[*(100 * mean), 100 * mean.mean()] for mean in means.values()]
        for row, (name, count) in enumerate(zip(names, [*self.counts, sum(self.counts)], strict=True)):
            lines.append(f"{name:<{width}}{count:>8}" + "".join(f"{column[row]:>12.1f}" for column in columns))
        return "\n".join(lines)

    def verdict(self) -> str:
        """Return whether the synthetic samples helped against the best of the others, and against nothing."""
        accuracy = {arm: recall.mean(axis=1) for arm, recall in self.recall.items()}  # (n_seeds,)
        others = [arm for arm in accuracy if arm != SYNTHETIC]
        rival = max(others, key=lambda arm: float(accuracy[arm].mean()))
        gains = 100 * (accuracy[SYNTHETIC] - accuracy[rival])
        gain, spread = float(gains.mean()), float(gains.std(ddof=1)) if len(gains) > 1 else 0.0
        outcome = "made no difference" if abs(gain) <= spread else "helped" if gain > 0 else "hurt"
        beside = ""
        if rival != AS_IT_IS:
            change = 100 * float((accuracy[SYNTHETIC] - accuracy[AS_IT_IS]).mean())
            beside = f" Against the {self.noun} as they are it changed by {change:+.1f}."
        return (
            f"Here synthetic {self.noun} {outcome}: balanced accuracy changed by {gain:+.1f} points against the best "
            f"of the others ({rival!r}), with a spread of {spread:.1f} over {len(gains)} seeds.{beside}"
        )
