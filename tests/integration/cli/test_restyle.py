"""`ganaug restyle`: files and folders, names and formats, and that bad input gives one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import ganaug
from ganaug.cli import main

RNG = np.random.default_rng(0)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["restyle", *map(str, arguments)])


def refused(*arguments: object, saying: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert saying in result.stderr.splitlines()[-1], result.stderr


def picture(path: Path, *, channels: int = 3, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (RNG.integers(0, 150, channels) + RNG.integers(0, 100, (20, 13, channels))).astype(np.uint8)
    Image.fromarray(pixels.squeeze()).save(path, **options)
    return path


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.array(image)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    picture(tmp_path / "in/cat/1.png")
    picture(tmp_path / "in/cat/deep/2.jpg")
    picture(tmp_path / "in/dog/1.webp")
    picture(tmp_path / "in/dog/grey.tif", channels=1)
    picture(tmp_path / "in/loose.bmp")
    return tmp_path / "in"


@pytest.fixture
def styles(tmp_path: Path) -> Path:
    for number in range(3):
        picture(tmp_path / "styles" / f"{number}.png")
    return tmp_path / "styles"


def test_file_to_file(tmp_path: Path) -> None:
    content, style, output = picture(tmp_path / "a.png", channels=4), picture(tmp_path / "b.png"), tmp_path / "c.png"
    before = content.read_bytes(), style.read_bytes()
    output.write_text("former")
    result = run(content, style, "--output", output, "--strength", "0.8")
    assert (result.exit_code, result.stdout) == (0, f"Wrote {output}.\n"), result.stderr
    assert np.array_equal(pixels(output), ganaug.restyle(pixels(content), pixels(style), 0.8))
    assert before == (content.read_bytes(), style.read_bytes())
    jpeg = tmp_path / "c.jpg"
    assert run(content, style, "--output", jpeg).exit_code == 0
    assert pixels(jpeg).shape == (20, 13, 3)
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.png", "c.png", "c.jpg"}


def test_folder_to_folder(content: Path, styles: Path, tmp_path: Path) -> None:
    one, two, other = tmp_path / "one", tmp_path / "two", tmp_path / "other"
    result = run(content, styles, "--output", one)
    assert (result.exit_code, result.stdout) == (0, f"Wrote 5 images to {one}.\n"), result.stderr
    names = {path.relative_to(content) for path in content.rglob("*.*")}
    assert {path.relative_to(one) for path in one.rglob("*.*")} == names
    formats = {}
    for name in names:
        with Image.open(one / name) as image:
            formats[name.name] = (image.format, image.size)
    assert {found for found, _ in formats.values()} == {"PNG", "JPEG", "WEBP", "TIFF", "BMP"}
    assert {size for _, size in formats.values()} == {(13, 20)}
    wanted = [ganaug.restyle(pixels(content / "cat/1.png"), pixels(style)) for style in sorted(styles.iterdir())]
    assert any(np.array_equal(pixels(one / "cat/1.png"), restyled) for restyled in wanted)
    assert run(content, styles, "--output", two, "--seed", 0).exit_code == 0
    assert run(content, styles, "--output", other, "--seed", 5).exit_code == 0
    contents = [[(folder / name).read_bytes() for name in sorted(names)] for folder in (one, two, other)]
    assert contents[0] == contents[1] != contents[2]


def test_no_image_gets_its_own_style_from_its_own_folder(styles: Path, tmp_path: Path) -> None:
    assert run(styles, styles, "--output", tmp_path / "out").exit_code == 0
    files = sorted(styles.iterdir())
    for file in files:
        wanted = [ganaug.restyle(pixels(file), pixels(other)) for other in files if other != file]
        assert any(np.array_equal(pixels(tmp_path / "out" / file.name), one) for one in wanted)
    lonely = picture(tmp_path / "lonely/1.png")
    assert run(lonely.parent, lonely.parent, "--output", tmp_path / "still").exit_code == 0


def test_files_that_cannot_be_read_are_skipped(content: Path, styles: Path, tmp_path: Path) -> None:
    for number in range(10):
        picture(content / "cat" / f"more-{number}.png")
    (content / "cat/bad.png").write_text("no image")
    (styles / "bad.png").write_text("no image")
    result = run(content, styles, "--output", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr.count("Warning: Skipped a file. An image must be a complete PNG") == 1
    assert result.stderr.count("Warning: Skipped a style. An image must be a complete PNG") == 1
    assert result.stdout == f"Wrote 15 images to {tmp_path / 'out'}.\n"
    assert not (tmp_path / "out/cat/bad.png").exists()


def test_deep_images_are_noted(styles: Path, tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(RNG.integers(0, 65536, (8, 8), dtype=np.uint16)).save(deep)
    assert "Note: 1 image of CONTENT" in run(deep, styles, "--output", tmp_path / "out.png").stderr


def test_what_cannot_be_done_is_said_in_a_sentence(content: Path, styles: Path, tmp_path: Path) -> None:
    out, file, style = tmp_path / "out", content / "cat/1.png", styles / "0.png"
    refused(tmp_path / "nope", styles, "--output", out, saying="CONTENT must be an image file or a folder of images")
    refused(content, tmp_path / "nope", "--output", out, saying="does not exist: correct the path.")
    refused(file, styles, "--output", out, saying="--output must be the name of an image file")
    refused(file, styles, "--output", file, saying="--output must lie outside of CONTENT")
    refused(file, style, "--output", style, saying="--output must lie outside of STYLE")
    refused(file, styles, "--output", style, saying="--output must lie outside of STYLE")
    refused(content, styles, "--output", content / "new", saying="--output must lie outside of CONTENT")
    refused(content, styles, "--output", out, "--strength", 2, saying="'--strength'")
    refused(content, styles, "--output", out, "--strength", "nan", saying="Strength must be from 0")
    (tmp_path / "empty").mkdir()
    refused(content, tmp_path / "empty", "--output", out, saying="A folder must hold images, but")
    refused(tmp_path / "empty", styles, "--output", out, saying="A folder must hold images, but")
    refused(content, styles, "--output", tmp_path, saying="that folder exists and is not empty")
    (tmp_path / "text.png").write_text("no image")
    refused(tmp_path / "text.png", styles, "--output", tmp_path / "o.png", saying="must be a complete PNG")
    refused(content, tmp_path / "text.png", "--output", out, saying="must be a complete PNG")
    (content / "bad.png").write_text("no image")
    refused(content, styles, "--output", out, saying="At least nine in ten images must be readable, but 1 of 6 are not")
    assert not out.exists()
    assert not list(tmp_path.glob(".ganaug*"))
