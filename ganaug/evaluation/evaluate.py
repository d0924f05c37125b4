"""`evaluate`: whether synthetic samples look real, are copies, and help a classifier, in one report."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.compute.modes import training_modes
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.data.tables.csv_format import CsvFormat
from ganaug.data.tables.left_out import LeftOut
from ganaug.data.tables.sample_format import TableFormat
from ganaug.errors import DataError, OutputError
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.figures import figures_of
from ganaug.evaluation.intake import group_codes, load, some_rows
from ganaug.evaluation.metrics.features import extractor_of
from ganaug.evaluation.session import Session
from ganaug.evaluation.settings import Settings
from ganaug.evaluation.splits import Split
from ganaug.evaluation.trainers import Trainer, train_generator
from ganaug.families import FAMILIES
from ganaug.files import StrPath, atomic_write
from ganaug.runtime.generator import Generator

BUDGET = 600.0
"""Default budget of an evaluation, in seconds."""
HELD_OUT_SEEDS = 5
"""Seeds of the classifier where test data are given, so that there is one split only."""


class Report:
    """The report of an evaluation.

    Parameters
    ----------
    figures : dict
        Plain JSON: see `to_dict`.
    exhibits : Exhibits
        Pictures, rows and distributions for the page.
    """

    def __init__(self, figures: dict[str, Any], exhibits: Exhibits) -> None:
        self._figures, self.exhibits = figures, exhibits

    @property
    def verdict(self) -> str:
        """One of "helps", "no difference" and "hurts"."""
        return str(self._figures["verdict"])

    @property
    def sentence(self) -> str:
        """The verdict in words, with its interval."""
        return str(self._figures["sentence"])

    @property
    def left_out(self) -> list[str]:
        """What was not done, because of the budget or because it is impossible; empty if everything was done."""
        return [str(what) for what in self._figures["left_out"]]

    def to_dict(self) -> dict[str, Any]:
        """Return every figure with its interval, in the schema of docs/evaluation.md, version ``schema_version``."""
        copy: dict[str, Any] = json.loads(json.dumps(self._figures))
        return copy

    def save_json(self, path: StrPath) -> None:
        """Write the figures as one JSON file. An incomplete file is never left behind.

        Raises
        ------
        OutputError
            If the name of the file does not end in ``.json``, or the file cannot be written.
        """
        _write(path, ".json", lambda: json.dumps(self._figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def save_html(self, path: StrPath) -> None:
        """Write the page as one HTML file that needs no network. An incomplete file is never left behind.

        Raises
        ------
        OutputError
            If the name of the file does not end in ``.html``, or the file cannot be written.
        """
        from ganaug.evaluation.report import render

        _write(path, ".html", lambda: render(self._figures, self.exhibits))

    def __repr__(self) -> str:
        return f"<Report: {self.sentence}>"


def _write(path: StrPath, ending: str, render: Callable[[], str]) -> None:
    if Path(path).suffix.lower() != ending:
        name = Path(path).with_suffix(ending).name if Path(path).name else f"report{ending}"
        raise OutputError(
            f"Cannot write {str(path)!r}: the name of the file must end in {ending}; call it {name!r}, for example"
        )
    text = render().encode()
    with atomic_write(path) as file:
        file.write(text)


def evaluate(  # noqa: PLR0913 - all have names
    real: Any,
    generator: Generator | None = None,
    *,
    held_out: Any = None,
    target: str | None = None,
    ignore: Sequence[str] = (),
    real_only: bool = False,
    csv: CsvFormat | None = None,
    groups: Any = None,
    features: Any = None,
    estimator: Any = None,
    trainer: Trainer = train_generator,
    budget: float | None = BUDGET,
    device: str = "auto",
    random_state: int = 0,
) -> Report:
    """Find out whether synthetic samples look real, are copies, and help a classifier.

    The data are cut into folds, twice. For each fold, a generator is trained on the other folds, as ``ganaug fit`` does
    it, and judged by the items of the fold, which it has not seen. If a
    `generator` is given, these are of its family. The same classifier is then trained on the other
    folds in several arms: with nothing done about class imbalance, with each classical remedy, with synthetic samples
    in several ratios, and with slightly altered copies in their place. The verdict compares the best arm with synthetic
    samples to the best arm without them.

    Parameters
    ----------
    real : path, (images, labels), (X, y), DataFrame, ImageFolder, SignalFolder or a labelled dataset of ganaug
        The data: a folder of images, signals or clips, a table as a ``.csv`` or ``.parquet`` file, or any of them in
        memory. Images are arrays of three or four dimensions. Signals in memory are a `SignalFolder`, or a
        `LabelledSignals` of `ganaug.data.signals.dataset.from_arrays`. A DataFrame, of pandas, polars or another
        library that narwhals knows, has the classes in its column `target`.
    generator : Generator, optional
        A trained model to judge as well. Its samples are only compared with data that it was not trained on.
    held_out : as `real`, optional
        Test data that `generator` was not trained on; it must have been trained on `real`. There is one split then:
        `generator` itself is judged by the test data, in five seeds of the classifier, and no generator is trained.
        Items that are in `real` too are left out, and ``left_out`` states their number. A generator that was trained
        on exactly these data is refused; its file does not tell whether it was trained on a part of them.
    target : str, optional
        The column of a table, a file or a DataFrame, that holds the classes.
    ignore : sequence of str, optional
        Columns of a table to leave out, such as identifiers. Columns that `generator` ignores are left out too.
    real_only : bool, default=False
        Whether to leave out what ``ganaug balance`` added: the rows of a table whose column ``synthetic`` is true, and
        files of a folder that its manifest lists, or that are copies.
    csv : CsvFormat, optional
        The format of a table's file: the class is in `ganaug.data.tables.csv_format`. What it does not say is as in
        the file that `generator` was fitted to.
    groups : array-like of shape (n,) or str, optional
        Items of one group, such as a patient or a scene, stay together in every split. A text names a column of a
        table, which the classifiers do not see, or is a regular expression that is searched for in the name of each
        image file: the group is its first capture group, or else the whole match.
    features : "efficientnet-lite0", path of an ONNX file, torch module or callable, optional
        The features by which images are compared (see `ganaug.evaluation.metrics.features`). By default, the features
        of a classifier that is trained on each training part.
    estimator : scikit-learn classifier, optional
        The classifier for tables; by default a random forest.
    trainer : callable, optional
        ``trainer(part, seed=, seconds=, device=)`` learns from a training part, such as a `LabelledImages`,
        and returns an object with ``sample({label: n}, seed, screened=True)``. By default it trains a GAN.
    budget : float or None, default=600
        Seconds; None for no limit. ``left_out`` states what the budget did not allow.
    device : str, default="auto"
        The device on which generators are trained.
    random_state : int, default=0
        The seed of splits, classifiers and generators, from 0 to 4294967295.

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
    with training_modes():
        session = begin(
            real,
            generator,
            held_out=held_out,
            target=target,
            left_out=LeftOut(tuple(ignore), real_only=real_only),
            csv=csv,
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
    held_out: Any = None,
    target: str | None = None,
    left_out: LeftOut | None = None,
    csv: CsvFormat | None = None,
    groups: Any = None,
    features: Any = None,
    started: float | None = None,
    **settings: Any,
) -> Session:
    """Return an evaluation that has not begun.

    The parameters are those of `evaluate`, whose `ignore` and `real_only` are one `left_out` here. `started` is that of
    `Session`, and `settings` are those of `Settings`.
    """
    if generator is not None and not isinstance(generator, Generator):
        raise DataError(
            f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
            "Generator.load('model.onnx')"
        )
    if generator is not None and settings.get("trainer", train_generator) is train_generator:
        model, space = generator.metadata["family"], generator.metadata.get("space") or "auto"
        if model in FAMILIES:
            settings |= {"trainer": partial(train_generator, model=model, space=space), "model": model}
    chosen = Settings(**settings)
    size = None if generator is None else generator.format.side
    column = groups if isinstance(groups, str) else None
    keeps = generator is not None and column in generator.format.column_names
    left_out, csv = _unread(generator, left_out or LeftOut(), column), _known_format(generator, csv)
    data, grouping = load(real, target, size, left_out, csv, group=column, keep_group=keeps)
    if features is not None and not part_of(data.modality, "evaluation.trials.{}").TRIAL.takes_extractor:
        raise DataError(f"features says what images are compared by, but the data are {_described(data)}: leave it out")
    chosen = replace(chosen, extractor=extractor_of(features))
    if column is None and groups is not None:
        grouping = group_codes(groups, len(data))
    if held_out is not None:
        if generator is None or groups is not None:
            raise DataError(
                "held_out needs a generator that was trained on the rest, and no groups: give the generator, and leave "
                "groups out"
            )
        optional = LeftOut(optional=(*left_out.columns, *left_out.optional))
        test = load(held_out, target, size, optional, csv)[0]
        return _begin_held_out(data, test, generator, chosen, started)
    seen, limits = "not applicable", list[str]()
    if generator is not None:
        data = data.matched_to(generator)
        seen = "all" if data.was_seen_by(generator) else "none"
    rows, total = some_rows(data.labels, chosen.seed), len(data)
    if rows is not None:
        data, grouping = data.part(rows), None if grouping is None else grouping[rows]
        limits.append(f"{total - len(rows):,} of {total:,} samples, chosen at random")
    return Session(data, chosen, generator=generator, seen=seen, groups=grouping, left_out=limits, started=started)


