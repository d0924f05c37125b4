"""Rows of a table as networks see them: the modality of labelled tables."""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ganaug.compute.draws import Random, normal
from ganaug.compute.modes import seeded
from ganaug.data.tables.constraints.constraints import Constraints
from ganaug.data.tables.dataset import LabelledTable
from ganaug.networks.classifiers import RowClassifier
from ganaug.networks.modality import DEFAULT_TECHNIQUES, Bounds, Decoder, Drawn, Modality, refuse_image_settings
from ganaug.networks.perceptron import RowDiscriminator, RowGenerator, RowNetwork
from ganaug.networks.samples import Batch, Samples
from ganaug.networks.table_decoder import TableDecoder
from ganaug.techniques.losses import gaussian_loss, variety_and_energy_loss
from ganaug.techniques.marginal_matching import Marginals
from ganaug.techniques.switches import Techniques

CODE_DIM = 32
"""Numbers of the noise that the network sees; one more for each decision chooses the option."""
SCORE = 6.0
"""Logit of an option that was taken, where rows are points; the others have 0."""
MIN_STEPS = 700  # training steps on a small table
MAX_STEPS = 2_000  # training steps on a large table
STEPS_PER_ROOT_OF_CELLS = 11.0
"""Training steps for each square root of the number of cells, rows times columns."""


class Rows(Samples):
    """Encoded rows of a table, float32 of shape (N, D)."""

    def inputs(self, rows: Tensor) -> Tensor:
        """Return the rows unchanged, float32 (len(rows), D)."""
        return self.values[rows]


class RowsDecoder(Decoder):
    """Maps noise and labels to finished columns, ``numeric`` float64 and ``category`` int64 (see `TableDecoder`)."""

    generator: RowGenerator

    def __init__(self, generator: RowGenerator, decoder: TableDecoder) -> None:
        super().__init__()
        self.generator, self.decoder = generator, decoder
        self.output_names = decoder.output_names

    def forward(self, noise: Tensor, label: Tensor) -> Drawn:
        """Return rows as the networks see them, and the columns."""
        quantiles, choices, uniform = self.generator.draw(noise, label)
        rows = self.generator.join(quantiles, choices)
        return Drawn(rows, rows, self.decoder(quantiles, choices, uniform))


