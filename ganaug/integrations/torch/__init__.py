"""The PyTorch interface: image folders, datasets filled up to class balance, streams of synthetic samples, loaders."""

from ganaug.integrations.torch.augmented import AugmentedDataset
from ganaug.integrations.torch.folder import ImageFolder
from ganaug.integrations.torch.loader import EvenSampler, balanced_loader
from ganaug.integrations.torch.synthetic import SyntheticDataset

__all__ = ["AugmentedDataset", "EvenSampler", "ImageFolder", "SyntheticDataset", "balanced_loader"]
