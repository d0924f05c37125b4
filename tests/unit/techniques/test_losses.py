"""Losses: one pass gives both players' gradients, and each loss has the values that can be worked out by hand."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.networks.convolutional import ConvDiscriminator, ConvGenerator
from ganaug.techniques.losses import (
    MAX_LOGIT_GAP,
    gradient_penalty,
    mismatch_loss,
    pairing_loss,
    variety_and_energy_loss,
    variety_loss,
)


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
    return variety_and_energy_loss(real, synthetic, label) - variety_loss(real, synthetic, label)


def plain_variety_and_energy(real: Tensor, synthetic: Tensor, label: Tensor, weight: float) -> Tensor:
    """Return the loss by the definition, pair by pair."""
    energy, count = torch.zeros((), dtype=real.dtype), 0
    for i, j in itertools.permutations(range(len(label)), 2):
        if label[i] == label[j]:
            between = 2 * (synthetic[i] - real[j]).norm() - (synthetic[i] - synthetic[j]).norm()
            energy, count = energy + between - (real[i] - real[j]).norm(), count + 1
    return variety_loss(real, synthetic, label) + weight * energy / max(count, 1)


@pytest.mark.parametrize("weight", [1.0, 0.3])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_variety_and_energy_have_the_value_and_the_gradient_of_their_definition(weight: float, spread: float) -> None:
    random = torch.Generator().manual_seed(1)
    real, synthetic = torch.randn(2, 10, 3, generator=random, dtype=torch.float64)
    label = torch.tensor([0, 0, 0, 1, 1, 1, 1, 2, 0, 1])  # class 2 comes once
    pair = [(spread * synthetic).detach().requires_grad_() for _ in range(2)]
    found, wanted = (
        variety_and_energy_loss(real, pair[0], label, weight),
        plain_variety_and_energy(real, pair[1], label, weight),
    )
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    (3 * found).backward()
    (3 * wanted).backward()
    torch.testing.assert_close(pair[0].grad, pair[1].grad, rtol=1e-4, atol=1e-6)


def test_variety_and_energy_of_samples_of_different_classes_are_none() -> None:
    real, synthetic = torch.rand(2, 3, 4).unbind()
    synthetic.requires_grad_()
    loss = variety_and_energy_loss(real, synthetic, torch.arange(3))
    loss.backward()
    assert loss.item() == 0
    assert synthetic.grad is not None
    assert not synthetic.grad.any()


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
