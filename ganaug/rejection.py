"""What is kept of what is drawn; and samples that each have a seed of their own, the same in whatever company."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.runtime import Runtime

__all__ = ["ROUNDS", "Filter", "draw_each"]

ROUNDS = 4
"""Most draws for each sample that is kept."""
MOST_LOGIT = 3.0
"""Realism makes a sample at most this much likelier or less likely to be kept, as a logarithm: a factor of 20."""


@dataclass(frozen=True, eq=False)
class Filter:
    """Which draws are kept.

    What the model's classifier does not read as its label is kept last. Of the others either the first that come, or,
    by realism, those of `ROUNDS` times as many that the discriminator takes for real: each with a chance in proportion
    to its odds of being real, as importance resampling would have it, so that what the generator draws too often is
    thinned out and what is rare stays (discriminator rejection sampling, Azadi et al. 2019).

    Attributes
    ----------
    thresholds : ndarray of shape (n_classes,)
        The `agreement` that a sample of each class needs.
    by_realism : bool
        Choose among those that reach it.
    """

    thresholds: NDArray[np.float64]
    by_realism: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the model must say of a sample to have it rated."""
        return ("agreement", "realism") if self.by_realism else ("agreement",)

    def rate(self, judged: Sequence[NDArray[Any]], labels: NDArray[np.int64], chance: NDArray[Any]) -> NDArray[Any]:
        """Rate samples: the highest rated are to be kept, and at infinity no more need be drawn.

        Parameters
        ----------
        judged : sequence of ndarray, each of shape (n,)
            The `outputs`.
        labels : ndarray of int64, shape (n,)
            Indices into the classes.
        chance : ndarray of shape (n,)
            From 0 to 1, uniform; used only by realism.
        """
        agreement = judged[0].astype(np.float64)
        passed = agreement >= self.thresholds[labels]
        if not self.by_realism:
            return np.where(passed, np.inf, agreement)
        real = judged[1].astype(np.float64).clip(1e-6, 1 - 1e-6)
        logit = np.log(real / (1 - real)).clip(-MOST_LOGIT, MOST_LOGIT)
        # The largest of logits with Gumbel noise is a draw in proportion to the odds (Gumbel 1954). No double in [0, 1)
        # makes that noise less than -4 or more than 38: nothing that passed is rated below what did not.
        gumbel = -np.log(-np.log(np.clip(chance, 1e-16, 1 - 1e-16)))
        return np.where(passed, logit + gumbel, agreement - 100)


def draw_each(
    runtime: Runtime,
    outputs: tuple[str, ...],
    labels: NDArray[np.int64],
    sources: Sequence[np.random.Generator],
    kept_by: Filter | None,
    width: int,
) -> list[NDArray[Any]]:
    """Draw one sample for each label, from a source of noise of its own.

    Of `ROUNDS` draws at most, the best rated stays.

    Parameters
    ----------
    runtime : Runtime
        Runs the model.
    outputs : tuple of str
        The outputs to return.
    labels : ndarray of int64, shape (n,)
        Indices into the classes.
    sources : sequence of numpy.random.Generator, length n
        Where each sample's noise comes from.
    kept_by : Filter, or None
        Rates the draws; None keeps whatever is drawn.
    width : int
        How many samples the network sees at once, always: its rounding may depend on it, and a sample must not.

    Returns
    -------
    list of ndarray, each of shape (n, ...)
        The outputs.
    """
    shapes = [runtime.outputs[name] for name in outputs]
    kept: list[NDArray[Any]] = [np.empty((len(labels), *shape), dtype) for shape, dtype in shapes]
    asked = outputs if kept_by is None else (*outputs, *kept_by.outputs)
    rating = np.full(len(labels), -np.inf)
    rows = np.arange(len(labels))
    for _ in range(ROUNDS):
        if not len(rows):
            break
        noise = np.stack([sources[row].standard_normal(runtime.noise_dim, np.float32) for row in rows.tolist()])
        drawn = _run(runtime, asked, noise, labels[rows], width)
        rated = np.full(len(rows), np.inf)
        if kept_by is not None:
            chance = np.array([sources[row].random() for row in rows.tolist()]) if kept_by.by_realism else rated
            rated = kept_by.rate(drawn[len(outputs) :], labels[rows], chance)
        better = rated > rating[rows]
        for whole, part in zip(kept, drawn, strict=False):
            whole[rows[better]] = part[better]
        rating[rows] = np.maximum(rating[rows], rated)
        rows = rows[rating[rows] < np.inf]
    return kept


def _run(
    runtime: Runtime, outputs: tuple[str, ...], noise: NDArray[np.float32], labels: NDArray[np.int64], width: int
) -> list[NDArray[Any]]:
    """Run the model in batches of one width, the last of them filled up with what is thrown away."""
    spare = -len(labels) % width
    noise, labels = np.pad(noise, ((0, spare), (0, 0))), np.pad(labels, (0, spare), mode="edge")
    parts = [
        runtime.run(outputs, noise[start : start + width], labels[start : start + width])
        for start in range(0, len(labels), width)
    ]
    count = len(labels) - spare
    return [np.concatenate(pieces)[:count] for pieces in zip(*parts, strict=True)]
