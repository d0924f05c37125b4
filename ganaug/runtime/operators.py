"""What comes out of the operators of ONNX: shapes, and values where graphs compute shapes from shapes.

Each rule turns the tensors that go into a node into those that come out. A tensor without values takes no memory,
whatever its shape. The shape of a tensor must not depend on values that only a pass computes.
"""

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.errors import FormatError
from ganaug.runtime.onnx_graph import DTYPES, MAX_VALUES, Node, Value, blank

Inputs = list[Value | None]
COMPARISONS = ["And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or"]
"""Operators whose output is true or false."""


def dtype_of(node: Node, given: Inputs) -> Any:
    """Return the dtype of what a node makes, if its values are not known."""
    if node.op == "Cast":
        return DTYPES[node.attributes["to"]]
    if node.op in COMPARISONS:
        return np.bool_
    if node.op == "ConstantOfShape":
        content = node.attributes.get("value")
        return np.float32 if content is None else content.array.dtype
    place = {"Where": 1, "OneHot": 2}.get(node.op, 0)
    value = given[place] if place < len(given) else None
    return np.float32 if value is None else value.array.dtype


def _values(value: Value) -> list[Any]:
    """Return the numbers of a tensor that decides on a shape."""
    if not value.is_known:
        raise FormatError("The model has a tensor whose shape depends on other values, which ganaug never writes.")
    numbers: list[Any] = value.array.reshape(-1).tolist()
    return numbers


def _optional(given: Inputs, place: int) -> list[Any] | None:
    """Return the numbers of an input that a node may lack."""
    value = given[place] if place < len(given) else None
    return None if value is None else _values(value)


def _all(given: Inputs) -> list[Value]:
    return [value for value in given if value is not None]


def _same(_: Node, given: Inputs) -> Value:
    return blank(_all(given)[0].shape)


def _broadcast(node: Node, given: Inputs) -> Value:
    values = _all(given)
    shape = np.broadcast_shapes(*(value.shape for value in values))
    compute = _COMPUTED.get(node.op)
    if compute and all(value.is_known for value in values) and math.prod(shape) <= MAX_VALUES:
        return Value(np.asarray(compute(*(value.array for value in values))), True)
    return blank(shape)


def _divided(node: Node, given: Inputs) -> Value:
    """Division of integers by -1 ends the process where the result is too large."""
    first, second = _all(given)
    if "f" not in (first.array.dtype.kind, second.array.dtype.kind) and min(_values(second), default=1) < 1:
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
    (value,) = _all(given)
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
    shape, content = _values(_all(given)[0]), node.attributes.get("value")
    wanted = blank(shape)
    if wanted.array.size > MAX_VALUES:
        return wanted
    return Value(np.full(shape, 0.0 if content is None else content.array.reshape(())), True)


def _range(_: Node, given: Inputs) -> Value:
    start, limit, delta = (_values(value)[0] for value in _all(given))
    wanted = blank([max(0, math.ceil((limit - start) / delta))])
    if wanted.array.size > MAX_VALUES:
        return wanted
    dtype = _all(given)[0].array.dtype
    return Value((start + delta * np.arange(wanted.array.size)).astype(dtype), True)


def _shape(node: Node, given: Inputs) -> Value:
    part = slice(node.attributes.get("start", 0), node.attributes.get("end"))
    return Value(np.array(_all(given)[0].shape[part], np.int64), True)


def _viewed(value: Value, shape: Any) -> Value:
    wanted = blank(shape)
    if wanted.array.size != value.array.size:
        raise ValueError(f"{value.shape} has not the size of {wanted.shape}")
    return Value(value.array.reshape(wanted.shape), True) if value.is_known else wanted


