"""Clips in the scikit-learn interface."""

from typing import Any

import numpy as np
import pytest

from ganaug import GANAugmenter, GANSampler
from tests.conftest import moving_squares

DATA = moving_squares({"down": 14, "right": 6})
NAMES = DATA.label_values.astype(str)


@pytest.mark.slow
@pytest.mark.parametrize("clips", [DATA.clips, (DATA.clips / 255).astype(np.float32)])
def test_clips_are_filled_up_in_their_shape_and_dtype(clips: Any) -> None:
    augmenter = GANAugmenter(max_steps=2, random_state=0).fit(clips, NAMES)
    X, y = augmenter.transform(clips, NAMES)
    assert (X.shape, X.dtype) == ((28, *clips.shape[1:]), clips.dtype)
    assert y.tolist().count("right") == 14
    np.testing.assert_array_equal(X[:20], clips)
    assert augmenter.generator_.modality == "clip"


@pytest.mark.slow
def test_the_sampler_takes_flat_rows_of_clips() -> None:
    sampler = GANSampler(image_shape=(4, 8, 8, 1), max_steps=2, random_state=0)
    X, _ = sampler.fit_resample(DATA.clips.reshape(20, -1), DATA.labels)
    assert X.shape == (28, 4 * 8 * 8)
    assert sampler.generator_.modality == "clip"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"signal": True}, "With signal=True, X must be of shape"),
        ({"space": "latent"}, "space must be 'auto' for clips"),
        ({"augment": print}, "augment must be None for clips"),
        ({"categorical_features": [0]}, "categorical_features must be 'auto' for clips"),
    ],
)
def test_settings_of_other_data_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GANAugmenter(**({"max_steps": 2} | settings)).fit(DATA.clips, NAMES)
