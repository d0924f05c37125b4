"""
Fashion-MNIST in Lightning
==========================

This program trains a Lightning classifier on a long tail of Fashion-MNIST, with and without synthetic images::

    pip install 'ganaug[examples]'
    python examples/fashion_lightning.py FOLDER_OF_THE_IDX_FILES --budget 180
"""

import logging

import lightning
import numpy as np
import torch
from fashion import CLASSES, network, parse, show_recall
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganaug import balanced_loader

# %%
# The data module
# ---------------
# A ``TensorDataset`` has no class names, so the data module gives it names.


class LongTail(lightning.LightningDataModule):
    """A data module whose training loader is balanced if it is given a generator."""

    def __init__(self, images, labels, generator=None, workers=1):
        super().__init__()
        self.images, self.labels, self.generator, self.workers = images, labels, generator, workers

    def setup(self, stage):  # noqa: ARG002
        """Make the dataset."""
        images = torch.from_numpy(self.images[:, None] / np.float32(255))
        self.data = TensorDataset(images, torch.from_numpy(self.labels).long())
        self.data.classes = CLASSES  # type: ignore[attr-defined]

    def train_dataloader(self):
        """Return the loader of the real images, or the balanced one."""
        if self.generator is None:
            return DataLoader(self.data, 64, shuffle=True)
        settings = {"num_workers": self.workers, "persistent_workers": True}
        return balanced_loader(self.data, self.generator, 64, **settings)


# %%
# The classifier
# --------------
# Nothing is new here.


class Classifier(lightning.LightningModule):
    """The small network."""

    def __init__(self):
        super().__init__()
        self.network = network()

    def training_step(self, batch, _):
        """Return the loss of a batch."""
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self):
        """Return the optimizer."""
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


def trained(data, steps):
    """Train for so many steps."""
    lightning.seed_everything(0, verbose=False)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_steps=steps, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(model := Classifier(), data)
    return model.network


# %%
# The comparison
# --------------

if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    train, generator, test, args = parse(__doc__)
    models = [trained(LongTail(*train, one), args.classifier_steps) for one in (None, generator)]
    show_recall(*models, train, test)
