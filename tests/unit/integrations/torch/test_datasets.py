"""The PyTorch faces: folders as datasets, and datasets filled up to balance."""

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split

from ganaug import AugmentedDataset, Generator, ImageFolder, SyntheticDataset, balanced_loader
from ganaug.data.images.dataset import LabelledImages
from ganaug.errors import DataError
from ganaug.integrations.torch import EvenSampler
from ganaug.runtime.dose import fill_counts
from tests.doses import with_dose
from tests.paths import MODELS

import albumentations as A  # isort: skip


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


def test_automatic_share_is_the_dose_of_the_file(photos: ImageFolder, stripes_generator: Generator) -> None:
    def filled(*dose: float, **settings: Any) -> tuple[Counter[int], Counter[int]]:
        augmented = AugmentedDataset(photos, with_dose(stripes_generator, dose), **settings)
        synthetic = Counter(augmented.targets[index] for index in augmented.synthetic_indices)
        return Counter(augmented.targets), synthetic

    assert filled(0.0, 0.5) == ({0: 40, 1: 40}, {1: 20})
    assert filled(0.0, 0.0) == ({0: 40, 1: 40}, {})
    assert filled(0.2, 0.5) == ({0: 50, 1: 50}, {0: 10, 1: 25})  # the largest class has room for its dose as well
    assert filled(0.2, 0.5, strategy={1: 20}) == ({0: 40, 1: 20}, {1: 8})  # no more than the strategy adds
    assert filled(0.0, 0.0, synthetic_share=1.0) == ({0: 40, 1: 40}, {1: 28})  # a number is obeyed
    assert filled(0.0, 0.0, synthetic_share=0.1) == ({0: 40, 1: 40}, {1: 8})


def test_no_synthetic_at_all(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, synthetic_share=0)
    assert Counter(augmented.targets) == {0: 40, 1: 40}
    assert not any(augmented.is_synthetic(i) for i in range(len(augmented)))


def test_strategy_names_sizes(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator, strategy={1: 20}, synthetic_share=1.0)
    assert Counter(augmented.targets) == {0: 40, 1: 20}
    for strategy, reason in [
        ({1: 5}, "fewer items"),
        ({1: 10**9}, "at most 20,000,000 items of a class"),
        ({"nothing": 5}, "must name classes"),
        ("banana", "must be"),
    ]:
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
    assert fill_counts(100, {"rare": 80}, share=1.0) == {"rare": 80}
    assert fill_counts(100, {"rare": 80}, share=0.25) == {"rare": 45}


# What synthetic items are of, and what they are like: here every pixel tells the class.


def knowing(generator: Generator, classes: list[Any]) -> Generator:
    """Return the generator with other names for its classes."""
    proto = onnx.load_model_from_string(generator.to_bytes())
    (claim,) = [prop for prop in proto.metadata_props if prop.key == "ganaug"]
    claim.value = json.dumps(json.loads(claim.value) | {"classes": classes})
    return Generator(proto.SerializeToString())


@pytest.fixture(scope="module")
def digits() -> Generator:
    return Generator.load(MODELS / "digits.onnx")


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make samples of a class tell its position among the generator's classes: 20 times that, everywhere."""

    def sample_each(self: Generator, labels: list[Any], *_: Any, **__: Any) -> tuple[Any, None]:
        values = np.array([20 * self.classes.index(label) for label in labels], np.uint8)
        return np.broadcast_to(values[:, None, None, None], (len(values), *self.image_shape)), None

    monkeypatch.setattr(Generator, "sample_each", sample_each)


def synthetic(data: AugmentedDataset) -> list[tuple[Any, Any]]:
    return [data[i] for i in range(len(data)) if data.is_synthetic(i)]


def noise(count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)


def numbered_folder(root: Path, names: list[str]) -> Path:
    for position, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for index, image in enumerate(noise(2 + position)):
            Image.fromarray(image[:, :, 0]).save(root / name / f"{index}.png")
    return root


