"""`ganaug.restyle`: shapes, strength, alpha, large images, what is refused, and what stays as it was."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ganaug
from ganaug.errors import DataError
from ganaug.networks import restyle as module
from ganaug.networks.restyle import measured_style, restyled
from ganaug.networks.styles import Styles

restyle = ganaug.restyle


def waves(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    """Return a smooth picture (H, W, C) in colours of its own."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    planes = [
        rng.uniform(60, 190) + 50 * np.sin(rows * rng.uniform(0.1, 0.6) + columns * rng.uniform(0.1, 0.6) + phase)
        for phase in rng.uniform(0, 6, channels)
    ]
    return np.stack(planes, axis=2).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(32, 32), (9, 13), (1, 1), (30, 50, 1), (33, 18, 3), (16, 7, 4)], ids=str)
@pytest.mark.parametrize("style_shape", [(24, 40), (5, 3, 1), (64, 64, 3), (20, 20, 4)], ids=str)
def test_every_shape_is_kept(shape: tuple[int, ...], style_shape: tuple[int, ...]) -> None:
    image = waves(*shape[:2], *(shape[2:] or (1,))).reshape(shape)
    style = waves(*style_shape[:2], *(style_shape[2:] or (1,)), seed=1).reshape(style_shape)
    before = image.copy()
    result = restyle(image, style)
    assert (result.shape, result.dtype) == (shape, np.uint8)
    assert np.array_equal(image, before)
    assert np.array_equal(result, restyle(image, style))


def test_strength_runs_from_the_content_to_the_style() -> None:
    image, style = waves(64, 64), waves(48, 64, seed=3)
    assert np.array_equal(restyle(image, style, 0), image)
    target = style.mean(axis=(0, 1))
    distances = [np.abs(restyle(image, style, s).mean(axis=(0, 1)) - target).mean() for s in (0, 0.3, 0.7, 1)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.2 * distances[0]


def test_colours_and_contrast_become_those_of_the_style() -> None:
    image, style = waves(96, 64, seed=5), (waves(64, 64, seed=6) // 3 + 120).astype(np.uint8)
    result = restyle(image, style)
    assert np.allclose(result.mean(axis=(0, 1)), style.mean(axis=(0, 1)), atol=6)
    assert np.allclose(result.std(axis=(0, 1)), style.std(axis=(0, 1)), rtol=0.35)


def test_the_content_stays_where_it_is() -> None:
    image = np.full((64, 64, 3), 90, np.uint8)
    image[16:48, 24:40] = (200, 60, 60)
    result = restyle(image, waves(64, 64, seed=2)).astype(float)
    inside, outside = result[20:44, 28:36].mean(axis=(0, 1)), result[:12].mean(axis=(0, 1))
    assert np.abs(inside - outside).max() > 20
    assert np.abs(result[:, 40:44] - result[:, 36:40]).mean() > 10  # the edge


def test_alpha_is_kept_and_transparent_parts_of_the_style_do_not_count() -> None:
    image, style = waves(32, 32, 4), waves(32, 32, 4, seed=1)
    style[..., 3] = 255
    style[:16, :, 3] = 0
    result = restyle(image, style)
    assert np.array_equal(result[..., 3], image[..., 3])
    other = style.copy()
    other[:8] = (255, 0, 255, 0)  # not at the edge, which the encoder sees from the visible half
    assert np.abs(result.astype(int) - restyle(image, other)).mean() < 4
    other[..., 3] = 255
    assert np.abs(result.astype(int) - restyle(image, other)).mean() > 10


def test_grey_content_takes_the_grey_of_the_style() -> None:
    image = waves(32, 32, 1)
    red = np.zeros((32, 32, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    assert abs(restyle(image, red).mean() - 76) < 8  # the luma of red


def test_a_batch_gives_what_single_images_give() -> None:
    images = np.stack([waves(32, 32, seed=seed) for seed in range(5)])
    styles = [measured_style(waves(32, 32, seed=9 + number), (32, 32, 3)) for number in range(5)]
    together = restyled(images, styles, [0.2, 0.4, 0.6, 0.8, 1.0])
    for row in range(5):
        alone = restyled(images[row : row + 1], styles[row : row + 1], [0.2 * (row + 1)])[0]
        assert np.abs(together[row].astype(int) - alone).max() <= 1


def test_a_large_image_is_computed_in_strips_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    image, style = waves(200, 60), waves(64, 64, seed=1)
    whole = restyle(image, style)
    monkeypatch.setattr(module, "CELLS_AT_ONCE", 15 * 9)  # strips of nine rows of cells
    assert np.abs(whole.astype(int) - restyle(image, style)).max() <= 1


def test_a_large_style_is_scaled_to_the_content() -> None:
    style = measured_style(waves(300, 200), (20, 33, 3))
    small = measured_style(module.scaled(waves(300, 200), 64), (20, 33, 3))
    assert torch.equal(style.mean, small.mean)


@pytest.mark.parametrize(
    ("image", "style", "strength", "reason"),
    [
        (np.zeros((4, 4, 2), np.uint8), waves(8, 8), 1, r"image must be a uint8 array .* but is uint8 \(4, 4, 2\)"),
        (np.zeros((4, 4, 3)), waves(8, 8), 1, r"image must be .* but is float64"),
        (waves(8, 8), np.zeros((0, 4, 3), np.uint8), 1, r"style must be .* but is uint8 \(0, 4, 3\): convert"),
        (waves(8, 8), "photo.png", 1, r"style must be"),
        (waves(8, 8), waves(8, 8), 1.5, r"strength must be from 0 .* to 1 .* but is 1\.5: choose"),
        (waves(8, 8), waves(8, 8), float("nan"), "but is nan"),
        (waves(8, 8), waves(8, 8), "half", "but is 'half'"),
    ],
)
def test_what_is_no_image_or_strength_is_refused(image: Any, style: Any, strength: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        restyle(image, style, strength)


def test_torch_is_left_as_it_was(left_as_found: None) -> None:
    image, style = waves(16, 16), waves(16, 16, seed=1)
    wanted = restyle(image, style)
    state = torch.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            assert np.array_equal(restyle(image, style), wanted)
            assert torch.is_autocast_enabled("cpu")
            assert torch.is_inference_mode_enabled()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_styles_are_kept_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.networks.styles.MAX_KEPT", 2)
    styles = Styles([waves(8, 8, seed=seed) for seed in range(3)])
    first = styles.of(0, (8, 8, 3))
    assert styles.of(0, (30, 9, 3)) is first  # the same power of two
    styles.of(1, (8, 8, 3))
    assert styles.of(0, (8, 8, 3)) is first
    styles.of(2, (8, 8, 3))
    assert styles.of(0, (8, 8, 3)) is first
    assert len(styles._kept) == 2
