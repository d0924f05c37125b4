"""Conditional-GAN augmentation for small, imbalanced, labelled data.

The names below are imported when first used: ``import ganaug`` itself loads none of the heavy libraries behind them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganaug.augmenters import AugmentedClassifier, GANAugmenter, GANSampler
    from ganaug.data import AugmentedDataset, ImageFolder, SyntheticDataset, balanced_loader
    from ganaug.evaluation import Report, evaluate
    from ganaug.generator import Generator
    from ganaug.transforms import SyntheticSwap

__all__ = [
    "AugmentedClassifier",
    "AugmentedDataset",
    "GANAugmenter",
    "GANSampler",
    "Generator",
    "ImageFolder",
    "Report",
    "SyntheticDataset",
    "SyntheticSwap",
    "__version__",
    "balanced_loader",
    "evaluate",
]

__version__ = "0.1.0"

_HOMES = {
    "AugmentedClassifier": "ganaug.augmenters",
    "AugmentedDataset": "ganaug.data",
    "GANAugmenter": "ganaug.augmenters",
    "GANSampler": "ganaug.augmenters",
    "Generator": "ganaug.generator",
    "ImageFolder": "ganaug.data",
    "Report": "ganaug.evaluation",
    "SyntheticDataset": "ganaug.data",
    "SyntheticSwap": "ganaug.transforms",
    "balanced_loader": "ganaug.data",
    "evaluate": "ganaug.evaluation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganaug' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
