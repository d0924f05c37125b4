"""The whole recipe: labelled images -> networks -> training -> export -> `Generator`."""

import math
import secrets
import time
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganaug import __version__
from ganaug.artefact import ImageArtefact
from ganaug.checkpoints import load_checkpoint, save_checkpoint
from ganaug.codecs.image import LabelledImages
from ganaug.errors import DeviceError, GanaugWarning
from ganaug.export import export_onnx
from ganaug.families.adversarial import Adversarial
from ganaug.families.base import Family
from ganaug.generator import Generator
from ganaug.metadata import Metadata
from ganaug.networks.conv import ConvDiscriminator, ConvGenerator, resolutions
from ganaug.referee import Referee, collapsed, hold_out
from ganaug.screening import Screen, fit_screen, thresholds
from ganaug.threads import ThreadTuner
from ganaug.training import Images, Measure, Plan, State, Step, mixed_precision, train

__all__ = ["ImageFit", "choose_device", "fit_images"]

NOISE_DIM = 64
BATCH_SIZE = 16
DEFAULT_BUDGET = 180.0
SCREEN_STEPS = 180
"""Steps that each fold of the screen trains for; fewer in a short run."""
SCREEN_STEPS_PER_SECOND, SCREEN_STEPS_PER_STEP = 1.2, 0.2
EXPORT_SECONDS = 6.0
"""Time that the end of a run needs for writing the model, kept free of the budget; at most a quarter of it."""
CHECKPOINT_SECONDS = 10.0


