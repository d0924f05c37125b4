"""Normal distributions and mixtures of them for the codes of each class, inside the exported graph."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_COMPONENTS = 16  # of the mixture of a class
SAMPLES_PER_COMPONENT = 4
"""Real samples of a class for each component of its mixture."""
MIN_OWN = 20
"""Real samples from which a class has a covariance of its own; all classes with fewer share one."""
SHRINKAGE = 1.0
"""Weight of the shared covariance in that of a class, in samples for each number of a code."""
ROUNDS = 20  # of k-means
JITTER = 1e-3
"""Added to the variance of every number of a code, as a share of the mean variance."""

TINY = 1e-20  # keeps logarithms finite


class ClassCovariances(nn.Module):
    """A covariance of codes for each class of many samples, and one that the other classes share.

    Five samples do not know a covariance. That of a class of n samples is its own with the weight n, and the shared one
    with the weight `SHRINKAGE` * code_dim (regularised discriminant analysis, Friedman 1989).

    Parameters
    ----------
    counts : sequence of int
        The number of real samples of each class.
    code_dim : int
        Length of a code.
    """

    owner: Tensor
    count: Tensor
    factor: Tensor

    def __init__(self, counts: Sequence[int], code_dim: int) -> None:
        super().__init__()
        count = torch.tensor(counts)
        owner = torch.where(count >= MIN_OWN, (count >= MIN_OWN).cumsum(0), 0)
        self.register_buffer("owner", owner)  # of the covariance of each class, (n_classes,)
        self.register_buffer("count", count)
        self.register_buffer("factor", torch.eye(code_dim).repeat(int(owner.max()) + 1, 1, 1))  # Cholesky factors

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return deviations (B, code_dim) from the mean of a class, of standard normal noise (B, code_dim)."""
        deviations: Tensor = (self.of(label) @ noise[:, :, None]).squeeze(2)
        return deviations

    def of(self, label: Tensor) -> Tensor:
        """Return the Cholesky factors of the covariances of classes (B,), (B, code_dim, code_dim)."""
        return self.factor[self.owner[label]]

    @torch.no_grad()
    def fit(self, deviation: Tensor, label: Tensor) -> None:
        """Set the covariances by deviations (N, code_dim) from the means, and their labels (N,)."""
        dim = deviation.shape[1]
        covariance = deviation.new_zeros(len(self.factor), dim, dim)
        shares = self.count / self.count.sum()
        for value in torch.unique(label).tolist():
            own = deviation[label == value]
            square, count = own.T @ own / len(own), float(self.count[value])
            covariance[0] += shares[value] * square
            if owner := int(self.owner[value]):
                covariance[owner] = count / (count + SHRINKAGE * dim) * square
        own = self.count[self.owner > 0].to(deviation)[:, None, None]
        covariance[1:] += SHRINKAGE * dim / (own + SHRINKAGE * dim) * covariance[0]
        jitter = JITTER * covariance[0].diagonal().mean().clamp_min(1e-6)
        self.factor.copy_(torch.linalg.cholesky(covariance + jitter * torch.eye(dim, device=deviation.device)))


class ClassMixture(nn.Module):
    """Draws codes of each class from a mixture, whose components have one covariance.

    The first number of the noise chooses the component, and the others are its normal noise. See `ClassCovariances` for
    the parameters.
    """

    reached: Tensor
    first: Tensor
    mean: Tensor

    def __init__(self, counts: Sequence[int], code_dim: int) -> None:
        super().__init__()
        self.noise_dim, self.noise_parts = code_dim + 1, (("component", 1), ("code", code_dim))
        self.covariances = ClassCovariances(counts, code_dim)
        self.sizes = [max(1, min(MAX_COMPONENTS, count // SAMPLES_PER_COMPONENT)) for count in counts]
        self.register_buffer("reached", torch.ones(len(counts), max(self.sizes)))  # cumulative shares of components
        self.register_buffer("first", torch.tensor(self.sizes).cumsum(0) - torch.tensor(self.sizes))
        self.register_buffer("mean", torch.zeros(sum(self.sizes), code_dim))

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        """Return codes (B, code_dim) of noise (B, 1 + code_dim) and labels (B,)."""
        uniform = 0.5 * (1 + torch.erf(noise[:, :1] / math.sqrt(2)))  # (B, 1)
        component = (self.reached[label] < uniform).sum(dim=1)  # (B,), float32 may round the last share down
        component = torch.minimum(component, torch.full_like(component, self.reached.shape[1] - 1))
        codes: Tensor = self.mean[self.first[label] + component] + self.covariances(noise[:, 1:], label)
        return codes

    def log_prob(self, code: Tensor, label: Tensor) -> Tensor:
        """Return the logarithm of the density of codes (B, code_dim) of these labels (B,), (B,)."""
        size, dim = self.reached.shape[1], code.shape[1]
        places = (self.first[label, None] + torch.arange(size, device=code.device)).clamp(max=len(self.mean) - 1)
        deviation = (code[:, None] - self.mean[places]).transpose(1, 2)  # (B, code_dim, components)
        factor = self.covariances.of(label)
        inner = torch.linalg.solve_triangular(factor, deviation, upper=False)
        shares = self.reached[label].diff(dim=1, prepend=torch.zeros_like(self.reached[label, :1]))
        logits = shares.clamp_min(TINY).log() - inner.square().sum(1) / 2  # (B, components)
        volume = factor.diagonal(dim1=1, dim2=2).log().sum(1) + dim / 2 * math.log(2 * math.pi)
        density: Tensor = logits.logsumexp(1) - volume
        return density

    @torch.no_grad()
    def fit(self, code: Tensor, label: Tensor) -> None:
        """Fit the mixtures to codes (N, code_dim) and their labels (N,)."""
        deviation = torch.zeros_like(code)
        for value, (first, size) in enumerate(zip(self.first.tolist(), self.sizes, strict=True)):
            rows = label == value
            if rows.any():
                centres, nearest = k_means(code[rows], size)
                shares = torch.bincount(nearest, minlength=size) / len(nearest)
                self.mean[first : first + size] = centres
                self.reached[value, : size - 1] = shares.cumsum(0)[:-1]
                deviation[rows] = code[rows] - centres[nearest]
        self.covariances.fit(deviation, label)


def k_means(points: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the centres (count, D) of clusters of points (N, D), and the nearest centre of each point, (N,).

    The first centres are points far from each other, taken one after the other, so that the result is always the same.
    """
    chosen = [int((points - points.mean(0)).square().sum(1).argmin())]
    distance = (points - points[chosen[0]]).square().sum(1)
    for _ in range(count - 1):
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(1))
    centres = points[chosen].clone()
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    return centres, torch.cdist(points, centres).argmin(1)
