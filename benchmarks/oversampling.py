"""The remedies for imbalance that the benchmark of tables compares, applied before a classifier is fitted.

A method is a function of `Rows` and a seed that returns one or more `Treated`, its arms. An arm holds encoded rows,
which every learner can take. If a library cannot resample the rows, the arm holds the original rows and a note.
"""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from gaussian_smote import gaussian_smote
from imblearn.over_sampling import ADASYN, SMOTE, SMOTEN, SMOTENC, BorderlineSMOTE, RandomOverSampler
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

__all__ = ["DEFAULT", "GUARD", "METHODS", "SLOW", "TRAINED", "Rows", "Treated", "encoder", "not_installed"]

NEIGHBOURS = 5  # of SMOTE and its variants
SHARES = {"full": 1.0, "half": 0.5, "quarter": 0.25}
"""Share of the gap between the classes that ganaug fills, by the arm's name."""
MAX_DRAWS = 20
"""Draws of as many rows as are missing, from a generator that cannot be asked for a class."""
GUARD = "ganaug-auto"
"""The method in which `AugmentedClassifier` chooses the remedy."""

Matrix = NDArray[np.float64]  # (n_rows, n_numbers)
Labels = NDArray[np.int64]  # (n_rows,), 1 is the rare class


def encoder() -> ColumnTransformer:
    """Return a transformer that standardises numbers and one-hot encodes categories."""
    numbers = ("numbers", StandardScaler(), make_column_selector(dtype_include=np.number))
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([numbers, ("categories", categories, make_column_selector(dtype_include="category"))])


@dataclass(frozen=True, eq=False)
class Rows:
    """Training rows without missing values, as a table and as numbers."""

    X: pd.DataFrame
    y: Labels
    encoder: ColumnTransformer

    @classmethod
    def of(cls, X: pd.DataFrame, y: Labels) -> Rows:
        """Return rows with an encoder fitted to them."""
        return cls(X, y, encoder().fit(X))

    @property
    def numbers(self) -> Matrix:
        """The rows, encoded."""
        return self.encode(self.X)

    @property
    def gap(self) -> int:
        """Number of rows that the rare class has fewer than the other class."""
        return int((self.y == 0).sum() - (self.y == 1).sum())

    @property
    def neighbours(self) -> int:
        """Number of neighbours for SMOTE and its variants, at most the other rows of the rare class."""
        return min(NEIGHBOURS, int(self.y.sum()) - 1)

    def encode(self, X: pd.DataFrame) -> Matrix:
        """Return the encoded rows of a table with the same columns."""
        return np.asarray(self.encoder.transform(X), dtype=np.float64)

    def with_rare(self, X: pd.DataFrame) -> tuple[Matrix, Labels]:
        """Return the encoded rows, followed by those of `X` as rows of the rare class."""
        return np.vstack([self.numbers, self.encode(X)]), np.concatenate([self.y, np.ones(len(X), np.int64)])


@dataclass(frozen=True, eq=False)
class Treated:
    """Resampled training rows; `seconds` is the time of the resampling, with the training of a generator."""

    arm: str
    X: Matrix
    y: Labels
    weights: NDArray[np.float64] | None = None
    seconds: float = 0.0
    note: str = ""


Method = Callable[[Rows, int], Iterable[Treated]]


def nothing(rows: Rows, _: int) -> list[Treated]:
    return [Treated("nothing", rows.numbers, rows.y)]


def class_weights(rows: Rows, _: int) -> list[Treated]:
    """Weight the rows so that all classes have the same weight; learners without sample weights ignore it."""
    return [Treated("class weights", rows.numbers, rows.y, compute_sample_weight("balanced", rows.y))]


def random_oversampling(rows: Rows, seed: int) -> list[Treated]:
    return [_timed("random oversampling", rows, lambda: _resampled(rows, RandomOverSampler(random_state=seed)))]


def smote(rows: Rows, seed: int) -> list[Treated]:
    """SMOTE for numbers, SMOTEN for categories, SMOTENC for mixed tables; numbers are standardised first."""
    categorical = [dtype == "category" for dtype in rows.X.dtypes]
    settings: dict[str, Any] = {"k_neighbors": rows.neighbours, "random_state": seed}
    if not any(categorical):
        return [_timed("SMOTE", rows, lambda: _resampled(rows, SMOTE(**settings)))]
    sampler = SMOTEN(**settings) if all(categorical) else SMOTENC("auto", **settings)
    return [_timed("SMOTE", rows, lambda: _resampled_table(rows, sampler))]


