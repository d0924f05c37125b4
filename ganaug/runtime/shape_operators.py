"""The operators of ONNX by which graphs compute shapes from shapes: their values are computed where they are known.

A tensor without values takes no memory, whatever its shape.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.runtime.onnx_graph import DTYPES, MAX_VALUES, Node, Value, blank
from ganaug.runtime.operator_inputs import Inputs, optional_values, present, values_of

COMPARISONS = ["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or"]
"""Operators whose output is true or false."""
_BROADCAST = ["Mean", "Pow", "PRelu", "Sum"]


def _broadcast(node: Node, given: Inputs) -> Value:
    values = present(given)
    shape = np.broadcast_shapes(*(value.shape for value in values))
    compute = _COMPUTED.get(node.op)
    if compute and all(value.is_known for value in values) and math.prod(shape) <= MAX_VALUES:
        return Value(np.asarray(compute(*(value.array for value in values))), True)
    return blank(shape)


def _divided(node: Node, given: Inputs) -> Value:
    """Division of integers by -1 ends the process where the result is too large."""
    first, second = present(given)
    if "f" not in (first.array.dtype.kind, second.array.dtype.kind) and min(values_of(second), default=1) < 1:
        raise ValueError("integers must be divided by known numbers from 1")
    made = _broadcast(node, given)
    return blank(made.shape) if node.attributes.get("fmod") else made


def _quotient(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    if first.dtype.kind == "f":
        return np.asarray(first / second)
    return np.asarray(first // second + ((first < 0) & (first % second != 0)))  # rounded towards zero


_COMPUTED: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "And": np.logical_and,
    "Div": _quotient,
    "Equal": np.equal,
    "Floor": np.floor,
    "Greater": np.greater,
    "Identity": np.asarray,
    "Less": np.less,
    "Max": lambda *arrays: reduce(np.maximum, arrays),
    "Min": lambda *arrays: reduce(np.minimum, arrays),
    "Mod": np.mod,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Sub": np.subtract,
    "Where": np.where,
}
"""Operators by which graphs compute shapes from shapes."""


def _cast(node: Node, given: Inputs) -> Value:
    (value,) = present(given)
    dtype = DTYPES[node.attributes["to"]]
    if not value.is_known:
        return blank(value.shape)
    cast = value.array.astype(dtype)
    if cast.dtype.kind in "iu" and value.array.dtype.kind == "f" and (abs(cast - value.array) >= 1).any():
        raise ValueError("a number is too large for an integer")
    return Value(cast, True)


def _constant(node: Node, _: Inputs) -> Value:
    ((name, content),) = node.attributes.items()
    if isinstance(content, Value):
        return content
    return Value(np.array(content, np.int64 if "int" in name else np.float32), True)


def _constant_of_shape(node: Node, given: Inputs) -> Value:
    shape, content = values_of(present(given)[0]), node.attributes.get("value")
    wanted = blank(shape)
    if wanted.array.size > MAX_VALUES:
        return wanted
    return Value(np.full(shape, 0.0 if content is None else content.array.reshape(())), True)


def _range(_: Node, given: Inputs) -> Value:
    start, limit, delta = (values_of(value)[0] for value in present(given))
    wanted = blank([max(0, math.ceil((limit - start) / delta))])
    if wanted.array.size > MAX_VALUES:
        return wanted
    dtype = present(given)[0].array.dtype
    return Value((start + delta * np.arange(wanted.array.size)).astype(dtype), True)


def _shape(node: Node, given: Inputs) -> Value:
    part = slice(node.attributes.get("start", 0), node.attributes.get("end"))
    return Value(np.array(present(given)[0].shape[part], np.int64), True)


def _viewed(value: Value, shape: Any) -> Value:
    wanted = blank(shape)
    if wanted.array.size != value.array.size:
        raise ValueError(f"{value.shape} has not the size of {wanted.shape}")
    return Value(value.array.reshape(wanted.shape), True) if value.is_known else wanted


def _reshape(node: Node, given: Inputs) -> Value:
    value, target = present(given)
    sizes = values_of(target)
    if not node.attributes.get("allowzero"):
        sizes = [value.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    if -1 in sizes:
        others = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = value.array.size // others if others else 0
    return _viewed(value, sizes)


def _flatten(node: Node, given: Inputs) -> Value:
    (value,) = present(given)
    axis = node.attributes.get("axis", 1)
    return _viewed(value, [math.prod(value.shape[:axis]), math.prod(value.shape[axis:])])


def _squeeze(_: Node, given: Inputs) -> Value:
    axes = optional_values(given, 1)
    value = present(given)[0]
    return Value(np.squeeze(value.array, None if axes is None else tuple(axes)), value.is_known)


def _unsqueeze(_: Node, given: Inputs) -> Value:
    value, axes = present(given)
    array = np.expand_dims(value.array, tuple(values_of(axes)))
    return Value(array, True) if value.is_known else blank(array.shape)


def _transpose(node: Node, given: Inputs) -> Value:
    (value,) = present(given)
    return Value(np.transpose(value.array, node.attributes.get("perm")), value.is_known)


def _concat(node: Node, given: Inputs) -> Value:
    values, axis = present(given), node.attributes["axis"]
    sizes = [list(value.shape) for value in values]
    sizes[0][axis] = sum(value.shape[axis] for value in values)
    wanted = blank(sizes[0])
    if all(value.is_known for value in values) and wanted.array.size <= MAX_VALUES:
        return Value(np.concatenate([value.array for value in values], axis), True)
    return wanted


def _slice(_: Node, given: Inputs) -> Value:
    value, starts, ends = present(given)[:3]
    first, last = values_of(starts), values_of(ends)
    axes = optional_values(given, 3) or list(range(len(first)))
    steps = optional_values(given, 4) or [1] * len(first)
    parts = [slice(None)] * len(value.shape)
    for axis, part in zip(axes, zip(first, last, steps, strict=True), strict=True):
        parts[axis] = slice(*part)
    return Value(value.array[tuple(parts)], value.is_known)


def _split(node: Node, given: Inputs) -> list[Value]:
    value, axis, sizes = present(given)[0], node.attributes.get("axis", 0), optional_values(given, 1)
    whole, count = value.shape[axis], len(node.outputs)
    if sizes is None:
        each = -(-whole // count)
        sizes = [min(each, whole - each * place) for place in range(count)]
    if sum(sizes) != whole or min(sizes) < 0 or len(sizes) != count:
        raise ValueError(f"{whole} cannot be split into {sizes!r:.80}")
    return [Value(array, value.is_known) for array in np.split(value.array, np.cumsum(sizes)[:-1], axis)]


def _gather(node: Node, given: Inputs) -> Value:
    value, index = present(given)
    axis = node.attributes.get("axis", 0) % len(value.shape)
    wanted = blank([*value.shape[:axis], *index.shape, *value.shape[axis + 1 :]])
    if value.is_known and index.is_known and wanted.array.size <= MAX_VALUES:
        return Value(np.take(value.array, index.array, axis), True)
    return wanted


def _expand(_: Node, given: Inputs) -> Value:
    value, target = present(given)
    wanted = blank(np.broadcast_shapes(value.shape, blank(values_of(target)).shape))
    return Value(np.broadcast_to(value.array, wanted.shape), value.is_known)


SHAPE_RULES: dict[str, Callable[[Node, Inputs], Value | list[Value]]] = {
    **dict.fromkeys([*_COMPUTED, *COMPARISONS, *_BROADCAST], _broadcast),
    **dict.fromkeys(["Div", "Mod"], _divided),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""For each operator, what comes out of it."""
