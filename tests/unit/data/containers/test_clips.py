"""Containers of clips: shapes, ranges and dtypes come back."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganaug.data.containers import container_of
from ganaug.errors import DataError

CLIPS = np.random.default_rng(0).integers(0, 256, (6, 4, 8, 8, 1), np.uint8)
CLIPS[0, 0, 0, 0] = 255


@pytest.mark.parametrize(
    "form",
    [lambda X: X, lambda X: X / 255, lambda X: (X / 255).astype(np.float32), lambda X: (X // 16).astype(np.int64)],
)
def test_arrays_of_five_dimensions_are_clips_and_come_back(form: Any) -> None:
    X = form(CLIPS)
    container = container_of(X, X)
    assert container.modality == "clip"
    pixels = container.unwrap(X)
    assert (pixels.dtype, pixels.shape) == (np.uint8, CLIPS.shape)
    restored = container.wrap(pixels)
    assert restored.dtype == X.dtype
    np.testing.assert_allclose(restored, X, atol=1e-6)
    data = container.dataset(X, np.array([0, 1] * 3), ["a", "b"])
    np.testing.assert_array_equal(data.content, pixels)


def test_samples_get_the_sides_of_the_users_clips() -> None:
    wide = np.repeat(CLIPS, 2, axis=3)[:, :, :, :, :]
    container = container_of(wide, wide)
    data = container.dataset(wide, np.array([0, 1] * 3), ["a", "b"])
    assert data.content.shape[1:] == (4, 16, 16, 1)
    assert container.wrap(data.content).shape == wide.shape


def test_flat_rows_with_a_shape_of_four_numbers_are_clips() -> None:
    frame = pd.DataFrame(CLIPS.reshape(6, -1))
    container = container_of(frame, frame, (4, 8, 8, 1))
    assert container.modality == "clip"
    pd.testing.assert_frame_equal(container.wrap(container.unwrap(frame)), frame)


def test_what_is_no_clip_is_refused() -> None:
    with pytest.raises(DataError, match="Every image must have the shape"):
        container_of(CLIPS, CLIPS, (4, 8, 8, 3))
    with pytest.raises(DataError, match="image_shape must be"):
        container_of(CLIPS, CLIPS[..., None])
    fitted = container_of(CLIPS, CLIPS)
    with pytest.raises(DataError, match=r"Clips must be of shape \(4, 8, 8, 1\), as in fit"):
        container_of(CLIPS[:, :2], CLIPS[:, :2], None, fitted)
    with pytest.raises(DataError, match="X must hold clips, as in fit, but holds images"):
        container_of(CLIPS[:, 0], CLIPS[:, 0], None, fitted)
    with pytest.raises(DataError, match="must be 'auto' for clips"):
        fitted.dataset(CLIPS, np.zeros(6, np.int64), ["a", "b"], [0])
