"""The textbook DCGAN, conditional by label, as a plain PyTorch loop: what ganaug's speed is compared with.

Radford, Metz and Chintala: Unsupervised representation learning with deep convolutional generative adversarial
networks. ICLR, 2016. Widths are those of PyTorch's tutorial. As in Mirza and Osindero: Conditional generative
adversarial nets, 2014, both networks see the label as one-hot channels beside their input.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NOISE = 100  # values
WIDTH = 64  # channels of the layer beside the image
LEARNING_RATE, BETAS = 2e-4, (0.5, 0.999)  # of Adam


def generator(side: int, channels: int, n_classes: int) -> nn.Sequential:
    """Return the network from noise and one-hot label (B, 100 + K, 1, 1) to an image (B, C, side, side) in [-1, 1]."""
    width = WIDTH * side // 8
    layers: list[nn.Module] = [nn.ConvTranspose2d(NOISE + n_classes, width, 4, bias=False)]
    while width > WIDTH:
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False)]
        width //= 2
    layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh()]
    return nn.Sequential(*layers).apply(_initialise)


def discriminator(side: int, channels: int, n_classes: int) -> nn.Sequential:
    """Return the network from an image and its label as planes (B, C + K, side, side) to a logit (B, 1, 1, 1)."""
    width = WIDTH
    layers: list[nn.Module] = [nn.Conv2d(channels + n_classes, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    while width < WIDTH * side // 8:
        layers += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)]
        width *= 2
    return nn.Sequential(*layers, nn.Conv2d(width, 1, 4)).apply(_initialise)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def training(images: Tensor, labels: Tensor, n_classes: int, batch_size: int) -> Iterator[int]:
    """Train on images (n, C, side, side) in [-1, 1] and labels (n,), and yield the number of steps after each."""
    side, channels = images.shape[3], images.shape[1]
    G, D = generator(side, channels, n_classes), discriminator(side, channels, n_classes)
    steps_of = [torch.optim.Adam(network.parameters(), LEARNING_RATE, BETAS) for network in (G, D)]
    one, zero = torch.ones(batch_size), torch.zeros(batch_size)
    step = 0
    while True:
        for rows in torch.split(torch.randperm(len(images)), batch_size):
            if len(rows) < batch_size:
                continue
            real, code = images[rows], F.one_hot(labels[rows], n_classes).float()[..., None, None]  # (B, K, 1, 1)
            planes = code.expand(-1, -1, side, side)
            fake = G(torch.cat([torch.randn(batch_size, NOISE, 1, 1), code], dim=1))

            # Discriminator
            loss = F.binary_cross_entropy_with_logits(D(torch.cat([real, planes], dim=1)).flatten(), one)
            loss += F.binary_cross_entropy_with_logits(D(torch.cat([fake.detach(), planes], dim=1)).flatten(), zero)
            steps_of[1].zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            steps_of[1].step()

            # Generator
            loss = F.binary_cross_entropy_with_logits(D(torch.cat([fake, planes], dim=1)).flatten(), one)
            steps_of[0].zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            steps_of[0].step()
            step += 1
            yield step
