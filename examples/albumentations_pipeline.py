"""
Synthetic images in an albumentations pipeline
==============================================

This program trains on a long tail of Fashion-MNIST with an ordinary albumentations pipeline, and with a pipeline that
swaps some images for synthetic images of the same class::

    python examples/albumentations_pipeline.py FOLDER_OF_THE_IDX_FILES --budget 180

Import ganaug before albumentations. Otherwise albumentations asks the network for newer versions of itself.
"""

from ganaug import SyntheticSwap

import albumentations as A  # isort: skip
import numpy as np
import torch
from fashion import CLASSES, parse, show_recall
from fashion_pytorch import trained
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

# %%
# A dataset with a pipeline
# -------------------------
# The pipeline must be told the class of each image. ``SyntheticSwap`` reads it from the target ``label``.


class Augmented(Dataset):
    """Images that go through a pipeline."""

    def __init__(self, images, labels, pipeline):
        self.images, self.labels, self.pipeline = images, labels, pipeline

    def __len__(self):
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index):
        """Return an image (1, 28, 28) and its label."""
        image = self.pipeline(image=self.images[index][..., None], label=int(self.labels[index]))["image"]
        return torch.from_numpy(image).permute(2, 0, 1).float() / 255, int(self.labels[index])


# %%
# The comparison
# --------------
# ``SyntheticSwap`` comes first, so that the other transforms are applied to real and synthetic images alike. Rare
# classes are drawn as often as common classes.

if __name__ == "__main__":
    train, generator, test, args = parse(__doc__)
    usual = [A.Affine(translate_percent=0.08, rotate=(-8, 8), scale=(0.9, 1.1), p=0.8), A.HorizontalFlip()]
    swap = SyntheticSwap(generator, p=0.3, classes=CLASSES)
    weights = 1 / np.bincount(train[1])[train[1]]
    models = []
    for transforms in (usual, [swap, *usual]):
        sampler = WeightedRandomSampler(weights, len(weights), generator=torch.Generator().manual_seed(0))
        data = Augmented(*train, A.Compose(transforms, seed=0))
        models.append(trained(DataLoader(data, 64, sampler=sampler), args.classifier_steps))
    show_recall(*models, train, test)
