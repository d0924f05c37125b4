"""Put synthetic images into an albumentations pipeline: a long tail of Fashion-MNIST, with and without them.

python examples/albumentations_pipeline.py FOLDER_OF_THE_IDX_FILES --budget 180
"""

from ganaug import SyntheticSwap  # before albumentations, which otherwise looks for newer versions of itself

import albumentations as A  # isort: skip
import numpy as np
import torch
from fashion import CLASSES, parse, show_recall
from fashion_pytorch import trained
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler


class Augmented(Dataset):
    """Images that go through a pipeline, which is told the class of each."""

    def __init__(self, images, labels, pipeline):
        self.images, self.labels, self.pipeline = images, labels, pipeline

    def __len__(self):
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index):
        """Return an image (1, 28, 28) and its label."""
        image = self.pipeline(image=self.images[index][..., None], label=int(self.labels[index]))["image"]
        return torch.from_numpy(image).permute(2, 0, 1).float() / 255, int(self.labels[index])


if __name__ == "__main__":
    train, generator, test, args = parse(__doc__)
    usual = [A.Affine(translate_percent=0.08, rotate=(-8, 8), scale=(0.9, 1.1), p=0.8), A.HorizontalFlip()]
    swap = SyntheticSwap(generator, p=0.3, classes=CLASSES)  # first, so that the rest does to both alike
    weights = 1 / np.bincount(train[1])[train[1]]  # rare classes as often as common ones
    models = []
    for transforms in (usual, [swap, *usual]):
        sampler = WeightedRandomSampler(weights, len(weights), generator=torch.Generator().manual_seed(0))
        data = Augmented(*train, A.Compose(transforms, seed=0))
        models.append(trained(DataLoader(data, 64, sampler=sampler), args.classifier_steps))
    show_recall(*models, train, test)
