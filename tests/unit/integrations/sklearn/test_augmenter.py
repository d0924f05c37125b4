"""The scikit-learn and imbalanced-learn faces: contracts, containers, labels, strategies, images, bad input."""

import pickle
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import imblearn.pipeline
import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn.pipeline
import torch
from imblearn.utils.estimator_checks import check_samplers_string
from imblearn.utils.estimator_checks import parametrize_with_checks as imblearn_checks
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks as sklearn_checks

from ganaug.errors import DataError, GanaugWarning
from ganaug.integrations.sklearn import GANAugmenter, GANSampler
from ganaug.runtime.generator import Generator
from ganaug.training.run import Run
from tests.conftest import name_of
from tests.remembered import borrowed_fits, remembered_fits

__all__ = ["borrowed_fits", "remembered_fits"]

pytestmark = pytest.mark.usefixtures("remembered_fits")

QUICK: dict[str, Any] = {"max_steps": 2, "random_state": 0}

WITHOUT_Y = "calls transform without y, which this transformer refuses: it adds rows, and they need labels"
WITHOUT_FIT_TRANSFORM = "calls fit_transform, which there is none: it would keep the number of rows"
EXPECTED_FAILURES = {
    "check_dict_unchanged": WITHOUT_Y,
    "check_dtype_object": WITHOUT_Y,
    "check_estimators_dtypes": WITHOUT_Y,
    "check_estimators_pickle": WITHOUT_Y,
    "check_f_contiguous_array_estimator": WITHOUT_Y,
    "check_fit_idempotent": WITHOUT_Y,
    "check_methods_sample_order_invariance": WITHOUT_Y,
    "check_methods_subset_invariance": WITHOUT_Y,
    "check_transformer_data_not_an_array": WITHOUT_FIT_TRANSFORM,
    "check_transformer_general": WITHOUT_FIT_TRANSFORM,
}


# Classes of one row, of which the generator warns, are nothing special to these checks.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ganaug.errors.GanaugWarning")
@imblearn_checks([GANSampler(**QUICK)])
def test_sampler_keeps_imbalanced_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ganaug.errors.GanaugWarning")
@sklearn_checks([GANSampler(**QUICK)])
def test_sampler_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.usefixtures("borrowed_fits")
@pytest.mark.filterwarnings("ignore::ganaug.errors.GanaugWarning")
@sklearn_checks([GANAugmenter(**QUICK)], expected_failed_checks=lambda _estimator: EXPECTED_FAILURES)
def test_augmenter_keeps_scikit_learns_contract(estimator: Any, check: Any) -> None:
    check(estimator)


def test_sampler_takes_text_in_arrays() -> None:
    check_samplers_string("GANSampler", GANSampler(**QUICK))


RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).round(3)
X[:, 2] = RNG.integers(0, 2, 40)
Y = np.array([0] * 24 + [1] * 6 + [2] * 10)


@pytest.fixture
def augmenter() -> GANAugmenter:
    return GANAugmenter(**QUICK).fit(X, Y)


CONTAINERS = {
    "array": X,
    "float32": X.astype(np.float32),
    "frame": pd.DataFrame(X, columns=["x0", "x1", "x2", "x3"], index=range(100, 140)),
    "list": X.tolist(),
    "tuple": tuple(map(tuple, X.tolist())),
    "csr": sparse.csr_matrix(X),
    "csc": sparse.csc_array(X),
    "coo": sparse.coo_array(X),
    "lil": sparse.lil_matrix(X),
    "thin frame": pd.DataFrame(X, dtype=pd.SparseDtype(float, 0)),
}


