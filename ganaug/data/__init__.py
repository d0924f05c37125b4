"""The PyTorch faces: labelled folders, datasets filled up to class balance, streams of synthetic samples, loaders."""

from ganaug.data.augmented import AugmentedDataset
from ganaug.data.filling import fill_counts
from ganaug.data.folder import ImageFolder
from ganaug.data.labels import Label
from ganaug.data.loader import EvenSampler, balanced_loader
from ganaug.data.synthetic import SyntheticDataset

__all__ = [
    "AugmentedDataset",
    "EvenSampler",
    "ImageFolder",
    "Label",
    "SyntheticDataset",
    "balanced_loader",
    "fill_counts",
]
