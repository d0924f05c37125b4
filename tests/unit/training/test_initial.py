"""A run begins with the weights of another run's checkpoint, if they suit it."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save
from scipy.spatial.distance import cdist

from ganaug.data.images.dataset import LabelledImages
from ganaug.data.tables.dataset import LabelledTable, from_frame
from ganaug.errors import DataError, FormatError
from ganaug.training import Run
from ganaug.training.checkpoint_index import INDEX
from ganaug.training.initial import InitialWeights
from tests.checkpoints import write_signed
from tests.conftest import striped_images

STEPS = 3


def kept(data: Any, folder: Path, steps: int = STEPS, **settings: Any) -> Run:
    """Train a run to its end and keep its checkpoint."""
    run = Run(data, max_steps=steps, random_state=0, checkpoint=folder, **settings)
    run.run()
    run.save_checkpoint()
    return run


def begun(data: Any, folder: Path, **settings: Any) -> Run:
    """Return a run that stands before its first step, with the weights of a checkpoint."""
    run = Run(data, max_steps=2, random_state=1, initial=folder, **settings)
    with run.turn():
        next(iter(run.steps()))
    fresh = Run(data, max_steps=2, random_state=1, initial=folder, **settings)
    assert fresh.initial is not None
    fresh.initial.load_into(run.state.family, data.classes)  # undo the step
    return run


def table(counts: dict[str, int], seed: int = 0, plans: tuple[str, ...] = ("basic", "full")) -> LabelledTable:
    """Return two columns of numbers that depend on each other, and a column of categories."""
    random = np.random.default_rng(seed)
    labels = [label for label, count in counts.items() for _ in range(count)]
    shared = random.normal(size=len(labels))
    frame = pd.DataFrame(
        {
            "width": shared + 0.1 * random.normal(size=len(labels)),
            "height": shared - 0.1 * random.normal(size=len(labels)),
            "plan": [plans[row % len(plans)] for row in range(len(labels))],
        }
    )
    return from_frame(frame, labels, target="kind")


@pytest.fixture(scope="module")
def images() -> LabelledImages:
    return striped_images({"a": 12, "b": 8, "c": 6})


@pytest.fixture(scope="module")
def of_images(images: LabelledImages, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("images") / "run"
    return kept(images, folder), folder


@pytest.fixture(scope="module")
def of_rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("rows") / "run"
    return kept(table({"a": 60, "b": 30}), folder), folder


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in run.state.family.networks.named_parameters()}


def test_the_same_classes_take_every_weight(images: LabelledImages, of_images: tuple[Run, Path]) -> None:
    first, folder = of_images
    taken = weights(begun(images, folder))
    assert all(torch.equal(taken[name], value) for name, value in weights(first).items())


def test_known_classes_keep_their_rows_and_new_ones_begin_as_the_mean(of_images: tuple[Run, Path]) -> None:
    first, folder = of_images
    before = weights(first)
    data = striped_images({"0": 5, "a": 6, "b": 6, "c": 6})  # "a" to "c" have other indices
    after = weights(begun(data, folder))
    by_class = [name for name in before if before[name].shape != after[name].shape]
    assert "generator.embed.weight" in by_class
    assert "discriminator.embed.weight" in by_class
    for name in by_class:
        assert torch.equal(after[name][1:], before[name])
        torch.testing.assert_close(after[name][0], before[name].mean(0))
    assert all(torch.equal(after[name], before[name]) for name in before if name not in by_class)


def test_rows_follow_their_classes_even_if_there_are_as_many(of_rows: tuple[Run, Path]) -> None:
    first, folder = of_rows
    before, after = weights(first), weights(begun(table({"b": 30, "x": 20}), folder))
    name = "generator.network.by_class.0.weight"
    assert torch.equal(after[name][0], before[name][1])
    torch.testing.assert_close(after[name][1], before[name].mean(0))


def test_a_label_of_another_type_is_another_class(tmp_path: Path) -> None:
    numbered = from_frame(pd.DataFrame({"x": np.random.default_rng(0).normal(size=40)}), [0, 1] * 20, target="y")
    first = kept(numbered, tmp_path / "run")
    named = from_frame(numbered.frame, ["0", "1"] * 20, target="y")
    rows = weights(begun(named, tmp_path / "run"))["generator.network.head_by_class.weight"]
    known = weights(first)["generator.network.head_by_class.weight"]
    torch.testing.assert_close(rows, known.mean(0).expand_as(known))


@pytest.mark.slow
def test_a_short_fit_of_a_table_draws_better_rows_than_one_that_begins_with_nothing(tmp_path: Path) -> None:
    kept(table({"a": 200, "b": 100}), tmp_path / "run", steps=300)
    data, unseen = table({"a": 40, "new": 10}, seed=1), table({"a": 200, "new": 200}, seed=2)
    distance = []
    for initial in (None, tmp_path / "run"):
        generator = Run(data, max_steps=10, random_state=1, initial=initial).run().export()
        X, y = generator.sample({"a": 200, "new": 200}, seed=0)
        drawn, real = (
            data.like(X, np.array([data.classes.index(label) for label in y])).points(data),
            unseen.points(data),
        )
        distance.append(2 * cdist(drawn, real).mean() - cdist(drawn, drawn).mean() - cdist(real, real).mean())
    assert distance[1] < 0.5 * distance[0]


@pytest.mark.slow
def test_a_short_fit_of_images_scores_better_than_one_that_begins_with_nothing(tmp_path: Path) -> None:
    kept(striped_images({"a": 60, "b": 60}, size=16), tmp_path / "run", steps=100)
    data = striped_images({"a": 20, "b": 12}, size=16, seed=1)
    results = [
        Run(data, max_steps=20, random_state=1, initial=initial).run().result[1] for initial in (None, tmp_path / "run")
    ]
    assert results[1].score < 0.8 * results[0].score


def test_training_goes_on_at_the_full_size(tmp_path: Path) -> None:
    data = striped_images({"a": 8, "b": 8}, size=16)
    assert Run(data, max_steps=2, random_state=0).modality.stages == (8, 16)
    kept(data, tmp_path / "run")
    run = Run(data, max_steps=2, random_state=0, initial=tmp_path / "run")
    assert run.modality.stages == (16,)
    generator = run.run().export()
    assert generator.metadata["training"]["began_with"] == data.fingerprint


def test_a_run_that_began_with_weights_is_resumed(
    images: LabelledImages, of_images: tuple[Run, Path], tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"max_steps": 6, "random_state": 3, "initial": of_images[1]}
    whole = Run(images, **settings).run().export()
    stopped = Run(images, checkpoint=tmp_path / "run", **settings)
    with stopped.turn():
        for step in stopped.steps():
            if step.number == 3:
                stopped.save_checkpoint()
                break
    resumed = Run(images, checkpoint=tmp_path / "run", resume=True, **settings).run().export()
    np.testing.assert_array_equal(whole.sample(20, seed=0)[0], resumed.sample(20, seed=0)[0])


@pytest.mark.parametrize(
    ("data", "settings", "saying"),
    [
        (striped_images({"a": 8, "b": 8}, size=16), {}, "the height is 16 and was 8 and the width is 16 and was 8"),
        (striped_images({"a": 8, "b": 8}, channels=3), {}, "the channels is 3 and was 1"),
        (table({"a": 20, "b": 20}), {}, "the kind of data is 'table' and was 'image'"),
    ],
)
def test_images_of_another_form_are_refused(
    data: Any, settings: dict[str, Any], saying: str, of_images: tuple[Run, Path]
) -> None:
    with pytest.raises(DataError, match=f"data of the same form, but {saying}: name another"):
        Run(data, initial=of_images[1], **settings)


def test_another_space_is_refused_and_the_own_one_is_taken(tmp_path: Path) -> None:
    data = striped_images({"a": 6, "b": 6}, size=32, channels=3)
    kept(data, tmp_path / "run", steps=1, space="latent")
    with pytest.raises(DataError, match="the space is 'pixels' and was 'latent'"):
        Run(data, initial=tmp_path / "run", space="pixels")
    assert Run(data, initial=tmp_path / "run").modality.space == "latent"


def test_tables_of_another_form_are_refused(of_rows: tuple[Run, Path]) -> None:
    same = table({"a": 20, "b": 20})
    others = {
        "only one of the two has the columns 'depth', 'width'": from_frame(
            same.frame.rename(columns={"width": "depth"}), same.label_values, target="kind"
        ),
        "the columns differ in 'plan'": table({"a": 20, "b": 20}, plans=("basic", "half")),
    }
    for saying, data in others.items():
        with pytest.raises(DataError, match=saying):
            Run(data, initial=of_rows[1])
    choices = same.frame.assign(size=np.where(same.frame["plan"] == "full", "L", "S"))
    free = choices.assign(size=np.tile(["L", "L", "S", "S"], 10))
    datasets = [from_frame(frame, same.label_values, target="kind") for frame in (choices, free)]
    kept(datasets[0], of_rows[1].with_name("linked"))
    with pytest.raises(DataError, match="rules differ in 'choices that are made together'"):
        Run(datasets[1], initial=of_rows[1].with_name("linked"))


def test_another_family_is_refused(images: LabelledImages, of_images: tuple[Run, Path], tmp_path: Path) -> None:
    copied = copy_of(of_images[1], tmp_path, lambda index: index["settings"].update(model="vae"))
    with pytest.raises(DataError, match="the model is 'gan' and was 'vae'"):
        Run(images, initial=copied)


def copy_of(folder: Path, tmp_path: Path, change: Any = lambda index: None, tensors: Any = lambda found: found) -> Path:
    """Return a copy of a checkpoint whose index and tensors were changed."""
    index = json.loads((folder / INDEX).read_text())
    content = save(tensors(load_file(folder / index["tensors"])))
    change(index)
    write_signed(tmp_path, index, content)
    return tmp_path


HOSTILE = [
    ({"learned": None}, "an earlier version of ganaug wrote it"),
    *(({"learned": wrong}, "what it says is not valid") for wrong in ([], "x", {}, {"modality": "image"})),
    *(
        ({"learned": {"modality": "image", "form": {}, "classes": wrong}}, "what it says is not valid")
        for wrong in ([], "ab", [None], [1.5], ["a", "a"], [["a"]], ["x" * 2000], list(range(100_001)))
    ),
    ({"learned": {"modality": "image", "form": [], "classes": ["a"]}}, "what it says is not valid"),
    *(({"settings": {"capacity": wrong}}, "what it says is not valid") for wrong in (0, -1, 10**9, "2", True, None)),
    ({"tensors": "../../etc/passwd"}, "what it says of tensors"),
    ({"format_version": 99}, "must be a checkpoint of format"),
]


@pytest.mark.parametrize(("change", "saying"), HOSTILE)
def test_a_hostile_index_is_refused(
    change: dict[str, Any], saying: str, images: LabelledImages, of_images: tuple[Run, Path], tmp_path: Path
) -> None:
    folder = copy_of(of_images[1], tmp_path, lambda index: index.update(change))
    with pytest.raises(FormatError, match=re.escape(saying)):
        Run(images, initial=folder)


def test_hostile_tensors_are_refused(images: LabelledImages, of_images: tuple[Run, Path], tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "has 0 of": lambda found: {"x": torch.zeros(1)},
        "of [0-9,]+ numbers": lambda found: {name: value.double() for name, value in found.items()},
        "has [0-9,]+ of": lambda found: {name: value[None] for name, value in found.items()},
        "not finite": lambda found: found | {"network.generator.embed.weight": torch.full((3, 128), torch.nan)},
    }
    for saying, change in changes.items():
        folder = copy_of(of_images[1], tmp_path, tensors=change)
        with pytest.raises(FormatError, match=saying):
            begun(images, folder)
    next(tmp_path.glob("*.safetensors")).write_bytes(b"nothing")
    with pytest.raises(FormatError, match="but is damaged: name another checkpoint"):
        begun(images, tmp_path)
    write_signed(tmp_path, json.loads((tmp_path / INDEX).read_text()), b"nothing")
    with pytest.raises(FormatError, match="must be readable"):
        begun(images, tmp_path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(
        DataError, match=r"there must be a checkpoint in .* to begin with, but there is none: name another"
    ):
        InitialWeights.read(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"is a file: a fit with --keep-checkpoint keeps .* as model\.onnx\.checkpoint"):
        InitialWeights.read(tmp_path / "model.onnx")
