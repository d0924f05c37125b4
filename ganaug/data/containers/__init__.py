"""Containers of users' data: synthetic rows, images, signals and clips are given in the form of the real ones."""

from collections.abc import Sequence
from typing import Any

from ganaug.data.containers.container import Container
from ganaug.data.containers.images import ClipContainer, ImageContainer, image_container
from ganaug.data.containers.rows import TableContainer, table_container
from ganaug.data.containers.signals import SignalContainer, signal_container
from ganaug.errors import DataError

__all__ = ["Container", "container_of"]


def container_of(
    X: Any,
    rows: Any,
    image_shape: Sequence[int] | None = None,
    fitted: Container | None = None,
    *,
    signal: bool = False,
) -> Container:
    """Return the container of a user's `X`, which validation turned into `rows`.

    Arrays of three or four dimensions hold images, arrays of five hold clips, and flat rows hold either if
    `image_shape` is given, clips if it has four numbers; all arrays hold signals if `signal` is true. `fitted` is the
    container in fit; `DataError` says how `X` differs from it.
    """
    if signal and image_shape is not None:
        raise DataError(
            "image_shape must be None with signal=True, because signals are no images: leave one of them out."
        )
    flat = getattr(rows, "ndim", 2) == 2
    shape = getattr(rows, "shape", ())[1:] if image_shape is None else image_shape
    pixels = ClipContainer if len(shape) == ClipContainer.axes else ImageContainer
    kind: type[Container] = TableContainer if flat and image_shape is None else pixels
    kind = SignalContainer if signal else kind
    if fitted is not None and fitted.modality != kind.modality:
        raise DataError(
            f"X must hold {fitted.described}, as in fit, but holds {kind.described}: reshape it, or fit again."
        )
    container: Container | None = table_container(X, rows) if flat else None
    if signal:
        container = signal_container(X, rows, container)
    elif container is None or image_shape is not None:
        container = image_container(X, rows, image_shape, container)
    return container if fitted is None else container.matched_to(fitted)
