"""Small modalities and families for tests that need networks, and no training."""

import numpy as np
import torch

from ganaug.compute.engine import Engine
from ganaug.data.images.dataset import from_arrays
from ganaug.families.gan import GAN
from ganaug.networks.images import ImageModality

CPU = torch.device("cpu")


def image_modality(size: int = 16, channels: int = 1, n_classes: int = 2) -> ImageModality:
    """Random images, three of each class."""
    shape = (3 * n_classes, size, size, channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    labels = [f"class-{i % n_classes:03}" for i in range(len(images))]
    return ImageModality(from_arrays(images, labels, size=size), seed=0)


def new_gan(size: int = 16, channels: int = 1, n_classes: int = 2, *, mixed: bool = False) -> GAN:
    """A GAN whose first weights are drawn from seed 0."""
    torch.manual_seed(0)
    return GAN(image_modality(size, channels, n_classes), Engine(CPU, mixed=mixed))
