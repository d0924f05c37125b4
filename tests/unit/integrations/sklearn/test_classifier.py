"""The classifier that augments while it is fitted, and its model selection policy."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from imblearn.utils.estimator_checks import parametrize_with_checks as imblearn_checks
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks as sklearn_checks

import ganaug.training
from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.evaluation.arms import NOTHING, Arm
from ganaug.evaluation.selection import MIN_SPLITS, RUNGS, arms_for
from ganaug.evaluation.splits import fold_count, folds_of
from ganaug.evaluation.statistics import corrected_error
from ganaug.evaluation.trials.training_rows import categorical_positions
from ganaug.evaluation.verdict import decision_table
from ganaug.integrations.sklearn import AugmentedClassifier, GANAugmenter, GANSampler
from tests.remembered import borrowed_fits, fit_or_remember, remembered_fits

__all__ = ["borrowed_fits", "remembered_fits"]

pytestmark = pytest.mark.usefixtures("remembered_fits")

GAN = GANSampler(max_steps=2, random_state=0)
REPEATS = RandomOverSampler(random_state=0)
ALWAYS = AugmentedClassifier(LogisticRegression(), GAN, policy="always", random_state=0)
AUTO = AugmentedClassifier(LogisticRegression(), REPEATS, random_state=0)

RANDOM = "a row of weight two and the same row twice are different data to a generator"
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": RANDOM,
    "check_sample_weight_equivalence_on_sparse_data": RANDOM,
}


def _expected(estimator: AugmentedClassifier) -> dict[str, str]:
    return EXPECTED_FAILURES if estimator.policy == "always" else {}


# Classes of one row, of which the generator warns, are nothing special to these checks.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ganaug.errors.GanaugWarning")
@pytest.mark.usefixtures("borrowed_fits")
@sklearn_checks([ALWAYS, AUTO], expected_failed_checks=_expected)
def test_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ganaug.errors.GanaugWarning")
@imblearn_checks([ALWAYS, AUTO])
def test_imbalanced_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Return a rare class that a classifier ignores unless something is done."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (380, 4)), rng.normal(0.8, 1, (40, 4))])
    return X, np.array(["common"] * 380 + ["rare"] * 40)


@pytest.fixture(scope="module")
def noise() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(90, 4)), np.array([0] * 70 + [1] * 20)


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted with."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Recorder":
        self.X_, self.y_, self.weights_ = X, y, sample_weight
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.repeat(self.classes_[:1], len(X))


def test_always_fits_to_the_samplers_rows(noise: Any) -> None:
    X, y = noise
    model = AugmentedClassifier(Recorder(), GAN, policy="always").fit(X, y)
    expected_X, expected_y = clone(GAN).fit_resample(X, y)
    np.testing.assert_array_equal(model.estimator_.X_, expected_X)
    np.testing.assert_array_equal(model.estimator_.y_, expected_y)
    assert model.estimator_.weights_ is None
    assert model.sampler_.is_synthetic_.sum() == 50
    assert model.decision_["chosen"].tolist() == [True]
    assert not hasattr(GAN, "generator_")


def test_the_policy_keeps_nothing_where_nothing_can_help(noise: Any) -> None:
    model = AugmentedClassifier(LogisticRegression(), REPEATS, scoring="roc_auc", random_state=0).fit(*noise)
    table = model.decision_
    assert table[table["chosen"]]["candidate"].tolist() == ["nothing"]
    assert table["candidate"].tolist() == [
        "nothing",
        "class weights",
        "random oversampling",
        "SMOTE",
        "RandomOverSampler",
    ]
    assert model.sampler_ is None
    np.testing.assert_array_equal(
        model.predict_proba(noise[0]), LogisticRegression().fit(*noise).predict_proba(noise[0])
    )


def test_the_policy_keeps_what_helps_by_more_than_the_noise(overlapping: Any) -> None:
    model = AugmentedClassifier(LogisticRegression(), REPEATS, random_state=0).fit(*overlapping)
    chosen = model.decision_[model.decision_["chosen"]].iloc[0]
    assert chosen["candidate"] != "nothing"
    assert chosen["difference"] > chosen["needed"] > chosen["standard_error"] > 0
    assert chosen["splits"] == 10
    assert chosen["score"] == model.decision_.loc[model.decision_["splits"] == 10, "score"].max()
    plain = LogisticRegression().fit(*overlapping)
    X, y = overlapping
    assert balanced_accuracy_score(y, model.predict(X)) > balanced_accuracy_score(y, plain.predict(X)) + 0.05


@pytest.mark.slow
def test_each_inner_generator_is_trained_once_and_briefly(overlapping: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []

    def counted(data: Dataset, **settings: Any) -> Any:
        fits.append((len(data), settings["max_steps"], settings["time_budget"]))
        return fit_or_remember(from_frame(shown, ["common"] * 10 + ["rare"] * 3), **known)

    shown = pd.DataFrame(np.random.default_rng(0).normal(size=(13, 4)), columns=["x0", "x1", "x2", "x3"])
    known = {"max_steps": 2, "random_state": 0}
    monkeypatch.setattr(ganaug.training, "fit", counted)
    sampler = GANSampler(max_steps=4_000, time_budget=50.0)
    model = AugmentedClassifier(DecisionTreeClassifier(max_depth=2), sampler, random_state=0).fit(*overlapping)
    inner = [fit for fit in fits if fit[0] < 420]
    assert set(inner) == {(336, 500, 5.0)}
    assert len(inner) in (*RUNGS, MIN_SPLITS)
    names = model.decision_["candidate"].tolist()
    assert names[-3:] == ["GAN, a quarter of the gap", "GAN, half the gap", "GAN, the whole gap"]


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_chosen_share_of_the_gap_is_filled(share: float, noise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = Arm("GAN", "gan", share)
    monkeypatch.setattr(AugmentedClassifier, "_decide", lambda *_: (arm, {1: 50}))
    model = AugmentedClassifier(Recorder(), GAN).fit(*noise)
    assert np.bincount(model.estimator_.y_).tolist() == [70, 20 + round(50 * share)]
    assert model.sampler_.generator_.classes == (0, 1)


@pytest.mark.parametrize("counts", [(20, 1), (20, 2), (30, 2, 1)])
def test_too_few_rows_keep_nothing_and_say_so(counts: tuple[int, ...]) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.random.default_rng(0).normal(size=(len(y), 3))
    model = AugmentedClassifier(GaussianNB(), GAN, random_state=0).fit(X, y)
    assert model.decision_["chosen"].tolist() == [True] + [False] * 5
    assert "too few rows" in model.decision_["note"][0]


def test_balanced_data_need_nothing() -> None:
    model = AugmentedClassifier(GaussianNB(), GAN).fit(np.arange(20.0)[:, None], [0, 1] * 10)
    assert model.decision_["note"][0] == "the classes lack no rows"


def test_a_class_smaller_than_the_folds_is_always_trained_on() -> None:
    y = np.array([0] * 20 + [1] * 4 + [2])
    assert fold_count(y) == 4
    splits = list(folds_of(y, 4, np.random.RandomState(0)))
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(24))
    for train, test in splits:
        assert 24 in train
        assert not set(train) & set(test)
        assert set(y[test]) == {0, 1}
    X = np.random.default_rng(0).normal(size=(25, 3))
    model = AugmentedClassifier(LogisticRegression(), REPEATS, random_state=0).fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]


def test_the_rule() -> None:
    assert corrected_error(np.array([0.0, 0.2]), 0.5) == pytest.approx(np.sqrt((0.5 + 0.5) * 0.02))
    arms = [
        NOTHING,
        Arm("a", "classical", filled="repeats"),
        Arm("b", "classical", filled="altered"),
        Arm("c", "sampler"),
    ]
    nothing = np.array([0.5, 0.6, 0.55, 0.5, 0.6])
    better = nothing + np.array([0.1, 0.12, 0.11, 0.1, 0.1])
    noisy = nothing + np.array([0.6, -0.2, 0.3, 0.0, 0.1])
    scores = {"nothing": nothing.tolist(), "a": better.tolist(), "b": noisy.tolist(), "c": [0.9, 0.9]}
    table = decision_table(arms, scores, folds=5)
    assert table[table["chosen"]]["candidate"].tolist() == ["a"]
    assert table["splits"].tolist() == [5, 5, 5, 2]
    assert table["score"][2] > table["score"][1]


def test_what_is_tried_depends_on_the_data_and_the_estimator() -> None:
    def names(estimator: Any, X: Any, sampler: Any = GAN) -> list[str]:
        return [arm.name for arm in arms_for(estimator, sampler, X)]

    X = np.zeros((4, 2))
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    assert names(LogisticRegression(), X)[:4] == ["nothing", "class weights", "random oversampling", "SMOTE"]
    assert "class weights" not in names(LogisticRegression(class_weight="balanced"), X)
    assert "class weights" not in names(KNeighborsClassifier(), X)
    assert "SMOTENC" in names(GaussianNB(), frame)
    assert names(GaussianNB(), frame[["b"]], REPEATS) == ["nothing", "random oversampling", "RandomOverSampler"]
    assert categorical_positions(np.array([[np.nan, 1.0]])) is None
    assert categorical_positions(np.zeros((4, 3, 3))) is None
    assert categorical_positions(frame.assign(c=pd.Timestamp("2020"))) is None
    assert categorical_positions(X, [1]) == [1]
    assert "SMOTENC" in names(GaussianNB(), X, GANSampler(categorical_features=[1]))


@pytest.mark.parametrize("sampler", [SMOTE(random_state=0), SMOTENC([1], random_state=0), REPEATS], ids=str)
def test_a_given_over_sampler_is_one_candidate(sampler: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 3)).round(), np.array([0] * 90 + [1] * 20 + [2] * 10)
    model = AugmentedClassifier(LogisticRegression(), sampler, random_state=0).fit(X, y)
    names = model.decision_["candidate"].tolist()
    assert len(set(names)) == len(names)
    assert names[-1] == type(sampler).__name__
    assert set(model.decision_["splits"]) <= {*RUNGS, MIN_SPLITS}


class Smooth(RandomOverSampler):
    """An over-sampler of somebody else that can draw rows too, but has no parameters of a training."""

    def sample(self, n: int) -> np.ndarray:
        return np.zeros((n, 4))


def test_another_over_sampler_that_draws_rows_is_one_candidate(noise: Any) -> None:
    model = AugmentedClassifier(LogisticRegression(), Smooth(random_state=0), random_state=0).fit(*noise)
    names = model.decision_["candidate"].tolist()
    assert names == ["nothing", "class weights", "random oversampling", "SMOTE", "Smooth"]


def test_always_looks_for_no_categorical_columns(noise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("ganaug.evaluation.selection.categorical_positions", fail)
    model = AugmentedClassifier(LogisticRegression(), REPEATS, policy="always").fit(*noise)
    assert model.sampler_ is not None


def test_mixed_columns_through_a_pipeline() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y"], 60), "c": rng.normal(size=60)})
    y = pd.Series(["no"] * 48 + ["yes"] * 12, name="t")
    columns = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    estimator = make_pipeline(columns, LogisticRegression())
    model = AugmentedClassifier(estimator, REPEATS, random_state=0).fit(frame, y)
    assert set(model.decision_["candidate"]) >= {"class weights", "SMOTENC"}
    assert (model.decision_["note"] == "").all()
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        model.predict(frame.rename(columns={"a": "z"}))


def brier(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    probabilities = model.predict_proba(X)
    return float(((probabilities - (y[:, None] == model.classes_)) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("sampler", [REPEATS, SMOTE(random_state=0), GAN], ids=lambda sampler: type(sampler).__name__)
def test_correcting_the_prior_lowers_the_brier_score(sampler: Any, overlapping: Any) -> None:
    X, y = overlapping
    train, test = np.arange(420) % 2 == 0, np.arange(420) % 2 == 1
    models = [
        AugmentedClassifier(LogisticRegression(), sampler, policy="always", correct_prior=correct).fit(
            X[train], y[train]
        )
        for correct in (False, True)
    ]
    resampled, corrected = (brier(model, X[test], y[test]) for model in models)
    assert corrected < resampled
    if sampler is not GAN:
        assert corrected < resampled - 0.05
        assert corrected == pytest.approx(
            brier(LogisticRegression().fit(X[train], y[train]), X[test], y[test]), abs=0.02
        )
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))
    np.testing.assert_allclose(models[1].predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(models[1].predict_log_proba(X)), models[1].predict_proba(X))


def test_the_prior_after_class_weights(overlapping: Any) -> None:
    model = AugmentedClassifier(LogisticRegression(), REPEATS, correct_prior=True, random_state=0).fit(*overlapping)
    assert model.decision_["chosen"][1:].any()
    assert brier(model, *overlapping) == pytest.approx(
        brier(LogisticRegression().fit(*overlapping), *overlapping), abs=0.02
    )


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), DecisionTreeClassifier(max_depth=1), make_pipeline(LinearSVC())],
    ids=lambda estimator: type(estimator).__name__,
)
def test_class_weights_make_up_for_rows_weights(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the rare class weigh so much that neither class is rare: there is nothing left to balance."""
    monkeypatch.setattr("ganaug.integrations.sklearn.classifier.select_arm", only_class_weights)
    X, y = np.zeros((250, 1)), np.array(["no"] * 200 + ["yes"] * 50)
    weights = np.where(y == "yes", 4.0, 1.0)
    model = AugmentedClassifier(estimator, REPEATS, correct_prior=hasattr(estimator, "predict_proba"))
    model.fit(X, y, sample_weight=weights)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(model.predict_proba(X[:1]), [[0.5, 0.5]], atol=1e-3)
    else:
        assert model.estimator_[-1].class_weight == {"no": 1.0, "yes": 1.0}


