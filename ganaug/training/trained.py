"""A trained generator before it is a file: the result of a run, and its export."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganaug import __version__
from ganaug.compute.modes import alone, training_modes
from ganaug.compute.threads import single_thread
from ganaug.data.dataset import Dataset
from ganaug.errors import warn
from ganaug.networks.modality import Decoder, Modality, noise_dim_of
from ganaug.networks.samples import Samples
from ganaug.runtime.dose import Dose
from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Metadata
from ganaug.training.export import export_onnx
from ganaug.training.loop import State, ValidationResult
from ganaug.training.screen import Screen, clear_thresholds, thresholds
from ganaug.training.validation import Validation, classes_together, raise_alarms

OFFSET_SAMPLES = 2
"""Real and synthetic samples of which the middle of the discriminator's logits is taken, for each one of a validation.
"""
JUDGED_AT_ONCE = 256  # samples in one pass: bounds the memory
LIBRARIES = ("torch", "numpy", "onnx", "onnxruntime")  # whose versions the model file states


@dataclass(frozen=True, eq=False)
class Trained:
    """The best weights of a run so far, and everything that its model file says of them.

    All networks are on the CPU and in evaluation mode.

    Attributes
    ----------
    generator : nn.Module
        The averaged generator, corrected after training.
    discriminator : nn.Module or None
        The network that judges realism, if the family has one.
    agreement : Tensor of shape (N,)
        The screen's out-of-fold probability of the own label of each of the `screened` samples, some or all of the
        `learned` ones.
    settings : dict
        The requested settings of the run, for the model file: budget, steps, seed, device, precision.
    random : torch.Generator
        Draws the noise for `logit_offset`.
    dose : Dose, optional
        What the samples are worth, if it was measured, or why it was not.
    """

    modality: Modality
    model: str
    model_reason: str
    generator: nn.Module
    discriminator: nn.Module | None
    screen: Screen
    screened: Samples
    agreement: Tensor
    learned: Samples
    validation: Validation
    state: State
    settings: dict[str, Any]
    random: torch.Generator
    dose: Dose | None = None

    @property
    def result(self) -> tuple[float, ValidationResult]:
        """The progress of the run at which the weights were kept, and their validation."""
        return self.state.kept_validation or self.state.validations[-1]

    @cached_property
    def logit_offset(self) -> Tensor:
        """For each class the logit half way between real and synthetic samples, (n_classes,): realism is .5 there.

        A relativistic discriminator learns differences of logits alone, so its logits have no zero of their own.
        """
        if self.discriminator is None:
            return torch.zeros(0)
        learnable, drawing = self.modality.learnable(self.learned), self.modality.decoder(self.generator).eval()
        count = OFFSET_SAMPLES * self.validation.count
        offsets: list[Tensor] = []
        with torch.no_grad():
            for group in classes_together(torch.arange(self.learned.n_classes), count):
                label = group.repeat_interleave(count)
                noise = torch.randn(len(label), noise_dim_of(self.generator), generator=self.random)
                synthetic = self.discriminator(drawing.learned(noise, label), label)
                own = [learnable.of_class(int(value), count).cpu() for value in group]
                sizes = [len(x) for x in own]
                real = self.discriminator(torch.cat(own), group.repeat_interleave(torch.tensor(sizes)))
                means = [
                    [x.mean() for x in torch.split(logits, n)] for logits, n in ((real, sizes), (synthetic, count))
                ]
                offsets += [sum(pair) / 2 for pair in zip(*means, strict=True)]
        return torch.stack(offsets)

    def export(self) -> Generator:
        """Write the model as ONNX, check it against torch, warn of the alarms of its training, and return it."""
        for alarm in self._alarms.texts:
            warn(alarm)
        with alone(), training_modes(), single_thread():
            drawing = self.modality.decoder(self.generator)
            module = ExportedGenerator(drawing, self.discriminator, self.logit_offset, self.screen)
            return export_onnx(module.eval(), self.metadata(), module.output_names)

    @torch.no_grad()
    def realism(self, data: Dataset) -> NDArray[np.float32] | None:
        """Return the discriminator's probability that items are real, (n,); None where there is no discriminator.

        The model file has the same as its output `realism`, for synthetic samples alone.
        """
        if self.discriminator is None:
            return None
        samples = self.modality.learnable(self.modality.encoded(data, torch.device("cpu")))
        judged = []
        for rows in torch.split(torch.arange(len(samples)), JUDGED_AT_ONCE):
            label = samples.label[rows]
            judged.append(torch.sigmoid(self.discriminator(samples.inputs(rows), label) - self.logit_offset[label]))
        realism: NDArray[np.float32] = torch.cat(judged).numpy() if judged else np.zeros(0, np.float32)
        return realism

    def thresholds(self) -> list[float]:
        """Return for each class the agreement that a sample needs to pass the screen."""
        own = thresholds(self.agreement.cpu(), self.screened.label.cpu(), self.learned.n_classes)
        return clear_thresholds(
            own, self.validation.median_agreement(self.generator, self.screen), self.modality.clear_agreement
        )

    @cached_property
    def _alarms(self) -> Any:
        return raise_alarms(self.result[1], [str(label) for label in self.modality.data.classes])

    def metadata(self) -> Metadata:
        """Return what the model file says of itself."""
        data = self.modality.data
        return Metadata(
            modality=data.modality,
            family=self.model,
            space=self.modality.space,
            classes=data.classes,
            class_counts=list(data.counts.values()),
            noise_dim=noise_dim_of(self.generator),
            noise_parts=getattr(self.generator, "noise_parts", None),
            schema=self.modality.schema(),
            versions={"ganaug": __version__} | {name: version(name) for name in LIBRARIES},
            training=self.summary(),
            fingerprint=data.fingerprint,
            screen={"thresholds": self.thresholds()},
            dose=None if self.dose is None else self.dose.to_dict(),
        )

    def summary(self) -> dict[str, Any]:
        """Return the summary of the training for the model file, as plain JSON."""
        state, (progress, result) = self.state, self.result
        names = [str(label) for label in self.modality.data.classes]
        variety = zip(names, result.variety, strict=True)
        return {
            "family": self.model_reason,
            **({"space": self.modality.space_reason} if self.modality.space else {}),
            "steps": state.step,
            "seconds": round(state.seconds, 2),
            "stages": [
                {"resolution": stage, "steps": steps, "seconds": round(seconds, 2)}
                for stage, (steps, seconds) in state.stages.items()
            ],
            **self.settings,
            "measured_on": self.validation.measured_on,
            "score": result.score,
            "history": [
                {
                    "progress": round(moment, 4),
                    "score": one.score,
                    "agreement": _mean(one.agreement),
                    "variety": _mean(one.variety),
                }
                for moment, one in state.validations
                if math.isfinite(one.score)
            ],
            "losses": [entry for entry in state.losses if all(map(math.isfinite, entry.values()))],
            "kept_from": round(progress, 4),
            "agreement": dict(zip(names, result.agreement, strict=True)),
            "variety": {name: ratio for name, ratio in variety if math.isfinite(ratio)},
            "stopped_early": state.stopped,
            "alarms": self._alarms.texts,
            "alarmed": self._alarms.classes,
        }


class ExportedGenerator(nn.Module):
    """What a model file computes: decoded samples, and what discriminator and screen say of them.

    Attributes
    ----------
    output_names : tuple of str
        The decoded outputs, then ``realism``, the discriminator's probability that the sample is real, (B,), if there
        is a discriminator, and ``agreement``, the screen's probability of the label, (B,).
    """

    offset: Tensor

    def __init__(self, drawing: Decoder, discriminator: nn.Module | None, offset: Tensor, screen: Screen) -> None:
        super().__init__()
        self.drawing, self.discriminator, self.screen = drawing, discriminator, screen
        self.register_buffer("offset", offset)
        realism = () if discriminator is None else ("realism",)
        self.output_names: tuple[str, ...] = (*drawing.output_names, *realism, "agreement")

    def forward(self, noise: Tensor, label: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs in the order of `output_names`."""
        learned, samples, outputs = self.drawing(noise, label)
        agreement = self.screen(samples).gather(1, label[:, None]).squeeze(1)
        if self.discriminator is None:
            return *outputs, agreement
        realism = torch.sigmoid(self.discriminator(learned, label) - self.offset[label])
        return *outputs, realism, agreement


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None
