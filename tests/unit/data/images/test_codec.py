"""The image codec: size, channels, scaling, padding."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganaug.data.images.codec import ImageCodec, unpadded
from ganaug.errors import DataError

RNG = np.random.default_rng(0)


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def flat(height: int, width: int, *colour: int) -> np.ndarray:
    return np.full((height, width, len(colour)), colour, dtype=np.uint8)


@pytest.mark.parametrize(
    ("side", "size"),
    [
        (1, 8),
        (8, 8),
        (10, 8),
        (11, 16),
        (20, 16),
        (21, 32),
        (28, 32),
        (40, 32),
        (41, 64),
        (80, 64),
        (81, 64),
        (999, 64),
    ],
)
def test_the_size_is_the_smallest_that_loses_little(side: int, size: int) -> None:
    assert ImageCodec.fit([(side, 1, 3)]).size == size
    assert ImageCodec.fit([(1, side, 3)]).size == size


def test_the_median_decides_and_not_the_outlier() -> None:
    assert ImageCodec.fit([(30, 30, 3), (32, 20, 3), (3000, 4000, 3)]).size == 32


@pytest.mark.parametrize("size", [8, 16, 32, 64, 128, 256, 512])
def test_a_given_size_is_kept(size: int) -> None:
    assert ImageCodec.fit([(30, 30, 3)], size).shape == (size, size, 3)


@pytest.mark.parametrize("size", [0, -8, 1, 4, 7, 24, 100, 1024, True, 32.0, "32"])
def test_a_size_that_is_no_power_of_two_in_range_is_refused(size: Any) -> None:
    with pytest.raises(DataError, match="must be a power of two from 8 to 512 pixels, but it is"):
        ImageCodec.fit([(30, 30, 3)], size)


@pytest.mark.parametrize(
    ("numbers", "channels"),
    [
        pytest.param({1: 5}, 1, id="all-grey"),
        pytest.param({1: 99, 3: 1}, 3, id="one-colour"),
        pytest.param({3: 95, 4: 5}, 4, id="five-percent-transparent"),
        pytest.param({3: 96, 4: 4}, 3, id="less-than-five-percent-transparent"),
        pytest.param({1: 99, 4: 1}, 3, id="transparency-counts-as-colour"),
    ],
)
def test_the_channels_follow_the_data(numbers: dict[int, int], channels: int) -> None:
    shapes = [(8, 8, own) for own, number in numbers.items() for _ in range(number)]
    assert ImageCodec.fit(shapes).channels == channels


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(DataError, match="at least one image"):
        ImageCodec.fit([])


@pytest.mark.parametrize("channels", [0, 2, 5, True, 3.0])
def test_other_numbers_of_channels_are_refused(channels: Any) -> None:
    with pytest.raises(DataError, match="1, 3 or 4 channels"):
        ImageCodec(8, channels)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("shape", [(8, 8), (16, 16), (5, 30), (30, 5), (100, 1), (1, 1000), (1, 1)])
@pytest.mark.parametrize("own", [1, 3, 4])
def test_everything_becomes_the_one_shape(shape: tuple[int, int], own: int, channels: int) -> None:
    codec = ImageCodec(16, channels)
    encoded = codec.encode(noise(*shape, own))
    assert encoded.shape == codec.shape
    assert encoded.dtype == np.uint8


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_that_fits_stays_exactly_as_it_is(channels: int) -> None:
    image = noise(16, 16, channels)
    encoded = ImageCodec(16, channels).encode(image)
    np.testing.assert_array_equal(encoded, image)
    encoded[:] = 0
    assert image.any(), "the result must be a copy"


def test_the_aspect_ratio_stays_and_the_picture_is_centred() -> None:
    image = flat(20, 40, 0, 0, 255)
    image[5:15, 10:30] = (255, 0, 0)  # A red box of 1 : 2 on blue.
    encoded = ImageCodec(16, 3).encode(image)
    rows, columns = np.nonzero(encoded[..., 0] > 127)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 9, 4, 11)


def test_padding_takes_the_median_colour_of_the_border() -> None:
    image = flat(8, 16, 10, 200, 30)
    image[2:6, 2:14] = 0  # The inside has no say,
    image[0, :4] = 255  # nor have a few pixels of the border.
    encoded = ImageCodec(16, 3).encode(image)
    np.testing.assert_array_equal(encoded[4:12], image)
    assert (encoded[:4] == (10, 200, 30)).all()
    assert (encoded[12:] == (10, 200, 30)).all()


def test_padding_is_transparent_where_there_is_alpha() -> None:
    for own in (flat(16, 8, 10, 200, 30), flat(16, 8, 10, 200, 30, 200)):
        encoded = ImageCodec(16, 4).encode(own)
        assert not encoded[:, :4, 3].any()
        assert not encoded[:, 12:, 3].any()
        assert encoded[0, 4].tolist() == [10, 200, 30, 255 if own.shape[2] == 3 else 200]


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    stripes = np.zeros((64, 64, 1), dtype=np.uint8)
    stripes[:, ::2] = 255
    encoded = ImageCodec(16, 1).encode(stripes)
    assert np.abs(encoded.astype(int) - 127.5).max() < 30


def test_a_small_image_is_enlarged_to_the_common_scale() -> None:
    image = np.zeros((4, 4, 1), dtype=np.uint8)
    image[:, 2:] = 255
    encoded = ImageCodec(16, 1).encode(image)[..., 0]
    assert (encoded[:, :6] < 20).all()
    assert (encoded[:, 10:] > 235).all()


@pytest.mark.parametrize("side", [16, 64])
def test_invisible_colours_do_not_bleed_or_stay(side: int) -> None:
    image = flat(side, side, 255, 0, 0, 255)
    image[:, side // 3 :] = (0, 255, 0, 0)  # Green that nobody can see.
    encoded = ImageCodec(16, 4).encode(image)
    visible = encoded[..., 3] > 8  # Below that, eight bits cannot tell colours apart.
    assert visible.any()
    assert (encoded[visible][:, 0] > 215).all()
    assert encoded[..., 1].max() == 0


def test_what_is_hidden_has_the_mean_colour_of_what_is_seen() -> None:
    image = flat(64, 32, 0, 0, 0, 0)
    image[8:36] = (200, 30, 60, 255)
    image[36:50] = (40, 30, 60, 255)
    encoded = ImageCodec(16, 4).encode(image)
    hidden = encoded[encoded[..., 3] < 16][:, :3]
    assert len(hidden) > 16 * 8
    assert np.abs(hidden - np.array([(28 * 200 + 14 * 40) / 42, 30, 60])).max() < 4
    assert not ImageCodec(16, 4).encode(flat(16, 16, 9, 9, 9, 0)).any()


def test_grey_becomes_colour_and_back_without_loss() -> None:
    grey = noise(8, 8, 1)
    colour = ImageCodec(8, 3).encode(grey)
    np.testing.assert_array_equal(colour, np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(ImageCodec(8, 1).encode(colour), grey)


def test_colour_becomes_its_luminance() -> None:
    image = noise(8, 8, 3)
    expected = np.asarray(Image.fromarray(image).convert("L")).astype(int)
    assert np.abs(ImageCodec(8, 1).encode(image)[..., 0] - expected).max() <= 1


def test_opaque_images_gain_an_opaque_alpha() -> None:
    image = noise(8, 8, 3)
    encoded = ImageCodec(8, 4).encode(image)
    np.testing.assert_array_equal(encoded[..., :3], image)
    assert (encoded[..., 3] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_transparency_falls_on_white(channels: int) -> None:
    image = np.array([[[0, 0, 0, 0], [0, 0, 0, 255]], [[0, 0, 0, 51], [255, 255, 255, 255]]], dtype=np.uint8)
    encoded = ImageCodec(8, channels).encode(np.kron(image, np.ones((4, 4, 1), dtype=np.uint8)))
    assert encoded[::4, ::4, 0].tolist() == [[255, 0], [204, 255]]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), dtype=np.uint8),
        np.zeros((8, 8, 2), dtype=np.uint8),
        np.zeros((0, 8, 3), dtype=np.uint8),
        np.zeros((8, 8, 3)),
    ],
)
def test_what_is_no_image_is_refused(image: Any) -> None:
    with pytest.raises(DataError, match="uint8 array"):
        ImageCodec(8, 3).encode(image)


@pytest.mark.parametrize("shape", [(64, 32, 1), (24, 64, 3), (64, 64, 3), (40, 40, 3)])
def test_a_padded_image_is_cut_out_of_its_square_again(shape: tuple[int, ...]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (4, 4, shape[2])).astype(np.uint8)
    photo = photo.repeat(-(-shape[0] // 4), 0).repeat(-(-shape[1] // 4), 1)[: shape[0], : shape[1]]
    square = ImageCodec.fit([shape], 64).encode(photo)
    back = unpadded(square, *shape[:2])
    assert back.shape == shape
    assert np.abs(back.astype(int) - photo).mean() < (1 if max(shape) == 64 else 16)
