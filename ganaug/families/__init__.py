"""How each kind of generator learns: one module for each family, which reads like its paper.

`FAMILIES` is the registry, one line for each family. It is read by the command line, by the estimators and by the
training; a family's module is imported when the family is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ganaug.errors import DataError

if TYPE_CHECKING:
    from ganaug.families.base import Family

__all__ = ["AS_ASKED", "AUTO", "FAMILIES", "MODELS", "check_model", "family_class"]

FAMILIES = {
    "gan": "ganaug.families.gan:GAN",
    "vae": "ganaug.families.vae:VAE",
    "autoencoder": "ganaug.families.autoencoder:DensityAutoencoder",
    "flow": "ganaug.families.flow:Flow",
}

AUTO = "auto"
"""Lets a trial of all families decide."""
AS_ASKED = "as asked"
"""Why a family was taken that was asked for by its name."""
MODELS = (*FAMILIES, AUTO)


def check_model(name: str) -> None:
    """Raise `DataError` unless the name is that of a family, or `AUTO`."""
    if name not in FAMILIES and name != AUTO:
        models = ", ".join(map(repr, (*FAMILIES, AUTO)))
        raise DataError(f"model must be one of {models}, but is {name!r:.80}: choose one of these")


def family_class(name: str) -> "type[Family]":
    """Return the class that is registered under a name, a key of `FAMILIES`.

    Examples
    --------
    >>> family_class("gan").__name__
    'GAN'
    """
    module, _, found = FAMILIES[name].partition(":")
    family: type[Family] = getattr(import_module(module), found)
    return family
