"""The GAN: a step of the training, the noise of a class, and the average of the weights."""

import pytest
import torch
from torch import Tensor

from ganaug.networks.convolutional import ConvDiscriminator, ConvGenerator
from ganaug.networks.samples import Batch
from tests.modalities import image_modality, new_gan


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


def test_logits_under_every_class_are_those_of_each() -> None:
    discriminator = ConvDiscriminator(3, 8, 1)
    torch.nn.init.normal_(discriminator.embed.weight)
    features = torch.randn(4, 128)
    each = [discriminator.judge(features, torch.full((4,), value)) for value in range(3)]
    classless, by_class = discriminator.judge_all(features)
    torch.testing.assert_close(classless + by_class, torch.stack(each, dim=1))


def test_one_class_alone_has_no_other_and_is_learned_all_the_same() -> None:
    family = new_gan(8)
    family.adversary.discriminator = ConvDiscriminator(1, 8, 1)
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
