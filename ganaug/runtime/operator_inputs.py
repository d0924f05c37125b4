"""The tensors that go into a node of an ONNX graph; an optional one may be absent."""

from typing import Any

from ganaug.errors import FormatError
from ganaug.runtime.onnx_graph import Value

Inputs = list[Value | None]


def values_of(value: Value) -> list[Any]:
    """Return the numbers of a tensor that decides on a shape."""
    if not value.is_known:
        raise FormatError("The model has a tensor whose shape depends on other values, which ganaug never writes.")
    numbers: list[Any] = value.array.reshape(-1).tolist()
    return numbers


def optional_values(given: Inputs, place: int) -> list[Any] | None:
    """Return the numbers of an input that a node may lack."""
    value = given[place] if place < len(given) else None
    return None if value is None else values_of(value)


def present(given: Inputs) -> list[Value]:
    """Return the inputs that a node has."""
    return [value for value in given if value is not None]
