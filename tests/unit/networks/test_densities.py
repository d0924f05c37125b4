"""Densities of codes: what is drawn from them has the density that they say, and few samples do not pretend to much."""

import math

import torch
from torch import Tensor

from ganaug.networks.coded import ClassNormal
from ganaug.networks.flow import PointFlow
from ganaug.networks.mixture import MIN_OWN, SHRINKAGE, ClassCovariances, ClassMixture, k_means
from ganaug.techniques.losses import gaussian_loss, normal_divergence


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def two_clusters(count: int) -> Tensor:
    """Points around (-3, 0) and, a third as often, around (3, 0)."""
    points = 0.5 * torch.randn(count, 2, generator=seeded())
    points[:, 0] += torch.where(torch.arange(count) % 4 == 0, 3.0, -3.0)
    return points


def test_k_means_finds_clusters_and_repeats() -> None:
    points = two_clusters(400)
    centres, nearest = k_means(points, 2)
    torch.testing.assert_close(centres[:, 0].sort().values, torch.tensor([-3.0, 3.0]), atol=0.15, rtol=0)
    assert torch.bincount(nearest).sort().values.tolist() == [100, 300]
    torch.testing.assert_close(k_means(points, 2)[0], centres)


def test_a_mixture_draws_what_it_was_fitted_to() -> None:
    points, label = two_clusters(400), torch.zeros(400, dtype=torch.int64)
    mixture = ClassMixture([400, 1], 2)
    mixture.fit(points, label)
    drawn = mixture(torch.randn(20_000, 3, generator=seeded(1)), torch.zeros(20_000, dtype=torch.int64))
    torch.testing.assert_close(drawn.mean(0), points.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.std(0), points.std(0), atol=0.1, rtol=0)
    assert abs(float((drawn[:, 0] > 0).float().mean()) - 0.25) < 0.02


def mass(log_prob: Tensor, step: float) -> float:
    return float(log_prob.exp().sum()) * step**2


def grid(low: float, high: float, step: float) -> Tensor:
    axis = torch.arange(low, high, step)
    return torch.cartesian_prod(axis, axis)


def test_densities_sum_to_one() -> None:
    points, label = two_clusters(400), torch.zeros(400, dtype=torch.int64)
    places = grid(-9, 9, 0.05)
    mixture = ClassMixture([400], 2)
    mixture.fit(points, label)
    assert abs(mass(mixture.log_prob(places, torch.zeros(len(places)).long()), 0.05) - 1) < 0.02
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = PointFlow([400], 2)
    flow.begin(points, label)
    for parameter in flow.flow.parameters():  # a flow that is not the identity
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=seeded())
    with torch.no_grad():
        assert abs(mass(flow.log_prob(places, torch.zeros(len(places)).long()), 0.05) - 1) < 0.02


def test_the_density_of_a_flow_is_exact() -> None:
    """It is that of the noise, divided by the volume of the Jacobian of the map from noise to points."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = PointFlow([1, 1], 3)  # one component: the map from noise is smooth
    points = torch.randn(200, 3, generator=seeded()) @ torch.randn(3, 3, generator=seeded(1))
    flow.begin(points, torch.arange(200) % 2)
    for parameter in flow.flow.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=seeded(2))
    label = torch.tensor([1])
    noise = torch.randn(1, 4, generator=seeded(3))
    jacobian = torch.autograd.functional.jacobian(
        lambda z: flow(torch.cat([noise[:, :1], z], 1), label)[0], noise[:, 1:]
    )
    volume = torch.linalg.det(jacobian[:, 0]).abs().log()
    of_noise = -noise[0, 1:].square().sum() / 2 - 1.5 * math.log(2 * math.pi)
    drawn = flow(noise, label)
    torch.testing.assert_close(flow.log_prob(drawn, label)[0], of_noise - volume, atol=1e-3, rtol=1e-3)


def test_classes_of_few_samples_share_a_covariance() -> None:
    counts = [MIN_OWN, 3, 1, 200]
    covariances = ClassCovariances(counts, 2)
    assert covariances.owner.tolist() == [1, 0, 0, 2]
    label = torch.arange(4).repeat_interleave(torch.tensor(counts))
    wide = torch.randn(len(label), 2, generator=seeded()) * torch.tensor([1.0, 5.0, 9.0, 2.0])[label, None]
    covariances.fit(wide, label)
    of = [covariances.of(torch.tensor([value]))[0] for value in range(4)]
    torch.testing.assert_close(of[1], of[2])
    own = wide[label == 3].T @ wide[label == 3] / 200
    shared = of[1] @ of[1].T
    wanted = (200 * own + 2 * SHRINKAGE * shared) / (200 + 2 * SHRINKAGE)
    torch.testing.assert_close(of[3] @ of[3].T, wanted, atol=0.02, rtol=0.02)


def test_divergence_is_zero_at_the_prior_alone() -> None:
    prior = ClassNormal(2, 3)
    prior.mean.weight.data[1], prior.log_deviation.weight.data[1] = 2.0, 0.5
    label = torch.tensor([0, 1])
    at_prior = prior.standardised(prior.mean(label), prior.log_deviation(label), label)
    torch.testing.assert_close(normal_divergence(*at_prior), torch.zeros(2, 3))
    away = prior.standardised(prior.mean(label) + 1, prior.log_deviation(label), label)
    assert (normal_divergence(*away) > 0).all()


def test_gaussian_loss_is_the_likelihood_at_the_best_deviation() -> None:
    error = torch.randn(64, 5, generator=seeded()) * torch.tensor([0.1, 1.0, 2.0, 3.0, 4.0])
    variance = error.square().mean(0)
    likelihood = torch.distributions.Normal(0.0, variance.sqrt()).log_prob(error).sum(1)
    torch.testing.assert_close(-gaussian_loss(error), likelihood + 2.5 * math.log(2 * math.pi))
    masked = gaussian_loss(error, weight=torch.zeros_like(error))
    torch.testing.assert_close(masked, torch.zeros(64))
