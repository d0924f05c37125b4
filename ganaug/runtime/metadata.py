"""The metadata of a model file: the JSON in its ONNX property ``ganaug``, validated because the file is untrusted."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from ganaug.data.json_checks import is_int, is_text, is_unicode
from ganaug.data.labels import Label, is_label
from ganaug.data.modalities import MODALITIES
from ganaug.errors import FormatError
from ganaug.runtime.dose import is_dose
from ganaug.runtime.noise import is_parts

FORMAT_VERSION = 1  # of the metadata

_MAX_JSON_BYTES = 64 * 2**20  # an untrusted file must not fill the memory
_MAX_CLASSES = 100_000  # for the same reason
_MAX_NOISE = 4096  # numbers of a noise vector, for the same reason
_MAX_VALUES = 1_000_000  # of lists and objects in the JSON; each takes time
_OPTIONAL = {"space", "screen", "dose", "noise_parts"}
"""Fields that a file may lack, for instance because an earlier version wrote it."""
_MAX_DEPTH = 20
"""Levels of nesting in the JSON."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Everything in a model file besides its network; `FormatError` if a value is not valid.

    `noise_dim` is the width of the input ``noise``; `classes` has the labels in the order of the input ``label``;
    `class_counts` the number of training samples of each. `schema` describes the samples: height, width and channels of
    images, the columns of a table (`SampleFormat.from_schema` checks it). `versions` names the libraries that made the
    file, `training` is a summary of the training in any JSON, and `fingerprint` the SHA-256 of the training data in
    hexadecimal digits. `space` names what the generator learned, where there is a choice: "pixels" or "latent" for
    images. `screen`, if the model has a classifier, holds ``thresholds``: for each class, the smallest
    ``agreement`` of a screened sample, from 0 to 1. `dose`, if the fit measured one or says why
    not, has the fields of a `ganaug.runtime.dose.Dose`. `noise_parts` names the parts of a noise vector, from its first
    number to its last: pairs of a name and a length.
    """

    format_version: int = FORMAT_VERSION
    modality: str
    family: str
    classes: Sequence[Label]
    class_counts: Sequence[int]
    noise_dim: int
    schema: Mapping[str, Any]
    versions: Mapping[str, str]
    training: Mapping[str, Any]
    fingerprint: str
    space: str | None = None
    screen: Mapping[str, Any] | None = None
    dose: Mapping[str, Any] | None = None
    noise_parts: Sequence[Sequence[Any]] | None = None

    def __post_init__(self) -> None:
        _check_version(self.format_version)
        # Copies in plain JSON types, so that no later change by the caller can alter what is validated here.
        plain = {field.name: _plain(getattr(self, field.name), field.name) for field in fields(self)}
        for name in ("classes", "class_counts"):
            _require(isinstance(plain[name], list), f"{name} must be a list")
            plain[name] = tuple(plain[name])
        for name in ("schema", "versions", "training"):
            _require(isinstance(plain[name], dict), f"{name} must be an object")
        for name, value in plain.items():
            object.__setattr__(self, name, value)

        _require(
            self.modality in tuple(MODALITIES), f"modality must be {' or '.join(MODALITIES)}, not {self.modality!r:.80}"
        )
        _require(is_text(self.family) and bool(self.family), "family must be a short text")
        _require(self.space is None or is_text(self.space), "space must be a short text")
        _require(is_int(self.noise_dim, 1, _MAX_NOISE), f"noise_dim must be a whole number from 1 to {_MAX_NOISE}")
        _require(
            isinstance(self.fingerprint, str) and re.fullmatch("[0-9a-f]{64}", self.fingerprint) is not None,
            "fingerprint must be 64 hexadecimal digits",
        )
        self._check_classes()
        _require(all(map(is_text, self.versions.values())), "versions must be short texts")
        if self.screen is not None:
            thresholds = self.screen.get("thresholds") if isinstance(self.screen, dict) else None
            valid = isinstance(thresholds, list) and len(thresholds) == len(self.classes)
            valid = valid and all(type(value) in (int, float) and 0 <= value <= 1 for value in thresholds or ())
            _require(valid, "the thresholds of screen must be one number from 0 to 1 for each class")
        if self.dose is not None:
            rule = "dose must have a sentence, and either no shares or one from 0 to 1 for each class"
            _require(is_dose(self.dose, len(self.classes)), rule)
        if self.noise_parts is not None:
            rule = "noise_parts must be pairs of a name and a length, whose lengths add up to noise_dim"
            _require(is_parts(self.noise_parts, self.noise_dim), rule)

    def _check_classes(self) -> None:
        known = len(self.classes)
        _require(1 <= known <= _MAX_CLASSES, f"there must be 1 to {_MAX_CLASSES:,} classes, not {known:,}")
        for label in self.classes:
            valid = isinstance(label, str | int) and is_label(label)
            _require(valid, f"each class must be a short text, a whole number or true or false, not {label!r:.80}")
        _require(len(set(self.classes)) == known, "the classes must all be different")
        valid = len(self.class_counts) == known and all(is_int(count, 0) for count in self.class_counts)
        _require(valid, "class_counts must be one whole number, 0 or more, for each class")

    def to_dict(self) -> dict[str, Any]:
        """Return a fresh dict of plain JSON types, without the optional ones that are not set."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain: dict[str, Any] = json.loads(json.dumps({name: one for name, one in values.items() if one is not None}))
        return plain

    def to_json(self) -> str:
        """Return the JSON text for the model file; `FormatError` if it is larger than `from_json` accepts."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
        _require(len(text.encode()) <= _MAX_JSON_BYTES, f"it is larger than {_MAX_JSON_BYTES:,} bytes")
        return text

    @classmethod
    def from_json(cls, text: str | bytes) -> "Metadata":
        """Read untrusted JSON, the value of the model file's property ``ganaug``. Unknown keys are ignored.

        `FormatError` if it is not JSON, too large, of a newer format or incomplete, or has an invalid value.
        """
        _require(len(text) <= _MAX_JSON_BYTES, f"it is larger than {_MAX_JSON_BYTES:,} bytes")
        separators = text.count(",") if isinstance(text, str) else text.count(b",")
        _require(separators < _MAX_VALUES, f"it must have at most {_MAX_VALUES:,} values")
        try:
            state = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise FormatError("The metadata of this model is not valid JSON.") from error
        _require(isinstance(state, dict), "it is not a JSON object")
        # The version comes first, because a newer format may differ in everything else.
        _check_version(state.get("format_version"))
        known = {field.name for field in fields(cls)}
        missing = known - _OPTIONAL - state.keys()
        _require(not missing, f"it lacks {', '.join(sorted(missing))}")
        return cls(**{name: value for name, value in state.items() if name in known})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_version(version: object) -> None:
    _require(is_int(version, 1), "format_version must be a whole number, 1 or more")
    if version != FORMAT_VERSION:
        raise FormatError(
            f"This model has format version {version} and this ganaug reads version {FORMAT_VERSION}: upgrade ganaug."
        )


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise FormatError(f"The metadata of this model is not valid: {rule}.")


def _plain(value: object, where: str, depth: int = 0) -> Any:
    """Copy a JSON value into plain Python types; `FormatError` if JSON cannot hold it."""
    _require(depth <= _MAX_DEPTH, f"{where} is nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        _require(is_unicode(value), f"{where} holds text that is not Unicode")
        return str(value)
    if isinstance(value, int):
        _require(is_int(int(value)), f"{where} holds a number beyond 64 bits")
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
