"""Labelled images from a folder and from memory."""

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from ganaug.data.images.codec import ImageCodec
from ganaug.data.images.dataset import LabelledImages, from_arrays, load_folder
from ganaug.data.images.image_file import read_image
from ganaug.errors import DataError, GanaugWarning

RNG = np.random.default_rng(0)


def put(path: Path, pixels: np.ndarray | None = None, **options: Any) -> Path:
    """Write an image file together with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(8, 8, 3) if pixels is None else pixels).save(path, **options)
    return path


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def flat(height: int, width: int, *colour: int) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, dtype=np.uint8)


def make_folder(root: Path, **numbers: int) -> Path:
    for name, number in numbers.items():
        for position in range(number):
            put(root / name / f"{position:02}.png")
    return root


def test_a_messy_folder_loads_in_full(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    put(tmp_path / "a" / "rgb.png", noise(30, 20, 3))
    put(tmp_path / "a" / "grey.jpg", noise(40, 40))
    put(tmp_path / "a" / "turned.jpg", noise(20, 30, 3), exif=exif)
    put(tmp_path / "ねこ" / "deep" / "ü.png", noise(28, 28, 4))
    put(tmp_path / "ねこ" / "sixteen.tif", RNG.integers(0, 65536, (33, 31), dtype=np.uint16))
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "ねこ" / "cmyk.jpg")
    Image.fromarray(noise(32, 32, 3)).quantize(16).save(tmp_path / "ねこ" / "palette.png")
    (tmp_path / "ねこ" / ".DS_Store").write_bytes(b"\0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_folder(tmp_path)
    assert data.codec == ImageCodec(32, 4)
    assert data.images.shape == (7, 32, 32, 4)
    assert data.images.dtype == np.uint8
    assert data.classes == ("a", "ねこ")
    assert data.counts == {"a": 3, "ねこ": 4}
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    turned = data.images[[file.name for file in data.files].index("turned.jpg")]
    assert not turned[:, :5, 3].any(), "stored 20 x 30 it is 30 x 20 upright, so the padding is left and right"
    assert turned[0, 16, 3] == 255


def test_every_image_is_what_the_codec_makes_of_its_file(tmp_path: Path) -> None:
    for position, shape in enumerate([(30, 20, 3), (7, 9), (64, 64, 4), (33, 90, 3), (28, 28, 3), (500, 300, 3)]):
        put(tmp_path / "ab"[position % 2] / f"{position}.png", noise(*shape))
    for size in (None, 16):
        data = load_folder(tmp_path, size)
        assert data.codec.size == size or size is None
        assert data.codec == ImageCodec.fit([read_image(file).shape for file in data.files], size)
        for file, image in zip(data.files, data.images, strict=True):
            np.testing.assert_array_equal(image, data.codec.encode(read_image(file)))


def test_files_and_labels_stay_aligned_with_the_images(tmp_path: Path) -> None:
    for name, level in (("c", 90), ("a", 70), ("b", 80)):
        for extra in range(2):
            put(tmp_path / name / f"{extra}.png", flat(8, 8, level + extra)[..., 0])
    data = load_folder(tmp_path)
    assert data.codec == ImageCodec(8, 1)
    assert data.images[:, 0, 0, 0].tolist() == [70, 71, 80, 81, 90, 91]
    assert data.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.labels.dtype == np.int64
    assert [file.relative_to(tmp_path).as_posix() for file in data.files] == [
        f"{name}/{extra}.png" for name in "abc" for extra in range(2)
    ]


def test_large_photographs_are_shrunk_on_reading_with_nearly_the_same_result(tmp_path: Path) -> None:
    texture = np.asarray(Image.fromarray(noise(75, 100, 3)).resize((1200, 900), Image.Resampling.BICUBIC))
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"):
        put(tmp_path / name, texture, quality=95)
    data = load_folder(tmp_path, 128)
    assert read_image(data.files[0], at_least=256).shape == (450, 600, 3)
    whole = data.codec.encode(read_image(data.files[0]))
    difference = np.abs(data.images[0].astype(int) - whole)
    assert difference.mean() < 2
    assert difference.max() <= 10


def test_unreadable_files_have_no_say_in_the_size(tmp_path: Path) -> None:
    for position in range(20):
        put(tmp_path / "ab"[position % 2] / f"{position}.png", noise(*((8, 8) if position < 10 else (41, 41))))
    (tmp_path / "a" / "0.png").write_bytes(b"")
    with pytest.warns(GanaugWarning, match="Skipped a file"):
        assert load_folder(tmp_path).codec.size == 64


def test_a_wrong_size_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="power of two"):
        load_folder(tmp_path / "missing", 24)


def test_an_unreadable_file_is_named_and_skipped(tmp_path: Path) -> None:
    make_folder(tmp_path, a=10, b=10)
    (tmp_path / "a" / "05.png").write_bytes(b"not an image")
    whole = (tmp_path / "b" / "03.png").read_bytes()
    (tmp_path / "b" / "03.png").write_bytes(whole[: len(whole) // 2])  # Its header is sound.
    with pytest.warns(GanaugWarning) as caught:
        data = load_folder(tmp_path)
    for name, warning in zip(("a/05.png", "b/03.png"), caught, strict=True):
        assert repr(str(tmp_path / name)) in str(warning.message)
    assert data.counts == {"a": 9, "b": 9}
    assert len(data.images) == len(data.files) == 18
    assert tmp_path / "a" / "05.png" not in data.files
    for file, image in zip(data.files, data.images, strict=True):
        np.testing.assert_array_equal(image, data.codec.encode(read_image(file)))


def test_one_in_ten_unreadable_is_allowed_and_more_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, a=10, b=10)
    for name in ("a/00.png", "b/00.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.warns(GanaugWarning, match="Skipped a file"):
        assert load_folder(tmp_path).counts == {"a": 9, "b": 9}
    (tmp_path / "b" / "01.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"nine in ten images must be readable, but 3 of 20 are not.*a/00.*b/01"):
        load_folder(tmp_path)


def test_a_folder_in_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    for file in make_folder(tmp_path, a=3, b=3).rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="6 of 6"):
        load_folder(tmp_path)


def test_a_bomb_is_skipped_like_any_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path, a=10, b=10)
    put(tmp_path / "b" / "big.png", noise(40, 40, 3))
    monkeypatch.setattr("ganaug.data.images.image_file.MAX_PIXELS", 1000)
    with pytest.warns(GanaugWarning, match=r"at most 1,000 pixels, but '.*big\.png' has more \(40 x 40\)"):
        assert load_folder(tmp_path).counts == {"a": 10, "b": 10}


def test_a_class_that_loses_all_its_images_is_left_out(tmp_path: Path) -> None:
    make_folder(tmp_path, a=10, b=1, c=10)
    (tmp_path / "b" / "00.png").write_bytes(b"")
    with pytest.warns(GanaugWarning) as caught:
        data = load_folder(tmp_path)
    assert any("Left out 1 class(es) of which no file can be read: 'b'" in str(warning.message) for warning in caught)
    assert data.classes == ("a", "c")
    assert data.labels.tolist() == [0] * 10 + [1] * 10
    assert data.counts == {"a": 10, "c": 10}


def test_one_class_left_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, a=10, b=1)
    (tmp_path / "b" / "00.png").write_bytes(b"")
    with pytest.warns(GanaugWarning), pytest.raises(DataError, match=r"at least two classes must be readable.*'b'"):
        load_folder(tmp_path)


def test_links_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "root", a=2, b=2)
    (root / "a" / "link.png").symlink_to(put(tmp_path / "outside.png"))
    with pytest.warns(GanaugWarning, match="symbolic link"):
        assert load_folder(root).counts == {"a": 2, "b": 2}


def test_the_fingerprint_ignores_place_names_and_order(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "here", a=3, b=2)
    first = load_folder(root)
    shutil.copytree(root, tmp_path / "there")
    (tmp_path / "there" / "a" / "00.png").rename(tmp_path / "there" / "a" / "99.png")
    second = load_folder(tmp_path / "there")
    assert not np.array_equal(first.images, second.images)
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 64


def test_the_fingerprint_notices_every_other_change() -> None:
    images, labels, names = noise(4, 8, 8, 3), np.array([0, 0, 1, 1]), ("a", "b")
    brighter = images.copy()
    brighter[3, 7, 7, 2] ^= 1
    variants = [
        from_arrays(images, labels, names),
        from_arrays(brighter, labels, names),
        from_arrays(images, [0, 1, 1, 1], names),
        from_arrays(images, labels, ("a", "c")),
        from_arrays(images[[0, 1, 2, 3, 3]], [0, 0, 1, 1, 1], names),
        from_arrays(images, labels, names, size=16),
    ]
    assert len({data.fingerprint for data in variants}) == len(variants)


def test_the_fingerprint_is_part_of_the_file_format() -> None:
    images = np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8, 1)
    data = LabelledImages(images, np.array([0, 1]), ("a", "ü"), ImageCodec(8, 1))
    assert data.fingerprint == "14b364ccec1e91e2d13800bd035cdeee5f770c0e0e9e054847461c9c93ecfff4"


def test_grey_arrays_need_no_channel_axis() -> None:
    images = noise(4, 8, 8)
    data = from_arrays(images, [3, 1, 3, 1])
    np.testing.assert_array_equal(data.images, images[..., None])
    assert data.classes == ("1", "3")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.labels.dtype == np.int64
    assert data.codec == ImageCodec(8, 1)
    assert data.files == ()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_keep_their_channels(channels: int) -> None:
    data = from_arrays(np.zeros((2, 32, 32, channels), dtype=np.uint8), ["a", "b"])
    assert data.codec == ImageCodec(32, channels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_point_images_are_scaled(dtype: type) -> None:
    images: np.ndarray = np.zeros((2, 8, 8), dtype=dtype)
    images[1], images[0, 0, 0] = 1, 0.5
    data = from_arrays(images, [0, 1])
    assert data.images[1].min() == 255
    assert data.images[0, 0, 0, 0] in (127, 128)
    assert data.images[0, 1:].max() == 0


def test_arrays_of_another_size_are_scaled_and_padded() -> None:
    images = noise(2, 30, 20, 3)
    data = from_arrays(images, ["a", "b"])
    assert data.images.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(data.images[1], data.codec.encode(images[1]))
    assert from_arrays(images, ["a", "b"], size=8).images.shape == (2, 8, 8, 3)


def test_integer_labels_index_the_given_classes() -> None:
    data = from_arrays(noise(3, 8, 8), [1, 0, 1], ["zebra", "ant"])
    assert data.classes == ("zebra", "ant")
    assert data.labels.tolist() == [1, 0, 1]
    assert data.counts == {"zebra": 1, "ant": 2}


def test_string_labels_take_the_order_of_the_given_classes() -> None:
    labels = np.array(["ant", "zebra", "ant"], dtype=object)
    assert from_arrays(noise(3, 8, 8), labels, ["zebra", "ant"]).labels.tolist() == [1, 0, 1]
    assert from_arrays(noise(3, 8, 8), labels).labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(np.zeros((2, 8), dtype=np.uint8), id="too-few-axes"),
        pytest.param(np.zeros((2, 3, 8, 8), dtype=np.uint8), id="channels-first"),
        pytest.param(np.zeros((2, 8, 8, 2), dtype=np.uint8), id="two-channels"),
        pytest.param(np.zeros((0, 8, 8), dtype=np.uint8), id="none"),
        pytest.param(np.zeros((2, 0, 8), dtype=np.uint8), id="no-pixels"),
        pytest.param(np.zeros((2, 8, 8), dtype=np.int64), id="int64"),
        pytest.param(np.zeros((2, 8, 8), dtype=bool), id="bool"),
        pytest.param(np.full((2, 8, 8), None), id="objects"),
        pytest.param(np.full((2, 8, 8), 1.01), id="above-one"),
        pytest.param(np.full((2, 8, 8), -0.01), id="below-zero"),
        pytest.param(np.full((2, 8, 8), np.nan), id="nan"),
        pytest.param([np.zeros((8, 8)), np.zeros((9, 9))], id="ragged"),
    ],
)
def test_other_images_are_refused(images: Any) -> None:
    with pytest.raises(DataError, match="Images must"):
        from_arrays(images, [0, 1])


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([0], id="too-few"),
        pytest.param([0, 1, 0], id="too-many"),
        pytest.param([[0], [1]], id="column"),
        pytest.param(0, id="scalar"),
        pytest.param(None, id="none"),
        pytest.param([0.0, 1.0], id="float"),
        pytest.param(["a", None], id="missing"),
        pytest.param([b"a", b"b"], id="bytes"),
    ],
)
def test_other_labels_are_refused(labels: Any) -> None:
    with pytest.raises(DataError, match="Labels must be 2 strings or integers"):
        from_arrays(noise(2, 8, 8), labels)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        pytest.param([0, 2], ["a", "b"], id="index-too-large"),
        pytest.param([0, -1], ["a", "b"], id="negative-index"),
        pytest.param(["a", "c"], ["a", "b"], id="unknown-name"),
        pytest.param([0, 1], ["a", "b", "c"], id="class-without-images"),
        pytest.param([0, 1], ["a", "a"], id="same-name-twice"),
    ],
)
def test_labels_and_classes_must_agree(labels: Any, classes: list[str]) -> None:
    with pytest.raises(DataError, match="Class names must be distinct, and the labels must use all of them"):
        from_arrays(noise(2, 8, 8), labels, classes)


@pytest.mark.parametrize("name", ["\udcff", "\0b", "b" * 1001])
def test_names_that_no_model_file_can_hold_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="Labels must be Unicode texts of at most 1,000 characters without NUL"):
        from_arrays(noise(2, 8, 8), ["a", name])


def test_arrays_of_one_class_are_refused() -> None:
    with pytest.raises(DataError, match="at least two classes are needed, but all labels are 'a'"):
        from_arrays(noise(2, 8, 8), ["a", "a"])


def deep_folder(root: Path, brightest: list[float], kind: type) -> Path:
    for index, value in enumerate(brightest):
        values = np.linspace(0, value, 64).reshape(8, 8).astype(kind)
        put(root / "ab"[index % 2] / f"{index}.tif", values)
    return root


@pytest.mark.parametrize(
    ("brightest", "kind", "wanted"),
    [
        ([4095, 900, 3000, 4000], np.uint16, ["brightest pixel of all images is 16 of 255"]),
        ([65535, 900, 3000, 4000], np.uint16, []),
        ([255, 200, 250, 100], np.uint8, []),
        ([30, 20, 25, 10], np.uint8, ["brightest pixel of all images is 30 of 255"]),
        ([-1000, 10, 500, 1000], np.int32, ["4 image.s. have 32 bits a pixel"]),
        ([1, 1, 0.5, 1], np.float32, ["4 image.s. have 32 bits a pixel"]),
    ],
)
def test_a_doubtful_scale_is_said(tmp_path: Path, brightest: list[float], kind: type, wanted: list[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load_folder(deep_folder(tmp_path, brightest, kind))
    assert len(caught) == len(wanted)
    for warning, message in zip(caught, wanted, strict=True):
        assert re.search(message, str(warning.message))
