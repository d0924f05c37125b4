"""`evaluate`: whether synthetic samples look real, are copies, and help a classifier, in one report."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.compute.modes import training_modes
from ganaug.data.images.dataset import LabelledImages
from ganaug.errors import DataError, OutputError
from ganaug.evaluation.exhibits import Exhibits
from ganaug.evaluation.figures import figures_of
from ganaug.evaluation.intake import group_codes, load, some_rows
from ganaug.evaluation.metrics.features import extractor_of
from ganaug.evaluation.session import Session
from ganaug.evaluation.settings import checked_budget, checked_estimator, checked_seed, checked_trainer
from ganaug.evaluation.splits import Split
from ganaug.evaluation.trainers import Trainer, train_generator
from ganaug.files import StrPath, atomic_write
from ganaug.runtime.generator import Generator

__all__ = ["Report", "begin", "evaluate", "report_of"]

BUDGET = 600.0
"""Seconds that an evaluation takes at most unless it is told otherwise."""
HELD_OUT_SEEDS = 5
"""Seeds of the classifier where there is one split only."""


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

    @property
    def sentence(self) -> str:
        """The outcome in words, with its interval."""
        return str(self._figures["sentence"])

    @property
    def left_out(self) -> list[str]:
        """What was not done, for the budget or because it cannot be; empty where everything was."""
        return [str(what) for what in self._figures["left_out"]]

    def to_dict(self) -> dict[str, Any]:
        """Return every figure with its interval, under the schema of docs/evaluation.md and its ``schema_version``."""
        copy: dict[str, Any] = json.loads(json.dumps(self._figures))
        return copy

    def save_json(self, path: StrPath) -> None:
        """Write the figures, whole or not at all.

        Raises
        ------
        OutputError
            If the file's name does not end in ``.json``, or it cannot be written.
        """
        _check_ending(path, ".json")
        with atomic_write(path) as file:
            file.write((json.dumps(self._figures, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())

    def save_html(self, path: StrPath) -> None:
        """Write the page, one file that needs no network, whole or not at all.

        Raises
        ------
        OutputError
            If the file's name does not end in ``.html``, or it cannot be written.
        """
        _check_ending(path, ".html")
        from ganaug.evaluation.report import render

        page = render(self._figures, self.exhibits).encode()
        with atomic_write(path) as file:
            file.write(page)

    def __repr__(self) -> str:
        return f"<Report: {self.sentence}>"


def _check_ending(path: StrPath, ending: str) -> None:
    if Path(path).suffix.lower() != ending:
        name = Path(path).with_suffix(ending).name if Path(path).name else f"report{ending}"
        raise OutputError(
            f"Cannot write {str(path)!r}: the name of the file must end in {ending}; call it {name!r}, for example"
        )


def evaluate(
    real: Any,
    generator: Generator | None = None,
    *,
    held_out: Any = None,
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
    real : path, (images, labels), (X, y), DataFrame, ImageFolder, LabelledImages or LabelledTable
        The data: an image folder, a table as a ``.csv`` or ``.parquet`` file, or either in memory. Images are arrays of
        three or four dimensions; a DataFrame has the classes in its column `target`.
    generator : Generator, optional
        A trained model to look at besides. Its own samples are scored only if it was not trained on this very data.
    held_out : as `real`, optional
        More data, which `generator` was not trained on, whereas it was on `real`. Then this one split is all there is:
        the generator itself is judged by these samples, in five seeds of the classifier, and no other is trained.
        Samples that are in `real` too are left out, and ``left_out`` says how many. Whether the generator was trained
        on others of them, its file does not tell: only that it was on exactly these, which is an error.
    target : str, optional
        The column of a table, a file or a DataFrame, that holds the classes.
    groups : array-like of shape (n,) or str, optional
        Samples of one group, such as a patient or a scene, never part in a split. A text names a column of a table,
        which the classifiers do not see, or is a regular expression whose match in a file's name is the group: its
        first group in parentheses, if it has one.
    features : "efficientnet-lite0", path of an ONNX file, torch module or callable, optional
        What images are compared by (see `ganaug.evaluation.metrics.features`). By default a classifier that is
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
        Seed of splits, classifiers and generators, from 0 to 4294967295.

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
    groups: Any = None,
    features: Any = None,
    estimator: Any = None,
    trainer: Trainer = train_generator,
    budget: float | None = None,
    seed: int = 0,
    **settings: Any,
) -> Session:
    """Return an evaluation that has not begun; see `evaluate` for the parameters, `Session` for the settings."""
    settings |= {
        "estimator": checked_estimator(estimator),
        "trainer": checked_trainer(trainer),
        "budget": checked_budget(budget),
        "seed": checked_seed(seed),
    }
    if generator is not None and not isinstance(generator, Generator):
        raise DataError(
            f"generator must be a Generator, but is {generator!r:.80}: read the model file with "
            "Generator.load('model.onnx')"
        )
    size = generator.image_shape[0] if generator is not None and generator.modality == "image" else None
    column = groups if isinstance(groups, str) else None
    keeps = generator is not None and generator.modality == "table" and column in generator.codec.names
    data, grouping = load(real, target, size, column, keeps)
    if features is not None and not isinstance(data, LabelledImages):
        raise DataError("features says what images are compared by, but this is a table: leave it out")
    if column is None and groups is not None:
        grouping = group_codes(groups, len(data.labels))
    seen = "not applicable"
    if held_out is not None:
        if generator is None or groups is not None:
            raise DataError("held_out is for a generator that was trained on the rest, and takes no groups")
        train = data.matched_to(generator)
        test = load(held_out, target, size, None, False)[0].matched_to(generator)
        if test.was_seen_by(generator):
            raise DataError(
                "the generator was trained on held_out, which must be data that it has not seen: swap the two"
            )
        known = test.is_in(train)
        if len(np.unique(test.labels[~known])) < 2:
            raise DataError(
                f"held_out must be data that the generator has not seen, but {known.sum():,} of its {len(known):,} "
                "samples are in real too, and what is left is not of two classes: leave other samples out of the "
                "training"
            )
        everything = train.joined(test.part(np.flatnonzero(~known)) if known.any() else test)
        learned, unseen = np.split(np.arange(len(everything.labels)), [len(train.labels)])
        session = Session(
            everything,
            seen="part",
            extractor=extractor_of(features),
            splits=[Split(learned, unseen, repeat) for repeat in range(HELD_OUT_SEEDS)],
            **settings | {"trainer": lambda *_, **__: generator, "trained": True},
        )
        if known.any():
            session.left_out.append(f"{known.sum():,} of {len(known):,} samples of held_out, which are in real too")
        return session
    if generator is not None:
        data = data.matched_to(generator)
        seen = "all" if data.was_seen_by(generator) else "none"
    rows, total = some_rows(data.labels, settings["seed"]), len(data.labels)
    if rows is not None:
        data, grouping = data.part(rows), None if grouping is None else grouping[rows]
    session = Session(
        data, generator=generator, seen=seen, groups=grouping, extractor=extractor_of(features), **settings
    )
    if rows is not None:
        session.left_out.append(f"{total - len(rows):,} of {total:,} samples, chosen at random")
    return session