@pytest.mark.usefixtures("telling")
@pytest.mark.parametrize("wrap", ["itself", "subset", "nested", "split", "concat", "subset of concat"])
def test_wrappers_are_looked_through_for_the_classes(wrap: str, tmp_path: Path, digits: Generator) -> None:
    names = [str(number) for number in range(2, 12)]  # as text, "10" and "11" come first
    generator = knowing(digits, sorted(names))
    folder = ImageFolder(numbered_folder(tmp_path, names), size=8)
    assert folder.classes == sorted(names)
    count = len(folder)
    data: Any = {
        "itself": folder,
        "subset": Subset(folder, range(count)),
        "nested": Subset(Subset(folder, range(count)), np.arange(count)[::-1]),  # type: ignore[arg-type]
        "split": random_split(folder, [count - 5, 5])[0],
        "concat": ConcatDataset([folder, Subset(folder, range(20))]),
        "subset of concat": Subset(ConcatDataset([Subset(folder, range(5)), folder]), range(3, count)),
    }[wrap]
    augmented = AugmentedDataset(data, generator, synthetic_share=1.0)
    assert augmented.classes == folder.classes
    assert augmented.targets[: len(data)] == [data[i][1] for i in range(len(data))]
    found = synthetic(augmented)
    assert len(found) > 20
    for image, label in found:
        assert image.dtype == torch.float32
        assert image.unique().tolist() == pytest.approx([20 * label / 255])


@pytest.mark.usefixtures("telling")
def test_wrappers_are_looked_through_for_the_transform(folder: Path, stripes_generator: Generator) -> None:
    photos = ImageFolder(folder, transform=lambda image: (image / np.float32(100)).ravel())
    for data in (Subset(photos, range(52)), ConcatDataset([photos])):
        ((image, label), *_) = synthetic(AugmentedDataset(data, stripes_generator))
        assert (image.shape, image.dtype, label) == ((64,), np.float32, 1)
        assert image == pytest.approx(0.2)


@pytest.mark.usefixtures("telling")
def test_the_part_that_holds_the_class_decides_the_form(stripes_generator: Generator) -> None:
    images = noise(12)
    parts = [
        Pictures(list(images[:8]), ["lying"] * 8),
        Pictures([torch.from_numpy(image[:, :, 0]) / 255 for image in images[8:]], ["upright"] * 4),
    ]
    found = synthetic(AugmentedDataset(ConcatDataset(parts), stripes_generator, synthetic_share=1.0))
    assert len(found) == 4
    assert all(image.shape == (8, 8) and image.unique().item() == pytest.approx(20 / 255) for image, _ in found)


