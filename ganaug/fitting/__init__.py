"""The whole recipe, once for each kind of data: data -> networks -> training -> export -> `Generator`."""

from ganaug.fitting.device import choose_device
from ganaug.fitting.images import ImageFit, fit_images
from ganaug.fitting.tables import TableFit, fit_table

__all__ = ["ImageFit", "TableFit", "choose_device", "fit_images", "fit_table"]
