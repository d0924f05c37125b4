"""Fits that are remembered, for the many checks that fit the same data, or the like, again and again."""

from typing import Any

import pytest

import ganaug.training
from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import LabelledTable
from ganaug.runtime.generator import Generator

_FITS: dict[tuple[Any, ...], Generator] = {}
_fit = ganaug.training.fit


def fit_or_remember(data: Dataset, **settings: Any) -> Generator:
    """Train on a table only the first time; that a second fit gives the same is tested where it is asked for."""
    if not isinstance(data, LabelledTable):
        return _fit(data, **settings)
    key = (data.fingerprint, tuple(data.frame.columns), str(settings))
    if key not in _FITS:
        _FITS[key] = _fit(data, **settings)
    return _FITS[key]


@pytest.fixture
def remembered_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganaug.training, "fit", fit_or_remember)


def fit_or_borrow(data: Dataset, **settings: Any) -> Generator:
    """Take what was learned from any table with the same columns and classes: enough where only the face is checked."""
    if not isinstance(data, LabelledTable):
        return _fit(data, **settings)
    key = (tuple(data.frame.columns), str(data.frame.dtypes.tolist()), str(data.classes))
    if key not in _FITS:
        _FITS[key] = _fit(data, **settings)
    return _FITS[key]


@pytest.fixture
def borrowed_fits(monkeypatch: pytest.MonkeyPatch, remembered_fits: None) -> None:
    monkeypatch.setattr(ganaug.training, "fit", fit_or_borrow)
