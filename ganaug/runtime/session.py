"""ONNX Runtime: sessions of a model, opened in each process, and the arrays that they compute."""

import multiprocessing
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.sample_format import OutputForm
from ganaug.errors import FormatError
from ganaug.runtime.onnx_file import only_outputs
from ganaug.runtime.onnx_graph import Graph, read_graph
from ganaug.runtime.workload import check_workload

_MAX_THREADS = 4  # of one call
_TYPES: dict[Any, str] = {
    np.uint8: "tensor(uint8)",
    np.float32: "tensor(float)",
    np.float64: "tensor(double)",
    np.int64: "tensor(int64)",
}


class Runtime:
    """Runs an untrusted model, and checks every array that comes out: `outputs` has the form of one sample of each.

    Each combination of outputs gets a session of its own when it is first asked for, so that other outputs are not
    computed. After a fork, the child opens its own sessions.

    A session has one thread, and several passes run through it at the same time. This is faster than sharing each layer
    of one pass among threads, which wait for one another at the end of every layer.
    """

    def __init__(self, data: bytes, noise_dim: int, outputs: Mapping[str, OutputForm]) -> None:
        self.data, self.noise_dim, self.outputs = data, noise_dim, dict(outputs)
        self._sessions: dict[tuple[str, ...], Any] = {}
        self._checked = set[int]()  # sizes of passes
        _living.add(self)

    def run(
        self, outputs: tuple[str, ...], noise: NDArray[np.float32], label: NDArray[np.int64], pass_size: int
    ) -> list[NDArray[Any]]:
        """Return some outputs of the model, each of shape (n, ...), from noise (n, noise_dim) and class indices (n,).

        A pass of the network has `pass_size` samples; the last pass may have fewer. `FormatError` if the model does not
        run, or an output has another shape or dtype or is not finite.
        """
        self._check_workload(*{min(pass_size, len(label)), len(label) % pass_size})
        if outputs not in self._sessions:
            self._sessions[outputs] = open_session(only_outputs(self.data, outputs), _providers())
        session, forms = self._sessions[outputs], [self.outputs[name] for name in outputs]
        arrays: list[NDArray[Any]] = [np.empty((len(label), *shape), dtype) for shape, dtype in forms]

        def fill(start: int) -> None:
            rows = slice(start, start + pass_size)
            for array, part in zip(arrays, self._one_pass(session, outputs, noise[rows], label[rows]), strict=True):
                array[rows] = part

        _in_threads(fill, range(0, len(label), pass_size), _threads())
        return arrays

    def _one_pass(
        self, session: Any, outputs: tuple[str, ...], noise: NDArray[np.float32], label: NDArray[np.int64]
    ) -> list[NDArray[Any]]:
        try:
            results: list[NDArray[Any]] = session.run(outputs, {"noise": noise, "label": label})
        except Exception as error:  # the errors of ONNX Runtime have no common base
            raise FormatError(f"The model fails when it is run: {_first_line(error)}.") from error
        for name, result in zip(outputs, results, strict=True):
            shape, dtype = self.outputs[name]
            if not isinstance(result, np.ndarray):
                raise FormatError(f"The model's output {name!r} must be an array, but is a {type(result).__name__}.")
            if result.shape != (len(label), *shape) or result.dtype != dtype:
                raise FormatError(
                    f"The model's output {name!r} must be {np.dtype(dtype)} {(len(label), *shape)}, but is "
                    f"{result.dtype} {result.shape}."
                )
            if dtype is np.float32 and not np.isfinite(result).all():
                raise FormatError(
                    f"The model's output {name!r} must be finite, but is not finite: its weights are damaged; fit it "
                    "again."
                )
        return results

    def _check_workload(self, *sizes: int) -> None:
        """Raise `FormatError` if passes of these sizes could take too much time or memory."""
        for size in sizes:
            if size and size not in self._checked:
                inputs = {"noise": ((size, self.noise_dim), np.float32), "label": ((size,), np.int64)}
                check_workload(self._graph, inputs)
                self._checked.add(size)

    @cached_property
    def _graph(self) -> Graph:
        return read_graph(self.data)

    def check_contract(self) -> None:
        """Raise `FormatError` unless the inputs and outputs have the names, shapes and types that they must have."""
        self._check_workload(1)  # before a session opens, which computes all that depends on no input
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
    """Open an `onnxruntime.InferenceSession` of one thread, silently; `FormatError` if ONNX Runtime refuses the model.

    The providers are execution providers, best first. If the session cannot be opened, the last one is tried alone.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    # Read as ONNX Runtime's own format, the same bytes could hold another graph than the one that was checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        # No fallback, because it prints; no settings from the model, because it is untrusted.
        return onnxruntime.InferenceSession(
            model, options, providers=list(providers), enable_fallback=0, read_config_from_model=0
        )
    except Exception as error:  # the errors of ONNX Runtime have no common base
        if len(providers) > 1:
            return open_session(model, providers[-1:])
        raise FormatError(f"ONNX Runtime cannot open the model: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200].rstrip(".")


def _threads() -> int:
    """Return the number of threads: the number of cores, 4 at most; 1 in a worker process, which has siblings.

    Ray and Spark tell their workers their share of the cores in ``OMP_NUM_THREADS``, as other launchers do.
    """
    if multiprocessing.parent_process() is not None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MAX_THREADS, cores, max(1, int(share)) if share.isdecimal() else cores)


def _in_threads(work: Callable[[int], None], items: Iterable[int], threads: int) -> None:
    """Do the work for each item, in this thread and in others that end with this call.

    Starting a thread is cheap beside a pass of a network. A pool would be lost in a forked child, and refuses work
    while the interpreter shuts down, although threads of the user may still draw then.
    """
    pending, helpers, failures = deque(items), list[Thread](), list[BaseException]()

    def serve() -> None:
        while True:
            try:
                item = pending.popleft()
            except IndexError:  # no item is left
                return
            try:
                work(item)
            except BaseException as error:
                failures.append(error)
                pending.clear()

    try:
        with suppress(RuntimeError):  # no thread can be started: a limit is reached, or the interpreter shuts down
            for _ in range(min(threads, len(pending)) - 1):
                helpers.append(Thread(target=serve, name="ganaug", daemon=True))
                helpers[-1].start()
        serve()
    finally:
        pending.clear()
        for helper in helpers:
            if helper.ident is not None:  # it was started
                helper.join()
    if failures:
        raise failures[0]


def _providers() -> list[Any]:
    """Return CUDA first if ONNX Runtime has it, but not in a forked process: CUDA does not survive a fork."""
    import onnxruntime

    if _is_forked or _CUDA not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    # Full float32 precision, and no benchmark of all convolution algorithms before the first sample.
    return [(_CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}), "CPUExecutionProvider"]


_CUDA = "CUDAExecutionProvider"
_is_forked = False
_living: "weakref.WeakSet[Runtime]" = weakref.WeakSet()
_abandoned: list[dict[tuple[str, ...], Any]] = []


def _abandon_sessions() -> None:
    """Set aside, in a forked child, the sessions of the parent.

    A thread of the parent may hold locks of a session, and does not exist in the child to release them. So the child
    neither uses these sessions nor frees them.
    """
    global _is_forked
    _is_forked = True
    for runtime in _living:
        _abandoned.append(runtime._sessions)
        runtime._sessions = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_sessions)
