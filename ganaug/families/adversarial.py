"""The conditional GAN: relativistic pairing within a class, R1 and R2 penalties, one backward pass for both players."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.families.augmentation import DRAWS, augment
from ganaug.families.base import Batch, Family, Precision
from ganaug.networks.conv import SMALLEST
from ganaug.networks.projection import ProjectionDiscriminator

__all__ = ["Adversarial", "gradient_penalty", "mismatch_loss", "pairing_loss", "variety_loss"]

MAX_LOGIT_GAP = 8.0
"""The generator's gradient is exp(gap) times the discriminator's; beyond this the ratio says nothing more."""
VARIETY_WEIGHT = 1.0
MISMATCH_WEIGHT = 0.5
PENALTY_WEIGHT = 0.3
PENALTY_EVERY = 8
"""Steps between penalties, whose weight grows in proportion (lazy regularisation, Karras et al. 2020)."""
PENALTY_IMAGES = 8
"""Real images, and as many synthetic ones, that a penalty looks at: enough for a mean, and quick."""


def pairing_loss(on_real: Tensor, on_synthetic: Tensor, synthetic: Tensor) -> Tensor:
    """Return the discriminator's loss; its backward pass leaves the generator's own gradients too, not their opposite.

    With the gap d = D(real) - D(synthetic), the discriminator minimises softplus(-d) and the generator softplus(d)
    (relativistic pairing, Jolicoeur-Martineau 2019; R3GAN, Huang et al. 2024). No layer mixes samples, so both
    gradients reach a synthetic image along the same path and differ by one factor a sample:
    softplus'(d) / -softplus'(-d) = -exp(d). Multiplying by it where the path leaves the discriminator saves a second
    pass through both networks, as in the single-step method of f-GAN (Nowozin et al. 2016).

    Parameters
    ----------
    on_real, on_synthetic : Tensor of shape (B,)
        Logits for pairs of one class.
    synthetic : Tensor of shape (B, C, H, W)
        A view of the generator's output, from which `on_synthetic` was computed; used for nothing else.
    """
    gap = on_real - on_synthetic
    ratio = -gap.detach().clamp(-MAX_LOGIT_GAP, MAX_LOGIT_GAP).exp()[:, None, None, None]
    synthetic.register_hook(  # type: ignore[no-untyped-call]
        lambda gradient: gradient * ratio.to(gradient.dtype)
    )
    return F.softplus(-gap).mean()


def mismatch_loss(matched: Tensor, mismatched: Tensor) -> Tensor:
    """Return the discriminator's loss for not telling a real image's own class from another one.

    Pairing within a class never asks it what a class is, and a generator that draws 9s for 4s goes unnoticed as long as
    they look real. So every real image is shown under a wrong label too (matching-aware, Reed et al. 2016), here as
    relativistic pairs of one image and two classes.

    Parameters
    ----------
    matched, mismatched : Tensor of shape (B,)
        Logits of the same real images under their own label and under another.
    """
    return F.softplus(mismatched - matched).mean()


def gradient_penalty(discriminator: nn.Module, images: Tensor, label: Tensor) -> Tensor:
    """Return the mean squared gradient of the logits with respect to the images: R1 on real ones, R2 on synthetic ones.

    To be called in fp32: the double backward pass of bf16 convolutions has killed processes.
    """
    images = images.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(images, label).sum(), images, create_graph=True)
    return slope.square().sum(dim=(1, 2, 3)).mean()


def variety_loss(real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
    """Return by what share pairs of synthetic images of one class are more alike than the real pairs beside them.

    Nothing else tells a generator that it draws one image over and over: each image is judged by itself, and a
    discriminator that knows its few real images by heart leaves only those to imitate. Distances are taken between
    images pooled to `SMALLEST` pixels, so that noise in single pixels is no way out (after mode seeking, Mao et al.
    2019, but with the real distance as the goal, and nothing beyond it).

    Parameters
    ----------
    real, synthetic : Tensor of shape (B, C, H, W)
        Images of the same classes.
    label : Tensor of shape (B,)
        Their classes.

    Returns
    -------
    Tensor
        A scalar from 0 to 1; 0 where no class occurs twice.
    """
    same = (label[:, None] == label).fill_diagonal_(fill_value=False)  # (B, B)
    if not same.any():
        return synthetic.new_zeros(())
    distances = []
    for images in (real, synthetic):
        points = F.avg_pool2d(images.float(), images.shape[-1] // SMALLEST).flatten(1)  # (B, C * 64)
        squares = (points[:, None] - points).square().sum(dim=2)
        distances.append((squares[same] + 1e-6).sqrt().mean())
    return F.relu(1 - distances[1] / distances[0])


class Adversarial(Family):
    """A generator and a discriminator that learn from each other."""

    name = "gan"

    def __init__(
        self, generator: nn.Module, discriminator: ProjectionDiscriminator, *, learning_rate: float = 1e-3
    ) -> None:
        super().__init__(generator, {"discriminator": discriminator}, learning_rate=learning_rate, betas=(0.0, 0.99))
        self._discriminator = discriminator

    @property
    def discriminator(self) -> ProjectionDiscriminator:
        """The judge of realism."""
        return self._discriminator

    def learn(self, batch: Batch, step: int, precision: Precision) -> dict[str, Tensor]:
        """Take one step of both players."""
        labels = torch.cat([batch.label, batch.label])

        # Judge real and synthetic images of the same classes under the same kind of distortion.
        with precision:
            synthetic = self.generator(batch.noise(), batch.label, batch.image.shape[-1])
            shown = synthetic.view_as(synthetic)
            judged = augment(torch.cat([batch.image, shown]), batch.uniform(len(labels), DRAWS))
            features = self.discriminator.features(judged)
            on_real, on_synthetic = self.discriminator.judge(features, labels).chunk(2)
            mismatched = self.discriminator.judge(
                features[: len(batch.label)], batch.other_label(self.discriminator.n_classes)
            )
            loss = pairing_loss(on_real, on_synthetic, shown)
        confusion = mismatch_loss(on_real, mismatched)
        shortfall = variety_loss(batch.image, synthetic, batch.label)
        self.zero_grad()
        (loss + MISMATCH_WEIGHT * confusion + VARIETY_WEIGHT * shortfall).backward()  # type: ignore[no-untyped-call]

        # Flatten the discriminator around what it was shown.
        if step % PENALTY_EVERY == 0:
            half = torch.arange(min(PENALTY_IMAGES, len(batch.label)), device=labels.device)
            some = torch.cat([half, half + len(batch.label)])
            penalty = gradient_penalty(self.discriminator, judged[some], labels[some])
            (PENALTY_WEIGHT * PENALTY_EVERY * penalty).backward()  # type: ignore[no-untyped-call]

        self.update()
        losses = {
            "discriminator": loss,
            "generator": F.softplus(on_real - on_synthetic).mean(),
            "mismatch": confusion,
            "variety": shortfall,
        }
        return {name: value.detach() for name, value in losses.items()}
