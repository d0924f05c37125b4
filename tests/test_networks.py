"""The convolutional networks: shapes, growth that keeps the function, and the start that small data needs."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ganaug.networks.conv import DEPTHS, WIDTHS, ConvDiscriminator, ConvGenerator, _Clip, _smoother, resolutions


def test_resolutions_double_from_eight() -> None:
    assert resolutions(8) == (8,)
    assert resolutions(64) == (8, 16, 32, 64)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [8, 16, 32])
def test_shapes_at_every_resolution(size: int, channels: int) -> None:
    generator, discriminator = ConvGenerator(3, size, channels), ConvDiscriminator(3, size, channels)
    label = torch.tensor([0, 1, 2, 2])
    for side in resolutions(size):
        image = generator(torch.randn(4, 64), label, side)
        assert image.shape == (4, channels, side, side)
        assert discriminator(image, label).shape == (4,)


def test_growing_leaves_both_functions_as_they_were() -> None:
    torch.manual_seed(0)
    generator, discriminator = ConvGenerator(2, 32, 1), ConvDiscriminator(2, 32, 1)
    noise, label = torch.randn(5, 64), torch.tensor([0, 1, 0, 1, 0])
    small, large = generator(noise, label, 16), generator(noise, label, 32)
    assert small.abs().max() < 1  # nothing is clipped yet
    expected = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(large, expected)

    image = torch.randn(5, 1, 32, 32)
    torch.testing.assert_close(discriminator(image, label), discriminator(F.avg_pool2d(image, 2), label))


def test_at_the_start_noise_matters_and_the_class_does_not() -> None:
    torch.manual_seed(0)
    generator = ConvGenerator(3, 16, 1)
    noise = torch.randn(2, 64)
    zero, one = (generator(noise, torch.full((2,), value)) for value in (0, 1))
    torch.testing.assert_close(zero, one)
    assert (zero[0] - zero[1]).abs().mean() > 0.01


def test_the_first_image_has_no_checkerboard() -> None:
    torch.manual_seed(0)
    network = ConvGenerator(2, 8, 1)
    network.smooth[0] = nn.Identity()
    image = network(torch.randn(3, 64), torch.tensor([0, 1, 0]))
    patches = F.pixel_unshuffle(image, 2)  # (3, 4, 4, 4)
    torch.testing.assert_close(patches, patches[:, :1].expand_as(patches))


def test_smoothing_begins_without_a_checkerboard_and_leaves_flat_images_alone() -> None:
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    stripes = (torch.arange(8) % 2 * 2.0 - 1).expand(8, 8)
    smoother = _smoother(3)
    for pattern in (board, stripes, stripes.T):
        assert smoother(pattern.expand(1, 3, 8, 8))[..., 1:-1, 1:-1].abs().max() == 0
    flat = torch.tensor([0.7, -0.2, 0.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    torch.testing.assert_close(smoother(flat), flat)


def test_values_beyond_the_range_keep_only_the_gradients_that_lead_back() -> None:
    x = torch.tensor([-2.0, -2.0, 0.5, 0.5, 2.0, 2.0], requires_grad=True)
    clipped = _Clip.apply(x)
    assert clipped.tolist() == [-1.0, -1.0, 0.5, 0.5, 1.0, 1.0]
    clipped.backward(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]))
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -1.0, 1.0, -1.0, 1.0, 0.0]


def test_samples_do_not_depend_on_their_batch() -> None:
    torch.manual_seed(0)
    generator, discriminator = ConvGenerator(2, 16, 3), ConvDiscriminator(2, 16, 3)
    noise, label = torch.randn(6, 64), torch.tensor([0, 1, 1, 0, 1, 0])
    image = generator(noise, label)
    torch.testing.assert_close(generator(noise[2:3], label[2:3]), image[2:3])
    torch.testing.assert_close(discriminator(image[2:3], label[2:3]), discriminator(image, label)[2:3])


def test_every_width_suits_the_bf16_kernels() -> None:
    assert all(width % 16 == 0 for width in WIDTHS.values())
    assert WIDTHS.keys() == DEPTHS.keys()
