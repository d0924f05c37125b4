"""The whole recipe, once for each kind of data: data -> networks -> training -> export -> `Generator`."""

from ganaug.fitting.images import ImageFit, fit_images
from ganaug.fitting.run import choose_device

__all__ = ["ImageFit", "choose_device", "fit_images"]
