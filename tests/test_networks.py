"""The convolutional networks: shapes, growth that keeps the function, and the start that small data needs."""

import pytest
import torch
from torch.nn import functional as F

from ganaug.networks.conv import DEPTHS, WIDER, WIDTHS, ConvDiscriminator, ConvGenerator, PixelHead, _Clip, resolutions
from ganaug.networks.tone import level_shares, matching_tone
from ganaug.networks.warp import FURTHEST, KNOTS, bend


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
    generator.to_pixels[0].begin(0.5)  # type: ignore[operator]
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


def test_a_displacement_shows_what_lies_where_it_points() -> None:
    x = torch.rand(2, 3, 8, 8)
    still = torch.zeros(2, 2, KNOTS, KNOTS)
    torch.testing.assert_close(bend(x, still, 8), x)
    torch.testing.assert_close(bend(x, still, 16), F.interpolate(x, scale_factor=2, mode="bilinear"))
    right = still.clone()
    right[:, 0] = 2 / 8  # one pixel, x before y
    torch.testing.assert_close(bend(x, right, 8)[..., :-1], x[..., 1:], atol=1e-5, rtol=0)
    # Beyond the edge lies the edge.
    torch.testing.assert_close(bend(x, right, 8)[..., -1], x[..., -1], atol=1e-5, rtol=0)


def test_noise_of_its_own_bends_what_is_drawn_alike_for_every_class() -> None:
    torch.manual_seed(0)
    generator = ConvGenerator(2, 16, 1)
    assert generator.warp is not None
    torch.nn.init.normal_(generator.warp.knots.weight)
    for block in generator.block:
        torch.nn.init.normal_(block.conv[-1].weight, std=0.02)
        for film in block.film:
            torch.nn.init.normal_(film.by_class.weight)
    noise, label = torch.randn(1, 64).repeat(4, 1), torch.tensor([0, 1, 0, 1])
    noise[2:, : generator.bending] = torch.randn(1, generator.bending)
    drawn = generator(noise, label, 8)
    torch.testing.assert_close(drawn[:2], drawn[2:])  # what is drawn does not hear it
    assert (drawn[0] - drawn[1]).abs().mean() > 0.01
    displacement = generator.warp(noise[:, : generator.bending])
    assert 0.01 < displacement.abs().max() <= FURTHEST
    torch.testing.assert_close(generator(noise, label, 16), bend(drawn, displacement, 16))


def test_even_features_become_even_pixels_whatever_is_learned() -> None:
    torch.manual_seed(0)
    head = PixelHead(32, 3)
    pixels = head(torch.randn(4, 32, 1, 1).expand(4, 32, 8, 8))  # (4, 3, 16, 16)
    assert pixels[:, :, 0, 0].std() > 0.1
    torch.testing.assert_close(pixels, pixels[:, :, :1, :1].expand_as(pixels))  # neither a checkerboard nor a frame


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


def test_what_is_trained_is_bent_further_than_what_is_training() -> None:
    torch.manual_seed(0)
    generator = ConvGenerator(2, 16, 1)
    torch.nn.init.normal_(generator.warp.knots.weight)  # type: ignore[union-attr]
    noise, label = torch.randn(4, 64), torch.tensor([0, 1, 1, 0])
    training = generator(noise, label)
    bent = generator.eval()(noise, label)
    assert not torch.allclose(bent, training, atol=1e-3)
    wider = noise.clone()
    wider[:, : generator.bending] *= WIDER
    torch.testing.assert_close(bent, generator.train()(wider, label))


def test_every_width_suits_the_bf16_kernels() -> None:
    assert all(width % 16 == 0 for width in WIDTHS.values())
    assert WIDTHS.keys() == DEPTHS.keys()


# Tones


def grey(share_black: float, rest: tuple[int, int], background: tuple[int, int], seed: int = 0) -> torch.Tensor:
    """Images in [-1, 1] of two channels: a background of levels from here to there, and the rest of such others."""
    random = torch.Generator().manual_seed(seed)
    level = torch.randint(*rest, (16, 2, 32, 32), generator=random)
    behind = torch.randint(*background, level.shape, generator=random)
    level = torch.where(torch.rand(level.shape, generator=random) < share_black, behind, level)
    return level / 127.5 - 1


def toned(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    return matching_tone(level_shares(drawn), level_shares(real))(drawn)


@pytest.mark.parametrize("sign", [1, -1], ids=["on black", "on white"])
def test_a_background_becomes_as_plain_as_it_really_is(sign: int) -> None:
    real, drawn = sign * grey(0.8, (60, 250), (0, 1)), sign * grey(0.8, (60, 250), (0, 30), seed=1)
    end = 0 if sign == 1 else 255
    before, after, wanted = (level_shares(one)[:, end] for one in (drawn, toned(drawn, real), real))
    assert (before < 0.1).all()
    torch.testing.assert_close(after, wanted, atol=0.03, rtol=0)
    curve = matching_tone(level_shares(drawn), level_shares(real)).curve
    assert (curve.diff(dim=1) >= 0).all()


def test_photographs_keep_their_tones() -> None:
    real, drawn = grey(0.0, (3, 253), (0, 1)), grey(0.0, (10, 200), (0, 1), seed=1)
    torch.testing.assert_close(toned(drawn, real), drawn)


def test_each_channel_has_a_tone_of_its_own_and_all_its_levels() -> None:
    real, drawn = grey(0.5, (60, 250), (0, 1)), grey(0.5, (150, 250), (100, 101), seed=1)
    real[:, 1] = 1.0
    matched = toned(drawn, real)
    shares, wanted = level_shares(matched).cumsum(1), level_shares(real).cumsum(1)
    torch.testing.assert_close(shares, wanted, atol=0.02, rtol=0)
    assert (matched[:, 1] == 1.0).all()
    # Beside a level that was drawn there may be others one day.
    between = matching_tone(level_shares(drawn), level_shares(real))(torch.full((1, 2, 1, 1), 125 / 127.5 - 1))
    assert -1 < between[0, 0].item() < matched[:, 0].max()
