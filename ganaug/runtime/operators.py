"""What comes out of the operators of ONNX: shapes, and values where graphs compute shapes from shapes.

Each rule turns the tensors that go into a node into those that come out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ganaug.runtime.layer_operators import LAYER_RULES
from ganaug.runtime.onnx_graph import DTYPES, Node, Value
from ganaug.runtime.operator_inputs import Inputs
from ganaug.runtime.shape_operators import COMPARISONS, SHAPE_RULES

RULES: dict[str, Callable[[Node, Inputs], Value | list[Value]]] = {**SHAPE_RULES, **LAYER_RULES}
"""For each operator, what comes out of it. Exported networks need no other operators."""


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
