"""The operators of ONNX that layers of networks are made of: the shapes of what comes out of them.

These shapes must not depend on values that only a pass computes.
"""

import math
from collections.abc import Callable

import numpy as np

from ganaug.runtime.onnx_graph import Node, Value, blank
from ganaug.runtime.operator_inputs import Inputs, optional_values, present, values_of

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
_UNCHANGED = [
    *("Atan", "BatchNormalization", "Ceil", "Celu", "Clip", "Cos", "CumSum", "Dropout", "Elu", "Erf", "Exp", "Gelu"),
    *("GroupNormalization", "HardSigmoid", "HardSwish", "InstanceNormalization", "LayerNormalization", "LeakyRelu"),
    *("Log", "LogSoftmax", "LpNormalization", "Mish", "Reciprocal", "Relu", "Round", "ScatterElements", "ScatterND"),
    *("Selu", "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu"),
    "Trilu",
]
"""Operators whose output has the shape of the first input."""


def _same(_: Node, given: Inputs) -> Value:
    return blank(present(given)[0].shape)


def _one_hot(node: Node, given: Inputs) -> Value:
    index, depth = present(given)[:2]
    shape = list(index.shape)
    shape.insert(node.attributes.get("axis", -1) % (len(shape) + 1), int(values_of(depth)[0]))
    return blank(shape)


def _pad(_: Node, given: Inputs) -> Value:
    value, pads = present(given)[0], optional_values(given, 1) or []
    shape, axes = list(value.shape), optional_values(given, 3) or list(range(len(value.shape)))
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        shape[axis] += before + after
    return blank(shape)


def _resize(node: Node, given: Inputs) -> Value:
    (value, *_), scales, sizes = present(given), optional_values(given, 2), optional_values(given, 3)
    if "axes" in node.attributes or "keep_aspect_ratio_policy" in node.attributes:
        raise ValueError("ganaug never writes its attributes")
    if sizes:
        return blank(sizes)
    return blank(math.floor(size * scale) for size, scale in zip(value.shape, scales or (), strict=True))