@pytest.mark.parametrize(
    ("known", "labels", "classes", "wanted"),
    [
        (["lying", "upright"], ["lying", "upright"], None, [0, 1]),
        (["lying", "upright"], [0, 1], ["upright", "lying"], [1, 0]),
        (["lying", "upright"], ["upright", "lying"], ["upright", "lying"], [1, 0]),
        (["0", "1"], [0, 1], None, [0, 1]),
        (["7", "12"], [12, 7], None, [1, 0]),
        ([4, 1], [1, 4], None, [1, 0]),
        ([1, 0], [1, 0], None, [0, 1]),
        ([4, 1], ["1", "4"], None, [1, 0]),
        (["4", "1"], [0, 1], [1, 4], [1, 0]),
    ],
)
@pytest.mark.usefixtures("telling")
def test_labels_that_match(
    known: list[Any], labels: list[Any], classes: Any, wanted: list[int], stripes_generator: Generator
) -> None:
    given = {} if classes is None else {"classes": classes}
    data = Pictures(list(noise(9)), [labels[0]] * 6 + [labels[1]] * 3, **given)
    augmented = AugmentedDataset(data, knowing(stripes_generator, known), strategy=dict.fromkeys(labels, 8), seed=1)
    seen = {label: int(image.max()) // 20 for image, label in synthetic(augmented)}
    assert seen == dict(zip(labels, wanted, strict=True))


@pytest.mark.parametrize(
    ("known", "labels", "classes", "reason"),
    [
        (
            ["0", "1"],
            [0, 1],
            ["grün", "rød"],
            r"^the generator must .* does not know 'grün' of .*\['grün', 'rød'\]: it was trained on \['0', '1'\]; ",
        ),
        (["lying", "upright"], ["lying", "upright"], ["cat", "dog"], r"indices into .*\['cat', 'dog'\].*'lying'"),
        (["lying", "upright"], [0, 2], ["lying", "upright"], "indices into .* but one is 2: add its class"),
        (["lying", "upright"], [0, 1], None, r"^the generator must .* \[0, 1\], .* on \['lying', 'upright'\]: give"),
        (["1", "0"], [0, 1], None, "could be their names or their positions"),
        (["1", "10"], [1, 1], None, "could be their names or their positions"),
        (["00", "01"], [0, 1], None, r"\[0, 1\].*\['00', '01'\]"),
        ([1, 2], [0, 1], None, r"\[0, 1\].*\[1, 2\]"),
    ],
)
def test_labels_that_leave_a_doubt_are_refused(
    known: list[Any], labels: list[Any], classes: Any, reason: str, stripes_generator: Generator
) -> None:
    given = {} if classes is None else {"classes": classes}
    data = Pictures(list(noise(9)), [labels[0]] * 6 + [labels[1]] * 3, **given)
    with pytest.raises(DataError, match=reason):
        AugmentedDataset(data, knowing(stripes_generator, known))


def test_parts_with_other_classes_are_refused(stripes_generator: Generator) -> None:
    parts = [Pictures(list(noise(4)), [0, 0, 0, 1], classes=names) for names in (["lying", "upright"], ["upright"])]
    with pytest.raises(DataError, match=r"same `classes`.*: give all parts the same list"):
        AugmentedDataset(ConcatDataset(parts), stripes_generator)
    assert len(AugmentedDataset(Subset(ConcatDataset(parts), range(4)), stripes_generator)) == 6


@pytest.mark.parametrize("wrap", ["no", "subset", "concatenation", "split"])
def test_a_dataset_that_was_filled_up_is_refused(wrap: str, photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator)
    data: Any = {
        "no": augmented,
        "subset": Subset(augmented, range(60)),
        "concatenation": ConcatDataset([photos, augmented]),
        "split": random_split(augmented, [0.5, 0.5])[0],
    }[wrap]
    with pytest.raises(DataError, match=r"real items alone.*give the dataset that it wraps"):
        AugmentedDataset(data, stripes_generator)


def test_classes_that_are_no_list_are_refused(stripes_generator: Generator) -> None:
    for classes, found in ((["lying"].copy, "a builtin_function_or_method"), (2, "2")):
        data = Pictures(list(noise(2)), [0, 0], classes=classes)
        with pytest.raises(DataError, match=f"`classes` of the dataset must be a list, but is {found}: let it be"):
            AugmentedDataset(data, stripes_generator)


def test_epochs_beyond_64_bits_are_refused(photos: ImageFolder, stripes_generator: Generator) -> None:
    augmented = AugmentedDataset(photos, stripes_generator)
    for one in (augmented, EvenSampler(augmented), SyntheticDataset(stripes_generator)):
        with pytest.raises(DataError, match=r"epoch must be below 2\*\*63, but is .*: count"):
            one.set_epoch(2**70)
    augmented.set_epoch(2**63 - 1)
    assert augmented[55][1] == 1


def test_targets_that_items_contradict_are_refused(stripes_generator: Generator) -> None:
    labels = ["lying"] * 6 + ["upright"] * 2
    for targets, reason in (
        ([0] * 7 + [1], "`targets` must list"),
        (labels[:3], "each of the 8 items, but has 3 labels: correct it"),
        (labels.copy, "`targets` of the dataset must be a list, but is a .*: let it be an attribute"),
        (5, "must be a list, but is 5"),
    ):
        data = Pictures(list(noise(8)), labels, targets=targets, classes=["lying", "upright"])
        with pytest.raises(DataError, match=reason):
            AugmentedDataset(data, stripes_generator)


@pytest.mark.usefixtures("telling")
@pytest.mark.parametrize(
    ("of", "wanted"),
    [
        (lambda a: a, 20),
        (lambda a: a / 255, 20 / 255),
        (lambda a: (a / 255).astype(np.float16), 20 / 255),
        (lambda a: a / 127.5 - 1, 20 / 127.5 - 1),
        (lambda a: a.astype(np.float32), 20),
        (lambda a: torch.from_numpy(a).permute(2, 0, 1) / 127.5 - 1, 20 / 127.5 - 1),
        (lambda a: (torch.from_numpy(a) / 255).bfloat16(), 20 / 255),
        (lambda a: (torch.from_numpy(a) / 255).requires_grad_(), 20 / 255),
    ],
)
def test_synthetic_items_have_the_range_of_the_real_ones(of: Any, wanted: float, stripes_generator: Generator) -> None:
    data = Pictures([of(image) for image in noise(8)], ["lying"] * 6 + ["upright"] * 2)
    ((image, _), *_) = synthetic(AugmentedDataset(data, stripes_generator))
    assert image.dtype == data[0][0].dtype
    assert image.shape == data[0][0].shape
    assert float(image.max()) == float(image.min()) == pytest.approx(wanted, rel=1e-2)


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (lambda a: (a / 255 - 0.13) / 0.31, r"float64 from -0\.419355 to 2\.80645"),
        (lambda a: a / 255 - 0.5, r"from -0\.5 to 0\.5"),
        (lambda a: a / 16.0, r"from 0 to 15\.9375"),
        (lambda a: a // 16, "uint8 from 0 to 15"),
        (lambda a: a / 255 / 255, "float64 from 0"),
        (lambda a: a.astype(np.uint16) * 257, "uint16 from 0 to 65535"),
        (lambda a: a.astype(np.int64), "int64 from 0 to 255"),
        (lambda a: a > 100, "bool from 0 to 1"),
        (lambda a: a * np.nan, "from nan to nan"),
        (lambda a: a[:, :, [0] * 5], r"shape \(8, 8, 5\)"),
        (lambda a: a[:, :, [0] * 2], r"shape \(8, 8, 2\)"),
        (lambda a: a.ravel(), r"shape \(64,\)"),
        (lambda a: None, "NoneType"),
        (lambda a: Image.fromarray(a[:, :, 0].astype(np.int32)), "PIL image of mode I"),
    ],
)
def test_ranges_and_forms_that_leave_a_doubt_are_refused(of: Any, found: str, stripes_generator: Generator) -> None:
    data = Pictures([of(image) for image in noise(80)], ["lying"] * 60 + ["upright"] * 20)
    with pytest.raises(DataError, match=rf"{found}.*give the dataset a `transform`"):
        AugmentedDataset(data, stripes_generator)
    assert len(AugmentedDataset(data, stripes_generator, synthetic_share=0)) == 120


