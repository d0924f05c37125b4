"""A split of rows in any container: a scikit-learn estimator, scored by the user's scorer."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import GanaugWarning
from ganaug.evaluation.arms import Arm
from ganaug.evaluation.splits import Split
from ganaug.evaluation.trials.base import ImpossibleArmError, Trial
from ganaug.evaluation.trials.training_rows import LabelledRows, TrainingRows

Fit = Callable[[Arm, LabelledRows, NDArray[np.int64]], Any]
"""``fit(arm, treated, train)`` fits a fresh estimator to treated rows, which were made from the rows at `train`."""
Scorer = Callable[[Any, NDArray[np.int64]], float]
"""``scorer(model, test)`` scores a fitted estimator on the rows at `test`."""


class EstimatorTrial(Trial[float]):
    """A split of rows in any container.

    Parameters
    ----------
    rows : TrainingRows
        The training rows of the split.
    split : Split
    fit, scorer : callable
        See `Fit` and `Scorer`.
    """

    def __init__(self, rows: TrainingRows, split: Split, *, fit: Fit, scorer: Scorer) -> None:
        self.rows, self.split, self.fit, self.scorer = rows, split, fit, scorer

    def score(self, arm: Arm) -> float:
        """Treat the rows as the arm says, fit the estimator, and score it on the test rows."""
        try:
            with warnings.catch_warnings():
                # The generators of a comparison are discarded. The one that is kept will give its warnings.
                warnings.simplefilter("ignore", GanaugWarning)
                treated = self.rows.treated(arm)
        except (TypeError, ValueError) as error:
            # SMOTE refuses some columns that the other arms accept.
            if arm.filled == "altered":
                raise ImpossibleArmError(f"not possible here: {error}") from error
            raise
        return self.scorer(self.fit(arm, treated, self.split.train), self.split.test)
