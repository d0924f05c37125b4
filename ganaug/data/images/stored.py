"""Images in a temporary file, for folders whose images take too much memory."""

import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

CAN_STORE = hasattr(os, "pread")  # not on Windows


class Spool:
    """Arrays of different shapes, in a temporary file without a name: the file ends with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the images
        self._shapes: list[tuple[int, ...]] = []

    def append(self, array: NDArray[np.uint8]) -> None:
        """Write an array behind the others."""
        self._file.write(np.ascontiguousarray(array).data)
        self._shapes.append(array.shape)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        self._file.seek(0)
        for shape in self._shapes:
            yield np.frombuffer(self._file.read(math.prod(shape)), np.uint8).reshape(shape)


class StoredImages:
    """Images (n, height, width, channels), uint8, in a temporary file without a name.

    An index that is one number reads an image. Every other index chooses images and reads nothing; `numpy.asarray`
    reads them all.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, file: IO[bytes], form: tuple[int, int, int], places: NDArray[np.int64]) -> None:
        self._file, self._form, self._places = file, form, places

    @classmethod
    def of(cls, images: Iterable[Any], form: tuple[int, int, int], placed: Callable[[Any], Any]) -> Self:
        """Write `placed(image)`, of shape `form`, for each image."""
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the images
        for image in images:
            file.write(np.ascontiguousarray(placed(image), np.uint8).data)
        file.flush()
        return cls(file, form, np.arange(file.tell() // math.prod(form)))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of all images as one array."""
        return len(self._places), *self._form

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, key: Any) -> Any:
        places = self._places[key]
        return self._read(int(places)) if np.ndim(places) == 0 else type(self)(self._file, self._form, places)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return map(self._read, self._places.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        images = np.empty(self.shape, np.uint8)
        for row, image in enumerate(self):
            images[row] = image
        return images if dtype is None else images.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.asarray, (np.asarray(self),)

    def _read(self, place: int) -> NDArray[np.uint8]:
        size = math.prod(self._form)
        return np.frombuffer(os.pread(self._file.fileno(), size, place * size), np.uint8).reshape(self._form)
