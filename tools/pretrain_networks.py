"""Train the networks that ganaug's generators of images begin with, on the crops that its autoencoder learned from.

``docs/autoencoder.md`` says how to make the crops. One pair of networks is trained for each side of the latents:

    python tools/pretrain_networks.py POOL.npz ganaug/networks/latent_networks.safetensors

The crops have no classes. They are clustered by their mean latents and the spread of these, and the clusters are the
classes. The GAN and its training are those of `ganaug fit`.
"""

import time
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from sklearn.cluster import KMeans
from torch import Tensor

from ganaug.data.images.dataset import from_arrays
from ganaug.files import atomic_write
from ganaug.networks.autoencoder import FACTOR, Autoencoder
from ganaug.networks.pretrained import SIDES
from ganaug.training import Run

NOT_STORED = "embed."
"""Layers whose names begin like this are left out: the user's data have other classes."""
ENCODED_AT_ONCE = 64  # crops
REPORT_EVERY = 500  # steps


@click.command()
@click.argument("pool", type=click.Path(path_type=Path, exists=True))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--steps", default=8000, show_default=True, help="Training steps for each side.")
@click.option("--crops", default=40_000, show_default=True, help="Crops that are learned from.")
@click.option("--clusters", default=64, show_default=True, help="Clusters of the crops.")
@click.option("--seed", default=0, show_default=True)
def main(pool: Path, target: Path, steps: int, crops: int, clusters: int, seed: int) -> None:
    """Train on POOL and write the weights to TARGET."""
    random = np.random.default_rng(seed)
    with np.load(pool) as file:
        learned = file["learned"]
    learned = learned[np.sort(random.permutation(len(learned))[:crops])]
    weights: dict[str, Tensor] = {}
    for side in SIDES:
        images = at_side(learned, FACTOR * side, random)
        labels = KMeans(clusters, n_init=2, random_state=seed).fit_predict(summaries(images))
        weights |= trained(images, labels, steps=steps, seed=seed)
    with atomic_write(target) as written:
        written.write(save(weights))
    click.echo(f"wrote {target}")


def at_side(crops: NDArray[np.uint8], side: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return crops (n, side, side, 3), every second one cut out, the others shrunk."""
    full = crops.shape[1]
    if side == full:
        return crops
    images = np.empty((len(crops), side, side, 3), np.uint8)
    for number, crop in enumerate(crops):
        if number % 2:
            top, left = random.integers(0, full - side + 1, 2)
            images[number] = crop[top : top + side, left : left + side]
        else:
            factor = full // side
            images[number] = crop.reshape(side, factor, side, factor, 3).mean(axis=(1, 3)).round()
    return images


@torch.no_grad()
def summaries(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the means of the latent channels and their standard deviations within an image, both standardised."""
    autoencoder, found = Autoencoder.load(3), []
    for start in range(0, len(images), ENCODED_AT_ONCE):
        image = torch.from_numpy(images[start : start + ENCODED_AT_ONCE]).permute(0, 3, 1, 2).float() / 127.5 - 1
        latents = autoencoder.encode(image)
        found.append(torch.cat([latents.mean(dim=(2, 3)), latents.std(dim=(2, 3))], dim=1))
    table = torch.cat(found).double()
    return ((table - table.mean(0)) / table.std(0)).numpy()


def trained(images: NDArray[np.uint8], labels: NDArray[np.int32], *, steps: int, seed: int) -> dict[str, Tensor]:
    """Train a GAN from nothing; return the averaged generator and the discriminator, in float16."""
    run = Run(from_arrays(images, labels), max_steps=steps, space="latent", random_state=seed)
    run.validated, run.modality.pretrained = False, False  # type: ignore[attr-defined]
    side, begun = images.shape[1] // FACTOR, time.perf_counter()
    with run.turn():
        for step in run.steps():
            if step.number % REPORT_EVERY == 0 or step.number == steps:
                losses = ", ".join(f"{name} {float(value):.2f}" for name, value in step.losses.items())
                click.echo(f"side {side}, step {step.number}: {time.perf_counter() - begun:.0f} s, {losses}")
    networks = {"generator": run.state.family.average, "discriminator": run.state.family.discriminator}
    return {
        f"{name}.{side}.{layer}": value.half().contiguous()
        for name, network in networks.items()
        if network is not None
        for layer, value in network.state_dict().items()
        if not layer.startswith(NOT_STORED)
    }


if __name__ == "__main__":
    main()
