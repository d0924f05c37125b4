"""ONNX files as bytes: the checks of an untrusted file before a runtime opens it, and the choice of outputs."""

from collections.abc import Iterator, Sequence

from ganaug.errors import FormatError

PROPERTY = "ganaug"

# The fields of ONNX's protobuf messages that are inspected: (message, field number) -> message inside.
_INSIDE = {
    ("model", 7): "graph",
    ("model", 8): "opset",
    ("model", 14): "property",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 10): "tensor",
}
# Fields that ganaug never writes and refuses to run. Control flow is refused because a hostile loop need not end.
_REFUSED = {
    ("graph", 15): "sparse weights",
    ("attribute", 22): "sparse weights",
    ("attribute", 23): "sparse weights",
    ("tensor", 13): "weights in other files",
    ("tensor", 14): "weights in other files",
    ("attribute", 6): "control flow",
    ("attribute", 11): "control flow",
    ("model", 20): "training graphs",
    ("model", 25): "functions of its own",
}
_DOMAINS = {("opset", 1), ("node", 7)}
_MAX_FIELDS = 500_000
"""Protobuf fields of one model; the scan takes time for each."""
NOT_ONNX = "This is not an ONNX model, or it is damaged or cut short."

Field = tuple[int, int | memoryview, memoryview]
"""Number, value, and whole encoding of a protobuf field."""


def check_model(model: bytes) -> list[bytes]:
    """Refuse an untrusted ONNX model that is unsafe to run; return its properties named ``ganaug``, not yet validated.

    The protobuf encoding is read directly: nothing is executed, and neither ONNX nor protobuf is imported.
    `FormatError` if this is not a whole ONNX model, or has weights in other files, custom operators, control flow or
    functions.
    """
    properties: list[bytes] = []
    visited = 0
    pending = [("model", memoryview(model))]
    while pending:
        kind, message = pending.pop()
        texts = {}
        for number, value, _ in fields_of(message):
            visited += 1
            if visited > _MAX_FIELDS:
                raise FormatError(f"A model must have at most {_MAX_FIELDS:,} parts, but this has more parts.")
            here = (kind, number)
            if here in _INSIDE:
                pending.append((_INSIDE[here], part_of(value)))
            elif here in _REFUSED and value != 0:
                raise FormatError(f"The model has {_REFUSED[here]}, which ganaug neither writes nor runs.")
            elif here in _DOMAINS and bytes(part_of(value)) not in (b"", b"ai.onnx"):
                domain = bytes(part_of(value)).decode(errors="replace")
                raise FormatError(f"The model has custom operators ({domain!r:.80}), which ganaug does not run.")
            elif kind == "property":
                texts[number] = bytes(part_of(value))
        if texts.get(1) == PROPERTY.encode():
            properties.append(texts.get(2, b""))
    return properties


def read_property(model: bytes) -> bytes:
    """Check an untrusted model, and return its one property ``ganaug``; `FormatError` if ganaug did not write it."""
    properties = check_model(model)
    if len(properties) != 1:
        raise FormatError("The model was not written by ganaug: it needs one metadata property named ganaug.")
    return properties[0]


def output_names(model: bytes) -> list[str]:
    """Return the names of the outputs of an ONNX model that `read_property` has accepted."""
    return [_name(value).decode(errors="replace") for number, value, _ in graph_of(model) if number == 12]


def only_outputs(model: bytes, outputs: Sequence[str]) -> bytes:
    """Return an ONNX model, which `read_property` has accepted, with some of its outputs and the nodes they need.

    ONNX Runtime runs every node of a graph, even for outputs that are not asked for: without this, images would cost
    the time of the discriminator too.
    """
    needed = {name.encode() for name in outputs}
    kept = []
    for number, value, whole in reversed(graph_of(model)):  # a node stands after the nodes it needs
        if number == 12 and _name(value) not in needed:
            continue
        if number == 1:
            names = [(key, bytes(part_of(part))) for key, part, _ in fields_of(part_of(value)) if key in (1, 2)]
            if needed.isdisjoint(name for key, name in names if key == 2):
                continue
            needed.update(name for key, name in names if key == 1)
        kept.append(whole)
    graph = b"".join(reversed(kept))
    rest = b"".join(whole for number, _, whole in fields_of(memoryview(model)) if number != 7)
    return rest + b"\x3a" + _encoded(len(graph)) + graph  # 0x3a: field 7, a message


def fields_of(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a protobuf message."""
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = decoded(message, position)
        number, kind = tag >> 3, tag & 7
        # Protobuf ignores the bits of a tag beyond 32, so that a larger tag could disguise a field.
        if number == 0 or tag >= 2**32 or kind not in (0, 1, 2, 5):
            raise FormatError(NOT_ONNX)
        value: int | memoryview
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length, position = decoded(message, position)
        if kind == 0:
            value = length
        elif length <= end - position:
            value = message[position : position + length]
            position += length
        else:
            raise FormatError(NOT_ONNX)
        yield number, value, message[start:position]


def part_of(value: int | memoryview) -> memoryview:
    """Return a value that must be text or a message; `FormatError` if it is a number."""
    if isinstance(value, int):
        raise FormatError(NOT_ONNX)
    return value


def graph_of(model: bytes) -> list[Field]:
    """Return the fields of the graph of a model that `read_property` has accepted."""
    graphs = (part_of(value) for number, value, _ in fields_of(memoryview(model)) if number == 7)
    return [field for graph in graphs for field in fields_of(graph)]


def _name(output: int | memoryview) -> bytes:
    return b"".join(bytes(part_of(text)) for number, text, _ in fields_of(part_of(output)) if number == 1)


def decoded(message: memoryview, position: int) -> tuple[int, int]:
    """Read a protobuf varint; return its value and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise FormatError(NOT_ONNX)


def _encoded(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _encoded(high) if high else bytes([low])
