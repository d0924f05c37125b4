"""What a report shows besides its figures: pictures, rows and distributions, as plain numpy and pandas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Exhibits:
    """The exhibits of an evaluation; each may be empty.

    Attributes
    ----------
    real, synthetic : mapping of str to ndarray or DataFrame
        For each class uint8 images of shape (n, H, W, C), or rows of a table.
    walk : mapping of str to ndarray of shape (n, H, W, C), uint8
        For each class the frames of a walk through the latent space; images only.
    closest : sequence of (class name, real item, synthetic item, distance)
        Synthetic items, each with the real item nearest to it, closest first. Unit of the distance: the median distance
        from a real item to the nearest other one.
    quiz : sequence of (item, bool)
        Shuffled items, uint8 images or dicts from column to text, each with whether it is real.
    distributions : sequence of mapping
        For each column of a table ``name``, ``kind`` and the arrays ``real`` and ``synthetic``.
    """

    real: Mapping[str, Any] = field(default_factory=dict)
    synthetic: Mapping[str, Any] = field(default_factory=dict)
    walk: Mapping[str, Any] = field(default_factory=dict)
    closest: Sequence[tuple[str, Any, Any, float]] = ()
    quiz: Sequence[tuple[Any, bool]] = ()
    distributions: Sequence[Mapping[str, Any]] = ()