class Transforming(Pictures):
    """As torchvision's datasets do it."""

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.images[index]), self.labels_[index]


def to_tensor(image: Image.Image) -> torch.Tensor:
    """Do what torchvision's ToTensor does."""
    if not isinstance(image, Image.Image):
        raise TypeError("pic should be PIL Image")
    array = np.array(image)
    return torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1) / 255


@pytest.mark.usefixtures("telling")
@pytest.mark.parametrize(
    ("image", "transform", "wanted"),
    [
        (lambda a: Image.fromarray(a[:, :, 0]), lambda p: (to_tensor(p) - 0.1) / 0.3, (20 / 255 - 0.1) / 0.3),
        (lambda a: Image.fromarray(a[:, :, 0]).convert("RGB"), to_tensor, 20 / 255),
        (lambda a: Image.fromarray(a[:, :, 0]).resize((7, 9)), to_tensor, 20 / 255),
        (lambda a: a, lambda a: np.float32(a) * 2, 40),
        (lambda a: a, lambda a: a.transpose(2, 0, 1) / 300, 20 / 300),
    ],
)
def test_a_transform_is_given_what_it_takes(
    image: Any, transform: Any, wanted: float, stripes_generator: Generator
) -> None:
    labels = ["lying"] * 6 + ["upright"] * 2
    data = Transforming([image(a) for a in noise(8)], labels, transform=transform)
    ((made, _), *_) = synthetic(AugmentedDataset(Subset(data, range(8)), stripes_generator))
    assert made.shape == data[0][0].shape
    assert made.dtype == data[0][0].dtype
    assert float(made.max()) == float(made.min()) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("image", "transform", "reason"),
    [
        (lambda a: a, lambda a: a["pixels"], "gives TypeError"),
        (lambda a: a / 255, lambda a: a * np.float64(2) - 1, "from -1 to 1, but gives"),
    ],
)
def test_a_transform_that_takes_no_image_is_refused(
    image: Any, transform: Any, reason: str, stripes_generator: Generator
) -> None:
    real = [{"pixels": image(a)} if "Type" in reason else image(a) for a in noise(8)]
    data = Transforming(real, ["lying"] * 6 + ["upright"] * 2, transform=transform)
    with pytest.raises(DataError, match=reason):
        AugmentedDataset(data, stripes_generator)


