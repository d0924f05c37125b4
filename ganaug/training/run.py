"""One run: labelled data -> networks -> training -> `Trained`."""

import math
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ganaug.compute.device import choose_device
from ganaug.compute.engine import Engine
from ganaug.compute.joint_engine import JointEngine
from ganaug.compute.modes import alone, seeded, training_modes
from ganaug.compute.processes import Processes
from ganaug.compute.threads import single_thread
from ganaug.data.dataset import Dataset
from ganaug.data.modalities import SPACES
from ganaug.errors import DataError, ExportError, StopTraining, warn
from ganaug.families import AS_ASKED, AUTO, FAMILIES, check_model, family_class
from ganaug.families.base import Family
from ganaug.networks.modality import Bounds, Modality, modality_of
from ganaug.techniques.spectral_norm import without_parametrisations
from ganaug.techniques.switches import Techniques
from ganaug.training import space_trial
from ganaug.training.checkpoint_index import kept_choices
from ganaug.training.checkpoints import FILES, load_checkpoint, save_checkpoint
from ganaug.training.family_trial import best_family
from ganaug.training.initial import InitialWeights
from ganaug.training.loop import State, Step, ValidationResult, train
from ganaug.training.screen import Screen, fit_screen
from ganaug.training.trained import Trained
from ganaug.training.validation import Validation, hold_out

SCREEN_STEPS = 180
"""Steps that each network of the screen trains for; fewer in a short run."""
MIN_SCREEN_STEPS = 20  # however short the run is
MAX_SCREENED = 20_000
"""Samples that the screen learns from and judges, at most."""
TUNING_STEPS = 200
"""Steps in which a modality is prepared, such as those of a decoder; fewer in a short run."""
SMALL_STEPS_PER_SECOND = 1.2
"""Steps of either for each second of the budget, at most."""
SMALL_STEPS_PER_STEP = 0.2
"""Steps of either for each step of the generator, at most."""
LONG_SECONDS = 1800.0
"""A time budget from which wider networks pay, as they do on a GPU."""
MORE_CAPACITY = 2
"""How many times as wide those networks are."""
CHECKPOINT_SECONDS = 10.0
"""Time between checkpoints."""
DEFAULT = "gan"
"""The family in which two spaces are tried, if a trial decides on the family too."""
MIN_SECONDS = 0.1
"""Seconds of a training that has no time left, so that it takes at least one step."""

HOLD_OUT, TRAINING, SCREEN, VALIDATION, LOGIT_OFFSET, CORRECTION, VIEWS, TUNING, SCREENED = range(1, 10)
"""The purposes of random numbers; each has a source of its own, so that a resumed run may leave some of them out."""

Built = TypeVar("Built")


