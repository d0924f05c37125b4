"""Weights that the networks of latents begin with. They come from a GAN that learned many kinds of pictures.

A few hundred images teach a new network little, and slowly; a network that can already draw textures has less to learn
(Wang et al. 2018, "Transferring GANs"). ``tools/pretrain_networks.py`` made the weights.
"""

from functools import cache
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).with_name("latent_networks.safetensors")
SIDES = (8, 16)
"""Sides of the latents that the stored networks draw. Networks of larger ones begin with the layers of the last."""


def begin_pretrained(network: nn.Module, name: str, side: int) -> None:
    """Copy the stored weights of `name`, "generator" or "discriminator", into a network of latents of this side.

    The embeddings of the classes, and layers that are not stored in the same shape, keep the weights that they have.
    """
    own, stored = network.state_dict(), _stored(name, max(known for known in SIDES if known <= side))
    fitting = {layer: weights for layer, weights in stored.items() if own[layer].shape == weights.shape}
    network.load_state_dict(fitting, strict=False)


@cache
def _stored(name: str, side: int) -> dict[str, Tensor]:
    prefix = f"{name}.{side}."
    return {key.removeprefix(prefix): value for key, value in load_file(WEIGHTS).items() if key.startswith(prefix)}
