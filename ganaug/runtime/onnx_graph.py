"""The nodes and weights of an untrusted ONNX graph, read from its bytes without ONNX or protobuf."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import FormatError
from ganaug.runtime.onnx_file import NOT_ONNX, Field, decoded, fields_of, graph_of, part_of

MAX_VALUES = 4096
"""Numbers of a tensor whose values are read. Shapes, axes and repeats have fewer."""
MAX_NODES = 20_000
MIN_OPSET = 18
"""Version of the operators. Earlier ones take some inputs as attributes."""
MAX_RANK = 16  # dimensions of a tensor
MAX_ELEMENTS = 2**27
"""Numbers of one tensor in a pass, half a gigabyte."""
DTYPES: dict[int, Any] = {
    1: np.float32,
    2: np.uint8,
    3: np.int8,
    5: np.int16,
    6: np.int32,
    7: np.int64,
    9: np.bool_,
    10: np.float16,
    11: np.float64,
}
"""The data types of ONNX that ganaug's models have."""


@dataclass(frozen=True)
class Value:
    """A tensor of which the shape is known; the values are known too, or all zeros of one number's memory."""

    array: NDArray[Any]
    is_known: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the tensor."""
        return self.array.shape


def blank(shape: Any, dtype: Any = np.float32) -> Value:
    """Return a tensor of a shape, without values; `FormatError` if it is no shape, or too large to be allowed."""
    sizes = tuple(int(size) for size in shape)
    if len(sizes) > MAX_RANK or any(size < 0 for size in sizes):
        raise FormatError(f"A tensor must have sizes from 0 and at most {MAX_RANK} of them, but has {sizes!r:.80}.")
    if math.prod(max(size, 1) for size in sizes) > MAX_ELEMENTS:
        raise FormatError(f"A tensor must have at most {MAX_ELEMENTS:,} numbers, but has the shape {sizes!r:.80}.")
    return Value(np.broadcast_to(np.zeros((), dtype), sizes), False)


@dataclass(frozen=True)
class Node:
    """One operation: names of tensors that go in and come out, and attributes by name."""

    op: str
    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)


class Graph(NamedTuple):
    """The weights of a model by name, and its nodes in their order."""

    weights: list[tuple[bytes, Value]]
    nodes: list[Node]


def read_graph(model: bytes) -> Graph:
    """Read the graph of a model that `read_property` has accepted; `FormatError` if ganaug wrote no such graph."""
    versions = [
        next((_integers(one)[-1] for one in fields_of(part_of(value)) if one[0] == 2), 0)
        for number, value, _ in fields_of(memoryview(model))
        if number == 8
    ]
    if min(versions, default=0) < MIN_OPSET:
        raise FormatError(f"A model must have the operators of ONNX {MIN_OPSET} or later: export it again.")
    fields = graph_of(model)
    if sum(number == 1 for number, _, _ in fields) > MAX_NODES:
        raise FormatError(f"A model must have at most {MAX_NODES:,} nodes, but this has more.")
    return Graph(
        [_tensor(part_of(value)) for number, value, _ in fields if number == 5],
        [_node(part_of(value)) for number, value, _ in fields if number == 1],
    )


def _node(message: memoryview) -> Node:
    node, op = Node(""), b""
    for number, value, _ in fields_of(message):
        if number == 1:
            node.inputs.append(bytes(part_of(value)))
        elif number == 2:
            node.outputs.append(bytes(part_of(value)))
        elif number == 4:
            op = bytes(part_of(value))
        elif number == 5:
            name, content = _attribute(part_of(value))
            if name in node.attributes:
                raise FormatError(f"A node must have each attribute once, but has {name!r:.80} twice.")
            node.attributes[name] = content
    return Node(op.decode(errors="replace"), node.inputs, node.outputs, node.attributes)


def _attribute(message: memoryview) -> tuple[str, Any]:
    """Return the name of an attribute and its content: number, text, tensor or list of numbers."""
    name, content = b"", list[Any]()
    seen = set[int]()
    for one in fields_of(message):
        number, value, _ = one
        if number in seen and number not in (7, 8):
            raise FormatError(NOT_ONNX)  # protobuf would take the last one, or join them
        seen.add(number)
        if number == 1:
            name = bytes(part_of(value))
        elif number in _CONTENT:
            content += _CONTENT[number](one)
    if len(seen & _CONTENT.keys()) > 1:
        raise FormatError(NOT_ONNX)
    is_list = bool(seen & {7, 8})
    return name.decode(errors="replace"), content if is_list else content[0] if content else None


def _tensor(message: memoryview) -> tuple[bytes, Value]:
    """Return the name of a tensor, and its values if they are few."""
    name, raw, kind, dims, numbers = b"", None, 0, list[int](), list[Any]()
    for one in fields_of(message):
        number, value, _ = one
        if number == 1:
            dims += _integers(one)
        elif number == 2:
            kind = _integers(one)[-1]
        elif number == 8:
            name = bytes(part_of(value))
        elif number == 9:
            raw = part_of(value)
        elif number in _NUMBERS and len(numbers) <= MAX_VALUES:
            numbers += _NUMBERS[number](one)
    return name, _weights(repr(name), kind, dims, numbers if raw is None else raw, len(message))


def _weights(name: str, kind: int, dims: list[int], content: list[Any] | memoryview, most: int) -> Value:
    """Return weights of at most so many numbers, with their values if they are few."""
    if kind not in DTYPES:
        raise FormatError(f"The weights of a model must be numbers of a usual type, but {name:.80} has type {kind}.")
    count, dtype = math.prod(dims), np.dtype(DTYPES[kind])
    damaged = f"The weights {name:.80} must be complete, but the file is damaged or cut short."
    if any(size < 0 for size in dims) or count > most:
        raise FormatError(damaged)
    shape = blank(dims, dtype)
    if count > MAX_VALUES:
        return shape
    if isinstance(content, memoryview) and len(content) != count * dtype.itemsize:
        raise FormatError(damaged)
    numbers = np.array(content).astype(dtype) if isinstance(content, list) else np.frombuffer(content, dtype)
    if numbers.size != count:
        raise FormatError(damaged)
    return Value(numbers.reshape(shape.shape), True)


def _integers(one: Field) -> list[int]:
    """Return the integers of a field, alone or packed; another encoding would be skipped by ONNX Runtime."""
    _, value, whole = one
    if isinstance(value, int):
        return [_signed(value)]
    if whole[0] & 7 != 2:
        raise FormatError(NOT_ONNX)
    numbers, position = list[int](), 0
    while position < len(value):
        number, position = decoded(value, position)
        numbers.append(_signed(number))
    return numbers


def _floats(one: Field) -> list[float]:
    """Return the numbers of 32 bits of a field, alone or packed."""
    return _reals(one, "<f4", 5)


def _doubles(one: Field) -> list[float]:
    """Return the numbers of 64 bits of a field, alone or packed."""
    return _reals(one, "<f8", 1)


def _reals(one: Field, form: str, alone: int) -> list[float]:
    _, value, whole = one
    if isinstance(value, int) or len(value) % np.dtype(form).itemsize or whole[0] & 7 not in (2, alone):
        raise FormatError(NOT_ONNX)
    numbers: list[float] = np.frombuffer(value, form).tolist()
    return numbers


def _signed(number: int) -> int:
    number &= 2**64 - 1
    return number - 2**64 if number >= 2**63 else number


_CONTENT: dict[int, Callable[[Field], list[Any]]] = {
    2: _floats,
    3: _integers,
    4: lambda one: [bytes(part_of(one[1]))],
    5: lambda one: [_tensor(part_of(one[1]))[1]],
    7: _floats,
    8: _integers,
}
"""The fields of an attribute that hold its content."""
_NUMBERS: dict[int, Callable[[Field], list[Any]]] = {
    4: _floats,
    5: _integers,
    7: _integers,
    10: _doubles,
    11: _integers,
}
"""The fields of a tensor that hold numbers."""
