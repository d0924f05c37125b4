"""Draw real images beside synthetic ones, one row per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from image_sets import LongTail
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SHOWN = 8  # real images of a class, and as many synthetic ones
SIDE = 64  # pixels at which an image is shown, at least
GAP = 4  # pixels between images
CAPTION = 150  # pixels for the name of the class


def draw_look(data: LongTail, synthetic: NDArray[np.uint8], labels: NDArray[np.int64], path: Path) -> None:
    """Write a PNG file: for each class its name, real training images and synthetic images, the rarest class last."""
    scale = max(1, SIDE // data.train_images.shape[1])
    step = data.train_images.shape[1] * scale + GAP
    counts = np.bincount(data.train_labels, minlength=len(data.classes))
    sheet = Image.new("RGB", (CAPTION + (2 * SHOWN + 1) * step, (len(data.classes) + 1) * step), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((CAPTION, step // 2), "real training images", fill="black")
    pen.text((CAPTION + (SHOWN + 1) * step, step // 2), "synthetic images", fill="black")
    for row, label in enumerate(np.argsort(-counts, kind="stable"), 1):
        pen.text((GAP, row * step + step // 2), f"{data.classes[label]} ({counts[label]})", fill="black")
        real = data.train_images[data.train_labels == label][:SHOWN]
        made = synthetic[labels == label][:SHOWN]
        for first, images in ((0, real), (SHOWN + 1, made)):
            for column, image in enumerate(images, first):
                tile = Image.fromarray(image.squeeze()).convert("RGB")
                tile = tile.resize((step - GAP, step - GAP), Image.Resampling.NEAREST)
                sheet.paste(tile, (CAPTION + column * step, row * step))
    sheet.save(path)
