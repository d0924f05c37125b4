"""The scikit-learn and imbalanced-learn faces."""

from ganaug.augmenters.augmenter import GANAugmenter
from ganaug.augmenters.classifier import AugmentedClassifier
from ganaug.augmenters.sampler import GANSampler

__all__ = ["AugmentedClassifier", "GANAugmenter", "GANSampler"]