def borderline_smote(rows: Rows, seed: int) -> list[Treated]:
    sampler = BorderlineSMOTE(k_neighbors=rows.neighbours, random_state=seed)
    return [_timed("BorderlineSMOTE", rows, lambda: _resampled(rows, sampler))]


def adasyn(rows: Rows, seed: int) -> list[Treated]:
    sampler = ADASYN(n_neighbors=rows.neighbours, random_state=seed)
    return [_timed("ADASYN", rows, lambda: _resampled(rows, sampler))]


def polynom_fit_smote(rows: Rows, seed: int) -> list[Treated]:
    """S. Gazzah, N. E. B. Amara: New oversampling approaches based on polynomial fitting. DAS, 2008."""
    sampler = _smote_variants().polynom_fit_SMOTE_star(random_state=seed)
    return [_timed("polynom-fit-SMOTE", rows, lambda: _labelled(sampler.sample(rows.numbers, rows.y)))]


def prowsyn(rows: Rows, seed: int) -> list[Treated]:
    """S. Barua et al.: ProWSyn, proximity weighted synthetic oversampling. PAKDD, 2013."""
    sampler = _smote_variants().ProWSyn(random_state=seed)
    return [_timed("ProWSyn", rows, lambda: _labelled(sampler.sample(rows.numbers, rows.y)))]


def gaussian(rows: Rows, seed: int) -> list[Treated]:
    """Multivariate Gaussian SMOTE (Sakho et al. 2024); see `gaussian_smote`."""
    return [_timed("Gaussian SMOTE", rows, lambda: _gaussian(rows, seed))]


def arf(rows: Rows, seed: int) -> list[Treated]:
    """Adversarial random forests (Watson et al. 2023) with default settings; see `adversarial_forest`."""
    from adversarial_forest import rows_of_class

    return [_timed("ARF", rows, lambda: (*rows.with_rare(rows_of_class(rows.X, rows.y, rows.gap, seed)), ""))]


def ctgan(rows: Rows, seed: int) -> list[Treated]:
    """L. Xu et al.: Modeling tabular data using conditional GAN. NeurIPS, 2019. With default settings."""
    return [_timed("CTGAN", rows, lambda: _synthesised(rows, seed, "CTGAN", condition=True))]


def tvae(rows: Rows, seed: int) -> list[Treated]:
    """The variational autoencoder of the same paper. It draws from all classes; rows of the other class are dropped."""
    return [_timed("TVAE", rows, lambda: _synthesised(rows, seed, "TVAE", condition=False))]


def tvae_rare(rows: Rows, seed: int) -> list[Treated]:
    """TVAE, trained on the rare class alone: trained on all rows, it often draws none of the class."""
    return [_timed("TVAE of the class", rows, lambda: _synthesised(rows, seed, "TVAE", condition=False, alone=True))]


def ganaug(rows: Rows, seed: int, *, model: str = "gan") -> list[Treated]:
    """Rows of one generator fill the whole gap, half of it and a quarter of it."""
    from ganaug import GANSampler

    began = time.perf_counter()
    sampler = GANSampler(model=model, random_state=seed).fit(rows.X, rows.y)
    synthetic, _ = sampler.sample({1: rows.gap})
    seconds = time.perf_counter() - began
    parts = {name: synthetic.iloc[: round(share * rows.gap)] for name, share in SHARES.items()}
    name = "ganaug" if model == "gan" else f"ganaug-{model}"
    return [Treated(f"{name} {share}", *rows.with_rare(part), seconds=seconds) for share, part in parts.items()]


METHODS: dict[str, Method] = {
    "nothing": nothing,
    "class-weights": class_weights,
    "random-oversampling": random_oversampling,
    "smote": smote,
    "borderline-smote": borderline_smote,
    "adasyn": adasyn,
    "polynom-fit-smote": polynom_fit_smote,
    "prowsyn": prowsyn,
    "gaussian-smote": gaussian,
    "ganaug": ganaug,
    "arf": arf,
    "tvae": tvae,
    "tvae-rare": tvae_rare,
    "ctgan": ctgan,
}
DEFAULT = tuple(METHODS)
OTHER_MODELS = {"ganaug-vae": "vae", "ganaug-autoencoder": "autoencoder", "ganaug-flow": "flow", "ganaug-tried": "auto"}
"""Methods that take another family than the GAN, or let a trial choose it."""
METHODS |= {name: partial(ganaug, model=model) for name, model in OTHER_MODELS.items()}
TRAINED = ("ganaug", *OTHER_MODELS, "arf", "tvae", "tvae-rare", "ctgan")
"""Methods that train a generator."""
SLOW = ("tvae", "tvae-rare", "ctgan")
_NEEDS = dict.fromkeys(SLOW, "ctgan") | dict.fromkeys(["polynom-fit-smote", "prowsyn"], "smote_variants")