@pytest.mark.usefixtures("telling")
@pytest.mark.parametrize("wrap", [AugmentedDataset, lambda *a, **k: balanced_loader(*a, 4, **k).dataset])
def test_synthetic_images_may_go_another_way(wrap: Any, folder: Path, stripes_generator: Generator) -> None:
    """The telling generator's uprights are 20 everywhere; here real images are inverted, and synthetic ones not."""
    labels = ["lying"] * 6 + ["upright"] * 2
    pictures = Transforming(
        [Image.fromarray(a[:, :, 0]) for a in noise(8)], labels, transform=lambda picture: 1 - to_tensor(picture)
    )
    photos = ImageFolder(folder, transform=lambda image: 1 - torch.from_numpy(image.transpose(2, 0, 1) / 255))
    ways = (to_tensor, lambda image: torch.from_numpy(image.transpose(2, 0, 1) / 255))
    for data, way in zip((pictures, photos), ways, strict=True):
        for chosen, wanted in ((None, 235 / 255), (way, 20 / 255)):
            made = synthetic(wrap(data, stripes_generator, synthetic_transform=chosen))[0][0]
            assert float(made.min()) == float(made.max()) == pytest.approx(wanted)


@pytest.mark.usefixtures("telling")
def test_a_way_of_their_own_is_given_what_the_folder_gives(folder: Path, stripes_generator: Generator) -> None:
    given = []

    def way(image: Any) -> torch.Tensor:
        given.append(image)
        return torch.from_numpy(np.asarray(image).reshape(1, 8, 8) / 255)

    photos = ImageFolder(folder, 8, transform=way)
    synthetic(AugmentedDataset(photos, stripes_generator, synthetic_transform=way))
    assert {(type(image), image.shape) for image in given} == {(np.ndarray, (8, 8, 1))}


def test_a_way_of_their_own_must_suit_synthetic_images(stripes_generator: Generator) -> None:
    pictures, labels = [Image.fromarray(a[:, :, 0]) for a in noise(8)], ["lying"] * 6 + ["upright"] * 2
    data = Transforming(pictures, labels, transform=to_tensor)
    with pytest.raises(DataError, match=r"synthetic_transform must turn a PIL image.*but gives an array"):
        AugmentedDataset(data, stripes_generator, synthetic_transform=np.asarray)
    with pytest.raises(DataError, match="synthetic_transform must be a function"):
        AugmentedDataset(data, stripes_generator, synthetic_transform="flip")


