"""The whole recipe at small scale: repeats, resumes, alarms, and what the file says of it."""

import errno
import json
import math
import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganaug.compute import modes
from ganaug.compute.device import choose_device
from ganaug.data.images.dataset import LabelledImages
from ganaug.errors import DataError, DeviceError, ExportError, FormatError, GanaugWarning, OutputError
from ganaug.evaluation.trainers import train_generator
from ganaug.runtime.generator import Generator
from ganaug.training import Run, Trained, export, fit
from ganaug.training.checkpoint_index import FORMAT_VERSION, INDEX, index_digest, kept_step
from ganaug.training.checkpoints import load_checkpoint
from ganaug.training.loop import State, ValidationResult
from ganaug.training.validation import misread_classes
from tests.checkpoints import change, write_signed
from tests.conftest import striped_images


def samples(generator: Generator) -> np.ndarray:
    return generator.sample(dict.fromkeys(generator.classes, 4), seed=1)[0]


@pytest.mark.slow
def test_learns_to_draw_its_classes() -> None:
    data = striped_images({"lying": 60, "upright": 20})
    generator = fit(data, max_steps=330, random_state=0)
    images, labels = generator.sample({"lying": 50, "upright": 50}, seed=0)
    planes = images[:, :, :, 0].astype(float)
    down, across = (np.abs(np.diff(planes, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    assert np.mean(np.where(down > across, "lying", "upright") == labels) > 0.9


@pytest.mark.slow
def test_same_seed_and_steps_repeat_exactly(stripes: LabelledImages, stripes_generator: Generator) -> None:
    again = fit(stripes, max_steps=20, random_state=0)
    other = fit(stripes, max_steps=20, random_state=1)
    assert np.array_equal(samples(again), samples(stripes_generator))
    assert not np.array_equal(samples(other), samples(stripes_generator))


@pytest.mark.parametrize(
    "train",
    [lambda data: fit(data, max_steps=1), lambda data: train_generator(data, seed=0, steps=1, seconds=60)],
    ids=["fit", "evaluation"],
)
def test_no_other_training_runs_between_a_training_and_its_export(
    train: Callable[[LabelledImages], Any], stripes: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, write = [], Trained.export

    def try_the_lock() -> None:
        free.append(modes._turn.acquire(blocking=False))

    def watched(trained: Trained) -> Generator:
        thread = threading.Thread(target=try_the_lock)
        thread.start()
        thread.join()
        return write(trained)

    monkeypatch.setattr(Trained, "export", watched)
    train(stripes)
    assert free == [False]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (64, 4)])
def test_a_trace_is_enough_for_images(size: int, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_captured", lambda *_: pytest.fail("a trace was not enough"))
    data = striped_images({"lying": 8, "upright": 4}, size, channels)
    assert samples(fit(data, max_steps=1, random_state=0)).shape[1:] == (size, size, channels)


def test_the_file_says_how_it_was_made(stripes: LabelledImages, stripes_generator: Generator) -> None:
    metadata = stripes_generator.metadata
    assert metadata["classes"] == ["lying", "upright"]
    assert metadata["class_counts"] == [40, 12]
    assert metadata["fingerprint"] == stripes.fingerprint
    training = metadata["training"]
    assert training["steps"] == 20
    assert training["stages"] == [{"resolution": 8, "steps": 20, "seconds": pytest.approx(0, abs=60)}]
    assert training["measured_on"] == "held-out samples"
    assert set(training["agreement"]) == set(metadata["classes"])
    assert len(metadata["screen"]["thresholds"]) == 2
    json.dumps(metadata, allow_nan=False)


@pytest.mark.slow
def test_samples_are_on_as_plain_a_background_as_the_images(stripes: LabelledImages) -> None:
    plain = replace(stripes, images=np.where(stripes.images < 128, 0, stripes.images))
    run = Run(plain, max_steps=20, random_state=0)
    generator = run.run().export()
    kept = run.state.family.average
    noise, label = torch.randn(300, kept.noise_dim), torch.arange(300) % 2
    with torch.no_grad():
        before = ((kept(noise, label) + 1) * 127.5).round()
    images, _ = generator.sample(300, seed=0)
    really, shown, drawn = (float((one == 0).mean()) for one in (plain.images, images, before.numpy()))
    assert drawn < shown <= really + 0.1


@pytest.mark.slow
def test_a_generator_that_came_to_nothing_is_refused_in_a_sentence(stripes: LabelledImages) -> None:
    run = Run(stripes, max_steps=1, random_state=0)
    list(run.steps())
    run.state.kept = None
    for parameter in run.state.family.average.parameters():
        parameter.data.fill_(math.nan)
    with pytest.raises(ExportError, match="the training had diverged at step 1, before a generator was kept"):
        run.trained()


def test_realism_is_between_nothing_and_certainty(stripes_generator: Generator) -> None:
    realism = stripes_generator.realism(20, seed=0)
    assert realism.shape == (20,)
    assert ((realism >= 0) & (realism <= 1)).all()


def interrupted(data: LabelledImages, folder: Path, after: int) -> None:
    run = Run(data, max_steps=20, random_state=0, checkpoint=folder)
    for step in run.steps():
        if step.number == after:
            run.save_checkpoint()
            break


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 7, 19])
def test_a_resumed_run_ends_as_an_unbroken_one(
    stripes: LabelledImages, stripes_generator: Generator, tmp_path: Path, after: int
) -> None:
    interrupted(stripes, tmp_path / "run", after)
    resumed = fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    assert np.array_equal(samples(resumed), samples(stripes_generator))
    assert resumed.metadata["training"]["steps"] == 20
    assert resumed.metadata["training"]["losses"] == stripes_generator.metadata["training"]["losses"]


@pytest.mark.slow
def test_only_the_newest_tensors_stay(stripes: LabelledImages, tmp_path: Path) -> None:
    run = Run(stripes, max_steps=6, random_state=0, checkpoint=tmp_path / "run")
    for _ in run.steps():
        run.save_checkpoint()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [INDEX, "step-000000006.safetensors"]


@pytest.mark.slow
def test_a_kill_between_the_two_files_loses_nothing(stripes: LabelledImages, tmp_path: Path) -> None:
    interrupted(stripes, tmp_path / "run", 5)
    (tmp_path / "run" / "step-000000009.safetensors").write_bytes(b"half of the next")
    resumed = fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    assert resumed.metadata["training"]["steps"] == 20


@pytest.mark.slow
def test_resuming_with_other_data_or_settings_is_refused(stripes: LabelledImages, tmp_path: Path) -> None:
    interrupted(stripes, tmp_path / "run", 3)
    with pytest.raises(DataError, match=r"but the number of steps \(20, now 21\) changed since"):
        fit(stripes, max_steps=21, random_state=0, checkpoint=tmp_path / "run", resume=True)
    larger = striped_images({"lying": 40, "upright": 12}, size=16)
    with pytest.raises(DataError, match=r"but the size \(8, now 16\) changed"):
        fit(larger, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    other = striped_images({"lying": 40, "upright": 12}, seed=9)
    with pytest.raises(DataError, match="but the data changed"):
        fit(other, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)


@pytest.mark.slow
def test_resuming_from_nothing_or_rubbish_is_refused(stripes: LabelledImages, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is none"):
        fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    interrupted(stripes, tmp_path / "run", 3)
    (tmp_path / "run" / "step-000000003.safetensors").write_bytes(b"rubbish")
    with pytest.raises(FormatError, match="but is damaged: leave out --resume"):
        fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    write_signed(tmp_path / "run", json.loads((tmp_path / "run" / INDEX).read_text()), b"rubbish")
    with pytest.raises(FormatError, match="cannot be read"):
        fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)
    (tmp_path / "run" / INDEX).write_text("[]")
    with pytest.raises(FormatError, match="must be a checkpoint"):
        fit(stripes, max_steps=20, random_state=0, checkpoint=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settings": None}, "settings"),
        ({"step": -1}, "step"),
        ({"step": 3.5}, "step"),
        ({"step": True}, "step"),
        ({"seconds": math.nan, "progress": 7}, "seconds, progress"),
        ({"progress": 10**400}, "progress"),
        ({"tensors": "../secret"}, "tensors"),
        ({"validations": [[0.5, {"score": 1.0, "agreement": [1, 2], "variety": [1, 1]}]]}, "validations"),
        ({"stages": [[8, -1, 1.0]]}, "stages"),
        ({"losses": [{"generator": 1.0}]}, "losses"),
        ({"losses": [{"progress": 0.1, "generator": "1"}]}, "losses"),
        ({"stopped": []}, "stopped"),
    ],
)
def test_an_index_that_says_what_cannot_be_is_refused(changes: dict[str, Any], named: str, tmp_path: Path) -> None:
    good = {
        "format_version": FORMAT_VERSION,
        "tensors": "step-000000003.safetensors",
        "settings": {"seed": 0},
        "step": 3,
    }
    good |= {"reasons": {}, "tensors_digest": "0" * 64}
    good |= {"seconds": 1.5, "progress": 0.25, "stages": [[8, 3, 1.5]], "stopped": ""}
    good |= {"losses": [{"progress": 0.1, "generator": math.nan}]}
    good |= {"validations": [[0.2, {"score": 1.0, "agreement": [1, 0.5], "variety": [math.nan, 1]}]]}
    good |= {"digest": index_digest(good)}
    (tmp_path / INDEX).write_text(json.dumps(good))
    assert kept_step(tmp_path) == 3
    (tmp_path / INDEX).write_text(json.dumps(good | changes))
    with pytest.raises(FormatError, match=f"says of {named} is missing or impossible: leave out --resume"):
        load_checkpoint(tmp_path, State(None, torch.Generator()), {"seed": 0}, {})  # type: ignore[arg-type]
    assert kept_step(tmp_path) is None


def swapped(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Let two moments of different shapes change places."""
    first, second = sorted(name for name in tensors if name.endswith("exp_avg"))[:2]
    assert tensors[first].shape != tensors[second].shape
    return tensors | {first: tensors[second], second: tensors[first]}


def renamed(name: str, part: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda tensors: {re.sub(name, part, key): value for key, value in tensors.items()}


def of_another_form(name: str, form: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], Any]:
    def changed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        found = sorted(key for key in tensors if key.startswith(name))
        return tensors | {found[-1]: form(tensors[found[-1]])}

    return changed


@pytest.fixture(scope="module")
def run_of_stripes(stripes: LabelledImages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a checkpoint of a run of two steps."""
    folder = tmp_path_factory.mktemp("stripes") / "run"
    run = Run(stripes, max_steps=2, random_state=0, checkpoint=folder)
    for _ in run.steps():
        pass
    run.save_checkpoint()
    return folder


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (swapped, "exp_avg"),
        (renamed(r"^network\.", "networks."), "network"),
        (renamed("exp_avg_sq", "exp_avg_sqr"), "exp_avg_sq"),
        (renamed(r"^(optimizer\.\w+)\.0\.", r"\1.999."), "optimizer"),
        (renamed(r"^optimizer\.", "optimizer.x"), "optimizer"),
        (of_another_form("network.", torch.Tensor.double), "network"),
        (of_another_form("network.", lambda one: one[None]), "network"),
        (of_another_form("kept.", lambda one: one.flatten()[:1]), "kept"),
        (of_another_form("extra.screen", lambda one: one[None]), "extra.screen"),
        (of_another_form("extra.agreement", lambda one: one[:3]), "extra.agreement"),
        (of_another_form("random", lambda one: one[:9]), "random"),
        (lambda tensors: {name: one for name, one in tensors.items() if not name.endswith(".step")}, "step"),
        (lambda tensors: tensors | {"more": torch.zeros(1)}, "more"),
    ],
)
def test_tensors_of_another_form_are_refused_before_any_is_loaded(
    damage: Callable[[Any], Any], named: str, stripes: LabelledImages, run_of_stripes: Path, tmp_path: Path
) -> None:
    folder = change(run_of_stripes, damage, tmp_path)
    run = Run(stripes, max_steps=2, random_state=0, checkpoint=folder, resume=True)
    with pytest.raises(FormatError, match=f"but '[^']*{named}[^']*' is missing, unknown or of another form"):
        run.run()
    assert not any(one.state for one in run.state.family.optimizers.values())


