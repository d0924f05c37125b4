"""The registry of modalities: the kinds of data that ganaug supports, one line each.

A modality has one module, or one folder, of the same name in each package that depends on the kind of data:

- `ganaug.data`: its folder with `dataset` and `sample_format`;
- `ganaug.networks`: how networks see it;
- `ganaug.evaluation.trials`: how a classifier is trained on it;
- `ganaug.integrations.torch`: how its samples become items of a dataset;
- `ganaug.cli`: how it is read and written.

These modules are imported when they are first needed.
"""

from importlib import import_module
from typing import Any

MODALITIES = {
    "image": "images",
    "table": "tables",
    "signal": "signals",
    "clip": "clips",
}

SPACES = ("auto", "pixels", "latent")
"""What a generator of images may learn: pixels, or the latents of the shipped autoencoder."""


def part_of(modality: str, place: str) -> Any:
    """Import the module of a modality at a `place` inside `ganaug`, with ``{}`` for the name of the modality's module.

    Examples
    --------
    >>> part_of("table", "data.{}.dataset").LabelledTable.modality
    'table'
    """
    return import_module(f"ganaug.{place.format(MODALITIES[modality])}")
