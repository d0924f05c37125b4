"""ONNX Runtime: how a model's bytes become sessions, in every process its own, and sessions become arrays."""

import multiprocessing
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.errors import FormatError
from ganaug.runtime.onnx_file import only_outputs

__all__ = ["Runtime", "open_session"]

_MAX_THREADS = 4
_TYPES: dict[Any, str] = {
    np.uint8: "tensor(uint8)",
    np.float32: "tensor(float)",
    np.float64: "tensor(double)",
    np.int64: "tensor(int64)",
}


class Runtime:
    """Runs a model, and trusts none of what comes out.

    Parameters
    ----------
    data : bytes
        The content of an ONNX file.
    noise_dim : int
        Width of its input `noise`.
    outputs : mapping of str to (tuple of int, type)
        The shape and type of one sample of each output.

    Notes
    -----
    A session is opened for each combination of outputs when it is first asked for, so that what nobody asks for is not
    computed. It can be used on both sides of a fork: a child opens its own sessions.

    A session has one thread, and several passes are made through it at once. Threads that share out every layer of one
    pass wait for one another at the end of each, and together draw a third less.
    """

    def __init__(self, data: bytes, noise_dim: int, outputs: Mapping[str, OutputForm]) -> None:
        self.data, self.noise_dim, self.outputs = data, noise_dim, dict(outputs)
        self._sessions: dict[tuple[str, ...], Any] = {}
        _living.add(self)

    def run(
        self, outputs: tuple[str, ...], noise: NDArray[np.float32], label: NDArray[np.int64], width: int
    ) -> list[NDArray[Any]]:
        """Return some outputs of the model.

        Parameters
        ----------
        outputs : tuple of str
            Which.
        noise : ndarray of shape (n, noise_dim), float32
            What the samples are made from.
        label : ndarray of shape (n,), int64
            Indices into the classes.
        width : int
            How many samples the model sees in one pass; in the last there may be fewer.

        Returns
        -------
        list of ndarray, each of shape (n, ...)
            The outputs, of the shape and type that they must have.

        Raises
        ------
        FormatError
            If the model does not run, or its outputs are not what they should be.
        """
        if outputs not in self._sessions:
            self._sessions[outputs] = open_session(only_outputs(self.data, outputs), _providers())
        session, forms = self._sessions[outputs], [self.outputs[name] for name in outputs]
        arrays: list[NDArray[Any]] = [np.empty((len(label), *shape), dtype) for shape, dtype in forms]

        def fill(start: int) -> None:
            rows = slice(start, start + width)
            for array, part in zip(arrays, self._passed(session, outputs, noise[rows], label[rows]), strict=True):
                array[rows] = part

        _share_out(fill, range(0, len(label), width), _threads())
        return arrays

    def _passed(
        self, session: Any, outputs: tuple[str, ...], noise: NDArray[np.float32], label: NDArray[np.int64]
    ) -> list[NDArray[Any]]:
        try:
            results: list[NDArray[Any]] = session.run(outputs, {"noise": noise, "label": label})
        except Exception as error:  # whatever the runtime raises; its errors have no common base
            raise FormatError(f"The model fails when it is run: {_first_line(error)}.") from error
        for name, result in zip(outputs, results, strict=True):
            shape, dtype = self.outputs[name]
            if not isinstance(result, np.ndarray):
                raise FormatError(f"The model's output {name!r} must be an array, but came out as another kind.")
            if result.shape != (len(label), *shape) or result.dtype != dtype:
                raise FormatError(f"The model's output {name!r} came out as {result.dtype} {result.shape}.")
            if dtype is np.float32 and not np.isfinite(result).all():
                raise FormatError(f"The model's output {name!r} is not finite: its weights are damaged, fit it again.")
        return results

    def check_contract(self) -> None:
        """Raise `FormatError` unless the inputs and outputs are what they should be."""
        session = open_session(self.data)
        inputs: dict[str, OutputForm] = {"noise": ((self.noise_dim,), np.float32), "label": ((), np.int64)}
        try:
            found_inputs = {value.name: value for value in session.get_inputs()}
            found_outputs = {value.name: value for value in session.get_outputs()}
            if found_inputs.keys() != inputs.keys():
                raise FormatError(f"The model's inputs are {sorted(found_inputs)}, not 'label' and 'noise'.")
            for what, found, needed in (("input", found_inputs, inputs), ("output", found_outputs, self.outputs)):
                for name, (shape, dtype) in needed.items():
                    value = found[name]
                    batch, *rest = value.shape or [0]
                    if value.type != _TYPES[dtype] or tuple(rest) != shape or isinstance(batch, int):
                        expected = f"{_TYPES[dtype]} {['batch', *shape]}"
                        raise FormatError(f"The model's {what} {name!r} is {value.type} {value.shape}, not {expected}.")
        except UnicodeDecodeError as error:
            raise FormatError("The model has names that are not text.") from error


