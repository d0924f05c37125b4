"""The last layers of discriminators and encoders: a logit or a code, for the features of a sample and its class."""

from abc import abstractmethod

import torch
from torch import Tensor, nn


class ProjectionDiscriminator(nn.Module):
    """Maps a sample and its class to one logit, by projection of features on the class (Miyato and Koyama 2018)."""

    def __init__(self, n_classes: int, feature_dim: int) -> None:
        super().__init__()
        self.n_classes, self.feature_dim = n_classes, feature_dim
        self.embed = nn.Embedding(n_classes, feature_dim)
        nn.init.zeros_(self.embed.weight)
        self.logit = nn.Linear(feature_dim, 1)

    @abstractmethod
    def features(self, sample: Tensor) -> Tensor:
        """Return features of samples (B, ...) that do not depend on the label, float32 (B, feature_dim)."""

    def judge_all(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of samples of no class (B, 1), and what each class adds to them (B, n_classes), float32."""
        with torch.autocast(features.device.type, enabled=False):
            return self.logit(features), features @ self.embed.weight.T

    def judge(self, features: Tensor, label: Tensor, weight: float = 1.0) -> Tensor:
        """Return the logits (B,) of samples whose features are known; `weight` is that of the class."""
        return own_logits(*self.judge_all(features), label, weight)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        """Return logits (B,): larger means more like a real sample of class `label`."""
        return self.judge(self.features(sample), label)


def own_logits(classless: Tensor, by_class: Tensor, label: Tensor, weight: float = 1.0) -> Tensor:
    """Return the logits (B,) of samples under their own label, of what `judge_all` returns."""
    return (classless + weight * by_class.gather(1, label[:, None])).squeeze(1)


class Encoder(nn.Module):
    """Maps a sample and its class to a vector. The features are those of a discriminator, without its last layers."""

    def __init__(self, discriminator: ProjectionDiscriminator, width: int) -> None:
        super().__init__()
        self.n_classes = discriminator.n_classes
        self.seen = discriminator
        del self.seen.logit, self.seen.embed
        self.code = nn.Linear(discriminator.feature_dim, width)
        self.by_class = nn.Embedding(self.n_classes, width)
        nn.init.zeros_(self.by_class.weight)

    def forward(self, sample: Tensor, label: Tensor) -> Tensor:
        """Return vectors (B, width), float32, of samples (B, ...) of these classes."""
        features = self.seen.features(sample)
        with torch.autocast(features.device.type, enabled=False):
            code: Tensor = self.code(features) + self.by_class(label)
        return code
