"""
What the Fashion-MNIST examples share
=====================================

This module reads the files, cuts a long tail of the classes, makes a small network, and prints recall by class. The
other programs whose names begin with ``fashion`` import it.

The four IDX files are those of https://github.com/zalandoresearch/fashion-mnist, or of Debian's package
dataset-fashion-mnist, which puts them in ``/usr/share/datasets/fashion-mnist``. They may be packed by gzip.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganaug import GANAugmenter, Generator

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]


def parse(doc):
    """Return the long-tailed training images, a generator of them, the test images, and the arguments."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--model", type=Path, help="a trained generator; by default one is trained, and not saved")
    parser.add_argument("--budget", type=float, default=180, help="seconds of training for the generator")
    parser.add_argument("--classifier-steps", type=int, default=600)
    args = parser.parse_args()
    try:
        train, test = long_tail(read(args.folder, "train")), read(args.folder, "t10k")
        generator = Generator.load(args.model) if args.model else learned(*train, args.budget)
    except (ValueError, OSError) as error:  # whatever is wrong with the files
        parser.exit(2, f"Error: {error}\n")
    return train, generator, test, args


def learned(images, labels, budget):
    """Return a generator that has learned for so many seconds."""
    return GANAugmenter(time_budget=budget).fit(images, np.array(CLASSES)[labels]).generator_


def read(folder, part):
    """Return images (N, 28, 28) and labels (N,) out of a pair of IDX files."""
    arrays = []
    for kind in ("images-idx3", "labels-idx1"):
        path = next(iter(sorted(folder.glob(f"{part}-{kind}-ubyte*"))), folder / f"{part}-{kind}-ubyte.gz")
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        sides = np.frombuffer(content, ">i4", content[3], offset=4)
        arrays.append(np.frombuffer(content, np.uint8, offset=4 + 4 * len(sides)).reshape(sides))
    return arrays


def long_tail(data, most=100, fewest=5):
    """Return the images of a long tail: `most` images of the first class, down to `fewest` images of the last."""
    counts = np.geomspace(min(most, np.bincount(data[1]).min()), fewest, len(CLASSES)).round().astype(int)
    rows = np.concatenate([np.flatnonzero(data[1] == label)[:count] for label, count in enumerate(counts)])
    return data[0][rows], data[1][rows]


def network():
    """Return a small classifier of images (B, 1, 28, 28)."""
    body = [(nn.Conv2d(a, b, 3, 1, 1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)) for a, b in ((1, 32), (32, 64))]
    return nn.Sequential(*sum(body, ()), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, len(CLASSES)))


def show_recall(without, with_synthetic, train, test):
    """Print the recall of two classifiers, class by class."""
    batches = DataLoader(TensorDataset(torch.from_numpy(test[0][:, None] / np.float32(255))), 256)
    print("class       images  recall without  with synthetic images")
    with torch.no_grad():
        read = [torch.cat([m.eval()(x).argmax(1) for (x,) in batches]).numpy() for m in (without, with_synthetic)]
    for label, name in enumerate(CLASSES):
        found = [float((one[test[1] == label] == label).mean()) for one in read]
        print(f"{name:<11} {(train[1] == label).sum():>6} {found[0]:>15.1%} {found[1]:>22.1%}")