def dense(rows: Any) -> np.ndarray:
    return np.asarray(rows.toarray() if sparse.issparse(rows) else rows, dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers_come_back_with_the_same_rows(kind: str, augmenter: GANAugmenter) -> None:
    given = CONTAINERS[kind]
    result, labels = GANSampler(**QUICK).fit_resample(given, Y)
    assert type(result) is (list if kind == "tuple" else type(given))
    if isinstance(given, pd.DataFrame):
        assert result.dtypes.tolist() == given.dtypes.tolist()
        assert result.columns.tolist() == given.columns.tolist()
        assert result.index.tolist() == list(range(72))
    elif kind not in ("list", "tuple"):
        assert result.dtype == given.dtype
        assert getattr(result, "format", None) == getattr(given, "format", None)
    np.testing.assert_array_equal(dense(result)[:40], dense(given))
    expected, expected_labels = augmenter.transform(X, Y)
    tolerance = 1e-3 if kind == "float32" else 0
    np.testing.assert_allclose(dense(result), expected, atol=tolerance, rtol=tolerance)
    np.testing.assert_array_equal(labels, expected_labels)


def test_originals_first_then_synthetic_in_the_order_of_classes(augmenter: GANAugmenter) -> None:
    rows, labels = augmenter.transform(X, Y)
    np.testing.assert_array_equal(rows[:40], X)
    np.testing.assert_array_equal(labels, [*Y, *[1] * 18, *[2] * 14])
    np.testing.assert_array_equal(augmenter.is_synthetic_, [False] * 40 + [True] * 32)
    assert augmenter.sampling_strategy_ == {1: 18, 2: 14}
    assert set(rows[40:, 2]) <= {0.0, 1.0}
    assert isinstance(augmenter.history_, pd.DataFrame)
    assert len(augmenter.history_) > 0


def test_any_other_container_after_the_fit(augmenter: GANAugmenter) -> None:
    rows, _ = augmenter.transform(sparse.csr_array(X), Y)
    np.testing.assert_allclose(rows.toarray(), augmenter.transform(X, Y)[0])


@pytest.mark.slow
def test_frames_keep_every_dtype() -> None:
    frame = pd.DataFrame(
        {
            "age": pd.array([*RNG.integers(18, 90, 39).tolist(), None], dtype="Int64"),
            "paid": pd.array(RNG.integers(0, 2, 40).astype(bool), dtype="boolean"),
            "city": RNG.choice(["Oslo", "Rome"], 40),
            "size": pd.Categorical(RNG.choice(["s", "m"], 40), categories=["s", "m", "l"], ordered=True),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 900, 40), unit="D"),
            "load": np.where(RNG.random(40) < 0.2, np.nan, RNG.random(40)).astype(np.float32),
            "rooms": RNG.integers(0, 5, 40).astype(np.int8),
            "stay": pd.to_timedelta(np.arange(40) % 11, unit="D").as_unit("s"),
            "month": pd.period_range("2020-01", periods=40, freq="M"),
            "price": pd.Series([Decimal(int(cents)).scaleb(-2) for cents in np.arange(40) ** 3]),
            "fee": pd.Series([Decimal(cents) for cents in range(40)], dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
            "seen": pd.Series(pd.date_range("2024", periods=40, tz="Asia/Tokyo").to_pydatetime(), dtype=object),
        }
    )
    rows, labels = GANSampler(**QUICK).fit_resample(frame, pd.Series(Y, name="target", index=range(5, 45)))
    assert rows.dtypes.tolist() == frame.dtypes.tolist()
    assert rows.columns.tolist() == frame.columns.tolist()
    pd.testing.assert_frame_equal(rows.iloc[:40], frame)
    assert labels.name == "target"
    assert {type(price) for price in rows["price"]} == {Decimal}
    assert not (rows["stay"].dt.total_seconds() % 86400).any()
    assert {seen.hour for seen in rows["seen"]} == {0}
    assert set(rows["city"]) == {"Oslo", "Rome"}