class TableModality(Modality):
    """Labelled rows and perceptrons; the constraints between columns hold in every synthetic row."""

    code_dim = CODE_DIM
    batch_size = 128
    stages = (1,)
    mixed = False
    export_seconds = 1.0
    clear_agreement = 0.75

    data: LabelledTable

    def __init__(self, data: LabelledTable, *, seed: int, techniques: Techniques = DEFAULT_TECHNIQUES) -> None:
        super().__init__(data, seed=seed, techniques=techniques)
        self.constraints = Constraints.detect(data.codec, data.frame, data.rules)
        self.layout = self.constraints.layout
        self._marginals: tuple[Samples, Marginals] | None = None

    @staticmethod
    def default_bounds(data: LabelledTable) -> Bounds:
        """Return a number of steps that grows with the table."""
        steps = round(STEPS_PER_ROOT_OF_CELLS * math.sqrt(data.frame.size))
        return Bounds(None, max(MIN_STEPS, min(MAX_STEPS, steps)))

    def encoded(self, data: LabelledTable, device: torch.device) -> Rows:  # type: ignore[override]
        """Return rows, encoded by the columns of the training rows."""
        encoded = self.constraints.encode(data.frame, np.random.default_rng(self.seed))
        rows, label = torch.from_numpy(self.layout.rows(encoded)), torch.from_numpy(data.labels)
        return Rows(rows.to(device), label.to(device), self.n_classes)

    def new_network(self) -> RowNetwork:
        """Return an untrained perceptron that drafts rows."""
        return RowNetwork(self.n_classes, self.code_dim, self.point_dim)

    def new_generator(self, network: nn.Module | None = None) -> RowGenerator:
        """Return a generator of rows, which makes the choices among options."""
        joint, network = self.constraints.joint, network or self.new_network()
        return RowGenerator(self.n_classes, self.layout, joint=joint, network=network)

    def new_discriminator(self) -> RowDiscriminator:
        """Return an untrained perceptron that judges rows."""
        return RowDiscriminator(self.n_classes, self.layout)

    def new_classifier(self) -> RowClassifier:
        """Return an untrained perceptron with two hidden layers of 64 units."""
        return RowClassifier(self.layout.width, self.n_classes)

    def synthesise(self, generator: nn.Module, batch: Batch) -> Tensor:
        """Return synthetic rows (B, D) whose choices are relaxed, so that gradients pass."""
        synthetic: Tensor = generator.relaxed(batch.noise(), batch.label, batch.random)  # type: ignore[operator]
        return synthetic

    def relaxed(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return rows (B, D) whose choices are relaxed."""
        return self.rows.to(outputs.device).relax(outputs, batch.random)

    def reconstruction_loss(self, outputs: Tensor, real: Tensor) -> Tensor:
        """Return the loss of a normal distribution of each active quantile, and the cross-entropy of each decision."""
        quantiles, logits = outputs.tensor_split([self.layout.n_quantiles], dim=1)
        own, taken = self._parts(real)
        loss = gaussian_loss(quantiles - own, weight=self.rows.opened(taken))
        for piece, wanted in zip(self.rows.decisions.logits(logits), self._decided(taken), strict=True):
            loss = loss - (wanted * piece.log_softmax(dim=1)).sum(dim=(1, 2))
        return loss

    @property
    def point_dim(self) -> int:
        """The number of quantiles and logits."""
        return self.layout.n_quantiles + sum(self.constraints.joint.options)

    def points(self, real: Tensor, random: Random) -> Tensor:
        """Return quantiles and logits. Where a quantile is not active, it is noise."""
        quantiles, taken = self._parts(real)
        noise = normal((len(real), self.rows.n_outputs), random).to(real.device)
        of_quantiles, of_logits = noise.tensor_split([self.layout.n_quantiles], dim=1)
        active = self.rows.opened(taken)
        logits = SCORE * self.rows.decisions.flat(self._decided(taken)) if self.layout.options else taken
        return torch.cat([active * quantiles + (1 - active) * of_quantiles, logits + of_logits], dim=1)

    @cached_property
    def rows(self) -> RowGenerator:
        """A generator that does not learn, for what it knows of the layout of a row."""
        with seeded(self.seed):
            return self.new_generator()

    def _parts(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return the quantiles of rows, and the options taken."""
        self.rows.to(real.device)
        quantiles, taken = real[:, : self.layout.own_width].tensor_split([self.layout.n_quantiles], dim=1)
        return quantiles, taken

    def _decided(self, taken: Tensor) -> list[Tensor]:
        return self.rows.decisions.decisions_of(taken) if self.layout.options else []

    def discrepancy(self, real: Tensor, synthetic: Tensor, label: Tensor) -> Tensor:
        """Return the lack of variety within a class and the energy distance, in one scalar."""
        return variety_and_energy_loss(real, synthetic, label)

    def corrected(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> RowGenerator:
        """Return a generator that draws each class with the marginals of its real rows."""
        rows = cast("RowGenerator", generator)
        if self._marginals is None or self._marginals[0] is not learned:
            self._marginals = learned, Marginals.of(learned.values, learned.label, rows)
        return self._marginals[1].matched(rows, random)

    def validated(self, generator: nn.Module, learned: Samples, random: torch.Generator) -> nn.Module:
        """Return the corrected generator: what is exported is what a validation must judge."""
        return self.corrected(generator, learned, random)

    def decoder(self, generator: nn.Module) -> RowsDecoder:
        """Return the generator with the decoding to columns."""
        return RowsDecoder(generator, TableDecoder(self.constraints.output, self.constraints))  # type: ignore[arg-type]

    def schema(self) -> Mapping[str, Any]:
        """Return the columns, the names of the target and of ignored ones, the rules and the file's format."""
        described = {"target": self.data.target, "ignored": list(self.data.ignored)}
        csv = {} if self.data.csv is None else {"csv": self.data.csv.to_state()}
        return self.constraints.output.to_state() | described | {"rules": self.constraints.to_json()} | csv

    def settings(self) -> dict[str, object]:
        """Return the rules that are declared."""
        return {"rules": list(self.data.rules.texts)} if self.data.rules.texts else {}

    def form(self) -> dict[str, Any]:
        """Return the columns, each with a digest of its options, and one of the rules that change what is learned."""
        return self.constraints.form()


def modality(
    data: LabelledTable,
    *,
    seed: int,
    augment: Any,
    space: str,
    capacity: int,  # noqa: ARG001
    techniques: Techniques,
) -> TableModality:
    """Return the modality of a table. It has one space, and its networks one width."""
    refuse_image_settings("a table", augment, space)
    return TableModality(data, seed=seed, techniques=techniques)


MODALITY = TableModality