def _depth_to_space(node: Node, given: Inputs) -> Value:
    n, channels, *sides = present(given)[0].shape
    block = node.attributes["blocksize"]
    return blank([n, channels // block**2, *(side * block for side in sides)])


def _reduce(node: Node, given: Inputs) -> Value:
    value, axes = present(given)[0], optional_values(given, 1) or node.attributes.get("axes")
    if axes is None:
        axes = [] if node.attributes.get("noop_with_empty_axes") else range(len(value.shape))
    places = {axis % len(value.shape) for axis in axes}
    kept = node.attributes.get("keepdims", 1)
    sizes = [None if place in places else size for place, size in enumerate(value.shape)]
    return blank([1 if size is None else size for size in sizes if size is not None or kept])


def _matmul(_: Node, given: Inputs) -> Value:
    first, second = (value.shape for value in present(given))
    if min(len(first), len(second)) < 2 or first[-1] != second[-2]:
        raise ValueError(f"matrices {first} and {second}")
    return blank([*np.broadcast_shapes(first[:-2], second[:-2]), first[-2], second[-1]])


def _gemm(node: Node, given: Inputs) -> Value:
    (rows, inner), (other, columns) = (
        value.shape[::-1] if node.attributes.get(name) else value.shape
        for name, value in zip(("transA", "transB"), present(given)[:2], strict=True)
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
    (n, channels, *sides), (filters, inner, *kernel) = (value.shape for value in present(given)[:2])
    if inner * node.attributes.get("group", 1) != channels:
        raise ValueError(f"{channels} channels for filters of {inner}")
    window = zip(sides, _window(node, tuple(kernel)), strict=True)
    return blank([n, filters, *((side + ends - reach) // step + 1 for side, (step, reach, ends) in window)])


def _conv_transpose(node: Node, given: Inputs) -> Value:
    (n, channels, *sides), (filters, inner, *kernel) = (value.shape for value in present(given)[:2])
    if filters != channels:
        raise ValueError(f"{channels} channels for filters of {filters}")
    more = node.attributes.get("output_padding", [0] * len(kernel))
    window = zip(sides, _window(node, tuple(kernel)), more, strict=True)
    grown = ((side - 1) * step + reach - ends + extra for side, (step, reach, ends), extra in window)
    return blank([n, inner * node.attributes.get("group", 1), *grown])


def _pool(node: Node, given: Inputs) -> list[Value]:
    n, channels, *sides = present(given)[0].shape
    rounded_up = node.attributes.get("ceil_mode", 0)
    window = zip(sides, _window(node, tuple(node.attributes["kernel_shape"])), strict=True)
    sizes = [(side + ends - reach + (step - 1) * rounded_up) // step + 1 for side, (step, reach, ends) in window]
    return [blank([n, channels, *sizes])] * len(node.outputs)


def _grid_sample(_: Node, given: Inputs) -> Value:
    (n, channels, *_sides), grid = (value.shape for value in present(given))
    return blank([n, channels, *grid[1:-1]])


def _global_pool(_: Node, given: Inputs) -> Value:
    n, channels, *sides = present(given)[0].shape
    return blank([n, channels, *(1 for _side in sides)])


def _reduce_one(node: Node, given: Inputs) -> Value:
    shape = list(present(given)[0].shape)
    axis = node.attributes.get("axis", 0)
    shape[axis : axis + 1 or None] = [1] if node.attributes.get("keepdims", 1) else []
    return blank(shape)


def _top(node: Node, given: Inputs) -> list[Value]:
    value, count = present(given)
    shape = list(value.shape)
    shape[node.attributes.get("axis", -1)] = values_of(count)[0]
    return [blank(shape)] * 2


def _tile(_: Node, given: Inputs) -> Value:
    value, repeats = present(given)
    return blank(size * times for size, times in zip(value.shape, values_of(repeats), strict=True))


def _space_to_depth(node: Node, given: Inputs) -> Value:
    n, channels, *sides = present(given)[0].shape
    block = node.attributes["blocksize"]
    return blank([n, channels * block**2, *(side // block for side in sides)])


def _recurrent(_: Node, given: Inputs) -> list[Value]:
    (steps, n, _width), (directions, *_rest), (_same_directions, _gates, hidden) = (
        value.shape for value in present(given)[:3]
    )
    state = blank([directions, n, hidden])
    return [blank([steps, directions, n, hidden]), state, state]


def sizes_of_letters(node: Node, given: Inputs) -> dict[str, int]:
    """Return the size of each letter of an equation."""
    parts = _equation(node)[0].split(",")
    pairs = [zip(part, value.shape, strict=True) for part, value in zip(parts, present(given), strict=True)]
    return {letter: size for pair in pairs for letter, size in pair}


def _equation(node: Node) -> list[str]:
    text: bytes = node.attributes["equation"]
    return text.decode().replace(" ", "").split("->")


def _einsum(node: Node, given: Inputs) -> Value:
    sizes = sizes_of_letters(node, given)
    return blank(sizes[letter] for letter in _equation(node)[1])


def _of_index(_: Node, given: Inputs) -> Value:
    return blank(present(given)[1].shape)


LAYER_RULES: dict[str, Callable[[Node, Inputs], Value | list[Value]]] = {
    **dict.fromkeys(_UNCHANGED, _same),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(["ArgMax", "ArgMin"], _reduce_one),
    **dict.fromkeys(["GRU", "LSTM", "RNN"], _recurrent),
    **dict.fromkeys(["GlobalAveragePool", "GlobalMaxPool"], _global_pool),
    "AveragePool": _pool,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Einsum": _einsum,
    "GatherElements": _of_index,
    "Gemm": _gemm,
    "GridSample": _grid_sample,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "OneHot": _one_hot,
    "Pad": _pad,
    "Resize": _resize,
    "SpaceToDepth": _space_to_depth,
    "Tile": _tile,
    "TopK": _top,
}
"""For each operator, what comes out of it."""
