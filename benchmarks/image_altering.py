"""Classical augmentation of images: an affine recipe, RandAugment, mixup and CutMix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from ganaug.evaluation.trials.image_classifier import label_preserving

Images = NDArray[np.uint8]  # (n, height, width, channels)
Alteration = Callable[[Images], Images]
Mixing = Callable[[Tensor, Tensor, np.random.Generator], tuple[Tensor, Tensor]]
"""From images (B, C, H, W) and class probabilities (B, K) to mixed ones."""

OPERATIONS_PER_IMAGE = 2  # RandAugment's N
MAGNITUDE = 0.3  # RandAugment's M, 9 of 30, as in the paper's experiments
MIXUP_ALPHA = 0.2  # of the beta distribution, as in the paper
CUTMIX_ALPHA = 1.0  # of the beta distribution, as in the paper


def rand_augment(seed: int) -> Alteration:
    """Return RandAugment: two operations on each image, drawn evenly from fourteen, all of the same magnitude.

    Operations and ranges are those of Cubuk, Zoph, Shlens and Le: RandAugment: practical automated data augmentation
    with a reduced search space. NeurIPS, 2020.
    """
    rng = np.random.default_rng(seed)
    operations = list(_operations(MAGNITUDE))

    def altered(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(pixels.squeeze())
        for index in rng.integers(len(operations), size=OPERATIONS_PER_IMAGE):
            image = operations[index](image, float(rng.choice((-1, 1))))
        return np.asarray(image).reshape(pixels.shape)

    return lambda images: np.stack([altered(image) for image in images])


def _operations(m: float) -> list[Callable[[Image.Image, float], Image.Image]]:
    """Return functions of an image and a sign, for a magnitude from 0 to 1."""
    return [
        lambda image, _: image,
        lambda image, _: ImageOps.autocontrast(image),
        lambda image, _: ImageOps.equalize(image),
        lambda image, _: ImageOps.solarize(image, round(256 * (1 - m))),
        lambda image, _: ImageOps.posterize(image, 8 - round(4 * m)),
        lambda image, sign: image.rotate(30 * m * sign, Image.Resampling.BILINEAR),
        lambda image, sign: _affine(image, (1, 0.3 * m * sign, 0, 0, 1, 0)),
        lambda image, sign: _affine(image, (1, 0, 0, 0.3 * m * sign, 1, 0)),
        lambda image, sign: _affine(image, (1, 0, 0.45 * m * sign * image.width, 0, 1, 0)),
        lambda image, sign: _affine(image, (1, 0, 0, 0, 1, 0.45 * m * sign * image.height)),
        lambda image, sign: ImageEnhance.Color(image).enhance(1 + 0.9 * m * sign),
        lambda image, sign: ImageEnhance.Contrast(image).enhance(1 + 0.9 * m * sign),
        lambda image, sign: ImageEnhance.Brightness(image).enhance(1 + 0.9 * m * sign),
        lambda image, sign: ImageEnhance.Sharpness(image).enhance(1 + 0.9 * m * sign),
    ]


def _affine(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def mixup(images: Tensor, target: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return convex combinations of pairs of images and of their labels.

    Zhang, Cisse, Dauphin and Lopez-Paz: mixup: beyond empirical risk minimization. ICLR, 2018.
    """
    share = rng.beta(MIXUP_ALPHA, MIXUP_ALPHA)
    partner = torch.from_numpy(rng.permutation(len(images)))
    return torch.lerp(images[partner], images, share), torch.lerp(target[partner], target, share)


def cut_mix(images: Tensor, target: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return images with a box of another image each; the labels are mixed by area.

    Yun, Han, Oh, Chun, Choe and Yoo: CutMix: regularization strategy to train strong classifiers with localizable
    features. ICCV, 2019.
    """
    height, width = images.shape[2:]
    side = np.sqrt(1 - rng.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    y, x = rng.integers(height), rng.integers(width)
    top, bottom = (int(np.clip(y + sign * side * height / 2, 0, height)) for sign in (-1, 1))
    left, right = (int(np.clip(x + sign * side * width / 2, 0, width)) for sign in (-1, 1))
    partner = torch.from_numpy(rng.permutation(len(images)))
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[partner][:, :, top:bottom, left:right]
    kept = 1 - (bottom - top) * (right - left) / (height * width)
    return mixed, torch.lerp(target[partner], target, kept)


def affine(channels: int, seed: int) -> Alteration:
    """Return small rotations, shifts, scalings and shears by albumentations, as in ganaug's own comparison."""
    return label_preserving(channels, seed)
