"""The metadata of a model file are validated in full before they are used."""

import json
from typing import Any

import onnx
import pytest

from ganaug.data.sample_format import format_of
from ganaug.errors import FormatError
from ganaug.runtime import onnx_file as module
from ganaug.runtime.metadata import Metadata
from ganaug.runtime.onnx_file import read_property

REMOVED = object()


def state(**changes: Any) -> dict[str, Any]:
    """Valid metadata as plain JSON, with some keys changed or removed."""
    base: dict[str, Any] = {
        "format_version": 1,
        "modality": "image",
        "family": "gan",
        "classes": ["cat", "dog", "owl"],
        "class_counts": [100, 20, 5],
        "noise_dim": 64,
        "schema": {"height": 32, "width": 16, "channels": 3},
        "versions": {"ganaug": "0.1.0", "torch": "2.13.0"},
        "training": {"steps": 3200, "alarms": [], "kept": {"step": 3000, "score": 0.5}},
        "fingerprint": "0123456789abcdef" * 4,
    }
    return {key: value for key, value in (base | changes).items() if value is not REMOVED}


def test_it_comes_back_as_it_went() -> None:
    metadata = Metadata(**state(screen={"thresholds": [0.5, 0, 1]}))
    again = Metadata.from_json(metadata.to_json())
    assert again == metadata
    assert again.to_dict() == state(screen={"thresholds": [0.5, 0, 1]})
    assert Metadata.from_json(metadata.to_json().encode()) == metadata
    assert "screen" not in Metadata(**state()).to_dict()


@pytest.mark.parametrize(
    "classes", [["a", "b", "c"], [0, -1, 2**63 - 1], [1, "1", "true"], ["數", "\U0001f44d", "e\u0301"]]
)
def test_classes_keep_their_types(classes: list[Any]) -> None:
    again = Metadata.from_json(Metadata(**state(classes=classes)).to_json())
    assert list(again.classes) == classes
    assert [type(label) for label in again.classes] == [type(label) for label in classes]


def test_truth_values_stay_truth_values() -> None:
    again = Metadata.from_json(Metadata(**state(classes=[False, True], class_counts=[9, 1])).to_json())
    assert again.classes[0] is False
    assert again.classes[1] is True


@pytest.mark.parametrize("name", ["../../etc/passwd", "/", "..", "C:\\", "\x1b[31m", "con", "a\nb", "", "x" * 1000])
def test_a_class_name_is_data_whatever_it_looks_like(name: str) -> None:
    assert Metadata.from_json(json.dumps(state(classes=[name, "dog", "owl"]))).classes[0] == name


def test_what_was_checked_cannot_be_changed_later() -> None:
    raw = state()
    metadata = Metadata(**raw)
    raw["classes"].append("cuckoo")
    raw["schema"]["height"] = -1
    raw["training"]["kept"]["step"] = float("nan")
    metadata.to_dict()["schema"]["height"] = -2
    assert metadata == Metadata(**state())
    with pytest.raises(AttributeError):
        metadata.noise_dim = 5  # type: ignore[misc]


def test_keys_of_a_later_minor_version_are_ignored() -> None:
    assert Metadata.from_json(json.dumps(state(mood="sunny"))) == Metadata(**state())


def test_a_table_brings_its_own_schema() -> None:
    schema = {"columns": [{"name": "age", "kind": "numeric", "unit": None}]}
    assert Metadata.from_json(json.dumps(state(modality="table", schema=schema))).schema == schema


def test_many_classes_are_welcome() -> None:
    many = 100_000
    raw = state(classes=list(range(many)), class_counts=[1] * many)
    assert len(Metadata.from_json(Metadata(**raw).to_json()).classes) == many