def open_session(model: bytes, providers: Sequence[Any] = ("CPUExecutionProvider",)) -> Any:
    """Open an ONNX Runtime session of one thread, silently.

    Parameters
    ----------
    model : bytes
        The content of an ONNX file.
    providers : sequence
        What it runs on, best first. If that fails to start, the processor takes over.

    Returns
    -------
    onnxruntime.InferenceSession

    Raises
    ------
    FormatError
        If the runtime refuses the model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    # Bytes can be read as the runtime's own format too, and then hold another graph than the one that was checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        # Without its fallback, which prints, and without the settings that a model can bring.
        return onnxruntime.InferenceSession(
            model, options, providers=list(providers), enable_fallback=0, read_config_from_model=0
        )
    except Exception as error:  # whatever the runtime raises; its errors have no common base
        if len(providers) > 1:
            return open_session(model, providers[-1:])
        raise FormatError(f"ONNX Runtime cannot open the model: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200].rstrip(".")


def _threads() -> int:
    """Use the cores there are, a few at most, and one in a worker process, whose siblings use the others."""
    if multiprocessing.parent_process() is not None:
        return 1
    return min(_MAX_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _share_out(work: Callable[[int], None], items: Iterable[int], threads: int) -> None:
    """Do the work for each item, in this thread and in others that last as long as this call.

    Starting them takes a hundredth of the time of what they do. A pool's would not exist in a forked child, and a pool
    takes no more work once the interpreter begins to end, while threads of the user's may still go on.
    """
    pending, helpers, failures = deque(items), list[Thread](), list[BaseException]()

    def serve() -> None:
        while True:
            try:
                item = pending.popleft()
            except IndexError:  # nothing is left
                return
            try:
                work(item)
            except BaseException as error:
                failures.append(error)
                pending.clear()

    try:
        with suppress(RuntimeError):  # no more can be had: there is a limit to them, or the interpreter is ending
            for _ in range(min(threads, len(pending)) - 1):
                helpers.append(Thread(target=serve, name="ganaug", daemon=True))
                helpers[-1].start()
        serve()
    finally:
        pending.clear()
        for helper in helpers:
            if helper.ident is not None:  # it did start
                helper.join()
    if failures:
        raise failures[0]


def _providers() -> list[Any]:
    """Prefer CUDA where ONNX Runtime can have it; a forked process cannot, once its parent has used it."""
    import onnxruntime

    if _is_forked or _CUDA not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    # Full precision, and no timing of every algorithm before the first sample.
    return [(_CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}), "CPUExecutionProvider"]


_CUDA = "CUDAExecutionProvider"
_is_forked = False
_living: "weakref.WeakSet[Runtime]" = weakref.WeakSet()
_abandoned: list[dict[tuple[str, ...], Any]] = []


def _abandon_sessions() -> None:
    """Put aside, in a forked child, the sessions of the parent.

    One of its threads may have been at work in them, and does not exist here to give back the locks it held. So they
    are kept, out of use, for as long as the child lives.
    """
    global _is_forked
    _is_forked = True
    for runtime in _living:
        _abandoned.append(runtime._sessions)
        runtime._sessions = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_sessions)
