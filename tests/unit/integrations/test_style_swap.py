"""`StyleSwap` in albumentations pipelines and in the workers of a DataLoader."""

import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ganaug import StyleSwap, restyle  # before albumentations: nothing is asked of the network
from ganaug.errors import DataError, FormatError, GanaugWarning

import albumentations as A  # isort: skip

RNG = np.random.default_rng(0)
STYLES = (RNG.integers(0, 200, (4, 1, 1, 3)) + RNG.integers(0, 56, (4, 16, 16, 3))).astype(np.uint8)
IMAGE = RNG.integers(0, 256, (12, 9, 3), dtype=np.uint8)


def made(pipeline: Any, count: int = 8, image: Any = IMAGE) -> list[Any]:
    return [pipeline(image=image, label="cat")["image"] for _ in range(count)]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, style in enumerate(STYLES):
        place = tmp_path / "styles" / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(style).save(place / f"{number}.png")
    return tmp_path / "styles"


@pytest.mark.parametrize(
    "image",
    [IMAGE, IMAGE[..., 0], IMAGE[..., :1], np.dstack([IMAGE, IMAGE[..., :1]]), (IMAGE / 255).astype(np.float32)],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_keeps_shape_dtype_and_label(image: Any) -> None:
    pipeline = A.Compose([StyleSwap(STYLES, 1.0, p=1)], seed=0)
    result = pipeline(image=image, label="cat")
    assert result["label"] == "cat"
    assert (result["image"].shape, result["image"].dtype) == (image.shape, image.dtype)
    assert not np.array_equal(result["image"], image)
    if image.shape[2:] == (4,):
        assert np.array_equal(result["image"][..., 3], image[..., 3])
    assert result["image"].max() <= (1 if image.dtype == np.float32 else 255)


def test_an_image_gets_the_style_of_one_of_the_images() -> None:
    pipeline = A.Compose([StyleSwap(STYLES, strength=1, p=1)], seed=0)
    wanted = {restyle(IMAGE, style).tobytes() for style in STYLES}
    assert {image.tobytes() for image in made(pipeline, 30)} == wanted


def test_strength_and_probability() -> None:
    assert same(made(A.Compose([StyleSwap(STYLES, 0, p=1)], seed=0), 3), [IMAGE] * 3)
    images = made(A.Compose([StyleSwap(STYLES, p=0.3)], seed=1), 100)
    swapped = [image for image in images if not np.array_equal(image, IMAGE)]
    assert 15 < len(swapped) < 45
    assert len({image.tobytes() for image in swapped}) == len(swapped)  # each with a strength of its own


def test_masks_and_boxes_stay() -> None:
    pipeline = A.Compose([StyleSwap(STYLES, p=1)], bbox_params=A.BboxParams("yolo", label_fields=[]), seed=0)
    mask, boxes = IMAGE[..., 0] > 100, [[0.5, 0.5, 0.2, 0.2]]
    result = pipeline(image=IMAGE, mask=mask.astype(np.uint8), bboxes=boxes)
    assert np.array_equal(result["mask"], mask)
    assert np.allclose(result["bboxes"], boxes)


def test_is_seeded_by_the_pipeline() -> None:
    def pipeline(seed: int) -> Any:
        return A.Compose([StyleSwap(STYLES), A.RandomBrightnessContrast()], seed=seed)

    first = made(one := pipeline(3))
    assert same(first, made(pipeline(3)))
    assert not same(first, made(pipeline(4)))
    assert not same(first, made(one))
    one.set_random_seed(3)
    assert same(first, made(one))


@pytest.mark.parametrize("kind", ["array", "grey", "list", "files", "folder"])
def test_survives_json_and_pickle(kind: str, folder: Path) -> None:
    styles: Any = {
        "array": STYLES,
        "grey": STYLES[..., 0],
        "list": [STYLES[0], STYLES[1, :5, :7, 0]],
        "files": sorted(folder.rglob("*.png")),
        "folder": folder,
    }[kind]
    pipeline = A.Compose([StyleSwap(styles, (0.2, 0.9), p=0.7)], seed=3)
    saved = json.loads(json.dumps(A.to_dict(pipeline)))
    assert saved["transform"]["transforms"][0]["__class_fullname__"] == "ganaug.StyleSwap"
    wanted = made(pipeline)
    for again in (A.from_dict(saved), pickle.loads(pickle.dumps(pipeline))):  # noqa: S301
        again.set_random_seed(3)  # type: ignore[union-attr]
        assert same(made(again), wanted)
        assert A.to_dict(again) == A.to_dict(pipeline)


def test_can_be_replayed() -> None:
    pipeline: Any = A.ReplayCompose([StyleSwap(STYLES, p=0.5)])
    for _ in range(8):
        one = pipeline(image=IMAGE)
        replay = json.loads(json.dumps(one["replay"]))
        assert same([one["image"]], [A.ReplayCompose.replay(replay, image=IMAGE)["image"]])


def test_torch_is_left_as_it_was(left_as_found: None) -> None:
    state = torch.get_rng_state()
    made(A.Compose([StyleSwap(STYLES, p=1)], seed=0), 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled()


class Restyled(Dataset[Any]):
    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        return self.pipeline(image=IMAGE)["image"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_every_worker_draws_others(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"needs {method}")
    data = Restyled(A.Compose([StyleSwap(STYLES, p=1)], seed=0))
    _ = data[0]  # torch has computed in the parent
    loader = DataLoader(data, 3, num_workers=2, multiprocessing_context=method)
    assert len({image.numpy().tobytes() for batch in loader for image in batch}) == 12


def test_a_single_file_is_a_style(folder: Path) -> None:
    file = next(path for path in sorted(folder.rglob("*.png")))
    assert len(StyleSwap(file).styles) == 1


def test_files_that_are_no_images_are_left_out(folder: Path) -> None:
    (folder / "0" / "bad.png").write_text("no image")
    with pytest.warns(GanaugWarning, match=r"Left out 1 image\(s\) that cannot be read.*bad\.png"):
        swap = StyleSwap(folder)
    assert len(swap.styles) == len(STYLES)
    assert repr(swap) == "StyleSwap(4 images, strength=(0.0, 0.5), p=0.5)"
    for file in folder.rglob("?.png"):
        file.unlink()
    with pytest.raises(DataError, match=r"No image of .* can be read\. The first: .*bad\.png"):
        StyleSwap(folder)


@pytest.mark.parametrize(
    ("styles", "reason"),
    [
        ([], "must hold an image at least"),
        (None, "styles must be an array of uint8 .* but is None"),
        (IMAGE, r"but is an array \(12, 9, 3\): give a list of one image"),
        (STYLES.astype(float), r"styles\[0\] must be a uint8 array .* float64"),
        (["nowhere.png"], "must be a regular file, but 'nowhere.png'"),
        ("nowhere", "'nowhere' does not exist"),
    ],
)
def test_styles_of_no_use_are_refused(styles: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        StyleSwap(styles)


@pytest.mark.parametrize("strength", [1.5, (0.5, 0.2), (0.1, 0.2, 0.3), "half", None, (0, float("nan"))])
def test_strengths_of_no_use_are_refused(strength: Any) -> None:
    with pytest.raises(DataError, match="strength must be"):
        StyleSwap(STYLES, strength)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_images_of_no_use_are_refused_whether_or_not_it_is_their_turn(p: float) -> None:
    pipeline = A.Compose([StyleSwap(STYLES, p=p)])
    with pytest.raises(DataError, match=r"StyleSwap must be given an image .* but this one is float32"):
        pipeline(image=np.full((4, 4, 3), 255, np.float32))


@pytest.mark.parametrize("saved", [{"png": "%%%"}, {"png": "AAAA"}, {}])
def test_a_damaged_pipeline_is_refused(saved: Any) -> None:
    with pytest.raises(FormatError, match="must be a PNG file as base64 text, but is not"):
        StyleSwap([saved])
