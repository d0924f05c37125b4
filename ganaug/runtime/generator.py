"""The exported artefact: one ONNX file that turns seeds and labels into finished samples, on numpy and ONNX Runtime."""

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, cycle, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import format_of
from ganaug.data.tables.codec import TableCodec
from ganaug.errors import DataError, FormatError, MissingFileError
from ganaug.files import StrPath, atomic_write
from ganaug.runtime.chunks import AHEAD, Arrays, deal, draw_chunks, passes_at_once
from ganaug.runtime.metadata import Label, Metadata
from ganaug.runtime.onnx_file import output_names, read_property
from ganaug.runtime.rejection import draw_each
from ganaug.runtime.session import Runtime

__all__ = ["Generator"]

Seed = int | Sequence[int] | None
Batch = tuple[Any, NDArray[Any]]

_MAX_FILE_BYTES = 2**30
_TOO_LARGE = f"The model has more than {_MAX_FILE_BYTES:,} bytes, beyond anything that ganaug writes."
_MAX_SAMPLES = 2**31


class Generator:
    """A trained generator, ready to draw labelled samples.

    Parameters
    ----------
    data : bytes
        The content of an ONNX file. Prefer `load` or `from_bytes`, which also try the model out: this one only reads
        what it says about itself, and a model that does not run is found out at the first sample.

    Attributes
    ----------
    classes : tuple of str, int or bool
        The labels it knows.
    format : SampleFormat
        The form of its samples: for images `image_shape`, for tables the `codec`, which knows the columns.

    Raises
    ------
    FormatError
        If the bytes are not a model that ganaug wrote.

    Notes
    -----
    It can be pickled, and used on both sides of a fork: each process opens its own runtime session when it first draws.
    A child of a bare `os.fork` has to end by `os._exit`, as those of `multiprocessing` do: where onnxruntime is loaded,
    its own way to end hangs there.

    Several threads of one process may draw at once. A call itself uses as many as there are cores, four at most, and
    one in a worker process.

    Examples
    --------
    >>> generator = Generator.load("onnx_models/digits.onnx")  # doctest: +SKIP
    >>> images, labels = generator.sample({"3": 20}, seed=0)  # doctest: +SKIP
    >>> images.shape, labels.shape  # doctest: +SKIP
    ((20, 8, 8, 1), (20,))
    """

    def __init__(self, data: bytes) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise FormatError(f"A model is the content of its file, as bytes, but this is {data!r:.80}: load the file.")
        if len(data) > _MAX_FILE_BYTES:
            raise FormatError(_TOO_LARGE)
        self._data = bytes(data)
        self._info = Metadata.from_json(read_property(self._data))
        self.format = format_of(self.modality, self._info.schema)
        self.classes: tuple[Label, ...] = tuple(self._info.classes)
        one_kind = len({type(label) for label in self.classes}) == 1
        self._labels: NDArray[Any] = np.array(self.classes, dtype=None if one_kind else object)
        self._index = {label: index for index, label in enumerate(self.classes)}
        # What each output of the file must be for one sample: its shape and type.
        known = {**self.format.outputs, "realism": ((), np.float32), "agreement": ((), np.float32)}
        self._outputs = {name: known[name] for name in output_names(self._data) if name in known}
        self._content = tuple(self.format.outputs)
        self._thresholds = None if self._info.screen is None else np.asarray(self._info.screen["thresholds"])
        promised = {*self._content, *(("agreement",) if self._thresholds is not None else ())}
        if promised - self._outputs.keys():
            raise FormatError(f"The model lacks an output that its metadata promises; it has {sorted(self._outputs)}.")
        self._runtime = Runtime(self._data, self._info.noise_dim, self._outputs)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels, if the model makes images."""
        return self.format.image_shape  # type: ignore[attr-defined, no-any-return]

    @property
    def codec(self) -> TableCodec:
        """What is known of the columns, if the model makes tables."""
        return self.format.codec  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def load(cls, path: StrPath) -> "Generator":
        """Read a model file, which need not be trusted.

        Parameters
        ----------
        path : str or path-like
            The ``.onnx`` file.

        Raises
        ------
        MissingFileError
            If there is no such file (a ``FileNotFoundError`` and a ``ValueError``).
        FormatError
            If it is a folder, damaged, hostile, or not a model that ganaug wrote.
        """
        try:
            status = Path(path).stat()
            if not stat.S_ISREG(status.st_mode):
                raise FormatError("That is not a file: name the .onnx file itself.")
            if status.st_size > _MAX_FILE_BYTES:
                raise FormatError(_TOO_LARGE)
            return cls.from_bytes(Path(path).read_bytes())
        except FileNotFoundError as error:
            raise MissingFileError(f"There is no model file {path}: check the name.") from error
        except OSError as error:
            raise FormatError(f"Cannot use {path}: {error.strerror}.") from error
        except ValueError as error:  # of our own, or a name that cannot be one
            raise FormatError(f"Cannot use {path}: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> "Generator":
        """Read the content of a model file, and check that it is what its metadata says.

        Parameters
        ----------
        data : bytes
            The content, which need not be trusted.

        Raises
        ------
        FormatError
            If it is cut short, hostile, or not a model that ganaug wrote. Numbers that changed among its weights do not
            show.
        """
        generator = cls(data)
        generator._runtime.check_contract()
        return generator

    def to_bytes(self) -> bytes:
        """Return the content of the model file."""
        return self._data

    def save(self, path: StrPath) -> None:
        """Write the model file, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            Where to; an existing file is replaced.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with atomic_write(path) as file:
            file.write(self._data)

    @property
    def modality(self) -> str:
        """What the model makes: "image" or "table"."""
        return self._info.modality

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of everything that the file says about itself (see `ganaug.runtime.metadata.Metadata`)."""
        return self._info.to_dict()

    def sample(self, n: int | Mapping[Any, int], seed: Seed = None, *, screened: bool = False) -> Batch:
        """Draw samples.

        Parameters
        ----------
        n : int or mapping
            How many in all, the classes taking turns; or how many of each class, as ``{label: count}``, in that order.
        seed : int or sequence of int, optional
            The same seed draws the same samples; None draws fresh ones.
        screened : bool, default False
            Keep only samples that the model's own classifier reads as their label, if it carries one. No more than four
            are drawn for each that is kept; where too few pass, the best of the rest fill up.

        Returns
        -------
        X : ndarray of shape (n, height, width, channels), uint8; or DataFrame of n rows
            The images, or the rows with the columns and dtypes of the table that was learned.
        y : ndarray of shape (n,)
            Their labels.

        Raises
        ------
        DataError
            If a label is unknown, a count is not a whole number, 0 or more, or the samples do not fit in memory.

        Notes
        -----
        ``sample(n, seed)`` gives the first n samples of ``stream(batch_size, seed=seed)``.
        """
        total, order = self._request(n)
        with _in_memory(total, "draw them in batches with stream()"):
            return next(self._batches(total, order, seed, screened=screened))

    def stream(
        self, batch_size: int, labels: Iterable[Any] | None = None, seed: Seed = None, *, screened: bool = False
    ) -> Iterator[Batch]:
        """Draw batches without end, in constant memory.

        Parameters
        ----------
        batch_size : int
            How many samples a batch has. It does not change which samples come.
        labels : iterable, optional
            The labels to go through, over and over; by default every class in turn.
        seed, screened
            As in `sample`.

        Yields
        ------
        X, y : ndarray
            As `sample` returns them.

        Raises
        ------
        DataError
            If a label is unknown, there are none, or the batch size is not a whole number, 1 or more.
        """
        size = _count(batch_size, "batch_size", least=1)
        order = range(len(self.classes)) if labels is None else [self._index_of(label) for label in labels]
        if not order:
            raise DataError("labels must name at least one class, and it is empty.")
        return self._batches(size, cycle(order), seed, screened=screened, least=AHEAD)

    def sample_each(self, labels: Sequence[Any], seeds: Sequence[Seed], *, screened: bool = False) -> Batch:
        """Draw one sample for each label, each from a seed of its own.

        Parameters
        ----------
        labels : sequence
            Their labels.
        seeds : sequence of int or of sequences of int
            As many. A sample depends on its own label and seed alone, whatever else is drawn with it.
        screened : bool, default False
            As in `sample`, but each sample by itself: it is drawn until it passes, four times at most.

        Returns
        -------
        X, y
            As `sample` returns them, in the order of the labels.

        Raises
        ------
        DataError
            If a label is unknown, a seed is not one, or their numbers differ.
        """
        index = np.array([self._index_of(label) for label in labels], np.int64)
        if len(seeds) != len(index):
            raise DataError(f"There must be one seed for each label, but there are {len(index)} and {len(seeds)}.")
        thresholds = self._thresholds if screened else None
        sources = [_source(seed) for seed in seeds]
        arrays = draw_each(self._runtime, self._content, index, sources, thresholds, self.format.seeded_pass_size)
        return self._finished(arrays), self._labels[index]

    def realism(self, n: int | Mapping[Any, int], seed: Seed = None) -> NDArray[np.float32]:
        """Let the discriminator judge ``sample(n, seed)``.

        Parameters
        ----------
        n, seed
            As in `sample`.

        Returns
        -------
        ndarray of shape (n,), float32
            Its probability that each of those samples is real.

        Raises
        ------
        DataError
            If the model has no discriminator, or as `sample` raises it.
        """
        if "realism" not in self._outputs:
            raise DataError(f"The model has no discriminator (its family is {self._info.family!r}) to judge realism.")
        total, order = self._request(n)
        with _in_memory(total, "ask for fewer"):
            realism: NDArray[np.float32] = next(self._batches(total, order, seed, output="realism"))[0]
        return realism

    def walk(self, label: Any, frames: int, seed: Seed = None) -> Any:
        """Draw samples of one class along a closed path through the latent space: each is like the one before.

        Parameters
        ----------
        label : str, int or bool
            The class.
        frames : int
            How many, evenly spaced on a great circle of noise, so that every one is as likely as any sample.
        seed : int or sequence of int, optional
            The same seed takes the same path.

        Returns
        -------
        ndarray of shape (frames, height, width, channels), uint8; or DataFrame of that many rows

        Raises
        ------
        DataError
            If the label is unknown, the number is not a whole number, 0 or more, or they do not fit in memory.
        """
        index, count = self._index_of(label), _count(frames, "the number of frames")
        ends = _source(seed).standard_normal((2, self._info.noise_dim))
        with _in_memory(count, "ask for fewer"):
            angles = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
            noise = (np.cos(angles) * ends[0] + np.sin(angles) * ends[1]).astype(np.float32)  # (frames, noise_dim)
            return self._finished(
                self._runtime.run(self._content, noise, np.full(count, index, np.int64), self.format.pass_size)
            )

    def __repr__(self) -> str:
        return f"<Generator: {self._info.family}, {len(self.classes)} classes, {self.format}>"

    def __reduce__(self) -> tuple[type["Generator"], tuple[bytes]]:
        return Generator, (self._data,)

    def _request(self, n: int | Mapping[Any, int]) -> tuple[int, Iterator[int]]:
        """Count the samples asked for, and begin an endless order of class indices with them."""
        if not isinstance(n, Mapping):
            return _count(n, "the number of samples"), cycle(range(len(self.classes)))
        counts = [(self._index_of(label), _count(count, f"the count of {label!r}")) for label, count in n.items()]
        filler = repeat(counts[-1][0] if counts else 0)
        return sum(count for _, count in counts), chain(*(repeat(index, count) for index, count in counts), filler)

    def _index_of(self, label: Any) -> int:
        try:
            return self._index[label]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, self.classes[:20])) + (", ..." if len(self.classes) > 20 else "")
            raise DataError(f"The model knows no class {label!r}: it knows {known}.") from None

    def _batches(
        self, size: int, order: Iterator[int], seed: Seed, *, output: str = "", screened: bool = False, least: int = 1
    ) -> Iterator[Batch]:
        """Check the seed now, and cut the chunks that it gives into batches later."""
        outputs = (output,) if output else self._content
        thresholds = self._thresholds if screened else None
        # Screening looks at a chunk as a whole, and so at the same number always.
        passes = AHEAD if screened else max(least, passes_at_once(size, self.format.pass_size))
        chunks = draw_chunks(self._runtime, outputs, order, _source(seed), passes, self.format.pass_size, thresholds)
        batches = deal(chunks, size, [*(self._outputs[name] for name in outputs), ((), np.int64)])
        return ((arrays[0] if output else self._finished(arrays), self._labels[labels]) for *arrays, labels in batches)

    def _finished(self, arrays: Arrays) -> Any:
        """Return what the user sees of the model's content: the images, or a table."""
        return self.format.decoded(dict(zip(self._content, arrays, strict=True)))


@contextmanager
def _in_memory(samples: int, advice: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise DataError(f"{samples:,} samples do not fit in memory: {advice}.") from error


def _source(seed: Seed) -> np.random.Generator:
    try:
        return np.random.Generator(np.random.PCG64(seed))
    except (TypeError, ValueError) as error:
        raise DataError(f"seed must be None or a whole number, 0 or more, not {seed!r}.") from error


def _count(value: Any, what: str, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= _MAX_SAMPLES:
        raise DataError(f"{what} must be a whole number from {least} to {_MAX_SAMPLES:,}, not {value!r}.")
    return int(value)
