"""The networks of signals: shapes, growth that keeps the function, time warps, and the scale of the user."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ganaug.compute.modes import seeded
from ganaug.errors import DataError
from ganaug.networks.convolutional_1d import (
    KNOTS,
    Layout,
    SignalDiscriminator,
    SignalGenerator,
    bend,
    shuffle,
    unshuffle,
    upsample,
)
from ganaug.networks.modality import modality_of
from ganaug.networks.samples import Batch
from ganaug.networks.signals import SignalModality, outline
from ganaug.techniques.signal_augmentation import distort, in_time, jitter, warp_time
from tests.conftest import waves

CPU = torch.device("cpu")


@pytest.mark.parametrize("length", [8, 24, 33, 150, 512, 513, 8000, 2**16])
def test_a_layout_holds_the_signal_with_little_padding(length: int) -> None:
    layout = Layout.of(length)
    assert length <= layout.lengths[-1] <= 1.13 * length
    assert layout.cells[-1] <= 256
    assert layout.cells[0] <= 16
    assert len(layout.grids.widths) == len(layout.grids.depths) == len(layout.cells)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("length", [20, 70, 1500])
def test_shapes_at_every_length(length: int, channels: int) -> None:
    layout = Layout.of(length)
    generator, discriminator = SignalGenerator(3, layout, channels), SignalDiscriminator(3, layout, channels)
    label = torch.tensor([0, 1, 2, 2])
    for one in layout.lengths:
        signal = generator(torch.randn(4, 64), label, one)
        assert signal.shape == (4, channels, one)
        assert discriminator(signal, label).shape == (4,)


def test_growing_leaves_both_functions_as_they_were() -> None:
    torch.manual_seed(0)
    layout = Layout.of(100)
    generator, discriminator = SignalGenerator(2, layout, 1), SignalDiscriminator(2, layout, 1)
    noise, label = torch.randn(3, 64), torch.tensor([0, 1, 1])
    *_, half, full = layout.lengths
    small, large = generator(noise, label, half), generator(noise, label, full)
    torch.testing.assert_close(large, upsample(small))
    torch.testing.assert_close(
        discriminator.features(F.avg_pool1d(large, 2)), discriminator.features(large), atol=1e-3, rtol=1e-2
    )


def test_all_classes_begin_as_one() -> None:
    generator = SignalGenerator(2, Layout.of(100), 1)
    noise = torch.randn(2, 64)
    torch.testing.assert_close(generator(noise, torch.tensor([0, 0])), generator(noise, torch.tensor([1, 1])))


def test_bending_without_displacement_enlarges() -> None:
    x = torch.randn(2, 3, 10)
    torch.testing.assert_close(bend(x, torch.zeros(2, KNOTS), 10), upsample(x))


def test_patches_come_back() -> None:
    x = torch.arange(24.0).view(1, 2, 12)
    assert unshuffle(x, 4).shape == (1, 8, 3)
    torch.testing.assert_close(shuffle(unshuffle(x, 4), 4), x)
    assert unshuffle(x, 4)[0, :4, 0].tolist() == [0, 1, 2, 3]


def test_alterations_keep_the_shape_and_repeat() -> None:
    signals = torch.randn(5, 2, 40)
    for alter in (distort, jitter, warp_time):
        altered = [alter(signals, torch.Generator().manual_seed(3)) for _ in range(2)]
        assert altered[0].shape == signals.shape
        torch.testing.assert_close(*altered)
        assert not torch.equal(altered[0], signals)


def test_a_shift_moves_a_pulse() -> None:
    signal = torch.zeros(1, 1, 40)
    signal[0, 0, 20] = 1
    moved = in_time(signal, torch.full((1, 4), 0.1))  # every place shows what lies a tenth later
    assert int(moved[0, 0].argmax()) == 16


def modality(length: int = 45, channels: int = 2) -> SignalModality:
    return SignalModality(waves({"slow": 6, "fast": 4}, length, channels), seed=0)


def test_encoding_standardises_and_continues_by_the_last_value() -> None:
    found = modality()
    values = found.samples(CPU).values
    assert values.shape == (10, 2, found.stages[-1])
    assert abs(float(values[:, :, :45].mean())) < 1e-4
    assert float(values[:, :, :45].std()) == pytest.approx(1, abs=1e-2)
    assert (values[:, :, 45:] == values[:, :, 44:45]).all()


def test_the_decoder_returns_the_units_and_the_range_of_the_data() -> None:
    found = modality()
    with seeded(0):
        decoder = found.decoder(found.new_generator()).eval()
    decoder.mean += 1e9  # type: ignore[operator]  # far out of the range
    (signal,) = decoder(torch.randn(3, 64), torch.tensor([0, 1, 1])).outputs
    assert signal.shape == (3, 45, 2)
    np.testing.assert_array_equal(signal.detach().amax(dim=(0, 1)).numpy(), found.data.signals.max(axis=(0, 1)))


def test_points_and_outputs_are_inverse_but_for_a_little_noise() -> None:
    found = modality()
    real = found.samples(CPU).values
    points = found.points(real, torch.Generator().manual_seed(0))
    assert points.shape == (10, 90)
    torch.testing.assert_close(found.outputs_of(points), real, atol=0.15, rtol=0)


def test_what_a_family_asks_for_has_its_shape() -> None:
    found = modality()
    real, label = found.samples(CPU).draw(6, torch.Generator().manual_seed(0))
    network, stage = found.new_network(), found.stages[0]
    batch = Batch(found.at_stage(real, stage), label, 64, torch.Generator().manual_seed(0))
    assert batch.real.shape == (6, 2, stage)
    assert found.synthesise(found.new_generator(network), batch).shape == batch.real.shape
    outputs = found.reconstruct(network, torch.randn(6, found.code_dim), batch)
    assert found.reconstruction_loss(outputs, batch.real).shape == (6,)
    assert found.new_encoder(5)(real, label).shape == (6, 5)
    assert found.new_classifier()(real).shape == (6, 2)
    assert found.discrepancy(real, real, label).ndim == 0
    assert outline(real).shape[0] == 6


@pytest.mark.parametrize(
    ("settings", "said"), [({"space": "latent"}, "space must be 'auto'"), ({"augment": print}, "augment must be None")]
)
def test_settings_of_images_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        modality_of(waves({"slow": 6, "fast": 4}), seed=0, **settings)  # type: ignore[arg-type]
