"""The dose at the end of a fit. Its generators learn beside the training, on a core that the training leaves free.

Each has half as long as the training. On a single core they learn after it, for a short time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from ganaug import training
from ganaug.compute.parallel import beside, cancellation_point, usable_cores
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import part_of
from ganaug.evaluation.dose_measurement import (
    FOLDS,
    MIN_STEPS,
    NOT_MEASURED,
    DoseMeasurement,
    are_enough,
    refusal,
    silent,
)
from ganaug.evaluation.fold_sampler import FoldSampler, train_fold
from ganaug.evaluation.trainers import default_bounds
from ganaug.networks.modality import Bounds
from ganaug.runtime.dose import Dose
from ganaug.runtime.generator import Generator
from ganaug.training import Run

BUDGET_SHARE = 0.2
"""Part of the time, or of the training steps, of a fit that the dose takes."""
MIN_BUDGET = 60.0
"""Seconds of a fit below which no dose is measured: the training needs them all."""
POLLED = 0.2  # seconds
MIN_SECONDS = 1.0
"""Time of the generators of the folds where a trial of the families has left none."""


def fit(data: Dataset, **settings: Any) -> Generator:
    """Train a generator as `ganaug.training.fit` does, and measure its dose where the bounds allow it.

    No dose is measured after a training that a callback has ended, as after one that the user interrupts.
    """
    bounds, for_dose = divided(data, Bounds(settings.pop("time_budget", None), settings.pop("max_steps", None)))
    settings |= {"time_budget": bounds.seconds, "max_steps": bounds.steps}
    if for_dose is None:
        return training.fit(data, **settings)
    run = Run(data, **settings)
    with run.turn(), measuring(run, for_dose) as measure:
        trained = run.run()
        return (trained if run.stopped_by_callback else replace(trained, dose=measure(trained))).export()


def divided(data: Dataset, asked: Bounds) -> tuple[Bounds, Bounds | None]:
    """Divide the bounds of a fit: return those of its training, and those of the dose.

    The steps of the dose are those of all its generators, which learn beside the training. If the bounds allow no dose,
    the training has everything, and the second is None.
    """
    seconds, steps = asked if asked != Bounds() else default_bounds(data)
    enough_time = seconds is None or seconds >= MIN_BUDGET
    if not enough_time or not are_enough(steps) or refusal(data) is not None:
        return asked, None
    if seconds is None:
        return Bounds(None, steps), Bounds(None, steps)
    return Bounds(seconds * (1 - BUDGET_SHARE), steps), Bounds(seconds * BUDGET_SHARE, steps)


@contextmanager
def measuring(run: Run, bounds: Bounds | None) -> Iterator[Callable[..., Dose | None]]:
    """Train the generators of the folds beside a run, where there is a core for them.

    The context receives a function ``measure(trained, show)``. It measures the dose of the run that has ended, within
    the bounds that `divided` returned. `show` receives the progress. It returns None for data that have no dose.
    """
    if part_of(run.data.modality, "evaluation.trials.{}").DOSE_TRIAL is None:
        yield lambda *_: None
    elif bounds is None:
        why = refusal(run.data) or f"that takes a budget of {MIN_BUDGET:.0f} s or {MIN_STEPS * FOLDS:,} steps, or more"
        yield lambda *_: Dose(sentence=NOT_MEASURED.format(why))
    else:
        measurement = DoseMeasurement(run.data, partial(_train_fold_of, run), run.seed, bounds, run.modality.augment)
        if usable_cores() <= run.joint.size:  # no core is free
            yield lambda _, show=silent: measurement.dose(show)
            return
        with beside(partial(_train_beside, run, measurement)) as samplers:
            yield lambda _, show=silent: measurement.dose(show, samplers)


def _train_beside(run: Run, measurement: DoseMeasurement) -> list[Any]:
    """Train the generators of the folds, one after the other, in the time that the training itself has left."""
    while not run.family_chosen.wait(POLLED):  # a trial of the families may go on
        cancellation_point()
    seconds = run.bounds.seconds
    left = None if seconds is None else max(MIN_SECONDS, run.started + seconds - time.perf_counter())
    return measurement.train(left and left / FOLDS, workers=1)


def _train_fold_of(run: Run, part: Dataset, **bounds: Any) -> FoldSampler:
    """Train the generator of a fold with the settings of a run."""
    modality = run.modality
    return train_fold(
        part,
        model=run.model,
        space=modality.space or "auto",
        augment=modality.augment,
        techniques=run.techniques.changed,
        device=run.engine.device.type,
        **bounds,
    )