class Run:
    """One training of a generator on a labelled data set.

    Iterate over `steps()`. It ends in a `Trained`; after any step `trained()` gives the best generator so far. `run()`
    does all of it.

    Parameters
    ----------
    data : Dataset
        Labelled images or a labelled table.
    model : str, default="gan"
        The family of the generator, a key of `ganaug.families.FAMILIES`; "auto" lets a trial of each decide.
    space : str, default="auto"
        For images: "pixels", "latent", or "auto" (see `GANAugmenter`).
    augment : albumentations transform, optional
        For images: applied to every real image that is learned from (see `GANAugmenter`).
    techniques : mapping, optional
        Techniques of training and their settings, as `Techniques.of` takes them.
    time_budget : float, optional
        Wall-clock seconds from `started` to the end of the export.
    max_steps : int, optional
        Most training steps. Alone, it makes a run that repeats exactly.
    device : str, default="auto"
        "auto", "cpu", "cuda" or "mps".
    random_state : int, optional
        Seed of everything random in the run; by default a fresh one, which the model file records.
    checkpoint : Path, optional
        Folder in which the run is kept while it goes on.
    resume : bool, default=False
        Go on from `checkpoint`.
    initial : Path, optional
        Folder of another run's checkpoint, whose weights to begin with (see `InitialWeights`).
    started : float, optional
        When the budget began, by `time.perf_counter`; by default now.
    processes : Processes, optional
        The processes that learn together in this run, from `joined` (see `ganaug.compute.joining`). All of them take
        the steps. The first one alone validates, writes the checkpoint and has the `Trained`.
    callbacks : sequence of callables, default=()
        `run` calls each with every `Step`. One that raises `StopTraining` ends the training.

    Attributes
    ----------
    engine, joint : Engine
        What this process learns with by itself, such as the screen, and what it learns with the others.
    stopped_by_callback : bool, default=False
        Whether a callback has ended the training.
    validated : bool, default=True
        Whether validations choose the weights and may end the run. Otherwise the last weights are kept.
    family_chosen : threading.Event
        Set when `model` is the name of a family.

    Raises
    ------
    DataError
        If the family is unknown, or `augment` does not suit the data.
    DeviceError
        If the device does not exist.
    """

    validated = True
    stopped_by_callback = False

    def __init__(  # noqa: PLR0913 - all but the data have names
        self,
        data: Dataset,
        *,
        model: str = "gan",
        space: str = "auto",
        augment: Any = None,
        techniques: Mapping[str, Any] | None = None,
        time_budget: float | None = None,
        max_steps: int | None = None,
        device: str = "auto",
        random_state: int | None = None,
        checkpoint: Path | None = None,
        resume: bool = False,
        initial: Path | None = None,
        started: float | None = None,
        callbacks: Sequence[Callable[[Step], Any]] = (),
        processes: Processes | None = None,
    ) -> None:
        self.started = time.perf_counter() if started is None else started
        check_model(model)
        self.data, self.model, self.model_reason = data, model, AS_ASKED
        self.seed = secrets.randbits(31) if random_state is None else random_state
        place = choose_device(device) if processes is None else processes.device  # refused at once
        if processes is not None:
            self.seed = int(processes.decided(self.seed))
            processes.check_same("data and settings", [data.fingerprint, model, space, time_budget, max_steps])
            initial = None if initial is None else processes.copied(initial, FILES)
            checkpoint = processes.copied(checkpoint, FILES) if resume and checkpoint else checkpoint
        capacity = MORE_CAPACITY if place.type == "cuda" or (time_budget or 0) >= LONG_SECONDS else 1
        self.initial = None if initial is None else InitialWeights.read(initial)
        if self.initial:
            if model == AUTO:
                self.model, self.model_reason = self.initial.model, "that of the weights it began with"
                check_model(self.model)
            space, capacity = self.initial.choices(data, self.model, space)
        self.techniques = Techniques.of(techniques)
        build = partial(
            modality_of, data, seed=self.seed, augment=augment, capacity=capacity, techniques=self.techniques
        )
        kept = kept_choices(checkpoint, {"model": FAMILIES, "space": SPACES}) if resume and checkpoint else {}
        if self.model == AUTO and "model" in kept:
            self.model, self.model_reason = kept["model"]
        space, reason = kept.get("space", (space, "")) if space == "auto" else (space, "")
        with training_modes(), single_thread():
            self.modality = build(space=space)
        self.modality.space_reason = reason or self.modality.space_reason
        if self.initial:
            self.initial.check(self.modality)
            self.modality.stages = self.modality.stages[-1:]  # the smaller ones are learned
        asked = Bounds(time_budget, max_steps)
        self.bounds = self.modality.default_bounds(data) if asked == Bounds() else asked
        mixed = self.modality.mixed
        self.engine = Engine(place, mixed=mixed)
        self.joint = self.engine if processes is None else JointEngine(processes, mixed=mixed)
        _check_parts(self.modality.batch_size, self.joint.size)
        if not self.initial and (rival := self.modality.rival) and space_trial.affordable(self.bounds):
            self._try(rival, build)
        self.checkpoint, self.resume, self.callbacks = checkpoint, resume, callbacks
        self._saved, self._warned = time.perf_counter(), False
        self.family_chosen = threading.Event()
        if self.model != AUTO:
            self.family_chosen.set()

    def _try(self, rival: str, build: Callable[..., Modality]) -> None:
        """Take the modality in another space if a short trial of both says so."""
        own, reason = str(self.modality.space), self.modality.space_reason
        settings = {
            "augment": self.modality.augment,
            "techniques": self.techniques.changed,
            "device": self.engine.device.type,
            "max_steps": space_trial.STEPS,
            "time_budget": self.bounds.seconds and space_trial.SHARE * self.bounds.seconds,
        }

        def score(space: str) -> float:
            model = DEFAULT if self.model == AUTO else self.model
            trial = Run(self.data, model=model, space=space, random_state=self.seed, **settings)
            try:
                return trial.run().result[1].score
            except ExportError:  # it diverged
                return math.inf

        with self.turn():
            space, found = own, ""
            if self.joint.leads:
                space, found = space_trial.better_space(own, rival, score)
            space = rival if self.joint.decided(space == rival) else own
            self.modality = self.modality if space == own else build(space=space)
        self.modality.space_reason = f"{reason}; {found}"

    def run(self) -> Trained:
        """Take all steps, in torch's usual modes, while no other thread trains."""
        with self.turn(), closing(self.steps()) as steps:  # closed before the caller's number of threads comes back
            for step in steps:
                self._call_back(step)
            return self.trained()

    def _call_back(self, step: Step) -> None:
        try:
            for callback in self.callbacks:
                callback(step)
        except StopTraining as reason:
            self.state.stopped, self.stopped_by_callback = str(reason) or "a callback ended it", True

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold torch's usual modes and one thread while no other thread trains; the budget does not count the wait."""
        asked = time.perf_counter()
        with alone(), training_modes(), single_thread():
            self.started += time.perf_counter() - asked
            yield

    def steps(self) -> Generator[Step, None, None]:
        """Train, yielding every step."""
        with single_thread():
            # Hold out some samples of every class that can spare them, and train the screen or take up an earlier run.
            self.learned, held_out = hold_out(self.modality.samples(self.engine.device), self._random(HOLD_OUT))
            self.screened = self.learned.thinned(MAX_SCREENED, self._random(SCREENED))
            self.screen = self._seeded(lambda: self.engine.place(Screen(self.modality.new_classifier)))
            if self.resume and self.checkpoint:
                self.state = self._new_state(self.model, self.joint)
                self.agreement = self._resumed()
            elif self.joint.leads:
                self.agreement = self._fit_screen()
            if self.joint.leads:
                self.validation = Validation(
                    self.screen, self.learned, held_out, random=self._random(VALIDATION), engine=self.engine
                )

            # Prepare the samples and choose the family.
            tuning = self._random(TUNING)
            self.modality.prepare(self.learned, tuning, steps=self._affordable(TUNING_STEPS), engine=self.engine)
            self.learnable = self.modality.learnable(self.learned, self._random(VIEWS))
            if not self.resume or not self.checkpoint:
                if self.model == AUTO:
                    self._choose_family()
                self.state = self._new_state(self.model, self.joint)
                if self.initial:
                    self.initial.load_into(self.state.family, self.data.classes)
            self.family_chosen.set()

            # Train the generator with what is left of the budget once the export has its share.
            self.joint.synchronise(self.state.family.networks)
            bounds = Bounds(self._seconds_left(), self.bounds.steps)
            validate = self._validate if self.validated and self.techniques.early_stopping else None
            self.save_checkpoint()  # from here on a kill does not cost what has been learned
            with closing(train(self.state, self.learnable, self.modality, bounds, validate=validate)) as steps:
                for step in steps:
                    if self.checkpoint and time.perf_counter() - self._saved > CHECKPOINT_SECONDS:
                        self._try_to_save_checkpoint()
                    yield step

    def _new_state(self, model: str, engine: Engine) -> State:
        """Return the state of a run at its start, with new networks."""
        build = family_class(model)
        family: Family = self._seeded(lambda: build(self.modality, engine))  # type: ignore[call-arg]
        return State(family, self._random(TRAINING))

    def _choose_family(self) -> None:
        """Let a short trial of each family decide; the process that leads makes it."""
        names, chosen, left = list(FAMILIES), DEFAULT, Bounds(self._seconds_left(), self.bounds.steps)
        if self.joint.leads:
            chosen, self.model_reason = best_family(names, self._tried, left, self.engine)
        self.model = names[int(self.joint.decided(names.index(chosen)))]

    def _tried(self, model: str, bounds: Bounds) -> float:
        """Return the best score of a family within these bounds, on held-out samples."""
        state = self._new_state(model, self.engine)
        for _ in train(state, self.learnable, self.modality, bounds, validate=self._judge):
            pass
        return min((result.score for _, result in state.validations), default=math.inf)  # it may have diverged

    def trained(self, *, hurried: bool = False) -> Trained:
        """Return the best generator so far, in the process that leads; if `hurried`, with a brief validation."""
        with single_thread():
            state, average = self.state.snapshot(), deepcopy(self.state.family.average)
            validation = self.validation.brief() if hurried else self.validation
            if state.kept is None:
                state.family.complete()
                result = validation.judge(self._validated(state.family.average))
                if not math.isfinite(result.score):
                    raise ExportError(
                        f"the weights must be finite numbers, but the training had diverged at step {state.step:,}, "
                        "before a generator was kept: scale extreme values of the data, or choose another seed"
                    )
                state.validations.append((state.progress, result))
            else:
                average.load_state_dict(state.kept)
            discriminator = state.family.discriminator
            average = average.float().cpu().eval()
            return Trained(
                modality=self.modality,
                model=self.model,
                model_reason=self.model_reason,
                generator=self.modality.corrected(average, self.learned, self._random(CORRECTION)),
                discriminator=None
                if discriminator is None
                else without_parametrisations(deepcopy(discriminator).cpu().eval()),
                screen=deepcopy(self.screen).cpu(),
                screened=self.screened,
                agreement=self.agreement,
                learned=self.learned,
                validation=validation,
                state=state,
                settings={
                    "time_budget": self.bounds.seconds,
                    "max_steps": self.bounds.steps,
                    "seed": self.seed,
                    "device": self.engine.device.type,
                    **({"processes": self.joint.size} if self.joint.size > 1 else {}),
                    "mixed_precision": self.engine.is_mixed,
                    "techniques": self.techniques.changed,
                    **({"began_with": self.initial.data} if self.initial else {}),
                },
                random=self._random(LOGIT_OFFSET),
            )

    def settings(self) -> dict[str, object]:
        """Return what a resumed run must share with the run that was interrupted."""
        return {
            "data": self.data.fingerprint,
            "model": self.model,
            "seed": self.seed,
            "time_budget": self.bounds.seconds,
            "max_steps": self.bounds.steps,
            "techniques": self.techniques.changed,
        } | self.modality.settings()

    def reasons(self) -> dict[str, str]:
        """Return why the settings are as they are that trials decided."""
        return {"model": self.model_reason, "space": self.modality.space_reason}

    def save_checkpoint(self) -> None:
        """Write the run as it stands to its folder, if it has one and this process leads."""
        if self.checkpoint and self.joint.leads:
            save_checkpoint(
                self.checkpoint,
                self.state,
                self._extra(self.agreement),
                self.settings(),
                reasons=self.reasons(),
                learned={
                    "modality": self.data.modality,
                    "classes": self.data.classes,
                    "form": self.modality.form(),
                },
            )
            self._saved = time.perf_counter()

    def _try_to_save_checkpoint(self) -> None:
        """Save a checkpoint if possible: a disk that is full for a while must not cost the training."""
        try:
            self.save_checkpoint()
        except OSError as error:
            self._saved = time.perf_counter()
            if not self._warned:
                self._warned = True
                warn(
                    "a checkpoint could not be written; the run goes on, and the last complete checkpoint is kept: "
                    f"{error}"
                )

    def _resumed(self) -> Tensor:
        """Restore the state and the screen from the checkpoint, and return the agreement."""
        assert self.checkpoint is not None  # noqa: S101
        of_rows = torch.zeros(len(self.screened), device=self.engine.device)
        extra = load_checkpoint(self.checkpoint, self.state, self.settings(), self._extra(of_rows))
        self.screen.load_state_dict(
            {name.removeprefix("screen."): value for name, value in extra.items() if "." in name}
        )
        self.screen.eval().requires_grad_(False)
        return extra["agreement"].to(self.engine.device)

    def _extra(self, agreement: Tensor) -> dict[str, Tensor]:
        """Return the tensors of a checkpoint that are neither of the family nor of its optimisers."""
        return {f"screen.{name}": value for name, value in self.screen.state_dict().items()} | {"agreement": agreement}

    def _fit_screen(self) -> Tensor:
        """Train the screen for a time that suits the bounds of the run, and return the agreement."""
        return fit_screen(
            self.screen,
            self.screened,
            distort=self.modality.distort,
            steps=max(MIN_SCREEN_STEPS, self._affordable(SCREEN_STEPS)),
            random=self._random(SCREEN),
            engine=self.engine,
        )

    def _affordable(self, wanted: int) -> int:
        """Return how many steps of something small the bounds of the run allow, of those that are wanted."""
        seconds, steps = self.bounds
        by_budget = wanted if seconds is None else round(seconds * SMALL_STEPS_PER_SECOND)
        by_steps = wanted if steps is None else round(steps * SMALL_STEPS_PER_STEP)
        return min(wanted, by_budget, by_steps)

    def _validate(self, average: nn.Module) -> ValidationResult | None:
        """Return what a validation says of a generator; None in a process that does not lead."""
        return self._judge(average) if self.joint.leads else None

    def _judge(self, average: nn.Module) -> ValidationResult:
        return self.validation.judge(self._validated(average))

    def _validated(self, average: nn.Module) -> nn.Module:
        return self.modality.validated(average, self.learned, self._random(CORRECTION))

    def _seeded(self, build: Callable[[], Built]) -> Built:
        """Let torch draw first weights from the run's seed, and leave its global state as it was."""
        with seeded(self.seed):
            return build()

    def _seconds_left(self) -> float | None:
        budget = self.bounds.seconds
        if budget is None:
            return None
        spent, export = time.perf_counter() - self.started, min(self.modality.export_seconds, budget / 4)
        return self.joint.decided(max(MIN_SECONDS, budget - spent - export))

    def _random(self, purpose: int) -> torch.Generator:
        """Return a fresh source of random numbers for a purpose."""
        return torch.Generator().manual_seed(self.seed * 10 + purpose)


def _check_parts(batch_size: int, size: int) -> None:
    """Raise `DataError` unless each of `size` processes has the same number of pairs of samples in every batch."""
    most = batch_size // 2
    if most % size:
        possible = ", ".join(str(number) for number in range(1, most + 1) if most % number == 0)
        raise DataError(
            f"the number of processes must divide half a batch of {batch_size} samples, but is {size}: choose one of "
            f"{possible}"
        )
