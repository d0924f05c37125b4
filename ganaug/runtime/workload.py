"""The work of one pass of an untrusted ONNX graph, by arithmetic on its shapes before a runtime opens it."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from ganaug.data.sample_format import OutputForm
from ganaug.errors import FormatError
from ganaug.runtime.layer_operators import sizes_of_letters
from ganaug.runtime.onnx_graph import Graph, Node, Value, blank
from ganaug.runtime.operator_inputs import Inputs
from ganaug.runtime.operators import RULES, dtype_of

MAX_OPERATIONS = 10**11
"""Multiplications of one pass: some seconds of one core."""
MAX_NUMBERS = 2**29
"""Numbers that all nodes of one pass write together."""
NEIGHBOURS = 16
"""Numbers from which an interpolation computes one."""


def check_workload(graph: Graph, inputs: Mapping[str, OutputForm]) -> None:
    """Raise `FormatError` unless a pass over inputs of these shapes takes a bounded time and memory."""
    known = {name.encode(): blank(shape, dtype) for name, (shape, dtype) in inputs.items()}
    for name, value in graph.weights:
        _define(known, name, value)
    operations = written = 0
    for node in graph.nodes:
        given = [_known(known, name, node) if name else None for name in node.inputs]
        made, taken = _worked(node, given)
        for name, value in zip(node.outputs, made, strict=False):
            if name:
                _define(known, name, value)
        written += sum(value.array.size for value in made)
        operations += taken
        if operations > MAX_OPERATIONS or written > MAX_NUMBERS:
            raise FormatError(
                f"A pass of a model must take at most {MAX_OPERATIONS:,} operations and write at most {MAX_NUMBERS:,} "
                "numbers, but this model takes more: ganaug wrote no such model."
            )


def _known(known: dict[bytes, Value], name: bytes, node: Node) -> Value:
    if name not in known:
        missing = name.decode(errors="replace")
        raise FormatError(f"The model has a node {node.op!r:.80} whose input {missing!r:.80} no node before it makes.")
    return known[name]


def _define(known: dict[bytes, Value], name: bytes, value: Value) -> None:
    if name in known:
        raise FormatError(f"The model has two tensors of the name {name!r:.80}.")
    known[name] = value


def _worked(node: Node, given: Inputs) -> tuple[list[Value], int]:
    """Return what a node makes, and about how many multiplications that takes."""
    if node.op not in RULES:
        raise FormatError(
            f"The model has the operator {node.op!r:.80}, whose work ganaug cannot bound: export it without."
        )
    try:
        with np.errstate(all="ignore"):
            made, dtype = RULES[node.op](node, given), dtype_of(node, given)
        values = made if isinstance(made, list) else [made]
        values = [one if one.is_known else blank(one.shape, dtype) for one in values]
        return values, _operations(node, given, values)
    except FormatError:
        raise
    except Exception as error:  # a hostile node can make a rule raise any exception
        raise FormatError(f"The model has a node {node.op!r} that cannot be: {error!s:.200}.") from error


def _operations(node: Node, given: Inputs, made: list[Value]) -> int:
    size: int = sum(value.array.size for value in made)
    shapes = [() if value is None else value.shape for value in given]
    if node.op in _COSTS:
        return _COSTS[node.op](node, size, shapes)
    if node.op == "Einsum":
        return math.prod(sizes_of_letters(node, given).values())
    return size + sum(map(math.prod, shapes))


Shapes = list[tuple[int, ...]]


def _of_recurrence(_: Node, size: int, shapes: Shapes) -> int:
    return size + math.prod(shapes[0][:2]) * (math.prod(shapes[1]) + math.prod(shapes[2]))


def _of_pool(node: Node, size: int, _: Shapes) -> int:
    kernel: list[int] = node.attributes["kernel_shape"]
    return size * math.prod(kernel)


_COSTS: dict[str, Callable[[Node, int, Shapes], int]] = {
    "MatMul": lambda _, size, shapes: size * shapes[0][-1],
    "Gemm": lambda node, size, shapes: size * shapes[0][0 if node.attributes.get("transA") else 1],
    "Conv": lambda _, size, shapes: size * math.prod(shapes[1][1:]),
    "ConvTranspose": lambda _, size, shapes: size + math.prod(shapes[0]) * math.prod(shapes[1][1:]),
    **dict.fromkeys(["AveragePool", "MaxPool"], _of_pool),
    **dict.fromkeys(["GRU", "LSTM", "RNN"], _of_recurrence),
    **dict.fromkeys(["GridSample", "Resize"], lambda _, size, __: NEIGHBOURS * size),
}
"""Multiplications of the operators that take more than one for each number, by the size of what they make."""