@pytest.mark.parametrize(
    "after",
    [lambda x: x * 8, lambda x: x + 100, lambda x: (x - 0.13) / 0.31, lambda x: (x - 0.5) / 0.5],
    ids=["scaled", "shifted", "normalised", "from -1 to 1"],
)
def test_what_is_done_after_a_transform_is_noticed(after: Any, stripes_generator: Generator) -> None:
    class Normalising(Transforming):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            image, label = super().__getitem__(index)
            return after(image), label

    pictures = [Image.fromarray(a[:, :, 0]) for a in noise(8)]
    data = Normalising(pictures, ["lying"] * 6 + ["upright"] * 2, transform=to_tensor)
    with pytest.raises(DataError, match="normalising too"):
        AugmentedDataset(data, stripes_generator)


def test_each_image_may_be_normalised_by_itself(stripes_generator: Generator) -> None:
    def standardise(image: Image.Image) -> np.ndarray[Any, Any]:
        array = np.asarray(image, np.float32)
        return (array - array.mean()) / array.std()

    strokes = np.zeros((8, 8, 8), np.uint8)
    strokes[:, 3:5, 4] = 255
    data = Transforming(list(map(Image.fromarray, strokes)), ["lying"] * 6 + ["upright"] * 2, transform=standardise)
    assert len(synthetic(AugmentedDataset(data, stripes_generator))) > 0


def test_a_pipeline_of_albumentations_may_be_the_transform(stripes_generator: Generator) -> None:
    class Piped(Pictures):
        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return self.transform(image=self.images[index])["image"], self.labels_[index]

    pipeline = A.Compose([A.Resize(12, 12), A.ToFloat(max_value=255)])
    data = Piped(list(noise(8)), ["lying"] * 6 + ["upright"] * 2, transform=pipeline)
    ((image, _), *_) = synthetic(AugmentedDataset(data, stripes_generator))
    assert (image.shape, image.dtype) == ((12, 12, 1), np.float32)
    assert 0.5 < image.max() <= 1


