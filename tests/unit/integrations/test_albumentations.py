"""`SyntheticSwap` in albumentations pipelines, and pipelines on the images that a generator learns from."""

import hashlib
import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.utils.data import DataLoader, Dataset

from ganaug import GANAugmenter, Generator, SyntheticSwap  # before albumentations: nothing is asked of the network
from ganaug.data.images.pipeline import Pipeline
from ganaug.errors import DataError, FormatError
from ganaug.integrations.albumentations.synthetic_swap import _like
from ganaug.networks.images import Images
from tests.paths import MODELS

import albumentations as A  # isort: skip

DIGITS = MODELS / "digits.onnx"
GREY = np.zeros((12, 9), np.uint8)
RAMP = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)


@pytest.fixture(scope="module")
def digits() -> Generator:
    return Generator.load(DIGITS)


def images_of(pipeline: Any, count: int = 30, image: Any = GREY) -> list[Any]:
    return [pipeline(image=image, label=str(number % 10))["image"] for number in range(count)]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 1), np.uint8),
        np.zeros((20, 30, 3), np.uint8),
        np.zeros((5, 7, 4), np.uint8),
        np.zeros((16, 16, 3), np.float32),
        np.zeros((12, 9), np.float32),
        RAMP * 1.04 - 0.02,
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_keeps_shape_and_dtype(image: Any, digits: Generator) -> None:
    made = images_of(A.Compose([SyntheticSwap(digits, p=1)], seed=0), 3, image)
    for one in made:
        assert (one.shape, one.dtype) == (image.shape, image.dtype)
        assert 0.5 < one.max() / (255 if one.dtype == np.uint8 else 1) <= 1
    assert not same(made[:1], made[1:2])


def test_swaps_with_its_probability_for_the_class(digits: Generator) -> None:
    pipeline = A.Compose([SyntheticSwap(digits, p=0.3)], seed=1)
    image = np.full((8, 8, 1), 7, np.uint8)
    made = [pipeline(image=image, label="4") for _ in range(200)]
    assert {one["label"] for one in made} == {"4"}
    swapped = [one["image"] for one in made if (one["image"] != 7).any()]
    assert 40 < len(swapped) < 80
    assert len({one.tobytes() for one in swapped}) == len(swapped)
    fours, _ = digits.sample({"4": 200}, seed=5, screened=True)
    others, _ = digits.sample({"1": 200}, seed=5, screened=True)
    mean = np.mean(swapped, axis=0)
    assert np.abs(mean - fours.mean(axis=0)).mean() < 0.5 * np.abs(mean - others.mean(axis=0)).mean()
    assert (image == 7).all()


def test_is_seeded_by_the_pipeline(digits: Generator) -> None:
    def pipeline(seed: int) -> Any:
        return A.Compose([SyntheticSwap(digits), A.RandomBrightnessContrast()], seed=seed)

    first = images_of(one := pipeline(3))
    assert same(first, images_of(pipeline(3)))
    assert not same(first, images_of(pipeline(4)))
    assert not same(first, images_of(one))
    one.set_random_seed(3)
    assert same(first, images_of(one))


@pytest.mark.parametrize("by", ["path", "content"])
def test_survives_json(by: str, digits: Generator, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    digits.save(path)
    pipeline = A.Compose([SyntheticSwap(path if by == "path" else digits, p=0.7), A.HorizontalFlip()], seed=3)
    wanted = images_of(pipeline)
    A.save(pipeline, tmp_path / "pipeline.json")
    again: Any = A.load(tmp_path / "pipeline.json")
    again.set_random_seed(3)
    assert same(images_of(again), wanted)
    assert A.to_dict(again) == A.to_dict(pipeline)
    if by == "path":
        path.write_bytes(digits.to_bytes() + b"\x32\x00")
        with pytest.raises(FormatError, match="must be the generator that the pipeline was saved with"):
            A.load(tmp_path / "pipeline.json")
        path.unlink()
        with pytest.raises(DataError, match="There is no model file"):
            A.load(tmp_path / "pipeline.json")


@pytest.mark.parametrize(
    "name",
    ["ganaug.SyntheticSwap", "ganaug.transforms.SyntheticSwap", "ganaug.integrations.albumentations.SyntheticSwap"],
)
def test_pipelines_of_all_versions_are_read(name: str, digits: Generator) -> None:
    origin = {"path": str(DIGITS), "sha256": hashlib.sha256(DIGITS.read_bytes()).hexdigest()}
    swap = {"__class_fullname__": name, "p": 1.0, "generator": origin, "label_key": "label", "classes": None}
    pipeline: Any = A.from_dict({"__version__": "2.0.8", "transform": swap})
    assert isinstance(pipeline, SyntheticSwap)
    assert pipeline(image=GREY, label="3")["image"].any()
    assert A.to_dict(pipeline)["transform"] == swap | {"__class_fullname__": "ganaug.SyntheticSwap"}


def test_a_subclass_keeps_its_own_name(digits: Generator) -> None:
    class Other(SyntheticSwap):
        pass

    assert Other.get_class_fullname() == f"{__name__}.Other"
    assert type(A.from_dict(A.to_dict(Other(DIGITS)))) is Other
    assert type(A.from_dict(A.to_dict(SyntheticSwap(DIGITS)))) is SyntheticSwap


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        ({}, "a path or its content"),
        ({"path": 5}, "a path or its content"),
        ({"onnx": "%%%"}, "must be base64 text, but is not"),
        ({"onnx": "AAAA"}, "not"),
        ({"path": str(DIGITS)}, "saved with"),
        ({"path": "/dev/zero", "sha256": ""}, "must be a file, but is a device"),
    ],
)
def test_a_damaged_pipeline_is_refused(generator: Any, reason: str) -> None:
    name = "ganaug.integrations.albumentations.SyntheticSwap"
    saved = {"transform": {"__class_fullname__": name, "generator": generator, "p": 0.5, "label_key": "label"}}
    with pytest.raises(FormatError, match=reason):
        A.from_dict(saved)


