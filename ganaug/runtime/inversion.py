"""Inversion: the noise vector whose sample is nearest to a real one, found by trying, as the graph has no gradient."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ganaug.runtime.noise import Noise

CANDIDATES = 2048
"""Noise vectors of each class among which the search begins."""
ROUNDS = 32
"""Rounds of refinement."""
OFFSPRING = 32
"""Noise vectors that are tried in a round, for each sample."""
PARENTS = 8
"""The nearest of these, which decide where the next round looks."""
FIRST_STEP, LAST_STEP = 0.3, 0.05
"""How much of a tried vector is new, in the first and in the last round: its variance is the square."""
AT_ONCE = 64
"""Samples that are refined at the same time: bounds the memory."""

Points = NDArray[np.float32]  # (n, d)
Distance = NDArray[np.float32]  # (n,)
Draw = Callable[[Noise], Points]


def invert(draw: Draw, wanted: Points, noise_dim: int, random: np.random.Generator) -> tuple[Noise, Distance]:
    """Search the noise vectors whose samples are nearest to some points, all of one class.

    The nearest of `CANDIDATES` random vectors is refined by a (mu/mu, lambda) evolution strategy (Hansen and Ostermeier
    2001, without the adaptation): each round tries vectors around a centre, and moves the centre towards the best of
    them. A tried vector is ``sqrt(1 - step**2) * centre + step * normal``, so that all stay about as long as those that
    a generator has learned from.

    Parameters
    ----------
    draw : callable
        Returns the points (n, d) of the samples of noise vectors (n, noise_dim).
    wanted : ndarray of shape (n, d)
        The points of real samples.
    noise_dim : int
        The length of a noise vector.
    random : Generator
        The source of the vectors.

    Returns
    -------
    noise : ndarray of shape (n, noise_dim)
    distance : ndarray of shape (n,)
        From each wanted point to the sample of its noise.
    """
    pool = random.standard_normal((CANDIDATES, noise_dim), np.float32)
    drawn = draw(pool)
    found = [_refined(draw, part, pool, drawn, random) for part in _parts(wanted)]
    return np.concatenate([noise for noise, _ in found]), np.concatenate([distance for _, distance in found])


def _refined(
    draw: Draw, wanted: Points, pool: Noise, drawn: Points, random: np.random.Generator
) -> tuple[Noise, Distance]:
    distance = np.stack([_distance(one, drawn) for one in wanted])  # (n, CANDIDATES)
    best, reached = pool[distance.argmin(axis=1)], distance.min(axis=1)
    centre, weight = best.copy(), _weights()
    for step in np.geomspace(FIRST_STEP, LAST_STEP, ROUNDS, dtype=np.float32):
        kept = np.sqrt(1 - step**2)
        new = random.standard_normal((len(wanted), OFFSPRING, pool.shape[1]), np.float32)
        tried = kept * centre[:, None] + step * new  # (n, OFFSPRING, noise_dim)
        points = draw(tried.reshape(-1, pool.shape[1])).reshape(len(wanted), OFFSPRING, -1)
        distance = _distance(wanted[:, None], points)  # (n, OFFSPRING)
        order = distance.argsort(axis=1, kind="stable")
        rows = np.flatnonzero(distance.min(axis=1) < reached)
        best[rows], reached[rows] = tried[rows, order[rows, 0]], distance[rows, order[rows, 0]]
        fittest = np.take_along_axis(new, order[:, :PARENTS, None], axis=1)  # (n, PARENTS, noise_dim)
        centre = kept * centre + step * np.einsum("p,npd->nd", weight, fittest)
    return best, reached


def _weights() -> NDArray[np.float32]:
    """Return the weights of the fittest offspring, best first, (PARENTS,); a sum of normal numbers keeps variance 1."""
    weight = np.log(PARENTS + 0.5) - np.log(np.arange(1, PARENTS + 1))
    scaled: NDArray[np.float32] = (weight / np.linalg.norm(weight)).astype(np.float32)
    return scaled


def _distance(some: Points, others: Points) -> Distance:
    distance: Distance = np.linalg.norm(some - others, axis=-1)
    return distance


def _parts(points: Points) -> list[Points]:
    return [points[start : start + AT_ONCE] for start in range(0, len(points), AT_ONCE)]
