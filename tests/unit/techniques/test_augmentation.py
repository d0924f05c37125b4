"""The distortions of the images that a discriminator sees."""

import torch

from ganaug.techniques.augmentation import DRAWS, PLAIN, augment, distort


def test_no_strength_changes_nothing_and_gradients_pass() -> None:
    images = torch.rand(3, 3, 8, 8, requires_grad=True)
    torch.testing.assert_close(augment(images, torch.zeros(3, DRAWS)), images, atol=1e-5, rtol=1e-4)
    distorted = augment(images, torch.ones(3, DRAWS))
    assert not torch.allclose(distorted, images, atol=0.05)
    distorted.sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_a_quarter_of_the_images_is_shown_as_it_is() -> None:
    images = torch.rand(2000, 1, 8, 8)
    shown = distort(images, torch.Generator().manual_seed(0))
    same = (shown - images).abs().amax(dim=(1, 2, 3)) < 1e-5
    assert abs(float(same.float().mean()) - PLAIN) < 0.03
    assert (shown - images)[~same].abs().mean() > 0.05


def test_grey_images_keep_their_light() -> None:
    images = torch.full((2, 1, 8, 8), 0.3)
    torch.testing.assert_close(augment(images, torch.ones(2, DRAWS)), images)
