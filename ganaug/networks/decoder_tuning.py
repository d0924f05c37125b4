"""A short training of the autoencoder's decoder on the user's images, where it does not know their kind yet.

The encoder stays as it is, and so do the latents that a generator learns.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.compute.engine import Engine
from ganaug.compute.parallel import cancellation_point
from ganaug.networks.autoencoder import Autoencoder
from ganaug.networks.samples import Samples

PEAK_RATE = 3e-4  # learning rate of AdamW, which falls to zero
BATCH = 16  # crops
CROP = 32
"""Side of a crop in pixels, so that a step costs the same for images of any size."""
NOISE = 0.03
"""Standard deviation of the noise on the latents: the decoder must forgive a generator small errors."""


def tune_decoder(
    autoencoder: Autoencoder, images: Samples, random: torch.Generator, *, steps: int, engine: Engine
) -> None:
    """Train the decoder in place for so many steps on crops of images in [-1, 1]; it stays on its device."""
    parameters = list(autoencoder.decoder.requires_grad_(True).parameters())
    optimizer = torch.optim.AdamW(parameters, lr=PEAK_RATE, fused=True)
    for step in range(steps):
        cancellation_point()
        optimizer.param_groups[0]["lr"] = PEAK_RATE * (1 - step / steps)
        crops = drawn_crops(images, BATCH, random)
        with engine.autocast():
            with torch.no_grad():
                latents = autoencoder.encode(crops)
            noise = torch.randn(latents.shape, generator=random).to(latents.device)
            decoded = autoencoder.decode(latents + NOISE * noise)
        optimizer.zero_grad(set_to_none=True)
        engine.backward(reconstruction_loss(decoded.float(), crops))
        engine.step(optimizer)
    autoencoder.decoder.requires_grad_(False)


def drawn_crops(images: Samples, count: int, random: torch.Generator) -> Tensor:
    """Return a square of at most `CROP` pixels a side from each of `count` drawn images, (count, C, side, side)."""
    drawn, _ = images.draw(count, random)
    room = max(0, drawn.shape[-1] - CROP) + 1
    top, left = torch.randint(room, (2,), generator=random).tolist()
    return drawn[:, :, top : top + CROP, left : left + CROP]


def reconstruction_loss(decoded: Tensor, target: Tensor) -> Tensor:
    """Return L1 at three scales plus L1 of the differences between neighbours, of images (B, C, H, W)."""
    loss = F.l1_loss(decoded, target)
    for factor in (2, 4):
        loss = loss + 0.5 * F.l1_loss(F.avg_pool2d(decoded, factor), F.avg_pool2d(target, factor))
    for axis in (2, 3):
        loss = loss + 0.5 * F.l1_loss(decoded.diff(dim=axis), target.diff(dim=axis))
    return loss
