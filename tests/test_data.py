"""The PyTorch faces: folders as datasets, and datasets filled up to balance."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ganaug import AugmentedDataset, Generator, ImageFolder
from ganaug.codecs.image import LabelledImages
from ganaug.data import fill_counts
from ganaug.errors import DataError


class Pictures(Dataset[tuple[Any, Any]]):
    """A dataset of a user's own: images in any form, labels of any kind."""

    def __init__(self, images: list[Any], labels: list[Any], **attributes: Any) -> None:
        self.images, self.labels_ = images, labels
        self.__dict__ |= attributes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.images[index], self.labels_[index]


@pytest.fixture
def folder(tmp_path: Path, stripes: LabelledImages) -> Path:
    for index, (image, label) in enumerate(zip(stripes.images, stripes.labels, strict=True)):
        place = tmp_path / "photos" / stripes.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(place / f"{index}.png")
    return tmp_path / "photos"


@pytest.fixture
def photos(folder: Path) -> ImageFolder:
    return ImageFolder(folder)


def test_folder_is_named_as_torchvision_names_it(photos: ImageFolder) -> None:
    assert photos.classes == ["lying", "upright"]
    assert photos.class_to_idx == {"lying": 0, "upright": 1}
    assert Counter(photos.targets) == {0: 40, 1: 12}
    image, target = photos[0]
    assert image.shape == (1, 8, 8)
    assert image.dtype == torch.float32
    assert 0 <= float(image.min()) < float(image.max()) <= 1
    assert target == 0


def test_folder_takes_size_and_transform(folder: Path) -> None:
    photos = ImageFolder(folder, size=16, transform=lambda image: image.shape)
    assert photos[0] == ((16, 16, 1), 0)


def test_real_first_then_balanced(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, synthetic_share=1.0)
    assert len(augmented) == 80
    assert Counter(augmented.targets) == {0: 40, 1: 40}
    assert [augmented.is_synthetic(i) for i in range(80)] == [False] * 52 + [True] * 28
    for index in range(52):
        assert torch.equal(augmented[index][0], photos[index][0])
    assert {augmented[i][1] for i in range(52, 80)} == {1}
    assert augmented[60][0].shape == photos[0][0].shape


def test_share_caps_the_synthetic_part_and_repeats_fill_the_rest(
    photos: ImageFolder, stripes_generator: Generator
) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, synthetic_share=0.1)
    synthetic = sum(augmented.is_synthetic(i) for i in range(len(augmented)))
    assert len(augmented) == 80
    assert synthetic == 8
    assert Counter(augmented.targets) == {0: 40, 1: 40}
    rare = [photos[i][0] for i in range(len(photos)) if photos.targets[i] == 1]
    repeats = [augmented[i] for i in range(60, 80)]
    assert all(label == 1 and any(torch.equal(image, own) for own in rare) for image, label in repeats)
    for index in range(80):
        assert augmented[index][1] == augmented.targets[index]


def test_automatic_share_is_thirty_per_cent(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator)
    assert sum(augmented.is_synthetic(i) for i in range(len(augmented))) == int(0.3 * 80)


def test_no_synthetic_at_all(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, synthetic_share=0)
    assert Counter(augmented.targets) == {0: 40, 1: 40}
    assert not any(augmented.is_synthetic(i) for i in range(len(augmented)))


def test_strategy_names_sizes(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, strategy={1: 20}, synthetic_share=1.0)
    assert Counter(augmented.targets) == {0: 40, 1: 20}
    for strategy, reason in [({1: 5}, "fewer items"), ({"nothing": 5}, "must name classes"), ("banana", "must be")]:
        with pytest.raises(DataError, match=reason):
            AugmentedDataset(photos, stripes_generator, strategy=strategy)  # type: ignore[arg-type]


def test_fresh_items_differ_by_epoch_and_repeat_by_seed(photos: ImageFolder, stripes_generator: Generator) -> None:
    first, second = (AugmentedDataset(photos, stripes_generator, seed=3) for _ in range(2))
    one, two = ([first[i][0] for i in range(52, 70)] for _ in range(2))
    assert not any(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert all(torch.equal(a, second[i][0]) for a, i in zip(one, range(52, 70), strict=True))
    first.set_epoch(0)
    assert all(torch.equal(a, first[i][0]) for a, i in zip(one, range(52, 70), strict=True))


def test_stale_items_stay(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, fresh=False)
    assert torch.equal(augmented[55][0], augmented[55][0])


@pytest.mark.parametrize("workers", [0, 2])
def test_loads_in_workers_and_every_epoch_is_new(
    photos: ImageFolder, stripes_generator: Generator, workers: int
) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, synthetic_share=1.0)
    loader = DataLoader(augmented, batch_size=16, num_workers=workers)
    one, two = (torch.cat([image for image, _ in loader]) for _ in range(2))
    assert one.shape == (80, 1, 8, 8)
    assert torch.equal(one[:52], two[:52])
    assert not torch.equal(one[52:], two[52:])
    assert len(torch.unique(one[52:].flatten(1), dim=0)) == 28