HOSTILE: list[tuple[str, Any]] = [
    *((key, REMOVED) for key in state()),
    *((key, None) for key in state()),
    *((key, [[[]]]) for key in state()),
    *((key, -1) for key in state()),
    *((key, "x" * 1001) for key in state()),
    ("format_version", 0),
    ("format_version", 1.0),
    ("format_version", True),
    ("format_version", "1"),
    ("format_version", 2),
    ("format_version", 10**400),
    ("modality", "audio"),
    ("modality", ["image"]),
    ("family", ""),
    ("classes", []),
    ("classes", "cat"),
    ("classes", {"cat": 0, "dog": 1, "owl": 2}),
    ("classes", ["cat", "cat", "dog"]),
    ("classes", [1, True, 2]),
    ("classes", [0.5, 1.5, 2.5]),
    ("classes", [None, "dog", "owl"]),
    ("classes", [["cat"], "dog", "owl"]),
    ("classes", ["\ud800", "dog", "owl"]),
    ("classes", ["nul\0", "dog", "owl"]),
    ("classes", ["x" * 1001, "dog", "owl"]),
    ("classes", [2**63, "dog", "owl"]),
    ("classes", list(range(100_001))),
    ("class_counts", [100, 20]),
    ("class_counts", [100, 20, -1]),
    ("class_counts", [100, 20, 5.0]),
    ("class_counts", [100, 20, True]),
    ("class_counts", [100, 20, 2**63]),
    ("class_counts", {"cat": 100}),
    ("noise_dim", 0),
    ("noise_dim", 4097),
    ("noise_dim", 64.0),
    ("noise_dim", "64"),
    ("noise_dim", True),
    ("versions", {"torch": 2}),
    ("versions", {"torch": "x" * 1001}),
    ("versions", ["torch"]),
    ("training", "well"),
    ("training", {"loss": float("inf")}),
    ("training", {"loss": float("nan")}),
    ("training", {"seed": 2**64}),
    ("fingerprint", "0" * 63),
    ("fingerprint", "0" * 65),
    ("fingerprint", "g" * 64),
    ("fingerprint", "A" * 64),
    ("fingerprint", "0" * 64 + "\n"),
    *(
        ("noise_parts", parts)
        for parts in ([], [["pose", 63]], [["pose", 64.0]], "pose", {"pose": 64}, [["a", 1]] * 64)
    ),
    ("screen", []),
    ("screen", {}),
    ("screen", {"thresholds": 0.5}),
    ("screen", {"thresholds": [0.5, 0.5]}),
    ("screen", {"thresholds": [0.5, 0.5, 1.5]}),
    ("screen", {"thresholds": [0.5, 0.5, -0.1]}),
    ("screen", {"thresholds": [0.5, 0.5, "0.5"]}),
    ("screen", {"thresholds": [0.5, 0.5, True]}),
    ("screen", {"thresholds": [0.5, 0.5, float("nan")]}),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_nonsense_is_refused_in_one_sentence(key: str, value: Any) -> None:
    raw = state(**{key: value})
    with pytest.raises(FormatError) as caught:
        Metadata.from_json(json.dumps(raw))
    message = str(caught.value)
    assert message.startswith(("The metadata of this model", "This model has format version"))
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 300
    if value is not REMOVED:
        with pytest.raises(FormatError):
            Metadata(**raw)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"height": 32, "width": 32},
        {"height": 0, "width": 32, "channels": 3},
        {"height": 32, "width": 4097, "channels": 3},
        {"height": 32, "width": "32", "channels": 3},
        {"height": 32, "width": 32, "channels": 2},
        {"height": 32, "width": 32, "channels": 5},
        {"height": 32, "width": 32.5, "channels": 3},
    ],
)
def test_image_sizes_are_checked_by_the_format_of_the_samples(schema: dict[str, Any]) -> None:
    with pytest.raises(FormatError) as caught:
        format_of("image", Metadata.from_json(json.dumps(state(schema=schema))).schema)
    message = str(caught.value)
    assert message.startswith("The metadata of this model is not valid: the image ")
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "1",
        '"ganaug"',
        "NaN",
        "\0",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format_version": ' + "9" * 10_000 + "}",
        json.dumps(state()).replace("3200", "1e999"),
        json.dumps(state()).replace("3200", "NaN"),
        json.dumps(state()).replace("3200", "-Infinity"),
        json.dumps(state()).replace("3200", "[" * 50 + "]" * 50),
        json.dumps(state())[:-1],
        json.dumps(state()) + "}",
    ],
    ids=range(17),
)
def test_what_is_not_sound_json_is_refused(text: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(FormatError, match="metadata of this model"):
            Metadata.from_json(form)


@pytest.mark.parametrize("junk", [b"\xff\xfe\x00", b"\x80abc", b"\xef\xbb\xbf{"])
def test_bytes_that_are_no_text_are_refused(junk: bytes) -> None:
    with pytest.raises(FormatError):
        Metadata.from_json(junk)


def test_a_newer_format_says_so_before_anything_else() -> None:
    with pytest.raises(FormatError, match="format version 2 and this ganaug reads version 1: upgrade ganaug"):
        Metadata.from_json('{"format_version": 2, "everything": "different"}')


@pytest.mark.slow
def test_large_metadata_are_refused_on_both_sides() -> None:
    with pytest.raises(FormatError, match="larger than"):
        Metadata.from_json(json.dumps(state(training={"notes": "x" * 2**26})))
    with pytest.raises(FormatError, match="larger than"):
        Metadata(**state(training={"notes": ["x" * 2**20] * 65})).to_json()


def test_values_that_are_not_json_are_refused_where_they_are_made() -> None:
    with pytest.raises(FormatError, match="training holds a set, not JSON"):
        Metadata(**state(training={"steps": {1}}))
    with pytest.raises(FormatError, match="training has a key that is not text"):
        Metadata(**state(training={1: 2}))


def test_the_scan_knows_every_place_where_onnx_keeps_tensors_graphs_and_operators() -> None:
    """The schema comes from ONNX itself, so that a new field in a later version of ONNX fails here."""
    kinds = {
        "ModelProto": "model",
        "OperatorSetIdProto": "opset",
        "GraphProto": "graph",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "TensorProto": "tensor",
        "SparseTensorProto": "sparse tensor",
        "TrainingInfoProto": "training",
        "FunctionProto": "function",
    }
    for message, kind in kinds.items():
        if kind in {"training", "function", "sparse tensor"}:
            continue  # refused whole, so nothing inside can matter
        for field in getattr(onnx, message).DESCRIPTOR.fields:
            inner = kinds.get(field.message_type.name) if field.message_type else None
            if inner is not None:
                here = (kind, field.number)
                assert module._INSIDE.get(here) == inner or here in module._REFUSED, f"{message}.{field.name}"
            if field.name in {"external_data", "data_location"}:
                assert (kind, field.number) in module._REFUSED
            if field.name == "domain" and kind != "model":
                assert (kind, field.number) in module._DOMAINS


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\x00",
        b"ganaug",
        b"\x3a\xff\xff\xff\xff\x0f",  # a graph that is longer than the file
        b"\x3a" + b"\x80" * 20,  # a length without an end
        b"\x3b\x3c",  # a protobuf group
        b"\xba\x80\x80\x80\x10\x00",  # field 7 with a bit beyond the 32 that protobuf reads
        b"\x38\x01",  # a number where the graph should be
        b"\x72\x02\x08\x01",  # a number where a property's name should be
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"ORTM" * 100,
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_what_is_not_onnx_is_refused(junk: bytes) -> None:
    with pytest.raises(FormatError, match=r"not an ONNX model|not written by ganaug"):
        read_property(junk)


def test_a_file_of_crumbs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_FIELDS", 1000)
    with pytest.raises(FormatError, match="at most 1,000 parts, but this has more parts"):
        read_property(b"\x08\x01" * 2000)
