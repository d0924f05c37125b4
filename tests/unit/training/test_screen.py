"""Screen and validation: they read classes, set sensible thresholds, and notice what is wrong with a generator."""

import math
from dataclasses import replace
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from ganaug.compute.engine import Engine
from ganaug.data.images.dataset import LabelledImages
from ganaug.data.images.pipeline import Pipeline
from ganaug.networks import samples
from ganaug.networks.classifiers import ConvClassifier
from ganaug.networks.images import SCREEN_WIDTHS, Images
from ganaug.techniques.augmentation import distort
from ganaug.training.loop import ValidationResult
from ganaug.training.screen import (
    FOLDS,
    Screen,
    clear_thresholds,
    energy_score,
    fit_screen,
    mean_pairwise_distance,
    thresholds,
)
from ganaug.training.validation import Validation, collapsed_classes, hold_out


def on_device(data: LabelledImages) -> Images:
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
    return Images(pixels, torch.from_numpy(data.labels), len(data.classes))


def new_classifier(channels: int, n_classes: int) -> ConvClassifier:
    return ConvClassifier(channels, n_classes, SCREEN_WIDTHS, max_side=32, patch=2)


def fitted(data: Images, steps: int = 25) -> tuple[Screen, Tensor]:
    torch.manual_seed(0)
    screen = Screen(lambda: new_classifier(data.values.shape[1], data.n_classes))
    random, engine = torch.Generator().manual_seed(0), Engine(torch.device("cpu"))
    return screen, fit_screen(screen, data, distort=distort, steps=steps, random=random, engine=engine)


@pytest.fixture(scope="module")
def images(stripes: LabelledImages) -> Images:
    return on_device(stripes)


@pytest.fixture(scope="module")
def screen(images: Images) -> Screen:
    return fitted(images)[0]


class Replay(nn.Module):
    """A "generator" that shows given images of the class that is asked for."""

    def __init__(self, images: Images, *, swapped: bool = False, only: int | None = None) -> None:
        super().__init__()
        self.images, self.swapped, self.only, self.noise_dim = images, swapped, only, 4

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        rows = torch.where(self.images.label == (1 - label[0] if self.swapped else label[0]))[0][: self.only]
        chosen = rows[torch.arange(len(noise)) % len(rows)]
        return self.images.inputs(chosen)


def validation(screen: Screen, images: Images) -> Validation:
    learn, held_out = hold_out(images, torch.Generator().manual_seed(0))
    return Validation(
        screen,
        learn,
        held_out,
        random=torch.Generator().manual_seed(0),
        engine=Engine(torch.device("cpu")),
    )


def test_images_are_pooled_before_anything_is_done_with_them(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(images, values=images.values.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3))
    assert large.values.shape[-1] == 128
    torch.testing.assert_close(large.downscaled(8).values, images.values)
    assert images.downscaled(8) is images
    seen: list[int] = []
    draw = Images.draw
    monkeypatch.setattr(Images, "draw", lambda self, *args: seen.append(self.values.shape[-1]) or draw(self, *args))
    fitted(large, steps=2)
    assert set(seen) == {32}
    # What a pipeline does, it does to whole images.
    piped = replace(large, pipeline=cast("Pipeline", object()))
    assert piped.downscaled(8) is piped