def not_installed(methods: Iterable[str]) -> dict[str, str]:
    """Return the methods whose library is not installed, with the name of the library."""
    needs = {method: _NEEDS[method] for method in methods if method in _NEEDS}
    return {method: library for method, library in needs.items() if importlib.util.find_spec(library) is None}


def _timed(arm: str, rows: Rows, resample: Callable[[], tuple[Matrix, Labels, str]]) -> Treated:
    began = time.perf_counter()
    try:
        X, y, note = resample()
    except (ValueError, RuntimeError) as error:  # of the library, if it cannot resample these rows
        X, y, note = rows.numbers, rows.y, f"nothing was done: {error}"
    return Treated(arm, X, y, seconds=time.perf_counter() - began, note=note)


def _resampled(rows: Rows, sampler: Any) -> tuple[Matrix, Labels, str]:
    return _labelled(sampler.fit_resample(rows.numbers, rows.y))


def _gaussian(rows: Rows, seed: int) -> tuple[Matrix, Labels, str]:
    numbers = rows.numbers
    levels = [len(own) for own in getattr(rows.encoder.named_transformers_["categories"], "categories_", [])]
    rare = gaussian_smote(numbers[rows.y == 1], levels, rows.gap, np.random.default_rng(seed))
    return np.vstack([numbers, rare]), np.concatenate([rows.y, np.ones(rows.gap, np.int64)]), ""


def _labelled(resampled: tuple[Any, Any]) -> tuple[Matrix, Labels, str]:
    X, y = resampled
    return np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.int64), ""


def _resampled_table(rows: Rows, sampler: Any) -> tuple[Matrix, Labels, str]:
    numbers = [column for column in rows.X if rows.X[column].dtype != "category"]
    scaler = rows.encoder.named_transformers_["numbers"]
    table = rows.X.astype(dict.fromkeys(numbers, float))
    if numbers:
        table[numbers] = scaler.transform(rows.X[numbers])
    table, y = sampler.fit_resample(table, rows.y)
    if numbers:
        table[numbers] = scaler.inverse_transform(table[numbers])
    return rows.encode(table), np.asarray(y, dtype=np.int64), ""


def _smote_variants() -> Any:
    import logging

    import smote_variants

    logging.getLogger(smote_variants.__name__).setLevel(logging.ERROR)
    return smote_variants


def _synthesised(
    rows: Rows, seed: int, kind: str, *, condition: bool, alone: bool = False
) -> tuple[Matrix, Labels, str]:
    """Train a synthesiser on rows and labels, or on the rare class `alone`, and fill the gap with its rare rows."""
    import ctgan as library
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the library draws from it
    target = "class" + "'" * sum(str(column).startswith("class") for column in rows.X)
    table = rows.X.assign(**{target: rows.y.astype(str)})
    if alone:
        table = table[rows.y == 1].reset_index(drop=True)
    discrete = [column for column in table if column == target or table[column].dtype == "category"]
    synthesiser = getattr(library, kind)(enable_gpu=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        synthesiser.fit(table, discrete)
        asked = {"condition_column": target, "condition_value": "1"} if condition else {}
        found: list[pd.DataFrame] = []
        for _ in range(MAX_DRAWS):
            drawn = synthesiser.sample(rows.gap, **asked)
            found.append(drawn[drawn[target] == "1"].drop(columns=target))
            if sum(map(len, found)) >= rows.gap:
                break
    rare = pd.concat(found, ignore_index=True).iloc[: rows.gap].astype(rows.X.dtypes.to_dict())
    short = rows.gap - len(rare)
    if short:
        repeated = rows.X[rows.y == 1].sample(short, replace=True, random_state=seed)
        rare = pd.concat([rare, repeated], ignore_index=True)
    X, y = rows.with_rare(rare)
    return X, y, f"{short} of {rows.gap} rows are repeats: it drew too few of the class" if short else ""
