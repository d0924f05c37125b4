"""The loop: plans, growth, stopping, and the state that it leaves."""

import math
from collections import Counter

import pytest
import torch
from torch import nn

from ganaug.compute.engine import Engine
from ganaug.networks.images import ImageModality, Images
from ganaug.networks.modality import Bounds
from ganaug.training.loop import State, Step, ValidationResult, stage_at, train
from tests.modalities import image_modality, new_gan


def new_state(size: int = 16) -> State:
    return State(new_gan(size), torch.Generator().manual_seed(1))


def modality() -> ImageModality:
    found = image_modality(16)
    found.batch_size = 4  # type: ignore[misc]
    return found


def some_images(size: int = 16, counts: tuple[int, int] = (16, 4)) -> Images:
    random = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (sum(counts), 1, size, size), dtype=torch.uint8, generator=random)
    return Images(pixels, torch.tensor([0] * counts[0] + [1] * counts[1]), 2)


def run(state: State, bounds: Bounds, scores: list[float] | None = None) -> list[Step]:
    given = iter(scores or [])
    validate = lambda module: ValidationResult(next(given, 1.0), (1.0, 1.0), (1.0, 1.0))  # noqa: E731
    return list(train(state, some_images(), modality(), bounds, validate=validate))


def test_bounds_end_with_what_comes_first() -> None:
    assert Bounds(steps=10).progress(5, 1e9) == 0.5
    assert Bounds(seconds=10).progress(10**9, 5) == 0.5
    assert Bounds(seconds=10, steps=10).progress(2, 9) == 0.9
    assert Bounds(steps=10).progress(11, 0) == 1.0


def test_resolution_grows_and_the_last_takes_the_most() -> None:
    seen = Counter(stage_at(i / 1000, (8, 16, 32)) for i in range(1000))
    assert list(seen) == [8, 16, 32]
    assert seen[8] < seen[16] < seen[32]
    assert stage_at(1.0, (8, 16)) == 16


def test_rare_classes_are_drawn_more_than_their_share_but_less_than_evenly() -> None:
    _, label = some_images(counts=(160, 10)).draw(20_000, torch.Generator().manual_seed(0))
    assert float((label == 1).float().mean()) == pytest.approx(1 / 5, abs=0.02)  # sqrt(10) / (sqrt(160) + sqrt(10))


@pytest.mark.slow
def test_a_run_in_steps_takes_them_all_and_measures_its_end() -> None:
    state = new_state()
    steps = run(state, Bounds(steps=20))
    assert [step.number for step in steps] == list(range(1, 21))
    assert steps[0].resolution == 8
    assert steps[-1].resolution == 16
    assert steps[-1].progress == 1.0
    assert steps[-1].validation is not None
    assert sum(count for count, _ in state.stages.values()) == 20


@pytest.mark.slow
def test_the_best_weights_are_kept_not_the_last() -> None:
    state = new_state()
    scores = [3.0, 1.0, 2.0]
    kept: list[torch.Tensor] = []
    validated = 0
    given = iter(scores)

    def validate(module: nn.Module) -> ValidationResult:
        nonlocal validated
        validated += 1
        if validated == 2:
            kept.append(module.seed.weight.clone())  # type: ignore[operator, union-attr]
        return ValidationResult(next(given, 2.0), (1.0, 1.0), (1.0, 1.0))

    list(train(state, some_images(), modality(), Bounds(steps=40), validate=validate))
    assert validated > 3
    assert state.kept_validation is not None
    assert state.kept_validation[1].score == 1.0
    assert state.kept is not None
    assert torch.equal(state.kept["seed.weight"], kept[0])


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([3.0, 1.0, 1.04, 1.2], 1.04),
        ([3.0, 1.0, 1.2, 1.04], 1.04),
        ([1.0, 1.04, 1.08], 1.04),  # not as good as the best, though as the one before it
        ([-2.0, -1.96, -1.8], -1.96),
        ([math.nan, 2.0, math.nan], 2.0),
    ],
)
def test_of_equals_the_latest_weights_are_kept(scores: list[float], kept: float) -> None:
    state = new_state()
    for score in scores:
        state.record_validation(ValidationResult(score, (1.0, 1.0), (1.0, 1.0)))
    assert state.kept_validation is not None
    assert state.kept_validation[1].score == kept


@pytest.mark.slow
def test_stops_when_it_only_gets_worse_and_says_why() -> None:
    state = new_state()
    steps = run(state, Bounds(steps=100), scores=[1.0] + [2.0 + i for i in range(50)])
    assert 50 < len(steps) < 100
    assert "no better since" in state.stopped


@pytest.mark.slow
def test_a_little_worse_is_no_reason_to_stop() -> None:
    state = new_state()
    assert len(run(state, Bounds(steps=60), scores=[1.0] + [1.05] * 50)) == 60
    assert state.stopped == ""


def test_a_budget_in_seconds_ends_the_run() -> None:
    state = new_state()
    steps = run(state, Bounds(seconds=0.5))
    assert steps[-1].progress == 1.0
    assert state.seconds >= 0.5


def test_same_seed_same_weights() -> None:
    first, second = new_state(), new_state()
    run(first, Bounds(steps=6))
    run(second, Bounds(steps=6))
    theirs = second.family.networks.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in first.family.networks.state_dict().items())


def test_random_state_and_threads_are_left_as_found() -> None:
    torch.manual_seed(5)
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    state = new_state()
    torch.set_rng_state(random)
    run(state, Bounds(seconds=0.3))
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads


def test_mixed_precision_follows_what_the_processor_can(monkeypatch: pytest.MonkeyPatch) -> None:
    for capable in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda capable=capable: {"avx512_bf16": capable})
        with Engine(torch.device("cpu")).autocast():
            assert torch.is_autocast_enabled("cpu") is capable


def test_a_resumed_run_goes_on_from_where_it_was_though_it_has_longer() -> None:
    state = new_state()
    state.progress, state.step = 0.6, 6
    before = [weight.clone() for weight in state.family.average.parameters()]
    first, *others = run(state, Bounds(steps=12))
    assert first.progress == 0.6  # not 7 / 12
    assert [step.progress for step in others] == [i / 12 for i in range(8, 13)]
    moved = [float((a - b).abs().max()) for a, b in zip(before, state.family.average.parameters(), strict=True)]
    assert max(moved) < 0.1
