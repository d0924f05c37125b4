"""Reading image files: modes, orientation, scales, and files that are refused."""

import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile

from ganaug.data.images.image_file import MAX_PIXELS, image_size, read_image
from ganaug.errors import DataError

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (3, 4, 3), dtype=np.uint8)  # (H, W, C), every pixel another colour


def put(path: Path, picture: Image.Image | None = None, **options: Any) -> Path:
    """Write an image file together with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or Image.new("RGB", (4, 4), "red")).save(path, **options)
    return path


def png_header(path: Path, width: int, height: int) -> Path:
    """Write a PNG that promises a size and holds next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")))
    return path


ALPHA = np.array([[0, 128], [255, 255]], dtype=np.uint8)


OPAQUE = np.full((2, 2), 255, dtype=np.uint8)


GREY = np.array([[0, 90], [180, 255]], dtype=np.uint8)


RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 8, 7]]], dtype=np.uint8)


GREY_RGB = np.repeat(GREY[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param(Image.fromarray(GREY), GREY[..., None], id="L"),
        pytest.param(
            Image.fromarray(GREY).convert("1", dither=Image.Dither.NONE),
            (GREY[..., None] > 127) * np.uint8(255),
            id="1",
        ),
        pytest.param(Image.fromarray(RGB), RGB, id="RGB"),
        pytest.param(Image.fromarray(GREY_RGB), GREY[..., None], id="RGB-all-grey"),
        pytest.param(Image.fromarray(np.dstack([RGB, ALPHA])), np.dstack([RGB, ALPHA]), id="RGBA"),
        pytest.param(Image.fromarray(np.dstack([RGB, OPAQUE])), RGB, id="RGBA-opaque"),
        pytest.param(Image.fromarray(np.dstack([GREY_RGB, OPAQUE])), GREY[..., None], id="RGBA-opaque-grey"),
        pytest.param(Image.fromarray(np.dstack([GREY, ALPHA])), np.dstack([GREY_RGB, ALPHA]), id="LA"),
        pytest.param(Image.fromarray(np.dstack([GREY, OPAQUE])), GREY[..., None], id="LA-opaque"),
        pytest.param(Image.fromarray(RGB).quantize(4), RGB, id="P"),
        pytest.param(Image.fromarray(GREY_RGB).quantize(4), GREY[..., None], id="P-all-grey"),
    ],
)
def test_each_mode_gives_the_channels_it_needs(tmp_path: Path, picture: Image.Image, expected: np.ndarray) -> None:
    pixels = read_image(put(tmp_path / "image.png", picture))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


def test_one_colour_off_grey_is_colour(tmp_path: Path) -> None:
    nearly = GREY_RGB.copy()
    nearly[1, 0, 2] += 1
    np.testing.assert_array_equal(read_image(put(tmp_path / "image.png", Image.fromarray(nearly))), nearly)


