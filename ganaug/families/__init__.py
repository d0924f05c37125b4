"""How each kind of generator learns: one module for each family, which reads like its paper.

`FAMILIES` is the registry, one line for each family. It is read by the command line, by the estimators and by the
training; a family's module is imported when the family is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ganaug.errors import DataError

if TYPE_CHECKING:
    from ganaug.families.base import Family

__all__ = ["FAMILIES", "family_class"]

FAMILIES = {
    "gan": "ganaug.families.gan:GAN",
}


def family_class(name: str) -> "type[Family]":
    """Return the class that is registered under a name, a key of `FAMILIES`.

    Raises
    ------
    DataError
        If no family has this name.

    Examples
    --------
    >>> family_class("gan").__name__
    'GAN'
    """
    if name not in FAMILIES:
        raise DataError(f"model must be one of {', '.join(map(repr, FAMILIES))}, but is {name!r}: choose one of these")
    module, _, found = FAMILIES[name].partition(":")
    family: type[Family] = getattr(import_module(module), found)
    return family