def only_class_weights(arms: list[Arm], *_: Any, **__: Any) -> pd.DataFrame:
    return pd.DataFrame({"chosen": [arm.weighted for arm in arms]})


def test_weights_through_resampling(noise: Any) -> None:
    X, y = noise
    weights = np.linspace(1, 3, len(y))
    model = AugmentedClassifier(Recorder(), GAN, policy="always", synthetic_weight=0.5).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(model.estimator_.weights_[:90], weights)
    np.testing.assert_allclose(model.estimator_.weights_[90:], 0.5 * weights[y == 1].mean())
    unweighted = AugmentedClassifier(Recorder(), GAN, policy="always", synthetic_weight=0.5).fit(X, y)
    np.testing.assert_array_equal(unweighted.estimator_.weights_, [1.0] * 90 + [0.5] * 50)
    pipeline = make_pipeline(StandardScaler(), Recorder())
    inside = AugmentedClassifier(pipeline, GAN, policy="always").fit(X, y, sample_weight=weights)
    assert len(inside.estimator_[-1].weights_) == 140
    with pytest.raises(DataError, match=r"must take sample_weight.*KNeighborsClassifier does not"):
        AugmentedClassifier(KNeighborsClassifier(), GAN).fit(X, y, sample_weight=weights)
    with pytest.raises(DataError, match="keeps the rows and adds others"):
        AugmentedClassifier(Recorder(), RandomUnderSampler(), policy="always").fit(X, y, sample_weight=weights)


