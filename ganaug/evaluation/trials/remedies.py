"""What can be done about imbalance before a classifier is fitted, each remedy in one line of a table."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from ganaug.data.containers.rows import as_rows, positions_of, table_container

__all__ = ["Case", "Remedy", "categorical_positions", "class_weight_settings", "inner_sampler", "remedies_for"]

SHARES = {"a quarter of the gap": 0.25, "half the gap": 0.5, "the whole gap": 1.0}
"""How much of what the classes lack the GAN fills."""
NEIGHBOURS = 5


@dataclass(frozen=True)
class Remedy:
    """One thing to do about imbalance.

    Attributes
    ----------
    name : str
        What a decision table calls it.
    kind : str
        What is done.
    share : float
        The part of the missing rows that the GAN supplies.
    """

    name: str
    kind: Literal["nothing", "class weights", "repeat", "SMOTE", "GAN", "sampler"]
    share: float = 1.0


@dataclass(eq=False)
class Case:
    """Training rows, what they lack, and the sampler that may supply it; the GAN is trained once, when first needed.

    Attributes
    ----------
    X, y
        The rows, in any container, and their labels.
    missing : dict
        From label to number of rows.
    sampler : imbalanced-learn sampler
        Not fitted; fitted once it has been used.
    seed : int
        For random oversampling and SMOTE.
    """

    X: Any
    y: NDArray[Any]
    missing: dict[Any, int]
    sampler: Any
    seed: int
    _drawn: tuple[Any, NDArray[Any]] | None = field(default=None, repr=False)

    def treat(self, remedy: Remedy) -> tuple[Any, NDArray[Any]]:
        """Return rows and labels as the remedy leaves them."""
        if remedy.kind == "sampler":
            return self._resample(self.sampler)
        if remedy.kind in ("nothing", "class weights") or not any(self.missing.values()):
            return self.X, self.y
        if remedy.kind == "GAN":
            return self._with_synthetic(remedy.share)
        if remedy.kind == "repeat":
            number = np.arange(len(self.y))[:, None]
            repeated = RandomOverSampler(sampling_strategy=self._totals(self.missing), random_state=self.seed)
            index = repeated.fit_resample(number, self.y)[0].ravel()
            return _safe_indexing(self.X, index), self.y[index]
        return self._smote()

    def _with_synthetic(self, share: float) -> tuple[Any, NDArray[Any]]:
        if self._drawn is None:
            self._drawn = self.sampler.fit(self.X, self.y).sample({k: n for k, n in self.missing.items() if n})
        X_new, y_new = self._drawn
        wanted = {label: round(share * count) for label, count in self.missing.items()}
        first = np.concatenate([np.flatnonzero(y_new == label)[:count] for label, count in wanted.items()])
        if not len(first):
            return self.X, self.y
        stacked = table_container(self.X, as_rows(self.X)).append(self.X, _safe_indexing(X_new, first))
        return stacked, np.concatenate([self.y, y_new[first]])

    def _smote(self) -> tuple[Any, NDArray[Any]]:
        sizes = {label: int((self.y == label).sum()) for label in self.missing}
        possible = {label: count for label, count in self.missing.items() if count and sizes[label] > 1}
        if not possible:
            return self.X, self.y
        neighbours = min(NEIGHBOURS, *(sizes[label] - 1 for label in possible))
        settings = {"sampling_strategy": self._totals(possible), "k_neighbors": neighbours, "random_state": self.seed}
        categorical = categorical_positions(self.X, self.sampler)
        return self._resample(SMOTENC(categorical, **settings) if categorical else SMOTE(**settings))

    def _resample(self, sampler: Any) -> tuple[Any, NDArray[Any]]:
        X, y = sampler.fit_resample(self.X, self.y)
        return X, np.asarray(y)

    def _totals(self, added: dict[Any, int]) -> dict[Any, int]:
        return {label: int((self.y == label).sum()) + count for label, count in added.items()}


def remedies_for(estimator: Any, sampler: Any, X: Any) -> list[Remedy]:
    """Return what can be tried on rows like `X`, "nothing" first and simpler things before others."""
    remedies = [Remedy("nothing", "nothing")]
    if class_weight_settings(estimator):
        remedies.append(Remedy("class weights", "class weights"))
    remedies.append(Remedy("random oversampling", "repeat"))
    categorical = categorical_positions(X, sampler)
    if categorical is not None:
        remedies.append(Remedy("SMOTENC" if categorical else "SMOTE", "SMOTE"))
    if is_generative(sampler):
        return remedies + [Remedy(f"GAN, {name}", "GAN", share) for name, share in SHARES.items()]
    own = Remedy(type(sampler).__name__, "sampler")
    # A SMOTE that was given stands for the one that would be tried anyway: names tell the remedies apart.
    return [*(remedy for remedy in remedies if remedy.name != own.name), own]


def is_generative(sampler: Any) -> bool:
    """Tell whether a sampler can draw any number of rows once it is fitted, as a `GANSampler` can."""
    return hasattr(sampler, "sample")


def class_weight_settings(estimator: Any) -> dict[str, str]:
    """Return the parameters that make an estimator, or a step of a pipeline, weight classes; none if some are set.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> class_weight_settings(make_pipeline(LogisticRegression()))
    {'logisticregression__class_weight': 'balanced'}
    """
    found = {
        name: value for name, value in estimator.get_params().items() if name.rsplit("__", 1)[-1] == "class_weight"
    }
    return dict.fromkeys(found, "balanced") if all(value is None for value in found.values()) else {}


def categorical_positions(X: Any, sampler: Any) -> list[int] | None:
    """Return the columns that SMOTE must take for categories, or None where it cannot be used at all."""
    rows = as_rows(X)
    if sparse.issparse(rows):
        return None if np.isnan(rows.data).any() else []
    rows = rows if isinstance(rows, pd.DataFrame) else np.asarray(rows)
    if rows.ndim != 2 or bool(np.any(pd.isna(rows))):
        return None
    kinds = (
        [dtype.kind for dtype in rows.dtypes] if isinstance(rows, pd.DataFrame) else [rows.dtype.kind] * rows.shape[1]
    )
    found = {position for position, kind in enumerate(kinds) if kind not in "iuf"}
    chosen = getattr(sampler, "categorical_features", "auto")
    if not isinstance(chosen, str):
        found |= set(positions_of(chosen, rows.columns if isinstance(rows, pd.DataFrame) else range(rows.shape[1])))
    return None if "M" in kinds or "m" in kinds or len(found) == len(kinds) else sorted(found)


def inner_sampler(sampler: Any, y: NDArray[Any], missing: dict[Any, int], *, fits: int, most_steps: int) -> Any:
    """Return a copy of the sampler for one of the many fits of a cross-validation, trained more briefly."""
    inner = clone(sampler)
    if is_generative(inner):
        inner.set_params(
            sampling_strategy={label: int((y == label).sum()) + count for label, count in missing.items()},
            max_steps=min(most_steps, inner.max_steps or most_steps),
            time_budget=None if inner.time_budget is None else inner.time_budget / fits,
            verbose=0,
        )
    return inner