def _unread(generator: Generator | None, left_out: LeftOut, group: str | None) -> LeftOut:
    """Return what is left out, with the columns that a model ignores and without the one of the groups."""
    ignored = () if generator is None else generator.format.ignored_names
    named, known = (tuple(name for name in names if name != group) for names in (left_out.columns, ignored))
    return replace(left_out, columns=named, optional=known)


def _known_format(generator: Generator | None, csv: CsvFormat | None) -> CsvFormat | None:
    """Return the format of a table's file, as far as the caller or the model tells it."""
    if generator is None or not isinstance(generator.format, TableFormat):
        return csv
    return (csv or CsvFormat()).filled(generator.format.csv)


def _described(data: Dataset) -> str:
    return "a table" if data.columns else f"{data.modality}s"


def _begin_held_out(
    real: Dataset, held_out: Dataset, generator: Generator, settings: Settings, started: float | None
) -> Session:
    """Return an evaluation of a generator that was trained on `real`, on test data."""
    train, test = real.matched_to(generator), held_out.matched_to(generator)
    if test.was_seen_by(generator):
        raise DataError("the generator was trained on held_out, which must be data that it has not seen: swap the two")
    known = test.is_in(train)
    if len(np.unique(test.labels[~known])) < 2:
        raise DataError(
            f"held_out must be data that the generator has not seen, but {known.sum():,} of its {len(known):,} "
            "samples are in real too, and what is left is not of two classes: leave other samples out of the training"
        )
    everything = train.joined(test.part(np.flatnonzero(~known)) if known.any() else test)
    learned, unseen = np.split(np.arange(len(everything)), [len(train)])
    left_out = [f"{known.sum():,} of {len(known):,} samples of held_out, which are in real too"] if known.any() else []
    return Session(
        everything,
        replace(settings, trainer=lambda *_, **__: generator, trained=True),
        seen="part",
        splits=[Split(learned, unseen, repeat) for repeat in range(HELD_OUT_SEEDS)],
        left_out=left_out,
        started=started,
    )
