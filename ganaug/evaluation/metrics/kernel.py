"""The kernel distance between the features of real and of synthetic items."""

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.metrics.base import Features
from ganaug.evaluation.metrics.floor import distance_metric, doubles


def kernel_distance(left: Features, right: Features) -> float:
    """Return the unbiased squared maximum mean discrepancy with the kernel ``(x . y / d + 1) ** 3``.

    The estimate may be slightly negative where both sets come from one distribution.

    M. Binkowski et al.: Demystifying MMD GANs. ICLR 2018.
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


METRIC = distance_metric(
    "kernel_distance",
    kernel_distance,
    title="Kernel distance",
    meaning="How far the two clouds of features lie apart, with no assumption about their shapes. The standard error "
    "tells noise from a difference.",
    has_error=True,
)