@pytest.mark.slow
def test_can_be_replayed(digits: Generator) -> None:
    pipeline: Any = A.ReplayCompose([SyntheticSwap(DIGITS, p=0.5)])
    # Of ten all are swapped, or none, once in 500 runs of this test.
    made = [pipeline(image=GREY, label=str(number % 10)) for number in range(60)]
    assert len({(one["image"] != 0).any() for one in made}) == 2
    for one in made:
        replay = json.loads(json.dumps(one["replay"]))
        assert same([one["image"]], [A.ReplayCompose.replay(replay, image=GREY)["image"]])


def test_labels_may_be_indices_or_under_another_key(digits: Generator) -> None:
    swap = SyntheticSwap(digits, p=1, label_key="digit", classes=["9", "3"])
    pipeline: Any = A.Compose([swap], strict=True, seed=0)
    by_index = pipeline(image=GREY, digit=np.int64(1))["image"]
    pipeline.set_random_seed(0)
    assert same([by_index], [pipeline(image=GREY, digit="3")["image"]])
    pipeline.set_random_seed(0)
    assert same([by_index], [pipeline(image=GREY, digit=torch.tensor(1))["image"]])
    pipeline.set_random_seed(0)
    assert same([by_index], [pipeline(image=GREY, digit=3)["image"]])  # no index, but the text of a class
    with pytest.raises(DataError, match=r"digit must be one of the generator's classes \['0', .* but is 12: correct"):
        pipeline(image=GREY, digit=12)
    with pytest.raises(DataError, match="must know the class of every label, but does not know 'cat' of `classes`"):
        SyntheticSwap(digits, classes=["cat"])
    with pytest.raises(
        DataError, match="classes must list the classes that integer labels are indices of, but is 5: give"
    ):
        SyntheticSwap(digits, classes=5)


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "'label' is not given"),
        ({"label": "cat"}, r"classes \['0', .*but is 'cat'"),
        ({"label": None}, "but is None"),
        ({"label": np.array([1, 2])}, r"but is array\(\[1, 2\]\)"),
        ({"label": torch.tensor([1, 2])}, r"but is tensor\(\[1, 2\]\)"),
        ({"label": "3", "mask": GREY}, "there is mask,"),
        ({"label": "3", "masks": [GREY]}, "there is masks,"),
        ({"label": "3", "image": GREY.astype(np.int32)}, "this one is int32"),
        ({"label": "3", "image": np.zeros((4, 4, 2), np.uint8)}, r"\(4, 4, 2\)"),
        ({"label": "3", "image": GREY[:0]}, r"uint8 \(0, 9\): put"),
        ({"label": "3", "image": np.full((4, 4), 255, np.float32)}, "float32 .* from 255 to 255: put the transforms"),
        ({"label": "3", "image": RAMP * 3.2 - 0.4}, r"from 0 to 1, but this one is float32 .* from -0\.4 to 2\.8"),
        ({"label": "3", "image": RAMP * np.float32("nan")}, "from nan to nan"),
        ({"label": "3", "twin": GREY}, "one image under 'image', but there is twin"),
        ({"label": "3", "outline": GREY}, "there is outline,"),
    ],
)
def test_what_it_cannot_do_is_said_whether_or_not_it_is_its_turn(
    p: float, data: dict[str, Any], reason: str, digits: Generator
) -> None:
    pipeline = A.Compose([SyntheticSwap(digits, p=p)], additional_targets={"twin": "image", "outline": "mask"})
    with pytest.raises(DataError, match=reason):
        pipeline(**({"image": GREY} | data))