class ImageFit:
    """One run from labelled images to a `Generator`: iterate over `steps()`, then call `finish()`.

    Parameters
    ----------
    data : LabelledImages
        The training images.
    model : {"gan"}, default="gan"
        The family.
    time_budget : float, optional
        Wall-clock seconds from `started` to the end of `finish()`. Three minutes if `max_steps` is not given either.
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
    """

    def __init__(
        self,
        data: LabelledImages,
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
        self.budget = DEFAULT_BUDGET if time_budget is None and max_steps is None else time_budget
        self.max_steps = max_steps
        self.device = choose_device(device)
        self.seed = secrets.randbits(31) if random_state is None else random_state
        self.checkpoint, self.resume = checkpoint, resume
        self._saved = time.perf_counter()

    def steps(self) -> Iterator[Step]:
        """Train, yielding every step; after any of them `finish()` makes the best generator so far."""
        # Hold out, build the networks, and take up an earlier run where there is one.
        learn, held_out = hold_out(_on_device(self.data, self.device), self._random(1))
        family = self._new_family()
        self.state = state = State(family, self._random(2))
        screen, agreement = self._screen(learn)

        # Train with what is left of the budget once the export has its share.
        referee = Referee(screen, learn, held_out, noise_dim=NOISE_DIM, random=self._random(4))
        self.screen, self.agreement, self.learn, self.referee = screen, agreement, learn, referee
        plan = Plan(self._seconds_left(), self.max_steps)
        sides = resolutions(self.data.codec.size)
        self.save_checkpoint()  # a kill from here on does not cost what has been learnt
        for step in train(
            state, learn, plan, sides=sides, noise_dim=NOISE_DIM, batch_size=BATCH_SIZE, measure=referee.measure
        ):
            if self.checkpoint and time.perf_counter() - self._saved > CHECKPOINT_SECONDS:
                self.save_checkpoint()
            yield step

    def finish(self) -> Generator:
        """Export the best generator so far, warn of what is wrong with it, and return it."""
        state = self.state
        if state.best is None:
            state.measures.append((state.progress, self.referee.measure(state.family.average)))
        else:
            state.family.average.load_state_dict(state.best)
        progress, measure = state.best_measure or state.measures[-1]
        alarms = self._alarms(measure)
        for alarm in alarms:
            warnings.warn(alarm, GanaugWarning, stacklevel=2)

        family = state.family
        average, discriminator = family.average.float().cpu().eval(), family.discriminator
        offset = self._realism_offset(average, discriminator)
        artefact = ImageArtefact(average, discriminator and discriminator.cpu().eval(), offset, self.screen.cpu())
        metadata = self._metadata(progress, measure, alarms)
        return Generator.from_bytes(export_onnx(artefact.eval(), metadata, artefact.output_names))

    def save_checkpoint(self) -> None:
        """Write the run as it stands to its folder."""
        if self.checkpoint:
            extra = {f"screen.{name}": value for name, value in self.screen.state_dict().items()}
            save_checkpoint(self.checkpoint, self.state, extra | {"agreement": self.agreement}, self._settings())
            self._saved = time.perf_counter()

    def _screen(self, learn: Images) -> tuple[Screen, Tensor]:
        if self.resume and self.checkpoint:
            extra = load_checkpoint(self.checkpoint, self.state, self._settings())
            screen = Screen(learn.pixels.shape[1], learn.n_classes).to(self.device)
            screen.load_state_dict(
                {name.removeprefix("screen."): value for name, value in extra.items() if "." in name}
            )
            return screen.eval().requires_grad_(False), extra["agreement"].to(self.device)
        by_budget = SCREEN_STEPS if self.budget is None else round(self.budget * SCREEN_STEPS_PER_SECOND)
        by_steps = SCREEN_STEPS if self.max_steps is None else round(self.max_steps * SCREEN_STEPS_PER_STEP)
        steps = max(20, min(SCREEN_STEPS, by_budget, by_steps))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            with ThreadTuner(self.max_steps is None and self.device.type == "cpu") as threads:
                precision = mixed_precision(self.device)
                return fit_screen(learn, steps=steps, random=self._random(3), precision=precision, threads=threads)

    def _new_family(self) -> Family:
        n_classes, size, channels = len(self.data.classes), self.data.codec.size, self.data.codec.channels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            generator = ConvGenerator(n_classes, size, channels, noise_dim=NOISE_DIM)
            discriminator = ConvDiscriminator(n_classes, size, channels)
        networks = [
            network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for network in (generator, discriminator)
        ]
        return Adversarial(*networks)

    def _seconds_left(self) -> float | None:
        if self.budget is None:
            return None
        spent = time.perf_counter() - self.started
        return max(0.1, self.budget - spent - min(EXPORT_SECONDS, self.budget / 4))

    def _random(self, purpose: int) -> torch.Generator:
        """A source of its own for each purpose, so that a resumed run may leave some of them out."""
        return torch.Generator().manual_seed(self.seed * 10 + purpose)

    def _settings(self) -> dict[str, object]:
        return {
            "data": self.data.fingerprint,
            "size": self.data.codec.size,
            "model": self.model,
            "seed": self.seed,
            "time_budget": self.budget,
            "max_steps": self.max_steps,
        }

    def _alarms(self, measure: Measure) -> list[str]:
        names = [self.data.classes[i] for i in collapsed(measure)]
        if not names:
            return []
        return [
            f"the samples of {_listing(names)} vary less than half as much as the real images do (collapse): a longer "
            "--budget or more images of these classes may help; until then, expect little from them"
        ]

    @torch.no_grad()
    def _realism_offset(self, average: nn.Module, discriminator: nn.Module | None) -> Tensor:
        """By class, the logit half way between real and synthetic images, at which realism reads one half."""
        if discriminator is None:
            return torch.zeros(0)
        random, offsets = self._random(5), []
        for value in range(self.learn.n_classes):
            real = self.learn.pixels[self.learn.label == value][:64].cpu().float() / 127.5 - 1
            label = torch.tensor(value)
            synthetic = average(torch.randn(64, NOISE_DIM, generator=random), label.expand(64))
            logits = [discriminator(image, label.expand(len(image))).mean() for image in (real, synthetic)]
            offsets.append(sum(logits) / 2)
        return torch.stack(offsets)

    def _metadata(self, progress: float, measure: Measure, alarms: list[str]) -> Metadata:
        data, state = self.data, self.state
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
            "mixed_precision": not isinstance(mixed_precision(self.device), nullcontext),
            "measured_on": self.referee.measured_on,
            "score": measure.score,
            "kept_from": round(progress, 4),
            "agreement": dict(zip(data.classes, measure.agreement, strict=True)),
            "variety": {
                name: ratio for name, ratio in zip(data.classes, measure.variety, strict=True) if math.isfinite(ratio)
            },
            "stopped_early": state.stopped,
            "alarms": alarms,
        }
        return Metadata(
            modality="image",
            family=self.model,
            classes=data.classes,
            class_counts=list(data.counts.values()),
            noise_dim=NOISE_DIM,
            schema={"height": data.codec.size, "width": data.codec.size, "channels": data.codec.channels},
            versions={"ganaug": __version__}
            | {name: version(name) for name in ("torch", "numpy", "onnx", "onnxruntime")},
            training=training,
            fingerprint=data.fingerprint,
            screen={"thresholds": thresholds(self.agreement.cpu(), self.learn.label.cpu(), self.learn.n_classes)},
        )


def fit_images(data: LabelledImages, **settings: Any) -> Generator:
    """Run an `ImageFit` with these settings from start to end.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.codecs.image import from_arrays
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    >>> generator = fit_images(from_arrays(images, [0] * 15 + [1] * 5), max_steps=3, random_state=0)
    >>> generator.sample(4, seed=0)[0].shape
    (4, 8, 8, 1)
    """
    fit = ImageFit(data, **settings)
    for _ in fit.steps():
        pass
    return fit.finish()


def choose_device(name: str) -> torch.device:
    """Return the device for "auto" (CUDA, else MPS, else the CPU) or a name; `DeviceError` if it is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, here in available.items() if here))
    kind = name.split(":")[0]
    if not available.get(kind):
        here = ", ".join(kind for kind, here in available.items() if here)
        raise DeviceError(f"the device must be auto or one that this machine has ({here}), but is {name}")
    return torch.device(name)


def _on_device(data: LabelledImages, device: torch.device) -> Images:
    pixels = torch.from_numpy(data.images).permute(0, 3, 1, 2).contiguous()
    return Images(pixels.to(device), torch.from_numpy(data.labels).to(device), len(data.classes))


def _listing(names: list[str], most: int = 5) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
