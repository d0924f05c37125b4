"""The adversarial mathematics: one pass gives both players' gradients, and the penalty is what it says."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import ConvDiscriminator, ConvGenerator
from ganaug.networks.samples import Batch
from ganaug.techniques.augmentation import DRAWS, PLAIN, augment, distort
from ganaug.techniques.losses import (
    MAX_LOGIT_GAP,
    gradient_penalty,
    mismatch_loss,
    pairing_loss,
    variety_and_energy_loss,
    variety_loss,
)
from tests.modalities import image_modality, new_gan


def gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]


def test_one_pass_leaves_the_gradients_that_two_passes_would() -> None:
    torch.manual_seed(0)
    generator, discriminator = ConvGenerator(2, 8, 1), ConvDiscriminator(2, 8, 1)
    for parameter in [*generator.parameters(), *discriminator.parameters()]:
        parameter.data += 0.01 * torch.randn_like(parameter)  # nothing begins at zero here
    noise, label = torch.randn(5, 64), torch.tensor([0, 1, 1, 0, 1])
    real = torch.rand(5, 1, 8, 8)

    synthetic = generator(noise, label)
    gap = discriminator(real, label) - discriminator(synthetic, label)
    assert gap.abs().max() < MAX_LOGIT_GAP
    expected_d = torch.autograd.grad(F.softplus(-gap).mean(), list(discriminator.parameters()), retain_graph=True)
    expected_g = torch.autograd.grad(F.softplus(gap).mean(), list(generator.parameters()))

    synthetic = generator(noise, label)
    loss = pairing_loss(discriminator(real, label), discriminator(synthetic, label), synthetic)
    loss.backward()
    for expected, module in ((expected_d, discriminator), (expected_g, generator)):
        for theirs, ours in zip(expected, gradients(module), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_penalty_is_the_mean_squared_slope() -> None:
    class Linear(nn.Module):
        def forward(self, image: Tensor, label: Tensor) -> Tensor:
            return 3 * image.sum(dim=(1, 2, 3)) + label

    penalty = gradient_penalty(Linear(), torch.rand(4, 1, 2, 2), torch.tensor([0, 1, 0, 1]))
    assert float(penalty) == pytest.approx(9 * 4)


def test_variety_is_asked_for_up_to_the_real_one() -> None:
    torch.manual_seed(0)
    real, label = torch.rand(6, 64), torch.tensor([0, 0, 0, 1, 1, 1])
    assert float(variety_loss(real, real, label)) == pytest.approx(0, abs=1e-6)
    assert float(variety_loss(real, 3 * real, label)) == 0
    assert float(variety_loss(real, real / 2, label)) == pytest.approx(0.5, abs=1e-3)
    per_class = real[[0, 0, 0, 3, 3, 3]]
    assert float(variety_loss(real, per_class, label)) > 0.95
    assert float(variety_loss(real, per_class, torch.arange(6))) == 0


def test_variety_passes_finite_gradients_even_where_samples_are_one_and_the_same() -> None:
    real, label = torch.rand(4, 8), torch.zeros(4, dtype=torch.int64)
    synthetic = torch.rand(1, 8).repeat(4, 1).requires_grad_()
    variety_loss(real, synthetic, label).backward()
    assert synthetic.grad is not None
    assert torch.isfinite(synthetic.grad).all()
    assert float(variety_loss(torch.ones(4, 8), real, label)) == 0  # real samples that never vary ask for nothing


def energy_loss(real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
    variety, energy = variety_and_energy_loss(real, synthetic, label)
    assert float(variety) == pytest.approx(float(variety_loss(real, synthetic, label)), abs=1e-6)
    return energy


def test_energy_is_least_where_samples_are_spread_like_the_real_ones() -> None:
    random = torch.Generator().manual_seed(0)
    real, label = torch.randn(512, 4, generator=random), torch.arange(512) % 2
    real[label == 1] += 5
    alike = torch.randn(512, 4, generator=random) + 5 * label[:, None]
    assert float(energy_loss(real, real, label)) == pytest.approx(0, abs=1e-6)
    assert abs(float(energy_loss(real, alike, label))) < 0.05
    middle = torch.zeros(4) + 5 * label[:, None]
    for other in (alike + 1, 0.5 * (alike - middle) + middle, 2 * (alike - middle) + middle, alike.flip(0)):
        assert float(energy_loss(real, other, label)) > 0.15
    assert float(energy_loss(real, alike + 1, torch.arange(512))) == 0  # nothing is known of a class of one


def test_energy_finds_samples_that_cover_every_real_one_of_a_small_class() -> None:
    random = torch.Generator().manual_seed(0)
    real, label = torch.tensor([[-3.0, 0.0], [3.0, 0.0], [0.0, 4.0]]).repeat(8, 1), torch.zeros(24, dtype=torch.int64)
    synthetic = (0.1 * torch.randn(24, 2, generator=random)).requires_grad_()
    optimizer = torch.optim.Adam([synthetic], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        energy_loss(real, synthetic, label).backward()
        optimizer.step()
    distance = torch.cdist(real[:3], synthetic.detach())
    assert torch.isfinite(synthetic).all()
    assert (distance < 1).sum(dim=1).min() >= 4


@pytest.mark.parametrize("precision", ["fp32", "mixed"])
def test_a_step_moves_both_players_and_reports_finite_losses(precision: str) -> None:
    family = new_gan(16, 3, mixed=precision == "mixed")
    before = [p.clone() for p in family.networks.parameters()]
    random = torch.Generator().manual_seed(0)
    batch = Batch(torch.rand(8, 3, 16, 16), torch.arange(8) % 2, 64, random)
    losses = [family.learn(batch, step) for step in range(2)][-1]
    assert set(losses) == {"discriminator", "generator", "mismatch", "variety"}
    assert all(torch.isfinite(value) for value in losses.values())
    moved = {
        name: not torch.equal(a, b) for (name, b), a in zip(family.networks.named_parameters(), before, strict=True)
    }
    assert moved["generator.seed.weight"]
    assert moved["discriminator.flatten.weight"]
    assert not moved["average.seed.weight"]


def test_samples_of_a_class_share_half_of_what_bends_them() -> None:
    """So that the variety that the loss asks for is not had by bending alone."""
    generator = ConvGenerator(40, 16, 1)
    heard: list[Tensor] = []
    generator.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    label = torch.tensor([0, 39, 0, 39, 3, 0, 3, 1])  # more classes than samples
    batch = Batch(torch.rand(8, 1, 16, 16), label, 64, torch.Generator().manual_seed(0))
    image_modality(16, 1, 40).synthesise(generator, batch)
    (noise,) = heard
    half = generator.bending // 2
    for value in label.unique():
        own = noise[label == value]
        assert (own[:, :half] == own[:1, :half]).all()
        assert len(own[:, half:].unique()) == own[:, half:].numel()
    assert len(noise[[0, 4, 7], :half].unique(dim=0)) == 3


def test_mismatch_asks_for_the_own_class_alone() -> None:
    logits = torch.tensor([[9.0, -3.0, -5.0], [-6.0, 8.0, -4.0]])
    own, wrong = torch.tensor([0, 1]), torch.tensor([1, 2])
    assert float(mismatch_loss(logits, own)) < 1e-3
    assert float(mismatch_loss(logits, wrong)) > 8
    assert float(mismatch_loss(torch.full((2, 3), 7.0), own)) == pytest.approx(math.log(3))


def test_mismatch_dwells_on_the_class_that_is_hard_to_rule_out() -> None:
    logits = torch.tensor([[3.0, 2.0, -4.0]], requires_grad=True)
    mismatch_loss(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] > 100 * logits.grad[0, 2] > 0


def test_logits_under_every_class_are_those_of_each() -> None:
    discriminator = ConvDiscriminator(3, 8, 1)
    torch.nn.init.normal_(discriminator.embed.weight)
    features = torch.randn(4, 128)
    each = [discriminator.judge(features, torch.full((4,), value)) for value in range(3)]
    torch.testing.assert_close(discriminator.judge_all(features), torch.stack(each, dim=1))


def test_one_class_alone_has_no_other_and_is_learned_all_the_same() -> None:
    family = new_gan(8)
    family.discriminator = ConvDiscriminator(1, 8, 1)
    family.generator = ConvGenerator(1, 8, 1)
    batch = Batch(torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64), 64, torch.Generator().manual_seed(0))
    losses = family.learn(batch, 0)
    assert float(losses["mismatch"]) == 0.0


def test_average_follows_with_the_given_decay() -> None:
    family = new_gan(8)
    family.generator.embed.weight.data.fill_(1.0)
    family.average.embed.weight.data.fill_(0.0)
    family.track(0.75)
    torch.testing.assert_close(family.average.embed.weight, torch.full((2, 128), 0.25))


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
