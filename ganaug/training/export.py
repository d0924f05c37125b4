"""Exports a torch module as an ONNX model: strips and checks it, and compares it with torch before it is written."""

import copy
import io
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganaug.errors import ExportError, FormatError
from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Metadata
from ganaug.runtime.onnx_file import PROPERTY
from ganaug.runtime.session import open_session

OPSET = 18  # version of ONNX's operators
TOLERANCE = 1e-3
"""Largest difference of a float output, as a share of the value or of the largest value."""
FLIPPED_SHARE = 0.01
"""Largest share of the values of an output that may differ, because torch and ONNX Runtime round differently."""
_BATCHES = (1, 2, 7)  # sizes of the compared batches
_CHUNK = 64  # classes in each further batch
_MIN_VALUES = 10_000
"""Values of each counted output that are compared, where a full batch has so many."""


class _Ordered(nn.Module):
    """A module with its outputs as a tuple in the order of their names."""

    def __init__(self, module: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.module = module
        self.names = tuple(names)

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        outputs = self.module(noise, label)
        if isinstance(outputs, dict):
            outputs = [outputs[name] for name in self.names]
        if len(outputs) != len(self.names):
            raise ValueError(f"{len(outputs)} outputs for the {len(self.names)} names {self.names}")
        return tuple(outputs)


def export_onnx(module: nn.Module, metadata: Metadata, output_names: Sequence[str]) -> Generator:
    """Turn a network into a generator that can be saved as a model file.

    Parameters
    ----------
    module : nn.Module
        Called as ``module(noise, label)`` with noise float32 (B, noise_dim) and label int64 (B,). It returns a dict by
        name, or a tuple in the order of `output_names`, of the outputs that the file promises: for images ``image``
        uint8 (B, height, width, channels) and, if there are any, ``realism`` and ``agreement`` float32 (B,). The module
        is copied and left unchanged.
    metadata : Metadata
        What the file says about itself.
    output_names : sequence of str
        Names of the outputs.

    Returns
    -------
    Generator
        Its content is one self-contained ONNX model without paths or stack traces of this machine.

    Raises
    ------
    ExportError
        If torch cannot export the module, if ONNX Runtime and torch differ for any class or batch size, or if the
        result is not what the metadata says.
    """
    network = _Ordered(copy.deepcopy(module).cpu(), output_names).eval()
    try:
        return _finished(_traced(network, metadata.noise_dim), network, metadata)
    except ExportError:
        # Ten to twenty times slower, but it sees control flow that a trace misses, and its errors are clearer.
        return _finished(_captured(network, metadata.noise_dim), network, metadata)


def _finished(model: Any, network: _Ordered, metadata: Metadata) -> Generator:
    """Add the metadata to an exported model, check it, and read it as a generator."""
    _strip(model)
    model.producer_name, model.producer_version = "ganaug", metadata.versions.get("ganaug", "")
    model.metadata_props.add(key=PROPERTY, value=metadata.to_json())
    data: bytes = model.SerializeToString(deterministic=True)
    try:
        generator = Generator.from_bytes(data)
        _check_parity(network, generator)
    except FormatError as error:
        raise ExportError(f"The exported model is not one that ganaug would read: {error}") from error
    return generator


def _traced(network: _Ordered, noise_dim: int) -> Any:
    """Export by tracing one call of the module: quick, but blind to control flow that depends on values."""
    with _exporting(network):
        import onnx

        example, written = _example(noise_dim), io.BytesIO()
        torch.onnx.export(
            network,
            example,
            written,  # type: ignore[arg-type]  # a file object will do for dynamo=False
            dynamo=False,
            opset_version=OPSET,
            input_names=["noise", "label"],
            output_names=list(network.names),
            dynamic_axes={name: {0: "batch"} for name in ("noise", "label", *network.names)},
        )
        model = onnx.load_from_string(written.getvalue())

        # The tracer calls every dimension that it cannot infer "batch". The module itself gives the true shapes.
        del model.graph.value_info[:]
        for value, output in zip(model.graph.output, network(*(x[:1] for x in example)), strict=True):
            shape = value.type.tensor_type.shape
            del shape.dim[:]
            shape.dim.add(dim_param="batch")
            for size in output.shape[1:]:
                shape.dim.add(dim_value=size)
        onnx.checker.check_model(model, full_check=True)
    return model


def _captured(network: _Ordered, noise_dim: int) -> Any:
    """Export by capturing the whole graph of the module."""
    with _exporting(network):
        import onnx

        program = torch.onnx.export(
            network,
            _example(noise_dim),
            dynamo=True,
            verbose=False,
            external_data=False,
            opset_version=OPSET,
            input_names=["noise", "label"],
            output_names=list(network.names),
            dynamic_shapes={"noise": {0: "batch"}, "label": {0: "batch"}},
        )
        model: Any = program.model_proto  # type: ignore[union-attr]  # None is only for dynamo=False
        onnx.checker.check_model(model, full_check=True)
    return model


def _example(noise_dim: int) -> tuple[Tensor, Tensor]:
    """Return inputs whose batch size equals no other dimension: a tracer takes equal sizes for one constant."""
    return torch.zeros(13, noise_dim, device="cpu"), torch.zeros(13, dtype=torch.int64, device="cpu")


@contextmanager
def _exporting(network: _Ordered) -> Iterator[None]:
    """Turn any exception of the exporter into an `ExportError` that states the original cause in one sentence."""
    cached = torch.is_autocast_cache_enabled()
    try:
        with _quiet(), torch.no_grad():
            yield
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        raise ExportError(f"torch cannot export the {type(network.module).__name__}: {reason}") from error
    finally:
        torch.set_autocast_cache_enabled(cached)  # a trace that fails leaves it off, which changes later trainings


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's warnings and log messages."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _strip(message: Any) -> None:
    """Clear the exporter's notes at every depth: they hold source lines and paths of this machine."""
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                _strip(part)


def _check_parity(network: _Ordered, generator: Generator) -> None:
    """Raise `ExportError` unless ONNX Runtime and torch agree, for every class and for batches of several sizes."""
    session, names = open_session(generator.to_bytes()), network.names
    rng = np.random.default_rng(0)
    noise_dim, classes = generator.metadata["noise_dim"], np.arange(len(generator.classes))
    fewest_values = max(1, min(math.prod(shape) for shape, _ in generator.format.outputs.values()))
    rows = max(len(classes), min(_CHUNK, -(-_MIN_VALUES // fewest_values)))
    batches = [np.resize(classes, size) for size in _BATCHES]
    batches += np.split(np.resize(classes, rows), range(_CHUNK, rows, _CHUNK))
    flipped, compared = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for labels in batches:
        noise = rng.standard_normal((len(labels), noise_dim), np.float32)
        with torch.no_grad():
            expected = [output.numpy() for output in network(torch.from_numpy(noise), torch.from_numpy(labels))]
        try:
            actual = session.run(list(names), {"noise": noise, "label": labels})
        except Exception as error:  # whatever the runtime raises; its errors have no common base
            raise ExportError(f"The exported model does not run on a batch of {len(labels)}: {error}") from error
        for name, ours, theirs in zip(names, actual, expected, strict=True):
            flipped[name] += _difference(name, ours, theirs)
            compared[name] += theirs.size
    for name in names:
        if flipped[name] > FLIPPED_SHARE * compared[name]:
            share = flipped[name] / compared[name]
            raise ExportError(f"The exported model differs from torch in {share:.1%} of the values of {name!r}.")


def _difference(name: str, actual: NDArray[Any], expected: NDArray[Any]) -> int:
    """Count the values that were rounded differently; raise for a difference that rounding cannot explain.

    Numbers of a table are rounded, and jump where a choice changes, so they are counted like integers.
    """
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        found, promised = f"{actual.dtype} {actual.shape}", f"{expected.dtype} {expected.shape}"
        raise ExportError(f"The exported model gives {name!r} as {found}, where torch gives {promised}.")
    if expected.dtype == np.float64:
        spread = np.nan_to_num(np.nanmax(expected, axis=0, initial=0) - np.nanmin(expected, axis=0, initial=0))
        close = np.isclose(actual, expected, rtol=0, atol=TOLERANCE * spread, equal_nan=True)
        return int(np.count_nonzero(~close))
    if expected.dtype.kind == "f":
        # The values of a signal may have any unit.
        largest = float(np.abs(expected).max(initial=0)) if expected.ndim > 1 else 1.0
        if not np.allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE * largest, equal_nan=True):
            with np.errstate(invalid="ignore"):
                worst = np.max(np.abs(actual - expected))
            raise ExportError(f"The exported model differs from torch by {worst:.3g} in {name!r}.")
        return 0
    apart = np.abs(actual.astype(np.int64) - expected.astype(np.int64))
    if expected.dtype == np.uint8 and apart.max(initial=0) > 1:
        raise ExportError(f"The exported model differs from torch by {apart.max()} levels in {name!r}.")
    return int(np.count_nonzero(apart))