def test_the_number_of_workers_changes_nothing(photos: ImageFolder, stripes_generator: Generator) -> None:
    epochs = []
    for workers in (1, 2):
        torch.manual_seed(0)
        loader = DataLoader(AugmentedDataset(photos, stripes_generator), batch_size=16, num_workers=workers)
        epochs.append(torch.cat([image for image, _ in loader]))
    assert torch.equal(*epochs)


def test_pickles_without_its_cache(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator)
    image = augmented[55][0]
    again = pickle.loads(pickle.dumps(AugmentedDataset(photos, stripes_generator)))  # noqa: S301
    assert torch.equal(again[55][0], image)


@pytest.mark.parametrize(
    ("form", "check"),
    [
        (lambda a: Image.fromarray(a[:, :, 0]), lambda x: x.mode == "L" and x.size == (8, 8)),
        (
            lambda a: Image.fromarray(a[:, :, 0]).convert("RGB").resize((10, 6)),
            lambda x: x.mode == "RGB" and x.size == (10, 6),
        ),
        (lambda a: a, lambda x: x.shape == (8, 8, 1) and x.dtype == np.uint8),
        (lambda a: a[:, :, 0], lambda x: x.shape == (8, 8) and x.dtype == np.uint8),
        (lambda a: (a / 255).astype(np.float32), lambda x: x.dtype == np.float32 and 0.2 < x.max() <= 1),
        (lambda a: torch.from_numpy(a).permute(2, 0, 1), lambda x: x.shape == (1, 8, 8) and x.dtype == torch.uint8),
        (lambda a: torch.from_numpy(a).repeat(1, 1, 3) / 255, lambda x: x.shape == (8, 8, 3) and x.max() <= 1),
    ],
)
def test_synthetic_items_look_like_the_real_ones(
    form: Any, check: Any, stripes: LabelledImages, stripes_generator: Generator
) -> None:
    names = [stripes.classes[label] for label in stripes.labels]
    augmented = AugmentedDataset(Pictures([form(image) for image in stripes.images], names), stripes_generator)
    image, label = augmented[55]
    assert augmented.is_synthetic(55)
    assert label == "upright"
    assert type(image) is type(augmented[0][0])
    assert check(image)


def test_a_transform_sees_synthetic_images_too(stripes: LabelledImages, stripes_generator: Generator) -> None:
    class Transformed(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return self.transform(self.images[index]), self.labels_[index]

    pictures = [Image.fromarray(image[:, :, 0]) for image in stripes.images]
    data = Transformed(pictures, stripes.labels.tolist(), classes=list(stripes.classes), transform=lambda p: p.size)
    assert AugmentedDataset(data, stripes_generator)[55] == ((8, 8), 1)


def test_labels_that_do_not_match_are_refused_naming_both(
    stripes: LabelledImages, stripes_generator: Generator
) -> None:
    pictures = list(stripes.images)
    with pytest.raises(DataError, match=r"\['cat', 'dog'\].*\['lying', 'upright'\]"):
        AugmentedDataset(Pictures(pictures, ["cat", "dog"] * 26), stripes_generator)
    with pytest.raises(DataError, match="at least one item"):
        AugmentedDataset(Pictures([], []), stripes_generator)
    with pytest.raises(DataError, match="map-style"):
        AugmentedDataset(iter(pictures), stripes_generator)
    with pytest.raises(DataError, match="synthetic_share"):
        AugmentedDataset(Pictures(pictures, ["lying"] * 52), stripes_generator, synthetic_share=1.5)


def test_counts_never_pass_the_share() -> None:
    for share in (0.0, 0.05, 0.3, 0.77, 1.0):
        filled = fill_counts(341, {"a": 0, "b": 29, "c": 95}, share)
        assert sum(filled.values()) <= share * (341 + 124) + 1e-9
        assert filled["a"] == 0
