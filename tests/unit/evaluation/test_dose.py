"""The dose: what synthetic samples are worth, measured on the training images."""

import threading
import time
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from ganaug.data.dataset import Dataset
from ganaug.data.images.dataset import LabelledImages, from_arrays
from ganaug.evaluation.dose import divided, fit, measuring
from ganaug.evaluation.dose_groups import rare_classes
from ganaug.evaluation.dose_measurement import DoseMeasurement, measure_dose
from ganaug.evaluation.fold_sampler import train_fold
from ganaug.evaluation.splits import folds_of
from ganaug.evaluation.trials.images import QuickImageTrial
from ganaug.networks.modality import Bounds
from ganaug.runtime.dose import is_dose
from ganaug.training import Run
from tests.conftest import striped_images, waves
from tests.fakes import Drawn, content, noise, real_rows, shells

COUNTS = {"0": 60, "1": 50, "2": 40, "3": 8, "8": 8, "9": 8}


@cache
def digits() -> tuple[LabelledImages, LabelledImages]:
    """Return six classes of scikit-learn's digits, three of them rare, and other images of the same classes."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 8, 8, 1) * 255 / 16).astype(np.uint8)
    rows = [np.flatnonzero(labels == int(name)) for name in COUNTS]
    train = np.concatenate([own[:n] for own, n in zip(rows, COUNTS.values(), strict=True)])
    rest = np.concatenate([own[n:] for own, n in zip(rows, COUNTS.values(), strict=True)])
    train_part, rest_part = (from_arrays(images[r], labels[r].astype(str), sorted(COUNTS)) for r in (train, rest))
    return train_part, rest_part


def unseen(_: Dataset, **__: Any) -> Drawn:
    """Return a generator of unseen real digits: nothing can be better."""
    return Drawn(lambda counts, rng: content(real_rows(digits()[1], counts, rng)))


@pytest.mark.parametrize(
    ("counts", "rare", "limit"),
    [
        ([100, 50, 39, 5], [False, False, True, True], 39 + 1),
        ([100, 38, 20, 10, 5], [False, False, False, True, True], 20),
        ([1000, 900, 800, 30], [False, False, False, True], 40),
        ([50, 6], [False, True], 40),
    ],
)
def test_rare_classes_are_few(counts: list[int], rare: list[bool], limit: int) -> None:
    found = rare_classes(np.array(counts))
    assert found is not None
    assert (found.members.tolist(), found.fewer_than) == (rare, limit)


def test_classes_of_one_size_are_not_rare() -> None:
    assert rare_classes(np.array([20, 20, 20])) is None


@pytest.mark.parametrize(
    ("asked", "main", "for_dose"),
    [
        (Bounds(100.0), Bounds(80.0), Bounds(20.0)),
        (Bounds(), Bounds(144.0), Bounds(36.0)),
        (Bounds(None, 2000), Bounds(None, 2000), Bounds(None, 2000)),
        (Bounds(100.0, 2000), Bounds(80.0, 2000), Bounds(20.0, 2000)),
        (Bounds(59.0), Bounds(59.0), None),
        (Bounds(None, 390), Bounds(None, 390), None),
        (Bounds(100.0, 390), Bounds(100.0, 390), None),
    ],
)
def test_a_fifth_of_the_bounds_is_for_the_dose(asked: Bounds, main: Bounds, for_dose: Bounds | None) -> None:
    assert divided(digits()[0], asked) == (main, for_dose)


def test_too_few_images_and_tables_leave_the_training_everything() -> None:
    from ganaug.data.tables.dataset import from_frame

    table = from_frame(*shells({"inner": 240, "outer": 160}, np.random.default_rng(0)))
    for data in (striped_images({"a": 60, "b": 1}), striped_images({"a": 20, "b": 10}), table):
        assert divided(data, Bounds(600.0)) == (Bounds(600.0), None)
        assert measure_dose(data, noise, seed=0).shares is None


def test_no_generator_sees_an_image_that_its_classifiers_are_tested_on() -> None:
    data, parts = digits()[0], []

    def trainer(part: Dataset, **settings: Any) -> Drawn:
        parts.append((part, settings))
        return noise(part)

    measured = DoseMeasurement(data, trainer, 0, Bounds(None, 400), None)
    measured.train(None, workers=2)
    assert [settings["steps"] for _, settings in parts] == [200, 200]
    assert len({settings["seed"] for _, settings in parts}) == 2
    for (part, _), fold in zip(sorted(parts, key=lambda one: one[1]["seed"]), measured.folds, strict=True):
        assert not part.is_in(data.part(fold.test)).any()
        assert len(part) + len(fold.test) == len(data)


def test_the_tested_images_of_a_large_class_are_a_random_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.MAX_TESTED", 20)
    data = striped_images({"large": 100, "small": 30})
    folds = [DoseMeasurement(data, noise, seed, Bounds(), None).folds for seed in (0, 0, 1)]
    for (fold, again, other), (_, half) in zip(
        zip(*folds, strict=True), folds_of(data.labels, 2, np.random.RandomState(0)), strict=True
    ):
        assert np.bincount(data.labels[fold.test]).tolist() == [20, 15]
        assert set(half[data.labels[half] == 1]) < set(fold.test) < set(half)
        assert fold.test[:20].tolist() != half[data.labels[half] == 0][:20].tolist()
        assert fold.test.tolist() == again.test.tolist() != other.test.tolist()


@pytest.mark.slow
def test_unseen_real_images_help_and_noise_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.evaluation.trials.images.QuickImageTrial.usual_steps", 60)
    data, moments = digits()[0], []
    found = measure_dose(data, unseen, seed=0, show=moments.append)
    assert found.shares is not None
    assert min(found.shares[3:]) >= 0.15
    assert found.gain is not None
    assert found.gain > 1
    assert found.sentence.startswith(f"measured on your images: +{found.gain:.1f} points of balanced accuracy")
    assert is_dose(found.to_dict(), 6)
    assert [one.progress for one in moments] == sorted(one.progress for one in moments)

    zero = measure_dose(data, noise, seed=0)
    assert zero.shares == (0.0,) * 6
    assert zero.sentence.endswith("the dose is zero")


def test_a_generator_that_had_too_few_steps_says_nothing(stripes: LabelledImages) -> None:
    fold = partial(train_fold, device="cpu")
    found = measure_dose(stripes, fold, seed=0, bounds=Bounds(None, 20))
    assert found.shares is None
    assert "need 200 training steps each, and the budget allows about 10" in found.sentence


@pytest.mark.slow
def test_a_fit_records_its_dose_which_depends_neither_on_the_clock_nor_on_the_number_of_cores(
    stripes: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.MIN_STEPS", 4)
    monkeypatch.setattr("ganaug.evaluation.trials.images.QuickImageTrial.usual_steps", 5)
    found = []
    for cores in (1, 2):
        monkeypatch.setattr("ganaug.evaluation.dose.usable_cores", lambda cores=cores: cores)
        found.append(fit(stripes, max_steps=20, random_state=0))
    one, two = (generator.metadata for generator in found)
    assert one["training"]["steps"] == 20
    assert one["dose"]["shares"] is not None
    assert one["dose"] == two["dose"]
    assert found[0].sample(4, seed=0)[0].tobytes() == found[1].sample(4, seed=0)[0].tobytes()


def test_leaving_a_fit_ends_the_generators_beside_it(stripes: LabelledImages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.evaluation.dose.usable_cores", lambda: 2)
    run = Run(stripes, max_steps=10**6, random_state=0)
    before = threading.active_count()
    with measuring(run, Bounds(None, 10**6)):
        assert threading.active_count() > before
    assert threading.active_count() == before


def test_a_fit_to_signals_measures_its_dose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.MIN_STEPS", 4)
    monkeypatch.setattr("ganaug.evaluation.trials.signals.QuickSignalTrial.usual_steps", 5)
    generator = fit(waves({"slow": 40, "fast": 12}), max_steps=20, random_state=0)
    assert generator.metadata["dose"]["shares"] is not None, generator.metadata["dose"]["sentence"]


def test_a_trial_of_families_shortens_the_generators_beside_it(
    stripes: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    monkeypatch.setattr("ganaug.evaluation.dose.usable_cores", lambda: 2)
    monkeypatch.setattr(DoseMeasurement, "train", lambda self, seconds, *, workers: given.append(seconds))
    run = Run(stripes, model="auto", time_budget=100.0, random_state=0)
    run.started -= 40  # the trial took so long
    with measuring(run, Bounds(25.0, None)):
        assert given == []
        run.family_chosen.set()
        while not given:
            time.sleep(0.01)
    assert 25 < given[0] <= 30  # for each of two generators, of the 60 seconds that are left


def test_a_short_fit_says_why_it_has_no_dose(stripes: LabelledImages) -> None:
    generator = fit(stripes, max_steps=3, random_state=0)
    assert generator.metadata["training"]["steps"] == 3
    assert generator.dose is None


@pytest.mark.slow
def test_classifiers_are_shortened_where_the_time_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuickImageTrial, "usual_steps", 10**7)  # would take a day
    monkeypatch.setattr("ganaug.evaluation.dose_measurement.MIN_CLASSIFIER_STEPS", 1)  # the machine may be busy
    found = measure_dose(digits()[0], unseen, seed=0, bounds=Bounds(8.0))
    assert found.shares is not None, found.sentence
