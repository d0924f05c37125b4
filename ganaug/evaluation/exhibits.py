"""The exhibits of a report: some real and synthetic items, a walk, the closest pairs, a quiz, distributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.times import charted
from ganaug.evaluation.metrics.columns import column_values

if TYPE_CHECKING:
    from ganaug.evaluation.metrics.copies import CopyScan

MAX_CLASSES = 20  # with items and a walk; the page shows fewer
ITEMS_PER_CLASS = 8  # of either kind
MAX_PAIRS = 12  # closest pairs
MAX_PAIRS_OF_CLASS = 3  # so that one class does not take all pairs
MAX_QUESTIONS = 20
"""Items of either kind in the quiz."""
FRAMES = 12
"""Frames of a walk."""
MAX_VALUES = 2_000
"""Values of a column that its chart shows: bounds the time."""


@dataclass(frozen=True)
class Exhibits:
    """What a report shows besides its figures, as plain numpy and pandas; each may be empty.

    `closest` has synthetic items, each with the real item nearest to it, closest first. Unit of the distance: the
    median distance from a real item to the nearest other one. A distribution has ``name`` and ``kind`` of a column of a
    table, and the arrays ``real`` and ``synthetic`` of its values.
    """

    real: Mapping[str, Any] = field(default_factory=dict)  # by class, uint8 pictures (n, H, W, C) or rows of a table
    synthetic: Mapping[str, Any] = field(default_factory=dict)  # the same
    walk: Mapping[str, Any] = field(default_factory=dict)  # by class, the frames of a walk, uint8 (n, H, W, C)
    closest: Sequence[tuple[str, Any, Any, float]] = ()  # class, real item, synthetic item, distance
    quiz: Sequence[tuple[Any, bool]] = ()  # an image, or a dict from column to text, and whether it is real; shuffled
    distributions: Sequence[Mapping[str, Any]] = ()


def exhibits_of(
    real: Dataset, synthetic: Dataset, train: Dataset, scan: "CopyScan | None", *, walk: dict[str, Any], seed: int = 0
) -> Exhibits:
    """Choose the exhibits, by chance with this seed.

    `real` are items that the generator has not seen, and `synthetic` are its samples, which `scan` compared with those
    of `train`. `walk` is what `walk_of` returns.
    """
    rng = np.random.default_rng([seed, 5])
    shown = _shown_classes(train)

    def some_of_each(data: Dataset) -> dict[str, Any]:
        rows = [rng.permutation(np.flatnonzero(data.labels == c))[:ITEMS_PER_CLASS] for c in shown]
        return {str(train.classes[c]): data.items(chosen) for c, chosen in zip(shown, rows, strict=True)}

    return Exhibits(
        real=some_of_each(real),
        synthetic=some_of_each(synthetic),
        walk=walk,
        closest=_closest(synthetic, train, scan) if scan is not None else (),
        quiz=_quiz(real, synthetic, rng),
        distributions=_distributions(real, synthetic, rng) if real.columns else (),
    )


def walk_of(generator: Any, data: Dataset, *, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Return for each shown class the frames of a walk through the latent space.

    Empty where the generator has no method `walk`, or where its samples cannot be shown as frames.
    """
    if not data.shows_walks or not hasattr(generator, "walk"):
        return {}
    return {str(data.classes[c]): _frames(generator, data, c, seed) for c in _shown_classes(data)}


def _frames(generator: Any, data: Dataset, label: int, seed: int) -> NDArray[np.uint8]:
    samples = generator.walk(data.classes[label], FRAMES, [seed, int(label)])
    frames: NDArray[np.uint8] = data.like(samples, np.full(FRAMES, label)).items(np.arange(FRAMES))
    return frames


def _shown_classes(data: Dataset) -> list[int]:
    """Return the indices of the classes that are shown; of too many, half are the rarest and half the most frequent."""
    counts = np.bincount(data.labels, minlength=len(data.classes))
    if len(counts) <= MAX_CLASSES:
        return list(range(len(counts)))
    order = np.argsort(counts, kind="stable")
    return sorted([*order[: MAX_CLASSES // 2].tolist(), *order[-(MAX_CLASSES // 2) :].tolist()])


def _closest(synthetic: Dataset, train: Dataset, scan: "CopyScan") -> list[tuple[str, Any, Any, float]]:
    """Return the closest pairs: at most a few of one class, and each real item at most once."""
    pairs: list[tuple[str, Any, Any, float]] = []
    taken = dict.fromkeys(range(len(synthetic.classes)), 0)
    used: set[int] = set()
    for row in np.argsort(scan.distance, kind="stable"):
        label, nearest = int(synthetic.labels[row]), int(scan.nearest[row])
        if taken[label] < MAX_PAIRS_OF_CLASS and nearest not in used:
            taken[label] += 1
            used.add(nearest)
            name, distance = str(synthetic.classes[label]), float(scan.distance[row])
            pairs.append((name, train.item(nearest), synthetic.item(int(row)), distance))
        if len(pairs) == MAX_PAIRS:
            break
    return pairs


def _quiz(real: Dataset, synthetic: Dataset, rng: np.random.Generator) -> list[tuple[Any, bool]]:
    """Return as many real as synthetic items, of the same classes, in random order."""
    count = min(MAX_QUESTIONS, len(real.labels), len(synthetic.labels))
    items: list[tuple[Any, bool]] = []
    spare = {c: rng.permutation(np.flatnonzero(synthetic.labels == c)).tolist() for c in range(len(real.classes))}
    for row in rng.permutation(len(real.labels)):
        of_class = spare[int(real.labels[row])]
        if of_class and len(items) < 2 * count:
            items += [(real.item(int(row)), True), (synthetic.item(of_class.pop()), False)]
    return [items[i] for i in rng.permutation(len(items))]


def _distributions(real: Dataset, synthetic: Dataset, rng: np.random.Generator) -> Sequence[dict[str, Any]]:
    """Return the values of every column, of some real rows and of as many synthetic rows of the same classes."""
    rows = rng.permutation(len(real.labels))[:MAX_VALUES]
    drawn = [
        rng.choice(np.flatnonzero(synthetic.labels == c), count)
        for c, count in enumerate(np.bincount(real.labels[rows]))
        if (synthetic.labels == c).any()
    ]
    frames = real.content.iloc[rows], synthetic.content.iloc[np.concatenate(drawn)]
    columns, found = real.columns, []
    for column, *values in zip(columns, *(column_values(frame, columns) for frame in frames), strict=True):
        if isinstance(column, CategoryColumn):
            names = np.array([*map(str, column.categories), "another", "missing"], dtype=object)
            values = [names[codes] for codes in values]  # the codes -1 and -2 are the last two names
        elif column.kind in ("datetime", "period"):
            values = [charted(frame[column.name]) for frame in frames]
        found.append({"name": str(column.name), "kind": column.kind, "real": values[0], "synthetic": values[1]})
    return found
