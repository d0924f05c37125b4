"""Values by their ranks."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata


def normal_quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal quantiles of values (n,): what their ranks would be in a standard normal distribution."""
    of_ranks: NDArray[np.float64] = ndtri((rankdata(values) - 0.5) / len(values))
    return of_ranks