def test_mixed_lists_keep_their_kinds() -> None:
    listed = [[x, int(i), "ab"[i % 2]] for i, x in enumerate(X[:, 0])]
    rows, _ = GANSampler(**QUICK).fit_resample(listed, Y.tolist())
    assert rows[0] is listed[0]
    assert {tuple(type(cell) for cell in row) for row in rows[40:]} == {(float, int, str)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "labels",
    [
        Y.astype(np.int32),
        Y.astype(float),
        Y == 1,
        np.array(["a", "b", "c"])[Y],
        np.array(["a", "b", "c"], dtype=object)[Y],
        [np.str_("abc"[y]) for y in Y],
        (Y == 1).tolist(),
        pd.Series(Y, name="t", dtype="Int64"),
        pd.Series(Y == 1, name="t", dtype="boolean"),
        pd.Series(np.array(["a", "b", "c"])[Y], name="t", dtype="category"),
        pd.Series(np.array(["a", "b", "c"])[Y], name="t", dtype="string"),
        pd.DataFrame({"t": Y}),
        pd.Categorical(np.array(["a", "b", "c"])[Y], categories=["z", "c", "b", "a"], ordered=True),
        pd.array(Y, dtype="Int64"),
        pd.array(Y == 1, dtype="boolean"),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_labels_come_back_as_they_came(labels: Any) -> None:
    _, balanced = GANSampler(**QUICK).fit_resample(X, labels)
    assert type(balanced) is type(labels)
    assert len(set(Counter(np.asarray(balanced).ravel().tolist()).values())) == 1
    assert np.asarray(balanced).ravel().tolist()[:40] == np.asarray(labels).ravel().tolist()
    if not isinstance(labels, list):
        np.testing.assert_array_equal(balanced.dtypes if balanced.ndim == 2 else balanced.dtype, _dtype(labels))
    assert getattr(balanced, "name", None) == getattr(labels, "name", None)


def _dtype(labels: Any) -> Any:
    return labels.dtypes if labels.ndim == 2 else labels.dtype


@pytest.mark.parametrize(
    ("strategy", "gained"),
    [
        ("auto", {1: 18, 2: 14}),
        ("not majority", {1: 18, 2: 14}),
        ("all", {0: 0, 1: 18, 2: 14}),
        ("minority", {1: 18}),
        ("not minority", {0: 0, 2: 14}),
        ({1: 8}, {1: 2}),
        ([2], {2: 14}),
        (np.array([1, 2]), {1: 18, 2: 14}),
        (lambda y: {2: int((y == 0).sum()) - 4}, {2: 10}),
    ],
    ids=name_of,
)
def test_every_strategy(strategy: Any, gained: dict[int, int]) -> None:
    sampler = GANSampler(sampling_strategy=strategy, **QUICK)
    rows, labels = sampler.fit_resample(X, Y)
    assert sampler.sampling_strategy_ == gained
    assert Counter(labels[40:].tolist()) == Counter({label: n for label, n in gained.items() if n})
    assert len(rows) == len(labels)


def test_a_ratio_for_two_classes() -> None:
    _, labels = GANSampler(sampling_strategy=0.5, **QUICK).fit_resample(X, Y == 1)
    assert Counter(labels.tolist()) == {False: 34, True: 17}
    with pytest.raises(ValueError, match="only when the type of target is binary"):
        GANSampler(sampling_strategy=0.5, **QUICK).fit(X, Y)


@pytest.mark.parametrize("size", [24.5, np.float64(24.5), np.nan, np.inf, "many"])
def test_a_number_of_rows_is_whole(size: Any) -> None:
    for strategy in ({1: size}, lambda _: {1: size}):
        with pytest.raises(
            DataError, match=f"must give a whole number of items for each label, but gives {size} for 1"
        ):
            GANSampler(sampling_strategy=strategy, **QUICK).fit(X, Y)
    assert len(GANSampler(sampling_strategy={1: 24.0}, **QUICK).fit_resample(X, Y)[0]) == 58


def test_numbers_so_small_that_slopes_overflow_are_learned() -> None:
    rows = np.column_stack([RNG.random(40) * 1e-310, X[:, 0]])
    drawn, _ = GANSampler(**QUICK).fit(rows, Y).sample(50)
    assert rows[:, 0].min() <= drawn[:, 0].min() < drawn[:, 0].max() <= rows[:, 0].max()


def test_only_classes_that_gain_rows_are_drawn(augmenter: GANAugmenter) -> None:
    asked = []

    class Spy:
        def sample(self, n: Any, **options: Any) -> Any:
            asked.append(n)
            return real.sample(n, **options)

    real, augmenter.generator_ = augmenter.generator_, Spy()
    augmenter.set_params(sampling_strategy={2: 12}).transform(X, Y)
    assert asked == [{2: 2}]
    same, _ = augmenter.set_params(sampling_strategy={2: 10}).transform(X, Y)
    assert asked == [{2: 2}]
    np.testing.assert_array_equal(same, X)
    assert same is not X


@pytest.mark.slow
def test_no_samples_are_an_empty_container() -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    augmenter = GANAugmenter(max_steps=1, random_state=0).fit(images, [0] * 8 + [1] * 4)
    flat = GANAugmenter(max_steps=1, image_shape=(8, 8), random_state=0).fit(images.reshape(12, -1), [0] * 8 + [1] * 4)
    assert augmenter.sample({1: 0})[0].shape == (0, 8, 8)
    assert flat.sample(0)[0].shape == (0, 64)


def test_sample_and_save(augmenter: GANAugmenter, tmp_path: Path) -> None:
    rows, labels = augmenter.sample(7)
    assert rows.shape == (7, 4)
    assert Counter(labels.tolist()) == {0: 3, 1: 2, 2: 2}
    rows, labels = augmenter.sample({np.int64(2): 3, 0: 1})
    assert labels.tolist() == [2, 2, 2, 0]
    np.testing.assert_array_equal(rows, augmenter.sample({2: 3, 0: 1})[0])
    with pytest.raises(DataError, match="knows no class 5"):
        augmenter.sample({5: 1})
    augmenter.save(tmp_path / "model.onnx")
    assert Generator.load(tmp_path / "model.onnx").classes == (0, 1, 2)
    unfixed = GANSampler(max_steps=2, random_state=np.random.RandomState(0)).fit(X, Y)
    assert not np.array_equal(unfixed.sample(5)[0], unfixed.sample(5)[0])
    for method in ("sample", "save"):
        with pytest.raises(NotFittedError):
            getattr(GANSampler(), method)(3)


def test_pickles_by_the_model_file(augmenter: GANAugmenter, tmp_path: Path) -> None:
    text = pickle.dumps(augmenter)
    assert augmenter.generator_.to_bytes() in text
    joblib.dump(augmenter, tmp_path / "augmenter.joblib")
    for copy in (pickle.loads(text), joblib.load(tmp_path / "augmenter.joblib")):  # noqa: S301
        np.testing.assert_array_equal(copy.transform(X, Y)[0], augmenter.transform(X, Y)[0])


@pytest.mark.parametrize("kind", [GANAugmenter, GANSampler])
def test_parameters(kind: type[GANAugmenter]) -> None:
    settings = {
        "model": "gan",
        "space": "pixels",
        "sampling_strategy": {1: 20},
        "categorical_features": [0],
        "rules": ["x0 <= x1"],
        "image_shape": (2, 2),
        "signal": False,
        "augment": None,
        "techniques": {"growing": False},
        "time_budget": 3.5,
        "max_steps": 5,
        "device": "cpu",
        "callbacks": (print,),
        "random_state": 3,
        "verbose": 1,
    }
    estimator = clone(kind(**settings))
    assert estimator.get_params() == settings
    assert estimator.set_params(max_steps=7).max_steps == 7
    with pytest.raises(ValueError, match=r"'time_budget' parameter of \w+ must be"):
        kind(time_budget=-1).fit(X, Y)
    with pytest.raises(TypeError):
        kind("gan")


@pytest.mark.slow
def test_a_second_fit_gives_the_same_and_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    global_numpy, global_torch = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    threads = torch.get_num_threads()
    first, _ = GANSampler(**QUICK).fit_resample(X, Y)
    second, _ = GANSampler(max_steps=2, random_state=np.int64(0)).fit_resample(X.copy(), Y.copy())
    np.testing.assert_array_equal(first, second)
    third, _ = GANSampler(max_steps=2).fit_resample(X, Y)
    assert not np.array_equal(first, third)
    np.testing.assert_array_equal(np.random.get_state()[1], global_numpy)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), global_torch)
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_a_class_of_one_row_warns_and_works() -> None:
    labels = np.array([0] * 25 + [1] * 14 + [2])
    with pytest.warns(GanaugWarning, match="2"):
        rows, balanced = GANSampler(**QUICK).fit_resample(X, labels)
    assert Counter(balanced.tolist()) == {0: 25, 1: 25, 2: 25}
    assert np.isfinite(rows).all()