@pytest.mark.usefixtures("telling")
def test_a_transform_may_work_in_place(folder: Path, stripes_generator: Generator) -> None:
    def erase(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        image[:2] = 77
        return image

    photos = ImageFolder(folder, transform=erase)
    before = photos.data.images.copy()
    augmented = AugmentedDataset(photos, stripes_generator, fresh=False)
    for index in (0, len(augmented) - 1):
        image, _ = augmented[index]
        assert (image[:2] == 77).all()
        assert not (image[2:] == 77).all()
    assert np.array_equal(photos.data.images, before)
    arrays = Transforming(list(noise(8)), ["lying"] * 6 + ["upright"] * 2, transform=erase)
    ((image, _), *_) = synthetic(AugmentedDataset(arrays, stripes_generator))
    assert (image[:2] == 77).all()


def test_white_is_white_in_every_range(monkeypatch: pytest.MonkeyPatch, stripes_generator: Generator) -> None:
    def white(self: Generator, labels: list[Any], *_: Any, **__: Any) -> tuple[Any, None]:
        return np.full((len(labels), *self.image_shape), 255, np.uint8), None

    monkeypatch.setattr(Generator, "sample_each", white)
    for scale, shift, wanted in ((255, 0, 1), (127.5, 1, 1), (1, 0, 255)):
        data = Pictures([np.float32(a / scale - shift) for a in noise(8)], ["lying"] * 6 + ["upright"] * 2)
        ((image, _), *_) = synthetic(AugmentedDataset(data, stripes_generator))
        assert image.min() == image.max() == wanted


def test_a_transform_goes_along_to_spawned_workers(stripes_generator: Generator) -> None:
    pictures = [Image.fromarray(a[:, :, 0]) for a in noise(8)]
    data = Transforming(pictures, ["lying"] * 6 + ["upright"] * 2, transform=to_tensor)
    augmented = AugmentedDataset(data, stripes_generator, fresh=False)
    again = pickle.loads(pickle.dumps(augmented))  # noqa: S301
    assert torch.equal(again[8][0], augmented[8][0])


def test_looking_at_items_draws_nothing_from_torch(stripes_generator: Generator) -> None:
    pictures = [Image.fromarray(a[:, :, 0]) for a in noise(8)]
    labels = ["lying"] * 6 + ["upright"] * 2
    data = Transforming(pictures, labels, transform=lambda p: to_tensor(p) + torch.rand(1))
    torch.manual_seed(0)  # the transform is random, and by chance the range of few items says something else
    before = torch.get_rng_state()
    AugmentedDataset(data, stripes_generator)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("give", [torch.tensor, np.int64, lambda label: np.array([label]), lambda label: label])
def test_synthetic_labels_have_the_form_of_the_real_ones(give: Any, stripes_generator: Generator) -> None:
    labels = [give(label) for label in [0] * 6 + [1] * 2]
    data = Pictures(list(noise(8)), labels, classes=["lying", "upright"])
    augmented = AugmentedDataset(data, stripes_generator)
    assert augmented.targets[:8] == [0] * 6 + [1] * 2
    _, target = next(iter(DataLoader(augmented, batch_size=12)))
    assert target.ravel().tolist() == augmented.targets
    ((_, label), *_) = synthetic(augmented)
    assert type(label) is type(labels[0])


def test_a_tensor_dataset_can_be_filled_up(digits: Generator) -> None:
    images, labels = torch.from_numpy(noise(30)).permute(0, 3, 1, 2) / 255, torch.arange(30) % 10 % 7
    augmented = AugmentedDataset(TensorDataset(images, labels), digits)
    batch, target = next(iter(DataLoader(augmented, batch_size=len(augmented))))
    assert batch.shape == (len(augmented), 1, 8, 8)
    assert target.tolist() == augmented.targets


def test_an_image_folder_of_another_size_makes_synthetic_items_alike(
    folder: Path, stripes_generator: Generator
) -> None:
    augmented = AugmentedDataset(ImageFolder(folder, size=16), stripes_generator)
    assert {image.shape for image, _ in augmented} == {(1, 16, 16)}


class Endless(IterableDataset[Any]):
    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Any:
        return iter([])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"generator": None}, r"must be a Generator, but is None.*Generator\.load"),
        ({"generator": "model.onnx"}, r"Generator\.load"),
        ({"synthetic_share": None}, "synthetic_share must be"),
        ({"synthetic_share": "x"}, "synthetic_share must be"),
        ({"synthetic_share": True}, "synthetic_share must be"),
        ({"synthetic_share": float("nan")}, "synthetic_share must be"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"strategy": {"lying": "all"}}, "whole numbers"),
        ({"dataset": None}, "map-style"),
        ({"dataset": Endless()}, "map-style"),
        ({"dataset": "photos"}, "pair .* but item 0 is a str"),
        ({"dataset": [{"image": 1, "label": 2}] * 3}, "pair .* but item 0 is a dict"),
        ({"dataset": [(1, 2, 3)] * 3}, "pair .* but item 0 is 3 values"),
        ({"dataset": [(np.zeros((8, 8)), [0, 1])] * 3}, "one number or text, but there is a list"),
        ({"dataset": [(np.zeros((8, 8)), torch.eye(2)[0])] * 3}, r"Tensor of shape \(2,\)"),
    ],
)
def test_wrong_arguments_cost_one_clear_sentence(
    change: dict[str, Any], reason: str, stripes_generator: Generator
) -> None:
    data = Pictures(list(noise(8)), ["lying"] * 6 + ["upright"] * 2)
    with pytest.raises(DataError, match=reason):
        AugmentedDataset(**({"dataset": data, "generator": stripes_generator} | change))


@pytest.mark.parametrize("root", [None, "", 5])
def test_a_folder_that_is_none_is_refused(root: Any) -> None:
    with pytest.raises(DataError, match="must come as a folder"):
        ImageFolder(root)
