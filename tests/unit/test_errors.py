"""Warnings name the line of the caller."""

from pathlib import Path

import numpy as np
import pytest

from ganaug import GANAugmenter
from ganaug.errors import GanaugWarning, warn


def lines(raised):
    return {Path(warning.filename).read_text().splitlines()[warning.lineno - 1].strip() for warning in raised}


def test_a_warning_names_the_callers_line():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) > 0
    with pytest.warns(GanaugWarning, match="one row alone") as raised:
        GANAugmenter(max_steps=3, random_state=0).fit(X, y)

    assert lines(raised) == {"GANAugmenter(max_steps=3, random_state=0).fit(X, y)"}


def test_a_warning_from_outside_names_its_own_line():
    with pytest.warns(GanaugWarning, match="by itself") as raised:
        warn("by itself")

    assert lines(raised) == {'warn("by itself")'}
