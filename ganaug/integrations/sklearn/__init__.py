"""Estimators for scikit-learn and imbalanced-learn."""

from ganaug.integrations.sklearn.augmenter import GANAugmenter
from ganaug.integrations.sklearn.classifier import AugmentedClassifier
from ganaug.integrations.sklearn.sampler import GANSampler

__all__ = ["AugmentedClassifier", "GANAugmenter", "GANSampler"]
