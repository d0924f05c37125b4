"""Containers of signals: shapes and dtypes come back, and what is no signal is refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganaug.data.containers import container_of
from ganaug.errors import DataError

VALUES = np.random.default_rng(0).integers(-50, 50, (6, 20, 2))


@pytest.mark.parametrize("shape", [(6, 20), (6, 20, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int8"])
def test_signals_come_back_in_their_shape_and_dtype(shape: tuple[int, ...], dtype: str) -> None:
    X = (VALUES if len(shape) == 3 else VALUES[:, :, 0]).astype(dtype)
    container = container_of(X, X, signal=True)
    unwrapped = container.unwrap(X)
    assert unwrapped.shape == (*shape, 1)[:3]
    restored = container.wrap(unwrapped)
    assert restored.dtype == X.dtype
    np.testing.assert_array_equal(restored, X)
    assert container.append(X, restored).shape == (12, *shape[1:])


def test_lists_and_frames_of_signals_come_back() -> None:
    frame = pd.DataFrame(VALUES[:, :, 0].astype(float))
    container = container_of(frame, frame, signal=True)
    pd.testing.assert_frame_equal(container.wrap(container.unwrap(frame)), frame)
    listed = VALUES.tolist()
    container = container_of(listed, VALUES, signal=True)
    assert container.wrap(container.unwrap(VALUES)) == listed


def test_without_the_flag_arrays_are_rows_and_images() -> None:
    assert container_of(VALUES[:, :, 0], VALUES[:, :, 0]).modality == "table"
    grey = np.abs(VALUES)
    assert container_of(grey, grey).modality == "image"


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.zeros((6, 20, 2, 2)), "With signal=True, X must be of shape"),
        (np.zeros((6, 3)), "must have 8 values or more"),
        (np.zeros((6, 20, 1000)), "transpose them"),
        (np.full((6, 20), "a"), "must be numbers"),
        (np.full((6, 20), np.nan), "must be finite"),
    ],
)
def test_what_is_no_signal_is_refused(X: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        container_of(X, X, signal=True)


def test_signals_are_no_images_and_keep_the_shape_of_the_fit() -> None:
    with pytest.raises(DataError, match="image_shape must be None with signal=True"):
        container_of(VALUES, VALUES, (20, 2), signal=True)
    fitted = container_of(VALUES, VALUES, signal=True)
    with pytest.raises(DataError, match=r"must be of shape \(20, 2\), as in fit"):
        container_of(VALUES[:, :10], VALUES[:, :10], None, fitted, signal=True)