def test_validation_looks_at_no_more_images_at_once_than_memory_holds(
    screen: Screen, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = validation(screen, images)
    seen: list[int] = []
    inputs = Images.inputs
    monkeypatch.setattr(Images, "inputs", lambda self, rows: seen.append(len(rows)) or inputs(self, rows))
    monkeypatch.setattr(samples, "PART_NUMBERS", 3 * images.values[0].numel())
    in_parts = validation(screen, images)
    assert max(seen) == 3
    assert sum(seen) >= len(images)
    torch.testing.assert_close(in_parts.target, whole.target)
    assert in_parts.real_variety == pytest.approx(whole.real_variety)


@pytest.mark.slow
def test_out_of_fold_agreement_is_high_where_classes_are_plain(images: Images) -> None:
    _, agreement = fitted(images)
    assert agreement.shape == images.label.shape
    assert float(agreement.mean()) > 0.8


@pytest.mark.slow
def test_out_of_fold_agreement_is_chance_where_labels_mean_nothing(images: Images) -> None:
    shuffled = images.label[torch.randperm(len(images.label), generator=torch.Generator().manual_seed(1))]
    _, agreement = fitted(Images(images.values, shuffled, 2))
    rare = agreement[shuffled == 1]
    assert float(rare.mean()) < 0.6


@pytest.mark.parametrize("counts", [(1, 1), (30, 1), (2, 2)])
def test_tiny_classes_are_screened_too(counts: tuple[int, int]) -> None:
    label = torch.tensor([0] * counts[0] + [1] * counts[1])
    screen, agreement = fitted(Images(torch.randint(0, 256, (len(label), 1, 8, 8), dtype=torch.uint8), label, 2), 3)
    assert len(screen.nets) == FOLDS
    assert torch.isfinite(agreement).all()
    assert len(thresholds(agreement, label, 2)) == 2


def test_big_images_are_read_at_a_smaller_size() -> None:
    assert Screen(lambda: new_classifier(3, 2)).eval()(torch.rand(2, 3, 128, 128)).shape == (2, 2)


def test_thresholds_shrink_towards_all_classes_where_rows_are_few() -> None:
    agreement = torch.tensor([0.8] * 100 + [0.3])
    label = torch.tensor([0] * 100 + [1])
    agreement = agreement / 2
    common, rare, unseen = thresholds(agreement, label, 3)
    assert common == pytest.approx(0.4, abs=0.01)
    assert 1 / 3 <= rare < 0.4
    assert unseen == pytest.approx(0.4, abs=0.01)  # a class without rows is judged as all are


def test_energy_score_prefers_the_right_distribution() -> None:
    random = torch.Generator().manual_seed(0)
    held_out = torch.randn(200, 3, generator=random)
    right = energy_score(torch.randn(200, 3, generator=random), held_out)
    shifted = energy_score(torch.randn(200, 3, generator=random) + 1, held_out)
    collapsed_ = energy_score(torch.zeros(200, 3), held_out)
    assert right < shifted
    assert right < collapsed_


def test_samples_must_be_clear_or_among_the_clearer_half_of_their_class() -> None:
    assert clear_thresholds([0.3, 0.3, 0.5], [0.95, 0.45, 0.2], 0.6) == [0.6, 0.45, 0.5]


def test_distance_of_one_point_is_unknown() -> None:
    assert math.isnan(mean_pairwise_distance(torch.zeros(1, 3)))


def test_hold_out_spares_small_classes_and_loses_nothing() -> None:
    images = Images(torch.arange(39).repeat(64, 1).T.reshape(39, 1, 8, 8).byte(), torch.tensor([0] * 30 + [1] * 9), 2)
    learn, held_out = hold_out(images, torch.Generator().manual_seed(0))
    assert torch.bincount(held_out.label, minlength=2).tolist() == [3, 0]
    assert sorted([*learn.values[:, 0, 0, 0].tolist(), *held_out.values[:, 0, 0, 0].tolist()]) == list(range(39))


def test_validation_prefers_real_images_to_swapped_and_collapsed_ones(screen: Screen, images: Images) -> None:
    judge = validation(screen, images)
    real, swapped, collapsed_ = (
        judge.judge(Replay(images, **options)) for options in ({}, {"swapped": True}, {"only": 1})
    )
    assert real.score < min(swapped.score, collapsed_.score)
    assert min(real.agreement) > 0.9
    assert max(swapped.agreement) < 0.1
    assert min(judge.median_agreement(Replay(images), screen)) > 0.8
    assert max(judge.median_agreement(Replay(images, swapped=True), screen)) < 0.2
    assert collapsed_classes(real) == []
    assert collapsed_classes(collapsed_) == [0, 1]


def test_validation_says_when_nothing_could_be_held_out(screen: Screen) -> None:
    images = Images(torch.randint(0, 256, (10, 1, 8, 8), dtype=torch.uint8), torch.tensor([0, 1] * 5), 2)
    judge = validation(screen, images)
    assert judge.measured_on == "training samples"
    assert math.isfinite(judge.judge(Replay(images)).score)


def test_a_class_too_small_to_hold_out_counts_in_the_score(screen: Screen, images: Images) -> None:
    few = torch.cat([torch.where(images.label == 0)[0], torch.where(images.label == 1)[0][:5]])
    images = images.subset(few)
    judge = validation(screen, images)
    assert judge.measured_on == "held-out samples, and training samples of the classes of fewer than 10"

    smeared = images.values.clone()
    smeared[images.label == 1] = 128
    assert judge.judge(Replay(images)).score < judge.judge(Replay(replace(images, values=smeared))).score


def test_many_classes_are_judged_together_as_if_one_by_one(screen: Screen, images: Images) -> None:
    many, passes = 40 * images.n_classes, list[int]()
    label = torch.arange(40).repeat_interleave(len(images)) * images.n_classes + images.label.repeat(40)
    data = Images(images.values.repeat(40, 1, 1, 1), label, many)

    class OfMany(Screen):
        def read(self, features: Tensor) -> Tensor:
            return screen.read(features).repeat(1, 40)

    class Chosen(nn.Module):
        """A "generator" that shows the images that the noise chooses."""

        noise_dim = 4

        def forward(self, noise: Tensor, label: Tensor) -> Tensor:
            passes.append(len(label))
            number = (100 * noise[:, 0].abs()).long()
            rows = [data.rows_of_class[c] for c in label.tolist()]
            return data.inputs(torch.stack([own[n % len(own)] for own, n in zip(rows, number, strict=True)]))

    judge = OfMany(lambda: nn.Identity())
    judge.nets = screen.nets
    random, engine = torch.Generator().manual_seed(0), Engine(torch.device("cpu"))
    validation = Validation(judge, data, data, random=random, engine=engine)
    together = validation.judge(Chosen())
    assert sum(passes) == 25 * many  # 2048 samples of 80 classes
    assert len(passes) == many / 5
    apart = [validation._judge_classes(Chosen(), value[None])[0] for value in validation.label]
    score, agreement, variety = zip(*apart, strict=True)
    assert together.score == pytest.approx(sum(score) / many, rel=1e-5)
    assert together.agreement == agreement
    assert together.variety == pytest.approx(variety, rel=1e-4)


def test_a_class_of_one_image_cannot_collapse() -> None:
    assert collapsed_classes(ValidationResult(0.0, (1.0, 1.0), (math.nan, 0.9))) == []
