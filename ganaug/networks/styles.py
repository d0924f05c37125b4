"""A collection of images that styles are taken from."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.images.image_file import read_image
from ganaug.networks.restyle import measured_style, style_side
from ganaug.techniques.style import Style

MAX_KEPT = 512
"""Styles that stay in memory: 86 kB each."""


class Styles:
    """The styles of images, which are measured when they are first needed.

    Parameters
    ----------
    sources : sequence of paths or of arrays of uint8 (H, W, C)
        The images.

    Examples
    --------
    >>> styles = Styles([np.zeros((8, 8, 3), np.uint8)])
    >>> len(styles), styles.of(0, (20, 30, 3)).mean.shape
    (1, torch.Size([1, 16]))
    """

    def __init__(self, sources: Sequence[Path | NDArray[np.uint8]]) -> None:
        self.sources = list(sources)
        self._kept: OrderedDict[tuple[int, int, bool], Style] = OrderedDict()

    def __len__(self) -> int:
        return len(self.sources)

    def of(self, number: int, shape: tuple[int, ...]) -> Style:
        """Return the style of one image for contents of a shape (H, W, C); `DataError` if it cannot be read."""
        side = style_side(shape)
        key = number, side, shape[2] == 1
        style = self._kept.get(key)
        if style is None:
            source = self.sources[number]
            image = read_image(source, at_least=2 * side) if isinstance(source, Path) else source
            style = self._kept[key] = measured_style(image, shape)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return style

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": OrderedDict()}
