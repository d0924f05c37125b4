"""One run, whatever it learns from: samples -> networks -> training -> export -> `Generator`."""

import math
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganaug import __version__
from ganaug.compute.device import choose_device
from ganaug.compute.modes import alone, training_modes
from ganaug.compute.threads import ThreadTuner
from ganaug.errors import warn
from ganaug.families.base import Family
from ganaug.networks.samples import Samples
from ganaug.runtime.generator import Generator
from ganaug.runtime.metadata import Label, Metadata
from ganaug.training.checkpoints import load_checkpoint, save_checkpoint
from ganaug.training.export import export_onnx
from ganaug.training.loop import Measure, Plan, State, Step, train
from ganaug.training.screen import Screen, clear_thresholds, fit_screen, thresholds
from ganaug.training.validation import Alarms, Referee, hold_out, raise_alarms

__all__ = ["Run"]

SCREEN_STEPS = 180
"""Steps that each fold of the screen trains for; fewer in a short run."""
SCREEN_STEPS_PER_SECOND, SCREEN_STEPS_PER_STEP = 1.2, 0.2
CHECKPOINT_SECONDS = 10.0

Built = TypeVar("Built")


class Run(ABC):
    """One run from labelled data to a `Generator`: iterate over `steps()`, then call `finish()`.

    Parameters
    ----------
    data : object
        With `classes`, their `counts` and the data's `fingerprint`.
    model : {"gan"}, default="gan"
        The family.
    time_budget : float, optional
        Wall-clock seconds from `started` to the end of `finish()`.
    max_steps : int, optional
        Most training steps; alone, it makes a run that repeats exactly.
    device : str, default="auto"
        "auto", "cpu", "cuda" or "mps".
    random_state : int, optional
        Seed of everything random in the run; by default a fresh one, which the model file records.
    checkpoint : Path, optional
        Folder in which the run is kept while it goes on.
    resume : bool, default=False
        Go on from `checkpoint`.
    started : float, optional
        When the budget began, by `time.perf_counter`; by default now.

    Attributes
    ----------
    modality : str
        As the metadata says it.
    batch_size, noise_dim : int
        Pairs in a step; length of the noise vector.
    sides : tuple of int
        The resolutions that images grow through; one number for other samples.
    export_seconds : float
        Time that the end of a run needs for writing the model, kept free of the budget; at most a quarter of it.
    clear_agreement : float
        Where samples can be had that the screen agrees with this far, or the better half of them, others are left.
    """

    modality: ClassVar[str]
    batch_size: ClassVar[int]
    export_seconds: ClassVar[float]
    clear_agreement: ClassVar[float]

    def __init__(
        self,
        data: Any,
        *,
        model: str = "gan",
        time_budget: float | None = None,
        max_steps: int | None = None,
        device: str = "auto",
        random_state: int | None = None,
        checkpoint: Path | None = None,
        resume: bool = False,
        started: float | None = None,
    ) -> None:
        self.started = time.perf_counter() if started is None else started
        self.data, self.model = data, model
        unbounded = time_budget is None and max_steps is None
        self.budget, self.max_steps = self.default_bounds() if unbounded else (time_budget, max_steps)
        self.device = choose_device(device)
        self.seed = secrets.randbits(31) if random_state is None else random_state
        self.checkpoint, self.resume = checkpoint, resume
        self._saved, self._warned = time.perf_counter(), False

    noise_dim: int
    sides: tuple[int, ...]

    @abstractmethod
    def default_bounds(self) -> tuple[float | None, int | None]:
        """Return the budget in seconds and the most steps of a run that was given neither."""

    @abstractmethod
    def samples(self) -> Samples:
        """Return the data on the device, as the networks learn from it."""

    @abstractmethod
    def new_family(self) -> Family:
        """Return fresh networks on the device; the global seed has been set for it."""

    @abstractmethod
    def new_screen(self) -> Screen:
        """Return a fresh screen on the device; the global seed has been set for it."""

    @abstractmethod
    def artefact(self, generator: nn.Module, discriminator: nn.Module | None, offset: Tensor) -> nn.Module:
        """Return what is exported; it has `output_names`."""

    def finished(self, average: nn.Module) -> nn.Module:
        """Return what is exported of the trained generator, which is left as it is."""
        return average

    def measure(self, average: nn.Module) -> Measure:
        """Judge the averaged generator, which is left as it is."""
        return self.referee.measure(average)

    @abstractmethod
    def schema(self) -> Mapping[str, Any]:
        """Return what the metadata says of the data's form."""

    def thresholds(self) -> list[float]:
        """Return by class the agreement that a sample needs to be injected; asked once training is done."""
        own = thresholds(self.agreement.cpu(), self.learn.label.cpu(), self.learn.n_classes)
        return clear_thresholds(own, self.referee.typical_agreement(self.generator), self.clear_agreement)

    def settings(self) -> dict[str, object]:
        """Return all that a resumed run must share."""
        return {
            "data": self.data.fingerprint,
            "model": self.model,
            "seed": self.seed,
            "time_budget": self.budget,
            "max_steps": self.max_steps,
        }

    @property
    def classes(self) -> Sequence[Label]:
        """The labels, in the order of their indices."""
        classes: Sequence[Label] = self.data.classes
        return classes

    def run(self) -> Generator:
        """Take all steps and finish, in torch's usual modes, while no other thread does."""
        asked = time.perf_counter()
        with alone(), training_modes():
            self.started += time.perf_counter() - asked  # the budget is for training, not for waiting
            for _ in self.steps():
                pass
            return self.finish()

    def steps(self) -> Iterator[Step]:
        """Train, yielding every step; after any of them `finish()` makes the best generator so far."""
        # Hold out, build the networks, and take up an earlier run where there is one.
        learn, held_out = hold_out(self.samples(), self._random(1))
        self.state = state = State(self._seeded(self.new_family), self._random(2))
        screen, agreement = self._screen(learn)

        # Train with what is left of the budget once the export has its share.
        referee = Referee(screen, learn, held_out, noise_dim=self.noise_dim, random=self._random(4))
        self.screen, self.agreement, self.learn, self.referee = screen, agreement, learn, referee
        plan = Plan(self._seconds_left(), self.max_steps)
        self.save_checkpoint()  # a kill from here on does not cost what has been learnt
        for step in train(
            state,
            learn,
            plan,
            sides=self.sides,
            noise_dim=self.noise_dim,
            batch_size=self.batch_size,
            measure=self.measure,
        ):
            if self.checkpoint and time.perf_counter() - self._saved > CHECKPOINT_SECONDS:
                self._keep()
            yield step

    def finish(self) -> Generator:
        """Export the best generator so far, warn of what is wrong with it, and return it."""
        state = self.state
        if state.kept is None:
            state.measures.append((state.progress, self.measure(state.family.average)))
        else:
            state.family.average.load_state_dict(state.kept)
        progress, measure = state.kept_measure or state.measures[-1]
        alarms = raise_alarms(measure, [str(label) for label in self.classes])
        for alarm in alarms.texts:
            warn(alarm)

        family = state.family
        discriminator = family.discriminator and family.discriminator.cpu().eval()
        self.generator = self.finished(family.average.float().cpu().eval())
        self.screen.cpu()
        self._offset = self._realism_offset(self.generator, discriminator)
        artefact = self.artefact(self.generator, discriminator, self._offset)
        names: tuple[str, ...] = artefact.output_names  # type: ignore[assignment]
        return Generator.from_bytes(export_onnx(artefact.eval(), self._metadata(progress, measure, alarms), names))

    @torch.no_grad()
    def realism(self, samples: Samples) -> NDArray[np.float32] | None:
        """Return the discriminator's probability that samples are real, (N,), once `finish` is done.

        The model file's output `realism` is the same for what the model makes; this is for any samples, real ones too.
        None where the family has no discriminator.
        """
        discriminator = self.state.family.discriminator
        if discriminator is None:
            return None
        judged = [
            torch.sigmoid(discriminator(samples.inputs(rows), samples.label[rows]) - self._offset[samples.label[rows]])
            for rows in torch.split(torch.arange(len(samples)), 256)
        ]
        realism: NDArray[np.float32] = torch.cat(judged).numpy() if judged else np.zeros(0, np.float32)
        return realism

    def save_checkpoint(self) -> None:
        """Write the run as it stands to its folder."""
        if self.checkpoint:
            extra = {f"screen.{name}": value for name, value in self.screen.state_dict().items()}
            save_checkpoint(self.checkpoint, self.state, extra | {"agreement": self.agreement}, self.settings())
            self._saved = time.perf_counter()

    def _keep(self) -> None:
        """Save a checkpoint if that can be done: a disk that is full for a while must not cost the training."""
        try:
            self.save_checkpoint()
        except OSError as error:
            self._saved = time.perf_counter()
            if not self._warned:
                self._warned = True
                warn(
                    f"a checkpoint could not be written; the run goes on, and the last one that could be is kept: "
                    f"{error}"
                )

    def _screen(self, learn: Samples) -> tuple[Screen, Tensor]:
        screen = self._seeded(self.new_screen)
        if self.resume and self.checkpoint:
            extra = load_checkpoint(self.checkpoint, self.state, self.settings())
            screen.load_state_dict(
                {name.removeprefix("screen."): value for name, value in extra.items() if "." in name}
            )
            return screen.eval().requires_grad_(False), extra["agreement"].to(self.device)
        by_budget = SCREEN_STEPS if self.budget is None else round(self.budget * SCREEN_STEPS_PER_SECOND)
        by_steps = SCREEN_STEPS if self.max_steps is None else round(self.max_steps * SCREEN_STEPS_PER_STEP)
        with ThreadTuner(self.max_steps is None and self.device.type == "cpu") as threads:
            agreement = fit_screen(
                screen,
                learn,
                distort=self.state.family.distort,
                steps=max(20, min(SCREEN_STEPS, by_budget, by_steps)),
                random=self._random(3),
                precision=self.state.family.precision(self.device),
                threads=threads,
            )
        return screen, agreement

    def _seeded(self, build: Callable[[], Built]) -> Built:
        """Let torch draw first weights from the run's seed, and leave its global state as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return build()

    def _seconds_left(self) -> float | None:
        if self.budget is None:
            return None
        spent = time.perf_counter() - self.started
        return max(0.1, self.budget - spent - min(self.export_seconds, self.budget / 4))

    def _random(self, purpose: int) -> torch.Generator:
        """A source of its own for each purpose, so that a resumed run may leave some of them out."""
        return torch.Generator().manual_seed(self.seed * 10 + purpose)

    @torch.no_grad()
    def _realism_offset(self, average: nn.Module, discriminator: nn.Module | None) -> Tensor:
        """By class, the logit half way between real and synthetic images, at which realism reads one half."""
        if discriminator is None:
            return torch.zeros(0)
        random, offsets = self._random(5), []
        for value in range(self.learn.n_classes):
            real = self.learn.of_class(value, 64).cpu()
            label = torch.tensor(value)
            synthetic = average(torch.randn(64, self.noise_dim, generator=random), label.expand(64))
            logits = [discriminator(samples, label.expand(len(samples))).mean() for samples in (real, synthetic)]
            offsets.append(sum(logits) / 2)
        return torch.stack(offsets)

    def _metadata(self, progress: float, measure: Measure, alarms: Alarms) -> Metadata:
        data, state, names = self.data, self.state, [str(label) for label in self.classes]
        training = {
            "steps": state.step,
            "seconds": round(state.seconds, 2),
            "stages": [
                {"resolution": side, "steps": steps, "seconds": round(seconds, 2)}
                for side, (steps, seconds) in state.stages.items()
            ],
            "time_budget": self.budget,
            "max_steps": self.max_steps,
            "seed": self.seed,
            "device": self.device.type,
            "mixed_precision": not isinstance(state.family.precision(self.device), nullcontext),
            "measured_on": self.referee.measured_on,
            "score": measure.score,
            "history": [
                {
                    "progress": round(moment, 4),
                    "score": one.score,
                    "agreement": _mean(one.agreement),
                    "variety": _mean(one.variety),
                }
                for moment, one in state.measures
            ],
            "losses": [entry for entry in state.losses if all(map(math.isfinite, entry.values()))],
            "kept_from": round(progress, 4),
            "agreement": dict(zip(names, measure.agreement, strict=True)),
            "variety": {
                name: ratio for name, ratio in zip(names, measure.variety, strict=True) if math.isfinite(ratio)
            },
            "stopped_early": state.stopped,
            "alarms": alarms.texts,
            "alarmed": alarms.classes,
        }
        return Metadata(
            modality=self.modality,
            family=self.model,
            classes=self.classes,
            class_counts=list(data.counts.values()),
            noise_dim=self.noise_dim,
            schema=self.schema(),
            versions={"ganaug": __version__}
            | {name: version(name) for name in ("torch", "numpy", "onnx", "onnxruntime")},
            training=training,
            fingerprint=data.fingerprint,
            screen={"thresholds": self.thresholds()},
        )


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None
