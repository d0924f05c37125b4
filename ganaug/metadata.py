"""What a model file says about itself: the JSON in its ONNX property ``ganaug``, read without trusting a byte of it."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from ganaug.errors import FormatError

__all__ = ["FORMAT_VERSION", "PROPERTY", "Label", "Metadata", "only_outputs", "output_names", "read_property"]

Label = str | int | bool

FORMAT_VERSION = 1
PROPERTY = "ganaug"

_MAX_JSON_BYTES = 4 * 2**20
_MAX_CLASSES = 100_000
_MAX_SIDE = 4096
_MAX_NOISE = 4096
_MAX_TEXT = 1000
_MAX_DEPTH = 20
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Everything that a generator's file says besides its weights. It is validated whenever one is made.

    Parameters
    ----------
    modality : {"image", "table"}
        What the generator makes.
    family : str
        The kind of model: "gan", "vae", ...
    classes : sequence of str, int or bool
        The class labels, in the order of the ONNX input ``label``.
    class_counts : sequence of int
        How many training samples each class had.
    noise_dim : int
        Width of the ONNX input ``noise``, 1 to 4096.
    schema : mapping
        Images: ``height``, ``width``, ``channels``. Tables: the column schema, which the table codec checks.
    versions : mapping of str to str
        The versions of the libraries that made the file.
    training : mapping
        A summary of the training; any JSON.
    fingerprint : str
        sha256 of the training data, 64 hexadecimal digits.
    screen : mapping, optional
        ``thresholds``: for each class, the smallest ``agreement`` that a screened sample needs, from 0 to 1.
    format_version : int
        Version of this format.

    Raises
    ------
    FormatError
        If any of that does not hold.

    Examples
    --------
    >>> metadata = Metadata(
    ...     modality="image", family="gan", classes=["cat", "dog"], class_counts=[100, 5], noise_dim=64,
    ...     schema={"height": 32, "width": 32, "channels": 3}, versions={"torch": "2.13.0"},
    ...     training={"steps": 3200}, fingerprint="0" * 64)
    >>> Metadata.from_json(metadata.to_json()) == metadata
    True
    """

    modality: str
    family: str
    classes: Sequence[Label]
    class_counts: Sequence[int]
    noise_dim: int
    schema: Mapping[str, Any]
    versions: Mapping[str, str]
    training: Mapping[str, Any]
    fingerprint: str
    screen: Mapping[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        _check_version(self.format_version)
        # Copies of plain JSON types only, so that nothing the caller does later changes what was checked here.
        plain = {field.name: _plain(getattr(self, field.name), field.name) for field in fields(self)}
        for name in ("classes", "class_counts"):
            _require(isinstance(plain[name], list), f"{name} must be a list")
            plain[name] = tuple(plain[name])
        for name in ("schema", "versions", "training"):
            _require(isinstance(plain[name], dict), f"{name} must be an object")
        for name, value in plain.items():
            object.__setattr__(self, name, value)

        _require(self.modality in ("image", "table"), f"modality must be image or table, not {_short(self.modality)}")
        _require(_is_text(self.family) and bool(self.family), "family must be a short text")
        _require(_is_int(self.noise_dim, 1, _MAX_NOISE), f"noise_dim must be a whole number from 1 to {_MAX_NOISE}")
        _require(
            isinstance(self.fingerprint, str) and re.fullmatch("[0-9a-f]{64}", self.fingerprint) is not None,
            "fingerprint must be 64 hexadecimal digits",
        )
        self._check_classes()
        _require(all(_is_text(version) for version in self.versions.values()), "versions must be short texts")
        if self.modality == "image":
            for side in ("height", "width"):
                good = _is_int(self.schema.get(side), 1, _MAX_SIDE)
                _require(good, f"the image {side} must be a whole number from 1 to {_MAX_SIDE}")
            channels = self.schema.get("channels")
            _require(_is_int(channels, 1, 4) and channels != 2, "the image channels must be 1, 3 or 4")
        if self.screen is not None:
            self._check_screen(self.screen)

    def _check_classes(self) -> None:
        known = len(self.classes)
        _require(1 <= known <= _MAX_CLASSES, f"there must be 1 to {_MAX_CLASSES:,} classes, not {known:,}")
        for label in self.classes:
            good = _is_text(label) and "\0" not in str(label) if isinstance(label, str) else isinstance(label, int)
            _require(good, f"each class must be a short text, a whole number or true or false, not {_short(label)}")
        _require(len(set(self.classes)) == known, "the classes must all be different")
        good = len(self.class_counts) == known and all(_is_int(count, 0, _INT64[-1]) for count in self.class_counts)
        _require(good, "class_counts must be one whole number, 0 or more, for each class")

    def _check_screen(self, screen: Mapping[str, Any]) -> None:
        thresholds = screen.get("thresholds") if isinstance(screen, dict) else None
        good = isinstance(thresholds, list) and len(thresholds) == len(self.classes)
        good = good and all(type(value) in (int, float) and 0 <= value <= 1 for value in thresholds or ())
        _require(good, "the thresholds of screen must be one number from 0 to 1 for each class")

    def to_dict(self) -> dict[str, Any]:
        """Return the same as a fresh dict of plain JSON types; ``screen`` is left out where there is none."""
        names = ["format_version", *(field.name for field in fields(self) if field.name != "format_version")]
        if self.screen is None:
            names.remove("screen")
        return {name: _plain(getattr(self, name), name) for name in names}

    def to_json(self) -> str:
        """Return the JSON text for the model file.

        Raises
        ------
        FormatError
            If it is larger than a reader would accept.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
        _require(len(text.encode()) <= _MAX_JSON_BYTES, f"it is larger than {_MAX_JSON_BYTES:,} bytes")
        return text

    @classmethod
    def from_json(cls, text: str | bytes) -> "Metadata":
        """Read untrusted JSON.

        Parameters
        ----------
        text : str or bytes
            The value of the model file's property ``ganaug``.

        Raises
        ------
        FormatError
            If it is not JSON, too large, of a newer format, incomplete, or says something impossible. Keys that this
            version does not know are ignored.
        """
        _require(len(text) <= _MAX_JSON_BYTES, f"it is larger than {_MAX_JSON_BYTES:,} bytes")
        try:
            state = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise FormatError("The metadata of this model is not valid JSON.") from error
        _require(isinstance(state, dict), "it is not a JSON object")
        # First of all, since a newer format may well look wrong in every other respect.
        _check_version(state.get("format_version"))
        known = {field.name for field in fields(cls)}
        missing = known - {"screen"} - state.keys()
        _require(not missing, f"it lacks {', '.join(sorted(missing))}")
        return cls(**{name: value for name, value in state.items() if name in known})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_version(version: object) -> None:
    _require(_is_int(version, 1, _INT64[-1]), "format_version must be a whole number, 1 or more")
    if version != FORMAT_VERSION:
        raise FormatError(
            f"This model has format version {version} and this ganaug reads version {FORMAT_VERSION}: upgrade ganaug."
        )


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise FormatError(f"The metadata of this model is not valid: {rule}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _is_int(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def _plain(value: object, where: str, depth: int = 0) -> Any:
    """Copy a JSON value into plain Python types, and refuse what JSON cannot hold."""
    _require(depth <= _MAX_DEPTH, f"{where} is nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _require(not any("\ud800" <= char <= "\udfff" for char in value), f"{where} holds text that is not Unicode")
        return str(value)
    if isinstance(value, int):
        _require(value in _INT64, f"{where} holds a number beyond 64 bits")
        return int(value)
    if isinstance(value, float):
        _require(math.isfinite(value), f"{where} holds a number that is not finite")
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(item, where, depth + 1) for item in value]
    if isinstance(value, Mapping):
        _require(all(isinstance(key, str) for key in value), f"{where} has a key that is not text")
        return {_plain(key, where): _plain(item, where, depth + 1) for key, item in value.items()}
    raise FormatError(f"The metadata of this model is not valid: {where} holds a {type(value).__name__}, not JSON.")


# Which fields of ONNX's protobuf messages are messages to look into, as (message, field number) -> message.
_INSIDE = {
    ("model", 7): "graph",
    ("model", 8): "opset",
    ("model", 14): "property",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("graph", 15): "sparse tensor",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 10): "tensor",
    ("attribute", 22): "sparse tensor",
    ("attribute", 23): "sparse tensor",
    ("sparse tensor", 1): "tensor",
    ("sparse tensor", 2): "tensor",
}
# What ganaug never writes and will not run; control flow is among it because a hostile loop need not end.
_REFUSED = {
    ("tensor", 13): "weights in other files",
    ("tensor", 14): "weights in other files",
    ("attribute", 6): "control flow",
    ("attribute", 11): "control flow",
    ("model", 20): "training graphs",
    ("model", 25): "functions of its own",
}
_DOMAINS = {("opset", 1), ("node", 7)}
_MAX_FIELDS = 2_000_000
_NOT_ONNX = "This is not an ONNX model, or it is damaged or cut short."

Field = tuple[int, int | memoryview, memoryview]


def read_property(model: bytes) -> bytes:
    """Find the property ``ganaug`` of an untrusted ONNX model, and refuse what would make the model unsafe to run.

    Nothing is executed, and neither ONNX nor protobuf is needed: the wire format is read directly.

    Parameters
    ----------
    model : bytes
        The content of the file.

    Returns
    -------
    bytes
        The value of the property, not yet validated.

    Raises
    ------
    FormatError
        If this is not a whole ONNX model, or keeps weights in other files, or has custom operators, control flow or
        functions, or was not written by ganaug.
    """
    properties: list[bytes] = []
    visited = 0
    pending = [("model", memoryview(model))]
    while pending:
        kind, message = pending.pop()
        texts = {}
        for number, value, _ in _fields(message):
            visited += 1
            if visited > _MAX_FIELDS:
                raise FormatError("The model has more parts than any that ganaug writes.")
            here = (kind, number)
            if here in _INSIDE:
                pending.append((_INSIDE[here], _part(value)))
            elif here in _REFUSED and value != 0:
                raise FormatError(f"The model has {_REFUSED[here]}, which ganaug neither writes nor runs.")
            elif here in _DOMAINS and bytes(_part(value)) not in (b"", b"ai.onnx"):
                domain = bytes(_part(value)).decode(errors="replace")
                raise FormatError(f"The model has custom operators ({_short(domain)}), which ganaug does not run.")
            elif kind == "property":
                texts[number] = bytes(_part(value))
        if texts.get(1) == PROPERTY.encode():
            properties.append(texts.get(2, b""))
    if len(properties) != 1:
        raise FormatError("The model was not written by ganaug: it needs one metadata property named ganaug.")
    return properties[0]


def output_names(model: bytes) -> list[str]:
    """List the outputs of an ONNX model that `read_property` has accepted."""
    return [_name(value).decode(errors="replace") for number, value, _ in _graph(model) if number == 12]


def only_outputs(model: bytes, outputs: Sequence[str]) -> bytes:
    """Cut an ONNX model down to some outputs and the nodes they need.

    ONNX Runtime runs every node of a graph, even for outputs that nobody asks for: images would cost as much as images
    and the discriminator's opinion of them.

    Parameters
    ----------
    model : bytes
        A model that `read_property` has accepted.
    outputs : sequence of str
        The outputs to keep.

    Returns
    -------
    bytes
        The smaller model.
    """
    needed = {name.encode() for name in outputs}
    kept = []
    for number, value, whole in reversed(_graph(model)):  # a node stands after those it needs
        if number == 12 and _name(value) not in needed:
            continue
        if number == 1:
            names = [(key, bytes(_part(part))) for key, part, _ in _fields(_part(value)) if key in (1, 2)]
            if needed.isdisjoint(name for key, name in names if key == 2):
                continue
            needed.update(name for key, name in names if key == 1)
        kept.append(whole)
    graph = b"".join(reversed(kept))
    rest = b"".join(whole for number, _, whole in _fields(memoryview(model)) if number != 7)
    return rest + b"\x3a" + _encoded(len(graph)) + graph  # 0x3a: field 7, a message


def _fields(message: memoryview) -> Iterator[Field]:
    """Take a protobuf message apart: the number, value (an int, or bytes) and whole encoding of each field."""
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = _decoded(message, position)
        number, kind = tag >> 3, tag & 7
        # Protobuf drops the bits of a tag beyond 32: a larger one could be a field in disguise.
        if number == 0 or tag >= 2**32 or kind not in (0, 1, 2, 5):
            raise FormatError(_NOT_ONNX)
        value: int | memoryview
        length = {1: 8, 5: 4}.get(kind)
        if length is None:
            length, position = _decoded(message, position)
        if kind == 0:
            value = length
        elif length <= end - position:
            value = message[position : position + length]
            position += length
        else:
            raise FormatError(_NOT_ONNX)
        yield number, value, message[start:position]


def _part(value: int | memoryview) -> memoryview:
    """Insist on a value that is text or a message."""
    if isinstance(value, int):
        raise FormatError(_NOT_ONNX)
    return value


def _graph(model: bytes) -> list[Field]:
    graphs = (_part(value) for number, value, _ in _fields(memoryview(model)) if number == 7)
    return [field for graph in graphs for field in _fields(graph)]


def _name(output: int | memoryview) -> bytes:
    return b"".join(bytes(_part(text)) for number, text, _ in _fields(_part(output)) if number == 1)


def _decoded(message: memoryview, position: int) -> tuple[int, int]:
    """Read a protobuf varint: its value, and where the next thing starts."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise FormatError(_NOT_ONNX)


def _encoded(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _encoded(high) if high else bytes([low])
