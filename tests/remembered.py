"""Fixtures that reuse fitted generators, for test suites that fit the same or similar data many times."""

from typing import Any

import pandas as pd
import pytest

import ganaug.training
from ganaug.data.dataset import Dataset
from ganaug.runtime.generator import Generator

_FITS: dict[tuple[str, ...], Generator] = {}
_fit = ganaug.training.fit


def fit_or_remember(data: Dataset, **settings: Any) -> Generator:
    """Return the generator of an earlier fit to the same table with the same settings, or fit one.

    Images are always fitted, and so is a table where callbacks are to be called. Other tests check that a second fit
    with the same seed gives the same generator.
    """
    told = {name: value for name, value in settings.items() if name != "callbacks"}
    return _fit_once((data.fingerprint, str(told)), data, settings)


@pytest.fixture
def remembered_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace `fit` by `fit_or_remember`."""
    monkeypatch.setattr(ganaug.training, "fit", fit_or_remember)


def fit_or_borrow(data: Dataset, **settings: Any) -> Generator:
    """Return the generator of an earlier fit to any table with the same columns and classes, or fit one.

    That is enough for tests of an estimator's interface. Images are always fitted.
    """
    return _fit_once((str(data.classes),), data, settings)


@pytest.fixture
def borrowed_fits(monkeypatch: pytest.MonkeyPatch, remembered_fits: None) -> None:
    """Replace `fit` by `fit_or_borrow`."""
    monkeypatch.setattr(ganaug.training, "fit", fit_or_borrow)


def _fit_once(key: tuple[str, ...], data: Dataset, settings: dict[str, Any]) -> Generator:
    if not isinstance(data.content, pd.DataFrame) or not all(map(_shows_nothing, settings.get("callbacks", ()))):
        return _fit(data, **settings)
    key = (*key, str(data.content.dtypes.to_dict()))
    if key not in _FITS:
        _FITS[key] = _fit(data, **settings)
    return _FITS[key]


def _shows_nothing(callback: Any) -> bool:
    """Tell whether a callback is what `ganaug.integrations.progress` yields for a quiet training."""
    return getattr(callback, "__qualname__", "") == "shown.<locals>.<lambda>" and callback.__closure__ is None
