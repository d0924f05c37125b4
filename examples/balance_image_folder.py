"""
Balance a folder of images
==========================

This program learns the classes of an image folder, and writes a copy of the folder in which every class is as large as
the largest class. Name your own folder, and a new folder for the result::

    python examples/balance_image_folder.py photos/ balanced/ --budget 180

Without arguments the program makes a folder of scikit-learn's handwritten digits, from 100 images of the 0 down to 5
images of the 9, and works in a temporary folder.

The command line does the same, and checks more::

    ganaug fit photos/ --output photos.onnx
    ganaug balance photos/ photos.onnx --output balanced/
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ganaug import GANAugmenter, ImageFolder
from ganaug.files import atomic_folder, check_writable

small = "GANAUG_SMALL" in os.environ
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("source", type=Path, nargs="?", help="one subfolder of images for each class")
parser.add_argument("output", type=Path, nargs="?", default=Path("balanced"), help="a new folder")
parser.add_argument("--budget", type=float, default=60, help="seconds of training")
parser.add_argument("--steps", type=int, default=10 if small else None, help="most training steps")
args = parser.parse_args()

# %%
# Make a folder with rare classes
# -------------------------------
# An image folder has one subfolder for each class. The number of digits falls from class to class by the same factor.

scratch = tempfile.TemporaryDirectory()
if args.source is None:
    args.source, args.output = Path(scratch.name) / "digits", Path(scratch.name) / "balanced"
    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8)
    for digit, count in enumerate(np.geomspace(100, 5, 10).round().astype(int)):
        (args.source / str(digit)).mkdir(parents=True)
        for row in np.flatnonzero(digits.target == digit)[:count]:
            Image.fromarray(pixels[row]).save(args.source / str(digit) / f"{row:04}.png")

# %%
# Train the generator
# -------------------
# ``ImageFolder`` reads the images. ``GANAugmenter`` learns them. If something is wrong with the folders, the program
# says it in a sentence.

try:
    check_writable(args.output, folder=True)  # before the minutes of training
    folder = ImageFolder(args.source)
    labels = np.array(folder.classes)[folder.targets]
    augmenter = GANAugmenter(time_budget=args.budget, max_steps=args.steps, random_state=0)
    augmenter.fit(folder.data.images, labels)
except (ValueError, OSError) as error:
    parser.exit(2, f"Error: {error}\n")

# %%
# Write the balanced folder
# -------------------------
# The real images are copied, and each class is filled up with synthetic images. ``atomic_folder`` moves the result into
# place when it is complete, so that an interrupted program leaves no half of a folder. The generator is saved too: a
# file that needs neither torch nor the images any more.

counts = dict(zip(folder.classes, np.bincount(folder.targets).tolist(), strict=True))
with atomic_folder(args.output) as place:
    for name, count in counts.items():
        shutil.copytree(args.source / name, place / name)
        missing = max(counts.values()) - count
        synthetic = augmenter.sample({name: missing})[0] if missing else ()
        for number, image in enumerate(synthetic):
            Image.fromarray(image.squeeze()).save(place / name / f"synthetic-{number:05}.png")
        print(f"{name}: {count} real and {missing} synthetic images")
augmenter.save(args.output.with_suffix(".onnx"))
print(f"Wrote {args.output.name}, and the generator to {args.output.with_suffix('.onnx').name}")

# %%
# Look at the samples
# -------------------
# Always look at the samples before you train on them. Each column is a class: five real images, and five synthetic
# images.

synthetic, _ = augmenter.sample(dict.fromkeys(folder.classes, 5))
real = np.concatenate([folder.data.images[labels == name][:5] for name in folder.classes])
figure, rows = plt.subplots(2, 1, figsize=(6, 6.4), layout="constrained")
for axes, title, images in zip(rows, ("real", "synthetic"), (real, synthetic), strict=True):
    side = images.shape[1] + 1
    sheet = np.zeros((5 * side, len(folder.classes) * side, *images.shape[3:]), np.uint8)
    for index, image in enumerate(images[: 5 * len(folder.classes)]):
        column, row = divmod(index, 5)
        sheet[row * side : (row + 1) * side - 1, column * side : (column + 1) * side - 1] = image
    axes.imshow(sheet.squeeze(), cmap="gray")
    axes.set(title=title, xticks=[], yticks=[])
plt.show()
scratch.cleanup()
