"""Images in a file: what is read from it is what would be in memory, and a generator learns the same from both."""

import pickle
from pathlib import Path

import albumentations as A
import numpy as np
import pytest
import torch
from PIL import Image

from ganaug.data.images import dataset
from ganaug.data.images.dataset import LabelledImages, load_folder
from ganaug.data.images.stored import CAN_STORE, StoredImages
from ganaug.networks.images import ImageModality, ImagesOnDisk
from ganaug.networks.latents import EncodedImages
from ganaug.training import Run

pytestmark = pytest.mark.skipif(not CAN_STORE, reason="this system cannot read files from several threads")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of grey and colour images of different shapes."""
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for name, count in {"big": 20, "small": 6}.items():
        (root / name).mkdir()
        for number in range(count):
            shape = (34, 20 + number) if number % 3 else (30, 31, 3)
            pixels = rng.integers(0, 100, shape) + (120 if name == "big" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number:02}.png")
    return root


def stored(root: Path, monkeypatch: pytest.MonkeyPatch, size: int = 16) -> LabelledImages:
    with monkeypatch.context() as patch:
        patch.setattr(dataset, "MAX_IN_MEMORY", 1000)
        data = load_folder(root, size)
    assert isinstance(data.images, StoredImages)
    return data


def test_images_are_the_same_in_memory_and_in_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, data = load_folder(root, 16), stored(root, monkeypatch)
    assert data.images.shape == held.images.shape == (26, 16, 16, 3)
    assert data.images.nbytes == held.images.nbytes
    np.testing.assert_array_equal(data.content, held.images)
    np.testing.assert_array_equal(list(data.images), held.images)
    assert (data.fingerprint, data.files, data.codec) == (held.fingerprint, held.files, held.codec)
    rows = np.array([3, 3, 25])
    np.testing.assert_array_equal(data.part(rows).images, held.images[rows])
    np.testing.assert_array_equal(data.item(4), held.item(4))
    np.testing.assert_array_equal(np.asarray(data.images[5:9][1:]), held.images[6:9])
    np.testing.assert_array_equal(np.asarray(data.images[held.labels == 1]), held.images[held.labels == 1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(data.images)), held.images)  # noqa: S301 - our own
    np.testing.assert_array_equal(data.joined(held).images, np.concatenate([held.images] * 2))


def test_a_part_is_in_memory_if_it_is_small(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = stored(root, monkeypatch)
    assert isinstance(data.part(np.arange(2)).images, np.ndarray)
    monkeypatch.setattr(dataset, "MAX_IN_MEMORY", 1000)
    part = data.part(np.arange(10))
    assert isinstance(part.images, StoredImages)
    assert isinstance(part.in_memory().images, np.ndarray)


def test_the_file_has_no_name(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stored(root, monkeypatch)
    assert not list(tmp_path.iterdir())


def test_networks_see_the_same_images(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip = A.HorizontalFlip(p=1)
    both = [
        ImageModality(data, seed=0, augment=flip) for data in (load_folder(root, 64), stored(root, monkeypatch, 64))
    ]
    held, on_disk = (modality.samples(CPU) for modality in both)
    assert isinstance(on_disk, ImagesOnDisk)
    kept = torch.arange(len(held)) % 2 == 0
    for one, other in [(held, on_disk), (held.subset(kept), on_disk.subset(kept))]:
        assert len(one) == len(other)
        assert torch.equal(one.of_class(1, 100), other.of_class(1, 100))
        drawn, again = (images.draw(20, torch.Generator().manual_seed(0)) for images in (one, other))
        assert torch.equal(drawn[0], again[0])
        assert torch.equal(drawn[1], again[1])
    small, also = (ImageModality(m.data, seed=0).samples(CPU).downscaled(32) for m in both)
    rows = torch.tensor([0, 25])
    assert small.inputs(rows).shape == (2, 3, 32, 32)
    assert torch.equal(small.inputs(rows), also.inputs(rows))


def test_a_generator_learns_the_same_from_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
    settings = {"max_steps": 2, "random_state": 0, "space": "pixels"}
    both = load_folder(root, 16), stored(root, monkeypatch)
    first, second = (Run(data, **settings).run().generator.state_dict() for data in both)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_latents_that_do_not_fit_in_memory_are_encoded_when_they_are_drawn(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
    monkeypatch.setattr("ganaug.networks.latents.MAX_NUMBERS", 1000)
    run = Run(stored(root, monkeypatch, 32), max_steps=2, random_state=0, space="latent")
    trained, learnable = run.run(), run.learnable
    assert isinstance(learnable, EncodedImages)
    assert trained.logit_offset.isfinite().all()
    latents, label = learnable.draw(30, torch.Generator().manual_seed(1))
    assert latents.shape == (30, *run.modality.output_shape)
    assert latents.abs().max() <= 1
    plain = learnable.inputs(torch.arange(len(learnable)))
    assert latents.std() == pytest.approx(float(plain.std()), rel=0.3)
    rare = learnable.subset(learnable.label == 1)
    assert torch.equal(rare.of_class(1, 50), learnable.of_class(1, 50))
    assert set(label.tolist()) == {0, 1}


def test_a_screen_of_many_samples_learns_from_some_of_each_class(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganaug.training.run.SCREEN_STEPS", 2)
    monkeypatch.setattr("ganaug.training.run.MAX_SCREENED", 12)
    run = Run(load_folder(root, 16), max_steps=2, random_state=0)
    trained = run.run()
    assert torch.bincount(trained.screened.label).tolist() == [6, 6]
    assert len(trained.agreement) == 12
    assert len(trained.thresholds()) == 2
