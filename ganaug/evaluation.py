"""`evaluate`: whether synthetic samples look real, are copies, and help a classifier, in one report."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.codecs.image import LabelledImages, from_arrays, load_folder
from ganaug.codecs.labelled_table import LabelledTable, from_frame, split_target
from ganaug.codecs.table_file import ENDINGS, read_table
from ganaug.errors import DataError
from ganaug.files import StrPath, atomic_write
from ganaug.generator import Generator
from ganaug.quality.exhibits import Exhibits
from ganaug.quality.features import extractor_of
from ganaug.quality.figures import figures_of
from ganaug.quality.parts import Data, matched_to
from ganaug.quality.session import Session
from ganaug.quality.trainers import Trainer, train_generator

__all__ = ["Report", "begin", "evaluate", "report_of", "seen_by"]

BUDGET = 600.0
"""Seconds that an evaluation takes at most unless it is told otherwise."""


class Report:
    """What an evaluation found.

    Parameters
    ----------
    figures : dict
        Plain JSON: see `to_dict`.
    exhibits : Exhibits
        What the page shows besides.
    """

    def __init__(self, figures: dict[str, Any], exhibits: Exhibits) -> None:
        self._figures, self.exhibits = figures, exhibits

    @property
    def verdict(self) -> str:
        """One of "helps", "no difference" and "hurts"."""
        return str(self._figures["verdict"])

    def to_dict(self) -> dict[str, Any]:
        """Return every figure with its interval; the README has the schema, whose version is ``schema_version``."""
        copy: dict[str, Any] = json.loads(json.dumps(self._figures))
        return copy

    def save_json(self, path: StrPath) -> None:
        """Write the figures, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        with atomic_write(path) as file:
            file.write((json.dumps(self._figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())

    def save_html(self, path: StrPath) -> None:
        """Write the page, one file that needs no network, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        from ganaug.report import render

        page = render(self._figures, self.exhibits).encode()
        with atomic_write(path) as file:
            file.write(page)

    def __repr__(self) -> str:
        return f"<Report: {self._figures['sentence']}>"


def evaluate(
    real: Any,
    generator: Generator | None = None,
    *,
    target: str | None = None,
    groups: Any = None,
    features: Any = None,
    estimator: Any = None,
    trainer: Trainer = train_generator,
    budget: float | None = BUDGET,
    device: str = "auto",
    random_state: int = 0,
) -> Report:
    """Find out whether synthetic samples look real, are copies, and help a classifier.

    The data is cut into folds, twice. For each, a generator is trained on the other folds, as ``ganaug fit`` does it,
    and judged by the rows that it has not seen; so is the same classifier, trained with nothing done about imbalance,
    with each of the classical remedies, with samples of the generator in several ratios, and with slightly altered
    copies in their place. The verdict compares the best arm with the generator to the best without.

    Parameters
    ----------
    real : path, (images, labels), (X, y), ImageFolder, LabelledImages or LabelledTable
        The data: an image folder, a table as a ``.csv`` or ``.parquet`` file, or either in memory. Images are arrays of
        three or four dimensions.
    generator : Generator, optional
        A trained model to look at besides. Its own samples are scored only if it was not trained on this very data.
    target : str, optional
        The column of a table file that holds the classes.
    groups : array-like of shape (n,) or str, optional
        Samples of one group, such as a patient or a scene, never part in a split. A text names a column of a table,
        which the classifiers do not see, or is a regular expression whose match in a file's name is the group: its
        first group in parentheses, if it has one.
    features : "efficientnet-lite0", path of an ONNX file, torch module or callable, optional
        What images are compared by (see `ganaug.quality.features.extractor_of`). By default a classifier that is
        trained on each training part.
    estimator : scikit-learn classifier, optional
        For tables; by default a random forest.
    trainer : callable, optional
        ``trainer(part, seed=, seconds=, device=)`` learns from a training part, of the type that `real` is turned into,
        and returns something with ``sample({label: n}, seed, screened=True)``. By default a GAN.
    budget : float or None, default=600
        Seconds. ``left_out`` says what there was no time for.
    device : str, default="auto"
        For training generators.
    random_state : int, default=0
        Seed of splits, classifiers and generators.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If the data or an argument is not usable.

    Examples
    --------
    >>> report = evaluate("photos", budget=300)  # doctest: +SKIP
    >>> report.verdict  # doctest: +SKIP
    'no difference'
    >>> report.save_html("report.html")  # doctest: +SKIP
    """
    session = begin(
        real,
        generator,
        target=target,
        groups=groups,
        features=features,
        estimator=estimator,
        trainer=trainer,
        budget=budget,
        device=device,
        seed=random_state,
    )
    for _ in session.steps():
        pass
    return report_of(session, source=str(real) if isinstance(real, str | Path) else "")


def report_of(session: Session, *, source: str = "", interrupted: bool = False) -> Report:
    """Return the report of an evaluation as far as it has come."""
    return Report(figures_of(session, source=source, interrupted=interrupted), session.exhibits)


def begin(
    real: Any,
    generator: Generator | None = None,
    *,
    target: str | None = None,
    groups: Any = None,
    features: Any = None,
    **settings: Any,
) -> Session:
    """Return an evaluation that has not begun; see `evaluate` for the parameters, `Session` for the settings."""
    if generator is not None and not isinstance(generator, Generator):
        raise DataError(
            f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
            "Generator.load('model.onnx')"
        )
    size = generator.image_shape[0] if generator is not None and generator.modality == "image" else None
    column = groups if isinstance(groups, str) else None
    keeps = generator is not None and generator.modality == "table" and column in generator.codec.names
    data, grouping = _loaded(real, target, size, column, keeps)
    if column is None and groups is not None:
        grouping = _codes(groups, len(data.labels))
    seen = "not applicable"
    if generator is not None:
        data = matched_to(data, generator)
        seen = seen_by(generator, data)
    return Session(data, generator=generator, seen=seen, groups=grouping, extractor=extractor_of(features), **settings)


def seen_by(generator: Generator, data: Data) -> str:
    """Return how much of the data a generator was trained on, as far as its file tells: "all" or "none".

    The fingerprint of a table depends on the order of its rows; the same classes, of the same sizes, and columns with
    the same quantiles are the same table in another order.
    """
    metadata = generator.metadata
    if metadata["fingerprint"] == data.fingerprint:
        return "all"
    if isinstance(data, LabelledTable):
        sizes = dict(zip(generator.classes, metadata["class_counts"], strict=True))
        ours = {column.name: column for column in data.codec.columns}
        theirs = {column.name: column for column in generator.codec.columns}
        if sizes == data.counts and ours == theirs:
            return "all"
    return "none"


def _loaded(
    real: Any, target: str | None, size: int | None, group: str | None, keep_group: bool
) -> tuple[Data, NDArray[np.int64] | None]:
    """Return the data, and the groups that a column or a pattern names."""
    if isinstance(real, str | Path):
        path = Path(real)
        if path.suffix.lower() in ENDINGS and not path.is_dir():
            features, labels = split_target(read_table(path), target, path)
            return _table(features, labels, str(target), group, keep_group)
        if target is not None:
            raise DataError("target names a column of a table; the classes of an image folder are its subfolders")
        real = load_folder(path, size)
    elif hasattr(real, "data") and isinstance(real.data, LabelledImages):  # an ImageFolder
        real = real.data
    if isinstance(real, LabelledImages):
        return real, None if group is None else _by_pattern(real, group)
    if isinstance(real, LabelledTable):
        labels = np.array(real.classes, dtype=object)[real.labels]
        return (real, None) if group is None else _table(real.frame, labels, real.target, group, keep_group)
    if not isinstance(real, tuple | list) or len(real) != 2:
        raise DataError(
            "real must be a folder, a table file, or a pair of items and their labels, but is a "
            f"{type(real).__name__}: give (images, labels) or (X, y)"
        )
    items, labels = real
    import pandas as pd

    if isinstance(items, pd.DataFrame):
        return _table(items.reset_index(drop=True), labels, target or "target", group, keep_group)
    array = np.asarray(items)
    if array.ndim > 2:
        images = from_arrays(array, np.asarray(labels), size=size)
        return images, None if group is None else _by_pattern(images, group)
    if array.ndim != 2:
        raise DataError(f"X must be a table of two dimensions, or images of three or four, but has {array.ndim}")
    frame = pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])
    return _table(frame, labels, target or "target", group, keep_group)


def _table(
    frame: Any, labels: Any, target: str, group: str | None, keep_group: bool
) -> tuple[LabelledTable, NDArray[np.int64] | None]:
    grouping = None
    if group is not None:
        if group not in frame.columns:
            names = ", ".join(map(repr, list(frame.columns)[:20]))
            raise DataError(f"the groups must be a column of the table, which has {names}, but are {group!r}")
        grouping = _codes(frame[group], len(frame))
        if not keep_group:
            frame = frame.drop(columns=group)
    return from_frame(frame, labels, target=target), grouping


def _codes(groups: Any, n: int) -> NDArray[np.int64]:
    """Return groups as numbers, one for each sample; a missing one is a group of its own."""
    import pandas as pd

    codes: NDArray[np.int64] = pd.factorize(np.asarray(groups, dtype=object))[0].astype(np.int64)
    if codes.shape != (n,):
        raise DataError(f"groups must hold one group for each of the {n:,} samples, but holds {codes.shape}")
    missing = np.flatnonzero(codes < 0)
    codes[missing] = codes.max(initial=-1) + 1 + np.arange(len(missing))
    return codes


def _by_pattern(data: LabelledImages, pattern: str) -> NDArray[np.int64]:
    if not data.files:
        raise DataError("a pattern for groups needs images that come from files: give one group for each image")
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"the pattern of the groups is no regular expression ({error}): {pattern!r:.80}") from error
    found: list[str] = []
    for file in data.files:
        match = compiled.search(file.name)
        if match is None:
            raise DataError(
                f"the pattern of the groups must match the name of every image file, but {pattern!r:.80} does not "
                f"match {file.name!r}"
            )
        found.append(match.group(1 if compiled.groups else 0) or "")
    return _codes(found, len(found))
