"""What the tests of an evaluation share."""

import numpy as np
import pytest

from ganaug.data.dataset import Dataset
from ganaug.data.tables.dataset import from_frame
from tests.fakes import shells

COUNTS = {"inner": 240, "outer": 160}


@pytest.fixture(scope="package")
def sides() -> tuple[Dataset, Dataset]:
    """A training part and held-out rows of the shells."""
    table = from_frame(*shells({name: 2 * n for name, n in COUNTS.items()}, np.random.default_rng(0)))
    order = np.random.default_rng(1).permutation(len(table.labels))
    return table.part(np.sort(order[:400])), table.part(np.sort(order[400:]))
