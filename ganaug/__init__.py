"""Conditional-GAN augmentation for small, imbalanced, labelled data.

Each name is imported when it is first used: ``import ganaug`` loads no heavy library.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Nothing touches the network. These libraries read the variables when they are imported, so they are set here, before
# any of them, for this process and those that it starts. What the user has set is left alone.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or ONNX Runtime calls home, and writes files
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # or albumentations asks for newer versions
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or a Ray cluster that starts here calls home

if TYPE_CHECKING:
    from ganaug.errors import StopTraining
    from ganaug.evaluation.evaluate import Report, evaluate
    from ganaug.integrations.albumentations.style_swap import StyleSwap
    from ganaug.integrations.albumentations.synthetic_swap import SyntheticSwap
    from ganaug.integrations.sklearn import AugmentedClassifier, GANAugmenter, GANSampler
    from ganaug.integrations.torch import (
        AugmentedDataset,
        ClipFolder,
        ImageFolder,
        SignalFolder,
        SyntheticDataset,
        balanced_loader,
    )
    from ganaug.networks.restyle import restyle
    from ganaug.runtime.generator import Generator

__all__ = [
    "AugmentedClassifier",
    "AugmentedDataset",
    "ClipFolder",
    "GANAugmenter",
    "GANSampler",
    "Generator",
    "ImageFolder",
    "Report",
    "SignalFolder",
    "StopTraining",
    "StyleSwap",
    "SyntheticDataset",
    "SyntheticSwap",
    "__version__",
    "balanced_loader",
    "evaluate",
    "restyle",
]

__version__ = "0.1.0"

_HOMES = {
    "AugmentedClassifier": "ganaug.integrations.sklearn",
    "AugmentedDataset": "ganaug.integrations.torch",
    "ClipFolder": "ganaug.integrations.torch",
    "GANAugmenter": "ganaug.integrations.sklearn",
    "GANSampler": "ganaug.integrations.sklearn",
    "Generator": "ganaug.runtime.generator",
    "ImageFolder": "ganaug.integrations.torch",
    "Report": "ganaug.evaluation.evaluate",
    "SignalFolder": "ganaug.integrations.torch",
    "StopTraining": "ganaug.errors",
    "SyntheticDataset": "ganaug.integrations.torch",
    "StyleSwap": "ganaug.integrations.albumentations.style_swap",
    "SyntheticSwap": "ganaug.integrations.albumentations.synthetic_swap",
    "balanced_loader": "ganaug.integrations.torch",
    "evaluate": "ganaug.evaluation.evaluate",
    "restyle": "ganaug.networks.restyle",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganaug' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
