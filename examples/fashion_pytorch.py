"""
Fashion-MNIST in PyTorch
========================

This program trains a PyTorch classifier on a long tail of Fashion-MNIST, with and without synthetic images. The new
line is the one that calls ``balanced_loader``::

    python examples/fashion_pytorch.py FOLDER_OF_THE_IDX_FILES --budget 180
"""

import numpy as np
import torch
from fashion import CLASSES, network, parse, show_recall
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ganaug import balanced_loader

# %%
# A dataset as you may have it
# ----------------------------
# Besides the items, ganaug reads ``targets`` and ``classes``.


class Fashion(Dataset):
    """Images as tensors, and their labels."""

    classes = CLASSES

    def __init__(self, images, labels):
        self.images, self.targets = images, labels

    def __len__(self):
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index):
        """Return an image (1, 28, 28) and its label."""
        return torch.from_numpy(self.images[index][None] / np.float32(255)), int(self.targets[index])


# %%
# A training loop as you may have it
# ----------------------------------
# Nothing is new here. The loop does not know which loader it has.


def trained(loader, steps):
    """Return the network, trained for so many steps."""
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


# %%
# The comparison
# --------------
# The guard is needed because the loader's workers may be started by importing this file.

if __name__ == "__main__":
    train, generator, test, args = parse(__doc__)
    data = Fashion(*train)
    plain = DataLoader(data, 64, shuffle=True)
    balanced = balanced_loader(data, generator, 64, num_workers=1, persistent_workers=True)
    show_recall(trained(plain, args.classifier_steps), trained(balanced, args.classifier_steps), train, test)
