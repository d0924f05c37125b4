"""The networks of clips: shapes, growth that keeps the function, alterations that keep the motion."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ganaug.errors import DataError
from ganaug.networks.classifiers import ConvClassifier3d
from ganaug.networks.clips import ClipModality
from ganaug.networks.convolutional_3d import (
    ClipDiscriminator,
    ClipGenerator,
    Stages,
    bent,
    in_plane,
    in_time,
    shuffle,
    unshuffle,
)
from ganaug.networks.modality import modality_of
from ganaug.networks.samples import Batch
from ganaug.techniques import clip_augmentation
from ganaug.techniques.clip_augmentation import distort, shift_and_relight
from ganaug.techniques.displacement import KNOTS
from ganaug.techniques.switches import Techniques
from tests.conftest import moving_squares

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("frames", "side", "stages"),
    [(4, 8, [(4, 8)]), (8, 16, [(4, 8), (8, 16)]), (32, 16, [(16, 8), (32, 16)]), (4, 32, [(4, 8), (4, 16), (4, 32)])],
)
def test_time_doubles_in_the_last_stages(frames: int, side: int, stages: list[tuple[int, int]]) -> None:
    found = Stages.of(frames, side)
    assert list(zip(found.frames, found.sides, strict=True)) == stages


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(4, 8), (8, 16), (8, 32)])
def test_shapes_at_every_stage(shape: tuple[int, int], channels: int) -> None:
    stages = Stages.of(*shape)
    generator, discriminator = ClipGenerator(3, stages, channels), ClipDiscriminator(3, stages, channels)
    label = torch.tensor([0, 1, 2, 2])
    for frames, side in zip(stages.frames, stages.sides, strict=True):
        clip = generator(torch.randn(4, 64), label, side)
        assert clip.shape == (4, channels, frames, side, side)
        assert clip.abs().max() <= 1
        assert discriminator(clip, label).shape == (4,)


def test_growing_leaves_both_functions_as_they_were() -> None:
    torch.manual_seed(0)
    stages = Stages.of(8, 16)
    generator, discriminator = ClipGenerator(2, stages, 1), ClipDiscriminator(2, stages, 1)
    generator.draw[0].begin(0.2)  # type: ignore[operator]  # no value is clipped
    noise, label = torch.randn(3, 64), torch.tensor([0, 1, 1])
    small, large = generator(noise, label, 8), generator(noise, label)
    torch.testing.assert_close(large, in_time(in_plane(small)))
    torch.testing.assert_close(
        discriminator.features(F.avg_pool3d(large, 2)), discriminator.features(large), atol=1e-3, rtol=1e-2
    )


def test_all_classes_begin_as_one() -> None:
    generator, noise = ClipGenerator(2, Stages.of(4, 8), 1), torch.randn(2, 64)
    torch.testing.assert_close(generator(noise, torch.tensor([0, 0])), generator(noise, torch.tensor([1, 1])))


def test_bending_without_displacement_enlarges_every_frame() -> None:
    x = torch.randn(2, 3, 4, 8, 8)
    for by_product in (False, True):
        enlarged = bent(x, torch.zeros(2, 2, KNOTS, KNOTS), by_product=by_product)
        torch.testing.assert_close(enlarged, in_plane(x), atol=1e-5, rtol=1e-5)


def test_time_is_interpolated_as_by_torch() -> None:
    x = torch.randn(2, 3, 5, 4, 4)
    expected = F.interpolate(x, scale_factor=(2, 1, 1), mode="trilinear", align_corners=False)
    torch.testing.assert_close(in_time(x), expected)


def test_patches_come_back() -> None:
    x = torch.randn(2, 3, 4, 6, 6)
    assert unshuffle(x).shape == (2, 12, 4, 3, 3)
    torch.testing.assert_close(shuffle(unshuffle(x)), x)


def test_alterations_keep_the_shape_and_repeat() -> None:
    for channels in (1, 3):
        clips = torch.rand(5, channels, 8, 16, 16) * 2 - 1
        for alter in (distort, shift_and_relight):
            altered = [alter(clips, torch.Generator().manual_seed(3)) for _ in range(2)]
            assert altered[0].shape == clips.shape
            torch.testing.assert_close(*altered)
            assert not torch.equal(altered[0], clips)


def test_all_frames_are_shifted_alike() -> None:
    still = torch.full((4, 1, 8, 16, 16), -1.0)
    still[:, :, :, 7, 7] = 1
    for alter in (distort, shift_and_relight):
        altered = alter(still, torch.Generator().manual_seed(0))
        torch.testing.assert_close(altered, altered[:, :, :1].expand_as(altered))
        assert not torch.equal(altered, still)


def test_a_delay_moves_frames() -> None:
    clip = torch.arange(6.0).view(1, 1, 6, 1, 1)
    delayed = clip_augmentation.in_time(clip, torch.tensor([1.5]))
    assert delayed.flatten().tolist() == [0, 0, 0.5, 1.5, 2.5, 3.5]


def modality(frames: int = 8, size: int = 16, channels: int = 1, **techniques: object) -> ClipModality:
    data = moving_squares({"down": 4, "right": 6}, frames, size, channels)
    return ClipModality(data, seed=0, techniques=Techniques.of(techniques))


def test_the_decoder_returns_the_pixels_of_the_data() -> None:
    found = modality(channels=3)
    real = found.samples(CPU).inputs(torch.arange(10))
    assert real.shape == (10, 3, 8, 16, 16)
    decoder = found.decoder(lambda noise, label: real)  # type: ignore[arg-type, misc]
    (clip,) = decoder(torch.zeros(10, 64), torch.zeros(10)).outputs
    np.testing.assert_array_equal(clip.numpy(), found.data.clips)


@pytest.mark.parametrize("stage", [8, 16])
def test_what_a_family_asks_for_has_its_shape(stage: int) -> None:
    found = modality()
    real, label = found.samples(CPU).draw(6, torch.Generator().manual_seed(0))
    network = found.new_network()
    batch = Batch(found.at_stage(real, stage), label, 64, torch.Generator().manual_seed(0))
    assert batch.real.shape == (6, 1, stage // 2, stage, stage)
    assert found.synthesise(found.new_generator(network), batch).shape == batch.real.shape
    outputs = found.reconstruct(network, torch.randn(6, found.code_dim), batch)
    assert found.reconstruction_loss(outputs, batch.real).shape == (6,)
    assert found.new_encoder(5)(batch.real, label).shape == (6, 5)
    assert found.new_classifier()(batch.real).shape == (6, 2)
    assert found.discrepancy(batch.real, batch.real, label).ndim == 0
    points = found.points(batch.real, batch.random)
    assert points.shape == (6, found.point_dim)
    assert found.outputs_of(points).shape == (6, 1, 8, 16, 16)


def test_points_and_outputs_are_inverse() -> None:
    found = modality()
    real = found.samples(CPU).inputs(torch.arange(10))
    points = found.points(real, torch.Generator())
    torch.testing.assert_close(found.outputs_of(points), real)


def test_samples_of_the_screen_keep_their_frames() -> None:
    small = modality(size=32).samples(CPU).downscaled(16)
    assert small.values.shape == (10, 1, 8, 16, 16)


def test_without_growing_there_is_one_stage() -> None:
    assert modality(growing=False).stages == (16,)


@pytest.mark.parametrize("size", [8, 16, 64])
def test_a_classifier_reads_any_size(size: int) -> None:
    classifier = ConvClassifier3d(1, 3, (8, 8, 8), max_side=32)
    assert classifier(torch.zeros(2, 1, 4, size, size)).shape == (2, 3)


@pytest.mark.parametrize(
    ("settings", "said"), [({"space": "latent"}, "space must be 'auto'"), ({"augment": print}, "augment must be None")]
)
def test_settings_of_images_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        modality_of(moving_squares({"down": 6, "right": 4}), seed=0, **settings)  # type: ignore[arg-type]
