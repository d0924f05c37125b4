"""Signals in the PyTorch interface: folders, balanced datasets, streams."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganaug import AugmentedDataset, Generator, SignalFolder, SyntheticDataset, balanced_loader
from ganaug.data.signals.signal_file import FileForm, encoded
from ganaug.errors import DataError
from ganaug.integrations.torch.signals import SignalMaker
from tests.conftest import waves

COUNTS = {"fast": 10, "slow": 4}


@pytest.fixture
def folder(tmp_path: Path) -> SignalFolder:
    data = waves(COUNTS, channels=2)
    for index, (signal, label) in enumerate(zip(data.signals, data.labels, strict=True)):
        place = tmp_path / data.classes[label]
        place.mkdir(exist_ok=True)
        (place / f"{index:02}.npy").write_bytes(encoded(signal, FileForm()))
    return SignalFolder(tmp_path)


def test_a_folder_is_named_as_torchvision_names_it(folder: SignalFolder) -> None:
    assert folder.classes == ["fast", "slow"]
    assert folder.class_to_idx == {"fast": 0, "slow": 1}
    assert Counter(folder.targets) == {0: 10, 1: 4}
    signal, target = folder[0]
    assert (signal.shape, signal.dtype, target) == ((2, 40), torch.float32, 0)


def test_a_folder_is_filled_up_to_balance(folder: SignalFolder, waves_generator: Generator) -> None:
    balanced = AugmentedDataset(folder, waves_generator, synthetic_share=1.0)
    assert Counter(balanced.targets) == {0: 10, 1: 10}
    signal, target = balanced[-1]
    assert (signal.shape, signal.dtype, target) == ((2, 40), torch.float32, 1)
    batch, labels = next(iter(balanced_loader(folder, waves_generator, batch_size=8)))
    assert (batch.shape, labels.shape) == ((8, 2, 40), (8,))


def test_a_stream_gives_tensors(waves_generator: Generator) -> None:
    batch, _ = next(iter(DataLoader(SyntheticDataset(waves_generator, size=6), batch_size=6)))
    assert (batch.shape, batch.dtype) == ((6, 2, 40), torch.float32)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: torch.from_numpy(x),
        lambda x: torch.from_numpy(x).T.double(),
        lambda x: x.T.astype(np.float64),
        lambda x: np.rint(x).astype(np.int16),
    ],
)
def test_synthetic_signals_get_the_form_of_the_real_ones(form: Any, waves_generator: Generator) -> None:
    data = waves(COUNTS, channels=2)
    real = form(data.signals[0])
    maker = SignalMaker(object(), [(real, 0)], waves_generator.format, None)
    made, _ = maker(data.signals[1], 0)
    assert (type(made), made.dtype, made.shape) == (type(real), real.dtype, real.shape)
    np.testing.assert_allclose(np.asarray(made), np.asarray(form(data.signals[1])), atol=1e-6)


def test_a_transform_is_applied_to_both(waves_generator: Generator) -> None:
    data = waves(COUNTS, channels=2)
    transformed = TensorDataset(torch.from_numpy(data.signals).mean(dim=1), torch.from_numpy(data.labels))
    transformed.classes = list(data.classes)  # type: ignore[attr-defined]
    transformed.transform = lambda signal: torch.from_numpy(signal).mean(dim=0)  # type: ignore[attr-defined]
    balanced = AugmentedDataset(transformed, waves_generator, synthetic_share=1.0)
    assert balanced[-1][0].shape == (2,)
    transformed.transform = lambda signal: signal[:5]  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="the dataset's `transform` must turn a float32 array"):
        AugmentedDataset(transformed, waves_generator, synthetic_share=1.0)


def test_items_of_another_shape_are_refused(waves_generator: Generator) -> None:
    wrong = TensorDataset(torch.zeros(14, 3, 40), torch.tensor([0] * 10 + [1] * 4))
    wrong.classes = list(COUNTS)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"of 40 values in 2 channel\(s\), but holds a tensor"):
        AugmentedDataset(wrong, waves_generator, synthetic_share=1.0)
