"""Spectral normalisation of a discriminator (Miyato et al. 2018)."""

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm


def normalise_spectra(network: nn.Module) -> None:
    """Divide the weights of convolutions and linear layers by their spectral norms, in place.

    A layer that begins at zero has no norm yet, and is left alone.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.any():
            spectral_norm(module)


def without_parametrisations(network: nn.Module) -> nn.Module:
    """Return the network with plain weights in place of parametrised ones, changed in place."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return network
