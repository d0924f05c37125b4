"""The work of a pass, by arithmetic: what ganaug writes is allowed, and what would take minutes or gigabytes is not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ganaug.errors import FormatError
from ganaug.runtime import session
from ganaug.runtime.generator import Generator
from ganaug.runtime.onnx_graph import Value, read_graph
from ganaug.runtime.workload import check_workload
from tests.paths import MODELS
from tests.unit.runtime.test_generator import glass

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT
BILLION = np.int64(10**9)
LEAST = np.int64(-(2**63))


def node(op: str, *inputs: str, **attributes: Any) -> Any:
    """Return a node that makes `made`; the nodes of a list are chained by it."""
    return helper.make_node(op, list(inputs), ["made"], **attributes)


def hostile(nodes: list[Any], weights: dict[str, Any]) -> bytes:
    """Return a model with more nodes than it needs, each of which reads what the one before it makes."""
    model = glass()
    for place, one in enumerate(nodes):
        one.input[:] = [f"made{place - 1}" if name == "made" else name for name in one.input]
        one.output[:] = [f"made{place}"]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items())
    return model.SerializeToString()


def product(size: int, depth: int) -> Iterator[Any]:
    yield node("ConstantOfShape", "shape")
    yield from (node("MatMul", "made", "made") for _ in range(depth))


SIDE = np.array([3000, 3000])
BIG = np.array([2**14, 2**14])
NUMBER = np.float32(1.5)

BURNING: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "a range of a billion": ([node("Range", "zero", "most", "one")], {"most": BILLION}),
    "a constant": ([node("ConstantOfShape", "shape")], {"shape": np.array([BILLION])}),
    "a constant of a plane": ([node("ConstantOfShape", "shape")], {"shape": np.array([10**5, 10**5])}),
    "expanded": ([node("Expand", "full", "shape")], {"shape": np.array([BILLION])}),
    "tiled": ([node("Tile", "axes", "shape")], {"shape": np.array([BILLION])}),
    "padded": ([node("Pad", "axes", "pads")], {"pads": np.array([0, BILLION])}),
    "resized": (
        [node("Unsqueeze", "noise", "places"), node("Resize", "made", "", "", "shape")],
        {"places": np.array([0, 1]), "shape": np.array([1, 1, 10**5, 10**5])},
    ),
    "one hot": ([node("OneHot", "label", "most", "ends")], {"most": BILLION, "ends": np.zeros(2, np.float32)}),
    "a chain of products": (list(product(3000, 400)), {"shape": SIDE}),
    "a broadcast": (
        [node("ConstantOfShape", "shape"), node("Add", "made", "column")],
        {"shape": np.array([10**5]), "column": np.zeros((4000, 1), np.float32)},
    ),
    "many planes": (
        [node("ConstantOfShape", "shape"), *(node("Erf", "made") for _ in range(12))],
        {"shape": np.array([2**13, 2**13])},
    ),
    "what doubles": (
        [node("ConstantOfShape", "shape"), *(node("Concat", "made", "made", axis=0) for _ in range(40))],
        {"shape": np.array([2])},
    ),
    "a wide convolution": (
        [node("ConstantOfShape", "shape"), node("Conv", "made", "made", pads=[999] * 4)],
        {"shape": np.array([64, 64, 999, 999])},
    ),
    "a size that is drawn": (
        [node("ReduceSum", "label"), node("Reshape", "made", "axes"), node("ConstantOfShape", "made")],
        {},
    ),
    "a size by the batch": (
        [node("Shape", "label"), node("Mul", "made", "most"), node("Expand", "full", "made")],
        {"most": BILLION},
    ),
    "a quotient that ends the process": ([node("Div", "least", "minus")], {"least": LEAST, "minus": np.int64(-1)}),
    "a remainder that ends the process": ([node("Mod", "least", "minus")], {"least": LEAST, "minus": np.int64(-1)}),
    "a divisor that is drawn": ([node("Div", "least", "label")], {"least": LEAST}),
    "a constant of no kind": ([node("ConstantOfShape", "shape", value=1)], {"shape": np.array([9000])}),
    "a cast to nothing": ([node("Cast", "label")], {}),
    "a number that is no integer": (
        [node("Cast", "large", to=INT64), node("Expand", "full", "made")],
        {"large": np.array([1e30], np.float32)},
    ),
}


@pytest.mark.parametrize("name", BURNING)
def test_what_would_burn_time_or_memory_is_refused_before_a_session_opens(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, weights = BURNING[name]
    model = hostile([onnx.NodeProto.FromString(one.SerializeToString()) for one in nodes], weights)
    monkeypatch.setattr(session, "open_session", lambda *_: pytest.fail("a session was opened"))
    with pytest.raises(FormatError):
        Generator.from_bytes(model)
    with pytest.raises(FormatError):
        Generator(model).sample(3)  # without the checks of `from_bytes`


def test_a_size_that_only_a_larger_pass_has_is_refused() -> None:
    nodes = [node("Shape", "label"), node("Sub", "many", "made"), node("Mul", "made", "most")]
    model = hostile([*nodes, node("Expand", "full", "made")], {"many": np.int64(1), "most": -BILLION})
    generator = Generator.from_bytes(model)  # which computes the work of one sample
    with pytest.raises(FormatError, match="at most 134,217,728 numbers"):
        generator.sample(1)


@pytest.mark.parametrize("kind", ["attribute", "dims"])
def test_an_encoding_that_runtimes_read_in_another_way_is_refused(kind: str) -> None:
    model = glass()
    if kind == "attribute":  # protobuf takes the last of two
        model.graph.node[0].attribute.append(helper.make_attribute("axis", 0))
        data = model.SerializeToString()
    else:  # protobuf skips a size of another wire type
        tensor = model.graph.initializer[0].SerializeToString() + b"\x09" + bytes(8)
        del model.graph.initializer[0]
        graph = model.graph.SerializeToString() + b"\x2a" + bytes([len(tensor)]) + tensor
        model.ClearField("graph")
        length = bytes([len(graph) & 127 | 128, len(graph) >> 7])
        data = model.SerializeToString() + b"\x3a" + length + graph
    with pytest.raises(FormatError):
        Generator.from_bytes(data)


@pytest.mark.parametrize("name", sorted(path.name for path in MODELS.glob("*.onnx")))
def test_the_shapes_are_those_that_onnx_runtime_finds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, shapes = Generator.load(MODELS / name), dict[str, tuple[int, ...]]()
    define = check_workload.__globals__["_define"]

    def noted(known: dict[bytes, Value], name: bytes, value: Value) -> None:
        shapes[name.decode()] = value.shape
        define(known, name, value)

    monkeypatch.setitem(check_workload.__globals__, "_define", noted)
    size, width = 5, generator.metadata["noise_dim"]
    inputs = {"noise": np.zeros((size, width), np.float32), "label": np.zeros(size, np.int64)}
    check_workload(read_graph(generator.to_bytes()), {key: (value.shape, value.dtype) for key, value in inputs.items()})
    model = onnx.load_from_string(generator.to_bytes())
    made = [name for one in model.graph.node for name in one.output]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in made)
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = dict(zip(made, (np.shape(value) for value in runtime.run(made, inputs)), strict=True))
    assert {key: shapes[key] for key in found} == found


def test_a_million_entries_of_metadata_are_refused() -> None:
    model = glass()
    text = json.loads(model.metadata_props[0].value) | {"training": {"history": [0] * 2_000_000}}
    model.metadata_props[0].value = json.dumps(text)
    with pytest.raises(FormatError, match="at most 1,000,000 values"):
        Generator(model.SerializeToString())


def test_metadata_are_a_copy(tmp_path: Path) -> None:
    generator = Generator(glass().SerializeToString())
    generator.metadata["classes"].clear()
    assert generator.metadata["classes"] == list(generator.classes)