@pytest.mark.filterwarnings("ignore:Got processor for")
def test_boxes_and_keypoints_are_refused(digits: Generator) -> None:
    boxes = A.Compose([SyntheticSwap(digits)], bbox_params=A.BboxParams("yolo", label_fields=[]))
    with pytest.raises(DataError, match="there is bboxes,"):
        boxes(image=GREY, label="3", bboxes=[[0.5, 0.5, 0.2, 0.2]])
    assert boxes(image=GREY, label="3", bboxes=[])["image"].shape == GREY.shape
    points = A.Compose([SyntheticSwap(digits)], keypoint_params=A.KeypointParams("xy"))
    with pytest.raises(DataError, match="there is keypoints,"):
        points(image=GREY, label="3", keypoints=[[1, 1]])


def test_a_table_or_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="must make images"):
        SyntheticSwap(DIGITS.with_name("wine.onnx"))
    with pytest.raises(DataError, match="or the path of its"):
        SyntheticSwap(None)


class Swapped(Dataset[Any]):
    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline

    def __len__(self) -> int:
        return 24

    def __getitem__(self, index: int) -> Any:
        return self.pipeline(image=GREY, label="3")["image"]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_every_worker_draws_others(digits: Generator) -> None:
    data = Swapped(A.Compose([SyntheticSwap(digits, p=1)], seed=0))
    _ = data[0]
    loader = DataLoader(data, 4, num_workers=2, multiprocessing_context="fork")
    assert len({image.numpy().tobytes() for batch in loader for image in batch}) == 24


def test_goes_along_to_spawned_workers(digits: Generator) -> None:
    pipeline = A.Compose([SyntheticSwap(digits, p=1)], seed=0)
    _ = images_of(pipeline, 3)
    again = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
    assert same(images_of(again), images_of(pipeline))


# The other way round.


def dark_images(count: int = 24) -> tuple[Any, Any]:
    images = np.random.default_rng(0).integers(0, 60, (count, 8, 8), dtype=np.uint8)
    images[:, 0, 0] = 255  # or 59 would be taken for white
    return images, np.array(["a", "b"])[np.arange(count) % 3 // 2]


@pytest.mark.slow
def test_the_generator_learns_from_what_the_pipeline_makes() -> None:
    X, y = dark_images()
    invert = A.Compose([A.InvertImg(p=1)], seed=9)
    state = str(invert.random_generator.bit_generator.state)
    augmenter = clone(GANAugmenter(augment=invert, max_steps=30, random_state=0))
    assert X.mean() < 40
    assert augmenter.fit(X, y).sample({"a": 40})[0].mean() > 120
    assert str(invert.random_generator.bit_generator.state) == state


def test_what_is_learned_from_follows_the_seed_of_the_run() -> None:
    pixels = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8).expand(5, -1, -1, -1)
    pipeline = Pipeline(A.Compose([A.HorizontalFlip(), A.Rotate()], seed=1), pixels[0].permute(1, 2, 0).numpy())
    images = Images(pixels, torch.tensor([0, 0, 0, 1, 1]), 2, pipeline)
    one, two, other = (images.draw(16, torch.Generator().manual_seed(seed))[0] for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert len(torch.unique(one.flatten(1), dim=0)) > 8  # of one and the same image
    assert one.dtype == torch.float32
    assert one.shape == (16, 1, 8, 8)
    assert float(one.min()) >= -1
    assert torch.equal(images.inputs(torch.tensor([0])), pixels[:1].float() / 127.5 - 1)  # measured by what is real
    assert torch.equal(images.subset(torch.tensor([3])).draw(4, torch.Generator())[1], torch.tensor([1] * 4))


@pytest.mark.parametrize(
    ("augment", "reason"),
    [
        (A.Compose([A.RandomCrop(4, 4)]), r"keep the shape and dtype .* but makes \(4, 4, 1\)"),
        (A.Normalize(), "but makes .* float32"),
        (A.ToTensorV2(), "augment must"),
        (SyntheticSwap(DIGITS), "fails: DataError: .*'label' is not given"),
        (lambda image: image, "must be an albumentations transform"),
        (5, "'augment' parameter"),
    ],
)
def test_a_pipeline_that_does_not_suit_is_refused(augment: Any, reason: str) -> None:
    X, y = dark_images()
    with pytest.raises(ValueError, match=reason):
        GANAugmenter(augment=augment, max_steps=1).fit(X, y)


def test_a_pipeline_is_not_for_tables() -> None:
    X, y = dark_images()
    with pytest.raises(DataError, match="augment must be None for a table"):
        GANAugmenter(augment=A.HorizontalFlip(), max_steps=1).fit(X.reshape(len(X), -1), y)


def test_samples_of_tall_images_keep_their_proportions() -> None:
    square = np.full((8, 8, 1), 7, np.uint8)  # an image 8 high and 4 wide, between two bars
    square[:, 2:6] = np.arange(80, 240, 5).reshape(8, 4, 1)
    np.testing.assert_array_equal(_like(np.zeros((8, 4), np.uint8), square), square[:, 2:6, 0])
