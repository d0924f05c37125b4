"""Model files with a dose that a test chooses."""

import json
from collections.abc import Sequence
from typing import Any

import onnx

from ganaug.runtime.generator import Generator


def with_dose(generator: Generator, shares: Sequence[float] | None, **others: Any) -> Generator:
    """Return the generator as if its file recorded a dose of these shares; without a dose for None."""
    model = onnx.load_from_string(generator.to_bytes())
    (claim,) = [prop for prop in model.metadata_props if prop.key == "ganaug"]
    metadata = json.loads(claim.value)
    metadata.pop("dose", None)
    if shares is not None:
        metadata["dose"] = {"sentence": "measured on your images: a test", "shares": list(shares)} | others
    claim.value = json.dumps(metadata)
    return Generator.from_bytes(model.SerializeToString())
