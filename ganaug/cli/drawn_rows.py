"""Rows that the commands draw from a model: screened, piece by piece, of each class apart from the others."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from ganaug.data.tables.table_file import PIECE_ROWS
from ganaug.runtime.generator import Generator

if TYPE_CHECKING:
    from pandas import DataFrame

    from ganaug.data.tables.sample_format import TableFormat

SEEDED_ROWS = 1_000
"""Rows of a class that have seeds of their own: faster than a stream where classes need few rows, slower where many."""


def draw_rows(
    generator: Generator, counts: Mapping[Any, int], seed: int, where: Mapping[Any, Any] | None = None
) -> "Iterator[tuple[DataFrame, list[Any]]]":
    """Yield pieces of rows and their labels. The rows of a class depend neither on their number nor on other classes.

    The first rows of a class have seeds of their own, so that several classes share a piece. The others are a stream,
    as are all rows that must fulfil conditions.
    """
    form, seeded = cast("TableFormat", generator.format), SEEDED_ROWS if where is None else 0
    for is_small, items in groupby(counts.items(), lambda item: item[1] <= seeded):
        for rows, labels in (_seeded if is_small else _streamed)(generator, items, seed, seeded, where):
            yield form.written(rows), labels


def _seeded(generator: Generator, counts: Iterable[tuple[Any, int]], seed: int, *_: Any) -> Iterator[Any]:
    """Yield rows of which each has a seed of its own."""
    place = {label: index for index, label in enumerate(generator.classes)}
    items = ((label, (seed, place[label], number)) for label, count in counts for number in range(count))
    while piece := list(islice(items, PIECE_ROWS)):
        labels, seeds = map(list, zip(*piece, strict=True))
        yield generator.sample_each(labels, seeds, screened=True)[0], labels


def _streamed(
    generator: Generator,
    counts: Iterable[tuple[Any, int]],
    seed: int,
    seeded: int,
    where: Mapping[Any, Any] | None,
) -> Iterator[Any]:
    """Yield rows of classes of which each, after its first `seeded` rows, is a stream of its own."""
    for label, count in counts:
        yield from _seeded(generator, [(label, seeded)], seed)
        rest = max(1, count - seeded)
        # Pieces of about one size, because rows beyond the last one might not be found.
        size = ceil(rest / ceil(rest / PIECE_ROWS))
        stream = generator.stream(size, [label], (seed, generator.classes.index(label)), where, screened=True)
        for start in range(seeded, count, size):
            rows = next(stream)[0].iloc[: count - start]
            yield rows, [label] * len(rows)