def test_a_state_of_random_numbers_that_cannot_be_is_refused(
    stripes: LabelledImages, run_of_stripes: Path, tmp_path: Path
) -> None:
    folder = change(run_of_stripes, of_another_form("random", torch.ones_like), tmp_path)
    with pytest.raises(FormatError, match="must hold the state of random numbers"):
        Run(stripes, max_steps=2, random_state=0, checkpoint=folder, resume=True).run()


def test_a_changed_number_is_noticed(stripes: LabelledImages, run_of_stripes: Path, tmp_path: Path) -> None:
    index, (tensors,) = (run_of_stripes / INDEX).read_bytes(), run_of_stripes.glob("*.safetensors")
    content = tensors.read_bytes()
    (tmp_path / INDEX).write_bytes(index)
    (tmp_path / tensors.name).write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(FormatError, match=rf"{tensors.name} must have the content .* but is damaged"):
        Run(stripes, max_steps=2, random_state=0, checkpoint=tmp_path, resume=True).run()
    (tmp_path / INDEX).write_bytes(index.replace(b'"step": 2', b'"step": 1'))
    with pytest.raises(FormatError, match=f"{INDEX} must have the content of its digest, but is damaged"):
        Run(stripes, max_steps=2, random_state=0, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize("name", [INDEX, "step-000000002.safetensors"])
def test_a_named_pipe_in_a_checkpoint_does_not_block(
    name: str, stripes: LabelledImages, run_of_stripes: Path, tmp_path: Path
) -> None:
    for file in run_of_stripes.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(FormatError, match="must be a file, but is a named pipe"):
        Run(stripes, max_steps=2, random_state=0, checkpoint=tmp_path, resume=True).run()


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff"])
def test_an_index_that_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / INDEX).write_bytes(text.encode("latin-1"))
    with pytest.raises(FormatError, match=r"cannot be read .* leave out --resume"):
        load_checkpoint(tmp_path, State(None, torch.Generator()), {}, {})  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_costs_no_training(
    stripes: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ganaug.training.run.CHECKPOINT_SECONDS", 0.0)
    run = Run(stripes, max_steps=6, random_state=0, checkpoint=tmp_path / "run")
    next(steps := run.steps())
    kept = sorted((tmp_path / "run").iterdir())
    monkeypatch.setattr("ganaug.files._sync", full_disk)
    with pytest.warns(GanaugWarning) as warned:
        numbers = [step.number for step in steps]
    (message,) = [str(one.message) for one in warned if "checkpoint" in str(one.message)]
    assert "no space left on device" in message
    assert "the last complete checkpoint is kept" in message
    assert numbers == [2, 3, 4, 5, 6]
    assert sorted((tmp_path / "run").iterdir()) == kept
    assert kept_step(tmp_path / "run") == 1


@pytest.mark.slow
def test_no_tensors_stay_that_no_index_names(
    stripes: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(stripes, max_steps=3, random_state=0, checkpoint=tmp_path / "run")
    next(steps := run.steps())
    kept = sorted((tmp_path / "run").iterdir())
    monkeypatch.setattr("ganaug.training.checkpoints.INDEX", "no-such-folder/checkpoint.json")
    with pytest.raises(OutputError):
        run.save_checkpoint()
    assert sorted((tmp_path / "run").iterdir()) == kept
    steps.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agreement", "variety", "saying"),
    [
        ((1.0, 1.0), (0.9, 0.1), r"'upright'.*collapse"),
        ((0.9, 0.1), (0.9, 0.9), r"seldom reads the samples of 'upright' \(10%\) as their label"),
    ],
)
def test_an_alarm_is_raised_and_recorded(
    agreement: tuple[float, ...],
    variety: tuple[float, ...],
    saying: str,
    stripes: LabelledImages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = ValidationResult(1.0, agreement, variety)
    monkeypatch.setattr("ganaug.training.validation.Validation.judge", lambda self, generator: result)
    with pytest.warns(GanaugWarning, match=saying):
        generator = fit(stripes, max_steps=2, random_state=0)
    assert len(generator.metadata["training"]["alarms"]) == 1
    assert generator.metadata["training"]["alarmed"] == ["upright"]


@pytest.mark.parametrize(
    ("agreement", "classes"),
    [
        ((1.0, 0.45), []),  # near what chance gives, as where classes overlap
        ((0.3, 1.0), [0]),
        ((1.0, 0.26, 0.2), [2]),
        ((0.5, *[0.2] * 8, 0.19), [9]),
    ],
)
def test_seldom_is_a_fifth_or_clearly_less_than_chance(agreement: tuple[float, ...], classes: list[int]) -> None:
    assert misread_classes(ValidationResult(1.0, agreement, (1.0,) * len(agreement))) == classes


@pytest.mark.slow
def test_class_variety_unknown_for_one_image_is_left_out() -> None:
    generator = fit(striped_images({"lying": 12, "upright": 1}), max_steps=2, random_state=0)
    variety = generator.metadata["training"]["variety"]
    assert "upright" not in variety
    assert math.isfinite(variety["lying"])


@pytest.mark.slow
def test_global_random_state_is_left_as_found(stripes: LabelledImages) -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    fit(stripes, max_steps=2, random_state=0)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="one that this machine has"):
            choose_device("cuda")
    for name in ("banana", "cpu:x", "cpu:9", "cuda:99"):
        with pytest.raises(DeviceError, match=f"but is {name}"):
            choose_device(name)
