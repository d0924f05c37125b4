"""Frames of pandas, polars and pyarrow at the scikit-learn and imbalanced-learn faces, and in `evaluate`."""

import io
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import imblearn.pipeline
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn.pipeline
from imblearn.over_sampling import RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from polars.testing import assert_frame_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ganaug.data.containers import container_of
from ganaug.data.tables.left_out import LeftOut
from ganaug.errors import DataError
from ganaug.evaluation import evaluate
from ganaug.evaluation.intake import load
from ganaug.integrations.sklearn import AugmentedClassifier, GANAugmenter, GANSampler
from tests.frames import LABELS, LIBRARIES, TABLE, as_polars, schema_of
from tests.remembered import remembered_fits

__all__ = ["remembered_fits"]

pytestmark = pytest.mark.usefixtures("remembered_fits")

QUICK: dict[str, Any] = {"max_steps": 3, "random_state": 0}
LAZY = r"is a LazyFrame, which is lazy: call its .collect\(\)"
FEW = TABLE.select("f32", "u16", "category", "day").with_columns(
    pl.col("f32", "category").fill_null(strategy="backward")
)
FOREIGN = pytest.mark.parametrize("library", ["polars", "pyarrow"])


def column_transformer() -> Any:
    return make_column_transformer((OneHotEncoder(), ["category"]), (StandardScaler(), ["u16", "f32"]))


def check_equal(found: Any, wanted: pl.DataFrame) -> None:
    """Insist on the values and dtypes of a table, in its own library."""
    if isinstance(found, pd.DataFrame):
        pd.testing.assert_frame_equal(found, LIBRARIES["pandas"](wanted))
    else:
        assert_frame_equal(as_polars(found), wanted)


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_comes_in_comes_out(library: str) -> None:
    X, y = (LIBRARIES[library](given) for given in (TABLE, LABELS))
    augmenter, sampler = GANAugmenter(**QUICK).fit(X, y), GANSampler(**QUICK)
    assert augmenter.feature_names_in_.tolist() == TABLE.columns
    for rows, labels in (augmenter.transform(X, y), sampler.fit_resample(X, y)):
        assert type(rows) is type(X)
        assert schema_of(rows) == schema_of(X)
        assert rows.shape == (56, TABLE.width)
        check_equal(rows[:40], TABLE)
        assert type(labels) is type(y)
        assert Counter(as_list(labels)) == {"common": 28, "rare": 28}
        assert as_list(labels)[:40] == LABELS.to_list()
    assert augmenter.is_synthetic_.tolist() == sampler.is_synthetic_.tolist() == [False] * 40 + [True] * 16
    rows, labels = augmenter.sample(30)
    assert type(rows) is type(X)
    assert schema_of(rows) == schema_of(X)
    assert isinstance(labels, np.ndarray)
    assert isinstance(augmenter.generator_.sample(2)[0], pd.DataFrame)
    check_equal(augmenter.set_params(sampling_strategy={"rare": 12}).transform(X, y)[0], TABLE)


def as_list(labels: Any) -> list[Any]:
    plain: list[Any] = labels.to_pylist() if hasattr(labels, "to_pylist") else list(labels)
    return plain


def with_arrow(given: pl.DataFrame) -> pd.DataFrame:
    """Return a table as one of pandas with types of Arrow, a plain column, and an index of its own."""
    frame: pd.DataFrame = given.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    return frame.assign(plain=np.arange(40.0)).set_axis(range(100, 140))


ARROW_LABELS = {
    "text": pa.array(LABELS.to_list()),
    "dictionary": pa.array(LABELS.to_list()).dictionary_encode(),
    "truth": pa.array((LABELS == "rare").to_list()),
}


