"""The convolutional networks: shapes, growth that keeps the function, and the start that small data needs."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from ganaug.networks.convolutional import (
    DEPTHS,
    WIDER,
    WIDTHS,
    ConvDiscriminator,
    ConvGenerator,
    PixelHead,
    resolutions,
)
from ganaug.networks.growing import clip
from ganaug.networks.warp import FURTHEST, KNOTS, bend
from ganaug.techniques.histogram_matching import level_shares, matching_curve


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
    generator.draw[0].begin(0.5)  # type: ignore[operator]
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


@pytest.mark.parametrize("by_product", [False, True])
def test_a_displacement_shows_what_lies_where_it_points(by_product: bool) -> None:
    x, side = torch.rand(2, 3, 8, 8), 8
    still = torch.zeros(2, 2, KNOTS, KNOTS)
    enlarged = F.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(bend(x, still, side, by_product=by_product), enlarged)
    right, down = still.clone(), still.clone()
    right[:, 0] = down[:, 1] = 2 / side  # one pixel, which becomes two; x before y
    close = partial(torch.testing.assert_close, atol=1e-5, rtol=0)
    close(bend(x, right, side, by_product=by_product)[..., :-2], enlarged[..., 2:])
    close(bend(x, down, side, by_product=by_product)[..., :-2, :], enlarged[..., 2:, :])
    # Beyond the edge lies the edge.
    close(bend(x, right, side, by_product=by_product)[..., -2:], enlarged[..., -1:].expand(-1, -1, -1, 2))
    close(bend(x, -down, side, by_product=by_product)[..., :2, :], enlarged[..., :1, :].expand(-1, -1, 2, -1))


def test_what_is_learned_by_looking_up_is_drawn_by_a_product() -> None:
    torch.manual_seed(0)
    generator = ConvGenerator(3, 16, 1)
    for weight in generator.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    noise, label = torch.randn(20, 64), torch.arange(20) % 3
    learned = generator.train()(noise, label)
    noise[:, : generator.bending] /= WIDER
    torch.testing.assert_close(generator.eval()(noise, label), learned.clamp(-1, 1), atol=1e-4, rtol=0)
    x, displacement = torch.randn(20, 64, 4, 4), FURTHEST * torch.randn(20, 2, KNOTS, KNOTS)
    torch.testing.assert_close(bend(x, displacement, 4, by_product=True), bend(x, displacement, 4))


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
    torch.testing.assert_close(generator(noise, label, 16), bend(drawn, displacement, 8))


def test_even_features_become_even_pixels_whatever_is_learned() -> None:
    torch.manual_seed(0)
    head = PixelHead(32, 3)
    pixels = head(torch.randn(4, 32, 1, 1).expand(4, 32, 8, 8))  # (4, 3, 16, 16)
    assert pixels[:, :, 0, 0].std() > 0.1
    torch.testing.assert_close(pixels, pixels[:, :, :1, :1].expand_as(pixels))  # neither a checkerboard nor a frame


def test_values_beyond_the_range_keep_only_the_gradients_that_lead_back() -> None:
    x = torch.tensor([-2.0, -2.0, 0.5, 0.5, 2.0, 2.0], requires_grad=True)
    clipped = clip(x, training=True)
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


def blots(
    share: float, ink: tuple[int, int], ground: tuple[int, int], *, channels: int = 1, seed: int = 0
) -> torch.Tensor:
    """Images in [-1, 1]: a ground of levels from here to there over this share, and ink of others on the rest."""
    random = torch.Generator().manual_seed(seed)
    level = torch.randint(*ink, (16, channels, 32, 32), generator=random)
    behind = torch.randint(*ground, level.shape, generator=random)
    level = torch.where(torch.rand((16, 1, 32, 32), generator=random) < share, behind, level)
    return level / 127.5 - 1


def toned(drawn: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    curve = matching_curve(level_shares(drawn), level_shares(real))
    assert curve is not None
    return curve(drawn)


@pytest.mark.parametrize("sign", [1, -1], ids=["on black", "on white"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_background_becomes_as_plain_as_it_really_is(sign: int, channels: int) -> None:
    real = sign * blots(0.8, (60, 250), (0, 1), channels=channels)
    drawn = sign * blots(0.8, (60, 250), (0, 30), channels=channels, seed=1)
    before, after, wanted = (
        torch.where((one == -sign).all(dim=1), 1.0, 0.0).mean() for one in (drawn, toned(drawn, real), real)
    )
    assert before < 0.1
    torch.testing.assert_close(after, wanted, atol=0.03, rtol=0)
    curve = matching_curve(level_shares(drawn), level_shares(real))
    assert curve is not None
    assert (curve.curves.diff(dim=1) >= 0).all()


def test_colours_become_plain_as_a_whole_and_keep_their_hue() -> None:
    orange = torch.tensor([1.0, 0.4, -0.6]).view(1, 3, 1, 1)
    real = 1 - (1 - orange) * blots(0.7, (255, 256), (0, 1)).add(1).div(2)  # all white or all orange
    random = torch.Generator().manual_seed(1)
    share = blots(0.7, (200, 230), (0, 40), seed=1).add(1).div(2)
    drawn = 1 - (1 - orange) * share * (0.9 + 0.2 * torch.rand((16, 3, 32, 32), generator=random)).clamp(max=1)
    matched = toned(drawn, real)
    white = (matched == 1).float()
    assert ((white.mean(dim=1) == 1) | (white[:, 1:].amax(dim=1) == 0)).all()  # red is full in orange, too
    ink = matched.permute(0, 2, 3, 1)[share[:, 0] > 0.5]
    torch.testing.assert_close(ink.mean(0), orange.flatten(), atol=0.1, rtol=0)


def test_photographs_keep_their_tones() -> None:
    real, drawn = blots(0.0, (3, 253), (0, 1), channels=3), blots(0.0, (10, 200), (0, 1), channels=3, seed=1)
    assert matching_curve(level_shares(drawn), level_shares(real)) is None


def test_all_levels_are_matched() -> None:
    real, drawn = blots(0.48, (60, 250), (0, 1)), blots(0.5, (150, 250), (100, 101), seed=1)
    matched = toned(drawn, real)
    shares, wanted = level_shares(matched).cumsum(1), level_shares(real).cumsum(1)
    torch.testing.assert_close(shares, wanted, atol=0.02, rtol=0)
    # Beside a level that was drawn there may be others one day.
    curve = matching_curve(level_shares(drawn), level_shares(real))
    assert curve is not None
    assert -1 < curve(torch.full((1, 1, 1, 1), 125 / 127.5 - 1)).item() < matched.max()


def test_what_cannot_be_seen_has_no_say_in_the_histogram() -> None:
    # Ink of one colour on nothing: under it lies black, and some white that nobody sees.
    ink = blots(0.6, (255, 256), (0, 1))
    colour = torch.tensor([0.5, -0.5, -0.5]).view(1, 3, 1, 1)
    hidden = blots(0.5, (255, 256), (0, 1), seed=2)
    real = torch.cat([torch.where(ink > 0, colour, hidden), ink], dim=1)
    drawn = torch.cat([colour.expand(16, 3, 32, 32), (ink * 0.8)], dim=1)
    matched = toned(drawn, real)
    torch.testing.assert_close(matched[:, :3], drawn[:, :3])
    torch.testing.assert_close(matched[:, 3:], ink, atol=0.01, rtol=0)


def test_images_that_are_all_transparent_have_tones_like_others() -> None:
    real = torch.cat([blots(0.5, (200, 256), (0, 1), channels=3), blots(0.5, (255, 256), (0, 1))], dim=1)
    nothing = torch.full_like(real, -1.0)
    assert torch.isfinite(toned(nothing, real)).all()
