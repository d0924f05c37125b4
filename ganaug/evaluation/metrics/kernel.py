"""The kernel distance between the features of real and of synthetic items."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import Features
from ganaug.evaluation.metrics.floor import DistanceMetric, FlooredDistance, doubles

__all__ = ["METRIC", "kernel_distance"]


def kernel_distance(left: Features, right: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel ``(x . y / d + 1) ** 3``.

    The estimate may be slightly negative where both sets come from one distribution.

    References
    ----------
    M. Binkowski et al.: Demystifying MMD GANs. ICLR 2018.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(2, 200, 4)), rng.normal(2, 1, size=(200, 4))
    >>> abs(kernel_distance(*near)) < 0.1 < kernel_distance(near[0], far)
    True
    """
    a, b = doubles(left, right)
    within = 0.0
    for side in (a, b):
        kernel = _kernel(side, side)
        within += float(kernel.sum() - np.trace(kernel)) / (len(side) * (len(side) - 1))
    return within - 2 * float(_kernel(a, b).mean())


def _kernel(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = (left @ right.T / left.shape[1] + 1) ** 3
    return kernel


class Kernel(DistanceMetric):
    """The kernel distance with its floor and its standard error."""

    key = "kernel_distance"
    title = "Kernel distance"
    meaning = (
        "How far the two clouds of features lie apart, without an assumption about their shapes. The standard error "
        "tells noise from a difference."
    )
    distance = staticmethod(kernel_distance)

    def pool(self, results: Sequence[FlooredDistance]) -> dict[str, Any]:
        """Return the means over the folds, and the standard error of the mean value."""
        pooled = super().pool(results)[self.key]
        errors = [one.error for one in results if np.isfinite(one.error)]
        error = round(float(np.sqrt(np.sum(np.square(errors))) / len(errors)), 6) if errors else None
        return {self.key: {"value": pooled["value"], "standard_error": error, "floor": pooled["floor"]}}


METRIC = Kernel()