@pytest.mark.slow
def test_categorical_features_by_name_position_and_mask() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    frame["a"] = np.arange(40) % 5 * 10.0
    fits = [
        GANAugmenter(categorical_features=features, **QUICK).fit(frame, Y)
        for features in (["a"], [0], [-4], [True, False, False, False])
    ]
    for fit in fits:
        assert set(fit.transform(frame, Y)[0]["a"]) <= set(frame["a"])
    with pytest.raises(DataError, match="'z'"):
        GANAugmenter(categorical_features=["z"], **QUICK).fit(frame, Y)


@pytest.mark.slow
def test_missing_values_are_learned() -> None:
    gaps = X.copy()
    gaps[::2, 0] = np.nan
    rows, _ = GANSampler(**QUICK).fit_resample(gaps, Y)
    assert not np.isnan(rows[:, 1]).any()


def test_transform_without_labels_names_the_right_ways(augmenter: GANAugmenter) -> None:
    ways = "AugmentedClassifier.*GANSampler in imblearn.pipeline.Pipeline"
    with pytest.raises(ValueError, match=ways):
        augmenter.transform(X)
    pipeline = sklearn.pipeline.make_pipeline(StandardScaler(), GANAugmenter(**QUICK), LogisticRegression())
    with pytest.raises(ValueError, match=ways):
        pipeline.fit(X, Y)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            pd.DataFrame(X).assign(**{"1": "text"}).to_numpy()[:, [0, 4, 2, 3]],
            "column 'x1' held numbers and .* holds text",
        ),
        (X.reshape(-1, 2, 2), "a table, as in fit, but holds images: reshape it"),
    ],
)
def test_transform_refuses_what_differs_from_fit(augmenter: GANAugmenter, rows: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        augmenter.transform(rows, Y)


def test_columns_of_nothing_and_of_objects_are_what_they_were_in_fit(augmenter: GANAugmenter) -> None:
    rows = X.astype(object)
    rows[:, 2] = None
    assert len(augmenter.transform(rows, Y)[0]) > len(rows)


@pytest.mark.slow
def test_sampler_in_imbalanced_learns_pipeline() -> None:
    pipeline = imblearn.pipeline.make_pipeline(StandardScaler(), GANSampler(**QUICK), LogisticRegression())
    assert len(cross_val_score(pipeline, X, Y, cv=2)) == 2
    assert not hasattr(GANSampler(), "transform")


def _frame_with_twice_the_same_name() -> pd.DataFrame:
    return pd.DataFrame(X, columns=["a", "b", "a", "d"])


def _with(value: Any) -> np.ndarray:
    rows = X.copy()
    rows[3, 1] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, None, "requires y to be passed, but the target y is None"),
        (X, np.zeros(40), "needs to have more than 1 class. Got 1 class instead"),
        (X, np.linspace(0, 1, 40), "Unknown label type: y must hold classes, .* continuous target"),
        (X, np.array([np.nan, *Y[1:]]), "Input y contains NaN"),
        (X, np.array([None, *["a", "b"] * 19, "a"], dtype=object), "Input y contains NaN"),
        (X, pd.Series([None, *Y[1:]], dtype="Int64"), "Input y contains NaN"),
        (X, pd.array([None, *Y[1:]], dtype="Int64"), "Input y contains NaN"),
        (X, np.array(["a", 1, 2], dtype=object)[Y], "labels in y must be uniformly strings or numbers, .* int, str"),
        (X, [float("nan"), *Y[1:].astype(str).tolist()], "Input y contains NaN"),
        (X, ["0" if label else 1 for label in Y.tolist()], "uniformly strings or numbers, .* int, str"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (_with(np.inf), Y, "Input X contains infinity"),
        (pd.DataFrame(_with(-np.inf)), Y, "Input X contains infinity"),
        (sparse.csr_array(_with(np.inf)), Y, "Input X contains infinity"),
        (_with(np.inf).astype(object), Y, "contains infinity"),
        (X.astype(complex), Y, "Complex data not supported"),
        (pd.DataFrame(X.astype(complex)), Y, "Complex data not supported"),
        (_frame_with_twice_the_same_name(), Y, "unique column names"),
        (X[0], Y, "Reshape your data"),
        (X[:0], Y[:0], "0 sample"),
        (pd.DataFrame(index=range(40)), Y, r"0 feature\(s\)"),
        ([[1, 2], [1]], [0, 1], "inhomogeneous"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_in_scikit_learns_words(rows: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GANSampler(**QUICK).fit_resample(rows, labels)


@pytest.mark.parametrize("marker", [None, np.nan], ids=repr)
@pytest.mark.parametrize("listed", [False, True])
def test_missing_values_stay_what_they_are_among_objects(marker: Any, listed: bool) -> None:
    rows = np.array([[float(value), "u" if value > 0.2 else marker] for value in X[:, 0]], dtype=object)
    found = GANSampler(**QUICK).fit_resample(rows.tolist() if listed else rows, Y)[0]
    drawn = [row[1] for row in found[len(rows) :] if row[1] != "u"]
    assert drawn
    assert all(value is None if marker is None else value != value for value in drawn)


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("kind", [np.array, pd.DataFrame, np.ndarray.tolist], ids=["array", "frame", "list"])
def test_marked_classes_keep_their_columns(width: int, kind: Any) -> None:
    marks = np.eye(width, dtype=int)[np.minimum(Y, width - 1)]
    _, found = GANSampler(**QUICK).fit_resample(X, kind(marks))
    assert type(found) is type(kind(marks))
    found = np.asarray(found)
    assert (found[: len(marks)] == marks).all()
    assert found.sum(axis=0).tolist() == [24] * width
    assert (found.sum(axis=1) == 1).all()


def test_data_at_transform_must_be_like_those_at_fit(augmenter: GANAugmenter) -> None:
    with pytest.raises(ValueError, match="X has 2 features, but GANAugmenter is expecting 4 features"):
        augmenter.transform(X[:, :2], Y)
    with pytest.raises(ValueError, match=r"previously unseen labels: \[9\]"):
        augmenter.transform(X, np.where(Y == 1, 9, Y))
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    fitted = GANAugmenter(**QUICK).fit(frame, Y)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        fitted.transform(frame.rename(columns={"a": "z"}), Y)
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.transform(frame[["b", "a", "c", "d"]], Y)
    with pytest.raises(TypeError, match="must be a string or a number, not dict"):
        GANAugmenter(**QUICK).fit(frame.assign(a=[{}] * 40), Y)


@pytest.mark.parametrize(
    ("rows", "image_shape", "message"),
    [
        (np.zeros((9, 5)), (2, 2), r"must have the shape \(2, 2\), 4 values"),
        (np.zeros((9, 5)), (5,), "image_shape must be"),
        (np.zeros((9, 6)), (-2, -3), "image_shape must be"),
        (np.full((9, 4), -1.0), (2, 2), "from 0 to 255, or from 0 to 1"),
        (np.full((9, 4), 900), (2, 2), "from 0 to 255, or from 0 to 1"),
        (np.full((9, 4), "a"), (2, 2), "must be numbers"),
    ],
)
def test_what_is_no_image_is_refused(rows: np.ndarray, image_shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        GANAugmenter(image_shape=image_shape, **QUICK).fit(rows, [0, 1, 1] * 3)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(4, 16, 3), (16, 12), (3, 8, 8)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    labels = [0] * 6 + [1] * 3
    augmenter = GANAugmenter(**QUICK).fit(np.zeros((9, 8, 8, 3), np.uint8), labels)
    with pytest.raises(DataError, match=r"of shape \(8, 8, 3\), as in fit"):
        augmenter.transform(np.zeros((9, *shape), np.uint8), labels)


@pytest.mark.parametrize("form", [np.zeros((9, 8, 8), np.uint8), np.eye(9)])
def test_labels_that_no_model_file_can_hold_cost_no_training(form: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "steps", lambda _: pytest.fail("trained"))
    with pytest.raises(DataError, match="without NUL"):
        GANAugmenter(**QUICK).fit(form, ["a", "\0b", "\0b"] * 3)


def test_images_have_no_categorical_features() -> None:
    with pytest.raises(DataError, match="categorical_features must be 'auto' for images"):
        GANAugmenter(categorical_features=[0], **QUICK).fit(np.zeros((9, 4, 4), np.uint8), [0, 1, 1] * 3)


@pytest.mark.slow
def test_flat_rows_and_arrays_of_images() -> None:
    labels = np.array(["dark"] * 12 + ["light"] * 8)
    values = np.where(labels == "light", 12, 3)[:, None, None] + np.random.default_rng(0).integers(0, 4, (20, 8, 8))
    flat = pd.DataFrame(values.reshape(20, 64).astype(float)).add_prefix("pixel")
    augmenter = GANAugmenter(image_shape=(8, 8), **QUICK).fit(flat, labels)
    rows, _ = augmenter.transform(flat, labels)
    assert augmenter.generator_.modality == "image"
    assert augmenter.n_features_in_ == 64
    assert rows.columns.tolist() == flat.columns.tolist()
    assert rows.shape == (24, 64)
    assert set(rows.to_numpy().ravel()) <= set(range(16))

    sampler = GANSampler(**QUICK)
    images, balanced = sampler.fit_resample(values.astype(np.uint8), labels)
    assert images.shape == (24, 8, 8)
    assert images.dtype == np.uint8
    assert balanced[20:].tolist() == ["light"] * 4
    more, kinds = sampler.sample({"dark": 2})
    assert more.shape == (2, 8, 8)
    assert kinds.tolist() == ["dark"] * 2


@pytest.mark.slow
def test_importing_the_faces_loads_no_torch() -> None:
    code = (
        "import sys, ganaug.integrations.sklearn; sys.exit('torch' in sys.modules or 'albumentations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


# What comes to `transform` in a narrower type than what was learned

MANY = np.array([0] * 30 + [1] * 10)
WIDE = np.arange(500, 900, 10)
SMALL = np.arange(40)
NONE = [None] * 5
DAYS = pd.date_range("2020-01-01", periods=40, freq="h", unit="us")
NARROW: dict[str, tuple[Any, Any, Any]] = {
    "int8": (WIDE, SMALL.astype("int8"), "int64"),
    "uint8": (WIDE, SMALL.astype("uint8"), "int64"),
    "Int8": (WIDE, pd.array(SMALL, dtype="Int8"), "Int64"),
    "float16": (WIDE * 1e5, SMALL.astype("float16"), "float64"),
    "whole": (WIDE + 0.5, SMALL, "float64"),
    "true": (WIDE, SMALL > 3, "int64"),
    "sparse": (WIDE, pd.arrays.SparseArray(SMALL.astype("int8")), "Sparse[int64, 0]"),
    "missing": ([*WIDE[:-5] * 1.0, *[np.nan] * 5], SMALL, "float64"),
    "missing Int64": (pd.array([*WIDE[:-5].tolist(), *NONE], dtype="Int64"), SMALL, "Int64"),
    "missing boolean": (pd.array([*(WIDE > 600)[:-5].tolist(), *NONE], dtype="boolean"), SMALL > 3, "boolean"),
    "missing as float": (pd.array([*WIDE[:-5].tolist(), *NONE], dtype="Int64"), SMALL * 1.0, "float64"),
    "categories": (pd.Categorical(list("abcd") * 10), pd.Categorical(["z"] * 40), None),
    "ordered": (
        pd.Categorical(list("abcd") * 10, ordered=True),
        pd.Categorical(list("bd") * 20, ordered=True),
        pd.CategoricalDtype(list("abcd"), ordered=True),
    ),
    "seconds": (DAYS, DAYS.as_unit("s"), "datetime64[us]"),
    "zones": (DAYS.tz_localize("UTC"), DAYS.tz_localize("Asia/Tokyo").as_unit("s"), "datetime64[us, Asia/Tokyo]"),
    "nothing yet": (DAYS, [np.nan] * 40, "datetime64[us]"),
    "nothing then": ([np.nan] * 40, SMALL, "float64"),
    "as wide": (SMALL.astype("int8"), WIDE, "int64"),
    "as wide objects": (SMALL, WIDE.astype(object), "object"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", NARROW)
def test_a_column_becomes_wide_enough_for_what_was_learned(case: str) -> None:
    learned, given, dtype = NARROW[case]
    fitted = GANAugmenter(**QUICK).fit(pd.DataFrame({"a": learned, "b": RNG.normal(size=40)}), MANY)
    frame = pd.DataFrame({"a": given, "b": RNG.normal(size=40)})
    column = fitted.transform(frame, MANY)[0]["a"]
    assert column.dtype == (dtype or pd.CategoricalDtype(["z", *"abcd"]))
    drawn = fitted.generator_.sample({1: 20}, seed=fitted._seed, screened=True)[0]["a"]
    plain, joined = (one.astype(object).where(one.notna(), None).tolist() for one in (drawn, column))
    assert joined[40:] == plain
    assert joined[:40] == frame["a"].astype(object).where(frame["a"].notna(), None).tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("learned", "given", "dtype"),
    [
        (WIDE, SMALL.astype(np.int8), np.int64),
        (np.where(WIDE > 600, np.nan, WIDE), SMALL, np.float64),
        (np.array(["u", "vvvvvv"] * 20), np.array(["u"] * 40), np.dtype("<U6")),
        (np.array(["u", "vvvvvv", None, "u"] * 10, dtype=object), np.array(["u"] * 40), object),
        (WIDE.astype(np.float32), SMALL.astype(object), object),
    ],
    ids=name_of,
)
def test_an_array_becomes_wide_enough_for_what_was_learned(learned: Any, given: Any, dtype: Any) -> None:
    fitted = GANAugmenter(**QUICK).fit(learned[:, None], MANY)
    rows, _ = fitted.transform(given[:, None], MANY)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows[:40, 0], given)
    assert {one for one in rows[40:, 0] if one == one and one is not None} <= set(learned.tolist()) | set(
        range(500, 900)
    )
    if given.dtype.kind == "i":
        thin, _ = fitted.transform(sparse.csr_array(given[:, None]), MANY)
        np.testing.assert_array_equal(thin.toarray(), rows)
        listed, _ = fitted.transform(given[:, None].tolist(), MANY)
        np.testing.assert_array_equal(np.array(listed), rows)


@pytest.mark.parametrize(
    ("learned", "given", "message"),
    [
        (
            DAYS,
            DAYS.tz_localize("UTC"),
            r"'a' was datetime64\[us\] and now is datetime64\[us, UTC\], and no type holds",
        ),
        (DAYS.tz_localize("UTC"), DAYS, "'a' was .* and no type holds both: convert it, or fit again"),
        (DAYS, pd.to_timedelta(SMALL, unit="h"), "'a' was .* and now is timedelta64"),
        (WIDE + 0.5, SMALL + 2**60, r"at most 2\*\*53 in size to be joined .*'a'"),
        (list("abcd") * 10, pd.Categorical(["a"] * 40, ordered=True), "'a' must have the ordered categories"),
        (list("abcd") * 10, SMALL, "'a' held text and now holds numbers"),
    ],
    ids=name_of,
)
def test_columns_that_cannot_be_joined_are_named(learned: Any, given: Any, message: str) -> None:
    fitted = GANAugmenter(**QUICK).fit(pd.DataFrame({"a": learned, "b": RNG.normal(size=40)}), MANY)
    with pytest.raises(DataError, match=message):
        fitted.transform(pd.DataFrame({"a": given, "b": RNG.normal(size=40)}), MANY)


@pytest.mark.slow
def test_images_fitted_on_one_scale_balance_those_of_another() -> None:
    labels = np.array(["dark"] * 12 + ["light"] * 8)
    images = (np.where(labels == "light", 200, 40)[:, None, None] + np.arange(64).reshape(8, 8) % 40).astype(np.uint8)
    whole, _ = GANAugmenter(**QUICK).fit(images / 255, labels).transform(images, labels)
    assert whole.dtype == np.uint8
    assert whole[20:].max() > 1
    parts, _ = GANAugmenter(**QUICK).fit(images, labels).transform(images / 255, labels)
    assert parts[20:].max() <= 1
