"""The PyTorch interface: folders, datasets filled up to class balance, streams of synthetic samples, loaders."""

from ganaug.integrations.torch.augmented import AugmentedDataset
from ganaug.integrations.torch.clip_folder import ClipFolder
from ganaug.integrations.torch.folder import ImageFolder
from ganaug.integrations.torch.loader import EvenSampler, balanced_loader
from ganaug.integrations.torch.signal_folder import SignalFolder
from ganaug.integrations.torch.synthetic import SyntheticDataset

__all__ = [
    "AugmentedDataset",
    "ClipFolder",
    "EvenSampler",
    "ImageFolder",
    "SignalFolder",
    "SyntheticDataset",
    "balanced_loader",
]
