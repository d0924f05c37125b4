"""Style as statistics: what is matched, what stays, and how few or weighted cells count."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.techniques.style import NOISE, _patch_covariance, style_of, with_style


def textured(seed: int, side: int = 48, channels: int = 4) -> Tensor:
    """Return correlated features (1, C, side, side)."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(1, channels, side, side, generator=random)
    kernel = 0.4 * torch.randn(channels, channels, 3, 3, generator=random)
    return F.conv2d(F.pad(noise, (1,) * 4, mode="circular"), kernel) + torch.randn(1, channels, 1, 1, generator=random)


def patches_of(features: Tensor) -> Tensor:
    centred = features - features.mean(dim=(2, 3), keepdim=True)
    share = torch.full_like(features[:, :1], 1 / features[0, 0].numel())
    return _patch_covariance(centred, share, style_of(features).cell)[0]


def test_mean_and_covariance_become_those_of_the_style() -> None:
    content, style = textured(0), style_of(textured(1))
    moved = style_of(with_style(content, style))
    assert torch.allclose(moved.mean, style.mean, atol=1e-5)
    assert (moved.cell - style.cell).norm() < 0.02 * style.cell.norm()
    assert (style_of(content).cell - style.cell).norm() > 0.5 * style.cell.norm()


def test_texture_moves_too() -> None:
    content, other = textured(0), textured(1)
    wanted = patches_of(other)
    before, after = ((patches_of(one) - wanted).norm() for one in (content, with_style(content, style_of(other))))
    assert after < 0.5 * before


def test_features_keep_their_own_style() -> None:
    content = textured(2)
    moved = with_style(content, style_of(content))
    assert torch.allclose(moved, content, atol=1e-3)


def test_a_plain_area_is_not_amplified() -> None:
    random = torch.Generator().manual_seed(0)
    plain = 0.02 * NOISE * torch.randn(1, 4, 32, 32, generator=random)
    moved = with_style(plain, style_of(textured(1)))
    assert moved.std(dim=(2, 3)).max() < 0.2 * textured(1).std(dim=(2, 3)).max()


def test_only_cells_with_weight_count() -> None:
    shown, weight = textured(3), torch.ones(1, 1, 48, 48)
    weight[..., 24:] = 0
    changed = shown.clone()
    changed[..., 25:] = 9.0  # one cell farther, for patches reach over the edge
    one, two = style_of(shown, weight), style_of(changed, weight)
    assert torch.allclose(one.mean, two.mean, atol=1e-5)
    assert torch.allclose(one.cell, two.cell, atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(style_of(shown, 0 * weight), style_of(shown), strict=True))


@pytest.mark.parametrize("side", [1, 2, 3])
def test_the_smallest_features_have_a_style(side: int) -> None:
    moved = with_style(textured(4)[..., :side, :side], style_of(textured(5)))
    assert moved.shape == (1, 4, side, side)
    assert torch.isfinite(moved).all()
    assert torch.allclose(moved.mean(dim=(2, 3)), style_of(textured(5)).mean, atol=1e-4)


def test_images_of_a_batch_do_not_mix() -> None:
    content, styles = torch.cat([textured(0), textured(1)]), torch.cat([textured(2), textured(3)])
    together = with_style(content, style_of(styles))
    for row in range(2):
        alone = with_style(content[row : row + 1], style_of(styles[row : row + 1]))
        assert torch.allclose(together[row : row + 1], alone, atol=1e-3)
