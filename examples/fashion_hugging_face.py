"""
Fashion-MNIST as a Hugging Face dataset
=======================================

This program trains on a Hugging Face dataset, a long tail of Fashion-MNIST, with and without synthetic images::

    pip install 'ganaug[examples]'
    python examples/fashion_hugging_face.py FOLDER_OF_THE_IDX_FILES --budget 180
"""

import datasets
import numpy as np
import torch
from fashion import CLASSES, parse, show_recall
from fashion_pytorch import trained
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ganaug import balanced_loader

# %%
# Rows become pairs
# -----------------
# ganaug applies the method ``transform`` to synthetic images too.


class Pairs(Dataset):
    """A Hugging Face dataset as pairs of an image and a label."""

    def __init__(self, rows, image="image", label="label"):
        self.rows, self.image, self.label = rows, image, label
        self.targets, self.classes = rows[label], rows.features[label].names

    def transform(self, picture):
        """Return a tensor (1, 28, 28) of a PIL image."""
        picture = picture.convert("L").resize((28, 28))
        return torch.from_numpy(np.array(picture)[None]).float() / 255

    def __len__(self):
        """Return the number of rows."""
        return len(self.rows)

    def __getitem__(self, index):
        """Return an image and its label."""
        row = self.rows[int(index)]
        return self.transform(row[self.image]), row[self.label]


# %%
# The comparison
# --------------
# Your own dataset would come from ``datasets.load_dataset(...)``.

if __name__ == "__main__":
    train, generator, test, args = parse(__doc__)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)})
    columns = {"image": [Image.fromarray(image) for image in train[0]], "label": train[1].tolist()}
    data = Pairs(datasets.Dataset.from_dict(columns, features=features))
    without = trained(DataLoader(data, 64, shuffle=True), args.classifier_steps)
    balanced = balanced_loader(data, generator, 64, num_workers=1, persistent_workers=True)
    show_recall(without, trained(balanced, args.classifier_steps), train, test)
