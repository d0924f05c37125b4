"""A trial of a table."""

import numpy as np
import pandas as pd

from ganaug.data.tables.dataset import from_frame
from ganaug.evaluation.arms import TABLE_ARMS
from ganaug.evaluation.trials.tables import TableTrial
from tests.fakes import copier


def test_a_table_of_all_sorts_goes_through_every_arm() -> None:
    """Missing numbers, dates, text, truth values; the test part has a category that the training part has not."""
    from sklearn.linear_model import LogisticRegression

    rng, n = np.random.default_rng(0), 60
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
            "town": rng.choice(["A", "B"], n),
            "member": rng.random(n) < 0.5,
        }
    )
    frame.loc[::7, "number"] = np.nan
    frame.loc[59, "town"] = "C"
    table = from_frame(frame, ["no"] * 40 + ["yes"] * 20)
    train, test = table.part(np.arange(0, 58)), table.part(np.array([5, 58, 59]))
    trial = TableTrial(train, test, copier(train), seed=0, estimator=LogisticRegression(max_iter=2000))
    for arm in TABLE_ARMS:
        opinion = trial.predict(arm)
        assert opinion.probability.shape == (3, 2)
        assert np.allclose(opinion.probability.sum(axis=1), 1)


def test_wide_gaps_of_tables_are_filled_in_every_arm() -> None:
    """A generator's rows are not capped where SMOTE's are not."""
    from sklearn.naive_bayes import GaussianNB

    labels = ["no"] * 12_000 + ["yes"] * 40
    table = from_frame(pd.DataFrame({"x": np.random.default_rng(0).normal(size=len(labels))}), labels)
    trial = TableTrial(table, table.part(np.array([0, 12_000])), copier(table), seed=0, estimator=GaussianNB())
    sizes = {arm.name: len(trial.rows.treated(arm)[1]) for arm in TABLE_ARMS if arm.share or arm.filled}
    assert sizes["GAN, the whole gap"] == sizes["SMOTE"] == 24_000
    assert sizes["GAN, half the gap"] == 12_040 + 5_980