def test_a_palette_with_transparency_has_alpha_only_where_it_is_used(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.putdata([0, 1])
    used = read_image(put(tmp_path / "used.png", palette, transparency=1))
    assert used.tolist() == [[[255, 0, 0, 255], [0, 255, 0, 0]]]
    graded = read_image(put(tmp_path / "graded.png", palette, transparency=bytes([255, 100, 0])))
    assert graded.tolist() == [[[255, 0, 0, 255], [0, 255, 0, 100]]]
    unused = read_image(put(tmp_path / "unused.png", palette, transparency=2))
    assert unused.tolist() == [[[255, 0, 0], [0, 255, 0]]]


def test_a_transparent_key_colour_counts_as_alpha(tmp_path: Path) -> None:
    grey = read_image(put(tmp_path / "grey.png", Image.fromarray(GREY), transparency=90))
    assert grey[..., 3].tolist() == [[255, 0], [255, 255]]
    colour = read_image(put(tmp_path / "colour.png", Image.fromarray(RGB), transparency=(9, 8, 7)))
    assert colour[..., 3].tolist() == [[255, 255], [255, 0]]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert read_image(put(tmp_path / "image.tif", red))[0, 0].tolist() == [255, 0, 0]
    photograph = read_image(put(tmp_path / "image.jpg", red))
    assert photograph.shape == (8, 8, 3)
    assert np.abs(photograph[0, 0].astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit_grey_is_divided_by_257(tmp_path: Path, ending: str) -> None:
    values = np.array([[0, 128, 129, 257], [4095, 32768, 65407, 65535]], dtype=np.uint16)
    pixels = read_image(put(tmp_path / f"image.{ending}", Image.fromarray(values)))
    assert pixels[..., 0].tolist() == [[0, 0, 1, 1], [16, 128, 255, 255]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(np.array([[0, 7, 255]], dtype=np.int32), [0, 7, 255], id="int-bytes"),
        pytest.param(np.array([[0, 1, 1]], dtype=np.int32), [0, 1, 1], id="int-ones-are-not-white"),
        pytest.param(np.array([[0, 257, 65535]], dtype=np.int32), [0, 1, 255], id="int-sixteen-bit"),
        pytest.param(np.array([[-100, 0, 100]], dtype=np.int32), [0, 128, 255], id="int-stretched"),
        pytest.param(np.array([[70000, 70000, 70000]], dtype=np.int32), [0, 0, 0], id="int-constant"),
        pytest.param(np.array([[0, 0.5, 1]], dtype=np.float32), [0, 128, 255], id="float-unit"),
        pytest.param(np.array([[0, 7.4, 200]], dtype=np.float32), [0, 7, 200], id="float-bytes"),
        pytest.param(np.array([[0, 257, 65535]], dtype=np.float32), [0, 1, 255], id="float-sixteen-bit"),
        pytest.param(np.array([[-1, 0, 1]], dtype=np.float32), [0, 128, 255], id="float-stretched"),
        pytest.param(np.array([[np.nan, np.inf, 1]], dtype=np.float32), [0, 0, 255], id="float-not-finite"),
    ],
)
def test_thirty_two_bit_grey_is_scaled_by_its_range(tmp_path: Path, values: np.ndarray, expected: list[int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_image(put(tmp_path / "image.tif", Image.fromarray(values)))
    assert pixels.shape == (1, 3, 1)
    assert pixels[0, :, 0].tolist() == expected


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tiff"])
def test_the_first_of_several_frames_is_taken(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if ending == "webp" else {}
    path = put(tmp_path / f"image.{ending}", frames[0], save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as written:
        assert getattr(written, "n_frames", 1) == 2
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_the_content_decides_the_format_and_not_the_ending(tmp_path: Path) -> None:
    assert read_image(put(tmp_path / "gif.png", Image.fromarray(GREY), format="GIF")).shape == (2, 2, 1)


def test_the_result_is_writable_and_contiguous(tmp_path: Path) -> None:
    for name, picture in (("grey.png", Image.fromarray(GREY)), ("colour.png", Image.fromarray(COLOURS))):
        pixels = read_image(put(tmp_path / name, picture))
        assert pixels.flags.writeable
        assert pixels.flags.c_contiguous


def test_a_jpeg_may_be_decoded_smaller_but_not_below_what_is_asked(tmp_path: Path) -> None:
    picture = Image.radial_gradient("L").resize((640, 480))
    assert read_image(put(tmp_path / "image.jpg", picture)).shape == (480, 640, 1)
    assert read_image(tmp_path / "image.jpg", at_least=64).shape == (120, 160, 1)  # Both halves of it keep 64.
    assert read_image(tmp_path / "image.jpg", at_least=500).shape == (480, 640, 1)
    assert read_image(put(tmp_path / "image.png", picture), at_least=64).shape == (480, 640, 1)


# How an upright picture is stored: the steps along its rows and columns; orientations 5 to 8 also swap the two.
STEPS = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", STEPS)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, ending: str) -> None:
    rows, columns = STEPS[orientation]
    stored = COLOURS[::rows, ::columns]
    if orientation > 4:
        stored = stored.swapaxes(0, 1)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"lossless": True} if ending == "webp" else {}
    path = put(tmp_path / f"image.{ending}", Image.fromarray(np.ascontiguousarray(stored)), exif=exif, **options)
    np.testing.assert_array_equal(read_image(path), COLOURS)


def test_exif_orientation_of_a_photograph_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = put(tmp_path / "image.jpg", Image.new("RGB", (40, 20), "red"), exif=exif)
    assert read_image(path).shape == (40, 20, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0not tiff at all", id="no-tiff"),
        pytest.param(b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", id="cut-short"),
        pytest.param(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02up\0\0\0\0\0\0", id="orientation-is-text"),
    ],
)
def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path, exif: bytes) -> None:
    path = put(tmp_path / "image.jpg", Image.new("RGB", (40, 20), "red"), exif=exif)
    assert read_image(path).shape == (20, 40, 3)


def test_an_orientation_out_of_range_is_ignored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 77
    assert read_image(put(tmp_path / "image.png", Image.new("RGB", (4, 2), "red"), exif=exif)).shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("width", "height", "found"),
    [
        pytest.param(8_000, 7_000, "8,000 x 7,000", id="above-our-limit"),
        pytest.param(10_000, 10_000, "10,000 x 10,000", id="where-pillow-warns"),
        pytest.param(40_000, 40_000, "has more: make", id="where-pillow-refuses"),
    ],
)
def test_a_decompression_bomb_is_refused_from_its_header(tmp_path: Path, width: int, height: int, found: str) -> None:
    path = png_header(tmp_path / "bomb.png", width, height)
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    for read in (read_image, image_size):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(DataError, match=rf"at most 50,000,000 pixels, but '.*bomb\.png' .*{found}.*smaller"):
                read(path)
        assert caught == []
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    assert image_size(png_header(tmp_path / "image.png", MAX_PIXELS // 5_000, 5_000)) == (5_000, MAX_PIXELS // 5_000)


def test_the_limit_holds_where_pillow_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(DataError, match="40,000 x 40,000"):
        read_image(png_header(tmp_path / "bomb.png", 40_000, 40_000))


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "webp", "tif"])
def test_a_truncated_file_is_refused(tmp_path: Path, ending: str) -> None:
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path = put(tmp_path / f"cut.{ending}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"cut\.{ending}' cannot be read .*: repair it, or take it out"):
        read_image(path)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    for read in (read_image, image_size):
        with pytest.raises(DataError, match=r"x\.png' cannot be read"):
            read(tmp_path / "x.png")


@pytest.mark.parametrize("other", ["EPS", "PPM", "ICO"])
def test_decoders_that_nobody_asked_for_are_not_run(tmp_path: Path, other: str) -> None:
    with pytest.raises(DataError, match=r"x\.png' cannot be read"):
        read_image(put(tmp_path / "x.png", Image.new("RGB", (16, 16), "red"), format=other))


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "x.png")

    def closed(*_: Any, **__: Any) -> Any:  # root may read anything, so no chmod can show this
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", closed)
    with pytest.raises(DataError, match=r"x\.png' cannot be opened \(permission denied\): change its permissions"):
        read_image(path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="must be a regular file"):
        read_image(tmp_path / "pipe.png")


@pytest.mark.parametrize("name", ["missing.png", "folder.png"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DataError, match="must be a regular file"):
        read_image(tmp_path / name)


def test_image_size_is_height_and_width(tmp_path: Path) -> None:
    assert image_size(put(tmp_path / "image.png", Image.new("L", (7, 5)))) == (5, 7)
