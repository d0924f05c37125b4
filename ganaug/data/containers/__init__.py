"""Containers of users' data: synthetic rows and images are given in the form of the real ones."""

from collections.abc import Sequence
from typing import Any

from ganaug.data.containers.container import Container
from ganaug.data.containers.images import ImageContainer, image_container
from ganaug.data.containers.rows import TableContainer, table_container
from ganaug.errors import DataError

__all__ = ["Container", "container_of"]


def container_of(
    X: Any, rows: Any, image_shape: Sequence[int] | None = None, fitted: Container | None = None
) -> Container:
    """Return the container of the user's `X`.

    Parameters
    ----------
    X : object
        The user's rows or images.
    rows : ndarray, sparse matrix or DataFrame
        The same, validated. An array of more than two dimensions holds images.
    image_shape : sequence of int, optional
        Height, width and perhaps channels of images that come as flat rows.
    fitted : Container, optional
        The container in fit, which this one must match.

    Raises
    ------
    DataError
        If `X` holds no images although it should, or differs from what was fitted.

    Examples
    --------
    >>> import numpy as np
    >>> container_of([[1, 2]], np.array([[1, 2]])).modality, container_of(None, np.zeros((2, 8, 8))).modality
    ('table', 'image')
    """
    flat = getattr(rows, "ndim", 2) == 2
    kind: type[Container] = TableContainer if flat and image_shape is None else ImageContainer
    if fitted is not None and fitted.modality != kind.modality:
        raise DataError(
            f"X must hold {fitted.described}, as in fit, but holds {kind.described}: reshape it, or fit again."
        )
    table = table_container(X, rows) if flat else None
    if table is not None and image_shape is None:
        container: Container = table
    else:
        container = image_container(X, rows, image_shape, table)
    return container if fitted is None else container.matched_to(fitted)
