"""A fit computes the same on any number of cores, and leaves torch's threads, and those of Python, as it found them."""

import threading

import albumentations as A
import pytest
import torch
from torch import Tensor

from ganaug.compute import parallel
from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.training import Run, fit, run, screen
from ganaug.training.validation import Validation
from tests.conftest import striped_images
from tests.unit.training.test_tables import mixed_table

IMAGES = {"lying": 30, "upright": 12}
PARTS = {"draw": (screen, "fit_classifier"), "learn": (run, "train"), "judge": (Validation, "_judge_classes")}


def trained(cores: int, monkeypatch: pytest.MonkeyPatch, data: object, **settings: object) -> dict[str, Tensor]:
    monkeypatch.setattr(parallel, "usable_cores", lambda: cores)
    done = Run(data, max_steps=6, random_state=0, **settings)  # type: ignore[arg-type]
    kept = done.run()
    weights = done.state.family.networks.state_dict() | done.screen.state_dict() | kept.generator.state_dict()
    return weights | {"agreement": done.agreement, "score": torch.tensor([r.score for _, r in done.state.validations])}


@pytest.mark.parametrize("kind", ["images", "images with a pipeline", "images and a budget", "table"])
def test_weights_do_not_depend_on_the_number_of_cores(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = from_frame(*mixed_table({"no": 40, "yes": 10})) if kind == "table" else striped_images(IMAGES, 16)
    settings: dict[str, object] = {}
    if kind == "images with a pipeline":
        settings["augment"] = A.Compose([A.Rotate(limit=20, p=1.0), A.HorizontalFlip()])
    if kind == "images and a budget":
        settings["time_budget"] = 1e6  # the steps come first
    one, two = (trained(cores, monkeypatch, data, **settings) for cores in (1, 2))
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


@pytest.mark.usefixtures("left_as_found")
def test_every_part_of_a_fit_takes_one_torch_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[str, int]] = set()
    for name, (place, function) in PARTS.items():
        real = getattr(place, function)

        def watched(*args: object, name: str = name, real: object = real, **settings: object) -> object:
            seen.add((name, torch.get_num_threads()))
            return real(*args, **settings)  # type: ignore[operator]

        monkeypatch.setattr(place, function, watched)
    fit(striped_images(IMAGES), max_steps=2, random_state=0)
    fit(striped_images(IMAGES), time_budget=0.5, random_state=0)
    assert seen == {(name, 1) for name in PARTS}


@pytest.mark.usefixtures("left_as_found")
@pytest.mark.parametrize("error", [DataError("broken"), KeyboardInterrupt()], ids=["failure", "Ctrl-C"])
@pytest.mark.parametrize("part", PARTS)
def test_what_stops_a_fit_reaches_the_caller(part: str, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(*PARTS[part], fail)
    with pytest.raises(type(error)):
        fit(striped_images(IMAGES), max_steps=2, random_state=0)


@pytest.mark.usefixtures("left_as_found")
def test_one_failing_fold_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Barrier(2)
    learn = screen.fit_classifier

    def fit_classifier(*args: object, **settings: object) -> None:
        begun.wait(30)
        if threading.current_thread() is not threading.main_thread():
            raise DataError("broken")
        learn(args[0], args[1], 10**9, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(screen, "fit_classifier", fit_classifier)
    with pytest.raises(DataError, match="broken"):
        fit(striped_images(IMAGES), max_steps=2, random_state=0)
