"""The trained generators of the project: each loads, draws samples of its classes, and has a card."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from ganaug import Generator
from tests.paths import MODELS as FOLDER

MODELS = [FOLDER / "digits.onnx", FOLDER / "mnist.onnx"]


def test_all_have_tests() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.onnx")) == ["digits", "mnist", "wine"]


def test_table_and_card() -> None:
    generator, card = Generator.load(FOLDER / "wine.onnx"), (FOLDER / "wine.md").read_text()
    for heading in ("## Data", "## Licence", "## Command", "## Quality"):
        assert heading in card
    assert generator.metadata["fingerprint"] in card
    real = load_wine(as_frame=True)
    rows, labels = generator.sample({f"class_{value}": 100 for value in range(3)}, seed=0, screened=True)
    assert rows.dtypes.to_dict() == real.data.dtypes.to_dict()
    assert (rows.min() >= real.data.min()).all()
    assert (rows.max() <= real.data.max()).all()
    reader = RandomForestClassifier(random_state=0).fit(real.data, real.target_names[real.target])
    assert np.mean(reader.predict(rows) == labels) > 0.9
    assert (rows.groupby(labels).std() > 0.3 * real.data.groupby(real.target_names[real.target]).std()).all(axis=None)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_model_and_card(path: Path) -> None:
    generator = Generator.load(path)
    card = path.with_suffix(".md").read_text()
    for heading in ("## Data", "## Licence", "## Command", "## Quality"):
        assert heading in card
    assert generator.metadata["fingerprint"] in card
    size = generator.image_shape[0]
    assert size == {"digits": 8, "mnist": 32}[path.stem]
    assert generator.classes == tuple("0123456789")

    images, labels = generator.sample(dict.fromkeys(generator.classes, 20), seed=0, screened=True)
    assert images.shape == (200, size, size, 1)
    assert images.dtype == np.uint8
    for name in generator.classes:
        own = images[labels == name].astype(float)
        assert own.std(axis=0).mean() > 5  # the images of a class differ
    assert path.stat().st_size < 8_000_000


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_samples_agree_with_their_labels(path: Path) -> None:
    session = onnxruntime.InferenceSession(path)
    noise = np.random.default_rng(0).standard_normal((200, 64), dtype=np.float32)
    label = np.arange(200) % 10
    agreement, realism = session.run(["agreement", "realism"], {"noise": noise, "label": label})
    assert np.mean(agreement > 0.5) > 0.6  # ten classes: chance is 0.1
    assert all(np.mean(agreement[label == value]) > 0.15 for value in range(10))
    assert ((realism >= 0) & (realism <= 1)).all()


def test_digits_are_read_by_a_classifier_of_another_kind() -> None:
    digits = load_digits()
    reader = SVC().fit(digits.data, digits.target)
    images, labels = Generator.load(MODELS[0]).sample(dict.fromkeys("0123456789", 40), seed=1, screened=True)
    read = reader.predict(images.reshape(len(images), -1) / 255 * 16)
    assert np.mean(read == labels.astype(int)) > 0.85
