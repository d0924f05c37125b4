"""What a report shows: some real and synthetic items, a walk, the closest pairs, a quiz, distributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.category import CategoryColumn
from ganaug.data.tables.dataset import LabelledTable
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.metrics.columns import column_values
from ganaug.evaluation.metrics.copies import CopyScan
from ganaug.evaluation.parts import Data, modality_of

__all__ = ["exhibits_of", "repeated_items", "walk_of"]

CLASSES, PER_CLASS = 20, 8
PAIRS, PER_CLASS_PAIRS = 12, 3
QUIZ = 20
FRAMES = 12
MOST_VALUES = 2_000


def exhibits_of(
    real: Data, synthetic: Data, train: Data, scan: CopyScan | None, *, walk: dict[str, Any], seed: int = 0
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
            str(train.classes[c]): _items(data, rng.permutation(np.flatnonzero(data.labels == c))[:PER_CLASS])
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


def walk_of(generator: Any, data: Data, *, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Return frames of a walk through the latent space for each class shown; images only, if the generator can."""
    if modality_of(data) != "image" or not hasattr(generator, "walk"):
        return {}
    return {str(data.classes[c]): generator.walk(data.classes[c], FRAMES, [seed, int(c)]) for c in _shown_classes(data)}


def _shown_classes(data: Data) -> list[int]:
    """Return the classes that are shown: all or, of many, the rarest half and the commonest half of what fits."""
    counts = np.bincount(data.labels, minlength=len(data.classes))
    if len(counts) <= CLASSES:
        return list(range(len(counts)))
    order = np.argsort(counts, kind="stable")
    return sorted([*order[: CLASSES // 2].tolist(), *order[-(CLASSES // 2) :].tolist()])


def _items(data: Data, rows: NDArray[np.int64]) -> Any:
    return data.images[rows] if isinstance(data, LabelledImages) else data.frame.iloc[rows].reset_index(drop=True)


def _closest(synthetic: Data, train: Data, scan: CopyScan) -> list[tuple[str, Any, Any, float]]:
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
            pairs.append((name, _one(train, nearest), _one(synthetic, int(row)), distance))
        if len(pairs) == PAIRS:
            break
    return pairs


def _one(data: Data, row: int) -> Any:
    return data.images[row] if isinstance(data, LabelledImages) else _texts(data, row)


def _texts(data: LabelledTable, row: int) -> dict[str, str]:
    """Return a row as text, the class last, as a person would read it."""
    cells = {str(name): _text(data.frame.iloc[row, position]) for position, name in enumerate(data.frame.columns)}
    return cells | {data.target: str(data.classes[data.labels[row]])}


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if str(value) in ("None", "<NA>", "NaT", "nan") else str(value)


def _quiz(real: Data, synthetic: Data, rng: np.random.Generator) -> list[tuple[Any, bool]]:
    """Return as many real as synthetic items, of the same classes, in random order."""
    count = min(QUIZ, len(real.labels), len(synthetic.labels))
    items: list[tuple[Any, bool]] = []
    spare = {c: rng.permutation(np.flatnonzero(synthetic.labels == c)).tolist() for c in range(len(real.classes))}
    for row in rng.permutation(len(real.labels)):
        own = spare[int(real.labels[row])]
        if own and len(items) < 2 * count:
            items += [(_one(real, int(row)), True), (_one(synthetic, own.pop()), False)]
    return [items[i] for i in rng.permutation(len(items))]


def _distributions(real: LabelledTable, synthetic: Data, rng: np.random.Generator) -> Sequence[dict[str, Any]]:
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


def repeated_items(data: Data) -> int:
    """Return how many items are the same as an earlier one.

    Examples
    --------
    >>> from ganaug.data.images.dataset import from_arrays
    >>> repeated_items(from_arrays(np.zeros((3, 8, 8)), ["a", "b", "a"]))
    2
    """
    if isinstance(data, LabelledTable):
        return int(data.frame.duplicated().sum())
    return len(data.labels) - len({image.tobytes() for image in data.images})
