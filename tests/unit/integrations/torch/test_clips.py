"""Clips in the PyTorch interface: folders, balanced datasets, streams."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganaug import AugmentedDataset, ClipFolder, Generator, SyntheticDataset, balanced_loader
from ganaug.data.clips.clip_file import encoded
from ganaug.data.clips.clip_form import ClipForm
from ganaug.errors import DataError
from ganaug.integrations.torch.clips import ClipMaker
from tests.conftest import moving_squares

COUNTS = {"down": 10, "right": 4}


@pytest.fixture
def folder(tmp_path: Path) -> ClipFolder:
    data = moving_squares(COUNTS, channels=3)
    for index, (clip, label) in enumerate(zip(data.clips, data.labels, strict=True)):
        place = tmp_path / data.classes[label]
        place.mkdir(exist_ok=True)
        (place / f"{index:02}.webp").write_bytes(encoded(clip, ClipForm(".webp")))
    return ClipFolder(tmp_path)


def test_a_folder_is_named_as_torchvision_names_it(folder: ClipFolder) -> None:
    assert folder.classes == ["down", "right"]
    assert folder.class_to_idx == {"down": 0, "right": 1}
    assert Counter(folder.targets) == {0: 10, 1: 4}
    clip, target = folder[0]
    assert (clip.shape, clip.dtype, target) == ((3, 4, 8, 8), torch.float32, 0)
    assert 0 <= clip.min() < 0.2 < 0.8 < clip.max() <= 1


def test_a_folder_is_filled_up_to_balance(folder: ClipFolder, squares_generator: Generator) -> None:
    balanced = AugmentedDataset(folder, squares_generator, synthetic_share=1.0)
    assert Counter(balanced.targets) == {0: 10, 1: 10}
    clip, target = balanced[-1]
    assert (clip.shape, clip.dtype, target) == ((3, 4, 8, 8), torch.float32, 1)
    batch, labels = next(iter(balanced_loader(folder, squares_generator, batch_size=8)))
    assert (batch.shape, labels.shape) == ((8, 3, 4, 8, 8), (8,))


def test_a_stream_gives_tensors(squares_generator: Generator) -> None:
    batch, _ = next(iter(DataLoader(SyntheticDataset(squares_generator, size=6), batch_size=6)))
    assert (batch.shape, batch.dtype) == ((6, 3, 4, 8, 8), torch.float32)


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: torch.from_numpy(x).permute(3, 0, 1, 2).float() / 255,
        lambda x: torch.from_numpy(x).permute(0, 3, 1, 2).double() / 127.5 - 1,
        lambda x: x.astype(np.float32),
    ],
)
def test_synthetic_clips_get_the_form_of_the_real_ones(form: Any, squares_generator: Generator) -> None:
    data = moving_squares(COUNTS, channels=3)
    items = [(form(clip), 0) for clip in data.clips]
    maker = ClipMaker(object(), items, squares_generator.format, None)
    made, _ = maker(data.clips[1], 0)
    real = items[1][0]
    assert (type(made), made.dtype, made.shape) == (type(real), real.dtype, real.shape)
    np.testing.assert_allclose(np.asarray(made), np.asarray(real), atol=1e-5)


def test_a_transform_is_applied_to_both(squares_generator: Generator) -> None:
    data = moving_squares(COUNTS, channels=3)
    means = TensorDataset(torch.from_numpy(data.clips / 255).mean(dim=(2, 3)), torch.from_numpy(data.labels))
    means.classes = list(data.classes)  # type: ignore[attr-defined]
    means.transform = lambda clip: torch.from_numpy(clip / 255).mean(dim=(1, 2))  # type: ignore[attr-defined]
    balanced = AugmentedDataset(means, squares_generator, synthetic_share=1.0)
    assert balanced[-1][0].shape == (4, 3)
    means.transform = lambda clip: clip[:2]  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="the dataset's `transform` must turn a uint8 array"):
        AugmentedDataset(means, squares_generator, synthetic_share=1.0)


def test_items_of_another_shape_are_refused(squares_generator: Generator) -> None:
    wrong = TensorDataset(torch.zeros(14, 3, 5, 8, 8), torch.tensor([0] * 10 + [1] * 4))
    wrong.classes = list(COUNTS)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"of 4 frames with 3 channel\(s\).* but holds a tensor"):
        AugmentedDataset(wrong, squares_generator, synthetic_share=1.0)
