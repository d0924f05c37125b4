"""The exported model: one ONNX file that turns noise and labels into finished samples, on numpy and ONNX Runtime."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ganaug.data.labels import Label
from ganaug.data.sample_format import format_of
from ganaug.errors import DataError, FormatError, MissingFileError
from ganaug.files import StrPath, atomic_write, open_regular
from ganaug.runtime.arguments import Seed, checked_count, in_memory, source_of
from ganaug.runtime.latent import Batch, NoiseMethods
from ganaug.runtime.metadata import Metadata
from ganaug.runtime.onnx_file import output_names, read_property
from ganaug.runtime.sampling import MIN_STREAM_PASSES, Arrays, ModelSampler, batches_of, passes_per_chunk
from ganaug.runtime.search import Searches
from ganaug.runtime.session import Runtime

if TYPE_CHECKING:
    from ganaug.data.tables.codec import TableCodec

_MAX_FILE_BYTES = 2**30  # a file is read into memory
_TOO_LARGE = f"A model must have at most {_MAX_FILE_BYTES:,} bytes: ganaug wrote no larger file."


class Generator(NoiseMethods):
    """A trained generator that draws labelled samples.

    Parameters
    ----------
    data : bytes
        The content of an ONNX file. Prefer `load` or `from_bytes`, which also open the model with ONNX Runtime. This
        constructor only reads the metadata, so that a model that does not run fails at its first sample.

    Attributes
    ----------
    classes : tuple of str, int or bool
        The labels that the model knows.
    format : SampleFormat
        The form of the samples: `image_shape` for images, the `codec` of the columns for tables, `signal_shape` for
        signals, `clip_shape` for clips.

    Raises
    ------
    FormatError
        If the bytes are not a model that ganaug wrote.

    Notes
    -----
    A generator can be pickled and survives a fork: each process opens its own runtime session at its first draw. The
    child of a bare `os.fork` must end with `os._exit`, as `multiprocessing` does: where onnxruntime is imported, the
    usual exit hangs in a forked child.

    Several threads may draw at the same time. One call uses up to four threads, or fewer if the environment variable
    ``OMP_NUM_THREADS`` says so, but one in a worker process.

    Examples
    --------
    >>> generator = Generator.load("onnx_models/digits.onnx")  # doctest: +SKIP
    >>> images, labels = generator.sample({"3": 20}, seed=0)  # doctest: +SKIP
    >>> images.shape, labels.shape  # doctest: +SKIP
    ((20, 8, 8, 1), (20,))
    """

    def __init__(self, data: bytes) -> None:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise FormatError(f"A model must be the content of its file, as bytes, but this is {data!r:.80}: load it.")
        if len(data) > _MAX_FILE_BYTES:
            raise FormatError(_TOO_LARGE)
        self._data = bytes(data)
        self._info = Metadata.from_json(read_property(self._data))
        self.format = format_of(self.modality, self._info.schema)
        self.classes: tuple[Label, ...] = tuple(self._info.classes)
        one_type = len({type(label) for label in self.classes}) == 1
        self._labels: NDArray[Any] = np.array(self.classes, dtype=None if one_type else object)
        self._index = {label: index for index, label in enumerate(self.classes)}
        # For each output of the file, the shape and dtype of one sample.
        known = {**self.format.outputs, "realism": ((), np.float32), "agreement": ((), np.float32)}
        self._outputs = {name: known[name] for name in output_names(self._data) if name in known}
        self._content = tuple(self.format.outputs)
        self._thresholds = None if self._info.screen is None else np.asarray(self._info.screen["thresholds"])
        promised = {*self._content, *(("agreement",) if self._thresholds is not None else ())}
        if promised - self._outputs.keys():
            raise FormatError(
                f"A model must have the outputs {sorted(promised)}, as its metadata says, but this lacks an output and "
                f"has {sorted(self._outputs)}: export it again."
            )
        self._runtime = Runtime(self._data, self._info.noise_dim, self._outputs)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image; `AttributeError` for other samples."""
        return cast("tuple[int, int, int]", self._of_format("image_shape"))

    @property
    def codec(self) -> "TableCodec":
        """The codec of the columns of a table; `AttributeError` for other samples."""
        return cast("TableCodec", self._of_format("codec"))

    def _of_format(self, name: str) -> Any:
        if not hasattr(self.format, name):
            raise AttributeError(f"the model makes {self.format.noun}, which have no {name}")
        return getattr(self.format, name)

    @classmethod
    def load(cls, path: StrPath) -> "Generator":
        """Read a model file, which may be untrusted.

        Raises
        ------
        MissingFileError
            If there is no such file (a ``FileNotFoundError`` and a ``ValueError``).
        FormatError
            If it is a folder, damaged, hostile, or not a model that ganaug wrote.
        """
        try:
            with open_regular(path) as file:
                if os.fstat(file.fileno()).st_size > _MAX_FILE_BYTES:
                    raise FormatError(_TOO_LARGE)
                return cls.from_bytes(file.read())
        except FileNotFoundError as error:
            raise MissingFileError(f"There is no model file {path}: check the name.") from error
        except OSError as error:
            raise FormatError(f"Cannot use {path}: {error.strerror}.") from error
        except ValueError as error:  # raised above, or a path that cannot exist
            raise FormatError(f"Cannot use {path}: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> "Generator":
        """Read the content of a model file, which may be untrusted, and check its inputs and outputs.

        `FormatError` if it is cut short, hostile, or not a model that ganaug wrote. Changed weights are not detected.
        """
        generator = cls(data)
        generator._runtime.check_contract()
        return generator

    def to_bytes(self) -> bytes:
        """Return the content of the model file."""
        return self._data

    def save(self, path: StrPath) -> None:
        """Write the model file atomically; an existing file is replaced. `OutputError` if it cannot be written."""
        with atomic_write(path) as file:
            file.write(self._data)

    @property
    def modality(self) -> str:
        """The kind of data that the model makes: a key of `ganaug.data.modalities.MODALITIES`."""
        return self._info.modality

    @property
    def metadata(self) -> dict[str, Any]:
        """A copy of the metadata in the file (see `ganaug.runtime.metadata.Metadata`)."""
        return self._info.to_dict()

    @property
    def dose(self) -> dict[Label, float] | None:
        """For each class the share of its items in balanced batches that is better synthetic; None if not measured."""
        shares = None if self._info.dose is None else self._info.dose.get("shares")
        return None if shares is None else dict(zip(self.classes, shares, strict=True))

    def sample(
        self,
        n: int | Mapping[Any, int],
        seed: Seed = None,
        where: Mapping[Any, Any] | None = None,
        *,
        screened: bool = False,
    ) -> Batch:
        """Draw samples.

        Parameters
        ----------
        n : int or mapping
            The number of samples in all, in which the classes take turns; or ``{label: count}``, in that order.
        seed : int or sequence of int, optional
            The same seed draws the same samples, the first n of a stream with this seed; None draws fresh ones.
        where : mapping, optional
            Conditions on the rows of a table, such as ``{"city": "Rome", "age": (18, None)}``: for each column a value,
            a range ``(low, high)`` that includes both ends and may be open at one of them, or a list or set of values
            and ranges. None as a value stands for a missing one. Times may be ISO text; a date stands for its whole
            day. Rows are drawn until enough fit: at most 100,000 of a class for the first one, and 1,000 more for each
            one found.
        screened : bool, default False
            Keep only samples whose label the classifier in the model agrees with, if the model has one. At most four
            samples are drawn for each sample kept. If too few pass, those with the largest agreement complete them.

        Returns
        -------
        X : ndarray of shape (n, height, width, channels), uint8; or DataFrame of n rows
            The images, or the rows with the columns and dtypes of the training table. Signals are float32, of shape
            (n, length, channels), in the units of the training signals. Clips are uint8, of shape (n, frames,
            height, width, channels).
        y : ndarray of shape (n,)
            Their labels.

        Raises
        ------
        DataError
            If a label is unknown, a count is not a whole number, 0 or more, or the samples do not fit in memory; if no
            row can fulfil `where`, or too few of the rows that were drawn do.
        """
        total, order = self._request(n)
        with in_memory(total, "draw them in batches with stream()"):
            return next(self._samples(total, order, seed, where, screened=screened))

    def stream(
        self,
        batch_size: int,
        labels: Iterable[Any] | None = None,
        seed: Seed = None,
        where: Mapping[Any, Any] | None = None,
        *,
        screened: bool = False,
    ) -> Iterator[Batch]:
        """Draw batches ``(X, y)``, as `sample` returns them, without end and in constant memory.

        Parameters
        ----------
        batch_size : int
            Number of samples in a batch. The samples do not depend on it.
        labels : iterable, optional
            The labels of the samples, repeated without end; by default every class in turn.
        seed, where, screened
            As in `sample`.

        Raises
        ------
        DataError
            If a label is unknown, there are no labels, or the batch size is not a whole number, 1 or more; also for
            `where`, as in `sample`.
        """
        size = checked_count(batch_size, "batch_size", minimum=1)
        order = range(len(self.classes)) if labels is None else [self._index_of(label) for label in labels]
        if not order:
            raise DataError("labels must name at least one class, but it is empty: leave it out for all classes.")
        return self._samples(size, cycle(order), seed, where, screened=screened, passes=MIN_STREAM_PASSES)

    def sample_each(self, labels: Sequence[Any], seeds: Sequence[Seed], *, screened: bool = False) -> Batch:
        """Draw one sample for each label and its own seed, and return them as `sample` does, in that order.

        A sample depends on its label and seed alone. If `screened`, each sample is drawn until it passes, four times at
        most. `DataError` if a label is unknown, a seed is not valid, or their numbers differ.
        """
        index = np.array([self._index_of(label) for label in labels], np.int64)
        if len(seeds) != len(index):
            raise DataError(
                f"There must be one seed for each label, but there are {len(index)} labels and {len(seeds)} seeds."
            )
        sampler = self._sampler(self._content, self.format.seeded_pass_size, screened)
        return self._finished(sampler.for_seeds(index, [source_of(seed) for seed in seeds])), self._labels[index]

    def realism(self, n: int | Mapping[Any, int], seed: Seed = None) -> NDArray[np.float32]:
        """Return the discriminator's probability that each sample of ``sample(n, seed)`` is real, float32 (n,).

        `DataError` if the model has no discriminator, or as `sample` raises it.
        """
        if "realism" not in self._outputs:
            raise DataError(
                f"A model must have a discriminator for realism(), but this has no discriminator: its family is "
                f"{self._info.family!r}."
            )
        total, order = self._request(n)
        with in_memory(total, "ask for fewer"):
            realism: NDArray[np.float32] = next(self._batches(total, order, seed, output="realism"))[0]
        return realism

    def __repr__(self) -> str:
        return f"<Generator: {self._info.family}, {len(self.classes)} classes, {self.format}>"

    def __reduce__(self) -> tuple[type["Generator"], tuple[bytes]]:
        return Generator, (self._data,)

    def _request(self, n: int | Mapping[Any, int]) -> tuple[int, Iterator[int]]:
        """Return the number of samples, and an endless order of class indices that begins with theirs."""
        if not isinstance(n, Mapping):
            return checked_count(n, "the number of samples"), cycle(range(len(self.classes)))
        counts = [
            (self._index_of(label), checked_count(count, f"the count of {label!r}")) for label, count in n.items()
        ]
        filler = repeat(counts[-1][0] if counts else 0)
        return sum(count for _, count in counts), chain(*(repeat(index, count) for index, count in counts), filler)

    def _index_of(self, label: Any) -> int:
        try:
            return self._index[label]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, self.classes[:20])) + (", ..." if len(self.classes) > 20 else "")
            raise DataError(f"The model knows no class {label!r}: it knows {known}.") from None

    def _samples(
        self, size: int, order: Iterator[int], seed: Seed, where: Any, *, screened: bool, passes: int = 1
    ) -> Iterator[Batch]:
        """Check seed and conditions now; draw samples in batches later."""
        if where is None:
            return self._batches(size, order, seed, screened=screened, passes=passes)
        sampler = self._sampler(self._content, self.format.pass_size, screened)
        searches = Searches(sampler, self.format.conditions(where), self.classes, source_of(seed))
        return ((self._finished(arrays), self._labels[labels]) for *arrays, labels in searches.batches(size, order))

    def _batches(
        self, size: int, order: Iterator[int], seed: Seed, *, output: str = "", screened: bool = False, passes: int = 1
    ) -> Iterator[Batch]:
        """Check the seed now; draw samples, or one output, in batches later, with at least `passes` in a chunk."""
        outputs, pass_size = (output,) if output else self._content, self.format.pass_size
        # Screening compares the samples of a chunk, so that the chunk must not depend on the size of the batch.
        passes = MIN_STREAM_PASSES if screened else max(passes, passes_per_chunk(size, pass_size))
        chunks = self._sampler(outputs, pass_size, screened).chunks(order, source_of(seed), passes)
        batches = batches_of(size, chunks, [*(self._outputs[name] for name in outputs), ((), np.int64)])
        return ((arrays[0] if output else self._finished(arrays), self._labels[labels]) for *arrays, labels in batches)

    def _sampler(self, outputs: tuple[str, ...], pass_size: int, screened: bool) -> ModelSampler:
        return ModelSampler(self._runtime, outputs, pass_size, self._thresholds if screened else None)

    def _finished(self, arrays: Arrays) -> Any:
        """Return the samples as users see them, from the outputs that hold them."""
        return self.format.decoded(dict(zip(self._content, arrays, strict=True)))
