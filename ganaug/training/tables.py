"""The recipe for tables: labelled rows -> perceptrons -> training -> export -> `Generator`."""

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ganaug.compute.threads import single_thread
from ganaug.data.tables.constraints.constraints import Rules
from ganaug.data.tables.dataset import LabelledTable, from_frame
from ganaug.data.tables.layout import RowLayout
from ganaug.families.base import Family
from ganaug.families.gan import RowAdversarial
from ganaug.networks.derived_features import with_echoes
from ganaug.networks.perceptron import RowDiscriminator, RowGenerator
from ganaug.networks.samples import Rows
from ganaug.networks.table_decoder import TableDecoder
from ganaug.runtime.generator import Generator
from ganaug.techniques.marginal_matching import Marginals
from ganaug.training.artefact import TableArtefact
from ganaug.training.loop import Measure, Step
from ganaug.training.run import Run
from ganaug.training.screen import RowScreenNet, Screen

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["TableFit", "fit_table", "usual_steps"]

LATENT_DIM = 32
FEWEST_STEPS, MOST_STEPS = 700, 3_000
STEPS_PER_ROOT_OF_CELLS = 11.0
"""Of rows times columns: 700 steps up to 4,000 cells, 1,100 for 10,000, 3,000 from 75,000 on. On KEEL's small tables
classifiers gained no less from 700 steps than 1,500; on tables of 18,000 cells 700 miss much of what columns share.
"""


class TableFit(Run):
    """One run from a `LabelledTable`; 700 to 3,000 steps, by its size, unless it is told otherwise."""

    modality = "table"
    batch_size = 128
    export_seconds = 1.0
    clear_agreement = 0.75
    """On ninety folds of KEEL's smaller tables 0.7 and 0.8 were worth half a point to a point of macro F1 beside 0.5, a
    little average precision and Brier score, and cost nothing; 0.9 balanced accuracy."""
    sides = (1,)

    data: LabelledTable

    def __init__(self, data: LabelledTable, **settings: Any) -> None:
        super().__init__(data, **settings)
        self.rules = Rules.of(data.codec, data.frame)
        self.layout = with_echoes(RowLayout.of(self.rules.learned), self.rules, data.frame)
        self.noise_dim = LATENT_DIM + len(self.rules.joint.options)

    def default_bounds(self) -> tuple[float | None, int | None]:
        """Return a number of steps that grows with the table."""
        return None, usual_steps(self.data)

    def steps(self) -> Iterator[Step]:
        """Train on one thread, yielding every step."""
        with single_thread():
            yield from super().steps()

    def finish(self) -> Generator:
        """Export on one thread: beside other busy programs two have taken six times as long."""
        with single_thread():
            return super().finish()

    def samples(self) -> Rows:
        """Return the encoded rows on the device."""
        rows = self.encoded(self.data)
        return Rows(rows.values.to(self.device), rows.label.to(self.device), rows.n_classes)

    def encoded(self, data: LabelledTable) -> Rows:
        """Return rows, of the columns of those that are learned from, as the networks see them."""
        encoded = self.rules.encode(data.frame, np.random.default_rng(self.seed))
        return Rows(torch.from_numpy(self.layout.rows(encoded)), torch.from_numpy(data.labels), len(data.classes))

    def new_family(self) -> Family:
        """Return fresh networks."""
        n_classes = len(self.data.classes)
        generator = RowGenerator(n_classes, self.layout, joint=self.rules.joint, latent_dim=LATENT_DIM)
        discriminator = RowDiscriminator(n_classes, self.layout)
        return RowAdversarial(generator.to(self.device), discriminator.to(self.device))

    def new_screen(self) -> Screen:
        """Return a fresh screen."""
        width, n_classes = self.layout.width, len(self.data.classes)
        return Screen(lambda: RowScreenNet(width, n_classes)).to(self.device)

    @cached_property
    def marginals(self) -> Marginals:
        """Means, spreads and shares, by class, of the rows that are learned from."""
        generator = self.state.family.generator
        assert isinstance(generator, RowGenerator)  # noqa: S101
        return Marginals.of(self.learn.values, self.learn.label, generator)

    def finished(self, average: nn.Module) -> nn.Module:
        """Return a generator that draws each class with the marginals of what it learned from."""
        assert isinstance(average, RowGenerator)  # noqa: S101
        return self.marginals.matched(average, self._random(6))

    def measure(self, average: nn.Module) -> Measure:
        """Judge the generator as it would be exported: stopped a little later, it would stand elsewhere otherwise."""
        return super().measure(self.finished(average))

    def artefact(self, generator: nn.Module, discriminator: nn.Module | None, offset: Tensor) -> nn.Module:
        """Return generator, decoder, discriminator and screen as one module."""
        assert isinstance(generator, RowGenerator)  # noqa: S101
        decoder = TableDecoder(self.data.codec, self.rules.relations)
        return TableArtefact(generator, discriminator, offset, self.screen, decoder)

    def schema(self) -> Mapping[str, Any]:
        """Return the columns, the name of the labels', and the rules that are kept, for people to read."""
        return self.data.codec.to_state() | {"target": self.data.target, "rules": self.rules.named()}


def usual_steps(data: LabelledTable) -> int:
    """Return the training steps of a run that is given neither a budget nor a number of steps."""
    steps = round(STEPS_PER_ROOT_OF_CELLS * math.sqrt(data.frame.size))
    return max(FEWEST_STEPS, min(MOST_STEPS, steps))


def fit_table(frame: "DataFrame", y: ArrayLike, *, categorical_features: Any = "auto", **settings: Any) -> Generator:
    """Learn a table and the labels of its rows; see `TableFit`, and `Run` for the settings.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_wine
    >>> frame, y = load_wine(return_X_y=True, as_frame=True)
    >>> generator = fit_table(frame, y, max_steps=3, random_state=0)
    >>> rows, labels = generator.sample({2: 5}, seed=0)
    >>> rows.shape, labels.tolist()
    ((5, 13), [2, 2, 2, 2, 2])
    """
    fit = TableFit(from_frame(frame, y, categorical_features=categorical_features), **settings)
    return fit.run()
