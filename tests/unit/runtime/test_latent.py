"""Noise vectors are decoded, walked through, interpolated, mixed and found again."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_wine

from ganaug.data.tables.dataset import from_frame
from ganaug.errors import DataError
from ganaug.runtime import inversion
from ganaug.runtime.generator import Generator
from ganaug.runtime.noise import circle, is_parts, read_noise, spherical, start_of
from ganaug.training import fit
from tests.conftest import striped_images
from tests.paths import MODELS


@pytest.fixture(scope="module")
def digits() -> Generator:
    return Generator.load(MODELS / "digits.onnx")


@pytest.fixture(scope="module")
def wine() -> Generator:
    return Generator.load(MODELS / "wine.onnx")


@pytest.fixture(scope="module")
def bent() -> Generator:
    """Return a generator of images that are large enough to be bent."""
    return fit(striped_images({"lying": 20, "upright": 12}, size=16), max_steps=20, random_state=0)


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"age": random.normal(50, 9, 60), "plan": random.choice(["basic", "full"], 60)})


@pytest.fixture(scope="module")
def rows() -> Generator:
    return fit(from_frame(frame(), ["stays"] * 40 + ["leaves"] * 20, target="churn"), max_steps=20, random_state=0)


def apart(some: Any, others: Any) -> NDArray[Any]:
    return np.asarray(np.abs(some.astype(float) - others.astype(float)).mean(axis=(1, 2, 3)))


def test_a_seed_stands_for_the_vector_that_it_draws(digits: Generator) -> None:
    drawn, _ = digits.sample_each(["3", "3"], [4, 5])
    vectors = np.concatenate([read_noise(seed, 64, "a") for seed in (4, 5)])
    np.testing.assert_allclose(digits.decode(vectors, "3"), drawn, atol=1)
    assert np.array_equal(digits.decode(4, "3"), digits.decode(vectors[0], ["3"]))
    assert digits.decode(np.zeros((0, 64)), []).shape == (0, 8, 8, 1)


def test_one_label_or_one_for_each(digits: Generator, wine: Generator) -> None:
    vectors = np.random.default_rng(0).standard_normal((3, 64))
    some = digits.decode(vectors, ["1", "2", "1"])
    assert np.array_equal(some[[0, 2]], digits.decode(vectors[[0, 2]], "1"))
    assert isinstance(wine.decode(7, wine.classes[0]), pd.DataFrame)


def test_an_interpolation_joins_its_ends_by_small_steps(digits: Generator) -> None:
    frames, labels = digits.interpolate(1, 2, 9, label="3")
    assert frames.shape == (9, 8, 8, 1)
    assert labels.tolist() == ["3"] * 9
    assert np.array_equal(frames[[0, -1]], np.concatenate([digits.decode(seed, "3") for seed in (1, 2)]))
    steps = apart(frames[1:], frames[:-1])
    assert steps.max() < apart(frames[:1], frames[-1:])


def test_every_class_goes_the_same_way(digits: Generator) -> None:
    frames, labels = digits.interpolate(1, 2, 5)
    assert labels.tolist() == [label for label in digits.classes for _ in range(5)]
    assert np.array_equal(frames[labels == "7"], digits.interpolate(1, 2, 5, label="7")[0])
    assert digits.interpolate(1, 2, 0, label="7")[0].shape == (0, 8, 8, 1)
    assert np.array_equal(digits.interpolate(1, 2, 1, label="7")[0], digits.decode(1, "7"))


def test_the_arc_keeps_the_length_that_a_line_would_lose() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 64))
    lengths = np.linalg.norm(spherical(a, b, 11), axis=1)
    low, high = sorted([np.linalg.norm(a), np.linalg.norm(b)])
    assert low * 0.999 < lengths.min() <= lengths.max() < high * 1.001
    assert np.linalg.norm((a + b) / 2) < 0.9 * low
    np.testing.assert_allclose(spherical(a, a, 3), np.stack([a] * 3), rtol=1e-5)
    np.testing.assert_allclose(spherical(a, 0 * a, 3)[1], a / 2, rtol=1e-5)
    np.testing.assert_allclose(spherical(a, 2 * a, 3)[1], 1.5 * a, rtol=1e-5)
    with pytest.raises(DataError, match="must not be opposite"):
        spherical(a, -a, 3)


def test_a_circle_is_closed() -> None:
    path = circle(np.random.default_rng(0), 8, 12)
    steps = np.linalg.norm(np.diff(path, axis=0, append=path[:1]), axis=1)
    assert steps.max() < 2.5 * steps.min()


def test_pose_and_drawing_are_mixed(bent: Generator) -> None:
    parts = bent.metadata["noise_parts"]
    assert parts == [["pose", 12], ["drawing", 52]]
    images, labels = bent.mix(1, 2, "drawing", label="lying")
    assert labels.tolist() == ["lying"]
    first, second = (read_noise(seed, 64, "a") for seed in (1, 2))
    mixed = np.concatenate([first[:, :12], second[:, 12:]], axis=1)
    assert np.array_equal(images, bent.decode(mixed, "lying"))
    assert not np.array_equal(images, bent.decode(2, "lying"))


def test_one_vector_goes_with_many(bent: Generator, rows: Generator) -> None:
    many = np.random.default_rng(0).standard_normal((4, 64))
    images, labels = bent.mix(many, 5, "drawing")
    assert images.shape == (8, 16, 16, 1)
    assert labels.tolist() == ["lying"] * 4 + ["upright"] * 4
    assert np.array_equal(bent.mix(many[:1], many, "drawing", "lying")[0][0], bent.decode(many[0], "lying")[0])
    assert len(bent.mix(np.zeros((0, 64)), 5, "drawing")[0]) == 0
    with pytest.raises(DataError, match="have 4 and 3"):
        bent.mix(many, many[:3], "drawing")
    assert rows.metadata["noise_parts"] == [["code", 32], ["decisions", 1]]
    mixed, _ = rows.mix(1, 2, "decisions", label="stays")
    assert mixed["age"].tolist() == rows.decode(1, "stays")["age"].tolist()


def test_what_cannot_be_mixed_is_refused(digits: Generator, bent: Generator, stripes_generator: Generator) -> None:
    with pytest.raises(DataError, match=r"what the parts of its noise are .* fit the model again with"):
        digits.mix(1, 2, "drawing")  # the file of an earlier version
    with pytest.raises(DataError, match="one part, 'drawing', so that two cannot be mixed"):
        stripes_generator.mix(1, 2, "drawing")
    for at in ("pose", "style", 12, None):
        with pytest.raises(DataError, match=r"one of \['drawing'\], not"):
            bent.mix(1, 2, at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("noise", "saying"),
    [
        (np.zeros(63), r"a noise vector of 64 numbers"),
        (np.zeros((2, 63)), r"shape \(n, 64\)"),
        (np.zeros((1, 2, 64)), "a seed"),
        ("x", "a seed"),
        (True, "a seed"),
        (None, "a seed"),
        ([[0.0] * 64, [0.0]], "a seed"),
        (np.full(64, np.nan), "finite"),
        (np.full(64, np.inf), "finite"),
        (-1, "seed must be"),
    ],
)
def test_what_is_no_noise_is_refused(digits: Generator, noise: Any, saying: str) -> None:
    for draw in (lambda: digits.decode(noise, "1"), lambda: digits.interpolate(noise, 1, 3)):
        with pytest.raises(DataError, match=saying):
            draw()


def test_labels_and_numbers_are_checked(digits: Generator) -> None:
    two = np.zeros((2, 64))
    with pytest.raises(DataError, match="no class 'x'"):
        digits.decode(1, "x")
    with pytest.raises(DataError, match="one label for each sample, but there are 3 labels and 2"):
        digits.decode(two, ["1", "2", "3"])
    with pytest.raises(DataError, match="a must be one noise vector, but there are 2"):
        digits.interpolate(two, 1, 3)
    with pytest.raises(DataError, match="the number of steps must be"):
        digits.interpolate(1, 2, 2.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parts",
    [
        *([], {}, "pose", 64, [["pose"]], [["pose", 64, 1]], [("pose", 64)], [["pose", 64], []], [[1, 64]]),
        *([["", 64]], [["pose", 63]], [["pose", 32], ["pose", 32]], [["pose", 64], ["drawing", 0]], [["pose", "64"]]),
        *([["a", -1], ["b", 65]], [["a", True], ["b", 63]], [["x" * 1001, 64]], [[str(i), 1] for i in range(64)]),
    ],
)
def test_parts_of_an_untrusted_file_are_checked(parts: Any) -> None:
    assert not is_parts(parts, 64)


def test_parts_begin_where_the_ones_before_end() -> None:
    parts = [["a", 3], ["b", 4], ["c", 5]]
    assert is_parts(parts, 12)
    assert [start_of(name, parts) for name in ("b", "c")] == [3, 7]


def test_a_sample_of_the_model_is_nearly_found_again(wine: Generator) -> None:
    label = wine.classes[1]
    vectors = np.random.default_rng(9).standard_normal((4, wine.metadata["noise_dim"]), np.float32)
    wanted = wine.decode(vectors, label)
    noise, distance = wine.encode(wanted, label, seed=3, return_distance=True)
    points = [wine.format.points(some) for some in (wanted, wine.decode(noise, label))]
    np.testing.assert_allclose(np.linalg.norm(points[0] - points[1], axis=1), distance, rtol=1e-4)
    others = np.linalg.norm(points[0] - np.roll(points[0], 1, axis=0), axis=1)
    assert distance.mean() < 0.2 * others.mean()
    assert np.array_equal(noise, wine.encode(wanted, label, seed=3))


@pytest.mark.slow
def test_real_samples_are_found_much_nearer_than_by_chance(digits: Generator, wine: Generator) -> None:
    data, table = load_digits(), load_wine(as_frame=True)
    images = np.rint(data.images[:8] * 255 / 16).astype(np.uint8)  # without a last axis
    labels = [str(label) for label in data.target[:8]]
    frame = table.data.iloc[::20].set_axis(wine.codec.names, axis=1)
    names = [wine.classes[index] for index in table.target[::20]]
    for generator, X, y, share in ((digits, images, labels, 0.65), (wine, frame, names, 0.25)):
        noise, distance = generator.encode(X, y, return_distance=True)
        assert noise.shape == (len(y), generator.metadata["noise_dim"])
        chance = np.random.default_rng(0).standard_normal((inversion.CANDIDATES, noise.shape[1]), np.float32)
        points = generator.format.points(X)
        nearest = [
            np.linalg.norm(generator.format.points(generator.decode(chance, label)) - point, axis=1).min()
            for point, label in zip(points, y, strict=True)
        ]
        assert distance.mean() < share * np.mean(nearest)
        # As long as what a generator has learned from, and not a corner of the space.
        assert np.abs(np.linalg.norm(noise, axis=1) / np.sqrt(noise.shape[1]) - 1).max() < 0.35


def test_no_sample_has_no_noise(digits: Generator) -> None:
    noise, distance = digits.encode(np.zeros((0, 8, 8, 1), np.uint8), [], return_distance=True)
    assert (noise.shape, distance.shape) == ((0, 64), (0,))


def test_samples_of_another_form_are_refused(digits: Generator, wine: Generator) -> None:
    for images in (np.zeros((2, 8, 8, 1)), np.zeros((2, 9, 8, 1), np.uint8), np.zeros((2, 8, 8, 3), np.uint8), "x"):
        with pytest.raises(DataError, match=r"must be uint8 of shape \(n, 8, 8, 1\)"):
            digits.encode(images, "1")
    with pytest.raises(DataError, match="must have the columns"):
        wine.encode(pd.DataFrame({"x": [1.0]}), wine.classes[0])
