"""The whole recipe, once for each kind of data: data -> networks -> training -> export -> `Generator`."""

from ganaug.compute.device import choose_device
from ganaug.training.images import ImageFit, fit_images
from ganaug.training.tables import TableFit, fit_table

__all__ = ["ImageFit", "TableFit", "choose_device", "fit_images", "fit_table"]