@pytest.mark.parametrize("labels", ARROW_LABELS.values(), ids=ARROW_LABELS)
def test_types_of_arrow_in_pandas_come_back(labels: pa.Array) -> None:
    X = with_arrow(TABLE)
    y = pd.Series(pd.arrays.ArrowExtensionArray(labels), X.index, name="kind")
    augmenter = GANAugmenter(**QUICK).fit(X, y)
    for output in ("default", "pandas"):
        rows, balanced = augmenter.set_output(transform=output).transform(X, y)
        pd.testing.assert_frame_equal(rows[:40], X.reset_index(drop=True))
        pd.testing.assert_series_equal(balanced[:40], y.reset_index(drop=True))
        assert rows.dtypes.tolist() == X.dtypes.tolist()
        assert (len(rows), balanced.dtype, *balanced.value_counts()) == (56, y.dtype, 28, 28)
        assert rows.index.equals(pd.RangeIndex(56))
    pd.testing.assert_frame_equal(X, with_arrow(TABLE))
    drawn = augmenter.sample(30)[0]
    assert drawn.dtypes.tolist() == X.dtypes.tolist()
    for name in ("i8", "f32", "day", "zone", "stay", "fee"):
        assert X[name].min() <= drawn[name].min() <= drawn[name].max() <= X[name].max()
    assert set(drawn["text"].dropna()) <= {"Oslo", "Rome"}
    foreign = augmenter.generator_.sample(3, seed=0)[0]
    points = augmenter.generator_.format.points
    np.testing.assert_array_equal(points(augmenter._container.wrap(foreign)), points(foreign))


def test_an_evaluation_takes_types_of_arrow_in_pandas() -> None:
    frame = TABLE.with_columns(kind=LABELS)
    wanted, _ = load(LIBRARIES["pandas"](frame).assign(plain=np.arange(40.0)), "kind", None, LeftOut())
    X = with_arrow(frame)
    columns = [name for name in X if name not in ("kind", "plain")]
    whole = X[[*columns, "kind", "plain"]]
    for real, target in ((whole, "kind"), ((whole.drop(columns="kind"), whole["kind"]), None)):
        assert load(real, target, None, LeftOut())[0].fingerprint == wanted.fingerprint


def test_a_classifier_gets_types_of_arrow() -> None:
    X = with_arrow(FEW.drop("day"))
    for policy in ("always", "auto"):
        SEEN.clear()
        AugmentedClassifier(Witness(), RandomOverSampler(random_state=0), policy=policy, random_state=0).fit(X, LABELS)
        assert all(seen.dtypes.tolist() == X.dtypes.tolist() for seen in SEEN)


@FOREIGN
def test_synthetic_values_are_such_as_were_learned(library: str) -> None:
    X = LIBRARIES[library](TABLE)
    drawn = as_polars(GANAugmenter(**QUICK).fit(X, LABELS).sample(60)[0])
    for name in ("text", "category", "enum", "flag", "perhaps", "empty"):
        assert set(drawn[name]) <= set(TABLE[name])
    for name in ("i8", "u16", "i64", "u64", "f32", "day", "gap", "time", "zone", "stay", "pause", "price", "fee"):
        assert TABLE[name].min() <= drawn[name].min() <= drawn[name].max() <= TABLE[name].max()  # type: ignore[operator]
        assert drawn[name].null_count() == 0 or TABLE[name].null_count() > 0
    assert set(drawn["time"].dt.time()) == set(TABLE["time"].dt.time())
    assert all(stay % timedelta(days=1) == timedelta(0) for stay in drawn["stay"])
    assert all(fee % 1 == 0 for fee in drawn["fee"].drop_nulls())
    assert drawn["nan"].null_count() == 0
    assert drawn["nan"].is_nan().any()
    assert drawn["f32"].null_count() > 0
    assert not drawn["f32"].is_nan().any()


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        LABELS.cast(pl.Categorical),
        LABELS.cast(pl.Enum(["rare", "common"])),
        LABELS == "rare",
        (LABELS == "rare").cast(pl.Int8),
        (LABELS == "rare").cast(pl.UInt64).alias(""),
        LABELS.to_frame(),
        pl.DataFrame({"a": LABELS == "rare", "b": LABELS == "common"}).cast(pl.Int32),
        LABELS.to_arrow(),
        pa.chunked_array([LABELS[:9].to_arrow(), LABELS[9:].to_arrow()]),
        LABELS.cast(pl.Categorical).to_arrow(),
        pa.array((LABELS == "rare").to_list()),
        pa.table({"kind": LABELS.to_arrow()}),
    ],
    ids=lambda labels: f"{type(labels).__name__} {getattr(labels, 'dtype', '')}",
)
def test_labels_come_back_as_they_came(labels: Any) -> None:
    _, balanced = GANSampler(**QUICK).fit_resample(FEW, labels)
    assert type(balanced) is type(labels)
    for attribute in ("dtype", "type", "schema", "name"):
        assert getattr(balanced, attribute, None) == getattr(labels, attribute, None)
    assert len(balanced) == 56
    assert balanced[:40].equals(labels)
    counts = Counter(map(str, balanced.rows() if isinstance(balanced, pl.DataFrame) else np.asarray(balanced).ravel()))
    assert list(counts.values()) == [28, 28]


