"""Containers of images: shapes, ranges and dtypes come back."""

from typing import Any

import numpy as np
import pytest

from ganaug.data.containers import container_of
from ganaug.data.containers.images import image_container
from ganaug.data.containers.rows import table_container
from ganaug.data.images.codec import ImageCodec
from ganaug.errors import DataError


@pytest.mark.parametrize(
    ("values", "white", "whole"),
    [
        (np.array([[0, 9, 16, 3]]), 16, True),
        (np.array([[0.0, 9.0, 16.0, 3.0]]), 16, True),
        (np.array([[0, 1, 1, 0]], dtype=np.uint8), 1, True),
        (np.array([[0.0, 0.2, 1.0, 0.5]]), 1, False),
        (np.array([[0, 200, 1, 7]], dtype=np.uint8), 255, True),
        (np.array([[0, 200.5, 1, 7]], dtype=np.float32), 255, False),
    ],
)
def test_the_range_of_pixels_is_found_and_restored(values: np.ndarray, white: float, whole: bool) -> None:
    images = values.reshape(1, 2, 2)
    container = image_container(images, images, None, None)
    assert (container.white, container.whole) == (white, whole)
    restored = container.wrap(container.unwrap(images))
    assert restored.dtype == images.dtype
    np.testing.assert_allclose(restored, images, atol=0 if whole else white / 500)


@pytest.mark.parametrize("shape", [(6, 6), (5, 3), (20, 30, 3)])
def test_images_come_back_in_their_own_size(shape: tuple[int, ...]) -> None:
    image = np.full((1, *shape), 0.5)
    container = image_container(image, image, None, None)
    encoded = container.unwrap(image)
    codec = ImageCodec(16, encoded.shape[3])
    restored = container.wrap(np.stack([codec.encode(encoded[0])]))
    np.testing.assert_allclose(restored, image, atol=0.01)


BYTES = np.random.default_rng(0).integers(0, 256, (20, 4, 4)).astype(np.uint8)
DIGITS = BYTES // 16


@pytest.mark.parametrize(
    ("learned", "given", "high", "dtype"),
    [
        (BYTES / 255, BYTES, 255, np.uint8),
        (BYTES, BYTES / 255, 1, np.float64),
        (BYTES, (BYTES / 255).astype(np.float32), 1, np.float32),
        (BYTES, BYTES > 127, 1, np.bool_),
        (BYTES, (BYTES > 127) * 1.0, 1, np.float64),
        (BYTES, np.zeros_like(BYTES), 255, np.uint8),
        (BYTES, DIGITS.astype(np.int8), 255, np.int16),
        (DIGITS, DIGITS // 2, 15, np.uint8),
        (DIGITS, DIGITS / 15, 1, np.float64),
        (DIGITS // 2, BYTES, 7, np.uint8),
        (DIGITS / 15, DIGITS, None, None),
        (DIGITS / 1.0, BYTES, None, None),
    ],
)
def test_synthetic_images_have_the_scale_of_the_real_ones(learned: Any, given: Any, high: Any, dtype: Any) -> None:
    for flat in (False, True):
        containers = []
        for images in (learned, given):
            rows = images.reshape(20, 16) if flat else images
            containers.append(image_container(rows, rows, (4, 4), table_container(rows, rows) if flat else None))
        if high is None:
            with pytest.raises(DataError, match=r"Pixels must be numbers from 0 to .*, as in fit, but these are uint8"):
                containers[1].matched_to(containers[0])
            continue
        pixels = np.linspace(0, 255, 64).astype(np.uint8).reshape(4, 4, 4, 1)
        rows = given.reshape(20, 16) if flat else given
        container = containers[1].matched_to(containers[0]).promoted(rows, pixels)
        joined = container.append(rows, container.wrap(pixels))
        assert joined.dtype == dtype
        np.testing.assert_array_equal(joined[:20], rows)
        assert joined[20:].max() == high
        assert joined[20:].mean() == pytest.approx(high / 2, rel=0.1)


@pytest.mark.parametrize("image_shape", [None, (4, 4)])
def test_copies_hold_the_same_images(image_shape: Any) -> None:
    images = BYTES if image_shape is None else BYTES.reshape(20, 16)
    for given in (images, images.tolist()):
        copy = container_of(given, images, image_shape).copied(given)
        assert type(copy) is type(given)
        assert copy is not given
        np.testing.assert_array_equal(copy, images)


def test_classes_of_images_are_text() -> None:
    container = container_of(BYTES, BYTES)
    data = container.dataset(BYTES, np.arange(20) % 2, [container.class_name(label) for label in (3, 5)])
    assert (data.modality, data.classes, data.images.shape) == ("image", ("3", "5"), (20, 8, 8, 1))
    assert container.kinds(BYTES) == {}
    with pytest.raises(DataError, match="categorical_features must be 'auto' for images"):
        container.dataset(BYTES, np.arange(20) % 2, ["3", "5"], [0])


def test_a_table_is_no_container_for_images() -> None:
    images, table = container_of(BYTES, BYTES), container_of(BYTES[0], BYTES[0])
    with pytest.raises(DataError, match="must hold a table, as in fit, but holds images: reshape it, or fit again"):
        container_of(BYTES, BYTES, fitted=table)
    with pytest.raises(DataError, match="must hold images, as in fit, but holds a table"):
        container_of(BYTES[0], BYTES[0], fitted=images)
    assert container_of(BYTES[0], BYTES[0], fitted=table) == table
