"""The methods of a generator that work on noise vectors instead of drawing them anew."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganaug.data.labels import Label
from ganaug.data.sample_format import SampleFormat
from ganaug.errors import DataError
from ganaug.runtime import inversion
from ganaug.runtime.arguments import Seed, checked_count, in_memory, source_of
from ganaug.runtime.metadata import Metadata
from ganaug.runtime.noise import Noise, circle, read_noise, spherical, start_of
from ganaug.runtime.sampling import Arrays
from ganaug.runtime.session import Runtime

Batch = tuple[Any, NDArray[Any]]


class NoiseMethods(ABC):
    """What a `Generator` does with given noise: decode it, walk through it, interpolate, mix, and find it again.

    A noise vector has `noise_dim` numbers (see `Generator.metadata`), of a standard normal distribution. A whole number
    stands for the vector that it draws as a seed, which is the vector of ``sample_each([label], [seed])``. The same
    vector draws other samples under other labels, and these often share what does not depend on the class.
    """

    classes: tuple[Label, ...]
    format: SampleFormat
    _info: Metadata
    _labels: NDArray[Any]
    _content: tuple[str, ...]
    _runtime: Runtime

    @abstractmethod
    def _index_of(self, label: Any) -> int: ...

    @abstractmethod
    def _finished(self, arrays: Arrays) -> Any: ...

    def decode(self, noise: ArrayLike | int, y: Any) -> Any:
        """Draw the samples of given noise vectors.

        Parameters
        ----------
        noise : int or array-like of shape (noise_dim,) or (n, noise_dim)
            A seed, or noise vectors, such as those of `encode`.
        y : str, int, bool or sequence of them
            The class of all samples, or the class of each.

        Returns
        -------
        ndarray of shape (n, height, width, channels), uint8; or DataFrame of n rows

        Raises
        ------
        DataError
            If a label is unknown, or the noise does not suit the model.
        """
        vectors = read_noise(noise, self._info.noise_dim, "noise")
        return self._drawn(vectors, self._indices(y, len(vectors)))

    def walk(self, label: Any, frames: int, seed: Seed = None) -> Any:
        """Draw samples of one class along a closed path through the latent space, so that neighbours are similar.

        Parameters
        ----------
        label : str, int or bool
            The class.
        frames : int
            The number of samples, evenly spaced on a great circle of noise vectors.
        seed : int or sequence of int, optional
            The same seed takes the same path, whatever the class.

        Returns
        -------
        ndarray of shape (frames, height, width, channels), uint8; or DataFrame of that many rows
        """
        index, count = self._index_of(label), checked_count(frames, "the number of frames")
        source = source_of(seed)
        with in_memory(count, "ask for fewer"):
            return self._drawn(circle(source, self._info.noise_dim, count), np.full(count, index, np.int64))

    def interpolate(self, a: ArrayLike | int, b: ArrayLike | int, steps: int, label: Any = None) -> Batch:
        """Draw samples between two noise vectors, along the arc between them, so that neighbours are similar.

        A class is an index in the model, so that nothing lies between two classes. To compare classes, take the same
        way in each: position i has the same noise in every class.

        Parameters
        ----------
        a, b : int or array-like of shape (noise_dim,)
            The ends of the way: seeds, or noise vectors.
        steps : int
            The number of samples of a class, both ends among them.
        label : str, int or bool, optional
            The class; by default every class in turn.

        Returns
        -------
        X : ndarray of shape (n, height, width, channels), uint8; or DataFrame of n rows
            The samples: `steps` of the first class, then of the next.
        y : ndarray of shape (n,)
            Their labels.

        Raises
        ------
        DataError
            If the label is unknown, an end is not one noise vector of the model, or the ends are opposite.
        """
        ends = [read_noise(end, self._info.noise_dim, name) for end, name in ((a, "a"), (b, "b"))]
        for end, name in zip(ends, "ab", strict=True):
            if len(end) != 1:
                raise DataError(f"{name} must be one noise vector, but there are {len(end):,}: choose one of them.")
        count = checked_count(steps, "the number of steps")
        with in_memory(count, "ask for fewer"):
            return self._of_classes(spherical(ends[0][0], ends[1][0], count), label)

    def mix(self, a: ArrayLike | int, b: ArrayLike | int, at: str, label: Any = None) -> Batch:
        """Draw samples whose noise begins as that of `a` and goes on as that of `b`.

        The model file names the parts of a noise vector (see `Generator.metadata`, ``noise_parts``). Those of images
        are "pose", which bends the image, and "drawing". Those of a table are "code", from which the numbers and the
        chances of every category follow, and "decisions", which choose the categories.

        Parameters
        ----------
        a, b : int or array-like of shape (noise_dim,) or (n, noise_dim)
            Seeds, or noise vectors. One vector goes with each vector of the other.
        at : str
            The first part that is taken from `b`, such as "drawing" for the pose of `a`.
        label : str, int or bool, optional
            The class; by default every class in turn.

        Returns
        -------
        X, y
            As in `interpolate`: n samples of each class.

        Raises
        ------
        DataError
            If the label is unknown, the vectors do not suit the model, or it has no such parts.
        """
        start = start_of(at, self._info.noise_parts)
        first, second = (read_noise(value, self._info.noise_dim, name) for value, name in ((a, "a"), (b, "b")))
        if len(first) != len(second) and 1 not in (len(first), len(second)):
            raise DataError(
                f"a and b must have as many noise vectors, or one of them one, but have {len(first):,} and "
                f"{len(second):,}."
            )
        count = min(len(first), len(second)) and max(len(first), len(second))
        parts = first[:, :start], second[:, start:]
        return self._of_classes(np.hstack([np.broadcast_to(part, (count, part.shape[1])) for part in parts]), label)

    def encode(self, X: Any, y: Any, *, seed: Seed = 0, return_distance: bool = False) -> Any:
        """Search for noise vectors whose samples are near to real samples.

        A model file has no encoder, so this is a search, which works with every family: the nearest of 2,048 random
        vectors of the class is refined in 32 rounds of 32 trials. That takes 1,024 samples of the model for each real
        one. On scikit-learn's digits the search ends at 0.5 times the distance of the nearest random vector, on its
        wines at 0.15 times. What the generator cannot draw is not found: look at the distance.

        Parameters
        ----------
        X : ndarray of shape (n, height, width, channels), uint8; or DataFrame of n rows, of any library
            Real samples in the form of the model's own.
        y : str, int, bool or sequence of them
            The class of all samples, or the class of each.
        seed : int or sequence of int, default=0
            The same seed finds the same vectors.
        return_distance : bool, default=False
            Whether to return the distances too.

        Returns
        -------
        noise : ndarray of shape (n, noise_dim), float32
            For `decode`, `interpolate` and `mix`.
        distance : ndarray of shape (n,), float32
            Only if `return_distance`: from each real sample to the sample of its noise. Images are compared at 16
            pixels a side, on a scale from 0 to 1; rows by the quantiles of their numbers, and their categories.

        Raises
        ------
        DataError
            If the samples do not have the form of the model's own, or a label is unknown.
        """
        points = self.format.points(X)
        index = self._indices(y, len(points))
        noise = np.zeros((len(points), self._info.noise_dim), np.float32)
        distance = np.zeros(len(points), np.float32)
        random = source_of(seed)
        for label in np.unique(index):
            rows = np.flatnonzero(index == label)

            def draw(vectors: Noise, label: int = int(label)) -> inversion.Points:
                return self.format.points(self._drawn(vectors, np.full(len(vectors), label, np.int64)))

            noise[rows], distance[rows] = inversion.invert(draw, points[rows], self._info.noise_dim, random)
        return (noise, distance) if return_distance else noise

    def _of_classes(self, noise: Noise, label: Any) -> Batch:
        """Return the samples of each noise vector in a class, or in every class, and their labels."""
        chosen = range(len(self.classes)) if label is None else [self._index_of(label)]
        index = np.repeat(np.array(chosen, np.int64), len(noise))
        return self._drawn(np.tile(noise, (len(chosen), 1)), index), self._labels[index]

    def _drawn(self, noise: Noise, index: NDArray[np.int64]) -> Any:
        return self._finished(self._runtime.run(self._content, noise, index, self.format.pass_size))

    def _indices(self, y: Any, count: int) -> NDArray[np.int64]:
        """Return the class index of each of so many samples, from one label or from one for each."""
        if isinstance(y, str) or np.ndim(y) == 0:
            return np.full(count, self._index_of(y), np.int64)
        index = np.array([self._index_of(label) for label in y], np.int64)
        if len(index) != count:
            raise DataError(f"There must be one label for each sample, but there are {len(index)} labels and {count}.")
        return index
