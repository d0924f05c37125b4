"""What a report shows: some real and synthetic items, a walk, the closest pairs, a quiz, distributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.dataset import Dataset
from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.dataset import LabelledTable
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.metrics.columns import column_values
from ganaug.evaluation.metrics.copies import CopyScan

__all__ = ["exhibits_of", "walk_of"]

CLASSES, PER_CLASS = 20, 8
PAIRS, PER_CLASS_PAIRS = 12, 3
QUIZ = 20
FRAMES = 12
MOST_VALUES = 2_000


def exhibits_of(
    real: Dataset, synthetic: Dataset, train: Dataset, scan: CopyScan | None, *, walk: dict[str, Any], seed: int = 0
) -> Exhibits:
    """Choose what is shown.

    Parameters
    ----------
    real : LabelledImages or LabelledTable
        Not trained on: beside the samples, and in the quiz.
    synthetic : LabelledImages or LabelledTable
        The samples that `scan` judged, of a generator trained on `train`.
    train : LabelledImages or LabelledTable
        Where the closest real items are.
    scan : CopyScan or None
    walk : dict
        As `walk_of` returns it.
    seed : int
        Chooses and shuffles.
    """
    rng = np.random.default_rng([seed, 5])
    shown = _shown_classes(train)
    sides = [
        {
            str(train.classes[c]): data.items(rng.permutation(np.flatnonzero(data.labels == c))[:PER_CLASS])
            for c in shown
        }
        for data in (real, synthetic)
    ]
    return Exhibits(
        real=sides[0],
        synthetic=sides[1],
        walk=walk,
        closest=_closest(synthetic, train, scan) if scan is not None else (),
        quiz=_quiz(real, synthetic, rng),
        distributions=_distributions(real, synthetic, rng) if isinstance(real, LabelledTable) else (),
    )


def walk_of(generator: Any, data: Dataset, *, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Return frames of a walk through the latent space for each class shown; images only, if the generator can."""
    if data.modality != "image" or not hasattr(generator, "walk"):
        return {}
    return {str(data.classes[c]): generator.walk(data.classes[c], FRAMES, [seed, int(c)]) for c in _shown_classes(data)}


def _shown_classes(data: Dataset) -> list[int]:
    """Return the classes that are shown: all or, of many, the rarest half and the commonest half of what fits."""
    counts = np.bincount(data.labels, minlength=len(data.classes))
    if len(counts) <= CLASSES:
        return list(range(len(counts)))
    order = np.argsort(counts, kind="stable")
    return sorted([*order[: CLASSES // 2].tolist(), *order[-(CLASSES // 2) :].tolist()])


def _closest(synthetic: Dataset, train: Dataset, scan: CopyScan) -> list[tuple[str, Any, Any, float]]:
    """Return the closest pairs, no more than a few of one class and none twice."""
    pairs: list[tuple[str, Any, Any, float]] = []
    taken: dict[int, int] = {}
    used: set[int] = set()
    for row in np.argsort(scan.distance, kind="stable"):
        label, nearest = int(synthetic.labels[row]), int(scan.nearest[row])
        if taken.get(label, 0) < PER_CLASS_PAIRS and nearest not in used:
            taken[label] = taken.get(label, 0) + 1
            used.add(nearest)
            name, distance = str(synthetic.classes[label]), float(scan.distance[row])
            pairs.append((name, train.item(nearest), synthetic.item(int(row)), distance))
        if len(pairs) == PAIRS:
            break
    return pairs


def _quiz(real: Dataset, synthetic: Dataset, rng: np.random.Generator) -> list[tuple[Any, bool]]:
    """Return as many real as synthetic items, of the same classes, in random order."""
    count = min(QUIZ, len(real.labels), len(synthetic.labels))
    items: list[tuple[Any, bool]] = []
    spare = {c: rng.permutation(np.flatnonzero(synthetic.labels == c)).tolist() for c in range(len(real.classes))}
    for row in rng.permutation(len(real.labels)):
        own = spare[int(real.labels[row])]
        if own and len(items) < 2 * count:
            items += [(real.item(int(row)), True), (synthetic.item(own.pop()), False)]
    return [items[i] for i in rng.permutation(len(items))]


def _distributions(real: LabelledTable, synthetic: Dataset, rng: np.random.Generator) -> Sequence[dict[str, Any]]:
    """Return the values of every column: of some real rows, and of as many synthetic ones of the same classes."""
    assert isinstance(synthetic, LabelledTable)  # noqa: S101
    rows = rng.permutation(len(real.labels))[:MOST_VALUES]
    drawn = [
        rng.choice(np.flatnonzero(synthetic.labels == c), count)
        for c, count in enumerate(np.bincount(real.labels[rows]))
        if (synthetic.labels == c).any()
    ]
    frames = real.frame.iloc[rows], synthetic.frame.iloc[np.concatenate(drawn)]
    codec, found = real.codec, []
    for column, *values in zip(codec.columns, *(column_values(frame, codec) for frame in frames), strict=True):
        if isinstance(column, CategoryColumn):
            names = np.array([*map(str, column.categories), "another", "missing"], dtype=object)
            values = [names[codes] for codes in values]  # -1 and -2 are the last two
        elif column.kind == "datetime":
            values = [frame[column.name] for frame in frames]
        found.append({"name": str(column.name), "kind": column.kind, "real": values[0], "synthetic": values[1]})
    return found
