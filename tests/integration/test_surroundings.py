"""Contract: whatever a caller has set in torch, a fit and an evaluation give the same, and leave the settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from sklearn.dummy import DummyClassifier

from ganaug.compute.modes import training_modes
from ganaug.evaluation.arms import IMAGE_ARMS
from ganaug.evaluation.evaluate import evaluate
from ganaug.evaluation.settings import Settings
from ganaug.integrations.sklearn import AugmentedClassifier, GANAugmenter, GANSampler
from ganaug.runtime.generator import Generator
from tests.conftest import striped_images

QUICK: dict[str, Any] = {"max_steps": 3, "random_state": 0}
STRIPES = striped_images({"lying": 16, "upright": 8})
X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.repeat([0, 1], [28, 12])
onednn: Any = torch.backends.mkldnn


@contextmanager
def having(read: Callable[[], Any], write: Callable[[Any], Any], value: Any) -> Iterator[None]:
    """Set something for a whole process, and check at the end that it is still set."""
    before = read()
    write(value)
    try:
        yield
        assert read() == value
    finally:
        write(before)


@contextmanager
def default_device(device: str) -> Iterator[None]:
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def autocast(dtype: torch.dtype, **settings: Any) -> Iterator[None]:
    """Use a weight in autocast before and after, as a training loop around a fit does."""
    weight = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu", dtype, **settings):
        assert (weight @ weight).dtype == dtype
        yield
        assert (weight @ weight).dtype == dtype


default_dtype = partial(having, torch.get_default_dtype, torch.set_default_dtype)
debug_mode = partial(having, torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
convolutions = partial(
    having, lambda: onednn.conv.fp32_precision, lambda value: setattr(onednn.conv, "fp32_precision", value)
)


@contextmanager
def products(precision: str) -> Iterator[None]:
    torch.set_float32_matmul_precision(precision)
    try:
        yield
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision("highest")
        onednn.matmul.fp32_precision = torch.backends.cuda.matmul.fp32_precision = "none"


def set_all(precision: str) -> None:
    torch.backends.fp32_precision = precision


SURROUNDINGS: dict[str, Callable[[], Any]] = {
    "autocast to bfloat16": lambda: autocast(torch.bfloat16),
    "autocast to float16": lambda: autocast(torch.float16),
    "autocast without a cache": lambda: autocast(torch.bfloat16, cache_enabled=False),
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
    "default device meta": lambda: default_device("meta"),
    "device context meta": lambda: torch.device("meta"),
    "default float64": lambda: default_dtype(torch.float64),
    "default bfloat16": lambda: default_dtype(torch.bfloat16),
    "deterministic": lambda: debug_mode(2),
    "warnings of what is not deterministic": lambda: debug_mode(1),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "forked random numbers": torch.random.fork_rng,
    "three threads": lambda: having(torch.get_num_threads, torch.set_num_threads, 3),
    "products in bfloat16": lambda: products("medium"),
    "all in TF32": lambda: having(lambda: torch.backends.fp32_precision, set_all, "tf32"),
    "convolutions in bfloat16": lambda: convolutions("bf16"),
}
ALL = [
    name
    for name in SURROUNDINGS
    if name not in ("autocast to float16", "default bfloat16", "no gradients", "products in bfloat16")
]
"""Surroundings that can be entered at once."""


def state() -> dict[str, Any]:
    """Return what torch is set to."""
    return {
        "autocast": torch.is_autocast_enabled("cpu"),
        "autocast's cache": torch.is_autocast_cache_enabled(),
        "autocast's depth": [torch.autocast_increment_nesting(), torch.autocast_decrement_nesting()],
        "gradients": [torch.is_grad_enabled(), torch.is_inference_mode_enabled()],
        "device": torch.get_default_device(),
        "dtype": torch.get_default_dtype(),
        "deterministic": [torch.are_deterministic_algorithms_enabled(), torch.get_deterministic_debug_mode()],
        "anomalies": [torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()],
        "threads": torch.get_num_threads(),
        "products": [one.fp32_precision for one in (onednn.matmul, onednn.conv, torch.backends.cuda.matmul)],
        "other operators": [one.fp32_precision for one in (torch.backends, onednn)],
        "random": torch.get_rng_state().tolist(),
    }


def weights(generator: Generator) -> dict[str, bytes]:
    """Return the weights of a model file, bit by bit."""
    return {one.name: one.SerializeToString() for one in onnx.load_from_string(generator.to_bytes()).graph.initializer}


def fit_table() -> Any:
    return weights(GANSampler(**QUICK).fit(X, Y).generator_)


def fit_images() -> Any:
    return weights(GANAugmenter(**QUICK).fit(STRIPES.images, STRIPES.labels).generator_)


def evaluate_images() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganaug.evaluation.trials.images.ImageTrial.usual_steps", 2)
        patch.setattr("ganaug.evaluation.evaluate.Settings", partial(Settings, arms=IMAGE_ARMS[:1], repeats=1))
        figures = evaluate(STRIPES, trainer=lambda part, **_: model_of_images(), budget=None).to_dict()
    return {name: figures[name] for name in ("verdict", "classes", "arms", "fidelity", "copies")}


@cache
def model_of_images() -> Generator:
    """Return what `evaluate` judges."""
    return GANAugmenter(**QUICK).fit(STRIPES.images, np.array(STRIPES.classes)[STRIPES.labels]).generator_


@cache
def usual(work: Callable[[], Any]) -> Any:
    return work()


ALONE = ["autocast to float16", "inference", "default device meta", "default float64", "deterministic"]
CASES = [
    *((fit_table, [name]) for name in ALONE),
    (fit_images, ["autocast to bfloat16"]),
    (fit_images, ALL),
    (evaluate_images, ALL),
]


@contextmanager
def surrounded(names: list[str]) -> Iterator[None]:
    """Enter surroundings, and check that nothing in them has changed at the end, also after an exception."""
    with ExitStack() as around:
        for name in names:
            around.enter_context(SURROUNDINGS[name]())
        before = state()
        try:
            yield
        finally:
            assert state() == before


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_training_computes_as_in_a_new_process(name: str) -> None:
    with training_modes():
        expected = state()
    left_alone = {"threads", "random", "other operators"}
    with surrounded([name]), training_modes():
        found = state()
    assert {key for key in expected if found[key] != expected[key]} <= left_alone


@pytest.mark.slow
@pytest.mark.parametrize(("work", "names"), CASES)
def test_the_result_does_not_depend_on_the_surroundings(work: Callable[[], Any], names: list[str]) -> None:
    expected = usual(work)
    with surrounded(names):
        found = work()
    assert found == expected


def test_an_exception_leaves_everything_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), surrounded(ALL):
        GANSampler(callbacks=[lambda _: 1 / 0], **QUICK).fit(X, Y)


class Recorder(DummyClassifier):  # type: ignore[misc]
    """Remembers the modes in which it is fitted."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.modes_ = torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled(), torch.get_default_dtype()
        return super().fit(X, y, sample_weight)


def test_the_users_classifier_is_trained_in_the_users_modes() -> None:
    with surrounded(["autocast to bfloat16", "inference", "default float64"]):
        model = AugmentedClassifier(Recorder(), GANSampler(**QUICK), policy="always").fit(X, Y)
    assert model.estimator_.modes_ == (True, True, torch.float64)