def _reshape(node: Node, given: Inputs) -> Value:
    value, target = _all(given)
    sizes = _values(target)
    if not node.attributes.get("allowzero"):
        sizes = [value.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    if -1 in sizes:
        others = math.prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = value.array.size // others if others else 0
    return _viewed(value, sizes)


def _flatten(node: Node, given: Inputs) -> Value:
    (value,) = _all(given)
    axis = node.attributes.get("axis", 1)
    return _viewed(value, [math.prod(value.shape[:axis]), math.prod(value.shape[axis:])])


def _squeeze(_: Node, given: Inputs) -> Value:
    axes = _optional(given, 1)
    value = _all(given)[0]
    return Value(np.squeeze(value.array, None if axes is None else tuple(axes)), value.is_known)


def _unsqueeze(_: Node, given: Inputs) -> Value:
    value, axes = _all(given)
    array = np.expand_dims(value.array, tuple(_values(axes)))
    return Value(array, True) if value.is_known else blank(array.shape)


def _transpose(node: Node, given: Inputs) -> Value:
    (value,) = _all(given)
    return Value(np.transpose(value.array, node.attributes.get("perm")), value.is_known)


def _concat(node: Node, given: Inputs) -> Value:
    values, axis = _all(given), node.attributes["axis"]
    sizes = [list(value.shape) for value in values]
    sizes[0][axis] = sum(value.shape[axis] for value in values)
    wanted = blank(sizes[0])
    if all(value.is_known for value in values) and wanted.array.size <= MAX_VALUES:
        return Value(np.concatenate([value.array for value in values], axis), True)
    return wanted


def _slice(_: Node, given: Inputs) -> Value:
    value, starts, ends = _all(given)[:3]
    first, last = _values(starts), _values(ends)
    axes = _optional(given, 3) or list(range(len(first)))
    steps = _optional(given, 4) or [1] * len(first)
    parts = [slice(None)] * len(value.shape)
    for axis, part in zip(axes, zip(first, last, steps, strict=True), strict=True):
        parts[axis] = slice(*part)
    return Value(value.array[tuple(parts)], value.is_known)


def _split(node: Node, given: Inputs) -> list[Value]:
    value, axis, sizes = _all(given)[0], node.attributes.get("axis", 0), _optional(given, 1)
    whole, count = value.shape[axis], len(node.outputs)
    if sizes is None:
        each = -(-whole // count)
        sizes = [min(each, whole - each * place) for place in range(count)]
    if sum(sizes) != whole or min(sizes) < 0 or len(sizes) != count:
        raise ValueError(f"{whole} cannot be split into {sizes!r:.80}")
    return [Value(array, value.is_known) for array in np.split(value.array, np.cumsum(sizes)[:-1], axis)]


def _gather(node: Node, given: Inputs) -> Value:
    value, index = _all(given)
    axis = node.attributes.get("axis", 0) % len(value.shape)
    wanted = blank([*value.shape[:axis], *index.shape, *value.shape[axis + 1 :]])
    if value.is_known and index.is_known and wanted.array.size <= MAX_VALUES:
        return Value(np.take(value.array, index.array, axis), True)
    return wanted


def _expand(_: Node, given: Inputs) -> Value:
    value, target = _all(given)
    wanted = blank(np.broadcast_shapes(value.shape, blank(_values(target)).shape))
    return Value(np.broadcast_to(value.array, wanted.shape), value.is_known)


def _one_hot(node: Node, given: Inputs) -> Value:
    index, depth = _all(given)[:2]
    shape = list(index.shape)
    shape.insert(node.attributes.get("axis", -1) % (len(shape) + 1), int(_values(depth)[0]))
    return blank(shape)


def _pad(_: Node, given: Inputs) -> Value:
    value, pads = _all(given)[0], _optional(given, 1) or []
    shape, axes = list(value.shape), _optional(given, 3) or list(range(len(value.shape)))
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        shape[axis] += before + after
    return blank(shape)


def _resize(node: Node, given: Inputs) -> Value:
    (value, *_), scales, sizes = _all(given), _optional(given, 2), _optional(given, 3)
    if "axes" in node.attributes or "keep_aspect_ratio_policy" in node.attributes:
        raise ValueError("ganaug never writes its attributes")
    if sizes:
        return blank(sizes)
    return blank(math.floor(size * scale) for size, scale in zip(value.shape, scales or (), strict=True))


def _depth_to_space(node: Node, given: Inputs) -> Value:
    n, channels, *sides = _all(given)[0].shape
    block = node.attributes["blocksize"]
    return blank([n, channels // block**2, *(side * block for side in sides)])


def _reduce(node: Node, given: Inputs) -> Value:
    value, axes = _all(given)[0], _optional(given, 1) or node.attributes.get("axes")
    if axes is None:
        axes = [] if node.attributes.get("noop_with_empty_axes") else range(len(value.shape))
    places = {axis % len(value.shape) for axis in axes}
    kept = node.attributes.get("keepdims", 1)
    sizes = [None if place in places else size for place, size in enumerate(value.shape)]
    return blank([1 if size is None else size for size in sizes if size is not None or kept])


def _matmul(_: Node, given: Inputs) -> Value:
    first, second = (value.shape for value in _all(given))
    if min(len(first), len(second)) < 2 or first[-1] != second[-2]:
        raise ValueError(f"matrices {first} and {second}")
    return blank([*np.broadcast_shapes(first[:-2], second[:-2]), first[-2], second[-1]])


def _gemm(node: Node, given: Inputs) -> Value:
    (rows, inner), (other, columns) = (
        value.shape[::-1] if node.attributes.get(name) else value.shape
        for name, value in zip(("transA", "transB"), _all(given)[:2], strict=True)
    )
    if inner != other:
        raise ValueError(f"matrices with {inner} and {other} numbers in common")
    return blank([rows, columns])


def _window(node: Node, kernel: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return, for each side that a kernel moves over: its step, its reach, and the padding of both ends."""
    if node.attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in node.attributes:
        raise ValueError("ganaug never writes its padding")
    count = len(kernel)
    steps = node.attributes.get("strides", [1] * count)
    gaps = node.attributes.get("dilations", [1] * count)
    pads = node.attributes.get("pads", [0] * 2 * count)
    if min([*steps, *gaps, *kernel], default=1) < 1 or min(pads, default=0) < 0:
        raise ValueError("sizes under 1")
    reach = [gap * (side - 1) + 1 for gap, side in zip(gaps, kernel, strict=True)]
    ends = [before + after for before, after in zip(pads[:count], pads[count:], strict=True)]
    return list(zip(steps, reach, ends, strict=True))


def _conv(node: Node, given: Inputs) -> Value:
    (n, channels, *sides), (filters, inner, *kernel) = (value.shape for value in _all(given)[:2])
    if inner * node.attributes.get("group", 1) != channels:
        raise ValueError(f"{channels} channels for filters of {inner}")
    window = zip(sides, _window(node, tuple(kernel)), strict=True)
    return blank([n, filters, *((side + ends - reach) // step + 1 for side, (step, reach, ends) in window)])


def _conv_transpose(node: Node, given: Inputs) -> Value:
    (n, channels, *sides), (filters, inner, *kernel) = (value.shape for value in _all(given)[:2])
    if filters != channels:
        raise ValueError(f"{channels} channels for filters of {filters}")
    more = node.attributes.get("output_padding", [0] * len(kernel))
    window = zip(sides, _window(node, tuple(kernel)), more, strict=True)
    grown = ((side - 1) * step + reach - ends + extra for side, (step, reach, ends), extra in window)
    return blank([n, inner * node.attributes.get("group", 1), *grown])


def _pool(node: Node, given: Inputs) -> list[Value]:
    n, channels, *sides = _all(given)[0].shape
    rounded_up = node.attributes.get("ceil_mode", 0)
    window = zip(sides, _window(node, tuple(node.attributes["kernel_shape"])), strict=True)
    sizes = [(side + ends - reach + (step - 1) * rounded_up) // step + 1 for side, (step, reach, ends) in window]
    return [blank([n, channels, *sizes])] * len(node.outputs)


def _grid_sample(_: Node, given: Inputs) -> Value:
    (n, channels, *_sides), grid = (value.shape for value in _all(given))
    return blank([n, channels, *grid[1:-1]])


def _global_pool(_: Node, given: Inputs) -> Value:
    n, channels, *sides = _all(given)[0].shape
    return blank([n, channels, *(1 for _side in sides)])


def _reduce_one(node: Node, given: Inputs) -> Value:
    shape = list(_all(given)[0].shape)
    axis = node.attributes.get("axis", 0)
    shape[axis : axis + 1 or None] = [1] if node.attributes.get("keepdims", 1) else []
    return blank(shape)


def _top(node: Node, given: Inputs) -> list[Value]:
    value, count = _all(given)
    shape = list(value.shape)
    shape[node.attributes.get("axis", -1)] = _values(count)[0]
    return [blank(shape)] * 2


def _tile(_: Node, given: Inputs) -> Value:
    value, repeats = _all(given)
    return blank(size * times for size, times in zip(value.shape, _values(repeats), strict=True))


def _space_to_depth(node: Node, given: Inputs) -> Value:
    n, channels, *sides = _all(given)[0].shape
    block = node.attributes["blocksize"]
    return blank([n, channels * block**2, *(side // block for side in sides)])


def _recurrent(_: Node, given: Inputs) -> list[Value]:
    (steps, n, _width), (directions, *_rest), (_same_directions, _gates, hidden) = (
        value.shape for value in _all(given)[:3]
    )
    state = blank([directions, n, hidden])
    return [blank([steps, directions, n, hidden]), state, state]


def sizes_of_letters(node: Node, given: Inputs) -> dict[str, int]:
    """Return the size of each letter of an equation."""
    parts = _equation(node)[0].split(",")
    pairs = [zip(part, value.shape, strict=True) for part, value in zip(parts, _all(given), strict=True)]
    return {letter: size for pair in pairs for letter, size in pair}


def _equation(node: Node) -> list[str]:
    text: bytes = node.attributes["equation"]
    return text.decode().replace(" ", "").split("->")


def _einsum(node: Node, given: Inputs) -> Value:
    sizes = sizes_of_letters(node, given)
    return blank(sizes[letter] for letter in _equation(node)[1])


def _of_index(_: Node, given: Inputs) -> Value:
    return blank(_all(given)[1].shape)


_UNCHANGED = [
    *("Atan", "BatchNormalization", "Ceil", "Celu", "Clip", "Cos", "CumSum", "Dropout", "Elu", "Erf", "Exp", "Gelu"),
    *("GroupNormalization", "HardSigmoid", "HardSwish", "InstanceNormalization", "LayerNormalization", "LeakyRelu"),
    *("Log", "LogSoftmax", "LpNormalization", "Mish", "Reciprocal", "Relu", "Round", "ScatterElements", "ScatterND"),
    *("Selu", "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu"),
    "Trilu",
]
"""Operators whose output has the shape of the first input."""
_BROADCAST = ["Mean", "Pow", "PRelu", "Sum"]
_REDUCTIONS = [
    "ReduceL1",
    "ReduceLogSumExp",
    "ReduceSumSquare",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
]

RULES: dict[str, Callable[[Node, Inputs], Value | list[Value]]] = {
    **dict.fromkeys(_UNCHANGED, _same),
    **dict.fromkeys([*_COMPUTED, *COMPARISONS, *_BROADCAST], _broadcast),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(["Div", "Mod"], _divided),
    **dict.fromkeys(["ArgMax", "ArgMin"], _reduce_one),
    **dict.fromkeys(["GRU", "LSTM", "RNN"], _recurrent),
    **dict.fromkeys(["GlobalAveragePool", "GlobalMaxPool"], _global_pool),
    "AveragePool": _pool,
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Einsum": _einsum,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _of_index,
    "Gemm": _gemm,
    "GridSample": _grid_sample,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": _shape,
    "Slice": _slice,
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "TopK": _top,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""For each operator, what comes out of it. Exported networks need no other operators."""
