"""Class weights, and weights of rows."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from ganaug.evaluation.trials.weights import class_weight_settings, resampled_weights, weight_argument


def test_the_last_step_of_a_pipeline_takes_the_weights() -> None:
    pipeline = make_pipeline(LogisticRegression())
    assert class_weight_settings(pipeline) == {"logisticregression__class_weight": "balanced"}
    assert weight_argument(pipeline) == "logisticregression__sample_weight"


def test_added_rows_weigh_a_multiple_of_the_mean_of_their_class() -> None:
    weights = resampled_weights(np.array([1.0, 3.0]), np.array(["a", "b"]), np.array(["a", "b", "b"]), 0.5)
    assert weights is not None
    assert weights.tolist() == [1.0, 3.0, 1.5]