def test_labels_that_are_missing_are_refused() -> None:
    for labels in (LABELS.replace("rare", None), LABELS.replace("rare", None).to_arrow()):
        with pytest.raises(ValueError, match="Input y contains NaN"):
            GANSampler(**QUICK).fit(FEW, labels)


@pytest.mark.parametrize("missing", ["None", "NA"])
def test_a_class_that_pandas_took_for_missing_is_read_as_the_message_says(missing: str) -> None:
    text = FEW.select("u16").with_columns(kind=LABELS.replace("rare", missing)).write_csv()
    frame = pd.read_csv(io.StringIO(text))
    for call in (
        lambda: GANSampler(**QUICK).fit(frame[["u16"]], frame["kind"]),
        lambda: evaluate.evaluate(frame, target="kind"),
        lambda: evaluate.evaluate((frame[["u16"]], frame["kind"])),
        lambda: evaluate.evaluate((np.zeros((40, 8, 8), np.uint8), frame["kind"].tolist())),
    ):
        with pytest.raises(ValueError, match=r"read_csv\(\.\.\., keep_default_na=False, na_values=\[''\]\)"):
            call()
    again = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    assert load(again, "kind", None, LeftOut())[0].classes == tuple(sorted([missing, "common"]))


PERIODS: Any = pd.PeriodIndex(LABELS.replace({"common": "2020-01", "rare": "2020-02"}), freq="M")


@pytest.mark.parametrize("labels", [PERIODS, pd.Series(PERIODS), PERIODS.to_list(), pd.cut(range(40), 2)], ids=type)
def test_labels_that_are_no_classes_are_converted_as_the_message_says(labels: Any) -> None:
    is_list = isinstance(labels, list)
    said = "with [str(label) for label in y] for" if is_list else "with .astype(str) for"
    with pytest.raises(DataError, match=f"Unknown label type: y must hold text, .*{re.escape(said)}"):
        GANSampler(**QUICK).fit(FEW, labels)
    with pytest.raises(DataError, match=r"convert such labels, with \.astype\(str\)"):
        evaluate.evaluate((FEW, labels))
    texts = [str(label) for label in labels] if is_list else labels.astype(str)
    assert len(GANSampler(**QUICK).fit(FEW, texts).classes_) == 2


def test_another_library_after_the_fit() -> None:
    rows, labels = GANAugmenter(**QUICK).fit(LIBRARIES["pandas"](TABLE), LABELS.to_list()).transform(TABLE, LABELS)
    assert rows.schema == TABLE.schema
    assert_frame_equal(rows[:40], TABLE)
    assert isinstance(labels, pl.Series)
    augmenter = GANAugmenter(**QUICK).fit(TABLE, LABELS)
    assert augmenter.transform(TABLE.to_arrow(), LABELS)[0].schema == TABLE.to_arrow().schema
    array, _ = GANAugmenter(**QUICK).fit(FEW.select("f32"), LABELS).transform(FEW.select("f32").to_pandas(), LABELS)
    assert isinstance(array, pd.DataFrame)
    with pytest.raises(ValueError, match="feature names should match"):
        augmenter.transform(TABLE.rename({"i8": "other"}), LABELS)


@pytest.mark.parametrize("library", LIBRARIES)
def test_set_output_chooses_the_library_of_the_rows(library: str) -> None:
    X, y = LIBRARIES[library](FEW), LABELS.to_list()
    augmenter = GANAugmenter(**QUICK).fit(X, y)
    for output, kind in (("polars", pl.DataFrame), ("pandas", pd.DataFrame), ("default", type(X))):
        rows, labels = augmenter.set_output(transform=output).transform(X, y)
        assert isinstance(rows, kind)
        assert isinstance(labels, list)
        assert list(rows.columns) == FEW.columns if output != "default" else schema_of(rows) == schema_of(X)
        if library != "pandas":
            check_equal(rows[:40], FEW)
    with sklearn.config_context(transform_output="polars"):
        assert isinstance(clone(augmenter).set_output(transform="default").fit(X, y).transform(X, y)[0], type(X))
        assert isinstance(GANAugmenter(**QUICK).fit(X, y).transform(X, y)[0], pl.DataFrame)


