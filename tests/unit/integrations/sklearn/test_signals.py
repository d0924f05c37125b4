"""Signals in the scikit-learn interface."""

from typing import Any

import numpy as np
import pytest

from ganaug import GANAugmenter, GANSampler
from tests.conftest import waves

DATA = waves({"fast": 14, "slow": 6}, channels=2)
NAMES = DATA.label_values.astype(str)


@pytest.mark.slow
@pytest.mark.parametrize("signals", [DATA.signals, DATA.signals[:, :, 0].astype(np.float64)])
def test_signals_are_filled_up_in_their_shape_and_dtype(signals: Any) -> None:
    augmenter = GANAugmenter(signal=True, max_steps=2, random_state=0).fit(signals, NAMES)
    X, y = augmenter.transform(signals, NAMES)
    assert (X.shape, X.dtype) == ((28, *signals.shape[1:]), signals.dtype)
    assert y.tolist().count("slow") == 14
    np.testing.assert_array_equal(X[:20], signals)
    assert augmenter.generator_.modality == "signal"
    assert augmenter.sample({"slow": 3})[0].shape == (3, *signals.shape[1:])


@pytest.mark.slow
def test_the_sampler_takes_signals_too() -> None:
    X, _ = GANSampler(signal=True, max_steps=2, random_state=0).fit_resample(DATA.signals, DATA.labels)
    assert X.shape == (28, 40, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"image_shape": (20, 2)}, "image_shape must be None with signal=True"),
        ({"space": "latent"}, "space must be 'auto' for signals"),
        ({"augment": print}, "augment must be None for signals"),
        ({"categorical_features": [0]}, "categorical_features must be 'auto' for signals"),
        ({"signal": "yes"}, "The 'signal' parameter"),
    ],
)
def test_settings_of_other_data_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GANAugmenter(**({"signal": True, "max_steps": 2} | settings)).fit(DATA.signals, NAMES)
