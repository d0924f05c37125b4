"""Fits that are remembered, for the many checks that fit the same data, or the like, again and again."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import ganaug.training
from ganaug.runtime.generator import Generator

_FITS: dict[tuple[Any, ...], Generator] = {}
_fit_table = ganaug.training.fit_table


def fit_or_remember(frame: pd.DataFrame, y: np.ndarray, **settings: Any) -> Generator:
    """Fit as ever the first time; that a second fit gives the same is tested where it is asked for."""
    cells = pd.util.hash_pandas_object(frame.astype(str) if frame.dtypes.eq(object).any() else frame).to_numpy()
    key = (cells.tobytes(), tuple(frame.columns), str(frame.dtypes.tolist()), str(y.tolist()), str(settings))
    if key not in _FITS:
        _FITS[key] = _fit_table(frame, y, **settings)
    return _FITS[key]


@pytest.fixture
def remembered_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganaug.training, "fit_table", fit_or_remember)


def fit_or_borrow(frame: pd.DataFrame, y: np.ndarray, **settings: Any) -> Generator:
    """Take what was learned from any data with the same columns and classes: enough where only the face is checked."""
    key = (tuple(frame.columns), str(frame.dtypes.tolist()), str(np.unique(y).tolist()))
    if key not in _FITS:
        _FITS[key] = _fit_table(frame, y, **settings)
    return _FITS[key]


@pytest.fixture
def borrowed_fits(monkeypatch: pytest.MonkeyPatch, remembered_fits: None) -> None:
    monkeypatch.setattr(ganaug.training, "fit_table", fit_or_borrow)
