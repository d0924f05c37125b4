"""Forms of image files: a synthetic image is written as a real file is, in format, colours and compression."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from ganaug.data.images.image_file import read_image
from ganaug.data.images.image_form import ImageForm, encoded, form_of, plain_form

SHAPE = (16, 16, 3)
DRAWN = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(4, axis=0).repeat(4, axis=1)
COLOUR = Image.fromarray(DRAWN[::-1].copy())
GREY = COLOUR.convert("L")
DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
CLEAR = COLOUR.copy()
CLEAR.putalpha(GREY)


def put(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def written(path: Path, shape: tuple[int, int, int] = SHAPE, pixels: np.ndarray = DRAWN) -> Image.Image:
    """Return an image that is written like a file."""
    return Image.open(io.BytesIO(encoded(pixels, form_of(path, shape))))


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("a.png", COLOUR, {}),
        ("a.png", GREY, {}),
        ("a.png", GREY.convert("RGB"), {}),
        ("a.png", CLEAR.convert("LA"), {}),
        ("a.png", COLOUR.convert("RGBA"), {}),
        ("a.png", CLEAR, {}),
        ("a.png", COLOUR.quantize(16), {}),
        ("a.png", GREY.quantize(8), {}),
        ("a.png", GREY.convert("1"), {}),
        ("a.png", DEEP, {}),
        ("a.JPG", GREY, {"quality": 60}),
        ("a.jpeg", COLOUR, {"quality": 30, "subsampling": 0}),
        ("a.jpg", COLOUR, {"quality": 95, "subsampling": 1, "progressive": True}),
        ("a.jpg", COLOUR.convert("CMYK"), {}),
        ("a.bmp", COLOUR, {}),
        ("a.bmp", GREY, {}),
        ("a.bmp", GREY.convert("1"), {}),
        ("a.tif", COLOUR, {}),
        ("a.tiff", GREY, {"compression": "tiff_lzw"}),
        ("a.tif", COLOUR, {"compression": "jpeg"}),
        ("a.tif", GREY.convert("1"), {"compression": "group4"}),
        ("a.tif", DEEP, {}),
        ("a.webp", COLOUR, {"lossless": True}),
        ("a.webp", COLOUR, {"quality": 80}),
        ("a.png", GREY, {"format": "GIF"}),
        ("a.png", COLOUR, {"format": "JPEG"}),
    ],
)
def test_a_file_has_the_form_of_the_real_one(
    name: str, picture: Image.Image, options: dict[str, Any], tmp_path: Path
) -> None:
    real = put(tmp_path / name, picture, **options)
    form = form_of(real, SHAPE)
    assert form.ending == real.suffix
    file = tmp_path / f"synthetic{form.ending}"
    file.write_bytes(encoded(DRAWN, form))
    with Image.open(real) as like, Image.open(file) as made:
        assert (made.format, made.mode) == (like.format, like.mode)
        assert made.info.get("compression") == like.info.get("compression")
        assert getattr(made, "quantization", {}) == getattr(like, "quantization", {})
        assert ("progressive" in made.info) == ("progressive" in like.info)
        if isinstance(like, JpegImagePlugin.JpegImageFile):
            assert JpegImagePlugin.get_sampling(made) == JpegImagePlugin.get_sampling(like)
    if picture.mode not in ("LA", "RGBA"):  # what is drawn without alpha is opaque
        assert form_of(file, SHAPE) == form
    assert (read_image(file).shape[2] == 1) == (read_image(real)[..., :3].std(axis=2).max() == 0)


def test_the_pixels_of_a_lossless_form_are_those_that_were_drawn(tmp_path: Path) -> None:
    for name, picture in (("a.png", COLOUR), ("a.bmp", COLOUR), ("a.tif", COLOUR), ("b.png", COLOUR.convert("RGBA"))):
        assert np.array_equal(np.asarray(written(put(tmp_path / name, picture)).convert("RGB")), DRAWN)
    luma = np.asarray(Image.fromarray(DRAWN).convert("L"))
    assert np.array_equal(np.asarray(written(put(tmp_path / "g.png", GREY))), luma)
    assert np.array_equal(np.asarray(written(put(tmp_path / "d.png", DEEP))), luma.astype(np.uint16) * 257)


def test_alpha_that_is_drawn_is_kept_where_the_real_image_has_it(tmp_path: Path) -> None:
    drawn = np.dstack([DRAWN, np.full(DRAWN.shape[:2], 100, np.uint8)])
    clear = put(tmp_path / "clear.png", CLEAR)
    assert written(put(tmp_path / "clear.webp", CLEAR), (16, 16, 4), drawn).mode == "RGBA"
    assert np.array_equal(np.asarray(written(clear, (16, 16, 4), drawn)), drawn)
    assert form_of(clear, (16, 16, 4)).unmatched == ""
    assert form_of(clear, SHAPE).unmatched == "transparency"
    # An image that is opaque throughout is laid on white, with or without an alpha channel.
    opaque = written(put(tmp_path / "opaque.png", COLOUR.convert("RGBA")), (16, 16, 4), drawn)
    assert opaque.getchannel("A").getextrema() == (255, 255)
    assert opaque.convert("RGB").tobytes() == written(put(tmp_path / "rgb.png", COLOUR), (16, 16, 4), drawn).tobytes()


def test_the_marks_of_compression_shrink_with_the_image(tmp_path: Path) -> None:
    large = put(tmp_path / "large.jpg", COLOUR.resize((64, 48)), quality=50)
    with Image.open(large) as like:
        tables = like.quantization
    made = written(large)
    assert made.quantization == {key: [max(1, round(step / 4)) for step in table] for key, table in tables.items()}
    assert JpegImagePlugin.get_sampling(made) == 0
    assert written(large, (40, 40, 3)).quantization == tables  # less than half of the size


def test_a_loader_that_ignores_exif_sees_real_and_synthetic_images_alike(tmp_path: Path) -> None:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
            real = put(tmp_path / name, COLOUR, exif=exif)
            file = tmp_path / f"made-{name}"
            file.write_bytes(encoded(DRAWN, form_of(real, SHAPE)))
            with Image.open(file) as made:
                assert made.getexif().get(0x0112, 1) == orientation, name
            assert np.abs(read_image(file).astype(int) - DRAWN).mean() < 30, (name, orientation)
            if name == "a.png":
                assert np.array_equal(read_image(file), DRAWN), orientation


@pytest.mark.parametrize(
    ("name", "picture", "options", "said"),
    [
        ("a.webp", COLOUR, {}, "the quality of lossy WebP"),
        ("a.tif", COLOUR, {"compression": "jpeg"}, "the quality of lossy TIFF"),
        ("a.png", DEEP, {}, "16-bit grey in steps finer than 8 bits"),
        ("a.tif", GREY.convert("F"), {}, "more than 8 bits a channel"),
        ("a.png", COLOUR, {}, ""),
        ("a.jpg", COLOUR, {}, ""),
    ],
)
def test_what_cannot_be_matched_is_said(
    name: str, picture: Image.Image, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert form_of(put(tmp_path / name, picture, **options), SHAPE).unmatched == said


def test_colour_of_sixteen_bits_is_said_to_be_lost(tmp_path: Path) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = (b"\0" + bytes(range(48))) * 8
    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    file = tmp_path / "a.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    form = form_of(file, SHAPE)
    assert (form.mode, form.unmatched) == ("RGB", "more than 8 bits a channel")


def test_a_form_that_cannot_be_written_becomes_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = put(tmp_path / "a.jpg", GREY)
    monkeypatch.setattr("ganaug.data.images.image_form._settings", lambda *_: ((("qtables", ((0, 1),)),), ""))
    form = form_of(real, SHAPE)
    assert (form.ending, form.format, form.mode) == (".png", "PNG", "L")
    assert form.unmatched == "the format of grey JPEG files"
    assert encoded(DRAWN, form)


def test_images_without_a_real_file_are_png() -> None:
    for channels, mode in ((1, "L"), (3, "RGB"), (4, "RGBA")):
        pixels = np.arange(channels * 64, dtype=np.uint8).reshape(8, 8, channels)
        with Image.open(io.BytesIO(encoded(pixels, plain_form(channels)))) as made:
            assert (made.format, made.mode) == ("PNG", mode)
            assert np.array_equal(np.asarray(made).reshape(pixels.shape), pixels)
    assert str(ImageForm(mode="L", grey=True)) == "grey PNG files"