@pytest.mark.slow
def test_metadata_routing(noise: Any) -> None:
    X, y = noise
    weights = np.linspace(1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = AugmentedClassifier(Recorder(), GAN, policy="always")
        classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        model = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), classifier)
        model.fit(X, y, sample_weight=weights)
        assert cross_val_score(classifier, X, y, params={"sample_weight": weights}, cv=2).shape == (2,)
    np.testing.assert_array_equal(model[-1].estimator_.weights_[:90], weights)


@pytest.mark.parametrize("asked", [None, True, False])
def test_weights_of_a_pipeline_with_metadata_routing(asked: bool | None, noise: Any) -> None:
    X, y = noise
    weights = np.linspace(1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler() if asked is None else StandardScaler().set_fit_request(sample_weight=asked)
        model = AugmentedClassifier(make_pipeline(scaler, Recorder()), GAN, policy="always", synthetic_weight=0.5)
        weighted = clone(model).fit(X, y, sample_weight=weights).estimator_
        np.testing.assert_array_equal(weighted[-1].weights_[:90], weights)
        np.testing.assert_array_equal(clone(model).fit(X, y).estimator_[-1].weights_, [1.0] * 90 + [0.5] * 50)
        refit = StandardScaler().fit(clone(GAN).fit_resample(X, y)[0], sample_weight=weighted[-1].weights_)
    plain = clone(model).set_params(estimator=make_pipeline(StandardScaler(), Recorder()))
    unrouted = plain.fit(X, y, sample_weight=weights).estimator_
    np.testing.assert_array_equal(unrouted[-1].weights_, weighted[-1].weights_)
    np.testing.assert_allclose(weighted[0].mean_, refit.mean_ if asked else unrouted[0].mean_)
    columns = make_column_transformer((StandardScaler(), [0]), remainder=StandardScaler())
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_params(estimator=make_pipeline(columns, "passthrough", Recorder())).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(model.estimator_[-1].weights_[:90], weights)


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize("estimator", [LinearSVC(), DecisionTreeClassifier(), LogisticRegression()], ids=str)
def test_methods_are_there_only_where_the_estimator_has_them(estimator: Any, method: str, noise: Any) -> None:
    for correct_prior in (False, True):
        model = AugmentedClassifier(estimator, REPEATS, policy="always", correct_prior=correct_prior)
        assert hasattr(model, method) == hasattr(estimator, method)
        model.fit(*noise)
        assert hasattr(model, method) == hasattr(estimator, method)
        if hasattr(estimator, method):
            assert len(getattr(model, method)(noise[0])) == 90
    with pytest.raises(NotFittedError):
        AugmentedClassifier(estimator).predict(noise[0])


def test_grid_search_over_the_sampler(noise: Any) -> None:
    grid = {"sampler__sampling_strategy": [0.5, "auto"], "estimator__C": [0.1, 1.0]}
    search = GridSearchCV(ALWAYS, grid, cv=2, scoring="balanced_accuracy", error_score="raise").fit(*noise)
    assert search.best_estimator_.sampler_.sampling_strategy == search.best_params_["sampler__sampling_strategy"]


@pytest.mark.slow
def test_cross_validation_in_two_processes(noise: Any) -> None:
    pipeline = make_pipeline(StandardScaler(), ALWAYS)
    alone = cross_val_score(pipeline, *noise, cv=2, error_score="raise")
    np.testing.assert_array_equal(cross_val_score(pipeline, *noise, cv=2, n_jobs=2, error_score="raise"), alone)


def test_pickle(noise: Any) -> None:
    model = clone(ALWAYS).fit(*noise)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(copy.predict_proba(noise[0]), model.predict_proba(noise[0]))
    assert copy.sampler_.generator_.to_bytes() == model.sampler_.generator_.to_bytes()


def test_one_seed_makes_everything_repeat(noise: Any) -> None:
    def fitted() -> AugmentedClassifier:
        tree = DecisionTreeClassifier(max_features=1)
        return AugmentedClassifier(tree, RandomOverSampler(), random_state=3).fit(*noise)

    first, second = fitted(), fitted()
    pd.testing.assert_frame_equal(first.decision_, second.decision_)
    np.testing.assert_array_equal(first.predict(noise[0]), second.predict(noise[0]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sampler": GANAugmenter()}, "'sampler' parameter of AugmentedClassifier must be .*fit_resample"),
        ({"policy": "never"}, "'policy' parameter"),
        ({"scoring": "no such score"}, "'scoring' parameter"),
        ({"synthetic_weight": -1}, "'synthetic_weight' parameter"),
        ({"estimator": LinearRegression()}, "must be a classifier, but LinearRegression is a regressor"),
        ({"estimator": StandardScaler()}, "'estimator' parameter of AugmentedClassifier must be .*predict"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str, noise: Any) -> None:
    with pytest.raises(ValueError, match=message):
        AugmentedClassifier(**{"estimator": LogisticRegression(), **parameters}).fit(*noise)


def test_under_samplers_and_scores_of_probabilities() -> None:
    X, y = make_classification(n_samples=90, weights=[0.8], random_state=0)
    sampler = RandomUnderSampler(random_state=0)
    model = AugmentedClassifier(
        LogisticRegression(), sampler, scoring="neg_brier_score", correct_prior=True, random_state=0
    )
    assert model.fit(X, y).decision_["splits"].max() >= 5


@pytest.mark.parametrize("rows", [np.empty((0, 3)), np.empty((20, 0)), []])
def test_nothing_to_learn_from_is_said_in_scikit_learns_words(rows: Any) -> None:
    labels = np.arange(len(rows)) % 2
    with pytest.raises(ValueError, match=r"Found array with 0 (sample|feature)\(s\)"):
        AugmentedClassifier(LogisticRegression()).fit(rows, labels)


def test_scoring_that_cannot_do_without_a_class_is_refused() -> None:
    y = np.array([0] * 40 + [1] * 12 + [2] * 2)
    X = np.random.default_rng(0).normal(size=(len(y), 3)) + y[:, None]
    model = AugmentedClassifier(LogisticRegression(), scoring="neg_log_loss", random_state=0)
    with pytest.raises(DataError, match=r"without rows of \[2\].*'neg_log_loss'"):
        model.fit(X, y)
