"""Train a PyTorch classifier on a long tail of Fashion-MNIST, with and without synthetic images.

python examples/fashion_pytorch.py FOLDER_OF_THE_IDX_FILES --budget 180
"""

import numpy as np
import torch
from fashion import CLASSES, network, parse, show_recall
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ganaug import balanced_loader


class Fashion(Dataset):
    """A dataset as you may have it; `targets` and `classes` are all that is read of it besides its items."""

    classes = CLASSES

    def __init__(self, images, labels):
        self.images, self.targets = images, labels

    def __len__(self):
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index):
        """Return an image (1, 28, 28) and its label."""
        return torch.from_numpy(self.images[index][None] / np.float32(255)), int(self.targets[index])


def trained(loader, steps):
    """Train for so many steps, whatever the loader: here is nothing new."""
    torch.manual_seed(0)
    model, step = network(), 0
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    while step < steps:
        for image, label in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(image), label).backward()
            optimizer.step()
            step += 1
            if step == steps:
                break
    return model


if __name__ == "__main__":  # workers may be started by importing this file
    train, generator, test, args = parse(__doc__)
    data = Fashion(*train)
    plain = DataLoader(data, 64, shuffle=True)
    balanced = balanced_loader(data, generator, 64, num_workers=1, persistent_workers=True)  # the one line that is new
    show_recall(trained(plain, args.classifier_steps), trained(balanced, args.classifier_steps), train, test)