def test_set_output_is_for_tables() -> None:
    augmenter = GANAugmenter(**QUICK).fit(FEW, LABELS)
    assert augmenter.get_feature_names_out().tolist() == FEW.columns
    images = np.zeros((4, 8, 8), np.uint8)
    augmenter._container = container_of(images, images)
    with pytest.raises(AttributeError, match="has no attribute 'set_output'"):
        augmenter.set_output(transform="polars")
    flat = images.reshape(4, 64)
    augmenter._container = container_of(flat, flat, (8, 8))
    assert augmenter.set_output(transform="polars") is augmenter


@FOREIGN
def test_columns_are_found_by_name_behind_the_sampler(library: str) -> None:
    X, y = (LIBRARIES[library](given) for given in (FEW, LABELS))
    inner = sklearn.pipeline.make_pipeline(column_transformer(), LogisticRegression())
    pipeline = imblearn.pipeline.make_pipeline(GANSampler(**QUICK), inner).fit(X, y)
    assert set(pipeline.predict(X)) <= {"common", "rare"}
    scaler = make_column_transformer((StandardScaler(), ["u16", "f32"]), verbose_feature_names_out=False)
    before = scaler.set_output(transform="polars")
    pipeline = imblearn.pipeline.make_pipeline(before, GANSampler(**QUICK), LogisticRegression()).fit(X, y)
    assert pipeline[1].feature_names_in_.tolist() == ["u16", "f32"]


SEEN: list[Any] = []


class Witness(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that records the tables that it is given."""

    def fit(self, X: Any, y: Any) -> "Witness":
        SEEN.append(X)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        SEEN.append(X)
        return np.repeat(self.classes_[:1], len(X))


@FOREIGN
@pytest.mark.parametrize(
    ("sampler", "policy", "rows"),
    [
        (GANSampler(**QUICK), "always", 56),
        (RandomOverSampler(random_state=0), "always", 56),
        (RandomUnderSampler(random_state=0), "always", 24),
        (RandomOverSampler(random_state=0), "auto", 40),  # compares it with SMOTENC
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_estimator_gets_the_container_that_came_in(library: str, sampler: Any, policy: str, rows: int) -> None:
    given = FEW if policy == "always" else FEW.drop("day")
    X, y = (LIBRARIES[library](given) for given in (given, LABELS))
    SEEN.clear()
    model = AugmentedClassifier(Witness(), sampler, policy=policy, random_state=0).fit(X, y)
    assert len(SEEN[-1]) == rows
    assert model.feature_names_in_.tolist() == given.columns
    assert model.predict(X).tolist() == ["common"] * 40
    assert {type(seen) for seen in SEEN} == {type(X)}
    assert all(seen.schema == X.schema for seen in SEEN)


def test_lazy_frames_are_refused_everywhere() -> None:
    model = AugmentedClassifier(Witness(), RandomOverSampler(), policy="always").fit(FEW, LABELS)
    for call in (
        lambda X: GANSampler(**QUICK).fit_resample(X, LABELS),
        lambda X: AugmentedClassifier(Witness()).fit(X, LABELS),
        model.predict,
        lambda X: evaluate.evaluate(X, target="kind"),
        lambda X: evaluate.evaluate((X, LABELS)),
    ):
        with pytest.raises(DataError, match=LAZY):
            call(FEW.lazy())


@FOREIGN
def test_an_evaluation_takes_frames_as_those_of_pandas(library: str) -> None:
    frame = TABLE.with_columns(kind=LABELS, group=pl.Series(range(40)) // 2)
    given, plain = LIBRARIES[library](frame), LIBRARIES["pandas"](frame)
    wanted, groups = load(plain, "kind", None, LeftOut(), group="group")
    for real, target in (
        (given, "kind"),
        ((LIBRARIES[library](frame.drop("kind")), LIBRARIES[library](LABELS)), None),
    ):
        data, found = load(real, target, None, LeftOut(), group="group")
        assert data.fingerprint == wanted.fingerprint
        np.testing.assert_array_equal(found, groups)  # type: ignore[arg-type]


@FOREIGN
def test_a_generator_encodes_rows_of_any_library(library: str) -> None:
    generator = GANAugmenter(**QUICK).fit(FEW, LABELS).generator_
    rows = generator.sample(3, seed=0)[0]
    frame = pl.from_pandas(rows).cast({"day": pl.Date})
    np.testing.assert_array_equal(generator.format.points(LIBRARIES[library](frame)), generator.format.points(rows))
