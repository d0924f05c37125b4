"""The registry of modalities: the kinds of data that ganaug knows, one line each.

Each line names the module that stands for a kind of data in every room that has to know it: its folder in `ganaug.data`
(`dataset`, `sample_format`), its module in `ganaug.networks` (how networks see it), in `ganaug.evaluation.trials` (how
a classifier is trained on it) and in `ganaug.cli` (how it is read and written). Modules are imported when they are
first needed.
"""

from importlib import import_module
from typing import Any

__all__ = ["MODALITIES", "part_of"]

MODALITIES = {
    "image": "images",
    "table": "tables",
}


def part_of(modality: str, place: str) -> Any:
    """Import what stands for a kind of data in a room.

    Parameters
    ----------
    modality : str
        A key of `MODALITIES`.
    place : str
        A room or package of `ganaug`, with ``{}`` where the name of the kind of data belongs.

    Examples
    --------
    >>> part_of("table", "data.{}.dataset").LabelledTable.modality
    'table'
    """
    return import_module(f"ganaug.{place.format(MODALITIES[modality])}")
